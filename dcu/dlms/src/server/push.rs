//! What a server sends of its own accord: the objects of a push set-up (class 40) in one DataNotification.
//!
//! A set-up fires when its method is called: by a client, by a script, by the script of a register monitor or of an
//! alarm. [`crate::cosem::Model`] then lets [`Effect::Push`] out; its owner calls [`Server::push`] and hands the message
//! to the port ([`super::Port::push`]) or to a link of its own. When, how often and until which confirmation
//! ([`Server::poll_confirmed`]) is up to the owner, because the set-up's times need a clock.
//!
//! [`Effect::Push`]: crate::cosem::model::Effect::Push

use super::Server;
use crate::apdu::{AttributeRef, DataAccessResult, DataNotification, LongInvokeId};
use crate::axdr::{DateTime, Value, decode_all, encode, put_null, put_octet_string, put_structure};
use crate::cosem::classes::PushSetup;
use crate::cosem::{Level, ObjectModel, attribute_access};
use crate::error::{Error, Refusal};
use crate::obis::Obis;
use crate::security::{Form, How};

/// One push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushOrder {
    /// The object of class 40.
    pub setup: Obis,
    /// Number of the notification, 24 bits: another for each, the same for repeats.
    pub number: u32,
    /// When it was made, if the meter is to say so.
    pub time: Option<DateTime>,
    /// The client is to confirm it.
    pub is_confirmed: bool,
}

impl Server {
    /// Builds the message of a push into `out` (cleared first), protected as the policy of the management association
    /// wants answers (general-glo-ciphering: nobody need be associated).
    ///
    /// An object that cannot be read is pushed as null-data, so that the others keep their places. Arbitrary: parts of
    /// a profile's buffer (upper byte of the data index) are left out the same way.
    ///
    /// # Errors
    /// [`Refusal::Access`] without such a set-up or list; [`crate::error::SecurityFault`] without keys or counters.
    pub fn push<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        order: PushOrder,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        out.clear();
        let list = AttributeRef::new(PushSetup::CLASS, order.setup, 2);
        let mut encoded = Vec::new();
        model.read(list, None, &mut encoded).map_err(Refusal::Access)?;
        let list = decode_all(&encoded)?;
        let objects = list.elements().ok_or(Refusal::Access(DataAccessResult::TypeUnmatched))?;
        let mut body = Vec::new();
        put_structure(&mut body, objects.len());
        for object in objects {
            let at = body.len();
            if put_object(model, object, &mut body).is_none() {
                body.truncate(at);
                put_null(&mut body);
            }
        }
        let id = LongInvokeId::confirmed(order.number);
        let id = if order.is_confirmed { id } else { LongInvokeId(id.number()) };
        DataNotification { long_invoke_id: id.0, date_time: order.time, body: &body }.encode(out);
        if let Some((guard, counter, random)) = self.guards.parts(Level::Management) {
            let how = How { form: Form::General, ..How::global(guard.policy.response) };
            // Nothing unprotected is left behind.
            guard.channel.protect(out, 0, how, counter, random, false).inspect_err(|_| out.clear())?;
        }
        Ok(())
    }

    /// The number of a push that the client has confirmed; asked after each frame received.
    pub const fn poll_confirmed(&mut self) -> Option<u32> {
        self.confirmed.take()
    }
}

/// Appends the value that an element of the list names; `None` when there is none to give.
fn put_object<M: ObjectModel + ?Sized>(model: &mut M, object: &Value, out: &mut Vec<u8>) -> Option<()> {
    let [class, name, index, data_index, ..] = object.elements()? else { return None };
    let class = u16::try_from(class.as_u64()?).ok()?;
    let obis = Obis(name.as_bytes()?.try_into().ok()?);
    let attribute = AttributeRef::new(class, obis, i8::try_from(index.as_i64()?).ok()?);
    if attribute.attribute == 1 {
        put_octet_string(out, &obis.0);
        return Some(());
    }
    if !attribute_access(model, Level::Management, attribute).is_ok_and(|access| access.reads()) {
        return None;
    }
    let data_index = usize::try_from(data_index.as_u64()?).ok()?;
    if data_index == 0 {
        return model.read(attribute, None, out).ok();
    }
    let mut encoded = Vec::new();
    model.read(attribute, None, &mut encoded).ok()?;
    let value = decode_all(&encoded).ok()?;
    encode(value.elements()?.get(data_index.checked_sub(1)?)?, out);
    Some(())
}
