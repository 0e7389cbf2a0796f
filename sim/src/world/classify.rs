//! Why a customer is dark: the one place that turns the state of the village into a class and a chain.
//!
//! Read from the inside out: line → meter → relay → who decides over the relay → what keeps the decision from the
//! meter. A wait whose obstacle has just gone (the tower is back, the retry is due in a minute) keeps the obstacle's
//! name: without it there would be no wait.

use taa_dcu::config::CreditAt;

use super::{
    Village,
    light::Status,
    money::Stage,
    parts::{easiest_to_clear, hardest_to_clear},
    population::{One, Opened},
};
use crate::cause::{Cause, Chain, DownClass};

/// How long an obstacle that has gone is remembered: the longest back-off of the DCU's retries, with room.
const MEMORY_MS: u64 = 2 * 3_600_000;

impl Village<'_> {
    /// Brings the status of all touched customers up to date.
    pub(crate) fn settle(&mut self, now_ms: u64) {
        if self.touched_all {
            self.touched_all = false;
            self.touched.clear();
            for customer in 0..self.people.len() {
                self.classify(customer, now_ms);
            }
            return;
        }
        while let Some(customer) = self.touched.pop() {
            self.classify(customer, now_ms);
        }
    }

    /// This customer's status may have changed.
    pub(crate) fn touch(&mut self, customer: u32) {
        if self.touched.last() != Some(&customer) {
            self.touched.push(customer);
        }
    }

    /// Anybody's status may have changed.
    pub(crate) fn touch_all(&mut self) {
        self.touched_all = true;
    }

    fn classify(&mut self, customer: u32, now_ms: u64) {
        let status = self.status_of(customer, now_ms);
        let one = self.people.of(customer);
        let before = one.light.status();
        if before == status {
            return;
        }
        one.load.integrate(now_ms, before);
        if matches!(before, Status::Lost(..)) {
            one.load.return_missed(now_ms, status, &self.scenario.demand.deferral);
            self.rearm.push(customer);
        }
        let one = self.people.of(customer);
        if one.purse.mood.turn(&self.scenario.people.trust, status, now_ms) {
            self.stirred.push(customer);
        }
        let ended = one.light.turn(customer, now_ms, status, &mut self.outages, &mut self.records.downtime);
        if matches!(status, Status::Lit | Status::NoCredit) {
            one.purse.blocker = Chain::EMPTY;
        }
        if let Some(length_ms) = ended {
            self.darkness_ended(customer, length_ms, now_ms);
        }
    }

    fn status_of(&mut self, customer: u32, now_ms: u64) -> Status {
        let tariff = self.scenario.tariff_of(customer as usize);
        let One { unit, purse, .. } = self.people.of(customer);
        if purse.gone_ms.is_some() {
            return Status::Gone;
        }
        if unit.meter.lit() && !unit.dead {
            return Status::Lit;
        }
        if self.lit_by_bypass(customer) {
            return Status::Bypassed;
        }
        let One { unit, purse, .. } = self.people.of(customer);
        let (dead, opened, last_loss) = (unit.dead, unit.opened, unit.last_loss);
        purse.look(unit.energy_mwh(now_ms), now_ms);
        let entitled = purse.entitled(unit.energy_mwh(now_ms), tariff);
        let held = purse.open.first().copied();
        let wish = purse.wish;
        // An obstacle that has gone still explains the wait that follows it, until retries must have gone round.
        let recent = now_ms - purse.blocked_ms <= MEMORY_MS;
        let blocker = if recent { purse.blocker } else { Chain::EMPTY };

        let meter = dead.then(|| self.meter_dead_chain(customer));
        let physical = hardest_to_clear([self.line_dead(customer), meter]);
        if entitled {
            let chain = match physical {
                Some(chain) => chain,
                None => self.open_although_entitled(customer, opened, last_loss, blocker, now_ms),
            };
            return Status::Lost(DownClass::SupplyDown, chain);
        }
        if let Some(payment) = held {
            let obstacle = physical.or_else(|| self.holding(customer, payment, now_ms));
            let chain = Chain::of(Cause::RelayOpen).because(Cause::CreditUndelivered);
            return Status::Lost(
                DownClass::CreditStuck,
                chain.then(self.remember(customer, obstacle, blocker, now_ms)),
            );
        }
        match wish {
            Some(wish) if !wish.blocked.is_empty() => {
                Status::Lost(DownClass::PaymentBlocked, Chain::of(Cause::RelayOpen).then(wish.blocked))
            }
            _ => Status::NoCredit,
        }
    }

    /// The obstacle now, or the last one of this wait, or plain latency.
    fn remember(&mut self, customer: u32, obstacle: Option<Chain>, last: Chain, now_ms: u64) -> Chain {
        match obstacle {
            Some(chain) => {
                let purse = self.people.of(customer).purse;
                purse.blocker = chain;
                purse.blocked_ms = now_ms;
                chain
            }
            None if !last.is_empty() => last,
            None => Chain::of(Cause::InTransit),
        }
    }

    fn open_although_entitled(
        &mut self,
        customer: u32,
        opened: Opened,
        last_loss: Chain,
        blocker: Chain,
        now_ms: u64,
    ) -> Chain {
        let head = Chain::of(Cause::RelayOpen);
        let obstacle = self.order_obstacle(customer, now_ms);
        match opened {
            Opened::Tamper => head.then(self.tamper_chain(customer, now_ms)),
            Opened::AtBoot => {
                let chain = head.because(Cause::BootedOpen);
                // Both are needed: without the loss of power the relay would be closed, without the obstacle it would be
                // by now. The one whose absence is a scripted fault's absence names the hours.
                let obstacle = self.remember(customer, obstacle, blocker, now_ms);
                let waits = obstacle != Chain::of(Cause::InTransit) || last_loss.is_empty();
                chain.then(if waits { easiest_to_clear(obstacle, last_loss) } else { last_loss })
            }
            Opened::Stale => head.because(Cause::StaleReading).then(self.remember(customer, obstacle, blocker, now_ms)),
            Opened::ForDebt | Opened::No => {
                head.because(Cause::OrderUndelivered).then(self.remember(customer, obstacle, blocker, now_ms))
            }
        }
    }

    /// What keeps an order from the deciding party from the meter, or the meter from heeding it. Where numbers are typed
    /// nothing has to reach the meter for it to close, once it may.
    fn order_obstacle(&mut self, customer: u32, now_ms: u64) -> Option<Chain> {
        let refuses = self.tamper_refuses(customer, now_ms);
        if refuses.is_some() && self.by_keypad() {
            return refuses;
        }
        let remote = self.traits.credit_at == CreditAt::Cloud;
        hardest_to_clear([self.between_cloud_and_meter(customer, remote, now_ms), refuses])
    }

    pub(crate) fn between_cloud_and_meter(&mut self, customer: u32, from_cloud: bool, now_ms: u64) -> Option<Chain> {
        let cloud = (from_cloud && !self.cloud_part.up()).then(|| self.cloud_part.chain());
        let wan = (from_cloud && !self.wan.up()).then(|| self.wan.chain());
        let slow = if from_cloud && wan.is_none() { self.wan.slow_chain() } else { None };
        let site = (!self.site.up()).then(|| self.site_chain());
        let mesh = if site.is_none() { self.unreachable(customer, now_ms) } else { None };
        let clock = (site.is_none() && self.site_has_no_time(now_ms)).then(|| self.repairs.clock.chain());
        let disk = (!self.site.disk.part.up()).then(|| self.site.disk.part.chain());
        hardest_to_clear([cloud, wan, site, mesh, slow, clock, disk])
    }

    /// What holds an accepted payment.
    fn holding(&mut self, customer: u32, payment: u32, now_ms: u64) -> Option<Chain> {
        match self.pays[payment as usize].stage {
            Stage::Number if self.site_vends() => self.vending_obstacle(customer, payment, now_ms),
            Stage::At(_) | Stage::Number | Stage::InHand => self.pays[payment as usize].held(),
            Stage::AtVendor => {
                let from_cloud = !self.dcu_fetches();
                self.between_cloud_and_meter(customer, from_cloud, now_ms)
            }
            Stage::Credited => self.order_obstacle(customer, now_ms),
            Stage::Wanted | Stage::Applied => None,
        }
    }

    /// What keeps the site from selling what is credited, or what it has sold from the meter.
    fn vending_obstacle(&mut self, customer: u32, payment: u32, now_ms: u64) -> Option<Chain> {
        let pay = &self.pays[payment as usize];
        let (held, is_sold) = (pay.held(), pay.is_sold());
        if is_sold {
            // By text it is where the text is; else the gateway has to be reached.
            return held.or_else(|| self.between_cloud_and_meter(customer, false, now_ms));
        }
        let site = (!self.site.up()).then(|| self.site_chain());
        let clock = (site.is_none() && self.site_has_no_time(now_ms)).then(|| self.repairs.clock.chain());
        let disk = (!self.site.disk.part.up()).then(|| self.site.disk.part.chain());
        let doubt = self.site_doubts().then(|| self.doubt_chain());
        hardest_to_clear([held, site, doubt, clock, disk])
    }
}
