//! The Wi-SUN mesh of the village's own radios.

use super::{
    Figures, Losses, Site, Traffic, delays, losses,
    tree::{Hop, Net, Round, Tree},
};
use crate::radio::{
    RadioParams,
    channels::{DutyLimit, rule},
    village::{Stood, VillageRadio},
};

/// An enhanced acknowledgement with its hopping information, octets; as the mesh frame by frame has it.
const ACK_OCTETS: u32 = 56;

pub(super) fn figures(radio: &RadioParams, site: &Site, traffic: &Traffic, seed: u64) -> Figures {
    let air = VillageRadio::new(radio, seed);
    let net = net(&air, site, traffic);
    let hops_max = u32::from(traffic.mesh.hop_limit);
    let tree = Tree::settle(&net, traffic, hops_max, |_| true);
    let dark = losses::dark(site);
    let after = Tree::settle(&net, traffic, hops_max, |node| !dark[node]);
    let octets = traffic.framed(traffic.gasp_octets);
    let heard = |snr_db: f64| f64::from(air.success(snr_db as f32, octets));
    let slots = slots(traffic, radio.phy.airtime_us(octets) + radio.phy.airtime_us(ACK_OCTETS));
    let (gasps_heard, gasps_heard_alone) = losses::gasps(&net, &after, &dark, slots, heard, traffic);
    let (without_router, behind_router) = losses::router(&net, &tree);
    let lost = Losses {
        lit_without_way: losses::lit_without_way(&net, &tree, &after, &dark),
        gasps_heard,
        gasps_heard_alone,
        without_router,
        behind_router,
    };
    let round = Round::of(&net, &tree, traffic);
    let limits = round.per_hour(false, duty_share(radio.frequency_hz()));
    let orders = delays::mean_and_p95_s(delays::down(&net, &tree, site, traffic, seed));
    tree.figures(net.meters, round.readings_s, limits, orders, lost)
}

/// Share of an hour that a radio may send here under Europe's rules, which many African regulators follow; `None`
/// outside their bands, where nothing is known.
pub(super) fn duty_share(frequency_hz: f64) -> Option<f64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    match rule("EU", frequency_hz as u32, 0)?.limit {
        DutyLimit::PerHour { ten_thousandths } => Some(f64::from(ten_thousandths) / 10_000.0),
        DutyLimit::Dwell { .. } | DutyLimit::None => None,
    }
}

/// Frames of this length that fit into a last gasp's time.
fn slots(traffic: &Traffic, airtime_us: u64) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = libm::floor(traffic.gasp_s.max(0.0) * 1e6 / airtime_us.max(1) as f64) as u32;
    whole
}

/// Links with all trees in full leaf.
fn net(air: &VillageRadio, site: &Site, traffic: &Traffic) -> Net {
    let relays = site.relays.iter().map(|relay| &relay.radio);
    let radios = site.meters.iter().map(|meter| &meter.radio).chain(relays).chain([&site.root]);
    let stood: Vec<Stood> = radios.map(|radio| air.stand(radio)).collect();
    let phy = air.params().phy;
    let times = |octets: u32| {
        let (frames, each) = traffic.frames(octets);
        (u64::from(frames), u64::from(frames) * phy.airtime_us(each), each)
    };
    let (frames, reading_us, octets) = times(traffic.reading_octets);
    let order_us = times(traffic.order_octets).1;
    Net::new(site.meters.len(), stood.len(), |a, b| {
        let link = air.link(&stood[a], &stood[b]);
        let (heard_db, hears_db) = (link.there_db - link.leaves_db, link.back_db - link.leaves_db);
        let one = |snr_db: f64| f64::from(air.success(snr_db as f32, octets));
        let both = one(heard_db) * one(hears_db);
        let ack_us = frames * phy.airtime_us(ACK_OCTETS);
        traffic.usable(both).then_some(Hop { both, reading_us, order_us, ack_us, heard_db, hears_db })
    })
}
