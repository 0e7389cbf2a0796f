//! The chain of extension headers (RFC 8200 §4): walked in order, each as a slice of the packet.

use super::{Malformed, next};
use crate::bytes::Reader;

/// An extension header that the walk knows how to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Hop-by-hop options (0).
    HopByHop,
    /// Routing header (43).
    Routing,
    /// Fragment header (44), always 8 octets.
    Fragment,
    /// Destination options (60).
    Destination,
    /// Mobility header (135).
    Mobility,
}

impl Extension {
    /// The extension that a "next header" announces.
    #[must_use]
    pub const fn of(next_header: u8) -> Option<Self> {
        match next_header {
            next::HOP_BY_HOP => Some(Self::HopByHop),
            next::ROUTING => Some(Self::Routing),
            next::FRAGMENT => Some(Self::Fragment),
            next::DESTINATION => Some(Self::Destination),
            next::MOBILITY => Some(Self::Mobility),
            _ => None,
        }
    }

    /// The number of the field "next header" that announces it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::HopByHop => next::HOP_BY_HOP,
            Self::Routing => next::ROUTING,
            Self::Fragment => next::FRAGMENT,
            Self::Destination => next::DESTINATION,
            Self::Mobility => next::MOBILITY,
        }
    }
}

/// One link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// What it is.
    pub kind: Extension,
    /// The whole header: next header, length, data.
    pub bytes: &'a [u8],
    /// What follows.
    pub next_header: u8,
}

/// Walks extension headers; ends at the first header that is none, which [`Chain::upper`] then names.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    next_header: u8,
    rest: Reader<'a>,
}

impl<'a> Chain<'a> {
    /// The chain behind a header that announces `next_header`.
    #[must_use]
    pub const fn new(next_header: u8, payload: &'a [u8]) -> Self {
        Self { next_header, rest: Reader::new(payload) }
    }

    /// What follows the links walked so far: its number and bytes.
    #[must_use]
    pub const fn upper(&self) -> (u8, &'a [u8]) {
        (self.next_header, self.rest.rest())
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Result<Link<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = Extension::of(self.next_header)?;
        let short = Malformed::Short("extension header");
        let mut ahead = self.rest;
        let (Some(next_header), Some(units)) = (ahead.u8(), ahead.u8()) else {
            self.next_header = next::NONE;
            return Some(Err(short));
        };
        let len = if kind == Extension::Fragment { 8 } else { 8 + 8 * usize::from(units) };
        let link = self.rest.take(len).map(|bytes| Link { kind, bytes, next_header }).ok_or(short);
        self.next_header = if link.is_ok() { next_header } else { next::NONE };
        Some(link)
    }
}

/// The options of a hop-by-hop or destination header (RFC 8200 §4.2): where each begins, its type, its data. Single octets of
/// padding are passed by; the walk ends at an option that runs past the header.
pub fn options(header: &[u8]) -> impl Iterator<Item = Result<(usize, u8, &[u8]), Malformed>> {
    let mut next_at = 2;
    std::iter::from_fn(move || {
        while header.get(next_at) == Some(&0) {
            next_at += 1;
        }
        let (at, kind) = (next_at, *header.get(next_at)?);
        let data = header.get(at + 1).and_then(|&len| header.get(at + 2..at + 2 + usize::from(len)));
        next_at = data.map_or(header.len(), |data| at + 2 + data.len());
        Some(data.map(|data| (at, kind, data)).ok_or(Malformed::Short("hop-by-hop option")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_walked_to_the_upper_layer() {
        let bytes = [43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 3, 0, 0, 0, 0, 0, b'u'];
        let mut chain = Chain::new(0, &bytes);
        let kinds: Vec<_> = chain.by_ref().map(|link| link.unwrap().kind).collect();
        assert_eq!(kinds, [Extension::HopByHop, Extension::Routing]);
        assert_eq!(chain.upper(), (17, b"u".as_slice()));
        let mut cut = Chain::new(0, &bytes[..12]);
        assert!(cut.next().unwrap().is_ok());
        assert_eq!(cut.next(), Some(Err(Malformed::Short("extension header"))));
        assert_eq!(cut.next(), None);
    }
}
