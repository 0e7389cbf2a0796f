//! DH1CF, the direct hash channel function (Wi-SUN FAN 1.1, 6.3.4.3): the channel of a slot.
//!
//! A receiver's unicast channel is a hash of its EUI-64 and its slot number; the channel of a broadcast slot is a hash of
//! the broadcast schedule identifier. Who knows a neighbour's address and where it is in its own count knows where it
//! listens. The hash is Bob Jenkins's lookup3 over three words.

use super::Eui64;
use super::channels::Channels;

/// Jenkins's lookup3 over three 32-bit words (`hashword`), starting value 0.
#[must_use]
pub fn hashword3([first, second, third]: [u32; 3]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(3 << 2);
    let (mut a, mut b, mut c) = (start.wrapping_add(first), start.wrapping_add(second), start.wrapping_add(third));
    let mix = |onto: u32, by: u32, turn: u32| (onto ^ by).wrapping_sub(by.rotate_left(turn));
    c = mix(c, b, 14);
    a = mix(a, c, 11);
    b = mix(b, a, 25);
    c = mix(c, b, 16);
    a = mix(a, c, 4);
    b = mix(b, a, 14);
    mix(c, b, 24)
}

/// The place in the list of allowed channels of a node's unicast slot, for `count` allowed channels.
#[must_use]
pub fn unicast_index(slot: u16, of: Eui64, count: u32) -> u32 {
    let [h0, h1, h2, h3, l0, l1, l2, l3] = of.0;
    let (high, low) = (u32::from_be_bytes([h0, h1, h2, h3]), u32::from_be_bytes([l0, l1, l2, l3]));
    hashword3([u32::from(slot), low, high]) % count.max(1)
}

/// The place in the list of allowed channels of a broadcast slot, for `count` allowed channels.
///
/// `bsi` is the broadcast schedule identifier, which a border router draws when it starts.
#[must_use]
pub fn broadcast_index(slot: u16, bsi: u16, count: u32) -> u32 {
    hashword3([u32::from(slot), u32::from(bsi) << 16, 0]) % count.max(1)
}

/// The channel on which a node listens in its own slot.
#[must_use]
pub fn unicast_channel(slot: u16, of: Eui64, channels: &Channels) -> u16 {
    channels.at(unicast_index(slot, of, channels.len()))
}

/// The channel of a broadcast slot.
#[must_use]
pub fn broadcast_channel(slot: u16, bsi: u16, channels: &Channels) -> u16 {
    channels.at(broadcast_index(slot, bsi, channels.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The broadcast hash of identifier 0 is the unicast hash of the address 0: both are the slot and two zeros.
    #[test]
    fn both_schedules_are_one_hash() {
        assert!((0..200).all(|slot| broadcast_index(slot, 0, 129) == unicast_index(slot, Eui64([0; 8]), 129)));
    }

    /// Over one round of all slots every channel gets its share, 65536 / 129 = 508 visits, within four standard
    /// deviations of a fair draw (23 each).
    #[test]
    fn a_round_visits_every_channel_evenly() {
        let mut visits = vec![0_u32; 129];
        let of = Eui64([0, 0x0b, 0x57, 0xff, 0xfe, 0, 1, 0]);
        for slot in 0..=u16::MAX {
            visits[unicast_index(slot, of, 129) as usize] += 1;
        }
        let (least, most) = (*visits.iter().min().unwrap(), *visits.iter().max().unwrap());
        assert!(least > 418 && most < 598, "{least}..{most} visits");
    }
}
