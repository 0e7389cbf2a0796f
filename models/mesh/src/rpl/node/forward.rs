//! Packets: taking them in, sending own ones, passing others on (§11; RFC 6554 §4; RFC 9008).
//!
//! | way | headers |
//! |---|---|
//! | up, and anywhere in storing mode | packet information in a hop-by-hop header, put in by the source |
//! | down from a non-storing root | source routing header, the root's own packets |
//! | down, others' packets | the same, in an outer IPv6 header from the root; packet information inside stays as it was |

use core::net::Ipv6Addr;

use super::sources::Question;
use super::{NextHop, Node, Output, Purpose, Sender};
use crate::Eui64;
use crate::ip::{Chain, ErrorMessage, Extension, HEADER_LEN, Header, next};
use crate::rpl::loops::{self, Verdict};
use crate::rpl::objective::INFINITE_RANK;
use crate::rpl::wire::{Message, PacketInformation, SourceRoute, advance};

/// IPv6 in IPv6 in IPv6 … further is nobody's honest packet.
const NESTED_MAX: usize = 4;

/// Where a packet goes next.
enum Way {
    Up(Eui64),
    Down(Eui64),
    /// Down along a source route; `hops` holds it.
    Source,
    External,
    Nowhere,
}

impl Node {
    /// A packet came in from a neighbour.
    pub fn handle_receive(&mut self, now_ns: u64, from: impl Into<Sender>, packet: Vec<u8>) {
        let from = from.into();
        self.neighbours.touch(from.eui, now_ns);
        self.receive(now_ns, from, packet, 0);
    }

    fn receive(&mut self, now_ns: u64, from: Sender, mut packet: Vec<u8>, nested: usize) {
        let Ok((header, payload)) = Header::parse(&packet) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        if header.destination.is_multicast() {
            self.on_control(now_ns, from, &header, payload);
            return;
        }
        if !self.is_mine(header.destination) {
            self.forward(now_ns, Some(from.eui), packet);
            return;
        }
        // Walk to the upper layer; a source route with hops left sends the packet on.
        let mut at = HEADER_LEN;
        let mut next_header = header.next_header;
        loop {
            let mut chain = Chain::new(next_header, packet.get(at..).unwrap_or(&[]));
            let link = match chain.next() {
                None => break,
                Some(Ok(link)) => (link.kind, link.bytes.len(), link.next_header),
                Some(Err(_)) => {
                    self.counters.dropped_malformed += 1;
                    return;
                }
            };
            if link.0 == Extension::Routing {
                match advance(&mut packet, at, |address| self.is_mine(address)) {
                    Ok(None) => {}
                    Ok(Some(hop)) => {
                        self.forward_to(Eui64::from(hop), packet);
                        return;
                    }
                    Err(_) => {
                        self.counters.dropped_malformed += 1;
                        return;
                    }
                }
            }
            at += link.1;
            next_header = link.2;
        }
        self.take(now_ns, from, packet, (at, next_header), nested);
    }

    /// A packet for this node, its upper layer found.
    fn take(&mut self, now_ns: u64, from: Sender, mut packet: Vec<u8>, upper: (usize, u8), nested: usize) {
        let (at, next_header) = upper;
        if next_header == next::IPV6 {
            if nested >= NESTED_MAX {
                self.counters.dropped_malformed += 1;
                return;
            }
            packet.drain(..at.min(packet.len()));
            self.receive(now_ns, from, packet, nested + 1);
            return;
        }
        let Ok((header, _)) = Header::parse(&packet) else { return };
        let bytes = packet.get(at..).unwrap_or(&[]);
        if next_header == next::ICMPV6 {
            let control = Header { next_header, ..header };
            if self.on_control(now_ns, from, &control, bytes) {
                return;
            }
        }
        self.out.push_back(Output::Deliver { source: header.source, next_header, packet, payload_at: at });
    }

