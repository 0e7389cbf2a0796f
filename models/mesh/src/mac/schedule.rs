//! Unicast and broadcast slots in time (Wi-SUN FAN 1.1, 6.3.4.1–6.3.4.4).
//!
//! Every node counts unicast slots of its own dwell interval from its own start: 65536 of them are one sequence, and the
//! *unicast fractional sequence interval* (UFSI) in a frame says how far the sender is, in 2^24ths of a sequence. The
//! broadcast schedule is the border router's, flooded down: every broadcast interval begins with one broadcast dwell in
//! which all listen on one channel, and outside of which each listens on its own.
//!
//! What is known of a neighbour is where it was at one instant; crystals drift, so the guard grows with age.

use serde::{Deserialize, Serialize};

use super::Eui64;
use super::channels::Channels;
use super::hop;
use crate::peers::Peers;

/// Nanoseconds in a millisecond.
const NS_PER_MS: u64 = 1_000_000;
/// Slots in a unicast sequence.
const SLOTS: u64 = 1 << 16;

/// A node's unicast schedule, on the node's own time base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unicast {
    /// Whose it is.
    pub of: Eui64,
    /// How long it stays on a channel, milliseconds; 15–255, by default 255.
    pub dwell_ms: u8,
    /// The channels it hops over.
    pub channels: Channels,
}

impl Unicast {
    fn dwell_ns(&self) -> u64 {
        u64::from(self.dwell_ms.max(1)) * NS_PER_MS
    }

    /// The slot at a time since the node's own start, nanoseconds.
    #[must_use]
    pub fn slot_at(&self, own_ns: u64) -> u16 {
        ((own_ns / self.dwell_ns()) % SLOTS) as u16
    }

    /// The channel it listens on at a time since its own start, nanoseconds.
    #[must_use]
    pub fn channel_at(&self, own_ns: u64) -> u16 {
        hop::unicast_channel(self.slot_at(own_ns), self.of, &self.channels)
    }

    /// What a frame sent at this time since the node's own start carries, in 2^24ths of a sequence.
    #[must_use]
    pub fn ufsi_at(&self, own_ns: u64) -> u32 {
        // A sequence is 2^16 dwells: a 2^24th of it is a 256th of a dwell.
        let into_ns = own_ns % (self.dwell_ns() * SLOTS);
        ((into_ns * 256 / self.dwell_ns()) & 0xff_ffff) as u32
    }

    /// How far into its sequence a node is that says this, nanoseconds: the least time that rounds to it.
    #[must_use]
    pub fn own_ns(&self, ufsi: u32) -> u64 {
        (u64::from(ufsi & 0xff_ffff) * self.dwell_ns()).div_ceil(256)
    }
}

/// The broadcast schedule of a PAN, on the time base of who follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// The identifier that the border router drew.
    pub bsi: u16,
    /// From one broadcast slot to the next, milliseconds; by default 1020.
    pub interval_ms: u32,
    /// How much of it is the broadcast dwell, milliseconds; 100–255, by default 255.
    pub dwell_ms: u8,
    /// The channels.
    pub channels: Channels,
    /// When slot 0 began, in the follower's time, nanoseconds. Before the follower's start when it joined later.
    pub epoch_ns: i64,
}

impl Broadcast {
    fn interval_ns(&self) -> i64 {
        i64::from(self.interval_ms.max(1)) * NS_PER_MS as i64
    }

    fn since_epoch(&self, now_ns: u64) -> i64 {
        i64::try_from(now_ns).unwrap_or(i64::MAX).saturating_sub(self.epoch_ns)
    }

    /// Sets the epoch from what a frame said at its arrival: the broadcast slot and the offset into it, milliseconds.
    pub fn follow(&mut self, arrived_ns: u64, slot: u16, offset_ms: u32) {
        let into = i64::from(slot) * self.interval_ns() + i64::from(offset_ms) * NS_PER_MS as i64;
        self.epoch_ns = i64::try_from(arrived_ns).unwrap_or(i64::MAX).saturating_sub(into);
    }

    /// The slot at a time, and how far into it, nanoseconds.
    #[must_use]
    pub fn slot_at(&self, now_ns: u64) -> (u16, u64) {
        let since = self.since_epoch(now_ns);
        let slot = since.div_euclid(self.interval_ns()).rem_euclid(SLOTS as i64);
        (slot as u16, since.rem_euclid(self.interval_ns()).unsigned_abs())
    }

