//! general-ciphering and general-signing: protection between parties that name each other in the message, with keys
//! that it names, carries or agrees on (Green Book 9.2.3.4.6, 9.2.7.2.4; IEC 62056-5-3 annex I).
//!
//! ```text
//!  DD │ transaction │ originator │ recipient │ date-time │ other │ key info │ body: SC IC text tag
//!  DF │ transaction │ originator │ recipient │ date-time │ other │ content  │ signature R ‖ S
//! ```
//!
//! | key info | the key is |
//! |---|---|
//! | none, identified | the global unicast or broadcast key |
//! | wrapped | in the message, wrapped under the master key |
//! | agreed, C(1e, 1s) | derived from a key made for this message, signed by the originator, and the recipient's static one |
//! | agreed, C(0e, 2s) | derived from both static keys and the transaction id, which must not repeat |
//!
//! Pure functions over bytes and key handles. The header fields are authenticated, and signed, as they are encoded, each
//! with its length; the content that is signed is taken without its length. No outside implementation at hand
//! authenticates the header, so this reading of the standard has no second judge yet.

use taa_keys::{CipherKey, KeyHandle, PrivateKey, PublicKey};

use super::layer::{self, LayerKeys, Seal};
use super::suite::{Suite, SystemTitle};
use super::tags;
use crate::error::{DecodeError, Error, SecurityFault};
use crate::wire::{Reader, put_octets};

/// AES-GCM-128 and -256 as KDF algorithm (Green Book table 17): {2 16 756 5 8 3 n}.
const AES_GCM: [[u8; 7]; 2] = [[0x60, 0x85, 0x74, 0x05, 0x08, 0x03, 0x00], [0x60, 0x85, 0x74, 0x05, 0x08, 0x03, 0x01]];
/// AES-WRAP-128 and -256.
const AES_WRAP: [[u8; 7]; 2] = [[0x60, 0x85, 0x74, 0x05, 0x08, 0x03, 0x02], [0x60, 0x85, 0x74, 0x05, 0x08, 0x03, 0x03]];

/// Bytes that general-signing adds at most: the header with a transaction of 8 bytes, lengths, and a signature on P-384.
pub const SIGNATURE_BYTES: usize = 1 + 27 + 2 + 5 + 2 + 96;

/// Who speaks to whom, about what. All but the titles may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Number of the exchange; the nonce of C(0e, 2s).
    pub transaction: &'a [u8],
    /// Title of the sender.
    pub originator: SystemTitle,
    /// Title of the receiver; empty for everybody.
    pub recipient: Option<SystemTitle>,
    /// When it was sent, a date-time.
    pub date_time: &'a [u8],
    /// Anything agreed.
    pub other: &'a [u8],
}

impl<'a> Header<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let transaction = reader.octets()?;
        let originator =
            SystemTitle::from_bytes(reader.octets()?).ok_or(DecodeError::OutOfRange("originator system title"))?;
        let recipient = match reader.octets()? {
            [] => None,
            title => Some(SystemTitle::from_bytes(title).ok_or(DecodeError::OutOfRange("recipient system title"))?),
        };
        Ok(Self { transaction, originator, recipient, date_time: reader.octets()?, other: reader.octets()? })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_octets(out, self.transaction);
        put_octets(out, &self.originator.0);
        put_octets(out, self.recipient.as_ref().map_or(&[], |title| title.0.as_slice()));
        put_octets(out, self.date_time);
        put_octets(out, self.other);
    }
}

