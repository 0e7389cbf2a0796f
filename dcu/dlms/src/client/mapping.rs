//! Reading what a meter shows of itself, before the command that opened the association goes on, or for its own sake.
//!
//! The client asks the meter for its firmware, and its owner (by [`ClientEvent::MapWanted`]) for the map of that
//! firmware; only where nobody has it is the object list read. It is not asked for again while the firmware stays.
//!
//! [`ClientEvent::MapWanted`]: super::ClientEvent::MapWanted

use std::sync::Arc;

use super::request::demand;
use super::{Client, Command, Phase, Referencing, Session};
use crate::apdu::{AttributeRef, Conformance, DataAccessResult, GetResponse, Variable, tag};
use crate::axdr::decode_all;
use crate::cosem::map::{Discovered, Discovery, FirmwareId};
use crate::cosem::{ObjectMap, association};
use crate::error::{Error, PeerFault};
use crate::names::{self, ShortNames};

/// What there is to tell about the map.
#[derive(Debug)]
pub(super) enum News {
    Wanted,
    Discovered,
    NotDiscovered(Box<Error>),
}

impl Client {
    /// Learns the meter's objects and our rights on them: the firmware is read, and the object list only when neither
    /// this client nor its owner knows the map of that firmware. Tells `Discovered`, then ends in `Done`.
    ///
    /// # Errors
    /// [`crate::error::Misuse::Busy`].
    pub fn discover(&mut self, now: u64) -> Result<(), Error> {
        self.begin(Command::Discover)?;
        self.mapping = Some(Box::new(self.new_discovery()));
        self.go_on(now);
        self.drive(now);
        Ok(())
    }

    /// What is known of the meter's objects.
    #[must_use]
    pub fn discovered(&self) -> Option<&Discovered> {
        self.known.as_deref()
    }

    /// What is known from elsewhere, or from before a restart. A meter that tells the same firmware is not read again.
    pub fn set_discovered(&mut self, known: Option<Discovered>) {
        if let (Referencing::ShortNames, Some(known)) = (self.config.referencing, &known) {
            self.names = Some(Arc::new(short_names(&known.map)));
        }
        self.known = known.map(Box::new);
    }

    /// The answer to `MapWanted`: the map of that firmware for this client's address, or that nobody has it. The client
    /// waits for it.
    pub fn handle_map(&mut self, now: u64, map: Option<Arc<ObjectMap>>) {
        let (Some(mapping), Phase::AwaitingMap) = (&mut self.mapping, self.phase) else { return };
        mapping.handle_known(map);
        self.go_on(now);
        self.drive(now);
    }

    /// The firmware whose map is waited for, after `MapWanted`.
    #[must_use]
    pub fn firmware_asked(&self) -> Option<&FirmwareId> {
        self.mapping.as_ref().and_then(|mapping| mapping.asks())
    }

    /// What every new association begins with, if so configured.
    pub(super) fn begin_discovery(&mut self) {
        if self.config.discovers && self.mapping.is_none() && !matches!(self.command, Command::Release) {
            self.mapping = Some(Box::new(self.new_discovery()));
        }
    }

    fn new_discovery(&self) -> Discovery {
        match self.config.referencing {
            Referencing::LogicalNames => Discovery::new(),
            Referencing::ShortNames => Discovery::by_short_names(self.names.is_some() && self.known.is_some()),
        }
    }

