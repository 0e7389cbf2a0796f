//! Bringing a meter to another key: the set of tokens is made by the module, goes its way like any token, and once it has
//! left, new tokens are made under the new key and told together with the set, which must be entered first.

use taa_tokens::sts::KeyAttributes;

use super::{Dcu, output::DcuEvent, vend::Next};
use crate::{
    MeterIx,
    vending::{Fate, KeyNote, Note, Said, Source, VendId, VendRefusal, Void},
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
        let open = |sale: &&crate::vending::Sale| sale.key == dead && matches!(sale.fate, Fate::Out { .. });
        let ids: Vec<VendId> =
            desk.sales_of(meter).filter(open).filter(|sale| sale.id != change).map(|sale| sale.id).collect();
        if !ids.is_empty() {
            self.event(DcuEvent::TokensOrphaned { meter, ids });
        }
    }

    /// The operator has found out that a token of the old key was never entered, and it cannot be any more: its worth is
    /// sold anew. False where its key may still open it.
    pub fn replace_orphan(&mut self, now: u64, id: VendId) -> bool {
        self.begin(now);
        let desk = self.state.desk();
        let Some(sale) = desk.sale(id).filter(|sale| matches!(sale.fate, Fate::Out { .. })) else { return false };
        let (meter, key) = (sale.meter, sale.key);
        if desk.meter(meter).and_then(|desk| desk.key()) == Some(key) {
            return false;
        }
        self.vending.waits.remove(id);
        self.vending.ready.remove(&id);
        self.note(now, Note::Voided { id, why: Void::KeyChanged });
        self.sell_due(now, meter);
        self.run_vending(now);
        true
    }
}
