//! What one side holds of its peers: keys, titles, and the counters received.

use taa_keys::{CipherKey, KeyHandle};

use super::counter::{ReceiveCounter, SendCounter};
use super::layer::{self, Envelope, Form, LayerKeys, Seal};
use super::suite::{Protection, SecurityControl, Suite, SystemTitle};
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
}

/// Which key, for its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Unicast,
    Broadcast,
    Dedicated,
}

#[derive(Clone, Copy, Debug)]
struct Sender {
    title: SystemTitle,
    which: Which,
    received: ReceiveCounter,
}

/// One side's state towards its peers under one set of keys.
#[derive(Clone, Debug)]
pub struct Channel {
    suite: Suite,
    own: SystemTitle,
    keys: Option<Keys>,
    dedicated: Option<CipherKey>,
    peer: Option<SystemTitle>,
    senders: Vec<Sender>,
}

impl Channel {
    /// Nobody has spoken yet. Without keys nothing can be protected or opened.
    #[must_use]
    pub const fn new(suite: Suite, own: SystemTitle, keys: Option<Keys>) -> Self {
        Self { suite, own, keys, dedicated: None, peer: None, senders: Vec::new() }
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

    /// The global unicast keys.
    #[must_use]
    pub fn keys(&self) -> Option<LayerKeys<'_>> {
        self.keys.as_ref().map(|keys| LayerKeys { cipher: &keys.unicast, authentication: keys.authentication.as_ref() })
    }

    /// Memory held beyond the struct, bytes; expanded global keys are counted in full although others may share them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let dedicated = self.dedicated.as_ref().map_or(0, CipherKey::heap_bytes);
        let global = self.keys.as_ref().map_or(0, |keys| keys.unicast.heap_bytes());
        self.senders.capacity().saturating_mul(size_of::<Sender>()).saturating_add(dedicated).saturating_add(global)
    }

    /// Protects the message that begins at `start`, in place, under the next counter.
    ///
    /// # Errors
    /// Counters or keys that are missing.
    pub fn protect(
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
        let envelope = Envelope::parse(message)?;
        let (control, invocation) = layer::header(envelope.body)?;
        if control.suite != self.suite || control.compressed || control.protection.is_none() {
            return Err(SecurityFault::WrongSuite.into());
        }
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
        scratch.extend_from_slice(envelope.body);
        let text = layer::open_body(scratch, title, keys, &[])?;
        let text_bytes = text.len();
        let first = text.first().copied().ok_or(DecodeError::Truncated)?;
        if envelope.plain_tag.is_some_and(|tag| tag != first) {
            return Err(
                DecodeError::UnknownTag { what: "message under another service's protection", tag: first }.into()
            );
        }
        self.received(title, which).ok_or(SecurityFault::NoKey("room for another sender"))?.accept(invocation);
        scratch.drain(..layer::HEADER_BYTES.min(scratch.len()));
        scratch.truncate(text_bytes);
        Ok(How {
            protection: control.protection,
            form: envelope.form,
            dedicated: envelope.dedicated,
            broadcast: control.broadcast,
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
            Which::Dedicated => self.dedicated.as_ref().ok_or(SecurityFault::NoKey("dedicated key"))?,
        };
        Ok(LayerKeys { cipher, authentication: keys.authentication.as_ref() })
    }

    fn received(&mut self, title: SystemTitle, which: Which) -> Option<&mut ReceiveCounter> {
        let at = self.senders.iter().position(|sender| sender.title == title && sender.which == which);
        let at = match at {
            Some(at) => at,
            None if self.senders.len() >= SENDERS_MAX => return None,
            None => {
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
