//! Information elements (IEEE 802.15.4-2020, 7.4): header, payload and nested, walked and written.
//!
//! | kind | descriptor, low bit first | ends with |
//! |---|---|---|
//! | header | length 7, id 8, type 0 | id 0x7e before payload elements, 0x7f before payload |
//! | payload | length 11, group 4, type 1 | group 0xf, or the end of the frame |
//! | nested short | length 8, id 7, type 0 | the end of its payload element |
//! | nested long | length 11, id 4, type 1 | the same |
//!
//! Walking never allocates and never reads past a slice; a length that points beyond it ends the walk with an error.

use super::frame::FrameError;

/// The header element that says "payload elements follow".
pub const TERMINATION_1: u8 = 0x7e;
/// The header element that says "payload follows".
pub const TERMINATION_2: u8 = 0x7f;
/// The payload group that ends the payload elements.
pub const PAYLOAD_TERMINATION: u8 = 0xf;
/// The payload group of the multiplexed upper layers (IEEE 802.15.9).
pub const GROUP_MPX: u8 = 3;
/// The payload group of the Wi-SUN Alliance.
pub const GROUP_WISUN: u8 = 4;
/// The header element of the Wi-SUN Alliance.
pub const HEADER_WISUN: u8 = 0x2a;

/// How the header elements of a frame end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the frame, or there are none.
    Nothing,
    /// Payload elements follow.
    PayloadIes,
    /// Payload follows.
    Payload,
}

/// One header or payload element: its id or group, and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ie<'a> {
    /// The id of a header element, the group of a payload element.
    pub id: u8,
    /// What is in it.
    pub content: &'a [u8],
}

/// One nested element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nested<'a> {
    /// Whether its descriptor is the long one.
    pub long: bool,
    /// Its id within the group.
    pub id: u8,
    /// What is in it.
    pub content: &'a [u8],
}

/// A descriptor's two octets and the content that its length names.
fn descriptor<'a>(rest: &mut &'a [u8], length: impl Fn(u16) -> u16) -> Result<(u16, &'a [u8]), FrameError> {
    let (head, after) = rest.split_first_chunk::<2>().ok_or(FrameError::Ie)?;
    let head = u16::from_le_bytes(*head);
    let (content, after) = after.split_at_checked(usize::from(length(head))).ok_or(FrameError::Ie)?;
    *rest = after;
    Ok((head, content))
}

/// A walk over header elements. Terminations are not shown.
#[derive(Debug, Clone, Copy)]
pub struct HeaderIes<'a>(&'a [u8]);

impl<'a> HeaderIes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn one(rest: &mut &'a [u8]) -> Result<Ie<'a>, FrameError> {
        let (head, content) = descriptor(rest, |head| head & 0x7f)?;
        if head >> 15 == 1 { Err(FrameError::Ie) } else { Ok(Ie { id: (head >> 7 & 0xff) as u8, content }) }
    }

    /// Takes the header elements with their termination off the front of what follows a header.
    pub(crate) fn split(rest: &mut &'a [u8]) -> Result<(&'a [u8], End), FrameError> {
        let whole = *rest;
        let mut walk = *rest;
        let mut end = End::Nothing;
        while !walk.is_empty() && end == End::Nothing {
            // Without a termination the elements end where something else begins, a payload element's type bit shows it.
            if walk.get(1).is_some_and(|high| high >> 7 == 1) {
                break;
            }
            end = match Self::one(&mut walk)?.id {
                TERMINATION_1 => End::PayloadIes,
                TERMINATION_2 => End::Payload,
                _ => End::Nothing,
            };
        }
        *rest = walk;
        let octets = whole.len() - walk.len();
        Ok((whole.get(..octets).unwrap_or(whole), end))
    }
}

impl<'a> Iterator for HeaderIes<'a> {
    type Item = Ie<'a>;
    fn next(&mut self) -> Option<Ie<'a>> {
        let found = Self::one(&mut self.0).ok()?;
        (!matches!(found.id, TERMINATION_1 | TERMINATION_2)).then_some(found)
    }
}

/// A walk over payload elements; after it, [`PayloadIes::rest`] is the payload.
#[derive(Debug, Clone, Copy)]
pub struct PayloadIes<'a> {
    rest: &'a [u8],
    terminated: bool,
    failed: bool,
}

impl<'a> PayloadIes<'a> {
    pub(crate) fn new(private: &'a [u8]) -> Self {
        Self { rest: private, terminated: false, failed: false }
    }

    /// What follows the elements that were walked: the payload, once the walk has ended.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether a termination ended the walk.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// Whether the walk ended in octets that are no element.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        self.failed
    }
}

