//! Class 18, server side.

use super::{Effect, Extra, Instance, Model, Verdict};
use crate::apdu::ActionResult;
use crate::axdr::{BitString, Octets, Value};
use crate::cosem::{Cosem, ImageBlock, ImageInfo, ImageInitiate, ImageStatus};

/// Largest image taken, bytes.
const IMAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// The image as far as it has come.
#[derive(Default)]
pub(super) struct ImageState {
    identifier: Octets,
    size: u32,
    /// One bit a block.
    have: Vec<u8>,
    bytes: Vec<u8>,
}

impl Model {
    pub(super) fn call_image(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        if self.get::<bool>(at, 5) != Some(true) {
            return Err(ActionResult::OtherReason);
        }
        match method {
            1 => self.initiate(at, ImageInitiate::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?),
            2 => self.take_block(at, &ImageBlock::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?),
            3 => self.verify(at),
            _ => self.activate(at),
        }
    }

    fn image(&mut self, at: usize) -> Option<&mut ImageState> {
        match self.instances.get_mut(at) {
            Some(Instance { extra: Extra::Image(state), .. }) => Some(state),
            _ => None,
        }
    }

    /// Everything about a transfer is lost, as when the block size changes or the memory fails.
    pub fn forget_image(&mut self, at: usize) {
        if let Some(state) = self.image(at) {
            *state = ImageState::default();
            self.show_image(at, ImageStatus::NotInitiated);
        }
    }

    /// The meter restarts: a transfer under way is forgotten, as meters without a buffer in flash do.
    pub fn lose_image(&mut self, obis: crate::obis::Obis) {
        if let Some(at) = self.index.get(&obis).copied() {
            self.forget_image(at);
        }
    }

    fn initiate(&mut self, at: usize, request: ImageInitiate) -> Result<(), ActionResult> {
        let block_size = self.get::<u32>(at, 2).filter(|size| *size > 0).ok_or(ActionResult::HardwareFault)?;
        if request.image_size == 0 || request.image_size > IMAGE_BYTES_MAX {
            return Err(ActionResult::OtherReason);
        }
        let blocks = request.image_size.div_ceil(block_size) as usize;
        if let Some(state) = self.image(at) {
            *state = ImageState {
                identifier: request.image_identifier,
                size: request.image_size,
                have: vec![0; blocks.div_ceil(8)],
                bytes: vec![0; request.image_size as usize],
            };
        }
        self.put(at, 7, &Vec::<ImageInfo>::new());
        self.show_image(at, ImageStatus::Initiated);
        Ok(())
    }

    fn take_block(&mut self, at: usize, block: &ImageBlock) -> Result<(), ActionResult> {
        if !matches!(self.get(at, 6), Some(ImageStatus::Initiated | ImageStatus::VerificationFailed)) {
            return Err(ActionResult::OtherReason);
        }
        let block_size = self.get::<u32>(at, 2).unwrap_or(0) as usize;
        let number = block.image_block_number as usize;
        let Some(state) = self.image(at) else { return Err(ActionResult::HardwareFault) };
        let from = number.saturating_mul(block_size);
        let to = from.saturating_add(block_size).min(state.bytes.len());
        let place = state.bytes.get_mut(from..to).filter(|place| !place.is_empty());
        match place {
            Some(place) if place.len() == block.image_block_value.len() => {
                place.copy_from_slice(&block.image_block_value);
            }
            _ => return Err(ActionResult::TypeUnmatched),
        }
        if let Some(byte) = state.have.get_mut(number / 8) {
            *byte |= 0x80 >> (number % 8);
        }
        self.show_image(at, ImageStatus::Initiated);
        Ok(())
    }

    fn verify(&mut self, at: usize) -> Result<(), ActionResult> {
        if matches!(self.get(at, 6), Some(ImageStatus::NotInitiated) | None) {
            return Err(ActionResult::OtherReason);
        }
        let complete = self.get::<u32>(at, 4) == self.block_count(at);
        let verdict = match self.instances.get_mut(at) {
            Some(Instance { extra: Extra::Image(state), .. }) if complete => {
                self.hooks.verify_image(&state.identifier, &state.bytes)
            }
            _ => Verdict::Bad,
        };
        match verdict {
            Verdict::Good(image_signature) => {
                if let Some(ImageState { identifier, size, .. }) = self.image(at) {
                    let (image_size, image_identification) = (*size, identifier.clone());
                    self.put(at, 7, &vec![ImageInfo { image_size, image_identification, image_signature }]);
                }
                self.put(at, 6, &ImageStatus::VerificationSuccessful);
                Ok(())
            }
            Verdict::Later => {
                self.put(at, 6, &ImageStatus::VerificationInitiated);
                Err(ActionResult::TemporaryFailure)
            }
            Verdict::Bad => {
                self.put(at, 6, &ImageStatus::VerificationFailed);
                Err(ActionResult::OtherReason)
            }
        }
    }

    /// An image that has not been verified is verified first (Blue Book 4.4.6.4).
    fn activate(&mut self, at: usize) -> Result<(), ActionResult> {
        // Asked again because the answer was lost: it runs already.
        if self.get(at, 6) == Some(ImageStatus::ActivationSuccessful) {
            return Ok(());
        }
        if self.get(at, 6) != Some(ImageStatus::VerificationSuccessful) {
            self.verify(at)?;
        }
        let info = self.get::<Vec<ImageInfo>>(at, 7).and_then(|mut list| list.pop());
        let info = info.ok_or(ActionResult::HardwareFault)?;
        let started = match self.instances.get_mut(at) {
            Some(Instance { extra: Extra::Image(state), .. }) => self.hooks.activate_image(&info, &state.bytes),
            _ => false,
        };
        if !started {
            self.put(at, 6, &ImageStatus::ActivationFailed);
            return Err(ActionResult::OtherReason);
        }
        self.put(at, 6, &ImageStatus::ActivationSuccessful);
        // It runs now from elsewhere; the place it was received in is free.
        if let Some(state) = self.image(at) {
            state.bytes = Vec::new();
        }
        self.emit(Effect::ImageActivated(info.image_identification.to_vec()));
        Ok(())
    }

    fn block_count(&mut self, at: usize) -> Option<u32> {
        let block_size = self.get::<u32>(at, 2)?;
        self.image(at)?.size.checked_div(block_size).map(|_| ())?;
        Some(self.image(at)?.size.div_ceil(block_size))
    }

    /// Bitmap, first missing block and status.
    fn show_image(&mut self, at: usize, status: ImageStatus) {
        let count = self.block_count(at).unwrap_or(0);
        let Some(state) = self.image(at) else { return };
        let Some(bits) = BitString::new(count as usize, &state.have) else { return };
        let missing = (0..count).find(|number| bits.bit(*number as usize) != Some(true)).unwrap_or(count);
        self.put(at, 3, &bits);
        self.put(at, 4, &missing);
        self.put(at, 6, &status);
    }
}
