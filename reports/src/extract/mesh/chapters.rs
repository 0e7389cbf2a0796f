//! Moments to replay: the deepest falls of the tree, and the run as a whole.

use taa_sim::records::Dodag;

use super::{Moment, forest::Forest};
use crate::{data::Chapter, numbers::duration};

/// Falls that are shown.
const FALLS_MAX: usize = 3;
/// Changes in all chapters of all architectures: what a page can hold.
const ROWS_MAX: usize = 24_000;
const ROWS_MIN: usize = 1_000;
/// A fall begins when less than this share of the best is in the tree, and ends when it is again.
const FALLEN: f64 = 0.95;
/// Shown before and after a fall at least, ms.
const AROUND_MS: u64 = 10 * 60_000;
/// Falls that are no further apart than this are one, ms.
const APART_MS: u64 = 30 * 60_000;
/// Finest grid of a chapter; it is doubled until the changes fit.
const GRID_MS: u64 = 1_000;
/// Hours of a meter cut off count as much as so many of one without power: a blackout is no collapse.
const CUT_OFF_WEIGHT: f64 = 20.0;
const JOINING_WEIGHT: f64 = 4.0;
/// A fall in which this share of the meter-hours lost was cut off with power is a collapse, else a blackout.
const COLLAPSE_SHARE: f64 = 0.25;

struct Fall {
    from_ms: u64,
    until_ms: u64,
    low_ms: u64,
    lowest: u32,
    weight: f64,
    isolated_ms: f64,
    /// Cut off, joining or dark together.
    lost_ms: f64,
}

/// The chapters, in order of time, the whole run first.
pub(super) fn chapters(
    table: &Dodag,
    nodes: (usize, usize),
    moments: &[Moment],
    until_ms: u64,
    architectures: usize,
) -> Vec<Chapter> {
    let falls = falls(moments, until_ms);
    let rows = (ROWS_MAX / (architectures.max(1) * (falls.len() + 1))).max(ROWS_MIN);
    let best = best(moments);
    let mut out = Vec::new();
    let low = moments.iter().min_by_key(|moment| (moment.count.in_tree(), moment.from_ms));
    let whole = (0, until_ms, low.map_or(0, |moment| moment.from_ms));
    out.push(chapter(table, nodes, whole, rows, "The whole run".to_owned()));
    for fall in falls {
        let around = ((fall.until_ms - fall.from_ms) / 8).clamp(AROUND_MS, 4 * 3_600_000);
        let span = (fall.from_ms.saturating_sub(around), (fall.until_ms + around).min(until_ms), fall.low_ms);
        // A moment without a parent belongs to every blackout.
        let what = if fall.isolated_ms >= COLLAPSE_SHARE * fall.lost_ms { "Collapse" } else { "Blackout" };
        let title =
            format!("{what} of {}: down to {} of {best} meters", duration(fall.until_ms - fall.from_ms), fall.lowest);
        out.push(chapter(table, nodes, span, rows, title));
    }
    out
}

/// The most meters that were in the tree at once.
fn best(moments: &[Moment]) -> u32 {
    moments.iter().map(|moment| moment.count.in_tree()).max().unwrap_or(0)
}

fn falls(moments: &[Moment], until_ms: u64) -> Vec<Fall> {
    let enough = f64::from(best(moments)) * FALLEN;
    let mut falls: Vec<Fall> = Vec::new();
    for (i, moment) in moments.iter().enumerate() {
        let next_ms = moments.get(i + 1).map_or(until_ms, |next| next.from_ms).min(until_ms);
        let (count, now) = (&moment.count, moment.count.in_tree());
        if f64::from(now) >= enough || next_ms <= moment.from_ms {
            continue;
        }
        let near = falls.last().is_some_and(|last| moment.from_ms <= last.until_ms + APART_MS);
        if !near {
            let (from_ms, low_ms) = (moment.from_ms, moment.from_ms);
            falls.push(Fall {
                from_ms,
                until_ms: next_ms,
                low_ms,
                lowest: now,
                weight: 0.0,
                isolated_ms: 0.0,
                lost_ms: 0.0,
            });
        }
        let Some(fall) = falls.last_mut() else { continue };
        let ms = (next_ms - moment.from_ms) as f64;
        fall.until_ms = next_ms;
        let isolated_ms = f64::from(count.isolated + count.astray) * ms;
        fall.isolated_ms += isolated_ms;
        fall.lost_ms += isolated_ms + f64::from(count.joining + count.dark) * ms;
        fall.weight +=
            CUT_OFF_WEIGHT * isolated_ms + JOINING_WEIGHT * f64::from(count.joining) * ms + f64::from(count.dark) * ms;
        if now < fall.lowest {
            (fall.lowest, fall.low_ms) = (now, moment.from_ms);
        }
    }
    falls.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.from_ms.cmp(&b.from_ms)));
    falls.truncate(FALLS_MAX);
    falls.sort_by_key(|fall| fall.from_ms);
    falls
}

/// The state at its beginning and what changes from grid line to grid line, on the finest grid that fits.
fn chapter(
    table: &Dodag,
    (meters, nodes): (usize, usize),
    (from_ms, until_ms, low_ms): (u64, u64, u64),
    rows_max: usize,
    title: String,
) -> Chapter {
    let mut forest = Forest::new(meters, nodes);
    let mut first = 0;
    while first < table.len() && table.time_ms[first] <= from_ms {
        forest.apply(table.node[first], table.parent[first], table.standing[first]);
        first += 1;
    }
    let mut out = Chapter {
        title,
        from_ms,
        until_ms,
        low_ms,
        parents: (0..nodes).map(|node| forest.parent_of(node)).collect(),
        standings: forest.standings.iter().map(|standing| *standing as u8).collect(),
        ..Chapter::default()
    };
    let mut grid_ms = GRID_MS;
    while !changes(table, first, (meters, nodes), grid_ms, rows_max, &mut out) {
        grid_ms *= 2;
    }
    out
}

