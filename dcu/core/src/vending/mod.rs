//! Tokens sold at the site: what must not be forgotten of them, and what is told of them.
//!
//! ```text
//!  paid credit ──▶ minute of a lease + content   ── durable ──▶ module (vending key) ──▶ token ── durable ──▶ customer
//!                  Note::Begun: the minute is used               KeyRequest              Note::Made           Note::Sent
//! ```
//!
//! [`Desk`] is the durable part: a fold over [`Note`]s, which are entries of the journal. The rest (what has been asked
//! of the module, which way is being tried) is remembered within a boot alone and taken up again from the desk.
//!
//! - **A minute is used once.** It is recorded before the module is asked; if the module never answers, it is asked again
//!   for the very same content. A minute that is recorded is never used for anything else.
//! - **A token counts once.** So a token that was sent one way goes the next way with the same digits, and a customer who
//!   has lost it gets the same one again, never another.
//! - **Worth.** A field of a token holds only certain amounts. What is sold is the largest that does not exceed what is
//!   due; the rest stays due and goes into the next token. What tokens have promised and what is still due add up to
//!   what was credited, to 1/100000 of the currency's unit ([`worth`]).
//! - **Void** means that no token of this sale can ever count: none was made, or none has left. Only then is its
//!   worth due again.

pub mod audit;
mod cache;
mod desk;
mod note;
mod payg;
mod sale;
pub(crate) mod seal;
pub mod worth;

pub use cache::{StockEnd, stock_ends};
pub(crate) use cache::{best, missing};
pub use desk::{Desk, KEPT_PER_METER, MeterDesk, Outside};
pub use note::{LeaseNote, Note};
pub use payg::{MetricsRefusal, PaygAsk, PaygDesk, PaygIx, PaygRefusal, PaygToken};
pub use sale::{
    Ask, Fate, KeyNote, KeyRefusal, Reference, Said, Sale, Seen, Source, VendAsk, VendId, VendRefusal, Void, use_digest,
};

pub use crate::config::{By, Way};
pub use crate::gateway::{TokenDigits, TokenFate};