    /// The channel of the slot at a time.
    #[must_use]
    pub fn channel_at(&self, now_ns: u64) -> u16 {
        hop::broadcast_channel(self.slot_at(now_ns).0, self.bsi, &self.channels)
    }

    /// Whether all listen together at this time.
    #[must_use]
    pub fn is_dwell(&self, now_ns: u64) -> bool {
        self.slot_at(now_ns).1 < u64::from(self.dwell_ms) * NS_PER_MS
    }

    /// The first time from `now_ns` on at which a broadcast of this length may begin: inside a dwell and over before its
    /// end. A frame longer than the dwell begins with one.
    #[must_use]
    pub fn next_broadcast_ns(&self, now_ns: u64, air_ns: u64) -> u64 {
        let (_, into) = self.slot_at(now_ns);
        let dwell = u64::from(self.dwell_ms) * NS_PER_MS;
        if into + air_ns <= dwell && into < dwell {
            now_ns
        } else {
            now_ns + (self.interval_ns().unsigned_abs() - into)
        }
    }

    /// The first time from `now_ns` on at which a unicast of this length (with its acknowledgement) may begin: outside
    /// of a dwell and over before the next. One longer than what lies between two dwells begins right after one.
    #[must_use]
    pub fn next_unicast_ns(&self, now_ns: u64, air_ns: u64) -> u64 {
        let (_, into) = self.slot_at(now_ns);
        let (dwell, interval) = (u64::from(self.dwell_ms) * NS_PER_MS, self.interval_ns().unsigned_abs());
        let free = interval.saturating_sub(dwell);
        if into < dwell {
            now_ns + (dwell - into)
        } else if into + air_ns <= interval || (air_ns > free && into == dwell) {
            now_ns
        } else {
            now_ns + (interval - into) + dwell
        }
    }
}

/// What is known of where a neighbour listens: its schedule, and where in it the neighbour was at one instant of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Its schedule, as it advertised it.
    pub schedule: Unicast,
    /// When we heard it, on our time base, nanoseconds.
    pub at_ns: u64,
    /// Where it said to be then.
    pub ufsi: u32,
}

impl Heard {
    /// The neighbour's own time at a time of ours, nanoseconds into its sequence.
    #[must_use]
    pub fn own_ns(&self, now_ns: u64) -> u64 {
        self.schedule.own_ns(self.ufsi).saturating_add(now_ns.saturating_sub(self.at_ns))
    }

    /// The channel on which it listens at a time of ours.
    #[must_use]
    pub fn channel_at(&self, now_ns: u64) -> u16 {
        self.schedule.channel_at(self.own_ns(now_ns))
    }

    /// By how much we may be wrong about it, for two crystals of this drift each, nanoseconds.
    ///
    /// One slot of the UFSI's resolution (a 256th of a dwell) is always in it.
    #[must_use]
    pub fn uncertainty_ns(&self, now_ns: u64, drift_ppm: u32) -> u64 {
        let age_ns = now_ns.saturating_sub(self.at_ns);
        let drift_ns = match age_ns.checked_mul(2 * u64::from(drift_ppm)) {
            Some(product) => product / 1_000_000,
            None => (age_ns / 1_000_000).saturating_mul(2 * u64::from(drift_ppm)),
        };
        drift_ns.saturating_add(self.schedule.dwell_ns() / 256)
    }

    /// Whether it is surely on one channel from now on for this long: else a frame may hit a hop.
    #[must_use]
    pub fn is_sure(&self, now_ns: u64, air_ns: u64, drift_ppm: u32) -> bool {
        let guard = self.uncertainty_ns(now_ns, drift_ppm);
        let (dwell, into) = (self.schedule.dwell_ns(), self.own_ns(now_ns) % self.schedule.dwell_ns());
        into >= guard && into.saturating_add(air_ns).saturating_add(guard) <= dwell
    }
}

/// Where neighbours listen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedules(Peers<Heard>);

impl Schedules {
    /// What was heard of a neighbour.
    #[must_use]
    pub fn get(&self, neighbour: Eui64) -> Option<&Heard> {
        self.0.get(neighbour)
    }

