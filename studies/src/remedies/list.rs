//! The offers: what it is, what it costs, how it changes the scenario, and when it makes sense.
//!
//! All prices are for the hardware with its installation. Those marked assumed are round figures for East Africa in the
//! middle of the 2020s, without a source that was read; the source documents give three (edge upgrade, keypad).

use taa_dcu::config::{Backhaul, BootRelay, CreditAt, OnLinkLoss, Traits};
use taa_scenarios::model::{Place as Spot, Placement, Scenario};

use crate::{
    engine::StudyError,
    knob,
    place::Place,
    planning::{self, Wish},
};

/// How a remedy changes the scenario.
type Apply = Box<dyn Fn(&mut Scenario) -> Result<(), StudyError> + Send + Sync>;

/// Something on offer.
pub struct Offer {
    /// Stable name.
    pub id: &'static str,
    /// In words for a planner.
    pub words: String,
    /// Price at once, US dollars, for this village.
    pub price_usd: f64,
    /// Price a month, US dollars.
    pub monthly_usd: f64,
    /// Where the price is from.
    pub price_source: &'static str,
    /// How long such a thing lasts, years. Assumed.
    pub lives_years: f64,
    /// The change.
    pub apply: Apply,
}

/// So many relays are named.
const NAMED: usize = 5;
/// Links looked at for a plain run's relays: some tenths of a second.
const QUICK_WORK: u64 = 10_000_000;

const ASSUMED: &str = "assumed";
const DOCUMENTS: &str = "the source documents, unverified";

fn traits(change: impl Fn(&mut Traits) + Send + Sync + 'static) -> Apply {
    Box::new(move |scenario| {
        scenario.run.architectures.iter_mut().for_each(|(_, traits)| change(traits));
        Ok(())
    })
}

fn factors(keys: &'static [(&'static str, f64)]) -> Apply {
    Box::new(move |scenario| {
        for (key, factor) in keys {
            let value = knob::read(scenario, key)?;
            knob::turn(scenario, key, value * factor)?;
        }
        Ok(())
    })
}

/// What makes sense for the first architecture of this village.
#[must_use]
pub fn offers(place: &Place) -> Vec<Offer> {
    let Some(&(_, present)) = place.scenario.run.architectures.first() else { return Vec::new() };
    let mut all = architecture(place, present);
    all.extend(radio(place));
    all.extend(plant(&place.scenario));
    all.extend(repair(&place.scenario));
    all
}

/// Links, concentrator, relays, keypads, vending: each the first architecture with other traits, at the price of what it
/// then lacks.
fn architecture(place: &Place, present: Traits) -> Vec<Offer> {
    let mut all = Vec::new();
    let meters = place.scenario.village.customers.len();
    let economics = &place.scenario.economics;
    let local = |t: &mut Traits| {
        t.credit_at = CreditAt::Dcu;
        t.on_link_loss = OnLinkLoss::Hold;
        t.boot_relay = BootRelay::Last;
    };
    let mut offer = |id, words: &str, price_source, lives_years, change: &dyn Fn(&mut Traits)| {
        let mut changed = present;
        change(&mut changed);
        let (price_usd, monthly_usd) = economics.upgrade_usd(present, changed, meters);
        let apply: Apply = traits(move |t| *t = changed);
        all.push(Offer { id, words: words.to_owned(), price_usd, monthly_usd, price_source, lives_years, apply });
    };
    if present.backhaul == Backhaul::SingleSim {
        let words = "a router with a second SIM of the other operator";
        offer("dual_sim", words, ASSUMED, 5.0, &|t| t.backhaul = Backhaul::DualSim);
    }
    if present.backhaul != Backhaul::Vsat {
        let words = "a satellite terminal in place of the cellular router";
        offer("vsat", words, ASSUMED, 5.0, &|t| t.backhaul = Backhaul::Vsat);
    }
    if present.boot_relay == BootRelay::Open {
        let words = "relays set to keep their state over a restart, in place of waiting for an order";
        offer("boot_relay", words, ASSUMED, 10.0, &|t| t.boot_relay = BootRelay::Last);
    }
    if present.credit_at == CreditAt::Cloud {
        let words = "an edge computer at the site that keeps the balances and switches the relays itself";
        offer("edge_dcu", words, DOCUMENTS, 5.0, &local);
        let words = "the edge computer, a second SIM, and an agent who sells credit at the site, together";
        offer("edge_whole", words, ASSUMED, 5.0, &|t| {
            local(t);
            t.backhaul = if t.backhaul == Backhaul::SingleSim { Backhaul::DualSim } else { t.backhaul };
            t.local_vending = true;
        });
    }
    if !present.local_vending {
        let words = "an agent in the village with a vending terminal that works without the tower";
        offer("local_vending", words, ASSUMED, 4.0, &|t| t.local_vending = true);
    }
    if place.keypad && !present.keypad {
        let words = "keypad meters that take tokens by hand";
        offer("keypad", words, DOCUMENTS, 10.0, &|t| {
            t.keypad = true;
            t.credit_at = CreditAt::Meter;
            t.boot_relay = BootRelay::Last;
        });
    }
    all
}

