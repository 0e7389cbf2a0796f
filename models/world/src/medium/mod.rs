//! Three media on one village: a Wi-SUN mesh, G3-PLC on the wires, a LoRaWAN star; the same places, the same readings.
//!
//! Each is taken at its own best settled state: shortest routes by expected airtime (no losses of joining, no routing
//! traffic), rate control settled, no collisions except LoRaWAN's ALOHA, which is its nature. So these are upper bounds
//! that can be set side by side, not a simulation of protocols. [`compare`] says who is reached, what a round of
//! readings costs on the medium, and how long an order (a relay to open) takes.

use crate::{
    draw::NodeKey,
    lorawan::{
        Class, LorawanParams, Uplink, Windows,
        airtime::{FRAME_OVERHEAD_OCTETS, Lora},
        uplink_success,
    },
    plc::{Load, Modulation, PlcParams, Run},
    radio::{
        RadioParams,
        phy::Phy,
        village::{Mounted, Stood, VillageRadio},
    },
};

/// A meter (or the root): where it hangs and where it is wired.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The radio's view; its key is the place's.
    pub radio: Mounted,
    /// Feeder, by number.
    pub feeder: u16,
    /// Along the feeder from the root, m.
    pub along_m: f64,
    /// Service drop, m.
    pub drop_m: f64,
    /// Phase, 0–2.
    pub phase: u8,
}

/// What is carried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Octets of a reading (application).
    pub reading_octets: u32,
    /// Readings a meter sends an hour.
    pub readings_per_hour: f64,
    /// Octets of an order.
    pub order_octets: u32,
}

/// A medium.
#[derive(Clone, Debug, PartialEq)]
pub enum Medium {
    /// A mesh of meters.
    Mesh(RadioParams),
    /// The wires, at this hour's load.
    Plc(PlcParams, Load),
    /// A star, with the radio's propagation and this class of device.
    Lorawan(RadioParams, LorawanParams, Class),
}

/// How a medium does.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Share of meters with a usable way, 0–1.
    pub reached: f64,
    /// Share of readings that arrive, over all meters, 0–1.
    pub delivered: f64,
    /// Most hops.
    pub hops_max: u32,
    /// Airtime of one reading from every reached meter, retries and hops included, s.
    pub round_s: f64,
    /// Mean time of an order on the medium to a reached meter, waiting for its ear included, s.
    pub order_mean_s: f64,
}

/// Headers of a mesh or PLC frame beside the application's octets (MAC, security, 6LoWPAN). Assumed: 55.
const HEADERS_OCTETS: u32 = 55;
/// Tries of a frame: the first and seven more.
const TRIES: i32 = 8;
/// Most hops (Wi-SUN FAN; G3's limit is lower and never reached here).
const HOPS_MAX: u32 = 24;
/// Links that need more tries than this are not used.
const ETX_MAX: f64 = 4.0;

/// Compares: `places` without the root, which stands apart.
#[must_use]
pub fn compare(medium: &Medium, root: &Place, places: &[Place], traffic: &Traffic, seed: u64) -> Figures {
    match medium {
        Medium::Mesh(params) => {
            let air = VillageRadio::new(params, seed);
            let octets = traffic.reading_octets + HEADERS_OCTETS;
            let root_stood = air.stand(&root.radio);
            let stood: Vec<Stood> = places.iter().map(|place| air.stand(&place.radio)).collect();
            let at = |i: Option<usize>| i.map_or(&root_stood, |i| &stood[i]);
            let links = |a: Option<usize>, b: usize| {
                let link = air.link(at(a), at(Some(b)));
                let one = |snr_db: f64| f64::from(air.success(snr_db as f32, octets));
                Some(Hop {
                    both: one(link.there_db) * one(link.back_db),
                    reading_us: params.phy.airtime_us(octets),
                    order_us: order_us(params.phy, traffic),
                })
            };
            Tree::settle(places.len(), links).figures()
        }
        Medium::Plc(params, load) => {
            let wires = Wires::new(root, places);
            let links = |a: Option<usize>, b: usize| {
                let snr_db = params.snr_db(&wires.run(a.map_or(root, |a| &places[a]), &places[b]), *load);
                let keying = Modulation::fastest(snr_db, traffic.reading_octets + HEADERS_OCTETS, 0.1)?;
                Some(plc_hop(keying, snr_db, traffic))
            };
            Tree::settle(places.len(), links).figures()
        }
        Medium::Lorawan(radio, params, class) => star(radio, params, *class, root, places, traffic, seed),
    }
}

