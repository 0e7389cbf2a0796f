//! Three media on one village: a Wi-SUN mesh, G3-PLC on the wires, a LoRaWAN star; the same places, the same readings.
//!
//! ```text
//!  Site ─┬─ mesh:    VillageRadio ─▶ links ─┐
//!        ├─ PLC:     Wires + PlcParams ─────┴▶ Net ─▶ Tree (cheapest ways) ─▶ Figures
//!        └─ LoRaWAN: VillageRadio ─▶ rate control ─▶ ALOHA with capture ────▶ Figures
//! ```
//!
//! Each is taken at its own best settled state: cheapest routes, no losses of joining, no routing traffic, rate control
//! settled, no collisions except LoRaWAN's ALOHA, which is its nature. So these are **upper bounds** that can be set
//! side by side, not a simulation of protocols.
//!
//! The same for all three: where meters hang, shadows, leaves (full), man-made noise, spread of radios and fading for both
//! radios; what a meter says and how often, of itself (nobody polls); retries, least quality of a link, time at both ends
//! of a message; who is dark behind an open breaker. Different by nature: the mesh and the wires acknowledge every frame.
//!
//! What trips: the mesh's relays stand in no other medium's way and help none. The wires' concentrator sits on the busbar
//! of the generation site, coupled to three phases, wherever the antenna is.

mod delays;
mod losses;
mod mesh;
mod star;
mod tree;
mod wires;

use crate::{
    lorawan::{Class, LorawanParams},
    mesh::MeshParams,
    plc::{Load, PlcParams},
    radio::{RadioParams, village::Mounted},
};

/// A meter: where it hangs and where it is wired.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The radio's view; its key is the meter's.
    pub radio: Mounted,
    /// Pole that its service drop hangs on: index into [`Site::spans`].
    pub pole: u32,
    /// Service drop, m.
    pub drop_m: f64,
    /// Phase, 0–2.
    pub phase: u8,
}

/// A radio relay, fed by a feeder.
#[derive(Clone, Debug, PartialEq)]
pub struct Relay {
    /// Where it stands.
    pub radio: Mounted,
    /// Feeder that it is dark with.
    pub feeder: u32,
}

/// A pole with the line that feeds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The pole at which this line begins; `None`: the busbar of the generation site. Lines are a tree: following this
    /// ends at the busbar.
    pub before: Option<u32>,
    /// Feeder, by number.
    pub feeder: u32,
    /// Length of the line, m.
    pub length_m: f64,
}

/// A village as the three media see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Meters.
    pub meters: Vec<Place>,
    /// Relays of the mesh.
    pub relays: Vec<Relay>,
    /// The concentrator's antenna: border router or gateway.
    pub root: Mounted,
    /// Poles.
    pub spans: Vec<Span>,
}

impl Site {
    /// Feeder of a meter.
    #[must_use]
    pub fn feeder(&self, meter: usize) -> Option<u32> {
        let pole = self.meters.get(meter)?.pole;
        self.spans.get(pole as usize).map(|span| span.feeder)
    }

    /// The feeder with most meters, the first of equals, and how many; nothing without meters.
    #[must_use]
    pub fn largest_feeder(&self) -> Option<(u32, usize)> {
        let mut meters = std::collections::BTreeMap::<u32, usize>::new();
        for feeder in (0..self.meters.len()).filter_map(|meter| self.feeder(meter)) {
            *meters.entry(feeder).or_default() += 1;
        }
        meters.into_iter().max_by_key(|&(feeder, count)| (count, std::cmp::Reverse(feeder)))
    }
}

/// What is carried, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Octets of a reading (application).
    pub reading_octets: u32,
    /// Readings a meter sends an hour.
    pub readings_per_hour: f64,
    /// Octets of an order.
    pub order_octets: u32,
    /// Octets of a last gasp.
    pub gasp_octets: u32,
    /// What a dark meter has left for it once it has found out, s.
    pub gasp_s: f64,
    /// Retries, least quality of a link, headers, waiting for the channel, time at both ends: taken for all three.
    pub mesh: MeshParams,
}

impl Traffic {
    /// Octets of these with the headers of a mesh or PLC frame.
    const fn framed(&self, octets: u32) -> u32 {
        octets + self.mesh.overhead_octets as u32
    }

