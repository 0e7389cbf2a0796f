//! The engine with its fold, driven as the DCU drives it.

mod indices;
mod network;
mod table;
mod tickets;

use taa_gasp::{Guid, Header, Kind, Packet, Seal, meter_key};
use taa_keys::Key;

use super::{Act, Engine, Heard, OutageNote, Outages, Refused};
use crate::{
    MeterIx,
    config::{Device, DeviceKind, OutageConfig, OutageMeter, Span},
};

pub(super) const MS: u64 = 1_000_000;
pub(super) const S: u64 = 1000 * MS;
/// 2026-03-01 00:00:00 UTC at time 0.
pub(super) const START_MS: i64 = 1_772_323_200_000;

/// The inverter, two feeders, three phases each, sections under each phase, meters under each section.
pub(super) fn village(sections: usize, meters: usize) -> OutageConfig {
    let device =
        |id: &str, kind, parent: Option<&str>| Device { id: id.to_owned(), kind, parent: parent.map(str::to_owned) };
    let mut config =
        OutageConfig { devices: vec![device("inverter", DeviceKind::Inverter, None)], ..OutageConfig::new() };
    for feeder in ["a", "b"] {
        config.devices.push(device(feeder, DeviceKind::Feeder, Some("inverter")));
        for phase in 1..=3 {
            let phase = format!("{feeder}{phase}");
            config.devices.push(device(&phase, DeviceKind::Phase, Some(feeder)));
            for section in 1..=sections {
                let section = format!("{phase}.{section}");
                config.devices.push(device(&section, DeviceKind::Section, Some(&phase)));
                for _ in 0..meters {
                    let at = config.meters.len();
                    config.meters.push(meter(at, Some(&section)));
                }
            }
        }
    }
    config
}

/// The same with poles: the sections of one number in three phases hang on the same ones, the last of them but for one
/// phase, of which a single meter does.
pub(super) fn village_on_poles(sections: usize, meters: usize) -> OutageConfig {
    let mut config = village(sections, meters);
    for feeder in ["a", "b"] {
        for section in 1..=sections {
            let mut devices: Vec<String> = (1..=3).map(|phase| format!("{feeder}{phase}.{section}")).collect();
            let last = devices.pop().filter(|_| section == sections);
            let fed = |at: &usize| last.is_some() && config.meters[*at].parent == last;
            let meters = (0..config.meters.len()).find(fed).map(|at| MeterIx(u32::try_from(at).unwrap()));
            if last.is_none() {
                devices.push(format!("{feeder}3.{section}"));
            }
            config.spans.push(Span {
                id: format!("{feeder}-pole{section}"),
                devices,
                meters: meters.into_iter().collect(),
            });
        }
    }
    config
}

pub(super) fn meter(at: usize, parent: Option<&str>) -> OutageMeter {
    let guid = guid(at);
    OutageMeter { guid, key: meter_key(&MASTER, guid).unwrap(), epoch: 1, parent: parent.map(str::to_owned) }
}

const MASTER: Key = Key::Aes128([7; 16]);

fn guid(at: usize) -> Guid {
    Guid::of_name(&format!("m{at}"))
}

/// The engine, the fold, and a clock.
pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) outages: Outages,
    pub(super) now: u64,
    pub(super) notes: Vec<(u64, u64, OutageNote)>,
    pub(super) pings: Vec<MeterIx>,
    pub(super) clocks: Vec<u64>,
    pub(super) config: OutageConfig,
    pub(super) counters: Vec<u32>,
    seals: Vec<Seal>,
    records: u64,
}

impl Rig {
    pub(super) fn new(config: OutageConfig) -> Self {
        let outages = Outages::default();
        let seals = config.meters.iter().map(|meter| Seal::new(meter.guid, &meter.key)).collect::<Vec<_>>();
        Self {
            engine: Engine::new(config.clone(), &outages),
            outages,
            now: S,
            notes: Vec::new(),
            pings: Vec::new(),
            clocks: Vec::new(),
            counters: vec![0; seals.len()],
            seals,
            records: 0,
            config,
        }
    }

