//! Opening the association: request, answer, and where high-level security is used the two proofs.

use taa_keys::{Key, KeyHandle};
use zeroize::Zeroizing;

use super::settings::Proof;
use super::{Associated, Client, Phase, Referencing, Session};
use crate::apdu::{
    Aare, Aarq, ActionRequest, ActionResult, ApplicationContext, Conformance, InitiateRequest, InitiateResponse,
    Mechanism, MethodRef, MethodResult, ReadRequest, ResultList, Selection, VAA_NAME_LN, VAA_NAME_SN, Variable,
    is_protected,
};
use crate::axdr::{decode_all, put_octet_string, skip};
use crate::cosem::association;
use crate::error::{Error, Misuse, PeerFault, Refusal, SecurityFault};
use crate::link::wrapper;
use crate::names;
use crate::obis;
use crate::security::counter::FOR_ASSOCIATION;
use crate::security::hls::CHALLENGE_BYTES;
use crate::security::{Exchange, Hls, How, SystemTitle};

/// A meter may take any length; the wrapper's length field is the limit then.
const PDU_UNLIMITED: usize = 65_535;

impl Client {
    pub(super) fn send_association_request(&mut self, now: u64, why: Associated) -> Result<(), Error> {
        self.session = None;
        self.phase = Phase::Associating(why);
        let context = self.context();
        let hls = self.config.proof.hls();
        let mut initiate = Zeroizing::new(Vec::with_capacity(64));
        let mut request = InitiateRequest::new(self.config.proposal, self.config.pdu_max);
        let mut title = None;
        let mut challenge: &[u8] = &[];
        match &mut self.security {
            None if hls.is_some() => return Err(Misuse::NoSecurity.into()),
            None => request.encode(&mut initiate),
            Some(security) => {
                let ciphers = security.ciphers();
                // A proof by GMAC needs a counter as well.
                if (ciphers || matches!(hls, Some(Hls::Gmac))) && !security.counter.has(FOR_ASSOCIATION) {
                    security.held = true;
                    self.frame_due = false;
                    self.deadline = None;
                    return Ok(());
                }
                security.channel.set_dedicated(None);
                security.channel.set_peer(security.server_title);
                let handshake = security.handshake.get_or_insert_default();
                handshake.pending = None;
                if ciphers {
                    request.conformance = request.conformance | Conformance::GENERAL_PROTECTION;
                }
                if ciphers && security.with_dedicated {
                    if handshake.dedicated.is_empty() {
                        handshake.dedicated.resize(security.channel.suite().key_bits() / 8, 0);
                        security.random.fill(&mut handshake.dedicated)?;
                    }
                    request.dedicated_key = Some(&handshake.dedicated);
                }
                if hls.is_some() {
                    if handshake.ctos.is_empty() {
                        handshake.ctos = vec![0; security.challenge_bytes].into();
                        security.random.fill(&mut handshake.ctos)?;
                    }
                    challenge = &handshake.ctos;
                }
                if ciphers || hls.is_some_and(|hls| hls.needs_titles()) {
                    title = Some(security.channel.own());
                }
                request.encode(&mut initiate);
                if ciphers {
                    let how = How::global(security.policy.request);
                    let (counter, random) = (&mut security.counter, &mut security.random);
                    security.channel.protect(&mut initiate, 0, how, counter, random, false)?;
                }
            }
        }
        wrapper::begin(&mut self.frame);
        let mut aarq = Aarq::new(&initiate);
        aarq.context = context;
        aarq.calling_title = title.as_ref().map(|title| title.0.as_slice());
        match &self.config.proof {
            Proof::None => {}
            Proof::Lls(password) => {
                aarq.authenticates = true;
                aarq.mechanism = Some(Mechanism::Low);
                aarq.authentication_value = Some(password.expose());
            }
            Proof::Gmac | Proof::Other(_) => {
                aarq.authenticates = true;
                aarq.mechanism = hls.map(Hls::mechanism);
                aarq.authentication_value = Some(challenge);
            }
        }
        aarq.encode(&mut self.frame);
        self.send(now, PDU_UNLIMITED)
    }

