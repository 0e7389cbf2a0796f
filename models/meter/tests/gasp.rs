//! Last gasp: what is sent as the supply goes, how often, and what the log says afterwards.

mod common;

use common::{Told, client_of, config, energised, read, run};
use taa_dlms::cosem::data;
use taa_dlms::{AttributeRef, Value, obis};
use taa_gasp::{Guid, Kind, Packet, Seal, meter_key};
use taa_keys::Key;
use taa_meter::gasp::Supply;
use taa_meter::supercap::SupercapSpec;
use taa_meter::{Code, GaspConfig, GaspOutput, LastGasp, MeterConfig};

const MS: u64 = 1_000_000;
const S: u64 = 1000 * MS;
const NAME: &str = "TAA0000000000042";

fn key() -> Key {
    meter_key(&Key::Aes128([7; 16]), Guid::of_name(NAME)).unwrap()
}

fn set_up() -> GaspConfig {
    GaspConfig { unix_us_at_zero: 1_772_323_200_000_000, ..GaspConfig::new(Guid::of_name(NAME), key()) }
}

/// Everything sent until this time, each with when it began; `acknowledged` says for the n-th what became of it.
fn drive(gasp: &mut LastGasp, until: u64, mut acknowledged: impl FnMut(usize) -> bool) -> Vec<(u64, Packet)> {
    let seal = Seal::new(Guid::of_name(NAME), &key());
    let mut sent = Vec::new();
    while let Some(at) = gasp.deadline().filter(|at| *at <= until) {
        gasp.handle_timeout(at);
        while let Some(GaspOutput::Transmit { packet, .. }) = gasp.poll_output() {
            let number = sent.len();
            sent.push((at, seal.open(&packet).unwrap()));
            gasp.handle_sent(at + 20 * MS, acknowledged(number));
        }
    }
    gasp.handle_timeout(until);
    sent
}

#[test]
fn three_cycles_below_80_percent_and_not_one_less() {
    for (for_ms, rms_dv, gasps) in [(59, 0, false), (60, 0, true), (500, 1840, false), (60, 1839, true)] {
        let mut gasp = LastGasp::new(set_up());
        gasp.handle_power(S, rms_dv);
        let sent = drive(&mut gasp, S + for_ms * MS, |_| true);
        gasp.handle_power(S + for_ms * MS, 2300);
        assert_eq!(gasp.event() == 1, gasps, "{for_ms} ms at {rms_dv}: {sent:?}");
    }
}

#[test]
fn what_it_says_fits_what_happened() {
    let mut gasp = LastGasp::new(set_up());
    gasp.handle_power(S, 115);
    let sent = drive(&mut gasp, 2 * S, |_| true);
    let [(at, packet)] = sent[..] else { panic!("one is enough where it is acknowledged: {sent:?}") };
    assert!((S + 60 * MS..S + 140 * MS).contains(&at), "within four slots: {at}");
    assert_eq!((packet.header.kind, packet.event, packet.rms_percent), (Kind::PowerDown, 1, 5));
    let stated = packet.at_unix_us - 1_772_323_200_000_000;
    assert!(stated.abs_diff(at / 1000) < 20, "{stated}");
    assert!((1800..3600).contains(&packet.capacitor_mv) && !packet.clock_set && !packet.test);
}

#[test]
fn nobody_hears_it_and_the_log_tells_after_the_restart() {
    let mut gasp = LastGasp::new(set_up());
    gasp.handle_power(S, 0);
    let sent = drive(&mut gasp, 10 * S, |_| false);
    assert!((1..=8).contains(&sent.len()), "190 ms are short: {}", sent.len());
    assert!(sent.last().unwrap().0 < S + 250 * MS, "sending costs what listening would have had");
    assert_eq!(gasp.supply(), Supply::Gone);
    assert!(!gasp.log().has(Code::CapacitorDischarge), "it was off before it could write");
    gasp.handle_power(60 * S, 2300);
    assert!(gasp.log().has(Code::CapacitorDischarge));
    assert!(drive(&mut gasp, 180 * S, |_| true).is_empty(), "its radio has no way yet");
    gasp.handle_linked(180 * S);
    let up = drive(&mut gasp, 300 * S, |_| true);
    let [(at, packet)] = up[..] else { panic!("{up:?}") };
    assert!((180 * S..=210 * S).contains(&at));
    assert_eq!((packet.header.kind, packet.event), (Kind::PowerUp, 1));
    let back_s = packet.back_for_s().map(u64::from);
    assert!(back_s.is_some_and(|s| s.abs_diff(at / S - 60) <= 2), "lit since the 60th second: {back_s:?}");
    assert!(packet.header.counter > sent.last().unwrap().1.header.counter, "no counter twice");
}

