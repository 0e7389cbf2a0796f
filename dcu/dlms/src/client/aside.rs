//! Putting a long command aside for a more urgent one to the same meter.
//!
//! Not every meter keeps more than one long answer at a time: another request in the middle may make it forget the rest
//! (our own server does). So commands to one meter do not interleave. A long one stops between two exchanges, keeps what
//! has come, and goes on afterwards: rows from the last one received, an image from the block that is missing.

use super::resume::HalfRead;
use super::{Client, Command, Ending, Phase};
use crate::cosem::ProfileRange;

impl Client {
    /// The command under way is a long one, to which [`Self::suspend`] applies: the reading of a profile, an image
    /// transfer, a discovery.
    #[must_use]
    pub fn is_suspendable(&self) -> bool {
        let long = matches!(self.command, Command::ReadRows { .. } | Command::CountRows { .. } | Command::Discover);
        self.runs_image() || (long && !self.is_idle())
    }

    /// Puts a long command aside, so that another can be given. `true`: done at once, without an event. `false`: an
    /// exchange is under way (or the command is not a long one and ends by itself); `Suspended` is told when it is
    /// over, unless the command ends with it.
    ///
    /// On HDLC the message under way, cut into frames, is finished first; what goes in general blocks is begun anew.
    ///
    /// Afterwards: [`Self::resume_profile`] with the rows that have come, [`Self::resume_image`] with the blocks that
    /// the meter has. A discovery begins anew by [`Self::discover`]. Other commands in between change nothing in that.
    pub fn suspend(&mut self) -> bool {
        if self.is_idle() {
            return true;
        }
        if !self.is_suspendable() {
            return false;
        }
        // Nothing of the next request has gone out yet.
        let between = self.frame_due || matches!(self.phase, Phase::Resting | Phase::AwaitingMap) || self.is_held();
        if between {
            self.put_aside();
        } else {
            self.suspending = true;
        }
        between
    }

    /// Whether the next request is not to be sent because the command was to be put aside; if so it has been.
    pub(super) fn gives_way(&mut self) -> bool {
        if !self.suspending || !self.is_suspendable() {
            return false;
        }
        self.put_aside();
        self.ended = Some(Ok(Ending::Suspended));
        true
    }

    fn put_aside(&mut self) {
        match self.command {
            _ if self.runs_image() => self.stop_image(),
            Command::ReadRows { .. } => self.keep_rows(),
            Command::CountRows { profile, last } => {
                let range = ProfileRange::Last(last);
                self.half = Some(Box::new(HalfRead { profile, range, keep_last: None }));
            }
            _ => self.mapping = None,
        }
        self.settle();
        self.ended = None;
    }
}
