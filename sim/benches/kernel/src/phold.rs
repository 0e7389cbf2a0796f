//! The work, the same for every engine.

/// Nodes.
pub const NODES: u32 = 1000;
/// Tokens, so events pending at any time.
pub const PENDING: u32 = 100_000;
/// Simulated stretch that is measured.
pub const UNTIL_NS: u64 = 10_000_000_000;
/// Mean wait of a token.
const MEAN_NS: f64 = 1e9;

/// What a node remembers.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct NodeState {
    rng: u64,
    count: u64,
}

impl NodeState {
    pub fn new(node: u32) -> Self {
        Self { rng: u64::from(node).wrapping_mul(0x9e37_79b9_7f4a_7c15), count: 0 }
    }

    /// A token has arrived: counts it, draws how long it stays and where it goes.
    #[inline]
    pub fn arrive(&mut self) -> (u64, u32) {
        self.count += 1;
        let wait = self.draw();
        let target = ((self.draw() >> 32) * u64::from(NODES)) >> 32;
        (exponential(wait), target as u32)
    }

    /// SplitMix64.
    #[inline]
    fn draw(&mut self) -> u64 {
        self.rng = self.rng.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.rng ^ (self.rng >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One number for its whole past.
    pub fn trace(&self) -> u64 {
        self.rng.rotate_left(17) ^ self.count
    }
}

/// An exponential wait of at least a nanosecond.
#[inline]
fn exponential(bits: u64) -> u64 {
    let unit = ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    (-libm::log(unit) * MEAN_NS) as u64 + 1
}

/// The first event of every token: when, and at which node.
pub fn start() -> impl Iterator<Item = (u64, u32)> {
    let mut draws = NodeState::new(NODES);
    (0..PENDING).map(move |token| (draws.arrive().0, token % NODES))
}

/// A run's figures.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub events: u64,
    pub wall_ns: u64,
    /// Over all nodes; 0 where the engine draws its own numbers.
    pub trace: u64,
}

impl Measured {
    pub fn of(wall: std::time::Duration, nodes: impl Iterator<Item = NodeState>) -> Self {
        let (mut events, mut trace) = (0, 0_u64);
        for node in nodes {
            events += node.count;
            trace = trace.wrapping_mul(0x100_0000_01b3) ^ node.trace();
        }
        Self { events, wall_ns: wall.as_nanos() as u64, trace }
    }

    pub fn ns_per_event(&self) -> f64 {
        self.wall_ns as f64 / self.events as f64
    }

    pub fn same_work(&self) -> (u64, u64) {
        (self.events, self.trace)
    }
}
