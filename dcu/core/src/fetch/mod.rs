//! How a DCU that nobody can call gets its payments: it asks the hosted intake relay for them.
//!
//! ```text
//!   DCU                                                          relay (hosted)
//!    │ FetchRequest: who asks, what is safe here, what became of it │
//!    ├──────────────────────────────────────────────────────────────▶│  forgets what is safe at the site
//!    │◀──────────────────────────────────────────────────────────────┤
//!    │ FetchReply: the next payments, in order                       │
//!    │ … recorded, durable …                                         │
//!    ├──────────────────────────────────────────────────────────────▶│
//! ```
//!
//! Delivery is at least once: the relay keeps every payment until the cursor of a request covers it, and a cursor leaves
//! only after the payments below it are durable here. What comes twice is known by the book.
//!
//! What trips the user:
//!
//! - **Numbers belong to an epoch** of the relay. A relay that was put back to an old copy gives numbers anew; it sees
//!   that a request names an epoch that it does not know, and numbers what it holds behind the DCU's cursor.
//! - **A session is a boot that has asked.** Its number is random and durable before it is used, and a request names the
//!   sessions before it: so a restart is told from a second DCU with a copied disk, of which only one is served.
//! - **Questions of token servers' clients** come with the relay's answers, and are answered with the next question.
//! - Nothing is asked before [`crate::Dcu::handle_entropy`], nor while the link is down.
//! - Both ways every frame is authenticated with the site's key, and refused whole when anything about it is wrong.

mod fetcher;
mod frame;
mod inbox;
mod question;

pub(crate) use fetcher::Fetch;
pub use frame::{FETCH_BYTES_MAX, FetchReply, FetchRequest, FrameError, ITEMS_MAX, Item, Verdict};
pub use inbox::{Fate, Inbox};
pub(crate) use question::Questions;
pub use question::{Answer, NotVended, QUESTIONS_MAX, Question, Vended};

use taa_keys::Secret;

use crate::config::RetryPolicy;

/// Longest pause after failures, periods. Arbitrary.
const PAUSE_PERIODS: u32 = 20;

/// How the DCU asks for its payments. Times are in the unit of the field's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchConfig {
    /// The site's name at the relay, at most 64 bytes.
    pub site: String,
    /// The key that both ends share.
    pub key: Secret,
    /// From one answer to the next question, while nothing happens.
    pub period_s: u32,
    /// How long an answer may take.
    pub reply_timeout_ms: u32,
    /// Waiting after questions without an answer; never longer than [`Self::pause_max_s`].
    pub retry: RetryPolicy,
    /// The largest answer wanted, bytes: 512 to [`FETCH_BYTES_MAX`].
    pub reply_bytes_max: u16,
}

impl FetchConfig {
    /// Every five minutes, answers of at most 1400 bytes (one packet).
    #[must_use]
    pub fn new(site: impl Into<String>, key: Secret) -> Self {
        Self {
            site: site.into(),
            key,
            period_s: 300,
            reply_timeout_ms: 30_000,
            retry: RetryPolicy { first_s: 20, max_s: 600 },
            reply_bytes_max: 1400,
        }
    }

    /// The longest wait after failures, s: that of the policy, but twenty periods at most. A site that asks every few seconds
    /// has people waiting for its answers; a few lost frames must not make it deaf for minutes.
    #[must_use]
    pub const fn pause_max_s(&self) -> u32 {
        let periods = self.period_s.saturating_mul(PAUSE_PERIODS);
        let limit = if periods > self.retry.first_s { periods } else { self.retry.first_s };
        if self.retry.max_s < limit { self.retry.max_s } else { limit }
    }
}

/// Why a fetch brought nothing. Told as [`crate::DcuEvent::FetchFailed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchFault {
    /// No answer in time: the link or the relay is down. It is asked again.
    #[error("the relay did not answer")]
    Silent,
    /// What came is no answer of the relay. It is asked again.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An answer for another site or session, or to nothing that was asked: dropped.
    #[error("an answer to somebody else's question")]
    NotMine,
    /// Numbers are missing before the first payment: nothing was taken. It is asked again.
    #[error("payments are missing before the first one of the answer")]
    Gap,
    /// Another DCU is served under this identity (a copied disk, an old one put back). Somebody has to look: until
    /// then this one gets no payments.
    #[error("another DCU is served under this identity")]
    IdentityTwice,
    /// The relay holds other money for this site than the DCU counts in. Somebody has to look.
    #[error("the relay counts this site's money in another currency or another minor unit")]
    Currency,
}
