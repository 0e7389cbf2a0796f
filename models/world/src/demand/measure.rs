//! What a class looks like over a year: the figures by which generated demand is compared with RAMP's and with
//! measured villages.
//!
//! Hourly means are made from the switches exactly; one-minute values are not used, as measured villages have none.

use super::{Kit, Today, day_switches};
use crate::draw::{Draws, NodeKey, Purpose};

const PURPOSE: Purpose = Purpose::named("demand/measure");

/// Hourly demand of some customers of one class.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Mean power by hour, all customers together, W.
    pub hourly_w: Vec<f64>,
    /// Each customer's highest hour, W.
    pub single_peak_w: Vec<f64>,
    /// The same over 30 days, mean over the months of the time.
    pub single_month_peak_w: Vec<f64>,
    /// Each customer's mean energy a day, Wh.
    pub daily_wh: Vec<f64>,
}

/// Figures over a year of hourly demand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Mean energy a day, Wh.
    pub daily_wh: f64,
    /// Standard deviation of the energy from day to day, Wh.
    pub daily_sd_wh: f64,
    /// Highest hour, W.
    pub peak_w: f64,
    /// Mean over days of the highest hour of the day, W.
    pub daily_peak_w: f64,
    /// Mean power over the highest hour.
    pub load_factor: f64,
    /// Highest hour over the sum of the customers' own highest hours.
    pub coincidence: f64,
}

/// Draws `days` days of `users` customers; the first day is a weekday of that number (0 Monday). `factor` gives each
/// customer's multiple of the class's power.
#[must_use]
pub fn measure(
    kit: &Kit,
    users: u32,
    days: u32,
    first_weekday: u8,
    seed: u64,
    factor: impl Fn(u32) -> f64,
) -> Measured {
    let hours = days as usize * 24;
    let mut hourly_w = vec![0.0; hours];
    let (mut single_peak_w, mut single_month_peak_w, mut daily_wh) = (Vec::new(), Vec::new(), Vec::new());
    let mut switches = Vec::new();
    let mut own = vec![0.0; hours];
    for user in 0..users {
        own.fill(0.0);
        let scale = factor(user);
        for day in 0..days {
            let weekday = u8::try_from((u32::from(first_weekday) + day) % 7).unwrap_or(0);
            let mut draws = Draws::keyed(seed, 0, NodeKey(u64::from(user)), PURPOSE, u64::from(day));
            day_switches(kit, &Today { scale, ..Today::plain(weekday) }, &mut draws, &mut switches);
            add_hours(&switches, day as usize * 24, &mut own);
        }
        for (sum, w) in hourly_w.iter_mut().zip(&own) {
            *sum += w;
        }
        single_peak_w.push(highest(&own));
        let months: Vec<f64> = own.chunks(30 * 24).filter(|month| month.len() >= 20 * 24).map(highest).collect();
        single_month_peak_w.push(months.iter().sum::<f64>() / months.len().max(1) as f64);
        daily_wh.push(own.iter().sum::<f64>() / f64::from(days));
    }
    Measured { hourly_w, single_peak_w, single_month_peak_w, daily_wh }
}

fn highest(hours: &[f64]) -> f64 {
    hours.iter().copied().fold(0.0, f64::max)
}

/// Adds a day's energy to hours, in Wh each; what passes the end is dropped.
fn add_hours(switches: &[super::Switch], first: usize, hours: &mut [f64]) {
    let (mut power_w, mut now_s) = (0.0, 0_u32);
    for switch in switches {
        while now_s < switch.at_s {
            let next = ((now_s / 3600 + 1) * 3600).min(switch.at_s);
            if let Some(hour) = hours.get_mut(first + now_s as usize / 3600) {
                *hour += power_w * f64::from(next - now_s) / 3600.0;
            }
            now_s = next;
        }
        #[allow(clippy::cast_precision_loss)]
        let delta_w = switch.delta_mw as f64 / 1000.0;
        power_w += delta_w;
    }
}

impl Measured {
    /// The sum of several classes.
    #[must_use]
    pub fn together(classes: &[Self]) -> Self {
        let hours = classes.first().map_or(0, |c| c.hourly_w.len());
        Self {
            hourly_w: (0..hours).map(|h| classes.iter().map(|c| c.hourly_w[h]).sum()).collect(),
            single_peak_w: classes.iter().flat_map(|c| c.single_peak_w.clone()).collect(),
            single_month_peak_w: classes.iter().flat_map(|c| c.single_month_peak_w.clone()).collect(),
            daily_wh: classes.iter().flat_map(|c| c.daily_wh.clone()).collect(),
        }
    }

    /// Mean power by hour of the day, W.
    #[must_use]
    pub fn profile_w(&self) -> [f64; 24] {
        let days = (self.hourly_w.len() / 24).max(1);
        let mut out = [0.0; 24];
        for (i, w) in self.hourly_w.iter().enumerate() {
            out[i % 24] += w / days as f64;
        }
        out
    }

    /// The figures.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let days: Vec<&[f64]> = self.hourly_w.chunks(24).collect();
        let n = days.len().max(1) as f64;
        let energies: Vec<f64> = days.iter().map(|day| day.iter().sum()).collect();
        let daily_wh = energies.iter().sum::<f64>() / n;
        let variance = energies.iter().map(|e| (e - daily_wh) * (e - daily_wh)).sum::<f64>() / n;
        let peak_w = highest(&self.hourly_w);
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        Figures {
            daily_wh,
            daily_sd_wh: libm::sqrt(variance),
            peak_w,
            daily_peak_w: days.iter().map(|day| highest(day)).sum::<f64>() / n,
            load_factor: ratio(daily_wh / 24.0, peak_w),
            coincidence: ratio(peak_w, self.single_peak_w.iter().sum()),
        }
    }
}
