//! The LoRaWAN star, over the same air as the mesh.

use super::{Bound, Figures, KEPT_SHARE, Losses, Place, Site, Traffic, delays, losses, mesh::duty_share};
use crate::{
    lorawan::{
        Class, LorawanParams, Uplink,
        airtime::{FRAME_OVERHEAD_OCTETS, Lora},
        downlink::SECOND_WINDOW_US,
        star::{Hearing, survives_db},
    },
    radio::{
        RadioParams,
        aerial::Pattern,
        village::{Mounted, VillageRadio},
    },
};

/// How long the network waits for an answer before it says an order again to a device that always listens, s. Assumed:
/// 3, both receive windows and the device's answer.
const AGAIN_S: f64 = 3.0;

/// A meter as the gateway sees it.
struct Member<'a> {
    place: &'a Place,
    /// One frame at the traffic's rate.
    uplink: Uplink,
    /// Frames of a reading, each sent [`LorawanParams::transmissions`] times.
    frames: u32,
    /// Share of frames heard with the air to itself.
    alone: f64,
    /// Share of orders that it hears.
    hears: f64,
}

/// The village under one draw of its air.
struct Star<'a> {
    params: &'a LorawanParams,
    hearing: Hearing<'a>,
    traffic: &'a Traffic,
    members: Vec<Member<'a>>,
    /// Share of an hour that a device may send.
    duty: Option<f64>,
}

