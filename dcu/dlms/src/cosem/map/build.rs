//! Object lists to maps: class 15 attribute 2, class 12 attributes 2 and 3.

use super::{MapEntry, ObjectMap, Rights};
use crate::axdr::Value;
use crate::cosem::classes::{SnObject, class_spec};
use crate::cosem::map::{AttributeRight, MethodRight, Mode};
use crate::cosem::{Cosem, association};
use crate::error::PeerFault;
use crate::obis::{self, Obis};

const NOT_A_LIST: PeerFault = PeerFault::WrongType { what: "object list" };

impl ObjectMap {
    /// From the list of class 15. The encoding of the rights depends on the version of the association, which stands
    /// in the list itself; where the association does not list itself, `version` is taken.
    ///
    /// # Errors
    /// [`PeerFault::WrongType`].
    pub fn from_ln_list(list: &Value, version: u8) -> Result<Self, PeerFault> {
        let items = list.elements().ok_or(NOT_A_LIST)?;
        let parsed: Option<Vec<_>> = items.iter().map(ln_item).collect();
        let parsed = parsed.ok_or(NOT_A_LIST)?;
        let own = parsed.iter().find(|(class, _, obis, _)| *class == association::CLASS && is_current(*obis));
        let version = own.map_or(version, |(_, version, ..)| *version);
        let mut map = Self::default();
        for (class, object_version, obis, rights) in parsed {
            let [attributes, methods] = rights else { return Err(NOT_A_LIST) };
            let rights = Rights::read(version, attributes, methods).ok_or(NOT_A_LIST)?;
            map.push(obis, class, object_version, None, rights)?;
        }
        map.sort();
        Ok(map)
    }

    /// From the lists of class 12: the objects, and the rights on them where the meter has that attribute. Without
    /// rights, everything that the class has counts as allowed: the meter will say no by itself.
    ///
    /// # Errors
    /// [`PeerFault::WrongType`].
    pub fn from_sn_list(list: &Value, rights: Option<&Value>) -> Result<Self, PeerFault> {
        let objects = Vec::<SnObject>::from_value(list).ok_or(NOT_A_LIST)?;
        let listed = match rights {
            Some(rights @ (Value::Array(_) | Value::CompactArray(_))) => sn_rights(rights).ok_or(NOT_A_LIST)?,
            _ => Vec::new(),
        };
        let mut map = Self::default();
        for object in objects {
            let rights = listed
                .iter()
                .find(|(base_name, _)| *base_name == object.base_name)
                .map_or_else(|| all_of(object.class_id, object.version), |(_, rights)| rights.clone());
            let base_name = Some(object.base_name.cast_unsigned());
            map.push(object.logical_name, object.class_id, object.version, base_name, rights)?;
        }
        map.sort();
        Ok(map)
    }

    /// As the list of class 15 in that version: what a server of it would show.
    #[must_use]
    pub fn to_ln_list(&self, version: u8) -> Value {
        let object = |entry: &MapEntry| {
            let rights = self.rights(entry).cloned().unwrap_or_default();
            Value::Structure(vec![
                Value::U16(entry.class),
                Value::U8(entry.version),
                Value::OctetString(entry.obis.0.into()),
                rights.to_value(version),
            ])
        };
        Value::Array(self.entries.iter().map(object).collect())
    }

    pub(super) fn push(
        &mut self,
        obis: Obis,
        class: u16,
        version: u8,
        base_name: Option<u16>,
        rights: Rights,
    ) -> Result<(), PeerFault> {
        let index = self.rights.iter().position(|known| *known == rights).unwrap_or_else(|| {
            self.rights.push(rights);
            self.rights.len().saturating_sub(1)
        });
        let rights = u16::try_from(index).map_err(|_| NOT_A_LIST)?;
        self.entries.push(MapEntry { obis, class, version, base_name, rights });
        Ok(())
    }

    pub(super) fn sort(&mut self) {
        self.entries.sort_by_key(|entry| (entry.obis, entry.class));
        self.entries.shrink_to_fit();
        // Rights in the order of their first use, so that equal maps are equal however their lists were ordered.
        let mut used: Vec<u16> = Vec::with_capacity(self.rights.len());
        for entry in &mut self.entries {
            let place = used.iter().position(|index| *index == entry.rights).unwrap_or_else(|| {
                used.push(entry.rights);
                used.len().saturating_sub(1)
            });
            entry.rights = place as u16;
        }
        self.rights = used.into_iter().filter_map(|index| self.rights.get(usize::from(index)).cloned()).collect();
    }
}

type LnItem<'v> = (u16, u8, Obis, &'v [Value]);

fn ln_item(item: &Value) -> Option<LnItem<'_>> {
    match item.elements()? {
        [Value::U16(class), Value::U8(version), name, rights] => {
            Some((*class, *version, Obis::from_value(name)?, rights.elements()?))
        }
        _ => None,
    }
}

/// 0-0:40.0.0.255 is the association in which the list is read.
fn is_current(obis: Obis) -> bool {
    obis == obis::ASSOCIATION_LN
}

/// Rights of class 12, attribute 3: the codes are those of Association LN, versions 0–2.
fn sn_rights(list: &Value) -> Option<Vec<(i16, Rights)>> {
    let item = |item: &Value| match item.elements()? {
        [Value::I16(base_name), attributes, methods] => Some((*base_name, Rights::read(1, attributes, methods)?)),
        _ => None,
    };
    list.elements()?.iter().map(item).collect()
}

fn all_of(class: u16, version: u8) -> Rights {
    let spec = class_spec(class, version);
    let name = AttributeRight { id: 1, mode: Mode(Mode::READ), selectors: [].into() };
    let attributes = spec.map_or(&[][..], |spec| spec.attributes).iter().map(|attribute| AttributeRight {
        id: attribute.id,
        mode: Mode(Mode::READ | Mode::WRITE),
        selectors: [].into(),
    });
    let methods = spec.map_or(&[][..], |spec| spec.methods).iter();
    Rights {
        attributes: std::iter::once(name).chain(attributes).collect(),
        methods: methods.map(|method| MethodRight { id: method.id, mode: Mode(Mode::READ) }).collect(),
    }
}
