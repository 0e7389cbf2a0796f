//! Claims about a four-day outage: what it costs, who goes dark, what would have paid for itself.
//!
//! Two outages are tried. A **blackout** takes the supply from everybody for 96 hours (the inverter is off): the most
//! that four days can cost. The documents' **cascade** takes tower and link for 98 hours, and in its first hour the
//! supply for 30 minutes, so that meters restart: what the architecture decides. Without that blink, and with relays that
//! keep their state over it, it is tried as well.

use super::{
    Bench, Claim, Driver, Figure, NOTE, Range, judge, measure as m,
    stories::{CHURN_ENDS, DAYS, MEASURED, V, variants},
    unsettled,
};
use crate::{
    engine::{Outcomes, StudyError, Window, run},
    stats::{estimate, paired, scaled},
    study::Estimate,
};

const NO_BOUND: f64 = 1e12;
/// Measured consumption a connection and day, kWh, and the days of the outage.
const KWH_A_DAY: [f64; 2] = [0.21, 0.36];

const CASCADE: &str =
    "tower and link down for 98 hours under cloud_sync, the supply off for 30 minutes in the first of them";
const RESTART: &str = "whether meters restart during the outage, and what their relays do then";

pub(super) fn claims(bench: &Bench<'_>) -> Result<Vec<Claim>, StudyError> {
    let watch = |all: &Outcomes| unsettled(&Outage { bench, all }.claims());
    let window = Window::whole(DAYS);
    let all = run(bench.place, &variants(bench)?, window, &bench.effort.spells, &m::figures, &watch, bench.lent)?;
    Ok(Outage { bench, all: &all }.claims())
}

struct Outage<'a> {
    bench: &'a Bench<'a>,
    all: &'a Outcomes,
}