/// Meters outdoors, relays.
fn radio(place: &Place) -> Vec<Offer> {
    let mut all = Vec::new();
    let village = &place.scenario.village;
    let indoor = village.customers.iter().filter(|c| c.placement == Placement::Indoor).count();
    let mut offer = |id, words: String, price_usd, apply| {
        let price_source = ASSUMED;
        all.push(Offer { id, words, price_usd, monthly_usd: 0.0, price_source, lives_years: 10.0, apply });
    };
    if indoor > 0 {
        let outside: Apply = Box::new(|scenario| {
            let all = &mut scenario.village.customers;
            all.iter_mut().filter(|c| c.placement == Placement::Indoor).for_each(|c| c.placement = Placement::Wall);
            Ok(())
        });
        let words = format!("the {indoor} indoor meters moved to the outer wall");
        offer("outdoor_meters", words, 12.0 * indoor as f64, outside);
    }
    if let Some((spots, [served, without])) = relays(&place.scenario) {
        let named: Vec<&str> = spots.iter().take(NAMED).map(|spot| spot.id.as_str()).collect();
        let more = if spots.len() > NAMED { ", …" } else { "" };
        let count = if spots.len() == 1 { "a radio relay".to_owned() } else { format!("{} radio relays", spots.len()) };
        let words = format!("{count} for {served} of {without} meters without a way ({}{more})", named.join(", "));
        let price_usd = 60.0 * spots.len() as f64;
        let apply: Apply = Box::new(move |scenario| {
            scenario.village.relays.extend(spots.iter().cloned());
            Ok(())
        });
        offer("relays", words, price_usd, apply);
    }
    all
}

/// Where the planner puts relays on poles in the world of this run, how many meters get a way by them, and how many have
/// none. A quick plan without a margin: `taa plan mesh` is for what is to be built.
fn relays(scenario: &Scenario) -> Option<(Vec<Spot>, [usize; 2])> {
    let without = |scenario: &Scenario| taa_sim::reach::unreached_meters(scenario).len();
    let before = without(scenario);
    if before == 0 {
        return None;
    }
    let quick = Wish { paths: 1, margin_db: 0.0, draws: 1, work: QUICK_WORK, ..Wish::default() };
    let planned = planning::search(scenario, &Wish { keep_root: true, poles_only: true, ..quick })?;
    let mut with_relays = scenario.clone();
    with_relays.village.relays.extend(planned.relays().cloned());
    let served = before.saturating_sub(without(&with_relays));
    (served > 0).then(|| (planned.relays().cloned().collect(), [served, before]))
}

/// Battery and panels.
fn plant(scenario: &Scenario) -> Vec<Offer> {
    let power = &scenario.power;
    let offer = |id, words: String, price_usd, lives_years, apply| Offer {
        id,
        words,
        price_usd,
        monthly_usd: 0.0,
        price_source: ASSUMED,
        lives_years,
        apply,
    };
    let battery_kwh = power.battery.capacity_kwh * 0.25;
    let kwp = power.pv.kwp * 0.25;
    vec![
        offer(
            "bigger_battery",
            format!("a quarter more battery ({battery_kwh:.0} kWh at 250 dollars each)"),
            battery_kwh * 250.0,
            10.0,
            factors(&[("power.plant.battery.capacity_kwh", 1.25)]),
        ),
        offer(
            "more_panels",
            format!("a quarter more panels ({kwp:.0} kWp at 600 dollars each)"),
            kwp * 600.0,
            20.0,
            factors(&[("power.plant.pv.kwp", 1.25)]),
        ),
    ]
}

/// Spares, repair, the concentrator's own battery.
fn repair(scenario: &Scenario) -> Vec<Offer> {
    let inverter_kw = scenario.power.inverter_kw;
    let offer = |id, words: &str, price_usd, monthly_usd, lives_years, apply| Offer {
        id,
        words: words.to_owned(),
        price_usd,
        monthly_usd,
        price_source: ASSUMED,
        lives_years,
        apply,
    };
    vec![
        offer(
            "spares_on_site",
            "a spare inverter module, breakers, meters and a router kept at the site",
            300.0 + 60.0 * inverter_kw,
            0.0,
            10.0,
            Box::new(|scenario| {
                knob::turn(scenario, "assets.repair.small_part_on_site", 0.97)?;
                Ok(knob::turn(scenario, "assets.repair.large_part_on_site", 0.97)?)
            }),
        ),
        offer(
            "watch",
            "somebody in the village paid to look at plant and street every hour and to reset a breaker",
            50.0,
            30.0,
            5.0,
            Box::new(|scenario| {
                let repair = &mut scenario.assets.repair;
                repair.caretaker = true;
                repair.caretaker_notice_mean_h = repair.caretaker_notice_mean_h.min(0.5);
                repair.caretaker_fix_mean_h = repair.caretaker_fix_mean_h.min(0.5);
                repair.caretaker_fix_share = repair.caretaker_fix_share.max(0.95);
                Ok(())
            }),
        ),
        offer(
            "repair_contract",
            "a repair contract that halves the wait until somebody notices and sets out",
            0.0,
            100.0,
            1.0,
            Box::new(|scenario| {
                for key in ["assets.repair.dispatch_median_h", "assets.repair.reaction_mean_h"] {
                    let value = knob::read(scenario, key)?;
                    knob::turn(scenario, key, value * 0.5)?;
                }
                Ok(())
            }),
        ),
        offer(
            "dcu_battery",
            "a battery that carries concentrator and router for six times as long",
            120.0,
            0.0,
            5.0,
            factors(&[("comms.dcu_holdup_h", 6.0)]),
        ),
    ]
}
