//! One image for many meters: what was ordered, and how far each meter is.
//!
//! ```text
//!   NotBegun ─▶ Begun { blocks } ─▶ Verified ─▶ Activated
//!      ▲               │               │
//!      └── forgotten ──┴───────────────┘        Failed(why): after several attempts
//! ```
//!
//! The campaign is part of the durable state. An order carries the image itself, so a restart needs nobody to bring it
//! again; when the last meter has done, or the campaign is cancelled, the bytes are let go. Blocks are recorded in coarse
//! steps only: after a restart the meter's own bitmap tells what it has. That the image is verified is durable *before*
//! the meter is told to activate it, so it is never in doubt whether that may have happened.

mod activation;

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

use taa_dlms::cosem::image::ImageError;

pub(crate) use self::activation::Activation;
use crate::MeterIx;

/// Longest image, bytes.
pub const IMAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest identifier, bytes.
pub const IDENTIFIER_BYTES_MAX: usize = 64;

/// An order to bring an image to meters and to activate it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOrder {
    /// What the image is called; the meter tells it back after verification.
    pub identifier: Vec<u8>,
    /// The image.
    pub image: Arc<[u8]>,
    /// To these meters; empty for all.
    pub meters: Vec<MeterIx>,
}

impl fmt::Debug for ImageOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageOrder")
            .field("identifier", &String::from_utf8_lossy(&self.identifier))
            .field("bytes", &self.image.len())
            .field("meters", &self.meters)
            .finish()
    }
}

/// Why an order was not taken. Nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageOrderError {
    /// No image, or no meters.
    #[error("there is nothing to send, or nobody to send it to")]
    Empty,
    /// Longer than [`IMAGE_BYTES_MAX`].
    #[error("the image has {bytes} bytes, more than {IMAGE_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Empty, or longer than [`IDENTIFIER_BYTES_MAX`].
    #[error("an identifier has 1 to {IDENTIFIER_BYTES_MAX} bytes")]
    Identifier,
    /// There is no such meter.
    #[error("there is no meter {}", .0.0)]
    UnknownMeter(MeterIx),
    /// One campaign at a time: cancel the other first.
    #[error("another campaign is under way")]
    UnderWay,
}

impl ImageOrder {
    /// Checks the order against a fleet of so many meters, and names its meters: sorted, each once.
    pub(crate) fn check(self, fleet: u32) -> Result<Self, ImageOrderError> {
        let mut meters = self.meters;
        if meters.is_empty() {
            meters = (0..fleet).map(MeterIx).collect();
        }
        meters.sort_unstable();
        meters.dedup();
        if let Some(unknown) = meters.last().filter(|meter| meter.0 >= fleet) {
            return Err(ImageOrderError::UnknownMeter(*unknown));
        }
        if self.image.is_empty() || meters.is_empty() {
            return Err(ImageOrderError::Empty);
        }
        if self.image.len() > IMAGE_BYTES_MAX {
            return Err(ImageOrderError::TooLong { bytes: self.image.len() });
        }
        if self.identifier.is_empty() || self.identifier.len() > IDENTIFIER_BYTES_MAX {
            return Err(ImageOrderError::Identifier);
        }
        Ok(Self { meters, ..self })
    }
}

/// How far one meter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageState {
    /// Nothing has been announced to it, as far as is known.
    NotBegun,
    /// The image was announced to it; so many blocks were there when it was recorded last.
    Begun {
        /// Blocks in the meter.
        blocks_done: u32,
        /// All blocks.
        blocks: u32,
    },
    /// It has the whole image and found it in order. It may have been told to activate it.
    Verified,
    /// It runs the image, or has confirmed that it will.
    Activated,
    /// Given up after several attempts.
    Failed(ImageError),
}

impl ImageState {
    /// Nothing is left to be done.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Activated | Self::Failed(_))
    }
}

/// The campaign ordered last.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCampaign {
    identifier: Vec<u8>,
    bytes: usize,
    image: Arc<[u8]>,
    meters: BTreeMap<MeterIx, ImageState>,
    ordered_by: u64,
    cancelled: bool,
}

