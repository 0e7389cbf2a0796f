//! How a token reaches its meter: the ways of the policy one after another, with the same digits, and what is heard of
//! it.

use super::{
    Dcu,
    output::DcuEvent,
    vend::{Next, wait_ns},
};
use crate::{
    MeterIx,
    config::{By, Step, StsMeter, Way},
    gateway::{TokenDigits, TokenFate},
    uplink::AlarmCode,
    vending::{Fate, Note, Said, Sale, Seen, VendId},
};

/// What a port says of a token that it carries ([`Dcu::handle_delivery`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Taken: the message is with the network, the paper in somebody's hand.
    Handed,
    /// This way cannot be gone now: no coverage, no paper.
    Failed,
    /// The meter was heard to take it (a phone by the meter), or to refuse it.
    Answered(TokenFate),
}

impl Dcu {
    /// A port tells what became of a token: the modem, the agent's printer, the phone by the meter. Not telling is
    /// harmless: the next way is tried when the time of this one is over.
    pub fn handle_delivery(&mut self, now: u64, id: VendId, delivery: Delivery) {
        self.begin(now);
        let Some(sale) = self.state.desk().sale(id).filter(|sale| matches!(sale.fate, Fate::Out { .. })) else {
            return;
        };
        match delivery {
            Delivery::Handed if !sale.handed => self.note(now, Note::TokenHanded { id }),
            Delivery::Handed => {}
            Delivery::Failed => self.way_failed(now, id),
            Delivery::Answered(fate) => self.take_token_fate(now, id, fate, Seen::Told),
        }
        self.run_vending(now);
        self.pump(now);
        self.send(now);
    }

    /// The way cannot be gone now: another one, or this one again later.
    fn way_failed(&mut self, now: u64, id: VendId) {
        let Some(sale) = self.state.desk().sale(id) else { return };
        let Fate::Out { way } = sale.fate else { return };
        self.vending.failed.insert((id, way));
        match self.next_step(now, sale).filter(|step| step.way != way) {
            Some(step) => self.send_by(now, id, step),
            None => {
                self.vending.waits.insert(id, now.saturating_add(wait_ns(self.again_s())));
            }
        }
    }

    /// A phone that can speak to this meter by radio has come near, or has gone.
    pub fn handle_near(&mut self, now: u64, meter: MeterIx, near: bool) {
        self.begin(now);
        if near {
            self.vending.near.insert(meter)
        } else {
            self.vending.near.remove(&meter)
        };
        if near {
            self.try_again(now, meter);
        }
        self.run_vending(now);
    }

    /// The agent's printer is there, or has gone.
    pub fn handle_printer(&mut self, now: u64, there: bool) {
        self.begin(now);
        self.vending.printer = there;
        if there {
            let parked = |sale: &&Sale| sale.fate == Fate::Made && !sale.is_stock();
            let ids: Vec<VendId> = self.state.desk().sales().filter(parked).map(|sale| sale.id).collect();
            ids.into_iter().for_each(|id| self.deliver(now, id));
        }
        self.run_vending(now);
    }

    /// A customer has lost the token: the same one is told again, this way. Never another: whoever has found the old one
    /// could use both. False when there is no such token, or it is known to have been entered.
    pub fn repeat_token(&mut self, now: u64, id: VendId, way: Way) -> bool {
        self.begin(now);
        let known = self.state.desk().sale(id);
        let open = known.is_some_and(|sale| !sale.fate.is_settled() && !sale.tokens.is_empty() && !sale.is_stock());
        if open {
            self.send_by(now, id, Step::new(way, self.again_s()));
            self.run_vending(now);
            self.pump(now);
        }
        open
    }

    /// Something has changed for this meter: what is parked is tried again.
    fn try_again(&mut self, now: u64, meter: MeterIx) {
        let parked = |sale: &&Sale| !sale.fate.is_settled() && !sale.tokens.is_empty() && !sale.is_stock();
        let ids: Vec<VendId> = self.state.desk().sales_of(meter).filter(parked).map(|sale| sale.id).collect();
        ids.into_iter().for_each(|id| self.deliver(now, id));
    }

    /// The meter has answered.
    pub(super) fn meter_answered(&mut self, now: u64, meter: MeterIx) {
        if self.config.vending.is_some() {
            self.vending.answered.insert(meter, now);
        }
    }