    /// A neighbour's frame said where it is in its schedule.
    pub fn hear(&mut self, schedule: &Unicast, at_ns: u64, ufsi: u32) {
        let new = || Heard { schedule: schedule.clone(), at_ns, ufsi };
        let heard = self.0.get_or_insert_with(schedule.of, new);
        (heard.at_ns, heard.ufsi) = (at_ns, ufsi);
        if heard.schedule != *schedule {
            heard.schedule = schedule.clone();
        }
    }
}

impl FromIterator<Heard> for Schedules {
    fn from_iter<I: IntoIterator<Item = Heard>>(all: I) -> Self {
        let mut own = Self::default();
        for heard in all {
            own.0.get_or_insert_with(heard.schedule.of, || heard);
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(last: u8) -> Unicast {
        Unicast {
            of: Eui64([0, 0x0b, 0x57, 0xff, 0xfe, 0, 1, last]),
            dwell_ms: 255,
            channels: Channels::all(129).unwrap(),
        }
    }

    /// Frames of a real router said 0x00b306 at 45.651147 s and 0x00da83 at 55.721201 s of their own time bases.
    #[test]
    fn the_fraction_is_what_real_routers_said() {
        assert_eq!(node(1).ufsi_at(45_651_147_000), 0x00_b306);
        assert_eq!(node(0).ufsi_at(55_721_201_000), 0x00_da83);
        let back = node(1).own_ns(0x00_b306);
        assert!(45_651_147_000_u64.abs_diff(back) < 1_000_000, "{back} ns");
    }

    /// Rounding up keeps a decoded time in the slot it came from, over the whole sequence.
    #[test]
    fn a_fraction_decodes_into_its_own_slot() {
        let schedule = node(7);
        for slot in (0..65_536_u64).step_by(97) {
            let own = slot * 255 * NS_PER_MS;
            assert_eq!(u64::from(schedule.slot_at(schedule.own_ns(schedule.ufsi_at(own)))), slot);
        }
    }

    #[test]
    fn a_heard_neighbour_is_found_on_its_channel_until_it_drifts() {
        let schedule = node(3);
        let heard = Heard { schedule: schedule.clone(), at_ns: 1_000_000_000, ufsi: schedule.ufsi_at(77_000_000_000) };
        for later in (0..60_000_u64).step_by(137) {
            let now = 1_000_000_000 + later * NS_PER_MS;
            if heard.is_sure(now, NS_PER_MS, 20) {
                assert_eq!(heard.channel_at(now), schedule.channel_at(77_000_000_000 + later * NS_PER_MS));
            }
        }
        let hour = heard.uncertainty_ns(3_601_000_000_000, 20);
        assert_eq!(hour, 144_000_000 + 255_000_000 / 256, "an hour at twice 20 ppm is 144 ms");
        assert!(!heard.is_sure(7_201_000_000_000, NS_PER_MS, 20), "after two hours no instant of a dwell is sure");
    }

    #[test]
    fn broadcasts_and_unicasts_keep_out_of_each_other() {
        let mut broadcast = Broadcast {
            bsi: 56_811,
            interval_ms: 1020,
            dwell_ms: 255,
            channels: Channels::all(129).unwrap(),
            epoch_ns: 0,
        };
        // A frame that arrived at 5 s of ours said slot 8, 248 ms into it: slot 0 began 3.408 s before our start.
        broadcast.follow(5_000_000_000, 8, 248);
        assert_eq!(broadcast.epoch_ns, -3_408_000_000);
        assert_eq!(broadcast.slot_at(5_000_000_000), (8, 248_000_000));
        for ms in 0..3_000_u64 {
            let now = ms * NS_PER_MS;
            let (at, air) = (broadcast.next_broadcast_ns(now, 20 * NS_PER_MS), 20 * NS_PER_MS);
            assert!(at >= now && broadcast.is_dwell(at) && broadcast.is_dwell(at + air - 1));
            let at = broadcast.next_unicast_ns(now, air);
            assert!(at >= now && !broadcast.is_dwell(at) && !broadcast.is_dwell(at + air - 1));
        }
        let long = broadcast.next_unicast_ns(0, 900 * NS_PER_MS);
        assert!(broadcast.slot_at(long).1 == 255_000_000 && broadcast.next_unicast_ns(long, 900 * NS_PER_MS) == long);
    }
}
