//! What is remembered no longer.
//!
//! Names of payments are kept for [`super::RelayConfig::remember_ms`], more than a year as it is delivered: no provider
//! repeats a callback for longer than days. What was paid before that instant and comes (again) later is held and not
//! credited: nobody here knows whether it was taken. The DCU's book forgets nothing, so whoever resolves such money to the
//! account that it was for cannot double it there.

use std::collections::BTreeSet;

use taa_dcu::payment::{Payment, PaymentId, Provider};

use super::{Inbox, Seen, State};

/// Of all that is remembered so much goes at once when it is too much: one part in this many.
const PART: usize = 16;

impl State {
    /// Up to when to forget now, if anything: all that was paid and taken before the horizon, and more where more is
    /// remembered than may be.
    pub(super) fn forgettable(&self, horizon_unix_ms: i64, remember_max: usize) -> Option<i64> {
        let excess = self.seen.len().saturating_sub(remember_max);
        let mut upto = horizon_unix_ms;
        if excess > 0 {
            let mut ages: Vec<i64> = self.seen.values().map(Seen::last_ms).collect();
            ages.sort_unstable();
            let last = excess.saturating_add(remember_max / PART).min(ages.len().saturating_sub(1));
            upto = upto.max(ages.get(last).copied().unwrap_or(upto));
        }
        self.seen.values().any(|seen| seen.last_ms() <= upto).then_some(upto)
    }

    /// Forgets names of payments that are dealt with, requests that are settled, codes that are used up. Money on hold, or
    /// on its way to a site, is not forgotten.
    pub(super) fn forget(&mut self, upto: i64) {
        self.forgotten_upto_unix_ms = self.forgotten_upto_unix_ms.max(upto);
        let on_its_way = self.sites.values().flat_map(Inbox::under_way).map(Payment::id);
        let busy: BTreeSet<PaymentId> = on_its_way.map(|id| self.names.get(&id).cloned().unwrap_or(id)).collect();
        let is_old =
            |id: &PaymentId, seen: &Seen| seen.last_ms() <= upto && !self.held.contains_key(id) && !busy.contains(id);
        let old = self.seen.iter().filter(|(id, seen)| is_old(id, seen));
        let gone: BTreeSet<PaymentId> = old.map(|(id, _)| id.clone()).collect();
        self.seen.retain(|id, _| !gone.contains(id));
        self.names.retain(|_, known| !gone.contains(known));
        self.covered.retain(|_, covered| !gone.contains(&covered.by()));
        self.unnamed.retain(|id, _| !gone.contains(id));
        self.requests.retain(|_, (request, how)| how.is_none() || request.asked_unix_ms > upto);
        self.codes
            .retain(|_, code| !gone.contains(&PaymentId { provider: Provider::CashCode, key: code.serial.clone() }));
    }
}
