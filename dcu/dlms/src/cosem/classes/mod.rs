//! The interface classes, one table each (Blue Book part 2, clause 4).
//!
//! A table is the only place where a class is written down: number, name, type and default access of each attribute,
//! and the methods with their parameters. From it come a typed struct for the client, builders of the methods, the
//! shapes that a server checks, and the access rights that it shows.
//!
//! The types of the tables were taken from public sources (open implementations and published extracts). Where these
//! name an attribute and not its type, the field is [`Open`](super::Open) and says so; nothing was guessed.
//!
//! Default access: what the standard calls static may be written by a management client, what it calls dynamic may
//! only be read. A meter's own object list has the last word.
#![allow(clippy::needless_pass_by_value, reason = "the builders of methods take parameters of any type by value")]

mod access;
mod control;
mod link;
mod measure;
mod payment;
mod time;
mod wisun;

pub use access::*;
pub use control::*;
pub use link::*;
pub use measure::*;
pub use payment::*;
pub use time::*;
pub use wisun::*;

use super::{ClassSpec, Object};

/// All tables, by class and version.
pub static ALL: &[&ClassSpec] = &[
    Data::SPEC,
    Register::SPEC,
    ExtendedRegister::SPEC,
    DemandRegister::SPEC,
    RegisterActivation::SPEC,
    ProfileGeneric::SPEC,
    Clock::SPEC,
    ScriptTable::SPEC,
    Schedule::SPEC,
    SpecialDays::SPEC,
    AssociationSn::SPEC,
    AssociationLn::SPEC,
    SapAssignment::SPEC,
    ImageTransfer::SPEC,
    IecLocalPort::SPEC,
    ActivityCalendar::SPEC,
    RegisterMonitor::SPEC,
    SingleActionSchedule::SPEC,
    HdlcSetup::SPEC,
    PushSetup::SPEC,
    PushSetup2::SPEC,
    CompactData::SPEC,
    StatusMapping::SPEC,
    SecuritySetup::SPEC,
    Arbitrator::SPEC,
    Disconnect::SPEC,
    Limiter::SPEC,
    WiSunSetup::SPEC,
    WiSunDiagnostic::SPEC,
    RplDiagnostic::SPEC,
    MplDiagnostic::SPEC,
    NtpSetup::SPEC,
    Account::SPEC,
    Credit::SPEC,
    Charge::SPEC,
    TokenGateway::SPEC,
    StsAttributes::SPEC,
    FunctionControl::SPEC,
    CoapSetup::SPEC,
    CoapDiagnostic::SPEC,
];

/// The table of a class: of that version, else the newest that is older, else the oldest there is.
#[must_use]
pub fn class_spec(class: u16, version: u8) -> Option<&'static ClassSpec> {
    let of_class = || ALL.iter().copied().filter(|spec| spec.class == class);
    of_class().filter(|spec| spec.version <= version).max_by_key(|spec| spec.version).or_else(|| of_class().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::{decode_all, encode};

    #[test]
    fn tables_are_in_order_and_without_gaps() {
        for spec in ALL {
            for (index, attribute) in spec.attributes.iter().enumerate() {
                assert_eq!(usize::try_from(attribute.id).unwrap(), index + 2, "{} {}", spec.name, attribute.name);
            }
            assert!(spec.methods.iter().all(|method| method.id > 0));
            assert_eq!(class_spec(spec.class, spec.version), Some(*spec));
        }
        let keys: Vec<_> = ALL.iter().map(|spec| (spec.class, spec.version)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(class_spec(40, 1).map(|spec| spec.version), Some(0), "the older of the known ones");
        assert_eq!(class_spec(7, 0).map(|spec| spec.version), Some(1), "the only one there is");
        assert_eq!(class_spec(9999, 0), None);
    }

    #[test]
    fn fresh_values_of_every_attribute_survive_their_encoding() {
        for spec in ALL {
            for attribute in spec.attributes {
                let zero = attribute.shape.zero();
                let mut bytes = Vec::new();
                encode(&zero, &mut bytes);
                assert_eq!(decode_all(&bytes), Ok(zero), "{} {}", spec.name, attribute.name);
            }
        }
    }

    #[test]
    fn short_names_of_methods_are_those_of_the_standard() {
        assert_eq!(Register::SPEC.sn_method_offset(1), Some(0x28));
        assert_eq!(Clock::SPEC.sn_method_offset(6), Some(0x60 + 5 * 8));
        assert_eq!(ProfileGeneric::SPEC.sn_method_offset(2), Some(0x60));
        assert_eq!(AssociationSn::SPEC.sn_method_offset(8), Some(0x58));
        assert_eq!(Limiter::SPEC.sn_method_offset(1), None);
    }
}