    /// The DCU starts anew from its journal.
    pub(super) fn restart(&mut self) {
        let mut outages = Outages::default();
        for (number, at, note) in &self.notes {
            outages.apply(*number, Some(unix_ms(*at)), note);
        }
        assert_eq!(outages, self.outages, "the journal tells all");
        self.engine = Engine::new(self.config.clone(), &self.outages);
        self.drain();
    }

    pub(super) fn packet(&mut self, meter: usize, kind: Kind, event: u32) -> Vec<u8> {
        self.counters[meter] += 1;
        self.packet_with(meter, kind, event, |packet| packet)
    }

    pub(super) fn packet_with(
        &mut self,
        meter: usize,
        kind: Kind,
        event: u32,
        change: impl FnOnce(Packet) -> Packet,
    ) -> Vec<u8> {
        let packet = Packet {
            header: Header { kind, guid: guid(meter), epoch: 1, counter: self.counters[meter] },
            event,
            at_unix_us: u64::try_from(unix_ms(self.now)).unwrap() * 1000,
            clock_set: true,
            capacitor_mv: 3300,
            rms_percent: 0,
            priority: 1,
            test: false,
        };
        self.seals[meter].seal(&change(packet)).to_vec()
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<Heard, Refused> {
        let heard = self.engine.handle_packet(self.now, Some(unix_ms(self.now)), bytes, &self.outages);
        self.drain();
        heard
    }

    pub(super) fn gasp(&mut self, meter: usize, event: u32) -> Result<Heard, Refused> {
        let packet = self.packet(meter, Kind::PowerDown, event);
        self.hear(&packet)
    }

    pub(super) fn power_up(&mut self, meter: usize, event: u32) -> Result<Heard, Refused> {
        let packet = self.packet(meter, Kind::PowerUp, event);
        self.hear(&packet)
    }

    pub(super) fn answer(&mut self, meter: MeterIx) {
        self.engine.handle_answer(self.now, meter, &self.outages);
        self.drain();
    }

    pub(super) fn silence(&mut self, meter: MeterIx) {
        self.engine.handle_silence(self.now, meter);
        self.drain();
    }

    /// Time passes; pings are answered as `lit` says, a second later.
    pub(super) fn run(&mut self, until: u64, lit: impl Fn(u64, MeterIx) -> bool) {
        loop {
            for meter in std::mem::take(&mut self.pings) {
                self.now += S / 10;
                if lit(self.now, meter) { self.answer(meter) } else { self.silence(meter) }
            }
            let due = self.engine.deadline().filter(|at| *at <= until);
            if let Some(at) = due {
                self.now = self.now.max(at);
                self.engine.handle_timeout(self.now, &self.outages);
                self.drain();
            } else if self.pings.is_empty() {
                break;
            }
        }
        self.now = self.now.max(until);
    }

    pub(super) fn drain(&mut self) {
        while let Some(act) = self.engine.poll(self.now) {
            match act {
                Act::Record(note) => {
                    self.records += 1;
                    self.outages.apply(self.records, Some(unix_ms(self.now)), &note);
                    self.engine.handle_recorded(self.now, self.records, &note, &self.outages);
                    self.notes.push((self.records, self.now, note));
                }
                Act::Ping(meter) => self.pings.push(meter),
                Act::ClockOff { off_ms, .. } => self.clocks.push(off_ms),
                Act::Tested { .. } => {}
            }
        }
    }

    /// Notifications so far.
    pub(super) fn opened(&self) -> Vec<&OutageNote> {
        let notes = self.notes.iter().map(|(_, _, note)| note);
        notes.filter(|note| matches!(note, OutageNote::Opened { .. })).collect()
    }
}

pub(super) fn unix_ms(now: u64) -> i64 {
    START_MS + i64::try_from(now / MS).unwrap()
}

pub(super) fn nobody(_: u64, _: MeterIx) -> bool {
    false
}

pub(super) fn everybody(_: u64, _: MeterIx) -> bool {
    true
}
