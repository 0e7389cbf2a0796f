//! From drawn lines to a tree: who is fed by whom, and what is wrong where nobody is.

use std::collections::BTreeMap;

use super::SNAP_M;
use super::distance_m;
use super::drawn::{Drawn, Item};
use crate::diagnostics::{Diagnostics, GridProblem};
use crate::document::did_you_mean;
use crate::model::{Feeder, Line, LineEnd, Pole};

/// A drawn line, its ends found.
pub(super) struct Edge<'a> {
    pub(super) item: &'a Item,
    pub(super) ends: [LineEnd; 2],
}

/// The grid, as far as it is sound.
#[derive(Default)]
pub(super) struct Grid {
    pub(super) lines: Vec<Line>,
    pub(super) feeders: Vec<Feeder>,
    /// Feeder of each pole.
    pub(super) feeder_of: Vec<u32>,
}

/// Poles with the features they are drawn as.
pub(super) struct Poles<'a> {
    pub(super) poles: Vec<Pole>,
    pub(super) items: Vec<&'a Item>,
    pub(super) by_id: BTreeMap<String, u32>,
    pub(super) source_m: [f64; 2],
    pub(super) source_id: String,
}

impl Poles<'_> {
    fn at(&self, end: LineEnd) -> [f64; 2] {
        match end {
            LineEnd::Source => self.source_m,
            LineEnd::Pole(index) => self.poles.get(index as usize).map_or(self.source_m, |pole| pole.at_m),
        }
    }

    fn name(&self, end: LineEnd) -> &str {
        match end {
            LineEnd::Source => "source",
            LineEnd::Pole(index) => self.poles.get(index as usize).map_or("", |pole| &pole.id),
        }
    }

    fn named(&self, name: &str) -> Option<LineEnd> {
        if name == "source" || name == self.source_id {
            return Some(LineEnd::Source);
        }
        self.by_id.get(name).map(|&index| LineEnd::Pole(index))
    }

    fn nearest(&self, at: [f64; 2]) -> (f64, LineEnd) {
        let mut best = (distance_m(self.source_m, at), LineEnd::Source);
        for (index, pole) in (0_u32..).zip(&self.poles) {
            let far = distance_m(pole.at_m, at);
            if far < best.0 {
                best = (far, LineEnd::Pole(index));
            }
        }
        best
    }

    /// Finds both ends of a drawn line; `corners` are its own, in metres.
    pub(super) fn edge<'b>(
        &self,
        drawn: &Drawn,
        item: &'b Item,
        corners: &[[f64; 2]],
        found: &mut Diagnostics,
    ) -> Option<Edge<'b>> {
        let spot = || drawn.spot(item.index, &item.id);
        let (first, last) = (*corners.first()?, *corners.last()?);
        let mut ends = [LineEnd::Source; 2];
        let sides = [("from", "start", first, last), ("to", "end", last, first)];
        for (slot, (key, side, here, there)) in ends.iter_mut().zip(sides) {
            if let Some(name) = item.words.get(key) {
                let Some(end) = self.named(name) else {
                    let suggestion = did_you_mean(name, self.by_id.keys().map(String::as_str));
                    found.push(GridProblem::UnknownPole { at: spot().field(key), pole: name.clone(), suggestion });
                    return None;
                };
                // Drawn either way round: what counts is whether the line touches its pole at all.
                let off = distance_m(self.at(end), here).min(distance_m(self.at(end), there));
                if off > SNAP_M {
                    found.push(GridProblem::LineOffPole { at: spot(), pole: name.clone(), distance_m: off });
                }
                *slot = end;
            } else {
                let (off, end) = self.nearest(here);
                if off > SNAP_M {
                    found.push(GridProblem::LooseEnd { at: spot(), end: side, distance_m: off, snap_m: SNAP_M });
                    return None;
                }
                *slot = end;
            }
        }
        if ends[0] == ends[1] {
            found.push(GridProblem::LineToItself { at: spot(), pole: self.name(ends[0]).to_owned() });
            return None;
        }
        Some(Edge { item, ends })
    }

    /// Follows the lines outwards from the source.
    pub(super) fn grow(&self, drawn: &Drawn, edges: &[Edge<'_>], max_span_m: f64, found: &mut Diagnostics) -> Grid {
        let mut fed_by: Vec<Option<LineEnd>> = vec![None; self.poles.len()];
        let mut taken = vec![false; edges.len()];
        let mut lines = Vec::with_capacity(edges.len());
        let mut feeder_names: Vec<String> = vec![String::new(); self.poles.len()];
        // In the order of the file, as often as something new is reached: a file written by us needs one round.
        loop {
            let before = lines.len();
            for (edge, taken) in edges.iter().zip(&mut taken) {
                if *taken {
                    continue;
                }
                let fed = |end: LineEnd| match end {
                    LineEnd::Source => true,
                    LineEnd::Pole(index) => fed_by.get(index as usize).is_some_and(Option::is_some),
                };
                let (from, to) = match (fed(edge.ends[0]), fed(edge.ends[1])) {
                    (true, false) => (edge.ends[0], edge.ends[1]),
                    (false, true) => (edge.ends[1], edge.ends[0]),
                    (false, false) => continue,
                    (true, true) => {
                        *taken = true;
                        let at = drawn.spot(edge.item.index, &edge.item.id);
                        found.push(GridProblem::Loop { at, pole: self.name(edge.ends[1]).to_owned() });
                        continue;
                    }
                };
                *taken = true;
                let LineEnd::Pole(pole) = to else { continue };
                let length_m = distance_m(self.at(from), self.at(to));
                if length_m > max_span_m + 0.5 {
                    let at = drawn.spot(edge.item.index, &edge.item.id);
                    found.push(GridProblem::SpanTooLong { at, length_m, max_m: max_span_m });
                }
                let own = self.items.get(pole as usize).and_then(|item| item.words.get("feeder").cloned());
                let name = match from {
                    LineEnd::Source => own.unwrap_or_else(|| "f1".to_owned()),
                    LineEnd::Pole(upstream) => {
                        let upstream = feeder_names.get(upstream as usize).cloned().unwrap_or_default();
                        if let Some(own) = own.filter(|own| *own != upstream) {
                            let at = drawn.spot(edge.item.index, &edge.item.id);
                            found.push(GridProblem::FeederByLine {
                                at,
                                pole: self.name(to).to_owned(),
                                own,
                                upstream: upstream.clone(),
                            });
                        }
                        upstream
                    }
                };
                if let (Some(slot), Some(feeder)) = (fed_by.get_mut(pole as usize), feeder_names.get_mut(pole as usize))
                {
                    *slot = Some(from);
                    *feeder = name;
                }
                lines.push(Line { id: edge.item.id.clone(), from, to: pole, length_m });
            }
            if lines.len() == before {
                break;
            }
        }
        // A line that could not be read explains what it does not reach.
        if !found.has_errors() {
            self.unreachable(drawn, &fed_by, found);
        }
        let mut names: Vec<&String> = feeder_names.iter().filter(|name| !name.is_empty()).collect();
        names.sort_by(|a, b| (a.len(), a.as_str()).cmp(&(b.len(), b.as_str())));
        names.dedup();
        let feeder_of = feeder_names
            .iter()
            .map(|name| {
                names.iter().position(|known| *known == name).and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
            })
            .collect();
        let feeders = names.into_iter().map(|name| Feeder { id: name.clone() }).collect();
        Grid { lines, feeders, feeder_of }
    }

    /// One finding for all poles without current: the first is named, the others are counted.
    fn unreachable(&self, drawn: &Drawn, fed_by: &[Option<LineEnd>], found: &mut Diagnostics) {
        let mut dark = fed_by.iter().zip(&self.items).filter(|(fed, _)| fed.is_none()).map(|(_, item)| *item);
        let Some(first) = dark.next() else { return };
        let more = dark.count();
        found.push(GridProblem::Unreachable {
            at: drawn.spot(first.index, &first.id),
            pole: first.id.clone(),
            others: if more == 0 { String::new() } else { format!(", nor are {more} more") },
        });
    }
}
