//! The server's side of security: one guard per association, and one counter for all.

use crate::apdu::{Aarq, ExceptionResponse, ServiceError, StateError, is_protected};
use crate::cosem::Level;
use crate::error::{Error, SecurityFault};
use crate::security::general::SIGNATURE_BYTES;
use crate::security::hls::CHALLENGE_BYTES;
use crate::security::{
    AssociationSecurity, Channel, Form, Hls, How, KeySource, Policy, Protection, Random, SecurityControl, SendCounter,
    ServerSecurity, SystemTitle, layer, tags,
};

use super::{Server, ServerConfig, Session};

/// What a server holds of security.
#[derive(Clone, Debug)]
pub(super) struct Guards {
    /// Counter and random bytes; none without security.
    shared: Option<Box<Shared>>,
    management: Option<Box<Guard>>,
    public: Option<Box<Guard>>,
    scratch: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Shared {
    counter: SendCounter,
    random: Random,
}

/// Security of one association.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) channel: Channel,
    pub(super) policy: Policy,
    pub(super) hls: Option<Hls>,
    pub(super) challenge_bytes: usize,
    pub(super) client_title: Option<SystemTitle>,
    with_keys: bool,
    /// What the association under way was opened with: less is not taken.
    pub(super) opened_with: Protection,
    /// Granted, but the client has not yet proven who it is.
    pub(super) pending: Option<Box<Pending>>,
}

/// An association that waits for the client's proof.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) session: Session,
    pub(super) ctos: Vec<u8>,
    pub(super) stoc: Vec<u8>,
}

impl Server {
    /// A server with security beyond a password.
    #[must_use]
    pub fn secured(config: ServerConfig, security: ServerSecurity) -> Self {
        let title = security.title;
        let guard = |association: AssociationSecurity| Box::new(Guard::new(title, association));
        let mut server = Self::new(config);
        server.guards.shared = Some(Box::new(Shared { counter: security.counter, random: security.random }));
        server.guards.management = security.management.map(guard);
        server.guards.public = security.public.map(guard);
        server
    }

    /// The bound of invocation counters to be made durable now. Ask after every frame, then call
    /// [`Self::handle_counter_durable`]; a server that runs out does not answer.
    pub fn counter_wanted(&mut self) -> Option<u32> {
        self.guards.shared.as_mut()?.counter.wanted()
    }

    /// That bound is durable.
    pub fn handle_counter_durable(&mut self, bound: u32) {
        if let Some(shared) = &mut self.guards.shared {
            shared.counter.reserved(bound);
        }
    }

    /// The lowest counter that would be taken of that client: to be kept over a power cut.
    #[must_use]
    pub fn received_floor(&self, level: Level, client: SystemTitle) -> u64 {
        self.guards.get(level).map_or(0, |guard| guard.channel.floor(client))
    }

    /// All clients of that level with their lowest counters: what a power cut must not take away.
    pub fn received_floors(&self, level: Level) -> impl Iterator<Item = (SystemTitle, u64)> {
        self.guards.get(level).into_iter().flat_map(|guard| guard.channel.floors())
    }

    /// Protects a message of the meter's own accord (a push) for that client, as the policy has responses and in the
    /// general form, which names the sender; without keys it stays plain.
    ///
    /// # Errors
    /// Counters or keys that are missing.
    pub fn protect_push(&mut self, level: Level, message: &mut Vec<u8>) -> Result<(), SecurityFault> {
        let Some((guard, counter, random)) = self.guards.parts(level) else { return Ok(()) };
        let how = How { form: Form::General, ..How::global(guard.policy.response) };
        guard.channel.protect(message, 0, how, counter, random, false)
    }

    /// Refuses counters of that client below the floor.
    pub fn resume_received(&mut self, level: Level, client: SystemTitle, floor: u32) {
        if let Some((guard, ..)) = self.guards.parts(level) {
            guard.channel.set_floor(client, floor);
        }
    }

    /// Other global keys of that association from now on, after a key transfer was answered.
    pub fn replace_keys(&mut self, level: Level, keys: crate::security::Keys) {
        if let Some((guard, ..)) = self.guards.parts(level) {
            guard.channel.replace_keys(keys);
        }
    }

    /// Another policy of that association from now on.
    pub fn set_policy(&mut self, level: Level, policy: Policy) {
        if let Some((guard, ..)) = self.guards.parts(level) {
            guard.policy = policy;
        }
    }
}

impl Guard {
    fn new(title: SystemTitle, association: AssociationSecurity) -> Self {
        Self {
            with_keys: association.keys.is_some(),
            channel: Channel::new(association.suite, title, association.keys),
            policy: association.policy,
            hls: association.hls,
            challenge_bytes: association.challenge_bytes.clamp(*CHALLENGE_BYTES.start(), *CHALLENGE_BYTES.end()),
            client_title: association.client_title,
            opened_with: Protection::NONE,
            pending: None,
        }
    }

    /// Nothing of an earlier association is left; the peer is the sender of this request.
    pub(super) fn begin(&mut self, aarq: &Aarq<'_>) {
        self.channel.set_dedicated(None);
        self.channel.set_peer(aarq.calling_title.and_then(SystemTitle::from_bytes));
        self.opened_with = Protection::NONE;
        self.pending = None;
    }

