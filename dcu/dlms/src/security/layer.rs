//! One layer of protection: security control byte, invocation counter, text, tag (Green Book 9.2.7.2.4).
//!
//! ```text
//!  tag  length │ SC │ IC (4) │ text, encrypted or not │ tag (12) │      glo- and ded-, by service
//!  DB/DC  title  length │ … the same …                                general-glo- and -ded-ciphering
//! ```
//!
//! | protection | additional authenticated data | encrypted |
//! |---|---|---|
//! | authentication | SC ‖ AK ‖ (header of general-ciphering) ‖ text | nothing |
//! | encryption | none, no tag | text |
//! | both | SC ‖ AK ‖ (header of general-ciphering) | text |
//!
//! These are pure functions over bytes and key handles; counters and policy are the [`super::Channel`]'s.

use taa_keys::{Aad, CipherKey, KeyHandle, TAG_BYTES};

use super::suite::{SecurityControl, SystemTitle};
use super::tags;
use crate::error::{DecodeError, Error, SecurityFault};
use crate::wire::{Reader, length_width, put_length};

/// Bytes of security control and invocation counter.
pub const HEADER_BYTES: usize = 5;
/// Most bytes that the outside of a message takes: tag, title with its length, and the widest length.
const ENVELOPE_BYTES: usize = 1 + 9 + 5;

/// Keys of one direction of one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerKeys<'a> {
    /// Encrypts.
    pub cipher: &'a CipherKey,
    /// Counts as authenticated data; a peer that has none leaves it out.
    pub authentication: Option<&'a KeyHandle>,
}

/// One use of a key: what is done, by whom, under which counter.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// What is done.
    pub control: SecurityControl,
    /// Title of the sender.
    pub title: SystemTitle,
    /// The counter, never used before under this key and title.
    pub invocation: u32,
    /// The keys.
    pub keys: LayerKeys<'a>,
}

/// Outside form of a protected message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A tag per service: shortest. Services that have none go in the general form.
    Service,
    /// general-glo-ciphering or general-ded-ciphering, with the sender's title.
    General,
    /// general-ciphering, with both titles and a key that the message names, carries or agrees on.
    Parties(KeySource),
}

/// Where the key of a general-ciphering message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The global key.
    Identified,
    /// Made for the message, wrapped under the master key.
    Wrapped,
    /// Agreed by C(1e, 1s).
    OnePass,
    /// Agreed by C(0e, 2s).
    Static,
}

/// A protected message taken apart, not yet opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Its form.
    pub form: Form,
    /// Under the dedicated key.
    pub dedicated: bool,
    /// The tag that the text must begin with; the general forms carry any.
    pub plain_tag: Option<u8>,
    /// The sender's title, in the general forms.
    pub title: Option<SystemTitle>,
    /// Security control byte, counter, text, tag.
    pub body: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes the outside off.
    ///
    /// # Errors
    /// Any [`DecodeError`]; other tags are [`DecodeError::UnknownTag`].
    pub fn parse(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let tag = reader.u8()?;
        let (form, dedicated, plain_tag, title) = match tag {
            tags::GENERAL_GLO | tags::GENERAL_DED => {
                let title = reader.octets()?;
                let known = SystemTitle::from_bytes(title);
                if known.is_none() && !title.is_empty() {
                    return Err(DecodeError::OutOfRange("system title"));
                }
                (Form::General, tag == tags::GENERAL_DED, None, known)
            }
            tag => match tags::plain(tag) {
                Some((plain, dedicated)) => (Form::Service, dedicated, Some(plain), None),
                None => return Err(DecodeError::UnknownTag { what: "protected message", tag }),
            },
        };
        let body = reader.octets()?;
        reader.finish()?;
        Ok(Self { form, dedicated, plain_tag, title, body })
    }
}

/// Security control byte and counter of a body.
///
/// # Errors
/// [`DecodeError::Truncated`]; a reserved suite is [`DecodeError::OutOfRange`].
pub fn header(body: &[u8]) -> Result<(SecurityControl, u32), DecodeError> {
    let mut reader = Reader::new(body);
    let control = SecurityControl::from_byte(reader.u8()?).ok_or(DecodeError::OutOfRange("security suite"))?;
    Ok((control, reader.u32()?))
}

/// How many bytes [`protect`] adds at most to a message of that length.
#[must_use]
pub const fn overhead(control: SecurityControl, form: Form, message_bytes: usize) -> usize {
    let tag = if control.protection.authenticated { TAG_BYTES } else { 0 };
    let title = match form {
        Form::Service => 0,
        Form::General => 9,
        // Transaction and both titles, no date-time and other information, and the longest key info.
        Form::Parties(_) => 27 + 2 + 8 + 4 * 48,
    };
    let body = message_bytes.saturating_add(HEADER_BYTES).saturating_add(tag);
    1_usize.saturating_add(title).saturating_add(length_width(body)).saturating_add(HEADER_BYTES).saturating_add(tag)
}

