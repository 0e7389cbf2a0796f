//! The tree from the inverter to the services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    MeterIx,
    config::{Device, DeviceKind, OutageConfig},
};

use super::Place;

/// Why a meter cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unplaced {
    /// Nobody has said what feeds it.
    NoParent,
    /// What is said to feed it is not in the network.
    ParentMissing,
    /// What feeds it is said to feed itself.
    Loop,
}

/// The tree, made ready: devices by number, each after all that it feeds.
#[derive(Clone, Debug)]
pub struct Network {
    devices: Vec<Device>,
    numbers: BTreeMap<String, usize>,
    parents: Vec<Option<usize>>,
    /// Leaves first.
    order: Vec<usize>,
    places: Vec<Result<usize, Unplaced>>,
}

impl Network {
    /// Reads it. A device whose parent is missing counts as a first one; devices in a loop feed nobody.
    #[must_use]
    pub fn new(config: &OutageConfig) -> Self {
        let devices = config.devices.clone();
        let numbers: BTreeMap<String, usize> = devices.iter().enumerate().map(|(n, d)| (d.id.clone(), n)).collect();
        let parents: Vec<Option<usize>> = devices
            .iter()
            .map(|device| device.parent.as_ref().and_then(|parent| numbers.get(parent)).copied())
            .collect();
        // In a tree no way up is longer than there are devices.
        let depth = |mut at: usize| {
            let mut depth = 0_usize;
            while let Some(up) = parents.get(at).copied().flatten() {
                (at, depth) = (up, depth.saturating_add(1));
                if depth > parents.len() {
                    return None;
                }
            }
            Some(depth)
        };
        let depths: Vec<Option<usize>> = (0..devices.len()).map(depth).collect();
        let sound = |n: &usize| depths.get(*n).copied().flatten();
        let mut order: Vec<usize> = (0..devices.len()).filter(|n| sound(n).is_some()).collect();
        order.sort_by_key(|n| std::cmp::Reverse(sound(n)));
        let place = |parent: &Option<String>| {
            let parent = parent.as_ref().ok_or(Unplaced::NoParent)?;
            let number = numbers.get(parent).ok_or(Unplaced::ParentMissing)?;
            sound(number).map(|_| *number).ok_or(Unplaced::Loop)
        };
        let places = config.meters.iter().map(|meter| place(&meter.parent)).collect();
        Self { devices, numbers, parents, order, places }
    }

    /// How many devices.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.devices.len()
    }

    /// No device is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// How many meters.
    #[must_use]
    pub const fn meters(&self) -> usize {
        self.places.len()
    }

    /// What feeds the meter.
    ///
    /// # Errors
    /// [`Unplaced`].
    pub fn parent_of(&self, meter: MeterIx) -> Result<usize, Unplaced> {
        self.places.get(meter.at()).copied().unwrap_or(Err(Unplaced::NoParent))
    }

    /// The device of that name.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    /// The name of a device.
    #[must_use]
    pub fn id(&self, device: usize) -> Option<&str> {
        self.devices.get(device).map(|device| device.id.as_str())
    }

    /// What a device is.
    #[must_use]
    pub fn kind(&self, device: usize) -> Option<DeviceKind> {
        self.devices.get(device).map(|device| device.kind)
    }

    /// Devices in a sound tree, each after all that it feeds.
    #[must_use]
    pub fn leaves_first(&self) -> &[usize] {
        &self.order
    }

    /// What feeds the device.
    #[must_use]
    pub fn up(&self, device: usize) -> Option<usize> {
        self.parents.get(device).copied().flatten()
    }

    /// The device and all that feed it, upwards. Only of a sound tree.
    pub fn way_up(&self, device: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(device), |at| self.up(*at)).take(self.devices.len())
    }

    /// All that feed the meter, upwards.
    pub fn above(&self, meter: MeterIx) -> impl Iterator<Item = usize> + '_ {
        self.parent_of(meter).ok().into_iter().flat_map(|device| self.way_up(device))
    }

    /// A fault at `place` takes what hangs at `other` along.
    #[must_use]
    pub fn covers(&self, place: &Place, other: &Place) -> bool {
        if place == other {
            return true;
        }
        let Place::Device(id) = place else { return false };
        let Some(device) = self.number(id) else { return false };
        match other {
            Place::Device(below) => {
                self.number(below).is_some_and(|below| self.way_up(below).any(|above| above == device))
            }
            Place::Service(meter) => self.above(*meter).any(|above| above == device),
            Place::Unknown(_) => false,
        }
    }
}
