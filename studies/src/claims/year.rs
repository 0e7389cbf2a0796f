//! Claims about an ordinary year: what goes dark, why, for how long, how often the outside fails.

use super::{Bench, Claim, Driver, Figure, NOTE, Range, Verdict, circular, judge, measure as m, unsettled};
use crate::{
    engine::{COST_PER_YEAR, Outcomes, StudyError, Variant, Window, run},
    knob,
    stats::{paired, scaled, share},
    study::Estimate,
};
use taa_scenarios::model::Scenario;

/// How often a line fails one: of itself, and by its breaker.
const LINES: [&str; 2] = ["assets.feeder_failures_per_year", "assets.breaker_trips_per_year"];
/// Factors on these rates and their words.
const LINE_ENDS: [(f64, &str); 2] = [(0.2, "a fifth as often"), (5.0, "five times as often")];
/// First of the two variants of cloud_sync with repair near and far.
const REPAIR: usize = 6;
/// The variant of cloud_sync with a worn plant.
const WORN: usize = 8;
const CLOUD: usize = 0;
const EDGE: usize = 1;
/// Beyond anything that could come out.
const NO_BOUND: f64 = 1e12;

/// The claims, and how many years were drawn.
pub(super) fn claims(bench: &Bench<'_>) -> Result<(Vec<Claim>, u32), StudyError> {
    let days = bench.effort.year_days.min(bench.place.scenario.run.days);
    let mut variants = Vec::new();
    for factor in [None, Some(LINE_ENDS[0].0), Some(LINE_ENDS[1].0)] {
        for name in ["cloud_sync", "edge_local"] {
            let scenario = bench.with(name, days, |s| match factor {
                Some(factor) => lines(s, factor),
                None => Ok(()),
            })?;
            variants.push(Variant::new(format!("{name}, lines {factor:?}"), scenario));
        }
    }
    variants.push(Variant::new("repair near", bench.with("cloud_sync", days, |s| repair(s, 0.9, 0.7, 30.0, 3.0))?));
    variants.push(Variant::new("repair far", bench.with("cloud_sync", days, |s| repair(s, 0.1, 0.0, 300.0, 20.0))?));
    variants.push(Variant::new("worn plant", bench.with("cloud_sync", days, worn)?));
    let watch = |all: &Outcomes| unsettled(&Year { bench, all, days }.claims());
    let all = run(bench.place, &variants, Window::whole(days), &bench.effort.years, &m::figures, &watch, bench.lent)?;
    Ok((Year { bench, all: &all, days }.claims(), all.draws))
}

/// An old battery, and panels that give what a plant in Ethiopia was measured to give of its estimate.
#[expect(clippy::unnecessary_wraps, reason = "a change of a scenario, as the others")]
fn worn(scenario: &mut Scenario) -> Result<(), StudyError> {
    scenario.power.battery.capacity_kwh *= 0.6;
    scenario.power.pv.kwp *= 0.534;
    Ok(())
}

fn lines(scenario: &mut Scenario, factor: f64) -> Result<(), StudyError> {
    for key in LINES {
        let rate = knob::read(scenario, key)?;
        knob::turn(scenario, key, rate * factor)?;
    }
    Ok(())
}

/// Small and large parts on site, probability; the road; the wait for a part that is ordered.
fn repair(scenario: &mut Scenario, small: f64, large: f64, road_km: f64, order_days: f64) -> Result<(), StudyError> {
    knob::turn(scenario, "assets.repair.small_part_on_site", small)?;
    knob::turn(scenario, "assets.repair.large_part_on_site", large)?;
    knob::turn(scenario, "assets.repair.road_km", road_km)?;
    Ok(knob::turn(scenario, "assets.repair.order_mean_days", order_days)?)
}

struct Year<'a> {
    bench: &'a Bench<'a>,
    all: &'a Outcomes,
    days: u32,
}

