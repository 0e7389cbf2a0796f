//! Whatever is written into a meter and asked of it, in whatever order, it neither panics nor hangs nor grows.

use proptest::prelude::*;
use taa_dlms::axdr::{BitString, DateTime, Tag};
use taa_dlms::cosem::{ALL, Cosem, Model, ObjectModel, STAMP_UNSPECIFIED, Shape, classes};
use taa_dlms::{AttributeRef, MethodRef, Obis, Value};

const NAMES: [Obis; 4] = [
    Obis([0, 0, 94, 1, 0, 255]),
    Obis([0, 0, 94, 1, 1, 255]),
    Obis([0, 0, 94, 1, 2, 255]),
    Obis([0, 0, 94, 1, 3, 255]),
];

/// A small stream of choices, drawn by the test.
struct Dice<'a>(std::slice::Iter<'a, u64>);

impl Dice<'_> {
    fn roll(&mut self) -> u64 {
        self.0.next().copied().unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll() as usize % from.len()]
    }

    /// A value of that shape, with a liking for the ends of every range and for objects that are there.
    fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Any | Shape::Open => {
                let simple =
                    [Value::Null, Value::I64(i64::MIN), Value::U64(u64::MAX), Value::I32(-1), Value::Bool(true)];
                simple[self.roll() as usize % simple.len()].clone()
            }
            Shape::Octets(6) => self.pick(&NAMES).to_value(),
            Shape::Octets(length) => Value::OctetString(vec![self.roll() as u8; *length].as_slice().into()),
            Shape::Stamp => match self.roll() % 4 {
                0 => STAMP_UNSPECIFIED.to_value(),
                1 => DateTime::from_unix_s(self.roll() as i64, 0).to_value(),
                _ => DateTime::from_unix_s(1_772_348_400 + (self.roll() % 100_000) as i64, 3600).to_value(),
            },
            Shape::Date => STAMP_UNSPECIFIED.date.to_value(),
            Shape::Time => STAMP_UNSPECIFIED.time.to_value(),
            Shape::Array(element) => Value::Array((0..self.roll() % 4).map(|_| self.value(element)).collect()),
            Shape::Structure(fields) => Value::Structure(fields.iter().map(|(_, shape)| self.value(shape)).collect()),
            Shape::Simple(tag) => match tag {
                Tag::Boolean => Value::Bool(self.roll().is_multiple_of(2)),
                Tag::BitString => {
                    let bits = self.roll() as usize % 20;
                    Value::BitString(BitString::new(bits, &vec![self.roll() as u8; bits.div_ceil(8)]).unwrap())
                }
                Tag::DoubleLong => Value::I32(self.pick(&[0, 1, -1, i32::MIN, i32::MAX])),
                Tag::DoubleLongUnsigned => Value::U32(self.pick(&[0, 1, 60, 900, u32::MAX])),
                Tag::OctetString => Value::OctetString(vec![b'x'; self.roll() as usize % 5].as_slice().into()),
                Tag::VisibleString => Value::VisibleString("x".into()),
                Tag::Utf8String => Value::Utf8String("x".into()),
                Tag::Integer => Value::I8(self.pick(&[0, 1, 2, 3, i8::MIN, i8::MAX])),
                Tag::Long => Value::I16(self.pick(&[0, 1, i16::MIN, i16::MAX])),
                Tag::Unsigned => Value::U8(self.pick(&[0, 1, u8::MAX])),
                Tag::LongUnsigned => Value::U16(self.pick(&[0, 1, 3, 7, 8, 9, 62, 70, u16::MAX])),
                Tag::Enum => Value::Enum((self.roll() % 8) as u8),
                other => panic!("no table uses {other:?}"),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_meter_takes_anything(
        chosen in proptest::collection::vec(0..ALL.len(), NAMES.len()),
        dice in proptest::collection::vec(any::<u64>(), 400),
        steps in proptest::collection::vec((0_i64..20_000, any::<bool>()), 1..12),
    ) {
        let mut dice = Dice(dice.iter());
        let mut model = Model::new();
        model.add(<classes::Clock as taa_dlms::cosem::Object>::SPEC, taa_dlms::obis::CLOCK);
        for (spec, name) in chosen.iter().zip(NAMES) {
            model.add(ALL[*spec], name);
            for attribute in ALL[*spec].attributes {
                let value = dice.value(&attribute.shape);
                model.set(name, attribute.id, value);
            }
        }
        let mut now = 1_772_348_400;
        let mut out = Vec::new();
        for (forward, back) in steps {
            now = if back { now - forward } else { now + forward };
            model.handle_time(now);
            for (spec, name) in chosen.iter().zip(NAMES) {
                let spec = ALL[*spec];
                for method in spec.methods {
                    let parameter = dice.value(&method.parameter);
                    let _ = model.invoke(MethodRef::new(spec.class, name, method.id), Some(&parameter));
                }
                for attribute in spec.attributes {
                    let reference = AttributeRef::new(spec.class, name, attribute.id);
                    let value = dice.value(&attribute.shape);
                    let _ = model.write(reference, &value);
                    out.clear();
                    let _ = model.read(reference, None, &mut out);
                    prop_assert!(out.len() < 64 << 20);
                }
            }
            while model.poll_effect().is_some() {}
        }
    }
}
