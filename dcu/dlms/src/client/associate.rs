//! Opening the association.

use super::{Associated, Auth, Client, Phase, Referencing, Session};
use crate::apdu::{
    Aare, Aarq, ApplicationContext, InitiateRequest, InitiateResponse, Mechanism, VAA_NAME_LN, VAA_NAME_SN,
};
use crate::error::{Error, PeerFault, Refusal, SecurityFault};
use crate::link::wrapper;

/// A meter may take any length; the wrapper's length field is the limit then.
const PDU_UNLIMITED: usize = 65_535;

impl Client {
    pub(super) fn send_association_request(&mut self, now: u64, why: Associated) -> Result<(), Error> {
        let mut initiate = Vec::with_capacity(16);
        InitiateRequest::new(self.config.proposal(), self.config.pdu_max).encode(&mut initiate);
        wrapper::begin(&mut self.frame);
        let mut aarq = Aarq::new(&initiate);
        aarq.context = self.context();
        if let Auth::Lls(password) = &self.config.auth {
            aarq.authenticates = true;
            aarq.mechanism = Some(Mechanism::Low);
            aarq.authentication_value = Some(password.expose());
        }
        aarq.encode(&mut self.frame);
        self.session = None;
        self.phase = Phase::Associating(why);
        self.send(now, PDU_UNLIMITED)
    }

    pub(super) fn take_aare(&mut self, now: u64, aare: &Aare<'_>, why: Associated) {
        // The request held the password; it will not be repeated.
        self.frame.fill(0);
        match self.terms(aare) {
            Ok(session) => {
                self.session = Some(session);
                self.associated = Some(why);
                self.go_on(now);
            }
            Err(error) => self.end(Err(error)),
        }
    }

    const fn context(&self) -> ApplicationContext {
        match self.config.referencing {
            Referencing::LogicalNames => ApplicationContext::Ln,
            Referencing::ShortNames => ApplicationContext::Sn,
        }
    }

    fn terms(&self, aare: &Aare<'_>) -> Result<Session, Error> {
        if let Some(refusal) = aare.refusal() {
            return Err(if refusal.diagnostic.concerns_authentication() {
                SecurityFault::AuthenticationRefused.into()
            } else {
                Refusal::Association(refusal).into()
            });
        }
        let high = aare.mechanism.is_some_and(|m| !matches!(m, Mechanism::Lowest | Mechanism::Low));
        if aare.context != self.context() || high {
            return Err(SecurityFault::TermsChanged.into());
        }
        let information =
            aare.user_information.ok_or(PeerFault::WrongType { what: "AARE without initiate response" })?;
        let response = InitiateResponse::decode(self.security.unprotect(information)?)?;
        let short = self.config.referencing == Referencing::ShortNames;
        if response.vaa_name != if short { VAA_NAME_SN } else { VAA_NAME_LN } {
            return Err(PeerFault::WrongType { what: "VAA name of the association" }.into());
        }
        Ok(Session {
            conformance: response.conformance & self.config.proposal(),
            short,
            pdu_max: match response.pdu_max {
                0 => PDU_UNLIMITED,
                bytes => usize::from(bytes),
            },
        })
    }
}
