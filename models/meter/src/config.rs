//! How a meter is set up.

use taa_dlms::server::ServerLink;

use crate::{GaspConfig, MeterAccess, StsConfig};

/// One meter.
#[derive(Clone)]
pub struct MeterConfig {
    /// What it answers at 0.0.42.0.0.255; 16 characters at most in the field.
    pub logical_device_name: String,
    /// How the management client proves itself. The default is [`MeterAccess::Open`], for benches: keys must be given,
    /// see [`MeterAccess::derived`].
    pub access: MeterAccess,
    /// What it hangs on; wrapper datagrams by default, as over the mesh.
    pub link: ServerLink,
    /// Seed of its challenges; only its difference from meter to meter matters here.
    pub entropy: [u8; 32],
    /// What it answers at 1.0.0.2.0.255 until an image is activated.
    pub firmware: String,
    /// Block size of image transfers, bytes.
    pub image_block_bytes: u32,
    /// Which alarms may be pushed at the start: bits of `taa_dlms::obis::alarm`.
    pub alarm_filter: u32,
    /// A push after an event waits up to this long, each meter for itself, s.
    pub push_spread_s: u16,
    /// Time between repetitions of an unconfirmed push, s.
    pub push_repeat_s: u16,
    /// General blocks sent in a row, if the client takes as many.
    pub general_window: u8,
    /// It hangs on a live line from the start: it begins running, with its relay as it was left, without a restart.
    pub energised: bool,
    /// After a restart the relay waits open for an order; else it stays as it was.
    pub boot_relay_open: bool,
    /// The meter keeps the credit, deducts from it and moves its own relay.
    pub credit_at_meter: bool,
    /// Its token decoder, if it has one; of use only with credit in the meter. Where it counts energy, prices are those
    /// of [`crate::Counts::Energy`], and the fee and the grace are in Wh.
    pub sts: Option<StsConfig>,
    /// Seconds between rows of the load profile, counted from local midnight.
    pub capture_period_s: u32,
    /// Rows that the load profile holds; the oldest goes first.
    pub profile_entries: u32,
    /// The meter's clock at time 0, seconds since 1970 UTC.
    pub unix_s_at_zero: i64,
    /// Offset of local time from UTC.
    pub utc_offset_s: i32,
    /// Voltage shown until somebody sets another, tenths of a volt.
    pub nominal_voltage_dv: u16,
    /// Its last-gasp logic; without one it falls silent.
    pub gasp: Option<GaspConfig>,
    /// Longest message the server takes, bytes.
    pub pdu_max: u16,
    /// With credit in the meter: what it begins with, minor units.
    pub opening_credit_minor: i64,
    /// With credit in the meter: price, minor units per kWh.
    pub price_per_kwh_minor: i64,
    /// With credit in the meter: fee deducted at every local midnight, minor units.
    pub fee_per_day_minor: i64,
    /// With credit in the meter: balance below zero that is still served, minor units.
    pub grace_minor: i64,
}

impl Default for MeterConfig {
    fn default() -> Self {
        Self {
            logical_device_name: "TAA0000000000000".to_owned(),
            access: MeterAccess::Open,
            link: ServerLink::Datagram,
            entropy: [0; 32],
            firmware: "TAA-1.0.0".to_owned(),
            // With its protection a block fits one message of 1024 bytes, and four frames of the mesh.
            image_block_bytes: 512,
            alarm_filter: u32::MAX,
            push_spread_s: 30,
            push_repeat_s: 600,
            general_window: 1,
            energised: false,
            boot_relay_open: false,
            credit_at_meter: false,
            sts: None,
            capture_period_s: 3600,
            // 60 days of hours, as common single-phase prepayment meters hold.
            profile_entries: 1440,
            unix_s_at_zero: 0,
            utc_offset_s: 0,
            nominal_voltage_dv: 2300,
            gasp: None,
            pdu_max: 1024,
            opening_credit_minor: 0,
            price_per_kwh_minor: 0,
            fee_per_day_minor: 0,
            grace_minor: 0,
        }
    }
}

impl std::fmt::Debug for MeterConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeterConfig")
            .field("logical_device_name", &self.logical_device_name)
            .field("access", &self.access)
            .field("boot_relay_open", &self.boot_relay_open)
            .field("credit_at_meter", &self.credit_at_meter)
            .field("capture_period_s", &self.capture_period_s)
            .field("profile_entries", &self.profile_entries)
            .finish_non_exhaustive()
    }
}
