//! Randomness for secured sessions, and invocation counters that never repeat.
//!
//! A counter used twice under one key gives the key stream away. So counters are reserved in blocks by a record
//! ([`Entry::CounterReserved`]); a session sends nothing with a counter whose record is not durable, and after a restart
//! goes on at the bound. What was left of the block is skipped. A DCU whose whole journal is lost knows no bound: it
//! takes another system title, under which no counter has been used.

use taa_keys::Drbg;

use super::Dcu;
use crate::{MeterIx, journal::Entry};

/// Bytes of the system title that each journal draws for itself.
const TITLE_BYTES_DRAWN: usize = 4;

/// Counters that wait for their record to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    record: u64,
    meter: MeterIx,
    bound: u32,
}

impl Dcu {
    /// Entropy has come: sessions that waited for it may begin.
    pub(super) fn take_entropy(&mut self, now: u64, seed: &[u8; 32]) {
        if let Some(randomness) = &mut self.randomness {
            return randomness.reseed(seed);
        }
        // The boot number keeps two boots apart whose entropy is the same by some misfortune.
        let nonce = self.state.boot().to_be_bytes();
        let mut randomness = Drbg::new(seed, &nonce, &self.config.system_title);
        let Some(title) = self.title(now, &mut randomness) else { return };
        for ix in 0..self.fleet.len() {
            let meter = MeterIx(ix);
            let Some(unit) = self.fleet.unit_mut(meter).filter(|unit| unit.session.is_locked()) else { continue };
            unit.session.unlock(&mut randomness, title);
            self.requeue(meter);
        }
        self.randomness = Some(randomness);
    }

    /// The title of this journal; a new journal draws one. Counters are reserved by later records, so nothing is sent
    /// under a title that is not durable. `None` from a generator that gives nothing.
    fn title(&mut self, now: u64, randomness: &mut Drbg) -> Option<[u8; 8]> {
        if let Some(title) = self.state.system_title() {
            return Some(title);
        }
        let mut title = self.config.system_title;
        let drawn = title.last_chunk_mut::<TITLE_BYTES_DRAWN>()?;
        randomness.fill(drawn).ok()?;
        self.record(now, Entry::TitleTaken { title });
        Some(title)
    }

    /// A session will need counters up to this bound.
    pub(super) fn reserve(&mut self, now: u64, meter: MeterIx, bound: u32) {
        self.record(now, Entry::CounterReserved { meter, bound });
        self.reservations.push_back(Reservation { record: self.state.last_record(), meter, bound });
    }

    /// Hands out what is durable by now.
    pub(super) fn take_reserved(&mut self, now: u64) {
        while let Some(reservation) = self.reservations.pop_front_if(|next| next.record <= self.durable) {
            if let Some(unit) = self.fleet.unit_mut(reservation.meter) {
                unit.session.counter_durable(now, reservation.bound);
            }
            self.drive(now, reservation.meter);
        }
    }
}
