//! Cloud and sites vend for the same meters while they cannot hear each other, messages get lost or come twice, machines
//! restart, clocks step: no minute is ever used twice for a meter, and no meter ever refuses a token as used.
//!
//! ```text
//!   lessor (book) ── grant ──▶ message: arrives late, twice, never ──▶ vendor (leases, uses: durable) ──▶ meter
//! ```
//!
//! The property is tested over random histories. The same histories with one deliberate fault each show that it is seen:
//! a lessor that takes back what was not acknowledged, a successor that starts in the old term without the book, a vendor
//! that shows tokens before the use is durable.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use taa_tokens::sts::meter::{Application, Decoder, Reason, State, TidMemory};
use taa_tokens::sts::vend::{Ask, Lease, Lessor, MeterKey, Minutes, Use, Vendor, conflicts};
use taa_tokens::sts::{
    Algorithm, Amount, BaseDate, DecoderKey, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Random, Service,
    Sgc, StaTables, TariffIndex,
};

const DAY: i64 = 24 * 60;
/// Some day in 2026.
const START: i64 = 20_500 * DAY;
/// A term of a lessor.
const TERM: i64 = 20 * DAY;
const VENDORS: usize = 3;
const METERS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Unacknowledged leases are granted again.
    TakesBack,
    /// A successor without the book goes on in the same term.
    SameTerm,
    /// Uses are lost at a restart.
    ForgetsUses,
}

