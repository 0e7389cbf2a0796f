//! A village's radio as a network of nodes: who hears whom how well, from the same link models as messages.
//!
//! | of the network | from |
//! |---|---|
//! | losses by direction, all pairs down to the noise, and what leaves add | [`VillageRadio::link`] |
//! | share of frames read by ratio and length | [`VillageRadio::success`] |
//! | channels, retries, longest frame, hop limit, time on the air | `[comms.mesh]` |
//! | what routing may choose, what the root remembers, tries on other channels, several frames in a row | `[comms.mesh.frame]` |
//! | others in the band | `[[comms.interferers]]` |
//! | times of joining, DIOs and routes | Wi-SUN's by number of nodes |
//!
//! Node 0 of the network is the root; the village's node n is n + 1.

use super::capture::Capture;
use taa_mesh::{
    mac::{
        channels::{Channels, ChannelsError},
        phy::Phy,
    },
    net::{Config, Duty, Link, Network, Source, Success},
    rpl::wire::DodagConfig,
    wisun::{join::State, params::Size},
};
use taa_models::{
    mesh::{FrameParams, MeshParams, Pinned, RootVersion, Rules},
    radio::{
        RadioParams,
        channels::{ChannelPlan, DutyLimit},
        interferer::Interferer,
        phy::Phy as ModelPhy,
        village::{Mounted, Stood, VillageRadio},
    },
};
use taa_scenarios::model::Comms;

/// Lengths that shares are tabulated for, octets.
const LENGTHS: [u32; 12] = [20, 40, 60, 80, 110, 150, 200, 260, 320, 500, 900, 2047];
/// Ratios that they are tabulated for, dB.
const RATIOS_DB: (i32, i32) = (-5, 60);
/// How far below the noise a signal still counts as interference, dB.
const BELOW_NOISE_DB: f64 = 3.0;
/// And somebody else's whole power as noise, dB: less raises the noise by half a decibel at most.
const OTHERS_BELOW_NOISE_DB: f64 = 9.0;
/// A pair further out of reach than so many sigmas of luck is not drawn.
const LUCK_SIGMAS: f64 = 5.0;
/// Most parents that a node is left with.
const PINNED_MAX: usize = 3;
/// How far a Rank may rise where it is limited: four hops (`MinHopRankIncrease` 128).
const RANK_RISE: u16 = 512;
/// A preamble is found where so many short frames are read. Assumed.
const NOTICED_SHARE: f64 = 0.02;
/// The mesh has settled when nobody has joined for so long, minutes; and it is not waited for longer than this.
const SETTLED_MIN: u64 = 60;
const SETTLING_MAX_MIN: u64 = 720;
/// A repaired DODAG is in every node's hands after so long, minutes.
const REPAIR_MIN: u64 = 20;
const MINUTE_NS: u64 = 60_000_000_000;

/// A direction of a pair, and what leaves add to its loss in full leaf, dB.
pub(super) type Loss = (Link, f32);

/// The number in the network of a node of the village.
pub(super) fn number(node: usize, root: usize) -> u32 {
    if node == root { 0 } else { node as u32 + 1 }
}

/// A village's network before it is switched on.
struct Plan {
    config: Config,
    nodes: u32,
    links: Vec<Loss>,
    sources: Vec<Source>,
}

/// The network, settled, and its links in clear air.
pub(super) fn settled(
    comms: &Comms,
    nodes: &[Mounted],
    root: usize,
    seed: (u64, u32),
    capture: &mut Capture,
) -> Result<(Network, Vec<Loss>), ChannelsError> {
    let mut plan = Plan::of(comms, nodes, root, seed)?;
    let FrameParams { pinned, root_version, .. } = comms.mesh.frame;
    if pinned == Pinned::Parents {
        let free = plan.switched_on(&mut Capture::default());
        plan.config.pinned = plan.parents(&free);
    }
    let mut network = plan.switched_on(capture);
    if root_version == RootVersion::Behind {
        network.repair();
        network.step(network.now_ns() + REPAIR_MIN * MINUTE_NS);
        settle(&mut network, plan.nodes, capture);
    }
    Ok((network, plan.links))
}

