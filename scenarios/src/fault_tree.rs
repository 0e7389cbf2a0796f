//! What takes whom along when it fails: inverter → feeder → phase → section → service, from the drawn grid.
//!
//! | device | name | where it is from |
//! |---|---|---|
//! | inverter | `inverter` | the one generation site |
//! | feeder, with its breaker | its id | the map |
//! | phase | `f1/L2` | the phases of the customers |
//! | section | `f1/L2/line` | the line at which it begins |
//!
//! Assumed, because a map has poles and lines and no switchgear: each feeder has one breaker; each phase of it can fail by
//! itself along all its length; each span of a phase's conductor can. Spans that take the same meters along are one
//! section (nobody could tell them apart by who is dark), named after the first; one that takes the whole phase is the
//! phase, and one that takes a single meter is its service. There is no transformer: the villages are fed at low voltage.
//! A broken pole takes all phases, and shows as one fault in each of them.

use std::collections::BTreeMap;

use taa_dcu::config::{Device, DeviceKind};

use crate::model::{LineEnd, Village};

/// Name of the device at the root.
pub const INVERTER: &str = "inverter";

/// The devices, and what feeds each customer's meter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultTree {
    /// All devices above the services.
    pub devices: Vec<Device>,
    /// By customer: the device that feeds it.
    pub parents: Vec<Option<String>>,
}

/// The spans by pole, each with who is behind it.
struct Spans<'a> {
    village: &'a Village,
    /// Line that feeds each pole.
    fed_by: Vec<Option<usize>>,
}

impl FaultTree {
    /// Reads it off the village.
    #[must_use]
    pub fn of(village: &Village) -> Self {
        let device = |id: String, kind, parent: Option<String>| Device { id, kind, parent };
        let mut devices = vec![device(INVERTER.to_owned(), DeviceKind::Inverter, None)];
        for feeder in &village.feeders {
            devices.push(device(feeder.id.clone(), DeviceKind::Feeder, Some(INVERTER.to_owned())));
        }
        let mut tree = Self { devices, parents: vec![None; village.customers.len()] };
        let mut fed_by = vec![None; village.poles.len()];
        for (number, line) in village.lines.iter().enumerate() {
            if let Some(slot) = fed_by.get_mut(line.to as usize) {
                *slot = Some(number);
            }
        }
        let spans = Spans { village, fed_by };
        let mut phases: BTreeMap<(u32, u8), Vec<usize>> = BTreeMap::new();
        for (number, customer) in village.customers.iter().enumerate() {
            phases.entry((customer.feeder, customer.phase)).or_default().push(number);
        }
        for ((feeder, phase), customers) in phases {
            tree.add_phase(&spans, feeder, phase, &customers);
        }
        tree
    }

    fn add_phase(&mut self, spans: &Spans<'_>, feeder: u32, phase: u8, customers: &[usize]) {
        let Some(feeder) = spans.village.feeders.get(feeder as usize) else { return };
        let name = format!("{}/L{}", feeder.id, phase.saturating_add(1));
        self.devices.push(Device { id: name.clone(), kind: DeviceKind::Phase, parent: Some(feeder.id.clone()) });
        let mut behind: BTreeMap<usize, usize> = BTreeMap::new();
        for &customer in customers {
            for line in spans.way_up(customer) {
                *behind.entry(line).or_default() += 1;
            }
        }
        let count = |line: usize| behind.get(&line).copied().unwrap_or(0);
        // A section begins where fewer are behind than before: at lines with as many, it goes on.
        let begins = |line: usize| {
            let before = spans.before(line).map_or(customers.len(), count);
            count(line) > 1 && count(line) < before
        };
        let section = |line: usize| format!("{name}/{}", spans.village.lines[line].id);
        let above = |line: Option<usize>| {
            let mut up = std::iter::successors(line, |&line| spans.before(line)).take(spans.village.lines.len());
            up.find(|&line| begins(line)).map_or_else(|| name.clone(), section)
        };
        for &line in behind.keys().filter(|&&line| begins(line)) {
            let parent = Some(above(spans.before(line)));
            self.devices.push(Device { id: section(line), kind: DeviceKind::Section, parent });
        }
        for &customer in customers {
            let line = spans.line_of(customer);
            if let Some(parent) = self.parents.get_mut(customer) {
                *parent = Some(above(line));
            }
        }
    }
}