impl Outage<'_> {
    fn claims(&self) -> Vec<Claim> {
        vec![self.revenue(), self.churn(), self.offline(), self.disconnected(), self.upgrade(), self.keypad()]
    }

    fn values(&self, v: V, figure: &str) -> Vec<f64> {
        self.all.values(v as usize, 0, figure)
    }

    /// What the outage adds to a figure.
    fn extra(&self, with: V, without: V, figure: &str) -> Estimate {
        paired(&self.values(without, figure), &self.values(with, figure))
    }

    /// Energy not served, at the tariff, US dollars.
    fn unserved_usd(&self, with: V, without: V) -> Estimate {
        scaled(self.extra(with, without, "energy_unserved_kwh"), self.bench.price_usd())
    }

    /// Connections lost, at the price of a connection, US dollars.
    fn churn_usd(&self, with: V, without: V) -> Estimate {
        scaled(self.extra(with, without, "customers_churned"), self.bench.place.scenario.economics.connection_usd)
    }

    /// `cost_of_downtime` that the outage adds, US dollars.
    fn cost_usd(&self, with: V, without: V) -> Estimate {
        scaled(self.extra(with, without, "cost_of_downtime"), self.bench.usd())
    }

    fn revenue(&self) -> Claim {
        let price = self.bench.price_usd();
        let n = self.bench.customers();
        let figure = self.unserved_usd(V::Blackout, V::Calm);
        let moved = vec![
            (
                format!("{MEASURED} of the use, about what is measured elsewhere"),
                self.unserved_usd(V::BlackoutMeasured, V::CalmMeasured),
            ),
            ("twice the use".to_owned(), self.unserved_usd(V::BlackoutDouble, V::CalmDouble)),
        ];
        let stated = Range::new(1200.0, 2800.0, "1,200–2,800 USD");
        let a_day = self.all.estimate(V::Calm as usize, 0, m::KWH_A_DAY);
        let most = KWH_A_DAY.map(|kwh| kwh * n * 4.0 * price);
        let needed = 1200.0 / figure.mean.max(0.01);
        Claim {
            id: "four_days_revenue",
            document: NOTE,
            quote: "A single 4-day outage at a 200-connection mini-grid causes approximately $1,200–$2,800 in lost revenue",
            tested: format!(
                "no supply for anybody for 96 hours from day {}, the same {DAYS} days without",
                m::SPELL_FROM_DAY
            ),
            verdict: judge(&figure, &stated, &moved, "how much is used and at what price"),
            figure: Figure { words: "energy not served, at the tariff".to_owned(), unit: "USD", value: figure },
            stated,
            driver: Driver {
                words: "what a connection uses (the model's mean stands beside; measured 0.21–0.36 kWh a day) and the \
                        tariff (assumed); below, the measured use and twice the model's"
                    .to_owned(),
                moved,
            },
            would_hold: format!(
                "The lower end would need {needed:.1} times the use or {:.2} dollars a kilowatt-hour. And not all of it is \
                 lost: part of the use comes back when the light does.",
                needed * price
            ),
            arithmetic: Some(format!(
                "{n:.0} connections × 4 days × 0.21–0.36 kWh × {price:.2} dollars = {:.0}–{:.0} dollars.",
                most[0], most[1]
            )),
            beside: vec![Figure {
                words: "energy used without the outage".to_owned(),
                unit: "kWh per connection and day",
                value: a_day,
            }],
        }
    }

    fn churn(&self) -> Claim {
        let figure = self.churn_usd(V::Blackout, V::Calm);
        let moved = vec![
            (format!("{:.0} h", CHURN_ENDS[0]), self.churn_usd(V::BlackoutChurnLow, V::CalmChurnLow)),
            (format!("{:.0} h", CHURN_ENDS[1]), self.churn_usd(V::BlackoutChurnHigh, V::CalmChurnHigh)),
        ];
        let stated = Range::new(3000.0, 8000.0, "3,000–8,000 USD");
        let connection = self.bench.place.scenario.economics.connection_usd;
        Claim {
            id: "four_days_churn",
            document: NOTE,
            quote: "and $3,000–$8,000 in customer churn replacement cost",
            tested: "the same blackout; customers who leave, times the price of a connection".to_owned(),
            verdict: judge(&figure, &stated, &moved, "how long people bear it before they leave"),
            figure: Figure { words: "connections lost, at their price".to_owned(), unit: "USD", value: figure },
            stated,
            driver: Driver {
                words: "mean hours of paid darkness until a customer leaves: assumed 1150, the geometric middle of what the \
                        share of household-months without use in two Beninese mini-grids allows (270 to 4900)"
                    .to_owned(),
                moved,
            },
            would_hold: format!(
                "At {connection:.0} dollars a connection (published) the claim is that {:.0} to {:.0} of 200 customers leave \
                 for good after one outage. A connection that is left keeps its meter and its drop: replacing the customer \
                 costs less than a new connection.",
                libm::ceil(3000.0 / connection),
                8000.0 / connection
            ),
            arithmetic: None,
            beside: vec![Figure {
                words: "customers who leave because of it".to_owned(),
                unit: "",
                value: self.extra(V::Blackout, V::Calm, "customers_churned"),
            }],
        }
    }

    /// What drives the cascade: whether meters restart, and what a relay does then.
    fn by_restart(&self, of: impl Fn(V, V) -> Estimate) -> Driver {
        Driver {
            words: "meters that restart while the link is down: under cloud_sync a relay then stays open until the cloud \
                    orders otherwise (boot_relay = open, as the documents describe it). Latching relays keep their state, so \
                    that a dead link alone also prevents disconnection"
                .to_owned(),
            moved: vec![
                ("the supply does not blink".to_owned(), of(V::CascadeStill, V::CascadeEdgeStill)),
                ("relays keep their state over a restart".to_owned(), of(V::CascadeLast, V::CascadeEdge)),
            ],
        }
    }

    fn offline(&self) -> Claim {
        let figure = self.extra(V::Cascade, V::Calm, m::SHARE_OF_SPELL);
        let driver = self.by_restart(|cloud, _| self.extra(cloud, V::Calm, m::SHARE_OF_SPELL));
        let stated =
            Range::new(0.5, 1.0, "more than half of the village's time (our reading of \"a village goes offline\")");
        Claim {
            id: "village_offline",
            document: NOTE,
            quote: "a remote village goes offline for four or more consecutive days … a compounding failure of operational \
                    logistics combined with rigid cloud-synchronous AMI architectures",
            tested: CASCADE.to_owned(),
            verdict: judge(&figure, &stated, &driver.moved, RESTART),
            figure: Figure {
                words: "share of all customers' time lost in these four days because of the cascade".to_owned(),
                unit: "share",
                value: figure,
            },
            stated,
            driver,
            would_hold: "It takes three things together: the link down, a restart of the meters meanwhile, and relays that wait \
                         for the cloud after it. Take one away and those stay dark who were out of credit before."
                .to_owned(),
            arithmetic: None,
            beside: vec![
                Figure {
                    words: "the same under cloud_cached".to_owned(),
                    unit: "share",
                    value: self.extra(V::CascadeCached, V::Calm, m::SHARE_OF_SPELL),
                },
                Figure {
                    words: "the same under edge_local".to_owned(),
                    unit: "share",
                    value: self.extra(V::CascadeEdge, V::CalmEdge, m::SHARE_OF_SPELL),
                },
            ],
        }
    }

    fn disconnected(&self) -> Claim {
        let figure = self.extra(V::Cascade, V::Calm, m::DARK_96H_SHARE);
        let driver = self.by_restart(|cloud, _| self.extra(cloud, V::Calm, m::DARK_96H_SHARE));
        let stated = Range::new(0.05, 1.0, "one customer in twenty or more, for the whole outage (our reading)");
        Claim {
            id: "disconnected_indefinitely",
            document: NOTE,
            quote: "When a customer's prepaid balance crosses zero … during a backhaul outage, the system cannot verify \
                    balances … the meter stays disconnected indefinitely",
            tested: CASCADE.to_owned(),
            verdict: judge(&figure, &stated, &driver.moved, RESTART),
            figure: Figure {
                words: "share of customers dark for four days on end because of it".to_owned(),
                unit: "share",
                value: figure,
            },
            stated,
            driver,
            would_hold: "A balance that crosses zero behind a dead link cuts nobody off: the cloud that would order it cannot \
                         reach the relay, and the energy goes unbilled. Stuck are those cut off before, who cannot pay back \
                         in, and after a restart everybody, paid up or not."
                .to_owned(),
            arithmetic: None,
            beside: vec![
                Figure {
                    words: "customer-hours lost by the cascade".to_owned(),
                    unit: "h",
                    value: self.extra(V::Cascade, V::Calm, "downtime_h"),
                },
                Figure {
                    words: "energy used beyond the balance because of it".to_owned(),
                    unit: "kWh",
                    value: self.extra(V::Cascade, V::Calm, "energy_unbilled_kwh"),
                },
            ],
        }
    }

    /// Months until the upgrade has paid for itself with so many four-day cascades a quarter; where it saves nothing, a
    /// century.
    fn payback(&self, a_quarter: f64, cloud: V, edge: V) -> Estimate {
        let usd = self.bench.usd();
        let price = self.bench.place.scenario.economics.edge_upgrade_usd;
        let cloud = self.values(cloud, "cost_of_downtime");
        let edge = self.values(edge, "cost_of_downtime");
        let calm = (self.values(V::Calm, "cost_of_downtime"), self.values(V::CalmEdge, "cost_of_downtime"));
        let months: Vec<f64> = cloud
            .iter()
            .zip(&edge)
            .zip(calm.0.iter().zip(&calm.1))
            .map(|((c, e), (c0, e0))| ((c - c0) - (e - e0)) * usd * a_quarter / 3.0)
            .collect();
        // The payback of the mean saving, not the mean of paybacks: one draw that saves nothing would decide it.
        let saved = estimate(&months);
        let back = |a_month: f64| if a_month > 0.0 { (price / a_month).min(1200.0) } else { 1200.0 };
        Estimate {
            n: saved.n,
            mean: back(saved.mean),
            low: back(saved.high),
            high: back(saved.low),
            p10: back(saved.p90),
            p50: back(saved.p50),
            p90: back(saved.p10),
        }
    }

    fn upgrade(&self) -> Claim {
        let figure = self.payback(2.0, V::Cascade, V::CascadeEdge);
        let driver = self.by_restart(|cloud, edge| self.payback(2.0, cloud, edge));
        let stated = Range::new(0.0, 3.0, "less than three months");
        let once = self.cost_usd(V::Cascade, V::Calm);
        let edge = self.cost_usd(V::CascadeEdge, V::CalmEdge);
        let price = self.bench.place.scenario.economics.edge_upgrade_usd;
        Claim {
            id: "upgrade_three_months",
            document: NOTE,
            quote: "The full EPRI-stack DCU upgrade … costs approximately $220–$280 per site … payback period: <3 months for \
                    sites experiencing more than one four-day outage event per quarter",
            tested: "two four-day cascades a quarter; what each costs under cloud_sync and under edge_local".to_owned(),
            verdict: judge(&figure, &stated, &driver.moved, RESTART),
            figure: Figure {
                words: format!("months until {price:.0} dollars are saved (1200: never)"),
                unit: "months",
                value: figure,
            },
            stated,
            driver,
            would_hold: format!(
                "With two a quarter, each would have to save {:.0} dollars. The source gives the hardware's price for one site, \
                 220 to 280; software, travel and training are not in it.",
                price / 2.0
            ),
            arithmetic: None,
            beside: vec![
                Figure { words: "one cascade costs, cloud_sync".to_owned(), unit: "USD", value: once },
                Figure { words: "one cascade costs, edge_local".to_owned(), unit: "USD", value: edge },
                Figure {
                    words: "customer-hours it adds under edge_local".to_owned(),
                    unit: "h",
                    value: self.extra(V::CascadeEdge, V::CalmEdge, "downtime_h"),
                },
            ],
        }
    }

    /// What a cascade costs under `cloud_sync` and not with keypads, US dollars a meter.
    fn keypad_saves(&self, cloud: [V; 2], keypad: [V; 2]) -> Estimate {
        let added = |[with, without]: [V; 2]| -> Vec<f64> {
            let calm = self.values(without, "cost_of_downtime");
            self.values(with, "cost_of_downtime").iter().zip(calm).map(|(with, without)| with - without).collect()
        };
        scaled(paired(&added(keypad), &added(cloud)), self.bench.usd() / self.bench.customers())
    }

    fn keypad(&self) -> Claim {
        let per_meter = 1.0 / self.bench.customers();
        let figure = self.keypad_saves([V::Cascade, V::Calm], [V::CascadeKeypad, V::CalmKeypad]);
        let ends = [
            ([V::CascadeChurnLow, V::CalmChurnLow], [V::CascadeKeypadChurnLow, V::CalmKeypadChurnLow]),
            ([V::CascadeChurnHigh, V::CalmChurnHigh], [V::CascadeKeypadChurnHigh, V::CalmKeypadChurnHigh]),
        ];
        let moved: Vec<(String, Estimate)> = CHURN_ENDS
            .iter()
            .zip(ends)
            .map(|(hours, (cloud, keypad))| {
                (format!("{hours:.0} h until a customer leaves"), self.keypad_saves(cloud, keypad))
            })
            .chain(std::iter::once((
                "the supply does not blink".to_owned(),
                self.keypad_saves([V::CascadeStill, V::Calm], [V::CascadeKeypadStill, V::CalmKeypad]),
            )))
            .collect();
        let stated = Range::new(8.0, NO_BOUND, "at least the lower premium, 8 dollars a meter");
        let n = self.bench.customers();
        Claim {
            id: "keypad_premium",
            document: NOTE,
            quote: "a keypad STS meter may cost $8–15 more per unit, but this premium is fully recovered after a single \
                    prevented four-day outage event",
            tested: "what one four-day cascade costs under cloud_sync, less what it costs under sts_keypad".to_owned(),
            verdict: judge(&figure, &stated, &moved, "how long people bear it before they leave"),
            figure: Figure {
                words: "saved by the keypad in one cascade".to_owned(),
                unit: "USD per meter",
                value: figure,
            },
            stated,
            driver: Driver {
                words: "hours of paid darkness until a customer leaves (assumed), and whether meters restart meanwhile"
                    .to_owned(),
                moved,
            },
            would_hold: format!(
                "The premium for the village is {:.0} to {:.0} dollars. A keypad takes tokens; with the tower down it still \
                 needs somebody who sells them.",
                8.0 * n,
                15.0 * n
            ),
            arithmetic: Some(format!(
                "Even a full blackout of four days costs {:.2} dollars a meter in unserved energy.",
                self.unserved_usd(V::Blackout, V::Calm).mean * per_meter
            )),
            beside: vec![
                Figure {
                    words: "all that one cascade costs, cloud_sync: more no keypad could save".to_owned(),
                    unit: "USD per meter",
                    value: scaled(self.cost_usd(V::Cascade, V::Calm), per_meter),
                },
                Figure {
                    words: "cost of a four-day blackout, churn included".to_owned(),
                    unit: "USD per meter",
                    value: scaled(self.cost_usd(V::Blackout, V::Calm), per_meter),
                },
            ],
        }
    }
}
