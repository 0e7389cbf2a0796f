//! What can stop the kernel.

use super::SimTime;

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// Events keep scheduling each other at one instant: a fault of the model, since time would never move on.
    #[error("time stands still at {at} ({} ns): {deltas} rounds of zero-delay events, lately at {}; one of them must wait", at.0, nodes.join(", "))]
    ZeroDelayLoop {
        /// The instant.
        at: SimTime,
        /// Rounds of zero-delay events so far.
        deltas: u32,
        /// Names of the nodes that fed the last rounds.
        nodes: Vec<String>,
    },
    /// Two nodes of a scenario carry the same id.
    #[error("two nodes are called `{id}`: ids must differ")]
    DuplicateNode {
        /// The id.
        id: String,
    },
    /// More nodes than an event key can tell apart.
    #[error("{count} nodes, and the kernel orders at most {limit}")]
    TooManyNodes {
        /// Nodes given.
        count: usize,
        /// Nodes allowed.
        limit: usize,
    },
    /// A node has been given more events than a sequence number can count.
    #[error("`{node}` has been given 2^40 events: split the run")]
    SequenceExhausted {
        /// The node.
        node: String,
    },
    /// A pace that is not a positive number.
    #[error("pace {factor} is not a positive number of simulated seconds per second")]
    BadPace {
        /// What was asked for.
        factor: f64,
    },
}
