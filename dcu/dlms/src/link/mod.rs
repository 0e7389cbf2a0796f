//! What carries messages: the wrapper. HDLC takes its place beside it.

pub mod wrapper;
