//! The object model behind a server: which objects there are, who may do what, and where values come from.

use crate::apdu::{ActionResult, AttributeRef, DataAccessResult, MethodRef, Selection};
use crate::axdr::Value;
use crate::obis::Obis;

/// Who is asking: the two associations that every meter of the field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The public client (16): identification only.
    Public,
    /// The management client (1).
    Management,
}

/// What may be done with an attribute. Numbers are those of the object list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Access {
    /// Nothing.
    None = 0,
    /// Read.
    Read = 1,
    /// Write.
    Write = 2,
    /// Both.
    ReadWrite = 3,
}

impl Access {
    /// Reading is allowed.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Writing is allowed.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// Rights on one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeAccess {
    /// Attribute number.
    pub id: i8,
    /// For the public client.
    pub public: Access,
    /// For the management client.
    pub management: Access,
    /// Selectors offered, for instance 1 (range) and 2 (entry).
    pub selectors: &'static [i8],
}

/// Rights on one method: the management client may call it, the public one may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodAccess {
    /// Method number.
    pub id: i8,
}

/// One object of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Interface class.
    pub class: u16,
    /// Its version.
    pub version: u8,
    /// Logical name.
    pub obis: Obis,
    /// Attributes with their rights.
    pub attributes: &'static [AttributeAccess],
    /// Methods.
    pub methods: &'static [MethodAccess],
}

impl AttributeAccess {
    /// Read only, for both clients.
    #[must_use]
    pub const fn public(id: i8) -> Self {
        Self { id, public: Access::Read, management: Access::Read, selectors: &[] }
    }

    /// Read only, for management.
    #[must_use]
    pub const fn read(id: i8) -> Self {
        Self { id, public: Access::None, management: Access::Read, selectors: &[] }
    }

    /// Read and write, for management.
    #[must_use]
    pub const fn read_write(id: i8) -> Self {
        Self { id, public: Access::None, management: Access::ReadWrite, selectors: &[] }
    }

    /// Write only, for management.
    #[must_use]
    pub const fn write(id: i8) -> Self {
        Self { id, public: Access::None, management: Access::Write, selectors: &[] }
    }

    /// The buffer of a profile: read by range and by entry, for management.
    #[must_use]
    pub const fn buffer(id: i8) -> Self {
        Self::read(id).selected_by(&[1, 2])
    }

    /// The same with these selectors.
    #[must_use]
    pub const fn selected_by(self, selectors: &'static [i8]) -> Self {
        Self { selectors, ..self }
    }

    /// Rights of that client.
    #[must_use]
    pub const fn at(&self, level: Level) -> Access {
        match level {
            Level::Public => self.public,
            Level::Management => self.management,
        }
    }
}

impl ObjectEntry {
    /// That client may do anything at all with the object.
    #[must_use]
    pub fn is_visible(&self, level: Level) -> bool {
        level == Level::Management || self.attributes.iter().any(|a| a.at(level) != Access::None)
    }
}

/// What a server serves. The server checks access before it calls; an implementation only deals in values.
///
/// Attribute 1 (the logical name) and the association object are the server's own and never asked for.
pub trait ObjectModel {
    /// All objects but the association.
    fn objects(&self) -> &[ObjectEntry];

    /// Appends the value of an attribute as one encoded A-XDR value.
    ///
    /// # Errors
    /// Why there is none; what was appended is then discarded.
    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult>;

    /// Takes a value.
    ///
    /// # Errors
    /// Why not.
    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult>;

    /// Runs a method.
    ///
    /// # Errors
    /// Why not.
    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult>;

    /// Runs a method that may return something: appends it as one encoded A-XDR value, or nothing.
    ///
    /// # Errors
    /// Why not; what was appended is then discarded.
    fn invoke_returning(
        &mut self,
        method: MethodRef,
        parameter: Option<&Value>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.invoke(method, parameter)
    }

    /// Base name of the object at that place of [`Self::objects`], for associations by short names; `None` leaves it
    /// out of them. By default 0x100 apart, from 0x0100 to 0xF900.
    fn short_name(&self, index: usize) -> Option<u16> {
        u8::try_from(index).ok()?.checked_add(1).filter(|page| *page < 0xFA).map(|page| u16::from_be_bytes([page, 0]))
    }
}

/// What a client may do with an attribute.
pub(crate) fn attribute_access<M: ObjectModel + ?Sized>(
    model: &M,
    level: Level,
    attribute: AttributeRef,
) -> Result<Access, DataAccessResult> {
    let entry = find(model.objects(), attribute.class, attribute.obis)?;
    let access = entry.attributes.iter().find(|a| a.id == attribute.attribute).map_or_else(
        // The logical name can always be read where the object can be seen.
        || if attribute.attribute == 1 && entry.is_visible(level) { Access::Read } else { Access::None },
        |a| a.at(level),
    );
    Ok(access)
}

/// Whether a client may call a method.
pub(crate) fn method_allowed<M: ObjectModel + ?Sized>(
    model: &M,
    level: Level,
    method: MethodRef,
) -> Result<bool, DataAccessResult> {
    let entry = find(model.objects(), method.class, method.obis)?;
    Ok(level == Level::Management && entry.methods.iter().any(|m| m.id == method.method))
}

fn find(objects: &[ObjectEntry], class: u16, obis: Obis) -> Result<&ObjectEntry, DataAccessResult> {
    match objects.iter().find(|object| object.obis == obis) {
        Some(object) if object.class == class => Ok(object),
        Some(_) => Err(DataAccessResult::ObjectClassInconsistent),
        None => Err(DataAccessResult::ObjectUndefined),
    }
}
