//! Class 8: a clock that may be off, local time, daylight saving.

use super::{Extra, Instance, Model};
use crate::apdu::ActionResult;
use crate::axdr::{Date, DateTime, Time, Value, clock_status};
use crate::cosem::{Cosem, PresetTime, ProfileGeneric};

/// What the clock remembers.
#[derive(Default)]
pub(super) struct ClockState {
    /// Clock minus true time.
    offset_s: i64,
    preset: Option<PresetTime>,
}

const DAY_S: i64 = 86_400;

impl Model {
    fn clock(&self) -> Option<(usize, &ClockState)> {
        self.instances.iter().enumerate().find_map(|(at, instance)| match &instance.extra {
            Extra::Clock(state) => Some((at, state)),
            _ => None,
        })
    }

    pub(super) fn clock_offset_s(&self) -> i64 {
        self.clock().map_or(0, |(_, state)| state.offset_s)
    }

    /// Standard time of the place, seconds east of UTC.
    fn standard_offset_s(&self) -> i32 {
        let minutes: i16 = self.clock().and_then(|(at, _)| self.get(at, 3)).unwrap_or(0);
        i32::from(minutes).saturating_mul(-60)
    }

    /// Local time at the clock's time, seconds east of UTC.
    pub(super) fn utc_offset_s(&self) -> i32 {
        let saving_s = if self.saves_daylight(self.clock_unix_s()) { self.saving_s() } else { 0 };
        self.standard_offset_s().saturating_add(saving_s)
    }

    fn saving_s(&self) -> i32 {
        let minutes: i8 = self.clock().and_then(|(at, _)| self.get(at, 7)).unwrap_or(0);
        i32::from(minutes).saturating_mul(60)
    }

    pub(super) fn local_stamp(&self, unix_s: i64) -> DateTime {
        let saves = self.saves_daylight(unix_s);
        let saving_s = if saves { self.saving_s() } else { 0 };
        let mut stamp = DateTime::from_unix_s(unix_s, self.standard_offset_s().saturating_add(saving_s));
        if saves {
            stamp.status |= clock_status::DAYLIGHT_SAVING;
        }
        stamp
    }

    /// Daylight saving is in force: begin is in standard time, end in saving time.
    fn saves_daylight(&self, unix_s: i64) -> bool {
        let Some((at, _)) = self.clock() else { return false };
        if self.get::<bool>(at, 8) != Some(true) {
            return false;
        }
        let local_s = unix_s.saturating_add(i64::from(self.standard_offset_s()));
        let year = DateTime::from_unix_s(local_s, 0).date.year;
        let (Some(begin), Some(end)) = (self.get::<DateTime>(at, 5), self.get::<DateTime>(at, 6)) else {
            return false;
        };
        let (Some(begin), Some(end)) = (in_year(&begin, year), in_year(&end, year)) else { return false };
        let end = end.saturating_sub(i64::from(self.saving_s()));
        if begin <= end { (begin..end).contains(&local_s) } else { !(end..begin).contains(&local_s) }
    }

    pub(super) fn set_clock(&mut self, at: usize, stamp: &DateTime) {
        if let Some(unix_s) = stamp.unix_s(self.utc_offset_s()) {
            self.set_clock_unix_s(at, unix_s);
        }
    }

    fn set_clock_unix_s(&mut self, at: usize, unix_s: i64) {
        let offset_s = unix_s.saturating_sub(self.now_unix_s);
        if let Some(Instance { extra: Extra::Clock(state), .. }) = self.instances.get_mut(at) {
            state.offset_s = offset_s;
        }
    }

    pub(super) fn call_clock(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let now = self.clock_unix_s();
        match method {
            1 => self.set_clock_unix_s(at, nearest(now, 900)),
            2 => {
                let periods = self.of_class(ProfileGeneric::CLASS).into_iter();
                let period_s = periods.filter_map(|at| self.get::<u32>(at, 4)).filter(|period| *period > 0).min();
                self.set_clock_unix_s(at, nearest(now, i64::from(period_s.unwrap_or(900))));
            }
            3 => self.set_clock_unix_s(at, nearest(now, 60)),
            4 => self.apply_preset(at)?,
            5 => {
                let preset = PresetTime::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                if let Some(Instance { extra: Extra::Clock(state), .. }) = self.instances.get_mut(at) {
                    state.preset = Some(preset);
                }
            }
            _ => {
                let by = i16::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                if !(-900..=900).contains(&by) {
                    return Err(ActionResult::OtherReason);
                }
                self.set_clock_unix_s(at, now.saturating_add(by.into()));
            }
        }
        Ok(())
    }