    pub(super) fn take_aare(&mut self, now: u64, aare: &Aare<'_>, why: Associated) {
        // The request held the password; it will not be repeated.
        self.frame.fill(0);
        let taken = self.terms(aare).and_then(|session| match &self.config.proof {
            Proof::Gmac | Proof::Other(_) => self.send_proof(now, aare, session, why),
            Proof::None | Proof::Lls(_) => {
                self.establish(now, session, why);
                Ok(())
            }
        });
        if let Err(error) = taken {
            self.fail_association(error);
        }
    }

    /// The server's half of high-level security has come.
    pub(super) fn take_proof(&mut self, now: u64, response: &MethodResult<'_>, why: Associated) {
        match self.check_proof(response) {
            Ok(session) => self.establish(now, session, why),
            Err(error) => self.fail_association(error),
        }
    }

    /// The same by short names, as the only result of a Read.
    pub(super) fn take_short_proof(&mut self, now: u64, results: &ResultList<'_>, why: Associated) {
        let mut only = None;
        let count = results.read_each(skip, |result| only = Some(result));
        match (count, only) {
            (Ok(1), Some(Ok(value))) => {
                let returned = MethodResult { result: ActionResult::Success, returned: Some(Ok(value)) };
                self.take_proof(now, &returned, why);
            }
            (Err(error), _) => self.fail_association(error.into()),
            _ => self.fail_association(SecurityFault::AuthenticationRefused.into()),
        }
    }

    pub(super) fn fail_association(&mut self, error: Error) {
        if let Some(security) = &mut self.security {
            security.forget_exchange();
        }
        self.session = None;
        self.end(Err(error));
    }

    fn establish(&mut self, now: u64, session: Session, why: Associated) {
        if let Some(security) = &mut self.security {
            if let Some(handshake) = security.handshake.as_ref().filter(|handshake| !handshake.dedicated.is_empty()) {
                let key = Key::from_bytes(&handshake.dedicated).map(|key| KeyHandle::new(key).cipher());
                security.channel.set_dedicated(key);
            }
            security.general = session.conformance.has(Conformance::GENERAL_PROTECTION);
            security.forget_exchange();
        }
        self.session = Some(session);
        self.associated = Some(why);
        self.begin_discovery();
        self.go_on(now);
    }

    fn context(&self) -> ApplicationContext {
        let ciphers = self.security.as_ref().is_some_and(|security| security.ciphers());
        match (self.config.referencing, ciphers) {
            (Referencing::LogicalNames, false) => ApplicationContext::Ln,
            (Referencing::LogicalNames, true) => ApplicationContext::LnCiphered,
            (Referencing::ShortNames, false) => ApplicationContext::Sn,
            (Referencing::ShortNames, true) => ApplicationContext::SnCiphered,
        }
    }

    fn terms(&mut self, aare: &Aare<'_>) -> Result<Session, Error> {
        if let Some(refusal) = aare.refusal() {
            return Err(if refusal.diagnostic.concerns_authentication() {
                SecurityFault::AuthenticationRefused.into()
            } else {
                Refusal::Association(refusal).into()
            });
        }
        let (fits, titled) = match self.config.proof.hls() {
            // Granted at a lower level than asked for would mean that nobody proves anything.
            Some(hls) => (aare.mechanism == Some(hls.mechanism()), hls.needs_titles()),
            None => (aare.mechanism.is_none_or(|m| matches!(m, Mechanism::Lowest | Mechanism::Low)), false),
        };
        if aare.context != self.context() || !fits {
            return Err(SecurityFault::TermsChanged.into());
        }
        let information =
            aare.user_information.ok_or(PeerFault::WrongType { what: "AARE without initiate response" })?;
        let protected = information.first().is_some_and(|tag| is_protected(*tag));
        let response = match &mut self.security {
            Some(security) => {
                let title = aare.responding_title.and_then(SystemTitle::from_bytes);
                if title.is_none() && (titled || security.ciphers()) {
                    return Err(SecurityFault::WrongTitle.into());
                }
                if title.is_some() && security.server_title.is_some_and(|expected| Some(expected) != title) {
                    return Err(SecurityFault::WrongTitle.into());
                }
                security.channel.set_peer(title.or(security.server_title));
                if security.ciphers() && !protected {
                    let tag = information.first().copied().unwrap_or(0);
                    return Err(SecurityFault::Unprotected { tag }.into());
                }
                if protected {
                    let mut opened = Vec::with_capacity(information.len());
                    let how = security.channel.open(information, &mut opened)?;
                    if !how.protection.covers(security.policy.response) {
                        return Err(SecurityFault::TooWeak.into());
                    }
                    InitiateResponse::decode(&opened)?
                } else {
                    InitiateResponse::decode(information)?
                }
            }
            None if protected => {
                let tag = information.first().copied().unwrap_or(0);
                return Err(SecurityFault::UnexpectedProtection { tag }.into());
            }
            None => InitiateResponse::decode(information)?,
        };
        let short = self.config.referencing == Referencing::ShortNames;
        if response.vaa_name != if short { VAA_NAME_SN } else { VAA_NAME_LN } {
            return Err(PeerFault::WrongType { what: "VAA name of the association" }.into());
        }
        Ok(Session {
            conformance: response.conformance & (self.config.proposal | Conformance::GENERAL_PROTECTION),
            short,
            pdu_max: match response.pdu_max {
                0 => PDU_UNLIMITED,
                bytes => usize::from(bytes),
            },
        })
    }

