//! From failure to mended, in parts: noticed, diagnosed, a crew, a part, the road, the work.
//!
//! ```text
//!   failed ─▶ noticed ─▶ diagnosed ─▶ from afar ──────────────────────────────────────▶ mended
//!      │  alarm · gap ·      │      ─▶ caretaker resets ──────────────────────────────▶ mended
//!      │  caretaker · call   └──────▶ dispatched ─▶ part in hand ─▶ left ─▶ arrived ──▶ mended
//!                                        ▲                                   │ wrong part
//!                                        └───────────────────────────────────┘
//! ```
//!
//! What is before *noticed* depends on who can see the site ([`Notice`]); what follows is a [`Course`], a pure function
//! of the moment, the sight, the [`Outside`] and draws keyed by the failure: two architectures that notice at the same
//! moment with the same sight get the same repair. No step has a constant length; four days, where they come about, come
//! about by adding.

mod calendar;
mod course;
mod notice;
mod outside;
mod params;

pub use calendar::Calendar;
pub use course::{Course, Job, Part, Way, course};
pub use notice::Notice;
pub use outside::{Hold, Outside};
pub use params::RepairParams;

#[cfg(test)]
mod tests;
