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
//! | [`mpl`] | multicast by seeds and forwarders |

pub mod border;
pub mod exchange;
pub mod frames;
pub mod ie;
pub mod join;
pub mod keys;
pub mod message;
pub mod mpl;
pub mod params;
