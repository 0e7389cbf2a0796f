//! What a packet's information says about its way (RFC 6550 §11.2.2.2): one inconsistency is forgiven, the second is
//! a loop.

/// DAGRank (§3.5.1): whole hops' worth of Rank.
#[must_use]
pub const fn dag_rank(rank: u16, min_hop_rank_increase: u16) -> u16 {
    match rank.checked_div(min_hop_rank_increase) {
        Some(hops) => hops,
        None => rank,
    }
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ranks are in order.
    Forward,
    /// Out of order for the first time: set R and let it pass.
    ForwardMarked,
    /// Out of order again: drop it and reset Trickle, so that neighbours learn the Ranks.
    DropAndReset,
}

/// Judges a packet that claims to go `down` (or up) and comes from a node of `sender_rank`. Equal DAGRanks are not
/// flagged: the clause speaks of higher and lower alone.
#[must_use]
pub const fn judge(
    down: bool,
    rank_error: bool,
    sender_rank: u16,
    own_rank: u16,
    min_hop_rank_increase: u16,
) -> Verdict {
    let sender = dag_rank(sender_rank, min_hop_rank_increase);
    let own = dag_rank(own_rank, min_hop_rank_increase);
    let inconsistent = if down { sender > own } else { sender < own };
    match (inconsistent, rank_error) {
        (false, _) => Verdict::Forward,
        (true, false) => Verdict::ForwardMarked,
        (true, true) => Verdict::DropAndReset,
    }
}
