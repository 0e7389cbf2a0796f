//! Selective access of class 7 against a naive model, over random rows, through real messages.

use proptest::prelude::*;
use taa_dlms::apdu::Selection;
use taa_dlms::axdr::{decode_all, encode};
use taa_dlms::cosem::{
    CaptureObject, Clock, Cosem, Data, Model, Object, ObjectModel, ProfileGeneric, ProfileRange, SortMethod,
};
use taa_dlms::{AttributeRef, DataAccessResult, DateTime, Obis, Value, obis};

use crate::wire::Wire;

const PROFILE: Obis = obis::LOAD_PROFILE;
const LEVEL: Obis = Obis([0, 0, 96, 77, 1, 255]);
const OTHER: Obis = Obis([0, 0, 96, 77, 2, 255]);
const START: i64 = 1_772_348_400;
const BUFFER: AttributeRef = AttributeRef::new(7, PROFILE, 2);

fn column(obis: Obis) -> CaptureObject {
    CaptureObject::new(Data::CLASS, obis, 2)
}

/// A meter that has captured these levels, one each quarter of an hour from [`START`].
fn metered(levels: &[i32], method: SortMethod, entries: u32) -> Model {
    let mut model = Model::new();
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(Data::SPEC, LEVEL);
    model.add(Data::SPEC, OTHER);
    model.add(ProfileGeneric::SPEC, PROFILE);
    let profile = ProfileGeneric {
        capture_objects: Some(vec![CaptureObject::CLOCK, column(LEVEL), column(OTHER)]),
        capture_period: Some(900),
        sort_method: Some(method),
        sort_object: Some(if method == SortMethod::Fifo { CaptureObject::CLOCK } else { column(LEVEL) }),
        profile_entries: Some(entries),
        ..ProfileGeneric::default()
    };
    assert!(model.put_object(PROFILE, &profile));
    model.handle_time(START - 900);
    for (index, level) in levels.iter().enumerate() {
        model.set(LEVEL, 2, Value::I32(*level));
        model.set(OTHER, 2, Value::U16(index as u16));
        model.handle_time(START + index as i64 * 900 + 7);
    }
    model
}

fn stamp(index: usize) -> Value {
    DateTime::from_unix_s(START + index as i64 * 900, 0).to_value()
}

fn row(index: usize, level: i32) -> Vec<Value> {
    vec![stamp(index), Value::I32(level), Value::U16(index as u16)]
}

fn select(model: &mut Model, selector: u8, parameters: &Value) -> Result<Value, DataAccessResult> {
    let mut bytes = Vec::new();
    encode(parameters, &mut bytes);
    let mut out = Vec::new();
    model.read(BUFFER, Some(Selection { selector, parameters: &bytes }), &mut out)?;
    Ok(decode_all(&out).unwrap())
}

