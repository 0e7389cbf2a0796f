//! Whether a customer has light, and if not, why: the state behind every lost hour.
//!
//! A customer is in exactly one [`Status`] at any time; a change closes the interval of the old one. So the classes
//! cannot overlap, and their sums are exact in nanoseconds of simulated time, recorded in milliseconds.

use bevy_ecs::component::Component;

use crate::{
    cause::{Chain, DownClass},
    records::{Downtime, DowntimeRow},
};

/// What a customer has right now. Precedence is the order of the variants of [`DownClass`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Voltage at the terminals.
    Lit,
    /// Dark, entitled or held up: lost time.
    Lost(DownClass, Chain),
    /// Dark with no credit, by choice or for want of money.
    NoCredit,
    /// Dark by the meter, lit past it.
    Bypassed,
    /// Left the operator.
    Gone,
}

/// The customer's light and the sums over it.
#[derive(Component, Debug)]
pub(crate) struct Light {
    status: Status,
    since_ms: u64,
    outage: u32,
    /// Start of the unbroken darkness (any lost class) that is going on.
    dark_since_ms: Option<u64>,
    /// Sums by class, ms.
    pub(crate) lost_ms: [u64; 3],
    /// Sum of freely zero credit, ms.
    pub(crate) no_credit_ms: u64,
    /// Sum of darkness by the meter with light past it, ms.
    pub(crate) bypassed_ms: u64,
    /// Sum of light, ms.
    pub(crate) lit_ms: u64,
    /// Light between 18 and 22 h local time, ms.
    pub(crate) lit_evening_ms: u64,
    /// Longest unbroken darkness, ms.
    pub(crate) longest_ms: u64,
    /// Darknesses over five minutes that began with `supply_down`.
    pub(crate) interruptions: u32,
    began_with_supply: bool,
}

impl Light {
    /// Lit from the start of the run.
    pub(crate) fn new() -> Self {
        Self {
            status: Status::Lit,
            since_ms: 0,
            outage: 0,
            dark_since_ms: None,
            lost_ms: [0; 3],
            no_credit_ms: 0,
            bypassed_ms: 0,
            lit_ms: 0,
            lit_evening_ms: 0,
            longest_ms: 0,
            interruptions: 0,
            began_with_supply: false,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// Takes the status as of now. Returns the length of a darkness that has just ended, ms.
    pub(crate) fn turn(
        &mut self,
        customer: u32,
        now_ms: u64,
        status: Status,
        outages: &mut u32,
        table: &mut Downtime,
    ) -> Option<u64> {
        if status == self.status {
            return None;
        }
        self.close(customer, now_ms, table, false);
        let was_lost = matches!(self.status, Status::Lost(..));
        let is_lost = matches!(status, Status::Lost(..));
        let mut ended = None;
        if is_lost && !was_lost {
            self.outage = *outages;
            *outages += 1;
            self.dark_since_ms = Some(now_ms);
            self.began_with_supply = matches!(status, Status::Lost(DownClass::SupplyDown, _));
        } else if was_lost && !is_lost {
            ended = self.end_darkness(now_ms);
        }
        self.status = status;
        self.since_ms = now_ms;
        ended
    }

    /// Closes the books at the end of the run.
    pub(crate) fn finish(&mut self, customer: u32, now_ms: u64, table: &mut Downtime) {
        self.close(customer, now_ms, table, true);
        self.end_darkness(now_ms);
        self.since_ms = now_ms;
    }

    fn end_darkness(&mut self, now_ms: u64) -> Option<u64> {
        let length = now_ms - self.dark_since_ms.take()?;
        self.longest_ms = self.longest_ms.max(length);
        if self.began_with_supply && length > crate::kpi::SUSTAINED_MS {
            self.interruptions += 1;
        }
        Some(length)
    }

    fn close(&mut self, customer: u32, now_ms: u64, table: &mut Downtime, open_end: bool) {
        let length = now_ms - self.since_ms;
        if length == 0 {
            return;
        }
        match self.status {
            Status::Lit => {
                self.lit_ms += length;
                self.lit_evening_ms += evening_ms(self.since_ms, now_ms);
            }
            Status::Lost(class, chain) => {
                self.lost_ms[class as usize] += length;
                table.push(DowntimeRow {
                    customer,
                    class,
                    chain,
                    start_ms: self.since_ms,
                    end_ms: now_ms,
                    outage: self.outage,
                    open_end,
                });
            }
            Status::NoCredit => self.no_credit_ms += length,
            Status::Bypassed => self.bypassed_ms += length,
            Status::Gone => {}
        }
    }
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Milliseconds of `[from, to)` that fall between 18 and 22 h; the run starts at local midnight.
fn evening_ms(from: u64, to: u64) -> u64 {
    let until = |t: u64| (t / DAY_MS) * 4 * HOUR_MS + (t % DAY_MS).clamp(18 * HOUR_MS, 22 * HOUR_MS) - 18 * HOUR_MS;
    until(to) - until(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;

    #[test]
    fn intervals_follow_without_gap_or_overlap() {
        let (mut light, mut table, mut outages) = (Light::new(), Downtime::default(), 0);
        let supply = Status::Lost(DownClass::SupplyDown, Chain::of(Cause::BatteryEmpty));
        let stuck = Status::Lost(DownClass::CreditStuck, Chain::of(Cause::TowerDown));
        light.turn(7, 1000, supply, &mut outages, &mut table);
        light.turn(7, 5000, stuck, &mut outages, &mut table);
        assert_eq!(light.turn(7, 400_000, Status::Lit, &mut outages, &mut table), Some(399_000));
        light.turn(7, 500_000, Status::NoCredit, &mut outages, &mut table);
        light.finish(7, 600_000, &mut table);
        assert_eq!(table.start_ms, [1000, 5000]);
        assert_eq!(table.end_ms, [5000, 400_000]);
        assert_eq!(table.outage, [0, 0]);
        assert_eq!((light.lit_ms, light.no_credit_ms, light.interruptions), (101_000, 100_000, 1));
        assert_eq!(light.lost_ms, [4000, 395_000, 0]);
    }

    #[test]
    fn time_past_the_meter_is_neither_light_nor_loss() {
        let (mut light, mut table, mut outages) = (Light::new(), Downtime::default(), 0);
        light.turn(7, 1000, Status::Bypassed, &mut outages, &mut table);
        light.turn(7, 3000, Status::Lit, &mut outages, &mut table);
        light.finish(7, 4000, &mut table);
        assert_eq!((light.lit_ms, light.bypassed_ms, light.no_credit_ms, light.lost_ms), (2000, 2000, 0, [0; 3]));
    }

    #[test]
    fn evenings_are_four_hours_a_day() {
        assert_eq!(evening_ms(0, DAY_MS), 4 * HOUR_MS);
        assert_eq!(evening_ms(19 * HOUR_MS, 20 * HOUR_MS), HOUR_MS);
        assert_eq!(evening_ms(21 * HOUR_MS, DAY_MS + 19 * HOUR_MS), 2 * HOUR_MS);
    }
}
