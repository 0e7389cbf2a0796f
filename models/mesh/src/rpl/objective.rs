//! Objective functions: which neighbour is the preferred parent, and which Rank follows (RFC 6719, RFC 6552).

use serde::{Deserialize, Serialize};

use super::loops::dag_rank;

/// No Rank: a node without a parent (RFC 6550 §17).
pub const INFINITE_RANK: u16 = 0xFFFF;

/// MRHOF's parameters (RFC 6719 §5), ETX as the metric: Rank is ETX × 128 summed over the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mrhof {
    /// Links with a higher ETX × 128 are not used.
    pub max_link_metric: u16,
    /// Paths with a higher cost are not used.
    pub max_path_cost: u16,
    /// A parent must be better by this much to replace the current one.
    pub parent_switch_threshold: u16,
    /// Parents kept beside the preferred one, itself counted.
    pub parent_set_size: u8,
    /// ALLOW_FLOATING_ROOT: a node without parents becomes the root of a floating DODAG.
    pub allow_floating_root: bool,
}

impl Default for Mrhof {
    fn default() -> Self {
        Self {
            max_link_metric: 512,
            max_path_cost: 32_768,
            parent_switch_threshold: 192,
            parent_set_size: 3,
            allow_floating_root: false,
        }
    }
}

/// OF0's parameters (RFC 6552 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of0 {
    /// Rank factor Rf, 1–4.
    pub rank_factor: u8,
    /// Stretch of rank Sr, 0–5.
    pub stretch: u8,
    /// Links with a higher ETX × 128 are not used: "a node must not consider a neighbour it cannot validate".
    pub max_link_metric: u16,
    /// Parents kept beside the preferred one, itself counted.
    pub parent_set_size: u8,
}

impl Default for Of0 {
    fn default() -> Self {
        Self { rank_factor: 1, stretch: 0, max_link_metric: 512, parent_set_size: 3 }
    }
}

/// An objective function with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objective {
    /// Minimum Rank with hysteresis, objective code point 1.
    Mrhof(Mrhof),
    /// Objective function zero, objective code point 0.
    Zero(Of0),
}

impl Default for Objective {
    fn default() -> Self {
        Self::Mrhof(Mrhof::default())
    }
}

/// A neighbour as the objective function sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<Id> {
    /// Who; lower ones win ties.
    pub id: Id,
    /// The Rank it advertises.
    pub rank: u16,
    /// ETX × 128 of the link to it, when known.
    pub etx128: Option<u16>,
}

impl Objective {
    /// The code point in the DODAG configuration.
    #[must_use]
    pub const fn code_point(&self) -> u16 {
        match self {
            Self::Zero(_) => 0,
            Self::Mrhof(_) => 1,
        }
    }

    /// Parents kept, the preferred one counted.
    #[must_use]
    pub const fn parent_set_size(&self) -> u8 {
        match self {
            Self::Mrhof(mrhof) => mrhof.parent_set_size,
            Self::Zero(zero) => zero.parent_set_size,
        }
    }

    /// By how much a path must be cheaper before it takes a parent's place, whether the preferred one's (RFC 6719 §3.2.2)
    /// or an alternate's. Arbitrary for alternates: the clause names only the preferred parent, and without a threshold
    /// two equal neighbours change places at every measurement.
    #[must_use]
    pub const fn switch_threshold(&self) -> u16 {
        match self {
            Self::Mrhof(mrhof) => mrhof.parent_switch_threshold,
            Self::Zero(_) => 1,
        }
    }

    /// The cost of the path through a neighbour, `None` when that path is not to be used. MRHOF: link ETX plus
    /// advertised Rank (§3.1), excluded when the link or the path is too dear or the link is not measured. OF0: the
    /// Rank that would follow.
    #[must_use]
    pub fn path_cost<Id>(&self, candidate: &Candidate<Id>, min_hop_rank_increase: u16) -> Option<u16> {
        let etx = candidate.etx128?;
        if candidate.rank == INFINITE_RANK {
            return None;
        }
        match self {
            Self::Mrhof(mrhof) => {
                let cost = candidate.rank.checked_add(etx)?;
                (etx <= mrhof.max_link_metric && cost <= mrhof.max_path_cost).then_some(cost)
            }
            Self::Zero(zero) => {
                if etx > zero.max_link_metric {
                    return None;
                }
                let increase = zero.step_of_rank(etx).checked_mul(min_hop_rank_increase)?;
                candidate.rank.checked_add(increase).filter(|&rank| rank != INFINITE_RANK)
            }
        }
    }