impl Plan {
    fn of(comms: &Comms, nodes: &[Mounted], root: usize, seed: (u64, u32)) -> Result<Self, ChannelsError> {
        let Comms { radio, mesh, interferers, .. } = comms;
        let plan = mesh.band(radio.frequency_hz()).ok_or(ChannelsError::Empty)?;
        let air = VillageRadio::new(radio, seed.0);
        let stood: Vec<Stood> = nodes.iter().map(|node| air.stand(node)).collect();
        let links = links(radio, &air, nodes, &stood, root);
        let config = config(radio, mesh, &air, nodes.len(), seed)?;
        let config = Config { channels: Channels::try_from(plan.channels().collect::<Vec<u16>>())?, ..config };
        let config = Config { duty: duty(mesh, &plan, &config.channels), ..config };
        let sources = interferers.iter().map(|of| source(of, &plan, &air, (&stood, root), seed)).collect();
        Ok(Self { config, nodes: nodes.len() as u32, links, sources })
    }

    /// The network with power everywhere, until nobody joins any more.
    fn switched_on(&self, capture: &mut Capture) -> Network {
        let clear: Vec<Link> = self.links.iter().map(|(link, _)| *link).collect();
        let mut network = Network::new(self.config.clone(), self.nodes, &clear);
        self.sources.iter().for_each(|source| network.add_source(source.clone()));
        (0..self.nodes).for_each(|node| network.power(node, true));
        settle(&mut network, self.nodes, capture);
        network
    }

    /// For each node the parents that it may have: up to [`PINNED_MAX`] that are fewer hops from the root in a mesh that has
    /// settled, those heard best. So no loop can come of them.
    fn parents(&self, settled: &Network) -> Vec<(u32, Vec<u32>)> {
        let hops: Vec<Option<u32>> = (0..self.nodes).map(|node| settled.hops(node)).collect();
        let mut nearer: Vec<Vec<&Link>> = vec![Vec::new(); hops.len()];
        for (link, _) in &self.links {
            let [from, to] = [link.from, link.to].map(|node| hops[node as usize].unwrap_or(u32::MAX));
            if from < to {
                nearer[link.to as usize].push(link);
            }
        }
        let best = |mut of: Vec<&Link>| {
            of.sort_by(|a, b| a.loss_db.total_cmp(&b.loss_db));
            of.into_iter().take(PINNED_MAX).map(|link| link.from).collect()
        };
        (0..).zip(nearer).skip(1).map(|(node, of)| (node, best(of))).collect()
    }
}

/// All pairs down to the noise, by direction.
fn links(radio: &RadioParams, air: &VillageRadio, nodes: &[Mounted], stood: &[Stood], root: usize) -> Vec<Loss> {
    let least_db = -BELOW_NOISE_DB;
    let most_db = radio.tx_power_dbm - air.noise_dbm() - least_db
        + LUCK_SIGMAS * (radio.shadow.sigma_db + radio.spread.power_sigma_db);
    let mut links = Vec::new();
    for (b, (there, there_stood)) in nodes.iter().zip(stood).enumerate() {
        for (a, (here, here_stood)) in nodes.iter().zip(stood).enumerate().take(b) {
            if air.clear_db(here, there) > most_db {
                continue;
            }
            let link = air.link(here_stood, there_stood);
            for (from, to, snr_db) in [(a, b, link.there_db), (b, a, link.back_db)] {
                if snr_db >= least_db {
                    let loss_db = (radio.tx_power_dbm - air.noise_dbm() - snr_db) as f32;
                    let link_there = Link { from: number(from, root), to: number(to, root), loss_db };
                    links.push((link_there, link.leaves_db as f32));
                }
            }
        }
    }
    links
}

/// Somebody else in the band: when he sends, and who hears him.
fn source(
    of: &Interferer,
    plan: &ChannelPlan,
    air: &VillageRadio,
    (nodes, root): (&[Stood], usize),
    seed: (u64, u32),
) -> Source {
    let channels: Vec<(u16, f32)> = of.params.channels(plan).map(|(channel, share)| (channel, share as f32)).collect();
    let heard = nodes.iter().enumerate().map(|(node, stood)| (number(node, root), air.heard_dbm(of, stood)));
    let heard = heard.filter(|(_, dbm)| *dbm > air.noise_dbm() - OTHERS_BELOW_NOISE_DB);
    let ns = |ms: f64| libm::round(ms * 1e6) as u64;
    Source {
        seed: of.at.key.0 ^ seed.0.rotate_left(20) ^ u64::from(seed.1),
        period_ns: ns(of.params.period_ms),
        burst_ns: ns(of.params.burst_ms),
        channels,
        heard: heard.map(|(node, dbm)| (node, dbm as f32)).collect(),
    }
}

