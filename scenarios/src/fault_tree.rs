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
//! A broken pole takes all phases along: it is a span, named after the line that ends at it.

use std::collections::{BTreeMap, BTreeSet};

use taa_dcu::{
    MeterIx,
    config::{Device, DeviceKind, Span},
};

use crate::model::{LineEnd, Village};

/// Name of the device at the root.
pub const INVERTER: &str = "inverter";

/// The devices, and what feeds each customer's meter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultTree {
    /// All devices above the services.
    pub devices: Vec<Device>,
    /// Lines whose wires are parts of several phases, each set of parts once.
    pub spans: Vec<Span>,
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
        let mut tree = Self { devices, spans: Vec::new(), parents: vec![None; village.customers.len()] };
        let spans = Spans::of(village);
        let mut phases: BTreeMap<(u32, u8), Vec<usize>> = BTreeMap::new();
        for (number, customer) in village.customers.iter().enumerate() {
            phases.entry((customer.feeder, customer.phase)).or_default().push(number);
        }
        let mut wires = vec![Span { id: String::new(), devices: Vec::new(), meters: Vec::new() }; village.lines.len()];
        for ((feeder, phase), customers) in phases {
            tree.add_phase(&spans, (feeder, phase), &customers, &mut wires);
        }
        tree.add_spans(village, wires);
        tree
    }

    /// Keeps lines that are worth a name: in several phases, and not all of the feeder.
    fn add_spans(&mut self, village: &Village, wires: Vec<Span>) {
        let mut known = BTreeSet::new();
        let phase = |id: &String| self.devices.iter().any(|one| one.id == *id && one.kind == DeviceKind::Phase);
        let phases_of = |feeder: &str| {
            self.devices
                .iter()
                .filter(|one| one.kind == DeviceKind::Phase && one.parent.as_deref() == Some(feeder))
                .count()
        };
        let mut spans = Vec::new();
        for (line, wire) in village.lines.iter().zip(wires) {
            let Span { devices, meters, .. } = wire;
            let feeder = village.poles.get(line.to as usize).and_then(|pole| village.feeders.get(pole.feeder as usize));
            let whole = feeder.is_some_and(|feeder| {
                meters.is_empty() && devices.iter().all(phase) && devices.len() == phases_of(&feeder.id)
            });
            if devices.len() + meters.len() > 1 && !whole && known.insert((devices.clone(), meters.clone())) {
                spans.push(Span { id: line.id.clone(), devices, meters });
            }
        }
        self.spans = spans;
    }

    fn add_phase(&mut self, spans: &Spans<'_>, (feeder, phase): (u32, u8), customers: &[usize], wires: &mut [Span]) {
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
        // What this phase loses with each line.
        for (&line, &meters) in &behind {
            let Some(wire) = wires.get_mut(line) else { continue };
            match meters {
                1 => wire.meters.extend(spans.first_behind(customers, line)),
                _ => wire.devices.push(above(Some(line))),
            }
        }
        for &customer in customers {
            let line = spans.line_of(customer);
            if let Some(parent) = self.parents.get_mut(customer) {
                *parent = Some(above(line));
            }
        }
    }
}

/// The customers behind a line (by index), of one phase (0–2) or of all.
pub(crate) fn behind(village: &Village, line: usize, phase: Option<u8>) -> Vec<u32> {
    let spans = Spans::of(village);
    let fed = |customer: usize| spans.way_up(customer).any(|above| above == line);
    let all = (0_u32..).zip(&village.customers).enumerate();
    let of_it = all.filter(|(at, (_, one))| phase.is_none_or(|phase| one.phase == phase) && fed(*at));
    of_it.map(|(_, (customer, _))| customer).collect()
}

impl<'a> Spans<'a> {
    fn of(village: &'a Village) -> Self {
        let mut fed_by = vec![None; village.poles.len()];
        for (number, line) in village.lines.iter().enumerate() {
            if let Some(slot) = fed_by.get_mut(line.to as usize) {
                *slot = Some(number);
            }
        }
        Self { village, fed_by }
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

    /// The first of these customers that this line feeds.
    fn first_behind(&self, customers: &[usize], line: usize) -> Option<MeterIx> {
        let fed = |&&customer: &&usize| self.way_up(customer).any(|above| above == line);
        customers.iter().find(fed).and_then(|&customer| u32::try_from(customer).ok()).map(MeterIx)
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

    #[test]
    fn a_line_takes_along_who_is_behind_it() {
        let village = village();
        assert_eq!(behind(&village, 1, None), [0, 1, 2, 3]);
        assert_eq!(behind(&village, 2, None), [0, 1]);
        assert_eq!((behind(&village, 0, Some(1)), behind(&village, 1, Some(1))), (vec![4], vec![]));
    }

    /// Wires of several phases on one line are one span; where a phase has a single customer behind it, that meter.
    #[test]
    fn wires_of_several_phases_are_one_span() {
        let mut village = village();
        let at_c = Customer { phase: 1, id: "c5".to_owned(), ..village.customers[0].clone() };
        village.customers.push(at_c);
        let spans = FaultTree::of(&village).spans;
        let shown: Vec<(&str, Vec<&str>, &[MeterIx])> = spans
            .iter()
            .map(|span| (span.id.as_str(), span.devices.iter().map(String::as_str).collect(), span.meters.as_slice()))
            .collect();
        let last = MeterIx(5);
        assert_eq!(
            shown,
            [
                // s-a takes the whole feeder along, and is it; b-d has one phase alone.
                ("a-b", vec!["f1/L1"], [last].as_slice()),
                ("b-c", vec!["f1/L1/b-c"], [last].as_slice()),
            ]
        );
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