pub(super) fn figures(
    radio: &RadioParams,
    params: &LorawanParams,
    class: Class,
    site: &Site,
    traffic: &Traffic,
    seed: u64,
) -> Figures {
    let fades_db = radio.fading.shares_db();
    let hearing = Hearing { params, fades_db: &fades_db, loss_floor: radio.frame_loss_floor };
    let star = Star::new(radio, hearing, site, traffic, seed);
    let all = site.meters.len().max(1) as f64;
    let heard = star.heard(traffic.readings_per_hour);
    let reached: Vec<(&Member<'_>, f64)> =
        star.members.iter().zip(heard).filter(|(member, _)| traffic.usable(member.alone)).collect();
    let delivered: f64 = reached.iter().map(|(member, heard)| libm::pow(*heard, f64::from(member.frames))).sum();
    let sent = |member: &Member<'_>| f64::from(member.frames) * f64::from(params.transmissions.max(1));
    let round_us: f64 = reached.iter().map(|(member, _)| member.uplink.airtime_us() as f64 * sent(member)).sum();
    let (readings_per_hour_max, bound) = star.readings_per_hour();
    let delays_s = reached.iter().flat_map(|(member, heard)| star.delays_s(class, member, *heard, seed)).collect();
    let (order_mean_s, order_p95_s) = delays::mean_and_p95_s(delays_s);
    let dark = losses::dark(site);
    let gasps = |together: bool| star.gasps(&dark, together);
    Figures {
        reached: reached.len() as f64 / all,
        delivered: delivered / all,
        hops_max: u32::from(!reached.is_empty()),
        hops_mean: f64::from(u8::from(!reached.is_empty())),
        round_s: round_us / 1e6,
        readings_per_hour_max,
        bound,
        order_mean_s,
        order_p95_s,
        orders_per_hour: star.orders_per_hour(class, &reached),
        lost: Losses {
            lit_without_way: dark.iter().take(site.meters.len()).any(|dark| !dark).then_some(0.0),
            gasps_heard: gasps(true),
            gasps_heard_alone: gasps(false),
            // There are none.
            without_router: 0.0,
            behind_router: 0.0,
        },
    }
}

impl<'a> Star<'a> {
    fn new(radio: &RadioParams, hearing: Hearing<'a>, site: &'a Site, traffic: &'a Traffic, seed: u64) -> Self {
        let params = hearing.params;
        let air = VillageRadio::new(radio, seed);
        // The gateway's antenna is its own, whatever the border router's is.
        let gateway = air.stand(&Mounted { pattern: Pattern::Isotropic, ..site.root });
        let noise = |figure_db: f64| radio.surroundings.floor_dbm(radio.frequency_hz(), 125_000.0, figure_db);
        // From the village's radio to this one: power, gain, noise in the narrower band.
        let up_db = params.tx_power_dbm - radio.tx_power_dbm + params.gateway_gain_dbi + air.noise_dbm()
            - noise(params.noise_figure_db);
        let down_db = params.gateway_power_dbm - radio.tx_power_dbm + air.noise_dbm() - noise(radio.noise_figure_db);
        let member = |place: &'a Place| {
            let link = air.link(&air.stand(&place.radio), &gateway);
            let snr_db = link.there_db - link.leaves_db + up_db;
            let sf = params.spreading_factor(snr_db);
            let frames = traffic.reading_octets.div_ceil(sf.payload_max_octets()).max(1);
            let per_hour = traffic.readings_per_hour * f64::from(frames) * f64::from(params.transmissions.max(1));
            let uplink = Uplink { snr_db, sf, octets: traffic.reading_octets.div_ceil(frames), per_hour };
            let alone = hearing.heard(&uplink);
            let order =
                Uplink { snr_db: link.back_db - link.leaves_db + down_db, octets: traffic.order_octets, ..uplink };
            Member { place, uplink, frames, alone, hears: hearing.heard(&order) }
        };
        let members = site.meters.iter().map(member).collect();
        Self { params, hearing, traffic, members, duty: duty_share(radio.frequency_hz()) }
    }

    /// Share of each meter's frames that is heard, its repetitions used, at so many readings an hour.
    fn heard(&self, readings_per_hour: f64) -> Vec<f64> {
        let share = readings_per_hour / self.traffic.readings_per_hour.max(1e-9);
        let at = |member: &Member<'_>| Uplink { per_hour: member.uplink.per_hour * share, ..member.uplink };
        let uplinks: Vec<Uplink> = self.members.iter().map(at).collect();
        self.hearing.success(&uplinks, 0.0)
    }

    /// Readings a meter and hour, and what bounds them.
    fn readings_per_hour(&self) -> (f64, Bound) {
        const STEPS: u32 = 24;
        let reached = || self.members.iter().filter(|member| self.traffic.usable(member.alone));
        let sent_us = |member: &Member<'_>| {
            member.uplink.airtime_us() as f64 * f64::from(member.frames) * f64::from(self.params.transmissions.max(1))
        };
        let slowest_us = reached().map(sent_us).fold(0.0, f64::max);
        if slowest_us <= 0.0 {
            return (0.0, Bound::Nobody);
        }
        // Without a rule of the regulator a device cannot send more than all the time.
        let allowed = self.duty.unwrap_or(1.0) * 3.6e9 / slowest_us;
        let kept = |per_hour: f64| {
            let heard = self.heard(per_hour);
            let arrive = |at: fn(&Member<'_>, f64) -> f64| -> f64 {
                let all = self.members.iter().zip(&heard).filter(|(member, _)| self.traffic.usable(member.alone));
                all.map(|(member, heard)| libm::pow(at(member, *heard), f64::from(member.frames))).sum()
            };
            arrive(|_, heard| heard) >= KEPT_SHARE * arrive(|member, _| member.alone)
        };
        if kept(allowed) {
            return (allowed, Bound::Duty);
        }
        let (mut yes, mut no) = (0.0, allowed);
        for _ in 0..STEPS {
            let middle = 0.5 * (yes + no);
            *(if kept(middle) { &mut yes } else { &mut no }) = middle;
        }
        (yes, Bound::Collisions)
    }

    fn order_us(&self, member: &Member<'_>) -> f64 {
        Lora::lorawan(member.uplink.sf).airtime_us(self.traffic.order_octets + FRAME_OVERHEAD_OCTETS) as f64
    }

    /// Times of orders to a meter whose frames are heard so often, s.
    fn delays_s(&self, class: Class, member: &Member<'_>, heard: f64, seed: u64) -> Vec<f64> {
        let air_s = self.order_us(member) / 1e6;
        let every_s = 3600.0 / member.uplink.per_hour.max(1e-9);
        let one = |draws: &mut crate::draw::Draws| {
            let tries = delays::tries(self.traffic, member.hears, draws)?;
            let tries_s = f64::from(tries) * air_s;
            Some(match class {
                Class::C => tries_s + f64::from(tries - 1) * AGAIN_S,
                // The next frame that is heard opens the ear, and so does each after it.
                Class::A => {
                    let mut wait_s = draws.uniform() * every_s;
                    for opened in 0..tries {
                        while !draws.chance(heard.max(0.01)) {
                            wait_s += every_s;
                        }
                        wait_s += if opened > 0 { every_s } else { 0.0 };
                    }
                    wait_s + tries_s + SECOND_WINDOW_US as f64 / 1e6
                }
            })
        };
        delays::drawn(&self.traffic.mesh, member.place.radio.key, seed, one).collect()
    }

    /// What the gateway may say in an hour, in the second window's band; class A also needs an uplink for each.
    fn orders_per_hour(&self, class: Class, reached: &[(&Member<'_>, f64)]) -> f64 {
        if reached.is_empty() {
            return 0.0;
        }
        let of_orders_us: f64 = reached.iter().map(|(member, _)| self.order_us(member) / member.hears.max(0.01)).sum();
        let allowed = self.params.gateway_duty * 3.6e9 * reached.len() as f64 / of_orders_us;
        let ears: f64 = reached.iter().map(|(member, heard)| member.uplink.per_hour * heard * member.hears).sum();
        match class {
            Class::A => allowed.min(ears),
            Class::C => allowed,
        }
    }

    /// Share of the dark meters whose one frame is heard: it must end before the capacitor does, so it begins at random in
    /// what is left.
    fn gasps(&self, dark: &[bool], together: bool) -> f64 {
        let left_us = self.traffic.gasp_s.max(0.0) * 1e6;
        let cries: Vec<(Uplink, f64)> = self
            .members
            .iter()
            .zip(dark)
            .filter(|(_, dark)| **dark)
            .map(|(member, _)| {
                let cry = Uplink { octets: self.traffic.gasp_octets, ..member.uplink };
                (cry, left_us - cry.airtime_us() as f64)
            })
            .collect();
        let channels = f64::from(self.params.channels.max(1));
        let one = |&(mine, spare_us): &(Uplink, f64)| {
            if spare_us < 0.0 || mine.octets > mine.sf.payload_max_octets() {
                return 0.0;
            }
            let drowning = |&&(other, spare_us): &&(Uplink, f64)| {
                spare_us >= 0.0 && mine.snr_db - other.snr_db < survives_db(mine.sf, other.sf)
            };
            // Oneself is no other.
            let itself = usize::from(0.0 < survives_db(mine.sf, mine.sf));
            let others = if together { cries.iter().filter(drowning).count().saturating_sub(itself) } else { 0 };
            let meets = (2.0 * mine.airtime_us() as f64 / spare_us.max(1.0)).min(1.0) / channels;
            self.hearing.heard(&mine) * libm::pow(1.0 - meets, others as f64)
        };
        cries.iter().map(one).sum::<f64>() / cries.len().max(1) as f64
    }
}
