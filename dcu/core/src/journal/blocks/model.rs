//! What is expected of the next record, field by field.

use std::collections::BTreeMap;

use super::coder::{Coder, Numbers};
use crate::{MeterIx, ids::Stamp, reading::Reading};

const NS_PER_MS: u64 = 1_000_000;

/// What the decoder gives where the encoder gives a reading.
pub(super) const NO_READING: Reading = Reading {
    meter: MeterIx(0),
    period: 0,
    at_unix_s: 0,
    sequence: 0,
    register_wh: 0,
    relay_closed: None,
    credit_minor: None,
};

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Reading,
    Backfilled,
    Other,
}

/// Everything learnt in the block so far.
///
/// Each method goes in both directions ([`Coder`]): it takes what is to be written and answers what was.
#[derive(Debug, Default)]
pub(super) struct Model {
    number: Last,
    boot: Last,
    /// Whole milliseconds of the boot, and what is left of a nanosecond count.
    ms: Last,
    sub_ms: Numbers,
    clock_known: Numbers,
    /// The wall clock at the start of the boot, ms.
    clock: Last,
    kind: Numbers,
    /// The wall clock of the record, s, where it is known.
    now_s: Option<u64>,
    live: Fields,
    rows: Fields,
    from: Last,
    to: Last,
    found: Numbers,
    /// The last row's meter and moment, and how far it was behind the one before.
    row_at: (u64, u64),
    row: Option<Reading>,
    by_meter: BTreeMap<u32, Reading>,
}

/// A field that stays as it was, or goes on as it went.
#[derive(Debug, Default)]
struct Last {
    last: u64,
    numbers: Numbers,
}

impl Last {
    /// Expects the last one plus `step`.
    fn code<C: Coder>(&mut self, coder: &mut C, step: u64, number: u64) -> u64 {
        self.last = self.numbers.near(coder, self.last.wrapping_add(step), number);
        self.last
    }
}

/// Statistics of the fields of a reading.
#[derive(Debug, Default)]
struct Fields {
    meter: Last,
    period: Last,
    at: Numbers,
    /// Of a meter that the block has not named yet, and of one that it has.
    sequence: (Last, Numbers),
    register: (Numbers, Numbers),
    relay: Numbers,
    credit_known: Numbers,
    credit: (Numbers, Numbers),
}

impl Model {
    /// Number and stamp.
    pub(super) fn head<C: Coder>(&mut self, coder: &mut C, number: u64, stamp: &Stamp) -> (u64, Stamp) {
        let number = self.number.code(coder, 1, number);
        let boot = self.boot.code(coder, 0, u64::from(stamp.boot)) as u32;
        let ms = self.ms.code(coder, 0, stamp.monotonic_ns / NS_PER_MS);
        let sub_ms = self.sub_ms.code(coder, stamp.monotonic_ns % NS_PER_MS);
        let monotonic_ns = ms.wrapping_mul(NS_PER_MS).wrapping_add(sub_ms);
        let known = self.clock_known.code(coder, u64::from(stamp.unix_ms.is_some())) == 1;
        let unix_ms = known.then(|| {
            let start = stamp.unix_ms.unwrap_or(0).cast_unsigned().wrapping_sub(ms);
            self.clock.code(coder, 0, start).wrapping_add(ms).cast_signed()
        });
        self.now_s = unix_ms.map(|ms| ms.div_euclid(1000).cast_unsigned());
        (number, Stamp { boot, monotonic_ns, unix_ms })
    }

    /// How the record is written.
    pub(super) fn kind<C: Coder>(&mut self, coder: &mut C, kind: Kind) -> Kind {
        let number = match kind {
            Kind::Reading => 0,
            Kind::Backfilled => 1,
            Kind::Other => 2,
        };
        match self.kind.code(coder, number) {
            0 => Kind::Reading,
            1 => Kind::Backfilled,
            _ => Kind::Other,
        }
    }

