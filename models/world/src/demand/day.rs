//! One customer's day: appliances run in random sessions within their windows.
//!
//! The steps are RAMP's (Lombardi et al., *Energy* 177, 2019, section 2), per kind of appliance and day:
//!
//! 1. used today, or not (`share`, weekday);
//! 2. the windows' edges move, a total time of use is drawn;
//! 3. until that time is used up: a start, evenly over all free minutes where the shortest session fits; a length,
//!    evenly between the shortest session and what time and the free stretch allow; how many of the kind run, half of
//!    them about (normal) when the session touches the class's busy hours, evenly drawn otherwise.
//!
//! Different from RAMP: whole minutes get a common offset of seconds per appliance and day, because villages do not
//! switch in step.

use super::{
    Kit,
    appliance::{Appliance, Days, Duty, Kind},
};
use crate::draw::Draws;

/// A change of a customer's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Switch {
    /// Seconds after the day's local midnight; may pass 86 400 by less than a minute.
    pub at_s: u32,
    /// Change of power, milliwatts.
    pub delta_mw: i64,
    /// The part of it whose energy can be made up for later, milliwatts.
    pub deferrable_mw: i64,
    /// Power above the running power while the appliance starts, milliwatts; 0 where nothing starts.
    pub inrush_mw: i64,
}

/// What is special about the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Today {
    /// 0 is Monday.
    pub weekday: u8,
    /// The class is on holiday: as at a weekend.
    pub holiday: bool,
    /// Multiplies every appliance's power.
    pub scale: f64,
    /// Multiplies the time of use of motors.
    pub season: f64,
    /// Share of the energy missed in darkness that is made up for later, by [`Kind`].
    pub deferrable: [f64; 7],
}

impl Today {
    /// A weekday of that number without anything special.
    #[must_use]
    pub const fn plain(weekday: u8) -> Self {
        Self { weekday, holiday: false, scale: 1.0, season: 1.0, deferrable: [0.0; 7] }
    }
}

/// The most sessions of one kind of appliance a day.
const SESSIONS: usize = 60;

/// Free stretches of the day, minutes.
struct Free {
    stretches: [(i32, i32); SESSIONS + 4],
    length: usize,
}

impl Free {
    fn push(&mut self, from: i32, to: i32) {
        if to > from {
            self.stretches[self.length] = (from, to);
            self.length += 1;
        }
    }

    /// A start drawn evenly over all minutes where `least` still fits: index of its stretch, and the minute.
    fn draw(&self, least: i32, draws: &mut Draws) -> Option<(usize, i32)> {
        let room = |&(from, to): &(i32, i32)| (to - from - least + 1).max(0);
        let stretches = &self.stretches[..self.length];
        let choices: i32 = stretches.iter().map(room).sum();
        let mut pick = i32::try_from(draws.below(u64::try_from(choices).unwrap_or(0))).unwrap_or(0);
        for (i, stretch) in stretches.iter().enumerate() {
            if pick < room(stretch) {
                return Some((i, stretch.0 + pick));
            }
            pick -= room(stretch);
        }
        None
    }

    /// Takes `[from, to)` out of stretch `i`.
    fn take(&mut self, i: usize, from: i32, to: i32) {
        let (start, end) = self.stretches[i];
        self.stretches[i].1 = from;
        if end > to {
            // In order of the day, as the draw goes by it.
            self.stretches.copy_within(i + 1..self.length, i + 2);
            self.stretches[i + 1] = (to, end);
            self.length += 1;
        }
        if start == from {
            self.stretches.copy_within(i + 1..self.length, i);
            self.length -= 1;
        }
    }
}

/// The switches of one customer on one day, appended to an emptied `out`: sorted by time, summing to zero.
///
/// A day is a function of its draws, so the caller keys the draws by (customer, day) and may make days in any order.
pub fn day_switches(kit: &Kit, today: &Today, draws: &mut Draws, out: &mut Vec<Switch>) {
    out.clear();
    let rest = today.weekday >= 5 || today.holiday;
    for appliance in &kit.appliances {
        // One word of the customer's stream opens the appliance's own: a skipped one does not shift the next.
        let mut own = draws.branch();
        let wanted = match appliance.days {
            Days::All => true,
            Days::Weekdays => !rest,
            Days::Weekends => rest,
        };
        if own.uniform() < appliance.share && wanted {
            sessions(appliance, kit.busy_min, today, &mut own, out);
        }
    }
    out.sort_unstable_by_key(|switch| (switch.at_s, switch.delta_mw));
}

