//! The Standard Transfer Specification (IEC 62055-41): tokens of 20 digits for prepayment meters.
//!
//! ```text
//!   vend     (leased minutes, sets of tokens, the software module)     meter (decoder with its memory of TIDs)
//!   derive   (vending key, meter, key attributes → decoder key)        key_change (a new key in parts)
//!   key      (EA07 with tables, EA11 with MISTY1)
//!   content  (credit, money, test, order, part of a key ↔ block of 64 bits)
//!   digits   (class and block ↔ 20 digits)
//! ```
//!
//! Sources: published implementations and compliance tokens (what they agree on is tested), RFC 2994 for MISTY1, the STS
//! Association's pages on key expiry and on the rollover of TIDs. The text of IEC 62055-41 itself was not at hand, so no
//! clause is quoted; what none of these says is left open and named in `docs/tokens.md`.

mod amount;
mod content;
mod crc;
mod derive;
mod digits;
mod identity;
mod key;
pub mod key_change;
pub mod meter;
mod misty1;
mod tables;
mod time;
pub mod vend;

pub use amount::{Amount, Money, TooMuch};
pub use content::{Content, ContentError, Order, Random, Service, Test};
pub use derive::{DeriveError, KeyGeneration};
pub use digits::{Class, DIGITS, FormatError, Token};
pub use identity::{IdentityError, KeyAttributes, KeyType, Krn, MeterPan, Sgc, TariffIndex};
pub use key::{Algorithm, DecoderKey};
pub use tables::{StaTables, TableError};
pub use time::{BaseDate, Tid, TimeError, is_special};
