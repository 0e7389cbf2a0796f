//! The way of money to a DCU: what providers send, the hosted relay that keeps it, the shapes of token servers; sans-I/O.
