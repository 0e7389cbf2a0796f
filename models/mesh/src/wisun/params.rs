//! Times of discovery and joining by size of network.
//!
//! | size | discovery Imin–Imax, k | MPL Imin–Imax, k, expirations | PAN version raised every | PAN timeout |
//! |---|---|---|---|---|
//! | small (to 100 nodes) | 15–60 s, 1 | 1–8 s, 8, 2 | 4 min | 32 min |
//! | medium (to 800) | 60–960 s, 1 | 1–32 s, 8, 2 | 15 min | 64 min |
//! | large (to 1500) | 120–960 s, 1 | 5–40 s, 8, 2 | 30 min | 90 min |
//! | extra large | 240–1920 s, 1 | 10–80 s, 8, 2 | 40 min | 120 min |
//!
//! | | small, medium | large, extra large |
//! |---|---|---|
//! | border router repeats a message of an exchange after, doubling to; at most | 60 s, 120 s; 4 times | 60 s, 240 s; 4 times |
//! | the joining node gives an exchange up after | 450 s | 750 s |
//!
//! Repetitions are an open stack's (its Trickle of key messages; here without chance), where RFC 3748 names 3 s.
//! Discovery and MPL are an open border router's (2.10.2), the PAN's times an open stack's (extra large: arbitrary), delays of keys and addresses those
//! of the open router that names FAN 1.1 v08–v09 for them (facts, `radio.json`). Two of its longest intervals are no
//! doubling of the shortest (large discovery 1536 s, small MPL 10 s): the next doubling below stands here.

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::trickle::{self, Trickle};

const S: u64 = 1_000_000_000;

/// How large the network is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Size {
    /// Up to about 100 nodes below 300 kb/s.
    Small,
    /// Up to several hundred.
    Medium,
    /// Up to about 1500.
    Large,
    /// Beyond.
    ExtraLarge,
}

/// The times, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Trickle of PAS, PA, PCS and PC.
    pub discovery: trickle::Parameters,
    /// Trickle of multicast data (RFC 7731).
    pub mpl: trickle::Parameters,
    /// After so many intervals a multicast message is not repeated any more.
    pub mpl_expirations: u8,
    /// The first key request waits for up to this long.
    pub key_delay_max_ns: u64,
    /// An unanswered key request is repeated after this long, doubling …
    pub key_retry_ns: u64,
    /// … up to this …
    pub key_retry_max_ns: u64,
    /// … and so often before the PAN is given up.
    pub key_retries_max: u8,
    /// The border router repeats an unanswered message of an exchange after this long, doubling …
    pub exchange_retry_ns: u64,
    /// … up to this …
    pub exchange_retry_max_ns: u64,
    /// … and so often before the exchange has failed.
    pub exchange_retries_max: u8,
    /// Without the next message for so long, an exchange has failed at the joining node.
    pub exchange_timeout_ns: u64,
    /// A change of group keys is answered by a key request within this (GTK_MAX_MISMATCH, 64 min).
    pub mismatch_max_ns: u64,
    /// The first address request waits for up to this long.
    pub address_delay_max_ns: u64,
    /// An unanswered one is repeated after this long.
    pub address_retry_ns: u64,
    /// The border router raises the PAN's version this often, so that all hear of it.
    pub pan_version_ns: u64,
    /// Without hearing the border router for so long, a node looks for another PAN.
    pub pan_timeout_ns: u64,
    /// After so many unanswered PCS a node starts over (PCS_MAX).
    pub pcs_max: u8,
    /// What a signal must be above the sensitivity for a neighbour to be a candidate, dB: threshold and hysteresis.
    pub candidate_margin_db: i16,
    /// Candidates this far above the sensitivity go before weaker ones, whatever these cost, dB.
    pub preferred_margin_db: i16,
    /// The receiver's sensitivity, dBm.
    pub sensitivity_dbm: i16,
    /// How long a node's processor works on a certificate. 0 is a workstation's; a meter's takes hundreds of
    /// milliseconds (no source here: set it from the part's data).
    pub crypto_ns: u64,
}

impl Params {
    /// By size.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let (disc_s, disc_doublings, mpl_s, mpl_doublings, [pan_version_min, pan_timeout_min]) = match size {
            Size::Small => (15, 2, 1, 3, [4, 32]),
            Size::Medium => (60, 4, 1, 5, [15, 64]),
            Size::Large => (120, 3, 5, 3, [30, 90]),
            Size::ExtraLarge => (240, 3, 10, 3, [40, 120]),
        };
        let (exchange_retry_max_s, exchange_timeout_s) = match size {
            Size::Small | Size::Medium => (120, 450),
            Size::Large | Size::ExtraLarge => (240, 750),
        };
        Self {
            discovery: trickle::Parameters { interval_min_ns: disc_s * S, doublings: disc_doublings, redundancy: 1 },
            mpl: trickle::Parameters { interval_min_ns: mpl_s * S, doublings: mpl_doublings, redundancy: 8 },
            mpl_expirations: 2,
            key_delay_max_ns: 30 * S,
            key_retry_ns: 300 * S,
            key_retry_max_ns: 3_600 * S,
            key_retries_max: 3,
            exchange_retry_ns: 60 * S,
            exchange_retry_max_ns: exchange_retry_max_s * S,
            exchange_retries_max: 4,
            exchange_timeout_ns: exchange_timeout_s * S,
            mismatch_max_ns: 3_840 * S,
            address_delay_max_ns: 60 * S,
            address_retry_ns: 60 * S,
            pan_timeout_ns: pan_timeout_min * 60 * S,
            pan_version_ns: pan_version_min * 60 * S,
            pcs_max: 5,
            candidate_margin_db: 13,
            preferred_margin_db: 13,
            sensitivity_dbm: -93,
            crypto_ns: 0,
        }
    }

    /// So long a configuration that can be read is waited for after one that cannot: as PCS_MAX take from the shortest interval
    /// on, an open stack's bound. Among many that lack one each is silenced by the others' PCS and never comes to PCS_MAX.
    pub(crate) fn configure_max_ns(&self) -> u64 {
        let (first, most) = (self.discovery.interval_min_ns, self.discovery.interval_max_ns());
        let interval = |at: u8| first.saturating_mul(1 << at.min(32)).min(most);
        (0..self.pcs_max).map(interval).fold(0, u64::saturating_add)
    }

    /// Starts a timer of discovery in an interval anywhere from the shortest to the longest (RFC 6206, 4.2 step 1, which
    /// RPL narrows to the shortest and Wi-SUN does not).
    pub(crate) fn start(&self, timer: &mut Trickle, now_ns: u64, draws: &mut Chance) {
        let (least_ns, most_ns) = (self.discovery.interval_min_ns, self.discovery.interval_max_ns());
        let interval_min_ns = least_ns + draws.between(0, most_ns - least_ns + 1);
        *timer = Trickle::new(trickle::Parameters { interval_min_ns, ..self.discovery });
        timer.start(now_ns, draws.word());
        timer.configure(self.discovery);
    }
}
