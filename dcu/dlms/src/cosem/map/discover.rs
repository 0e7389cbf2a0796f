//! Getting the map of a meter when its association has just been opened: what to read, and when nothing need be read.
//!
//! ```text
//!   logical names:  firmware id ─┬─ as before, or known from another meter: done, one attribute read
//!                                └─ unknown, or not told: object list ─▶ done
//!   short names:    object list ─▶ rights ─▶ firmware id ─▶ done   (names known already: as by logical names)
//! ```
//!
//! Holds no maps: whether a firmware is known, the owner of the maps says ([`Discovery::asks`]).

use std::sync::Arc;

use super::{FirmwareId, ObjectMap};
use crate::apdu::{AttributeRef, DataAccessResult};
use crate::axdr::{Octets, Value};
use crate::cosem::{Data, association};
use crate::error::{Error, PeerFault, Refusal};
use crate::names;
use crate::obis::{self, Obis};

/// Active firmware identifier (Data), IEC 62056-6-1.
pub const FIRMWARE_ID: Obis = Obis([1, 0, 0, 2, 0, 255]);

/// Object list and rights of the association by short names (class 12, Blue Book 4.4.3).
const SHORT_LIST: AttributeRef = AttributeRef::new(names::CLASS, obis::ASSOCIATION_LN, 2);
const SHORT_RIGHTS: AttributeRef = AttributeRef::new(names::CLASS, obis::ASSOCIATION_LN, 3);

/// What a meter has shown of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// Its objects, with our rights.
    pub map: Arc<ObjectMap>,
    /// Its firmware; `None` when it does not tell. Such a meter shares its map with nobody.
    pub firmware: Option<FirmwareId>,
    /// The list was read just now; else the map was known.
    pub was_read: bool,
}

/// A discovery under way.
#[derive(Clone, Debug)]
pub struct Discovery {
    short: bool,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Firmware,
    Asking(FirmwareId),
    List(Option<FirmwareId>),
    ShortList(Option<FirmwareId>),
    ShortRights(Box<Value>, Option<FirmwareId>),
    /// The map is read; the firmware is still to be told, for sharing.
    ShortFirmware(Arc<ObjectMap>),
    Done(Discovered),
}

impl Discovery {
    /// By logical names: the firmware first, the list only if it must be.
    #[must_use]
    pub const fn new() -> Self {
        Self { short: false, state: State::Firmware }
    }

    /// By short names. `named`: names of the objects are known already, so the firmware can be asked for first.
    #[must_use]
    pub const fn by_short_names(named: bool) -> Self {
        Self { short: true, state: if named { State::Firmware } else { State::ShortList(None) } }
    }

    /// What to read next; `None` when the map is there, or the owner is asked.
    #[must_use]
    pub fn wants(&self) -> Option<AttributeRef> {
        match &self.state {
            State::Firmware | State::ShortFirmware(_) => Some(AttributeRef::new(Data::CLASS, FIRMWARE_ID, 2)),
            State::List(_) => {
                Some(AttributeRef::new(association::CLASS, obis::ASSOCIATION_LN, association::OBJECT_LIST))
            }
            State::ShortList(_) => Some(SHORT_LIST),
            State::ShortRights(..) => Some(SHORT_RIGHTS),
            State::Asking(_) | State::Done(_) => None,
        }
    }

    /// The owner of the maps is asked for the one of this firmware: answer by [`Discovery::handle_known`].
    #[must_use]
    pub const fn asks(&self) -> Option<&FirmwareId> {
        match &self.state {
            State::Asking(firmware) => Some(firmware),
            _ => None,
        }
    }

    /// The map of the firmware asked for, or that it is not known.
    pub fn handle_known(&mut self, map: Option<Arc<ObjectMap>>) {
        let State::Asking(firmware) = &self.state else { return };
        let firmware = Some(firmware.clone());
        self.state = match map {
            Some(map) => State::Done(Discovered { map, firmware, was_read: false }),
            None => self.list(firmware),
        };
    }

    const fn list(&self, firmware: Option<FirmwareId>) -> State {
        if self.short { State::ShortList(firmware) } else { State::List(firmware) }
    }

    /// The answer to [`Discovery::wants`].
    ///
    /// # Errors
    /// [`Refusal::Access`] when the meter does not give its list, [`PeerFault::WrongType`] when it gives something
    /// else. Discovery may go on with the next answer.
    pub fn handle_read(&mut self, result: &Result<Value, DataAccessResult>) -> Result<(), Error> {
        let given = || result.as_ref().map_err(|error| Refusal::Access(*error));
        let next = match &self.state {
            // A meter without the object, or that keeps it from this client, is read in full.
            State::Firmware => firmware(result).map_or_else(|| self.list(None), State::Asking),
            State::List(firmware) => {
                let map = whole(ObjectMap::from_ln_list(given()?, association::VERSION)?)?;
                State::Done(Discovered { map, firmware: firmware.clone(), was_read: true })
            }
            State::ShortList(firmware) => State::ShortRights(Box::new(given()?.clone()), firmware.clone()),
            // Not every meter has the attribute: without it everything counts as allowed.
            State::ShortRights(list, firmware) => {
                let map = whole(ObjectMap::from_sn_list(list, result.as_ref().ok())?)?;
                if firmware.is_none() && map.find_class(Data::CLASS, FIRMWARE_ID).is_some() {
                    State::ShortFirmware(map)
                } else {
                    State::Done(Discovered { map, firmware: firmware.clone(), was_read: true })
                }
            }
            State::ShortFirmware(map) => {
                State::Done(Discovered { map: Arc::clone(map), firmware: firmware(result), was_read: true })
            }
            State::Asking(_) | State::Done(_) => return Ok(()),
        };
        self.state = next;
        Ok(())
    }

    /// The map, once it is there.
    #[must_use]
    pub const fn done(&self) -> Option<&Discovered> {
        match &self.state {
            State::Done(discovered) => Some(discovered),
            _ => None,
        }
    }
}

impl Default for Discovery {
    fn default() -> Self {
        Self::new()
    }
}

fn firmware(result: &Result<Value, DataAccessResult>) -> Option<FirmwareId> {
    result.as_ref().ok().and_then(Value::as_bytes).map(|bytes| FirmwareId(Octets::from(bytes)))
}

fn whole(map: ObjectMap) -> Result<Arc<ObjectMap>, Error> {
    if map.is_empty() {
        return Err(PeerFault::WrongType { what: "object list without objects" }.into());
    }
    Ok(Arc::new(map))
}
