//! What one side holds of its peers: keys, titles, and the counters received.

use taa_keys::{CipherKey, KeyHandle, PrivateKey, PublicKey};

use super::counter::{ReceiveCounter, SendCounter};
use super::general::{self, Agreement, Header};
use super::layer::{self, Envelope, Form, LayerKeys, Seal};
use super::random::Random;
use super::suite::{Protection, SecurityControl, Suite, SystemTitle};
use super::tags;
use crate::error::{DecodeError, Error, SecurityFault};

/// Most senders whose counters are kept. Only a holder of the key can become one.
const SENDERS_MAX: usize = 32;

/// The global keys, by handle. Each meter should have its own: under a shared key two clients with one title would
/// repeat nonces.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Global unicast encryption key.
    pub unicast: CipherKey,
    /// Global authentication key. Meters without one leave it out of what is authenticated.
    pub authentication: Option<KeyHandle>,
    /// Global broadcast encryption key.
    pub broadcast: Option<CipherKey>,
    /// For general-ciphering and general-signing.
    pub parties: Option<Box<PartyKeys>>,
}

/// Keys between two parties that name each other.
#[derive(Clone, Debug)]
pub struct PartyKeys {
    /// Master key, under which others are wrapped.
    pub master: Option<KeyHandle>,
    /// Key agreement, suites 1 and 2.
    pub agreement: Option<Agreement>,
    /// Our signing key.
    pub signing: Option<PrivateKey>,
    /// The peer's, as trusted beforehand.
    pub peer_signing: Option<PublicKey>,
}

/// How one message is, or was, protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// What is done.
    pub protection: Protection,
    /// The outside.
    pub form: Form,
    /// Under the dedicated key.
    pub dedicated: bool,
    /// Under the broadcast key.
    pub broadcast: bool,
    /// Signed, around everything else.
    pub signed: bool,
}

impl How {
    /// Under the global key in the service's own form: how associations are opened.
    #[must_use]
    pub const fn global(protection: Protection) -> Self {
        Self { protection, form: Form::Service, dedicated: false, broadcast: false, signed: false }
    }
}

/// Which key, for its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Unicast,
    Broadcast,
    Dedicated,
    /// Keys that are wrapped or agreed.
    Party,
}

#[derive(Clone, Copy, Debug)]
struct Sender {
    title: SystemTitle,
    which: Which,
    received: ReceiveCounter,
}

/// One side's state towards its peers under one set of keys.
///
/// A push listener keeps one per meter, or one for all meters that share keys, and opens notifications by the title that
/// they carry.
#[derive(Clone, Debug)]
pub struct Channel {
    pub(super) suite: Suite,
    pub(super) own: SystemTitle,
    pub(super) keys: Option<Keys>,
    dedicated: Option<CipherKey>,
    demanded: Protection,
    pub(super) peer: Option<SystemTitle>,
    senders: Vec<Sender>,
    /// Transaction of the general-ciphering or general-signing message opened last.
    pub(super) transaction: Box<[u8]>,
}

impl Channel {
    /// Nobody has spoken yet. Without keys nothing can be protected or opened.
    #[must_use]
    pub fn new(suite: Suite, own: SystemTitle, keys: Option<Keys>) -> Self {
        Self {
            suite,
            own,
            keys,
            dedicated: None,
            demanded: Protection::NONE,
            peer: None,
            senders: Vec::new(),
            transaction: Box::default(),
        }
    }

    /// The suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Our title.
    #[must_use]
    pub const fn own(&self) -> SystemTitle {
        self.own
    }

    /// The peer's title, once known.
    #[must_use]
    pub const fn peer(&self) -> Option<SystemTitle> {
        self.peer
    }

    /// The peer is this one. Messages that carry another title are refused.
    pub const fn set_peer(&mut self, title: Option<SystemTitle>) {
        self.peer = title;
    }

    /// Messages must carry at least this from now on. Weaker ones are refused **before** their counter is taken: text
    /// that is encrypted only can be made by anybody, and a counter that anybody may raise shuts the true peer out.
    pub const fn demand(&mut self, protection: Protection) {
        self.demanded = protection;
    }

    /// The key of this association alone, or none any more.
    pub fn set_dedicated(&mut self, key: Option<CipherKey>) {
        self.dedicated = key;
        self.senders.retain(|sender| sender.which != Which::Dedicated);
    }

    /// There is a dedicated key.
    #[must_use]
    pub const fn has_dedicated(&self) -> bool {
        self.dedicated.is_some()
    }

    /// Other global keys from now on (after a key transfer); counters received under an old unicast key are forgotten.
    pub fn replace_keys(&mut self, keys: Keys) {
        self.keys = Some(keys);
        self.senders.clear();
    }