    /// RPL messages and the one error that matters; true when the message was one of them.
    fn on_control(&mut self, now_ns: u64, from: Sender, header: &Header, bytes: &[u8]) -> bool {
        if header.next_header != next::ICMPV6 {
            return false;
        }
        match bytes.first() {
            Some(&crate::rpl::wire::ICMPV6_TYPE) => {}
            Some(1) => return self.on_error(header, bytes),
            _ => return false,
        }
        let link_local = header.source.is_unicast_link_local();
        match Message::parse(header.source, header.destination, bytes) {
            Ok(Message::Dis(dis)) if link_local => {
                self.on_dis(now_ns, from.eui, &dis, header.destination.is_multicast());
            }
            Ok(Message::Dio(dio)) if link_local => {
                self.handle_dio(now_ns, from, &dio);
            }
            Ok(Message::Dao(dao)) => self.on_dao(now_ns, from.eui, header.source, &dao),
            Ok(Message::DaoAck(ack)) => self.on_dao_ack(now_ns, &ack),
            Ok(_) => self.counters.foreign += 1,
            Err(_) => self.counters.dropped_malformed += 1,
        }
        true
    }

    /// At the root: a hop of a source route could not reach the next one. Other parents of it go first.
    fn on_error(&mut self, header: &Header, bytes: &[u8]) -> bool {
        if let Ok(Some(ErrorMessage::SourceRoute(invoking))) = ErrorMessage::parse(bytes)
            && let Some(destination) = destination_of(invoking)
        {
            self.counters.forwarding_errors += 1;
            self.sources.demote(destination, header.source);
            return true;
        }
        false
    }

    fn is_mine(&self, address: Ipv6Addr) -> bool {
        address == self.link_local() || Some(address) == self.global()
    }

    /// Command: send a packet of this node to an address of the mesh or beyond. False when there is no way now.
    pub fn send(&mut self, now_ns: u64, destination: Ipv6Addr, next_header: u8, payload: &[u8]) -> bool {
        self.send_as(now_ns, destination, next_header, payload, Purpose::Data)
    }

    pub(super) fn send_as(
        &mut self,
        now_ns: u64,
        destination: Ipv6Addr,
        next_header: u8,
        payload: &[u8],
        purpose: Purpose,
    ) -> bool {
        let Some(own) = self.global() else {
            self.counters.dropped_no_parent += 1;
            return false;
        };
        let way = self.way(now_ns, destination);
        let mut extension = Vec::new();
        let mut header = Header::new(own, destination, next_header, self.config.hop_limit);
        let to = match way {
            Way::Source => {
                let Some((first, others)) = self.hops.split_first() else { return false };
                if !others.is_empty() {
                    SourceRoute::new(*first, others).put(next_header, &mut extension);
                    header.next_header = next::ROUTING;
                }
                header.destination = *first;
                Eui64::from(*first)
            }
            Way::Up(to) | Way::Down(to) => {
                let down = matches!(way, Way::Down(_));
                self.information(down).put_header(next_header, &mut extension);
                header.next_header = next::HOP_BY_HOP;
                to
            }
            Way::External | Way::Nowhere => {
                self.refuse(&way);
                return false;
            }
        };
        let mut packet = Vec::with_capacity(HEADER_LEN + extension.len() + payload.len());
        header.put_packet(&[&extension, payload], &mut packet);
        self.transmit(NextHop::Neighbour(to), packet, purpose);
        true
    }

    fn information(&self, down: bool) -> PacketInformation {
        PacketInformation {
            kind: self.config.rpi_option,
            down,
            rank_error: false,
            forwarding_error: false,
            instance: self.config.instance,
            sender_rank: self.rank(),
        }
    }

