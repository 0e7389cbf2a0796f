//! Keeping step with a wall clock, as hardware in a village needs it.
//!
//! The kernel reads no clock: the caller lends one as a [`PaceClock`]. Events fire when the clock says so, never early;
//! when handling is slower than the clock they fire late and the run catches up, so that time on the wall and simulated
//! time do not drift apart. How late it was at worst is told. Order and digest are those of an unpaced run, as long as
//! nothing is scheduled from outside.
//!
//! Bytes from real hardware arrive while the kernel sleeps: [`PaceClock::sleep_until`] then answers
//! [`Slept::Interrupted`], the present moves to where the clock stands, and the run returns [`Outcome::Stopped`]. The
//! caller schedules what arrived and goes on with the same [`Pace`].

use super::{Kernel, KernelError, Model, Outcome, SimTime};

/// A clock to keep step with: monotonic, its origin anywhere.
pub trait PaceClock {
    /// Nanoseconds by this clock.
    fn now_ns(&mut self) -> u64;

    /// Waits until the clock shows `deadline_ns`, or until something else wants attention. Waking a little early with
    /// [`Slept::Through`] does no harm.
    fn sleep_until(&mut self, deadline_ns: u64) -> Slept;
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slept {
    /// At its deadline.
    Through,
    /// Before, since something wants attention.
    Interrupted,
}

/// Where simulated and wall time were nailed together, and how fast they run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    wall_ns: u64,
    sim: SimTime,
    factor: f64,
    lag_ns_max: u64,
}

impl Pace {
    /// Nails `sim` to the clock's present; `factor` is simulated seconds per second.
    ///
    /// # Errors
    /// [`KernelError::BadPace`] unless `factor` is positive and finite.
    pub fn anchor(clock: &mut impl PaceClock, sim: SimTime, factor: f64) -> Result<Self, KernelError> {
        if !(factor.is_finite() && factor > 0.0) {
            return Err(KernelError::BadPace { factor });
        }
        Ok(Self { wall_ns: clock.now_ns(), sim, factor, lag_ns_max: 0 })
    }

    /// The most that an event has fired behind the clock, ns by the wall.
    #[must_use]
    pub const fn lag_ns_max(&self) -> u64 {
        self.lag_ns_max
    }

    /// When the clock will show this simulated time.
    fn wall_at(&self, time: SimTime) -> u64 {
        self.wall_ns.saturating_add((time.since(self.sim) as f64 / self.factor) as u64)
    }

    /// The simulated time that belongs to a reading of the clock.
    fn sim_at(&self, wall_ns: u64) -> SimTime {
        self.sim + (wall_ns.saturating_sub(self.wall_ns) as f64 * self.factor) as u64
    }
}

impl<M: Model> Kernel<M> {
    /// Runs until `until` at `factor` simulated seconds per second, the present and the clock nailed together now.
    ///
    /// # Errors
    /// [`KernelError::BadPace`], or as [`Kernel::run_until`].
    pub fn run_paced(
        &mut self,
        until: SimTime,
        clock: &mut impl PaceClock,
        factor: f64,
    ) -> Result<Outcome, KernelError> {
        let mut pace = Pace::anchor(clock, self.queue.now(), factor)?;
        self.run_at_pace(until, clock, &mut pace)
    }

    /// [`Kernel::run_paced`] for callers who go on after an interruption: the anchor is theirs, so nothing drifts.
    ///
    /// # Errors
    /// As [`Kernel::run_until`].
    pub fn run_at_pace(
        &mut self,
        until: SimTime,
        clock: &mut impl PaceClock,
        pace: &mut Pace,
    ) -> Result<Outcome, KernelError> {
        loop {
            let next = self.queue.peek_time().map_or(until, |next| next.min(until));
            let due_ns = pace.wall_at(next);
            let now_ns = clock.now_ns();
            if now_ns < due_ns {
                if clock.sleep_until(due_ns) == Slept::Interrupted {
                    let reached = pace.sim_at(clock.now_ns()).min(next);
                    self.queue.advance_to(reached);
                    return Ok(Outcome::Stopped);
                }
                continue;
            }
            pace.lag_ns_max = pace.lag_ns_max.max(now_ns - due_ns);
            let Some(fired) = self.queue.pop_until(next) else {
                self.check()?;
                self.queue.advance_to(until);
                return Ok(Outcome::Reached);
            };
            self.fire(&fired);
        }
    }
}
