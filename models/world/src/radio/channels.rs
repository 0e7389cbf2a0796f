//! Channel plans of sub-GHz Wi-SUN (wisun-br-linux `ws_regdb.c`) and what the regulator allows on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A channel plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelPlan {
    /// Wi-SUN's regulatory domain.
    pub domain: &'static str,
    /// Wi-SUN's ChanPlanId.
    pub id: u8,
    /// Centre of channel 0, Hz.
    pub first_hz: u32,
    /// Between centres, Hz.
    pub spacing_hz: u32,
    /// Channels counted, allowed or not.
    pub count: u16,
    /// Ranges of channels that may be used.
    pub allowed: &'static [(u16, u16)],
    /// The one of them on which all stay who do not hop.
    pub alone: Option<u16>,
}

/// Names of plans in scenarios, and the plans.
macro_rules! plans {
    ($($name:ident $text:literal: $domain:literal, $id:literal, $first_hz:literal, $spacing_hz:literal, $count:literal,
       $allowed:expr;)*) => {
        /// A plan by its name in scenarios: regulatory domain and ChanPlanId.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum PlanName {
            $(#[doc = concat!("`", $text, "`.")] #[serde(rename = $text)] $name,)*
        }

        impl PlanName {
            /// All of them.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// As scenarios write it.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The plan.
            #[must_use]
            pub const fn plan(self) -> ChannelPlan {
                match self {
                    $(Self::$name => ChannelPlan {
                        domain: $domain,
                        id: $id,
                        first_hz: $first_hz,
                        spacing_hz: $spacing_hz,
                        count: $count,
                        allowed: $allowed,
                        alone: None,
                    },)*
                }
            }
        }
    };
}

// The plans of 863–870 and 902–928 MHz and their neighbours.
plans! {
    Na1 "NA-1": "NA", 1, 902_200_000, 200_000, 129, &[(0, 128)];
    Na2 "NA-2": "NA", 2, 902_400_000, 400_000, 64, &[(0, 63)];
    Na4 "NA-4": "NA", 4, 902_800_000, 800_000, 31, &[(0, 30)];
    Eu32 "EU-32": "EU", 32, 863_100_000, 100_000, 69, &[(0, 54), (57, 60), (64, 64), (67, 68)];
    Eu33 "EU-33": "EU", 33, 863_100_000, 200_000, 35, &[(0, 26), (29, 29), (34, 34)];
    Eu36 "EU-36": "EU", 36, 863_100_000, 100_000, 125, &[(0, 54), (57, 60), (64, 64), (67, 124)];
    Eu37 "EU-37": "EU", 37, 863_100_000, 200_000, 62, &[(0, 26), (29, 29), (34, 61)];
    In39 "IN-39": "IN", 39, 865_100_000, 100_000, 29, &[(0, 28)];
    In40 "IN-40": "IN", 40, 865_100_000, 200_000, 15, &[(0, 14)];
    Bz1 "BZ-1": "BZ", 1, 902_200_000, 200_000, 129, &[(0, 25), (65, 128)];
    Ph48 "PH-48": "PH", 48, 915_200_000, 200_000, 64, &[(0, 13)];
    Nz48 "NZ-48": "NZ", 48, 915_200_000, 200_000, 64, &[(0, 63)];
    Az48 "AZ-48": "AZ", 48, 915_200_000, 200_000, 64, &[(0, 63)];
    Sg41 "SG-41": "SG", 41, 866_100_000, 100_000, 29, &[(0, 28)];
    Kr96 "KR-96": "KR", 96, 917_100_000, 200_000, 32, &[(0, 31)];
}

impl PlanName {
    /// The plan that a mesh at this carrier hops over when nobody names one: Europe's, else North America's, each with
    /// channels of 200 kHz; none in other bands.
    #[must_use]
    pub fn around(carrier_hz: f64) -> Option<Self> {
        [Self::Eu33, Self::Na1].into_iter().find(|name| name.plan().holds(carrier_hz))
    }
}

impl ChannelPlan {
    /// From the lower edge of its first channel to the upper edge of its last, Hz.
    #[must_use]
    pub fn edges_hz(&self) -> [f64; 2] {
        let (first_hz, spacing_hz) = (f64::from(self.first_hz), f64::from(self.spacing_hz));
        [first_hz - 0.5 * spacing_hz, first_hz + (f64::from(self.count) - 0.5) * spacing_hz]
    }

    /// Whether a frequency lies in it.
    #[must_use]
    pub fn holds(&self, frequency_hz: f64) -> bool {
        let [low_hz, high_hz] = self.edges_hz();
        (low_hz..=high_hz).contains(&frequency_hz)
    }

