//! Packets that are cut to fragments, because a frame is limited (RFC 4944 §5.3): all of them arrive, or none counts.
//!
//! The fragments wait in the MAC's queue one behind the other, and the last one carries the packet. When one of them
//! fails, those behind it are taken back, and routing gets the packet once, as it gets a whole one that failed. What the
//! receiver has of it, it gives up after 60 s.

use super::Network;
use super::event::Why;
use super::node::Tag;
use super::stack::Load;
use crate::lowpan::{Contexts, Ends, fragments};
use crate::mac::engine::{Outcome, To};

impl Network {
    /// Cuts a packet and queues its fragments. `way`: to whom, both addresses of the frame, octets around 6LoWPAN; so many
    /// octets of each frame are `kept` free.
    pub(super) fn send_cut(&mut self, node: u32, way: (To, Ends, u32), kept: u32, packet: Vec<u8>, tag: Tag) {
        let (to, ends, around) = way;
        let own = &mut self.nodes[node as usize];
        own.datagrams = own.datagrams.wrapping_add(1).max(1);
        let part = own.datagrams;
        let room = self.config.frame_octets_max.saturating_sub(around + kept) as usize;
        let Ok(parts) = fragments(&packet, ends, &Contexts::NONE, room, part) else {
            return self.drop_message(node, tag, Why::Refused);
        };
        self.totals.cut[0] += 1;
        let (last, mut packet) = (parts.len().saturating_sub(1), packet);
        for (index, wire) in parts.into_iter().enumerate() {
            let packet = if index == last { core::mem::take(&mut packet) } else { Vec::new() };
            self.load(node, to, around + wire.len() as u32, tag, Load::Packet { packet, wire, dio: None, part });
        }
    }

    /// A fragment's request has ended, with this packet (empty but of the last). The packet, if it has failed by that: the
    /// first time only.
    pub(super) fn part_done(&mut self, node: u32, part: u16, outcome: Outcome, mut packet: Vec<u8>) -> Vec<u8> {
        if outcome == Outcome::Sent {
            return packet;
        }
        let Self { nodes, cargoes, free_cargoes, now_ns, .. } = self;
        let mac = &mut nodes[node as usize].mac;
        let is_of = |load: &Load| matches!(load, Load::Packet { part: of, .. } if *of == part);
        for place in mac.withdraw(*now_ns, |&place| is_of(&cargoes[place as usize].load)) {
            free_cargoes.push(place);
            if let Load::Packet { packet: whole, .. } =
                core::mem::replace(&mut cargoes[place as usize].load, Load::Free)
                && packet.is_empty()
            {
                packet = whole;
            }
        }
        // The last one may be on the air, when one before it found no place in the queue.
        if let Some(Load::Packet { packet: whole, part: of, .. }) =
            mac.in_hand().and_then(|request| cargoes.get_mut(request.payload as usize)).map(|cargo| &mut cargo.load)
            && *of == part
            && packet.is_empty()
        {
            packet = core::mem::take(whole);
        }
        self.totals.cut[1] += u64::from(!packet.is_empty());
        packet
    }
}
