//! Classes 111–113, 115: an account, its credits, its charges, and tokens.
//!
//! The rules are those of the Blue Book, 4.6, as far as the public sources tell them: the credit with the lowest
//! priority number that has anything left is in use; charges are taken from it; a token's credit is shared out by the
//! account's configuration, else goes to the first credit that takes tokens. Left out: confirmation of credits by the
//! customer, collection limits while disconnected or load limited, max_provision.

use super::Model;
use super::hooks::byte_bits;
use crate::apdu::ActionResult;
use crate::axdr::{DateTime, Octets, Value};
use crate::cosem::{
    Account, AccountModeAndStatus, AccountStatus, Charge, ChargeTableElement, Cosem, Credit, CreditStatus, CreditType,
    PaymentMode, TokenDelivery, TokenShare, TokenStatus, UnitCharge,
};
use crate::obis::Obis;

/// Bits of the status of an account.
const IN_CREDIT: u8 = 0x80;
const LOW_CREDIT: u8 = 0x40;
const OUT_OF_CREDIT: u8 = 0x02;

impl Model {
    pub(super) fn call_account(&mut self, at: usize, method: i8) -> Result<(), ActionResult> {
        let held = self.get::<AccountModeAndStatus>(at, 2).ok_or(ActionResult::HardwareFault)?;
        let (account_status, stamped) = match (method, held.account_status) {
            (1, AccountStatus::Active) | (2, AccountStatus::Closed) => return Ok(()),
            (1, _) => (AccountStatus::Active, Some(13)),
            (2, AccountStatus::Active) => (AccountStatus::Closed, Some(14)),
            (3, AccountStatus::Closed) => (AccountStatus::New, None),
            _ => return Err(ActionResult::OtherReason),
        };
        self.put(at, 2, &AccountModeAndStatus { account_status, ..held });
        if let Some(attribute) = stamped {
            self.stamp_attribute(at, attribute);
        }
        if method == 3 {
            for credit in self.credits(at) {
                self.put(credit, 2, &0_i32);
            }
            for charge in self.charges(at) {
                for attribute in [2, 11, 12] {
                    self.put(charge, attribute, &0_i32);
                }
            }
        }
        self.settle_accounts();
        Ok(())
    }

    pub(super) fn call_credit(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let amount = self.get::<i32>(at, 2).unwrap_or(0);
        match method {
            1 | 2 => {
                let by = i32::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                let new = if method == 1 { amount.checked_add(by) } else { Some(by) };
                self.put(at, 2, &new.ok_or(ActionResult::OtherReason)?);
            }
            _ => {
                if self.get(at, 8) != Some(CreditStatus::Selectable) {
                    return Err(ActionResult::OtherReason);
                }
                let preset = self.get::<i32>(at, 9).unwrap_or(0);
                self.put(at, 2, &amount.checked_add(preset).ok_or(ActionResult::OtherReason)?);
                self.put(at, 8, &CreditStatus::Invoked);
            }
        }
        self.settle_accounts();
        Ok(())
    }

    pub(super) fn call_charge(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        match method {
            1 => {
                let charge_table =
                    Vec::<ChargeTableElement>::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                let passive = self.get::<UnitCharge>(at, 6).ok_or(ActionResult::HardwareFault)?;
                self.put(at, 6, &UnitCharge { charge_table, ..passive });
            }
            2 => {
                let passive = self.get::<UnitCharge>(at, 6).ok_or(ActionResult::HardwareFault)?;
                self.put(at, 5, &passive);
            }
            3 => self.collect(at)?,
            _ => {
                let by = i32::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                let remaining = self.get::<i32>(at, 12).unwrap_or(0);
                let new = if method == 4 { remaining.checked_add(by) } else { Some(by) };
                self.put(at, 12, &new.ok_or(ActionResult::OtherReason)?);
            }
        }
        self.settle_accounts();
        Ok(())
    }

    /// Takes one charge from the credit in use: the first price of the active table, and no more than remains unless
    /// the charge goes on for ever (configuration bit 1).
    fn collect(&mut self, at: usize) -> Result<(), ActionResult> {
        let name = self.obis_at(at);
        let price = self.get::<UnitCharge>(at, 5).and_then(|unit| unit.charge_table.first().map(|e| e.charge_per_unit));
        let price = i32::from(price.ok_or(ActionResult::OtherReason)?);
        let goes_on = self.raw(at, 9).is_some_and(|bits| matches!(bits, Value::BitString(b) if b.bit(1) == Some(true)));
        let remaining = self.get::<i32>(at, 12).unwrap_or(0);
        let amount = if goes_on { price } else { price.min(remaining.max(0)) };
        let account = self
            .of_class(Account::CLASS)
            .into_iter()
            .find(|account| self.get::<Vec<Obis>>(*account, 10).unwrap_or_default().contains(&name));
        let credit = account.and_then(|account| self.credit_in_use(account)).ok_or(ActionResult::OtherReason)?;
        let held = self.get::<i32>(credit, 2).unwrap_or(0);
        let paid = self.get::<i32>(at, 2).unwrap_or(0);
        self.put(credit, 2, &held.checked_sub(amount).ok_or(ActionResult::OtherReason)?);
        self.put(at, 2, &paid.saturating_add(amount));
        self.put(at, 12, &remaining.saturating_sub(amount).max(0));
        self.put(at, 11, &amount);
        self.stamp_attribute(at, 10);
        Ok(())
    }

