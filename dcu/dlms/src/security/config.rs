//! What a client and a server are told about security.

use super::{Form, Hls, Keys, Policy, Random, SendCounter, Suite, SystemTitle};

/// One client's security towards one meter. Not to be copied: two clients with one counter would repeat nonces.
#[derive(Debug)]
pub struct ClientSecurity {
    /// Which suite.
    pub suite: Suite,
    /// Our system title.
    pub title: SystemTitle,
    /// The meter's title, if known beforehand; another one is then refused.
    pub server_title: Option<SystemTitle>,
    /// Global keys; `None` for HLS without ciphering and without GMAC.
    pub keys: Option<Keys>,
    /// What we put on requests, and what answers must carry at least. Nothing on requests: no ciphering.
    pub policy: Policy,
    /// Outside form of messages once the association stands; the general form where the meter offers it.
    pub form: Form,
    /// Make a key for each association.
    pub dedicated: bool,
    /// Length of our challenges: 8 to 64 bytes, at least 32 with ECDSA (Green Book 9.2.7.4).
    pub challenge_bytes: usize,
    /// Our invocation counter, resumed at the bound made durable last.
    pub counter: SendCounter,
    /// For challenges and dedicated keys.
    pub random: Random,
}

/// A server's security.
#[derive(Clone, Debug)]
pub struct ServerSecurity {
    /// The server's system title.
    pub title: SystemTitle,
    /// One counter for all associations: they may share keys.
    pub counter: SendCounter,
    /// For challenges.
    pub random: Random,
    /// Of the management client.
    pub management: Option<AssociationSecurity>,
    /// Of the public client; usually none.
    pub public: Option<AssociationSecurity>,
}

/// Security of one association of a server.
#[derive(Clone, Debug)]
pub struct AssociationSecurity {
    /// Which suite.
    pub suite: Suite,
    /// Global keys; `None` refuses ciphering.
    pub keys: Option<Keys>,
    /// What requests must carry and what answers carry at least.
    pub policy: Policy,
    /// The mechanism that the client must use; `None` leaves it to the password of the server's configuration.
    pub hls: Option<Hls>,
    /// Length of our challenges: 8 to 64 bytes, at least 32 with ECDSA (Green Book 9.2.7.4).
    pub challenge_bytes: usize,
    /// The only client title accepted, if that matters.
    pub client_title: Option<SystemTitle>,
}
