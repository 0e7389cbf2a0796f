//! Interface classes (Blue Book 4): the numbers of their attributes and methods, and the parts that need more than a
//! number: scaler and unit, profile buffers, the relay's states, the object list.

pub mod association;
pub mod clock;
pub mod data;
pub mod disconnect;
mod object;
pub mod profile;
pub mod register;

pub use disconnect::{ControlMode, ControlState, DisconnectControl};
pub use object::{Access, AttributeAccess, Level, MethodAccess, ObjectEntry, ObjectModel};
pub(crate) use object::{attribute_access, method_allowed};
pub use profile::{CaptureObject, ProfileRange, ProfileRows};
pub use register::{ScalerUnit, Unit};