    pub(super) fn enter_token(&mut self, at: usize, parameter: &Value) -> Result<(), ActionResult> {
        let token = Octets::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
        let outcome = self.hooks.token(&token);
        self.put(at, 2, &token);
        self.stamp_attribute(at, 3);
        self.put(at, 4, &outcome.description);
        self.put(at, 5, &TokenDelivery::Remote);
        self.put(at, 6, &TokenStatus { status_code: outcome.status, data_value: outcome.data });
        if let Some(amount) = outcome.credit {
            self.share_out(amount)?;
        }
        Ok(())
    }

    fn share_out(&mut self, amount: i32) -> Result<(), ActionResult> {
        let account = self.of_class(Account::CLASS).into_iter().find(|account| {
            self.get::<AccountModeAndStatus>(*account, 2).is_some_and(|m| m.account_status == AccountStatus::Active)
        });
        let account = account.ok_or(ActionResult::OtherReason)?;
        let shares: Vec<TokenShare> = self.get(account, 12).unwrap_or_default();
        let mut parts: Vec<(usize, i32)> = Vec::new();
        for share in &shares {
            let part = i64::from(amount).saturating_mul(share.token_proportion.into()).div_euclid(100);
            if let (Some(credit), Ok(part)) = (self.find(Credit::CLASS, share.credit_reference), part.try_into()) {
                parts.push((credit, part));
            }
        }
        if parts.is_empty() {
            let mut credits = self.credits(account).into_iter();
            let first = credits.find(|at| self.get(*at, 3) == Some(CreditType::Token));
            parts.push((first.ok_or(ActionResult::OtherReason)?, amount));
        }
        for (credit, part) in parts {
            let held = self.get::<i32>(credit, 2).unwrap_or(0);
            self.put(credit, 2, &held.checked_add(part).ok_or(ActionResult::OtherReason)?);
        }
        self.settle_accounts();
        Ok(())
    }

    fn credits(&self, account: usize) -> Vec<usize> {
        let names: Vec<Obis> = self.get(account, 9).unwrap_or_default();
        names.into_iter().filter_map(|name| self.find(Credit::CLASS, name)).collect()
    }

    fn charges(&self, account: usize) -> Vec<usize> {
        let names: Vec<Obis> = self.get(account, 10).unwrap_or_default();
        names.into_iter().filter_map(|name| self.find(Charge::CLASS, name)).collect()
    }

    /// The first by priority that is not used up (down to its limit) and need not be selected.
    fn credit_in_use(&self, account: usize) -> Option<usize> {
        let usable = |at: &usize| {
            let left = self.get::<i32>(*at, 2).unwrap_or(0) > self.get::<i32>(*at, 6).unwrap_or(0);
            left && self.get(*at, 8) != Some(CreditStatus::Selectable)
        };
        self.credits(account).into_iter().filter(usable).min_by_key(|at| self.get::<u8>(*at, 4).unwrap_or(u8::MAX))
    }

    /// Recomputes what accounts show: credit in use and available, debt, status.
    pub(super) fn settle_accounts(&mut self) {
        for account in self.of_class(Account::CLASS) {
            let credits = self.credits(account);
            let in_use = self.credit_in_use(account);
            for credit in &credits {
                let status = match self.get(*credit, 8) {
                    Some(CreditStatus::Selectable) => CreditStatus::Selectable,
                    _ if Some(*credit) == in_use => CreditStatus::InUse,
                    _ if self.get::<i32>(*credit, 2) > self.get::<i32>(*credit, 6) => CreditStatus::Enabled,
                    _ => CreditStatus::Consumed,
                };
                self.put(*credit, 8, &status);
            }
            let available = credits
                .iter()
                .filter(|credit| self.get(**credit, 8) != Some(CreditStatus::Selectable))
                .map(|credit| self.get::<i32>(*credit, 2).unwrap_or(0).max(0))
                .fold(0, i32::saturating_add);
            let debt = self
                .charges(account)
                .iter()
                .map(|charge| self.get::<i32>(*charge, 12).unwrap_or(0))
                .fold(0, i32::saturating_add);
            let owed = credits
                .iter()
                .map(|credit| self.get::<i32>(*credit, 2).unwrap_or(0).min(0).saturating_neg())
                .fold(0, i32::saturating_add);
            let low = in_use.is_some_and(|at| self.get::<i32>(at, 2) < self.get::<i32>(at, 5));
            let status = match in_use {
                Some(_) if low => IN_CREDIT | LOW_CREDIT,
                Some(_) => IN_CREDIT,
                None => OUT_OF_CREDIT,
            };
            let place = credits.iter().position(|credit| Some(*credit) == in_use).unwrap_or(0);
            self.put(account, 3, &u8::try_from(place).unwrap_or(u8::MAX));
            self.put(account, 4, &byte_bits(status, 8));
            self.put(account, 5, &available);
            self.put(account, 6, &owed);
            self.put(account, 8, &debt);
        }
    }
}

/// An active prepayment account over these credits and charges.
#[must_use]
pub fn prepayment_account(credits: &[Obis], charges: &[Obis], since: DateTime) -> Account {
    Account {
        account_mode_and_status: Some(AccountModeAndStatus {
            payment_mode: PaymentMode::Prepayment,
            account_status: AccountStatus::Active,
        }),
        credit_reference_list: Some(credits.to_vec()),
        charge_reference_list: Some(charges.to_vec()),
        account_activation_time: Some(since),
        ..Account::default()
    }
}
