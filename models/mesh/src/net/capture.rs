//! Frames as octets, for a capture that Wireshark opens ([`super::Config::capture`]).
//!
//! | frame | octets |
//! |---|---|
//! | data, discovery, acknowledgement | what a Wi-SUN node sends: elements, 6LoWPAN, sealed by AES-CCM* with the group key |
//! | neighbour solicitation and advertisement | made here; the network itself only counts them |
//! | EAPOL | right kinds and lengths, contents stand-ins: certificates and handshakes are sized, not reckoned |
//!
//! The group key is the seed's ([`capture_key`]): given to Wireshark ([`capture_option`]), everything opens.

use core::net::Ipv6Addr;

use super::Network;
use super::medium::{OnAir, Shot};
use super::node::{NONE, PAN, PREFIX, eui};
use super::stack::Load;
use crate::Eui64;
use crate::chance::Chance;
use crate::ip::{HEADER_LEN, Header as Ip, checksum, next};
use crate::lowpan::{Contexts, Ends, LinkAddress, compress};
use crate::mac::engine::Flow;
use crate::mac::fcs::Fcs;
use crate::mac::frame::{Address, FrameType as MacType, Header, KeyId, Security, Version};
use crate::mac::{pcapng, security};
use crate::wisun::exchange::Step;
use crate::wisun::frames::{Frame, MPX_KMP, MPX_LOWPAN, Mpx, encode};
use crate::wisun::ie::{Excluded, FrameType, Function, HeaderIe, Hops, PayloadIe, PlanField};
use crate::wisun::message::{Eapol, Message};

/// Level 6: enciphered, with a code of 8 octets.
const LEVEL: u8 = 6;
/// Which of the group keys.
const KEY_INDEX: u8 = 1;
/// The network's name: six letters, as many as recorded sizes are for.
const NAME: &[u8] = b"taanet";
/// Domain and plan of the schedules' elements.
const PLAN: PlanField = PlanField::Plan(3, 33);

/// The group key that a capture of a network with this seed is sealed with.
#[must_use]
pub fn capture_key(seed: u64) -> [u8; 16] {
    let mut draws = Chance::new(seed).fork(0x6B65_7921);
    let (one, two) = (draws.word().to_be_bytes(), draws.word().to_be_bytes());
    core::array::from_fn(|at| if at < 8 { one[at] } else { two[at - 8] })
}

/// How Wireshark and tshark are told that key, after `-o`.
#[must_use]
pub fn capture_option(seed: u64) -> String {
    pcapng::key_option(&capture_key(seed), KEY_INDEX)
}

fn hops(dwell_ms: u8) -> Hops<'static> {
    Hops { dwell_ms, drift_ppm: 255, accuracy: 100, plan: PLAN, function: Function::Dh1, excluded: Excluded::Nothing }
}

/// An EAPOL packet of this length: the kind that the step names, its content zeros.
pub(super) fn eapol(step: Step, at: u8) -> Vec<u8> {
    let octets = step.octets as usize;
    let mut packet = vec![0; octets.max(4)];
    let body = (octets.saturating_sub(4) as u16).to_be_bytes();
    let is_key = step.kmp != 1 || at == 0;
    packet[..4].copy_from_slice(&[3, if is_key { 3 } else { 0 }, body[0], body[1]]);
    let content = &mut packet[4..];
    if is_key && content.len() >= 95 {
        // EAPOL-Key of an RSN: a pairwise key, its data enciphered, so that nobody reads zeros as elements.
        content[..3].copy_from_slice(&[2, 0x10, 0x08]);
        let data = (content.len() as u16 - 95).to_be_bytes();
        content[93..95].copy_from_slice(&data);
    } else if content.len() >= 4 {
        let code = match (content.len(), step.up) {
            (4, _) => 3,
            (_, true) => 2,
            (_, false) => 1,
        };
        content[..4].copy_from_slice(&[code, at, body[0], body[1]]);
        if content.len() > 4 {
            // An experimental type: opaque to whoever reads it.
            content[4] = 255;
        }
    }
    packet
}

