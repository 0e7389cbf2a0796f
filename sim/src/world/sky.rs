//! The sun over the panels, with scripted clouds before it.

use taa_models::{
    pv::Array,
    sun,
    weather::{Sample, Series, SunContext},
};
use taa_scenarios::model::{Fault, FaultKind};

/// Weather, place, array, and the faults that cloud the sky.
pub(crate) struct Sky {
    series: Series,
    context: SunContext,
    array: Array,
    /// `(fault, share of sun)` of those in force.
    clouds: Vec<(u8, f64)>,
    /// The clouding fault that was last in force.
    last: Option<u8>,
}

/// What the sky gives at one moment.
pub(crate) struct Light {
    /// Global irradiance under the scripted clouds, W/m².
    pub(crate) ghi: f64,
    /// PV power under the scripted clouds, W.
    pub(crate) pv_w: f64,
    /// PV power without them, W.
    pub(crate) pv_unclouded_w: f64,
}

impl Sky {
    pub(crate) fn new(series: Series, context: SunContext, array: Array) -> Self {
        Self { series, context, array, clouds: Vec::new(), last: None }
    }

    pub(crate) fn light(&mut self, run_ms: u64) -> Light {
        let sun = self.context.sun(run_ms);
        let clear = self.series.sample_under(run_ms, &mut self.context, &sun);
        let extraterrestrial = sun::extraterrestrial(self.context.day_of_year(run_ms));
        let power = |sky: &Sample| self.array.power_w(sky, &sun, extraterrestrial);
        let pv_unclouded_w = power(&clear);
        let share = self.clouds.iter().map(|c| c.1).fold(1.0, f64::min);
        if self.clouds.is_empty() {
            return Light { ghi: clear.ghi, pv_w: pv_unclouded_w, pv_unclouded_w };
        }
        let clouded = clear.clouded(share);
        Light { ghi: clouded.ghi, pv_w: power(&clouded), pv_unclouded_w }
    }

    /// The fault that clouds the sky, or the last that did: a battery stays low after the clouds have gone.
    pub(crate) fn clouding_fault(&self) -> Option<u8> {
        self.last
    }

    /// A scripted fault begins or ends.
    pub(crate) fn turn(&mut self, number: u8, fault: &Fault, on: bool) {
        if let FaultKind::Cloudy { sun_share } = fault.what {
            self.clouds.retain(|c| c.0 != number);
            if on {
                self.clouds.push((number, sun_share));
                self.last = Some(number);
            }
        }
    }
}
