//! The loop: take the next event, digest it, hand it to the model.

use super::{Fired, KernelError, Queue, RollingDigest, SimTime};
use crate::result::Digest;

/// What the events happen to: typically a `bevy_ecs` World and cached `QueryState`s.
pub trait Model {
    /// A small value; bulky payloads live in the model and are named by the event.
    type Event: Copy;

    /// Lets one event take effect, scheduling what follows from it.
    fn handle(&mut self, fired: &Fired<Self::Event>, queue: &mut Queue<Self::Event>);

    /// What of an event enters the digest, beside its time, phase and node.
    fn digest_words(event: &Self::Event) -> [u64; 2];
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The present instant.
    pub now: SimTime,
    /// Where this stretch ends.
    pub until: SimTime,
    /// Events handled since the start of the run.
    pub events: u64,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Go,
    /// Pause after the present event; a later call goes on from there as if nothing had happened.
    Stop,
}

/// Why a stretch of a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left before or at the time asked for; the present is that time.
    Reached,
    /// The caller said [`Control::Stop`], or its clock was interrupted.
    Stopped,
}

/// A model, its queue, and the count and digest of what has happened.
///
/// A stretch is run by [`Kernel::run_until`]; cutting a run into stretches, or stepping through it, changes neither
/// order nor digest. Between stretches `model` and `queue` are the caller's: schedule, look, change.
#[derive(Clone, Debug)]
pub struct Kernel<M: Model> {
    /// What the events happen to.
    pub model: M,
    /// What is pending.
    pub queue: Queue<M::Event>,
    /// The running digest; callers may add payloads.
    pub digest: RollingDigest,
    /// [`Progress`] is reported at least every this many events…
    pub progress_every_events: u64,
    /// …and at the first event after each such stretch of simulated time, ns.
    pub progress_every_ns: u64,
    events: u64,
}

impl<M: Model> Kernel<M> {
    /// A kernel that reports progress every 65 536 events or simulated day.
    #[must_use]
    pub fn new(model: M, queue: Queue<M::Event>) -> Self {
        Self {
            model,
            queue,
            digest: RollingDigest::default(),
            progress_every_events: 1 << 16,
            progress_every_ns: 86_400_000_000_000,
            events: 0,
        }
    }

    /// Events handled so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The digest of everything handled so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest.finish()
    }

    /// Handles every event up to and including `until`, then moves the present there.
    ///
    /// # Errors
    /// [`KernelError::ZeroDelayLoop`] when the model keeps time from moving on.
    pub fn run_until(
        &mut self,
        until: SimTime,
        progress: &mut impl FnMut(Progress) -> Control,
    ) -> Result<Outcome, KernelError> {
        let mut next_events = self.events.saturating_add(self.progress_every_events);
        let mut next_time = self.queue.now() + self.progress_every_ns;
        while let Some(fired) = self.queue.pop_until(until) {
            self.fire(&fired);
            if (self.events >= next_events) | (fired.time >= next_time) {
                next_events = self.events.saturating_add(self.progress_every_events);
                next_time = fired.time + self.progress_every_ns;
                if progress(Progress { now: fired.time, until, events: self.events }) == Control::Stop {
                    return Ok(Outcome::Stopped);
                }
            }
        }
        self.check()?;
        self.queue.advance_to(until);
        Ok(Outcome::Reached)
    }

    /// Handles the next event, whenever it is due, and returns it; `None` when nothing is pending.
    ///
    /// # Errors
    /// As [`Kernel::run_until`].
    pub fn step(&mut self) -> Result<Option<Fired<M::Event>>, KernelError> {
        let fired = self.queue.pop();
        match &fired {
            Some(fired) => self.fire(fired),
            None => self.check()?,
        }
        Ok(fired)
    }

    #[inline]
    pub(super) fn fire(&mut self, fired: &Fired<M::Event>) {
        self.events += 1;
        self.digest.absorb_event(fired, M::digest_words(&fired.event));
        self.model.handle(fired, &mut self.queue);
    }

    pub(super) fn check(&self) -> Result<(), KernelError> {
        self.queue.fault().map_or(Ok(()), |fault| Err(fault.clone()))
    }
}
