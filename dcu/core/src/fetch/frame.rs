//! The bytes between DCU and relay.
//!
//! ```text
//!  ┌───────┬─────┬────────────┬─────────┬──────────────────────┐
//!  │version│kind │length (BE) │fields   │tag                   │   length counts the bytes after itself;
//!  │   1   │ 1,2 │            │         │16 bytes of HMAC-     │   the tag covers everything before it;
//!  │       │     │            │         │SHA-256 (RFC 2104, 5) │   the kind says which way the frame goes
//!  └───────┴─────┴────────────┴─────────┴──────────────────────┘
//! ```
//!
//! Integers and texts are those of [`crate::uplink`]. Lists stand behind their count, which is bounded. The format is
//! ours (Arbitrary).

use taa_keys::{Secret, hash::hmac_sha256};

use super::{Fate, inbox::SESSIONS_MAX};
use crate::{
    payment::{Currency, NAME_BYTES_MAX, Payment},
    uplink::{
        DecodeError,
        wire::{self, Reader},
    },
};

/// No frame is longer, bytes.
pub const FETCH_BYTES_MAX: usize = 8192;
/// Most payments in one answer.
pub const ITEMS_MAX: usize = 64;
/// Most fates in one question.
pub(super) const FATES_MAX: usize = 64;
/// Most bytes that one payment takes: three texts, five numbers, a currency.
const ITEM_BYTES_MAX: usize = 3 * (NAME_BYTES_MAX + 1) + 3 * 10 + 2 + 4;

const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 4;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// Why a frame was refused. Nothing of it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than any frame.
    #[error("longer than {FETCH_BYTES_MAX} bytes")]
    TooLong,
    /// The tag is wrong: damaged on the way, another key, or forged.
    #[error("the tag does not fit: damaged, or of another key")]
    Tag,
    /// The bytes say nothing that a frame says.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
}

/// What a DCU asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// The site's name.
    pub site: String,
    /// The boot that asks: a random number.
    pub session: u64,
    /// Number of the question within the session, from 1, never repeated.
    pub number: u32,
    /// Sessions of this DCU that the relay may have heard before.
    pub before: Vec<u64>,
    /// Epoch of the relay that gave the cursor's number; 0 for none.
    pub epoch: u64,
    /// All payments up to this number are durable at the site.
    pub cursor: u64,
    /// What the accounts count in.
    pub currency: Currency,
    /// How many minor units make one unit.
    pub minor_per_unit: u32,
    /// The largest answer wanted, bytes.
    pub reply_bytes_max: u16,
    /// What became of payments, by number; durable too.
    pub fates: Vec<(u64, Fate)>,
}

/// A payment and its place in the relay's list for the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// From 1, without gaps above [`FetchReply::floor`].
    pub number: u64,
    /// The payment.
    pub payment: Payment,
}

/// Whether the relay serves the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Yes.
    Served = 0,
    /// Another DCU is served under this identity.
    IdentityTwice = 1,
    /// The site's money is counted in another currency or minor unit there.
    Currency = 2,
}

/// What the relay answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchReply {
    /// The site's name.
    pub site: String,
    /// The session that asked.
    pub session: u64,
    /// Which question this answers.
    pub number: u32,
    /// Whether there are answers at all.
    pub verdict: Verdict,
    /// Epoch that gave the numbers.
    pub epoch: u64,
    /// Nothing with this number or a lower one will come any more.
    pub floor: u64,
    /// The relay knows all fates up to this number.
    pub fates_known: u64,
    /// There are more payments than the answer holds.
    pub more: bool,
    /// The next payments, numbers rising by one.
    pub items: Vec<Item>,
}

impl FetchRequest {
    /// The frame, under the site's key.
    #[must_use]
    pub fn encode(&self, key: &Secret) -> Vec<u8> {
        let mut out = begin(REQUEST);
        wire::put_text(&mut out, &self.site);
        wire::put_u64(&mut out, self.session);
        wire::put_u64(&mut out, u64::from(self.number));
        let before = self.before.iter().take(SESSIONS_MAX);
        wire::put_u64(&mut out, before.len() as u64);
        before.for_each(|session| wire::put_u64(&mut out, *session));
        wire::put_u64(&mut out, self.epoch);
        wire::put_u64(&mut out, self.cursor);
        wire::put_text(&mut out, self.currency.code());
        wire::put_u64(&mut out, u64::from(self.minor_per_unit));
        wire::put_u64(&mut out, u64::from(self.reply_bytes_max));
        let fates = self.fates.iter().take(FATES_MAX);
        wire::put_u64(&mut out, fates.len() as u64);
        for (number, fate) in fates {
            wire::put_u64(&mut out, *number);
            out.push(*fate as u8);
        }
        seal(out, key)
    }

    /// The site that a frame says it is from, before anything about it is believed: to find the key.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn site_of(frame: &[u8]) -> Result<String, FrameError> {
        Ok(open(frame, REQUEST)?.text("site")?)
    }

    /// Reads a frame under the site's key.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(frame: &[u8], key: &Secret) -> Result<Self, FrameError> {
        verify(frame, key)?;
        let mut from = open(frame, REQUEST)?;
        let (site, session, number) = (from.text("site")?, from.u64("session")?, from.u32("number")?);
        let before = (0..count(&mut from, "sessions", SESSIONS_MAX)?).map(|_| from.u64("session"));
        let before = before.collect::<Result<_, _>>()?;
        let (epoch, cursor) = (from.u64("epoch")?, from.u64("cursor")?);
        let currency = Currency::new(&from.text("currency")?).ok_or(DecodeError::Field("currency"))?;
        let minor_per_unit = from.u32("minor_per_unit")?;
        let reply_bytes_max =
            from.u32("reply_bytes_max")?.try_into().map_err(|_| DecodeError::Field("reply_bytes_max"))?;
        let fates = (0..count(&mut from, "fates", FATES_MAX)?).map(|_| {
            let (number, byte) = (from.u64("number")?, from.u8()?);
            let fate = Fate::ALL.into_iter().find(|fate| *fate as u8 == byte);
            Ok::<_, DecodeError>((number, fate.ok_or(DecodeError::Field("fate"))?))
        });
        let fates = fates.collect::<Result<_, _>>()?;
        from.end()?;
        let request =
            Self { site, session, number, before, epoch, cursor, currency, minor_per_unit, reply_bytes_max, fates };
        Ok(request)
    }
}