    /// Refuses unicast counters of that sender below the floor: what was received before a restart, plus one.
    pub fn set_floor(&mut self, title: SystemTitle, floor: u32) {
        if let Some(received) = self.received(title, Which::Unicast) {
            *received = ReceiveCounter::above(floor);
        }
    }

    /// The lowest unicast counter that would be taken of that sender.
    #[must_use]
    pub fn floor(&self, title: SystemTitle) -> u64 {
        self.senders
            .iter()
            .find(|sender| sender.title == title && sender.which == Which::Unicast)
            .map_or(0, |sender| sender.received.floor())
    }

    /// Every sender of unicast messages with the lowest counter that would be taken of it.
    pub fn floors(&self) -> impl Iterator<Item = (SystemTitle, u64)> {
        let unicast = self.senders.iter().filter(|sender| sender.which == Which::Unicast);
        unicast.map(|sender| (sender.title, sender.received.floor()))
    }

    /// The global unicast keys.
    #[must_use]
    pub fn keys(&self) -> Option<LayerKeys<'_>> {
        self.keys.as_ref().map(|keys| LayerKeys { cipher: &keys.unicast, authentication: keys.authentication.as_ref() })
    }

    /// There are keys for general-ciphering or general-signing.
    #[must_use]
    pub const fn has_parties(&self) -> bool {
        matches!(&self.keys, Some(keys) if keys.parties.is_some())
    }

    /// Memory held beyond the struct, bytes; expanded global keys are counted in full although others may share them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let dedicated = self.dedicated.as_ref().map_or(0, CipherKey::heap_bytes);
        let global = self.keys.as_ref().map_or(0, |keys| keys.unicast.heap_bytes());
        self.senders.capacity().saturating_mul(size_of::<Sender>()).saturating_add(dedicated).saturating_add(global)
    }

    /// Protects the message that begins at `start`, in place, under the next counter. `answers` when it answers the
    /// message opened last.
    ///
    /// # Errors
    /// Counters or keys that are missing.
    pub fn protect(
        &self,
        frame: &mut Vec<u8>,
        start: usize,
        how: How,
        counter: &mut SendCounter,
        random: &mut Random,
        answers: bool,
    ) -> Result<(), SecurityFault> {
        let transaction = counter.next().to_be_bytes();
        let header = Header {
            // An answer carries the transaction of its request; a counter never repeats, so neither does a transaction.
            transaction: if answers { &self.transaction } else { &transaction },
            originator: self.own,
            recipient: self.peer,
            date_time: &[],
            other: &[],
        };
        if !how.protection.is_none() {
            match how.form {
                Form::Parties(_) => self.protect_between(frame, start, how, &header, counter, random)?,
                Form::Service | Form::General => self.protect_global(frame, start, how, counter)?,
            }
        }
        if how.signed {
            let key = self.parties()?.signing.as_ref().ok_or(SecurityFault::NoKey("signing key"))?;
            general::sign(frame, start, &header, key);
        }
        Ok(())
    }

    fn protect_global(
        &self,
        frame: &mut Vec<u8>,
        start: usize,
        how: How,
        counter: &mut SendCounter,
    ) -> Result<(), SecurityFault> {
        let which = which(how.dedicated, how.broadcast);
        let keys = self.layer_keys(which)?;
        let control = SecurityControl { broadcast: how.broadcast, ..SecurityControl::new(self.suite, how.protection) };
        let invocation = counter.take()?;
        let seal = Seal { control, title: self.own, invocation, keys };
        layer::protect(frame, start, how.form, how.dedicated, &seal)
    }

    /// Opens a protected message into `scratch` (cleared first); how it was protected. Its counter is taken: the same
    /// message does not open again.
    ///
    /// # Errors
    /// [`SecurityFault`] of any kind; [`DecodeError`].
    pub fn open(&mut self, message: &[u8], scratch: &mut Vec<u8>) -> Result<How, Error> {
        match message.first() {
            Some(&tags::GENERAL_SIGNING) => self.open_signed(message, scratch),
            Some(&tags::GENERAL_CIPHERING) => self.open_between(message, scratch),
            _ => self.open_global(message, scratch),
        }
    }

    fn open_global(&mut self, message: &[u8], scratch: &mut Vec<u8>) -> Result<How, Error> {
        let envelope = Envelope::parse(message)?;
        let (control, invocation) = layer::header(envelope.body)?;
        self.check_control(control)?;
        let title = match (envelope.title, self.peer) {
            (Some(carried), Some(peer)) if carried != peer => return Err(SecurityFault::WrongTitle.into()),
            (Some(title), _) | (None, Some(title)) => title,
            (None, None) => return Err(SecurityFault::WrongTitle.into()),
        };
        let which = which(envelope.dedicated, control.broadcast);
        let known = self.senders.iter().find(|sender| sender.title == title && sender.which == which);
        known.map_or(Ok(()), |sender| sender.received.check(invocation))?;
        let keys = self.layer_keys(which)?;
        scratch.clear();
        scratch.extend_from_slice(envelope.body.get(layer::HEADER_BYTES..).unwrap_or_default());
        let text = layer::open_rest((control, invocation), scratch, title, keys, &[])?;
        let text_bytes = text.len();
        let first = text.first().copied().ok_or(DecodeError::Truncated)?;
        if envelope.plain_tag.is_some_and(|tag| tag != first) {
            return Err(
                DecodeError::UnknownTag { what: "message under another service's protection", tag: first }.into()
            );
        }
        self.received(title, which).ok_or(SecurityFault::NoKey("room for another sender"))?.accept(invocation);
        scratch.truncate(text_bytes);
        Ok(How {
            protection: control.protection,
            form: envelope.form,
            dedicated: envelope.dedicated,
            broadcast: control.broadcast,
            signed: false,
        })
    }

    /// Takes the counter of a GMAC proof. `inside` when it came in the protected message opened last.
    ///
    /// # Errors
    /// [`SecurityFault::Replay`], [`SecurityFault::WrongTitle`].
    pub fn take_proof(&mut self, invocation: u32, inside: bool) -> Result<(), SecurityFault> {
        let title = self.peer.ok_or(SecurityFault::WrongTitle)?;
        let received = self.received(title, Which::Unicast).ok_or(SecurityFault::NoKey("room for another sender"))?;
        if !inside {
            received.no_outer();
        }
        received.take_inner(invocation)
    }

    fn layer_keys(&self, which: Which) -> Result<LayerKeys<'_>, SecurityFault> {
        let keys = self.keys.as_ref().ok_or(SecurityFault::NoKey("encryption key"))?;
        let cipher = match which {
            Which::Unicast => &keys.unicast,
            Which::Broadcast => keys.broadcast.as_ref().ok_or(SecurityFault::NoKey("broadcast key"))?,
            Which::Party => return Err(SecurityFault::NoKey("agreed key")),
            Which::Dedicated => self.dedicated.as_ref().ok_or(SecurityFault::NoKey("dedicated key"))?,
        };
        Ok(LayerKeys { cipher, authentication: keys.authentication.as_ref() })
    }

    pub(super) fn parties(&self) -> Result<&PartyKeys, SecurityFault> {
        self.keys.as_ref().and_then(|keys| keys.parties.as_deref()).ok_or(SecurityFault::NoKey("party keys"))
    }

    /// The message is of our suite and as strong as it must be.
    pub(super) const fn check_control(&self, control: SecurityControl) -> Result<(), SecurityFault> {
        if control.suite as u8 != self.suite as u8 || control.compressed || control.protection.is_none() {
            return Err(SecurityFault::WrongSuite);
        }
        if control.protection.covers(self.demanded) { Ok(()) } else { Err(SecurityFault::TooWeak) }
    }

    /// The counter of a wrapped or agreed key by that sender has not been seen.
    pub(super) fn check_party(
        &self,
        title: SystemTitle,
        identified: bool,
        invocation: u32,
    ) -> Result<(), SecurityFault> {
        let which = if identified { Which::Unicast } else { Which::Party };
        let known = self.senders.iter().find(|sender| sender.title == title && sender.which == which);
        known.map_or(Ok(()), |sender| sender.received.check(invocation))
    }

    /// The message was genuine.
    pub(super) fn accept_party(
        &mut self,
        title: SystemTitle,
        identified: bool,
        invocation: u32,
    ) -> Result<(), SecurityFault> {
        let which = if identified { Which::Unicast } else { Which::Party };
        self.received(title, which).ok_or(SecurityFault::NoKey("room for another sender"))?.accept(invocation);
        Ok(())
    }

    fn received(&mut self, title: SystemTitle, which: Which) -> Option<&mut ReceiveCounter> {
        let at = self.senders.iter().position(|sender| sender.title == title && sender.which == which);
        let at = match at {
            Some(at) => at,
            None if self.senders.len() >= SENDERS_MAX => return None,
            None => {
                // One is the rule; a doubling buffer would hold room for four.
                self.senders.reserve_exact(1);
                self.senders.push(Sender { title, which, received: ReceiveCounter::default() });
                self.senders.len().saturating_sub(1)
            }
        };
        self.senders.get_mut(at).map(|sender| &mut sender.received)
    }
}

/// The dedicated key has no broadcast form: the bit is without meaning there.
const fn which(dedicated: bool, broadcast: bool) -> Which {
    match (dedicated, broadcast) {
        (true, _) => Which::Dedicated,
        (false, true) => Which::Broadcast,
        (false, false) => Which::Unicast,
    }
}