/// A neighbour solicitation with address registration, or the advertisement that answers it.
fn measuring(from: Eui64, to: Eui64, solicits: bool) -> Vec<u8> {
    let (own, theirs) = (from.under(PREFIX), to.under(PREFIX));
    let (source, destination) = if solicits { (own, to.link_local()) } else { (from.link_local(), theirs) };
    let target: Ipv6Addr = if solicits { to.link_local() } else { from.link_local() };
    let registered = if solicits { from } else { to };
    let mut message = Vec::with_capacity(40);
    message.extend_from_slice(&[if solicits { 135 } else { 136 }, 0, 0, 0]);
    message.extend_from_slice(&[if solicits { 0 } else { 0x60 }, 0, 0, 0]);
    message.extend_from_slice(&target.octets());
    // Address registration option (RFC 6775, 4.1): type 33, two units, status 0, lifetime in minutes.
    message.extend_from_slice(&[33, 2, 0, 0, 0, 0, 0, 120]);
    message.extend_from_slice(&registered.0);
    let sum = checksum(source, destination, next::ICMPV6, &message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let mut packet = Vec::with_capacity(HEADER_LEN + message.len());
    Ip::new(source, destination, next::ICMPV6, 255).put_packet(&[&message], &mut packet);
    packet
}

impl Network {
    /// The octets of a frame's part, check sequence included; none of a load that is gone.
    pub(super) fn octets_of(&mut self, frame: &OnAir, shot: &Shot) -> Option<Vec<u8>> {
        let from = eui(frame.from);
        let to = (frame.to != NONE).then(|| eui(frame.to));
        let load = self.cargoes.get(frame.cargo as usize).map(|cargo| &cargo.load);
        let mut content = Vec::new();
        let mut mpx = None;
        let own = PayloadIe::Us(hops(self.config.dwell_ms));
        let (kind, secured, payload) = match (frame.acknowledges, load) {
            (true, _) if frame.flow != Flow::None => (FrameType::Data, true, vec![own]),
            (true, _) => (FrameType::Ack, true, vec![]),
            (_, Some(Load::Message(message))) => {
                let parts = self.message_of(*message, &mut content);
                if !content.is_empty() {
                    mpx = Some(MPX_KMP);
                }
                parts
            }
            (_, Some(Load::Packet { wire, .. })) => {
                content.clone_from(wire);
                mpx = Some(MPX_LOWPAN);
                (FrameType::Data, true, vec![own])
            }
            (_, Some(load @ (Load::Probe | Load::Answer))) => {
                let packet = measuring(from, to?, matches!(load, Load::Probe));
                let ends = Ends { source: LinkAddress::Extended(from), destination: LinkAddress::Extended(to?) };
                compress(&packet, ends, &Contexts::NONE, &mut content).ok()?;
                mpx = Some(MPX_LOWPAN);
                (FrameType::Data, true, vec![own])
            }
            _ => return None,
        };
        let counter = if secured { Some(self.counted(frame.from)?) } else { None };
        let security =
            counter.map(|_| Security { level: LEVEL, counter, slot_in_nonce: false, key: KeyId::Index(KEY_INDEX) });
        let responds = frame.acknowledges && frame.flow != Flow::None;
        let header = Header {
            frame_type: if kind == FrameType::Ack { MacType::Ack } else { MacType::Data },
            pending: false,
            ack_request: frame.ack_request && frame.flow == Flow::None,
            version: Version::V2015,
            sequence: ((to.is_some() || kind == FrameType::Data) && !responds).then_some(frame.sequence),
            to_pan: None,
            to: to.map_or(Address::Absent, Address::Extended),
            from_pan: (to.is_none() && kind != FrameType::PanAdvertSolicit).then_some(PAN),
            from: Address::Extended(from),
            security,
        };
        let frame_out = Frame {
            header,
            header_ies: self.header_elements(frame, shot, kind),
            payload_ies: payload,
            mpx: mpx.map(|id| Mpx { control: 0, id, content: &content }),
            mic: &[],
        };
        let mut octets = Vec::with_capacity(160);
        let clear = encode(&frame_out, &mut octets).ok()?;
        if let Some(level) = security {
            let (open, private) = octets.split_at_mut_checked(clear)?;
            let mic = security::seal(&capture_key(self.config.seed), from, &level, open, private).ok()?;
            octets.extend_from_slice(&mic);
        }
        Fcs::Long.append(&mut octets);
        Some(octets)
    }

    /// The next frame counter of a node, which outlives a loss of power (9.4.2: never twice under one key; none is left after
    /// 2^32 − 1 frames).
    fn counted(&mut self, node: u32) -> Option<u32> {
        let next = self.counters.entry(node).or_default();
        let counter = *next;
        *next = counter.checked_add(1)?;
        Some(counter)
    }

    fn header_elements(&self, frame: &OnAir, shot: &Shot, kind: FrameType) -> Vec<HeaderIe<'static>> {
        let own = &self.nodes[frame.from as usize];
        let hopping = own.mac.hopping();
        let ufsi = hopping.map_or(0, |of| of.own.ufsi_at(shot.start_ns.saturating_sub(of.started_ns)));
        let mut elements = vec![HeaderIe::Utt(kind, ufsi)];
        let announces = matches!(kind, FrameType::PanConfig | FrameType::Data | FrameType::Eapol | FrameType::Ack);
        if announces {
            let (slot, into_ns) = self.everyones.slot_at(shot.start_ns);
            elements.push(HeaderIe::Bt(slot, (into_ns / 1_000_000) as u32));
        }
        match (frame.flow, frame.acknowledges) {
            (Flow::None, _) => {}
            // Milliseconds to send and to receive: the next frame is not known to be longer than this one.
            (Flow::More, false) => elements.push(HeaderIe::Fc((frame.part_ns / 1_000_000).min(255) as u8, 255)),
            (Flow::Last, false) => elements.push(HeaderIe::Fc(0, 255)),
            (_, true) => elements.push(HeaderIe::Fc(0, if self.stays.contains_key(&frame.from) { 255 } else { 0 })),
        }
        if kind == FrameType::Ack {
            let dbm = self.links.between(frame.to, frame.from).map_or(-174.0, |ear| ear.dbm);
            elements.push(HeaderIe::Rsl(libm::roundf(dbm + 174.0).clamp(0.0, 254.0) as u8));
        }
        let down = |eapol: &Eapol| eapol.exchange.step(eapol.step).is_some_and(|step| !step.up);
        if let Some(Load::Message(Message::Eapol(eapol))) =
            self.cargoes.get(frame.cargo as usize).map(|cargo| &cargo.load)
            && down(eapol)
        {
            elements.push(HeaderIe::Ea(eui(0)));
        }
        elements
    }

    /// Kind, whether it is sealed, payload elements; EAPOL's octets go into `content`.
    fn message_of(&self, message: Message, content: &mut Vec<u8>) -> (FrameType, bool, Vec<PayloadIe<'static>>) {
        let own = PayloadIe::Us(hops(self.config.dwell_ms));
        let (interval_ms, dwell_ms) = self.config.broadcast_ms;
        let all = PayloadIe::Bs(interval_ms, self.everyones.bsi(), hops(dwell_ms));
        let name = PayloadIe::NetName(NAME);
        match message {
            Message::Pas { .. } => (FrameType::PanAdvertSolicit, false, vec![own, name]),
            Message::Pa { pan, .. } => {
                (FrameType::PanAdvert, false, vec![own, PayloadIe::Pan(pan), name, PayloadIe::Jm(0, &[0x41, 0])])
            }
            Message::Pcs { .. } => (FrameType::PanConfigSolicit, false, vec![own, name]),
            Message::Pc { version, keys, .. } => {
                let hashes = keys.0.map(u64::to_be_bytes);
                (FrameType::PanConfig, true, vec![own, all, PayloadIe::PanVer(version), PayloadIe::GtkHash(hashes)])
            }
            Message::Eapol(of) => {
                let Some(step) = of.exchange.step(of.step) else { return (FrameType::Eapol, false, vec![own]) };
                content.push(step.kmp);
                content.extend_from_slice(&eapol(step, of.step));
                (FrameType::Eapol, false, if step.up { vec![own] } else { vec![own, all] })
            }
            // These travel as packets.
            Message::AddressRequest { .. } | Message::AddressReply { .. } => (FrameType::Data, true, vec![own]),
        }
    }
}
