//! What tests do to a run that no scenario can say: prices that change, accounts that nobody has, parts that are faulty.

use taa_dcu::config::Tariff;

use super::{Event, Village};
use crate::{
    kernel::{Phase, Queue, SimTime},
    run::{Meddling, Sabotage},
};

/// Operations from this number on are changes of prices.
const PRICES: u32 = 1 << 30;
/// Between two changes, ms.
const EVERY_MS: u64 = 12 * 3_600_000;
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
        for n in 1..=changes as u32 {
            let at = SimTime::from_ms(u64::from(n) * EVERY_MS - EVERY_MS / 3);
            queue.at(at, Phase::Customer, self.ops.outside, Event::Operation { number: PRICES + n });
        }
    }

    /// Whether this operation is a change of prices; then it is done: up by a quarter, down again.
    pub(crate) fn prices_changed(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) -> bool {
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
