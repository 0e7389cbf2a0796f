//! A tariff on the uplink, whole: field by field in the order of [`Tariff`], lists behind their length.
//!
//! Lists are bounded by [`LIST_MAX`] entries, so that a frame stays small and nothing is allocated by a length from
//! outside. What contradicts itself passes here: the DCU refuses it by name.

use super::wire::{self, DecodeError, Reader};
use crate::config::{
    Tariff,
    tariff::{
        Block, Capacity, DebtRule, Demand, FriendlyHours, LIST_MAX, Lifeline, LongGap, NamedDay, Period, TimeOfDay,
        Weekday,
    },
};

pub(super) fn put(out: &mut Vec<u8>, tariff: &Tariff) {
    wire::put_text(out, &tariff.id);
    wire::put_text(out, &tariff.class);
    wire::put_u64(out, u64::from(tariff.version));
    put_option(out, tariff.from_unix_ms, wire::put_i64);
    wire::put_text(out, &tariff.currency);
    wire::put_u64(out, u64::from(tariff.minor_per_unit));
    for minor in [tariff.energy_price_per_kwh_minor, tariff.daily_fee_minor, tariff.grace_minor] {
        wire::put_i64(out, minor);
    }
    put_list(out, &tariff.periods, |out, period| {
        wire::put_text(out, &period.name);
        put_hours(out, period.from, period.to, &period.weekdays);
        wire::put_i64(out, period.price_per_kwh_minor);
    });
    put_list(out, &tariff.blocks, |out, block| {
        wire::put_u64(out, u64::from(block.up_to_kwh));
        wire::put_i64(out, block.price_per_kwh_minor);
    });
    put_option(out, tariff.lifeline, |out, lifeline| {
        wire::put_u64(out, u64::from(lifeline.kwh));
        wire::put_i64(out, lifeline.price_per_kwh_minor);
    });
    put_option(out, tariff.capacity, |out, capacity| {
        wire::put_i64(out, capacity.price_per_kw_day_minor);
        wire::put_u64(out, u64::from(capacity.subscribed_w));
    });
    put_option(out, tariff.demand, |out, demand| {
        wire::put_i64(out, demand.price_per_kw_month_minor);
        wire::put_u64(out, u64::from(demand.window_min));
    });
    wire::put_i64(out, tariff.emergency_credit_minor);
    put_option(out, tariff.debt, |out, debt| out.push(debt.share_percent));
    put_list(out, &tariff.friendly_hours, |out, hours| {
        put_hours(out, hours.from, hours.to, &hours.weekdays);
        put_list(out, &hours.days, |out, day| {
            let (year, month, of_month) = day.parts();
            wire::put_u64(out, u64::from(year.unwrap_or(0)));
            out.extend_from_slice(&[month, of_month]);
        });
    });
    out.push(u8::from(tariff.long_gap == LongGap::LowestPrice));
    wire::put_u64(out, u64::from(tariff.long_gap_h));
    wire::put_i64(out, tariff.receipt_credit_minor);
    wire::put_u64(out, u64::from(tariff.receipt_h));
}

pub(super) fn take(from: &mut Reader<'_>) -> Result<Tariff, DecodeError> {
    Ok(Tariff {
        id: from.text("id")?,
        class: from.text("class")?,
        version: from.u32("version")?,
        from_unix_ms: option(from, |from| from.i64("from"))?,
        currency: from.text("currency")?,
        minor_per_unit: from.u32("minor_per_unit")?,
        energy_price_per_kwh_minor: not_negative(from.i64("price")?, "price")?,
        daily_fee_minor: not_negative(from.i64("fee")?, "fee")?,
        grace_minor: from.i64("grace")?,
        periods: list(from, |from| {
            let name = from.text("period")?;
            let (starts, ends, weekdays) = hours(from)?;
            Ok(Period { name, from: starts, to: ends, weekdays, price_per_kwh_minor: from.i64("price")? })
        })?,
        blocks: list(from, |from| {
            Ok(Block { up_to_kwh: from.u32("up_to_kwh")?, price_per_kwh_minor: from.i64("price")? })
        })?,
        lifeline: option(from, |from| {
            Ok(Lifeline { kwh: from.u32("lifeline")?, price_per_kwh_minor: from.i64("price")? })
        })?,
        capacity: option(from, |from| {
            Ok(Capacity { price_per_kw_day_minor: from.i64("capacity")?, subscribed_w: from.u32("subscribed_w")? })
        })?,
        demand: option(from, |from| {
            Ok(Demand { price_per_kw_month_minor: from.i64("demand")?, window_min: from.u32("window")? })
        })?,
        emergency_credit_minor: from.i64("emergency_credit")?,
        debt: option(from, |from| Ok(DebtRule { share_percent: from.u8()? }))?,
        friendly_hours: list(from, |from| {
            let (starts, ends, weekdays) = hours(from)?;
            let days = list(from, |from| {
                let year = u16::try_from(from.u64("year")?).map_err(|_| DecodeError::Field("year"))?;
                let day = NamedDay::new((year > 0).then_some(year), from.u8()?, from.u8()?);
                day.ok_or(DecodeError::Field("day"))
            })?;
            Ok(FriendlyHours { from: starts, to: ends, weekdays, days })
        })?,
        long_gap: if from.flag("long_gap")? { LongGap::LowestPrice } else { LongGap::ProRata },
        long_gap_h: from.u32("long_gap_h")?,
        receipt_credit_minor: from.i64("receipt_credit")?,
        receipt_h: from.u32("receipt_h")?,
    })
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

fn option<T>(
    from: &mut Reader<'_>,
    take: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    if from.flag("option")? { take(from).map(Some) } else { Ok(None) }
}

fn put_list<T>(out: &mut Vec<u8>, list: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    let list = list.get(..LIST_MAX).unwrap_or(list);
    wire::put_u64(out, list.len() as u64);
    for item in list {
        put(out, item);
    }
}

fn list<T>(
    from: &mut Reader<'_>,
    take: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let length = from.u64("list")?;
    if length > LIST_MAX as u64 {
        return Err(DecodeError::Field("list"));
    }
    (0..length).map(|_| take(from)).collect()
}

/// Times in minutes of the day; weekdays as bits from Monday. The order in which they are named does not survive.
fn put_hours(out: &mut Vec<u8>, from: TimeOfDay, to: TimeOfDay, weekdays: &[Weekday]) {
    wire::put_u64(out, u64::from(from.minutes()));
    wire::put_u64(out, u64::from(to.minutes()));
    out.push(weekdays.iter().fold(0, |bits, day| bits | (1_u8 << (*day as u8))));
}

fn hours(from: &mut Reader<'_>) -> Result<(TimeOfDay, TimeOfDay, Vec<Weekday>), DecodeError> {
    let mut time = |field| {
        let minutes = u16::try_from(from.u64(field)?).ok().and_then(TimeOfDay::from_minutes);
        minutes.ok_or(DecodeError::Field(field))
    };
    let (starts, ends) = (time("from")?, time("to")?);
    let bits = from.u8()?;
    if bits > 0x7f {
        return Err(DecodeError::Field("weekdays"));
    }
    let weekdays = Weekday::ALL.into_iter().filter(|day| bits & (1 << (*day as u8)) != 0).collect();
    Ok((starts, ends, weekdays))
}

fn not_negative(value: i64, field: &'static str) -> Result<i64, DecodeError> {
    if value < 0 { Err(DecodeError::Field(field)) } else { Ok(value) }
}
