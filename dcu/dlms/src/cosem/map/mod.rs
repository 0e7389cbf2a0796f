//! What a meter shows of itself: the object list of its association as a map.
//!
//! On association the client reads class 15 attribute 2 (or class 12 attributes 2 and 3) and builds the map with
//! [`ObjectMap::from_ln_list`] or [`ObjectMap::from_sn_list`]. Nothing about a meter is hard-coded: whether an
//! attribute may be read, and in which class and version an object comes, is asked of the map.
//!
//! Meters of one firmware show the same list to the same client: see [`Maps`], and [`Discovery`], which reads a list
//! only when it must. Rights repeat from object to object and are held once each, so a map of some hundred objects
//! takes a few kilobytes, and [`ObjectMap::to_bytes`] less.

mod build;
mod discover;
mod rights;
mod share;
mod store;

pub use discover::{Discovered, Discovery, FIRMWARE_ID};
pub use rights::{AttributeRight, MethodRight, Mode, Rights};
pub use share::{FirmwareId, Maps, Sighting};

use crate::apdu::{AttributeRef, MethodRef};
use crate::obis::Obis;

/// An object of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// Logical name.
    pub obis: Obis,
    /// Interface class.
    pub class: u16,
    /// Its version.
    pub version: u8,
    /// Short name of attribute 1, when the meter is referenced by short names.
    pub base_name: Option<u16>,
    rights: u16,
}

/// The objects of a meter with the rights of one client. Made only by the readers of object lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectMap {
    /// Sorted by name, then class.
    entries: Vec<MapEntry>,
    /// Distinct rights.
    rights: Vec<Rights>,
}

impl ObjectMap {
    /// How many objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No objects.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All objects, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MapEntry> {
        self.entries.iter()
    }

    /// The objects of one class.
    pub fn of_class(&self, class: u16) -> impl Iterator<Item = &MapEntry> {
        self.entries.iter().filter(move |entry| entry.class == class)
    }

    /// The object of that name (the first, if classes share it).
    #[must_use]
    pub fn find(&self, obis: Obis) -> Option<&MapEntry> {
        let at = self.entries.partition_point(|entry| entry.obis < obis);
        self.entries.get(at).filter(|entry| entry.obis == obis)
    }

    /// The object of that name and class.
    #[must_use]
    pub fn find_class(&self, class: u16, obis: Obis) -> Option<&MapEntry> {
        let at = self.entries.partition_point(|entry| (entry.obis, entry.class) < (obis, class));
        self.entries.get(at).filter(|entry| (entry.obis, entry.class) == (obis, class))
    }

    /// What may be done with an object.
    #[must_use]
    pub fn rights(&self, entry: &MapEntry) -> Option<&Rights> {
        self.rights.get(usize::from(entry.rights))
    }

    /// The attribute exists and may be read.
    #[must_use]
    pub fn reads(&self, attribute: AttributeRef) -> bool {
        self.attribute(attribute).is_some_and(|right| right.mode.reads())
    }

    /// The attribute exists and may be written.
    #[must_use]
    pub fn writes(&self, attribute: AttributeRef) -> bool {
        self.attribute(attribute).is_some_and(|right| right.mode.writes())
    }

    /// The attribute takes that selector.
    #[must_use]
    pub fn selects(&self, attribute: AttributeRef, selector: i8) -> bool {
        self.attribute(attribute).is_some_and(|right| right.selectors.contains(&selector))
    }

    /// The method exists and may be called.
    #[must_use]
    pub fn calls(&self, method: MethodRef) -> bool {
        self.find_class(method.class, method.obis)
            .and_then(|entry| self.rights(entry))
            .is_some_and(|rights| rights.methods.iter().any(|m| m.id == method.method && m.mode.calls()))
    }

    /// Rights on one attribute.
    #[must_use]
    pub fn attribute(&self, attribute: AttributeRef) -> Option<&AttributeRight> {
        let entry = self.find_class(attribute.class, attribute.obis)?;
        self.rights(entry)?.attributes.iter().find(|right| right.id == attribute.attribute)
    }

    /// Short name of an attribute: the base name and 8 for each attribute before it (Blue Book 4.1.2). `None` for a
    /// meter referenced by logical names, and for class 98, whose layout is irregular.
    #[must_use]
    pub fn short_name(&self, attribute: AttributeRef) -> Option<u16> {
        let entry = self.find_class(attribute.class, attribute.obis)?;
        let before = u16::try_from(attribute.attribute).ok()?.checked_sub(1)?;
        let irregular = matches!(attribute.class, 98 | 153) && before > 0;
        if irregular { None } else { entry.base_name?.checked_add(before.checked_mul(8)?) }
    }

    /// Short name of a method.
    #[must_use]
    pub fn short_method_name(&self, method: MethodRef) -> Option<u16> {
        let entry = self.find_class(method.class, method.obis)?;
        let spec = super::classes::class_spec(entry.class, entry.version)?;
        entry.base_name?.checked_add(spec.sn_method_offset(method.method)?)
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let rights: usize = self.rights.iter().map(Rights::heap_bytes).sum();
        self.entries.capacity().saturating_mul(size_of::<MapEntry>()).saturating_add(rights)
    }
}
