//! What a meter sends of its own accord over the link of its client: pushes, events, reports. They are taken whatever
//! the client is doing, told before anything else, and confirmed where the meter asks for it.
//!
//! On an association that is ciphered only protected notifications are taken; their counters share the floor of the
//! answers, so none is taken twice. They come outside of associations too, under the global keys.

use std::collections::VecDeque;

use super::Client;
use crate::apdu::{
    AttributeRef, DataNotification, DataNotificationConfirm, EventNotification, InformationReport, Variable,
};
use crate::axdr::{DateTime, Value, decode_all};
use crate::error::Error;
use crate::link::wrapper::{self, Addresses};

/// Most notifications that wait to be told: beyond that the oldest goes.
const WAITING_MAX: usize = 16;

/// What a meter has sent of its own accord.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Which service.
    pub kind: NotificationKind,
    /// When it was made, if the meter says so.
    pub time: Option<DateTime>,
    /// What it carries; a structure of the values of a report.
    pub value: Value,
    /// It came protected as the policy demands.
    pub is_protected: bool,
}

/// The service of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationKind {
    /// DataNotification, of a push set-up. The number comes again when the meter repeats it.
    Data {
        /// Long-invoke-id-and-priority.
        long_invoke_id: u32,
    },
    /// EventNotification, of this attribute.
    Event(AttributeRef),
    /// InformationReport by short names, of these attributes.
    Report(Box<[u16]>),
}

/// Notifications on their way to the owner, confirmations on their way to the meter.
#[derive(Debug, Default)]
pub(super) struct Notices {
    waiting: VecDeque<Notification>,
    told: Option<Notification>,
    /// Numbers, and whether the notification was protected.
    confirmations: VecDeque<(u32, bool)>,
    sent: Vec<u8>,
    lost: u64,
}

impl Notices {
    /// Without what the values of notifications hold: they go with the next drain.
    pub(super) fn memory_bytes(&self) -> usize {
        let waiting = self.waiting.capacity().saturating_mul(size_of::<Notification>());
        let confirmations = self.confirmations.capacity().saturating_mul(size_of::<(u32, bool)>());
        size_of::<Self>().saturating_add(waiting).saturating_add(confirmations).saturating_add(self.sent.capacity())
    }
}

impl Client {
    /// Notifications that nobody polled for and that others took the place of.
    #[must_use]
    pub fn notifications_lost(&self) -> u64 {
        self.notices.as_ref().map_or(0, |notices| notices.lost)
    }

    pub(super) fn take_data_notification(&mut self, notification: &DataNotification<'_>, is_protected: bool) {
        let kind = NotificationKind::Data { long_invoke_id: notification.long_invoke_id };
        match decode_all(notification.body) {
            Ok(value) => self.notice(Notification { kind, time: notification.date_time, value, is_protected }),
            Err(error) => return self.suspect(error.into()),
        }
        if notification.is_confirmed() {
            self.confirm(notification.long_invoke_id, is_protected);
        }
    }

    pub(super) fn take_event_notification(&mut self, event: &EventNotification<'_>, is_protected: bool) {
        match decode_all(event.value) {
            Ok(value) => {
                let kind = NotificationKind::Event(event.attribute);
                self.notice(Notification { kind, time: event.time, value, is_protected });
            }
            Err(error) => self.suspect(error.into()),
        }
    }

    pub(super) fn take_report(&mut self, report: &InformationReport<'_>, is_protected: bool) {
        let names = report.variables.iter().map(|variable| match variable {
            Variable::Name(name) | Variable::Parameterized(name, _) => name,
            _ => 0,
        });
        let values: Result<Vec<Value>, _> = report.values.iter().map(decode_all).collect();
        match values {
            Ok(values) => {
                let kind = NotificationKind::Report(names.collect());
                self.notice(Notification { kind, time: None, value: Value::Structure(values), is_protected });
            }
            Err(error) => self.suspect(error.into()),
        }
    }

    fn notice(&mut self, notification: Notification) {
        let notices = self.notices.get_or_insert_default();
        if notices.waiting.len() >= WAITING_MAX {
            notices.waiting.pop_front();
            notices.lost = notices.lost.saturating_add(1);
        }
        notices.waiting.push_back(notification);
    }

    /// Answers a DataNotification whose service class is confirmed. Not on HDLC: there it comes in UI frames, which
    /// nothing answers.
    fn confirm(&mut self, long_invoke_id: u32, is_protected: bool) {
        if self.serial.is_none() {
            let notices = self.notices.get_or_insert_default();
            if notices.confirmations.len() < WAITING_MAX {
                notices.confirmations.push_back((long_invoke_id, is_protected));
            }
        }
    }

    /// A confirmation may go out: nothing that was protected before it still waits, for counters must arrive in order.
    pub(super) fn has_confirmation(&self) -> bool {
        let next = self.notices.as_ref().and_then(|notices| notices.confirmations.front());
        !self.frame_due
            && !self.general.is_under_way()
            && next.is_some_and(|(_, is_protected)| !is_protected || (!self.is_held() && self.has_counter()))
    }

    /// The next confirmation, framed.
    ///
    /// # Errors
    /// Counters that are missing.
    pub(super) fn next_confirmation(&mut self) -> Result<&[u8], Error> {
        let next = self.notices.as_mut().and_then(|notices| notices.confirmations.pop_front());
        let Some((long_invoke_id, is_protected)) = next else { return Ok(&[]) };
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        DataNotificationConfirm { long_invoke_id, date_time: None }.encode(&mut frame);
        if is_protected {
            self.protect_confirmation(&mut frame)?;
        }
        let addresses = Addresses { source: self.config.client_sap, destination: self.config.server_sap };
        wrapper::finish(&mut frame, addresses)?;
        let notices = self.notices.get_or_insert_default();
        notices.sent = frame;
        Ok(&notices.sent)
    }

    pub(super) fn has_notification(&self) -> bool {
        self.notices.as_ref().is_some_and(|notices| !notices.waiting.is_empty())
    }

    pub(super) fn next_notification(&mut self) -> Option<&Notification> {
        let notices = self.notices.as_mut()?;
        notices.told = notices.waiting.pop_front();
        notices.told.as_ref()
    }

    /// Nothing waits: their memory is given back.
    pub(super) fn give_back_notices(&mut self) {
        if let Some(notices) = &self.notices
            && notices.waiting.is_empty()
            && notices.confirmations.is_empty()
            && notices.lost == 0
        {
            self.notices = None;
        }
    }
}
