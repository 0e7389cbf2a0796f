//! A DCU and its meters on one shared medium, to the byte.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use taa_dcu::{
    Dcu, DcuEvent, ImageCampaign, ImageOrder, MeterIx, Output,
    config::{CreditAt, DcuConfig, LineConfig, MeterAccess, MeterEntry, Tariff, Traits},
    ids::Stamp,
    journal::{Entry, Record},
    reading::Reading,
    relay::{Basis, RelayRules},
    uplink::{Down, DownFrame},
};

use taa_dlms::{apdu::tag, link::wrapper::HEADER_BYTES, obis::alarm};
use taa_keys::{Key, MeterKeys};

use crate::meter::ModelMeter;

const MS: u64 = 1_000_000;
/// A full hour: 2026-03-01 00:00 UTC.
const START_UNIX_S: i64 = 1_772_323_200;
const FIRST_PERIOD: u32 = (START_UNIX_S / 3600) as u32;
/// A month of hours.
const ROWS: u32 = 720;
/// By then everything must have been read: three days.
const TOO_LATE: u64 = 3 * 86_400_000 * MS;

/// What carries the frames, one at a time, in the order in which they are ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Medium {
    pub(crate) name: &'static str,
    pub(crate) byte_ns: u64,
    pub(crate) overhead_bytes: u64,
    /// How long a meter thinks, from and to.
    pub(crate) turnaround_ms: (u64, u64),
    pub(crate) window: usize,
    pub(crate) reply_timeout_ms: u32,
    pub(crate) loss_permille: u64,
    /// How often an order comes, from and to.
    pub(crate) order_every_ms: (u64, u64),
}

/// How one order, or the confirmation of one alarm, fared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// Frame exchanges that it had to wait for, one after the other: the one under way (on the wire, or with the same
    /// meter where several go at once), and those of lesser business that were begun before it.
    pub(crate) exchanges: u32,
    /// Until its first bit was on the link.
    pub(crate) ns: u64,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) waits: Vec<Wait>,
    /// When 95 % of the rows were here.
    pub(crate) bulk_ms: u64,
    /// When 95 % of the meters had the image.
    pub(crate) image_ms: u64,
    /// Meters that have activated it.
    pub(crate) activated: usize,
    /// From request to answer.
    pub(crate) exchange_ms_longest: u64,
    pub(crate) rows_settled: u64,
    /// Rows in the journal: as many as settled, if none was lost or counted twice.
    pub(crate) rows_found: u64,
}

impl Outcome {
    pub(crate) fn exchanges_worst(&self) -> u32 {
        self.waits.iter().map(|wait| wait.exchanges).max().unwrap_or(0)
    }

    pub(crate) fn wait_ms(&self, percentile: usize) -> u64 {
        let mut ns: Vec<u64> = self.waits.iter().map(|wait| wait.ns).collect();
        ns.sort_unstable();
        ns.get((ns.len() * percentile).div_ceil(100).saturating_sub(1)).map_or(0, |ns| ns / MS)
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    AtMeter(u32, Vec<u8>),
    /// A meter has its answer ready.
    Answer(u32, Vec<u8>),
    /// A meter speaks unasked.
    Push(u32, Vec<u8>),
    PushAtDcu(u32, Vec<u8>),
    AtDcu(u32, Vec<u8>),
    Order,
}

/// An order that has not reached the link yet.
struct Pending {
    meter: u32,
    at: u64,
    /// Its meter still owes the answer to something else.
    own: bool,
    exchanges: u32,
}

pub(crate) struct Run {
    medium: Medium,
    chance: u64,
    dcu: Dcu,
    meters: Vec<ModelMeter>,
    now: u64,
    busy_until: u64,
    things: BinaryHeap<Reverse<(u64, u64, Thing)>>,
    sequence: u64,
    deadline: Option<u64>,
    orders: u64,
    pending: Vec<Pending>,
    /// Meters whose alarm is not confirmed yet.
    alarmed: Vec<bool>,
    /// Meters whose business is an order or an alarm, from its beginning to its end.
    urgent: Vec<bool>,
    looked_at: Vec<bool>,
    /// The last frame to them was an AARQ.
    associating: Vec<bool>,
    /// Since when a frame of theirs has been on the link.
    asked_at: Vec<Option<u64>>,
    /// Sabotage: frames of orders wait until no profile is half read.
    whole_reads: bool,
    reading: Vec<bool>,
    held: VecDeque<(u32, Vec<u8>)>,
    waits: Vec<Wait>,
    exchange_ns_longest: u64,
    rows_due: u64,
    rows_settled: u64,
    rows_found: u64,
    bulk_ns: u64,
    activated: usize,
    image_ns: u64,
}

impl Run {
    /// Every meter has just been heard again, and lacks a month.
    pub(crate) fn month(medium: Medium, meters: u32, seed: u64) -> Self {
        Self::new(medium, meters, seed, ROWS)
    }

