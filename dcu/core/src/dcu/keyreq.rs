//! Questions to the module that holds the vending keys, and its answers, which may be slow, lost, late or double.
//!
//! A question is a recorded sale: its content is made again from the record whenever it is asked, so a module that is
//! asked twice seals the same token twice. Its answer counts once; a sale that is void by then gets no token.

use taa_tokens::sts::{Class, Tid, Token, vend::MeterKey};

use super::{
    Dcu, NS_PER_MS,
    output::{DcuEvent, Output},
    vend::Next,
};
use crate::{
    MeterIx,
    gateway::TokenDigits,
    uplink::AlarmCode,
    vending::{Fate, KeyRefusal, Note, Said, Sale, Source, VendId, Void, seal},
};

/// Doublings of the time-out at most.
const DOUBLINGS_MAX: u32 = 4;

/// A question that is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Asked again then, ns.
    pub(super) until: u64,
    /// How often it was asked.
    pub(super) tries: u32,
}

impl Dcu {
    /// The module's answer to [`Output::KeyRequest`]: the sealed token, or why there is none. Answers to questions that
    /// nobody waits for any more are passed over, however late or often they come.
    pub fn handle_key(&mut self, now: u64, id: VendId, answer: Result<Token, KeyRefusal>) {
        self.begin(now);
        match answer {
            Ok(token) => self.take_tokens(now, id, &[token]),
            Err(refusal) => self.take_refusal(now, id, refusal),
        }
        self.run_vending(now);
        self.pump(now);
        self.send(now);
    }

    /// The module's answer to [`Output::KeyChangeRequest`]: the whole set in order, or why there is none.
    pub fn handle_key_change(&mut self, now: u64, id: VendId, answer: Result<&[Token], KeyRefusal>) {
        self.begin(now);
        match answer {
            Ok(tokens) => self.take_tokens(now, id, tokens),
            Err(refusal) => self.take_refusal(now, id, refusal),
        }
        self.run_vending(now);
        self.pump(now);
        self.send(now);
    }

    /// Asks, with the content as recorded.
    pub(super) fn ask_module(&mut self, now: u64, id: VendId) {
        let Some(request) = self.question(id) else {
            self.vending.asked.remove(&id);
            return;
        };
        let tries = self.vending.asked.get(&id).map_or(0, |question| question.tries);
        let timeout_ms = self.config.vending.as_ref().map_or(10_000, |vending| vending.key_timeout_ms);
        let timeout = u64::from(timeout_ms).saturating_mul(NS_PER_MS) << tries.min(DOUBLINGS_MAX);
        let question = Question { until: now.saturating_add(timeout), tries: tries.saturating_add(1) };
        self.vending.asked.insert(id, question);
        self.outputs.push_back(request);
    }

    fn question(&self, id: VendId) -> Option<Output> {
        let sale = self.state.desk().sale(id).filter(|sale| sale.fate == Fate::Asked)?;
        let sts = self.vending.sts.get(sale.meter.at())?.as_ref()?;
        let meter_key = MeterKey { key: sale.key.attributes()?, ..sts.meter_key() };
        if let Said::KeyChange { to } = sale.said {
            let to = MeterKey { key: to.attributes()?, ..meter_key };
            return Some(Output::KeyChangeRequest { id, from: meter_key, to });
        }
        let tid = Tid::at(meter_key.key.base_date, sale.minute).ok()?;
        let content = sale.said.content(sale.random, tid)?;
        Some(Output::KeyRequest { id, meter_key, content })
    }

