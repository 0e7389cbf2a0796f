//! The checks that all formats share: from features to buildings, or to a list of problems.
//!
//! A reader hands over one [`Feature`] after the other; [`Collector::finish`] looks at the whole.

use std::collections::BTreeMap;
use taa_models::demand::Class;

use super::errors::{ImportErrors, PROBLEMS_MAX};
use super::place::Place;
use super::problem::ImportProblem;
use super::{BUILDINGS_MAX, Imported, RawBuilding, SourceFormat, ring, tags};

/// Buildings farther than this from the median one belong to another village, km.
const VILLAGE_RADIUS_KM: f64 = 20.0;
/// Footprints above this get a warning, m².
const LARGE_M2: f64 = 5_000.0;
/// About 1 km: anything nearer to 0,0 is a missing position, not a building.
const NULL_ISLAND_DEG: f64 = 0.01;
/// Corners of one outline beyond which it is not searched for crossings (the search is quadratic).
const CORNERS_SEARCHED_MAX: usize = 2_000;

/// A polygon as read.
#[derive(Clone, Debug, Default)]
pub(super) struct RawPolygon {
    pub(super) outer: Vec<[f64; 2]>,
    pub(super) holes: usize,
}

/// A geometry as read.
#[derive(Clone, Debug)]
pub(super) enum RawGeometry {
    Point([f64; 2]),
    Polygons(Vec<RawPolygon>),
    /// A line: a building only when closed and tagged as one.
    Line(Vec<[f64; 2]>),
    Other(String),
    Missing,
}

/// A feature, placemark or row.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub(super) index: usize,
    pub(super) line: Option<usize>,
    pub(super) id: Option<String>,
    /// All properties that are words or numbers, as text.
    pub(super) properties: BTreeMap<String, String>,
    pub(super) geometry: RawGeometry,
    /// Footprint where the file gives it beside a point, m².
    pub(super) area_m2: Option<f64>,
}

/// Gathers buildings and problems.
pub(super) struct Collector {
    /// Classes of the scenario's own.
    own: Vec<Class>,
    place: Place,
    buildings: Vec<(RawBuilding, Place)>,
    points_with_tags: Vec<usize>,
    problems: Vec<ImportProblem>,
    more: usize,
    warnings: Vec<ImportProblem>,
    skipped: BTreeMap<String, (usize, Place)>,
    swapped: usize,
    projected: bool,
    ids: BTreeMap<String, usize>,
}

impl Collector {
    pub(super) fn new(place: &Place, own: &[Class]) -> Self {
        Self {
            own: own.to_vec(),
            place: place.clone(),
            buildings: Vec::new(),
            points_with_tags: Vec::new(),
            problems: Vec::new(),
            more: 0,
            warnings: Vec::new(),
            skipped: BTreeMap::new(),
            swapped: 0,
            projected: false,
            ids: BTreeMap::new(),
        }
    }