    /// Every meter has just been heard again, and lacks nothing.
    pub(crate) fn idle(medium: Medium, meters: u32, seed: u64) -> Self {
        Self::new(medium, meters, seed, 0)
    }

    fn new(medium: Medium, meters: u32, seed: u64, lacks: u32) -> Self {
        let tariff = Tariff {
            currency: "TZS".into(),
            minor_per_unit: 100,
            energy_price_per_kwh_minor: 10_000,
            daily_fee_minor: 0,
            grace_minor: 0,
            ..Tariff::default()
        };
        let traits = Traits { credit_at: CreditAt::Cloud, ..Traits::bundle("edge_local").unwrap() };
        let mut config = DcuConfig::new(traits, tariff.clone());
        // Chance orders relays to and fro here, far more often than an operator would let it.
        config.relays = RelayRules {
            openings_per_meter_hour: 60,
            closings_per_meter_hour: 60,
            open_after_close_s: 0,
            openings_per_hour_percent: 100,
            openings_per_hour_free: u32::MAX,
            ..RelayRules::default()
        };
        if medium.window == 1 {
            config.lines = vec![LineConfig {
                meters: (0..meters).collect(),
                window: 1,
                reply_timeout_ms: medium.reply_timeout_ms,
            }];
        } else {
            config.window = medium.window;
            config.reply_timeout_ms = medium.reply_timeout_ms;
        }
        let entries: Vec<_> = (0..meters)
            .map(|n| MeterEntry {
                id: format!("TAA{n:013}"),
                account: format!("A{n}"),
                access: MeterAccess::Keys(MeterKeys::derive(&Key::Aes128([0x5A; 16]), &format!("TAA{n:013}")).unwrap()),
                opening_balance_minor: 0,
                sts: None,
            })
            .collect();
        let rows: Vec<_> = (0..ROWS).map(|n| (START_UNIX_S - i64::from(ROWS - n) * 3600, u64::from(n) * 90)).collect();
        let models =
            entries.iter().map(|e| ModelMeter::new(&e.id, &e.access, START_UNIX_S).with_rows(rows.clone())).collect();
        let journal = gaps(meters, tariff, lacks);
        let mut run = Self {
            medium,
            chance: seed,
            dcu: Dcu::recover(config, entries, journal),
            meters: models,
            now: 0,
            busy_until: 0,
            things: BinaryHeap::new(),
            sequence: 0,
            deadline: None,
            orders: 0,
            pending: Vec::new(),
            alarmed: vec![false; meters as usize],
            urgent: vec![false; meters as usize],
            looked_at: vec![false; meters as usize],
            associating: vec![false; meters as usize],
            asked_at: vec![None; meters as usize],
            whole_reads: false,
            reading: vec![false; meters as usize],
            held: VecDeque::new(),
            waits: Vec::new(),
            exchange_ns_longest: 0,
            rows_due: u64::from(lacks) * u64::from(meters),
            rows_settled: 0,
            rows_found: 0,
            bulk_ns: 0,
            activated: 0,
            image_ns: 0,
        };
        run.drain();
        run.dcu.handle_entropy(0, &[7; 32]);
        run.drain();
        run.dcu.handle_clock(0, START_UNIX_S * 1000);
        run.drain();
        for meter in 0..meters {
            run.dcu.handle_meter_heard(0, MeterIx(meter));
            run.drain();
        }
        run
    }

    /// Relay orders and alarms come, to and from meters drawn by lot.
    pub(crate) fn orders(mut self, orders: bool) -> Self {
        if orders {
            self.schedule(30_000 * MS, Thing::Order);
        }
        self
    }

    /// All meters are to have an image of so many bytes.
    pub(crate) fn image(mut self, bytes: usize) -> Self {
        let order = ImageOrder { identifier: b"MM-2.0".to_vec(), image: vec![0x5A; bytes].into(), meters: Vec::new() };
        self.dcu.distribute_image(0, order).unwrap();
        self.drain();
        self
    }

    pub(crate) fn whole_reads(mut self) -> Self {
        self.whole_reads = true;
        self
    }

