//! The meter with keys of its own: who gets in, what never repeats, and how keys are changed.

mod common;

use std::collections::BTreeSet;

use common::secured::*;
use common::*;
use proptest::prelude::*;
use taa_dlms::apdu::ActionResult;
use taa_dlms::client::{Auth, Client, ClientConfig, Output};
use taa_dlms::cosem::{Cosem, Hidden, KeyId, ProfileRange, SecuritySetup, WrappedKey};
use taa_dlms::{AttributeRef, Error, MethodRef, Value, obis};
use taa_keys::{Key, KeyHandle, MeterKeys, derive};
use taa_meter::{Meter, MeterAccess, MeterConfig, access::system_title};

#[test]
fn with_its_keys_a_meter_is_read_written_and_switched() {
    let mut meter = energised(keyed());
    meter.set_load(0, 1_000_000);
    let mut client = client_with(&meter_keys(), 1);
    assert_eq!(read(&mut client, &mut meter, 50 * H, &[ENERGY]), [Ok(Value::U64(50_000))]);
    assert_eq!(rows(&mut client, &mut meter, 50 * H, ProfileRange::All).len(), 50, "in blocks");
    client.invoke(51 * H, OPEN, None).unwrap();
    run(&mut client, &mut meter, 51 * H);
    assert!(!meter.lit());
    assert_eq!(client.received_floor().unwrap().0, system_title(NAME));
}

#[test]
fn without_its_keys_nobody_gets_in() {
    let mut meter = energised(keyed());
    let other = MeterKeys::derive(&site_master(), "TAA0000000000043").unwrap();
    let plain = |auth| Client::new(ClientConfig { retries: 0, ..ClientConfig::new(auth) });
    let password = Auth::password(meter_keys().lls_password.expose());
    for mut client in [client_with(&other, 1), plain(Auth::None), plain(password)] {
        client.read(0, &[ENERGY]).unwrap();
        let told = run(&mut client, &mut meter, 0);
        assert!(matches!(told[..], [Told::Failed(_)]), "{told:?}");
        assert!(!meter.is_associated());
    }
    // What identifies it is public.
    let mut public = Client::new(ClientConfig { client_sap: 16, ..ClientConfig::new(Auth::None) });
    let name = AttributeRef::new(1, obis::LOGICAL_DEVICE_NAME, 2);
    assert_eq!(read(&mut public, &mut meter, 0, &[name]), [Ok(Value::OctetString(NAME.into()))]);
    assert!(read(&mut public, &mut meter, 0, &[ENERGY])[0].is_err());
}

#[test]
fn a_frame_recorded_before_a_power_cut_is_refused_after_it() {
    let mut meter = energised(keyed());
    let mut client = client_with(&meter_keys(), 1);
    read(&mut client, &mut meter, 0, &[ENERGY]);
    client.invoke(S, OPEN, None).unwrap();
    let Output::Transmit(order) = client.poll_output() else { panic!() };
    let order = order.to_vec();
    meter.handle_receive(S, &order);
    assert!(!meter.relay_closed());
    for restart in [false, true] {
        let mut again = client_with(&meter_keys(), if restart { 2000 } else { 1000 });
        again.invoke(2 * S, CLOSE, None).unwrap();
        run(&mut again, &mut meter, 2 * S);
        if restart {
            meter.handle_power(3 * S, false);
            meter.handle_power(4 * S, true);
            again.read(5 * S, &[RELAY]).unwrap();
            run(&mut again, &mut meter, 5 * S);
        }
        meter.handle_receive(6 * S, &order);
        assert!(meter.relay_closed(), "restart {restart}");
    }
}

