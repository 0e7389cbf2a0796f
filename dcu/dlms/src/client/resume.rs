//! Going on with a half-read profile.
//!
//! A profile of months takes minutes over a slow line; a link lost in the middle must not cost what has come already.
//! When the transfer of rows breaks off, the whole rows among the blocks received are kept, and
//! [`Client::resume_profile`] asks for the rest: by date from the last row's time, or by entry number where rows carry
//! no time or a last entry was named.

use super::{Client, Command};
use crate::cosem::ProfileRange;
use crate::error::{Error, Misuse};
use crate::obis::Obis;

/// A profile of which some rows are here.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfRead {
    profile: Obis,
    range: ProfileRange,
    keep_last: Option<u32>,
}

/// Far enough: the year 9999.
const FOREVER_UNIX_S: i64 = 253_370_764_800;

impl Client {
    /// Rows kept of a profile whose reading broke off; `None` when there is nothing to go on with.
    #[must_use]
    pub fn half_read_rows(&self) -> Option<usize> {
        self.half.map(|_| self.rows.len())
    }

    /// Reads the rest of the profile whose reading broke off last (any other command forgets it). Ends in `Profile`
    /// with all rows, those kept and those read now.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::NothingToResume`].
    pub fn resume_profile(&mut self, now: u64) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Misuse::Busy.into());
        }
        let half = self.half.take().ok_or(Misuse::NothingToResume)?;
        let last_unix_s = self.rows.last_unix_s();
        let had = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let range = match (half.range, last_unix_s) {
            // The row at that very second comes again and is dropped; others of the same second do not get lost.
            (ProfileRange::Between(_, to), Some(last)) => ProfileRange::Between(last, to),
            (ProfileRange::All | ProfileRange::Entries(_, 0), Some(last)) => {
                ProfileRange::Between(last, FOREVER_UNIX_S)
            }
            (ProfileRange::Entries(from, to), _) => ProfileRange::Entries(from.max(1).saturating_add(had), to),
            (ProfileRange::All, None) => ProfileRange::Entries(had.saturating_add(1), 0),
            (range, _) => range,
        };
        self.begin(Command::ReadRows { profile: half.profile, range, keep_last: half.keep_last })?;
        self.go_on(now);
        Ok(())
    }

    /// The command failed: if it was reading rows and the channel is to blame, what has come is kept.
    pub(super) fn keep_half_read(&mut self, error: Error) {
        let Command::ReadRows { profile, range, keep_last } = self.command else { return };
        if !matches!(error, Error::Transport(_)) {
            return;
        }
        let before = self.rows.len();
        self.rows.read_begun(&self.transfer.answer);
        self.rows.drop_repeats(before);
        if matches!(range, ProfileRange::Between(..)) {
            self.rows.drop_untimed_tail();
        }
        if !self.rows.is_empty() {
            self.half = Some(HalfRead { profile, range, keep_last });
        }
    }
}
