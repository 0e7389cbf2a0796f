//! What tests do to a run that no scenario can say: prices that change, accounts that nobody has, parts that are faulty.

use taa_dcu::config::Tariff;

use super::{Event, Village, money::VISITS};
use crate::{
    kernel::{Phase, Queue, SimTime},
    run::{Meddling, Sabotage},
};

/// Operations from this number on are changes of prices.
const PRICES: u32 = 1 << 30;
/// Between two changes, ms.
const EVERY_MS: u64 = 12 * 3_600_000;
/// Between changes that follow each other, ms.
const AT_ONCE_MS: u64 = 20_000;
/// Until the operator tries again, ms.
const AGAIN_MS: u64 = 900_000;

impl Village<'_> {
    /// Takes what a test wants of this run.
    pub(crate) fn meddle(&mut self, meddling: Meddling, horizon_ms: u64, queue: &mut Queue<Event>) {
        self.meddling = meddling;
        if meddling.sabotage == Some(Sabotage::LosesLastCommit) {
            self.site.disk.sabotage(taa_store::Sabotage::LosesLastBlock);
        }
        let changes = if meddling.prices_change { horizon_ms / EVERY_MS } else { 0 };
        let times = if meddling.prices_thrice { 3 } else { 1 };
        for n in (0..changes as u32 * times).map(|n| n + 1) {
            let (change, nth) = (1 + (n - 1) / times, (n - 1) % times);
            let at_ms = u64::from(change) * EVERY_MS - EVERY_MS / 3 + u64::from(nth) * AT_ONCE_MS;
            let number = PRICES + n;
            queue.at(SimTime::from_ms(at_ms), Phase::Customer, self.ops.outside, Event::Operation { number });
        }
        if meddling.clerk {
            self.schedule_clerk(horizon_ms, queue);
        }
    }

    /// Whether this operation is a test's; then it is done: a visit of the clerk, or prices up by a quarter and down again.
    pub(crate) fn prices_changed(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        if let Some(visit) = number.checked_sub(VISITS) {
            self.clerk_comes(visit, now_ms, queue);
            return true;
        }
        let Some(n) = number.checked_sub(PRICES) else { return false };
        if !self.cloud_part.up() {
            let again = SimTime::from_ms(now_ms + AGAIN_MS);
            queue.at(again, Phase::Customer, self.ops.outside, Event::Operation { number });
            return true;
        }
        let base = self.scenario.tariff.energy_price_per_kwh_minor;
        let old = self.cloud_book().tariff().clone();
        let new = Tariff {
            version: 0,
            from_unix_ms: Some(self.unix_ms(now_ms)),
            energy_price_per_kwh_minor: if n % 2 == 1 { base + base / 4 } else { base },
            ..old.clone()
        };
        let (start_unix_s, utc_offset_s) = (self.scenario.run.start_unix_s, self.scenario.site.utc_offset_s);
        for customer in 0..self.people.len() {
            // Classes keep theirs.
            if !self.scenario.tariff_of(customer as usize).class.is_empty() {
                continue;
            }
            let one = self.people.of(customer);
            let energy_mwh = one.unit.energy_mwh(now_ms);
            one.purse.reprice((&old, &new), energy_mwh, now_ms, (start_unix_s, utc_offset_s));
        }
        self.with_cloud(now_ms, queue, |cloud, now| cloud.handle_tariff(now, new));
        self.log(now_ms, "prices", String::new(), "the operator changes prices".to_owned());
        self.touch_all();
        true
    }
}
