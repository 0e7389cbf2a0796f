//! The commands.

use super::{Client, Command, Ending};
use crate::apdu::{AccessItem, AttributeRef, MethodRef, Selection};
use crate::axdr::{Value, encode, put_null};
use crate::cosem::ProfileRange;
use crate::error::{Error, Misuse};
use crate::obis::Obis;
use crate::wire::put_length;

/// Most items of one list: the standard's lists of requests count in one byte.
const LIST_MAX: usize = 255;

/// One thing to be done within [`Client::access`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// Read an attribute.
    Read(AttributeRef),
    /// Read a part of an attribute: selector and its parameters.
    ReadPart(AttributeRef, u8, &'a Value),
    /// Write an attribute.
    Write(AttributeRef, &'a Value),
    /// Write a part of an attribute: selector, its parameters, and the value.
    WritePart(AttributeRef, u8, &'a Value, &'a Value),
    /// Run a method.
    Invoke(MethodRef, Option<&'a Value>),
}

impl Client {
    /// Opens an association, afresh if there is one. Ends in `Done`.
    ///
    /// # Errors
    /// [`Misuse::Busy`].
    pub fn associate(&mut self, now: u64) -> Result<(), Error> {
        self.begin(Command::Associate)?;
        self.session = None;
        self.go_on(now);
        Ok(())
    }

    /// Reads attributes: in one list when there are several and the meter can, else one after the other. Ends in
    /// `Values`.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::Empty`].
    pub fn read(&mut self, now: u64, attributes: &[AttributeRef]) -> Result<(), Error> {
        if attributes.is_empty() {
            return Err(Misuse::Empty.into());
        }
        self.begin(Command::Read)?;
        self.attributes.clear();
        // Exactly: most clients read the same few for ever, and hold on to the room.
        self.attributes.reserve_exact(attributes.len());
        self.attributes.extend_from_slice(attributes);
        self.selections = Box::default();
        self.results.clear();
        self.results.reserve_exact(attributes.len());
        self.go_on(now);
        Ok(())
    }

    /// Reads attributes or parts of them (selector and its parameters) as [`Self::read`] does.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::Empty`].
    pub fn read_list(&mut self, now: u64, list: &[(AttributeRef, Option<(u8, &Value)>)]) -> Result<(), Error> {
        if list.is_empty() {
            return Err(Misuse::Empty.into());
        }
        self.begin(Command::Read)?;
        self.attributes.clear();
        self.attributes.extend(list.iter().map(|(attribute, _)| attribute));
        self.selections = list
            .iter()
            .map(|(_, selected)| {
                selected.map(|(selector, parameters)| {
                    let mut encoded = Vec::new();
                    encode(parameters, &mut encoded);
                    (selector, encoded.into_boxed_slice())
                })
            })
            .collect();
        self.results.clear();
        self.go_on(now);
        Ok(())
    }

    /// Reads rows of a profile. After a link loss, [`Self::resume_profile`] goes on where it was cut. Ends in `Profile`.
    ///
    /// # Errors
    /// [`Misuse::Busy`].
    pub fn read_profile(&mut self, now: u64, profile: Obis, range: ProfileRange) -> Result<(), Error> {
        self.begin(match range {
            ProfileRange::Last(last) => Command::CountRows { profile, last },
            range => Command::ReadRows { profile, range, keep_last: None },
        })?;
        self.half = None;
        self.rows.clear(self.config.utc_offset_s);
        self.go_on(now);
        Ok(())
    }

    /// Writes an attribute, in blocks when it is long. Ends in `Done`.
    ///
    /// # Errors
    /// [`Misuse::Busy`].
    pub fn write(&mut self, now: u64, attribute: AttributeRef, value: &Value) -> Result<(), Error> {
        self.begin(Command::Write(attribute))?;
        self.selections = Box::default();
        encode(value, &mut self.transfer.bytes);
        self.go_on(now);
        Ok(())
    }

    /// Writes a part of an attribute: selector and its parameters say which (Green Book 9.3.7, SET has access selection
    /// as GET has). Few meters take it. Ends in `Done`.
    ///
    /// # Errors
    /// [`Misuse::Busy`].
    pub fn write_part(
        &mut self,
        now: u64,
        attribute: AttributeRef,
        (selector, parameters): (u8, &Value),
        value: &Value,
    ) -> Result<(), Error> {
        self.begin(Command::Write(attribute))?;
        let mut encoded = Vec::new();
        encode(parameters, &mut encoded);
        self.selections = [Some((selector, encoded.into_boxed_slice()))].into();
        encode(value, &mut self.transfer.bytes);
        self.go_on(now);
        Ok(())
    }

    /// Writes an attribute and waits for no answer: unconfirmed SET, or UnconfirmedWrite by short names. Ends in `Done`
    /// when it has left; whether it arrived, and was taken, nobody tells.
    ///
    /// # Errors
    /// [`Misuse::Busy`]. What does not fit one message ends in `Failed`.
    pub fn write_unconfirmed(&mut self, now: u64, attribute: AttributeRef, value: &Value) -> Result<(), Error> {
        self.begin(Command::WriteUnconfirmed(attribute))?;
        encode(value, &mut self.transfer.bytes);
        self.go_on(now);
        Ok(())
    }

    /// Writes several attributes in one request, in blocks when it is long. Ends in `Values`: null for what was
    /// written, and why not for what was refused.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::Empty`], [`Misuse::TooManyAttributes`].
    pub fn write_list(&mut self, now: u64, list: &[(AttributeRef, &Value)]) -> Result<(), Error> {
        check_count(list.len())?;
        self.begin(Command::WriteList)?;
        self.attributes.clear();
        self.attributes.extend(list.iter().map(|(attribute, _)| attribute));
        put_length(&mut self.transfer.bytes, list.len());
        for (_, value) in list {
            encode(value, &mut self.transfer.bytes);
        }
        self.results.clear();
        self.go_on(now);
        Ok(())
    }

    /// Runs several methods in one request, in order. Ends in `Values`: what each returned, null for nothing, and why
    /// not for what was refused (an [`crate::apdu::ActionResult`] as the access result of the same number).
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::Empty`], [`Misuse::TooManyAttributes`].
    pub fn invoke_list(&mut self, now: u64, list: &[(MethodRef, Option<&Value>)]) -> Result<(), Error> {
        check_count(list.len())?;
        self.begin(Command::InvokeList)?;
        self.attributes.clear();
        self.attributes.extend(list.iter().map(|(m, _)| AttributeRef::new(m.class, m.obis, m.method)));
        put_length(&mut self.transfer.bytes, list.len());
        for (_, parameter) in list {
            put_value(*parameter, &mut self.transfer.bytes);
        }
        self.results.clear();
        self.go_on(now);
        Ok(())
    }

    /// Reads, writes and runs in one request and in order (ACCESS). Goes on after an item that fails. Ends in `Values`
    /// as [`Self::write_list`] and [`Self::invoke_list`] do.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::Empty`], [`Misuse::TooManyAttributes`].
    pub fn access(&mut self, now: u64, items: &[Item<'_>]) -> Result<(), Error> {
        check_count(items.len())?;
        self.begin(Command::Access)?;
        put_length(&mut self.transfer.bytes, items.len());
        let mut data = Vec::new();
        put_length(&mut data, items.len());
        let mut scratch = Vec::new();
        for item in items {
            scratch.clear();
            if let Item::ReadPart(_, _, parameters) | Item::WritePart(_, _, parameters, _) = item {
                encode(parameters, &mut scratch);
            }
            let part = |selector: &u8| Selection { selector: *selector, parameters: &scratch };
            let (spec, value) = match item {
                Item::Read(attribute) => (AccessItem::Get(*attribute), None),
                Item::ReadPart(attribute, selector, _) => (AccessItem::GetSelected(*attribute, part(selector)), None),
                Item::Write(attribute, value) => (AccessItem::Set(*attribute), Some(*value)),
                Item::WritePart(attribute, selector, _, value) => {
                    (AccessItem::SetSelected(*attribute, part(selector)), Some(*value))
                }
                Item::Invoke(method, parameter) => (AccessItem::Action(*method), *parameter),
            };
            spec.encode(&mut self.transfer.bytes);
            put_value(value, &mut data);
        }
        self.transfer.bytes.extend_from_slice(&data);
        self.results.clear();
        self.go_on(now);
        Ok(())
    }

    /// Runs a method, its parameter in blocks when it is long. Ends in `Done`.
    ///
    /// # Errors
    /// [`Misuse::Busy`]. A parameter that does not fit one message ends in `Failed` when the meter offers no blocks.
    pub fn invoke(&mut self, now: u64, method: MethodRef, parameter: Option<&Value>) -> Result<(), Error> {
        self.begin_invoke(now, method, parameter, false)
    }

    /// Runs a method that returns something. By logical names the same as [`Self::invoke`]; by short names such a method
    /// is read, its parameter as the selection (Green Book 9.3.14), for what a Write returns is lost. Ends in `Done`.
    ///
    /// # Errors
    /// [`Misuse::Busy`].
    pub fn invoke_returning(&mut self, now: u64, method: MethodRef, parameter: Option<&Value>) -> Result<(), Error> {
        self.begin_invoke(now, method, parameter, true)
    }

    fn begin_invoke(
        &mut self,
        now: u64,
        method: MethodRef,
        parameter: Option<&Value>,
        returns: bool,
    ) -> Result<(), Error> {
        self.begin(Command::Invoke { method, with_parameter: parameter.is_some(), returns })?;
        if let Some(parameter) = parameter {
            encode(parameter, &mut self.transfer.bytes);
        }
        self.go_on(now);
        Ok(())
    }

    /// Gives up the association. Ends in `Done`, also at once when there is none.
    ///
    /// # Errors
    /// [`Misuse::Busy`].
    pub fn release(&mut self, now: u64) -> Result<(), Error> {
        self.begin(Command::Release)?;
        if self.serial.is_some() {
            self.close_link(now);
            return Ok(());
        }
        if self.session.is_none() {
            self.end(Ok(Ending::Done));
            return Ok(());
        }
        self.go_on(now);
        Ok(())
    }

    /// Drops the command under way without an event. The meter may still carry it out; its answer will be ignored. An
    /// image transfer is forgotten too, also one put aside: [`Self::suspend`] would have kept it.
    pub fn cancel(&mut self) {
        self.image = None;
        self.settle();
        self.suspending = false;
        self.news = None;
        self.ended = None;
    }

    /// Uses short names read before, from this meter or another of the same firmware, instead of reading them.
    pub fn set_short_names(&mut self, names: Option<std::sync::Arc<crate::names::ShortNames>>) {
        self.names = names;
    }
}

fn check_count(count: usize) -> Result<(), Error> {
    match count {
        0 => Err(Misuse::Empty.into()),
        1..=LIST_MAX => Ok(()),
        _ => Err(Misuse::TooManyAttributes.into()),
    }
}

fn put_value(value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        Some(value) => encode(value, out),
        None => put_null(out),
    }
}