    /// Only within the interval that came with the preset time.
    fn apply_preset(&mut self, at: usize) -> Result<(), ActionResult> {
        let offset_s = self.utc_offset_s();
        let now = self.clock_unix_s();
        let Some(Instance { extra: Extra::Clock(state), .. }) = self.instances.get_mut(at) else {
            return Err(ActionResult::HardwareFault);
        };
        let preset = state.preset.take().ok_or(ActionResult::OtherReason)?;
        let from = preset.validity_interval_start.unix_s(offset_s).unwrap_or(i64::MIN);
        let to = preset.validity_interval_end.unix_s(offset_s).unwrap_or(i64::MAX);
        match preset.preset_time.unix_s(offset_s) {
            Some(unix_s) if (from..=to).contains(&now) => {
                self.set_clock_unix_s(at, unix_s);
                Ok(())
            }
            _ => Err(ActionResult::OtherReason),
        }
    }
}

fn nearest(unix_s: i64, step_s: i64) -> i64 {
    let step_s = step_s.max(1);
    let middle = unix_s.saturating_add(step_s.checked_div(2).unwrap_or(0));
    middle.saturating_sub(middle.checked_rem_euclid(step_s).unwrap_or(0))
}

/// Local seconds since 1970 of a date and time within a year, its wildcards resolved (Blue Book 4.1.6.1): 0xFE the
/// last, 0xFD the second last day of the month; with a day of the week, the first such day on or after the day, or the
/// last (second last) of the month.
pub(super) fn in_year(pattern: &DateTime, year: u16) -> Option<i64> {
    let year = if pattern.date.year == 0xFFFF { year } else { pattern.date.year };
    let month = Some(pattern.date.month).filter(|month| (1..=12).contains(month))?;
    let zero = |value: u8| if value == 0xFF { 0 } else { value };
    let time = Time {
        hour: zero(pattern.time.hour),
        minute: zero(pattern.time.minute),
        second: zero(pattern.time.second),
        hundredths: 0,
    };
    let weekday = Some(pattern.date.day_of_week).filter(|day| (1..=7).contains(day));
    let last = (28..=31).rev().find_map(|day| local_s(year, month, day, time))?;
    let back = |from: i64, weekday: u8| {
        let behind = i64::from(weekday_of(from)).saturating_sub(weekday.into()).rem_euclid(7);
        from.saturating_sub(behind.saturating_mul(DAY_S))
    };
    match (pattern.date.day_of_month, weekday) {
        (0xFE, None) => Some(last),
        (0xFD, None) => last.checked_sub(DAY_S),
        (0xFE, Some(weekday)) => Some(back(last, weekday)),
        (0xFD, Some(weekday)) => back(last, weekday).checked_sub(7_i64.saturating_mul(DAY_S)),
        (day, weekday) => {
            let first = local_s(year, month, if day == 0xFF { 1 } else { day }, time)?;
            let ahead =
                weekday.map_or(0, |weekday| i64::from(weekday).saturating_sub(weekday_of(first).into()).rem_euclid(7));
            first.checked_add(ahead.saturating_mul(DAY_S))
        }
    }
}

/// `None` for a day that the month does not have.
fn local_s(year: u16, month: u8, day_of_month: u8, time: Time) -> Option<i64> {
    let date = Date { year, month, day_of_month, day_of_week: 0xFF };
    let local_s = DateTime { date, time, deviation_min: 0, status: 0 }.unix_s(0)?;
    (DateTime::from_unix_s(local_s, 0).date.day_of_month == day_of_month).then_some(local_s)
}

fn weekday_of(local_s: i64) -> u8 {
    DateTime::from_unix_s(local_s, 0).date.day_of_week
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sunday_of_march_is_found() {
        // FFFF 03 FE 07, 02:00: the last Sunday of March 2026 is the 29th.
        let date = Date { year: 0xFFFF, month: 3, day_of_month: 0xFE, day_of_week: 7 };
        let time = Time { hour: 2, minute: 0, second: 0, hundredths: 0 };
        let pattern = DateTime { date, time, deviation_min: DateTime::DEVIATION_UNSPECIFIED, status: 0 };
        let found = DateTime::from_unix_s(in_year(&pattern, 2026).unwrap(), 0);
        assert_eq!((found.date.month, found.date.day_of_month, found.time.hour), (3, 29, 2));
        // The second Monday: first Monday on or after the 8th.
        let date = Date { year: 0xFFFF, month: 6, day_of_month: 8, day_of_week: 1 };
        let found = DateTime::from_unix_s(in_year(&DateTime { date, ..pattern }, 2026).unwrap(), 0);
        assert_eq!(found.date.day_of_month, 8, "8 June 2026 is a Monday");
        let date = Date { year: 0xFFFF, month: 2, day_of_month: 0xFD, day_of_week: 0xFF };
        let found = DateTime::from_unix_s(in_year(&DateTime { date, ..pattern }, 2024).unwrap(), 0);
        assert_eq!(found.date.day_of_month, 28, "the second last day of a leap February");
    }

    #[test]
    fn times_are_rounded_to_the_nearest_step() {
        assert_eq!(nearest(449, 900), 0);
        assert_eq!(nearest(450, 900), 900);
        assert_eq!(nearest(-451, 900), -900);
    }
}
