//! A device that is paid off, or rented by the day, with OpenPAYGO tokens: days left, and a switch.
//!
//! ```text
//!   digits ──▶ device (key, counts used) ──▶ add / set days, unlock ──▶ until ──▶ on?
//! ```
//!
//! It has no radio and no meter: nobody reads it. Key, counts and the end of the paid time outlive a loss of power; time
//! runs on without it, as paid days do.

use taa_tokens::openpaygo::{Device, DeviceKey, Meaning, Refusal, UsedCounts};

const DAY_NS: u64 = 86_400_000_000_000;

/// A device.
#[derive(Clone, Debug)]
pub struct PaygDevice {
    device: Device,
    /// Until when it is paid, ns since the start of the run; `None`: for good.
    paid_until_ns: Option<u64>,
    powered: bool,
}

impl PaygDevice {
    /// A new one with these days on it; `restricted` when its keypad has the digits 1 to 4 alone.
    #[must_use]
    pub fn new(key: DeviceKey, restricted: bool, days: u32) -> Self {
        let until_ns = u64::from(days).saturating_mul(DAY_NS);
        Self { device: Device::new(key, restricted), paid_until_ns: Some(until_ns), powered: true }
    }

    /// It gives power: paid, and powered itself.
    #[must_use]
    pub fn is_on(&self, now: u64) -> bool {
        self.powered && self.paid_until_ns.is_none_or(|until| now < until)
    }

    /// Whole days left, rounded up; `None` when it is unlocked for good.
    #[must_use]
    pub fn days_left(&self, now: u64) -> Option<u32> {
        let left_ns = self.paid_until_ns?.saturating_sub(now);
        Some(u32::try_from(left_ns.div_ceil(DAY_NS)).unwrap_or(u32::MAX))
    }

    /// Until when it is paid, ns since the start of the run; `None` when it is unlocked for good.
    #[must_use]
    pub const fn paid_until_ns(&self) -> Option<u64> {
        self.paid_until_ns
    }

    /// The count of the last token, as its owner reads it from the display for the service line.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.device.count()
    }

    /// The counts that were used.
    #[must_use]
    pub const fn used(&self) -> &UsedCounts {
        self.device.used()
    }

    /// When it goes off by itself.
    #[must_use]
    pub fn next_deadline(&self, now: u64) -> Option<u64> {
        self.paid_until_ns.filter(|until| self.powered && *until > now)
    }

    /// Its own supply came or went.
    pub const fn handle_power(&mut self, powered: bool) {
        self.powered = powered;
    }

    /// Somebody typed a token in. Days are added to what is left; time that was not paid for is not made up for.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then. `None` inside: the device is dark.
    pub fn handle_digits(&mut self, now: u64, digits: &str) -> Result<Meaning, Option<Refusal>> {
        if !self.powered {
            return Err(None);
        }
        let meaning = self.device.enter(digits).map_err(Some)?;
        let days = |days: u32| u64::from(days).saturating_mul(DAY_NS);
        match (meaning, self.paid_until_ns) {
            (Meaning::Add(more), Some(until)) => {
                self.paid_until_ns = Some(until.max(now).saturating_add(days(more)));
            }
            (Meaning::Set(left), _) => self.paid_until_ns = Some(now.saturating_add(days(left))),
            (Meaning::Disable, _) => self.paid_until_ns = None,
            (Meaning::Add(_) | Meaning::Sync, _) => {}
        }
        Ok(meaning)
    }
}

#[cfg(test)]
mod tests {
    use taa_keys::Secret;
    use taa_tokens::openpaygo::{Ask, Form, Vendor};

    use super::*;

    fn key() -> DeviceKey {
        DeviceKey::new(&Secret::new(&[0x3C; 16]), None).unwrap()
    }

    #[test]
    fn days_are_paid_for_once_and_run_out() {
        let mut vendor = Vendor::new(key(), 1);
        let mut device = PaygDevice::new(key(), false, 1);
        let week = vendor.issue(Ask::Add(7), Form::STANDARD).unwrap().token;
        let month = vendor.issue(Ask::Add(30), Form::STANDARD).unwrap().token;
        assert_eq!((device.is_on(DAY_NS - 1), device.is_on(DAY_NS)), (true, false));
        // Two days in the dark are not made up for; the messages came in the wrong order.
        assert_eq!(device.handle_digits(3 * DAY_NS, &month), Ok(Meaning::Add(30)));
        assert_eq!(device.handle_digits(3 * DAY_NS, &week), Ok(Meaning::Add(7)));
        assert_eq!((device.days_left(3 * DAY_NS), device.next_deadline(0)), (Some(37), Some(40 * DAY_NS)));
        assert_eq!(device.handle_digits(4 * DAY_NS, &week), Err(Some(Refusal::Used)));
        device.handle_power(false);
        assert_eq!(device.handle_digits(4 * DAY_NS, "123456789"), Err(None));
        device.handle_power(true);
        assert_eq!(device.handle_digits(4 * DAY_NS, "123456789"), Err(Some(Refusal::Unknown)));
        assert_eq!(device.days_left(4 * DAY_NS), Some(36));
    }

    #[test]
    fn a_device_that_is_paid_off_stays_on() {
        let mut vendor = Vendor::new(key(), 1);
        let mut device = PaygDevice::new(key(), false, 0);
        let unlock = vendor.issue(Ask::Disable, Form::STANDARD).unwrap().token;
        assert!(!device.is_on(0));
        assert_eq!(device.handle_digits(0, &unlock), Ok(Meaning::Disable));
        assert_eq!((device.is_on(u64::MAX), device.days_left(0)), (true, None));
    }
}
