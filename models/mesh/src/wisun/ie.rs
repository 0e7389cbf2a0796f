//! Wi-SUN information elements (FAN 1.1, 6.3.2.3; numbers of the Assigned Value Registry 0v25), typed.
//!
//! Header elements sit in the 802.15.4 header element 0x2a, each beginning with its sub-id; payload elements are nested
//! in group 4. What is not known here is kept as it came, so every frame is written back to the bit.

use crate::mac::Eui64;
use crate::mac::frame::FrameError;
use crate::mac::ie::{self, Nested};

/// What a frame is to Wi-SUN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameType {
    /// PAN advertisement.
    PanAdvert,
    /// PAN advertisement solicit.
    PanAdvertSolicit,
    /// PAN configuration.
    PanConfig,
    /// PAN configuration solicit.
    PanConfigSolicit,
    /// Data.
    Data,
    /// Acknowledgement.
    Ack,
    /// EAPOL.
    Eapol,
    /// Limited-function nodes' frames and what is reserved.
    Other(u8),
}

impl FrameType {
    /// By its number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        use FrameType::{Ack, Data, Eapol, Other, PanAdvert, PanAdvertSolicit, PanConfig, PanConfigSolicit};
        let all = [PanAdvert, PanAdvertSolicit, PanConfig, PanConfigSolicit, Data, Ack, Eapol];
        all.get(usize::from(number)).copied().unwrap_or(Other(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::PanAdvert => 0,
            Self::PanAdvertSolicit => 1,
            Self::PanConfig => 2,
            Self::PanConfigSolicit => 3,
            Self::Data => 4,
            Self::Ack => 5,
            Self::Eapol => 6,
            Self::Other(number) => number,
        }
    }
}

/// A Wi-SUN header element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderIe<'a> {
    /// Unicast timing: what the frame is, and where the sender is in its sequence (2^24ths).
    Utt(FrameType, u32),
    /// Broadcast timing: slot, and milliseconds into it.
    Bt(u16, u32),
    /// Flow control: how much the sender has to send, and can receive.
    Fc(u8, u8),
    /// Received signal level, dB above −174 dBm.
    Rsl(u8),
    /// The authenticator's EUI-64, in EAPOL frames towards a joining node.
    Ea(Eui64),
    /// Broadcast schedule of limited-function nodes: interval in milliseconds, synchronisation period.
    Lbc(u32, u8),
    /// Node role, clock drift, timing accuracy.
    Nr(u8, u8, u8),
    /// Any other: its sub-id and what follows.
    Other(u8, &'a [u8]),
}

impl<'a> HeaderIe<'a> {
    /// From the content of an 802.15.4 header element 0x2a.
    ///
    /// # Errors
    /// When it is shorter than its sub-id asks for.
    pub fn decode(content: &'a [u8]) -> Result<Self, FrameError> {
        let (&sub, body) = content.split_first().ok_or(FrameError::Ie)?;
        Ok(match (sub, body) {
            (1, &[frame, a, b, c]) => Self::Utt(FrameType::from_number(frame), u32::from_le_bytes([a, b, c, 0])),
            (2, &[a, b, c, d, e]) => Self::Bt(u16::from_le_bytes([a, b]), u32::from_le_bytes([c, d, e, 0])),
            (3, &[send, receive]) => Self::Fc(send, receive),
            (4, &[level]) => Self::Rsl(level),
            (9, &[a, b, c, d, e, f, g, h]) => Self::Ea(Eui64([a, b, c, d, e, f, g, h])),
            (0x0c, &[role, drift, accuracy]) => Self::Nr(role, drift, accuracy),
            (0xc0, &[a, b, c, period]) => Self::Lbc(u32::from_le_bytes([a, b, c, 0]), period),
            (1..=4 | 9, _) => return Err(FrameError::Ie),
            (sub, body) => Self::Other(sub, body),
        })
    }