/// Which key a message is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyInfo<'a> {
    /// The global unicast key.
    Unicast,
    /// The global broadcast key.
    Broadcast,
    /// In the message, wrapped under the master key.
    Wrapped(&'a [u8]),
    /// One-pass Diffie-Hellman, C(1e, 1s): the originator's public key for this message ‖ its signature.
    OnePass(&'a [u8]),
    /// Static unified model, C(0e, 2s).
    Static,
}

const ONE_PASS: u8 = 1;
const STATIC: u8 = 2;

impl<'a> KeyInfo<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Option<Self>, DecodeError> {
        if !reader.present()? {
            return Ok(None);
        }
        let unknown = |what, tag| Err(DecodeError::UnknownTag { what, tag });
        Ok(Some(match reader.u8()? {
            0 => match reader.u8()? {
                0 => Self::Unicast,
                1 => Self::Broadcast,
                tag => return unknown("identified key", tag),
            },
            1 => match reader.u8()? {
                0 => Self::Wrapped(reader.octets()?),
                tag => return unknown("key encryption key", tag),
            },
            2 => match (reader.octets()?, reader.octets()?) {
                ([ONE_PASS], data) => Self::OnePass(data),
                ([STATIC], []) => Self::Static,
                ([tag], _) => return unknown("key agreement", *tag),
                _ => return Err(DecodeError::OutOfRange("key parameters")),
            },
            tag => return unknown("key info", tag),
        }))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unicast => out.extend_from_slice(&[1, 0, 0]),
            Self::Broadcast => out.extend_from_slice(&[1, 0, 1]),
            Self::Wrapped(key) => {
                out.extend_from_slice(&[1, 1, 0]);
                put_octets(out, key);
            }
            Self::OnePass(data) => {
                out.extend_from_slice(&[1, 2, 1, ONE_PASS]);
                put_octets(out, data);
            }
            Self::Static => out.extend_from_slice(&[1, 2, 1, STATIC, 0]),
        }
    }
}

/// A general-ciphering message taken apart, not yet opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ciphered<'a> {
    /// Who speaks to whom.
    pub header: Header<'a>,
    /// Which key; absent means that both sides know.
    pub key_info: Option<KeyInfo<'a>>,
    /// Security control byte, counter, text, tag.
    pub body: &'a [u8],
    /// The header as encoded: it is authenticated.
    context: &'a [u8],
}

impl<'a> Ciphered<'a> {
    /// Takes the outside off.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn parse(message: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, context, mut reader) = outside(message, tags::GENERAL_CIPHERING)?;
        let key_info = KeyInfo::decode(&mut reader)?;
        let body = reader.octets()?;
        reader.finish()?;
        Ok(Self { header, key_info, body, context })
    }

    /// Opens it into `scratch` (cleared first) under the key that its key info means; the text. The counter is the
    /// caller's to check.
    ///
    /// # Errors
    /// As [`layer::open_body`].
    pub fn open<'s>(&self, keys: LayerKeys<'_>, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Error> {
        scratch.clear();
        scratch.extend_from_slice(self.body);
        layer::open_body(scratch, self.header.originator, keys, self.context)
    }
}

/// Turns the message that begins at `start` into general-ciphering.
///
/// # Errors
/// As [`layer::protect`]; [`SecurityFault::WrongTitle`] when the seal is by another than the originator.
pub fn protect(
    frame: &mut Vec<u8>,
    start: usize,
    header: &Header<'_>,
    key_info: Option<KeyInfo<'_>>,
    seal: &Seal<'_>,
) -> Result<(), SecurityFault> {
    if seal.title != header.originator {
        return Err(SecurityFault::WrongTitle);
    }
    let mut outside = vec![tags::GENERAL_CIPHERING];
    header.encode(&mut outside);
    let context = outside.get(1..).unwrap_or(&[]).to_vec();
    match key_info {
        Some(info) => info.encode(&mut outside),
        None => outside.push(0),
    }
    layer::seal_body(frame, start, seal, &context)?;
    let body = frame.split_off(start.min(frame.len()));
    frame.extend_from_slice(&outside);
    put_octets(frame, &body);
    Ok(())
}

/// A signed message taken apart, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// Who speaks to whom.
    pub header: Header<'a>,
    content: &'a [u8],
    signature: &'a [u8],
    context: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Takes the outside off.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn parse(message: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, context, mut reader) = outside(message, tags::GENERAL_SIGNING)?;
        let (content, signature) = (reader.octets()?, reader.octets()?);
        reader.finish()?;
        Ok(Self { header, content, signature, context })
    }

    /// The content, a message that may be ciphered, once the originator's signature fits.
    ///
    /// # Errors
    /// [`SecurityFault::NotGenuine`].
    pub fn verify(&self, originator: &PublicKey) -> Result<&'a [u8], SecurityFault> {
        match originator.verify(&[self.context, self.content], self.signature) {
            Ok(()) => Ok(self.content),
            Err(_) => Err(SecurityFault::NotGenuine),
        }
    }
}

