//! What breaks in service, when, and from what: lives of hardware that no architecture can influence.
//!
//! ```text
//!   wear (Weibull, ages with heat) ──┐
//!   theft (constant hazard)        ──┼──▶ failures of each asset, in order   ──▶ repair (reacts to the architecture)
//!   lightning (wet days, all at once)┘
//! ```
//!
//! A failure is a moment and a reason; when it is mended is [`crate::repair`]'s business and depends on who notices. So
//! that failure times do not depend on it, wear starts anew **at the failure**, not at the mend: the days between are
//! nothing beside a life of years. Whoever uses the list skips a failure of what is still broken.

mod climate;
mod params;
mod tamper;

pub use climate::{Climate, REFERENCE_C};
pub use params::{AssetParams, EdgeParams};
pub use tamper::{TamperParams, trips as tamper_trips};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    spells::{HOUR_MS, YEAR_H},
};

const YEAR_DAYS: f64 = YEAR_H / 24.0;
const DAY_MS: u64 = 24 * HOUR_MS;
const STRIKES: Purpose = Purpose::named("assets/lightning");
const HITS: Purpose = Purpose::named("assets/lightning hits");

/// What can fail, and how: one word for each way of being mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetKind {
    /// The inverter: no supply.
    Inverter,
    /// The charge controller: no sun comes in.
    ChargeController,
    /// Panels are gone: less sun comes in.
    Panels,
    /// The battery's management system has taken the battery off.
    Bms,
    /// A feeder's breaker has tripped.
    Breaker,
    /// A feeder's conductors, poles or joints.
    Conductor,
    /// The data concentrator: board or supply.
    Dcu,
    /// The data concentrator hangs.
    DcuHang,
    /// The site's router: no link.
    Router,
    /// A meter: its customer is dark.
    Meter,
    /// The concentrator's flash memory (edge).
    Flash,
    /// The battery of the concentrator's clock (edge).
    Clock,
    /// The key of a meter as the site holds it (edge).
    Keys,
}

impl AssetKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Inverter,
        Self::ChargeController,
        Self::Panels,
        Self::Bms,
        Self::Breaker,
        Self::Conductor,
        Self::Dcu,
        Self::DcuHang,
        Self::Router,
        Self::Meter,
        Self::Flash,
        Self::Clock,
        Self::Keys,
    ];

    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inverter => "inverter",
            Self::ChargeController => "charge_controller",
            Self::Panels => "panels",
            Self::Bms => "bms",
            Self::Breaker => "breaker",
            Self::Conductor => "conductor",
            Self::Dcu => "dcu",
            Self::DcuHang => "dcu_hang",
            Self::Router => "router",
            Self::Meter => "meter",
            Self::Flash => "flash",
            Self::Clock => "clock",
            Self::Keys => "keys",
        }
    }

    const fn purpose(self) -> Purpose {
        Purpose::named(self.name())
    }

    /// Wears out (else it happens at any age alike).
    const fn wears(self) -> bool {
        !matches!(self, Self::Panels | Self::Bms | Self::Breaker | Self::DcuHang | Self::Keys)
    }

    /// Ages faster when it is hot.
    const fn heats(self) -> bool {
        matches!(self, Self::Inverter | Self::ChargeController)
    }
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// Its own wear, or a trip.
    Worn,
    /// Wear that heat brought about.
    Heat,
    /// A lightning strike.
    Lightning,
    /// Somebody took it.
    Theft,
}

/// A failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// When, milliseconds of the run.
    pub at_ms: u64,
    /// Why.
    pub why: Why,
}

/// The lightning strikes between 0 and the horizon that break something, ms of the run: in the afternoon of wet days,
/// at most one a day.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn strikes(params: &AssetParams, climate: &Climate, seed: (u64, u32), horizon_ms: u64) -> Vec<u64> {
    let per_day = params.lightning_strikes_per_year / YEAR_DAYS;
    let mut found = Vec::new();
    for day in 0..horizon_ms.div_ceil(DAY_MS) {
        let mut draws = Draws::keyed(seed.0, seed.1, NodeKey::of("/sky"), STRIKES, day);
        if draws.chance(per_day * climate.rain(day as usize)) {
            let at_ms = day * DAY_MS + 13 * HOUR_MS + draws.below(7 * HOUR_MS);
            if at_ms < horizon_ms {
                found.push(at_ms);
            }
        }
    }
    found
}

/// The failures of one asset between 0 and the horizon, in order.
///
/// `key` names the asset, `strikes` are the site's. Replacing what failed as good as new starts its wear anew.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn failures(
    params: &AssetParams,
    climate: &Climate,
    kind: AssetKind,
    key: NodeKey,
    seed: (u64, u32),
    horizon_ms: u64,
    strikes: &[u64],
) -> Vec<Failure> {
    let (worn_per_year, thefts_per_year) = params.per_year(kind);
    let mut found = Vec::new();
    if worn_per_year > 0.0 {
        wear(params, climate, kind, key, seed, horizon_ms, YEAR_DAYS / worn_per_year, &mut found);
    }
    if thefts_per_year > 0.0 {
        let mut at_ms = 0_u64;
        for number in 0.. {
            let mut draws = Draws::keyed(seed.0, seed.1, key, const { Purpose::named("assets/theft") }, number);
            let gap_ms = draws.exponential(YEAR_H / thefts_per_year * 3_600_000.0) as u64;
            at_ms = at_ms.saturating_add(gap_ms.max(1));
            if at_ms >= horizon_ms {
                break;
            }
            found.push(Failure { at_ms, why: Why::Theft });
        }
    }
    let hit = params.hit_by_lightning(kind);
    for &at_ms in strikes {
        if hit > 0.0 && Draws::keyed(seed.0, seed.1, key, Purpose(HITS.0 ^ kind.purpose().0), at_ms).chance(hit) {
            found.push(Failure { at_ms, why: Why::Lightning });
        }
    }
    found.sort_unstable();
    found
}

/// Lives one after another; `life_days` is the mean life at the reference temperature.
#[expect(clippy::too_many_arguments, reason = "one asset in one world")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn wear(
    params: &AssetParams,
    climate: &Climate,
    kind: AssetKind,
    key: NodeKey,
    seed: (u64, u32),
    horizon_ms: u64,
    life_days: f64,
    found: &mut Vec<Failure>,
) {
    let shape = if kind.wears() { params.wear_shape } else { 1.0 };
    let scale_days = life_days / libm::tgamma(1.0 + 1.0 / shape);
    let mut age_days = 0.0;
    let mut worn = 0.0;
    for number in 0.. {
        let mut draws = Draws::keyed(seed.0, seed.1, key, kind.purpose(), number);
        if number == 0 {
            age_days = draws.uniform() * params.oldest_years * YEAR_DAYS;
        }
        let hazard = libm::pow(age_days / scale_days, shape) + draws.exponential(1.0);
        worn += (scale_days * libm::pow(hazard, 1.0 / shape) - age_days).max(1e-6);
        age_days = 0.0;
        let at_ms = if kind.heats() { climate.when_worn(worn) } else { (worn.min(1e9) * DAY_MS as f64) as u64 };
        if at_ms >= horizon_ms {
            return;
        }
        let faster = if kind.heats() { climate.acceleration((at_ms / DAY_MS) as usize) } else { 1.0 };
        let why = if draws.chance(1.0 - 1.0 / faster.max(1.0)) { Why::Heat } else { Why::Worn };
        found.push(Failure { at_ms, why });
    }
}

#[cfg(test)]
mod tests;
