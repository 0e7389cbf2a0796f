//! What an order of the cloud rests on, and whether that is good enough to open a relay.
//!
//! | the order says | told by | doubt |
//! |---|---|---|
//! | when its newest reading was taken | this site's own clock, which has stamped the reading | it is older than allowed, or lies ahead |
//! | when the cloud decided | the cloud's clock | it lies ahead: one of the two clocks is wrong |
//! | nothing (a cloud of before) | – | it is of unknown age |
//!
//! Only openings are judged: closing harms nobody. What is refused is asked anew: the meter is read, the reading goes up,
//! and the cloud renews its order on it, or takes it back.

use serde::{Deserialize, Serialize};

use super::{Held, Relay, RelayRules};

/// The data on which the cloud has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Basis {
    /// When the newest reading billed was taken, Unix ms, by the clock of the site.
    pub data_unix_ms: i64,
    /// When it was decided, Unix ms, by the clock of the cloud: payments that came later are not in it.
    pub decided_unix_ms: i64,
}

/// Why an order of the cloud to open was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Refusal {
    /// The site's clock is not set, or contradicts the cloud's.
    Clock = 1,
    /// The data are too old, or older than a payment that the site has passed on.
    Data = 2,
    /// It does not say on what it rests.
    Undated = 3,
}

impl Refusal {
    /// All of them, for reading.
    pub const ALL: [Self; 3] = [Self::Clock, Self::Data, Self::Undated];

    /// The refusal behind what holds an order; `None` where time alone will do, or the cloud cannot be told.
    #[must_use]
    pub const fn of(held: Held) -> Option<Self> {
        match held {
            Held::Clock => Some(Self::Clock),
            Held::Data => Some(Self::Data),
            Held::Undated => Some(Self::Undated),
            _ => None,
        }
    }

    /// As a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Data => "data",
            Self::Undated => "undated",
        }
    }
}

/// An order of the cloud until the meter's output state confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudOrder {
    /// The cloud's number.
    pub number: u64,
    /// To this state.
    pub relay: Relay,
    /// What it rests on; `None`: it has not said.
    pub basis: Option<Basis>,
    /// It was refused on this basis, why, and the cloud is told.
    pub refused: Option<Refusal>,
}

impl CloudOrder {
    /// The same order on newer data.
    #[must_use]
    pub fn is_renewed_by(&self, number: u64, relay: Relay, basis: Option<Basis>) -> bool {
        let same = (self.number, self.relay) == (number, relay);
        same && basis.is_some_and(|new| self.basis.is_none_or(|old| new.data_unix_ms > old.data_unix_ms))
    }
}

/// Whether a relay may be opened on this, at this time of the site's own clock. `paid_unix_ms`: when the site last passed
/// on a payment to this account.
pub(super) fn judge(
    basis: Option<Basis>,
    rules: &RelayRules,
    now_unix_ms: Option<i64>,
    paid_unix_ms: Option<i64>,
) -> Result<(), Held> {
    let now = now_unix_ms.ok_or(Held::Clock)?;
    let basis = basis.ok_or(Held::Undated)?;
    let error_ms = i64::from(rules.clock_error_max_s).saturating_mul(1000);
    if basis.decided_unix_ms > now.saturating_add(error_ms) {
        return Err(Held::Clock);
    }
    let age_max_ms = i64::from(rules.evidence_age_max_s).saturating_mul(1000);
    let age_ms = now.saturating_sub(basis.data_unix_ms);
    let decided_before = |paid: i64| paid.saturating_add(error_ms) >= basis.decided_unix_ms;
    if age_ms > age_max_ms || age_ms < -error_ms || paid_unix_ms.is_some_and(decided_before) {
        return Err(Held::Data);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn told(data_h: i64, decided_h: i64, now_ms: Option<i64>) -> Option<Held> {
        let basis = Basis { data_unix_ms: data_h * HOUR_MS, decided_unix_ms: decided_h * HOUR_MS };
        judge(Some(basis), &RelayRules::default(), now_ms, None).err()
    }

    #[test]
    fn an_order_is_as_good_as_its_data_by_the_clock_of_the_site() {
        assert_eq!(told(10, 10, Some(13 * HOUR_MS)), None);
        assert_eq!(told(10, 10, Some(13 * HOUR_MS + 1)), Some(Held::Data), "older than three hours");
        assert_eq!(told(10, 12, Some(13 * HOUR_MS + 1)), Some(Held::Data), "however lately it was decided");
        assert_eq!(told(10, 10, None), Some(Held::Clock));
        assert_eq!(
            told(10, 10, Some(9 * HOUR_MS)),
            Some(Held::Clock),
            "decided in an hour's time: whose clock is wrong?"
        );
        assert_eq!(told(12, 10, Some(11 * HOUR_MS)), Some(Held::Data), "read in an hour's time");
        assert_eq!(told(10, 10, Some(10 * HOUR_MS - 60_000)), None, "a minute is no doubt");
        for clock in [0, 4_070_908_800_000] {
            assert!(told(490_000, 490_000, Some(clock)).is_some(), "1970 and 2099");
        }
        let rules = RelayRules::default();
        assert_eq!(judge(None, &rules, Some(0), None), Err(Held::Undated));
        let basis = Some(Basis { data_unix_ms: 0, decided_unix_ms: 0 });
        assert_eq!(judge(basis, &rules, Some(HOUR_MS), Some(HOUR_MS / 2)), Err(Held::Data), "paid since");
        assert_eq!(judge(basis, &rules, Some(HOUR_MS), Some(-HOUR_MS)), Ok(()), "the cloud has decided since");
    }

    #[test]
    fn only_newer_data_renew_an_order() {
        let basis = |data_unix_ms| Some(Basis { data_unix_ms, decided_unix_ms: 0 });
        let order = CloudOrder { number: 7, relay: Relay::Open, basis: basis(5), refused: Some(Refusal::Data) };
        assert!(order.is_renewed_by(7, Relay::Open, basis(6)));
        assert!(!order.is_renewed_by(7, Relay::Open, basis(5)) && !order.is_renewed_by(7, Relay::Open, None));
        assert!(!order.is_renewed_by(7, Relay::Closed, basis(6)) && !order.is_renewed_by(8, Relay::Open, basis(6)));
        assert!(CloudOrder { basis: None, ..order }.is_renewed_by(7, Relay::Open, basis(0)));
    }
}
