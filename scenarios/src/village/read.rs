//! A drawn village back into the model.

use std::collections::BTreeMap;

use super::drawn::{Drawn, Item};
use super::grid::{Edge, Poles};
use super::write::{placement_word, roof_word, wall_word};
use super::{Kind, distance_m, drop_point};
use crate::diagnostics::{Diagnostics, GridProblem};
use crate::document::did_you_mean;
use crate::import::{ImportProblem, Imported};
use crate::layout::{LayoutParams, customer_id, from_geo, meter_id};
use crate::model::{Building, Customer, Place, Placement, Pole, Roof, Site, Village, Wall};
use taa_models::demand::Class;

/// A village file: its buildings, and the grid where one is drawn.
pub(crate) struct Source {
    /// Buildings alone; poles and sites are taken out.
    pub(crate) imported: Imported,
    drawn: Option<Drawn>,
}

impl Source {
    /// Parts an imported file into buildings and grid. `text` is the file's content, when it is GeoJSON.
    pub(crate) fn part(mut imported: Imported, text: Option<&str>, found: &mut Diagnostics) -> Self {
        let Some(text) = text else { return Self { imported, drawn: None } };
        let drawn = Drawn::read(&imported.place.file, text, found);
        if drawn.items.is_empty() {
            return Self { imported, drawn: None };
        }
        let ours = |index: usize| drawn.items.iter().any(|item| item.index == index);
        imported.buildings.retain(|building| drawn.buildings.contains_key(&building.feature));
        imported.warnings.retain(|warning| match warning {
            ImportProblem::Skipped { count, .. } => *count != drawn.powered,
            ImportProblem::DuplicateOutline { place, .. } => !place.feature.is_some_and(ours),
            _ => true,
        });
        Self { imported, drawn: Some(drawn) }
    }

    /// A grid is drawn: it is taken as it is.
    pub(crate) fn has_grid(&self) -> bool {
        self.drawn.as_ref().is_some_and(|drawn| drawn.items.iter().any(|item| item.kind == Kind::Pole))
    }

    /// Sites that are drawn, although no grid is: `[longitude, latitude]` of the generation and of the concentrator.
    pub(crate) fn sites(&self) -> [Option<[f64; 2]>; 2] {
        let first =
            |kind: Kind| self.drawn.as_ref()?.items.iter().find(|item| item.kind == kind)?.at_deg.first().copied();
        [first(Kind::Generation), first(Kind::Dcu)]
    }
}

/// The village as drawn, or what is wrong with it (added to `found`).
pub(crate) fn from_drawn(
    source: &Source,
    site: &Site,
    params: &LayoutParams,
    own: &[Class],
    found: &mut Diagnostics,
) -> Option<Village> {
    // What cannot be read has been reported; what would follow from it is not worth saying.
    let drawn = source.drawn.as_ref().filter(|drawn| drawn.sound)?;
    let mut problems = Diagnostics::default();
    let village = Reader { drawn, site, params, own, found: &mut problems }.village(&source.imported);
    let sound = !problems.has_errors();
    found.extend(problems);
    village.filter(|_| sound)
}

