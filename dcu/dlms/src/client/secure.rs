//! The client's side of security: what is held back, protected, opened, repeated.

use zeroize::Zeroizing;

use super::{Client, ClientConfig, Phase, Session};
use crate::apdu::is_protected;
use crate::error::{Error, SecurityFault};
use crate::link::wrapper::HEADER_BYTES;
use crate::security::general::SIGNATURE_BYTES;
use crate::security::hls::CHALLENGE_BYTES;
use crate::security::{
    Channel, ClientSecurity, Form, How, Keys, Policy, Random, SendCounter, SystemTitle, layer, tags,
};

/// What a client with security holds.
#[derive(Debug)]
pub(super) struct Secured {
    pub(super) channel: Channel,
    pub(super) policy: Policy,
    pub(super) server_title: Option<SystemTitle>,
    pub(super) counter: SendCounter,
    pub(super) random: Random,
    pub(super) challenge_bytes: usize,
    /// A dedicated key is made for each association.
    pub(super) with_dedicated: bool,
    form: Form,
    /// While the association is being opened.
    pub(super) handshake: Option<Box<Handshake>>,
    /// The meter offers the general forms.
    pub(super) general: bool,
    /// Something is to be sent as soon as counters are reserved.
    pub(super) held: bool,
    /// The message last sent, before protection: a repeat is protected anew.
    plain: Vec<u8>,
    scratch: Vec<u8>,
}

/// What belongs to one attempt to open an association.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// The dedicated key on its way: in the AARQ, not yet in use.
    pub(super) dedicated: Zeroizing<Vec<u8>>,
    pub(super) ctos: Box<[u8]>,
    pub(super) stoc: Box<[u8]>,
    /// What was agreed, until the peer has proven who it is.
    pub(super) pending: Option<Session>,
}

impl Secured {
    /// The association is, or is to be, ciphered.
    pub(super) const fn ciphers(&self) -> bool {
        !self.policy.request.is_none()
    }

    /// How a request goes out.
    fn how(&self, established: bool) -> How {
        How {
            protection: self.policy.request,
            form: if established && self.general { self.form } else { Form::Service },
            dedicated: established && self.channel.has_dedicated(),
            broadcast: false,
            signed: established && self.general && self.policy.signed_request,
        }
    }
}

impl Client {
    /// A client with security beyond a password. Its counter goes on at the bound made durable last; see
    /// [`Self::handle_counter_durable`].
    #[must_use]
    pub fn secured(config: ClientConfig, security: ClientSecurity) -> Self {
        let mut client = Self::new(config);
        client.security = Some(Box::new(Secured {
            channel: Channel::new(security.suite, security.title, security.keys),
            policy: security.policy,
            server_title: security.server_title,
            counter: security.counter,
            random: security.random,
            challenge_bytes: security.challenge_bytes.clamp(*CHALLENGE_BYTES.start(), *CHALLENGE_BYTES.end()),
            with_dedicated: security.dedicated,
            form: security.form,
            handshake: None,
            general: false,
            held: false,
            plain: Vec::new(),
            scratch: Vec::new(),
        }));
        client
    }

    /// The meter's system title and the lowest counter that would be taken of it: worth keeping, so that old messages
    /// are refused after a restart too ([`Self::resume_received`]).
    #[must_use]
    pub fn received_floor(&self) -> Option<(SystemTitle, u64)> {
        let channel = &self.security.as_ref()?.channel;
        channel.peer().map(|title| (title, channel.floor(title)))
    }

    /// Refuses counters of that meter below the floor.
    pub fn resume_received(&mut self, title: SystemTitle, floor: u32) {
        if let Some(security) = &mut self.security {
            security.channel.set_floor(title, floor);
        }
    }

    /// Other global keys from now on: call it when the meter has answered a key transfer (class 64, method 2), whose
    /// answer still comes under the old ones. The counter goes on; it never restarts.
    pub fn replace_keys(&mut self, keys: Keys) {
        if let Some(security) = &mut self.security {
            security.channel.replace_keys(keys);
        }
    }

    /// The counter bound that `ReserveCounter` asked for is durable. What was held back for it is sent now.
    pub fn handle_counter_durable(&mut self, now: u64, bound: u32) {
        let Some(security) = &mut self.security else { return };
        security.counter.reserved(bound);
        if !std::mem::take(&mut security.held) {
            return;
        }
        let sent = match self.phase {
            Phase::Idle | Phase::AwaitingMap | Phase::Resting => Ok(()),
            Phase::Associating(why) => self.send_association_request(now, why),
            Phase::Authenticating(_) | Phase::Mapping | Phase::Requesting | Phase::Telling | Phase::Releasing => {
                self.transmit(now)
            }
        };
        if let Err(error) = sent {
            self.end(Err(error));
        }
        self.drive(now);
    }

    /// Something waits for counters.
    pub(super) fn is_held(&self) -> bool {
        self.security.as_ref().is_some_and(|security| security.held)
    }

    /// A counter is at hand.
    pub(super) fn has_counter(&self) -> bool {
        self.security.as_ref().is_none_or(|security| security.counter.has(1))
    }

    /// Protects the answer to a notification as requests are.
    pub(super) fn protect_confirmation(&mut self, frame: &mut Vec<u8>) -> Result<(), Error> {
        let Some(security) = &mut self.security else { return Ok(()) };
        let how = How { form: Form::General, ..How::global(security.policy.request) };
        let (counter, random) = (&mut security.counter, &mut security.random);
        Ok(security.channel.protect(frame, HEADER_BYTES, how, counter, random, false)?)
    }