/// The sabotage of the one before: had it been acknowledged, the log would be clean.
#[test]
fn an_acknowledged_gasp_leaves_no_0x04f() {
    let mut gasp = LastGasp::new(set_up());
    gasp.handle_power(S, 0);
    assert_eq!(drive(&mut gasp, 10 * S, |_| true).len(), 1);
    gasp.handle_power(60 * S, 2300);
    assert_eq!(gasp.log().entries().len(), 0);
}

#[test]
fn a_longer_hold_up_buys_more_tries() {
    let tries = |hold_up_ms: f64| {
        let mut gasp = LastGasp::new(GaspConfig { supercap: SupercapSpec::for_hold_up(hold_up_ms), ..set_up() });
        gasp.handle_power(S, 0);
        drive(&mut gasp, 200 * S, |_| false).len()
    };
    let all = [250.0, 1000.0, 4000.0, 60_000.0].map(tries);
    assert!(all.is_sorted() && all[0] < all[2] && all[3] <= 32, "{all:?}");
}

/// Whoever has nobody's answer may ask the next neighbour at once, while the charge lasts: 250 ms hold for one packet or two, a
/// second for some, and each of them is paid for.
#[test]
fn others_are_asked_while_the_charge_lasts() {
    let asked = |hold_up_ms: f64| {
        let mut gasp = LastGasp::new(GaspConfig { supercap: SupercapSpec::for_hold_up(hold_up_ms), ..set_up() });
        assert!(!gasp.try_another(S), "nothing is being said, and the line is there");
        gasp.handle_power(S, 0);
        let said_ns = loop {
            let now = gasp.deadline().unwrap();
            gasp.handle_timeout(now);
            if gasp.poll_output().is_some() {
                break now;
            }
        };
        (1..100).take_while(|n| gasp.try_another(said_ns + n * 20 * MS)).count()
    };
    let (short, long) = (asked(250.0), asked(1_000.0));
    assert!(short <= 2 && long > short && long < 40, "{short} {long}");
}

/// Of a hundred meters each is in time with its first try, also in the last slot; one slot more and some are not.
#[test]
fn a_new_capacitor_carries_the_last_slot_and_none_beyond() {
    let sent_in = |slots_first: u32| -> usize {
        let first = |n: u32| {
            let guid = Guid::of_name(&n.to_string());
            let mut gasp = LastGasp::new(GaspConfig { guid, slots_first, ..set_up() });
            gasp.handle_power(S, 0);
            let mut sent = 0;
            while let Some(at) = gasp.deadline().filter(|at| *at <= 2 * S) {
                gasp.handle_timeout(at);
                while let Some(GaspOutput::Transmit { .. }) = gasp.poll_output() {
                    sent += 1;
                    gasp.handle_sent(at + 20 * MS, true);
                }
            }
            sent
        };
        (0..100).map(first).sum()
    };
    assert_eq!(sent_in(set_up().slots_first), 100);
    assert!(sent_in(set_up().slots_first + 1) < 90);
}

/// The first window is as wide as the charge allows, and no wider than the concentrator's window.
#[test]
fn slots_follow_the_link_and_the_charge() {
    let slots = |hold_up_ms: f64, airtime_us: u32| {
        let config = GaspConfig { supercap: SupercapSpec::for_hold_up(hold_up_ms), ..set_up() };
        config.on_link(airtime_us).slots_first
    };
    assert_eq!(slots(250.0, 20_000), set_up().slots_first);
    assert!(slots(250.0, 10_000) > 3 && slots(1000.0, 20_000) > 20);
    assert_eq!((slots(60_000.0, 20_000), slots(100.0, 20_000)), (80, 1), "1.6 s; and one try at least");
}

