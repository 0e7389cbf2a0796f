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

/// A question may be on its way for so long, ms: one of an earlier session is late until then, and a sign of life of a
/// second DCU after it. Arbitrary.
const LATE_MS_MAX: i64 = 600_000;

/// What the relay knows besides the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// The highest question of this session so far.
    pub(super) last: Option<u32>,
    /// For how long the session that is served has been.
    pub(super) served_ms: i64,
    /// For how long it has not been heard.
    pub(super) silent_ms: i64,
    /// Silence after which a stranger may take its place.
    pub(super) takeover_ms: Option<i64>,
}

/// Judges.
pub(super) fn judge(inbox: &Inbox, request: &FetchRequest, known: Circumstances) -> Lineage {
    let Circumstances { last, served_ms, silent_ms, takeover_ms } = known;
    let Some(bound) = inbox.bound() else { return Lineage::Next };
    let stranger =
        || if takeover_ms.is_some_and(|limit| silent_ms >= limit) { Lineage::TakesOver } else { Lineage::Twin };
    if request.session == bound {
        return if last.is_some_and(|last| request.number <= last) { Lineage::Old } else { Lineage::Same };
    }
    if inbox.was_bound(request.session) {
        // It asks something new although a later session is served: both are alive.
        let new = last.is_some_and(|last| request.number > last);
        return if new && served_ms > LATE_MS_MAX { stranger() } else { Lineage::Old };
    }
    if request.before.contains(&bound) { Lineage::Next } else { stranger() }
}