/// A link as a route sees it.
#[derive(Clone, Copy, Debug)]
struct Hop {
    /// Frame and acknowledgement both arrive.
    both: f64,
    reading_us: u64,
    order_us: u64,
}

fn order_us(phy: Phy, traffic: &Traffic) -> u64 {
    phy.airtime_us(traffic.order_octets + HEADERS_OCTETS)
}

/// Long messages go in several frames.
fn plc_hop(keying: Modulation, snr_db: f64, traffic: &Traffic) -> Hop {
    let most = keying.payload_max_octets();
    let split = |octets: u32| {
        let frames = octets.div_ceil(most);
        (frames, octets.div_ceil(frames))
    };
    let time = |octets| {
        let (frames, each) = split(octets + HEADERS_OCTETS);
        u64::from(frames) * keying.airtime_us(each)
    };
    let (_, each) = split(traffic.reading_octets + HEADERS_OCTETS);
    // The line is taken as the same both ways; an acknowledgement is a header alone and never the weaker part.
    let both = 1.0 - keying.per(snr_db, each);
    Hop { both, reading_us: time(traffic.reading_octets), order_us: time(traffic.order_octets) }
}

/// Cheapest ways from the root.
struct Tree {
    /// Expected airtime of a reading to the root and of an order from it, µs; share that arrives; hops.
    ways: Vec<Option<(f64, f64, f64, u32)>>,
}

impl Tree {
    /// Dijkstra over `n` places and the root (`None`); `links` is asked once for every pair.
    fn settle(n: usize, links: impl Fn(Option<usize>, usize) -> Option<Hop>) -> Self {
        let mut ways: Vec<Option<(f64, f64, f64, u32)>> = vec![None; n];
        let mut done = vec![false; n];
        let reach = |from: Option<usize>,
                     way: (f64, f64, f64, u32),
                     ways: &mut [Option<(f64, f64, f64, u32)>],
                     done: &[bool]| {
            for i in 0..n {
                if done[i] || way.3 >= HOPS_MAX {
                    continue;
                }
                let Some(hop) = links(from, i).filter(|h| h.both * ETX_MAX >= 1.0) else { continue };
                let tries = 1.0 / hop.both;
                let arrives = 1.0 - libm::pow(1.0 - hop.both, f64::from(TRIES));
                let next = (
                    way.0 + hop.reading_us as f64 * tries,
                    way.1 + hop.order_us as f64 * tries,
                    way.2 * arrives,
                    way.3 + 1,
                );
                if ways[i].is_none_or(|known| next.0 < known.0) {
                    ways[i] = Some(next);
                }
            }
        };
        reach(None, (0.0, 0.0, 1.0, 0), &mut ways, &done);
        loop {
            let open = (0..n).filter(|i| !done[*i]).filter_map(|i| ways[i].map(|w| (i, w)));
            let Some((nearest, way)) = open.min_by(|a, b| a.1.0.total_cmp(&b.1.0)) else { break };
            done[nearest] = true;
            reach(Some(nearest), way, &mut ways, &done);
        }
        Self { ways }
    }

    fn figures(&self) -> Figures {
        let all = self.ways.len().max(1) as f64;
        let reached: Vec<_> = self.ways.iter().flatten().collect();
        let order_us: f64 = reached.iter().map(|w| w.1).sum();
        Figures {
            reached: reached.len() as f64 / all,
            delivered: reached.iter().map(|w| w.2).sum::<f64>() / all,
            hops_max: reached.iter().map(|w| w.3).max().unwrap_or(0),
            round_s: reached.iter().map(|w| w.0).sum::<f64>() / 1e6,
            order_mean_s: order_us / 1e6 / reached.len().max(1) as f64,
        }
    }
}