    /// Appends it as a header element.
    ///
    /// # Errors
    /// When an unknown one is too long.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let mut body = Vec::with_capacity(10);
        let three = |value: u32, body: &mut Vec<u8>| body.extend_from_slice(&value.to_le_bytes()[..3]);
        match *self {
            Self::Utt(frame, ufsi) => {
                body.extend_from_slice(&[1, frame.number()]);
                three(ufsi, &mut body);
            }
            Self::Bt(slot, offset_ms) => {
                body.push(2);
                body.extend_from_slice(&slot.to_le_bytes());
                three(offset_ms, &mut body);
            }
            Self::Fc(send, receive) => body.extend_from_slice(&[3, send, receive]),
            Self::Rsl(level) => body.extend_from_slice(&[4, level]),
            Self::Ea(authenticator) => {
                body.push(9);
                body.extend_from_slice(&authenticator.0);
            }
            Self::Lbc(interval_ms, period) => {
                body.push(0xc0);
                three(interval_ms, &mut body);
                body.push(period);
            }
            Self::Nr(role, drift, accuracy) => body.extend_from_slice(&[0x0c, role, drift, accuracy]),
            Self::Other(sub, content) => {
                body.push(sub);
                body.extend_from_slice(content);
            }
        }
        ie::put_header(ie::HEADER_WISUN, &body, out)
    }
}

/// How a schedule names the channel plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanField {
    /// Regulatory domain and operating class (FAN 1.0).
    Class(u8, u8),
    /// Centre of channel 0 in kilohertz, number of the spacing, count of channels.
    Explicit(u32, u8, u16),
    /// Regulatory domain and channel plan (FAN 1.1).
    Plan(u8, u8),
}

/// How a schedule names its hopping function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function<'a> {
    /// One channel.
    Fixed(u16),
    /// TR51CF.
    Tr51,
    /// DH1CF.
    Dh1,
    /// The vendor's list.
    List(&'a [u8]),
}

/// What a schedule excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excluded<'a> {
    /// Nothing.
    Nothing,
    /// Ranges: pairs of first and last channel, two octets each.
    Ranges(&'a [u8]),
    /// A bit a channel, lowest first.
    Mask(&'a [u8]),
}

impl Excluded<'_> {
    /// Whether a channel is excluded.
    #[must_use]
    pub fn excludes(&self, channel: u16) -> bool {
        match self {
            Self::Nothing => false,
            Self::Ranges(pairs) => pairs
                .as_chunks::<4>()
                .0
                .iter()
                .any(|&[a, b, c, d]| (u16::from_le_bytes([a, b])..=u16::from_le_bytes([c, d])).contains(&channel)),
            Self::Mask(mask) => mask.get(usize::from(channel / 8)).is_some_and(|byte| byte >> (channel % 8) & 1 == 1),
        }
    }
}

/// The part that unicast and broadcast schedules share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hops<'a> {
    /// Dwell interval, milliseconds.
    pub dwell_ms: u8,
    /// Clock drift, parts per million; 255 is "not told".
    pub drift_ppm: u8,
    /// Timing accuracy, in 10 µs.
    pub accuracy: u8,
    /// The plan.
    pub plan: PlanField,
    /// The function.
    pub function: Function<'a>,
    /// What is left out.
    pub excluded: Excluded<'a>,
}