impl Spans<'_> {
    fn line_of(&self, customer: usize) -> Option<usize> {
        let pole = self.village.customers.get(customer)?.pole;
        self.fed_by.get(pole as usize).copied().flatten()
    }

    /// The line that feeds the pole at which this one begins.
    fn before(&self, line: usize) -> Option<usize> {
        match self.village.lines.get(line)?.from {
            LineEnd::Source => None,
            LineEnd::Pole(pole) => self.fed_by.get(pole as usize).copied().flatten(),
        }
    }

    /// The lines between a customer and the source; no more than there are, whatever the map says.
    fn way_up(&self, customer: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.line_of(customer), |&line| self.before(line)).take(self.village.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Customer, Feeder, Line, Placement, Pole};
    use taa_models::demand::Class;

    /// One feeder: source – a – b – c, and b – d. Customers on phase 1: two at c, two at d; on phase 2: one at a.
    fn village() -> Village {
        let pole = |id: &str| Pole { id: id.to_owned(), at_m: [0.0; 2], feeder: 0 };
        let line = |id: &str, from, to| Line { id: id.to_owned(), from, to, length_m: 40.0 };
        let customer = |number: usize, pole, phase| Customer {
            id: format!("c{number}"),
            meter_id: format!("m{number}"),
            building: 0,
            class: Class::HouseholdLow,
            placement: Placement::Wall,
            pole,
            feeder: 0,
            phase,
            meter_at_m: [0.0; 2],
            service_m: 10.0,
        };
        let places = [(2, 0), (2, 0), (3, 0), (3, 0), (0, 1)];
        Village {
            poles: ["a", "b", "c", "d"].map(pole).to_vec(),
            lines: vec![
                line("s-a", LineEnd::Source, 0),
                line("a-b", LineEnd::Pole(0), 1),
                line("b-c", LineEnd::Pole(1), 2),
                line("b-d", LineEnd::Pole(1), 3),
            ],
            feeders: vec![Feeder { id: "f1".to_owned() }],
            customers: places.iter().enumerate().map(|(n, &(pole, phase))| customer(n, pole, phase)).collect(),
            ..Village::default()
        }
    }

    fn shown(tree: &FaultTree) -> Vec<(&str, Option<&str>)> {
        tree.devices.iter().map(|device| (device.id.as_str(), device.parent.as_deref())).collect()
    }

    #[test]
    fn spans_that_take_the_same_meters_along_are_one() {
        let tree = FaultTree::of(&village());
        assert_eq!(
            shown(&tree),
            [
                ("inverter", None),
                ("f1", Some("inverter")),
                ("f1/L1", Some("f1")),
                // The spans from the source to b take all of the phase along: they are the phase.
                ("f1/L1/b-c", Some("f1/L1")),
                ("f1/L1/b-d", Some("f1/L1")),
                // On phase 2 there is one customer alone.
                ("f1/L2", Some("f1")),
            ]
        );
        let parents: Vec<Option<&str>> = tree.parents.iter().map(Option::as_deref).collect();
        let [c, d] = [Some("f1/L1/b-c"), Some("f1/L1/b-d")];
        assert_eq!(parents, [c, c, d, d, Some("f1/L2")]);
    }

    /// The sabotage: a customer who hangs on a pole that no line feeds falls back to the phase, and to nothing finer.
    #[test]
    fn a_pole_without_a_line_is_known_by_its_phase_alone() {
        let mut village = village();
        village.lines.remove(3);
        let tree = FaultTree::of(&village);
        assert_eq!(tree.parents[2].as_deref(), Some("f1/L1"));
        assert_ne!(tree, FaultTree::of(&self::village()));
    }
}
