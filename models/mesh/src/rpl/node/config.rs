//! What a node is told before it starts. RFC 6550 knows no "deterministic mode": what some documents call so is
//! [`Pinned`] parents and [`Pinned`] parameters, two options of their own.

use core::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use crate::Eui64;
use crate::rpl::objective::Objective;
use crate::rpl::wire::{DodagConfig, Mode, OPTION_RPI_OLD, PrefixInformation};
use crate::rpl::{lollipop, objective};

/// One second.
pub(super) const SECOND_NS: u64 = 1_000_000_000;

/// A node's configuration. [`Config::router`] and [`Config::root`] fill it with Wi-SUN's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Link-layer address; the addresses follow from it.
    pub eui: Eui64,
    /// Key of this node's draws.
    pub seed: u64,
    /// Root, router or leaf.
    pub role: Role,
    /// RPLInstanceID; DIOs of others are not looked at.
    pub instance: u8,
    /// MOP; DODAGs of another one are not joined.
    pub mode: Mode,
    /// How parents are chosen.
    pub objective: Objective,
    /// What is fixed instead of chosen.
    pub pinned: Pinned,
    /// First DIS after so long without a DODAG, at random in the second half.
    pub dis_first_ns: u64,
    /// Further ones.
    pub dis_again_ns: u64,
    /// DelayDAO (§9.5): at random between half of it and one and a half.
    pub dao_delay_ns: u64,
    /// How long a change of the parent set beside the preferred parent must last before a DAO tells it (§9.5 leaves
    /// DelayDAO open; arbitrary: as long as two links are measured).
    pub alternates_delay_ns: u64,
    /// First wait for a DAO-ACK; doubles with each retry.
    pub dao_retry_ns: u64,
    /// Retries before the node gives the DAO up and starts over after [`Self::dis_again_ns`].
    pub dao_retries: u8,
    /// A Rank change of so much resets Trickle (§8.3 leaves it open); 0 never does.
    pub reset_on_rank_change: u16,
    /// How long a node without parents poisons before it forgets the DODAG (§8.2.2.5).
    pub poison_ns: u64,
    /// Neighbours remembered; of more, those with the cheapest paths as far as is known (parents and pinned ones in any case).
    pub neighbours_max: usize,
    /// A neighbour not heard for so long is forgotten.
    pub neighbour_lifetime_ns: u64,
    /// Hop limit of own packets, and of the root's source routes.
    pub hop_limit: u8,
    /// Option type of packet information: 0x63 (RFC 6553, what Wi-SUN routers send) or 0x23 (RFC 9008).
    pub rpi_option: u8,
}

/// What a node does in the DODAG.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The border router.
    Root(Root),
    /// Forwards.
    Router,
    /// Joins and advertises nothing (§8.5).
    Leaf,
}

/// What the root decides for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// DODAGVersionNumber at start. A root that kept it over a restart passes the next one; a root that did not starts
    /// at [`lollipop::INITIAL`] again.
    pub version: u8,
    /// DTSN at start.
    pub dtsn: u8,
    /// Prf.
    pub preference: u8,
    /// The DODAG's parameters.
    pub dodag: DodagConfig,
    /// The prefix nodes take their addresses from.
    pub prefix: PrefixInformation,
    /// On hearing a newer version of its own DODAG, go beyond it. Not in RFC 6550; some border routers do it.
    pub outbids_versions: bool,
}

/// Named departures from choosing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The only neighbours that may be parents, none meaning all.
    pub parents: Vec<Eui64>,
    /// Parameters used in place of those the DIO carries.
    pub parameters: Option<DodagConfig>,
}

impl Pinned {
    /// Whether a neighbour may be a parent.
    pub(super) fn admits(&self, neighbour: Eui64) -> bool {
        self.parents.is_empty() || self.parents.contains(&neighbour)
    }
}

impl Config {
    /// A Wi-SUN router.
    #[must_use]
    pub fn router(eui: Eui64, seed: u64) -> Self {
        Self {
            eui,
            seed,
            role: Role::Router,
            instance: 0,
            mode: Mode::NonStoring,
            objective: Objective::Mrhof(objective::Mrhof { parent_set_size: 2, ..objective::Mrhof::default() }),
            pinned: Pinned::default(),
            dis_first_ns: 60 * SECOND_NS,
            dis_again_ns: 180 * SECOND_NS,
            dao_delay_ns: SECOND_NS,
            alternates_delay_ns: 600 * SECOND_NS,
            dao_retry_ns: 40 * SECOND_NS,
            dao_retries: 3,
            reset_on_rank_change: 192,
            poison_ns: 60 * SECOND_NS,
            neighbours_max: 64,
            neighbour_lifetime_ns: 2_200 * SECOND_NS,
            hop_limit: 64,
            rpi_option: OPTION_RPI_OLD,
        }
    }

    /// A Wi-SUN border router of a small network under a prefix of 64 bits.
    #[must_use]
    pub fn root(eui: Eui64, seed: u64, prefix: [u8; 8]) -> Self {
        let prefix = PrefixInformation {
            bits: 64,
            on_link: false,
            autonomous: false,
            router_address: true,
            valid_s: u32::MAX,
            preferred_s: 0,
            prefix: eui.under(prefix),
        };
        let root = Root {
            version: lollipop::INITIAL,
            dtsn: lollipop::INITIAL,
            preference: 0,
            dodag: DodagConfig::WISUN_SMALL,
            prefix,
            outbids_versions: false,
        };
        Self { role: Role::Root(root), ..Self::router(eui, seed) }
    }

    /// The root's address, which is also its DODAGID.
    pub(super) fn global_under(&self, prefix: &PrefixInformation) -> Ipv6Addr {
        let [a, b, c, d, e, f, g, h, ..] = prefix.prefix.octets();
        self.eui.under([a, b, c, d, e, f, g, h])
    }
}

impl DodagConfig {
    /// What a Wi-SUN border router announces for a small network: Imin 32.8 s, doubled twice, no suppression, ETX in
    /// hops of 128, no limit on sinking, routes for 6 × 1200 s.
    pub const WISUN_SMALL: Self = Self {
        authenticated: false,
        path_control_size: 7,
        interval_doublings: 2,
        interval_min: 15,
        redundancy: 0,
        max_rank_increase: 0,
        min_hop_rank_increase: 128,
        objective: 1,
        default_lifetime: 6,
        lifetime_unit_s: 1200,
    };

    /// The defaults of RFC 6550 §17: Imin 8 ms, doubled twenty times, k = 10. The lifetime is Contiki-NG's (30 × 60 s),
    /// for §17 leaves it to the objective function and the use.
    pub const RFC_6550: Self = Self {
        authenticated: false,
        path_control_size: 0,
        interval_doublings: 20,
        interval_min: 3,
        redundancy: 10,
        max_rank_increase: 0,
        min_hop_rank_increase: 256,
        objective: 0,
        default_lifetime: 30,
        lifetime_unit_s: 60,
    };

    /// Nanoseconds of a lifetime in units; `None` for ever (255).
    pub(super) fn lifetime_ns(&self, units: u8) -> Option<u64> {
        (units != u8::MAX).then(|| u64::from(units) * u64::from(self.lifetime_unit_s) * SECOND_NS)
    }
}
