//! One table per interface class: it makes the typed struct, the builders of its methods, the shapes that a server
//! checks, and the access that it grants.

use super::convert::Cosem;
use super::{AttributeAccess, MethodAccess, ObjectEntry, Shape};
use crate::apdu::{AttributeRef, DataAccessResult, MethodRef};
use crate::axdr::Value;
use crate::error::PeerFault;
use crate::obis::Obis;

/// An attribute of a class, the logical name apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttributeSpec {
    /// Number, from 2.
    pub id: i8,
    /// Name in the standard.
    pub name: &'static str,
    /// Type.
    pub shape: Shape,
}

/// A method of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MethodSpec {
    /// Number, from 1.
    pub id: i8,
    /// Name in the standard.
    pub name: &'static str,
    /// Type of the parameter.
    pub parameter: Shape,
}

/// A class in one version.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassSpec {
    /// Number.
    pub class: u16,
    /// Version.
    pub version: u8,
    /// Name in the standard.
    pub name: &'static str,
    /// Attributes from 2 on, in order without gaps.
    pub attributes: &'static [AttributeSpec],
    /// Methods.
    pub methods: &'static [MethodSpec],
    /// Offset of the first method from the base name in short-name referencing; 0 where it is not known.
    pub sn_methods: u16,
    /// Rights that a management client has by default; none for the public client.
    pub rights: &'static [AttributeAccess],
    /// Methods that a management client may call.
    pub calls: &'static [MethodAccess],
}

impl ClassSpec {
    /// An attribute by number.
    #[must_use]
    pub fn attribute(&self, id: i8) -> Option<&'static AttributeSpec> {
        self.attributes.iter().find(|attribute| attribute.id == id)
    }

    /// A method by number.
    #[must_use]
    pub fn method(&self, id: i8) -> Option<&'static MethodSpec> {
        self.methods.iter().find(|method| method.id == id)
    }

    /// An attribute by its name in the standard.
    #[must_use]
    pub fn attribute_named(&self, name: &str) -> Option<&'static AttributeSpec> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// An object of the class with the default rights.
    #[must_use]
    pub const fn entry(&self, obis: Obis) -> ObjectEntry {
        ObjectEntry { class: self.class, version: self.version, obis, attributes: self.rights, methods: self.calls }
    }

    /// Short name of an attribute or method, as an offset from the base name (Blue Book 4.1.2, attributes 8 apart).
    /// `None` where the layout is irregular or not known.
    #[must_use]
    pub fn sn_method_offset(&self, method: i8) -> Option<u16> {
        let index = u16::try_from(method).ok()?.checked_sub(1)?;
        if self.sn_methods == 0 { None } else { self.sn_methods.checked_add(index.checked_mul(8)?) }
    }
}

/// A method to call and its parameter: what [`crate::Client::invoke`] takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The method.
    pub method: MethodRef,
    /// Its parameter.
    pub parameter: Value,
}

/// An object of a class as a client sees it: attributes that were not read, or that the meter refused, are `None`.
pub trait Object: Default {
    /// Its class.
    const SPEC: &'static ClassSpec;

    /// Takes one attribute.
    ///
    /// # Errors
    /// [`PeerFault::WrongType`] when the value is of another type than the class prescribes, or the class has no such
    /// attribute.
    fn take(&mut self, attribute: i8, value: &Value) -> Result<(), PeerFault>;

    /// The value of one attribute, in the type that the class prescribes.
    fn give(&self, attribute: i8) -> Option<Value>;

    /// All attributes of such an object but the logical name, to be read in one list.
    #[must_use]
    fn attributes(obis: Obis) -> Vec<AttributeRef> {
        Self::SPEC.attributes.iter().map(|a| AttributeRef::new(Self::SPEC.class, obis, a.id)).collect()
    }

    /// From the answer to [`Object::attributes`].
    ///
    /// # Errors
    /// As [`Object::take`], and [`PeerFault::WrongCount`].
    fn from_results(results: &[Result<Value, DataAccessResult>]) -> Result<Self, PeerFault> {
        let asked = Self::SPEC.attributes.len();
        if results.len() != asked {
            return Err(PeerFault::WrongCount { asked, got: results.len() });
        }
        let mut object = Self::default();
        for (attribute, result) in Self::SPEC.attributes.iter().zip(results) {
            if let Ok(value) = result {
                object.take(attribute.id, value)?;
            }
        }
        Ok(object)
    }
}

/// Reads one attribute's value as a typed field.
pub(crate) fn typed<T: Cosem>(value: &Value, what: &'static str) -> Result<T, PeerFault> {
    T::from_value(value).ok_or(PeerFault::WrongType { what })
}

/// Declares a class: `Name = number v version, "title", sn offset of methods`, then attributes `number name: type =
/// access` and methods `fn number name(type)`.
macro_rules! class {
    (
        $(#[$doc:meta])*
        $name:ident = $class:literal v $version:literal, $title:literal, sn $sn:literal;
        $( $(#[$field_doc:meta])* $id:literal $field:ident : $type:ty = $access:ident; )*
        $( fn $mid:literal $method:ident ( $parameter:ty ) $($method_doc:literal)?; )*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( #[doc = concat!("Attribute ", $id, ".")] $(#[$field_doc])* pub $field: Option<$type>, )*
        }

        impl $crate::cosem::Object for $name {
            const SPEC: &'static $crate::cosem::ClassSpec = &$crate::cosem::ClassSpec {
                class: $class,
                version: $version,
                name: $title,
                attributes: &[ $( $crate::cosem::AttributeSpec {
                    id: $id,
                    name: stringify!($field),
                    shape: <$type as $crate::cosem::Cosem>::SHAPE,
                }, )* ],
                methods: &[ $( $crate::cosem::MethodSpec {
                    id: $mid,
                    name: stringify!($method),
                    parameter: <$parameter as $crate::cosem::Cosem>::SHAPE,
                }, )* ],
                sn_methods: $sn,
                rights: &[ $( $crate::cosem::AttributeAccess::$access($id), )* ],
                calls: &[ $( $crate::cosem::MethodAccess { id: $mid }, )* ],
            };

            fn take(&mut self, attribute: i8, value: &$crate::axdr::Value) -> Result<(), $crate::error::PeerFault> {
                match attribute {
                    $( $id => {
                        self.$field = Some($crate::cosem::class::typed(value, concat!($title, ".", stringify!($field)))?);
                    } )*
                    _ => return Err($crate::error::PeerFault::WrongType { what: $title }),
                }
                Ok(())
            }

            fn give(&self, attribute: i8) -> Option<$crate::axdr::Value> {
                match attribute {
                    $( $id => self.$field.as_ref().map($crate::cosem::Cosem::to_value), )*
                    _ => None,
                }
            }
        }

        impl $name {
            /// Class number.
            pub const CLASS: u16 = $class;

            $(
                #[doc = concat!("Method ", $mid, ".")]
                $( #[doc = $method_doc] )?
                #[must_use]
                pub fn $method(obis: $crate::obis::Obis, parameter: $parameter) -> $crate::cosem::Invocation {
                    $crate::cosem::Invocation {
                        method: $crate::apdu::MethodRef::new($class, obis, $mid),
                        parameter: $crate::cosem::Cosem::to_value(&parameter),
                    }
                }
            )*
        }
    };
}
pub(crate) use class;
