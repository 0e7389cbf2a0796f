//! The part of a model meter that takes images.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use taa_dlms::{
    Value,
    axdr::Octets,
    cosem::{
        ImageInfo, ImageTransfer, Model, Object, ObjectEntry, ObjectModel,
        model::{Hooks, Verdict},
    },
    obis,
};

pub(crate) const BLOCK_BYTES: u32 = 512;

/// Class 18, and what came of it.
pub(crate) struct Flash {
    pub(crate) model: Model,
    /// A restart leaves what has come; else the transfer is forgotten.
    pub(crate) keeps: bool,
    /// It restarts on activation before it has answered.
    pub(crate) hasty: bool,
    /// Blocks taken, those that came twice too.
    pub(crate) blocks: u32,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// So many verifications fail, whatever came.
    spoils: u32,
    /// So many times it is not done yet.
    slow: u32,
    /// Identifier and bytes of every image activated.
    activated: Vec<(Vec<u8>, Vec<u8>)>,
}

struct Bootloader(Arc<Mutex<Seen>>);

impl Hooks for Bootloader {
    fn verify_image(&mut self, _: &[u8], _: &[u8]) -> Verdict {
        let mut seen = self.0.lock().unwrap();
        if seen.spoils > 0 {
            seen.spoils -= 1;
            return Verdict::Bad;
        }
        if seen.slow > 0 {
            seen.slow -= 1;
            return Verdict::Later;
        }
        Verdict::Good(Octets::from("signed"))
    }

    fn activate_image(&mut self, info: &ImageInfo, image: &[u8]) -> bool {
        self.0.lock().unwrap().activated.push((info.image_identification.to_vec(), image.to_vec()));
        true
    }
}

impl Flash {
    pub(crate) fn new() -> Self {
        let seen = Arc::default();
        let mut model = Model::with_hooks(Box::new(Bootloader(Arc::clone(&seen))));
        model.add(ImageTransfer::SPEC, obis::IMAGE_TRANSFER);
        model.set(obis::IMAGE_TRANSFER, 2, Value::U32(BLOCK_BYTES));
        Self { model, keeps: true, hasty: false, blocks: 0, seen }
    }

    pub(crate) fn entry(&self) -> ObjectEntry {
        self.model.objects()[0]
    }

    /// Of the next verifications so many fail.
    pub(crate) fn spoil(&self, times: u32) {
        self.seen.lock().unwrap().spoils = times;
    }

    /// The next verification is not done before it was asked for so many times.
    pub(crate) fn slow(&self, times: u32) {
        self.seen.lock().unwrap().slow = times;
    }

    pub(crate) fn handle_power_lost(&mut self) {
        if !self.keeps {
            self.model.lose_image(obis::IMAGE_TRANSFER);
        }
    }

    /// Sabotage: as if it had activated these.
    pub(crate) fn pretend(&self, activated: Vec<(Vec<u8>, Vec<u8>)>) {
        self.seen.lock().unwrap().activated = activated;
    }

    /// Identifier and bytes of every image activated.
    pub(crate) fn activated(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.seen.lock().unwrap().activated.clone()
    }
}

impl fmt::Debug for Flash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flash").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}
