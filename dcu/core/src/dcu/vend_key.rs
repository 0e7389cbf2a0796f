//! Bringing a meter to another key: the set of tokens is made by the module, goes its way like any token, and once it has
//! left, new tokens are made under the new key and told together with the set, which must be entered first.

use taa_tokens::sts::KeyAttributes;

use super::{Dcu, output::DcuEvent, vend::Next};
use crate::{
    MeterIx,
    vending::{Fate, KeyNote, Note, Said, Sale, Source, VendId, VendRefusal, Void},
};

impl Dcu {
    /// Has a meter changed to this key: another revision or tariff index, another expiry number, or with the next base
    /// date a rollover, at which it forgets the minutes that it has seen. Two tokens for EA07, four for EA11.
    ///
    /// # Errors
    /// [`VendRefusal`]; nothing was recorded then.
    pub fn key_change(&mut self, now: u64, meter: MeterIx, to: &KeyAttributes) -> Result<VendId, VendRefusal> {
        self.begin(now);
        self.vendable(meter)?;
        let desk = self.state.desk();
        if let Some(id) = desk.meter(meter).and_then(|desk| desk.changing()) {
            return Err(VendRefusal::KeyChangeUnderWay(id));
        }
        let held = desk.key(meter).and_then(|key| key.attributes()).ok_or(VendRefusal::NoDecoder)?;
        let next = held.base_date.next();
        if held == *to {
            return Err(VendRefusal::KeyChange("the meter holds this key"));
        }
        if desk.has_replaced(meter, &KeyNote::from(to)) {
            return Err(VendRefusal::KeyChange("tokens under it were replaced, and would count beside those"));
        }
        if held.base_date != to.base_date && next != Some(to.base_date) {
            return Err(VendRefusal::KeyChange("only to the same base date, or to the next"));
        }
        let unsent = |fate| matches!(fate, Fate::Asked | Fate::Made);
        let under_way = desk.sales_of(meter).find(|sale| unsent(sale.fate) && sale.source != Source::Stock);
        if let Some(sale) = under_way {
            return Err(VendRefusal::SaleUnderWay(sale.id));
        }
        // A stock that is just being made would be made under a dying key.
        let making: Vec<VendId> =
            desk.sales_of(meter).filter(|sale| sale.fate == Fate::Asked).map(|sale| sale.id).collect();
        for id in making {
            self.vending.asked.remove(&id);
            self.note(now, Note::Voided { id, why: Void::KeyChanged });
        }
        let id = self.state.desk().next_id();
        let said = Said::KeyChange { to: KeyNote::from(to) };
        let source = Source::Operator;
        self.note(now, Note::MinuteUsed { id, meter, source, asked: None, said, minute: 0, random: 0, worth_u: 0 });
        self.then(Next::Ask(id));
        self.run_vending(now);
        Ok(id)
    }

    /// Calls a key change off that has not left. False when it has, or there is none: then only entering it helps.
    pub fn cancel_key_change(&mut self, now: u64, meter: MeterIx) -> bool {
        self.begin(now);
        let desk = self.state.desk();
        let changing = desk.meter(meter).and_then(|desk| desk.changing()).and_then(|id| desk.sale(id));
        let Some(id) = changing.filter(|sale| !sale.has_left()).map(|sale| sale.id) else { return false };
        self.vending.asked.remove(&id);
        self.vending.waits.remove(id);
        self.note(now, Note::Voided { id, why: Void::CalledOff });
        self.vending.retry_at = Some(now);
        self.run_vending(now);
        true
    }

    /// After a key change: tokens under the old key that were never seen entered are worth nothing any more, or have
    /// counted without anybody seeing it. Somebody has to ask the customer. After one that the meter has refused it is
    /// those under the key that it was to have.
    pub(super) fn tell_orphans(&mut self, change: VendId) {
        let desk = self.state.desk();
        let Some(sale) = desk.sale(change).filter(|sale| matches!(sale.said, Said::KeyChange { .. })) else { return };
        let (meter, said) = (sale.meter, sale.said);
        let dead = match (said, sale.fate) {
            (Said::KeyChange { to }, Fate::Refused { .. }) => to,
            _ => sale.key,
        };
        let open = |sale: &&Sale| sale.key == dead && matches!(sale.fate, Fate::Out { .. });
        let ids: Vec<VendId> =
            desk.sales_of(meter).filter(open).filter(|sale| sale.id != change).map(|sale| sale.id).collect();
        if !ids.is_empty() {
            self.event(DcuEvent::TokensOrphaned { meter, ids });
        }
    }

    /// The operator has found out that a token of the old key was never entered, and it cannot be any more: its worth is
    /// sold anew. False where its key may still open it: only a key change of ours that the meter has confirmed proves that it
    /// does not. A key that somebody has found ([`Self::key_found`]) is a claim; there the meter has to refuse the token first.
    pub fn replace_orphan(&mut self, now: u64, id: VendId) -> bool {
        self.begin(now);
        let desk = self.state.desk();
        let open = |sale: &&Sale| matches!(sale.fate, Fate::Out { .. }) || sale.fate.is_foreign();
        let Some(sale) = desk.sale(id).filter(open) else { return false };
        let (meter, key, is_credit) = (sale.meter, sale.key, !matches!(sale.said, Said::KeyChange { .. }));
        if desk.meter(meter).and_then(|desk| desk.key()) == Some(key) || !is_credit || !self.is_of_an_old_key(sale) {
            return false;
        }
        self.vending.waits.remove(id);
        self.vending.ready.remove(&id);
        self.note(now, Note::Voided { id, why: Void::KeyChanged });
        self.sell_due(now, meter);
        self.run_vending(now);
        true
    }