    /// What its regulator allows on each of its channels to a mesh that hops over all of them; none where the rule of a
    /// channel is not known here.
    #[must_use]
    pub fn rules(&self) -> Option<Vec<(u16, Rule)>> {
        let count = u16::try_from(self.channels().count()).unwrap_or(u16::MAX);
        self.channels().map(|channel| Some((channel, rule(self.domain, self.centre_hz(channel)?, count)?))).collect()
    }

    /// Whether a channel may be used.
    #[must_use]
    pub fn allows(&self, channel: u16) -> bool {
        self.allowed.iter().any(|&(from, to)| (from..=to).contains(&channel))
            && self.alone.is_none_or(|alone| alone == channel)
    }

    /// The same for radios that do not hop: all stay on the allowed channel nearest to this carrier.
    #[must_use]
    pub fn without_hopping(self, carrier_hz: f64) -> Self {
        let off_hz = |channel: &u16| (self.centre_hz(*channel).map_or(f64::INFINITY, f64::from) - carrier_hz).abs();
        let alone = self.channels().min_by(|a, b| off_hz(a).total_cmp(&off_hz(b)));
        Self { alone, ..self }
    }

    /// The channels that may be used.
    pub fn channels(&self) -> impl Iterator<Item = u16> + '_ {
        (0..self.count).filter(|c| self.allows(*c))
    }

    /// Centre of a channel, Hz; none beyond the plan.
    #[must_use]
    pub fn centre_hz(&self, channel: u16) -> Option<u32> {
        (channel < self.count).then(|| self.first_hz + u32::from(channel) * self.spacing_hz)
    }

    /// Share of an interferer's power that falls into a channel, 0–1, both taken as flat.
    #[must_use]
    pub fn overlap(&self, channel: u16, centre_hz: f64, bandwidth_hz: f64) -> f64 {
        let Some(ours_hz) = self.centre_hz(channel) else { return 0.0 };
        let half = 0.5 * f64::from(self.spacing_hz);
        let (low, high) = (f64::from(ours_hz) - half, f64::from(ours_hz) + half);
        let shared = high.min(centre_hz + 0.5 * bandwidth_hz) - low.max(centre_hz - 0.5 * bandwidth_hz);
        (shared / bandwidth_hz).clamp(0.0, 1.0)
    }
}

/// How long a device may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DutyLimit {
    /// At most this share of any hour, per mille ×10 (10 is 0.1 %, 100 is 1 %, 1000 is 10 %).
    PerHour {
        /// Ten-thousandths.
        ten_thousandths: u32,
    },
    /// Frequency hopping: at most so long on one channel in any window.
    Dwell {
        /// Longest sum on a channel, ms.
        on_channel_ms: u32,
        /// Within this window, ms.
        window_ms: u32,
    },
    /// No limit of time.
    None,
}

/// Limit and power at a frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Band, Hz.
    pub band_hz: (u32, u32),
    /// Time.
    pub limit: DutyLimit,
    /// Radiated power: effective (against a half-wave dipole) in Europe, conducted in America, dBm.
    pub power_dbm: f64,
}

const fn share(low_khz: u32, high_khz: u32, ten_thousandths: u32, power_dbm: f64) -> Rule {
    let limit = DutyLimit::PerHour { ten_thousandths };
    Rule { band_hz: (low_khz * 1000, high_khz * 1000), limit, power_dbm }
}

/// Europe's rules for non-specific short-range devices (CEPT ERC/REC 70-03 annex 1), without listen-before-talk (868.0
/// up checked against Spain's note UN-39 of the frequency table; below from memory of the recommendation). Many African
/// regulators follow it; which one does must be asked there.
pub const CEPT: [Rule; 6] = [
    share(863_000, 865_000, 10, 14.0),
    share(865_000, 868_000, 100, 14.0),
    share(868_000, 868_600, 100, 14.0),
    share(868_700, 869_200, 10, 14.0),
    share(869_400, 869_650, 1000, 27.0),
    share(869_700, 870_000, 100, 14.0),
];