/// What is left of the air: the region's rules, or a share of one's own.
fn duty(mesh: &MeshParams, plan: &ChannelPlan, channels: &Channels) -> Option<Duty> {
    if mesh.rules == Rules::None {
        let share = libm::round(mesh.duty_percent * 100.0) as u64;
        return (mesh.duty_percent < 100.0).then(|| Duty::everywhere(share));
    }
    let rules = plan.rules()?;
    let mut bands: Vec<([u16; 2], [u32; 2], u64)> = Vec::new();
    for (channel, rule) in rules {
        match rule.limit {
            DutyLimit::None => {}
            DutyLimit::Dwell { on_channel_ms, window_ms } => {
                return Some(Duty::dwell(channels, u64::from(on_channel_ms), u64::from(window_ms)));
            }
            DutyLimit::PerHour { ten_thousandths } => {
                let band_hz = <[u32; 2]>::from(rule.band_hz);
                match bands.last_mut().filter(|(_, last_hz, _)| *last_hz == band_hz) {
                    Some((known, ..)) => known[1] = channel,
                    None => bands.push(([channel; 2], band_hz, u64::from(ten_thousandths))),
                }
            }
        }
    }
    let bands: Vec<_> = bands.into_iter().map(|([first, last], _, share)| (first..=last, share, share)).collect();
    (!bands.is_empty()).then(|| Duty::of_bands(bands))
}

fn config(
    radio: &RadioParams,
    mesh: &MeshParams,
    air: &VillageRadio,
    nodes: usize,
    seed: (u64, u32),
) -> Result<Config, ChannelsError> {
    let size = match nodes {
        0..=100 => Size::Small,
        101..=800 => Size::Medium,
        801..=1500 => Size::Large,
        _ => Size::ExtraLarge,
    };
    let mut config = Config::wisun(size, seed.0.rotate_left(20) ^ u64::from(seed.1))?;
    let share = |snr_db: f64, octets: u32| f64::from(air.success(snr_db as f32, octets));
    let first = |least: f64, octets: u32| {
        let mut halves = 2 * RATIOS_DB.0..2 * RATIOS_DB.1;
        let found = halves.find(|&half| share(f64::from(half) / 2.0, octets) >= least);
        f64::from(found.unwrap_or(2 * RATIOS_DB.1)) / 2.0
    };
    let busy_above_noise_db = config.busy_dbm - config.noise_dbm;
    config.phy = match radio.phy {
        ModelPhy::Fsk { mode, fec } => Phy::sun_fsk(mode.symbol_rate_hz(), fec),
        ModelPhy::Ofdm { .. } => Phy::sun_ofdm(radio.phy.data_rate_bps(), 6),
    };
    let FrameParams { pinned, root_version, channel_retries, exchange_ms, .. } = mesh.frame;
    (config.retries_max, config.channel_retries, config.exchange_ms) = (mesh.retries, channel_retries, exchange_ms);
    config.root_keeps_version = root_version == RootVersion::Kept;
    config.parameters =
        (pinned == Pinned::Parameters).then_some(DodagConfig { max_rank_increase: RANK_RISE, ..config.dodag });
    config.hop_limit = u8::try_from(mesh.hop_limit).unwrap_or(u8::MAX);
    config.frame_octets_max = u32::from(mesh.frame_octets) + u32::from(mesh.overhead_octets);
    config.tx_dbm = radio.tx_power_dbm as f32;
    config.noise_dbm = air.noise_dbm() as f32;
    config.busy_dbm = config.noise_dbm + busy_above_noise_db;
    config.success = Success::tabulate(RATIOS_DB.0, RATIOS_DB.1, &LENGTHS, share);
    config.sync_db = first(NOTICED_SHARE, 20) as f32;
    config.join.sensitivity_dbm = libm::floor(air.noise_dbm() + first(0.5, 250)) as i16;
    // Wi-SUN asks 13 dB of a neighbour to join by; villages of indoor meters have fewer, and join by what there is.
    config.join.candidate_margin_db = 0;
    (config.bytes, config.capture) = (mesh.capture, mesh.capture);
    Ok(config)
}

/// Before the run begins, until nobody joins any more.
fn settle(network: &mut Network, nodes: u32, capture: &mut Capture) {
    let (mut serving, mut since) = (0, 0);
    for minute in 1..=SETTLING_MAX_MIN {
        network.step(network.now_ns() + MINUTE_NS);
        while network.poll_event().is_some() {}
        capture.take(network);
        let now = (1..nodes).filter(|&node| serves(network, node)).count();
        if now != serving {
            (serving, since) = (now, minute);
        }
        if now as u32 + 1 == nodes || (serving > 0 && minute - since >= SETTLED_MIN) {
            return;
        }
    }
}

/// Whether a node of the network has a route and forwards for others.
pub(super) fn serves(network: &Network, node: u32) -> bool {
    network.standing(node).is_some_and(|of| of.state == State::Operational)
}
