//! What a mesh is worth before and after: hops, margins, who holds whom.

use super::{
    blocks::Blocks,
    graph::LinkGraph,
    ways::{Finder, OFF},
};

/// One draw of the air with the nodes that are on.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// By meter: node-disjoint ways to the root within the hop limit over links with the margin asked for, up to `paths`.
    pub ways: Vec<u8>,
    /// By meter: fewest hops over those links; nothing where there is no way.
    pub hops: Vec<Option<u16>>,
    /// By meter: what the weakest link of its strongest way has to spare over all usable links, dB; nothing without a way.
    pub margin_db: Vec<Option<f32>>,
    /// Links that these ways use, each once, the lower node first.
    pub used: Vec<(u32, u32)>,
    /// Nodes whose loss cuts meters off over links with the margin, with how many; the worst first.
    pub cuts: Vec<(usize, u32)>,
}

impl Figures {
    /// Meters with fewer ways than this.
    #[must_use]
    pub fn fewer_than(&self, paths: u8) -> usize {
        self.ways.iter().filter(|&&ways| ways < paths).count()
    }

    /// Most hops of any meter.
    #[must_use]
    pub fn hops_max(&self) -> u16 {
        self.hops.iter().flatten().copied().max().unwrap_or(0)
    }

    /// Mean hops of the meters that have a way; 0 without any.
    #[must_use]
    pub fn hops_mean(&self) -> f64 {
        let (mut sum, mut count) = (0_u32, 0_u32);
        for &hops in self.hops.iter().flatten() {
            sum += u32::from(hops);
            count += 1;
        }
        if count == 0 { 0.0 } else { f64::from(sum) / f64::from(count) }
    }

    /// The least margin of the meters that have a way, dB.
    #[must_use]
    pub fn margin_least_db(&self) -> Option<f32> {
        self.margin_db.iter().flatten().copied().min_by(f32::total_cmp)
    }
}

/// Figures of one draw. `usable` holds all links that carry frames, `margin_db` is what a link must have to spare.
#[must_use]
pub fn figures(
    usable: &LinkGraph,
    margin_db: f32,
    (root, on): (usize, &[bool]),
    meters: usize,
    (paths, limit): (u8, u16),
) -> Figures {
    let good = usable.at_least(margin_db);
    let mut blocks = Blocks::default();
    blocks.build(good.len(), meters, root, on, |node| [good.row(node), &[]]);
    let mut weight: Vec<u32> = on.iter().map(|&on| if on { 1 } else { OFF }).collect();
    let mut finder = Finder::default();
    finder.ground(&good, root, &weight);
    let hops: Vec<Option<u16>> = finder.rest[..meters].iter().map(|&hops| u16::try_from(hops).ok()).collect();
    let mut used = std::collections::BTreeSet::new();
    let mut ways = Vec::with_capacity(meters);
    for meter in 0..meters {
        let counts = (1..=paths).rev().filter(|&count| blocks.level(meter) >= count.min(2));
        let found = counts.into_iter().find_map(|count| finder.within(&good, &mut weight, meter, count, limit));
        let found = found.unwrap_or_default();
        ways.push(u8::try_from(found.len()).unwrap_or(u8::MAX));
        for way in found {
            let mut at = u32::try_from(meter).unwrap_or(u32::MAX);
            for to in way {
                used.insert((at.min(to), at.max(to)));
                at = to;
            }
        }
    }
    let strongest = strongest(usable, root, on);
    Figures {
        ways,
        hops,
        margin_db: strongest[..meters].to_vec(),
        used: used.into_iter().collect(),
        cuts: blocks.cuts(),
    }
}

/// For every node the margin of the weakest link on its strongest way to the root.
fn strongest(graph: &LinkGraph, root: usize, on: &[bool]) -> Vec<Option<f32>> {
    let mut best: Vec<Option<f32>> = vec![None; graph.len()];
    let mut settled = vec![false; graph.len()];
    best[root] = Some(f32::INFINITY);
    let mut heap = std::collections::BinaryHeap::new();
    // Margins as whole thousandths: ordered, and equal ones stay equal.
    heap.push((i64::MAX, root));
    while let Some((_, at)) = heap.pop() {
        if std::mem::replace(&mut settled[at], true) {
            continue;
        }
        let here = best[at].unwrap_or(f32::INFINITY);
        for (to, margin_db) in graph.links_of(at).filter(|link| on[link.0] && !settled[link.0]) {
            let through = margin_db.min(here);
            if best[to].is_none_or(|known| through > known) {
                best[to] = Some(through);
                #[allow(clippy::cast_possible_truncation)]
                heap.push(((f64::from(through) * 1000.0) as i64, to));
            }
        }
    }
    best
}