    pub(crate) fn until_all_is_done(mut self) -> Outcome {
        let image_due = |run: &Self| run.dcu.image_campaign().is_some_and(ImageCampaign::is_under_way);
        while (self.rows_settled < self.rows_due || image_due(&self)) && self.now < TOO_LATE {
            let thing = self.things.peek().map(|Reverse((at, ..))| *at);
            let deadline = self.deadline.map(|at| at.max(self.now));
            let Some(next) = [thing, deadline].into_iter().flatten().min() else { break };
            self.now = next;
            if thing == Some(next) {
                let Reverse((_, _, thing)) = self.things.pop().unwrap();
                self.happen(thing);
            } else {
                self.dcu.handle_timeout(next);
            }
            self.drain();
        }
        // Orders that never came out.
        let never = self.pending.iter().map(|p| Wait { exchanges: p.exchanges, ns: self.now - p.at });
        self.waits.extend(never.filter(|wait| wait.exchanges > 0));
        Outcome {
            waits: self.waits,
            bulk_ms: self.bulk_ns / MS,
            image_ms: self.image_ns / MS,
            activated: self.activated,
            exchange_ms_longest: self.exchange_ns_longest / MS,
            rows_settled: self.rows_settled,
            rows_found: self.rows_found,
        }
    }

    fn happen(&mut self, thing: Thing) {
        match thing {
            Thing::AtMeter(ix, bytes) => {
                let answer = self.meters[ix as usize].handle(self.now, &bytes);
                if self.alarmed[ix as usize] && self.meters[ix as usize].descriptor == 0 {
                    (self.alarmed[ix as usize], self.urgent[ix as usize]) = (false, false);
                }
                if let Some(answer) = answer {
                    let (least, most) = self.medium.turnaround_ms;
                    let thinks = least * MS + self.below((most - least) * MS);
                    self.schedule(thinks, Thing::Answer(ix, answer));
                }
            }
            Thing::Answer(ix, bytes) => {
                if let Some(arrives) = self.send(bytes.len()).1 {
                    self.schedule(arrives - self.now, Thing::AtDcu(ix, bytes));
                }
            }
            Thing::Push(ix, bytes) => {
                if let Some(arrives) = self.send(bytes.len()).1 {
                    self.schedule(arrives - self.now, Thing::PushAtDcu(ix, bytes));
                }
            }
            Thing::PushAtDcu(ix, bytes) => self.dcu.handle_meter_receive(self.now, MeterIx(ix), &bytes),
            Thing::AtDcu(ix, bytes) => {
                if let Some(asked) = self.asked_at[ix as usize].take() {
                    self.exchange_ns_longest = self.exchange_ns_longest.max(self.now - asked);
                }
                self.pending.iter_mut().filter(|pending| pending.meter == ix).for_each(|pending| pending.own = false);
                self.dcu.handle_meter_receive(self.now, MeterIx(ix), &bytes);
            }
            Thing::Order => {
                let (least, most) = self.medium.order_every_ms;
                let next = least * MS + self.below((most - least) * MS);
                self.schedule(next, Thing::Order);
                let meter = self.below(self.meters.len() as u64) as u32;
                self.orders += 1;
                // On a mesh every fourth is an alarm of the meter's own; on a wire it speaks only when it is asked.
                if self.medium.window > 1 && self.orders.is_multiple_of(4) && self.looked_at[meter as usize] {
                    let push = self.meters[meter as usize].raise(alarm::CLOCK_RESET);
                    return self.schedule(0, Thing::Push(meter, push));
                }
                let closed = self.orders.is_multiple_of(2);
                let unix_ms = START_UNIX_S * 1000 + (self.now / MS) as i64;
                let basis = Some(Basis { data_unix_ms: unix_ms, decided_unix_ms: unix_ms });
                let body = Down::RelayOrder { order: self.orders, meter: MeterIx(meter), closed, basis };
                let mut frame = Vec::new();
                DownFrame { sequence: self.orders, body }.encode(&mut frame);
                self.wait_begins(meter);
                self.dcu.handle_uplink_receive(self.now, &frame);
            }
        }
    }

    /// From now on something urgent waits for the link.
    fn wait_begins(&mut self, meter: u32) {
        if !self.urgent[meter as usize] {
            let own = self.asked_at[meter as usize].is_some();
            self.pending.push(Pending { meter, at: self.now, own, exchanges: u32::from(own) });
        }
    }

    fn drain(&mut self) {
        let mut durable = None;
        loop {
            match self.dcu.poll_output() {
                Output::Transmit { meter, bytes } => self.transmit(meter.0, bytes),
                Output::Append(record) => {
                    if let Entry::Reading(reading) = &record.entry {
                        self.looked_at[reading.meter.0 as usize] = true;
                    }
                    durable = Some(record.number);
                }
                Output::Uplink(bytes) | Output::Fetch(bytes) => self.dcu.recycle(bytes),
                Output::Leaf(_) | Output::Sign(_) => {}
                Output::KeyRequest { .. } | Output::KeyChangeRequest { .. } => unreachable!("nothing is sold here"),
                Output::Event(event) => self.tell(&event),
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    let Some(number) = durable.take() else { break };
                    self.dcu.handle_durable(self.now, number);
                }
            }
        }
    }

