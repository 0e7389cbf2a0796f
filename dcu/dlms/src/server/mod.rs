//! The server: a meter's side of the protocol over an [`ObjectModel`].
//!
//! Two associations, as meters of the field have them: the public client (16) may read what identifies the meter, the
//! management client (1) the rest, with a password if one is set. Each keeps its own state; both may stand at once.
//!
//! [`Server::handle_receive`] takes one frame and writes at most one into the caller's buffer; only a window of general
//! blocks has more ([`Server::next_frame`]). Repeated requests are carried out again and answered again; the blocks of a
//! long answer can be asked for again as long as the next request has not come. Unasked a server speaks only when its
//! owner says so ([`Server::push`]).
//!
//! A power loss ends all associations: call [`Server::handle_power_lost`]. Requests are then answered by an exception
//! (service not allowed) until the client associates.

mod access;
mod action;
mod associate;
mod general;
mod get;
mod pieces;
mod port;
mod push;
mod secure;
mod set;
mod short;

pub use port::{Port, PortOutput, ServerLink};
pub use push::PushOrder;

use taa_keys::Secret;

use crate::apdu::{self, Apdu, AttributeRef, Conformance, DataAccessResult, ExceptionResponse, InvokeId, Release};
use crate::cosem::association::Terms;
use crate::cosem::{Level, ObjectModel, attribute_access};
use crate::link::wrapper::{self, Addresses, HEADER_BYTES};

use general::General;
use pieces::{Incoming, Outgoing};

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The logical device behind this address.
    pub server_sap: u16,
    /// Address of the public client; `None` for no such association.
    pub public_sap: Option<u16>,
    /// Address of the management client.
    pub management_sap: u16,
    /// Password of the management client; `None` for none.
    pub management_password: Option<Secret>,
    /// Longest message taken, bytes.
    pub pdu_max: u16,
    /// Longest value, or message in general blocks, taken in pieces, bytes.
    pub value_bytes_max: usize,
    /// Services offered by logical names.
    pub services: Conformance,
    /// Associations by short names are offered too.
    pub short_names: bool,
    /// How many general blocks are sent in a row, 1–63, if the client takes as many; beyond 1, [`Server::next_frame`]
    /// must be asked for the rest of each window.
    pub general_window: u8,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            server_sap: 1,
            public_sap: Some(16),
            management_sap: 1,
            management_password: None,
            pdu_max: 1024,
            value_bytes_max: 64 * 1024,
            services: Conformance::SUPPORTED,
            short_names: false,
            general_window: 1,
        }
    }
}

/// A server. See the [module](self).
#[derive(Clone, Debug)]
pub struct Server {
    config: ServerConfig,
    guards: secure::Guards,
    public: Option<Session>,
    management: Option<Session>,
    /// To whom a window of general blocks is on its way.
    streaming: Option<Addresses>,
    /// The push confirmed last.
    confirmed: Option<u32>,
}

/// A standing association.
#[derive(Clone, Debug)]
struct Session {
    terms: Terms,
    outgoing: Option<Outgoing>,
    incoming: Option<Incoming>,
    general: General,
    /// Bytes that protection adds to an answer.
    overhead: usize,
}

impl Server {
    /// Nobody associated.
    #[must_use]
    pub const fn new(config: ServerConfig) -> Self {
        Self { config, guards: secure::Guards::NONE, public: None, management: None, streaming: None, confirmed: None }
    }

    /// The management client is associated.
    #[must_use]
    pub const fn is_managed(&self) -> bool {
        self.management.is_some()
    }

    /// The supply was lost: associations and transfers are gone.
    pub fn handle_power_lost(&mut self) {
        self.public = None;
        self.management = None;
        self.streaming = None;
        self.guards.handle_power_lost();
    }