    /// A ciphered context can be offered.
    pub(super) const fn can_cipher(&self) -> bool {
        self.with_keys
    }

    /// The plain context will not do.
    pub(super) const fn must_cipher(&self) -> bool {
        !self.policy.request.is_none()
    }

    /// Bytes that protection adds to an answer.
    pub(super) const fn overhead(&self) -> usize {
        let protection = self.opened_with.union(self.policy.response);
        let parties = self.channel.has_parties();
        if protection.is_none() && !parties {
            return 0;
        }
        let control = SecurityControl::new(self.channel.suite(), protection);
        // The client chooses the form; with keys between parties it may be the longest.
        if !parties {
            return layer::overhead(control, Form::General, u16::MAX as usize);
        }
        layer::overhead(control, Form::Parties(KeySource::OnePass), u16::MAX as usize).saturating_add(SIGNATURE_BYTES)
    }
}

impl Guards {
    pub(super) const NONE: Self = Self { shared: None, management: None, public: None, scratch: Vec::new() };

    pub(super) fn get(&self, level: Level) -> Option<&Guard> {
        match level {
            Level::Management => self.management.as_deref(),
            Level::Public => self.public.as_deref(),
        }
    }

    /// Guard, counter and random bytes of that association.
    pub(super) fn parts(&mut self, level: Level) -> Option<(&mut Guard, &mut SendCounter, &mut Random)> {
        let guard = match level {
            Level::Management => self.management.as_deref_mut(),
            Level::Public => self.public.as_deref_mut(),
        }?;
        let shared = self.shared.as_deref_mut()?;
        Some((guard, &mut shared.counter, &mut shared.random))
    }

    /// The association of that level is no more.
    pub(super) fn forget(&mut self, level: Level) {
        if let Some((guard, ..)) = self.parts(level) {
            guard.pending = None;
            guard.opened_with = Protection::NONE;
            guard.channel.set_dedicated(None);
        }
    }

    /// The proof failed. The dedicated key stays for the answer; nothing can be asked any more.
    pub(super) fn forget_proof(&mut self, level: Level) {
        if let Some((guard, ..)) = self.parts(level) {
            guard.pending = None;
        }
    }

    pub(super) fn handle_power_lost(&mut self) {
        self.forget(Level::Management);
        self.forget(Level::Public);
    }

    pub(super) fn take_scratch(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.scratch)
    }

    pub(super) fn give_back(&mut self, scratch: Vec<u8>) {
        self.scratch = scratch;
    }

    /// Takes protection off a request into `scratch`; `None` for one that is plain and may be. Refusals tell the client
    /// what it may know: that it could not be deciphered, or which counter is expected.
    pub(super) fn unlock(
        &mut self,
        level: Option<Level>,
        message: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<Option<How>, ExceptionResponse> {
        let tag = message.first().copied().unwrap_or(0);
        let parts = level.and_then(|level| self.parts(level));
        let Some((guard, ..)) = parts else {
            return if is_protected(tag) { Err(ExceptionResponse::NOT_SUPPORTED) } else { Ok(None) };
        };
        let demanded = guard.policy.request.union(guard.opened_with);
        if !is_protected(tag) {
            return if demanded.is_none() || tags::travels_plain(tag) {
                Ok(None)
            } else {
                Err(ExceptionResponse::NOT_ASSOCIATED)
            };
        }
        let refusal = |service| ExceptionResponse { state: StateError::ServiceNotAllowed, service };
        guard.channel.demand(demanded);
        match guard.channel.open(message, scratch) {
            Ok(how)
                if how.protection.covers(demanded)
                    && (how.signed || guard.pending.is_some() || !guard.policy.signed_request) =>
            {
                Ok(Some(how))
            }
            Ok(_) | Err(Error::Security(SecurityFault::TooWeak)) => Err(ExceptionResponse::NOT_ASSOCIATED),
            Err(Error::Security(SecurityFault::Replay { expected, .. })) => {
                Err(refusal(ServiceError::InvocationCounter(expected)))
            }
            // Nobody has associated since the start, so nobody is known by a message that does not name its sender.
            Err(Error::Security(SecurityFault::WrongTitle)) if guard.channel.peer().is_none() => {
                Err(ExceptionResponse::NOT_ASSOCIATED)
            }
            // A dedicated key that is gone went with its association.
            Err(Error::Security(SecurityFault::NoKey("dedicated key"))) => Err(ExceptionResponse::NOT_ASSOCIATED),
            Err(_) => Err(refusal(ServiceError::Deciphering)),
        }
    }

    /// Protects the answer as the request was, and at least as the policy demands.
    pub(super) fn lock(
        &mut self,
        level: Option<Level>,
        how: Option<How>,
        established: bool,
        reply: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SecurityFault> {
        let tag = reply.get(start).copied().unwrap_or(0);
        let (Some(how), Some((guard, counter, random))) = (how, level.and_then(|level| self.parts(level))) else {
            return Ok(());
        };
        if tags::travels_plain(tag) {
            return Ok(());
        }
        let how = How { protection: how.protection.union(guard.policy.response), broadcast: false, ..how };
        let how = How { signed: how.signed || (established && guard.policy.signed_response), ..how };
        guard.channel.protect(reply, start, how, counter, random, true)
    }
}