/// Protects the message that begins at `start`, in place.
///
/// # Errors
/// [`SecurityFault::WrongSuite`] when the key is of another length than the suite's, for compression, or when nothing
/// is to be done to the message.
pub fn protect(
    frame: &mut Vec<u8>,
    start: usize,
    form: Form,
    dedicated: bool,
    seal: &Seal<'_>,
) -> Result<(), SecurityFault> {
    let text_bytes = frame.len().saturating_sub(start);
    let tag_bytes = if seal.control.protection.authenticated { TAG_BYTES } else { 0 };
    let first = frame.get(start).copied().unwrap_or(0);
    let service = if form == Form::Service { tags::protected(first, dedicated) } else { None };
    let before = frame.len();
    frame.reserve(ENVELOPE_BYTES.saturating_add(HEADER_BYTES).saturating_add(tag_bytes));
    match service {
        Some(tag) => frame.push(tag),
        None => {
            frame.push(if dedicated { tags::GENERAL_DED } else { tags::GENERAL_GLO });
            frame.push(8);
            frame.extend_from_slice(&seal.title.0);
        }
    }
    put_length(frame, HEADER_BYTES.saturating_add(text_bytes).saturating_add(tag_bytes));
    put_header(frame, seal);
    let ahead = frame.len().saturating_sub(before);
    // What goes ahead was written behind the text: turn them around, once for all of it.
    if let Some(whole) = frame.get_mut(start..) {
        whole.rotate_right(ahead);
    }
    seal_text(frame, start.saturating_add(ahead), seal, &[])
}

/// Security control byte and counter.
fn put_header(frame: &mut Vec<u8>, seal: &Seal<'_>) {
    let [a, b, c, d] = seal.invocation.to_be_bytes();
    frame.extend_from_slice(&[seal.control.to_byte(), a, b, c, d]);
}

/// Turns the text that begins at `at` into a body: header, text, tag. `context` is authenticated too: the header fields
/// of general-ciphering.
///
/// # Errors
/// As [`protect`].
pub fn seal_body(frame: &mut Vec<u8>, at: usize, seal: &Seal<'_>, context: &[u8]) -> Result<(), SecurityFault> {
    put_header(frame, seal);
    if let Some(body) = frame.get_mut(at..) {
        body.rotate_right(HEADER_BYTES);
    }
    seal_text(frame, at.saturating_add(HEADER_BYTES), seal, context)
}

/// Seals the text that begins at `at`, behind its header, and appends the tag.
fn seal_text(frame: &mut Vec<u8>, at: usize, seal: &Seal<'_>, context: &[u8]) -> Result<(), SecurityFault> {
    let Seal { control, title, invocation, keys } = *seal;
    if control.compressed || control.protection.is_none() || keys.cipher.bits() != control.suite.key_bits() {
        return Err(SecurityFault::WrongSuite);
    }
    let head = [control.to_byte()];
    let nonce = title.nonce(invocation);
    let text = frame.get_mut(at..).unwrap_or_default();
    let tag = match (control.protection.authenticated, control.protection.encrypted) {
        (true, true) => {
            Some(keys.cipher.seal(&nonce, Aad { head: &head, key: keys.authentication, parts: &[context] }, text))
        }
        (true, false) => Some(keys.cipher.seal(
            &nonce,
            Aad { head: &head, key: keys.authentication, parts: &[context, text] },
            &mut [],
        )),
        (false, _) => {
            keys.cipher.stream(&nonce, text);
            None
        }
    };
    if let Some(tag) = tag {
        frame.extend_from_slice(&tag);
    }
    Ok(())
}

/// Opens a body in place; the text.
///
/// # Errors
/// [`SecurityFault::NotGenuine`], [`SecurityFault::WrongSuite`]; [`DecodeError`] for a body that is no body.
pub fn open_body<'b>(
    body: &'b mut [u8],
    title: SystemTitle,
    keys: LayerKeys<'_>,
    context: &[u8],
) -> Result<&'b [u8], Error> {
    let header = header(body)?;
    let rest = body.get_mut(HEADER_BYTES..).ok_or(DecodeError::Truncated)?;
    open_rest(header, rest, title, keys, context)
}

