//! The variants of the four-day outages: calm, blackout and cascade, under architectures and assumptions.

use taa_scenarios::model::{Fault, FaultKind, FaultTarget, Scenario};

use super::{Bench, fault, measure as m};
use crate::{
    engine::{StudyError, Variant},
    knob,
};

/// Days of a run.
pub(super) const DAYS: u32 = 40;
/// From the model's use of this village to about the measured 0.3 kWh a connection and day.
pub(super) const MEASURED: f64 = 0.31;
const CHURN: &str = "people.churn_mean_h";
/// Mean hours of paid darkness until somebody leaves, moved to both ends.
pub(super) const CHURN_ENDS: [f64; 2] = [270.0, 4900.0];

/// The variants, in this order.
#[derive(Clone, Copy, Debug)]
pub(super) enum V {
    Calm,
    Blackout,
    CalmChurnLow,
    BlackoutChurnLow,
    CalmChurnHigh,
    BlackoutChurnHigh,
    CalmMeasured,
    BlackoutMeasured,
    CalmDouble,
    BlackoutDouble,
    Cascade,
    CascadeChurnLow,
    CascadeChurnHigh,
    CascadeCached,
    CalmEdge,
    CascadeEdge,
    CascadeStill,
    CascadeLast,
    CascadeEdgeStill,
    CascadeKeypadStill,
    CalmKeypad,
    CascadeKeypad,
    CalmKeypadChurnLow,
    CascadeKeypadChurnLow,
    CalmKeypadChurnHigh,
    CascadeKeypadChurnHigh,
}

fn four_days(what: FaultKind) -> Fault {
    fault("four days", what, FaultTarget::All, m::SPELL_FROM_DAY * 24, m::SPELL_H)
}

/// Tower and link, an hour before the four days that are counted and an hour after them.
fn cascade(scenario: &mut Scenario) {
    for (id, what) in [("tower", FaultKind::TowerOut), ("link", FaultKind::BackhaulOut)] {
        let from_h = m::SPELL_FROM_DAY * 24 - 1;
        scenario.faults.push(fault(id, what, FaultTarget::All, from_h, m::SPELL_H + 2));
    }
}

/// Half an hour without supply, just before the four days that are counted: an overload, a breaker. Meters restart.
fn blink() -> Fault {
    let until_ms = m::SPELL_FROM_DAY * 86_400_000;
    Fault { from_ms: until_ms - 1_800_000, until_ms, ..four_days(FaultKind::InverterOut) }
}

/// What happens in a variant.
#[derive(Clone, Copy)]
struct Story {
    blackout: bool,
    cascade: bool,
    churn: Option<usize>,
    /// Demand and plant as a multiple of the village's.
    use_factor: f64,
    /// The supply blinks once while tower and link are down.
    blink: bool,
    /// Relays keep their state over a restart.
    last: bool,
}

impl Story {
    const CALM: Self =
        Self { blackout: false, cascade: false, churn: None, use_factor: 1.0, blink: false, last: false };
    const BLACKOUT: Self = Self { blackout: true, ..Self::CALM };
    const CASCADE: Self = Self { cascade: true, blink: true, ..Self::CALM };
    const STILL: Self = Self { blink: false, ..Self::CASCADE };

    const fn impatient(self) -> Self {
        Self { churn: Some(0), ..self }
    }

    const fn patient(self) -> Self {
        Self { churn: Some(1), ..self }
    }

    fn tell(self, s: &mut Scenario) -> Result<(), StudyError> {
        if self.blackout {
            s.faults.push(four_days(FaultKind::InverterOut));
        }
        if self.cascade {
            cascade(s);
        }
        if let Some(end) = self.churn {
            knob::turn(s, CHURN, CHURN_ENDS[end])?;
        }
        if (self.use_factor - 1.0).abs() > 1e-9 {
            let scale = knob::read(s, "demand.scale")?;
            knob::turn(s, "demand.scale", scale * self.use_factor)?;
            // The plant goes with the demand, or the supply itself would fail, or never.
            s.power.pv.kwp *= self.use_factor;
            s.power.battery.capacity_kwh *= self.use_factor;
            s.power.inverter_kw *= self.use_factor;
        }
        if self.blink {
            s.faults.push(Fault { id: "the supply blinks".to_owned(), ..blink() });
        }
        if self.last {
            let last = taa_dcu::config::BootRelay::Last;
            s.run.architectures.iter_mut().for_each(|(_, traits)| traits.boot_relay = last);
        }
        Ok(())
    }
}

/// In the order of [`V`].
const TABLE: [(V, &str, Story); 26] = {
    use Story as S;
    [
        (V::Calm, "cloud_sync", S::CALM),
        (V::Blackout, "cloud_sync", S::BLACKOUT),
        (V::CalmChurnLow, "cloud_sync", S::CALM.impatient()),
        (V::BlackoutChurnLow, "cloud_sync", S::BLACKOUT.impatient()),
        (V::CalmChurnHigh, "cloud_sync", S::CALM.patient()),
        (V::BlackoutChurnHigh, "cloud_sync", S::BLACKOUT.patient()),
        (V::CalmMeasured, "cloud_sync", S { use_factor: MEASURED, ..S::CALM }),
        (V::BlackoutMeasured, "cloud_sync", S { use_factor: MEASURED, ..S::BLACKOUT }),
        (V::CalmDouble, "cloud_sync", S { use_factor: 2.0, ..S::CALM }),
        (V::BlackoutDouble, "cloud_sync", S { use_factor: 2.0, ..S::BLACKOUT }),
        (V::Cascade, "cloud_sync", S::CASCADE),
        (V::CascadeChurnLow, "cloud_sync", S::CASCADE.impatient()),
        (V::CascadeChurnHigh, "cloud_sync", S::CASCADE.patient()),
        (V::CascadeCached, "cloud_cached", S::CASCADE),
        (V::CalmEdge, "edge_local", S::CALM),
        (V::CascadeEdge, "edge_local", S::CASCADE),
        (V::CascadeStill, "cloud_sync", S::STILL),
        (V::CascadeLast, "cloud_sync", S { last: true, ..S::CASCADE }),
        (V::CascadeEdgeStill, "edge_local", S::STILL),
        (V::CascadeKeypadStill, "sts_keypad", S::STILL),
        (V::CalmKeypad, "sts_keypad", S::CALM),
        (V::CascadeKeypad, "sts_keypad", S::CASCADE),
        (V::CalmKeypadChurnLow, "sts_keypad", S::CALM.impatient()),
        (V::CascadeKeypadChurnLow, "sts_keypad", S::CASCADE.impatient()),
        (V::CalmKeypadChurnHigh, "sts_keypad", S::CALM.patient()),
        (V::CascadeKeypadChurnHigh, "sts_keypad", S::CASCADE.patient()),
    ]
};

pub(super) fn variants(bench: &Bench<'_>) -> Result<Vec<Variant>, StudyError> {
    let told = TABLE.iter().map(|(which, arch, story)| {
        Ok(Variant::new(format!("{which:?} under {arch}"), bench.with(arch, DAYS, |s| story.tell(s))?))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_names() {
        for (i, (which, _, _)) in TABLE.iter().enumerate() {
            assert_eq!(*which as usize, i, "{which:?}");
        }
    }
}
