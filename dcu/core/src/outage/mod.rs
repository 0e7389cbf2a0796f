//! Outages: which meters are dark, what has failed, who is told, and when it is over.
//!
//! ```text
//!  packets ─▶ gate: seal, epoch, replay ─┐
//!  answers, failed pings ────────────────┼─▶ beliefs ─ 2 s ─▶ judge: the faults that explain them best ─▶ notes ─▶ journal
//!  breakers, feeder currents ────────────┘       ▲                                                          │
//!                                                └──────────── rationed pings ◀── open tickets ◀── fold ◀───┘
//! ```
//!
//! [`Outages`] is the durable part: tickets, a fold over [`OutageNote`]s. [`Engine`] is what is remembered within a boot;
//! it proposes notes and pings and changes no ticket itself.
//!
//! The **judgement** ([`judge`]) finds the set of failed devices that makes what was seen most likely, over the tree from
//! the inverter to the service: exact, in one pass from the leaves. A gasp that did not arrive, an answer that overtook a
//! gasp and a meter that is only out of radio reach each have their price; so has a fault, the dearer the rarer.
//!
//! **Order is that of arrival here.** Meters' clocks drift by half a second a day: their timestamps are hints, compared to
//! tell 0x092 and to keep packets that somebody held back from alarming anybody.
//!
//! What trips people up:
//! - One notification per fault. All meters behind it are members of its ticket, those that were not heard as well:
//!   marked so, and pinged.
//! - A ticket whose meters answer one by one moves down to what is still dark.
//! - Who was dark, and until when, is settled minutes after the answers ([`settle`]): the indices follow that.
//! - A meter that nobody has placed gets a ticket of place "unknown", with the reason.
//! - What is refused (forged, of another epoch, old) is counted and changes nothing.

mod belief;
mod currents;
mod engine;
mod gate;
mod judge;
mod kpi;
mod match_up;
mod missed;
mod network;
mod note;
mod pings;
mod settle;
mod spans;
#[cfg(test)]
mod tests;
mod ticket;

pub use engine::{Act, Engine};
pub use gate::{Heard, Refusals, Refused};
pub use kpi::{Detection, Found, TrueOutage, claims, detection};
pub use network::{Network, Unplaced};
pub use note::{Ending, Ground, Member, OutageNote, Place, Spell};
pub use ticket::{Indices, Outages, Ticket, TicketMember};