/// Turns the message that begins at `start`, ciphered or not, into general-signing.
pub fn sign(frame: &mut Vec<u8>, start: usize, header: &Header<'_>, key: &PrivateKey) {
    let content = frame.split_off(start.min(frame.len()));
    frame.push(tags::GENERAL_SIGNING);
    let context_at = frame.len();
    header.encode(frame);
    let signature = key.sign(&[frame.get(context_at..).unwrap_or(&[]), &content]);
    put_octets(frame, &content);
    put_octets(frame, &signature);
}

fn outside(message: &[u8], expected: u8) -> Result<(Header<'_>, &[u8], Reader<'_>), DecodeError> {
    let mut reader = Reader::new(message);
    match reader.u8()? {
        tag if tag == expected => {}
        tag => return Err(DecodeError::UnknownTag { what: "general message", tag }),
    }
    let all = reader.rest();
    let header = Header::decode(&mut reader)?;
    let context = all.get(..all.len().saturating_sub(reader.len())).unwrap_or(&[]);
    Ok((header, context, reader))
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Ciphering a message.
    Ciphering,
    /// Wrapping other keys, as in the security setup's key transfer by agreement.
    Wrapping,
}

/// What one side needs to agree on keys with another.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Our static key for key agreement.
    pub own: PrivateKey,
    /// The peer's.
    pub peer: PublicKey,
    /// What the peer's own key for one message must be signed by, to be taken from it.
    pub peer_signing: Option<PublicKey>,
}

impl Agreement {
    /// C(1e, 1s), originator: the key for this message, and what goes into [`KeyInfo::OnePass`]. `ephemeral` is made from
    /// fresh random bytes and never used again.
    ///
    /// # Errors
    /// [`SecurityFault::WrongTitle`] without a recipient, [`SecurityFault::WrongSuite`] for keys of another curve.
    pub fn one_pass_send(
        &self,
        suite: Suite,
        header: &Header<'_>,
        purpose: Purpose,
        ephemeral: &PrivateKey,
        signing: &PrivateKey,
    ) -> Result<(KeyHandle, Vec<u8>), SecurityFault> {
        let mut data = ephemeral.public().to_bytes();
        let signature = signing.sign(&[&data]);
        let key = derive(suite, header, purpose, ephemeral, &self.peer, false)?;
        data.extend_from_slice(&signature);
        Ok((key, data))
    }

    /// C(1e, 1s), recipient: the key for this message.
    ///
    /// # Errors
    /// [`SecurityFault::NotGenuine`] when the originator's signature does not fit; [`SecurityFault::NoKey`] without its
    /// signing key; [`SecurityFault::WrongTitle`], [`SecurityFault::WrongSuite`].
    pub fn one_pass_receive(
        &self,
        suite: Suite,
        header: &Header<'_>,
        purpose: Purpose,
        data: &[u8],
    ) -> Result<KeyHandle, SecurityFault> {
        let curve = suite.curve().ok_or(SecurityFault::WrongSuite)?;
        let signer = self.peer_signing.ok_or(SecurityFault::NoKey("signing key of the peer"))?;
        let (public, signature) =
            data.split_at_checked(curve.bytes().saturating_mul(2)).ok_or(SecurityFault::NotGenuine)?;
        signer.verify(&[public], signature).map_err(|_| SecurityFault::NotGenuine)?;
        let ephemeral = PublicKey::from_bytes(curve, public).map_err(|_| SecurityFault::NotGenuine)?;
        derive(suite, header, purpose, &self.own, &ephemeral, false)
    }

    /// C(0e, 2s), either side.
    ///
    /// # Errors
    /// [`SecurityFault::WrongTitle`] without a recipient, [`SecurityFault::WrongSuite`] for keys of another curve.
    pub fn static_key(&self, suite: Suite, header: &Header<'_>, purpose: Purpose) -> Result<KeyHandle, SecurityFault> {
        derive(suite, header, purpose, &self.own, &self.peer, true)
    }
}