/// Opens in place what follows the header of a body: text and tag. The text.
///
/// # Errors
/// As [`open_body`].
pub(super) fn open_rest<'b>(
    (control, invocation): (SecurityControl, u32),
    rest: &'b mut [u8],
    title: SystemTitle,
    keys: LayerKeys<'_>,
    context: &[u8],
) -> Result<&'b [u8], Error> {
    if control.compressed || control.protection.is_none() || keys.cipher.bits() != control.suite.key_bits() {
        return Err(SecurityFault::WrongSuite.into());
    }
    let head = [control.to_byte()];
    let nonce = title.nonce(invocation);
    if !control.protection.authenticated {
        keys.cipher.stream(&nonce, rest);
        return Ok(rest);
    }
    let (text, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or(DecodeError::Truncated)?;
    let genuine = if control.protection.encrypted {
        keys.cipher.open(&nonce, Aad { head: &head, key: keys.authentication, parts: &[context] }, text, tag)
    } else {
        let aad = Aad { head: &head, key: keys.authentication, parts: &[context, text] };
        keys.cipher.open(&nonce, aad, &mut [], tag)
    };
    genuine.map_err(|_| SecurityFault::NotGenuine)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taa_keys::{Key, KeyHandle};

    use super::super::suite::{Protection, Suite};
    use super::*;

    const TITLE: SystemTitle = SystemTitle(*b"CLI\0\0\0\0\x01");

    fn any_protection() -> impl Strategy<Value = Protection> {
        prop_oneof![Just(Protection::AUTHENTICATED), Just(Protection::ENCRYPTED), Just(Protection::BOTH)]
    }

    proptest! {
        #[test]
        fn what_is_protected_opens_again(
            text in proptest::collection::vec(any::<u8>(), 1..400),
            before in 0_usize..12,
            protection in any_protection(),
            general in any::<bool>(),
            dedicated in any::<bool>(),
            invocation in any::<u32>(),
            with_key in any::<bool>(),
            flip in any::<u16>(),
        ) {
            let cipher = KeyHandle::new(Key::Aes128([1; 16])).cipher();
            let authentication = KeyHandle::new(Key::Aes128([2; 16]));
            let keys = LayerKeys { cipher: &cipher, authentication: with_key.then_some(&authentication) };
            let control = SecurityControl::new(Suite::Zero, protection);
            let form = if general { Form::General } else { Form::Service };
            let mut frame = vec![0xEE; before];
            frame.extend_from_slice(&text);
            protect(&mut frame, before, form, dedicated, &Seal { control, title: TITLE, invocation, keys }).unwrap();
            prop_assert!(frame[..before].iter().all(|byte| *byte == 0xEE));
            let message = &frame[before..];
            let worst = overhead(control, Form::General, text.len());
            prop_assert!(message.len() <= text.len() + worst);
            let envelope = Envelope::parse(message).unwrap();
            prop_assert_eq!(envelope.dedicated, dedicated);
            prop_assert_eq!(header(envelope.body), Ok((control, invocation)));
            let mut body = envelope.body.to_vec();
            prop_assert_eq!(open_body(&mut body, TITLE, keys, &[]).unwrap(), &text[..]);
            if protection.authenticated {
                let mut body = envelope.body.to_vec();
                let at = usize::from(flip) % (body.len() * 8);
                body[at / 8] ^= 1 << (at % 8);
                // A header that no longer claims to be authenticated is for the policy to refuse.
                let claims = header(&body).is_ok_and(|(control, _)| control.protection.authenticated);
                prop_assert!(open_body(&mut body, TITLE, keys, &[]).is_err() || !claims);
                let mut body = envelope.body.to_vec();
                prop_assert!(open_body(&mut body, SystemTitle([0; 8]), keys, &[]).is_err());
            }
        }

        #[test]
        fn garbage_never_opens_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let cipher = KeyHandle::new(Key::Aes128([1; 16])).cipher();
            let keys = LayerKeys { cipher: &cipher, authentication: None };
            _ = Envelope::parse(&bytes);
            let mut body = bytes.clone();
            let open = open_body(&mut body, TITLE, keys, &[]).is_ok();
            prop_assert!(!open || bytes[0] & 0x30 == 0x20);
        }
    }

    #[test]
    fn a_key_of_another_suite_is_refused() {
        let cipher = KeyHandle::new(Key::Aes128([1; 16])).cipher();
        let keys = LayerKeys { cipher: &cipher, authentication: None };
        let control = SecurityControl::new(Suite::Two, Protection::BOTH);
        let mut frame = vec![0xC0, 1];
        let seal = Seal { control, title: TITLE, invocation: 1, keys };
        let sealed = protect(&mut frame, 0, Form::Service, false, &seal);
        assert_eq!(sealed, Err(SecurityFault::WrongSuite));
    }
}