impl<'a> Hops<'a> {
    fn decode(content: &'a [u8]) -> Result<Self, FrameError> {
        let (&[dwell_ms, drift_ppm, accuracy, control], rest) = content.split_first_chunk().ok_or(FrameError::Ie)?;
        let (plan, rest) = match (control & 7, rest) {
            (0, &[domain, class, ref rest @ ..]) => (PlanField::Class(domain, class), rest),
            (1, &[a, b, c, spacing, d, e, ref rest @ ..]) => {
                (PlanField::Explicit(u32::from_le_bytes([a, b, c, 0]), spacing, u16::from_le_bytes([d, e])), rest)
            }
            (2, &[domain, id, ref rest @ ..]) => (PlanField::Plan(domain, id), rest),
            _ => return Err(FrameError::Ie),
        };
        let (function, rest) = match (control >> 3 & 7, rest) {
            (0, &[a, b, ref rest @ ..]) => (Function::Fixed(u16::from_le_bytes([a, b])), rest),
            (1, rest) => (Function::Tr51, rest),
            (2, rest) => (Function::Dh1, rest),
            (3, &[count, ref rest @ ..]) => {
                let (list, rest) = rest.split_at_checked(usize::from(count)).ok_or(FrameError::Ie)?;
                (Function::List(list), rest)
            }
            _ => return Err(FrameError::Ie),
        };
        let excluded = match (control >> 6, rest) {
            (0, []) => Excluded::Nothing,
            (1, &[count, ref pairs @ ..]) if pairs.len() == 4 * usize::from(count) => Excluded::Ranges(pairs),
            (2, mask) => Excluded::Mask(mask),
            _ => return Err(FrameError::Ie),
        };
        Ok(Self { dwell_ms, drift_ppm, accuracy, plan, function, excluded })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let plan = match self.plan {
            PlanField::Class(..) => 0,
            PlanField::Explicit(..) => 1,
            PlanField::Plan(..) => 2_u8,
        };
        let function = match self.function {
            Function::Fixed(_) => 0,
            Function::Tr51 => 1,
            Function::Dh1 => 2,
            Function::List(_) => 3_u8,
        };
        let excluded = match self.excluded {
            Excluded::Nothing => 0,
            Excluded::Ranges(_) => 1,
            Excluded::Mask(_) => 2_u8,
        };
        let control = plan | function << 3 | excluded << 6;
        out.extend_from_slice(&[self.dwell_ms, self.drift_ppm, self.accuracy, control]);
        match self.plan {
            PlanField::Class(a, b) | PlanField::Plan(a, b) => out.extend_from_slice(&[a, b]),
            PlanField::Explicit(khz, spacing, count) => {
                out.extend_from_slice(&khz.to_le_bytes()[..3]);
                out.push(spacing);
                out.extend_from_slice(&count.to_le_bytes());
            }
        }
        match self.function {
            Function::Fixed(channel) => out.extend_from_slice(&channel.to_le_bytes()),
            Function::Tr51 | Function::Dh1 => {}
            Function::List(list) => {
                out.push(list.len() as u8);
                out.extend_from_slice(list);
            }
        }
        match self.excluded {
            Excluded::Nothing => {}
            Excluded::Ranges(pairs) => {
                out.push((pairs.len() / 4) as u8);
                out.extend_from_slice(pairs);
            }
            Excluded::Mask(mask) => out.extend_from_slice(mask),
        }
    }
}

/// The PAN element of an advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pan {
    /// How many nodes are in it.
    pub size: u16,
    /// The sender's path cost to the border router, in 1/128 transmissions; 0xffff: ask someone else.
    pub routing_cost: u16,
    /// Bit 0: follow the parent's broadcast schedule; bit 1: routed by RPL; bits 5–7: version (2 is FAN 1.1).
    pub flags: u8,
}

