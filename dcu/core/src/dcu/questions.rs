//! Questions of token servers' clients that the relay has kept ([`crate::fetch`]).

use super::Dcu;
use crate::{
    MeterIx,
    fetch::{NotVended, Question, Vended},
    payment::PaymentId,
    vending::{Ask, Fate, Reference, Source, VendAsk, VendRefusal},
};

impl Dcu {
    /// Vends what is asked for, once for each reference; what is known already is only answered again.
    pub(super) fn take_questions(&mut self, now: u64, questions: Vec<Question>) {
        self.fetch.questions.keep(&questions);
        let mut sold = false;
        for Question { reference, meter, ask } in questions {
            if self.fetch.questions.is_known(&reference) {
                continue;
            }
            match self.vend_for(now, &reference, &meter, ask) {
                Ok(id) => self.fetch.questions.sold(reference, id),
                Err(refusal) => self.fetch.questions.refused(reference, why(&refusal)),
            }
            sold = true;
        }
        if sold {
            self.run_vending(now);
        }
    }

    fn vend_for(
        &mut self,
        now: u64,
        reference: &PaymentId,
        meter: &str,
        ask: Ask,
    ) -> Result<crate::vending::VendId, VendRefusal> {
        let named = self.names.iter().position(|name| name == meter).and_then(|at| u32::try_from(at).ok());
        let meter = named.or_else(|| self.state.book().find(meter)).ok_or(VendRefusal::UnknownMeter)?;
        let reference = Reference { by: reference.provider.name().into(), reference: reference.key.clone() };
        self.vend(now, VendAsk { meter: MeterIx(meter), ask, source: Source::Outside(reference) })
    }

    /// Tokens that have been made for questions. What is durable now was recorded by now.
    pub(super) fn look_for_tokens(&mut self) {
        for (reference, id) in self.fetch.questions.unseen() {
            let outcome = match self.state.desk().sale(id).map(|sale| (sale, sale.fate, sale.tokens.first())) {
                // So many were sold to the meter since that it would refuse this token: whoever asks again buys a new one.
                None => Err(NotVended::Unfit),
                Some((_, Fate::Void { .. }, _)) => Err(NotVended::Later),
                Some((_, Fate::Asked, _) | (_, _, None)) => continue,
                Some((sale, _, Some(token))) => Ok(Vended { token: *token, energy_wh: sale.said.energy_wh() }),
            };
            let record = self.state.last_record();
            self.fetch.questions.seen(&reference, outcome, record);
        }
    }
}

const fn why(refusal: &VendRefusal) -> NotVended {
    match refusal {
        VendRefusal::UnknownMeter | VendRefusal::NoDecoder | VendRefusal::NotVending => NotVended::UnknownMeter,
        VendRefusal::Amount { .. } | VendRefusal::TooLittle | VendRefusal::NotCarried { .. } => NotVended::Amount,
        VendRefusal::Unfit | VendRefusal::PriceVaries | VendRefusal::Conflict(_) | VendRefusal::Reference => {
            NotVended::Unfit
        }
        _ => NotVended::Later,
    }
}
