//! Signed notes (C2SP `signed-note`): a text, an empty line, and signature lines by named keys.
//!
//! ```text
//! <text, any lines, ending in a newline>
//! <empty line>
//! — <key name> <base64 of: 4 bytes key id, signature>
//! ```
//!
//! Two kinds of signature: the log's own ([`Kind::Ed25519`]), and that of a witness who has seen the log grow
//! ([`Kind::Cosignature`], C2SP `tlog-cosignature`), which states a time. Lines by unknown keys are passed over; one
//! wrong line by a known key spoils the whole note; no line by a known key makes it worthless.

use base64ct::{Base64, Encoding};
use taa_keys::hash::sha256;
use taa_keys::{Ed25519Private, Ed25519Public};

/// Bytes of a note; sixteen post-quantum signatures (of others) fit.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// Signature lines that are looked at.
pub const SIGNATURES_MAX: usize = 100;
/// What a signature line opens with.
const LINE_START: &str = "— ";

/// Why a note says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The file's fault: not UTF-8, control characters, no empty line, or a malformed signature line.
    #[error("not a signed note")]
    Malformed,
    /// More than [`NOTE_BYTES_MAX`] or [`SIGNATURES_MAX`].
    #[error("a note too large to be looked at")]
    TooLarge,
    /// A line by a known key does not fit: the text was changed, or the line forged.
    #[error("the signature by {0} does not fit the text")]
    WrongSignature(String),
    /// Nobody we know has signed it: another log, a replaced key, or a file without worth.
    #[error("not signed by a known key")]
    Unsigned,
    /// The caller's fault: a key name is empty or has spaces or a plus in it.
    #[error("not a key name")]
    KeyName,
    /// The caller's fault: the text of a verifier key does not hold together.
    #[error("not a verifier key")]
    VerifierKey,
}

/// What a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The text.
    Ed25519,
    /// The text behind a header and a time: a witness saw this tree as a consistent and the largest one then.
    Cosignature,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A key that signs notes.
#[derive(Clone, Debug)]
pub struct Signer {
    verifier: Verifier,
    key: Ed25519Private,
}

impl Signer {
    /// A key under a name, by custom a URL without scheme (`site.example/ledger`).
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn new(name: &str, kind: Kind, key: Ed25519Private) -> Result<Self, NoteError> {
        Ok(Self { verifier: Verifier::new(name, kind, key.public())?, key })
    }

    /// What others need to check its signatures.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn line(&self, text: &str, time_s: u64) -> String {
        let mut signature = self.verifier.id.to_vec();
        match self.verifier.kind {
            Kind::Ed25519 => signature.extend(self.key.sign(text.as_bytes())),
            Kind::Cosignature => {
                signature.extend(time_s.to_be_bytes());
                signature.extend(self.key.sign(cosigned(text, time_s).as_bytes()));
            }
        }
        format!("{LINE_START}{} {}\n", self.verifier.name, Base64::encode_string(&signature))
    }
}

/// A key that notes are checked with, known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    kind: Kind,
    id: [u8; 4],
    key: Ed25519Public,
}

