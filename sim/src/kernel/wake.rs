//! One pending wake per state machine.
//!
//! Taking an event out of the middle of a queue is dear, so nothing is ever taken out. A state machine keeps a [`Wake`];
//! arming it again bumps the generation that the new event carries, and the handler drops events whose generation is
//! no longer current:
//!
//! ```
//! use taa_sim::kernel::{NodeTable, Phase, Queue, SimTime, Wake};
//!
//! # fn main() -> Result<(), taa_sim::kernel::KernelError> {
//! let mut queue: Queue<u32> = Queue::new(NodeTable::new(["lamp"])?);
//! let lamp = queue.nodes().id("lamp").expect("listed above");
//! let mut wake = Wake::default();
//! queue.arm(&mut wake, SimTime::from_s(10), Phase::Customer, lamp, |generation| generation);
//! queue.arm(&mut wake, SimTime::from_s(5), Phase::Customer, lamp, |generation| generation);
//! let first = queue.pop().expect("due at 5 s");
//! let second = queue.pop().expect("left over from 10 s");
//! assert!(wake.is_current(first.event));
//! assert!(!wake.is_current(second.event));
//! # Ok(())
//! # }
//! ```
//!
//! A wake that has fired stays current until it is armed again or cancelled; each event fires once, so nothing has to
//! be cleared in the handler.

/// The generation of the wake a state machine waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    generation: u32,
}

impl Wake {
    /// Whether an event with this generation is the one waited for.
    #[must_use]
    pub const fn is_current(self, generation: u32) -> bool {
        self.generation == generation
    }

    /// The generation of the last event armed.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// Forgets the pending wake: its event will find itself stale.
    pub const fn cancel(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }
}
