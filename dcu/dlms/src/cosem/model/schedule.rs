//! Classes 10, 11, 20, 22: what the clock makes happen.

use super::Model;
use crate::apdu::ActionResult;
use crate::axdr::{Date, DateTime, Time, Value};
use crate::cosem::{
    ActivityCalendar, Cosem, DayProfile, ExecutionTime, Schedule, ScheduleEntry, ScheduleRange, ScheduleRanges,
    ScriptRef, Season, SingleActionSchedule, SpecialDay, SpecialDays, Week,
};
use crate::obis::Obis;

const DAY_S: i64 = 86_400;
/// A longer gap than this is a clock that was set, not time that passed: nothing older is made up for.
const CATCH_UP_S: i64 = 2 * DAY_S;

impl Model {
    pub(super) fn call_schedule(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let mut entries: Vec<ScheduleEntry> = self.get(at, 2).unwrap_or_default();
        match method {
            1 => {
                let ranges = ScheduleRanges::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                for entry in &mut entries {
                    if within(entry.index, ranges.first_index_a, ranges.last_index_a) {
                        entry.enable = false;
                    }
                    if within(entry.index, ranges.first_index_b, ranges.last_index_b) {
                        entry.enable = true;
                    }
                }
            }
            2 => {
                let entry = ScheduleEntry::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                entries.retain(|known| known.index != entry.index);
                entries.push(entry);
                entries.sort_by_key(|entry| entry.index);
            }
            _ => {
                let range = ScheduleRange::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                entries.retain(|entry| !within(entry.index, range.first_index, range.last_index));
            }
        }
        self.put(at, 2, &entries);
        Ok(())
    }

    pub(super) fn call_special_days(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let mut days: Vec<SpecialDay> = self.get(at, 2).unwrap_or_default();
        if method == 1 {
            let day = SpecialDay::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
            days.retain(|known| known.index != day.index);
            days.push(day);
        } else {
            let index = u16::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
            days.retain(|day| day.index != index);
        }
        self.put(at, 2, &days);
        Ok(())
    }

    /// The passive calendar takes the place of the active one.
    pub(super) fn activate_calendar(&mut self, at: usize) {
        for (active, passive) in [(2, 6), (3, 7), (4, 8), (5, 9)] {
            if let Some(value) = self.raw(at, passive).cloned()
                && let Some(slot) = self.raw_mut(at, active)
            {
                *slot = value;
            }
        }
    }

    /// Everything whose time came between two true times.
    pub(super) fn run_schedules(&mut self, before: i64, now: i64) {
        let shift = self.clock_offset_s().saturating_add(self.utc_offset_s().into());
        let to = now.saturating_add(shift);
        let from = before.saturating_add(shift).max(to.saturating_sub(CATCH_UP_S));
        let mut due: Vec<(i64, ScriptRef)> = Vec::new();
        for at in self.of_class(SingleActionSchedule::CLASS) {
            let times: Vec<ExecutionTime> = self.get(at, 4).unwrap_or_default();
            if let Some(script) = self.get::<ScriptRef>(at, 2) {
                let hits = times.iter().flat_map(|entry| hits(from, to, entry.time, |date| matches(entry.date, date)));
                due.extend(hits.map(|hit| (hit, script.clone())));
            }
        }
        for at in self.of_class(Schedule::CLASS) {
            for entry in self.get::<Vec<ScheduleEntry>>(at, 2).unwrap_or_default() {
                if entry.enable {
                    let script = ScriptRef {
                        script_logical_name: entry.script_logical_name,
                        script_selector: entry.script_selector,
                    };
                    due.extend(
                        hits(from, to, entry.switch_time, |date| runs_on(&entry, date))
                            .map(|hit| (hit, script.clone())),
                    );
                }
            }
        }
        for at in self.of_class(ActivityCalendar::CLASS) {
            if let Some(activation) = self.get::<DateTime>(at, 10) {
                let hit = hits(from, to, activation.time, |date| matches(activation.date, date)).next().is_some();
                if hit && activation.date.year != 0xFFFF {
                    self.activate_calendar(at);
                }
            }
            due.extend(self.calendar_hits(at, from, to));
        }
        due.sort_by_key(|(hit, _)| *hit);
        for (_, script) in due {
            self.run(&script);
        }
    }

    /// The switching points of the active calendar.
    fn calendar_hits(&self, at: usize, from: i64, to: i64) -> Vec<(i64, ScriptRef)> {
        let days: Vec<DayProfile> = self.get(at, 5).unwrap_or_default();
        let mut due = Vec::new();
        for day in &days {
            for action in &day.day_schedule {
                let script = ScriptRef {
                    script_logical_name: action.script_logical_name,
                    script_selector: action.script_selector,
                };
                let hits = hits(from, to, action.start_time, |date| self.day_id(at, date) == Some(day.day_id));
                due.extend(hits.map(|hit| (hit, script.clone())));
            }
        }
        due
    }

