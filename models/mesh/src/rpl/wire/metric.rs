//! Metrics and constraints in a DAG metric container (RFC 6551 §2–§4).

use crate::bytes::{Put, Reader};
use crate::ip::Malformed;

/// How a metric adds up along the path (§2.1, the field A).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// 0: sum.
    #[default]
    Additive,
    /// 1: the largest value.
    Maximum,
    /// 2: the smallest value.
    Minimum,
    /// 3: product.
    Multiplicative,
    /// 4–7, unassigned.
    Other(u8),
}

/// Flags of an object (§2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricFlags {
    /// P: a node on the path could not add its part.
    pub partial: bool,
    /// C: a constraint, not a metric.
    pub constraint: bool,
    /// O: the constraint is optional.
    pub optional: bool,
    /// R: recorded hop by hop, not aggregated.
    pub recorded: bool,
    /// A.
    pub aggregation: Aggregation,
    /// Prec, 0–15: 0 counts most.
    pub precedence: u8,
}

/// What an object says; lists hold one value when aggregated, one for each hop when recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// 3 (§3.3): hops.
    HopCount(u8),
    /// 4 (§4.1): octets per second.
    ThroughputBytesPerS(Vec<u32>),
    /// 5 (§4.2): microseconds.
    LatencyUs(Vec<u32>),
    /// 6 (§4.3.1): levels 0 (unknown), 1 (best) to 7, each with the number of such links.
    LinkQuality(Vec<(u8, u8)>),
    /// 7 (§4.3.2): expected transmissions × 128.
    Etx128(Vec<u16>),
    /// 1, 2, 8 and later ones: node state, energy, colour; kept as bytes.
    Other {
        /// The type.
        kind: u8,
        /// The body.
        body: Vec<u8>,
    },
}

/// One object of the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricObject {
    /// How to read it.
    pub flags: MetricFlags,
    /// What it says.
    pub metric: Metric,
}

impl MetricObject {
    pub(super) fn all(mut reader: Reader<'_>) -> Result<Vec<Self>, Malformed> {
        let short = Malformed::Short("metric");
        let mut objects = Vec::new();
        while let Some(kind) = reader.u8() {
            let flags = reader.u16().ok_or(short)?;
            let len = reader.u8().ok_or(short)?;
            let body = reader.take(usize::from(len)).ok_or(short)?;
            objects.push(Self { flags: MetricFlags::of(flags), metric: Metric::of(kind, body)? });
        }
        Ok(objects)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.put_u8(self.metric.kind());
        out.put_u16(self.flags.bits());
        let start = out.len();
        out.put_u8(0);
        match &self.metric {
            Metric::HopCount(hops) => out.put(&[0, *hops]),
            Metric::ThroughputBytesPerS(values) | Metric::LatencyUs(values) => {
                values.iter().for_each(|&value| out.put_u32(value));
            }
            Metric::LinkQuality(levels) => {
                out.put_u8(0);
                levels.iter().for_each(|&(level, links)| out.put_u8(level << 5 | links & 0x1F));
            }
            Metric::Etx128(values) => values.iter().for_each(|&value| out.put_u16(value)),
            Metric::Other { body, .. } => out.put(body),
        }
        let len = u8::try_from(out.len().saturating_sub(start + 1)).unwrap_or(u8::MAX);
        if let Some(slot) = out.get_mut(start) {
            *slot = len;
        }
    }
}

impl Metric {
    const fn kind(&self) -> u8 {
        match self {
            Self::HopCount(_) => 3,
            Self::ThroughputBytesPerS(_) => 4,
            Self::LatencyUs(_) => 5,
            Self::LinkQuality(_) => 6,
            Self::Etx128(_) => 7,
            Self::Other { kind, .. } => *kind,
        }
    }

    fn of(kind: u8, body: &[u8]) -> Result<Self, Malformed> {
        let words = || {
            let (words, rest) = body.as_chunks::<4>();
            rest.is_empty().then(|| words.iter().map(|&word| u32::from_be_bytes(word)).collect())
        };
        let typed = match (kind, body) {
            // The optional TLVs of §3.3 are of no document yet: with one, the object stays bytes.
            (3, &[0, hops]) => Some(Self::HopCount(hops)),
            (4, _) => words().map(Self::ThroughputBytesPerS),
            (5, _) => words().map(Self::LatencyUs),
            (6, [0, levels @ ..]) => {
                Some(Self::LinkQuality(levels.iter().map(|&level| (level >> 5, level & 0x1F)).collect()))
            }
            (7, _) => {
                let (values, rest) = body.as_chunks::<2>();
                rest.is_empty().then(|| Self::Etx128(values.iter().map(|&v| u16::from_be_bytes(v)).collect()))
            }
            _ => Some(Self::Other { kind, body: body.to_vec() }),
        };
        typed.ok_or(Malformed::Field("metric length"))
    }
}

impl MetricFlags {
    fn of(bits: u16) -> Self {
        let flag = |bit: u32| bits >> bit & 1 == 1;
        let three = u8::try_from(bits >> 4 & 7).unwrap_or(0);
        Self {
            partial: flag(10),
            constraint: flag(9),
            optional: flag(8),
            recorded: flag(7),
            aggregation: match three {
                0 => Aggregation::Additive,
                1 => Aggregation::Maximum,
                2 => Aggregation::Minimum,
                3 => Aggregation::Multiplicative,
                other => Aggregation::Other(other),
            },
            precedence: u8::try_from(bits & 15).unwrap_or(0),
        }
    }

    fn bits(self) -> u16 {
        let flags = [self.partial, self.constraint, self.optional, self.recorded];
        let flags = flags.iter().fold(0, |bits, &flag| bits << 1 | u16::from(flag));
        let three = match self.aggregation {
            Aggregation::Additive => 0,
            Aggregation::Maximum => 1,
            Aggregation::Minimum => 2,
            Aggregation::Multiplicative => 3,
            Aggregation::Other(bits) => bits & 7,
        };
        flags << 7 | u16::from(three) << 4 | u16::from(self.precedence & 15)
    }
}