    /// The Rank of a node whose only parent is this one: the cost, and at least MinHopRankIncrease below the parent
    /// (RFC 6550 §8.2.1).
    #[must_use]
    pub fn rank_via<Id>(&self, candidate: &Candidate<Id>, min_hop_rank_increase: u16) -> Option<u16> {
        let cost = self.path_cost(candidate, min_hop_rank_increase)?;
        let below = candidate.rank.checked_add(min_hop_rank_increase)?;
        Some(cost.max(below)).filter(|&rank| rank != INFINITE_RANK)
    }

    /// The preferred parent among candidates: the cheapest path, unless the current parent is dearer by less than the
    /// threshold (RFC 6719 §3.2.2). OF0 stays when nothing is cheaper (RFC 6552 §4.2.1, rule 8).
    #[must_use]
    pub fn select<Id: Copy + Ord>(
        &self,
        candidates: &[Candidate<Id>],
        current: Option<Id>,
        min_hop_rank_increase: u16,
    ) -> Option<Id> {
        let cost = |candidate: &Candidate<Id>| self.path_cost(candidate, min_hop_rank_increase);
        let priced = candidates.iter().filter_map(|candidate| Some((cost(candidate)?, candidate.id)));
        let (best_cost, best) = priced.min()?;
        let stays = candidates.iter().find(|candidate| Some(candidate.id) == current).and_then(cost);
        match (current, stays) {
            (Some(current), Some(cost)) if cost.saturating_sub(best_cost) < self.switch_threshold() => Some(current),
            _ => Some(best),
        }
    }

    /// The Rank that follows from a parent set whose first member is preferred (RFC 6719 §3.3): the largest of the
    /// Rank through the preferred parent; the highest advertised Rank of the set, up to the next whole hop; and the
    /// largest Rank through a member, less MaxRankIncrease when that limit is on.
    #[must_use]
    pub fn rank<Id>(
        &self,
        parents: &[Candidate<Id>],
        min_hop_rank_increase: u16,
        max_rank_increase: u16,
    ) -> Option<u16> {
        let own = self.rank_via(parents.first()?, min_hop_rank_increase)?;
        if matches!(self, Self::Zero(_)) {
            return Some(own);
        }
        let worst = parents.iter().map(|parent| parent.rank).max()?;
        let whole =
            dag_rank(worst, min_hop_rank_increase).saturating_add(1).checked_mul(min_hop_rank_increase.max(1))?;
        let through = parents.iter().filter_map(|parent| self.rank_via(parent, min_hop_rank_increase)).max()?;
        let slack = if max_rank_increase == 0 { 0 } else { through.saturating_sub(max_rank_increase) };
        Some(own.max(whole).max(slack)).filter(|&rank| rank != INFINITE_RANK)
    }
}

impl Of0 {
    /// Rf · Sp + Sr (RFC 6552 §4.1), with Sp = 3 · ETX − 2 between 1 and 9. Arbitrary: RFC 6552 leaves Sp to the
    /// implementation; this is RFC 8180's choice.
    fn step_of_rank(&self, etx128: u16) -> u16 {
        let step = (3 * u32::from(etx128) / 128).saturating_sub(2).clamp(1, 9);
        let step = u16::try_from(step).unwrap_or(9);
        u16::from(self.rank_factor.clamp(1, 4)) * step + u16::from(self.stretch.min(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn candidate(id: u8, rank: u16, etx128: u16) -> Candidate<u8> {
        Candidate { id, rank, etx128: Some(etx128) }
    }

    #[test]
    fn a_dearer_parent_set_lifts_the_rank() {
        let mrhof = Objective::default();
        let near = candidate(0, 256, 128);
        assert_eq!(mrhof.rank(&[near], 128, 0), Some(384));
        assert_eq!(mrhof.rank(&[near, candidate(1, 500, 128)], 128, 0), Some(512));
        assert_eq!(mrhof.rank(&[near, candidate(1, 300, 512)], 128, 256), Some(556));
        assert_eq!(mrhof.rank::<u8>(&[], 128, 0), None);
    }

    #[test]
    fn zero_counts_steps_of_link_quality() {
        let zero = Objective::Zero(Of0::default());
        assert_eq!(zero.rank(&[candidate(0, 256, 128)], 256, 0), Some(512));
        assert_eq!(zero.rank(&[candidate(0, 256, 256)], 256, 0), Some(256 + 4 * 256));
        assert_eq!(zero.select(&[candidate(0, 256, 256), candidate(1, 1024, 128)], Some(1), 256), Some(1));
        assert_eq!(zero.path_cost(&candidate(0, 256, 600), 256), None);
        assert_eq!(zero.rank_via(&candidate(0, 65_000, 256), 256), None);
    }
}