    /// Which day profile a date has: a special day's, else that of its week day in the week of the season.
    fn day_id(&self, at: usize, date: Date) -> Option<u8> {
        for table in self.of_class(SpecialDays::CLASS) {
            let days: Vec<SpecialDay> = self.get(table, 2).unwrap_or_default();
            if let Some(day) = days.iter().find(|day| matches(day.specialday_date, date)) {
                return Some(day.day_id);
            }
        }
        let seasons: Vec<Season> = self.get(at, 3).unwrap_or_default();
        let weeks: Vec<Week> = self.get(at, 4).unwrap_or_default();
        let day = DateTime { date, time: MIDNIGHT, deviation_min: 0, status: 0 }.unix_s(0)?;
        let start = |season: &Season| {
            let this_year = super::clock::in_year(&season.season_start, date.year)?;
            if this_year <= day.saturating_add(DAY_S).saturating_sub(1) {
                return Some(this_year);
            }
            super::clock::in_year(&season.season_start, date.year.checked_sub(1)?)
        };
        let season = seasons.iter().filter_map(|s| Some((start(s)?, s))).max_by_key(|(start, _)| *start)?.1;
        let week = weeks.iter().find(|week| week.week_profile_name == season.week_name)?;
        Some(match date.day_of_week {
            1 => week.monday,
            2 => week.tuesday,
            3 => week.wednesday,
            4 => week.thursday,
            5 => week.friday,
            6 => week.saturday,
            _ => week.sunday,
        })
    }
}

const MIDNIGHT: Time = Time { hour: 0, minute: 0, second: 0, hundredths: 0 };

const fn within(index: u16, first: u16, last: u16) -> bool {
    first != 0 && first <= index && index <= last
}

/// The local instants of a time of day (with wildcards) after `from` and up to `to`, on days that pass.
fn hits(from: i64, to: i64, time: Time, on: impl Fn(Date) -> bool) -> impl Iterator<Item = i64> {
    let mut found = Vec::new();
    let mut day = from.div_euclid(DAY_S);
    while day <= to.div_euclid(DAY_S) {
        let start = day.saturating_mul(DAY_S);
        if on(DateTime::from_unix_s(start, 0).date) {
            let second = if time.second == 0xFF { 0 } else { time.second };
            for hour in (0..24_u8).filter(|hour| time.hour == 0xFF || time.hour == *hour) {
                for minute in (0..60_u8).filter(|minute| time.minute == 0xFF || time.minute == *minute) {
                    let of_day = i64::from(hour)
                        .saturating_mul(3600)
                        .saturating_add(i64::from(minute).saturating_mul(60))
                        .saturating_add(second.into());
                    let hit = start.saturating_add(of_day);
                    if from < hit && hit <= to {
                        found.push(hit);
                    }
                }
            }
        }
        day = day.saturating_add(1);
    }
    found.into_iter()
}

/// A date matches a pattern with wildcards.
fn matches(pattern: Date, date: Date) -> bool {
    let month_fits = pattern.month == 0xFF || pattern.month == date.month;
    let day_fits = match pattern.day_of_month {
        0xFF => true,
        special @ (0xFD | 0xFE) => {
            let pattern = Date { month: date.month, day_of_month: special, day_of_week: 0xFF, year: date.year };
            let stamp = DateTime { date: pattern, time: MIDNIGHT, deviation_min: 0, status: 0 };
            super::clock::in_year(&stamp, date.year)
                .is_some_and(|day| DateTime::from_unix_s(day, 0).date.day_of_month == date.day_of_month)
        }
        day => day == date.day_of_month,
    };
    (pattern.year == 0xFFFF || pattern.year == date.year)
        && month_fits
        && day_fits
        && (pattern.day_of_week == 0xFF || pattern.day_of_week == 0 || pattern.day_of_week == date.day_of_week)
}

/// The entry is in force on that date: between its dates, on that day of the week.
fn runs_on(entry: &ScheduleEntry, date: Date) -> bool {
    let number = |date: Date| (date.year, date.month, date.day_of_month);
    let begun = entry.begin_date.year == 0xFFFF || number(entry.begin_date) <= number(date);
    let over = entry.end_date.year != 0xFFFF && number(entry.end_date) < number(date);
    let weekday = usize::from(date.day_of_week).checked_sub(1).and_then(|bit| entry.exec_weekdays.bit(bit));
    begun && !over && weekday == Some(true) && entry.script_logical_name != Obis([0; 6])
}