    fn take_tokens(&mut self, now: u64, id: VendId, tokens: &[Token]) {
        let Some(sale) = self.state.desk().sale(id).filter(|sale| sale.fate == Fate::Asked) else { return };
        self.vending.asked.remove(&id);
        let (class, count) = match sale.said {
            Said::Money { .. } | Said::Energy { .. } => (Class::Credit, 1),
            Said::ClearTamper | Said::MaxPower { .. } => (Class::Manage, 1),
            Said::KeyChange { .. } => (Class::Manage, self.change_tokens(sale.meter)),
        };
        let stock = sale.source == Source::Stock;
        let fits = tokens.len() == count && tokens.iter().all(|token| token.unweave().0 == class);
        if !fits {
            // The class can be read without the key: this is no token for what was asked.
            return self.take_refusal(now, id, KeyRefusal::Refused);
        }
        let mut tokens: Vec<TokenDigits> = tokens.iter().map(|token| TokenDigits(token.digits())).collect();
        let meter = sale.meter;
        if stock && !self.seal_stock(id, &mut tokens) {
            self.note(now, Note::Voided { id, why: Void::StockSealed });
            return;
        }
        self.vending.held.remove(&meter);
        self.note(now, Note::TokenIssued { id, tokens });
        if !stock {
            self.deliver(now, id);
        } else {
            self.fill_cache(now);
        }
    }

    /// Hides the digits of the stock where there is a key for that; false where that cannot be.
    fn seal_stock(&self, id: VendId, tokens: &mut [TokenDigits]) -> bool {
        let Some(key) = self.config.vending.as_ref().and_then(|vending| vending.stock_key.as_ref()) else {
            return true;
        };
        let Some(title) = self.state.system_title() else { return false };
        tokens.iter_mut().all(|digits| seal::seal(key, title, id, *digits).map(|sealed| *digits = sealed).is_some())
    }

    /// The digits of a token of the stock that is about to be sold: `Err` where the key at hand does not open it, `Ok(None)`
    /// where they lie in the journal as they are.
    fn open_stock(&self, id: VendId) -> Result<Option<TokenDigits>, Void> {
        let kept = self.state.desk().sale(id).and_then(|sale| sale.tokens.first().copied()).ok_or(Void::StockSealed)?;
        let key = self.config.vending.as_ref().and_then(|vending| vending.stock_key.as_ref());
        let title = self.state.system_title().unwrap_or_default();
        let opened = seal::open(key, title, id, kept).ok_or(Void::StockSealed)?;
        Ok(Some(opened).filter(|opened| *opened != kept))
    }

    fn change_tokens(&self, meter: MeterIx) -> usize {
        let sts = self.vending.sts.get(meter.at()).and_then(Option::as_ref);
        sts.map_or(0, |sts| sts.algorithm.key_change_tokens())
    }

    fn take_refusal(&mut self, now: u64, id: VendId, refusal: KeyRefusal) {
        let Some(sale) = self.state.desk().sale(id).filter(|sale| sale.fate == Fate::Asked) else { return };
        let meter = sale.meter;
        if refusal == KeyRefusal::Unavailable {
            // Its time-out is still to come; the stock is looked into at once.
            self.sell_stock_for(now, id);
            return;
        }
        self.vending.asked.remove(&id);
        self.note(now, Note::Voided { id, why: Void::Key(refusal) });
        self.then(Next::Tell(id));
        if self.vending.held.insert(meter, refusal).is_none() {
            self.alarm(now, Some(meter), AlarmCode::VendingStopped);
            self.event(DcuEvent::KeyRefused { meter, id, refusal });
        }
        self.vending.unsold.entry(meter).or_default();
        let again = now.saturating_add(super::vend::wait_ns(self.again_s()));
        self.vending.retry_at = Some(self.vending.retry_at.map_or(again, |at| at.min(again)));
    }

    /// Questions whose time is over are asked again; after some, the stock is sold.
    pub(super) fn check_questions(&mut self, now: u64) {
        let over = self.vending.asked.iter().filter(|(_, question)| question.until <= now);
        let tries_max = self.config.vending.as_ref().map_or(0, |vending| vending.key_tries);
        for (id, question) in over.map(|(id, question)| (*id, *question)).collect::<Vec<_>>() {
            if question.tries >= tries_max && self.sell_stock_for(now, id) {
                continue;
            }
            self.ask_module(now, id);
        }
    }

