//! Getting the map of a meter when its association has just been opened: what to read, and when nothing need be read.
//!
//! ```text
//!   firmware id ─┬─ known: done, one attribute read        (refused: the list is read, and not shared)
//!                └─ unknown: object list ─▶ learn, done
//! ```

use std::sync::Arc;

use super::{FirmwareId, Maps, ObjectMap, Sighting};
use crate::apdu::{AttributeRef, DataAccessResult};
use crate::axdr::{Octets, Value};
use crate::cosem::{Data, association};
use crate::error::{Error, PeerFault, Refusal};
use crate::obis::{self, Obis};

/// Active firmware identifier (Data), IEC 62056-6-1.
pub const FIRMWARE_ID: Obis = Obis([1, 0, 0, 2, 0, 255]);

/// Discovery of a meter referenced by logical names.
#[derive(Clone, Debug)]
pub struct Discovery {
    client_sap: u16,
    /// What the meter had when last seen.
    before: Option<FirmwareId>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Firmware,
    List(Option<FirmwareId>),
    Done(Arc<ObjectMap>, Option<FirmwareId>),
}

impl Discovery {
    /// For that client; `before` is the firmware with which the meter was seen last.
    #[must_use]
    pub const fn new(client_sap: u16, before: Option<FirmwareId>) -> Self {
        Self { client_sap, before, state: State::Firmware }
    }

    /// What to read next; `None` when the map is there.
    #[must_use]
    pub const fn wants(&self) -> Option<AttributeRef> {
        match self.state {
            State::Firmware => Some(AttributeRef::new(Data::CLASS, FIRMWARE_ID, 2)),
            State::List(_) => {
                Some(AttributeRef::new(association::CLASS, obis::ASSOCIATION_LN, association::OBJECT_LIST))
            }
            State::Done(..) => None,
        }
    }

    /// The answer to [`Discovery::wants`].
    ///
    /// # Errors
    /// [`Refusal::Access`] when the meter does not give its list, [`PeerFault::WrongType`] when it gives something
    /// else. Discovery may go on with the next answer.
    pub fn handle_read(&mut self, maps: &mut Maps, result: &Result<Value, DataAccessResult>) -> Result<(), Error> {
        match &self.state {
            State::Firmware => {
                // A meter without the object, or that keeps it from this client, is read in full.
                let firmware = result.as_ref().ok().and_then(Value::as_bytes);
                self.state = match firmware.map(|bytes| FirmwareId(Octets::from(bytes))) {
                    None => State::List(None),
                    Some(now) => match maps.sight(self.before.as_ref(), &now, self.client_sap) {
                        Sighting::Known(map) | Sighting::Changed(map) => State::Done(map, Some(now)),
                        Sighting::Unknown => State::List(Some(now)),
                    },
                };
            }
            State::List(firmware) => {
                let list = result.as_ref().map_err(|error| Refusal::Access(*error))?;
                let map = ObjectMap::from_ln_list(list, association::VERSION)?;
                if map.is_empty() {
                    return Err(PeerFault::WrongType { what: "object list without objects" }.into());
                }
                let map = match firmware {
                    Some(firmware) => maps.learn(firmware, self.client_sap, map),
                    None => Arc::new(map),
                };
                self.state = State::Done(map, firmware.clone());
            }
            State::Done(..) => {}
        }
        Ok(())
    }

    /// The map, once it is there.
    #[must_use]
    pub const fn map(&self) -> Option<&Arc<ObjectMap>> {
        match &self.state {
            State::Done(map, _) => Some(map),
            _ => None,
        }
    }

    /// The firmware that the meter told, to be remembered for the next time.
    #[must_use]
    pub const fn firmware(&self) -> Option<&FirmwareId> {
        match &self.state {
            State::Done(_, firmware) => firmware.as_ref(),
            _ => None,
        }
    }
}
