//! One message along its route: frames, retries, delay, loss.

use super::{routes::Routes, topology::Topology};
use crate::draw::Draws;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Arrived.
    Delivered {
        /// From handing over to having it whole, milliseconds.
        delay_ms: u64,
        /// Frames on the air, retries included.
        transmissions: u32,
    },
    /// Given up.
    Lost {
        /// The hop that gave up, counted from the sender, 1 first; 0: there was no route.
        at_hop: u16,
        /// When it gave up, milliseconds after handing over.
        delay_ms: u64,
        /// Frames on the air until then.
        transmissions: u32,
    },
}

/// Success of a frame of this share of the full length. Nearly perfect links, most of them, take the first-order term:
/// at a loss of 0.001 it is off by less than a millionth, and a power costs more than all the draws of a hop.
fn shorter(success: f64, length: f64, powers: &mut Powers) -> f64 {
    let loss = 1.0 - success;
    if length > 0.999 {
        success
    } else if loss < 1e-3 {
        1.0 - loss * length
    } else {
        powers.of(success, length)
    }
}

/// Powers taken before. The same few links carry messages of the same few lengths; what is remembered is the very value
/// that would be reckoned, so that it never matters what was remembered.
#[derive(Clone, Debug)]
pub struct Powers {
    /// Bits of base and exponent, and the power: one place for each of so many remainders.
    known: Vec<(u64, u64, f64)>,
}

/// A power of two: a place is found by the upper bits of a product.
const PLACES: usize = 1024;

impl Default for Powers {
    fn default() -> Self {
        // One to the power of nought.
        Self { known: vec![(1.0_f64.to_bits(), 0.0_f64.to_bits(), 1.0); PLACES] }
    }
}

impl Powers {
    #[allow(clippy::cast_possible_truncation)]
    fn of(&mut self, base: f64, exponent: f64) -> f64 {
        let key = (base.to_bits(), exponent.to_bits());
        // Fibonacci hashing.
        let mixed = (key.0 ^ key.1.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = &mut self.known[(mixed >> (u64::BITS - PLACES.ilog2())) as usize];
        if (place.0, place.1) != key {
            *place = (key.0, key.1, libm::pow(base, exponent));
        }
        place.2
    }
}

impl Topology {
    /// Sends `bytes` between `node` and the root, `up` towards it or down from it, along these routes.
    ///
    /// Each frame may be sent 1 + `retries` times per hop; a retry is needed when frame or acknowledgement is lost. A
    /// frame whose acknowledgements alone were lost counts as lost here too (the sender would send it again above).
    /// Downward messages take the same path backwards (RPL non-storing mode).
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn deliver(
        &self,
        routes: &Routes,
        node: usize,
        bytes: usize,
        up: bool,
        powers: &mut Powers,
        draws: &mut Draws,
    ) -> Delivery {
        if !routes.has_route(node) {
            return Delivery::Lost { at_hop: 0, delay_ms: 0, transmissions: 0 };
        }
        let full = usize::from(self.params.frame_octets);
        let frames = bytes.div_ceil(full).max(1);
        let octets = bytes.div_ceil(frames) + usize::from(self.params.overhead_octets);
        // Success falls geometrically with length: as exact as independent bits are.
        let length = octets as f64 / (full + usize::from(self.params.overhead_octets)) as f64;
        let airtime_ms = octets as f64 * self.airtime_ms_per_octet;
        let hops = routes.hops[node];
        let mut delay_ms = draws.lognormal(self.params.ends_median_ms, 0.4);
        let mut transmissions = 0;
        let mut at = node;
        for i in 1..=hops {
            let hop = if up { i } else { hops + 1 - i };
            // Walking from the far end down the tree needs the node at that depth; a path is at most 24 long.
            let sender_side = if up { at } else { self.ancestor(routes, node, hop - 1) };
            let success = routes.hop_success[sender_side];
            let clear = shorter(f64::from(success.clear), length, powers);
            for _ in 0..frames {
                let (tries, through) = if success.disturbed_share > 0.0 {
                    let disturbed = shorter(f64::from(success.disturbed), length, powers);
                    self.send_among(clear, disturbed, f64::from(success.disturbed_share), draws)
                } else {
                    self.send(clear, draws)
                };
                transmissions += tries;
                delay_ms += f64::from(tries) * airtime_ms + self.access_ms(tries, draws);
                if !through {
                    return Delivery::Lost { at_hop: i, delay_ms: delay_ms as u64, transmissions };
                }
            }
            if up {
                at = routes.parent[at].map_or(at, |p| p as usize);
            }
        }
        Delivery::Delivered { delay_ms: delay_ms as u64, transmissions }
    }

    /// The node `steps` hops above this one.
    fn ancestor(&self, routes: &Routes, node: usize, steps: u16) -> usize {
        routes.path(node).nth(usize::from(steps)).unwrap_or(self.root)
    }

    /// Tries until one succeeds or none is left: (tries, through).
    fn send(&self, success: f64, draws: &mut Draws) -> (u32, bool) {
        let most = u32::from(self.params.retries) + 1;
        for tries in 1..=most {
            if draws.chance(success) {
                return (tries, true);
            }
        }
        (most, false)
    }

    /// The same among others in the band. A dwell is disturbed or it is not, and all tries in it are alike; the next is on
    /// another channel.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn send_among(&self, clear: f64, disturbed: f64, share: f64, draws: &mut Draws) -> (u32, bool) {
        /// On a held channel a try ends with its assessments, and on a deaf one with no acknowledgement: as frame by frame.
        const TRY_MS: f64 = 25.0;
        const DWELL_MS: f64 = 255.0;
        let most = u32::from(self.params.retries) + 1;
        let phase = draws.uniform();
        let mut success = clear;
        let mut dwell = None;
        for tries in 1..=most {
            let now = Some((phase + f64::from(tries - 1) * TRY_MS / DWELL_MS) as u32);
            if now != dwell {
                dwell = now;
                success = if draws.chance(share) { disturbed } else { clear };
            }
            if draws.chance(success) {
                return (tries, true);
            }
        }
        (most, false)
    }

    /// Waiting for the channel over these tries: uniform from a third to five thirds of the mean for each, in sum.
    fn access_ms(&self, tries: u32, draws: &mut Draws) -> f64 {
        f64::from(tries) * self.params.access_mean_ms * (1.0 / 3.0 + 4.0 / 3.0 * draws.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_powers_are_those_reckoned() {
        let mut powers = Powers::default();
        // More of them than there are places, each twice: some are remembered, some were driven out.
        for _ in 0..2 {
            for i in 0..3000_u32 {
                let (base, exponent) = (1.0 - 1.0 / f64::from(2 + i % 97), f64::from(1 + i / 97) / 40.0);
                assert_eq!(powers.of(base, exponent).to_bits(), libm::pow(base, exponent).to_bits());
                assert_eq!(powers.of(base, exponent).to_bits(), libm::pow(base, exponent).to_bits());
            }
        }
    }
}
