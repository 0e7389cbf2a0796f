//! The server: a meter's side of the protocol over an [`ObjectModel`].
//!
//! Two associations, as meters of the field have them: the public client (16) may read what identifies the meter, the
//! management client (1) the rest, with a password if one is set. Each keeps its own state; both may stand at once.
//!
//! [`Server::handle_receive`] takes one frame and writes at most one into the caller's buffer: a server never speaks
//! first (push will). Repeated requests are carried out again and answered again; the blocks of a long answer can be
//! asked for again as long as the next request has not come.
//!
//! A power loss ends all associations: call [`Server::handle_power_lost`]. Requests are then answered by an exception
//! (service not allowed) until the client associates.

mod associate;
mod get;
mod set;

use taa_keys::Secret;

use crate::apdu::{
    self, ActionRequest, ActionResponse, ActionResult, Apdu, AttributeRef, DataAccessResult, ExceptionResponse,
    InvokeId, Release,
};
use crate::axdr::decode_all;
use crate::cosem::association::Terms;
use crate::cosem::{Level, ObjectModel, attribute_access, method_allowed};
use crate::link::wrapper::{self, Addresses, HEADER_BYTES};
use crate::security::Security;

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
    /// Longest value taken in blocks, bytes.
    pub value_bytes_max: usize,
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
        }
    }
}

/// A server. See the [module](self).
#[derive(Clone, Debug)]
pub struct Server {
    config: ServerConfig,
    security: Security,
    public: Option<Session>,
    management: Option<Session>,
}

/// A standing association.
#[derive(Clone, Debug)]
struct Session {
    terms: Terms,
    outgoing: Option<Outgoing>,
    incoming: Option<Incoming>,
}

/// A long answer on its way.
#[derive(Clone, Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    /// Number of the block sent last, and where it begins and ends.
    number: u32,
    from: usize,
    to: usize,
}

/// A long value on its way.
#[derive(Clone, Debug)]
struct Incoming {
    attribute: AttributeRef,
    bytes: Vec<u8>,
    /// Number of the block received last.
    number: u32,
    /// How writing the whole value went, once the last block has come.
    result: Option<DataAccessResult>,
}

impl Server {
    /// Nobody associated.
    #[must_use]
    pub const fn new(config: ServerConfig) -> Self {
        Self { config, security: Security::None, public: None, management: None }
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
        if !self.answer(model, addresses, message, reply) {
            return false;
        }
        self.security.protect(reply, HEADER_BYTES).is_ok() && wrapper::finish(reply, addresses.reversed()).is_ok()
    }

    fn answer<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        addresses: Addresses,
        message: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        // Answers and notifications are nothing to a server; answering them would start a quarrel between two.
        if !message.first().is_some_and(|tag| apdu::is_request(*tag)) {
            return false;
        }
        let Ok(Ok(request)) = self.security.unprotect(message).map(Apdu::decode) else {
            return except(ExceptionResponse::NOT_SUPPORTED, reply);
        };
        match request {
            Apdu::Aarq(aarq) => return self.take_aarq(addresses, &aarq, reply),
            Apdu::Rlrq(_) => {
                if let Some(session) = self.session_slot(addresses.source) {
                    *session = None;
                }
                Apdu::Rlre(Release::NORMAL).encode(reply);
                return true;
            }
            _ => {}
        }
        let pdu_max = usize::from(self.config.pdu_max);
        let value_bytes_max = self.config.value_bytes_max;
        let Some(session) = self.session_slot(addresses.source).and_then(Option::as_mut) else {
            return except(ExceptionResponse::NOT_ASSOCIATED, reply);
        };
        if message.len() > pdu_max {
            let too_long =
                ExceptionResponse { service: apdu::ServiceError::PduTooLong, ..ExceptionResponse::NOT_SUPPORTED };
            return except(too_long, reply);
        }
        match request {
            Apdu::GetRequest(request) => session.take_get(model, &request, reply),
            Apdu::SetRequest(request) => session.take_set(model, &request, value_bytes_max, reply),
            Apdu::ActionRequest(request) => session.take_action(model, &request, reply),
            _ => except(ExceptionResponse::NOT_SUPPORTED, reply),
        }
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
    fn take_action<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &ActionRequest<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.abort_transfers();
        let mut returned = Vec::new();
        let result = match method_allowed(model, self.terms.level, request.method) {
            Err(error) => Err(ActionResult::from_code(error.code())),
            Ok(false) => Err(ActionResult::ReadWriteDenied),
            Ok(true) => match request.parameter.map(decode_all).transpose() {
                Err(_) => Err(ActionResult::TypeUnmatched),
                Ok(parameter) => model.invoke_returning(request.method, parameter.as_ref(), &mut returned),
            },
        };
        let answer = matches!(result, Ok(true)).then_some(Ok(returned.as_slice()));
        let result = result.err().unwrap_or(ActionResult::Success);
        ActionResponse { invoke: request.invoke, result, returned: answer }.encode(reply);
        request.invoke.is_confirmed()
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
