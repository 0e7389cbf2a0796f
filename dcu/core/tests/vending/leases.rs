//! Cloud and site sell for the same meters while frames get lost, machines restart and disks are replaced: no minute is
//! used twice. Two machines with one identity cannot be kept apart offline; their reports are.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use taa_dcu::{
    LinkState, MeterIx,
    cloud::{Cloud, CloudConfig, CloudEvent, CloudOutput, LeasePolicy},
    config::VendingConfig,
};
use taa_tokens::sts::{
    Money, Random, Service,
    meter::Reason,
    vend::{Ask, Vendor},
};

use crate::site::{DAY, MINUTE, S, START_MINUTE, START_UNIX_S, Site, entry, tariff, traits};

struct World {
    cloud: Cloud,
    sites: Vec<Site>,
    events: Vec<CloudEvent>,
    /// Percent of frames lost; some come twice.
    loss: u64,
    chance: u64,
}

impl World {
    fn new(loss: u64, seed: u64) -> Self {
        Self::leasing(6, loss, seed)
    }

    /// The site gets one of so many minutes.
    fn leasing(every: u16, loss: u64, seed: u64) -> Self {
        let entries = vec![entry(0), entry(1)];
        let policy = LeasePolicy { term: (START_MINUTE - 1440, START_MINUTE + 400 * 1440), days: 20, every };
        let config = CloudConfig { leases: Some(policy), ..CloudConfig::new(traits(), tariff()) };
        let mut cloud = Cloud::new(config, &entries);
        cloud.handle_clock(0, START_UNIX_S * 1000);
        cloud.handle_link(0, LinkState::Up);
        let mut site = Site::with(VendingConfig::default(), entries);
        site.with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
        let mut world = Self { cloud, sites: vec![site], events: Vec::new(), loss, chance: seed };
        world.exchange();
        world
    }

    fn lost(&mut self) -> bool {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % 100 < self.loss
    }

    /// Carries frames until nobody says anything.
    fn exchange(&mut self) {
        for _ in 0..50 {
            let mut quiet = true;
            for at in 0..self.sites.len() {
                let now = self.sites[at].now;
                for frame in std::mem::take(&mut self.sites[at].uplink) {
                    quiet = false;
                    if !self.lost() {
                        self.cloud.handle_receive(now, &frame);
                    }
                    let down = self.drain_cloud();
                    for frame in down {
                        if !self.lost() {
                            self.sites[at].with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
                        }
                    }
                }
            }
            if quiet {
                break;
            }
        }
    }

    fn drain_cloud(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            match self.cloud.poll_output() {
                CloudOutput::Downlink(frame) => frames.push(frame),
                CloudOutput::Event(event) => self.events.push(event),
                CloudOutput::Timeout(_) => return frames,
            }
        }
    }

    fn pass(&mut self, ns: u64) {
        let end = self.sites[0].now + ns;
        while self.sites[0].now < end {
            let step = (10 * MINUTE).min(end - self.sites[0].now);
            for site in &mut self.sites {
                site.run_for(step);
            }
            let now = self.sites[0].now;
            self.cloud.handle_timeout(now);
            let down = self.drain_cloud();
            for frame in down {
                if !self.lost() {
                    self.sites[0].with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
                }
            }
            self.exchange();
        }
    }

    /// The cloud sells for the same meter, in its own minutes.
    fn cloud_sells(&mut self, meter: usize) {
        let minute = START_MINUTE + (self.sites[0].now / MINUTE) as i64;
        let sts = entry(meter as u32).sts.unwrap();
        let minutes = self.cloud.minutes_mut().unwrap();
        let mut vendor = Vendor::new(minutes.clone());
        let ask = Ask::Money(Service::Electricity, Money::at_least(77_000).unwrap());
        let Ok((content, used)) = vendor.prepare(&sts.meter_key(), ask, minute, Random::new(0), false) else { return };
        minutes.take(&sts.pan, used.minute);
        let token = self.sites[0].module.seal(&sts.meter_key(), &content).unwrap();
        let _ = self.sites[0].meters[meter].enter(&token.digits());
    }

    /// The site's disk is replaced by an empty one.
    fn new_disk(&mut self) {
        let site = &mut self.sites[0];
        site.cut();
        site.journal.clear();
        site.durable = 0;
        site.entropy = site.entropy.wrapping_add(1);
        site.boot();
        site.with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
    }

    fn without_minutes(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, CloudEvent::NoMinutesLeft)).count()
    }

    /// Customers type what is new.
    fn type_new(&mut self) {
        for site in &mut self.sites {
            site.type_all();
            site.events.clear();
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    SiteSells(u32),
    CloudSells(usize),
    Pass(u64),
    Cut,
    NewDisk,
    Link(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0..2_u32).prop_map(Event::SiteSells),
        5 => (0..2_usize).prop_map(Event::CloudSells),
        5 => (0..300_u64).prop_map(Event::Pass),
        2 => Just(Event::Cut),
        1 => Just(Event::NewDisk),
        1 => any::<bool>().prop_map(Event::Link),
    ];
    prop::collection::vec(event, 1..60)
}

