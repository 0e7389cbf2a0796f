//! The channel's general forms: keys between two parties, and signatures.

use taa_keys::{CipherKey, Key, KeyHandle, PrivateKey};
use zeroize::Zeroizing;

use super::channel::{Channel, How};
use super::counter::SendCounter;
use super::general::{self, Ciphered, Header, KeyInfo, Purpose, Signed};
use super::layer::{self, Form, KeySource, LayerKeys, Seal};
use super::random::Random;
use super::suite::{Protection, SecurityControl, SystemTitle};
use crate::apdu::is_protected;
use crate::error::{Error, SecurityFault};

/// Random numbers that are no private key of their curve are rarer than one in 2³²: more than one attempt means that
/// the random bytes are none.
const ATTEMPTS: usize = 4;

impl Channel {
    pub(super) fn protect_between(
        &self,
        frame: &mut Vec<u8>,
        start: usize,
        how: How,
        header: &Header<'_>,
        counter: &mut SendCounter,
        random: &mut Random,
    ) -> Result<(), SecurityFault> {
        let Form::Parties(source) = how.form else { return Err(SecurityFault::WrongSuite) };
        let global = self.keys.as_ref().ok_or(SecurityFault::NoKey("encryption key"))?;
        let mut carried = Vec::new();
        let cipher = match source {
            KeySource::Identified => global.unicast.clone(),
            KeySource::Wrapped => {
                let master = self.parties()?.master.as_ref().ok_or(SecurityFault::NoKey("master key"))?;
                let mut bytes = Zeroizing::new(vec![0; self.suite.key_bits() / 8]);
                random.fill(&mut bytes)?;
                let key = Key::from_bytes(&bytes).map(KeyHandle::new).ok_or(SecurityFault::WrongSuite)?;
                carried = master.wrap(&key);
                key.cipher()
            }
            KeySource::OnePass => {
                let parties = self.parties()?;
                let agreement = parties.agreement.as_ref().ok_or(SecurityFault::NoKey("agreement key"))?;
                let signing = parties.signing.as_ref().ok_or(SecurityFault::NoKey("signing key"))?;
                let ephemeral = self.ephemeral(random)?;
                let (key, data) =
                    agreement.one_pass_send(self.suite, header, Purpose::Ciphering, &ephemeral, signing)?;
                carried = data;
                key.cipher()
            }
            KeySource::Static => {
                let agreement = self.parties()?.agreement.as_ref().ok_or(SecurityFault::NoKey("agreement key"))?;
                agreement.static_key(self.suite, header, Purpose::Ciphering)?.cipher()
            }
        };
        let info = match source {
            KeySource::Identified => KeyInfo::Unicast,
            KeySource::Wrapped => KeyInfo::Wrapped(&carried),
            KeySource::OnePass => KeyInfo::OnePass(&carried),
            KeySource::Static => KeyInfo::Static,
        };
        let seal = Seal {
            control: SecurityControl::new(self.suite, how.protection),
            title: self.own,
            invocation: counter.take()?,
            keys: LayerKeys { cipher: &cipher, authentication: global.authentication.as_ref() },
        };
        general::protect(frame, start, header, Some(info), &seal)
    }

    fn ephemeral(&self, random: &mut Random) -> Result<PrivateKey, SecurityFault> {
        let curve = self.suite.curve().ok_or(SecurityFault::WrongSuite)?;
        let mut number = Zeroizing::new(vec![0; curve.bytes()]);
        for _ in 0..ATTEMPTS {
            random.fill(&mut number)?;
            if let Ok(key) = PrivateKey::from_bytes(curve, &number) {
                return Ok(key);
            }
        }
        Err(SecurityFault::NoRandom)
    }