fn as_rows(value: &Value) -> Vec<Vec<Value>> {
    value.elements().unwrap().iter().map(|row| row.elements().unwrap().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn ranges_and_entries_are_what_a_filter_says(
        levels in proptest::collection::vec(-50_i32..50, 0..20),
        from in 0_usize..22,
        to in 0_usize..22,
        bounds in (-60_i32..60, -60_i32..60),
        columns in (0_u16..5, 0_u16..5),
    ) {
        let rows: Vec<_> = levels.iter().enumerate().map(|(index, level)| row(index, *level)).collect();
        let mut wire = Wire::new(metered(&levels, SortMethod::Fifo, 100));
        prop_assert_eq!(&wire.rows(PROFILE, ProfileRange::All), &rows);

        let at = |index: usize| START + index as i64 * 900;
        let within: Vec<_> = rows.iter().enumerate().filter(|(i, _)| from <= *i && *i <= to).map(|(_, r)| r.clone()).collect();
        prop_assert_eq!(wire.rows(PROFILE, ProfileRange::Between(at(from), at(to))), within);

        let numbered: Vec<_> = rows.iter().zip(1_u32..)
            .filter(|(_, n)| *n >= from.max(1) as u32 && (to == 0 || *n <= to as u32))
            .map(|(row, _)| row.clone())
            .collect();
        prop_assert_eq!(&wire.rows(PROFILE, ProfileRange::Entries(from as u32, to as u32)), &numbered);
        let last: Vec<_> = rows[rows.len().saturating_sub(from)..].to_vec();
        prop_assert_eq!(wire.rows(PROFILE, ProfileRange::Last(from as u32)), last);

        // Columns by number: 0 as the last means all of them.
        let (first, end) = columns;
        let kept = |row: &[Value]| -> Vec<Value> {
            row.iter().zip(1_u16..)
                .filter(|(_, n)| *n >= first.max(1) && (end == 0 || *n <= end))
                .map(|(cell, _)| cell.clone())
                .collect()
        };
        let parameters = Value::Structure(vec![
            Value::U32(from as u32), Value::U32(to as u32), Value::U16(first), Value::U16(end),
        ]);
        let selected = select(&mut wire.model, 2, &parameters).unwrap();
        prop_assert_eq!(as_rows(&selected), numbered.iter().map(|row| kept(row)).collect::<Vec<_>>());

        // A column as the restricting object, and columns by their objects, in the order asked for.
        let parameters = Value::Structure(vec![
            column(LEVEL).to_value(), Value::I32(bounds.0), Value::I32(bounds.1),
            Value::Array(vec![column(OTHER).to_value(), CaptureObject::CLOCK.to_value()]),
        ]);
        let selected = select(&mut wire.model, 1, &parameters).unwrap();
        let naive: Vec<_> = levels.iter().enumerate()
            .filter(|(_, level)| bounds.0 <= **level && **level <= bounds.1)
            .map(|(index, _)| vec![Value::U16(index as u16), stamp(index)])
            .collect();
        prop_assert_eq!(as_rows(&selected), naive);
    }

    #[test]
    fn sorted_profiles_keep_the_best_rows_in_order(
        levels in proptest::collection::vec(-50_i32..50, 1..20),
        entries in 1_usize..12,
        code in 1_u8..7,
    ) {
        let method = SortMethod::from_code(code);
        let mut wire = Wire::new(metered(&levels, method, entries as u32));
        let mut naive: Vec<_> = levels.iter().enumerate().map(|(index, level)| row(index, *level)).collect();
        let level = |row: &Vec<Value>| row[1].as_i64().unwrap();
        match method {
            SortMethod::Fifo => { naive.drain(..naive.len().saturating_sub(entries)); }
            SortMethod::Lifo => naive.reverse(),
            SortMethod::Largest => naive.sort_by_key(|row| -level(row)),
            SortMethod::Smallest => naive.sort_by_key(level),
            SortMethod::NearestToZero => naive.sort_by_key(|row| level(row).abs()),
            _ => naive.sort_by_key(|row| -level(row).abs()),
        }
        naive.truncate(entries);
        prop_assert_eq!(wire.rows(PROFILE, ProfileRange::All), naive);
    }
}

#[test]
fn wrong_selections_are_named() {
    let mut model = metered(&[1, 2, 3], SortMethod::Fifo, 100);
    let range = |restricting: Value, from: Value, columns: Vec<Value>| {
        Value::Structure(vec![restricting, from.clone(), from, Value::Array(columns)])
    };
    let clock = CaptureObject::CLOCK.to_value();
    let absent = column(PROFILE).to_value();
    for (selector, parameters, error) in [
        (3, Value::Structure(vec![]), DataAccessResult::ScopeOfAccessViolated),
        (1, Value::Null, DataAccessResult::TypeUnmatched),
        (1, range(clock.clone(), Value::U8(1), vec![]), DataAccessResult::TypeUnmatched),
        (1, range(absent.clone(), Value::U8(1), vec![]), DataAccessResult::OtherReason),
        (1, range(clock, stamp(0), vec![absent]), DataAccessResult::OtherReason),
        (2, Value::Structure(vec![Value::U32(1); 4]), DataAccessResult::TypeUnmatched),
    ] {
        assert_eq!(select(&mut model, selector, &parameters), Err(error), "{parameters:?}");
    }
    let mut out = Vec::new();
    let entries = AttributeRef::new(7, PROFILE, 7);
    let selection = Selection { selector: 2, parameters: &[0] };
    assert_eq!(model.read(entries, Some(selection), &mut out), Err(DataAccessResult::ScopeOfAccessViolated));
}

#[test]
fn another_layout_forgets_the_rows_and_fewer_entries_the_oldest() {
    let mut wire = Wire::new(metered(&[1, 2, 3, 4], SortMethod::Fifo, 100));
    assert_eq!(wire.write(AttributeRef::new(7, PROFILE, 8), &Value::U32(2)), Ok(()));
    assert_eq!(wire.rows(PROFILE, ProfileRange::All), [row(2, 3), row(3, 4)]);
    wire.call(&ProfileGeneric::capture(PROFILE, Default::default())).unwrap();
    assert_eq!(wire.rows(PROFILE, ProfileRange::All).len(), 2);
    let columns = vec![column(LEVEL)];
    assert_eq!(wire.write(AttributeRef::new(7, PROFILE, 3), &columns.to_value()), Ok(()));
    assert_eq!(wire.rows(PROFILE, ProfileRange::All), Vec::<Vec<Value>>::new());
    wire.call(&ProfileGeneric::capture(PROFILE, Default::default())).unwrap();
    assert_eq!(wire.rows(PROFILE, ProfileRange::All), [vec![Value::I32(4)]]);
    wire.call(&ProfileGeneric::reset(PROFILE, Default::default())).unwrap();
    assert_eq!(wire.rows(PROFILE, ProfileRange::All), Vec::<Vec<Value>>::new());
}

#[test]
fn a_profile_that_lists_its_own_buffer_does_not_double() {
    let mut model = Model::new();
    model.add(ProfileGeneric::SPEC, PROFILE);
    let columns = vec![CaptureObject::new(7, PROFILE, 2), CaptureObject::new(7, PROFILE, 7)];
    model.put_object(PROFILE, &ProfileGeneric { capture_objects: Some(columns), ..ProfileGeneric::default() });
    let mut wire = Wire::new(model);
    for _ in 0..6 {
        wire.call(&ProfileGeneric::capture(PROFILE, Default::default())).unwrap();
    }
    let rows = wire.rows(PROFILE, ProfileRange::All);
    assert_eq!(rows.last(), Some(&vec![Value::Null, Value::U32(5)]));
}
