//! Last gasps: a node whose supply is gone still has a charge, and something to say.
//!
//! It knows what it knew: its neighbours, their Ranks, what their links cost, where they listen. It forwards nothing, hears
//! acknowledgements alone, and sends each packet once, to one neighbour: its parent at the first try, then one after the other
//! by Rank and link, for which of them still have a supply it cannot know. From a lit one on the packet goes to the root like
//! any other, before control and data ([`Priority::Urgent`]). One of greater Rank may be asked, too: that its packet seems to go
//! the wrong way is forgiven once (RFC 6550, 11.2.2.2).
//!
//! How these last words are said over the air is nowhere laid down; this order is ours.

use super::Network;
use super::event::Why;
use super::node::{Tag, number};
use super::stack::{Load, PORT_DATA};
use crate::Eui64;
use crate::mac::engine::{Outcome, Priority};
use crate::rpl::node::{NextHop, Output, Purpose};
use crate::rpl::objective::INFINITE_RANK;
use crate::wisun::join::State;

/// So many neighbours are tried in turn.
const LISTENERS: usize = 12;

impl Network {
    /// A node's supply is gone, and a charge keeps its radio; [`Self::power`] ends that, either way. For the others it has
    /// gone: it serves nobody any more.
    pub fn fade(&mut self, node: u32) {
        let at = node as usize;
        let Some(radio) = self.radios.get_mut(at).filter(|radio| radio.on && !radio.fading) else { return };
        radio.fading = true;
        let served = self.nodes[at].state == State::Operational;
        self.nodes[at].fade(&self.config, node);
        self.gone(node, served);
        self.digest(self.now_ns, u64::from(node) << 8 | 0xFE);
    }

    /// Sends an urgent message to the root. Of a node that fades: once, to one neighbour, another each time. Returns its
    /// number: [`super::Event::Handed`] with this node, when a neighbour has acknowledged it, or [`super::Event::Dropped`]
    /// with this node come, unless it loses power first; and [`super::Event::Delivered`] when it is at the root.
    pub fn gasp(&mut self, node: u32, payload: &[u8]) -> u64 {
        if !self.radios.get(node as usize).is_some_and(|radio| radio.fading) {
            return self.send(node, 0, payload, Priority::Urgent);
        }
        self.messages += 1;
        self.totals.messages[0] += 1;
        let (id, tag) = (self.messages, Self::tag(self.messages, Priority::Urgent));
        let sent = self.listener(node).is_some_and(|peer| {
            self.enclose(node, 0, PORT_DATA, |datagram| datagram.extend_from_slice(payload))
                && self.send_out(node, peer, tag)
        });
        if !sent {
            self.drop_message(node, tag, Why::NoParent);
        }
        self.settle_mac(node);
        id
    }

    /// Whose turn it is: its parent, then the neighbours by which the way is the cheapest, as far as was measured or by how
    /// strong they are heard.
    fn listener(&mut self, node: u32) -> Option<Eui64> {
        let own = self.nodes.get(node as usize).filter(|own| own.routing)?;
        let parent = own.rpl.preferred_parent();
        let ways = own.rpl.links().filter_map(|(peer, rank, etx128)| {
            let rank = rank.filter(|rank| *rank != INFINITE_RANK)?;
            let by_signal = || self.links.expected_etx128(number(peer), node);
            let link = etx128.map_or_else(by_signal, u32::from);
            let costs = if parent == Some(peer) { 0 } else { u32::from(rank) + link };
            Some((costs, number(peer), peer))
        });
        let mut ways: Vec<(u32, u32, Eui64)> = ways.collect();
        ways.sort_unstable_by_key(|&(costs, of, _)| (costs, of));
        ways.truncate(LISTENERS);
        let turn = own.gasps as usize % ways.len().max(1);
        self.nodes[node as usize].gasps += 1;
        ways.get(turn).map(|&(.., peer)| peer)
    }

    /// What routing has made of the message goes to that neighbour; the rest of what it would say, nowhere.
    fn send_out(&mut self, node: u32, peer: Eui64, tag: Tag) -> bool {
        let mut sent = false;
        loop {
            match self.nodes[node as usize].rpl.poll_output() {
                Output::Transmit { packet, purpose: Purpose::Data, .. } => {
                    self.send_packet(node, NextHop::Neighbour(peer), packet, tag, false);
                    sent = true;
                }
                Output::Timeout(_) => return sent,
                _ => {}
            }
        }
    }

    /// The one try is over.
    pub(super) fn gasped(&mut self, node: u32, outcome: Outcome, tag: Tag, load: Load) {
        if let Load::Packet { packet, .. } = load {
            self.recycle(packet);
        }
        if outcome != Outcome::Sent {
            self.drop_message(node, tag, outcome.into());
        }
    }
}
