//! The border router of a PAN: advertises, configures, authenticates, gives addresses, rotates group keys.
//!
//! Sans-I/O like [`super::join::Router`]. Sessions of authentication are bounded, as in real ones: whoever asks while all
//! are taken gets no answer and asks again minutes later, which is what a whole village does after a power cut.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::ie::Pan;
use super::join::Output;
use super::keys::{GroupKeys, Hashes, Lives, PMK_NS, PTK_NS};
use super::message::{Eapol, Holds, Message, To};
use super::params::Params;
use crate::chance::Chance;
use crate::mac::Eui64;
use crate::trickle::{Fired, Trickle};

/// How a border router is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The number that stands for the network name.
    pub network: u32,
    /// The PAN it makes.
    pub pan_id: u16,
    /// Times.
    pub params: Params,
    /// Lives of group keys.
    pub lives: Lives,
    /// How many nodes may authenticate at once.
    pub sessions_max: usize,
}

/// What the border router has of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Known {
    pmk_until_ns: u64,
    ptk_until_ns: u64,
    revoked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    exchange: Exchange,
    /// The last message that we sent.
    step: u8,
    via: To,
    again_ns: u64,
    tries: u8,
}

/// What survives a power cut at the border router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    keys: GroupKeys,
    known: BTreeMap<Eui64, Known>,
    version: u16,
}

/// One border router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Border {
    own: Eui64,
    config: Config,
    keys: GroupKeys,
    known: BTreeMap<Eui64, Known>,
    version: u16,
    sessions: BTreeMap<Eui64, Session>,
    refused: u64,
    size: u16,
    /// When the version is next raised for its own sake, and how often that is.
    renew_ns: u64,
    period_ns: u64,
    adverts: [Trickle; 2],
    draws: Chance,
    out: VecDeque<Output>,
}

impl Border {
    /// Starts: with what was stored, or with a fresh group key. A restart makes a new version of the configuration.
    #[must_use]
    pub fn start(now_ns: u64, own: Eui64, config: Config, seed: u64, stored: Option<Stored>) -> Self {
        let mut draws = Chance::new(seed);
        let first = draws.word() >> 16 | 1;
        let Stored { keys, known, version } = stored.unwrap_or_else(|| Stored {
            keys: GroupKeys::new(now_ns, config.lives, first),
            known: BTreeMap::new(),
            version: 0,
        });
        let trickle = Trickle::new(config.params.discovery);
        let mut adverts = [trickle.clone(), trickle];
        adverts.iter_mut().for_each(|advert| config.params.start(advert, now_ns, &mut draws));
        let version = version.wrapping_add(1);
        let (sessions, out) = (BTreeMap::new(), VecDeque::new());
        let (renew_ns, period_ns) = (u64::MAX, u64::MAX);
        Self {
            own,
            config,
            keys,
            known,
            version,
            sessions,
            refused: 0,
            size: 0,
            renew_ns,
            period_ns,
            adverts,
            draws,
            out,
        }
    }

