//! What many runs of the sample village might have found: plausible numbers, every kind of row.

use std::collections::BTreeMap;

use taa_studies::study::{Ablation, AblationRow, Estimate, Remedy, Sensitivity, SensitivityRow, Spread, Study};

use super::draw;

/// An estimate over twelve draws.
pub(crate) fn about(mean: f64, half_width: f64) -> Estimate {
    Estimate {
        n: 12,
        mean,
        low: mean - half_width,
        high: mean + half_width,
        p10: mean - 1.6 * half_width,
        p50: mean * 0.97,
        p90: mean + 1.9 * half_width,
    }
}

fn remedy(id: &str, words: &str, price_usd: f64, monthly_usd: f64, saved: (f64, f64), payback: Option<f64>) -> Remedy {
    Remedy {
        id: id.to_owned(),
        words: words.to_owned(),
        on: "cloud_sync".to_owned(),
        price_usd,
        monthly_usd,
        price_source: "assumed".to_owned(),
        saved_h_per_year: about(saved.0, saved.1),
        saved_cost_per_year: about(saved.0 * 21_000.0, saved.1 * 21_000.0),
        saved_dark_cost_per_year: about(saved.0 * 18_000.0, saved.1 * 18_000.0),
        payback_months: payback,
        certainty: "Sure: the interval leaves out zero.".to_owned(),
        lives_years: 5.0,
    }
}

fn trait_row(name: &str, from: &str, to: &str, alone: (f64, f64), missed: (f64, f64)) -> AblationRow {
    AblationRow {
        name: name.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        alone_h_per_year: about(alone.0, alone.1),
        missed_h_per_year: about(missed.0, missed.1),
        alone_cost_per_year: about(alone.0 * 19_000.0, alone.1.abs() * 19_000.0),
    }
}

fn assumption(key: &str, words: &str, values: [f64; 3], low: (f64, f64), high: (f64, f64)) -> SensitivityRow {
    SensitivityRow {
        key: key.to_owned(),
        words: words.to_owned(),
        status: "assumed".to_owned(),
        values,
        at_low: about(low.0, low.1),
        at_high: about(high.0, high.1),
        flips: low.0 * high.0 < 0.0,
        why: "from a guess to twice that guess".to_owned(),
    }
}

fn spread(index: u64, name: &str, downtime_h: f64) -> Spread {
    let kpis = [
        ("downtime_h", about(downtime_h, downtime_h * 0.22)),
        ("paid_service_availability", about(0.97 + 0.02 * index as f64, 0.004)),
        ("longest_outage_h", about(58.0 - 9.0 * index as f64, 14.0)),
        ("cost_of_downtime", about(2_400_000.0 - 900_000.0 * index as f64, 410_000.0)),
        ("downtime_h_by_cause.tower_power", about(900.0, 300.0)),
    ];
    let day = |d: u64, base: f64, width: f64| {
        let wave = base * (0.6 + 0.8 * draw(d * 3 + index));
        [(wave - width).max(0.0), wave, (wave + 2.0 * width).min(1.0)]
    };
    Spread {
        architecture: name.to_owned(),
        kpis: kpis.into_iter().map(|(key, estimate)| (key.to_owned(), estimate)).collect::<BTreeMap<_, _>>(),
        lost_share_by_day: (0..90).map(|d| day(d, 0.05 - 0.025 * index as f64, 0.02)).collect(),
        soc_by_day: (0..90).map(|d| day(d + 500, 0.42, 0.12)).collect(),
    }
}

/// The study.
pub(crate) fn study() -> Study {
    Study {
        draws: 12,
        days: 90,
        spreads: vec![spread(0, "cloud_sync", 14_000.0), spread(1, "edge_local", 5_200.0)],
        ablation: Some(Ablation {
            from: "cloud_sync".to_owned(),
            to: "edge_local".to_owned(),
            rows: vec![
                trait_row("credit_at", "cloud", "dcu", (-140.0, 38.0), (96.0, 30.0)),
                trait_row("boot_relay", "open", "last", (-31.0, 12.0), (4.0, 9.0)),
                trait_row("backhaul", "single_sim", "dual_sim", (-52.0, 26.0), (11.0, 14.0)),
                trait_row("local_vending", "no", "yes", (-3.0, 9.0), (22.0, 10.0)),
                trait_row("on_link_loss", "hold", "open", (6.0, 4.0), (-1.0, 3.0)),
            ],
        }),
        remedies: vec![
            remedy(
                "edge_dcu",
                "a data concentrator that keeps the balances at the site",
                250.0,
                0.0,
                (155.0, 41.0),
                Some(1.4),
            ),
            remedy("dual_sim", "a second SIM of the other operator", 60.0, 5.0, (52.0, 26.0), Some(0.8)),
            remedy("agent", "credit sold in the village by an agent", 180.0, 30.0, (34.0, 15.0), Some(9.0)),
            remedy("spare_inverter", "a spare inverter on site", 1900.0, 0.0, (12.0, 16.0), Some(67.0)),
            remedy("battery", "a quarter more battery", 5400.0, 0.0, (9.0, 4.0), None),
            remedy("relays", "two radio relays on poles", 240.0, 0.0, (-1.0, 3.0), None),
        ],
        remedies_basis: "Tried in 12 draws of 90 days each.".to_owned(),
        sensitivity: Some(Sensitivity {
            base: about(1_500_000.0, 420_000.0),
            rows: vec![
                assumption(
                    "people.churn_mean_h",
                    "hours of paid darkness until a customer leaves",
                    [60.0, 200.0, 900.0],
                    (3_900_000.0, 700_000.0),
                    (420_000.0, 160_000.0),
                ),
                assumption(
                    "assets.flash_wear_per_year",
                    "how often the site's flash memory fails",
                    [0.01, 0.05, 0.5],
                    (1_650_000.0, 300_000.0),
                    (-310_000.0, 260_000.0),
                ),
                assumption(
                    "comms.tower_battery_h",
                    "hours that the tower's battery lasts",
                    [2.0, 6.0, 24.0],
                    (2_300_000.0, 500_000.0),
                    (800_000.0, 280_000.0),
                ),
            ],
        }),
    }
}