    /// What the discovery under way needs next; the command's own request when it is done.
    pub(super) fn send_mapping_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let Some(mapping) = &mut self.mapping else { return self.send_request(now, session) };
        if let Some(firmware) = mapping.asks() {
            let same = self.known.as_ref().filter(|known| known.firmware.as_ref() == Some(firmware));
            match same.map(|known| Arc::clone(&known.map)) {
                Some(map) => mapping.handle_known(Some(map)),
                None => {
                    self.phase = Phase::AwaitingMap;
                    self.deadline = None;
                    self.news = Some(News::Wanted);
                    return Ok(());
                }
            }
        }
        match mapping.wants() {
            Some(attribute) => self.send_mapping_read(now, session, attribute),
            None => self.end_discovery(now, session),
        }
    }

    fn send_mapping_read(&mut self, now: u64, session: Session, attribute: AttributeRef) -> Result<(), Error> {
        if session.short {
            demand(session, Conformance::READ, "read")?;
            let name = match &self.names {
                _ if attribute.class == names::CLASS => ShortNames::default().attribute(attribute),
                Some(names) => names.attribute(attribute),
                None => None,
            };
            // A meter without such an object does not give it.
            let Some(name) = name else {
                return self.take_mapping_answer(now, session, Err(DataAccessResult::ObjectUndefined));
            };
            self.put_one_read(Variable::Name(name));
        } else {
            demand(session, Conformance::GET, "get")?;
            self.put_one_get(attribute, None);
        }
        self.phase = Phase::Mapping;
        self.send(now, self.message_limit(session))
    }

    pub(super) fn take_mapping_get(
        &mut self,
        now: u64,
        session: Session,
        response: GetResponse<'_>,
    ) -> Result<(), Error> {
        match response {
            GetResponse::Normal { result: Err(error), .. } | GetResponse::Block { result: Err(error), .. }
                if self.may_restart(error) =>
            {
                self.send_mapping_request(now, session)
            }
            GetResponse::Normal { result, .. } => self.take_mapping_answer(now, session, result),
            GetResponse::Block { last, number, result, .. } => {
                match self.take_piece(now, session, last, number, result)? {
                    None => Ok(()),
                    Some(whole) => self.take_mapping_answer(now, session, Ok(&whole)),
                }
            }
            GetResponse::WithList { .. } => Err(PeerFault::UnexpectedApdu { tag: tag::GET_RESPONSE }.into()),
        }
    }

    /// The attribute asked for by a discovery, or the object list for short names alone.
    pub(super) fn take_mapping_answer(
        &mut self,
        now: u64,
        session: Session,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<(), Error> {
        let Some(mapping) = &mut self.mapping else { return self.take_short_names(now, session, result) };
        let lists = mapping.wants().is_some_and(|a| (a.class, a.attribute) == (names::CLASS, association::OBJECT_LIST));
        let taken = match result.map(decode_all) {
            Ok(Ok(value)) => {
                if lists {
                    self.names = ShortNames::from_object_list(&value).map(Arc::new);
                }
                mapping.handle_read(&Ok(value))
            }
            Ok(Err(error)) => Err(error.into()),
            Err(refused) => mapping.handle_read(&Err(refused)),
        };
        match taken {
            Ok(()) => self.send_mapping_request(now, session),
            // The command did not ask for it: told, and passed over.
            Err(error) if !matches!(self.command, Command::Discover) => {
                self.mapping = None;
                self.news = Some(News::NotDiscovered(Box::new(error)));
                self.send_request(now, session)
            }
            Err(error) => Err(error),
        }
    }

    fn end_discovery(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let done = self.mapping.take();
        let Some(found) = done.as_deref().and_then(Discovery::done) else { return self.send_request(now, session) };
        let is_new = self.known.as_deref().is_none_or(|known| found.was_read || known.firmware != found.firmware);
        if is_new {
            self.set_discovered(Some(found.clone()));
        } else if let Some(known) = &mut self.known {
            // What is told now was not read now.
            known.was_read = false;
        }
        if is_new || matches!(self.command, Command::Discover) {
            self.news = Some(News::Discovered);
        }
        self.send_request(now, session)
    }
}

/// The base names in a map read by short names.
fn short_names(map: &ObjectMap) -> ShortNames {
    ShortNames::new(map.iter().filter_map(|entry| Some((entry.class, entry.obis, entry.base_name?))))
}