/// Fills in the changes; false when there are more than fit.
fn changes(
    table: &Dodag,
    first: usize,
    (meters, nodes): (usize, usize),
    grid_ms: u64,
    rows_max: usize,
    out: &mut Chapter,
) -> bool {
    out.at_ms.clear();
    out.nodes.clear();
    out.to.clear();
    out.becomes.clear();
    let mut shown: Vec<(i32, u8)> = out.parents.iter().copied().zip(out.standings.iter().copied()).collect();
    let mut forest = Forest::new(meters, nodes);
    let mut touched: Vec<u32> = Vec::new();
    let mut row = first;
    while row < table.len() && table.time_ms[row] <= out.until_ms {
        let line_ms = (table.time_ms[row] - out.from_ms).div_ceil(grid_ms).max(1) * grid_ms + out.from_ms;
        touched.clear();
        while row < table.len() && table.time_ms[row] <= line_ms.min(out.until_ms) {
            forest.apply(table.node[row], table.parent[row], table.standing[row]);
            touched.push(table.node[row]);
            row += 1;
        }
        touched.sort_unstable();
        touched.dedup();
        for &node in &touched {
            let at = node as usize;
            let Some(was) = shown.get_mut(at) else { continue };
            let is = (forest.parent_of(at), forest.standings[at] as u8);
            if *was != is {
                *was = is;
                out.at_ms.push(line_ms.min(out.until_ms));
                out.nodes.push(node);
                out.to.push(is.0);
                out.becomes.push(is.1);
            }
        }
        if out.nodes.len() > rows_max && grid_ms < out.until_ms - out.from_ms {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use taa_sim::records::{DCU, DodagRow, MeshStanding, NO_PARENT};

    use super::*;
    use crate::data::{TO_DCU, TO_NOBODY};

    /// Ten meters, all at the root; from the first hour on the last five are cut off for an hour, one after the other.
    fn table() -> Dodag {
        let mut table = Dodag::default();
        for node in 0..10 {
            table.push(DodagRow { time_ms: 0, node, parent: DCU, standing: MeshStanding::InTree });
        }
        for node in 5..10_u32 {
            let time_ms = 3_600_000 + u64::from(node) * 100;
            table.push(DodagRow { time_ms, node, parent: NO_PARENT, standing: MeshStanding::ParentLost });
        }
        for node in 5..10 {
            table.push(DodagRow { time_ms: 7_200_000, node, parent: 0, standing: MeshStanding::InTree });
        }
        table
    }

    fn moments(table: &Dodag) -> Vec<Moment> {
        let mut forest = Forest::new(10, 10);
        let mut out: Vec<Moment> = Vec::new();
        for row in 0..table.len() {
            forest.apply(table.node[row], table.parent[row], table.standing[row]);
            let from_ms = table.time_ms[row];
            out.retain(|moment| moment.from_ms < from_ms);
            out.push(Moment { from_ms, count: forest.count() });
        }
        out
    }

    #[test]
    fn a_fall_becomes_a_chapter_that_replays_to_the_state_of_the_tree() {
        let table = table();
        let all = chapters(&table, (10, 10), &moments(&table), 10_800_000, 1);
        let titles: Vec<&str> = all.iter().map(|chapter| chapter.title.as_str()).collect();
        assert_eq!(titles, ["The whole run", "Collapse of 60 min: down to 5 of 10 meters"]);
        for chapter in &all {
            let mut state: Vec<(i32, u8)> =
                chapter.parents.iter().copied().zip(chapter.standings.iter().copied()).collect();
            let low = chapter.at_ms.iter().take_while(|at| **at <= 5_400_000).count();
            for i in 0..low {
                state[chapter.nodes[i] as usize] = (chapter.to[i], chapter.becomes[i]);
            }
            let cut_off = state.iter().filter(|one| **one == (TO_NOBODY, MeshStanding::ParentLost as u8)).count();
            assert_eq!((cut_off, state[0]), (5, (TO_DCU, 0)));
            assert!(chapter.at_ms.is_sorted() && chapter.from_ms <= chapter.at_ms[0]);
        }
        assert!(all[1].from_ms == 3_600_500 - AROUND_MS && all[1].low_ms == 3_600_900);
    }

    #[test]
    fn too_many_changes_are_told_on_a_coarser_grid() {
        let mut table = table();
        for i in 0..5_000_u64 {
            let parent = if i % 2 == 0 { 1 } else { DCU };
            table.push(DodagRow { time_ms: 7_300_000 + i * 100, node: 4, parent, standing: MeshStanding::InTree });
        }
        let span = (7_200_000, 9_000_000, 7_200_000);
        let fine = chapter(&table, (10, 10), span, 100_000, String::new());
        let coarse = chapter(&table, (10, 10), span, 200, String::new());
        assert!(fine.nodes.len() <= 500 && coarse.nodes.len() <= 200, "{} {}", fine.nodes.len(), coarse.nodes.len());
        assert_eq!(coarse.to.last(), Some(&TO_DCU), "it ends as the table does");
    }
}
