//! Every class of the tables: read, written, called and refused as its table says.

use taa_dlms::apdu::{ActionResult, DataAccessResult};
use taa_dlms::axdr::{BitString, Date, DateTime, Tag, Time};
use taa_dlms::cosem::{
    ALL, Access, ClassSpec, Cosem, Credit, Invocation, Model, Object, Shape, SpecialDay, class_spec,
};
use taa_dlms::{AttributeRef, MethodRef, Obis, Value};

use crate::wire::Wire;

const NAME: Obis = Obis([0, 0, 94, 33, 1, 255]);

/// Some value of a shape that is not the zero one.
fn sample(shape: &Shape, salt: u8) -> Value {
    let octets =
        |count: usize| Value::OctetString((0..count).map(|n| n as u8 ^ salt).collect::<Vec<_>>().as_slice().into());
    let stamp = DateTime::from_unix_s(1_772_348_400 + i64::from(salt) * 86_400, 0);
    match shape {
        Shape::Any | Shape::Open => Value::U32(1000 + u32::from(salt)),
        Shape::Octets(length) => octets(*length),
        Shape::Stamp => stamp.to_value(),
        Shape::Date => Value::OctetString(stamp.date.to_octets().into()),
        Shape::Time => Value::OctetString(stamp.time.to_octets().into()),
        Shape::Array(element) => Value::Array((0..3).map(|n| sample(element, salt.wrapping_add(n))).collect()),
        Shape::Structure(fields) => Value::Structure(
            fields.iter().zip(1..).map(|((_, shape), n)| sample(shape, salt.wrapping_add(n))).collect(),
        ),
        Shape::Simple(tag) => match tag {
            Tag::Boolean => Value::Bool(true),
            Tag::BitString => Value::BitString(BitString::new(11, &[salt, 0xE0]).unwrap()),
            Tag::DoubleLong => Value::I32(-70_000 - i32::from(salt)),
            Tag::DoubleLongUnsigned => Value::U32(70_000 + u32::from(salt)),
            Tag::OctetString => octets(5 + usize::from(salt)),
            Tag::VisibleString => Value::VisibleString("visible".into()),
            Tag::Utf8String => Value::Utf8String("Größe".into()),
            Tag::Integer => Value::I8(-1),
            Tag::Long => Value::I16(-300),
            Tag::Unsigned => Value::U8(1 + salt % 200),
            Tag::LongUnsigned => Value::U16(300 + u16::from(salt)),
            Tag::Enum => Value::Enum(1),
            other => panic!("no table uses {other:?}"),
        },
    }
}

/// Attributes that the model computes, or that a value alone cannot change.
fn is_computed(spec: &ClassSpec, attribute: i8) -> bool {
    matches!(
        (spec.class, attribute),
        (7, 2 | 7)
            | (62, 2 | 5)
            | (8, 2 | 4)
            | (12 | 15, _)
            | (18, 3 | 4 | 6)
            | (70, 2 | 3)
            | (71, 3 | 10)
            | (111, 3..=6 | 8)
            | (112, 8)
    )
}

#[test]
fn every_attribute_is_read_as_it_stands_and_written_where_it_may_be() {
    for spec in ALL {
        let mut model = Model::new();
        assert!(model.add(spec, NAME));
        for attribute in spec.attributes {
            assert!(model.set(NAME, attribute.id, sample(&attribute.shape, 1)), "{} {}", spec.name, attribute.name);
        }
        let mut wire = Wire::new(model);
        for (attribute, right) in spec.attributes.iter().zip(spec.rights) {
            let what = format!("{} {}", spec.name, attribute.name);
            assert_eq!(attribute.id, right.id, "{what}");
            let reference = AttributeRef::new(spec.class, NAME, attribute.id);
            let held = wire.read(&[reference]).pop().unwrap();
            match right.management {
                Access::Write => assert_eq!(held, Err(DataAccessResult::ReadWriteDenied), "{what}"),
                _ if is_computed(spec, attribute.id) => assert!(held.is_ok(), "{what}"),
                _ => assert_eq!(held, Ok(sample(&attribute.shape, 1)), "{what}"),
            }
            let new = sample(&attribute.shape, 2);
            let written = wire.write(reference, &new);
            // Associations are the server's own: it takes nothing for them through the model.
            if !right.management.writes() || spec.class == 15 {
                assert_eq!(written, Err(DataAccessResult::ReadWriteDenied), "{what}");
                continue;
            }
            assert_eq!(written, Ok(()), "{what}");
            if !is_computed(spec, attribute.id) {
                assert_eq!(wire.model.value(NAME, attribute.id), Some(&new), "{what}");
            }
            // Another type is refused, and changes nothing. An open type takes anything.
            if attribute.shape != Shape::Open {
                let before = wire.model.value(NAME, attribute.id).cloned();
                assert_eq!(wire.write(reference, &Value::Bcd(1)), Err(DataAccessResult::TypeUnmatched), "{what}");
                assert_eq!(wire.model.value(NAME, attribute.id).cloned(), before, "{what}");
            }
        }
    }
}

