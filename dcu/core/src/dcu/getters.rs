//! What can be asked without changing anything.

use super::{Dcu, NS_PER_MS};
use crate::{MeterIx, config::DcuConfig, journal::State, relay::Wanted};

impl Dcu {
    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &DcuConfig {
        &self.config
    }

    /// The durable state: accounts, relays, outbox.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Balance of the meter's account, minor units (of no meaning where credit is kept elsewhere).
    #[must_use]
    pub fn account_balance(&self, meter: MeterIx) -> i64 {
        self.state.book().balance_minor(meter.0)
    }

    /// What the meter's relay should be and is not known to be.
    #[must_use]
    pub fn pending_order(&self, meter: MeterIx) -> Option<Wanted> {
        self.fleet.unit(meter).and_then(|u| u.wanted)
    }

    /// Relays that should be in another state than they are known to be in.
    #[must_use]
    pub fn pending_orders(&self) -> usize {
        self.fleet.units().iter().filter(|u| u.wanted.is_some()).count()
    }

    /// Something waits to leave until what has been recorded is durable: a driver that gathers records before it writes
    /// them down does so now.
    #[must_use]
    pub fn awaits_durable(&self) -> bool {
        let rest = self.state.last_record() > self.durable;
        rest && !(self.waiting.is_empty()
            && self.receipts.is_empty()
            && self.reservations.is_empty()
            && self.unconfirmed.is_empty())
    }

    /// Meters with a reading for the period (Unix seconds of its start divided by the period).
    #[must_use]
    pub fn readings_complete(&self, period: u32) -> u32 {
        self.state.readings_in(period)
    }

    /// Messages and readings that the cloud has not acknowledged.
    #[must_use]
    pub fn outbox_len(&self) -> usize {
        self.state.outbox().len()
    }

    /// Exchanges that failed in a row; 0 for a meter that answers.
    #[must_use]
    pub fn failures(&self, meter: MeterIx) -> u32 {
        self.fleet.unit(meter).map_or(0, |u| u.failures)
    }

    /// Balances kept in the cloud can no longer be confirmed, and the architecture opens relays then.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    /// The wall clock at this instant, Unix milliseconds.
    #[must_use]
    pub fn unix_ms(&self, now: u64) -> Option<i64> {
        let since_boot_ms = i64::try_from(now / NS_PER_MS).unwrap_or(i64::MAX);
        self.clock_offset_ms.map(|offset| offset.saturating_add(since_boot_ms))
    }

    /// Logical device name that the meter must have.
    #[must_use]
    pub fn meter_name(&self, meter: MeterIx) -> Option<&str> {
        self.names.get(meter.at()).map(String::as_str)
    }
}