#[allow(clippy::cast_possible_truncation)]
fn sessions(appliance: &Appliance, busy_min: [i32; 2], today: &Today, draws: &mut Draws, out: &mut Vec<Switch>) {
    let mut free = Free { stretches: [(0, 0); SESSIONS + 4], length: 0 };
    let mut room = 0;
    let mut last = 0;
    for window in appliance.windows_h.iter() {
        let shift = appliance.window_shift * (window[1] - window[0]) * 60.0;
        let mut edge = |at_h: f64| (at_h * 60.0 + (2.0 * draws.uniform() - 1.0) * shift + 0.5) as i32;
        let (from, to) = (edge(window[0]).max(last), edge(window[1]).min(1440));
        free.push(from, to);
        room += (to - from).max(0);
        last = to.max(last);
    }
    let season = if appliance.kind == Kind::Motor { today.season } else { 1.0 };
    // As in RAMP: evenly between the nominal time and one that itself varies.
    let vary = |draws: &mut Draws, spread: f64| 1.0 + spread * (2.0 * draws.uniform() - 1.0);
    let other = vary(draws, appliance.minutes_spread);
    let minutes = appliance.minutes * season * (1.0 + draws.uniform() * (other - 1.0));
    let least = (appliance.min_cycle_min + 0.5) as i32;
    let total = ((minutes + 0.5) as i32).max(least).min((f64::from(room) * 0.99) as i32);
    if total < least || season <= 0.0 {
        return;
    }
    let offset_s = draws.below(60) as i32;
    let duty_factor = if appliance.duty.is_empty() { [1.0; 2] } else { [(); 2].map(|()| draws.uniform()) };
    let mut left = total;
    for _ in 0..SESSIONS {
        let Some((stretch, from)) = free.draw(least, draws) else { return };
        let most = total.min(free.stretches[stretch].1 - from);
        let length = (f64::from(least) + draws.uniform() * f64::from(most - least)) as i32;
        let length = length.min(left);
        let to = from + length;
        let busy = to > busy_min[0] && from < busy_min[1];
        let running = coincident(appliance, busy, draws);
        let power = appliance.watts * today.scale * vary(draws, appliance.power_spread);
        let session = Session { from_s: from * 60 + offset_s, to_s: to * 60 + offset_s, running, power, today };
        session.write(appliance, duty_factor, out);
        left -= length;
        if left <= 0 {
            return;
        }
        free.take(stretch, from, to);
    }
}

/// How many of the kind run in a session.
fn coincident(appliance: &Appliance, busy: bool, draws: &mut Draws) -> f64 {
    let number = f64::from(appliance.number);
    if appliance.together || appliance.number == 1 {
        return number;
    }
    if busy {
        libm::ceil(draws.normal(0.5 * number, 0.25 * number)).clamp(1.0, number)
    } else {
        libm::floor(draws.uniform() * (number - 0.5)) + 1.0
    }
}

struct Session<'a> {
    from_s: i32,
    to_s: i32,
    running: f64,
    power: f64,
    today: &'a Today,
}

impl Session<'_> {
    fn write(&self, appliance: &Appliance, factor: [f64; 2], out: &mut Vec<Switch>) {
        let full = self.power * self.running;
        let Some(duty) = rhythm(&appliance.duty, self.from_s) else {
            return self.run(appliance, self.from_s, self.to_s, full, true, out);
        };
        let low = duty.low_watts * self.today.scale * self.running;
        let seconds = |minutes: f64, u: f64| minutes * 60.0 * (1.0 + duty.spread * (2.0 * u - 1.0));
        #[allow(clippy::cast_possible_truncation)]
        let (on_s, off_s) = (seconds(duty.on_min, factor[0]) as i32, seconds(duty.off_min, factor[1]) as i32);
        // The low power lasts, the rest comes and goes: half as many switches as one after the other.
        self.run(appliance, self.from_s, self.to_s, low, false, out);
        let mut at = self.from_s;
        while at < self.to_s {
            self.run(appliance, at, (at + on_s).min(self.to_s), full - low, true, out);
            at += on_s + off_s;
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn run(&self, appliance: &Appliance, from_s: i32, to_s: i32, watts: f64, starts: bool, out: &mut Vec<Switch>) {
        let delta_mw = libm::round(watts * 1000.0) as i64;
        if delta_mw <= 0 || to_s <= from_s {
            return;
        }
        let deferrable_mw = libm::round(watts * 1000.0 * self.today.deferrable[appliance.kind as usize]) as i64;
        let inrush = if starts { (appliance.inrush_factor - 1.0) * watts * 1000.0 } else { 0.0 };
        out.push(Switch { at_s: from_s as u32, delta_mw, deferrable_mw, inrush_mw: libm::round(inrush) as i64 });
        out.push(Switch { at_s: to_s as u32, delta_mw: -delta_mw, deferrable_mw: -deferrable_mw, inrush_mw: 0 });
    }
}

/// The rhythm that holds at this second of the day.
fn rhythm(duties: &[Duty], at_s: i32) -> Option<&Duty> {
    let hour = f64::from(at_s) / 3600.0;
    duties.iter().find(|duty| (duty.window_h[0]..duty.window_h[1]).contains(&hour)).or(duties.last())
}