    pub(super) fn open_between(&mut self, message: &[u8], scratch: &mut Vec<u8>) -> Result<How, Error> {
        let ciphered = Ciphered::parse(message)?;
        let (control, invocation) = layer::header(ciphered.body)?;
        self.check_control(control)?;
        self.names_us(&ciphered.header)?;
        let title = ciphered.header.originator;
        let broadcast = ciphered.key_info == Some(KeyInfo::Broadcast);
        let identified = matches!(ciphered.key_info, None | Some(KeyInfo::Unicast | KeyInfo::Broadcast));
        self.check_party(title, identified, invocation)?;
        let (cipher, source) = self.key_of(&ciphered)?;
        let authentication = self.keys.as_ref().and_then(|keys| keys.authentication.as_ref());
        let text = ciphered.open(LayerKeys { cipher: &cipher, authentication }, scratch)?;
        let text_bytes = text.len();
        self.accept_party(title, identified, invocation)?;
        self.keep_transaction(&ciphered.header);
        scratch.drain(..layer::HEADER_BYTES.min(scratch.len()));
        scratch.truncate(text_bytes);
        let form = Form::Parties(source);
        Ok(How { protection: control.protection, form, dedicated: false, broadcast, signed: false })
    }

    /// A signature around a message, which may be protected once more. A message that is only signed carries no counter:
    /// it is taken where the policy asks for no protection, and can be replayed there.
    pub(super) fn open_signed(&mut self, message: &[u8], scratch: &mut Vec<u8>) -> Result<How, Error> {
        let signed = Signed::parse(message)?;
        self.names_us(&signed.header)?;
        let key = self.parties()?.peer_signing.ok_or(SecurityFault::NoKey("signing key of the peer"))?;
        let content = signed.verify(&key)?;
        let how = match content.first() {
            Some(tag) if is_protected(*tag) => {
                if *tag == super::tags::GENERAL_SIGNING {
                    return Err(SecurityFault::WrongSuite.into());
                }
                self.open(content, scratch)?
            }
            _ => {
                scratch.clear();
                scratch.extend_from_slice(content);
                How::global(Protection::NONE)
            }
        };
        self.keep_transaction(&signed.header);
        Ok(How { signed: true, ..how })
    }

    fn key_of(&self, ciphered: &Ciphered<'_>) -> Result<(CipherKey, KeySource), SecurityFault> {
        let global = self.keys.as_ref().ok_or(SecurityFault::NoKey("encryption key"))?;
        let agreement = || self.parties()?.agreement.as_ref().ok_or(SecurityFault::NoKey("agreement key"));
        Ok(match ciphered.key_info {
            None | Some(KeyInfo::Unicast) => (global.unicast.clone(), KeySource::Identified),
            Some(KeyInfo::Broadcast) => {
                (global.broadcast.clone().ok_or(SecurityFault::NoKey("broadcast key"))?, KeySource::Identified)
            }
            Some(KeyInfo::Wrapped(wrapped)) => {
                let master = self.parties()?.master.as_ref().ok_or(SecurityFault::NoKey("master key"))?;
                (general::unwrap_cipher(self.suite, master, wrapped)?, KeySource::Wrapped)
            }
            Some(KeyInfo::OnePass(data)) => {
                let key = agreement()?.one_pass_receive(self.suite, &ciphered.header, Purpose::Ciphering, data)?;
                (key.cipher(), KeySource::OnePass)
            }
            Some(KeyInfo::Static) => {
                let key = agreement()?.static_key(self.suite, &ciphered.header, Purpose::Ciphering)?;
                (key.cipher(), KeySource::Static)
            }
        })
    }

    /// The message is from our peer, and to us or to everybody.
    fn names_us(&self, header: &Header<'_>) -> Result<(), SecurityFault> {
        let from: SystemTitle = header.originator;
        let right = self.peer.is_none_or(|peer| peer == from) && header.recipient.is_none_or(|to| to == self.own);
        if right { Ok(()) } else { Err(SecurityFault::WrongTitle) }
    }

    fn keep_transaction(&mut self, header: &Header<'_>) {
        self.transaction = header.transaction.into();
    }
}
