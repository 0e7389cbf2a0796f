//! OpenPAYGO devices: days for money, orders, and answers to their signed reports.

use taa_tokens::openpaygo::{
    self, DeviceKey, Form, Vendor,
    metrics::{Answer, Method, MetricsKey, Received, Request, Seen},
};

use super::{Dcu, output::DcuEvent, vend::Next};
use crate::{
    MeterIx,
    config::{By, PaygDevice, Way},
    vending::{MetricsRefusal, Note, PaygIx, PaygRefusal, PaygToken},
};

impl Dcu {
    /// An operator's order to a device: set the time left, unlock it, bring its count in step. The token comes as
    /// [`DcuEvent::PaygIssued`] once its count is durable, and the ledger says which order it was. Nothing but this makes
    /// a token that brings the count in step: a device of the reference kind lets used tokens count again after it is
    /// typed twice ([`openpaygo::SyncRule`]).
    ///
    /// # Errors
    /// [`PaygRefusal`]; no count is used up then.
    pub fn payg_order(&mut self, now: u64, device: PaygIx, ask: openpaygo::Ask) -> Result<u32, PaygRefusal> {
        self.begin(now);
        let count = self.issue_payg(now, device, ask, 0);
        self.run_vending(now);
        count
    }

    /// A device's report over OpenPAYGO Metrics, as text. The answer carries the tokens that it has not taken yet, signed
    /// for this very report. Reports sent before are refused, whatever they say; those under [`Method::Simple`] cannot be told
    /// from repeats, and change nothing here.
    ///
    /// # Errors
    /// [`MetricsRefusal`]; nothing of it was used.
    pub fn handle_metrics(&mut self, now: u64, text: &str) -> Result<String, MetricsRefusal> {
        self.begin(now);
        let request = Received::parse(text)?;
        let serial = request.serial_number().to_owned();
        let (device, entry) = self.payg_find(&serial).ok_or(MetricsRefusal::Unknown)?;
        let key = MetricsKey::new(&entry.key).ok_or(MetricsRefusal::Key)?;
        let (request_count, timestamp) = self.state.desk().device(device).map_or((None, None), |d| d.last_report());
        let method = request.verify(&key, Seen { request_count, timestamp })?;
        // What the signature does not cover, anybody on the way can write: kept, it could shut the device out for ever.
        let Seen { request_count, timestamp } = request.covered(method);
        if request_count.or(timestamp).is_some() {
            self.note(now, Note::PaygSeen { device, request_count, timestamp });
        }
        // The other signatures cover no value: whoever has seen one could report any count. None covers a data format.
        let covered = matches!(method, Method::Data | Method::Recursive) && request.has_named_data();
        if let Some(count) =
            request.metrics(None, 0).ok().filter(|_| covered).and_then(|report| reported_count(&report))
        {
            self.settle_payg(now, device, count);
        }
        let durable = self.state.desk().device(device).map(|desk| desk.outstanding().to_vec()).unwrap_or_default();
        // A count leaves when its record is durable, not before.
        let waiting = |token: &PaygToken| {
            self.vending.next.iter().any(|(_, next)| *next == Next::Payg(token.device, token.count))
        };
        let tokens = durable.iter().filter(|token| !waiting(token)).map(|token| token.digits.clone()).collect();
        self.run_vending(now);
        Ok(Answer { tokens, ..Answer::default() }.write(&request, Some(&key)))
    }

    /// The device is known to have come to this count (a service visit, its display). One ahead of ours moves ours: no
    /// token sets a device back. One that has fallen back is told as [`DcuEvent::PaygFellBack`].
    pub fn handle_payg_count(&mut self, now: u64, device: PaygIx, count: u32) {
        self.begin(now);
        self.settle_payg(now, device, count);
        self.run_vending(now);
    }

    fn settle_payg(&mut self, now: u64, device: PaygIx, count: u32) {
        let Some(desk) = self.state.desk().device(device) else { return };
        let (vendor_count, fell_back) = (desk.count(), desk.fell_back(count));
        let news = count > vendor_count || desk.outstanding().iter().any(|token| token.count <= count);
        if fell_back {
            self.event(DcuEvent::PaygFellBack { device, count, vendor_count });
        }
        if news {
            self.note(now, Note::PaygSettled { device, count });
        }
    }