#[test]
fn heat_and_cold_take_the_gasp_away() {
    let mut aged = LastGasp::new(set_up());
    aged.capacitor_mut().set_temperature(70.0);
    aged.capacitor_mut().age(4000.0);
    aged.handle_power(S, 0);
    let few = drive(&mut aged, 2 * S, |_| false).len();
    let mut new = LastGasp::new(set_up());
    new.handle_power(S, 0);
    assert!(few < drive(&mut new, 2 * S, |_| false).len(), "four lives at 70 °C leave a fifth");
    let mut cold =
        LastGasp::new(GaspConfig { supercap: SupercapSpec { resistance_ohm: 8.0, ..set_up().supercap }, ..set_up() });
    cold.capacitor_mut().set_temperature(-40.0);
    cold.handle_power(S, 0);
    assert_eq!(drive(&mut cold, 2 * S, |_| true).len(), 0);
    cold.handle_power(60 * S, 2300);
    assert!(cold.log().has(Code::CapacitorDischarge));
}

/// Four years at 45 °C: of 250 ms some 12 are left, and the three cycles of detection take 60.
fn worn() -> LastGasp {
    let mut gasp = LastGasp::new(set_up());
    gasp.capacitor_mut().set_temperature(45.0);
    gasp.capacitor_mut().age(4.0 * 8766.0);
    gasp
}

#[test]
fn a_capacitor_that_dies_before_it_is_found_out_is_told_of_after_the_restart() {
    let mut gasp = worn();
    gasp.handle_power(S, 0);
    assert_eq!(drive(&mut gasp, S + 59 * MS, |_| true).len(), 0);
    assert_eq!((gasp.supply(), gasp.event()), (Supply::Gone, 0), "nothing was left to write with");
    gasp.handle_power(60 * S, 2300);
    assert_eq!((gasp.event(), gasp.log().entries().len()), (1, 1));
    assert!(gasp.log().has(Code::CapacitorDischarge));
    gasp.handle_linked(180 * S);
    let up = drive(&mut gasp, 300 * S, |_| true);
    let [(_, packet)] = up[..] else { panic!("{up:?}") };
    assert_eq!((packet.header.kind, packet.event), (Kind::PowerUp, 1));
    assert!(packet.back_for_s().is_some_and(|s| s >= 118), "lit since the 60th second: {packet:?}");

    // Another outage is another event; one that comes and goes without settling is still the same.
    for (at, event) in [(400, 2), (401, 2), (402, 2), (500, 3)] {
        gasp.handle_power(at * S, 0);
        drive(&mut gasp, at * S + 500 * MS, |_| true);
        gasp.handle_power(at * S + 500 * MS, 2300);
        assert_eq!(gasp.event(), event, "at {at} s");
        drive(&mut gasp, at * S + 900 * MS, |_| true);
    }
}

/// Back, but too low to be good: that is the same outage still, and its end is written down once.
#[test]
fn what_was_missed_is_written_down_once() {
    let mut gasp = worn();
    for (at, rms_dv) in [(1, 0), (60, 1500), (61, 0), (62, 1500), (63, 0), (64, 2300)] {
        drive(&mut gasp, at * S, |_| true);
        gasp.handle_power(at * S, rms_dv);
    }
    assert_eq!((gasp.event(), gasp.log().entries().len()), (1, 1));
}

/// Where no gasp would have been sent, none was missed: the log says why.
#[test]
fn what_dies_with_the_logic_disabled_owes_nothing() {
    let mut gasp = worn();
    gasp.set_priority(0);
    gasp.handle_power(S, 0);
    drive(&mut gasp, 2 * S, |_| true);
    gasp.handle_power(60 * S, 2300);
    gasp.handle_linked(180 * S);
    assert_eq!(drive(&mut gasp, 300 * S, |_| true).len(), 0);
    assert!(gasp.log().has(Code::Disabled) && !gasp.log().has(Code::CapacitorDischarge));
}

/// Twenty times a second without supply, then four with it: never long enough to settle.
fn reboot_loop(gasp: &mut LastGasp) -> Vec<(u64, Packet)> {
    let mut sent = Vec::new();
    for round in 0..20 {
        let at = S + round * 5 * S;
        gasp.handle_power(at, 0);
        sent.extend(drive(gasp, at + S, |_| true));
        gasp.handle_power(at + S, 2300);
        sent.extend(drive(gasp, at + 5 * S - 1, |_| true));
    }
    sent
}