#[derive(Clone, Debug)]
enum Event {
    /// A lease for a vendor: days from now, step, phase; whether the message arrives, and how often.
    Grant { vendor: usize, days: i64, length: i64, every: u16, phase: u16, copies: usize },
    /// A sale.
    Vend { vendor: usize, meter: usize, special: bool },
    /// A message that was under way arrives.
    Arrive(usize),
    /// A vendor restarts from what was durable.
    Restart(usize),
    /// The lessor is replaced, with its book or without.
    Replace { with_book: bool },
    /// A vendor's clock steps, minutes.
    Clock { vendor: usize, by: i64 },
    /// Time passes.
    Pass(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let vendor = 0..VENDORS;
    let step = prop_oneof![Just(1_u16), Just(3)];
    let event = prop_oneof![
        3 => (vendor.clone(), 0..4_i64, 1..6_i64, step, 0..3_u16, 0..3_usize).prop_map(
            |(vendor, days, length, every, phase, copies)| Event::Grant {
                vendor, days, length, every, phase: phase % every, copies
            }
        ),
        10 => (vendor.clone(), 0..METERS, prop::bool::weighted(0.1))
            .prop_map(|(vendor, meter, special)| Event::Vend { vendor, meter, special }),
        2 => (0..8_usize).prop_map(Event::Arrive),
        1 => vendor.clone().prop_map(Event::Restart),
        1 => any::<bool>().prop_map(|with_book| Event::Replace { with_book }),
        1 => (vendor, -600..600_i64).prop_map(|(vendor, by)| Event::Clock { vendor, by }),
        2 => (0..90_i64).prop_map(Event::Pass),
    ];
    prop::collection::vec(event, 1..120)
}

struct Site {
    vendor: Vendor,
    /// What is durable.
    leases: Vec<Lease>,
    uses: Vec<Use>,
    clock: i64,
}

struct World {
    now: i64,
    lessor: Lessor,
    term: i64,
    /// Leases that the lessor knows to have arrived, for the fault that takes back the others.
    arrived: Vec<Lease>,
    under_way: Vec<(usize, Lease)>,
    sites: Vec<Site>,
    meters: Vec<(MeterKey, DecoderKey, Decoder)>,
    uses: Vec<Use>,
    refused: Vec<Reason>,
}

fn meter(serial: usize) -> (MeterKey, DecoderKey, Decoder) {
    let key = KeyAttributes {
        sgc: Sgc::new(123_456).unwrap(),
        krn: Krn::new(1).unwrap(),
        key_type: KeyType::Unique,
        ti: TariffIndex::new(1).unwrap(),
        ken: 255,
        base_date: BaseDate::Y2014,
    };
    let meter = MeterPan::new("600727", &format!("{serial:011}")).unwrap();
    let asked = MeterKey { meter, key, generation: KeyGeneration::Dkga04, algorithm: Algorithm::Ea11 };
    let decoder_key = DecoderKey::ea11(&[serial as u8; 16]);
    let state = State { krn: 1, key_type: KeyType::Unique, ti: 1, ken: 255, sgc: None, base_date: key.base_date };
    let decoder = Decoder::new(decoder_key.clone(), state, TidMemory::new(1000), StaTables::sample());
    (asked, decoder_key, decoder)
}

impl World {
    fn new() -> Self {
        let site = |_| Site { vendor: Vendor::new(Minutes::new(DAY)), leases: Vec::new(), uses: Vec::new(), clock: 0 };
        Self {
            now: START,
            lessor: Lessor::new(START, START + TERM),
            term: START,
            arrived: Vec::new(),
            under_way: Vec::new(),
            sites: (0..VENDORS).map(site).collect(),
            meters: (0..METERS).map(meter).collect(),
            uses: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn arrive(&mut self, vendor: usize, lease: Lease) {
        let site = &mut self.sites[vendor];
        site.leases.push(lease);
        site.vendor.minutes_mut().add(lease);
    }

    fn step(&mut self, event: &Event, fault: Fault) {
        match *event {
            Event::Grant { vendor, days, length, every, phase, copies } => {
                if fault == Fault::TakesBack {
                    let kept =
                        self.lessor.book().iter().filter(|lease| self.arrived.contains(lease)).copied().collect();
                    self.lessor = Lessor::recover(self.term, self.term + TERM, kept);
                }
                let from = self.now.max(self.term) + days * DAY;
                if let Ok(lease) = self.lessor.grant(from, from + length * DAY, every, phase) {
                    self.under_way.extend(std::iter::repeat_n((vendor, lease), copies));
                }
            }
            Event::Arrive(which) => {
                if !self.under_way.is_empty() {
                    let (vendor, lease) = self.under_way.remove(which % self.under_way.len());
                    self.arrive(vendor, lease);
                }
            }
            Event::Vend { vendor, meter, special } => self.vend(vendor, meter, special),
            Event::Restart(vendor) => {
                let site = &mut self.sites[vendor];
                if fault == Fault::ForgetsUses {
                    site.uses.clear();
                }
                let minutes = Minutes::recover(DAY, site.leases.iter().copied(), site.uses.iter().copied());
                site.vendor = Vendor::new(minutes);
            }
            Event::Replace { with_book: true } => {
                self.lessor = Lessor::recover(self.term, self.term + TERM, self.lessor.book().to_vec());
            }
            Event::Replace { with_book: false } => {
                if fault != Fault::SameTerm {
                    self.term += TERM;
                }
                self.lessor = Lessor::new(self.term, self.term + TERM);
            }
            Event::Clock { vendor, by } => self.sites[vendor].clock += by,
            Event::Pass(minutes) => self.now += minutes,
        }
    }

    fn vend(&mut self, vendor: usize, meter: usize, special: bool) {
        let site = &mut self.sites[vendor];
        let (asked, key, decoder) = &mut self.meters[meter];
        let ask = Ask::Credit(Service::Electricity, Amount::at_least(10).unwrap());
        let now = self.now + site.clock;
        let Ok((content, used)) = site.vendor.prepare(asked, ask, now, Random::new(0), special) else { return };
        site.uses.push(used);
        self.uses.push(used);
        let application = Application { service: Service::Electricity, in_money: false, room: u64::MAX, maker: 0 };
        if let Err(reason) = decoder.enter(key.seal(&content), &application) {
            self.refused.push(reason);
        }
    }
}

fn run(events: &[Event], fault: Fault) -> World {
    let mut world = World::new();
    for event in events {
        world.step(event, fault);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_minute_is_used_twice(events in events()) {
        let world = run(&events, Fault::None);
        prop_assert_eq!(conflicts(world.uses), []);
        prop_assert_eq!(world.refused, []);
    }
}

/// The sabotage: each fault is found in some of the random histories, by the reports and by the meters alike.
#[test]
fn every_fault_is_seen() {
    for fault in [Fault::TakesBack, Fault::SameTerm, Fault::ForgetsUses] {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let seen = (0..2000).any(|_| {
            let history = events().new_tree(&mut runner).unwrap().current();
            let world = run(&history, fault);
            let twice = conflicts(world.uses.iter().copied());
            assert_eq!(twice.is_empty(), !world.refused.iter().any(|reason| matches!(reason, Reason::Used { .. })));
            !twice.is_empty()
        });
        assert!(seen, "{fault:?} was never seen");
    }
}

/// The histories do sell: most of them several tokens, from more than one vendor for one meter.
#[test]
fn histories_are_not_empty() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let sold: Vec<usize> =
        (0..100).map(|_| run(&events().new_tree(&mut runner).unwrap().current(), Fault::None).uses.len()).collect();
    let many = sold.iter().filter(|sold| **sold >= 5).count();
    assert!(many > 20, "only {many} of 100 histories sell five tokens");
}

/// Two DCUs with one identity (a copied disk) cannot be kept from each other while both are alone; the reports show it.
#[test]
fn a_copied_disk_is_found_by_the_reports() {
    let mut lessor = Lessor::new(START, START + TERM);
    let lease = lessor.grant(START, START + DAY, 1, 0).unwrap();
    let (asked, ..) = meter(1);
    let ask = Ask::Credit(Service::Electricity, Amount::at_least(10).unwrap());
    let uses = [0, 0, 7].map(|later| {
        let mut copy = Vendor::new(Minutes::recover(DAY, [lease], []));
        copy.prepare(&asked, ask, START + 10 + later, Random::new(0), false).unwrap().1
    });
    let found = conflicts(uses);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].meter, found[0].minute, found[0].times), (asked.meter, START + 10, 2));
}
