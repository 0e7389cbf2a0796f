//! Granting and refusing associations.

use super::general::General;
use super::{Server, Session};
use crate::apdu::{
    Aare, Aarq, ApplicationContext, AssociationResult, Conformance, Diagnostic, InitiateRequest, InitiateResponse,
    Mechanism, VAA_NAME_SN,
};
use crate::cosem::Level;
use crate::cosem::association::Terms;
use crate::link::wrapper::Addresses;

impl Server {
    pub(super) fn take_aarq(&mut self, addresses: Addresses, aarq: &Aarq<'_>, reply: &mut Vec<u8>) -> bool {
        let mut information = Vec::with_capacity(16);
        let (result, diagnostic) = match self.grant(addresses, aarq, &mut information) {
            Ok((session, response)) => {
                response.encode(&mut information);
                if let Some(slot) = self.session_slot(addresses.source) {
                    *slot = Some(session);
                }
                (AssociationResult::Accepted, Diagnostic::NONE)
            }
            Err(diagnostic) => {
                // A refused client loses what it had: it has shown that it is not the one that had it.
                if let Some(slot) = self.session_slot(addresses.source) {
                    *slot = None;
                }
                (AssociationResult::RejectedPermanent, diagnostic)
            }
        };
        let information = (!information.is_empty()).then_some(information.as_slice());
        let mut aare = Aare::new(result, diagnostic, information);
        if aarq.context == ApplicationContext::Sn && self.config.short_names {
            aare.context = ApplicationContext::Sn;
        }
        aare.encode(reply);
        true
    }

    /// The session to be, or why not; an initiate error goes into `information`.
    fn grant(
        &self,
        addresses: Addresses,
        aarq: &Aarq<'_>,
        information: &mut Vec<u8>,
    ) -> Result<(Session, InitiateResponse), Diagnostic> {
        let level = self.level(addresses.source).ok_or(Diagnostic::NO_REASON)?;
        let short = match aarq.context {
            ApplicationContext::Ln => false,
            ApplicationContext::Sn if self.config.short_names => true,
            _ => return Err(Diagnostic::CONTEXT_NOT_SUPPORTED),
        };
        let mechanism = self.authenticate(level, aarq)?;
        let request = aarq
            .user_information
            .and_then(|bytes| self.security.unprotect(bytes).ok())
            .and_then(|bytes| InitiateRequest::decode(bytes).ok())
            .ok_or(Diagnostic::NO_REASON)?;
        let offered = if short { Conformance::SUPPORTED_SN } else { self.config.services };
        match request.negotiate(offered, self.config.pdu_max) {
            Ok(mut response) => {
                if short {
                    response.vaa_name = VAA_NAME_SN;
                }
                let terms = Terms {
                    level,
                    client_sap: addresses.source,
                    server_sap: addresses.destination,
                    mechanism,
                    conformance: response.conformance,
                    client_pdu_max: request.pdu_max,
                    server_pdu_max: self.config.pdu_max,
                };
                Ok((Session { terms, outgoing: None, incoming: None, general: General::default() }, response))
            }
            Err(error) => {
                error.encode(information);
                Err(Diagnostic::NO_REASON)
            }
        }
    }

    fn authenticate(&self, level: Level, aarq: &Aarq<'_>) -> Result<Mechanism, Diagnostic> {
        let password = match level {
            Level::Public => None,
            Level::Management => self.config.management_password.as_ref(),
        };
        match (password, aarq.mechanism.unwrap_or(Mechanism::Lowest)) {
            (None, Mechanism::Lowest) => Ok(Mechanism::Lowest),
            (Some(_), Mechanism::Lowest) => Err(Diagnostic::MECHANISM_REQUIRED),
            (Some(password), Mechanism::Low) => match aarq.authentication_value {
                Some(candidate) if password.matches(candidate) => Ok(Mechanism::Low),
                _ => Err(Diagnostic::AUTHENTICATION_FAILURE),
            },
            _ => Err(Diagnostic::MECHANISM_NOT_RECOGNISED),
        }
    }
}
