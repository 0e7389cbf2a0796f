//! A receipt: the proof of one entry as a text that needs nothing else (C2SP `tlog-proof`). A customer who keeps one
//! can show, with the log never at hand again, that a payment was recorded.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>             may be left out; not covered by the proof
//! index 73894
//! gSKyXoYZUgZ6…              hashes beside the way to the root, from the leaf up
//! <empty line>
//! <the signed checkpoint>
//! ```
//!
//! The entry itself is not in it: whoever checks hashes what the customer says the entry was.

use base64ct::{Base64, Encoding};

use crate::note::{NoteError, Signed, Verifier};
use crate::{Checkpoint, Hash, ProofError, verify_inclusion};

const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// The proof that an entry is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Place of the entry.
    pub index: u64,
    /// Hashes beside the way to the root ([`crate::prove::inclusion`]).
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Anything, not covered by the proof.
    pub extra: Vec<u8>,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The checkpoint is not one, or not signed by a known key.
    #[error("checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The entry is not where the receipt says.
    #[error("proof: {0}")]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// The text, by custom in a file `*.tlog-proof`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        if !self.extra.is_empty() {
            text += &format!("extra {}\n", Base64::encode_string(&self.extra));
        }
        text += &format!("index {}\n", self.index);
        for hash in &self.path {
            text += &hash.to_base64();
            text.push('\n');
        }
        text.push('\n');
        text + &self.checkpoint
    }

    /// Reads the text; none if it is no receipt.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (proof, checkpoint) = text.split_once("\n\n")?;
        let mut lines = proof.split('\n');
        lines.next().filter(|head| *head == HEAD)?;
        let mut line = lines.next()?;
        let mut extra = Vec::new();
        if let Some(base64) = line.strip_prefix("extra ") {
            extra = Base64::decode_vec(base64).ok()?;
            line = lines.next()?;
        }
        let digits = line.strip_prefix("index ")?;
        let index: u64 = digits.parse().ok().filter(|index: &u64| index.to_string() == digits)?;
        let path = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        Some(Self { index, path, checkpoint: checkpoint.to_owned(), extra })
    }

    /// That this entry is in the log of one of these keys, at the receipt's place. The checkpoint, and who signed it.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(&self, entry: &[u8], known: &[Verifier]) -> Result<(Checkpoint, Vec<Signed>), ReceiptError> {
        let (checkpoint, by) = Checkpoint::open(self.checkpoint.as_bytes(), known)?;
        verify_inclusion(&Hash::of_leaf(entry), self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok((checkpoint, by))
    }
}