/// OtherInfo ::= AlgorithmID ‖ PartyUInfo (originator, with C(0e, 2s) ‖ transaction id) ‖ PartyVInfo (recipient).
fn derive(
    suite: Suite,
    header: &Header<'_>,
    purpose: Purpose,
    own: &PrivateKey,
    peer: &PublicKey,
    with_transaction: bool,
) -> Result<KeyHandle, SecurityFault> {
    if suite.curve() != Some(own.curve()) {
        return Err(SecurityFault::WrongSuite);
    }
    let [short, long] = match purpose {
        Purpose::Ciphering => &AES_GCM,
        Purpose::Wrapping => &AES_WRAP,
    };
    let algorithm = if suite == Suite::Two { long } else { short };
    let mut transaction = Vec::new();
    if with_transaction {
        put_octets(&mut transaction, header.transaction);
    }
    let recipient = header.recipient.ok_or(SecurityFault::WrongTitle)?;
    own.agree(peer, &[algorithm, &header.originator.0, &transaction, &recipient.0])
        .map_err(|_| SecurityFault::WrongSuite)
}

/// The cipher of a wrapped key.
///
/// # Errors
/// [`SecurityFault::NotGenuine`] when it does not open under the master key, [`SecurityFault::WrongSuite`] for a length
/// that is not the suite's.
pub fn unwrap_cipher(suite: Suite, master: &KeyHandle, wrapped: &[u8]) -> Result<CipherKey, SecurityFault> {
    let key = master.unwrap_key(wrapped).map_err(|_| SecurityFault::NotGenuine)?;
    if key.bits() == suite.key_bits() { Ok(key.cipher()) } else { Err(SecurityFault::WrongSuite) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taa_keys::{Curve, Key};

    use super::super::suite::{Protection, SecurityControl};
    use super::*;

    const CLIENT: SystemTitle = SystemTitle(*b"CLI\0\0\0\0\x01");
    const SERVER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");
    const TEXT: &[u8] = &[0xC0, 1, 0xC1, 0, 8, 0, 0, 1, 0, 0, 255, 2, 0];

    fn header() -> Header<'static> {
        Header {
            transaction: &[1, 2, 3, 4, 5, 6, 7, 8],
            originator: CLIENT,
            recipient: Some(SERVER),
            date_time: &[],
            other: &[],
        }
    }

    fn symmetric(suite: Suite, byte: u8) -> KeyHandle {
        KeyHandle::new(Key::from_bytes(&vec![byte; suite.key_bits() / 8]).unwrap())
    }

    fn private(curve: Curve, byte: u8) -> PrivateKey {
        PrivateKey::from_bytes(curve, &vec![byte; curve.bytes()]).unwrap()
    }

    /// Protects under `cipher`, then opens with what `find` makes of the message; every changed byte is noticed.
    fn there_and_back(
        suite: Suite,
        info: Option<KeyInfo<'_>>,
        cipher: &CipherKey,
        find: impl Fn(&Ciphered<'_>) -> Result<CipherKey, SecurityFault>,
    ) {
        let authentication = symmetric(suite, 9);
        for protection in [Protection::AUTHENTICATED, Protection::BOTH] {
            let keys = LayerKeys { cipher, authentication: Some(&authentication) };
            let control = SecurityControl::new(suite, protection);
            let seal = Seal { control, title: CLIENT, invocation: 5, keys };
            let mut frame = vec![0xEE; 3];
            frame.extend_from_slice(TEXT);
            protect(&mut frame, 3, &header(), info, &seal).unwrap();
            assert_eq!(frame[..3], [0xEE; 3]);
            let open = |message: &[u8]| -> Result<Vec<u8>, Error> {
                let ciphered = Ciphered::parse(message)?;
                if ciphered.header.recipient != Some(SERVER) {
                    return Err(SecurityFault::WrongTitle.into());
                }
                let cipher = find(&ciphered)?;
                let keys = LayerKeys { cipher: &cipher, authentication: Some(&authentication) };
                let mut scratch = Vec::new();
                Ok(ciphered.open(keys, &mut scratch)?.to_vec())
            };
            assert_eq!(open(&frame[3..]).unwrap(), TEXT);
            for at in 3..frame.len() {
                let mut broken = frame[3..].to_vec();
                broken[at - 3] ^= 1;
                let opened = open(&broken);
                // The choice of a global key is not authenticated by itself; here both are the same key.
                let named = matches!(info, Some(KeyInfo::Unicast | KeyInfo::Broadcast)) && opened.is_ok();
                assert!(opened.is_err() || named, "byte {at}");
            }
        }
    }

    #[test]
    fn every_key_info_goes_there_and_back() {
        for suite in [Suite::Zero, Suite::One, Suite::Two] {
            let global = symmetric(suite, 1).cipher();
            for info in [None, Some(KeyInfo::Unicast), Some(KeyInfo::Broadcast)] {
                there_and_back(suite, info, &global, |_| Ok(global.clone()));
            }
            let (master, key) = (symmetric(suite, 2), symmetric(suite, 3));
            let wrapped = master.wrap(&key);
            there_and_back(suite, Some(KeyInfo::Wrapped(&wrapped)), &key.cipher(), |ciphered| {
                match ciphered.key_info {
                    Some(KeyInfo::Wrapped(wrapped)) => unwrap_cipher(suite, &master, wrapped),
                    _ => Err(SecurityFault::NoKey("wrapped key")),
                }
            });
        }
    }

    #[test]
    fn agreed_keys_are_the_same_on_both_sides_and_nowhere_else() {
        for (suite, curve) in [(Suite::One, Curve::P256), (Suite::Two, Curve::P384)] {
            let (client, server) = (private(curve, 1), private(curve, 2));
            let signing = private(curve, 3);
            let ours = Agreement { own: client.clone(), peer: server.public(), peer_signing: None };
            let theirs = Agreement { own: server, peer: client.public(), peer_signing: Some(signing.public()) };
            let (key, data) =
                ours.one_pass_send(suite, &header(), Purpose::Ciphering, &private(curve, 4), &signing).unwrap();
            assert_eq!(data.len(), curve.bytes() * 4);
            there_and_back(suite, Some(KeyInfo::OnePass(&data)), &key.cipher(), |ciphered| match ciphered.key_info {
                Some(KeyInfo::OnePass(data)) => {
                    theirs.one_pass_receive(suite, &ciphered.header, Purpose::Ciphering, data).map(|key| key.cipher())
                }
                _ => Err(SecurityFault::NoKey("agreed key")),
            });
            let key = ours.static_key(suite, &header(), Purpose::Ciphering).unwrap();
            there_and_back(suite, Some(KeyInfo::Static), &key.cipher(), |ciphered| {
                if ciphered.key_info != Some(KeyInfo::Static) {
                    return Err(SecurityFault::NoKey("agreed key"));
                }
                theirs.static_key(suite, &ciphered.header, Purpose::Ciphering).map(|key| key.cipher())
            });
            // Another transaction, purpose or direction is another key.
            let other = Header { transaction: &[9], ..header() };
            assert_ne!(ours.static_key(suite, &other, Purpose::Ciphering).unwrap(), key);
            assert_ne!(ours.static_key(suite, &header(), Purpose::Wrapping).unwrap(), key);
            let turned = Header { originator: SERVER, recipient: Some(CLIENT), ..header() };
            assert_ne!(ours.static_key(suite, &turned, Purpose::Ciphering).unwrap(), key);
            assert_eq!(ours.static_key(Suite::Zero, &header(), Purpose::Ciphering), Err(SecurityFault::WrongSuite));
        }
    }

    #[test]
    fn signatures_cover_header_and_content() {
        let key = private(Curve::P256, 5);
        let mut frame = vec![0xEE];
        frame.extend_from_slice(TEXT);
        sign(&mut frame, 1, &header(), &key);
        let message = &frame[1..];
        assert_eq!(Signed::parse(message).unwrap().verify(&key.public()), Ok(TEXT));
        let stranger = private(Curve::P256, 6).public();
        assert_eq!(Signed::parse(message).unwrap().verify(&stranger), Err(SecurityFault::NotGenuine));
        for at in 0..message.len() {
            let mut broken = message.to_vec();
            broken[at] ^= 1;
            assert!(Signed::parse(&broken).map_or(true, |signed| signed.verify(&key.public()).is_err()), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80), signing in any::<bool>()) {
            let mut message = vec![if signing { 0xDF } else { 0xDD }];
            message.extend_from_slice(&bytes);
            _ = Ciphered::parse(&message);
            _ = Signed::parse(&message);
        }
    }
}
