//! What each trait costs or buys this village.
//!
//! Between the first architecture and the last, every trait that differs is changed alone on the first, and set back on
//! the last. The two need not agree: a second SIM buys much where the balance lives in the cloud and little beside a
//! local one. Traits are those that [`Traits`] has, by their names: one that is added there is ablated here.
//!
//! A trait in which the two agree, and a dish in place of their SIMs, is changed on the first alone ([`BESIDE`]): what
//! neither of them has may still be what this village needs. Setting it back on the last changes nothing.

use serde_json::Value;
use taa_dcu::config::Traits;
use taa_scenarios::model::Scenario;

use crate::{
    engine::{COST_PER_YEAR, LOST_H_PER_YEAR, Outcomes, Variant},
    place::under,
    stats::paired,
    study::{Ablation, AblationRow},
};

/// Values looked at where neither architecture has them.
const BESIDE: [(&str, &str); 11] = [
    ("credit_at", "\"dcu\""),
    ("on_link_loss", "\"hold\""),
    ("on_link_loss", "\"open\""),
    ("boot_relay", "\"last\""),
    ("boot_relay", "\"open\""),
    ("keypad", "true"),
    ("keypad", "false"),
    ("backhaul", "\"dual_sim\""),
    ("backhaul", "\"vsat\""),
    ("local_vending", "true"),
    ("local_vending", "false"),
];

/// One trait that differs, or one worth a look beside those.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name as in `--trait`.
    pub name: String,
    /// Value in the first architecture.
    pub from: String,
    /// Value in the last.
    pub to: String,
    /// The first architecture with this trait of the last.
    pub alone: Traits,
    /// The last architecture with this trait of the first; nothing where both agree.
    pub without: Option<Traits>,
}

/// The traits in which two architectures differ, then what neither has; nothing where they are one and the same.
#[must_use]
pub fn differences(from: Traits, to: Traits) -> Vec<Difference> {
    let tree = |traits: Traits| serde_json::to_value(traits).unwrap_or(Value::Null);
    let (a, b) = (tree(from), tree(to));
    let (Some(mine), Some(theirs)) = (a.as_object(), b.as_object()) else { return Vec::new() };
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let with = |tree: &Value, name: &str, value: &Value| {
        let mut tree = tree.clone();
        *tree.get_mut(name)? = value.clone();
        serde_json::from_value(tree).ok()
    };
    if from == to {
        return Vec::new();
    }
    let differ = mine.iter().filter_map(|(name, value)| {
        let other = theirs.get(name).filter(|other| *other != value)?;
        Some(Difference {
            name: name.clone(),
            from: word(value),
            to: word(other),
            alone: with(&a, name, other)?,
            without: Some(with(&b, name, value)?),
        })
    });
    let beside = BESIDE.iter().filter_map(|&(name, value)| {
        let value: Value = serde_json::from_str(value).ok()?;
        let own = mine.get(name).filter(|own| **own != value)?;
        theirs.get(name).filter(|other| **other != value)?;
        Some(Difference {
            name: name.to_owned(),
            from: word(own),
            to: word(&value),
            alone: with(&a, name, &value)?,
            without: None,
        })
    });
    differ.chain(beside).collect()
}

/// The variants of an ablation: for each difference `alone`, then `without` where there is one.
pub(crate) fn variants(scenario: &Scenario, found: &[Difference]) -> Vec<Variant> {
    found
        .iter()
        .flat_map(|d| {
            [("alone", Some(d.alone)), ("without", d.without)].into_iter().filter_map(|(how, traits)| {
                let name = format!("{}={} {how}", d.name, d.to);
                Some(Variant::new(name.clone(), under(scenario, &name, traits?)))
            })
        })
        .collect()
}

/// The table, from outcomes whose variant `base` holds all architectures and whose variants from `first` on are those of
/// [`variants`].
pub(crate) fn table(
    scenario: &Scenario,
    found: &[Difference],
    outcomes: &Outcomes,
    base: usize,
    first: usize,
) -> Option<Ablation> {
    let names: Vec<&String> = scenario.run.architectures.iter().map(|(name, _)| name).collect();
    let (from, to) = (names.first()?, names.last()?);
    let last = names.len() - 1;
    let mut next = first;
    let rows = found
        .iter()
        .map(|d| {
            let (alone, without) = (next, d.without.map(|_| next + 1));
            next += if without.is_some() { 2 } else { 1 };
            let change = |arch: usize, variant: usize, figure: &str| {
                paired(&outcomes.values(base, arch, figure), &outcomes.values(variant, 0, figure))
            };
            let kept = outcomes.values(base, last, LOST_H_PER_YEAR);
            let missed = without.map_or_else(|| paired(&kept, &kept), |variant| change(last, variant, LOST_H_PER_YEAR));
            AblationRow {
                name: d.name.clone(),
                from: d.from.clone(),
                to: d.to.clone(),
                alone_h_per_year: change(0, alone, LOST_H_PER_YEAR),
                missed_h_per_year: missed,
                alone_cost_per_year: change(0, alone, COST_PER_YEAR),
            }
        })
        .collect();
    Some(Ablation { from: (*from).clone(), to: (*to).clone(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::village;
    use taa_dcu::config::{Backhaul, CreditAt};

    #[test]
    fn differences_are_found_by_name_and_lead_all_the_way() {
        let (from, to) = (Traits::bundle("cloud_sync").unwrap(), Traits::bundle("edge_local").unwrap());
        let found = differences(from, to);
        let names: Vec<&str> = found.iter().filter(|d| d.without.is_some()).map(|d| d.name.as_str()).collect();
        for name in ["credit_at", "boot_relay", "backhaul", "local_vending"] {
            assert!(names.contains(&name), "{name} of {names:?}");
        }
        let sim = found.iter().find(|d| d.name == "backhaul").unwrap();
        assert_eq!((sim.from.as_str(), sim.to.as_str()), ("single_sim", "dual_sim"));
        assert_eq!(sim.alone, Traits { backhaul: Backhaul::DualSim, ..from });
        assert_eq!(sim.without, Some(Traits { backhaul: Backhaul::SingleSim, ..to }));
        let credit = found.iter().find(|d| d.name == "credit_at").unwrap();
        assert_eq!(credit.alone, Traits { credit_at: CreditAt::Dcu, ..from });
        assert!(differences(to, to).is_empty());
    }

    #[test]
    fn what_neither_has_is_looked_at_too_so_that_every_trait_appears() {
        let (from, to) = (Traits::bundle("cloud_sync").unwrap(), Traits::bundle("edge_local").unwrap());
        let found = differences(from, to);
        let beside: Vec<(&str, &str)> =
            found.iter().filter(|d| d.without.is_none()).map(|d| (d.name.as_str(), d.to.as_str())).collect();
        assert_eq!(beside, [("on_link_loss", "open"), ("keypad", "true"), ("backhaul", "vsat")]);
        let all = serde_json::to_value(from).unwrap();
        for name in all.as_object().unwrap().keys() {
            assert!(found.iter().any(|d| d.name == *name), "{name} does not appear");
        }
        assert!(found.iter().all(|d| d.alone != from), "every row changes something");
        // One variant each: the last architecture has nothing to be set back.
        let scenario = village(10, 1, 1);
        assert_eq!(variants(&scenario, &found).len(), 2 * (found.len() - beside.len()) + beside.len());
    }
}
