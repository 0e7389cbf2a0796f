//! Between site and cloud: the messages on the link, and the operator's cloud at its far end.
//!
//! The cloud's logic is the uplink's production counterpart ([`taa_dcu::cloud::Cloud`]): where credit is kept in the
//! cloud it bills with the very Book that the DCU would use, so no architecture gets a clumsier ledger than another.
//! While the cloud is down it neither hears nor answers; what it knew it still knows when it comes back.

use taa_dcu::{
    LinkState,
    billing::Book,
    cloud::{Cloud, CloudEvent, CloudOutput},
    config::Backhaul,
    payment::Payment,
    uplink::Standing,
};
use taa_models::{
    cellular::{link, throttle::Throttle},
    draw::{Draws, NodeKey, Purpose},
};
use taa_scenarios::model::FaultKind;

use super::{Event, Village, money::payment_number, site::whole_ms};
use crate::{
    cause::Cause,
    kernel::{Phase, Queue, SimTime, Wake},
};

const LATENCY: Purpose = Purpose::named("wan latency");

/// The cloud and its deadline.
pub(crate) struct CloudHost {
    cloud: Cloud,
    wake: Wake,
    armed_for: Option<SimTime>,
    told_link: bool,
    messages: u64,
    key: NodeKey,
}

impl CloudHost {
    pub(crate) fn new(cloud: Cloud) -> Self {
        let key = NodeKey::of("/wan");
        Self { cloud, wake: Wake::default(), armed_for: None, told_link: false, messages: 0, key }
    }
}