    /// Frames of the mesh for so many octets, and the octets of each, headers included.
    const fn frames(&self, octets: u32) -> (u32, u32) {
        let most = if self.mesh.frame_octets == 0 { 1 } else { self.mesh.frame_octets as u32 };
        let frames = if octets == 0 { 1 } else { octets.div_ceil(most) };
        (frames, self.framed(octets.div_ceil(frames)))
    }

    /// Transmissions of a frame at most.
    fn tries(&self) -> i32 {
        i32::from(self.mesh.retries) + 1
    }

    /// Good enough to be used.
    fn usable(&self, both: f64) -> bool {
        both * self.mesh.max_etx >= 1.0
    }

    /// Share that arrives with all tries, where each does so often.
    fn arrives(&self, each: f64) -> f64 {
        1.0 - libm::pow(1.0 - each.clamp(0.0, 1.0), f64::from(self.tries()))
    }

    /// Mean tries of a frame: a geometric count, cut off.
    fn mean_tries(&self, each: f64) -> f64 {
        if each <= 0.0 { f64::from(self.tries()) } else { self.arrives(each) / each }
    }
}

/// A medium.
#[derive(Clone, Debug, PartialEq)]
pub enum Medium {
    /// A mesh of meters.
    Mesh(RadioParams),
    /// The wires, at this hour's load.
    Plc(PlcParams, Load),
    /// A star, with the radio's propagation and this class of device.
    Lorawan(RadioParams, LorawanParams, Class),
}

/// What bounds the readings an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Nobody is reached.
    Nobody,
    /// The busiest node (mesh) or the line (PLC) is on the air for [`BUSY_SHARE`] of the time.
    Busy,
    /// The busiest sender has used up its hour's share of time on the air.
    Duty,
    /// More than [`KEPT_SHARE`] would be lost to collisions.
    Collisions,
}

/// Share of time that carrier sensing fills before waits and hidden senders eat the rest. Assumed: 0.3.
pub const BUSY_SHARE: f64 = 0.3;
/// Share of readings from reached meters that must still arrive. Arbitrary: nine of ten.
pub const KEPT_SHARE: f64 = 0.9;

/// How a medium does.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Share of meters with a usable way, 0–1.
    pub reached: f64,
    /// Share of readings that arrive, over all meters, 0–1.
    pub delivered: f64,
    /// Most hops.
    pub hops_max: u32,
    /// Mean hops of those reached.
    pub hops_mean: f64,
    /// Airtime of one reading from every reached meter, retries, acknowledgements and hops included, s.
    pub round_s: f64,
    /// Readings a meter and hour that the medium carries at most.
    pub readings_per_hour_max: f64,
    /// What bounds them.
    pub bound: Bound,
    /// Mean time of an order to a reached meter, waiting for its ear included, s; of those that arrive.
    pub order_mean_s: f64,
    /// 95 of 100 orders take less, s.
    pub order_p95_s: f64,
    /// Orders an hour that the medium carries at most.
    pub orders_per_hour: f64,
    /// What breaks with what.
    pub lost: Losses,
}

/// What breaks with what, as shares of meters, 0–1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// The largest feeder's breaker opens: of the meters still lit, those that have a way no more; `None`: none is lit.
    pub lit_without_way: Option<f64>,
    /// Of the dark ones, those whose last gasp arrives when all cry at once.
    pub gasps_heard: f64,
    /// Of the dark ones, those whose last gasp arrives when each cries alone.
    pub gasps_heard_alone: f64,
    /// The one router whose loss is worst is lost: of the other meters, those that have a way no more.
    pub without_router: f64,
    /// The router with most behind it is lost: of the other meters, those that must find another way.
    pub behind_router: f64,
}

/// How this medium does on this village under this draw of the air (the wires draw nothing but delays).
#[must_use]
pub fn compare(medium: &Medium, site: &Site, traffic: &Traffic, seed: u64) -> Figures {
    match medium {
        Medium::Mesh(radio) => mesh::figures(radio, site, traffic, seed),
        Medium::Plc(params, load) => wires::figures(params, *load, site, traffic, seed),
        Medium::Lorawan(radio, params, class) => star::figures(radio, params, *class, site, traffic, seed),
    }
}

#[cfg(test)]
mod tests;