#[test]
fn transferred_keys_replace_the_old_ones_and_outlast_a_power_cut() {
    let mut master = [0; 16];
    derive(&site_master(), b"taa/dlms/kek", NAME.as_bytes(), &mut master).unwrap();
    let kek = KeyHandle::new(Key::Aes128(master));
    let new = MeterKeys { encryption: Key::Aes128([1; 16]), authentication: Key::Aes128([2; 16]), ..meter_keys() };
    let wrapped = |kek: &KeyHandle, key_id, key: &Key| WrappedKey {
        key_id,
        key_wrapped: Hidden(kek.wrap(&KeyHandle::new(key.clone())).as_slice().into()),
    };
    let both = |kek: &KeyHandle| {
        let list = vec![
            wrapped(kek, KeyId::UnicastEncryption, &new.encryption),
            wrapped(kek, KeyId::Authentication, &new.authentication),
        ];
        SecuritySetup::key_transfer(obis::SECURITY_SETUP, list)
    };
    let mut meter = energised(keyed());
    let mut client = client_with(&meter_keys(), 1);
    let forged = both(&KeyHandle::new(Key::Aes128([5; 16])));
    client.invoke(0, forged.method, Some(&forged.parameter)).unwrap();
    let refused = run(&mut client, &mut meter, 0).pop();
    assert_eq!(refused, Some(Told::Failed(taa_dlms::error::Refusal::Action(ActionResult::OtherReason).into())));
    let transfer = both(&kek);
    client.invoke(0, transfer.method, Some(&transfer.parameter)).unwrap();
    assert_eq!(run(&mut client, &mut meter, 0), [Told::Done], "answered under the old keys");
    client.replace_keys(keys_of(&new));
    assert!(read(&mut client, &mut meter, 0, &[ENERGY])[0].is_ok());
    meter.handle_power(H, false);
    meter.handle_power(2 * H, true);
    let mut late = client_with(&meter_keys(), 5000);
    late.read(3 * H, &[ENERGY]).unwrap();
    assert!(matches!(
        run(&mut late, &mut meter, 3 * H)[..],
        [Told::Failed(Error::Security(_) | Error::Transport(_) | Error::Refused(_))]
    ));
    assert!(read(&mut client, &mut meter, 3 * H, &[ENERGY])[0].is_ok());
}

#[test]
fn secrets_are_not_shown() {
    let config = keyed();
    let MeterAccess::Keys { .. } = &config.access else { panic!() };
    let shown = format!("{config:?} {:?}", Meter::new(config.clone()));
    assert!(shown.contains("encryption: Aes128(..)") && !shown.contains("["), "{shown}");
}

/// Runs a life of readings and power cuts; whether every counter under which the meter spoke was new. With `sabotage`
/// the meter comes up each time as a fresh one, as if its memory of the bound did not last.
fn counters_stay_new(cuts: &[u8], sabotage: bool) -> bool {
    let fresh = || energised(MeterConfig { alarm_filter: 0, ..keyed() });
    let (mut meter, mut counters, mut all_new) = (fresh(), BTreeSet::new(), true);
    let mut client = client_with(&meter_keys(), 1);
    for (index, readings) in (0_u32..).zip(cuts) {
        let now = u64::from(index) * H;
        for _ in 0..*readings {
            client.read(now, &[ENERGY]).unwrap();
            let (told, new) = run_noting(&mut client, &mut meter, now, &mut counters);
            assert!(matches!(told.last(), Some(Told::Values(_))), "{told:?}");
            all_new &= new;
        }
        if sabotage {
            meter = fresh();
            client = client_with(&meter_keys(), 10_000 * (index + 1));
        } else {
            meter.handle_power(now, false);
            meter.handle_power(now, true);
        }
    }
    all_new
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    /// Whenever the power goes, the meter never speaks twice under one counter.
    #[test]
    fn counters_never_repeat(cuts in proptest::collection::vec(0_u8..40, 1..20)) {
        prop_assert!(counters_stay_new(&cuts, false));
    }
}

#[test]
fn a_meter_that_forgets_its_bound_is_seen_to_repeat() {
    assert!(!counters_stay_new(&[3, 3], true));
}

#[test]
fn the_policy_of_the_security_setup_is_the_one_in_force() {
    let mut meter = energised(keyed());
    let mut client = client_with(&meter_keys(), 1);
    let attribute = |id| AttributeRef::new(SecuritySetup::CLASS, obis::SECURITY_SETUP, id);
    let got = read(&mut client, &mut meter, 0, &[attribute(2), attribute(3), attribute(5)]);
    assert_eq!(got[0], Ok(Value::Enum(0x6C)), "requests and responses authenticated and encrypted");
    assert_eq!(got[1], Ok(Value::Enum(0)));
    assert_eq!(got[2].as_ref().unwrap().as_bytes().unwrap(), system_title(NAME).0);
    // Weaker it does not become.
    let weaken = MethodRef::new(SecuritySetup::CLASS, obis::SECURITY_SETUP, 1);
    client.invoke(0, weaken, Some(&taa_dlms::cosem::Code(0).to_value())).unwrap();
    assert!(matches!(run(&mut client, &mut meter, 0)[..], [Told::Failed(_)]));
}
