//! A broken pole: one fault that takes parts of several phases along, and so lies across the tree.
//!
//! For each span it is computed what the lowest device above it would cost if the pole were broken instead of each phase
//! having a fault of its own. Of the spans under one device the best one counts, if it is cheaper at all: two broken poles
//! of one feeder within two seconds are told of as one and the rest of the other.

use super::{
    judge::{Scene, Sums, prior},
    network::Part,
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
    /// The best span right under this device, of whose parts the sums are final.
    pub(super) fn best_span(&self, top: usize, sums: &[Sums]) -> Option<Choice> {
        let choices = self.network.spans_under(top).map(|(number, span)| {
            let saved = span.parts.iter().map(|part| self.saved(*part, top, sums)).fold(0, i64::saturating_add);
            Choice { span: number, gain: saved.saturating_sub(SPAN) }
        });
        // Of equal ones the first.
        let best = choices.reduce(|best, one| if one.gain > best.gain { one } else { best });
        best.filter(|choice| choice.gain > 0)
    }

    /// What is saved under `top` if this part is dark for a reason that is paid elsewhere. All between them then stand.
    fn saved(&self, part: Part, top: usize, sums: &[Sums]) -> i64 {
        let sum = |device: usize| sums.get(device).copied().unwrap_or_default();
        let between = self.network.above_part(part).take_while(|above| *above != top);
        let standing = between.map(|above| sum(above).parts.saturating_sub(sum(above).best()));
        let standing = standing.fold(0, i64::saturating_add);
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
        best.saturating_sub(dark).saturating_sub(standing)
    }
}