/// What was refused though it was typed for the first time; the sabotage gives a replaced disk its old leases back.
fn run(history: &[Event], seed: u64, sabotage: bool) -> (World, Vec<Reason>) {
    let mut world = World::new(25, seed);
    let mut refused = Vec::new();
    for (number, event) in history.iter().enumerate() {
        match *event {
            Event::SiteSells(meter) => world.sites[0].pay(&format!("R{number}"), meter, 500 + number as i64),
            Event::CloudSells(meter) => world.cloud_sells(meter),
            Event::Pass(minutes) => world.pass(minutes * MINUTE),
            Event::Cut => {
                world.sites[0].cut();
                world.sites[0].boot();
                world.sites[0].with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
            }
            Event::NewDisk => {
                let leases = world.sites[0].state().desk().leases().to_vec();
                world.new_disk();
                let site = &mut world.sites[0];
                for lease in leases.iter().filter(|_| sabotage) {
                    site.lease(lease.from, lease.to, lease.every, lease.phase);
                }
            }
            Event::Link(up) => {
                world.loss = if up { 25 } else { 100 };
            }
        }
        world.exchange();
        // Each token once: whatever is refused then is a minute used twice.
        for (_, meter, _, token, _) in world.sites[0].left() {
            let meter = &mut world.sites[0].meters[meter as usize];
            if !meter.taken.contains(&token.0)
                && let Err(reason) = meter.enter(&token.0)
            {
                refused.push(reason);
            }
        }
        world.sites[0].events.clear();
    }
    (world, refused)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn cloud_and_site_never_share_a_minute(history in events(), seed: u64) {
        let (world, refused) = run(&history, seed, false);
        prop_assert_eq!(refused, []);
        let told = |event: &CloudEvent| {
            matches!(event, CloudEvent::TwoMachines { .. } | CloudEvent::MinuteNotLeased { .. })
        };
        prop_assert_eq!(world.events.iter().find(|event| told(event)), None);
    }
}

/// The sabotage: a site whose disk was replaced goes on in its old leases.
#[test]
fn old_leases_on_a_new_disk_use_minutes_twice() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let seen = (0..200).any(|seed| {
        let history = events().new_tree(&mut runner).unwrap().current();
        !run(&history, seed, true).1.is_empty()
    });
    assert!(seen);
}

#[test]
fn a_site_gets_its_next_minutes_before_the_last_are_over() {
    let mut world = World::new(0, 1);
    assert_eq!(world.cloud.leases().len(), 1, "asked for at the first start");
    for day in 0..60 {
        world.sites[0].pay(&format!("R{day}"), 0, 5_000);
        world.pass(DAY);
        // A restart now and then: the end of the leases is told once a boot.
        world.sites[0].cut();
        world.sites[0].boot();
        world.sites[0].with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
        world.exchange();
    }
    world.type_new();
    assert_eq!(world.sites[0].meters[0].taken.len(), 60);
    assert!(world.cloud.leases().len() >= 3, "{:?}", world.cloud.leases());
}

/// Where cloud and site share the minutes between them, there is no other place to go on in: the site's next lease begins
/// where the last ends, and it sells on every single day.
#[test]
fn with_every_other_minute_a_site_goes_on_in_its_own() {
    let mut world = World::leasing(2, 0, 1);
    for day in 0..60 {
        world.sites[0].pay(&format!("R{day}"), 0, 5_000);
        world.pass(DAY / 2);
        world.type_new();
        assert_eq!(world.sites[0].meters[0].taken.len(), day + 1, "day {day}: {:?}", world.cloud.leases());
        world.pass(DAY / 2);
    }
    assert_eq!(world.without_minutes(), 0);
    let leases = world.cloud.leases();
    assert!(leases.len() >= 3 && leases.iter().all(|lease| lease.phase == 1), "{leases:?}");
    assert!(leases.windows(2).all(|two| two[0].to <= two[1].from), "{leases:?}");
    assert!(!world.events.iter().any(|event| matches!(event, CloudEvent::MinuteNotLeased { .. })));
}

/// A site that goes on in its own place leaves the third one to whoever comes after it.
#[test]
fn a_replaced_disk_finds_a_place_after_a_renewal() {
    let mut world = World::leasing(3, 0, 1);
    world.pass(10 * DAY);
    let before = world.cloud.leases().len();
    assert!(before >= 2, "renewed");
    world.new_disk();
    world.exchange();
    assert_eq!((world.cloud.leases().len(), world.without_minutes()), (before + 1, 0));
    assert_eq!(world.cloud.leases()[before].phase, 2);
    // The next disk has to wait until a lease is over, and is told so.
    world.new_disk();
    world.exchange();
    assert_eq!(world.without_minutes(), 1);
}

/// A copied disk: both machines sell in the same minute. Nothing can prevent it while they are alone; it is found.
#[test]
fn two_machines_with_one_identity_are_found_and_named() {
    let mut world = World::new(0, 1);
    let mut copy = Site::with(VendingConfig::default(), vec![entry(0), entry(1)]);
    copy.cut();
    copy.journal = world.sites[0].journal.clone();
    copy.durable = world.sites[0].durable;
    copy.now = world.sites[0].now;
    copy.boot();
    world.sites.push(copy);
    world.sites[0].pay("R1", 0, 5_000);
    world.sites[1].pay("R2", 0, 8_000);
    for site in &mut world.sites {
        site.with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
        site.run_for(S);
    }
    world.exchange();
    let twice: Vec<_> = world
        .events
        .iter()
        .filter(|event| matches!(event, CloudEvent::TwoMachines { meter: MeterIx(0), .. }))
        .collect();
    assert_eq!(twice.len(), 1, "{:?}", world.events);
    // And one of the two customers has paid for a token that the meter refuses.
    let tokens = [world.sites[0].left()[0].3, world.sites[1].left()[0].3];
    let meter = &mut world.sites[0].meters[0];
    assert_eq!(meter.enter(&tokens[0].0), Ok(()));
    assert_eq!(meter.enter(&tokens[1].0), Err(Reason::Used { just_now: true }));
}
