//! The kinds of scripted faults: what each is called and what it takes.

use crate::model::FaultKind;

/// What a kind of fault takes beside its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Tower,
    Throttle,
    SunShare,
    NoiseAndMeters,
    LossAndMeters,
    Meters,
    Feeder,
    Line,
}

/// Kind, name in files, what it takes.
pub(super) const KINDS: &[(&str, FaultKind, Takes)] = &[
    ("tower_out", FaultKind::TowerOut, Takes::Tower),
    ("backhaul_out", FaultKind::BackhaulOut, Takes::Nothing),
    ("router_hung", FaultKind::RouterHung, Takes::Nothing),
    ("sim_credit_out", FaultKind::SimCreditOut, Takes::Tower),
    ("m2m_throttled", FaultKind::M2mThrottled { delay_median_s: 300.0, loss_share: 0.3 }, Takes::Throttle),
    ("provider_out", FaultKind::ProviderOut, Takes::Nothing),
    ("cloud_out", FaultKind::CloudOut, Takes::Nothing),
    ("cloudy", FaultKind::Cloudy { sun_share: 0.3 }, Takes::SunShare),
    ("radio_jammed", FaultKind::RadioJammed { noise_rise_db: 20.0 }, Takes::NoiseAndMeters),
    ("roof_loss", FaultKind::RoofLoss { loss_db: 18.0 }, Takes::LossAndMeters),
    ("routes_collapsed", FaultKind::RoutesCollapsed, Takes::Meters),
    ("dcu_power_lost", FaultKind::DcuPowerLost, Takes::Nothing),
    ("meter_dead", FaultKind::MeterDead, Takes::Meters),
    ("feeder_out", FaultKind::FeederOut, Takes::Feeder),
    ("line_out", FaultKind::LineOut, Takes::Line),
    ("inverter_out", FaultKind::InverterOut, Takes::Nothing),
    ("agent_away", FaultKind::AgentAway, Takes::Nothing),
    ("aggregator_out", FaultKind::AggregatorOut, Takes::Nothing),
    ("intake_out", FaultKind::IntakeOut, Takes::Nothing),
    ("sms_lost", FaultKind::SmsLost, Takes::Nothing),
    ("ussd_broken", FaultKind::UssdBroken, Takes::Nothing),
    ("key_module_out", FaultKind::KeyModuleOut, Takes::Nothing),
    ("leases_exhausted", FaultKind::LeasesExhausted, Takes::Nothing),
    ("paper_out", FaultKind::PaperOut, Takes::Nothing),
    ("wrong_key_revision", FaultKind::WrongKeyRevision, Takes::Meters),
    ("gateway_refused", FaultKind::GatewayRefused, Takes::Meters),
    ("rollover_missed", FaultKind::RolloverMissed, Takes::Meters),
    ("charge_controller_out", FaultKind::ChargeControllerOut, Takes::Nothing),
    ("lightning", FaultKind::Lightning, Takes::Meters),
    ("meters_tampered", FaultKind::MetersTampered, Takes::Meters),
    ("road_closed", FaultKind::RoadClosed, Takes::Nothing),
    ("crew_away", FaultKind::CrewAway, Takes::Nothing),
    ("disk_full", FaultKind::DiskFull, Takes::Nothing),
    ("disk_read_only", FaultKind::DiskReadOnly, Takes::Nothing),
    ("fsync_lies", FaultKind::FsyncLies, Takes::Nothing),
    ("page_corrupt", FaultKind::PageCorrupt, Takes::Nothing),
    ("sd_wear", FaultKind::SdWear, Takes::Nothing),
];

impl Takes {
    /// The keys, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Nothing => "id, from, until and nothing else",
            Self::Tower => "id, from, until, tower (1 or 2)",
            Self::Throttle => "id, from, until, delay_median_s, loss_share (0 to 1)",
            Self::SunShare => "id, from, until, sun_share (0 to 1)",
            Self::NoiseAndMeters => "id, from, until, noise_rise_db, meters or meters_share",
            Self::LossAndMeters => "id, from, until, loss_db, meters or meters_share",
            Self::Meters => "id, from, until, meters or meters_share",
            Self::Feeder => "id, from, until, feeder",
            Self::Line => "id, from, until, line and phase (1 to 3), or meters, or meters_share",
        }
    }

    pub(super) fn key(self, key: &str) -> bool {
        match key {
            "tower" => self == Self::Tower,
            "delay_median_s" | "loss_share" => self == Self::Throttle,
            "sun_share" => self == Self::SunShare,
            "noise_rise_db" => self == Self::NoiseAndMeters,
            "loss_db" => self == Self::LossAndMeters,
            "meters" | "meters_share" => {
                matches!(self, Self::Meters | Self::NoiseAndMeters | Self::LossAndMeters | Self::Line)
            }
            "line" | "phase" => self == Self::Line,
            "feeder" => self == Self::Feeder,
            _ => true,
        }
    }
}
