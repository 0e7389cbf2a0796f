//! Interface classes (Blue Book 4), and the object model of a meter.
//!
//! - [`classes`]: one table per class; from it the typed struct, the methods, the shapes and the default access.
//! - [`ObjectMap`]: what a meter's association shows, shared between meters of one firmware.
//! - [`image::Transfer`]: the transfer of an image, client side.
//! - [`Model`]: a small meter over the same tables, server side; [`fault::Faulty`] makes it misbehave.
//! - The modules named after classes hold numbers of attributes and methods for code that needs no more than those.

pub mod association;
pub(crate) mod class;
pub mod classes;
pub mod clock;
mod compact;
mod convert;
pub mod data;
pub mod disconnect;
pub mod fault;
pub mod image;
pub mod map;
pub mod model;
mod object;
pub mod profile;
pub mod register;
mod shape;
mod unit;

pub use class::{AttributeSpec, ClassSpec, Invocation, MethodSpec, Object};
pub use classes::*;
pub use convert::{Code, Cosem, Hidden, Open, Text, Utf8, Zero, to_bytes};
pub use disconnect::{ControlMode, ControlState, DisconnectControl};
pub use map::{ObjectMap, Rights};
pub use model::Model;
pub use object::{Access, AttributeAccess, Level, MethodAccess, ObjectEntry, ObjectModel};
pub(crate) use object::{attribute_access, method_allowed};
pub use profile::{CaptureObject, ProfileRange, ProfileRows};
pub use shape::{STAMP_UNSPECIFIED, Shape, zeroed};
pub use unit::{Quantity, ScalerUnit, Unit};
