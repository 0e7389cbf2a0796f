//! Devices that are paid off by OpenPAYGO tokens: counts used up, tokens outstanding.
//!
//! A token's count is recorded before the token leaves, so no count is given to two tokens. Tokens that add time may be
//! entered in any order within a window of [`taa_tokens::openpaygo`]'s device; they are outstanding until the device's
//! count is seen to have come so far.

use std::fmt;

use serde::{Deserialize, Serialize};

use taa_tokens::openpaygo::{self, metrics::Seen};

use crate::config::PaygDevice;

/// Tokens outstanding that are remembered of a device: what lies further behind, it would refuse.
const OUTSTANDING_MAX: usize = 16;

/// A device, by its place in [`crate::config::VendingConfig::devices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaygIx(pub u32);

impl PaygIx {
    pub(crate) const fn at(self) -> usize {
        self.0 as usize
    }
}

/// What a token was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaygAsk {
    /// An order whose kind older journals did not keep.
    Order,
    /// Days, for money.
    Days(u32),
    /// An operator set the days left.
    Set(u32),
    /// An operator unlocked it for good.
    Unlock,
    /// An operator brought its count in step.
    Sync,
}

impl From<openpaygo::Ask> for PaygAsk {
    fn from(ask: openpaygo::Ask) -> Self {
        match ask {
            openpaygo::Ask::Add(days) => Self::Days(days),
            openpaygo::Ask::Set(days) => Self::Set(days),
            openpaygo::Ask::Disable => Self::Unlock,
            openpaygo::Ask::Sync => Self::Sync,
        }
    }
}

/// A token made for a device. `Debug` hides its digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaygToken {
    /// For which.
    pub device: PaygIx,
    /// The count that it used up.
    pub count: u32,
    /// The digits.
    pub digits: String,
    /// What it does.
    pub ask: PaygAsk,
    /// What the account pays for it, minor units.
    pub worth_minor: i64,
}

impl fmt::Debug for PaygToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaygToken({:?}, count {}, {:?}, ..)", self.device, self.count, self.ask)
    }
}

impl PaygToken {
    /// Days that it adds.
    #[must_use]
    pub const fn days(&self) -> Option<u32> {
        if let PaygAsk::Days(days) = self.ask { Some(days) } else { None }
    }
}

/// Why a device gets no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaygRefusal {
    /// No such device.
    #[error("no such device")]
    Unknown,
    /// Its key cannot be: 16 bytes are needed, and a starting code of at most nine digits.
    #[error("the device's key or starting code cannot be")]
    Key,
    /// The token cannot be made.
    #[error(transparent)]
    Token(#[from] taa_tokens::openpaygo::AskError),
}

/// Why a device's report is not answered. Nothing of it was used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsRefusal {
    /// Not a report.
    #[error(transparent)]
    Form(#[from] taa_tokens::openpaygo::metrics::ReadError),
    /// No such device.
    #[error("no device has this serial number")]
    Unknown,
    /// Its key cannot be.
    #[error("the device's key cannot be")]
    Key,
    /// Not signed by the device, or sent before.
    #[error(transparent)]
    Auth(#[from] taa_tokens::openpaygo::metrics::AuthError),
}

/// What is remembered of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaygDesk {
    count: u32,
    sold_minor: i64,
    outstanding: Vec<PaygToken>,
    request_count: Option<i64>,
    timestamp: Option<i64>,
}

impl PaygDesk {
    pub(crate) fn new(device: &PaygDevice) -> Self {
        Self { count: device.count, ..Self::default() }
    }

    /// The count of the last token.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// What its account has paid for tokens, minor units.
    #[must_use]
    pub const fn sold_minor(&self) -> i64 {
        self.sold_minor
    }

    /// Tokens that the device has not been seen to take, oldest first.
    #[must_use]
    pub fn outstanding(&self) -> &[PaygToken] {
        &self.outstanding
    }

    /// Number and time of its last report.
    #[must_use]
    pub const fn last_report(&self) -> (Option<i64>, Option<i64>) {
        (self.request_count, self.timestamp)
    }

    pub(super) fn issued(&mut self, token: &PaygToken) {
        self.count = self.count.max(token.count);
        self.sold_minor = self.sold_minor.saturating_add(token.worth_minor);
        self.outstanding.push(token.clone());
        if self.outstanding.len() > OUTSTANDING_MAX {
            self.outstanding.remove(0);
        }
    }

    /// The device has come to this count. One that is ahead of ours (our journal was lost) moves ours: no token of ours
    /// sets a device back.
    pub(super) fn settled(&mut self, count: u32) {
        self.count = self.count.max(count);
        self.outstanding.retain(|token| token.count > count);
    }

    /// True where a device at this count has forgotten tokens that it had taken: the next one after it is no longer
    /// outstanding. Odd and even counts alternate by what they carry, so the next one is at most two ahead.
    #[must_use]
    pub fn fell_back(&self, count: u32) -> bool {
        let next = self.outstanding.first().map_or(u32::MAX, |token| token.count);
        count < self.count && self.outstanding.len() < OUTSTANDING_MAX && next > count.saturating_add(2)
    }

    pub(super) fn seen(&mut self, request_count: Option<i64>, timestamp: Option<i64>) {
        let before = Seen { request_count: self.request_count, timestamp: self.timestamp }.within_bounds();
        self.request_count = before.request_count.max(request_count);
        self.timestamp = before.timestamp.max(timestamp);
    }
}
