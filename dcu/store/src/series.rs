//! Readings of a day in few bytes, by meter: what stays for queries when the journal is pruned.
//!
//! Per meter: its number (difference to the one before), how many rows, then per row the differences to the row before of
//! period, instant, register and sequence, and one byte of flags with the credit where there is some. Varints all.

use taa_dcu::{MeterIx, reading::Reading};

use crate::varint;

/// Seconds of a day.
pub(crate) const DAY_S: u64 = 86_400;
/// Parts that a day may have before they are put together: late rows come in parts of their own.
pub(crate) const PARTS_MAX: u64 = 8;

const CLOSED: u64 = 1;
const OPEN: u64 = 2;
const CREDIT: u64 = 4;
/// The sequence is one more than in the row before.
const NEXT: u64 = 8;

/// The rows' bytes. Sorts them.
pub(crate) fn pack(readings: &mut [Reading]) -> Vec<u8> {
    readings.sort_by_key(|reading| (reading.meter, reading.period, reading.sequence));
    let mut out = Vec::new();
    let mut meter = 0_u64;
    for rows in readings.chunk_by(|a, b| a.meter == b.meter) {
        let of = rows.first().map_or(0, |row| u64::from(row.meter.0));
        varint::put(of.wrapping_sub(meter), &mut out);
        varint::put(rows.len() as u64, &mut out);
        meter = of;
        let mut before = Before::default();
        for row in rows {
            before.put(row, &mut out);
        }
    }
    out
}

/// All rows; `None` unless the bytes are exactly some.
pub(crate) fn unpack(body: &[u8]) -> Option<Vec<Reading>> {
    rows(body, |_| true)
}

/// The rows of one meter.
pub(crate) fn unpack_of(body: &[u8], meter: MeterIx) -> Option<Vec<Reading>> {
    rows(body, |other| other == meter)
}

fn rows(mut body: &[u8], wanted: impl Fn(MeterIx) -> bool) -> Option<Vec<Reading>> {
    let mut readings = Vec::new();
    let mut meter = 0_u64;
    while !body.is_empty() {
        meter = meter.wrapping_add(varint::take(&mut body)?);
        let ix = MeterIx(u32::try_from(meter).ok()?);
        let mut before = Before::default();
        for _ in 0..varint::take(&mut body)? {
            let row = before.take(ix, &mut body)?;
            if wanted(ix) {
                readings.push(row);
            }
        }
    }
    Some(readings)
}

/// The row before.
#[derive(Default)]
struct Before {
    period: i64,
    /// Instant less the period's number times the last step: unknown here, so plainly the instant.
    at: i64,
    /// What the instant rose by last.
    step: i64,
    register: u64,
    sequence: u32,
}

impl Before {
    fn put(&mut self, row: &Reading, out: &mut Vec<u8>) {
        let follows = row.sequence == self.sequence.wrapping_add(1);
        let relay = row.relay_closed.map_or(0, |closed| if closed { CLOSED } else { OPEN });
        let credit = row.credit_minor.map_or(0, |_| CREDIT);
        varint::put(relay | credit | if follows { NEXT } else { 0 }, out);
        let (period, at) = (i64::from(row.period), i64::from(row.at_unix_s));
        varint::put_signed(period.wrapping_sub(self.period), out);
        let step = at.wrapping_sub(self.at);
        varint::put_signed(step.wrapping_sub(self.step), out);
        varint::put_signed(row.register_wh.wrapping_sub(self.register).cast_signed(), out);
        if !follows {
            varint::put(u64::from(row.sequence), out);
        }
        if let Some(credit) = row.credit_minor {
            varint::put_signed(credit, out);
        }
        (self.period, self.at, self.step) = (period, at, step);
        (self.register, self.sequence) = (row.register_wh, row.sequence);
    }

    fn take(&mut self, meter: MeterIx, body: &mut &[u8]) -> Option<Reading> {
        let flags = varint::take(body)?;
        self.period = self.period.wrapping_add(varint::take_signed(body)?);
        self.step = self.step.wrapping_add(varint::take_signed(body)?);
        self.at = self.at.wrapping_add(self.step);
        self.register = self.register.wrapping_add(varint::take_signed(body)?.cast_unsigned());
        self.sequence =
            if flags & NEXT != 0 { self.sequence.wrapping_add(1) } else { u32::try_from(varint::take(body)?).ok()? };
        let credit_minor = if flags & CREDIT != 0 { Some(varint::take_signed(body)?) } else { None };
        let relay_closed = match flags & (CLOSED | OPEN) {
            CLOSED => Some(true),
            OPEN => Some(false),
            _ => None,
        };
        Some(Reading {
            meter,
            period: u32::try_from(self.period).ok()?,
            at_unix_s: u32::try_from(self.at).ok()?,
            sequence: self.sequence,
            register_wh: self.register,
            relay_closed,
            credit_minor,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn reading()(
            meter in 0_u32..5, period: u32, at_unix_s: u32, sequence in prop_oneof![0_u32..4, any::<u32>()],
            register_wh: u64, relay_closed: Option<bool>, credit_minor: Option<i64>,
        ) -> Reading {
            let meter = MeterIx(meter);
            Reading { meter, period, at_unix_s, sequence, register_wh, relay_closed, credit_minor }
        }
    }

    proptest! {
        #[test]
        fn any_readings_survive(mut readings in proptest::collection::vec(reading(), 0..40)) {
            let packed = pack(&mut readings);
            prop_assert_eq!(unpack(&packed), Some(readings.clone()));
            let of_two: Vec<_> = readings.into_iter().filter(|row| row.meter == MeterIx(2)).collect();
            prop_assert_eq!(unpack_of(&packed, MeterIx(2)), Some(of_two));
            for cut in 0..packed.len().min(50) {
                let _whatever_it_is = unpack(&packed[..cut]);
            }
        }
    }

    #[test]
    fn a_day_of_500_meters_takes_four_bytes_a_reading() {
        let mut readings: Vec<Reading> = (0..500_u32)
            .flat_map(|meter| (0..24_u32).map(move |hour| (meter, hour)))
            .map(|(meter, hour)| Reading {
                meter: MeterIx(meter),
                period: 490_000 + hour,
                at_unix_s: (490_000 + hour) * 3600 + (meter * 7 + hour * 13) % 60,
                sequence: 100 + hour,
                register_wh: u64::from(50_000 + hour * (20 + meter % 90)),
                relay_closed: Some(true),
                credit_minor: None,
            })
            .collect();
        let bytes = pack(&mut readings).len();
        assert!(bytes < 12_000 * 6, "{bytes}");
    }
}