    /// The first way that can be gone, or the next one.
    pub(super) fn deliver(&mut self, now: u64, id: VendId) {
        let Some(sale) = self.state.desk().sale(id).filter(|sale| !sale.fate.is_settled()) else {
            self.vending.waits.remove(id);
            return;
        };
        match self.next_step(now, sale) {
            Some(step) => self.send_by(now, id, step),
            None => {
                self.vending.waits.insert(id, now.saturating_add(wait_ns(self.again_s())));
            }
        }
    }

    fn send_by(&mut self, now: u64, id: VendId, step: Step) {
        let Some(sale) = self.state.desk().sale(id) else { return };
        let (meter, first_change) = (sale.meter, matches!(sale.said, Said::KeyChange { .. }) && !sale.has_left());
        if first_change {
            // What lies in stock under the old key is worth nothing from now on.
            let stock: Vec<VendId> =
                self.state.desk().sales_of(meter).filter(|sale| sale.is_stock()).map(|sale| sale.id).collect();
            for id in stock {
                self.note(now, Note::Voided { id, why: crate::vending::Void::KeyChanged });
            }
        }
        self.vending.failed.remove(&(id, step.way));
        // Given to the gateway once more: that is recorded already.
        let recorded =
            step.way == Way::Gateway && self.state.desk().sale(id).map(|s| s.fate) == Some(Fate::Out { way: step.way });
        if !recorded {
            self.note(now, Note::TokenSent { id, way: step.way });
        }
        self.then(Next::Leave(id));
        self.vending.waits.insert(id, now.saturating_add(wait_ns(step.wait_s.max(1))));
        if first_change && self.vending.unsold.contains_key(&meter) {
            self.vending.retry_at = Some(now);
        }
    }

    /// Another way than the last, if one can be gone; else the gateway once more.
    fn next_step(&self, now: u64, sale: &Sale) -> Option<Step> {
        let (vending, sts) = self.vendable(sale.meter).ok()?;
        let last = if let Fate::Out { way } = sale.fate { Some(way) } else { None };
        let possible = |step: &&Step| self.can_go(now, sale, sts, step);
        let steps = || vending.policy.steps.iter().filter(possible);
        steps().find(|step| Some(step.way) != last).or_else(|| steps().next()).copied()
    }

    fn can_go(&self, now: u64, sale: &Sale, sts: &StsMeter, step: &Step) -> bool {
        let fits = match step.way {
            Way::Gateway => sts.gateway,
            Way::Keypad { by: By::Text } => sts.keypad && sts.phone.is_some(),
            Way::Keypad { by: By::Paper } => sts.keypad && self.vending.printer,
            Way::Ble => sts.ble && self.vending.near.contains(&sale.meter),
            // A virtual token is no digits: `credit_by_policy`. A device's tokens are its own: `days_by_policy`.
            Way::Dlms | Way::OpenPaygo => false,
        };
        let reachable = self.is_reachable(now, sale.meter, step);
        let worth_u = |minor: i64| minor.saturating_mul(self.state.desk().u_per_minor());
        let small = step.amount_max_minor.is_none_or(|minor| sale.worth_u <= worth_u(minor));
        let done = sale.went(step.way) && !self.vending.failed.contains(&(sale.id, step.way));
        fits && reachable && small && !(step.way.is_by_hand() && done)
    }

    fn is_reachable(&self, now: u64, meter: MeterIx, step: &Step) -> bool {
        step.reachable_s.is_none_or(|seconds| {
            let answered = self.vending.answered.get(&meter);
            answered.is_some_and(|at| now.saturating_sub(*at) <= wait_ns(seconds))
        })
    }

    /// The cumulative credit that may be written over DLMS now, of so much that is due: what the first possible step of
    /// that way allows; all of it where no policy is set.
    pub(super) fn credit_by_policy(&self, now: u64, meter: MeterIx, due_minor: i64) -> i64 {
        let Some(vending) = &self.config.vending else { return due_minor };
        let delivered = self.state.meter(meter).map_or(0, |m| m.credit_delivered_minor);
        let step = vending.policy.steps_by(Way::Dlms).find(|step| self.is_reachable(now, meter, step));
        let most = step.map_or(0, |step| step.amount_max_minor.unwrap_or(i64::MAX));
        due_minor.min(delivered.saturating_add(most)).max(delivered)
    }