impl Village<'_> {
    /// The clock and the link as the cloud sees them at the start.
    pub(crate) fn boot_cloud(&mut self, queue: &mut Queue<Event>) {
        let unix_ms = self.unix_ms(0);
        self.with_cloud(0, queue, |cloud, now| cloud.handle_clock(now, unix_ms));
        self.cloud_link_turned(0, queue);
    }

    /// How long a frame of this length is under way; `None`: the crowded cell drops it.
    pub(super) fn transit_ms(&mut self, bytes: usize) -> Option<u64> {
        self.cloud.messages += 1;
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, self.cloud.key, LATENCY, self.cloud.messages);
        let cellular = &self.scenario.comms.cellular;
        let figures = match self.traits.backhaul {
            Backhaul::Vsat => cellular.vsat.figures(),
            Backhaul::SingleSim | Backhaul::DualSim => cellular.bearer.figures(),
        };
        let latency_ms = link::latency_ms(&figures, bytes, &mut draws);
        let delay_ms = match self.throttle() {
            None => 0,
            Some(throttle) => throttle.pass(&mut draws)?,
        };
        Some(latency_ms + delay_ms)
    }

    /// What the operator in use does to machines' messages now: of its own accord, or as a scripted fault says.
    fn throttle(&self) -> Option<Throttle> {
        let own = &self.scenario.comms.cellular.throttle;
        let Some(Cause::Scripted(n)) = self.wan.slow_chain()?.root() else { return Some(own.throttle()) };
        match self.scenario.faults.get(usize::from(n))?.what {
            FaultKind::M2mThrottled { delay_median_s, loss_share } => {
                Some(Throttle { delay_median_s, loss_share, ..own.throttle() })
            }
            _ => None,
        }
    }

    /// A frame of the DCU for the cloud; lost when the link is down now.
    pub(crate) fn send_up(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        if self.wan.up()
            && let Some(transit_ms) = self.transit_ms(bytes.len())
        {
            let message = self.messages.put(bytes);
            let at = SimTime::from_ms(now_ms + transit_ms);
            queue.at(at, Phase::Dcu, self.ops.cloud, Event::AtCloud { message });
        }
    }

    /// A frame has reached the cloud.
    pub(crate) fn at_cloud(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        if self.cloud_part.up() {
            self.with_cloud(now_ms, queue, |cloud, now| cloud.handle_receive(now, bytes));
        }
    }

    /// The cloud's deadline.
    pub(crate) fn cloud_wakes(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.cloud.wake.is_current(generation) {
            self.cloud.armed_for = None;
            if self.cloud_part.up() {
                self.with_cloud(now_ms, queue, Cloud::handle_timeout);
            }
        }
    }

    /// The intake hands the cloud a payment.
    pub(crate) fn cloud_payment(&mut self, payment: Payment, now_ms: u64, queue: &mut Queue<Event>) {
        self.with_cloud(now_ms, queue, |cloud, now| cloud.handle_payment(now, payment));
    }

    /// The cloud's accounts.
    pub(crate) fn cloud_book(&self) -> &Book {
        self.cloud.cloud.book()
    }

    /// How far the site's journal goes, as far as the cloud was told.
    pub(crate) fn cloud_standing(&self) -> Option<Standing> {
        self.cloud.cloud.standing()
    }

    /// The cloud went down, or is back.
    pub(crate) fn cloud_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if self.cloud_part.up() {
            self.with_cloud(now_ms, queue, Cloud::handle_timeout);
        }
        self.cloud_link_turned(now_ms, queue);
    }

    /// The cloud learns whether the site can be reached.
    pub(crate) fn cloud_link_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let up = self.wan.up() && self.site.powered();
        if self.cloud_part.up() && self.cloud.told_link != up {
            self.cloud.told_link = up;
            let state = if up { LinkState::Up } else { LinkState::Down };
            self.with_cloud(now_ms, queue, |cloud, now| cloud.handle_link(now, state));
        }
    }

    pub(super) fn with_cloud(&mut self, now_ms: u64, queue: &mut Queue<Event>, mutate: impl FnOnce(&mut Cloud, u64)) {
        mutate(&mut self.cloud.cloud, now_ms * 1_000_000);
        loop {
            match self.cloud.cloud.poll_output() {
                CloudOutput::Downlink(bytes) => {
                    if self.wan.up()
                        && self.cloud_part.up()
                        && let Some(transit_ms) = self.transit_ms(bytes.len())
                    {
                        let at = SimTime::from_ms(now_ms + transit_ms);
                        let message = self.messages.put(&bytes);
                        queue.at(at, Phase::Dcu, self.ops.dcu, Event::DownAtDcu { message });
                    }
                }
                CloudOutput::Event(event) => self.cloud_event(&event, now_ms, queue),
                CloudOutput::Timeout(deadline) => {
                    self.arm_cloud(deadline, queue);
                    return;
                }
            }
        }
    }

    fn arm_cloud(&mut self, deadline: Option<u64>, queue: &mut Queue<Event>) {
        let host = &mut self.cloud;
        let at = deadline.map(whole_ms);
        if host.armed_for == at {
            return;
        }
        host.armed_for = at;
        match at {
            Some(at) => {
                queue.arm(&mut host.wake, at, Phase::Dcu, self.ops.cloud, |generation| Event::CloudWake { generation });
            }
            None => host.wake.cancel(),
        }
    }

    fn cloud_event(&mut self, event: &CloudEvent, now_ms: u64, queue: &mut Queue<Event>) {
        match event {
            CloudEvent::ReadingStored { meter, period, .. } => self.telemetry.arrived(meter.0, *period),
            CloudEvent::Credited { key, balance_minor, meter, .. } => {
                if let Some(payment) = payment_number(key) {
                    let in_debt = balance_minor + self.scenario.tariff_of(meter.0 as usize).trust_minor() <= 0;
                    self.credited(payment, in_debt, now_ms, queue);
                }
            }
            CloudEvent::Suspended { key } => self.payment_suspended(key),
            CloudEvent::Duplicate { .. } => self.payment_repeated(),
            CloudEvent::SiteRolledBack { kept, record } => {
                let text = format!("the site goes on from record {record}, it had come past {kept}");
                self.log(now_ms, "site_rolled_back", String::new(), text);
            }
            _ => {}
        }
    }
}
