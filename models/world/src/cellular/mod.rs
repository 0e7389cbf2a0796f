//! Towers, bearers, SIM cards and the satellite link: when they are down and why, and how long a message takes.
//!
//! Two processes, not one. *Site outages* ([`site_power`], [`equipment`]): a tower has its own supply under the
//! village's own weather and fails for hours to days. *Drops* ([`bearer`], [`common_cause`]): registration, packet
//! core, router or transmission, for minutes to hours, often. Besides: lapsed prepaid bundles ([`sim_card`]), machine
//! traffic put last ([`throttle`]), rain on the dish ([`vsat`]).
//!
//! [`Timelines::draw`] is exogenous: a function of parameters, weather, seed and replication. What a message takes
//! over a link that is up is in [`link`] and [`throttle`]. `docs/towers.md` says which figure is from where.

mod bearer;
pub mod common_cause;
pub mod equipment;
pub mod link;
mod params;
pub mod sim_card;
pub mod site_power;
mod sky;
pub mod throttle;
pub mod vsat;

pub use link::Bearer;
pub use params::CellularParams;
pub use sky::{DARK_SHARE, Sky};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    spells::{self, Spell},
};

/// Why a part is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DownWhy {
    /// Tower: the grid was out for longer than its battery.
    GridOut,
    /// Tower: dull days in a row left the battery empty.
    DarkDays,
    /// Tower: the battery no longer carries a clear night.
    BatteryWorn,
    /// Tower: fuel was stolen.
    FuelStolen,
    /// Tower: the fuel delivery is late.
    FuelLate,
    /// Tower: the generator is broken.
    Generator,
    /// Equipment failed.
    Equipment,
    /// The bearer of one SIM dropped.
    Bearer,
    /// The site's router hangs.
    Router,
    /// The transmission that all operators share is cut; phones have no service either.
    FibreCut,
    /// Data of all operators fails in a shared core; phones still work.
    CoreFault,
    /// The country is off the internet.
    Country,
    /// The prepaid bundle has lapsed.
    SimCredit,
    /// Machine traffic is put last (not down: slow and lossy).
    Throttled,
    /// Rain between dish and satellite.
    Rain,
}

impl DownWhy {
    /// A tower without power, of whatever origin.
    #[must_use]
    pub const fn is_power(self) -> bool {
        matches!(
            self,
            Self::GridOut | Self::DarkDays | Self::BatteryWorn | Self::FuelStolen | Self::FuelLate | Self::Generator
        )
    }
}

/// An interval of being down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down {
    /// Start, milliseconds of the run.
    pub start_ms: u64,
    /// End, milliseconds of the run; at most the horizon.
    pub end_ms: u64,
    /// Why.
    pub why: DownWhy,
}

/// When each part is down between 0 and the horizon: each list sorted, never overlapping within itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timelines {
    /// The first and the second operator's tower.
    pub towers: [Vec<Down>; 2],
    /// The first and the second operator's bearer.
    pub bearers: [Vec<Down>; 2],
    /// The site's router: both SIMs and the dish.
    pub router: Vec<Down>,
    /// The transmission of both towers: bearers and phones.
    pub fibre: Vec<Down>,
    /// Data of both operators: a shared core, the way out of the country.
    pub core: Vec<Down>,
    /// The SIMs' prepaid bundles.
    pub sims: [Vec<Down>; 2],
    /// Spells in which the operators put machine traffic last.
    pub throttled: [Vec<Down>; 2],
    /// The satellite link.
    pub vsat: Vec<Down>,
}

const FRAILTY: Purpose = Purpose::named("cellular/frailty");
const SHARED: Purpose = Purpose::named("cellular/shared-mast");
const TOWERS: [NodeKey; 2] = [NodeKey::of("cellular/tower-a"), NodeKey::of("cellular/tower-b")];
const BEARERS: [NodeKey; 2] = [NodeKey::of("cellular/bearer-a"), NodeKey::of("cellular/bearer-b")];