impl ImageCampaign {
    /// `record` is the number of the order's record.
    pub(crate) fn new(record: u64, order: &ImageOrder) -> Self {
        Self {
            identifier: order.identifier.clone(),
            bytes: order.image.len(),
            image: Arc::clone(&order.image),
            meters: order.meters.iter().map(|meter| (*meter, ImageState::NotBegun)).collect(),
            ordered_by: record,
            cancelled: false,
        }
    }

    /// What the image is called.
    #[must_use]
    pub fn identifier(&self) -> &[u8] {
        &self.identifier
    }

    /// Length of the image, bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Every meter of it, by index, and how far it is.
    pub fn meters(&self) -> impl Iterator<Item = (MeterIx, ImageState)> + '_ {
        self.meters.iter().map(|(meter, state)| (*meter, *state))
    }

    /// One meter; `None` when the order does not name it.
    #[must_use]
    pub fn meter(&self, meter: MeterIx) -> Option<ImageState> {
        self.meters.get(&meter).copied()
    }

    /// Some meter still waits for it.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        !self.cancelled && self.meters.values().any(|state| !state.is_final())
    }

    /// It was cancelled before all meters had done.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Number of the record that ordered it: nothing is sent before that is durable.
    pub(crate) const fn ordered_by(&self) -> u64 {
        self.ordered_by
    }

    pub(crate) const fn image(&self) -> &Arc<[u8]> {
        &self.image
    }

    pub(crate) fn put(&mut self, meter: MeterIx, state: ImageState) {
        if let Some(slot) = self.meters.get_mut(&meter) {
            *slot = state;
        }
        self.let_go();
    }

    pub(crate) fn cancel(&mut self) {
        self.cancelled = self.is_under_way();
        self.let_go();
    }

    fn let_go(&mut self) {
        if !self.is_under_way() {
            self.image = Arc::from([]);
        }
    }
}

impl fmt::Debug for ImageCampaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageCampaign")
            .field("identifier", &String::from_utf8_lossy(&self.identifier))
            .field("bytes", &self.bytes)
            .field("meters", &self.meters)
            .field("cancelled", &self.cancelled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(bytes: usize, meters: &[u32]) -> ImageOrder {
        let meters = meters.iter().copied().map(MeterIx).collect();
        ImageOrder { identifier: b"TAA-2".to_vec(), image: vec![1; bytes].into(), meters }
    }

    #[test]
    fn orders_are_checked() {
        assert_eq!(order(10, &[]).check(3), Ok(order(10, &[0, 1, 2])));
        assert_eq!(order(10, &[2, 0, 2]).check(3), Ok(order(10, &[0, 2])));
        assert_eq!(order(10, &[3]).check(3), Err(ImageOrderError::UnknownMeter(MeterIx(3))));
        assert_eq!(order(0, &[]).check(3), Err(ImageOrderError::Empty));
        assert_eq!(order(10, &[]).check(0), Err(ImageOrderError::Empty));
        let bytes = IMAGE_BYTES_MAX + 1;
        assert_eq!(order(bytes, &[]).check(1), Err(ImageOrderError::TooLong { bytes }));
        let nameless = ImageOrder { identifier: Vec::new(), ..order(1, &[]) };
        assert_eq!(nameless.check(1), Err(ImageOrderError::Identifier));
    }

    #[test]
    fn the_bytes_are_let_go_when_all_have_done() {
        let mut campaign = ImageCampaign::new(7, &order(10, &[0, 1]));
        campaign.put(MeterIx(0), ImageState::Activated);
        assert_eq!((campaign.image().len(), campaign.is_under_way()), (10, true));
        campaign.put(MeterIx(1), ImageState::Failed(ImageError::Busy));
        assert_eq!((campaign.image().len(), campaign.bytes(), campaign.is_under_way()), (0, 10, false));
        campaign.cancel();
        assert!(!campaign.is_cancelled(), "it was over already");
    }
}
