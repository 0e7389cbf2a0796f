//! ACSE: AARQ, AARE, RLRQ, RLRE (Green Book 9.4; ISO/IEC 15953), in BER.
//!
//! All mechanisms and contexts are decoded, also those that this crate does not perform yet, so that a refusal can
//! name what was asked for. The user information stays encoded: it may be protected.

mod aare;
mod aarq;
mod fields;
mod names;
mod refusal;
mod release;

pub use aare::Aare;
pub use aarq::Aarq;
pub use names::{ApplicationContext, Mechanism};
pub use refusal::{AssociationRefusal, AssociationResult, Diagnostic};
pub use release::Release;
