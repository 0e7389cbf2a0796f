//! `village.geojson`: buildings and grid in WGS 84, written by `taa new`, edited in QGIS or geojson.io, read back.
//!
//! Every feature has a `kind`; one without is a building, so a plain buildings file is a village whose grid is laid
//! out on loading. As soon as one pole is drawn, the drawn grid is taken and nothing is laid out.
//!
//! | kind | geometry | properties |
//! |---|---|---|
//! | `building` | Polygon or Point | `id`, `roof` (iron, thatch, tile), `wall` (mud, brick, wood), `connected` (yes, no), `area_m2` (of a Point); when connected: `class`, `placement` (pole, wall, indoor), `meter_id`, `pole`, `phase` (1–3) |
//! | `pole` | Point | `id`, `feeder` |
//! | `line` | LineString | `id`, `from` (`source` or a pole), `to` (a pole) |
//! | `dcu` | Point | `height_m` of the antenna |
//! | `relay` | Point | `id`, `height_m` |
//! | `generation` | Point | `height_m` |
//!
//! What trips people:
//! - **Ids decide, then positions.** A line goes where `from` and `to` say; a moved pole takes its lines along although
//!   QGIS leaves them drawn where they were. Without `from` and `to`, the drawn ends are snapped to poles within
//!   [`SNAP_M`]. A customer without `pole` gets the nearest one, without `phase` the least used.
//! - **The line decides over the feeder.** `feeder` counts on poles that hang on the source; the others follow the
//!   line that feeds them.
//! - **Meters move by themselves.** `placement` says where a meter hangs; its position follows from the building and
//!   its pole.
//! - The OpenStreetMap tag `power` is written beside `kind`, so that other tools know what they see; it is not read.

mod amend;
mod drawn;
mod grid;
mod read;
mod shape;
mod write;

pub use amend::{AmendError, amend};
pub(crate) use read::{Source, from_drawn};
pub(crate) use shape::{distance_m, drop_point};
pub use write::to_geojson;

/// Drawn line ends are taken to the pole within this distance, metres.
pub const SNAP_M: f64 = 5.0;

/// Kinds of features, by the name in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Building,
    Pole,
    Line,
    Dcu,
    Relay,
    Generation,
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("building", Self::Building),
        ("pole", Self::Pole),
        ("line", Self::Line),
        ("dcu", Self::Dcu),
        ("relay", Self::Relay),
        ("generation", Self::Generation),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}
