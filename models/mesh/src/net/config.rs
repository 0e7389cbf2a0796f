//! How a network is set up. [`Config::wisun`] fills it with Wi-SUN's values by size of network.

use super::duty::Duty;
use super::links::Success;
use crate::mac::channels::{Channels, ChannelsError};
use crate::mac::csma::Csma;
use crate::mac::phy::Phy;
use crate::rpl::wire::DodagConfig;
use crate::trickle;
use crate::wisun::keys::Lives;
use crate::wisun::params::{Params, Size};

/// A network's settings; the same for all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Key of all draws.
    pub seed: u64,
    /// Times of the PHY.
    pub phy: Phy,
    /// Constants of channel access.
    pub csma: Csma,
    /// Repetitions of an unacknowledged frame.
    pub retries_max: u8,
    /// Once these are gone, so often all of them again on the receiver's next channel. An open stack, which says that
    /// Wi-SUN demands 20 tries in all: 4 after 3 retries. An open radio co-processor: none after 7 (before: after 19).
    pub channel_retries: u8,
    /// The longest exchange of several frames with one neighbour in a row (EDFE), milliseconds; 0: none. Also none with
    /// [`Self::duty`].
    pub exchange_ms: u16,
    /// Frames a node may queue.
    pub queue_max: usize,
    /// The channels that are hopped over.
    pub channels: Channels,
    /// A unicast dwell, milliseconds.
    pub dwell_ms: u8,
    /// From one broadcast slot to the next, and the dwell in it, milliseconds.
    pub broadcast_ms: (u32, u8),
    /// Crystals' drift that guard times are made for, parts per million. Clocks here do not drift.
    pub drift_ppm: u32,
    /// The longest frame, with check sequence; longer packets are cut to fragments.
    pub frame_octets_max: u32,
    /// Hops that a packet may go; a router further from the root than that never gets a route. MPL's is 24 at most, whatever
    /// stands here.
    pub hop_limit: u8,
    /// Discovery and joining.
    pub join: Params,
    /// Lives of group keys.
    pub lives: Lives,
    /// Authentications at once at the border router.
    pub sessions_max: usize,
    /// What the root announces.
    pub dodag: DodagConfig,
    /// Whether the root remembers its DODAG version over a restart and passes the next one.
    pub root_keeps_version: bool,
    /// Parents that a node announces: the preferred one and others to fall back on. With more than one, routing here
    /// announces every change of the others, which in a network of 200 becomes a storm of DAOs.
    pub parents: u8,
    /// Nodes whose parents are fixed, and these parents.
    pub pinned: Vec<(u32, Vec<u32>)>,
    /// Parameters that every router uses in place of those the root announces.
    pub parameters: Option<DodagConfig>,
    /// Control messages of multicast: their Trickle, and after how many intervals without news they stop. Wi-SUN's open
    /// stacks send none.
    pub multicast_control: Option<(trickle::Parameters, u8)>,
    /// What a regulator leaves of the air; all of it without.
    pub duty: Option<Duty>,
    /// Power at the aerial's connector, dBm.
    pub tx_dbm: f32,
    /// Noise in a bandwidth of one bit rate, dBm.
    pub noise_dbm: f32,
    /// What a channel assessment takes for busy, dBm.
    pub busy_dbm: f32,
    /// How far above the noise a frame must begin for a receiver to notice it.
    pub sync_db: f32,
    /// How far a frame must stand above its rivals to be read. A receiver takes a later frame that is so much stronger while
    /// the first one's preamble lasts, where this is above 0.
    pub capture_db: f32,
    /// Shares of frames that are read.
    pub success: Success,
    /// How often parents' links are looked through for measurements older than `etx::REFRESH_NS`, nanoseconds.
    pub refresh_ns: u64,
    /// Carry every frame's 6LoWPAN octets and unpack them at every hop, instead of the packet and the exact length.
    pub bytes: bool,
    /// Report every frame.
    pub trace: bool,
    /// Report every frame's octets; needs [`Self::bytes`].
    pub capture: bool,
}

impl Config {
    /// SUN FSK at 50 kb/s on plan 33 of Europe (29 channels), 14 dBm, a receiver 3 dB worse than ideal with a noise figure of
    /// 7 dB. DIO intervals are those an open border router (small) and an open stack (others) use (facts, `radio.json`).
    ///
    /// # Errors
    /// Never.
    pub fn wisun(size: Size, seed: u64) -> Result<Self, ChannelsError> {
        // Routes live for 2, 4, 8, 12 h in an open stack, in units of 1200 s.
        let (interval_min, interval_doublings, redundancy, default_lifetime) = match size {
            Size::Small => (15, 2, 0, 6),
            Size::Medium => (17, 3, 10, 12),
            Size::Large => (18, 3, 10, 24),
            Size::ExtraLarge => (18, 4, 10, 36),
        };
        Ok(Self {
            seed,
            phy: Phy::sun_fsk(50_000, false),
            csma: Csma::wisun(),
            retries_max: 7,
            channel_retries: 0,
            exchange_ms: 0,
            queue_max: 64,
            channels: Channels::europe_33()?,
            dwell_ms: 255,
            broadcast_ms: (1_020, 255),
            drift_ppm: 20,
            frame_octets_max: 1_576,
            hop_limit: 64,
            // 10 % of 250 octets are lost there.
            join: Params { sensitivity_dbm: -104, ..Params::of(size) },
            lives: Lives::default(),
            sessions_max: 20,
            dodag: DodagConfig {
                interval_min,
                interval_doublings,
                redundancy,
                default_lifetime,
                ..DodagConfig::WISUN_SMALL
            },
            root_keeps_version: true,
            parents: 1,
            pinned: Vec::new(),
            parameters: None,
            multicast_control: None,
            duty: None,
            tx_dbm: 14.0,
            noise_dbm: -120.0,
            busy_dbm: -95.0,
            sync_db: 8.0,
            capture_db: 9.0,
            success: Success::fsk(3.0),
            refresh_ns: 1_800_000_000_000,
            bytes: false,
            trace: false,
            capture: false,
        })
    }
}
