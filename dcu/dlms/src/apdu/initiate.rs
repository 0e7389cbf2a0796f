//! xDLMS InitiateRequest and InitiateResponse: what AARQ and AARE carry as user information.

use super::{ConfirmedServiceError, Conformance};
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// VAA name of an association by logical names.
pub const VAA_NAME_LN: u16 = 0x0007;
/// VAA name of an association by short names.
pub const VAA_NAME_SN: u16 = 0xFA00;

const INITIATE_REQUEST: u8 = 0x01;
const INITIATE_RESPONSE: u8 = 0x08;
const DLMS_VERSION: u8 = 6;
/// Conformance ::= [APPLICATION 31] IMPLICIT BIT STRING (24), BER-encoded: tag, length, unused bits.
const CONFORMANCE_HEAD: [u8; 4] = [0x5F, 0x1F, 0x04, 0x00];
/// The same with the tag in one byte, as some old meters send it.
const CONFORMANCE_HEAD_SHORT: [u8; 3] = [0x5F, 0x04, 0x00];

/// What the client proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitiateRequest<'a> {
    /// Key for this association alone; only ever sent under protection.
    pub dedicated_key: Option<&'a [u8]>,
    /// The client wants answers.
    pub response_allowed: bool,
    /// Unused by meters; kept for the round trip.
    pub quality_of_service: Option<i8>,
    /// DLMS version, 6.
    pub version: u8,
    /// Services proposed.
    pub conformance: Conformance,
    /// Longest message the client takes, bytes; 0 means any.
    pub pdu_max: u16,
}

/// What the server grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitiateResponse {
    /// Unused by meters; kept for the round trip.
    pub quality_of_service: Option<i8>,
    /// DLMS version, 6.
    pub version: u8,
    /// Services granted.
    pub conformance: Conformance,
    /// Longest message the server takes, bytes; 0 means any.
    pub pdu_max: u16,
    /// [`VAA_NAME_LN`] or [`VAA_NAME_SN`].
    pub vaa_name: u16,
}

impl<'a> InitiateRequest<'a> {
    /// A plain proposal.
    #[must_use]
    pub const fn new(conformance: Conformance, pdu_max: u16) -> Self {
        Self {
            dedicated_key: None,
            response_allowed: true,
            quality_of_service: None,
            version: DLMS_VERSION,
            conformance,
            pdu_max,
        }
    }

    /// Decodes it.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        expect_tag(&mut reader, INITIATE_REQUEST)?;
        let dedicated_key = if reader.present()? { Some(reader.octets()?) } else { None };
        // BOOLEAN DEFAULT TRUE: absent means allowed.
        let response_allowed = if reader.present()? { reader.u8()? != 0 } else { true };
        let quality_of_service = quality(&mut reader)?;
        let request = Self {
            dedicated_key,
            response_allowed,
            quality_of_service,
            version: reader.u8()?,
            conformance: conformance(&mut reader)?,
            pdu_max: reader.u16()?,
        };
        reader.finish()?;
        Ok(request)
    }

    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(INITIATE_REQUEST);
        match self.dedicated_key {
            Some(key) => {
                out.push(1);
                put_octets(out, key);
            }
            None => out.push(0),
        }
        out.extend_from_slice(if self.response_allowed { &[0] } else { &[1, 0] });
        put_quality(out, self.quality_of_service);
        out.push(self.version);
        out.extend_from_slice(&CONFORMANCE_HEAD);
        out.extend_from_slice(&self.conformance.to_bytes());
        out.extend_from_slice(&self.pdu_max.to_be_bytes());
    }

    /// What a server that offers `offered` grants.
    ///
    /// # Errors
    /// The initiate error to be sent back: version too low, nothing in common, or messages too short to be of use.
    pub fn negotiate(&self, offered: Conformance, pdu_max: u16) -> Result<InitiateResponse, ConfirmedServiceError> {
        if self.version < DLMS_VERSION {
            return Err(ConfirmedServiceError::VERSION_TOO_LOW);
        }
        let conformance = self.conformance & offered;
        if conformance == Conformance::NONE {
            return Err(ConfirmedServiceError::INCOMPATIBLE_CONFORMANCE);
        }
        // "If the value is below 12, the association is refused" (Green Book 9.4.6.1: pdu-size-too-short).
        if self.pdu_max != 0 && self.pdu_max < 12 {
            return Err(ConfirmedServiceError::PDU_TOO_SHORT);
        }
        Ok(InitiateResponse {
            quality_of_service: None,
            version: DLMS_VERSION,
            conformance,
            pdu_max,
            vaa_name: VAA_NAME_LN,
        })
    }
}

impl InitiateResponse {
    /// Decodes it.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        expect_tag(&mut reader, INITIATE_RESPONSE)?;
        let response = Self {
            quality_of_service: quality(&mut reader)?,
            version: reader.u8()?,
            conformance: conformance(&mut reader)?,
            pdu_max: reader.u16()?,
            vaa_name: reader.u16()?,
        };
        reader.finish()?;
        Ok(response)
    }

    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(INITIATE_RESPONSE);
        put_quality(out, self.quality_of_service);
        out.push(self.version);
        out.extend_from_slice(&CONFORMANCE_HEAD);
        out.extend_from_slice(&self.conformance.to_bytes());
        out.extend_from_slice(&self.pdu_max.to_be_bytes());
        out.extend_from_slice(&self.vaa_name.to_be_bytes());
    }
}

fn expect_tag(reader: &mut Reader<'_>, tag: u8) -> Result<(), DecodeError> {
    match reader.u8()? {
        found if found == tag => Ok(()),
        other => Err(DecodeError::UnknownTag { what: "initiate message", tag: other }),
    }
}

fn quality(reader: &mut Reader<'_>) -> Result<Option<i8>, DecodeError> {
    if reader.present()? { Ok(Some(i8::from_be_bytes(reader.array()?))) } else { Ok(None) }
}

fn put_quality(out: &mut Vec<u8>, quality: Option<i8>) {
    match quality {
        Some(value) => {
            out.push(1);
            out.extend_from_slice(&value.to_be_bytes());
        }
        None => out.push(0),
    }
}

fn conformance(reader: &mut Reader<'_>) -> Result<Conformance, DecodeError> {
    let head_length = if reader.rest().starts_with(&CONFORMANCE_HEAD) {
        CONFORMANCE_HEAD.len()
    } else if reader.rest().starts_with(&CONFORMANCE_HEAD_SHORT) {
        CONFORMANCE_HEAD_SHORT.len()
    } else {
        return Err(DecodeError::OutOfRange("conformance block"));
    };
    reader.take(head_length)?;
    Ok(Conformance::from_bytes(reader.array()?))
}