    /// Most that one token of a device may be worth, minor units; nothing where no step of the policy leads to devices.
    pub(super) fn days_by_policy(&self) -> Option<i64> {
        let mut steps = self.config.vending.as_ref()?.policy.steps_by(Way::OpenPaygo);
        steps.find(|step| step.reachable_s.is_none()).map(|step| step.amount_max_minor.unwrap_or(i64::MAX))
    }

    /// The record of the way is durable: the token leaves.
    pub(super) fn leave(&mut self, id: VendId) {
        let Some(sale) = self.state.desk().sale(id) else { return };
        let Fate::Out { way } = sale.fate else { return };
        let meter = sale.meter;
        if way == Way::Gateway {
            self.vending.ready.insert(id);
            return self.next_for_gateway(meter);
        }
        let u_per_minor = self.state.desk().u_per_minor();
        let worth_minor = sale.worth_u.checked_div(u_per_minor).unwrap_or(0);
        let tokens = sale.tokens.clone();
        let event = if let Said::KeyChange { .. } = sale.said {
            DcuEvent::KeyChangeIssued { meter, id, tokens, way }
        } else {
            let Some(token) = tokens.first().copied() else { return };
            DcuEvent::TokenIssued { meter, id, token, first: self.change_before(sale), worth_minor, way }
        };
        self.event(event);
    }