impl Timelines {
    /// Draws the wide-area world of one run.
    #[must_use]
    pub fn draw(p: &CellularParams, sky: &Sky, seed: u64, replication: u32, horizon_ms: u64) -> Self {
        let run = Run { p, sky, seed, rep: replication, horizon_ms };
        let (own_a, router, common) = run.drops();
        let own_share = 1.0 - p.router_share - p.common_cause.share_of_drops;
        let law = bearer::Law::of(p, seed, replication);
        let own_b = bearer::drops(&law, BEARERS[1], own_share, seed, replication, horizon_ms, |_| DownWhy::Bearer);
        let (fibre, mut core): (Vec<_>, Vec<_>) = common.into_iter().partition(|(_, why)| *why == DownWhy::FibreCut);
        core.extend(common_cause::country(&p.common_cause, seed, replication, horizon_ms));
        let sim = |key| sim_card::timeline(&p.sim_card, sky, key, seed, replication, horizon_ms);
        let slow = |key| throttle::timeline(&p.throttle, sky, key, seed, replication, horizon_ms);
        Self {
            towers: run.towers(),
            bearers: [downs(own_a), downs(own_b)],
            router: downs(router),
            fibre: downs(fibre),
            core: downs(core),
            sims: BEARERS.map(|key| downs(sim(key))),
            throttled: BEARERS.map(|key| downs(slow(key))),
            vsat: downs(vsat::timeline(&p.vsat, sky, seed, replication, horizon_ms)),
        }
    }

    /// The towers alone, as [`Timelines::draw`] has them.
    #[must_use]
    pub fn draw_towers(p: &CellularParams, sky: &Sky, seed: u64, replication: u32, horizon_ms: u64) -> [Vec<Down>; 2] {
        Run { p, sky, seed, rep: replication, horizon_ms }.towers()
    }
}

type Spells = Vec<(Spell, DownWhy)>;

fn downs(spells: Spells) -> Vec<Down> {
    let joined = spells::union(spells);
    joined.into_iter().map(|(s, why)| Down { start_ms: s.start_ms, end_ms: s.end_ms, why }).collect()
}

struct Run<'a> {
    p: &'a CellularParams,
    sky: &'a Sky,
    seed: u64,
    rep: u32,
    horizon_ms: u64,
}

impl Run<'_> {
    /// The drops of the first SIM's path by what they hit: its own bearer, the router, everybody. They are one process,
    /// so that they cluster as one.
    fn drops(&self) -> (Spells, Spells, Spells) {
        let law = bearer::Law::of(self.p, self.seed, self.rep);
        let common = self.p.common_cause.share_of_drops;
        let why = |draws: &mut Draws| match draws.uniform() {
            u if u < common => common_cause::reach(&self.p.common_cause, draws),
            u if u < common + self.p.router_share => DownWhy::Router,
            _ => DownWhy::Bearer,
        };
        let (mut own, mut router, mut shared) = (Vec::new(), Vec::new(), Vec::new());
        for drop in bearer::drops(&law, BEARERS[0], 1.0, self.seed, self.rep, self.horizon_ms, why) {
            match drop.1 {
                DownWhy::Bearer => own.push(drop),
                DownWhy::Router => router.push(drop),
                _ => shared.push(drop),
            }
        }
        (own, router, shared)
    }

    fn towers(&self) -> [Vec<Down>; 2] {
        let hazard = self.p.tower_hazard();
        if hazard <= 0.0 {
            return [Vec::new(), Vec::new()];
        }
        let trouble = TOWERS.map(|key| hazard * self.frailty(key));
        let shared = Draws::keyed(self.seed, self.rep, TOWERS[1], SHARED, 0).chance(self.p.second_sim_shares_fate);
        let first = self.power(TOWERS[0], trouble[0]);
        let second = if shared { first.clone() } else { self.power(TOWERS[1], trouble[1]) };
        let with_equipment = |mut power: Spells, n: usize| {
            let crew = self.p.crew();
            let (key, trouble) = (TOWERS[n], if shared { trouble[0] } else { trouble[n] });
            let p = &self.p.equipment;
            power.extend(equipment::outages(p, &crew, trouble, key, self.seed, self.rep, self.horizon_ms));
            downs(power)
        };
        [with_equipment(first, 0), with_equipment(second, 1)]
    }

    /// The site's factor on every hazard: 1 on average over sites.
    fn frailty(&self, key: NodeKey) -> f64 {
        let sigma = self.p.tower_frailty_sigma;
        Draws::keyed(self.seed, self.rep, key, FRAILTY, 0).lognormal(libm::exp(-sigma * sigma / 2.0), sigma)
    }

    fn power(&self, key: NodeKey, trouble: f64) -> Spells {
        let crew = self.p.crew();
        let who = (self.seed, self.rep, key);
        site_power::outages(&self.p.site_power, &crew, trouble, self.sky, who, self.horizon_ms)
    }
}

#[cfg(test)]
mod tests;
