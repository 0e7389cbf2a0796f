//! Which packets are believed: sealed by the meter itself, of its epoch, and new.
//!
//! What is refused is counted, and raises no alarm: whoever can shout could else send the crew out.

use std::collections::BTreeMap;

use taa_gasp::{Guid, Header, Kind, Packet, PacketError, Seal};

use crate::{MeterIx, config::OutageConfig};

use super::{Outages, belief::Belief};

/// Why a packet changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not a packet at all.
    #[error("not an outage packet")]
    Malformed,
    /// Of no meter of this site.
    #[error("of no meter of this site")]
    Stranger,
    /// The seal does not fit.
    #[error("the seal does not fit")]
    Forged,
    /// Of another epoch: of a commissioning before, or of another site.
    #[error("of another epoch")]
    Epoch,
    /// An old one, sent again.
    #[error("an old one, sent again")]
    Replayed,
    /// Sealed well, and by its own time hours away: the meter is pinged instead.
    #[error("made at another time than now")]
    Stale,
}

/// How many were refused in this boot, and how many said nothing new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// [`Refused::Malformed`].
    pub malformed: u64,
    /// [`Refused::Stranger`].
    pub strangers: u64,
    /// [`Refused::Forged`].
    pub forged: u64,
    /// [`Refused::Epoch`].
    pub epoch: u64,
    /// [`Refused::Replayed`].
    pub replayed: u64,
    /// [`Refused::Stale`].
    pub stale: u64,
    /// Of an outage that is known: a second try of the meter, a reboot loop.
    pub repeated: u64,
}

impl Refusals {
    pub(crate) const fn count(&mut self, why: Refused) {
        let counter = match why {
            Refused::Malformed => &mut self.malformed,
            Refused::Stranger => &mut self.strangers,
            Refused::Forged => &mut self.forged,
            Refused::Epoch => &mut self.epoch,
            Refused::Replayed => &mut self.replayed,
            Refused::Stale => &mut self.stale,
        };
        *counter = counter.saturating_add(1);
    }
}

/// What a packet that was believed says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The supply goes.
    Down,
    /// The supply is back.
    Up,
    /// Nothing new.
    Repeated,
    /// The logic was tried out.
    Test,
}

/// A packet that its meter has sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) meter: MeterIx,
    pub(crate) packet: Packet,
    /// By how much the meter's clock is off, ms; nothing where one of both clocks is not set.
    pub(crate) off_ms: Option<u64>,
    /// By its own time it was made before this boot.
    before_boot: bool,
}

/// The seals of all meters.
#[derive(Debug)]
pub(crate) struct Gate {
    meters: BTreeMap<Guid, MeterIx>,
    seals: Vec<(Seal, u16)>,
    stale_ms: u64,
}

impl Gate {
    pub(crate) fn new(config: &OutageConfig) -> Self {
        let numbered = config.meters.iter().zip(0_u32..);
        Self {
            meters: numbered.map(|(meter, at)| (meter.guid, MeterIx(at))).collect(),
            seals: config.meters.iter().map(|meter| (Seal::new(meter.guid, &meter.key), meter.epoch)).collect(),
            stale_ms: u64::from(config.stale_s).saturating_mul(1000),
        }
    }

    /// Opens a packet: whose it is, what it says, and when it was made. `now`: monotonic ns of this boot.
    pub(crate) fn open(&self, now: u64, unix_ms: Option<i64>, bytes: &[u8]) -> Result<Opened, Refused> {
        let header = Header::read(bytes).map_err(|_| Refused::Malformed)?;
        let meter = *self.meters.get(&header.guid).ok_or(Refused::Stranger)?;
        let (seal, epoch) = self.seals.get(meter.at()).ok_or(Refused::Stranger)?;
        let packet = seal.open(bytes).map_err(|error| match error {
            PacketError::Forged => Refused::Forged,
            _ => Refused::Malformed,
        })?;
        if packet.header.epoch != *epoch {
            return Err(Refused::Epoch);
        }
        let made_ms = packet.at_unix_us.div_euclid(1000);
        let ours_ms = unix_ms.filter(|_| packet.clock_set).and_then(|ms| u64::try_from(ms).ok());
        let boot_ms = ours_ms.map(|ms| ms.saturating_sub(now.div_euclid(1_000_000)));
        Ok(Opened {
            meter,
            packet,
            off_ms: ours_ms.map(|ms| ms.abs_diff(made_ms)),
            before_boot: boot_ms.is_some_and(|ms| made_ms < ms),
        })
    }

    /// What a packet well sealed says that is new.
    pub(crate) fn judge(&self, opened: &Opened, belief: &Belief, outages: &Outages) -> Result<Heard, Refused> {
        let Opened { meter, packet, off_ms, .. } = *opened;
        if packet.test {
            return self.judge_test(opened, belief);
        }
        let counter = packet.header.counter;
        let known = outages.last_event(meter);
        let newest = known.max(belief.over).max(belief.gasp.map_or(0, |gasp| gasp.event));
        if packet.event < newest || (counter <= belief.counter && packet.event != newest) {
            return Err(Refused::Replayed);
        }
        if off_ms.is_some_and(|off| off > self.stale_ms) {
            return Err(Refused::Stale);
        }
        let same = packet.event == newest;
        match packet.header.kind {
            // A meter whose gasp is known, or whose outage is over: a repeat, or one that came late.
            Kind::PowerDown if same => Ok(Heard::Repeated),
            Kind::PowerDown => Ok(Heard::Down),
            Kind::PowerUp if same && belief.up_at.is_some() => Ok(Heard::Repeated),
            Kind::PowerUp if same && outages.ticket_of(meter).is_none() && belief.gasp.is_none() => Ok(Heard::Repeated),
            Kind::PowerUp => Ok(Heard::Up),
        }
    }

    /// A test is of this boot: no outage bears its number, and counters are not remembered longer. One that cannot be
    /// dated proves nothing.
    fn judge_test(&self, opened: &Opened, belief: &Belief) -> Result<Heard, Refused> {
        if opened.packet.header.counter <= belief.counter || opened.before_boot {
            return Err(Refused::Replayed);
        }
        let fresh = opened.off_ms.is_some_and(|off| off <= self.stale_ms);
        if fresh { Ok(Heard::Test) } else { Err(Refused::Stale) }
    }
}
