//! A capture of frames as pcapng, link type 283 (IEEE 802.15.4 TAP): opens in Wireshark, and `tshark` dissects it.
//!
//! Bytes go out, nothing is opened here. A file is [`head`] followed by one [`packet`] per frame; times are nanoseconds
//! since any epoch, in one interface. Each frame carries TLVs: check sequence, signal, channel.

/// Link type of IEEE 802.15.4 TAP.
pub const LINK_TYPE_TAP: u16 = 283;

/// What a capture says about a frame beside its octets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// Received signal, dBm.
    pub rss_dbm: Option<f32>,
    /// Channel number and page; page 9 is SUN.
    pub channel: Option<(u16, u8)>,
    /// Which check sequence ends the frame; none when it was left out.
    pub fcs: Option<super::fcs::Fcs>,
}

/// The section header and the description of the one interface, with `application` as the writer's name.
#[must_use]
pub fn head(application: &str) -> Vec<u8> {
    head_with(application, "")
}

/// The same with a comment, which Wireshark shows among the file's properties.
#[must_use]
pub fn head_with(application: &str, comment: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut section = Vec::new();
    section.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    section.extend_from_slice(&[1, 0, 0, 0]);
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    if !comment.is_empty() {
        option(1, comment.as_bytes(), &mut section);
    }
    option(4, application.as_bytes(), &mut section);
    option(0, &[], &mut section);
    block(0x0a0d_0d0a, &section, &mut out);
    let mut interface = Vec::new();
    interface.extend_from_slice(&u32::from(LINK_TYPE_TAP).to_le_bytes());
    interface.extend_from_slice(&0_u32.to_le_bytes());
    option(9, &[9], &mut interface);
    option(0, &[], &mut interface);
    block(1, &interface, &mut out);
    out
}

/// What `-o` tells Wireshark and tshark, so that they open frames sealed with this key of this index. A pcapng file has no
/// block for such a key.
#[must_use]
pub fn key_option(key: &[u8; 16], index: u8) -> String {
    let key: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("uat:ieee802154_keys:\"{key}\",\"{index}\",\"No hash\"")
}

/// One frame as an enhanced packet block. `psdu` ends with the check sequence that `tap` names.
#[must_use]
pub fn packet(at_ns: u64, tap: Tap, psdu: &[u8]) -> Vec<u8> {
    let mut tlvs = Vec::new();
    let fcs = match tap.fcs {
        None => 0,
        Some(super::fcs::Fcs::Short) => 1,
        Some(super::fcs::Fcs::Long) => 2,
    };
    tlv(0, &[fcs], &mut tlvs);
    if let Some(rss) = tap.rss_dbm {
        tlv(1, &rss.to_le_bytes(), &mut tlvs);
    }
    if let Some((channel, page)) = tap.channel {
        let [low, high] = channel.to_le_bytes();
        tlv(3, &[low, high, page], &mut tlvs);
    }
    let mut data = vec![0, 0];
    data.extend_from_slice(&(4 + tlvs.len() as u16).to_le_bytes());
    data.extend_from_slice(&tlvs);
    data.extend_from_slice(psdu);
    let octets = (data.len() as u32).to_le_bytes();
    let mut body = Vec::with_capacity(data.len() + 24);
    body.extend_from_slice(&0_u32.to_le_bytes());
    body.extend_from_slice(&((at_ns >> 32) as u32).to_le_bytes());
    body.extend_from_slice(&(at_ns as u32).to_le_bytes());
    body.extend_from_slice(&octets);
    body.extend_from_slice(&octets);
    body.extend_from_slice(&data);
    pad(&mut body);
    let mut out = Vec::with_capacity(body.len() + 12);
    block(6, &body, &mut out);
    out
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A TLV of the TAP header: type, length, value, filled up to four octets.
fn tlv(kind: u16, value: &[u8], out: &mut Vec<u8>) {
    option(kind, value, out);
}

/// Type, length, value, filled up to four octets: pcapng's options and TAP's TLVs are built the same way.
fn option(kind: u16, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    pad(out);
}

/// A block: type, its whole length, body, the length again.
fn block(kind: u32, body: &[u8], out: &mut Vec<u8>) {
    let mut filled = body.to_vec();
    pad(&mut filled);
    let length = (filled.len() as u32 + 12).to_le_bytes();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length);
    out.extend_from_slice(&filled);
    out.extend_from_slice(&length);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The octets of a capture with one acknowledgement, laid out by hand from the two formats' documents.
    #[test]
    fn a_capture_is_laid_out_as_the_formats_say() {
        let tap = Tap { rss_dbm: Some(-91.5), channel: Some((29, 9)), fcs: Some(super::super::fcs::Fcs::Short) };
        let head = head("taa");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let section = "0a0d0d0a280000004d3c2b1a01000000ffffffffffffffff04000300746161000000000028000000";
        let interface = "01000000200000001b01000000000000090001000900000000000000".to_owned() + "20000000";
        assert_eq!(hex(&head), section.to_owned() + &interface);
        let packet = packet(0x1_0000_0002, tap, &[2, 0, 0x6a, 0xe4, 0x79]);
        let body = "00000000010000000200000021000000210000000000".to_owned()
            + "1c00000001000100000001000400"
            + "0000b7c203000300"
            + "1d0009000200"
            + "6ae479000000";
        assert_eq!(hex(&packet), format!("0600000044000000{body}44000000"));
    }
}
