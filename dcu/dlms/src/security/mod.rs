//! Security: what is put on messages before they are framed, and taken off after (Green Book 9.2; IEC 62056-5-3, 5).
//!
//! ```text
//!  Hls      who are you: challenge and proof, mechanisms 2 to 7                    client and server associate
//!  Channel  keys by handle, titles, counters received; protects and opens          every message
//!  layer    one layer of protection, over bytes: glo-, ded-, general-glo-, general-ded-ciphering
//!  general  general-ciphering with identified, wrapped and agreed keys; general-signing
//!  SendCounter  invocation counters, reserved in durable blocks
//! ```
//!
//! What trips people up:
//! - **A counter must never repeat under one key and title.** The state machines say which bound to make durable
//!   ([`SendCounter`]) and send nothing beyond it. Repeats of a request are protected anew under a fresh counter.
//! - Keys are handles of `taa_keys`; no key byte is in this crate but a dedicated key on its way into the AARQ.
//! - An association is ciphered when the client's [`Policy`] puts something on requests. Messages of association,
//!   release and failure travel plain; whatever else comes plain is refused.
//! - Dedicated keys and the general form are used from the moment at which the association stands; the association
//!   itself, the proof included, goes under the global key in the service's own form.
//! - Exceptions are not protected by the standard: a forged one can end a command, and can do no more.

mod between;
mod channel;
mod config;
pub mod counter;
pub mod general;
pub mod hls;
pub mod layer;
mod policy;
mod random;
mod suite;
pub mod tags;

pub use channel::{Channel, How, Keys, PartyKeys};
pub use config::{AssociationSecurity, ClientSecurity, ServerSecurity};
pub use counter::{ReceiveCounter, SendCounter};
pub use hls::{Exchange, Hls};
pub use layer::{Form, KeySource};
pub use policy::Policy;
pub use random::Random;
pub use suite::{Protection, SecurityControl, Suite, SystemTitle};
