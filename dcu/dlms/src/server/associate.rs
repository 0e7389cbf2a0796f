//! Granting and refusing associations, and the exchange of proofs where high-level security is used.

use taa_keys::{Key, KeyHandle};

use super::general::General;
use super::secure::Pending;
use super::{Server, Session};
use crate::apdu::{
    Aare, Aarq, ActionRequest, ActionResponse, ActionResult, ApplicationContext, AssociationResult, Conformance,
    DataAccessResult, Diagnostic, InitiateRequest, Mechanism, MethodRef, MethodResult, ReadRequest, VAA_NAME_SN,
    Variable, is_protected, tag,
};
use crate::axdr::{decode_all, put_octet_string};
use crate::cosem::Level;
use crate::cosem::association::{self, Terms};
use crate::link::wrapper::Addresses;
use crate::names;
use crate::security::hls::CHALLENGE_BYTES;
use crate::security::{Exchange, How, Protection, SystemTitle};

/// What is granted.
struct Grant {
    session: Session,
    /// Encoded InitiateResponse, protected if the request was.
    information: Vec<u8>,
    /// Our challenge, when the client has to prove who it is.
    stoc: Option<Vec<u8>>,
}

impl Server {
    pub(super) fn take_aarq(&mut self, addresses: Addresses, aarq: &Aarq<'_>, reply: &mut Vec<u8>) -> bool {
        // Whoever asks loses what it had: either it starts anew, or it has shown that it is not the one that had it.
        if let Some(slot) = self.session_slot(addresses.source) {
            *slot = None;
        }
        let level = self.level(addresses.source);
        if let Some((guard, ..)) = level.and_then(|level| self.guards.parts(level)) {
            guard.begin(aarq);
        }
        let mut error = Vec::new();
        let granted = self.grant(addresses, aarq, &mut error);
        let guard = level.and_then(|level| self.guards.get(level));
        let title = guard.filter(|guard| {
            matches!(aarq.context, ApplicationContext::LnCiphered | ApplicationContext::SnCiphered)
                || guard.hls.as_ref().is_some_and(|hls| hls.needs_titles())
        });
        let title = title.map(|guard| guard.channel.own());
        let mut aare = match &granted {
            Ok(grant) => {
                let diagnostic =
                    if grant.stoc.is_some() { Diagnostic::AUTHENTICATION_REQUIRED } else { Diagnostic::NONE };
                Aare::new(AssociationResult::Accepted, diagnostic, Some(&grant.information))
            }
            Err(diagnostic) => {
                let information = (!error.is_empty()).then_some(error.as_slice());
                Aare::new(AssociationResult::RejectedPermanent, *diagnostic, information)
            }
        };
        aare.context = match aarq.context {
            ApplicationContext::LnCiphered => ApplicationContext::LnCiphered,
            short @ (ApplicationContext::Sn | ApplicationContext::SnCiphered) if self.config.short_names => short,
            _ => ApplicationContext::Ln,
        };
        aare.responding_title = title.as_ref().map(|title| title.0.as_slice());
        if let Ok(Grant { stoc: Some(stoc), .. }) = &granted {
            aare.authenticates = true;
            aare.mechanism = aarq.mechanism;
            aare.authentication_value = Some(stoc);
        }
        aare.encode(reply);
        let Ok(Grant { session, stoc, .. }) = granted else {
            if let Some(level) = level {
                self.guards.forget(level);
            }
            return true;
        };
        match (stoc, level.and_then(|level| self.guards.parts(level))) {
            (Some(stoc), Some((guard, ..))) => {
                let ctos = aarq.authentication_value.unwrap_or(&[]).to_vec();
                guard.pending = Some(Box::new(Pending { session, ctos, stoc }));
            }
            _ => {
                if let Some(slot) = self.session_slot(addresses.source) {
                    *slot = Some(session);
                }
            }
        }
        true
    }

