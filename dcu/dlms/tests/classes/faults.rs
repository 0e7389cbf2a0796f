//! A meter that lies, stalls, resets its counter, answers another's request, sends garbage: whose fault is it?

use taa_dlms::cosem::fault::{Faulty, FrameFault, FrameFaults, Misdeed};
use taa_dlms::cosem::{Model, Object, Register};
use taa_dlms::error::TransportFault;
use taa_dlms::{AttributeRef, DataAccessResult, Error, Value, obis};

use crate::wire::{Ended, Wire};

const ENERGY: AttributeRef = AttributeRef::new(3, obis::ACTIVE_ENERGY_IMPORT, 2);

fn meter(misdeeds: Vec<Misdeed>) -> Wire<Faulty<Model>> {
    let mut model = Model::new();
    model.add(Register::SPEC, obis::ACTIVE_ENERGY_IMPORT);
    model.set(obis::ACTIVE_ENERGY_IMPORT, 2, Value::U32(5000));
    Wire::new(Faulty::new(model, misdeeds))
}

fn energy(wire: &mut Wire<Faulty<Model>>) -> Result<Value, DataAccessResult> {
    wire.read(&[ENERGY]).pop().unwrap()
}

#[test]
fn lies_freezes_resets_and_wrong_types() {
    assert_eq!(energy(&mut meter(vec![Misdeed::Lie(ENERGY, -1)])), Ok(Value::U32(4999)));
    assert_eq!(energy(&mut meter(vec![Misdeed::WrongType(ENERGY)])), Ok(Value::VisibleString("nonsense".into())));

    let mut frozen = meter(vec![Misdeed::Freeze(ENERGY)]);
    assert_eq!(energy(&mut frozen), Ok(Value::U32(5000)));
    frozen.model.model().set(obis::ACTIVE_ENERGY_IMPORT, 2, Value::U32(6000));
    assert_eq!(energy(&mut frozen), Ok(Value::U32(5000)));

    let mut reset = meter(vec![Misdeed::Reset(ENERGY, 1)]);
    assert_eq!(energy(&mut reset), Ok(Value::U32(5000)));
    assert_eq!(energy(&mut reset), Ok(Value::U32(0)));
    reset.model.model().set(obis::ACTIVE_ENERGY_IMPORT, 2, Value::U32(5007));
    assert_eq!(energy(&mut reset), Ok(Value::U32(7)), "it counts on from nothing");
}

#[test]
fn refusals_pass_and_garbage_is_the_meters_fault() {
    let mut refusing = meter(vec![Misdeed::Refuse(2, DataAccessResult::TemporaryFailure)]);
    assert_eq!(energy(&mut refusing), Ok(Value::U32(5000)));
    assert_eq!(energy(&mut refusing), Err(DataAccessResult::TemporaryFailure));
    assert_eq!(energy(&mut refusing), Ok(Value::U32(5000)));

    let mut babbling = meter(vec![Misdeed::Garbage(1)]);
    match babbling.try_read(&[ENERGY]) {
        Ended::Failed(Error::PeerMisbehaved(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_method_that_only_pretends_changes_nothing() {
    let mut wire = meter(vec![Misdeed::PretendToAct]);
    assert_eq!(wire.call(&Register::reset(obis::ACTIVE_ENERGY_IMPORT, Default::default())), Ok(None));
    assert_eq!(energy(&mut wire), Ok(Value::U32(5000)));
    let mut honest = meter(vec![]);
    assert_eq!(honest.call(&Register::reset(obis::ACTIVE_ENERGY_IMPORT, Default::default())), Ok(None));
    assert_eq!(energy(&mut honest), Ok(Value::U32(0)));
}

#[test]
fn one_bad_answer_is_repeated_and_a_dead_meter_is_given_up() {
    // Answer 0 is the association.
    for fault in [
        FrameFault::Silence,
        FrameFault::Stale,
        FrameFault::Cut(5),
        FrameFault::Noise(40, 7),
        FrameFault::Flip(8 * 8 + 3),
    ] {
        let mut wire = meter(vec![]);
        wire.faults = FrameFaults::new(vec![(1, fault)]);
        assert_eq!(energy(&mut wire), Ok(Value::U32(5000)), "{fault:?}");
    }
    let mut dead = meter(vec![]);
    dead.faults = FrameFaults::new((1..=3).map(|answer| (answer, FrameFault::Silence)).collect());
    assert_eq!(dead.try_read(&[ENERGY]), Ended::Failed(TransportFault::Timeout.into()));
    assert_eq!(energy(&mut dead), Ok(Value::U32(5000)), "and the next command finds it alive");
}
