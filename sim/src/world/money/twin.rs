//! A second machine under the site's identity: a copy of the DCU's card, started elsewhere.
//!
//! ```text
//!   card of the site ──copied while it is off──▶ bench: Dcu, its own link, no meters
//!          │                                        │
//!          └──────── fetch ──▶ one relay ◀── fetch ─┘      one of them is served, the other is told
//! ```
//!
//! Tests ask for it ([`crate::run::Meddling::twin_from_h`]). The copy's disk is honest and at once; it hears the key
//! module, so that it could sell. What it does is written down: which payments it credited since it was copied, how many
//! tokens it has had sealed, how often it was told that it is not the only one.

use std::collections::BTreeSet;

use taa_dcu::{Dcu, DcuEvent, LinkState, Output, fetch::FetchFault, journal::Record, vending::KeyRefusal};
use taa_models::draw::{Draws, NodeKey, Purpose};

use super::payment_number;
use crate::{
    kernel::{Phase, Queue, SimTime, Wake},
    records::TwinRow,
    world::{Event, Village, message::MessageId, site::whole_ms},
};

const ENTROPY: Purpose = Purpose::named("twin entropy");
const NODE: NodeKey = NodeKey::of("/twin");
/// From the bench to the relay, and back, ms (assumed: a wired line).
const LINE_MS: u64 = 40;

/// The copy.
pub(crate) struct Twin {
    dcu: Box<Dcu>,
    booted_ms: u64,
    started: bool,
    durable: u64,
    wake: Wake,
    credited: BTreeSet<u32>,
    row: TwinRow,
}

impl Village<'_> {
    /// The site starts from these records: if the card has just been copied, so does the copy.
    pub(crate) fn copied(&mut self, journal: &[Record], now_ms: u64, queue: &mut Queue<Event>) {
        let due = self.meddling.twin_from_h.is_some_and(|hour| now_ms >= u64::from(hour) * 3_600_000);
        if !due || self.money.twin.is_some() {
            return;
        }
        let (config, meters) = self.site.as_configured();
        let dcu = Box::new(Dcu::recover(config, meters, journal.to_vec()));
        let durable = journal.last().map_or(0, |record| record.number);
        let (credited, row) = (BTreeSet::new(), TwinRow::default());
        let booted_ms = now_ms + u64::from(self.meddling.twin_after_min) * 60_000 + 1;
        let mut twin = Twin { dcu, booted_ms, started: false, durable, wake: Wake::default(), credited, row };
        let at = SimTime::from_ms(booted_ms);
        queue.arm(&mut twin.wake, at, Phase::Dcu, self.ops.cloud, |generation| Event::TwinWake { generation });
        self.money.twin = Some(twin);
    }

    fn start_twin(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, NODE, ENTROPY, 0);
        let entropy: [u8; 32] = std::array::from_fn(|_| draws.u64() as u8);
        self.log(now_ms, "twin", String::new(), "a copy of the site's card starts on a bench".to_owned());
        self.with_twin(now_ms, queue, |dcu, now| dcu.handle_entropy(now, &entropy));
        let unix_ms = self.unix_ms(now_ms);
        self.with_twin(now_ms, queue, |dcu, now| dcu.handle_clock(now, unix_ms));
        self.with_twin(now_ms, queue, |dcu, now| dcu.handle_link(now, LinkState::Up));
    }

    fn with_twin(&mut self, now_ms: u64, queue: &mut Queue<Event>, mutate: impl FnOnce(&mut Dcu, u64)) {
        let Some(twin) = &mut self.money.twin else { return };
        let now = (now_ms - twin.booted_ms) * 1_000_000;
        mutate(&mut twin.dcu, now);
        let mut last = twin.durable;
        loop {
            let Some(twin) = &mut self.money.twin else { return };
            match twin.dcu.poll_output() {
                Output::Append(record) => last = record.number,
                Output::Fetch(bytes) => {
                    let message = self.messages.put(&bytes);
                    let at = SimTime::from_ms(now_ms + LINE_MS);
                    queue.at(at, Phase::Environment, self.ops.cloud, Event::TwinAtIntake { message });
                }
                Output::KeyRequest { id, meter_key, content } => {
                    let customer = self.money.tokens.customer_of(&meter_key);
                    let token = customer.and_then(|_| self.money.tokens.answer(&meter_key, &content).ok());
                    twin.row.tokens += u32::from(token.is_some());
                    twin.dcu.handle_key(now, id, token.ok_or(KeyRefusal::NoKey));
                }
                Output::KeyChangeRequest { id, .. } => twin.dcu.handle_key_change(now, id, Err(KeyRefusal::NoKey)),
                Output::Event(DcuEvent::Credited { key, .. }) => twin.credited.extend(payment_number(&key)),
                Output::Event(DcuEvent::FetchFailed(FetchFault::IdentityTwice)) => twin.row.told += 1,
                // No meter, no cloud, no ledger on the bench.
                Output::Event(_) | Output::Transmit { .. } | Output::Uplink(_) | Output::Leaf(_) | Output::Sign(_) => {}
                Output::Timeout(_) if last > twin.durable => {
                    twin.durable = last;
                    twin.dcu.handle_durable(now, last);
                }
                Output::Timeout(deadline) => {
                    if let Some(ns) = deadline {
                        let at = whole_ms(twin.booted_ms * 1_000_000 + ns).max(SimTime::from_ms(now_ms + 1));
                        let wake = &mut twin.wake;
                        queue.arm(wake, at, Phase::Dcu, self.ops.cloud, |generation| Event::TwinWake { generation });
                    }
                    return;
                }
            }
        }
    }

    /// The copy's deadline.
    pub(crate) fn twin_wakes(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(twin) = self.money.twin.as_mut().filter(|twin| twin.wake.is_current(generation)) else { return };
        if std::mem::replace(&mut twin.started, true) {
            self.with_twin(now_ms, queue, |dcu, now| dcu.handle_timeout(now));
        } else {
            self.start_twin(now_ms, queue);
        }
    }

    /// An answer of the relay reaches the bench.
    pub(crate) fn reply_at_twin(&mut self, message: MessageId, now_ms: u64, queue: &mut Queue<Event>) {
        let bytes = self.messages.take(message);
        self.payloads.absorb_bytes(&bytes);
        self.with_twin(now_ms, queue, |dcu, now| dcu.handle_fetch_receive(now, &bytes));
        self.messages.recycle(message, bytes);
    }

    pub(super) fn reply_to_twin(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        let message = self.messages.put(bytes);
        let at = SimTime::from_ms(now_ms + LINE_MS);
        queue.at(at, Phase::Environment, self.ops.cloud, Event::IntakeAtTwin { message });
    }

    /// What became of the copy.
    pub(super) fn twin_row(&mut self, site_told: u32) -> Option<TwinRow> {
        let twin = self.money.twin.as_ref()?;
        let both = |payment: &&u32| self.pays[**payment as usize].credited_ms.is_some();
        Some(TwinRow {
            credited: twin.credited.iter().copied().collect(),
            credited_by_both: twin.credited.iter().filter(both).count() as u32,
            site_told,
            ..twin.row.clone()
        })
    }
}
