//! AES in Galois/Counter Mode (NIST SP 800-38D) as DLMS/COSEM uses it: nonce of 96 bits, tag of 96 bits.
//!
//! The block cipher and GHASH are those of the crates `aes` and `ghash`, which use the CPU's instructions when it has
//! them; only the mode is put together here, because the authenticated data comes in pieces, one of which is itself a
//! key, and because text is protected where it stands: nothing is allocated or copied.

use std::fmt;
use std::sync::Arc;

use aes::cipher::consts::U16;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, ParBlocks};
use aes::{Aes128Enc, Aes256Enc};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use zeroize::{Zeroize, optimization_barrier};

use crate::{Key, KeyHandle};

/// Bytes of a nonce: system title and invocation counter in DLMS.
pub const NONCE_BYTES: usize = 12;
/// Bytes of a tag: 96 bits in every DLMS suite.
pub const TAG_BYTES: usize = 12;

const BLOCK: usize = 16;
/// Blocks of key stream made at once: enough for a usual message, and what the CPU's pipeline likes.
const BATCH: usize = 8;

/// The tag does not fit: wrong key, or something was changed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authentication tag does not fit")]
pub struct TagMismatch;

/// What is authenticated and not encrypted: `head`, then a key's own bytes, then `parts`, without lengths between.
///
/// DLMS authenticates the security control byte, the authentication key, and what the service adds.
#[derive(Clone, Copy, Debug)]
pub struct Aad<'a> {
    /// First bytes.
    pub head: &'a [u8],
    /// A key that counts as data.
    pub key: Option<&'a KeyHandle>,
    /// The rest.
    pub parts: &'a [&'a [u8]],
}

impl Aad<'_> {
    /// Nothing.
    pub const EMPTY: Self = Self { head: &[], key: None, parts: &[] };
}

/// A handle to an AES key made ready for GCM. Copies share the key; the last one wipes it. The key cannot be read back.
#[derive(Clone)]
pub struct CipherKey(Ready);

#[derive(Clone)]
enum Ready {
    Aes128(Arc<Gcm<Aes128Enc>>),
    Aes256(Arc<Gcm<Aes256Enc>>),
}

impl CipherKey {
    /// Expands a key.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self(match key {
            Key::Aes128(bytes) => Ready::Aes128(Arc::new(Gcm::new(aes::cipher::KeyInit::new(bytes.into())))),
            Key::Aes256(bytes) => Ready::Aes256(Arc::new(Gcm::new(aes::cipher::KeyInit::new(bytes.into())))),
        })
    }

    /// Length of the key, bits: 128 or 256.
    #[must_use]
    pub const fn bits(&self) -> usize {
        match self.0 {
            Ready::Aes128(_) => 128,
            Ready::Aes256(_) => 256,
        }
    }

    /// Memory of the expanded key, shared by all copies, bytes.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        match self.0 {
            Ready::Aes128(_) => size_of::<Gcm<Aes128Enc>>(),
            Ready::Aes256(_) => size_of::<Gcm<Aes256Enc>>(),
        }
    }

    /// Encrypts the text where it stands and authenticates it with `aad`. A nonce must never repeat under one key.
    ///
    /// An empty text gives GMAC.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; NONCE_BYTES], aad: Aad<'_>, text: &mut [u8]) -> [u8; TAG_BYTES] {
        match &self.0 {
            Ready::Aes128(gcm) => gcm.seal(nonce, aad, text),
            Ready::Aes256(gcm) => gcm.seal(nonce, aad, text),
        }
    }

    /// Checks the tag, then decrypts the text where it stands.
    ///
    /// # Errors
    /// [`TagMismatch`]; the text is then as it was.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: Aad<'_>,
        text: &mut [u8],
        tag: &[u8],
    ) -> Result<(), TagMismatch> {
        match &self.0 {
            Ready::Aes128(gcm) => gcm.open(nonce, aad, text, tag),
            Ready::Aes256(gcm) => gcm.open(nonce, aad, text, tag),
        }
    }

    /// Encrypts or decrypts without authentication: GCM's counter mode alone.
    pub fn stream(&self, nonce: &[u8; NONCE_BYTES], text: &mut [u8]) {
        match &self.0 {
            Ready::Aes128(gcm) => _ = gcm.first_batch(nonce, text.len()).apply(gcm, text),
            Ready::Aes256(gcm) => _ = gcm.first_batch(nonce, text.len()).apply(gcm, text),
        }
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CipherKey(AES-{})", self.bits())
    }
}