impl<'a> Iterator for PayloadIes<'a> {
    type Item = Ie<'a>;
    fn next(&mut self) -> Option<Ie<'a>> {
        if self.terminated || self.failed || self.rest.is_empty() {
            return None;
        }
        let mut rest = self.rest;
        match descriptor(&mut rest, |head| head & 0x7ff) {
            Ok((head, content)) if head >> 15 == 1 => {
                self.rest = rest;
                let id = (head >> 11 & 0xf) as u8;
                self.terminated = id == PAYLOAD_TERMINATION;
                (!self.terminated).then_some(Ie { id, content })
            }
            _ => {
                self.failed = true;
                None
            }
        }
    }
}

/// A walk over the nested elements of a payload element.
#[derive(Debug, Clone, Copy)]
pub struct NestedIes<'a>(&'a [u8]);

impl<'a> NestedIes<'a> {
    /// Over this payload element's content.
    #[must_use]
    pub fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    /// What the walk has not read: empty when all of it was elements.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for NestedIes<'a> {
    type Item = Nested<'a>;
    fn next(&mut self) -> Option<Nested<'a>> {
        let mut rest = self.0;
        let (head, content) =
            descriptor(&mut rest, |head| if head >> 15 == 1 { head & 0x7ff } else { head & 0xff }).ok()?;
        self.0 = rest;
        let long = head >> 15 == 1;
        let id = if long { head >> 11 & 0xf } else { head >> 8 & 0x7f } as u8;
        Some(Nested { long, id, content })
    }
}

/// Appends a header element.
///
/// # Errors
/// When the content is longer than 127 octets.
pub fn put_header(id: u8, content: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    put(u16::from(id) << 7, 0x7f, content, out)
}

/// Appends the termination of the header elements; nothing for [`End::Nothing`].
pub fn put_end(end: End, out: &mut Vec<u8>) {
    let id = match end {
        End::Nothing => return,
        End::PayloadIes => TERMINATION_1,
        End::Payload => TERMINATION_2,
    };
    out.extend_from_slice(&(u16::from(id) << 7).to_le_bytes());
}

/// Appends a payload element.
///
/// # Errors
/// When the content is longer than 2047 octets.
pub fn put_payload(group: u8, content: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    put(1 << 15 | u16::from(group & 0xf) << 11, 0x7ff, content, out)
}

/// Appends a nested element to a payload element's content.
///
/// # Errors
/// When the content is longer than its descriptor can say: 255 octets short, 2047 long.
pub fn put_nested(element: Nested<'_>, out: &mut Vec<u8>) -> Result<(), FrameError> {
    if element.long {
        put(1 << 15 | u16::from(element.id & 0xf) << 11, 0x7ff, element.content, out)
    } else {
        put(u16::from(element.id & 0x7f) << 8, 0xff, element.content, out)
    }
}

fn put(head: u16, most: u16, content: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let length = u16::try_from(content.len()).ok().filter(|&length| length <= most).ok_or(FrameError::Long)?;
    out.extend_from_slice(&(head | length).to_le_bytes());
    out.extend_from_slice(content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_and_lengths_are_checked() {
        let mut header = Vec::new();
        put_header(HEADER_WISUN, &[1, 2, 3], &mut header).unwrap();
        put_header(0x1a, &[], &mut header).unwrap();
        put_end(End::PayloadIes, &mut header);
        header.extend_from_slice(b"rest");
        let mut rest = &header[..];
        let (slice, end) = HeaderIes::split(&mut rest).unwrap();
        assert_eq!((end, rest), (End::PayloadIes, &b"rest"[..]));
        let ids: Vec<_> = HeaderIes::new(slice).map(|ie| (ie.id, ie.content.len())).collect();
        assert_eq!(ids, [(HEADER_WISUN, 3), (0x1a, 0)]);
        assert_eq!(put_header(1, &[0; 128], &mut Vec::new()), Err(FrameError::Long));
        assert_eq!(put_payload(4, &[0; 2048], &mut Vec::new()), Err(FrameError::Long));
    }

    #[test]
    fn a_length_beyond_the_slice_ends_the_walk() {
        let mut payload = Vec::new();
        put_payload(GROUP_WISUN, &[9; 5], &mut payload).unwrap();
        payload.extend_from_slice(&[0xff, 0x9f, 0]);
        let mut walk = PayloadIes::new(&payload);
        assert_eq!((walk.next().map(|ie| ie.content.len()), walk.next(), walk.is_malformed()), (Some(5), None, true));
        let mut nested = NestedIes::new(&[4, 5, 1]);
        assert_eq!((nested.next(), nested.rest().len()), (None, 3));
        assert_eq!(HeaderIes::split(&mut &[5_u8, 0x15, 1][..]), Err(FrameError::Ie));
    }
}
