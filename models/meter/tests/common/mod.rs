//! A client that talks to a meter without loss.
#![allow(dead_code, unreachable_pub, reason = "each test target uses its own part")]

pub mod secured;
pub mod vendor;

use taa_dlms::client::{Associated, Auth, Client, ClientConfig, ClientEvent, Output, ReadResult};
use taa_dlms::cosem::{ProfileRange, data, disconnect, register};
use taa_dlms::server::PortOutput;
use taa_dlms::{AttributeRef, Error, MethodRef, Value, obis};
use taa_keys::Secret;
use taa_meter::{Meter, MeterAccess, MeterConfig, MeterEvent, RelayWhy};

pub const S: u64 = 1_000_000_000;
pub const H: u64 = 3600 * S;
pub const DAY: u64 = 24 * H;
/// 2026-03-01 00:00:00 UTC.
pub const START_UNIX_S: i64 = 1_772_323_200;

pub const ENERGY: AttributeRef = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE);
pub const RELAY: AttributeRef =
    AttributeRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::OUTPUT_STATE);
pub const TOTAL: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_TOTAL, data::VALUE);
pub const BALANCE: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_BALANCE, data::VALUE);
pub const OPEN: MethodRef = MethodRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::REMOTE_DISCONNECT);
pub const CLOSE: MethodRef = MethodRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::REMOTE_RECONNECT);

pub fn config() -> MeterConfig {
    MeterConfig {
        logical_device_name: "TAA0000000000042".to_owned(),
        access: MeterAccess::Password(Secret::new(b"correct horse")),
        // Alarms have tests of their own.
        alarm_filter: 0,
        unix_s_at_zero: START_UNIX_S,
        ..MeterConfig::default()
    }
}

pub fn energised(config: MeterConfig) -> Meter {
    let mut meter = Meter::new(config);
    meter.handle_power(0, true);
    meter
}

pub fn prepaid() -> MeterConfig {
    MeterConfig { credit_at_meter: true, price_per_kwh_minor: 100, ..config() }
}

#[derive(Debug, PartialEq)]
pub enum Told {
    Associated(Associated),
    Values(Vec<ReadResult>),
    Rows(Vec<(Option<i64>, Vec<Value>)>),
    Done,
    Failed(Error),
}

/// Runs the command given to the client against the meter, at that time, without loss.
pub fn run(client: &mut Client, meter: &mut Meter, now: u64) -> Vec<Told> {
    let mut told = Vec::new();
    loop {
        match client.poll_output() {
            Output::Transmit(frame) => {
                meter.handle_receive(now, frame);
                while let Some(output) = meter.poll_output() {
                    if let PortOutput::Transmit(bytes) = output {
                        client.handle_receive(now, &bytes);
                    }
                }
            }
            Output::Event(ClientEvent::Associated(why)) => told.push(Told::Associated(why)),
            Output::Event(ClientEvent::Values(values)) => told.push(Told::Values(values.to_vec())),
            Output::Event(ClientEvent::Profile(rows)) => {
                told.push(Told::Rows(rows.rows().map(|row| (rows.unix_s(row), row[1..].to_vec())).collect()));
            }
            Output::Event(ClientEvent::ReserveCounter(bound)) => client.handle_counter_durable(now, bound),
            Output::Event(ClientEvent::Done(_)) => told.push(Told::Done),
            Output::Event(ClientEvent::Failed(error)) => told.push(Told::Failed(error)),
            // What it tells of its own accord has trials of its own.
            Output::Event(ClientEvent::Notification(_)) => {}
            Output::Event(other) => panic!("nobody asked for {other:?}"),
            Output::SetLine(_) => {}
            Output::Timeout(None) => return told,
            Output::Timeout(Some(deadline)) => client.handle_timeout(deadline),
        }
    }
}

pub fn client_of(meter: &mut Meter, now: u64) -> Client {
    let mut client = Client::new(ClientConfig::new(Auth::password(b"correct horse")));
    client.associate(now).unwrap();
    assert_eq!(run(&mut client, meter, now), [Told::Associated(Associated::Opened), Told::Done]);
    client
}

pub fn read(client: &mut Client, meter: &mut Meter, now: u64, attributes: &[AttributeRef]) -> Vec<ReadResult> {
    client.read(now, attributes).unwrap();
    match run(client, meter, now).pop() {
        Some(Told::Values(values)) => values,
        other => panic!("{other:?}"),
    }
}

pub fn rows(client: &mut Client, meter: &mut Meter, now: u64, range: ProfileRange) -> Vec<(Option<i64>, Vec<Value>)> {
    client.read_profile(now, obis::LOAD_PROFILE, range).unwrap();
    match run(client, meter, now).pop() {
        Some(Told::Rows(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

pub fn relay_events(meter: &mut Meter) -> Vec<(u64, bool, RelayWhy)> {
    std::iter::from_fn(|| meter.poll_event())
        .filter_map(|event| match event {
            MeterEvent::RelayChanged { at_ns, closed, why } => Some((at_ns, closed, why)),
            MeterEvent::ImageActivated { .. } => None,
        })
        .collect()
}