    /// What is granted, or why not; an initiate error goes into `error`.
    fn grant(&mut self, addresses: Addresses, aarq: &Aarq<'_>, error: &mut Vec<u8>) -> Result<Grant, Diagnostic> {
        let level = self.level(addresses.source).ok_or(Diagnostic::NO_REASON)?;
        let guard = self.guards.get(level);
        let (short, ciphered) = match aarq.context {
            ApplicationContext::Ln => (false, false),
            ApplicationContext::LnCiphered => (false, true),
            ApplicationContext::Sn if self.config.short_names => (true, false),
            ApplicationContext::SnCiphered if self.config.short_names => (true, true),
            _ => return Err(Diagnostic::CONTEXT_NOT_SUPPORTED),
        };
        let fits = if ciphered {
            guard.is_some_and(|guard| guard.can_cipher())
        } else {
            !guard.is_some_and(|guard| guard.must_cipher())
        };
        if !fits {
            return Err(Diagnostic::CONTEXT_NOT_SUPPORTED);
        }
        let mechanism = self.authenticate(level, aarq, ciphered)?;
        let mut opened = Vec::new();
        let how = self.open_initiate(level, aarq, ciphered, &mut opened)?;
        let request = InitiateRequest::decode(&opened).map_err(|_| Diagnostic::NO_REASON)?;
        let services = if short { Conformance::SUPPORTED_SN } else { self.config.services };
        let offered = if ciphered { services | Conformance::GENERAL_PROTECTION } else { services };
        let mut response = match request.negotiate(offered, self.config.pdu_max) {
            Ok(response) => response,
            Err(refusal) => {
                refusal.encode(error);
                return Err(Diagnostic::NO_REASON);
            }
        };
        if short {
            response.vaa_name = VAA_NAME_SN;
        }
        let mut information = Vec::with_capacity(48);
        response.encode(&mut information);
        let (mut stoc, mut overhead) = (None, 0);
        if let Some((guard, counter, random)) = self.guards.parts(level) {
            if let Some(how) = how {
                guard.opened_with = how.protection;
                if let Some(key) = request.dedicated_key {
                    let key = Key::from_bytes(key).map(KeyHandle::new);
                    let key = key.filter(|key| key.bits() == guard.channel.suite().key_bits());
                    guard.channel.set_dedicated(Some(key.ok_or(Diagnostic::NO_REASON)?.cipher()));
                }
                let how = How { protection: how.protection.union(guard.policy.response), ..how };
                let protected = guard.channel.protect(&mut information, 0, how, counter, random, true);
                protected.map_err(|_| Diagnostic::NO_REASON)?;
            }
            if guard.hls.is_some() {
                let mut challenge = vec![0; guard.challenge_bytes];
                random.fill(&mut challenge).map_err(|_| Diagnostic::NO_REASON)?;
                stoc = Some(challenge);
            }
            overhead = guard.overhead();
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
        let general = General::default();
        Ok(Grant { session: Session { terms, outgoing: None, incoming: None, general, overhead }, information, stoc })
    }

    /// The initiate request, in clear; how it was protected.
    fn open_initiate(
        &mut self,
        level: Level,
        aarq: &Aarq<'_>,
        ciphered: bool,
        opened: &mut Vec<u8>,
    ) -> Result<Option<How>, Diagnostic> {
        let information = aarq.user_information.ok_or(Diagnostic::NO_REASON)?;
        if !information.first().is_some_and(|tag| is_protected(*tag)) {
            let guard = self.guards.get(level);
            if guard.is_some_and(|guard| guard.must_cipher()) {
                return Err(Diagnostic::AUTHENTICATION_FAILURE);
            }
            opened.extend_from_slice(information);
            return Ok(None);
        }
        let (Some((guard, ..)), true) = (self.guards.parts(level), ciphered) else {
            return Err(Diagnostic::CONTEXT_NOT_SUPPORTED);
        };
        guard.channel.demand(guard.policy.request);
        let how = guard.channel.open(information, opened).map_err(|_| Diagnostic::AUTHENTICATION_FAILURE)?;
        let enough = how.protection.covers(guard.policy.request) && how.protection != Protection::NONE;
        if enough { Ok(Some(how)) } else { Err(Diagnostic::AUTHENTICATION_FAILURE) }
    }

    fn authenticate(&self, level: Level, aarq: &Aarq<'_>, ciphered: bool) -> Result<Mechanism, Diagnostic> {
        let asked = aarq.mechanism.unwrap_or(Mechanism::Lowest);
        if let Some(guard) = self.guards.get(level) {
            let title = aarq.calling_title.and_then(SystemTitle::from_bytes);
            let needed = ciphered || guard.hls.as_ref().is_some_and(|hls| hls.needs_titles());
            if (needed && title.is_none()) || guard.client_title.is_some_and(|only| Some(only) != title) {
                return Err(Diagnostic::CALLING_TITLE_NOT_RECOGNISED);
            }
            if let Some(hls) = &guard.hls {
                let challenge = aarq.authentication_value.unwrap_or(&[]);
                return match asked {
                    Mechanism::Lowest => Err(Diagnostic::MECHANISM_REQUIRED),
                    asked if asked != hls.mechanism() => Err(Diagnostic::MECHANISM_NOT_RECOGNISED),
                    _ if !CHALLENGE_BYTES.contains(&challenge.len()) => Err(Diagnostic::AUTHENTICATION_FAILURE),
                    asked => Ok(asked),
                };
            }
        }
        let password = match level {
            Level::Public => None,
            Level::Management => self.config.management_password.as_ref(),
        };
        match (password, asked) {
            (None, Mechanism::Lowest) => Ok(Mechanism::Lowest),
            (Some(_), Mechanism::Lowest) => Err(Diagnostic::MECHANISM_REQUIRED),
            (Some(password), Mechanism::Low) => match aarq.authentication_value {
                Some(candidate) if password.matches(candidate) => Ok(Mechanism::Low),
                _ => Err(Diagnostic::AUTHENTICATION_FAILURE),
            },
            _ => Err(Diagnostic::MECHANISM_NOT_RECOGNISED),
        }
    }

    /// An association is granted to that client, and its proof is missing.
    pub(super) fn awaits_proof(&self, client_sap: u16) -> bool {
        let guard = self.level(client_sap).and_then(|level| self.guards.get(level));
        guard.is_some_and(|guard| guard.pending.is_some())
    }

    /// reply_to_HLS_authentication: a right proof makes the association stand and is answered by ours; a wrong one ends
    /// it. Any other method is not for those who have not proven anything.
    pub(super) fn take_proof(&mut self, client_sap: u16, action: &ActionRequest<'_>, reply: &mut Vec<u8>) -> bool {
        let right = MethodRef::new(association::CLASS, crate::obis::ASSOCIATION_LN, association::REPLY_TO_HLS);
        let invoke = action.invoke();
        let value = match action {
            ActionRequest::Normal { method, parameter, .. } if *method == right => *parameter,
            _ => None,
        };
        let returned = self.answer_proof(client_sap, value);
        let result = match &returned {
            Some(value) => MethodResult { result: ActionResult::Success, returned: Some(Ok(value)) },
            None => MethodResult { result: ActionResult::ReadWriteDenied, returned: None },
        };
        ActionResponse::Normal { invoke, result }.encode(reply);
        invoke.is_confirmed()
    }

    /// The same by short names, as a Read of the method with the proof as its parameter.
    pub(super) fn take_short_proof(&mut self, client_sap: u16, read: &ReadRequest<'_>, reply: &mut Vec<u8>) -> bool {
        let value = match (read.variables.len(), read.variables.iter().next()) {
            (1, Some(Variable::Parameterized(names::REPLY_TO_HLS, selection))) => Some(selection.parameters),
            _ => None,
        };
        reply.extend_from_slice(&[tag::READ_RESPONSE, 1]);
        match self.answer_proof(client_sap, value) {
            Some(value) => {
                reply.push(0);
                reply.extend_from_slice(&value);
            }
            None => reply.extend_from_slice(&[1, DataAccessResult::ReadWriteDenied.code()]),
        }
        true
    }

    /// Our encoded proof for a right one; a wrong or missing one ends the attempt.
    fn answer_proof(&mut self, client_sap: u16, value: Option<&[u8]>) -> Option<Vec<u8>> {
        let Some(proof) = value.and_then(|value| self.accept_proof(client_sap, value)) else {
            if let Some(level) = self.level(client_sap) {
                self.guards.forget_proof(level);
            }
            return None;
        };
        let mut returned = Vec::with_capacity(proof.len().saturating_add(3));
        put_octet_string(&mut returned, &proof);
        Some(returned)
    }

    /// Checks an encoded proof, however it came (an action of class 15, or of class 12 by short names). If it is right,
    /// the association stands from now on, and our proof is returned. Either way there is no second attempt.
    pub(super) fn accept_proof(&mut self, client_sap: u16, encoded: &[u8]) -> Option<Vec<u8>> {
        let (session, proof) = self.check_proof(client_sap, encoded)?;
        *self.session_slot(client_sap)? = Some(session);
        Some(proof)
    }

    fn check_proof(&mut self, client_sap: u16, encoded: &[u8]) -> Option<(Session, Vec<u8>)> {
        let level = self.level(client_sap)?;
        let (guard, counter, _) = self.guards.parts(level)?;
        let Pending { session, ctos, stoc } = *guard.pending.take()?;
        let hls = guard.hls.as_ref()?;
        let parameter = decode_all(encoded).ok()?;
        let exchange =
            Exchange { prover: guard.channel.peer(), verifier: Some(guard.channel.own()), asked: &stoc, own: &ctos };
        let suite = guard.channel.suite();
        let received = hls.check(&exchange, suite, guard.channel.keys(), parameter.as_bytes()?).ok()?;
        let proof = hls.prove(&exchange.turned(), suite, guard.channel.keys(), || counter.take()).ok()?;
        if let Some(received) = received {
            guard.channel.take_proof(received, !guard.opened_with.is_none()).ok()?;
        }
        Some((session, proof))
    }
}
