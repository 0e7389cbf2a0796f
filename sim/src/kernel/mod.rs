//! The event kernel: order, time, pace and digest; it knows nothing of villages.
//!
//! ```text
//!            schedule                     Fired { time, phase, node, event }
//!   Queue ◀───────────── Model::handle ◀──────────────────────┐
//!     │                                                       │
//!     └──── earliest by (time, delta, phase, node, sequence) ─┴─▶ RollingDigest
//! ```
//!
//! **Life of a run.** Rank the nodes ([`NodeTable`]), make a [`Queue`], schedule the first events, put it with the
//! model into a [`Kernel`] and [`Kernel::run_until`] some time. The run can pause at any event, step, and go on.
//!
//! **Order.** Events of one instant fire by phase, then by node, then as each node was given them; zero delay means one
//! delta later ([`queue`](Queue)). Nothing depends on addresses, hash maps or the order in which nodes were listed.
//!
//! **Changing one's mind.** Events are never withdrawn; a [`Wake`] makes an old one stale.
//!
//! **Pace.** Nothing here reads a clock. [`Kernel::run_paced`] follows the one it is lent.
//!
//! **Parallelism** is several kernels side by side, never inside one.

mod digest;
mod error;
mod node;
mod pace;
mod queue;
mod run;
mod time;
mod wake;
mod wheel;

#[cfg(test)]
mod tests;

pub use digest::RollingDigest;
pub use error::KernelError;
pub use node::{NodeId, NodeTable};
pub use pace::{Pace, PaceClock, Slept};
pub use queue::{Fired, Queue};
pub use run::{Control, Kernel, Model, Outcome, Progress};
pub use time::{Phase, SimTime};
pub use wake::Wake;
