//! Short names: 16-bit addresses of attributes and methods, as associations by short names use them (Blue Book 4.1.3,
//! class 12).
//!
//! An object has a base name; attribute n stands at base + 8·(n − 1), and its methods after the attributes at an
//! offset that each class fixes. The client reads the base names from the association object itself, which every
//! meter keeps at 0xFA00.

use crate::apdu::{AttributeRef, MethodRef};
use crate::axdr::Value;
use crate::cosem::classes::class_spec;
use crate::obis::Obis;

/// Base name of the association object.
pub const ASSOCIATION: u16 = 0xFA00;
/// Name of its object list.
pub const OBJECT_LIST: u16 = 0xFA08;
/// Its method reply_to_HLS_authentication.
pub const REPLY_TO_HLS: u16 = 0xFA58;
/// Class of the association object.
pub const CLASS: u16 = 12;

const STEP: u16 = 8;

/// The base names of one meter's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortNames {
    /// Sorted by class and logical name.
    objects: Vec<(u16, Obis, u16)>,
}

impl ShortNames {
    /// From pairs of object and base name.
    pub fn new(objects: impl IntoIterator<Item = (u16, Obis, u16)>) -> Self {
        let mut objects: Vec<_> = objects.into_iter().collect();
        objects.sort_unstable();
        Self { objects }
    }

    /// From the object list: structures of base name (long), class, version, logical name. `None` for another shape.
    #[must_use]
    pub fn from_object_list(list: &Value) -> Option<Self> {
        let object = |entry: &Value| match entry.elements()? {
            [base, Value::U16(class), Value::U8(_), name, ..] => {
                let base = match *base {
                    Value::I16(base) => base.cast_unsigned(),
                    Value::U16(base) => base,
                    _ => return None,
                };
                Some((*class, Obis(name.as_bytes()?.try_into().ok()?), base))
            }
            _ => None,
        };
        list.elements()?.iter().map(object).collect::<Option<Vec<_>>>().map(Self::new)
    }

    /// How many objects.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.objects.len()
    }

    /// No objects.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Name of an attribute.
    #[must_use]
    pub fn attribute(&self, attribute: AttributeRef) -> Option<u16> {
        let number = u16::try_from(attribute.attribute).ok()?.checked_sub(1)?;
        self.base(attribute.class, attribute.obis)?.checked_add(number.checked_mul(STEP)?)
    }

    /// Name of a method; `None` also for a class whose offset is not known here.
    #[must_use]
    pub fn method(&self, method: MethodRef) -> Option<u16> {
        let number = u16::try_from(method.method).ok()?.checked_sub(1)?;
        let base = self.base(method.class, method.obis)?;
        base.checked_add(methods_at(method.class)?)?.checked_add(number.checked_mul(STEP)?)
    }

    fn base(&self, class: u16, obis: Obis) -> Option<u16> {
        if class == CLASS {
            return Some(ASSOCIATION);
        }
        let at = self.objects.binary_search_by(|(c, o, _)| (*c, *o).cmp(&(class, obis))).ok()?;
        self.objects.get(at).map(|(_, _, base)| *base)
    }
}

/// What an offset from the base name of an object of that class points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Attribute(i8),
    Method(i8),
}

/// The member at that offset; `None` between members.
pub(crate) fn member(class: u16, offset: u16) -> Option<Member> {
    if !offset.is_multiple_of(STEP) {
        return None;
    }
    let number = |offset: u16| i8::try_from((offset / STEP).checked_add(1)?).ok();
    match methods_at(class).and_then(|at| offset.checked_sub(at)) {
        Some(beyond) => number(beyond).map(Member::Method),
        None => number(offset).map(Member::Attribute),
    }
}

/// Offset of the first method, as the class's table has it; `None` where that is not known.
fn methods_at(class: u16) -> Option<u16> {
    class_spec(class, 0).map(|spec| spec.sn_methods).filter(|offset| *offset != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::obis;

    #[test]
    fn names_and_members_are_inverse() {
        let names = ShortNames::new([
            (70, obis::DISCONNECT_CONTROL, 0x0300),
            (3, obis::VOLTAGE_L1, 0x0500),
            (7, Obis([1, 0, 99, 1, 0, 255]), 0x8D00),
        ]);
        assert_eq!(names.attribute(AttributeRef::new(3, obis::VOLTAGE_L1, 2)), Some(0x0508));
        assert_eq!(names.attribute(AttributeRef::new(1, obis::VOLTAGE_L1, 2)), None);
        assert_eq!(names.attribute(AttributeRef::new(3, obis::VOLTAGE_L1, 0)), None);
        assert_eq!(names.attribute(AttributeRef::new(CLASS, Obis([0; 6]), 2)), Some(OBJECT_LIST));
        assert_eq!(names.method(MethodRef::new(70, obis::DISCONNECT_CONTROL, 2)), Some(0x0328));
        assert_eq!(names.method(MethodRef::new(CLASS, Obis([0; 6]), 8)), Some(0xFA58));
        assert_eq!(member(70, 0x28), Some(Member::Method(2)));
        assert_eq!(member(70, 0x18), Some(Member::Attribute(4)));
        assert_eq!(member(70, 0x19), None);
        assert_eq!(member(1, 0x08), Some(Member::Attribute(2)));
    }
}
