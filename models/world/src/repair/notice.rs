//! Who could notice a failure, and when at the earliest.

use super::{Calendar, Job, RepairParams, calendar::LONGEST_MS};
use crate::{assets::AssetKind, draw::Purpose};

const NOTICE: Purpose = Purpose::named("repair/notice");
const HOUR_MS: f64 = 3_600_000.0;

/// What a failure shows of itself, and how quick people are this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Time after the failure from which telemetry shows it, where the site can be seen; `None`: it takes the sight away.
    pub shows_after_ms: Option<u64>,
    /// Time out of sight after which somebody asks why.
    pub gap_after_ms: u64,
    /// Working time from an alarm, a gap or a call until somebody acts on it.
    pub reaction_ms: u64,
    /// Waking time until the caretaker has seen it; `None`: it cannot be seen, or there is nobody.
    pub caretaker_after_ms: Option<u64>,
}

impl Notice {
    /// Draws it.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn draw(params: &RepairParams, job: &Job) -> Self {
        let mut draws = job.draws(NOTICE);
        let ms = |h: f64| ((h * HOUR_MS) as u64).min(LONGEST_MS);
        let reaction_ms = ms(draws.exponential(params.reaction_mean_h));
        let caretaker_ms = ms(draws.exponential(params.caretaker_notice_mean_h));
        let shows_after_ms = match job.kind {
            AssetKind::Inverter | AssetKind::Bms | AssetKind::Clock => Some(ms(0.1)),
            // Seen by the sun that does not come in: half a day at the latest.
            AssetKind::ChargeController | AssetKind::Panels => Some(ms(12.0)),
            AssetKind::Breaker | AssetKind::Conductor => Some(ms(params.feeder_silence_h)),
            AssetKind::Meter | AssetKind::Keys => Some(ms(params.meter_silence_h)),
            AssetKind::Dcu | AssetKind::DcuHang | AssetKind::Router | AssetKind::Flash => None,
        };
        let visible = matches!(
            job.kind,
            AssetKind::Inverter | AssetKind::Bms | AssetKind::Panels | AssetKind::Breaker | AssetKind::Conductor
        );
        Self {
            shows_after_ms,
            gap_after_ms: ms(params.gap_patience_h),
            reaction_ms,
            caretaker_after_ms: (params.caretaker && visible).then_some(caretaker_ms),
        }
    }

    /// When the operator knows, given that the sign was there at this moment.
    #[must_use]
    pub fn acted_on(&self, calendar: &Calendar, sign_ms: u64) -> u64 {
        calendar.work(sign_ms, self.reaction_ms)
    }

    /// When the caretaker has seen it and can call.
    #[must_use]
    pub fn caretaker_at(&self, calendar: &Calendar, failed_ms: u64) -> Option<u64> {
        self.caretaker_after_ms.map(|after| calendar.awake(failed_ms, after))
    }
}