    /// A live reading: the meters are asked one after another, at the record's own moment.
    pub(super) fn reading<C: Coder>(&mut self, coder: &mut C, reading: &Reading) -> Reading {
        let fields = &mut self.live;
        let meter = MeterIx(fields.meter.code(coder, 1, u64::from(reading.meter.0)) as u32);
        let period = fields.period.code(coder, 0, u64::from(reading.period)) as u32;
        let at = fields.at.near(coder, self.now_s.unwrap_or(0), u64::from(reading.at_unix_s));
        let known = self.by_meter.get(&meter.0);
        let found = fields.rest(coder, known, known.map_or(0, |known| known.sequence.wrapping_add(1)), reading);
        let reading = Reading { meter, period, at_unix_s: at as u32, ..found };
        self.by_meter.insert(meter.0, reading);
        reading
    }

    /// What a load profile was asked for, and how many rows were found.
    pub(super) fn asked<C: Coder>(
        &mut self,
        coder: &mut C,
        meter: MeterIx,
        (from, to): (u32, u32),
        rows: usize,
    ) -> (MeterIx, (u32, u32), usize) {
        let meter = self.rows.meter.code(coder, 0, u64::from(meter.0));
        let from = self.from.code(coder, 0, u64::from(from));
        self.to.last = from;
        let to = self.to.code(coder, 0, u64::from(to));
        let rows = self.found.near(coder, to.wrapping_sub(from).wrapping_add(1), rows as u64);
        self.rows.period.last = from.wrapping_sub(1);
        (MeterIx(meter as u32), (from as u32, to as u32), usize::try_from(rows).unwrap_or(usize::MAX))
    }

    /// A row of a load profile: of the meter that was asked, one period after the last.
    pub(super) fn row<C: Coder>(&mut self, coder: &mut C, row: &Reading) -> Reading {
        let fields = &mut self.rows;
        let meter = MeterIx(fields.meter.code(coder, 0, u64::from(row.meter.0)) as u32);
        let period = fields.period.code(coder, 1, u64::from(row.period)) as u32;
        let (last, step) = self.row_at;
        let at = fields.at.near(coder, last.wrapping_add(step), u64::from(row.at_unix_s));
        self.row_at = (at, at.wrapping_sub(last));
        let before = self.row.filter(|row| row.meter == meter);
        let found = fields.rest(coder, before.as_ref().or(self.by_meter.get(&meter.0)), 0, row);
        let row = Reading { meter, period, at_unix_s: at as u32, ..found };
        self.row = Some(row);
        row
    }
}

impl Fields {
    /// All but the meter and the time; `known` is what the block last said of this meter, `next` the sequence expected.
    fn rest<C: Coder>(&mut self, coder: &mut C, known: Option<&Reading>, next: u32, reading: &Reading) -> Reading {
        let sequence = u64::from(reading.sequence);
        let sequence = match known {
            Some(_) => self.sequence.1.near(coder, u64::from(next), sequence),
            None => self.sequence.0.code(coder, 0, sequence),
        };
        let register_wh = match known {
            Some(known) => self.register.1.near(coder, known.register_wh, reading.register_wh),
            None => self.register.0.code(coder, reading.register_wh),
        };
        let relay = match reading.relay_closed {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        let relay_closed = match self.relay.code(coder, relay) {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        };
        let credit_minor = (self.credit_known.code(coder, u64::from(reading.credit_minor.is_some())) == 1).then(|| {
            let (guess, numbers) = match known.and_then(|known| known.credit_minor) {
                Some(last) => (last.cast_unsigned(), &mut self.credit.1),
                None => (0, &mut self.credit.0),
            };
            numbers.near(coder, guess, reading.credit_minor.unwrap_or(0).cast_unsigned()).cast_signed()
        });
        Reading { sequence: sequence as u32, register_wh, relay_closed, credit_minor, ..NO_READING }
    }
}