    pub(super) fn problem(&mut self, problem: ImportProblem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Takes a feature in, or notes what is wrong with it.
    pub(super) fn feature(&mut self, feature: Feature) {
        let mut place =
            Place { feature: Some(feature.index), line: feature.line, id: feature.id.clone(), ..self.place.clone() };
        if let Some(what) = tags::other_thing(&feature.properties) {
            return self.skip(what, &place);
        }
        let Feature { index, id, properties, geometry, area_m2, .. } = feature;
        let (ring_deg, measure) = match geometry {
            RawGeometry::Point(at) => (Vec::new(), ring::Measure { area_m2: area_m2.unwrap_or(0.0), centre_deg: at }),
            RawGeometry::Polygons(parts) => match outline(&place, &parts) {
                Ok(outline) => outline,
                Err(problem) => return self.problem(problem),
            },
            RawGeometry::Line(corners) => {
                let closed = corners.len() > 3 && corners.first() == corners.last();
                if !closed || !properties.contains_key("building") {
                    return self.skip("LineString", &place);
                }
                match outline(&place, &[RawPolygon { outer: corners, holes: 0 }]) {
                    Ok(outline) => outline,
                    Err(problem) => return self.problem(problem),
                }
            }
            RawGeometry::Other(kind) => return self.skip(&kind, &place),
            RawGeometry::Missing => return self.skip("feature without geometry", &place),
        };
        if !self.on_this_planet(&place, measure.centre_deg) {
            return;
        }
        if let Some(area) = area_m2
            && !(area.is_finite() && area >= 0.0)
        {
            let place = place.at_field("footprint");
            return self.problem(ImportProblem::Degenerate { place, what: format!("footprint of {area} m²") });
        }
        let mut kept = BTreeMap::new();
        for (key, value) in &properties {
            let Some(name) = tags::kept_as(key) else { continue };
            if name == "class" && self.own.iter().any(|class| class.name() == value.trim()) {
                kept.entry(name.to_owned()).or_insert_with(|| value.trim().to_owned());
                continue;
            }
            match tags::normalise(&place, name, value) {
                Ok(value) if value.is_empty() => {}
                Ok(value) => _ = kept.entry(name.to_owned()).or_insert(value),
                Err(problem) => self.problem(problem),
            }
        }
        if measure.area_m2 > LARGE_M2 {
            self.warnings.push(ImportProblem::VeryLarge { place: place.clone(), area_m2: measure.area_m2 });
        }
        let id = id.unwrap_or_else(|| format!("b{}", index + 1));
        place.id = Some(id.clone());
        let centre_deg = measure.centre_deg;
        let building = RawBuilding { id, ring_deg, centre_deg, area_m2: measure.area_m2, tags: kept, feature: index };
        if let Some(&earlier) = self.ids.get(&building.id) {
            let first = &self.buildings[earlier].0;
            if corners(first) == corners(&building) {
                let first = first.feature;
                return self.warnings.push(ImportProblem::DuplicateOutline { place, first });
            }
            let first = first.feature;
            return self.problem(ImportProblem::DuplicateId { place, first });
        }
        self.ids.insert(building.id.clone(), self.buildings.len());
        if building.ring_deg.is_empty() && !building.tags.is_empty() {
            self.points_with_tags.push(self.buildings.len());
        }
        self.buildings.push((building, place));
    }

    /// Looks at the whole and hands over.
    pub(super) fn finish(
        mut self,
        format: SourceFormat,
        attribution: Option<String>,
        name: Option<String>,
    ) -> Result<Imported, ImportErrors> {
        self.merge_points();
        self.drop_same_outlines();
        if self.swapped > 1 {
            self.more += self.swapped - 1;
        }
        if self.problems.is_empty() {
            self.check_whole();
        }
        if !self.problems.is_empty() {
            return Err(ImportErrors { problems: self.problems, more: self.more });
        }
        if !self.skipped.is_empty() {
            let count = self.skipped.values().map(|(n, _)| n).sum();
            let kinds: Vec<String> = self.skipped.iter().map(|(kind, (n, _))| format!("{n} × {kind}")).collect();
            let place = self.place.clone();
            self.warnings.push(ImportProblem::Skipped { place, count, kinds: kinds.join(", ") });
        }
        self.warnings.truncate(PROBLEMS_MAX);
        Ok(Imported {
            buildings: self.buildings.into_iter().map(|(building, _)| building).collect(),
            attribution,
            name,
            source_format: format,
            warnings: self.warnings,
            place: self.place,
        })
    }

    fn skip(&mut self, kind: &str, place: &Place) {
        self.skipped.entry(kind.to_owned()).or_insert((0, place.clone())).0 += 1;
    }

    fn on_this_planet(&mut self, place: &Place, [lon_deg, lat_deg]: [f64; 2]) -> bool {
        let place = place.clone();
        if lon_deg.abs() <= 180.0 && lat_deg.abs() <= 90.0 {
            if lon_deg.abs() < NULL_ISLAND_DEG && lat_deg.abs() < NULL_ISLAND_DEG {
                self.problem(ImportProblem::NullIsland { place });
                return false;
            }
            return true;
        }
        if lat_deg.abs() <= 180.0 && lon_deg.abs() <= 90.0 {
            self.swapped += 1;
            if self.swapped == 1 {
                let why = format!("{lat_deg} stands where the latitude belongs, and latitudes end at 90");
                self.problem(ImportProblem::Swapped { place, why });
            }
        } else if lon_deg.abs() > 1000.0 || lat_deg.abs() > 1000.0 {
            if !self.projected {
                self.projected = true;
                let what = format!("numbers such as {lon_deg:.0}, {lat_deg:.0}: metres of a projected system");
                self.problem(ImportProblem::Projected { place, what });
            }
        } else {
            self.problem(ImportProblem::OutOfRange { place, lon_deg, lat_deg });
        }
        false
    }

    /// A tagged node inside an outline is the same house, seen by another mapper.
    fn merge_points(&mut self) {
        let mut merged = Vec::new();
        for &point in &self.points_with_tags {
            let at = self.buildings[point].0.centre_deg;
            let outline = self
                .buildings
                .iter()
                .position(|(b, _)| !b.ring_deg.is_empty() && near(b, at) && ring::contains(&b.ring_deg, at));
            let Some(outline) = outline else { continue };
            for (key, value) in self.buildings[point].0.tags.clone() {
                self.buildings[outline].0.tags.entry(key).or_insert(value);
            }
            merged.push(point);
        }
        for &point in merged.iter().rev() {
            self.buildings.remove(point);
        }
    }

    fn drop_same_outlines(&mut self) {
        let mut seen: BTreeMap<Vec<(u64, u64)>, usize> = BTreeMap::new();
        let warnings = &mut self.warnings;
        self.buildings.retain(|(building, place)| {
            let first = *seen.entry(corners(building)).or_insert(building.feature);
            if first != building.feature {
                warnings.push(ImportProblem::DuplicateOutline { place: place.clone(), first });
            }
            first == building.feature
        });
    }

    fn check_whole(&mut self) {
        let place = self.place.clone();
        if self.buildings.is_empty() {
            let wrong = self.skipped.iter().find(|(kind, _)| kind.chars().next().is_some_and(char::is_uppercase));
            let problem = if let Some((kind, (_, place))) = wrong {
                ImportProblem::WrongGeometry { place: place.clone(), kind: kind.clone() }
            } else {
                let kinds: Vec<&str> = self.skipped.keys().map(String::as_str).collect();
                let detail = if kinds.is_empty() { String::new() } else { format!(", only {}", kinds.join(", ")) };
                ImportProblem::NoBuildings { place, detail }
            };
            return self.problem(problem);
        }
        if self.buildings.len() > BUILDINGS_MAX {
            let count = self.buildings.len();
            return self.problem(ImportProblem::TooMany { place, count, limit: BUILDINGS_MAX });
        }
        self.check_together();
    }

    fn check_together(&mut self) {
        let median = [self.median(0), self.median(1)];
        let km = |at: [f64; 2]| crate::weather::distance_km(at[1], at[0], median[1], median[0]);
        let apart: Vec<(f64, usize)> = (0..self.buildings.len())
            .map(|i| (km(self.buildings[i].0.centre_deg), i))
            .filter(|(distance, _)| *distance > VILLAGE_RADIUS_KM)
            .collect();
        let Some(&(far_km, far)) = apart.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
        let mut stray = apart.len();
        for &(_, i) in &apart {
            let (building, place) = &self.buildings[i];
            let [lon, lat] = building.centre_deg;
            if lon.abs() <= 90.0 && km([lat, lon]) <= VILLAGE_RADIUS_KM {
                stray -= 1;
                let why = format!("{lat}, {lon} is far from the others, {lon}, {lat} is among them");
                let place = place.clone();
                self.problem(ImportProblem::Swapped { place, why });
            }
        }
        if stray > 0 {
            self.problem(ImportProblem::FarApart {
                place: self.buildings[far].1.clone(),
                count: stray,
                of: self.buildings.len(),
                limit_km: VILLAGE_RADIUS_KM,
                far_km,
            });
        }
    }

    fn median(&self, axis: usize) -> f64 {
        let mut values: Vec<f64> = self.buildings.iter().map(|(b, _)| b.centre_deg[axis]).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    }
}

/// The corners of an outline (or the point), bit for bit and in an order of their own: two outlines are the same
/// wherever they begin and whichever way they run.
fn corners(building: &RawBuilding) -> Vec<(u64, u64)> {
    let bits = |corner: &[f64; 2]| (corner[0].to_bits(), corner[1].to_bits());
    if building.ring_deg.is_empty() {
        return vec![bits(&building.centre_deg)];
    }
    let mut corners: Vec<(u64, u64)> = building.ring_deg.iter().map(bits).collect();
    corners.sort_unstable();
    corners
}

/// A quick refusal before the exact test: outlines are small.
fn near(building: &RawBuilding, at: [f64; 2]) -> bool {
    (building.centre_deg[0] - at[0]).abs() < 0.01 && (building.centre_deg[1] - at[1]).abs() < 0.01
}

/// The largest part's ring, with the area of all parts together.
fn outline(place: &Place, parts: &[RawPolygon]) -> Result<(Vec<[f64; 2]>, ring::Measure), ImportProblem> {
    let place = place.clone();
    let mut best: Option<(Vec<[f64; 2]>, ring::Measure)> = None;
    let mut area_m2 = 0.0;
    let mut holes = 0;
    for part in parts {
        holes += part.holes;
        if part.outer.is_empty() {
            continue;
        }
        let ring_deg = ring::clean(&part.outer);
        if ring_deg.len() <= CORNERS_SEARCHED_MAX
            && let Some((first_edge, second_edge, [lon_deg, lat_deg])) = ring::crossing(&ring_deg)
        {
            return Err(ImportProblem::SelfIntersecting { place, lat_deg, lon_deg, first_edge, second_edge });
        }
        let measure = ring::measure(&ring_deg);
        area_m2 += measure.area_m2;
        if best.as_ref().is_none_or(|(_, largest)| measure.area_m2 > largest.area_m2) {
            best = Some((ring_deg, measure));
        }
    }
    let Some((ring_deg, measure)) = best else {
        return Err(if holes > 0 {
            ImportProblem::HoleOnly { place }
        } else {
            ImportProblem::Degenerate { place, what: "no corners at all".to_owned() }
        });
    };
    if ring_deg.len() < 3 {
        let what = format!("{} different corners", ring_deg.len());
        return Err(ImportProblem::Degenerate { place, what });
    }
    // Projected coordinates would pass any bound on the area in degrees: those are told from their values, later.
    let on_planet = ring_deg.iter().all(|c| c[0].abs() <= 180.0 && c[1].abs() <= 90.0);
    if on_planet && measure.area_m2 < ring::AREA_MIN_M2 {
        return Err(ImportProblem::Degenerate { place, what: format!("its area is {:.3} m²", measure.area_m2) });
    }
    Ok((ring_deg, ring::Measure { area_m2, ..measure }))
}