    /// The meter had this key once, and a change of ours has taken it away; or it refused a change to it.
    fn is_of_an_old_key(&self, sale: &Sale) -> bool {
        let desk = self.state.desk();
        let refused = |change: &Sale| {
            let to_it = matches!(change.said, Said::KeyChange { to } if to == sale.key);
            to_it && matches!(change.fate, Fate::Refused { .. })
        };
        desk.has_changed_from(sale.meter, &sale.key) || desk.sales_of(sale.meter).any(refused)
    }

    /// Somebody has looked at the meter or its papers: it holds this key, whatever the site believed. What has not left yet is
    /// made anew under it, and so is every later token. What has left stays as it is: the meter takes it or refuses it.
    ///
    /// # Errors
    /// [`VendRefusal`]; nothing was recorded then.
    pub fn key_found(&mut self, now: u64, meter: MeterIx, key: &KeyAttributes) -> Result<(), VendRefusal> {
        self.begin(now);
        self.vendable(meter)?;
        let (desk, found) = (self.state.desk(), KeyNote::from(key));
        let known = desk.meter(meter).ok_or(VendRefusal::UnknownMeter)?;
        if known.key() == Some(found) {
            return Err(VendRefusal::KeyFound("it is the one on record"));
        }
        if let Some(id) = known.changing() {
            return Err(VendRefusal::KeyChangeUnderWay(id));
        }
        if desk.has_replaced(meter, &found) {
            return Err(VendRefusal::KeyFound("tokens under it were replaced, and would count beside those"));
        }
        // Paid by the account and in nobody's hand: no token of it can count. What others have asked for is told to them, and
        // replaced when the meter has refused it.
        let in_no_hand = |sale: &&Sale| {
            let unsent = matches!(sale.fate, Fate::Asked | Fate::Made) && !sale.has_left();
            unsent && matches!(sale.source, Source::Account { .. }) && sale.key != found
        };
        let ids: Vec<VendId> = desk.sales_of(meter).filter(in_no_hand).map(|sale| sale.id).collect();
        for id in ids {
            self.vending.asked.remove(&id);
            self.vending.waits.remove(id);
            self.note(now, Note::Voided { id, why: Void::KeyChanged });
        }
        self.note(now, Note::KeyFound { meter, key: found });
        self.vending.held.remove(&meter);
        self.sell_due(now, meter);
        self.run_vending(now);
        self.pump(now);
        self.send(now);
        Ok(())
    }

    /// The operator has a token replaced that its meter has refused as not genuine, once the key that the meter holds is known
    /// ([`Self::key_found`]): its worth is sold anew, once, under another minute, and the refused one is void.
    ///
    /// That refusal alone proves that the meter has not taken it: the digits do not open under the key that the meter
    /// holds, nor did they under any that it had since they left, for no change of ours lies between (else it is an orphan:
    /// [`Self::replace_orphan`], after somebody has asked the customer). Old, expired, invalid without a reason: such a token
    /// may have counted, or may count after a change of the expiry number. Neither is replaced.
    ///
    /// # Errors
    /// [`VendRefusal`]; nothing was recorded then.
    pub fn replace_refused(&mut self, now: u64, id: VendId) -> Result<(), VendRefusal> {
        self.begin(now);
        if self.state.is_in_doubt() || self.awaits_witness(now) {
            return Err(VendRefusal::Doubt);
        }
        let desk = self.state.desk();
        let sale = desk.sale(id).ok_or(VendRefusal::NotReplaced("no such sale, or it is forgotten"))?;
        let holds = desk.meter(sale.meter).and_then(|desk| desk.key());
        let why_not = if !sale.fate.is_foreign() {
            Some("its meter has not said that it is not genuine")
        } else if let Said::KeyChange { .. } = sale.said {
            Some("it is a key change: order that anew")
        } else if holds.is_none_or(|holds| sale.key.opens_like(&holds)) {
            Some("it was made under the key on record: find out which one the meter holds")
        } else if desk.has_changed_from(sale.meter, &sale.key) {
            Some("the key was changed since: it may have counted before")
        } else {
            None
        };
        if let Some(why) = why_not {
            return Err(VendRefusal::NotReplaced(why));
        }
        let (meter, source, content) = (sale.meter, sale.source.clone(), (sale.said, sale.worth_u));
        let voided = Note::Voided { id, why: Void::NotGenuine };
        match &source {
            Source::Account { .. } => {
                self.note(now, voided);
                self.sell_due(now, meter);
            }
            Source::Outside(reference) => {
                let asked = desk.reference(reference).map(|(_, _, ask)| ask);
                self.begin_sale(now, meter, source.clone(), asked, content)?;
                self.note(now, voided);
            }
            Source::Operator | Source::Stock => {
                self.begin_sale(now, meter, source.clone(), None, content)?;
                self.note(now, voided);
            }
        }
        self.then(Next::Tell(id));
        self.run_vending(now);
        self.pump(now);
        self.send(now);
        Ok(())
    }
}
