//! The part of the configuration that a client needs for good, in little room: a fleet holds thousands of them.

use taa_keys::Secret;

use super::{Auth, ClientConfig, Link, Referencing};
use crate::apdu::Conformance;
use crate::security::Hls;

/// See [`ClientConfig`].
pub(super) struct Settings {
    pub(super) client_sap: u16,
    pub(super) server_sap: u16,
    pub(super) push_sap: Option<u16>,
    pub(super) proof: Proof,
    pub(super) framing: Framing,
    pub(super) referencing: Referencing,
    pub(super) proposal: Conformance,
    pub(super) general_window: u8,
    pub(super) pdu_max: u16,
    pub(super) reply_timeout_ns: u64,
    pub(super) retries: u8,
    answer_bytes_max: u32,
    pub(super) utc_offset_s: i32,
    pub(super) discovers: bool,
}

impl Settings {
    pub(super) const fn answer_bytes_max(&self) -> usize {
        self.answer_bytes_max as usize
    }
}

/// What the calls of `handle_receive` bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Datagram,
    Stream,
    /// HDLC, with or without an opening.
    Serial,
}

/// [`Auth`], with its rarer and larger forms out of the way.
pub(super) enum Proof {
    None,
    Lls(Secret),
    Gmac,
    Other(Box<Hls>),
}

static GMAC: Hls = Hls::Gmac;

impl Proof {
    pub(super) const fn heap_bytes(&self) -> usize {
        if matches!(self, Self::Other(_)) { size_of::<Hls>() } else { 0 }
    }

    /// High-level security, if that is it.
    pub(super) fn hls(&self) -> Option<&Hls> {
        match self {
            Self::None | Self::Lls(_) => None,
            Self::Gmac => Some(&GMAC),
            Self::Other(hls) => Some(hls),
        }
    }
}

impl From<ClientConfig> for Settings {
    fn from(config: ClientConfig) -> Self {
        Self {
            client_sap: config.client_sap,
            server_sap: config.server_sap,
            push_sap: config.push_sap,
            proposal: config.proposal(),
            proof: match config.auth {
                Auth::None => Proof::None,
                Auth::Lls(password) => Proof::Lls(password),
                Auth::High(Hls::Gmac) => Proof::Gmac,
                Auth::High(hls) => Proof::Other(Box::new(hls)),
            },
            framing: match config.link {
                Link::Datagram => Framing::Datagram,
                Link::Stream => Framing::Stream,
                Link::Hdlc(_) | Link::HdlcAfterModeE(..) => Framing::Serial,
            },
            referencing: config.referencing,
            general_window: config.general_window,
            pdu_max: config.pdu_max,
            reply_timeout_ns: config.reply_timeout_ns,
            retries: config.retries,
            answer_bytes_max: u32::try_from(config.answer_bytes_max).unwrap_or(u32::MAX),
            utc_offset_s: config.utc_offset_s,
            discovers: config.discovers,
        }
    }
}
