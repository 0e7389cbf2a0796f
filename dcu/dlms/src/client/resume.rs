//! Going on with a half-read profile.
//!
//! A profile of months takes minutes over a slow line; a link lost in the middle must not cost what has come already.
//! When the transfer of rows breaks off, the whole rows among the blocks received are kept, and
//! [`Client::resume_profile`] asks for the rest: by date from the last row's time, or by entry number where rows carry
//! no time or a last entry was named.

use super::answer::is_aborted;
use super::{Client, Command, Phase, Referencing};
use crate::cosem::{ProfileRange, ProfileRows};
use crate::error::{Error, Misuse, Refusal};
use crate::obis::Obis;

/// A profile of which some rows are here, and the range that is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfRead {
    pub(super) profile: Obis,
    pub(super) range: ProfileRange,
    pub(super) keep_last: Option<u32>,
}

/// Far enough: the year 9999.
const FOREVER_UNIX_S: i64 = 253_370_764_800;

impl Client {
    /// Rows kept of a profile whose reading broke off; `None` when there is nothing to go on with.
    #[must_use]
    pub fn half_read_rows(&self) -> Option<usize> {
        self.half.as_ref().map(|_| self.rows.len())
    }

    /// Reads the rest of the profile whose reading broke off last, or was put aside (reading another profile forgets
    /// it). Ends in `Profile` with all rows, those kept and those read now.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::NothingToResume`].
    pub fn resume_profile(&mut self, now: u64) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Misuse::Busy.into());
        }
        let half = *self.half.take().ok_or(Misuse::NothingToResume)?;
        self.begin(match half.range {
            ProfileRange::Last(last) => Command::CountRows { profile: half.profile, last },
            range => Command::ReadRows { profile: half.profile, range, keep_last: half.keep_last },
        })?;
        self.go_on(now);
        self.drive(now);
        Ok(())
    }

    /// Drops the command under way as [`Self::cancel`] does, and hands over the whole rows of a profile that have come,
    /// of that command or of one that broke off before. For a scheduler that has something better to do with this
    /// meter between two blocks: the rest is a range of its own, to be asked for later. After this there is nothing to
    /// [resume](Self::resume_profile).
    pub fn interrupt(&mut self) -> Option<ProfileRows> {
        let reading = matches!(self.command, Command::ReadRows { .. });
        self.advance_rows();
        self.cancel();
        let half = self.half.take().is_some();
        ((reading || half) && !self.rows.is_empty()).then(|| std::mem::take(&mut self.rows))
    }

    /// What of a range is still missing after the rows that are here.
    fn rest_of(&self, range: ProfileRange) -> ProfileRange {
        let had = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        match (range, self.rows.last_unix_s()) {
            _ if had == 0 => range,
            // The row at that very second comes again and is dropped; others of the same second do not get lost.
            (ProfileRange::Between(_, to), Some(last)) => ProfileRange::Between(last, to),
            (ProfileRange::All | ProfileRange::Entries(_, 0), Some(last)) => {
                ProfileRange::Between(last, FOREVER_UNIX_S)
            }
            (ProfileRange::Entries(from, to), _) => ProfileRange::Entries(from.max(1).saturating_add(had), to),
            (ProfileRange::All, None) => ProfileRange::Entries(had.saturating_add(1), 0),
            (range, _) => range,
        }
    }

    /// The meter gave up a transfer of rows: keeps the whole rows that have come and aims at the rest. `true` when there
    /// are more of them than before.
    pub(super) fn advance_rows(&mut self) -> bool {
        // A list of objects that is coming in is no rows.
        if self.phase == Phase::Mapping {
            return false;
        }
        let Command::ReadRows { profile, range, keep_last } = self.command else { return false };
        let before = self.rows.len();
        if !self.keep_begun(range) {
            return false;
        }
        // Entry numbers count from the range as it was asked for last, of which only the new rows have come.
        let range = match range {
            ProfileRange::Entries(from, to) if to != 0 || self.rows.last_unix_s().is_none() => {
                let new = u32::try_from(self.rows.len().saturating_sub(before)).unwrap_or(u32::MAX);
                ProfileRange::Entries(from.max(1).saturating_add(new), to)
            }
            range => self.rest_of(range),
        };
        self.command = Command::ReadRows { profile, range, keep_last };
        true
    }

    /// Keeps the whole rows among the blocks received; `true` when there are any.
    fn keep_begun(&mut self, range: ProfileRange) -> bool {
        let before = self.rows.len();
        // By short names the value stands within a list of one result.
        let short = self.config.referencing == Referencing::ShortNames;
        let answer = self.transfer.answer.as_slice();
        let begun = if short { answer.strip_prefix(&[1, 0]).unwrap_or(&[]) } else { answer };
        self.rows.read_begun(begun);
        self.transfer.answer.clear();
        self.rows.drop_repeats(before);
        if matches!(range, ProfileRange::Between(..)) {
            self.rows.drop_untimed_tail();
        }
        self.rows.len() > before
    }

    /// The command failed: if it was reading rows and the channel is to blame, what has come is kept.
    pub(super) fn keep_half_read(&mut self, error: Error) {
        if !matches!(self.command, Command::ReadRows { .. }) {
            return;
        }
        let broken_off = match error {
            Error::Transport(_) => true,
            Error::Refused(Refusal::Access(result)) => is_aborted(result),
            _ => false,
        };
        if broken_off && (self.advance_rows() || !self.rows.is_empty()) {
            self.keep_half();
        }
    }

    /// The command is put aside while it was reading rows.
    pub(super) fn keep_rows(&mut self) {
        self.advance_rows();
        self.keep_half();
    }

    fn keep_half(&mut self) {
        // What was asked for last may itself be the rest of something: entries count from there.
        if let Command::ReadRows { profile, range, keep_last } = self.command {
            self.half = Some(Box::new(HalfRead { profile, range, keep_last }));
        }
    }
}