/// A Wi-SUN payload element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadIe<'a> {
    /// Unicast schedule.
    Us(Hops<'a>),
    /// Broadcast schedule: interval in milliseconds, identifier, hops.
    Bs(u32, u16, Hops<'a>),
    /// PAN.
    Pan(Pan),
    /// Network name, at most 32 octets.
    NetName(&'a [u8]),
    /// PAN version.
    PanVer(u16),
    /// The four GTKs' hashes; zeros where none is installed.
    GtkHash([[u8; 8]; 4]),
    /// PHY operating modes: the flags, the modes.
    Pom(u8, &'a [u8]),
    /// Join metrics: version of the content, metrics.
    Jm(u8, &'a [u8]),
    /// Version of the limited-function nodes' configuration.
    LfnVer(u16),
    /// Any other.
    Other(Nested<'a>),
}

impl<'a> PayloadIe<'a> {
    /// From a nested element.
    ///
    /// # Errors
    /// When it is shorter or longer than its id asks for.
    pub fn decode(nested: Nested<'a>) -> Result<Self, FrameError> {
        let two = || nested.content.try_into().map(u16::from_le_bytes).map_err(|_| FrameError::Ie);
        Ok(match (nested.long, nested.id) {
            (true, 1) => Self::Us(Hops::decode(nested.content)?),
            (true, 2) => {
                let (&[a, b, c, d, e, f], hops) = nested.content.split_first_chunk().ok_or(FrameError::Ie)?;
                Self::Bs(u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]), Hops::decode(hops)?)
            }
            (false, 4) => {
                let &[a, b, c, d, flags] = nested.content else { return Err(FrameError::Ie) };
                let (size, routing_cost) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                Self::Pan(Pan { size, routing_cost, flags })
            }
            (false, 5) if nested.content.len() <= 32 => Self::NetName(nested.content),
            (false, 6) => Self::PanVer(two()?),
            (false, 7) => {
                let (hashes, []) = nested.content.as_chunks::<8>() else { return Err(FrameError::Ie) };
                Self::GtkHash(hashes.try_into().map_err(|_| FrameError::Ie)?)
            }
            (false, 8) => {
                let (&flags, modes) = nested.content.split_first().ok_or(FrameError::Ie)?;
                Self::Pom(flags, modes)
            }
            (false, 0x0a) => {
                let (&version, metrics) = nested.content.split_first().ok_or(FrameError::Ie)?;
                Self::Jm(version, metrics)
            }
            (false, 0x40) => Self::LfnVer(two()?),
            (false, 5) => return Err(FrameError::Ie),
            _ => Self::Other(nested),
        })
    }

    /// Appends it as a nested element.
    ///
    /// # Errors
    /// When it is longer than its descriptor can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let mut body = Vec::new();
        let (long, id) = match *self {
            Self::Us(hops) => {
                hops.encode(&mut body);
                (true, 1)
            }
            Self::Bs(interval_ms, bsi, hops) => {
                body.extend_from_slice(&interval_ms.to_le_bytes());
                body.extend_from_slice(&bsi.to_le_bytes());
                hops.encode(&mut body);
                (true, 2)
            }
            Self::Pan(pan) => {
                body.extend_from_slice(&pan.size.to_le_bytes());
                body.extend_from_slice(&pan.routing_cost.to_le_bytes());
                body.push(pan.flags);
                (false, 4)
            }
            Self::NetName(name) => {
                body.extend_from_slice(name);
                (false, 5)
            }
            Self::PanVer(version) => {
                body.extend_from_slice(&version.to_le_bytes());
                (false, 6)
            }
            Self::GtkHash(hashes) => {
                hashes.iter().for_each(|hash| body.extend_from_slice(hash));
                (false, 7)
            }
            Self::Pom(flags, modes) => {
                body.push(flags);
                body.extend_from_slice(modes);
                (false, 8)
            }
            Self::Jm(version, metrics) => {
                body.push(version);
                body.extend_from_slice(metrics);
                (false, 0x0a)
            }
            Self::LfnVer(version) => {
                body.extend_from_slice(&version.to_le_bytes());
                (false, 0x40)
            }
            Self::Other(nested) => return ie::put_nested(nested, out),
        };
        ie::put_nested(Nested { long, id, content: &body }, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_channels_by_range_and_by_mask_are_the_same_channels() {
        let ranges = Excluded::Ranges(&[27, 0, 28, 0, 30, 0, 33, 0]);
        let mask = Excluded::Mask(&[0, 0, 0, 0b0001_1000, 0b0000_0011]);
        assert!((0..27).chain([29, 34]).all(|channel| !ranges.excludes(channel)));
        assert!([27, 28, 30, 33].into_iter().all(|channel| ranges.excludes(channel)));
        assert!([27, 28, 32, 33].into_iter().all(|channel| mask.excludes(channel)) && !mask.excludes(200));
    }

    /// All ways to name plan, function and exclusions come back as they were written.
    #[test]
    fn schedules_come_back() {
        let plans = [PlanField::Class(1, 2), PlanField::Explicit(863_100, 0, 69), PlanField::Plan(3, 33)];
        let functions = [Function::Fixed(7), Function::Tr51, Function::Dh1, Function::List(&[1, 2, 3])];
        let excluded = [Excluded::Nothing, Excluded::Ranges(&[1, 0, 2, 0]), Excluded::Mask(&[0xff, 1])];
        for plan in plans {
            for function in functions {
                for excluded in excluded {
                    let hops = Hops { dwell_ms: 255, drift_ppm: 255, accuracy: 100, plan, function, excluded };
                    for ie in [PayloadIe::Us(hops), PayloadIe::Bs(1020, 56_811, hops)] {
                        let mut bytes = Vec::new();
                        ie.encode(&mut bytes).unwrap();
                        let nested = ie::NestedIes::new(&bytes).next().unwrap();
                        assert_eq!(PayloadIe::decode(nested), Ok(ie));
                        let short = Nested { content: &nested.content[..nested.content.len() - 1], ..nested };
                        assert_ne!(PayloadIe::decode(short), Ok(ie));
                    }
                }
            }
        }
    }
}
