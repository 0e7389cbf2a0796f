//! What carries messages: the wrapper, or HDLC, perhaps opened by IEC 62056-21.
//!
//! [`serial::Serial`] joins the two for a client, [`crate::server::Port`] for a server; [`bus::Bus`] shares one pair of
//! wires between several meters, and [`push::Listener`] hears what meters send of their own accord.

pub mod bus;
pub mod hdlc;
pub mod iec21;
pub mod line;
pub mod push;
pub mod serial;
pub mod wrapper;
