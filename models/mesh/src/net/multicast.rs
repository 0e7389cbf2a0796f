//! One message for all: MPL's machine of each node, between the layers above and the broadcast slots.
//!
//! ```text
//! multicast ─▶ UDP ─▶ packet to all of the mesh ─▶ inside a packet with the MPL option ─▶ 6LoWPAN ─▶ broadcast frame
//!                     Event::Multicast ◀─ once ◀─ mpl ◀─ heard; repeated by Trickle until its expirations are over
//! ```
//!
//! A node takes part while it is part of the DODAG (join state 4 on). Its own number for the next message is kept over a
//! loss of power, all else it forgets. A copy that the MAC gave up is not told: another one may come by.

use core::net::Ipv6Addr;

use super::Network;
use super::config::Config;
use super::event::{Event, Use, Why};
use super::node::{Node, PREFIX, Tag, eui};
use super::queue::Due;
use super::stack::PORT_DATA;
use crate::Eui64;
use crate::chance::Chance;
use crate::ip::{HEADER_LEN, Header, checksum, next};
use crate::mac::engine::Priority;
use crate::rpl::node::NextHop;
use crate::wisun::mpl::{Data, Mpl, Output, Settings};
use crate::wisun::mpl_wire::{self, EVERYONE, Label};

/// Hops of a message at most: what the open border router sets.
const HOPS_MAX: u8 = 24;

/// What a message of MPL is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// The packet inside.
    packet: Vec<u8>,
    /// Hops that it may still go.
    hop_limit: u8,
    id: u64,
    priority: Priority,
}

/// A node's machine, made when it first sends or hears a message.
pub(super) type Machine = Option<Box<Mpl<Carried>>>;

fn machine<'a>(own: &'a mut Node, config: &Config, node: u32) -> &'a mut Mpl<Carried> {
    let starts = own.starts;
    let sequence = own.multicasts;
    own.mpl.get_or_insert_with(|| {
        let data = Settings {
            data: config.join.mpl,
            expirations: config.join.mpl_expirations,
            control: config.multicast_control,
        };
        let seed = Chance::new(config.seed).fork(u64::from(node)).fork(starts << 8 | 5).word();
        Box::new(Mpl::new(u64::from_be_bytes(eui(node).0), data, sequence, seed))
    })
}

impl Network {
    /// Sends a message from a node, usually the root, to every node of the DODAG. Returns its number, with which
    /// [`Event::Multicast`] comes once for each node that it reaches; [`Event::Dropped`] when it did not leave.
    pub fn multicast(&mut self, from: u32, payload: &[u8], priority: Priority) -> u64 {
        self.messages += 1;
        self.totals.multicasts[0] += 1;
        let id = self.messages;
        let why = match self.nodes.get(from as usize) {
            None => Some(Why::Refused),
            Some(_) if !self.radios[from as usize].on => Some(Why::PowerOff),
            Some(_) if payload.len() > 1_200 => Some(Why::Refused),
            Some(own) if !own.routing => Some(Why::NoParent),
            Some(_) => None,
        };
        if let Some(why) = why {
            self.events.push_back(Event::Dropped { id, node: from, why });
            return id;
        }
        let source = eui(from).under(PREFIX);
        let length = (payload.len() + 8) as u16;
        let mut datagram = Vec::with_capacity(payload.len() + 8);
        for word in [PORT_DATA, PORT_DATA, length, 0] {
            datagram.extend_from_slice(&word.to_be_bytes());
        }
        datagram.extend_from_slice(payload);
        let sum = checksum(source, EVERYONE, next::UDP, &datagram).to_be_bytes();
        datagram[6..8].copy_from_slice(&sum);
        let mut packet = Vec::with_capacity(HEADER_LEN + datagram.len());
        Header::new(source, EVERYONE, next::UDP, 64).put_packet(&[&datagram], &mut packet);
        let own = &mut self.nodes[from as usize];
        let hop_limit = HOPS_MAX.min(self.config.hop_limit);
        let mpl = machine(own, &self.config, from);
        mpl.send(self.now_ns, Carried { packet, hop_limit, id, priority });
        self.nodes[from as usize].multicasts = self.next_multicast(from);
        self.drain_mpl(from);
        self.settle(from);
        id
    }

    fn next_multicast(&self, node: u32) -> u8 {
        self.nodes[node as usize].mpl.as_ref().map_or(0, |mpl| mpl.next_sequence())
    }

    /// A packet of multicast has come from a neighbour: a message, or what the neighbour holds.
    pub(super) fn hear_multicast(&mut self, node: u32, mut packet: Vec<u8>, tag: Tag) {
        let own = &mut self.nodes[node as usize];
        if !own.routing {
            return self.recycle(packet);
        }
        if let Ok(Some((label, hop_limit, at))) = mpl_wire::parse(&packet) {
            packet.drain(..at);
            let hop_limit = hop_limit.saturating_sub(1);
            let payload = Carried { packet, hop_limit, id: tag.id, priority: tag.priority };
            let seed = u64::from_be_bytes(Eui64::from(label.seed).0);
            let data = Data { seed, sequence: label.sequence, latest: label.latest, payload };
            machine(own, &self.config, node).handle(self.now_ns, data);
        } else if let Ok(Some(holdings)) = mpl_wire::parse_control(&packet) {
            machine(own, &self.config, node).handle_control(self.now_ns, &holdings);
        }
        self.drain_mpl(node);
    }

    /// Its machine's time has come.
    pub(super) fn wake_mpl(&mut self, node: u32) {
        if let Some(mpl) = &mut self.nodes[node as usize].mpl {
            mpl.handle_timeout(self.now_ns);
            self.drain_mpl(node);
            self.settle_mac(node);
        }
    }

    fn drain_mpl(&mut self, node: u32) {
        loop {
            let Some(mpl) = &mut self.nodes[node as usize].mpl else { return };
            let (packet, tag) = match mpl.poll_output() {
                Output::Send(Data { seed, sequence, latest, payload }) => {
                    let Carried { packet, hop_limit, id, priority } = payload;
                    if hop_limit == 0 {
                        continue;
                    }
                    let label = Label { seed: Eui64(seed.to_be_bytes()).under(PREFIX), sequence, latest };
                    let packet = mpl_wire::packet(label, hop_limit, &packet);
                    (packet, Tag { id, letter: 0, of: Use::Multicast, priority })
                }
                Output::Control(holdings) => {
                    (mpl_wire::control(eui(node), PREFIX, &holdings), Tag::own(Use::Multicast))
                }
                Output::Deliver(data) => {
                    self.deliver_multicast(node, data.payload);
                    continue;
                }
                Output::Timeout(until) => return self.arm(node, Due::Mpl, until),
            };
            self.send_packet(node, NextHop::Everyone, packet, tag, false);
        }
    }

    fn deliver_multicast(&mut self, node: u32, carried: Carried) {
        let Carried { mut packet, id, .. } = carried;
        let Ok((header, datagram)) = Header::parse(&packet) else { return };
        let for_all = header.destination == EVERYONE && header.next_header == next::UDP;
        let port = datagram.get(2..4).is_some_and(|port| port == PORT_DATA.to_be_bytes());
        if !for_all || !port || datagram.len() < 8 {
            return;
        }
        let source: Ipv6Addr = header.source;
        packet.drain(..HEADER_LEN + 8);
        self.totals.multicasts[1] += 1;
        self.digest(self.now_ns, id);
        self.events.push_back(Event::Multicast { id, node, source, payload: packet });
    }
}