/// The rule at a frequency in a plan's domain. `None`: nothing known, or not allowed.
#[must_use]
pub fn rule(domain: &str, frequency_hz: u32, hopping_channels: u16) -> Option<Rule> {
    let inside = |r: &Rule| (r.band_hz.0..=r.band_hz.1).contains(&frequency_hz);
    match domain {
        "EU" => CEPT.into_iter().find(inside),
        // 47 CFR 15.247(a)(1)(i): at least 50 channels, 0.4 s in 20 s, 1 W; 25–49 channels, 0.4 s in 10 s, 0.25 W.
        "NA" => {
            let (window_ms, power_dbm) = match hopping_channels {
                50.. => (20_000, 30.0),
                25..=49 => (10_000, 24.0),
                _ => return None,
            };
            let limit = DutyLimit::Dwell { on_channel_ms: 400, window_ms };
            Some(Rule { band_hz: (902_000_000, 928_000_000), limit, power_dbm }).filter(inside)
        }
        // G.S.R. 564(E) of 2005: 865–867 MHz, 1 W, no limit of time.
        "IN" => {
            Some(Rule { band_hz: (865_000_000, 867_000_000), limit: DutyLimit::None, power_dbm: 30.0 }).filter(inside)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_lie_in_their_bands() {
        for plan in PlanName::ALL.map(PlanName::plan) {
            let last = plan.channels().last().unwrap();
            assert!(plan.centre_hz(last).unwrap() <= 928_000_000, "{plan:?}");
            assert!(plan.channels().count() <= usize::from(plan.count));
            assert_eq!(plan.centre_hz(plan.count), None);
        }
        let eu = PlanName::Eu32.plan();
        assert!(eu.allows(54) && !eu.allows(55) && eu.allows(64) && !eu.allows(66) && eu.channels().count() == 62);
        assert_eq!(eu.centre_hz(0), Some(863_100_000));
        assert_eq!(PlanName::Na1.plan().channels().count(), 129);
    }

    #[test]
    fn a_carrier_finds_its_plan_and_a_plan_its_rules() {
        assert_eq!(PlanName::around(868e6), Some(PlanName::Eu33));
        assert_eq!(PlanName::around(915e6), Some(PlanName::Na1));
        assert_eq!([433e6, 890e6, 2.4e9].map(PlanName::around), [None; 3]);
        let (low, high) = (|hz| PlanName::Eu33.plan().holds(863e6 + hz), |hz| PlanName::Eu33.plan().holds(870e6 + hz));
        assert_eq!([low(-1.0), low(1.0), high(-1.0), high(1.0)], [false, true, true, false]);
        let known = PlanName::ALL.map(|name| name.plan().rules().is_some());
        // Beyond 870 MHz, in India beyond 867 MHz, and in the other domains, no rule is known here.
        assert_eq!(known, PlanName::ALL.map(|name| "NA-1 NA-2 NA-4 EU-32 EU-33".contains(name.text())));
        let shares: Vec<DutyLimit> =
            PlanName::Eu33.plan().rules().unwrap().iter().map(|(_, rule)| rule.limit).collect();
        let of =
            |ten_thousandths| shares.iter().filter(|&&share| share == DutyLimit::PerHour { ten_thousandths }).count();
        assert_eq!((of(10), of(100)), (11, 18));
        for (name, text) in PlanName::ALL.map(|name| (name, name.text())) {
            let [domain, id] = text.split('-').collect::<Vec<_>>().try_into().unwrap();
            assert_eq!((name.plan().domain, name.plan().id.to_string().as_str()), (domain, id));
            assert_eq!(serde_json::from_value::<PlanName>(text.into()).unwrap(), name);
        }
    }

    #[test]
    fn rules_by_frequency() {
        assert_eq!(rule("EU", 868_300_000, 0).unwrap().limit, DutyLimit::PerHour { ten_thousandths: 100 });
        assert_eq!(rule("EU", 869_525_000, 0).unwrap().limit, DutyLimit::PerHour { ten_thousandths: 1000 });
        assert_eq!(rule("EU", 868_650_000, 0), None);
        assert_eq!(
            rule("NA", 915_000_000, 64).unwrap().limit,
            DutyLimit::Dwell { on_channel_ms: 400, window_ms: 20_000 }
        );
        assert_eq!(rule("NA", 915_000_000, 10), None);
        assert_eq!(rule("IN", 866_000_000, 0).unwrap().limit, DutyLimit::None);
        assert_eq!(rule("XX", 866_000_000, 0), None);
    }

    #[test]
    fn overlap_is_the_shared_part() {
        let plan = PlanName::Eu32.plan();
        for (centre_hz, bandwidth_hz, wanted) in
            [(863.1e6, 50e3, 1.0), (863.1e6, 200e3, 0.5), (863.15e6, 100e3, 0.5), (864e6, 100e3, 0.0)]
        {
            assert!((plan.overlap(0, centre_hz, bandwidth_hz) - wanted).abs() < 1e-9);
        }
    }
}
