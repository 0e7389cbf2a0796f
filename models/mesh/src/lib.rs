//! The Wi-SUN mesh as protocol machines: bytes and deadlines in, bytes and deadlines out.
//!
//! Nothing here knows a radio, a clock or a thread. Time is an argument in nanoseconds since the node's boot, chance
//! comes from a counter keyed by a seed ([`chance::Chance`]), so a run repeats to the bit.
//!
//! | room | holds |
//! |---|---|
//! | [`mac`] | IEEE 802.15.4 frames, hopping, access to the channel |
//! | [`ip`] | IPv6 headers, extension headers and the ICMPv6 checksum |
//! | [`lowpan`] | IPv6 over 802.15.4: header compression (RFC 6282), fragments (RFC 4944) |
//! | [`net`] | all of it together: a network on the air, frame by frame |
//! | [`rpl`] | RPL control messages and the node's state machine (RFC 6550 and its companions) |
//! | [`trickle`] | the Trickle timer (RFC 6206) |
//! | [`wisun`] | Wi-SUN FAN 1.1: frames, discovery, joining, keys, multicast |

mod bytes;
pub mod chance;
pub mod ip;
pub mod lowpan;
pub mod mac;
pub mod net;
mod peers;
pub mod rpl;
pub mod trickle;
pub mod wisun;

/// An IEEE EUI-64 link-layer address, most significant octet first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Eui64(pub [u8; 8]);

/// By octets, most significant first: as one number, which maps keyed by addresses compare often.
impl Ord for Eui64 {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        u64::from_be_bytes(self.0).cmp(&u64::from_be_bytes(other.0))
    }
}

impl PartialOrd for Eui64 {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Eui64 {
    /// The interface identifier: the universal/local bit inverted (RFC 4291 appendix A).
    #[must_use]
    pub const fn interface_id(self) -> [u8; 8] {
        let mut id = self.0;
        id[0] ^= 0x02;
        id
    }

    /// The link-local address `fe80::/64` with this interface.
    #[must_use]
    pub fn link_local(self) -> core::net::Ipv6Addr {
        self.under([0xFE, 0x80, 0, 0, 0, 0, 0, 0])
    }

    /// The address of this interface under a prefix of 64 bits.
    #[must_use]
    pub fn under(self, prefix: [u8; 8]) -> core::net::Ipv6Addr {
        let mut address = [0; 16];
        address[..8].copy_from_slice(&prefix);
        address[8..].copy_from_slice(&self.interface_id());
        address.into()
    }
}

/// The Wi-SUN way from an address back to its interface: the lower 64 bits are the inverted EUI-64.
impl From<core::net::Ipv6Addr> for Eui64 {
    fn from(address: core::net::Ipv6Addr) -> Self {
        let [.., a, b, c, d, e, f, g, h] = address.octets();
        Self([a ^ 0x02, b, c, d, e, f, g, h])
    }
}