/// Equal in time that depends on the lengths alone.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

struct Gcm<C> {
    cipher: C,
    hash: GHash,
}

impl<C: BlockCipherEncrypt<BlockSize = U16>> Gcm<C> {
    fn new(cipher: C) -> Self {
        let mut zero = Block::<C>::default();
        cipher.encrypt_block(&mut zero);
        let hash = GHash::new(&zero);
        zero.zeroize();
        Self { cipher, hash }
    }

    #[inline]
    fn seal(&self, nonce: &[u8; NONCE_BYTES], aad: Aad<'_>, text: &mut [u8]) -> [u8; TAG_BYTES] {
        let mask = self.first_batch(nonce, text.len()).apply(self, text);
        self.tag(aad, text, mask)
    }

    #[inline]
    fn open(&self, nonce: &[u8; NONCE_BYTES], aad: Aad<'_>, text: &mut [u8], tag: &[u8]) -> Result<(), TagMismatch> {
        let mut first = self.first_batch(nonce, text.len());
        if !equal(&self.tag(aad, text, first.mask()), tag) {
            return Err(TagMismatch);
        }
        first.apply(self, text);
        Ok(())
    }

    /// The mask of the tag (counter 1) and the key stream that follows it.
    #[inline]
    fn first_batch(&self, nonce: &[u8; NONCE_BYTES], text_bytes: usize) -> Batch {
        let count = text_bytes.div_ceil(BLOCK).saturating_add(1).min(BATCH);
        let mut batch = Batch { blocks: Default::default(), nonce: *nonce };
        batch.fill(&self.cipher, 1, count);
        batch
    }

    #[inline]
    fn tag(&self, aad: Aad<'_>, text: &[u8], mask: [u8; BLOCK]) -> [u8; TAG_BYTES] {
        let mut hash = self.hash.clone();
        let mut absorb = Absorb { hash: &mut hash, gathered: [0; GATHER], used: 0 };
        let mut aad_bytes = aad.head.len();
        absorb.push(aad.head);
        if let Some(key) = aad.key {
            absorb.push(key.key().expose());
            aad_bytes = aad_bytes.saturating_add(key.key().expose().len());
        }
        for part in aad.parts {
            absorb.push(part);
            aad_bytes = aad_bytes.saturating_add(part.len());
        }
        absorb.pad();
        absorb.push(text);
        absorb.pad();
        let bits = |bytes: usize| (bytes as u64).wrapping_mul(8).to_be_bytes();
        let [a, b, c, d, e, f, g, h] = bits(aad_bytes);
        let [i, j, k, l, m, n, o, p] = bits(text.len());
        absorb.push(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]);
        absorb.flush();
        // The authentication key went through it.
        absorb.gathered = [0; GATHER];
        optimization_barrier(&absorb.gathered);
        let digest = hash.finalize();
        let mut tag = [0; TAG_BYTES];
        for ((to, from), mask) in tag.iter_mut().zip(digest).zip(mask) {
            *to = from ^ mask;
        }
        tag
    }
}

/// Some blocks of key stream, the first of them the tag's mask.
struct Batch {
    blocks: [ghash::Block; BATCH],
    nonce: [u8; NONCE_BYTES],
}

