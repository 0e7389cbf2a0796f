//! The digits of the stock, hidden in the journal: until somebody has paid for them they are money that whoever has the
//! disk could type in.
//!
//! ```text
//!   20 digits ── AES in counter mode, nonce = system title (8) | sale (4) ──▶ 20 bytes in the journal ──▶ opened when sold
//! ```
//!
//! **Nonce.** The system title is drawn anew by every journal, a sale's number is used once within it, and its token is
//! made from the record of that sale alone: asked again, the module seals the same digits. So no nonce serves two texts,
//! also where a disk was replaced and sales begin at 1 again. A disk that was copied breaks this, as it breaks the leases.
//!
//! There is no tag: what does not open to 20 digits was sealed with another key or is damaged, and is thrown away; what was
//! changed on purpose is a token that no meter takes. Journals from before, or of sites without a key, hold digits as they
//! are, and go on.

use taa_keys::KeyHandle;

use super::VendId;
use crate::gateway::TokenDigits;

/// The digits as the journal keeps them; `None` for a sale whose number is beyond the nonce.
pub(crate) fn seal(key: &KeyHandle, title: [u8; 8], id: VendId, digits: TokenDigits) -> Option<TokenDigits> {
    turn(key, title, id, digits).filter(|sealed| !is_plain(*sealed))
}

/// The digits that were sealed, or that lie there as they are; `None` when this is not the key.
pub(crate) fn open(key: Option<&KeyHandle>, title: [u8; 8], id: VendId, kept: TokenDigits) -> Option<TokenDigits> {
    if is_plain(kept) {
        return Some(kept);
    }
    turn(key?, title, id, kept).filter(|opened| is_plain(*opened))
}

/// Both ways.
fn turn(key: &KeyHandle, title: [u8; 8], id: VendId, mut digits: TokenDigits) -> Option<TokenDigits> {
    let [a, b, c, d, e, f, g, h] = title;
    let [i, j, k, l] = u32::try_from(id.0).ok()?.to_be_bytes();
    key.cipher().stream(&[a, b, c, d, e, f, g, h, i, j, k, l], &mut digits.0);
    Some(digits)
}

fn is_plain(digits: TokenDigits) -> bool {
    digits.0.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use taa_keys::Key;

    use super::*;

    const DIGITS: TokenDigits = TokenDigits(*b"04572225337837000077");

    #[test]
    fn what_is_sealed_opens_with_its_key_sale_and_journal_alone() {
        let (key, other) = (KeyHandle::new(Key::Aes128([7; 16])), KeyHandle::new(Key::Aes128([8; 16])));
        let sealed = seal(&key, [1; 8], VendId(5), DIGITS).unwrap();
        assert_eq!(open(Some(&key), [1; 8], VendId(5), sealed), Some(DIGITS));
        for (key, title, id) in [(&other, [1; 8], 5), (&key, [2; 8], 5), (&key, [1; 8], 6)] {
            assert_eq!(open(Some(key), title, VendId(id), sealed), None);
        }
        assert_eq!(open(None, [1; 8], VendId(5), sealed), None);
        assert_eq!(open(None, [1; 8], VendId(5), DIGITS), Some(DIGITS), "as before");
        assert_eq!(seal(&key, [1; 8], VendId(1 << 32), DIGITS), None);
    }

    #[test]
    fn no_two_sales_share_a_key_stream() {
        let key = KeyHandle::new(Key::Aes128([7; 16]));
        let sealed: std::collections::BTreeSet<[u8; 20]> =
            (1..2000).filter_map(|id| seal(&key, [1; 8], VendId(id), DIGITS)).map(|sealed| sealed.0).collect();
        assert_eq!(sealed.len(), 1999);
    }
}