struct Reader<'a> {
    drawn: &'a Drawn,
    site: &'a Site,
    params: &'a LayoutParams,
    /// Classes of the scenario's own.
    own: &'a [Class],
    found: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn village(&mut self, imported: &Imported) -> Option<Village> {
        self.unique_ids();
        let generation = self.one(Kind::Generation, 3.0);
        let dcu = self.one(Kind::Dcu, self.params.dcu_height_m);
        let Some(generation) = generation else {
            self.found.push(GridProblem::NoGeneration { at: self.drawn.file() });
            return None;
        };
        let poles = self.poles(&generation);
        let lines: Vec<&Item> = self.of(Kind::Line).collect();
        let edges: Vec<Edge<'_>> = lines
            .into_iter()
            .filter_map(|item| {
                let corners: Vec<[f64; 2]> = item.at_deg.iter().map(|&at| from_geo(self.site, at)).collect();
                poles.edge(self.drawn, item, &corners, self.found)
            })
            .collect();
        let grid = poles.grow(self.drawn, &edges, self.params.max_span_m, self.found);
        let mut village = Village {
            poles: poles
                .poles
                .iter()
                .zip(&grid.feeder_of)
                .map(|(pole, &feeder)| Pole { feeder, ..pole.clone() })
                .collect(),
            lines: grid.lines,
            feeders: grid.feeders,
            // Left out: on a mast at the generation site.
            dcu: dcu.unwrap_or_else(|| Place {
                id: "dcu".to_owned(),
                at_m: generation.at_m,
                height_m: self.params.dcu_height_m,
            }),
            generation,
            relays: self.relays(),
            ..Village::default()
        };
        self.people(imported, &poles, &mut village);
        if village.customers.is_empty() && !self.found.has_errors() {
            self.found.push(GridProblem::NoCustomers { at: self.drawn.file() });
        }
        if !self.found.has_errors() {
            self.idle(&poles, &village);
        }
        Some(village)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.drawn.items.iter().filter(move |item| item.kind == kind)
    }

    fn unique_ids(&mut self) {
        let mut seen: BTreeMap<(&'static str, &str), usize> = BTreeMap::new();
        for item in &self.drawn.items {
            if matches!(item.kind, Kind::Dcu | Kind::Generation) {
                continue;
            }
            let kind = item.kind.name();
            if let Some(&first) = seen.get(&(kind, item.id.as_str())) {
                let at = self.drawn.spot(item.index, &item.id);
                self.found.push(GridProblem::DuplicateId { at, kind, id: item.id.clone(), first });
            } else {
                seen.insert((kind, &item.id), item.index);
            }
        }
    }

    /// The one site of a kind; a second one is refused.
    fn one(&mut self, kind: Kind, height_m: f64) -> Option<Place> {
        let mut all = self.of(kind);
        let first = all.next()?;
        for second in all {
            let at = self.drawn.spot(second.index, &second.id);
            let kind = if kind == Kind::Dcu { "data concentrator (dcu)" } else { "generation site" };
            self.found.push(GridProblem::Second { at, kind, first: first.index });
        }
        self.place(first, height_m)
    }

    fn place(&mut self, item: &Item, height_m: f64) -> Option<Place> {
        let height_m = match item.words.get("height_m") {
            None => height_m,
            Some(text) => match text.parse::<f64>() {
                Ok(height) if (0.5..=100.0).contains(&height) => height,
                _ => {
                    self.bad(item.index, &item.id, "height_m", text, &["0.5 to 100 metres"]);
                    height_m
                }
            },
        };
        Some(Place { id: item.id.clone(), at_m: from_geo(self.site, *item.at_deg.first()?), height_m })
    }

    fn relays(&mut self) -> Vec<Place> {
        let items: Vec<&Item> = self.of(Kind::Relay).collect();
        items.into_iter().filter_map(|item| self.place(item, 6.0)).collect()
    }

    fn poles(&self, generation: &Place) -> Poles<'a> {
        let items: Vec<&Item> = self.of(Kind::Pole).collect();
        let mut poles = Vec::with_capacity(items.len());
        let mut by_id = BTreeMap::new();
        for (index, item) in (0_u32..).zip(&items) {
            let at_m = item.at_deg.first().map_or(generation.at_m, |&at| from_geo(self.site, at));
            poles.push(Pole { id: item.id.clone(), at_m, feeder: 0 });
            by_id.entry(item.id.clone()).or_insert(index);
        }
        Poles { poles, items, by_id, source_m: generation.at_m, source_id: generation.id.clone() }
    }

    fn people(&mut self, imported: &Imported, poles: &Poles<'_>, village: &mut Village) {
        let mut meters: BTreeMap<String, usize> = BTreeMap::new();
        let empty = BTreeMap::new();
        let mut open_phase: Vec<usize> = Vec::new();
        for raw in &imported.buildings {
            let words = self.drawn.buildings.get(&raw.feature).unwrap_or(&empty);
            let spot = || self.drawn.spot(raw.feature, &raw.id);
            let roof =
                self.word(raw.feature, &raw.id, "roof", words, [Roof::Iron, Roof::Thatch, Roof::Tile], roof_word);
            let wall = self.word(
                raw.feature,
                &raw.id,
                "wall",
                words,
                [Wall::Mud, Wall::Brick, Wall::Wood, Wall::Sheet],
                wall_word,
            );
            let area_m2 = match words.get("area_m2").and_then(|text| text.parse::<f64>().ok()) {
                Some(area) if raw.ring_deg.is_empty() && area >= 0.0 => area,
                _ => raw.area_m2,
            };
            let mut building = Building {
                id: raw.id.clone(),
                outline_m: raw.ring_deg.iter().map(|&corner| from_geo(self.site, corner)).collect(),
                at_m: from_geo(self.site, raw.centre_deg),
                area_m2,
                roof,
                wall,
                customer: None,
            };
            let connected = match raw.tags.get("connected") {
                Some(word) => word == "yes",
                None => ["class", "meter_id", "pole"].iter().any(|key| words.contains_key(*key)),
            };
            let pole = if connected { self.pole_of(raw.feature, &building, words, poles) } else { None };
            if let Some((pole, drop_at, service_m)) = pole {
                let class = self.class(raw.feature, &raw.id, words);
                let placements = [Placement::Wall, Placement::Pole, Placement::Indoor];
                let placement = self.word(raw.feature, &raw.id, "placement", words, placements, placement_word);
                let meter = words.get("meter_id").cloned().unwrap_or_else(|| meter_id(&raw.id));
                if let Some(&first) = meters.get(&meter) {
                    self.found.push(GridProblem::DuplicateMeter {
                        at: spot().field("meter_id"),
                        id: meter.clone(),
                        first,
                    });
                }
                meters.entry(meter.clone()).or_insert(raw.feature);
                let phase = self.phase(raw.feature, &raw.id, words);
                if phase.is_none() {
                    open_phase.push(village.customers.len());
                }
                building.customer = u32::try_from(village.customers.len()).ok();
                let standing = village.poles.get(pole as usize);
                village.customers.push(Customer {
                    id: customer_id(&raw.id),
                    meter_id: meter,
                    building: u32::try_from(village.buildings.len()).unwrap_or(u32::MAX),
                    class,
                    placement,
                    pole,
                    feeder: standing.map_or(0, |pole| pole.feeder),
                    phase: phase.unwrap_or(0),
                    meter_at_m: match placement {
                        Placement::Pole => standing.map_or(drop_at, |pole| pole.at_m),
                        Placement::Wall => drop_at,
                        Placement::Indoor => building.at_m,
                    },
                    service_m,
                });
            }
            village.buildings.push(building);
        }
        balance(village, &open_phase);
    }

    /// The pole a building hangs on, where its drop ends, and how long the drop is.
    fn pole_of(
        &mut self,
        feature: usize,
        building: &Building,
        words: &BTreeMap<String, String>,
        poles: &Poles<'_>,
    ) -> Option<(u32, [f64; 2], f64)> {
        let reach = |pole: &Pole| {
            let at = drop_point(building, pole.at_m);
            (at, distance_m(at, pole.at_m))
        };
        let spot = self.drawn.spot(feature, &building.id);
        let max_m = self.params.service_max_m;
        let index = match words.get("pole") {
            Some(name) => match poles.by_id.get(name) {
                Some(&index) => index,
                None => {
                    let suggestion = did_you_mean(name, poles.by_id.keys().map(String::as_str));
                    self.found.push(GridProblem::UnknownServicePole {
                        at: spot.field("pole"),
                        pole: name.clone(),
                        suggestion,
                    });
                    return None;
                }
            },
            None => {
                let far = |index: &u32| poles.poles.get(*index as usize).map_or(f64::INFINITY, |pole| reach(pole).1);
                (0..u32::try_from(poles.poles.len()).ok()?).min_by(|a, b| far(a).total_cmp(&far(b)))?
            }
        };
        let (at, service_m) = reach(poles.poles.get(index as usize)?);
        if service_m > max_m + 0.5 {
            self.found.push(GridProblem::NoPoleInReach { at: spot, distance_m: service_m, max_m });
            return None;
        }
        Some((index, at, service_m))
    }

    /// One of a few words; left out, the first.
    fn word<T: Copy, const N: usize>(
        &mut self,
        feature: usize,
        id: &str,
        key: &str,
        words: &BTreeMap<String, String>,
        all: [T; N],
        name: impl Fn(T) -> &'static str,
    ) -> T {
        let first = all[0];
        let Some(word) = words.get(key) else { return first };
        let lower = word.to_lowercase();
        if let Some(found) = all.into_iter().find(|&one| name(one) == lower) {
            return found;
        }
        let allowed: Vec<&str> = all.into_iter().map(name).collect();
        self.bad(feature, id, key, word, &allowed);
        first
    }

    /// A built-in class or one of the scenario's own; left out, the first.
    fn class(&mut self, feature: usize, id: &str, words: &BTreeMap<String, String>) -> Class {
        let Some(word) = words.get("class") else { return Class::ALL[0] };
        let lower = word.to_lowercase();
        let all: Vec<Class> = Class::ALL.iter().chain(self.own).copied().collect();
        if let Some(found) = all.iter().find(|class| class.name() == lower) {
            return *found;
        }
        let allowed: Vec<&str> = all.iter().map(Class::name).collect();
        self.bad(feature, id, "class", word, &allowed);
        Class::ALL[0]
    }

    fn phase(&mut self, feature: usize, id: &str, words: &BTreeMap<String, String>) -> Option<u8> {
        let word = words.get("phase")?;
        match word.as_str() {
            "1" | "L1" => Some(0),
            "2" | "L2" => Some(1),
            "3" | "L3" => Some(2),
            _ => {
                self.bad(feature, id, "phase", word, &["1", "2", "3"]);
                None
            }
        }
    }

    fn bad(&mut self, feature: usize, id: &str, key: &str, value: &str, allowed: &[&str]) {
        self.found.push(GridProblem::BadProperty {
            at: self.drawn.spot(feature, id).field(key),
            value: value.to_owned(),
            suggestion: did_you_mean(value, allowed.iter().copied()),
            allowed: allowed.join(", "),
        });
    }

    fn idle(&mut self, poles: &Poles<'_>, village: &Village) {
        let mut busy = vec![false; village.poles.len()];
        let upstream = village.lines.iter().filter_map(|line| match line.from {
            crate::model::LineEnd::Pole(index) => Some(index),
            crate::model::LineEnd::Source => None,
        });
        for index in village.customers.iter().map(|customer| customer.pole).chain(upstream) {
            if let Some(slot) = busy.get_mut(index as usize) {
                *slot = true;
            }
        }
        for (item, _) in poles.items.iter().zip(&busy).filter(|(_, busy)| !**busy) {
            self.found.push(GridProblem::IdlePole { at: self.drawn.spot(item.index, &item.id) });
        }
    }
}

/// Gives customers without a phase the one that their feeder uses least.
fn balance(village: &mut Village, open: &[usize]) {
    let mut used = vec![[0_u32; 3]; village.feeders.len().max(1)];
    for (index, customer) in village.customers.iter().enumerate() {
        if open.binary_search(&index).is_err()
            && let Some(count) =
                used.get_mut(customer.feeder as usize).and_then(|feeder| feeder.get_mut(usize::from(customer.phase)))
        {
            *count += 1;
        }
    }
    for &index in open {
        let Some(customer) = village.customers.get_mut(index) else { continue };
        let Some(feeder) = used.get_mut(customer.feeder as usize) else { continue };
        let least = (0..3_u8).min_by_key(|&phase| feeder[usize::from(phase)]).unwrap_or(0);
        customer.phase = least;
        feeder[usize::from(least)] += 1;
    }
}
