//! Expected transmissions of a link, × 128 (RFC 6551 §4.3.2), averaged over epochs as Wi-SUN FAN has it.

use serde::{Deserialize, Serialize};

/// One transmission for each acknowledgement.
pub const ONE: f64 = 128.0;
/// Wi-SUN FAN 1.1 §6.2.3.1.6.1: "ETX shall be … capped at 1024".
pub const CAP: f64 = 1024.0;

/// How much the newest epoch counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weight {
    /// One eighth from the second epoch on.
    #[default]
    Eighth,
    /// 1 / min(n, 8): the n-th epoch counts as much as each before it, until eight are seen.
    Ramped,
}

/// The estimate of one link in one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    weight: Weight,
    epochs: u32,
    etx128: Option<f64>,
}

impl Estimate {
    /// No epoch yet.
    #[must_use]
    pub const fn new(weight: Weight) -> Self {
        Self { weight, epochs: 0, etx128: None }
    }

    /// ETX × 128; `None` before the first epoch.
    #[must_use]
    pub const fn etx128(&self) -> Option<f64> {
        self.etx128
    }

    /// The estimate as metrics carry it, rounded to the nearest whole.
    #[must_use]
    pub fn rounded(&self) -> Option<u16> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 128 and 1024")]
        self.etx128.map(|etx| (etx + 0.5) as u16)
    }

    /// An epoch ended: attempts sent, acknowledgements received. An epoch without attempts says nothing.
    pub fn handle_epoch(&mut self, attempts: u32, acknowledged: u32) {
        if attempts == 0 {
            return;
        }
        let fresh = if acknowledged == 0 { CAP } else { ONE * f64::from(attempts) / f64::from(acknowledged) };
        let fresh = fresh.min(CAP);
        self.epochs = self.epochs.saturating_add(1);
        let share = match self.weight {
            Weight::Eighth => 8.0,
            Weight::Ramped => f64::from(self.epochs.min(8)),
        };
        self.etx128 = Some(self.etx128.map_or(fresh, |old| old + (fresh - old) / share));
    }
}
