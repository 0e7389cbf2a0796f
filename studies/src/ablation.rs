//! What each trait costs or buys this village.
//!
//! Between the first architecture and the last, every trait that differs is changed alone on the first, and set back on
//! the last. The two need not agree: a second SIM buys much where the balance lives in the cloud and little beside a
//! local one. Traits are those that [`Traits`] has, by their names: one that is added there is ablated here.

use serde_json::Value;
use taa_dcu::config::Traits;
use taa_scenarios::model::Scenario;

use crate::{
    engine::{COST_PER_YEAR, LOST_H_PER_YEAR, Outcomes, Variant},
    place::under,
    stats::paired,
    study::{Ablation, AblationRow},
};

/// One trait that differs.
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
    /// The last architecture with this trait of the first.
    pub without: Traits,
}

/// The traits in which two architectures differ.
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
    mine.iter()
        .filter_map(|(name, value)| {
            let other = theirs.get(name).filter(|other| *other != value)?;
            Some(Difference {
                name: name.clone(),
                from: word(value),
                to: word(other),
                alone: with(&a, name, other)?,
                without: with(&b, name, value)?,
            })
        })
        .collect()
}

/// The variants of an ablation: for each difference `alone`, then `without`.
pub(crate) fn variants(scenario: &Scenario, found: &[Difference]) -> Vec<Variant> {
    found
        .iter()
        .flat_map(|d| {
            [("alone", d.alone), ("without", d.without)].map(|(how, traits)| {
                let name = format!("{}={} {how}", d.name, d.to);
                Variant::new(name.clone(), under(scenario, &name, traits))
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
    let rows = found
        .iter()
        .enumerate()
        .map(|(i, d)| {
            let (alone, without) = (first + 2 * i, first + 2 * i + 1);
            let change = |arch: usize, variant: usize, figure: &str| {
                paired(&outcomes.values(base, arch, figure), &outcomes.values(variant, 0, figure))
            };
            AblationRow {
                name: d.name.clone(),
                from: d.from.clone(),
                to: d.to.clone(),
                alone_h_per_year: change(0, alone, LOST_H_PER_YEAR),
                missed_h_per_year: change(last, without, LOST_H_PER_YEAR),
                alone_cost_per_year: change(0, alone, COST_PER_YEAR),
            }
        })
        .collect();
    Some(Ablation { from: (*from).clone(), to: (*to).clone(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use taa_dcu::config::{Backhaul, CreditAt};

    #[test]
    fn differences_are_found_by_name_and_lead_all_the_way() {
        let (from, to) = (Traits::bundle("cloud_sync").unwrap(), Traits::bundle("edge_local").unwrap());
        let found = differences(from, to);
        let names: Vec<&str> = found.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names.len(), found.len());
        for name in ["credit_at", "boot_relay", "backhaul", "local_vending"] {
            assert!(names.contains(&name), "{name} of {names:?}");
        }
        let sim = found.iter().find(|d| d.name == "backhaul").unwrap();
        assert_eq!((sim.from.as_str(), sim.to.as_str()), ("single_sim", "dual_sim"));
        assert_eq!(sim.alone, Traits { backhaul: Backhaul::DualSim, ..from });
        assert_eq!(sim.without, Traits { backhaul: Backhaul::SingleSim, ..to });
        let credit = found.iter().find(|d| d.name == "credit_at").unwrap();
        assert_eq!(credit.alone, Traits { credit_at: CreditAt::Dcu, ..from });
        assert!(differences(to, to).is_empty());
    }
}
