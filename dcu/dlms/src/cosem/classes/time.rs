//! What happens when: classes 8–11, 20, 22 (Blue Book 4.5).

use crate::axdr::{BitString, Date, DateTime, Octets, Time, Value};
use crate::cosem::Zero;
use crate::cosem::class::class;
use crate::cosem::convert::{enumeration, record};
use crate::obis::Obis;

enumeration! {
    /// What a clock runs on.
    ClockBase {
        NotDefined = 0, "not defined";
        Crystal = 1, "internal crystal";
        Mains50 = 2, "mains at 50 Hz";
        Mains60 = 3, "mains at 60 Hz";
        Gps = 4, "GPS";
        Radio = 5, "radio controlled";
    }
    /// What an action of a script does.
    ServiceId {
        Write = 1, "writes an attribute";
        Execute = 2, "runs a method";
    }
    /// What the execution times of class 22 look like.
    ScheduleType {
        OneTime = 1, "one time and date, wildcards in the date allowed";
        ManySameTimeWildcard = 2, "several, all at the same time, no wildcards in the date";
        ManySameTime = 3, "several, all at the same time, wildcards in the date";
        ManyTimes = 4, "several, at different times, no wildcards in the date";
        ManyTimesWildcard = 5, "several, at different times, wildcards in the date";
    }
}

record! {
    /// A time and when it may be put in force.
    PresetTime { preset_time: DateTime, validity_interval_start: DateTime, validity_interval_end: DateTime, }
}

class! {
    /// Class 8, Clock.
    Clock = 8 v 0, "Clock", sn 0x60;
    2 time: DateTime = read_write;
    /// Minutes from local time to UTC.
    3 time_zone: i16 = read_write;
    4 status: u8 = read;
    5 daylight_savings_begin: DateTime = read_write;
    6 daylight_savings_end: DateTime = read_write;
    /// Minutes by which daylight saving shifts the time.
    7 daylight_savings_deviation: i8 = read_write;
    8 daylight_savings_enabled: bool = read_write;
    9 clock_base: ClockBase = read;
    fn 1 adjust_to_quarter(Zero) "To the nearest quarter of an hour.";
    fn 2 adjust_to_measuring_period(Zero) "To the nearest start of a measuring period.";
    fn 3 adjust_to_minute(Zero) "To the nearest minute.";
    fn 4 adjust_to_preset_time(Zero) "Puts the preset time in force.";
    fn 5 preset_adjusting_time(PresetTime);
    fn 6 shift_time(i16) "Seconds, −900 to 900.";
}

record! {
    /// One step of a script.
    ScriptAction {
        service_id: ServiceId,
        class_id: u16,
        logical_name: Obis,
        /// Attribute or method.
        index: i8,
        parameter: Value,
    }
    /// A script.
    Script {
        /// From 1.
        script_identifier: u16,
        actions: Vec<ScriptAction>,
    }
    /// A script by its table.
    ScriptRef { script_logical_name: Obis, script_selector: u16, }
}

class! {
    /// Class 9, Script table.
    ScriptTable = 9 v 0, "Script table", sn 0x20;
    2 scripts: Vec<Script> = read_write;
    fn 1 execute(u16);
}

record! {
    /// A line of a schedule.
    ScheduleEntry {
        index: u16,
        enable: bool,
        script_logical_name: Obis,
        script_selector: u16,
        switch_time: Time,
        /// Minutes within which a missed entry is still carried out; 0xFFFF without limit.
        validity_window: u16,
        /// Bit 0 Monday … bit 6 Sunday.
        exec_weekdays: BitString,
        /// Days of the special days table.
        exec_specdays: BitString,
        begin_date: Date,
        end_date: Date,
    }
    /// Ranges of entries, both ends included; 0 for none. A is disabled, then B enabled.
    ScheduleRanges { first_index_a: u16, last_index_a: u16, first_index_b: u16, last_index_b: u16, }
    /// A range of entries, both ends included.
    ScheduleRange { first_index: u16, last_index: u16, }
}

class! {
    /// Class 10, Schedule. Public implementations disagree on which range of `enable_disable` is which; here A is
    /// disabled, as the text of the standard has it.
    Schedule = 10 v 0, "Schedule", sn 0x20;
    2 entries: Vec<ScheduleEntry> = read_write;
    fn 1 enable_disable(ScheduleRanges);
    fn 2 insert(ScheduleEntry);
    fn 3 delete(ScheduleRange);
}

record! {
    /// A day that follows a profile of its own.
    SpecialDay {
        index: u16,
        specialday_date: Date,
        /// Of the day profile table.
        day_id: u8,
    }
}

class! {
    /// Class 11, Special days table.
    SpecialDays = 11 v 0, "Special days table", sn 0x10;
    2 entries: Vec<SpecialDay> = read_write;
    fn 1 insert(SpecialDay);
    fn 2 delete(u16);
}

record! {
    /// When a season begins and which week it has.
    Season { season_profile_name: Octets, season_start: DateTime, week_name: Octets, }
    /// The day profiles of a week.
    Week {
        week_profile_name: Octets,
        monday: u8,
        tuesday: u8,
        wednesday: u8,
        thursday: u8,
        friday: u8,
        saturday: u8,
        sunday: u8,
    }
    /// A switching point of a day.
    DayAction { start_time: Time, script_logical_name: Obis, script_selector: u16, }
    /// A day profile.
    DayProfile { day_id: u8, day_schedule: Vec<DayAction>, }
}

class! {
    /// Class 20, Activity calendar: the calendar in force, and the one that will replace it.
    ActivityCalendar = 20 v 0, "Activity calendar", sn 0x50;
    2 calendar_name_active: Octets = read;
    3 season_profile_active: Vec<Season> = read;
    4 week_profile_table_active: Vec<Week> = read;
    5 day_profile_table_active: Vec<DayProfile> = read;
    6 calendar_name_passive: Octets = read_write;
    7 season_profile_passive: Vec<Season> = read_write;
    8 week_profile_table_passive: Vec<Week> = read_write;
    9 day_profile_table_passive: Vec<DayProfile> = read_write;
    10 activate_passive_calendar_time: DateTime = read_write;
    fn 1 activate_passive_calendar(Zero);
}

record! {
    /// A time and a date, either with wildcards.
    ExecutionTime { time: Time, date: Date, }
}

class! {
    /// Class 22, Single action schedule.
    SingleActionSchedule = 22 v 0, "Single action schedule", sn 0;
    2 executed_script: ScriptRef = read_write;
    3 schedule_type: ScheduleType = read_write;
    4 execution_time: Vec<ExecutionTime> = read_write;
}