    /// What must be on disk.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored { keys: self.keys.clone(), known: self.known.clone(), version: self.version }
    }

    /// The group keys as told.
    #[must_use]
    pub fn hashes(&self) -> Hashes {
        self.keys.hashes()
    }

    /// How many key requests found all sessions taken.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many nodes are in the PAN, as routing counts them; it is told in advertisements.
    pub fn set_size(&mut self, size: u16) {
        self.size = size;
    }

    /// Raises the version of the configuration this often from now on, so that nodes hear of the border router within
    /// their PAN timeout: an open stack does so three times in one.
    pub fn renew_every(&mut self, now_ns: u64, period_ns: u64) {
        self.period_ns = period_ns.max(1);
        self.renew_ns = now_ns.saturating_add(self.period_ns);
    }

    /// Shuts a node out: new group keys for all others, none for it.
    pub fn revoke(&mut self, now_ns: u64, node: Eui64) {
        self.known.entry(node).or_default().revoked = true;
        self.sessions.remove(&node);
        self.keys.revoke(now_ns);
        self.renew(now_ns);
    }

    /// A message arrived, from a neighbour or through the mesh (`relay` is the router that passed it on).
    pub fn handle(&mut self, now_ns: u64, relay: Option<Eui64>, message: Message) {
        match message {
            Message::Pas { network } if network == self.config.network => self.inconsistent(0, now_ns),
            Message::Pcs { network, pan_id } if network == self.config.network && pan_id == self.config.pan_id => {
                self.inconsistent(1, now_ns);
            }
            Message::Pc { pan_id, version, .. } if pan_id == self.config.pan_id => {
                if version == self.version {
                    self.adverts[1].handle_consistent(now_ns);
                } else {
                    self.inconsistent(1, now_ns);
                }
            }
            Message::Eapol(eapol) => {
                let to = relay.map_or(To::Neighbour(eapol.supplicant), To::Router);
                self.authenticate(now_ns, to, eapol);
            }
            Message::AddressRequest { client } => {
                self.out.push_back(Output::Send(To::Router(client), Message::AddressReply { client }));
            }
            _ => {}
        }
    }

    /// A time that [`Output::Timeout`] named has come.
    pub fn handle_timeout(&mut self, now_ns: u64) {
        for at in [0, 1] {
            while self.adverts[at].deadline_ns().is_some_and(|due| due <= now_ns) {
                let chance = self.draws.word();
                let fired = self.adverts[at].handle_timeout(now_ns, chance);
                self.adverts[at].look_ahead(chance);
                if fired == Fired::Transmit {
                    self.advertise(at);
                }
            }
        }
        if self.keys.deadline_ns() <= now_ns && self.keys.handle_timeout(now_ns) {
            self.renew(now_ns);
        }
        if self.renew_ns <= now_ns {
            self.renew_every(now_ns, self.period_ns);
            self.renew(now_ns);
        }
        let due: Vec<Eui64> = self.sessions.iter().filter(|(_, s)| s.again_ns <= now_ns).map(|(of, _)| *of).collect();
        for of in due {
            let Some(session) = self.sessions.get_mut(&of) else { continue };
            let params = &self.config.params;
            if session.tries >= params.exchange_retries_max {
                self.sessions.remove(&of);
                continue;
            }
            session.tries += 1;
            let wait_ns = params.exchange_retry_ns.saturating_mul(1 << session.tries.min(16));
            session.again_ns = now_ns + wait_ns.min(params.exchange_retry_max_ns);
            let (exchange, step, via) = (session.exchange, session.step, session.via);
            self.say(of, via, exchange, step);
        }
    }

    /// Whether [`Self::poll_output`] has nothing but the next [`Output::Timeout`].
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.out.is_empty()
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            let sessions = self.sessions.values().map(|session| session.again_ns);
            let adverts = self.adverts.iter().filter_map(Trickle::deadline_ns);
            Output::Timeout(sessions.chain(adverts).chain([self.keys.deadline_ns(), self.renew_ns]).min())
        })
    }

    fn inconsistent(&mut self, at: usize, now_ns: u64) {
        let chance = self.draws.word();
        self.adverts[at].handle_inconsistent(now_ns, chance);
    }

    /// The configuration has changed: a new version spreads at once.
    fn renew(&mut self, now_ns: u64) {
        self.version = self.version.wrapping_add(1);
        self.inconsistent(1, now_ns);
    }

    fn advertise(&mut self, at: usize) {
        let Config { network, pan_id, .. } = self.config;
        let message = if at == 0 {
            Message::Pa { network, pan_id, pan: Pan { size: self.size, routing_cost: 0, flags: 0x43 } }
        } else {
            Message::Pc { pan_id, version: self.version, keys: self.keys.hashes() }
        };
        self.out.push_back(Output::Send(To::Everywhere, message));
    }

    fn authenticate(&mut self, now_ns: u64, via: To, eapol: Eapol) {
        let of = eapol.supplicant;
        if eapol.step == 0 {
            return self.open(now_ns, via, of, eapol.holds);
        }
        let Some(session) = self.sessions.get_mut(&of) else { return };
        if session.exchange != eapol.exchange || eapol.step != session.step + 1 {
            return;
        }
        session.via = via;
        self.proceed(now_ns, of, eapol.step + 1);
    }

    /// A key request: the shortest exchange that both ends' keys allow.
    fn open(&mut self, now_ns: u64, via: To, of: Eui64, holds: Holds) {
        let known = self.known.get(&of).copied().unwrap_or_default();
        if known.revoked {
            return;
        }
        if self.sessions.len() >= self.config.sessions_max && !self.sessions.contains_key(&of) {
            self.refused += 1;
            return;
        }
        let (pmk, ptk) = (holds.pmk && known.pmk_until_ns > now_ns, holds.ptk && known.ptk_until_ns > now_ns);
        let exchange = match (pmk, ptk) {
            (true, true) => Exchange::Group,
            (true, false) => Exchange::FourWay,
            _ => Exchange::Full,
        };
        self.sessions.insert(of, Session { exchange, step: 0, via, again_ns: u64::MAX, tries: 0 });
        self.proceed(now_ns, of, 1);
    }

    /// Sends from this message on until it is the node's turn; past the last one the session ends.
    fn proceed(&mut self, now_ns: u64, of: Eui64, from: u8) {
        let Some(&Session { exchange, via, .. }) = self.sessions.get(&of) else { return };
        let known = self.known.entry(of).or_default();
        if exchange == Exchange::Full && from > 9 && known.pmk_until_ns <= now_ns {
            known.pmk_until_ns = now_ns + PMK_NS;
        }
        if exchange != Exchange::Group && from > exchange.grant() {
            known.ptk_until_ns = now_ns + PTK_NS;
        }
        let mut step = from;
        while exchange.step(step).is_some_and(|step| !step.up) {
            self.say(of, via, exchange, step);
            step += 1;
        }
        if exchange.step(step).is_none() {
            self.sessions.remove(&of);
        } else if let Some(session) = self.sessions.get_mut(&of) {
            (session.step, session.tries, session.again_ns) =
                (step - 1, 0, now_ns + self.config.params.exchange_retry_ns);
        }
    }

    fn say(&mut self, of: Eui64, via: To, exchange: Exchange, step: u8) {
        let granted = (step == exchange.grant()).then(|| self.keys.hashes());
        let eapol = Eapol { supplicant: of, exchange, step, holds: Holds::default(), granted };
        self.out.push_back(Output::Send(via, Message::Eapol(eapol)));
    }
}
