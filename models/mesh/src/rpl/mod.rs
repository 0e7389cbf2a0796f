//! RPL, the routing protocol of the mesh (RFC 6550): the wire, the rules, and the node.
//!
//! | module | holds | clauses |
//! |---|---|---|
//! | [`wire`] | control messages, packet information, source routes as bytes | RFC 6550 §6, 6551, 6553, 6554, 9008 |
//! | [`lollipop`] | sequence counters that survive a restart, and where they do not | RFC 6550 §7.2 |
//! | [`etx`] | link quality from transmissions and acknowledgements | RFC 6551 §4.3.2, Wi-SUN FAN |
//! | [`objective`] | which parent, which Rank: MRHOF and OF0 | RFC 6719, RFC 6552 |
//! | [`node`] | the state machine | RFC 6550 §8, §9, §11; RFC 9008 |
//! | [`loops`] | what the Ranks in a packet say about its way | RFC 6550 §11.2 |

pub mod etx;
pub mod lollipop;
pub mod loops;
pub mod node;
pub mod objective;
pub mod wire;