    /// Answers the server's challenge.
    fn send_proof(&mut self, now: u64, aare: &Aare<'_>, session: Session, why: Associated) -> Result<(), Error> {
        let (Some(hls), Some(security)) = (self.config.proof.hls(), &mut self.security) else {
            return Err(Misuse::NoSecurity.into());
        };
        let handshake = security.handshake.get_or_insert_default();
        let stoc = aare.authentication_value.unwrap_or(&[]);
        if !CHALLENGE_BYTES.contains(&stoc.len()) || *stoc == *handshake.ctos {
            return Err(SecurityFault::BadChallenge.into());
        }
        handshake.stoc = stoc.into();
        handshake.pending = Some(session);
        let exchange = Exchange {
            prover: Some(security.channel.own()),
            verifier: security.channel.peer(),
            asked: stoc,
            own: &handshake.ctos,
        };
        let counter = &mut security.counter;
        let proof = hls.prove(&exchange, security.channel.suite(), security.channel.keys(), || counter.take())?;
        let mut parameter = Vec::with_capacity(proof.len().saturating_add(3));
        put_octet_string(&mut parameter, &proof);
        self.invoke = self.invoke.next();
        wrapper::begin(&mut self.frame);
        let method = MethodRef::new(association::CLASS, obis::ASSOCIATION_LN, association::REPLY_TO_HLS);
        if session.short {
            // By short names a method that returns something is read, its parameter as the selection.
            let selection = Selection { selector: 1, parameters: &parameter };
            let variable = Variable::Parameterized(names::REPLY_TO_HLS, selection);
            ReadRequest::encode_for(std::iter::once(variable), &mut self.frame);
        } else {
            let request = ActionRequest::Normal { invoke: self.invoke, method, parameter: Some(&parameter) };
            request.encode(&mut self.frame);
        }
        self.phase = Phase::Authenticating(why);
        // A lost proof begins the association anew: both share the repeats, or the two would go on for ever.
        let tries_left = self.tries_left;
        self.send(now, session.pdu_max)?;
        self.tries_left = tries_left;
        Ok(())
    }

    fn check_proof(&mut self, response: &MethodResult<'_>) -> Result<Session, Error> {
        let (Some(hls), Some(security)) = (self.config.proof.hls(), &mut self.security) else {
            return Err(Misuse::NoSecurity.into());
        };
        if response.result != ActionResult::Success {
            return Err(SecurityFault::AuthenticationRefused.into());
        }
        let Some(Ok(encoded)) = response.returned else { return Err(SecurityFault::NotProven.into()) };
        let ciphers = security.ciphers();
        let handshake = security.handshake.as_mut().ok_or(SecurityFault::NotProven)?;
        let proof = decode_all(encoded)?;
        let proof = proof.as_bytes().ok_or(SecurityFault::NotProven)?;
        let exchange = Exchange {
            prover: security.channel.peer(),
            verifier: Some(security.channel.own()),
            asked: &handshake.ctos,
            own: &handshake.stoc,
        };
        let counter = hls.check(&exchange, security.channel.suite(), security.channel.keys(), proof)?;
        if let Some(counter) = counter {
            security.channel.take_proof(counter, ciphers)?;
        }
        handshake.pending.take().ok_or(SecurityFault::NotProven.into())
    }
}
