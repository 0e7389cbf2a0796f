//! What can be wrong with the grid drawn in `village.geojson`.

use miette::Diagnostic;
use thiserror::Error;

use super::Spot;

/// One problem of the drawn grid.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum GridProblem {
    /// A `kind` that does not exist.
    #[error("{at}: there is no kind of feature `{found}`{suggestion}")]
    #[diagnostic(forward(at), code(taa::village::unknown_kind), help("kinds: {allowed}"))]
    UnknownKind {
        /// Where.
        at: Spot,
        /// What stands there.
        found: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },

    /// A pole that is no point, a line that is no line.
    #[error("{at}: a {kind} is drawn as a {found}")]
    #[diagnostic(forward(at), code(taa::village::wrong_geometry), help("draw a {kind} as a {wanted}"))]
    WrongGeometry {
        /// Where.
        at: Spot,
        /// The kind.
        kind: &'static str,
        /// The geometry found.
        found: String,
        /// The geometry wanted.
        wanted: &'static str,
    },

    /// A property whose value is unknown.
    #[error("{at}: `{value}` is not allowed{suggestion}")]
    #[diagnostic(forward(at), code(taa::village::bad_property), help("allowed: {allowed}"))]
    BadProperty {
        /// Where.
        at: Spot,
        /// What stands there.
        value: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },

    /// One id, two things.
    #[error("{at}: the {kind} id `{id}` stands twice")]
    #[diagnostic(
        forward(at),
        code(taa::village::duplicate_id),
        help("first used by feature {first}; give each its own")
    )]
    DuplicateId {
        /// The later one.
        at: Spot,
        /// Pole, line, relay.
        kind: &'static str,
        /// The id.
        id: String,
        /// Index of the earlier feature.
        first: usize,
    },

    /// One meter, two customers.
    #[error("{at}: the meter id `{id}` stands twice")]
    #[diagnostic(
        forward(at),
        code(taa::village::duplicate_meter),
        help("first used by feature {first}; a meter id is the meter's own name on the network and must be unique")
    )]
    DuplicateMeter {
        /// The later one.
        at: Spot,
        /// The id.
        id: String,
        /// Index of the earlier feature.
        first: usize,
    },

    /// Two concentrators, or two generation sites.
    #[error("{at}: a second {kind}")]
    #[diagnostic(
        forward(at),
        code(taa::village::second_site),
        help("a village has one {kind}; the first is feature {first}; further radio nodes are drawn as kind = relay")
    )]
    Second {
        /// The later one.
        at: Spot,
        /// Which.
        kind: &'static str,
        /// Index of the earlier feature.
        first: usize,
    },

    /// A grid without its source.
    #[error("{at}: the village has poles but no generation site")]
    #[diagnostic(
        forward(at),
        code(taa::village::no_generation),
        help("add a Point with kind = generation where panels, battery and inverter stand")
    )]
    NoGeneration {
        /// The file.
        at: Spot,
    },

    /// A line to nowhere.
    #[error("{at}: the line ends at the pole `{pole}`, which does not exist{suggestion}")]
    #[diagnostic(
        forward(at),
        code(taa::village::unknown_pole),
        help("`from` is \"source\" or a pole's id, `to` a pole's id; without them the drawn ends decide")
    )]
    UnknownPole {
        /// Where.
        at: Spot,
        /// The id.
        pole: String,
        /// Did you mean.
        suggestion: String,
    },

    /// A line whose end is drawn into the blue.
    #[error("{at}: the line's {end} is {distance_m:.0} m from the nearest pole")]
    #[diagnostic(
        forward(at),
        code(taa::village::loose_end),
        help("snap it to a pole (within {snap_m} m), or write the pole's id into `from` and `to`")
    )]
    LooseEnd {
        /// Where.
        at: Spot,
        /// Start or end.
        end: &'static str,
        /// How far.
        distance_m: f64,
        /// The snapping distance.
        snap_m: f64,
    },

    /// A line from a pole to itself.
    #[error("{at}: the line begins and ends at the same pole `{pole}`")]
    #[diagnostic(forward(at), code(taa::village::line_to_itself), help("remove it, or correct `from` and `to`"))]
    LineToItself {
        /// Where.
        at: Spot,
        /// The pole.
        pole: String,
    },

    /// A pole without current.
    #[error("{at}: the pole `{pole}` is not connected to the source{others}")]
    #[diagnostic(
        forward(at),
        code(taa::village::unreachable),
        help("every pole needs a chain of lines to the generation site: draw the missing line, or remove the pole")
    )]
    Unreachable {
        /// Where.
        at: Spot,
        /// The pole.
        pole: String,
        /// How many more.
        others: String,
    },

    /// A ring.
    #[error("{at}: the line closes a loop at the pole `{pole}`")]
    #[diagnostic(
        forward(at),
        code(taa::village::looped),
        help("feeders are radial (one way from the source to each pole): remove one line of the loop")
    )]
    Loop {
        /// Where.
        at: Spot,
        /// The pole reached twice.
        pole: String,
    },

    /// Warning: a pole that says one feeder and hangs on another.
    #[error("{at}: the pole `{pole}` says feeder `{own}` and hangs on `{upstream}`; the line decides")]
    #[diagnostic(
        forward(at),
        code(taa::village::feeder_by_line),
        severity(Warning),
        help("`feeder` counts on poles at the source; correct it on the others, or leave it out")
    )]
    FeederByLine {
        /// The line.
        at: Spot,
        /// The pole.
        pole: String,
        /// What it says.
        own: String,
        /// What feeds it.
        upstream: String,
    },

    /// A span that no pole holds.
    #[error("{at}: a span of {length_m:.0} m")]
    #[diagnostic(
        forward(at),
        code(taa::village::span_too_long),
        help("the longest span is {max_m:.0} m (layout.max_span_m): set a pole in between, or raise the limit")
    )]
    SpanTooLong {
        /// Where.
        at: Spot,
        /// Its length.
        length_m: f64,
        /// The limit.
        max_m: f64,
    },

    /// A customer on a pole that is not there.
    #[error("{at}: the building hangs on the pole `{pole}`, which does not exist{suggestion}")]
    #[diagnostic(
        forward(at),
        code(taa::village::unknown_service_pole),
        help("write the id of a pole, or remove `pole` to take the nearest one")
    )]
    UnknownServicePole {
        /// Where.
        at: Spot,
        /// The id.
        pole: String,
        /// Did you mean.
        suggestion: String,
    },

    /// A customer out of reach.
    #[error("{at}: its pole is {distance_m:.0} m away")]
    #[diagnostic(
        forward(at),
        code(taa::village::no_pole_in_reach),
        help("a service drop is at most {max_m:.0} m (layout.service_max_m): add a pole, or set connected = \"no\"")
    )]
    NoPoleInReach {
        /// Where.
        at: Spot,
        /// How far.
        distance_m: f64,
        /// The limit.
        max_m: f64,
    },

    /// Nobody to serve.
    #[error("{at}: no building is connected")]
    #[diagnostic(
        forward(at),
        code(taa::village::no_customers),
        help("set connected = \"yes\" on at least one building")
    )]
    NoCustomers {
        /// The file.
        at: Spot,
    },

    /// Warning: drawn and named differently.
    #[error("{at}: the line is drawn {distance_m:.0} m away from its pole `{pole}`")]
    #[diagnostic(
        forward(at),
        code(taa::village::line_off_pole),
        severity(Warning),
        help("`from` and `to` decide; the drawn line is not moved with a pole")
    )]
    LineOffPole {
        /// Where.
        at: Spot,
        /// The pole.
        pole: String,
        /// How far.
        distance_m: f64,
    },

    /// Warning: a position that does nothing.
    #[error("{at}: the pole serves nobody and leads nowhere")]
    #[diagnostic(
        forward(at),
        code(taa::village::idle_pole),
        severity(Warning),
        help("remove it, or leave it for a later connection")
    )]
    IdlePole {
        /// Where.
        at: Spot,
    },
}
