//! Authentication as sized messages: EAP-TLS, the four-way handshake, the group key handshake.
//!
//! Counts and sizes are those of a real router joining a real border router (certificates of the open implementation's
//! examples, one CA, ECDSA P-256; recorded, and compared in `tests/exchange.rs`). Other certificates change only the two
//! large messages. Nothing is enciphered here: what is modelled is how many octets go which way in which order.
//!
//! | exchange | when | messages | octets of key management |
//! |---|---|---|---|
//! | full | first time, or the PMK has expired | 16 | 2542 |
//! | four-way | the PMK is known, the PTK is not | 7 | 848 |
//! | group | the PTK is known | 3 | 374 |

use serde::{Deserialize, Serialize};

/// Octets around a key management message in a frame to the authenticator (header, UTT, BT, US, multiplex, check).
pub const AROUND_UP: u32 = 56;
/// The same in a frame to the joining node (with EA and broadcast schedule).
pub const AROUND_DOWN: u32 = 81;
/// Octets around it when a router relays it to or from the border router over one hop (UDP port 10253 in IPv6).
pub const AROUND_RELAYED: u32 = 123;

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whether it goes to the authenticator.
    pub up: bool,
    /// Key management protocol: 1 is 802.1X, 6 the four-way handshake, 7 the group key handshake.
    pub kmp: u8,
    /// Octets of the EAPOL packet.
    pub octets: u32,
    /// What it is.
    pub name: &'static str,
}

const fn up(kmp: u8, octets: u32, name: &'static str) -> Step {
    Step { up: true, kmp, octets, name }
}

const fn down(kmp: u8, octets: u32, name: &'static str) -> Step {
    Step { up: false, kmp, octets, name }
}

/// All messages of a first join, in order.
pub const FULL: [Step; 16] = [
    up(1, 120, "key request"),
    down(1, 9, "EAP request, identity"),
    up(1, 18, "EAP response, identity"),
    down(1, 10, "EAP-TLS start"),
    up(1, 98, "client hello"),
    down(1, 802, "server hello, certificate, key exchange"),
    up(1, 686, "certificate, key exchange, verify, finished"),
    down(1, 53, "server finished"),
    up(1, 10, "EAP response"),
    down(1, 8, "EAP success"),
    down(6, 121, "four-way 1"),
    up(6, 99, "four-way 2"),
    down(6, 155, "four-way 3, group keys"),
    up(6, 99, "four-way 4"),
    down(7, 155, "group 1"),
    up(7, 99, "group 2"),
];

/// With a stored PMK: the key request and what follows EAP.
pub const FOUR_WAY: [Step; 7] = [FULL[0], FULL[10], FULL[11], FULL[12], FULL[13], FULL[14], FULL[15]];

/// With a stored PTK: new group keys only.
pub const GROUP: [Step; 3] = [FULL[0], FULL[14], FULL[15]];

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Exchange {
    /// EAP-TLS, then the handshakes.
    Full,
    /// The handshakes.
    FourWay,
    /// The group key handshake.
    Group,
}

impl Exchange {
    /// Its messages.
    #[must_use]
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::Full => &FULL,
            Self::FourWay => &FOUR_WAY,
            Self::Group => &GROUP,
        }
    }

    /// One message; none past the end.
    #[must_use]
    pub fn step(self, at: u8) -> Option<Step> {
        self.steps().get(usize::from(at)).copied()
    }

    /// The message with which the joining node has the group keys.
    #[must_use]
    pub fn grant(self) -> u8 {
        match self {
            Self::Full => 12,
            Self::FourWay => 3,
            Self::Group => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_above_is_true_and_the_grant_comes_down() {
        let sums = [Exchange::Full, Exchange::FourWay, Exchange::Group].map(|exchange| {
            let steps = exchange.steps();
            assert!(!steps[usize::from(exchange.grant())].up && steps[0].up && steps[steps.len() - 1].up);
            (steps.len(), steps.iter().map(|step| step.octets).sum::<u32>())
        });
        assert_eq!(sums, [(16, 2542), (7, 848), (3, 374)]);
    }
}