/// The feeders as a tree of taps.
struct Wires {
    /// Feeder and distance of every tap, sorted.
    taps: Vec<(u16, f64)>,
    root: NodeKey,
}

impl Wires {
    fn new(root: &Place, places: &[Place]) -> Self {
        let mut taps: Vec<(u16, f64)> = places.iter().map(|p| (p.feeder, p.along_m)).collect();
        taps.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { taps, root: root.radio.key }
    }

    fn run(&self, a: &Place, b: &Place) -> Run {
        let drops = a.drop_m + b.drop_m;
        // The root's modem couples to all three phases.
        let at_root = a.radio.key == self.root || b.radio.key == self.root;
        let other_phase = a.phase != b.phase && !at_root;
        let (cable_m, taps) = if a.feeder == b.feeder {
            let (near, far) = (a.along_m.min(b.along_m), a.along_m.max(b.along_m));
            (far - near, self.between(a.feeder, near, far))
        } else {
            let to = |p: &Place| self.between(p.feeder, 0.0, p.along_m);
            (a.along_m + b.along_m, to(a) + to(b))
        };
        Run { cable_m: cable_m + drops, taps, other_phase }
    }

    /// Taps strictly between two distances.
    fn between(&self, feeder: u16, near_m: f64, far_m: f64) -> u32 {
        let below = |m: f64, equal: bool| {
            self.taps.partition_point(|t| (t.0, t.1) < (feeder, m) || (equal && t.0 == feeder && t.1 <= m))
        };
        u32::try_from(below(far_m, false).saturating_sub(below(near_m, true))).unwrap_or(u32::MAX)
    }
}

fn star(
    radio: &RadioParams,
    params: &LorawanParams,
    class: Class,
    root: &Place,
    places: &[Place],
    traffic: &Traffic,
    seed: u64,
) -> Figures {
    let air = VillageRadio::new(radio, seed);
    let root_stood = air.stand(&root.radio);
    let meters: Vec<Uplink> = places
        .iter()
        .map(|p| {
            let snr_db = params.snr_db(air.path_db(&root_stood, &air.stand(&p.radio)));
            let sf = params.spreading_factor(snr_db);
            let frames = traffic.reading_octets.div_ceil(sf.payload_max_octets()).max(1);
            let per_hour = traffic.readings_per_hour * f64::from(frames) * f64::from(params.transmissions);
            Uplink { snr_db, sf, octets: traffic.reading_octets.div_ceil(frames), per_hour }
        })
        .collect();
    let heard = uplink_success(params, &meters, 0.0);
    let frames = |m: &Uplink| m.per_hour / traffic.readings_per_hour.max(1e-12);
    let kept = |m: &Uplink, p: f64| libm::pow(p, frames(m) / f64::from(params.transmissions));
    let usable = |p: f64| p * ETX_MAX >= 1.0;
    let wait_us = |m: &Uplink| {
        let every_us = 3.6e9 / m.per_hour.max(1e-9);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wait = Windows::mean_wait_us(class, every_us as u64) as f64;
        wait + Lora::lorawan(m.sf).airtime_us(traffic.order_octets + FRAME_OVERHEAD_OCTETS) as f64
    };
    let reached: Vec<(&Uplink, f64)> = meters.iter().zip(heard.iter().copied()).filter(|m| usable(m.1)).collect();
    let all = places.len().max(1) as f64;
    Figures {
        reached: reached.len() as f64 / all,
        delivered: meters.iter().zip(&heard).map(|(m, p)| kept(m, *p)).sum::<f64>() / all,
        hops_max: u32::from(!reached.is_empty()),
        round_s: reached.iter().map(|(m, _)| m.airtime_us() as f64 * frames(m)).sum::<f64>() / 1e6,
        order_mean_s: reached.iter().map(|(m, _)| wait_us(m)).sum::<f64>() / 1e6 / reached.len().max(1) as f64,
    }
}

#[cfg(test)]
mod tests;
