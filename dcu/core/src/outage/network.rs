//! The tree from the inverter to the services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    MeterIx,
    config::{Device, DeviceKind, OutageConfig, Span},
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

impl std::fmt::Display for Unplaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoParent => "what feeds it is not on the map",
            Self::ParentMissing => "what feeds it is not in the network",
            Self::Loop => "what feeds it feeds itself",
        })
    }
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
    spans: Vec<Joint>,
}

/// A [`crate::config::Span`], made ready.
#[derive(Clone, Debug)]
pub(crate) struct Joint {
    pub(crate) id: String,
    pub(crate) parts: Vec<Part>,
    /// The lowest device above all parts.
    pub(crate) top: usize,
}

/// What a span takes along in one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All behind this device.
    Device(usize),
    /// One service.
    Service(MeterIx),
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
        let mut network = Self { devices, numbers, parents, order, places, spans: Vec::new() };
        network.spans = config.spans.iter().filter_map(|span| network.joint(span)).collect();
        network.spans.sort_by_key(|span| span.top);
        network
    }

    /// A span of which at least two parts are in the network; one is no more than a device or a service.
    fn joint(&self, span: &Span) -> Option<Joint> {
        let sound = |device: &usize| self.order.contains(device);
        let devices = span.devices.iter().filter_map(|id| self.number(id)).filter(sound).map(Part::Device);
        let placed = |meter: &&MeterIx| self.parent_of(**meter).is_ok();
        let parts: Vec<Part> =
            devices.chain(span.meters.iter().filter(placed).map(|meter| Part::Service(*meter))).collect();
        let (first, others) = parts.split_first().filter(|(_, others)| !others.is_empty())?;
        let common = |above: &usize| others.iter().all(|part| self.above_part(*part).any(|one| one == *above));
        let top = self.above_part(*first).find(common)?;
        Some(Joint { id: span.id.clone(), parts, top })
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

    /// What lies above a part of a span, upwards.
    pub(crate) fn above_part(&self, part: Part) -> Box<dyn Iterator<Item = usize> + '_> {
        match part {
            Part::Device(device) => Box::new(self.way_up(device).skip(1)),
            Part::Service(meter) => Box::new(self.above(meter)),
        }
    }

    /// All spans, by the device above them and then in the order of the configuration.
    pub(crate) fn spans(&self) -> &[Joint] {
        &self.spans
    }

    /// Those right under this device, with their numbers.
    pub(crate) fn spans_under(&self, top: usize) -> impl Iterator<Item = (usize, &Joint)> {
        let first = self.spans.partition_point(|span| span.top < top);
        self.spans.iter().enumerate().skip(first).take_while(move |(_, span)| span.top == top)
    }

    /// A fault of this part takes the meter along.
    pub(crate) fn is_behind(&self, part: Part, meter: MeterIx) -> bool {
        match part {
            Part::Device(device) => self.above(meter).any(|above| above == device),
            Part::Service(service) => service == meter,
        }
    }

    /// A fault at `place` takes what hangs at `other` along.
    #[must_use]
    pub fn covers(&self, place: &Place, other: &Place) -> bool {
        let within = |part: Part, whole: &[Part]| match part {
            Part::Device(device) => self.way_up(device).any(|above| whole.contains(&Part::Device(above))),
            Part::Service(meter) => whole.iter().any(|one| self.is_behind(*one, meter)),
        };
        let (whole, parts) = (self.parts_of(place), self.parts_of(other));
        place == other || !parts.is_empty() && parts.iter().all(|part| within(*part, &whole))
    }

    fn parts_of(&self, place: &Place) -> Vec<Part> {
        match place {
            Place::Device(id) => self.number(id).map(Part::Device).into_iter().collect(),
            Place::Service(meter) => vec![Part::Service(*meter)],
            Place::Span(id) => {
                self.spans.iter().find(|span| span.id == *id).map(|span| span.parts.clone()).unwrap_or_default()
            }
            Place::Unknown(_) => Vec::new(),
        }
    }
}
