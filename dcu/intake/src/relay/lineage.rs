//! Who asks: the DCU that is served, the same one after a restart, or another one under its identity.
//!
//! A DCU that restarts names the sessions before it, and the one that is served is among them. A second DCU with a copy
//! of its disk does not know what the first has called itself since: their lines part, and only one of them is served.
//! Which of two copies it is, is a matter of who comes first after the copy; that there are two is told every time the
//! other asks.

use taa_dcu::fetch::FetchRequest;

use super::Inbox;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lineage {
    /// The session that is served.
    Same,
    /// A question that came late or twice.
    Old,
    /// The first to ask, or a restart of the one that is served.
    Next,
    /// Somebody else, after a long silence.
    TakesOver,
    /// Somebody else.
    Twin,
}

/// Judges. `last` is the highest question of this session so far, `silent_ms` for how long the one that is served has
/// not been heard.
pub(super) fn judge(
    inbox: &Inbox,
    request: &FetchRequest,
    last: Option<u32>,
    silent_ms: i64,
    takeover_ms: Option<i64>,
) -> Lineage {
    let Some(bound) = inbox.bound() else { return Lineage::Next };
    let stranger =
        || if takeover_ms.is_some_and(|limit| silent_ms >= limit) { Lineage::TakesOver } else { Lineage::Twin };
    if request.session == bound {
        return if last.is_some_and(|last| request.number <= last) { Lineage::Old } else { Lineage::Same };
    }
    if inbox.was_bound(request.session) {
        // It asks something new although a later session is served: both are alive.
        return if last.is_some_and(|last| request.number > last) { stranger() } else { Lineage::Old };
    }
    if request.before.contains(&bound) { Lineage::Next } else { stranger() }
}