#[test]
fn every_method_takes_the_parameter_of_its_table_and_no_other() {
    for spec in ALL {
        let mut model = Model::new();
        model.add(spec, NAME);
        let mut wire = Wire::new(model);
        for method in spec.methods {
            let what = format!("{} {}", spec.name, method.name);
            let reference = MethodRef::new(spec.class, NAME, method.id);
            let wrong = Invocation { method: reference, parameter: Value::Bcd(1) };
            let answer = wire.call(&wrong);
            let takes_anything = method.parameter == Shape::Any || method.parameter == Shape::Simple(Tag::Integer);
            if !takes_anything {
                assert_eq!(answer, Err(ActionResult::TypeUnmatched), "{what}");
            }
            let right = Invocation { method: reference, parameter: sample(&method.parameter, 0) };
            assert_ne!(wire.call(&right), Err(ActionResult::TypeUnmatched), "{what}");
        }
        let missing = Invocation { method: MethodRef::new(spec.class, NAME, 99), parameter: Value::I8(0) };
        assert_eq!(wire.call(&missing), Err(ActionResult::ReadWriteDenied), "{}", spec.name);
    }
}

/// The typed struct of a class says what the table says.
fn goes_both_ways<T: Object + PartialEq + std::fmt::Debug>() {
    let spec = T::SPEC;
    let mut typed = T::default();
    for attribute in spec.attributes {
        assert_eq!(typed.give(attribute.id), None);
        let mut value = sample(&attribute.shape, 3);
        if (spec.class, attribute.name) == (70, "control_state") {
            value = Value::Enum(2);
        }
        typed.take(attribute.id, &value).unwrap_or_else(|error| panic!("{} {}: {error}", spec.name, attribute.name));
        let given = typed.give(attribute.id).unwrap();
        assert!(attribute.shape.fits(&given), "{} {}", spec.name, attribute.name);
        if !format!("{:?}", attribute.shape).contains("Any") {
            assert_eq!(given, value, "{} {}", spec.name, attribute.name);
        }
    }
    let mut model = Model::new();
    model.add(spec, NAME);
    assert!(model.put_object(NAME, &typed));
    assert!(typed.take(99, &Value::Null).is_err());
    assert_eq!(class_spec(spec.class, spec.version), Some(spec));
}

macro_rules! all_go_both_ways {
    ($( $name:ident ),* $(,)?) => {
        #[test]
        fn every_typed_object_takes_and_gives_what_its_table_says() {
            $( goes_both_ways::<taa_dlms::cosem::$name>(); )*
            assert_eq!(ALL.len(), [$( stringify!($name) ),*].len(), "a class without this test");
        }
    };
}

all_go_both_ways!(
    Data,
    Register,
    ExtendedRegister,
    DemandRegister,
    RegisterActivation,
    ProfileGeneric,
    Clock,
    ScriptTable,
    Schedule,
    SpecialDays,
    AssociationSn,
    AssociationLn,
    SapAssignment,
    ImageTransfer,
    IecLocalPort,
    ActivityCalendar,
    RegisterMonitor,
    SingleActionSchedule,
    HdlcSetup,
    PushSetup,
    PushSetup2,
    CompactData,
    StatusMapping,
    SecuritySetup,
    Arbitrator,
    Disconnect,
    Limiter,
    WiSunSetup,
    WiSunDiagnostic,
    RplDiagnostic,
    MplDiagnostic,
    NtpSetup,
    Account,
    Credit,
    Charge,
    TokenGateway,
    StsAttributes,
    FunctionControl,
    CoapSetup,
    CoapDiagnostic,
);

#[test]
fn refused_attributes_stay_out_and_wrong_types_are_the_meters_fault() {
    let mut results = vec![Err(DataAccessResult::ReadWriteDenied); Credit::SPEC.attributes.len()];
    results[0] = Ok(Value::I32(-5));
    results[2] = Ok(Value::I16(7));
    let credit = Credit::from_results(&results).unwrap();
    assert_eq!((credit.current_credit_amount, credit.credit_type), (Some(-5), None));
    assert_eq!(credit.priority, Some(7), "an integer of another width that fits is taken");
    results[2] = Ok(Value::I16(700));
    assert!(Credit::from_results(&results).is_err());
    assert!(Credit::from_results(&results[1..]).is_err(), "one result is missing");
}

#[test]
fn dates_in_either_form_are_the_same_day() {
    let date = Date { year: 2026, month: 12, day_of_month: 25, day_of_week: 5 };
    let as_octets = SpecialDay { index: 1, specialday_date: date, day_id: 2 };
    let Value::Structure(mut fields) = as_octets.to_value() else { panic!("a structure") };
    fields[1] = Value::Date(date);
    assert_eq!(SpecialDay::from_value(&Value::Structure(fields)), Some(as_octets));
    assert_eq!(Time::from_value(&Value::OctetString([25, 0, 0, 0].into())), None);
}

#[test]
fn secrets_are_not_shown() {
    let text = format!(
        "{:?}",
        taa_dlms::cosem::IecLocalPort {
            pass_p1: taa_dlms::cosem::Cosem::from_value(&Value::OctetString("swordfish".into())),
            ..Default::default()
        }
    );
    assert!(text.contains("Hidden(..)") && !text.contains("73776f7264"), "{text}");
}
