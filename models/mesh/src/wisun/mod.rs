//! Wi-SUN FAN 1.1 above the MAC: frames, discovery, joining, keys, multicast.
//!
//! | file | one idea |
//! |---|---|
//! | [`ie`] | Wi-SUN's information elements, typed |
//! | [`frames`] | its frames as bytes |
//! | [`params`] | times by size of network |
//! | [`message`] | what nodes say while a network forms, and how many octets that is |
//! | [`exchange`] | authentication as sized messages |
//! | [`keys`] | group keys and their lives |
//! | [`join`] | a router that joins, serves and comes back |
//! | [`border`] | the border router |
//! | [`mpl`], [`mpl_wire`] | multicast by seeds and forwarders; its octets |

pub mod border;
pub mod exchange;
pub mod frames;
pub mod ie;
pub mod join;
pub mod keys;
pub mod message;
pub mod mpl;
pub mod mpl_wire;
pub mod params;
