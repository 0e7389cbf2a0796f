//! What the driver says of the disk, and what the cloud hears of it.
//!
//! A disk that refuses records cannot be told of by a record: while it lasts, an alarm without a number goes up again and
//! again. It promises nothing. Rot that the store has found while it ran is recorded like every alarm.

use super::{Dcu, NS_PER_S, output::Output};
use crate::uplink::{AlarmCode, Up};

/// How it is with the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskWord {
    /// It takes records (again).
    Takes,
    /// It takes none: the store's `Health` is not good.
    Refuses,
    /// Something on it had rotted; nothing of the journal was lost by it.
    Rotten,
}

/// Until the alarm is said again, ns.
pub(crate) const AGAIN_NS: u64 = 15 * 60 * NS_PER_S;

impl Dcu {
    /// The disk has begun to refuse, takes again, or has rotted somewhere. Saying the same again is harmless.
    pub fn handle_disk(&mut self, now: u64, word: DiskWord) {
        self.begin(now);
        match word {
            DiskWord::Takes => self.disk_alarm_at = None,
            DiskWord::Refuses => self.disk_alarm_at = Some(self.disk_alarm_at.unwrap_or(now)),
            DiskWord::Rotten => self.alarm(now, None, AlarmCode::DiskRotten),
        }
        self.send(now);
    }

    /// Says what no record can.
    pub(super) fn tell_disk(&mut self, now: u64) {
        if !self.sender.is_up() || self.disk_alarm_at.is_none_or(|at| at > now) {
            return;
        }
        self.disk_alarm_at = Some(now.saturating_add(AGAIN_NS));
        let mut frame = self.buffer();
        refuses(self.unix_ms(now)).encode(0, &mut frame);
        self.outputs.push_back(Output::Uplink(frame));
    }

    pub(super) fn disk_deadline(&self) -> Option<u64> {
        self.disk_alarm_at.filter(|_| self.sender.is_up())
    }
}

pub(crate) fn refuses(unix_ms: Option<i64>) -> Up {
    Up::Alarm { meter: None, code: AlarmCode::DiskRefuses, unix_ms: unix_ms.unwrap_or(0) }
}