    fn tell(&mut self, event: &DcuEvent) {
        match event {
            DcuEvent::RelayOrdered { meter, .. } => self.urgent[meter.0 as usize] = true,
            // Recorded for good: the meter is to be told so.
            DcuEvent::MeterAlarm { meter, .. } => {
                self.wait_begins(meter.0);
                (self.alarmed[meter.0 as usize], self.urgent[meter.0 as usize]) = (true, true);
            }
            DcuEvent::ImageActivated { meter } => {
                // It restarts, and is introduced anew.
                self.looked_at[meter.0 as usize] = false;
                self.activated += 1;
                if self.activated * 20 <= self.meters.len() * 19 {
                    self.image_ns = self.now;
                }
            }
            DcuEvent::RelayConfirmed { meter, .. } | DcuEvent::ExchangeFailed { meter, .. } => {
                self.urgent[meter.0 as usize] = false;
            }
            DcuEvent::Backfilled { from, to, meter, found } => {
                self.rows_found += u64::from(*found);
                self.rows_settled += u64::from(to - from + 1);
                // The last meters wait for lost frames alone.
                if self.rows_settled * 20 <= self.rows_due * 19 {
                    self.bulk_ns = self.now;
                }
                self.reading[meter.0 as usize] = false;
                if self.whole_reads && !self.reading.contains(&true) {
                    while let Some((ix, bytes)) = self.held.pop_front() {
                        self.put_on_link(ix, bytes);
                    }
                }
            }
            _ => {}
        }
    }

    fn transmit(&mut self, ix: u32, bytes: Vec<u8>) {
        let urgent = self.urgent[ix as usize];
        if self.whole_reads && urgent && self.reading.contains(&true) {
            return self.held.push_back((ix, bytes));
        }
        self.put_on_link(ix, bytes);
    }

    fn put_on_link(&mut self, ix: u32, bytes: Vec<u8>) {
        // An order opens with what it needs itself: an association, and, at a meter not known yet, its name.
        let pending = self.pending.iter().any(|pending| pending.meter == ix);
        let associates = bytes.get(HEADER_BYTES) == Some(&tag::AARQ);
        // After the AARQ comes the proof.
        let proves = std::mem::replace(&mut self.associating[ix as usize], associates);
        let opens = associates || proves || !self.looked_at[ix as usize];
        let urgent = self.urgent[ix as usize] || (pending && opens);
        self.reading[ix as usize] |= !urgent;
        let (begins, arrives) = self.send(bytes.len());
        if urgent {
            if let Some(at) = self.pending.iter().position(|pending| pending.meter == ix) {
                let Pending { at, exchanges, .. } = self.pending.swap_remove(at);
                // What was on the wire when the order came, if the order had to wait for it.
                let exchanges = exchanges.max(u32::from(self.now > at));
                self.waits.push(Wait { exchanges, ns: begins - at });
            }
        } else {
            let overtaken = self.pending.iter_mut().filter(|pending| !pending.own);
            overtaken.for_each(|pending| pending.exchanges += 1);
        }
        self.asked_at[ix as usize] = Some(self.now);
        if let Some(arrives) = arrives {
            self.schedule(arrives - self.now, Thing::AtMeter(ix, bytes));
        } else {
            self.dcu.recycle(bytes);
        }
    }

    /// Puts a frame on the medium behind what is waiting for it: when it begins, and when it arrives, if it does.
    fn send(&mut self, bytes: usize) -> (u64, Option<u64>) {
        let begins = self.now.max(self.busy_until);
        let ends = begins + (bytes as u64 + self.medium.overhead_bytes) * self.medium.byte_ns;
        self.busy_until = ends;
        let lost = self.below(1000) < self.medium.loss_permille;
        (begins, (!lost).then_some(ends))
    }

    fn schedule(&mut self, delay: u64, thing: Thing) {
        self.sequence += 1;
        self.things.push(Reverse((self.now + delay, self.sequence, thing)));
    }

    /// SplitMix64.
    fn below(&mut self, n: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A journal in which every meter was read, then so many periods not, then again just now.
fn gaps(meters: u32, tariff: Tariff, lacks: u32) -> Vec<Record> {
    let reading = |meter, period, sequence| {
        Entry::Reading(Reading {
            meter: MeterIx(meter),
            period,
            at_unix_s: period * 3600,
            sequence,
            register_wh: 0,
            relay_closed: Some(true),
            credit_minor: None,
        })
    };
    let readings =
        (0..meters).flat_map(|meter| [reading(meter, FIRST_PERIOD - lacks - 1, 1), reading(meter, FIRST_PERIOD, 2)]);
    let stamp = Stamp { boot: 1, monotonic_ns: 0, unix_ms: Some(START_UNIX_S * 1000) };
    std::iter::once(Entry::Boot { tariff: Box::new(tariff) })
        .chain(readings)
        .zip(1..)
        .map(|(entry, number)| Record { number, stamp, entry })
        .collect()
}