    /// Where packets for an address go from here. Fills `hops` for [`Way::Source`].
    fn way(&mut self, now_ns: u64, destination: Ipv6Addr) -> Way {
        let Some(dodag) = &self.dodag else { return Way::Nowhere };
        if dodag.rank == INFINITE_RANK {
            return Way::Nowhere;
        }
        if self.stores() {
            if let Some(route) = self.table.get(destination, now_ns) {
                return Way::Down(route.via);
            }
        } else if dodag.rooted {
            let hops_max = usize::from(self.config.hop_limit);
            let question = Question { root: dodag.id, target: destination, now_ns, hops_max };
            if self.sources.route(question, &mut self.hops) {
                return Way::Source;
            }
        }
        match dodag.parents.first() {
            Some(&parent) => Way::Up(parent),
            None => {
                let inside =
                    dodag.prefix.is_some_and(|prefix| prefix.prefix.octets()[..8] == destination.octets()[..8]);
                if inside { Way::Nowhere } else { Way::External }
            }
        }
    }

    fn refuse(&mut self, way: &Way) {
        if self.is_root() || matches!(way, Way::External) {
            self.counters.dropped_no_route += 1;
        } else {
            self.counters.dropped_no_parent += 1;
        }
    }

    /// Passes a packet on to a given neighbour: the middle of a source route.
    fn forward_to(&mut self, to: Eui64, mut packet: Vec<u8>) {
        if !self.spend_hop(&mut packet) {
            return;
        }
        self.counters.forwarded += 1;
        self.transmit(NextHop::Neighbour(to), packet, Purpose::Data);
    }

    /// Takes one off the hop limit; false when it ran out and the packet is dropped.
    fn spend_hop(&mut self, packet: &mut [u8]) -> bool {
        match packet.get_mut(7) {
            Some(limit) if *limit > 1 => {
                *limit -= 1;
                true
            }
            _ => {
                self.counters.dropped_hop_limit += 1;
                false
            }
        }
    }

    /// Passes a packet on by its destination. `from` is `None` when this node tries again.
    fn forward(&mut self, now_ns: u64, from: Option<Eui64>, mut packet: Vec<u8>) {
        let Ok((header, _)) = Header::parse(&packet) else { return };
        if header.destination.is_unicast_link_local() || !self.spend_hop(&mut packet) {
            return;
        }
        let rpi = if header.next_header == next::HOP_BY_HOP { find_information(&packet) } else { None };
        let mut way = self.way(now_ns, header.destination);
        if let (Some((at, mut rpi)), Some(from)) = (rpi, from) {
            let came_back = rpi.forwarding_error && matches!(way, Way::Down(via) if via == from);
            if came_back {
                // §11.2.2.3: the child has no route. Forget ours, clear F and look for another way.
                self.counters.forwarding_errors += 1;
                self.table.remove(header.destination);
                rpi.forwarding_error = false;
                way = self.way(now_ns, header.destination);
            } else if !self.ranks_in_order(now_ns, &mut rpi) {
                return;
            }
            if let (true, true, Way::Up(parent)) = (rpi.down, self.stores(), &way) {
                // It was to go down and there is no way down: back with F and O untouched, to whom it came from, or
                // when it has already come back, to whoever sends this node's packets down.
                let back = if came_back { *parent } else { from };
                rpi.forwarding_error = true;
                rpi.sender_rank = self.rank();
                rpi.overwrite(&mut packet, at);
                self.transmit(NextHop::Neighbour(back), packet, Purpose::Data);
                return;
            }
            rpi.down = matches!(way, Way::Down(_) | Way::Source);
            rpi.sender_rank = self.rank();
            rpi.overwrite(&mut packet, at);
        }
        match way {
            Way::Up(to) | Way::Down(to) => {
                self.counters.forwarded += 1;
                self.transmit(NextHop::Neighbour(to), packet, Purpose::Data);
            }
            Way::Source => self.forward_by_source(packet),
            Way::External => self.out.push_back(Output::External(packet)),
            Way::Nowhere => self.refuse(&Way::Nowhere),
        }
    }