#[test]
fn a_reboot_loop_is_one_event_and_a_new_outage_another() {
    let mut gasp = LastGasp::new(GaspConfig { supercap: SupercapSpec::for_hold_up(1000.0), ..set_up() });
    let sent = reboot_loop(&mut gasp);
    assert_eq!(sent.len(), 20);
    assert!(sent.iter().all(|(_, packet)| packet.event == 1 && packet.header.kind == Kind::PowerDown));
    assert!(sent.is_sorted_by(|(_, one), (_, next)| one.header.counter < next.header.counter), "no counter twice");
    gasp.handle_linked(110 * S);
    let up = drive(&mut gasp, 200 * S, |_| true);
    assert_eq!(up.iter().map(|(_, packet)| packet.header.kind).collect::<Vec<_>>(), [Kind::PowerUp]);
    gasp.handle_power(201 * S, 0);
    let next = drive(&mut gasp, 202 * S, |_| true);
    assert_eq!(next[0].1.event, 2);
    // The documents' least capacitor is not full again after four seconds: it carries a gasp now and then.
    let few = reboot_loop(&mut LastGasp::new(set_up())).len();
    assert!((1..20).contains(&few), "{few}");
}

#[test]
fn meters_do_not_cry_in_the_same_slot() {
    let first = |n: u32| {
        let guid = Guid::of_name(&n.to_string());
        let mut gasp = LastGasp::new(GaspConfig { guid, ..set_up() });
        gasp.handle_power(S, 0);
        gasp.handle_timeout(S + 60 * MS);
        gasp.deadline().unwrap_or(S + 60 * MS)
    };
    let slots: std::collections::BTreeSet<u64> = (0..100).map(first).collect();
    assert_eq!(slots.len(), 4, "{slots:?}");
}

#[test]
fn the_log_names_a_small_frame_a_weak_parent_and_a_wrong_clock() {
    let mut gasp = LastGasp::new(GaspConfig { frame_payload_bytes: 48, ..set_up() });
    gasp.handle_power(S, 0);
    assert_eq!(drive(&mut gasp, 2 * S, |_| true).len(), 0);
    assert!(gasp.log().has(Code::PacketFragmented));

    let mut gasp = LastGasp::new(set_up());
    gasp.handle_signal(-104);
    gasp.handle_clock(0, 1_772_323_200_000_000);
    gasp.handle_clock(S, 1_772_323_201_400_000);
    assert!(!gasp.log().has(Code::TimeSync), "within 500 ms");
    gasp.handle_clock(2 * S, 1_772_323_203_000_001);
    gasp.handle_power(3 * S, 0);
    drive(&mut gasp, 4 * S, |_| true);
    assert!(gasp.log().has(Code::TimeSync) && gasp.log().has(Code::SignalLow));
}

#[test]
fn a_test_cries_without_an_outage() {
    let mut gasp = LastGasp::new(set_up());
    assert!(gasp.simulate(S));
    let sent = drive(&mut gasp, 10 * S, |_| true);
    assert!(sent.len() == 1 && sent[0].1.test && sent[0].1.event == 0, "{sent:?}");
    gasp.set_priority(0);
    assert!(!gasp.simulate(20 * S));
}

#[test]
fn an_update_disables_it_until_somebody_looks_and_the_optical_port_shows() {
    let mut meter = energised(MeterConfig { gasp: Some(set_up()), ..config() });
    let gasp = meter.gasp_mut().unwrap();
    gasp.handle_update(S, true);
    gasp.handle_update(20 * S, false);
    gasp.handle_power(30 * S, 0);
    assert!(drive(gasp, 31 * S, |_| true).is_empty());
    gasp.handle_power(40 * S, 2300);
    let mut client = client_of(&mut meter, 41 * S);
    let priority = AttributeRef::new(data::CLASS, obis::GASP_PRIORITY, data::VALUE);
    let log = AttributeRef::new(data::CLASS, obis::GASP_LOG, data::VALUE);
    let shown = read(&mut client, &mut meter, 42 * S, &[priority, log]);
    let [Ok(Value::U8(0)), Ok(Value::Array(entries))] = &shown[..] else { panic!("{shown:?}") };
    assert!(format!("{entries:?}").contains(&Code::Disabled.number().to_string()), "{entries:?}");
    client.write(43 * S, priority, &Value::U8(1)).unwrap();
    assert_eq!(run(&mut client, &mut meter, 43 * S), [Told::Done]);
    assert_eq!(meter.gasp().unwrap().priority(), 1);
}