    fn payg_find(&self, serial: &str) -> Option<(PaygIx, &PaygDevice)> {
        let devices = &self.config.vending.as_ref()?.devices;
        (0..).map(PaygIx).zip(devices).find(|(_, device)| device.serial == serial)
    }

    /// The account of a device: those of the meters come first.
    pub(super) fn payg_account(&self, device: PaygIx) -> u32 {
        self.fleet.len().saturating_add(device.0)
    }

    /// Sells whole days for what the devices' accounts have paid; the rest stays there.
    pub(super) fn sell_days(&mut self, now: u64) {
        let count = self.config.vending.as_ref().map_or(0, |vending| vending.devices.len());
        for device in (0..u32::try_from(count).unwrap_or(u32::MAX)).map(PaygIx) {
            let days_max = self.payg_form(device).map_or(0, |form| i64::from(form.value_max()));
            while let Some((days, worth_minor)) = self.days_due(device, days_max) {
                if let Err(error) = self.issue_payg(now, device, openpaygo::Ask::Add(days), worth_minor) {
                    self.event(DcuEvent::PaygRefused { device, error });
                    break;
                }
            }
        }
    }

    fn days_due(&self, device: PaygIx, days_max: i64) -> Option<(u32, i64)> {
        let entry = self.config.vending.as_ref()?.devices.get(device.at())?;
        let account = self.state.book().account(self.payg_account(device))?;
        let days_max = days_max.min(self.days_by_policy()?.checked_div(entry.day_price_minor)?);
        let due = account.granted_minor().saturating_sub(self.state.desk().device(device)?.sold_minor());
        let days = due.checked_div(entry.day_price_minor)?.min(days_max);
        if days <= 0 {
            return None;
        }
        Some((u32::try_from(days).ok()?, days.saturating_mul(entry.day_price_minor)))
    }

    fn payg_form(&self, device: PaygIx) -> Option<Form> {
        let entry = self.config.vending.as_ref()?.devices.get(device.at())?;
        Some(Form { extended: entry.extended, restricted: entry.restricted })
    }

    fn issue_payg(
        &mut self,
        now: u64,
        device: PaygIx,
        ask: openpaygo::Ask,
        worth_minor: i64,
    ) -> Result<u32, PaygRefusal> {
        let form = self.payg_form(device).ok_or(PaygRefusal::Unknown)?;
        let entry = self.config.vending.as_ref().and_then(|vending| vending.devices.get(device.at()));
        let entry = entry.ok_or(PaygRefusal::Unknown)?;
        let key = DeviceKey::new(&entry.key, entry.starting_code).ok_or(PaygRefusal::Key)?;
        let count = self.state.desk().device(device).ok_or(PaygRefusal::Unknown)?.count();
        let issued = Vendor::new(key, count).issue(ask, form)?;
        let token = PaygToken { device, count: issued.count, digits: issued.token, ask: ask.into(), worth_minor };
        self.note(now, Note::PaygIssued(token));
        self.then(Next::Payg(device, issued.count));
        Ok(issued.count)
    }

    /// The count is durable: its token may be seen.
    pub(super) fn payg_leave(&mut self, device: PaygIx, count: u32) {
        let open = self.state.desk().device(device).map(|desk| desk.outstanding()).unwrap_or_default();
        let Some(token) = open.iter().find(|token| token.count == count).cloned() else { return };
        let phone = self.config.vending.as_ref().and_then(|vending| vending.devices.get(device.at()));
        let by = if phone.is_some_and(|device| device.phone.is_some()) { By::Text } else { By::Paper };
        self.event(DcuEvent::PaygIssued { device, token, way: Way::Keypad { by } });
    }

    /// A payment was credited to this account, which is a device's.
    pub(super) fn sell_for(&mut self, now: u64, account: MeterIx) {
        if account.0 >= self.fleet.len() {
            self.sell_days(now);
        } else {
            self.sell_due(now, account);
        }
        self.run_vending(now);
    }
}

/// The count of tokens that a device reports.
fn reported_count(report: &Request) -> Option<u32> {
    let (_, count) = report.data.iter().find(|(name, _)| name == "token_count")?;
    u32::try_from(count.number()?).ok()
}