    /// The check of §11.2.2.2; false when the packet is dropped.
    fn ranks_in_order(&mut self, now_ns: u64, rpi: &mut PacketInformation) -> bool {
        let Some(dodag) = &self.dodag else { return true };
        let increase = dodag.config.min_hop_rank_increase;
        match loops::judge(rpi.down, rpi.rank_error, rpi.sender_rank, dodag.rank, increase) {
            Verdict::Forward => true,
            Verdict::ForwardMarked => {
                self.counters.rank_errors += 1;
                rpi.rank_error = true;
                true
            }
            Verdict::DropAndReset => {
                self.counters.dropped_loop += 1;
                self.inconsistent(now_ns);
                false
            }
        }
    }

    /// At the root: another's packet goes down in a packet of the root's (RFC 9008 §7.3.3, §8.3). Neighbours get it
    /// as it is.
    fn forward_by_source(&mut self, packet: Vec<u8>) {
        self.counters.forwarded += 1;
        let Some((first, others)) = self.hops.split_first() else { return };
        let to = NextHop::Neighbour(Eui64::from(*first));
        let Some(own) = self.global().filter(|_| !others.is_empty()) else {
            self.transmit(to, packet, Purpose::Data);
            return;
        };
        let mut extension = Vec::new();
        SourceRoute::new(*first, others).put(next::IPV6, &mut extension);
        let mut outer = Vec::with_capacity(HEADER_LEN + extension.len() + packet.len());
        let header = Header::new(own, *first, next::ROUTING, self.config.hop_limit);
        header.put_packet(&[&extension, &packet], &mut outer);
        self.transmit(to, outer, Purpose::Data);
    }

    /// The link gave a packet up. Down a source route, its source is told (RFC 6554 §4.2); down a stored route, the
    /// route goes and the packet seeks another one; up, the next parent of the set gets it.
    pub fn handle_undelivered(&mut self, now_ns: u64, to: Eui64, mut packet: Vec<u8>) {
        let Ok((header, _)) = Header::parse(&packet) else { return };
        if header.destination.is_multicast() || header.destination.is_unicast_link_local() {
            return;
        }
        let rpi = if header.next_header == next::HOP_BY_HOP { find_information(&packet) } else { None };
        let down = rpi.is_none_or(|(_, rpi)| rpi.down);
        if down && self.stores() {
            self.table.remove(header.destination);
            if let Some((at, mut rpi)) = rpi {
                rpi.down = false;
                rpi.overwrite(&mut packet, at);
            }
            self.forward(now_ns, None, packet);
            return;
        }
        if down && self.is_root() {
            if let Some(own) = self.global() {
                self.sources.demote(header.destination, own);
            }
            self.counters.dropped_undelivered += 1;
            return;
        }
        if down && header.next_header == next::ROUTING {
            self.counters.dropped_undelivered += 1;
            if let Some(own) = self.global() {
                let mut message = Vec::new();
                ErrorMessage::SourceRoute(&packet).put(own, header.source, &mut message);
                self.send_as(now_ns, header.source, next::ICMPV6, &message, Purpose::Error);
            }
            return;
        }
        let others = self.parents().iter().skip_while(|&&parent| parent != to).nth(1).copied();
        match others {
            Some(parent) => self.transmit(NextHop::Neighbour(parent), packet, Purpose::Data),
            None => self.counters.dropped_undelivered += 1,
        }
    }
}

/// Packet information of a packet with a hop-by-hop header: the option's offset in the packet, and what it says.
fn find_information(packet: &[u8]) -> Option<(usize, PacketInformation)> {
    let units = usize::from(*packet.get(HEADER_LEN + 1)?);
    let header = packet.get(HEADER_LEN..HEADER_LEN + 8 + 8 * units)?;
    PacketInformation::find(header).ok()?.map(|(at, rpi)| (HEADER_LEN + at, rpi))
}

/// Destination of the start of a packet.
fn destination_of(packet: &[u8]) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
    Some(octets.into())
}