    /// Takes one frame. `true` when `reply` (cleared first) holds the frame to send back.
    pub fn handle_receive<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        frame: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        wrapper::begin(reply);
        let Ok((addresses, message)) = wrapper::open(frame) else { return false };
        if addresses.destination != self.config.server_sap {
            return false;
        }
        self.streaming = None;
        // Below protection: what is cut into blocks is the protected message.
        if message.first() == Some(&apdu::tag::GENERAL_BLOCK_TRANSFER) {
            return self.take_general_block(model, addresses, message, reply);
        }
        let pdu_max = self.config.pdu_max.into();
        self.answer_protected(model, addresses, message, pdu_max, reply)
    }

    /// Answers one whole message, as it came out of the link or of general blocks. `bytes_max` bounds it.
    fn answer_protected<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        addresses: Addresses,
        message: &[u8],
        bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        // Answers and notifications are nothing to a server; answering them would start a quarrel between two.
        let asks = message.first().is_some_and(|tag| apdu::is_request(*tag));
        if !asks && message.first() != Some(&apdu::tag::DATA_NOTIFICATION_CONFIRM) {
            return false;
        }
        let mut scratch = self.guards.take_scratch();
        let level = self.level(addresses.source);
        let established = self.session_slot(addresses.source).is_some_and(|slot| slot.is_some());
        let unlocked = self.guards.unlock(level, message, &mut scratch);
        let answered = match unlocked {
            Err(exception) => except(exception, reply),
            Ok(None) => self.answer(model, addresses, message, bytes_max, reply),
            Ok(Some(_)) => self.answer(model, addresses, &scratch, bytes_max, reply),
        };
        self.guards.give_back(scratch);
        answered
            && asks
            && self.guards.lock(level, unlocked.ok().flatten(), established, reply, HEADER_BYTES).is_ok()
            && self.cut_if_long(addresses, reply)
            && wrapper::finish(reply, addresses.reversed()).is_ok()
    }

    fn answer<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        addresses: Addresses,
        message: &[u8],
        bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        let Ok(request) = Apdu::decode(message) else {
            return except(ExceptionResponse::NOT_SUPPORTED, reply);
        };
        match request {
            Apdu::Aarq(aarq) => return self.take_aarq(addresses, &aarq, reply),
            Apdu::DataNotificationConfirm(confirm) => {
                self.confirmed = Some(apdu::LongInvokeId(confirm.long_invoke_id).number());
                return false;
            }
            Apdu::ActionRequest(action) if self.awaits_proof(addresses.source) => {
                return self.take_proof(addresses.source, &action, reply);
            }
            Apdu::ReadRequest(read) if self.awaits_proof(addresses.source) => {
                return self.take_short_proof(addresses.source, &read, reply);
            }
            Apdu::Rlrq(_) => {
                if let Some(level) = self.level(addresses.source) {
                    self.guards.forget(level);
                }
                if let Some(session) = self.session_slot(addresses.source) {
                    *session = None;
                }
                Apdu::Rlre(Release::NORMAL).encode(reply);
                return true;
            }
            _ => {}
        }
        let value_bytes_max = self.config.value_bytes_max;
        let Some(session) = self.session_slot(addresses.source).and_then(Option::as_mut) else {
            return except(ExceptionResponse::NOT_ASSOCIATED, reply);
        };
        if message.len() > bytes_max {
            let too_long =
                ExceptionResponse { service: apdu::ServiceError::PduTooLong, ..ExceptionResponse::NOT_SUPPORTED };
            return except(too_long, reply);
        }
        session.serve(model, &request, value_bytes_max, reply)
    }

    const fn session_slot(&mut self, client_sap: u16) -> Option<&mut Option<Session>> {
        match self.level(client_sap) {
            Some(Level::Management) => Some(&mut self.management),
            Some(Level::Public) => Some(&mut self.public),
            None => None,
        }
    }

    const fn level(&self, client_sap: u16) -> Option<Level> {
        if client_sap == self.config.management_sap {
            return Some(Level::Management);
        }
        match self.config.public_sap {
            Some(public) if public == client_sap => Some(Level::Public),
            _ => None,
        }
    }
}

impl Session {
    /// Does what is asked, within what was agreed.
    #[inline]
    fn serve<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &Apdu<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        let service = match request {
            Apdu::GetRequest(_) => Conformance::GET,
            Apdu::SetRequest(_) => Conformance::SET,
            Apdu::ActionRequest(_) => Conformance::ACTION,
            Apdu::AccessRequest(_) => Conformance::ACCESS,
            Apdu::ReadRequest(_) => Conformance::READ,
            Apdu::WriteRequest(_) => Conformance::WRITE,
            Apdu::UnconfirmedWriteRequest(_) => Conformance::UNCONFIRMED_WRITE,
            _ => return except(ExceptionResponse::NOT_SUPPORTED, reply),
        };
        if !self.terms.conformance.has(service) {
            return except(ExceptionResponse::NOT_SUPPORTED, reply);
        }
        match request {
            Apdu::GetRequest(request) => self.take_get(model, request, reply),
            Apdu::SetRequest(request) => self.take_set(model, request, value_bytes_max, reply),
            Apdu::ActionRequest(request) => self.take_action(model, request, value_bytes_max, reply),
            Apdu::AccessRequest(request) => self.take_access(model, request, reply),
            Apdu::ReadRequest(request) => self.take_read(model, request, value_bytes_max, reply),
            Apdu::WriteRequest(request) => self.take_write(model, request, value_bytes_max, reply),
            Apdu::UnconfirmedWriteRequest(request) => {
                self.take_write(model, request, value_bytes_max, reply);
                false
            }
            _ => false,
        }
    }

    /// Reads an attribute with all checks, appending its value.
    fn read<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        attribute: AttributeRef,
        selection: Option<apdu::Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        use crate::cosem::association;
        if attribute.obis == crate::obis::ASSOCIATION_LN {
            if attribute.class != association::CLASS {
                return Err(DataAccessResult::ObjectClassInconsistent);
            }
            if attribute.attribute == 1 {
                crate::axdr::put_octet_string(out, &attribute.obis.0);
                return Ok(());
            }
            return association::put_attribute(attribute.attribute, &self.terms, model.objects(), out)
                .ok_or(DataAccessResult::ReadWriteDenied);
        }
        if !attribute_access(model, self.terms.level, attribute)?.reads() {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        if attribute.attribute == 1 {
            crate::axdr::put_octet_string(out, &attribute.obis.0);
            return Ok(());
        }
        model.read(attribute, selection, out)
    }

    /// Longest message that the client takes.
    const fn client_pdu_max(&self) -> usize {
        self.client_message_max().saturating_sub(self.overhead)
    }

    /// The same with its protection.
    const fn client_message_max(&self) -> usize {
        match self.terms.client_pdu_max {
            0 => 65_535,
            bytes => bytes as usize,
        }
    }

    fn abort_transfers(&mut self) {
        self.outgoing = None;
        self.incoming = None;
    }
}

fn except(exception: ExceptionResponse, reply: &mut Vec<u8>) -> bool {
    reply.truncate(HEADER_BYTES);
    exception.encode(reply);
    true
}

/// Where a message's own fields end and what it carries begins, given the frame's header and three bytes of tag, choice
/// and invoke id.
const PAYLOAD_AT: usize = HEADER_BYTES + 3;

/// Starts the reply with tag, choice and invoke id.
fn put_head(reply: &mut Vec<u8>, tag: u8, choice: u8, invoke: InvokeId) {
    reply.truncate(HEADER_BYTES);
    reply.extend_from_slice(&[tag, choice, invoke.0]);
}
