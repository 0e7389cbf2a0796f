//! The two other documents: detection that shortens outages, and a month of readings that survives a dead link.

use taa_scenarios::model::{FaultKind, FaultTarget};

use super::{AUDIT, Bench, Claim, Driver, Figure, MANUAL, Range, fault, judge, measure as m, unsettled};
use crate::{
    engine::{Outcomes, StudyError, Variant, Window, run},
    knob, remedies,
    stats::{paired, scaled},
    study::Estimate,
};

const DAYS: u32 = 34;
/// All that passes until the operator knows.
const NOTICE: [&str; 5] = [
    "assets.repair.reaction_mean_h",
    "assets.repair.meter_silence_h",
    "assets.repair.feeder_silence_h",
    "assets.repair.gap_patience_h",
    "assets.repair.caretaker_notice_mean_h",
];
const MONTH_H: u64 = 30 * 24;
/// The variant without a dead link.
const CALM: usize = 5;

pub(super) fn claims(bench: &Bench<'_>) -> Result<Vec<Claim>, StudyError> {
    let spread = |factor: f64| {
        bench.with("edge_local", DAYS, |s| {
            *s = remedies::brittle(s)?;
            for key in NOTICE {
                let hours = knob::read(s, key)?;
                knob::turn(s, key, hours * factor)?;
            }
            Ok(())
        })
    };
    let dead_link = |name: &str| {
        bench.with(name, DAYS, |s| {
            s.faults.push(fault("a month", FaultKind::BackhaulOut, FaultTarget::All, 24, MONTH_H));
            Ok(())
        })
    };
    let variants = [
        Variant::new("notice as it is", spread(1.0)?),
        Variant::new("noticed at once", spread(0.02)?),
        Variant::new("notice slow", spread(4.0)?),
        Variant::new("a month without link, edge", dead_link("edge_local")?),
        Variant::new("a month without link, cached", dead_link("cloud_cached")?),
        Variant::new("calm", bench.with("edge_local", DAYS, |_| Ok(()))?),
    ];
    let watch = |all: &Outcomes| unsettled(&[detection(all), buffer(all)]);
    let all = run(bench.place, &variants, Window::whole(DAYS), &bench.effort.spells, &m::figures, &watch, bench.lent)?;
    Ok(vec![detection(&all), buffer(&all)])
}

/// Share of SAIDI that noticing at once takes away from variant `slow`.
fn spared(all: &Outcomes, slow: usize, fast: usize) -> Estimate {
    let saidi = "saidi_h_per_year";
    let mean = all.estimate(slow, 0, saidi).mean;
    let saved = paired(&all.values(fast, 0, saidi), &all.values(slow, 0, saidi));
    if mean > 0.0 { scaled(saved, 1.0 / mean) } else { crate::stats::estimate(&[]) }
}

fn detection(all: &Outcomes) -> Claim {
    let figure = spared(all, 0, 1);
    let moved = vec![("four times as slow to notice".to_owned(), spared(all, 2, 1))];
    let stated = Range::new(0.1, 1.0, "a tenth or more (our reading of \"significantly\")");
    Claim {
        id: "detection_saidi",
        document: MANUAL,
        quote: "Success in this domain significantly reduces the System Average Interruption Duration Index (SAIDI)",
        tested: format!(
            "{DAYS} days under edge_local where everything breaks {} times as often; the operator knows at once, or after \
             hours as assumed",
            remedies::RARE_FACTOR
        ),
        verdict: judge(&figure, &stated, &moved, "how long an outage goes unnoticed without it"),
        figure: Figure { words: "share of SAIDI that knowing at once takes away".to_owned(), unit: "share", value: figure },
        stated,
        driver: Driver { words: "how long a failure goes unnoticed: silence of meters and sites, alarms, caretaker, all scaled together (assumed)".to_owned(), moved },
        would_hold: "A village is not a city's feeder: the crew is hours away, and parts are days away. Knowing at once saves the \
                     hours of not knowing, and those are the smallest part of the delay."
            .to_owned(),
        arithmetic: None,
        beside: vec![Figure {
            words: "SAIDI of the village with frequent breakage".to_owned(),
            unit: "h a year",
            value: all.estimate(0, 0, "saidi_h_per_year"),
        }],
    }
}

fn buffer(all: &Outcomes) -> Claim {
    let lost = |variant: usize| {
        paired(&all.values(variant, 0, "telemetry_completeness"), &all.values(CALM, 0, "telemetry_completeness"))
    };
    let figure = lost(3);
    let moved = vec![("cloud_cached".to_owned(), lost(4))];
    let stated = Range::new(-1.0, 0.01, "a hundredth at most is missing");
    Claim {
        id: "buffer_30_days",
        document: AUDIT,
        quote: "It must cache up to 30 days of hourly interval readings from hundreds of meters",
        tested: "the production DCU behind a link that is dead for 30 days and back for 3".to_owned(),
        verdict: judge(&figure, &stated, &moved, "the architecture"),
        figure: Figure {
            words: "share of hourly readings missing in the cloud at the end, because of the dead link".to_owned(),
            unit: "share",
            value: figure,
        },
        stated,
        driver: Driver {
            words: "the outbox's size (500,000 readings, a setting) and that the memory outlives power cuts, which this village \
                    takes for granted"
                .to_owned(),
            moved,
        },
        would_hold: "200 meters make 144,000 hourly readings in 30 days.".to_owned(),
        arithmetic: None,
        beside: vec![Figure {
            words: "completeness without the dead link".to_owned(),
            unit: "share",
            value: all.estimate(CALM, 0, "telemetry_completeness"),
        }],
    }
}
