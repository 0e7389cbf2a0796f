//! A broken pole: one fault that takes parts of several phases along, and so lies across the tree.
//!
//! For each span it is computed what the lowest device above it would cost if the pole were broken instead of each phase
//! having a fault of its own. Of the spans under one device the best one is taken, if it is cheaper at all; then the best
//! of those that lie apart from it, and so on: poles can break at the same time.

use std::collections::BTreeSet;

use super::{
    judge::{Scene, Sums, prior},
    network::{Joint, Part},
};

/// A pole is broken, thousandths of a nat. Dearer than any single device, so that it takes two to think of it.
const SPAN: i64 = 6300;

/// A span that explains more than its parts do one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Which one, in [`super::Network::spans`].
    pub(super) span: usize,
    /// By how much.
    pub(super) gain: i64,
}

impl Scene<'_> {
    /// The spans right under this device that are broken, the best first. The sums of their parts are final.
    pub(super) fn best_spans(&self, top: usize, sums: &[Sums]) -> Vec<Choice> {
        let mut chosen: Vec<(Choice, &Joint)> = Vec::new();
        let mut standing = BTreeSet::new();
        loop {
            let apart = |span: &Joint| chosen.iter().all(|(_, other)| self.lie_apart(span, other));
            let choices = self.network.spans_under(top).filter(|(_, span)| apart(span)).map(|(number, span)| {
                let saved = span.parts.iter().map(|part| self.saved(*part, top, sums, &standing));
                (Choice { span: number, gain: saved.fold(0, i64::saturating_add).saturating_sub(SPAN) }, span)
            });
            // Of equal ones the first.
            let best = choices.reduce(|best, one| if one.0.gain > best.0.gain { one } else { best });
            let Some(best) = best.filter(|(choice, _)| choice.gain > 0) else { break };
            let between =
                best.1.parts.iter().flat_map(|part| self.network.above_part(*part).take_while(|up| *up != top));
            standing.extend(between);
            chosen.push(best);
        }
        chosen.into_iter().map(|(choice, _)| choice).collect()
    }

    /// Neither takes along what the other does.
    fn lie_apart(&self, one: &Joint, other: &Joint) -> bool {
        let within = |part: Part, whole: &Joint| match part {
            Part::Device(device) => self.network.way_up(device).any(|up| whole.parts.contains(&Part::Device(up))),
            Part::Service(meter) => whole.parts.iter().any(|part| self.network.is_behind(*part, meter)),
        };
        !one.parts.iter().any(|part| within(*part, other)) && !other.parts.iter().any(|part| within(*part, one))
    }

    /// What is saved under `top` if this part is dark for a reason that is paid elsewhere. All between them then stand, as
    /// some do already.
    fn saved(&self, part: Part, top: usize, sums: &[Sums], standing: &BTreeSet<usize>) -> i64 {
        let sum = |device: usize| sums.get(device).copied().unwrap_or_default();
        let between = self.network.above_part(part).take_while(|above| *above != top);
        let between = between.filter(|above| !standing.contains(above));
        let cost = between.map(|above| sum(above).parts.saturating_sub(sum(above).best()));
        let cost = cost.fold(0, i64::saturating_add);
        let (best, dark) = match part {
            Part::Device(device) => {
                let own = self.network.kind(device).map_or(0, prior);
                (sum(device).best(), sum(device).failed.saturating_sub(own))
            }
            Part::Service(meter) if (self.explained)(meter) => (0, 0),
            Part::Service(meter) => {
                let belief = self.beliefs.get(meter.at()).copied().unwrap_or_default();
                (self.alone(&belief).0, self.if_dark(&belief, sum(top).first_dark))
            }
        };
        best.saturating_sub(dark).saturating_sub(cost)
    }
}