impl Verifier {
    /// A key under a name.
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn new(name: &str, kind: Kind, key: Ed25519Public) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::KeyName);
        }
        // "key ID = SHA-256(key name || 0x0A || signature type || public key)[:4]"
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[kind.byte()], &key.to_bytes()]);
        Ok(Self { name: name.to_owned(), kind, id: [a, b, c, d], key })
    }

    /// From its text form, `<name>+<key id in hex>+<base64 of type and key>`.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`], also when the id is not that of the key.
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::VerifierKey;
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(wrong) };
        let bytes = Base64::decode_vec(key).map_err(|_| NoteError::VerifierKey)?;
        let (kind, key) = match bytes.split_first() {
            Some((1, key)) => (Kind::Ed25519, key),
            Some((4, key)) => (Kind::Cosignature, key),
            _ => return Err(wrong),
        };
        let key = key.try_into().ok().and_then(|key| Ed25519Public::from_bytes(key).ok());
        let verifier = Self::new(name, kind, key.ok_or(NoteError::VerifierKey)?)?;
        if id.eq_ignore_ascii_case(&verifier.id_hex()) { Ok(verifier) } else { Err(wrong) }
    }

    /// Its text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut key = vec![self.kind.byte()];
        key.extend(self.key.to_bytes());
        format!("{}+{}+{}", self.name, self.id_hex(), Base64::encode_string(&key))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    fn id_hex(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }

    /// The time that the signature states, if of a kind that does.
    fn check(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, NoteError> {
        let wrong = || NoteError::WrongSignature(self.name.clone());
        match self.kind {
            Kind::Ed25519 => self.key.verify(text.as_bytes(), signature).map(|()| None).map_err(|_| wrong()),
            Kind::Cosignature => {
                let (time, signature) = signature.split_first_chunk().ok_or_else(wrong)?;
                let time_s = u64::from_be_bytes(*time);
                let message = cosigned(text, time_s);
                self.key.verify(message.as_bytes(), signature).map(|()| Some(time_s)).map_err(|_| wrong())
            }
        }
    }
}

/// A line that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Name of the key.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// What time a witness states, in seconds since 1970.
    pub time_s: Option<u64>,
}

/// A note, taken apart and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<(&'a str, [u8; 4], Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::TooLarge`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed);
        }
        // The text keeps its last newline: the signatures stand behind the last empty line.
        let at = note.rfind("\n\n").and_then(|at| at.checked_add(1)).ok_or(NoteError::Malformed)?;
        let (text, rest) = note.split_at_checked(at).ok_or(NoteError::Malformed)?;
        let rest = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        let mut lines = Vec::new();
        for line in rest.split('\n') {
            if lines.len() == SIGNATURES_MAX {
                return Err(NoteError::TooLarge);
            }
            lines.push(Self::line(line).ok_or(NoteError::Malformed)?);
        }
        Ok(Self { text, lines })
    }

    fn line(line: &'a str) -> Option<(&'a str, [u8; 4], Vec<u8>)> {
        let (name, signature) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let bytes = Base64::decode_vec(signature).ok()?;
        let (id, signature) = bytes.split_first_chunk()?;
        (is_key_name(name) && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
    }

    /// The text, last newline included.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Who of these has signed the text.
    ///
    /// # Errors
    /// [`NoteError::WrongSignature`], [`NoteError::Unsigned`].
    pub fn verify(&self, known: &[Verifier]) -> Result<Vec<Signed>, NoteError> {
        let mut signed = Vec::new();
        for (name, id, signature) in &self.lines {
            let Some(verifier) = known.iter().find(|key| key.name == *name && key.id == *id) else { continue };
            let time_s = verifier.check(self.text, signature)?;
            signed.push(Signed { name: verifier.name.clone(), kind: verifier.kind, time_s });
        }
        if signed.is_empty() { Err(NoteError::Unsigned) } else { Ok(signed) }
    }
}

/// Signs a text; `time_s` (seconds since 1970) is stated by witnesses alone.
///
/// # Errors
/// [`NoteError::Malformed`] for a text that does not end in a newline or has control characters in it.
pub fn sign(text: &str, signers: &[&Signer], time_s: u64) -> Result<String, NoteError> {
    if !text.ends_with('\n') || text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed);
    }
    let lines = signers.iter().map(|signer| signer.line(text, time_s));
    Ok(std::iter::once(format!("{text}\n")).chain(lines).collect())
}

/// Adds a signature to a signed note, as a witness does.
///
/// # Errors
/// When the note is malformed.
pub fn cosign(note: &str, signer: &Signer, time_s: u64) -> Result<String, NoteError> {
    let text = Note::parse(note.as_bytes())?.text();
    Ok(format!("{note}{}", signer.line(text, time_s)))
}

fn cosigned(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c < ' ')
}