impl FetchReply {
    /// The frame, under the site's key: as many items from the first on as `bytes_max` has room for, and `more` when
    /// some were left off.
    #[must_use]
    pub fn encode(&self, key: &Secret, bytes_max: usize) -> Vec<u8> {
        let mut out = begin(REPLY);
        wire::put_text(&mut out, &self.site);
        wire::put_u64(&mut out, self.session);
        wire::put_u64(&mut out, u64::from(self.number));
        out.push(self.verdict as u8);
        wire::put_u64(&mut out, self.epoch);
        wire::put_u64(&mut out, self.floor);
        wire::put_u64(&mut out, self.fates_known);
        let mut items = Vec::new();
        let mut taken = 0_u64;
        // The count and the flag stand before the items, and take three bytes at most.
        let room = bytes_max.min(FETCH_BYTES_MAX).saturating_sub(out.len()).saturating_sub(TAG_BYTES + 3);
        for item in self.items.iter().take(ITEMS_MAX) {
            let before = items.len();
            wire::put_u64(&mut items, item.number);
            wire::put_payment(&mut items, &item.payment);
            if items.len() > room {
                items.truncate(before);
                break;
            }
            taken = taken.saturating_add(1);
        }
        out.push(u8::from(self.more || taken < self.items.len() as u64));
        wire::put_u64(&mut out, taken);
        out.extend_from_slice(&items);
        seal(out, key)
    }

    /// Reads a frame under the site's key.
    ///
    /// # Errors
    /// [`FrameError`]; also for items whose numbers do not rise by one.
    pub fn decode(frame: &[u8], key: &Secret) -> Result<Self, FrameError> {
        verify(frame, key)?;
        let mut from = open(frame, REPLY)?;
        let (site, session, number) = (from.text("site")?, from.u64("session")?, from.u32("number")?);
        let verdict = match from.u8()? {
            0 => Verdict::Served,
            1 => Verdict::IdentityTwice,
            2 => Verdict::Currency,
            _ => return Err(DecodeError::Field("verdict").into()),
        };
        let (epoch, floor, fates_known) = (from.u64("epoch")?, from.u64("floor")?, from.u64("fates_known")?);
        let more = from.flag("more")?;
        let mut items: Vec<Item> = Vec::new();
        for _ in 0..count(&mut from, "items", ITEMS_MAX)? {
            let item = Item { number: from.u64("number")?, payment: from.payment()? };
            let least = items.last().map_or(floor, |last| last.number);
            let follows = items.is_empty() || item.number.checked_sub(least) == Some(1);
            if item.number <= least || !follows {
                return Err(DecodeError::Field("number").into());
            }
            items.push(item);
        }
        from.end()?;
        Ok(Self { site, session, number, verdict, epoch, floor, fates_known, more, items })
    }

    /// Bytes that surely hold so many items.
    #[must_use]
    pub const fn bytes_for(items: usize) -> usize {
        items.saturating_mul(ITEM_BYTES_MAX).saturating_add(256)
    }
}

fn begin(kind: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&[crate::uplink::VERSION, kind, 0, 0]);
    out
}

/// Fills in the length and adds the tag.
fn seal(mut out: Vec<u8>, key: &Secret) -> Vec<u8> {
    let length = out.len().saturating_add(TAG_BYTES).saturating_sub(HEAD_BYTES);
    let bytes = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(2..HEAD_BYTES) {
        field.copy_from_slice(&bytes);
    }
    let tag = tag(&out, key);
    out.extend_from_slice(&tag);
    out
}

fn tag(covered: &[u8], key: &Secret) -> [u8; TAG_BYTES] {
    let whole = hmac_sha256(key, &[b"taa fetch 1", covered]);
    whole.first_chunk().copied().unwrap_or_default()
}

fn verify(frame: &[u8], key: &Secret) -> Result<(), FrameError> {
    if frame.len() > FETCH_BYTES_MAX {
        return Err(FrameError::TooLong);
    }
    let (covered, claimed) = frame.split_last_chunk::<TAG_BYTES>().ok_or(DecodeError::Truncated)?;
    if Secret::new(&tag(covered, key)).matches(claimed) { Ok(()) } else { Err(FrameError::Tag) }
}

/// The fields of a frame of this kind.
fn open(frame: &[u8], kind: u8) -> Result<Reader<'_>, FrameError> {
    let (found, _) = wire::open(frame)?;
    if found != kind {
        return Err(DecodeError::Kind(found).into());
    }
    let (covered, _) = frame.split_last_chunk::<TAG_BYTES>().ok_or(DecodeError::Truncated)?;
    let fields = covered.get(HEAD_BYTES..).ok_or(DecodeError::Truncated)?;
    Ok(Reader::over(fields))
}

fn count(from: &mut Reader<'_>, field: &'static str, max: usize) -> Result<usize, DecodeError> {
    let count = from.u64(field)?;
    usize::try_from(count).ok().filter(|count| *count <= max).ok_or(DecodeError::Field(field))
}

#[cfg(test)]
mod tests;