impl Batch {
    fn fill<C: BlockCipherEncrypt<BlockSize = U16>>(&mut self, cipher: &C, from: u32, count: usize) {
        let wanted = self.blocks.get_mut(..count).unwrap_or_default();
        for (block, counter) in wanted.iter_mut().zip(from..) {
            let [a, b, c, d, e, f, g, h, i, j, k, l] = self.nonce;
            let [m, n, o, p] = counter.to_be_bytes();
            *block = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p].into();
        }
        cipher.encrypt_with_backend(Few { blocks: &mut self.blocks, count });
    }

    fn mask(&self) -> [u8; BLOCK] {
        let [first, ..] = &self.blocks;
        (*first).into()
    }

    /// Mixes the stream into the text; the mask.
    #[inline]
    fn apply<C: BlockCipherEncrypt<BlockSize = U16>>(&mut self, gcm: &Gcm<C>, text: &mut [u8]) -> [u8; BLOCK] {
        let mask = self.mask();
        let (head, rest) = text
            .split_at_mut_checked(BLOCK.saturating_mul(BATCH.saturating_sub(1)))
            .map_or_else(|| (None, None), |(head, rest)| (Some(head), Some(rest)));
        match (head, rest) {
            (Some(head), Some(rest)) => {
                let [_, stream @ ..] = &self.blocks;
                mix(stream.iter(), head);
                for (at, chunk) in rest.chunks_mut(BLOCK.saturating_mul(BATCH)).enumerate() {
                    // A message of 64 GB would wrap; no link carries one.
                    let from = (at as u32).wrapping_mul(BATCH as u32).wrapping_add(BATCH as u32).wrapping_add(1);
                    self.fill(&gcm.cipher, from, chunk.len().div_ceil(BLOCK));
                    mix(self.blocks.iter(), chunk);
                }
            }
            _ => {
                let [_, stream @ ..] = &self.blocks;
                mix(stream.iter(), text);
            }
        }
        mask
    }
}

/// Encrypts the first few blocks. Backends that take some at once are used so; those that take more than a batch (and
/// first spread the round keys for it, at a cost of its own) get them one by one.
struct Few<'a> {
    blocks: &'a mut [ghash::Block; BATCH],
    count: usize,
}

impl BlockSizeUser for Few<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Few<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let at_once = <B::ParBlocksSize as Unsigned>::USIZE;
        if at_once > 1 && BATCH.is_multiple_of(at_once) {
            let (groups, _) = ParBlocks::<B>::slice_as_chunks_mut(self.blocks.as_mut_slice());
            for group in groups.iter_mut().take(self.count.div_ceil(at_once)) {
                backend.encrypt_par_blocks(group.into());
            }
        } else {
            for block in self.blocks.iter_mut().take(self.count) {
                backend.encrypt_block(block.into());
            }
        }
    }
}

#[inline]
fn mix<'a, B: AsRef<[u8]> + 'a>(stream: impl Iterator<Item = &'a B>, text: &mut [u8]) {
    for (block, piece) in stream.zip(text.chunks_mut(BLOCK)) {
        for (byte, key) in piece.iter_mut().zip(block.as_ref()) {
            *byte ^= key;
        }
    }
}

/// Gathers pieces into blocks for GHASH, four at a time: that many it multiplies at once.
struct Absorb<'a> {
    hash: &'a mut GHash,
    gathered: [u8; GATHER],
    used: usize,
}

const GATHER: usize = 4 * BLOCK;

