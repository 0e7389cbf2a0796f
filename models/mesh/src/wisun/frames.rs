//! Wi-SUN frames as bytes (FAN 1.1, 6.3.2.3.5): discovery, data, EAPOL and acknowledgement, without check sequence.
//!
//! | frame | to | secured | header elements | payload elements |
//! |---|---|---|---|---|
//! | PAN advert solicit | everywhere | no | UTT | US, NETNAME |
//! | PAN advert | everywhere | no | UTT | US, PAN, NETNAME, JM |
//! | PAN config solicit | everywhere | no | UTT | US, NETNAME |
//! | PAN config | everywhere | yes | UTT, BT | US, BS, PANVER, GTKHASH |
//! | data | one or broadcast | yes | UTT, BT | US, MPX |
//! | EAPOL | one | no | UTT, BT, EA | US, BS, MPX |
//! | ack | one | as the frame | UTT, BT, RSL | – |
//!
//! [`decode`] takes apart what others send and [`encode`] writes any of it back to the bit.

use crate::mac::Eui64;
use crate::mac::frame::{FrameError, Header, Mpdu};
use crate::mac::ie::{self, End, NestedIes};

use super::ie::{FrameType, HeaderIe, PayloadIe};

/// Multiplex identifiers of IEEE 802.15.9: key management, and 6LoWPAN as registered.
pub const MPX_KMP: u16 = 0x0001;
/// 6LoWPAN.
pub const MPX_LOWPAN: u16 = 0xa0ed;

/// What a multiplex element carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mpx<'a> {
    /// Transfer type (bits 0–2) and transaction (bits 3–7); 0 is a full frame.
    pub control: u8,
    /// Which upper layer.
    pub id: u16,
    /// Its octets. Those of key management begin with the KMP id.
    pub content: &'a [u8],
}

/// A Wi-SUN frame in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The 802.15.4 header.
    pub header: Header,
    /// The header elements of Wi-SUN.
    pub header_ies: Vec<HeaderIe<'a>>,
    /// The payload elements of Wi-SUN.
    pub payload_ies: Vec<PayloadIe<'a>>,
    /// The upper layer's octets.
    pub mpx: Option<Mpx<'a>>,
    /// The message integrity code as it came; empty without security.
    pub mic: &'a [u8],
}

impl Frame<'_> {
    /// What the frame is, where it says.
    #[must_use]
    pub fn frame_type(&self) -> Option<FrameType> {
        self.header_ies.iter().find_map(|ie| if let HeaderIe::Utt(frame, _) = ie { Some(*frame) } else { None })
    }

    /// Who authenticates, in an EAPOL frame towards a joining node.
    #[must_use]
    pub fn authenticator(&self) -> Option<Eui64> {
        self.header_ies.iter().find_map(|ie| if let HeaderIe::Ea(by) = ie { Some(*by) } else { None })
    }
}

/// Takes a frame apart whose private part is in clear (opened, or never sealed).
///
/// # Errors
/// When it is no 802.15.4 frame, or its elements are not Wi-SUN's.
pub fn decode(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let mpdu = Mpdu::decode(bytes)?;
    let header_ies = mpdu.header_ies().map(|ie| match ie.id {
        ie::HEADER_WISUN => HeaderIe::decode(ie.content),
        _ => Err(FrameError::Ie),
    });
    let header_ies = header_ies.collect::<Result<Vec<_>, _>>()?;
    let (mut payload_ies, mut mpx) = (Vec::new(), None);
    let mut walk = mpdu.payload_ies(mpdu.private);
    for element in walk.by_ref() {
        match element.id {
            ie::GROUP_WISUN => {
                let mut nested = NestedIes::new(element.content);
                for one in nested.by_ref() {
                    payload_ies.push(PayloadIe::decode(one)?);
                }
                if !nested.rest().is_empty() {
                    return Err(FrameError::Ie);
                }
            }
            ie::GROUP_MPX => {
                let (&[control, low, high], content) = element.content.split_first_chunk().ok_or(FrameError::Ie)?;
                mpx = Some(Mpx { control, id: u16::from_le_bytes([low, high]), content });
            }
            _ => return Err(FrameError::Ie),
        }
    }
    if walk.is_malformed() || walk.is_terminated() || !walk.rest().is_empty() {
        return Err(FrameError::Ie);
    }
    Ok(Frame { header: mpdu.header, header_ies, payload_ies, mpx, mic: mpdu.mic })
}

/// Writes a frame in clear, with its integrity code as it stands. Returns how many octets come before the private part:
/// what [`crate::mac::security::seal`] authenticates in clear.
///
/// # Errors
/// When a field is too long for its length.
pub fn encode(frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<usize, FrameError> {
    frame.header.encode(!frame.header_ies.is_empty(), out)?;
    for element in &frame.header_ies {
        element.encode(out)?;
    }
    let has_payload = !frame.payload_ies.is_empty() || frame.mpx.is_some();
    ie::put_end(if has_payload { End::PayloadIes } else { End::Nothing }, out);
    let clear = out.len();
    if !frame.payload_ies.is_empty() {
        let mut group = Vec::new();
        for element in &frame.payload_ies {
            element.encode(&mut group)?;
        }
        ie::put_payload(ie::GROUP_WISUN, &group, out)?;
    }
    if let Some(mpx) = &frame.mpx {
        let mut group = vec![mpx.control];
        group.extend_from_slice(&mpx.id.to_le_bytes());
        group.extend_from_slice(mpx.content);
        ie::put_payload(ie::GROUP_MPX, &group, out)?;
    }
    out.extend_from_slice(frame.mic);
    Ok(clear)
}