    /// A counter that the peer would take has been used already, or would be used next: nothing is wrong with ours.
    pub(super) fn has_passed(&self, expected: u32) -> bool {
        self.security.as_ref().is_some_and(|security| u64::from(expected) <= security.counter.next())
    }

    /// The bound to be told to the caller.
    pub(super) fn counter_wanted(&mut self) -> Option<u32> {
        self.security.as_mut()?.counter.wanted()
    }

    /// How many bytes protection adds to a message.
    pub(super) fn overhead(&self) -> usize {
        match &self.security {
            Some(security) if security.ciphers() => {
                let how = security.how(true);
                let control = crate::security::SecurityControl::new(security.channel.suite(), how.protection);
                // Some services have no form of their own.
                let form = if how.form == Form::Service { Form::General } else { how.form };
                let signature = if how.signed { SIGNATURE_BYTES } else { 0 };
                layer::overhead(control, form, usize::from(u16::MAX)).saturating_add(signature)
            }
            _ => 0,
        }
    }

    /// Keeps the message under construction for repeats, then sends it.
    pub(super) fn send_protected(&mut self, now: u64) -> Result<(), Error> {
        if let Some(security) = &mut self.security {
            security.plain.clear();
            if security.ciphers() {
                security.plain.extend_from_slice(self.frame.get(HEADER_BYTES..).unwrap_or(&[]));
            }
        }
        self.transmit(now)
    }

    /// Protects, frames and queues what stands in the frame, or holds it back until a counter is reserved.
    fn transmit(&mut self, now: u64) -> Result<(), Error> {
        let established = self.session.is_some();
        if let Some(security) = &mut self.security
            && security.ciphers()
            && !tags::travels_plain(self.frame.get(HEADER_BYTES).copied().unwrap_or(0))
        {
            if !security.counter.has(1) {
                security.held = true;
                self.frame_due = false;
                self.deadline = None;
                return Ok(());
            }
            let how = security.how(established);
            let (counter, random) = (&mut security.counter, &mut security.random);
            security.channel.protect(&mut self.frame, HEADER_BYTES, how, counter, random, false)?;
        }
        self.cut_if_long(now)
    }

    /// Sends again what was not answered. Under protection a repeat is a new message; a lost proof begins the
    /// association anew, because the meter may have taken it.
    pub(super) fn repeat(&mut self, now: u64) {
        let Some(security) = &mut self.security else {
            self.frame_due = true;
            self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
            return;
        };
        let tries_left = self.tries_left;
        let sent = match self.phase {
            // A block or its acknowledgement is repeated as it is: what they carry has been protected once.
            _ if self.general.is_under_way() => {
                self.frame_due = true;
                self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
                Ok(())
            }
            Phase::Associating(why) if security.ciphers() => self.send_association_request(now, why),
            Phase::Authenticating(why) => {
                security.forget_exchange();
                self.send_association_request(now, why)
            }
            Phase::Requesting | Phase::Mapping if security.ciphers() => {
                self.frame.truncate(HEADER_BYTES);
                self.frame.extend_from_slice(&security.plain);
                self.transmit(now)
            }
            _ => {
                self.frame_due = true;
                self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
                Ok(())
            }
        };
        self.tries_left = tries_left;
        if let Err(error) = sent {
            self.end(Err(error));
        }
    }

    /// Takes protection off. `None`: the message is plain and may be. The buffer goes back by [`Self::give_back`].
    pub(super) fn unprotect(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let tag = message.first().copied().unwrap_or(0);
        let established = self.session.is_some();
        let Some(security) = &mut self.security else {
            return if is_protected(tag) { Err(SecurityFault::UnexpectedProtection { tag }.into()) } else { Ok(None) };
        };
        if !is_protected(tag) {
            return if security.ciphers() && !tags::travels_plain(tag) {
                Err(SecurityFault::Unprotected { tag }.into())
            } else {
                Ok(None)
            };
        }
        let mut scratch = std::mem::take(&mut security.scratch);
        match security.channel.open(message, &mut scratch) {
            Ok(how)
                if how.protection.covers(security.policy.response)
                    && (how.signed || !established || !security.policy.signed_response) =>
            {
                Ok(Some(scratch))
            }
            other => {
                security.scratch = scratch;
                Err(other.err().unwrap_or(SecurityFault::TooWeak.into()))
            }
        }
    }

    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        if let Some(security) = &mut self.security {
            security.scratch = buffer;
        }
    }

    pub(super) fn give_back_security_buffers(&mut self, limit: usize) {
        let Some(security) = &mut self.security else { return };
        for buffer in [&mut security.plain, &mut security.scratch] {
            if buffer.capacity() > limit {
                *buffer = Vec::new();
            }
        }
    }

    pub(super) fn security_bytes(&self) -> usize {
        self.security.as_ref().map_or(0, |security| {
            size_of::<Secured>()
                .saturating_add(security.channel.heap_bytes())
                .saturating_add(security.plain.capacity())
                .saturating_add(security.scratch.capacity())
                .saturating_add(security.handshake.as_ref().map_or(0, |_| size_of::<Handshake>()))
        })
    }
}

impl Secured {
    /// The challenges and the key on its way belong to one attempt.
    pub(super) fn forget_exchange(&mut self) {
        self.handshake = None;
    }
}
