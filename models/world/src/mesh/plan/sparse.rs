//! A thin stand-in for the part of the graph that never changes.
//!
//! The first breadth-first forest of a graph together with one of what is left answers every question about one or two
//! node-disjoint ways as the whole graph does, whatever nodes and links are added to both (Eppstein, Galil, Italiano and
//! Nissenzweig, *Sparsification*, J. ACM 44, 1997): a thousand meters that hear hundreds of each other become two
//! thousand links. Lengths of ways are not kept; whoever asks for hops looks at the whole graph.

use super::graph::LinkGraph;

/// Rows of the first `fixed` nodes, among each other, thinned out for `forests` disjoint ways.
pub(super) fn thinned(graph: &LinkGraph, fixed: usize, forests: u8) -> Vec<Vec<u32>> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); fixed];
    for _ in 0..forests {
        for (a, b) in forest(graph, fixed, &rows) {
            rows[a as usize].push(b);
            rows[b as usize].push(a);
        }
        for row in &mut rows {
            row.sort_unstable();
        }
    }
    rows
}

/// A breadth-first spanning forest that uses none of the links that are taken.
#[allow(clippy::cast_possible_truncation)]
fn forest(graph: &LinkGraph, fixed: usize, taken: &[Vec<u32>]) -> Vec<(u32, u32)> {
    let mut seen = vec![false; fixed];
    let mut found = Vec::new();
    let mut open = std::collections::VecDeque::new();
    for start in 0..fixed {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        open.push_back(start);
        while let Some(at) = open.pop_front() {
            for &to in graph.row(at).iter().filter(|&&to| (to as usize) < fixed) {
                if !seen[to as usize] && taken[at].binary_search(&to).is_err() {
                    seen[to as usize] = true;
                    found.push((at as u32, to));
                    open.push_back(to as usize);
                }
            }
        }
    }
    found
}
