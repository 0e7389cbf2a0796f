//! The other way: when a device listens, and how much the gateway may say.

use serde::{Deserialize, Serialize};

use super::airtime::{FRAME_OVERHEAD_OCTETS, Lora, SpreadingFactor};

/// When a device listens (LoRaWAN 1.0.4 §3, §17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Twice after each uplink, else never.
    A,
    /// Whenever it does not send: a meter has mains power for it, and none when its service is out.
    C,
}

/// From the end of an uplink to the first window, µs (RECEIVE_DELAY1).
pub const FIRST_WINDOW_US: u64 = 1_000_000;
/// To the second, µs (RECEIVE_DELAY2).
pub const SECOND_WINDOW_US: u64 = 2_000_000;

/// A device's receive windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    class: Class,
    uplink_end_us: Option<u64>,
    uplink_sf: SpreadingFactor,
    second_sf: SpreadingFactor,
}

/// What a device hears at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ear {
    /// A downlink of this spreading factor on the uplink's channel, beginning now.
    First(SpreadingFactor),
    /// One on the second window's channel (869.525 MHz, 10 % duty cycle).
    Second(SpreadingFactor),
}

impl Windows {
    /// A device that has not sent yet; the second window's factor is the network's choice (default 12).
    #[must_use]
    pub const fn new(class: Class, second_sf: SpreadingFactor) -> Self {
        Self { class, uplink_end_us: None, uplink_sf: second_sf, second_sf }
    }

    /// An uplink has ended.
    pub const fn handle_uplink(&mut self, end_us: u64, sf: SpreadingFactor) {
        self.uplink_end_us = Some(end_us);
        self.uplink_sf = sf;
    }

    /// What a downlink that begins now must look like to be heard; `None`: deaf. A window waits for a preamble over
    /// eight symbols.
    #[must_use]
    pub fn ear(&self, now_us: u64) -> Option<Ear> {
        let since = self.uplink_end_us.and_then(|end| now_us.checked_sub(end));
        let opens = |at_us: u64, sf| {
            let wait_us = 8 * Lora::lorawan(sf).symbol_us();
            since.is_some_and(|s| (at_us..at_us + wait_us).contains(&s))
        };
        if opens(FIRST_WINDOW_US, self.uplink_sf) {
            return Some(Ear::First(self.uplink_sf));
        }
        match self.class {
            Class::C => Some(Ear::Second(self.second_sf)),
            Class::A if opens(SECOND_WINDOW_US, self.second_sf) => Some(Ear::Second(self.second_sf)),
            Class::A => None,
        }
    }

    /// Mean wait until a downlink can begin when an order arrives at random, for a device that sends every so often,
    /// µs.
    #[must_use]
    pub const fn mean_wait_us(class: Class, uplink_every_us: u64) -> u64 {
        match class {
            Class::A => uplink_every_us / 2 + FIRST_WINDOW_US,
            Class::C => 0,
        }
    }
}

/// Downlinks an hour that fit the gateway's duty cycle: a share of an hour (0.01 in the first window's band, 0.1 at
/// 869.525 MHz) over their time on the air.
#[must_use]
pub fn downlinks_per_hour(duty: f64, sf: SpreadingFactor, octets: u32) -> f64 {
    duty * 3.6e9 / Lora::lorawan(sf).airtime_us(octets + FRAME_OVERHEAD_OCTETS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SF12: SpreadingFactor = SpreadingFactor::ALL[5];
    const SF7: SpreadingFactor = SpreadingFactor::ALL[0];

    #[test]
    fn class_a_listens_twice_and_class_c_always() {
        let mut a = Windows::new(Class::A, SF12);
        assert_eq!(a.ear(0), None);
        a.handle_uplink(10_000_000, SF7);
        assert_eq!(a.ear(10_500_000), None);
        assert_eq!(a.ear(11_000_000), Some(Ear::First(SF7)));
        assert_eq!(a.ear(11_500_000), None);
        assert_eq!(a.ear(12_000_000), Some(Ear::Second(SF12)));
        assert_eq!(a.ear(13_000_000), None);
        let c = Windows::new(Class::C, SF12);
        assert_eq!(c.ear(5), Some(Ear::Second(SF12)));
        assert!(Windows::mean_wait_us(Class::A, 900_000_000) > 450_000_000);
        assert_eq!(Windows::mean_wait_us(Class::C, 900_000_000), 0);
    }

    /// Relay orders to a village of 200 within an hour: not in the slowest rate's first window, easily in the fastest.
    #[test]
    fn the_gateways_duty_cycle_limits_orders() {
        assert!(downlinks_per_hour(0.01, SF12, 20) < 25.0);
        assert!((150.0..250.0).contains(&downlinks_per_hour(0.1, SF12, 20)));
        assert!(downlinks_per_hour(0.01, SF7, 20) > 400.0);
    }
}
