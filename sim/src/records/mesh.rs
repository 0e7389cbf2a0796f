//! What the mesh leaves: its tree as it changes, who was cut off and why, and what was on the air.

use super::table;

/// Parent of a node that hangs in the tree: the DCU.
pub const DCU: u32 = u32::MAX;
/// Parent of a node that has none.
pub const NO_PARENT: u32 = u32::MAX - 1;

/// Where a node of the mesh stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MeshStanding {
    /// It has a way to the DCU.
    InTree = 0,
    /// It has power and is on its way into the mesh.
    Joining = 1,
    /// It has no power.
    Dark = 2,
    /// Cut off: the border router beside the DCU is down.
    RootDown = 3,
    /// Cut off: routing has collapsed, here or on the way (scripted).
    RoutesCollapsed = 4,
    /// Cut off: noise or a loss (scripted) is in the way.
    Disturbed = 5,
    /// Cut off: leaves are in the way.
    Leaves = 6,
    /// Cut off: who could forward is dark.
    ForwarderDark = 7,
    /// Cut off: the way is longer than the hop limit.
    HopLimit = 8,
    /// Cut off: nobody in range, even with all alive and no noise.
    OutOfRange = 9,
    /// Cut off, by frames: the last parent is gone.
    ParentLost = 10,
    /// Cut off, by frames: nothing was heard of the border router for too long.
    PanTimeout = 11,
    /// Cut off, by frames: it has not found a way in since the run began.
    NeverJoined = 12,
    /// Cut off, by frames: its parents lead back to one of them.
    InLoop = 13,
}

impl MeshStanding {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::InTree,
        Self::Joining,
        Self::Dark,
        Self::RootDown,
        Self::RoutesCollapsed,
        Self::Disturbed,
        Self::Leaves,
        Self::ForwarderDark,
        Self::HopLimit,
        Self::OutOfRange,
        Self::ParentLost,
        Self::PanTimeout,
        Self::NeverJoined,
        Self::InLoop,
    ];

    /// Has power and has joined, or should have, and no way: its hours are `mesh_isolated_node_hours`.
    #[must_use]
    pub const fn is_isolated(self) -> bool {
        self as u8 >= Self::RootDown as u8
    }

    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InTree => "in_tree",
            Self::Joining => "joining",
            Self::Dark => "dark",
            Self::RootDown => "root_down",
            Self::RoutesCollapsed => "routes_collapsed",
            Self::Disturbed => "disturbed",
            Self::Leaves => "leaves",
            Self::ForwarderDark => "forwarder_dark",
            Self::HopLimit => "hop_limit",
            Self::OutOfRange => "out_of_range",
            Self::ParentLost => "parent_lost",
            Self::PanTimeout => "pan_timeout",
            Self::NeverJoined => "never_joined",
            Self::InLoop => "in_loop",
        }
    }
}

table! {
    /// The tree of the mesh over time: a row for each node that has another parent or standing than before. The first rows
    /// tell how it began. Hops are counted along the parents.
    Dodag / DodagRow {
        /// When, ms of the run.
        time_ms: u64,
        /// Meters by customer index first, then relays.
        node: u32,
        /// Likewise; [`DCU`], or [`NO_PARENT`].
        parent: u32,
        /// Where it stands.
        standing: MeshStanding,
    }
}

table! {
    /// What was on the air, hour by hour; hours and purposes without any have no row. By message only data are known,
    /// retries included.
    MeshAir / MeshAirRow {
        /// End of the hour, ms of the run.
        time_ms: u64,
        /// What for: `data`, `discovery`, `joining`, `dodag`, `routes`, `probe`, `acknowledgement`.
        purpose: &'static str,
        /// Frames.
        frames: u64,
        /// Time on the air, microseconds; on several channels at once each counts.
        airtime_us: u64,
    }
}

/// Sums over the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeshSums {
    /// It was looked at frame by frame.
    pub frame: bool,
    /// Node-milliseconds cut off, by reason; they sum to `mesh_isolated_node_hours` exactly.
    pub isolated_ms: Vec<(MeshStanding, u64)>,
    /// By frames: time on the air by channel, microseconds.
    pub channel_us: Vec<(u16, u64)>,
    /// By frames: time on the air by node (meters, relays, last the DCU), microseconds.
    pub node_us: Vec<u64>,
    /// The tree's rows end here: there were too many to keep.
    pub tree_until_ms: Option<u64>,
}
