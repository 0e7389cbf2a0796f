//! What carries messages: the wrapper, or HDLC, perhaps opened by IEC 62056-21.

pub mod hdlc;
pub mod iec21;
pub mod line;
pub mod serial;
pub mod wrapper;
