//! IPv6 over 802.15.4 frames.