    /// Tokens of a key change that must be entered before this one.
    fn change_before(&self, sale: &Sale) -> Vec<TokenDigits> {
        let desk = self.state.desk();
        let changing = desk.meter(sale.meter).and_then(|desk| desk.changing()).and_then(|id| desk.sale(id));
        match changing {
            Some(change) if matches!(change.said, Said::KeyChange { to } if to == sale.key) => {
                change.tokens.get(usize::from(change.entered)..).unwrap_or_default().to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// Gives the gateway the oldest token that goes this way; a key change goes before all that is made under its key.
    pub(super) fn next_for_gateway(&mut self, meter: MeterIx) {
        let ready =
            |sale: &&Sale| sale.fate == Fate::Out { way: Way::Gateway } && self.vending.ready.contains(&sale.id);
        let desk = self.state.desk();
        let Some(sale) = desk.sales_of(meter).find(ready) else { return };
        let digits = self.change_before(sale).first().copied().or_else(|| sale.next_token());
        // It may have been entered before: by hand, or by an attempt whose answer was lost.
        let again = sale.ways != Way::Gateway.bit() || self.vending.tried.contains(&sale.id);
        let id = sale.id;
        if let Some(digits) = digits {
            self.vending.tried.insert(id);
            self.enter_token(meter, digits, again, self.durable);
        }
    }

    /// The gateway has answered: `fate` is what the meter says of these digits.
    pub(super) fn gateway_said(&mut self, now: u64, meter: MeterIx, digits: TokenDigits, fate: TokenFate) {
        let sale = self.state.desk().sales_of(meter).find(|sale| sale.tokens.contains(&digits));
        if let Some(id) = sale.map(|sale| sale.id) {
            self.take_token_fate(now, id, fate, Seen::Gateway);
        }
        // A meter that is still at it is asked again when the time of this way is over.
        if fate != TokenFate::Pending {
            self.next_for_gateway(meter);
        }
        self.run_vending(now);
    }

    fn take_token_fate(&mut self, now: u64, id: VendId, fate: TokenFate, seen: Seen) {
        let Some(sale) = self.state.desk().sale(id).filter(|sale| !sale.fate.is_settled()) else { return };
        let meter = sale.meter;
        match fate {
            TokenFate::Accepted => self.entered(now, id, seen),
            TokenFate::Used => self.entered(now, id, Seen::UsedBefore),
            TokenFate::Pending => {}
            // Not carried out, or not understood: another way may be better, with the same digits. Without one, this way
            // again after a while: a gateway that refuses is not called without end.
            TokenFate::Format | TokenFate::NotCarriedOut | TokenFate::Refused => {
                self.vending.ready.remove(&id);
                let by_gateway = sale.fate == Fate::Out { way: Way::Gateway };
                // Its word on a token that goes another way meanwhile changes nothing.
                if by_gateway || seen != Seen::Gateway {
                    self.way_failed(now, id);
                }
            }
            // Another way leads to the same decoder, which will say the same.
            status => {
                self.vending.ready.remove(&id);
                self.vending.waits.remove(id);
                self.note(now, Note::TokenRefused { id, status });
                self.alarm(now, Some(meter), AlarmCode::TokenRefused);
                self.then(Next::Tell(id));
                self.tell_orphans(id);
            }
        }
    }

    /// The meter has taken the token, or the next one of a set.
    pub(super) fn entered(&mut self, now: u64, id: VendId, seen: Seen) {
        let Some(sale) = self.state.desk().sale(id) else { return };
        let (meter, key, is_change) = (sale.meter, sale.key, matches!(sale.said, Said::KeyChange { .. }));
        let before = self.state.desk().meter(meter).and_then(|desk| desk.changing()).filter(|_| !is_change);
        if let Some(change) = before.and_then(|change| self.state.desk().sale(change)) {
            let change_id = change.id;
            // A token under the new key is proof that the change was entered.
            if matches!(change.said, Said::KeyChange { to } if to == key) {
                self.note(now, Note::TokenEntered { id: change_id, seen: Seen::LaterToken, whole: true });
                self.settled(change_id);
            }
        }
        // Somebody who confirms a set by hand confirms all of it.
        let whole = is_change && seen == Seen::Told;
        self.note(now, Note::TokenEntered { id, seen, whole });
        if self.state.desk().sale(id).is_some_and(|sale| sale.fate.is_settled()) {
            self.settled(id);
        }
    }

    fn settled(&mut self, id: VendId) {
        self.vending.ready.remove(&id);
        self.vending.waits.remove(id);
        self.then(Next::Tell(id));
        self.tell_orphans(id);
    }

    /// Sales whose time with their way is over.
    pub(super) fn check_waits(&mut self, now: u64) {
        for id in self.vending.waits.take_over(now) {
            self.deliver(now, id);
        }
    }

    /// A reading with the meter's own credit: a rise that consumption does not explain is a token that was typed in.
    pub(super) fn match_credit(&mut self, now: u64, meter: MeterIx, register_wh: u64, credit_minor: i64) {
        if self.vendable(meter).is_err() {
            return;
        }
        let Some((before_wh, before_minor)) = self.vending.seen.insert(meter, (register_wh, credit_minor)) else {
            return;
        };
        let u_per_minor = self.state.desk().u_per_minor();
        let price = self.state.book().tariff_of(meter.0).energy_price_per_kwh_minor;
        let used_wh = i64::try_from(register_wh.saturating_sub(before_wh)).unwrap_or(0);
        let used_minor = used_wh.saturating_mul(price) / 1000;
        let rise_minor = credit_minor.saturating_sub(before_minor).saturating_add(used_minor);
        let desk = self.state.desk();
        let (holds, is_changing) =
            desk.meter(meter).map_or((None, false), |desk| (desk.key(), desk.changing().is_some()));
        // Of its old key a meter takes nothing any more: money hangs on not taking such a token for entered.
        let by_hand = |sale: &&Sale| {
            let may_count = is_changing || Some(sale.key) == holds;
            matches!(sale.fate, Fate::Out { .. }) && sale.said.is_credit() && sale.worth_u > 0 && may_count
        };
        let open_under = |old: bool| -> Vec<(VendId, i64)> {
            let open = desk.sales_of(meter).filter(by_hand).filter(|sale| (Some(sale.key) == holds) == old);
            open.map(|sale| (sale.id, sale.worth_u.checked_div(u_per_minor).unwrap_or(0))).collect()
        };
        // While a key change is not confirmed, a rise that tokens of either key explain says nothing.
        let found = match (matching(&open_under(true), rise_minor), matching(&open_under(false), rise_minor)) {
            (old, new) if new.is_empty() => old,
            (old, new) if old.is_empty() => new,
            _ => Vec::new(),
        };
        for id in found {
            self.entered(now, id, Seen::Credit);
        }
        self.run_vending(now);
    }
}

/// Which tokens explain a rise of credit: one of that worth, or the oldest together; none where it is not plain.
fn matching(open: &[(VendId, i64)], rise_minor: i64) -> Vec<VendId> {
    // Rounding of the register and of the token, and a fee or two.
    let near = |sum: i64| rise_minor > 0 && (rise_minor.saturating_sub(sum)).abs() <= 2_i64.max(sum / 100);
    if let Some((id, _)) = open.iter().find(|(_, worth)| near(*worth)) {
        return vec![*id];
    }
    let mut sum = 0_i64;
    for (count, (_, worth)) in (1_usize..).zip(open) {
        sum = sum.saturating_add(*worth);
        if near(sum) {
            return open.iter().take(count).map(|(id, _)| *id).collect();
        }
    }
    Vec::new()
}
