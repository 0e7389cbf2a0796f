//! The Wi-SUN mesh as protocol machines: bytes and deadlines in, bytes and deadlines out.
//!
//! Nothing here knows a radio, a clock or a thread. Time is an argument in nanoseconds, chance is an argument too
//! (a random word handed in where a clause asks for one), so a run repeats to the bit.
//!
//! | room | holds |
//! |---|---|
//! | [`mac`] | IEEE 802.15.4 frames, hopping, access to the channel |
//! | [`lowpan`] | IPv6 over 802.15.4: header compression (RFC 6282), fragments (RFC 4944), routing headers (RFC 8138) |
//! | [`rpl`] | RPL control messages and the node's state machine (RFC 6550 and its companions) |
//! | [`trickle`] | the Trickle timer (RFC 6206) |
//! | [`wisun`] | Wi-SUN FAN 1.1: frames, discovery, joining, keys, multicast |

pub mod lowpan;
pub mod mac;
pub mod rpl;
pub mod trickle;
pub mod wisun;
