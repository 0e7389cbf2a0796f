//! Who asks: the DCU that is served, the same one after a restart, or another one under its identity.
//!
//! A DCU that restarts names the sessions before it, and the one that is served is among them. A second DCU with a copy
//! of its disk does not know what the first has called itself since: their lines part, and only one of them is served.
//! That there are two is told every time the other asks.
//!
//! Which of the two it is: whoever came first, **unless that one says that no meter answers it, and the other that some
//! do**. A card that was copied and started on a bench reaches nobody; what it is given helps no customer. So the site is
//! served again as soon as one of its meters has answered it. Both prove by the site's key that they are what they say, and
//! both have it: this sorts out accidents. Against a thief of card and keys helps an operator alone (`rebind`).

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
    /// Somebody else, after a long silence, or in the place of a machine that reaches no meter.
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
    /// How many meters answer the one that is served, as it said last; `None`: it has not said.
    pub(super) reach: Option<u32>,
}

/// Judges.
pub(super) fn judge(inbox: &Inbox, request: &FetchRequest, known: Circumstances) -> Lineage {
    let Circumstances { last, served_ms, silent_ms, takeover_ms, reach } = known;
    let Some(bound) = inbox.bound() else { return Lineage::Next };
    let reaches_more = reach == Some(0) && request.reach.is_some_and(|meters| meters > 0);
    let stranger = || {
        let takes_over = reaches_more || takeover_ms.is_some_and(|limit| silent_ms >= limit);
        if takes_over { Lineage::TakesOver } else { Lineage::Twin }
    };
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

#[cfg(test)]
mod tests {
    use taa_dcu::payment::Currency;

    use super::*;

    fn request(session: u64, before: &[u64], reach: Option<u32>) -> FetchRequest {
        FetchRequest {
            site: "jija".into(),
            session,
            number: 1,
            before: before.to_vec(),
            epoch: 0,
            cursor: 0,
            currency: Currency::new("TZS").unwrap(),
            minor_per_unit: 100,
            reply_bytes_max: 1400,
            fates: Vec::new(),
            reach,
            answers: Vec::new(),
        }
    }

    fn told(served: Option<u32>, asks: Option<u32>) -> Lineage {
        let mut inbox = Inbox::default();
        inbox.bind(Some(7));
        let known = Circumstances {
            last: None,
            served_ms: 3_600_000,
            silent_ms: 1_000,
            takeover_ms: Some(6 * 3_600_000),
            reach: served,
        };
        judge(&inbox, &request(8, &[5], asks), known)
    }

    #[test]
    fn whoever_reaches_meters_is_served_before_who_reaches_none() {
        assert_eq!(told(Some(0), Some(1)), Lineage::TakesOver);
        // Whoever is served and reaches meters stays so, however many the other one reaches.
        assert_eq!(told(Some(1), Some(200)), Lineage::Twin);
        assert_eq!(told(Some(0), Some(0)), Lineage::Twin);
        // Of a machine that does not say it, nothing is assumed.
        assert_eq!(told(None, Some(200)), Lineage::Twin);
        assert_eq!(told(Some(0), None), Lineage::Twin);
    }

    #[test]
    fn a_restart_is_no_stranger_whatever_it_reaches() {
        let mut inbox = Inbox::default();
        inbox.bind(Some(7));
        let known = Circumstances { last: None, served_ms: 0, silent_ms: 0, takeover_ms: None, reach: Some(200) };
        assert_eq!(judge(&inbox, &request(8, &[7], Some(0)), known), Lineage::Next);
    }
}