impl Year<'_> {
    fn claims(&self) -> Vec<Claim> {
        vec![
            self.thesis(),
            self.not_panels(),
            self.tower(),
            self.tower_length(),
            self.internet(),
            self.provider(),
            self.repair(),
            self.three_nines(),
            self.licence(),
        ]
    }

    fn of(&self, variant: usize, figure: &str) -> Estimate {
        self.all.estimate(variant, 0, figure)
    }

    /// How often lines fail, in words with the village's rates.
    fn line_rates(&self) -> String {
        let assets = &self.bench.place.scenario.assets;
        format!(
            "how often a feeder breaks ({} a year) and its breaker trips ({} a year), both assumed: no record of a \
             mini-grid's lines was found",
            assets.feeder_failures_per_year, assets.breaker_trips_per_year
        )
    }

    /// The figure at both ends of the lines' failure rates, under this architecture.
    fn by_lines(&self, arch: usize, figure: &str) -> Driver {
        let ends = LINE_ENDS.iter().enumerate();
        Driver {
            words: self.line_rates(),
            moved: ends.map(|(i, end)| (end.1.to_owned(), self.of(2 + 2 * i + arch, figure))).collect(),
        }
    }

    /// Share of the customer-hours in long darknesses.
    fn long_share(&self, variant: usize, figure: &str) -> Estimate {
        share(&self.all.values(variant, 0, figure), &self.all.values(variant, 0, m::LONG_H))
    }

    /// Such a share under cloud_sync as lines fail less and more often, and with a worn plant.
    fn by_lines_and_plant(&self, figure: &str) -> Driver {
        let mut driver = self.by_lines(CLOUD, figure);
        for (i, (_, moved)) in driver.moved.iter_mut().enumerate() {
            *moved = self.long_share(2 + 2 * i + CLOUD, figure);
        }
        driver.words.push_str(
            "; and on how well the plant is: a battery has no ageing in this model, so a worn one is put in (60 % of its \
             capacity, and panels that give 53 % of their estimate, as measured at a 375 kWp plant in Ethiopia)",
        );
        driver.moved.push(("a worn plant".to_owned(), self.long_share(WORN, figure)));
        driver
    }

    fn thesis(&self) -> Claim {
        let figure = self.long_share(CLOUD, m::LONG_CONTROL);
        let driver = self.by_lines_and_plant(m::LONG_CONTROL);
        let stated = Range::new(0.5, 1.0, "more than half (our reading of \"primary\")");
        Claim {
            id: "control_is_the_driver",
            document: NOTE,
            quote: "the primary driver of extended mini-grid downtime is failure in the cyber-physical control and billing \
                    layers",
            tested: format!("{} days under cloud_sync with all hazards on", self.days),
            verdict: judge(&figure, &stated, &driver.moved, "how often lines break, and how worn the plant is"),
            figure: Figure {
                words: "share of customer-hours in darknesses of four days and more whose root is control, \
                        communication or billing"
                    .to_owned(),
                unit: "share",
                value: figure,
            },
            stated,
            driver,
            would_hold: "A few long darknesses decide it: a year has none or a handful, an inverter that waits for its part \
                         outweighs all else in the year that it fails, and a village whose mesh or relays keep people out does \
                         in another. Years enough to settle it would take hours of simulation."
                .to_owned(),
            arithmetic: None,
            beside: vec![
                Figure {
                    words: "rooted in feeders, breakers and meters".to_owned(),
                    unit: "share",
                    value: self.long_share(CLOUD, m::LONG_GRID),
                },
                Figure {
                    words: "rooted in panels, battery or inverter".to_owned(),
                    unit: "share",
                    value: self.long_share(CLOUD, m::LONG_GENERATION),
                },
                Figure {
                    words: "customer-hours in such darknesses".to_owned(),
                    unit: "h",
                    value: self.of(CLOUD, m::LONG_H),
                },
            ],
        }
    }

    fn not_panels(&self) -> Claim {
        let figure = self.long_share(CLOUD, m::LONG_PANELS);
        let driver = self.by_lines_and_plant(m::LONG_PANELS);
        let stated = Range::new(0.0, 0.1, "a tenth at most (our reading of \"rarely\")");
        Claim {
            id: "not_panels_not_batteries",
            document: NOTE,
            quote: "it is rarely a catastrophic component failure … not by failing panels or batteries",
            tested: format!("{} days under cloud_sync with all hazards on", self.days),
            verdict: judge(&figure, &stated, &driver.moved, "how the plant is sized and how often the rest breaks"),
            figure: Figure {
                words: "share of customer-hours in darknesses of four days and more rooted in panels or battery, want of \
                        sun included"
                    .to_owned(),
                unit: "share",
                value: figure,
            },
            stated,
            driver,
            would_hold: "That panels and batteries seldom start a long darkness does not make billing start it: see the \
                         claim before this one. In an undersized village, or with an old battery, it would be otherwise."
                .to_owned(),
            arithmetic: None,
            beside: Vec::new(),
        }
    }

    fn tower(&self) -> Claim {
        let figure = self.of(CLOUD, m::TOWER_MONTHS);
        Claim {
            id: "tower_30_40",
            document: NOTE,
            quote: "30–40% of SSA rural BTS sites experience at least one unplanned outage per month",
            tested: format!("the village's tower over {} days a draw", self.days),
            verdict: circular(),
            figure: Figure {
                words: "share of months in which the tower went down at least once".to_owned(),
                unit: "share",
                value: figure,
            },
            stated: Range::new(0.3, 0.4, "30–40 %"),
            driver: Driver {
                words: "the claim itself: the model is calibrated to 0.35 (no primary source was found). This \
                        shows that the process gives what it is set to, not that the figure is true"
                    .to_owned(),
                moved: Vec::new(),
            },
            would_hold: "An outside measurement of rural towers would be needed to say more.".to_owned(),
            arithmetic: None,
            beside: vec![Figure {
                words: "tower down".to_owned(),
                unit: "h a month",
                value: self.of(CLOUD, m::TOWER_H_MONTH),
            }],
        }
    }

    fn tower_length(&self) -> Claim {
        let figure = self.of(CLOUD, m::TOWER_P95_H);
        let stated = Range::new(2.0, 72.0, "2–72 h");
        Claim {
            id: "tower_2_72_h",
            document: NOTE,
            quote: "MNO BTS Outage … Typical Duration 2–72 hours",
            tested: format!("the village's tower over {} days a draw", self.days),
            verdict: circular(),
            figure: Figure {
                words: "95 % of a year's tower outages are shorter than".to_owned(),
                unit: "h",
                value: figure,
            },
            stated,
            driver: Driver {
                words: "the claim itself: the model's bounds are taken from it (assumed)".to_owned(),
                moved: Vec::new(),
            },
            would_hold:
                "Within a year there are only a handful of outages; the longest of them is what a village feels."
                    .to_owned(),
            arithmetic: None,
            beside: vec![Figure {
                words: "5 % are shorter than".to_owned(),
                unit: "h",
                value: self.of(CLOUD, m::TOWER_P05_H),
            }],
        }
    }

    fn internet(&self) -> Claim {
        let figure = self.of(CLOUD, m::LINK_A_MONTH);
        let stated = Range::new(7.3, 9.3, "8.3, give or take one a month (our margin)");
        Claim {
            id: "internet_8_3",
            document: NOTE,
            quote: "rural sites in SSA experience an average of 8.3 internet outages per month",
            tested: format!("the single-SIM link of cloud_sync over {} days a draw, all causes together", self.days),
            verdict: circular(),
            figure: Figure { words: "losses of the link".to_owned(), unit: "a month", value: figure },
            stated,
            driver: Driver {
                words: "the claim itself: bearer drops are set to 8.3 a month (assumed), and tower, router and the \
                        site's own supply come on top"
                    .to_owned(),
                moved: Vec::new(),
            },
            would_hold:
                "The figure was found nowhere but in the document; it does not say whether tower outages are in it."
                    .to_owned(),
            arithmetic: None,
            beside: vec![Figure {
                words: "link down".to_owned(),
                unit: "h a month",
                value: self.of(CLOUD, m::LINK_H_MONTH),
            }],
        }
    }

    fn provider(&self) -> Claim {
        let figure = self.of(CLOUD, m::PROVIDER_A_YEAR);
        let stated = Range::new(12.0, 16.0, "14, give or take two a year (our margin)");
        Claim {
            id: "api_14",
            document: NOTE,
            quote: "M-Pesa experienced 14 significant API outages in a single calendar year",
            tested: format!("the provider over {} days a draw", self.days),
            verdict: circular(),
            figure: Figure { words: "outages of the provider".to_owned(), unit: "a year", value: figure },
            stated,
            driver: Driver {
                words: "the claim itself: the rate is set to 14 a year (assumed); lengths are those of four reported \
                        incidents (34 to 720 minutes)"
                    .to_owned(),
                moved: Vec::new(),
            },
            would_hold: "What matters is what they cost: see the hours beside.".to_owned(),
            arithmetic: None,
            beside: [(CLOUD, "lost to them under cloud_sync"), (EDGE, "lost to them under edge_local")]
                .into_iter()
                .map(|(arch, words)| Figure {
                    words: words.to_owned(),
                    unit: "h per customer and year",
                    value: self.of(arch, m::PROVIDER_LOST_H),
                })
                .collect(),
        }
    }

    fn repair(&self) -> Claim {
        let figure = self.of(CLOUD, m::REPAIR_DAYS);
        let moved = vec![
            ("most parts on site, 30 km, 3 days for an ordered part".to_owned(), self.of(REPAIR, m::REPAIR_DAYS)),
            ("few parts on site, 300 km, 20 days".to_owned(), self.of(REPAIR + 1, m::REPAIR_DAYS)),
        ];
        let stated = Range::new(4.0, NO_BOUND, "four days or more");
        let beside =
            |words: &str, unit, figure| Figure { words: words.to_owned(), unit, value: self.of(CLOUD, figure) };
        Claim {
            id: "mttr_four_days",
            document: NOTE,
            quote: "Physical travel and diagnosis routinely drag MTTR to four or more days",
            tested: format!("every repair of {} days under cloud_sync for which a crew travelled", self.days),
            verdict: judge(&figure, &stated, &moved, "parts on site, distance, waiting for ordered parts (all assumed)"),
            figure: Figure { words: "mean time from failure to mended".to_owned(), unit: "days", value: figure },
            stated,
            driver: Driver {
                words: "parts on site, the road, waiting for ordered parts; all steps of a repair are assumed \
                        (docs/repair.md)"
                    .to_owned(),
                moved,
            },
            would_hold: "Time goes into parts that are not in stock and into the crew's calendar, more than into travel and \
                         diagnosis, which the document names. An Indian study of twelve operators saw outages of up to 15 \
                         days, the longest for want of people or spares."
                .to_owned(),
            arithmetic: None,
            beside: vec![
                beside("of these repairs, four days or longer", "share", m::REPAIR_LONG),
                beside("mean over all failures, resets from afar and by the caretaker included", "days", m::MENDED_DAYS),
            ],
        }
    }

    fn three_nines(&self) -> Claim {
        let figure = self.of(EDGE, m::THREE_NINES);
        let driver = self.by_lines(EDGE, m::THREE_NINES);
        let stated = Range::new(0.5, 1.0, "99.9 % or better, in most years (our reading)");
        let rate = self.bench.place.scenario.assets.feeder_failures_per_year;
        Claim {
            id: "three_nines",
            document: NOTE,
            quote: "Architectural Recommendations for 99.9% Uptime",
            tested: format!("{} days under edge_local", self.days),
            verdict: judge(&figure, &stated, &driver.moved, "how often lines and meters break"),
            figure: Figure {
                words: "share of years in which paid service was there for 99.9 % of the time, edge_local".to_owned(),
                unit: "share",
                value: figure,
            },
            stated,
            driver,
            would_hold: "99.9 % are 8.8 hours a year. One feeder out for four days spends that for eleven years, and no \
                         architecture of the billing mends a line or an inverter. 98 % is what operators report of rural \
                         mini-grids."
                .to_owned(),
            arithmetic: Some(format!(
                "A line that fails {rate} times a year and is dark for four days takes {:.0} h a year from everybody on it, \
                 {:.2} % of the year, before anything else.",
                rate * 96.0,
                100.0 * rate * 96.0 / 8760.0
            )),
            beside: vec![
                Figure {
                    words: "mean availability of paid service, edge_local".to_owned(),
                    unit: "share",
                    value: self.of(EDGE, "paid_service_availability"),
                },
                Figure {
                    words: "the same, cloud_sync".to_owned(),
                    unit: "share",
                    value: self.of(CLOUD, "paid_service_availability"),
                },
                Figure {
                    words: "payments credited within five minutes, edge_local".to_owned(),
                    unit: "share",
                    value: self.of(EDGE, "billing_availability"),
                },
            ],
        }
    }

    fn licence(&self) -> Claim {
        let bench = self.bench;
        let per_meter_month = bench.usd() / bench.customers() / 12.0;
        let saved = |cloud: usize, edge: usize| {
            let difference =
                paired(&self.all.values(edge, 0, COST_PER_YEAR), &self.all.values(cloud, 0, COST_PER_YEAR));
            scaled(difference, per_meter_month)
        };
        let figure = saved(CLOUD, EDGE);
        let moved: Vec<(String, Estimate)> =
            LINE_ENDS.iter().enumerate().map(|(i, end)| (end.1.to_owned(), saved(2 + 2 * i, 3 + 2 * i))).collect();
        let revenue = scaled(self.of(CLOUD, m::REVENUE_A_MONTH), bench.usd());
        let stated = Range::new(3.0, NO_BOUND, "at least the lower fee, 3 dollars");
        let price = bench.price_usd();
        Claim {
            id: "licence_3_8",
            document: NOTE,
            quote: "vendor lock-in … costs SSA developers $3–8 per meter per month in captive cloud licensing",
            tested: format!(
                "the fee is a contract, not a process: set beside it is what the village saves in cost of downtime by \
                 leaving the cloud, over {} days",
                self.days
            ),
            verdict: Verdict::DependsOn("a vendor's contract, which no simulation knows".to_owned()),
            figure: Figure {
                words: "saved cost of downtime, cloud_sync to edge_local".to_owned(),
                unit: "USD per meter and month",
                value: figure,
            },
            stated,
            driver: Driver { words: self.line_rates(), moved },
            would_hold: format!(
                "Where such a fee is really charged, being rid of it is worth {} what being rid of the downtime is. At {:.2} \
                 dollars of revenue a meter and month, a fee of 3 to 8 dollars would take {:.0} to {:.0} % of it.",
                if figure.mean > 0.0 {
                    format!("{:.0} to {:.0} times", 3.0 / figure.mean, 8.0 / figure.mean)
                } else {
                    "more than".to_owned()
                },
                revenue.mean,
                300.0 / revenue.mean.max(0.01),
                800.0 / revenue.mean.max(0.01)
            ),
            arithmetic: Some(format!(
                "At the measured 0.21–0.36 kWh a day and {price:.2} dollars, a connection brings {:.1}–{:.1} dollars a month.",
                0.21 * 30.4 * price,
                0.36 * 30.4 * price
            )),
            beside: vec![Figure { words: "revenue".to_owned(), unit: "USD per meter and month", value: revenue }],
        }
    }
}