    /// Sells from the stock in place of a sale whose token is not made; true if that was possible.
    fn sell_stock_for(&mut self, now: u64, id: VendId) -> bool {
        let Some(sale) = self.state.desk().sale(id).filter(|sale| sale.fate == Fate::Asked) else { return false };
        let (meter, worth_u) = (sale.meter, sale.worth_u);
        let Source::Account { .. } = sale.source else { return false };
        if !sale.said.is_credit() || self.best_of_stock(now, meter, worth_u).is_none() {
            return false;
        }
        self.vending.asked.remove(&id);
        self.note(now, Note::Voided { id, why: Void::CacheSold });
        self.sell_stock(now, meter)
    }

    /// Sells tokens of the stock for what is due; true if there was one that fits.
    pub(super) fn sell_stock(&mut self, now: u64, meter: MeterIx) -> bool {
        let mut any = false;
        while let Some(id) = self.best_of_stock(now, meter, self.vend_due_u(meter)) {
            let desk = self.state.desk();
            let covered_minor = desk.meter(meter).map_or(0, |desk| desk.covered_minor());
            let granted_minor = super::vend::granted_minor(&self.state, meter);
            let worth_u = desk.sale(id).map_or(0, |sale| sale.worth_u);
            // What is left and worth a token of its own waits for the module.
            let whole = self.vend_due_u(meter).saturating_sub(worth_u) < desk.u_per_minor();
            let source = Source::Account { granted_minor: if whole { granted_minor } else { covered_minor } };
            match self.open_stock(id) {
                Err(why) => {
                    self.note(now, Note::Voided { id, why });
                    continue;
                }
                Ok(Some(digits)) => self.note(now, Note::TokenIssued { id, tokens: vec![digits] }),
                Ok(None) => {}
            }
            self.note(now, Note::CacheSold { id, source });
            self.deliver(now, id);
            any = true;
        }
        if any {
            self.vending.unsold.entry(meter).or_default();
            self.vending.retry_at.get_or_insert(now.saturating_add(super::vend::wait_ns(self.again_s())));
        }
        any
    }

    /// The token of the stock to be sold; what the meter would refuse by now is thrown away first.
    fn best_of_stock(&mut self, now: u64, meter: MeterIx, due_u: i64) -> Option<VendId> {
        self.end_stock(now, meter);
        crate::vending::best(self.state.desk(), meter, due_u).map(|sale: &Sale| sale.id)
    }

    pub(super) fn end_stock(&mut self, now: u64, meter: MeterIx) {
        let Some(cache) = self.config.vending.as_ref().and_then(|vending| vending.cache.as_ref()) else { return };
        let Some(sts) = self.vending.sts.get(meter.at()).and_then(Option::as_ref) else { return };
        let Some(key) = self.state.desk().meter_key(meter, sts) else { return };
        for end in crate::vending::stock_ends(self.state.desk(), meter, &key, cache) {
            self.note(now, Note::Voided { id: end.id, why: end.why });
        }
    }

    /// Has a missing token of the stock made, one at a time for each meter, while the module answers.
    pub(super) fn fill_cache(&mut self, now: u64) {
        let Some(cache) = self.config.vending.as_ref().and_then(|vending| vending.cache.clone()) else { return };
        for at in 0..self.fleet.len() {
            let meter = MeterIx(at);
            let price = self.state.book().tariff_of(at).flat_price().unwrap_or(0);
            let Some(in_money) = self.vendable(meter).ok().map(|(_, sts)| sts.in_money) else { continue };
            let desk = self.state.desk();
            if self.vending.held.contains_key(&meter) || desk.sales_of(meter).any(|sale| sale.fate == Fate::Asked) {
                continue;
            }
            self.end_stock(now, meter);
            let desk = self.state.desk();
            let Some(minor) = crate::vending::missing(desk, meter, &cache) else { continue };
            let worth_u = minor.saturating_mul(desk.u_per_minor());
            if let Some(content) = self.content_for(in_money, worth_u, price) {
                // Without a minute there is no stock either; sales tell of it.
                let _ = self.begin_sale(now, meter, Source::Stock, None, content);
            }
        }
        if self.vending.retry_at.is_none() {
            self.vending.retry_at = Some(now.saturating_add(super::vend::wait_ns(self.again_s())));
        }
    }
}