impl Absorb<'_> {
    #[inline]
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.used == 0 && bytes.len() >= GATHER {
                let (blocks, rest) = ghash::Block::slice_as_chunks(bytes);
                self.hash.update(blocks);
                bytes = rest;
                continue;
            }
            let room = self.gathered.get_mut(self.used..).unwrap_or_default();
            if let Some(to) = room.get_mut(..bytes.len()) {
                to.copy_from_slice(bytes);
                self.used = self.used.saturating_add(bytes.len());
                return self.flush_if_full();
            }
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            for (to, from) in room.iter_mut().zip(now) {
                *to = *from;
            }
            self.used = self.used.saturating_add(count);
            bytes = later;
            self.flush_if_full();
        }
    }

    /// Fills the last block with zeros.
    #[inline]
    fn pad(&mut self) {
        let whole = self.used.next_multiple_of(BLOCK);
        for byte in self.gathered.get_mut(self.used..whole).unwrap_or_default() {
            *byte = 0;
        }
        self.used = whole;
        self.flush_if_full();
    }

    #[inline]
    fn flush_if_full(&mut self) {
        if self.used == GATHER {
            self.flush();
        }
    }

    #[inline]
    fn flush(&mut self) {
        let (blocks, _) = ghash::Block::slice_as_chunks(self.gathered.get(..self.used).unwrap_or(&[]));
        self.hash.update(blocks);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::{Aead, KeyInit, Payload};
    use proptest::prelude::*;

    use super::*;
    use crate::hmac::hex;

    type Gcm128 = aes_gcm::AesGcm<aes::Aes128, aes_gcm::aead::consts::U12, aes_gcm::aead::consts::U12>;
    type Gcm256 = aes_gcm::AesGcm<aes::Aes256, aes_gcm::aead::consts::U12, aes_gcm::aead::consts::U12>;

    /// The GCM specification's test cases 4 and 16, the tag cut to 96 bits.
    #[test]
    fn published_cases() {
        let text = hex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let nonce: [u8; 12] = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        for (key, cipher, tag) in [
            (
                "feffe9928665731c6d6a8f9467308308",
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
                "5bc94fbc3221a5db94fae95a",
            ),
            (
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
                "76fc6ece0f4e1768cddf8853",
            ),
        ] {
            let key = CipherKey::new(&Key::from_bytes(&hex(key)).unwrap());
            let mut sealed = text.clone();
            let got =
                key.seal(&nonce, Aad { head: &aad[..3], key: None, parts: &[&aad[3..10], &aad[10..]] }, &mut sealed);
            assert_eq!((sealed, got.to_vec()), (hex(cipher), hex(tag)));
        }
    }

    proptest! {
        #[test]
        fn another_implementation_agrees(
            key in proptest::collection::vec(any::<u8>(), 32),
            long in any::<bool>(),
            nonce in any::<[u8; 12]>(),
            aad in proptest::collection::vec(any::<u8>(), 0..80),
            cut in 0_usize..80,
            text in proptest::collection::vec(any::<u8>(), 0..700),
            flip in any::<u16>(),
        ) {
            let bytes = if long { &key[..] } else { &key[..16] };
            let ours = CipherKey::new(&Key::from_bytes(bytes).unwrap());
            let payload = Payload { msg: &text, aad: &aad };
            let theirs = if long {
                Gcm256::new_from_slice(bytes).unwrap().encrypt(&nonce.into(), payload).unwrap()
            } else {
                Gcm128::new_from_slice(bytes).unwrap().encrypt(&nonce.into(), payload).unwrap()
            };
            let (head, tail) = aad.split_at(cut.min(aad.len()));
            let aad = Aad { head, key: None, parts: &[tail] };
            let mut sealed = text.clone();
            let tag = ours.seal(&nonce, aad, &mut sealed);
            sealed.extend_from_slice(&tag);
            prop_assert_eq!(&sealed, &theirs);
            let (body, tag) = sealed.split_at_mut(text.len());
            // A single changed bit anywhere is noticed, and nothing is decrypted.
            let mut broken = [&*body, &*tag].concat();
            let at = usize::from(flip) % (broken.len() * 8);
            broken[at / 8] ^= 1 << (at % 8);
            let before = broken.clone();
            let (broken_body, broken_tag) = broken.split_at_mut(text.len());
            prop_assert_eq!(ours.open(&nonce, aad, broken_body, broken_tag), Err(TagMismatch));
            prop_assert_eq!(&*broken_body, &before[..text.len()]);
            prop_assert_eq!(ours.open(&nonce, aad, body, tag), Ok(()));
            prop_assert_eq!(&*body, &text[..]);
            let mut streamed = text.clone();
            ours.stream(&nonce, &mut streamed);
            prop_assert_eq!(&streamed[..], &theirs[..text.len()]);
        }
    }

    #[test]
    fn a_key_counts_as_data_and_stays_hidden() {
        let cipher = CipherKey::new(&Key::Aes128([1; 16]));
        let handle = KeyHandle::new(Key::Aes128([0xD0; 16]));
        let by_handle = cipher.seal(&[2; 12], Aad { head: &[0x30], key: Some(&handle), parts: &[] }, &mut []);
        let by_bytes = cipher.seal(&[2; 12], Aad { head: &[0x30], key: None, parts: &[&[0xD0; 16]] }, &mut []);
        assert_eq!(by_handle, by_bytes);
        assert_eq!(format!("{cipher:?} {handle:?}"), "CipherKey(AES-128) KeyHandle(AES-128)");
    }
}
