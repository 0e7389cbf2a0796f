//! Class 15, Association LN: the object list and the terms of the association (Blue Book 4.4.4, version 1).

use super::{Access, Level, ObjectEntry};
use crate::apdu::{Conformance, Mechanism};
use crate::axdr::{
    BitString, Value, encode, put_array, put_enum, put_i8, put_null, put_octet_string, put_structure, put_u8, put_u16,
};

/// Class number.
pub const CLASS: u16 = 15;
/// Version of the class that this server shows.
pub const VERSION: u8 = 1;
/// All objects that the client can see, with its rights.
pub const OBJECT_LIST: i8 = 2;
/// Client and server addresses.
pub const ASSOCIATED_PARTNERS_ID: i8 = 3;
/// Object identifier of the context.
pub const APPLICATION_CONTEXT_NAME: i8 = 4;
/// Negotiated conformance and message lengths.
pub const XDLMS_CONTEXT_INFO: i8 = 5;
/// Object identifier of the mechanism.
pub const AUTHENTICATION_MECHANISM_NAME: i8 = 6;
/// 0 non-associated, 1 pending, 2 associated.
pub const ASSOCIATION_STATUS: i8 = 8;

/// Method: the proof of high-level security.
pub const REPLY_TO_HLS: i8 = 1;

const STATUS_ASSOCIATED: u8 = 2;

/// The terms of a standing association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who asks.
    pub level: Level,
    /// Address of the client.
    pub client_sap: u16,
    /// Address of the logical device.
    pub server_sap: u16,
    /// How the client proved who it is.
    pub mechanism: Mechanism,
    /// Services agreed.
    pub conformance: Conformance,
    /// Longest message that the client takes, bytes; 0 means any.
    pub client_pdu_max: u16,
    /// Longest message that the server takes, bytes.
    pub server_pdu_max: u16,
}

/// Appends an attribute of the association object; `None` when the class has none of that number for reading.
pub fn put_attribute(attribute: i8, terms: &Terms, objects: &[ObjectEntry], out: &mut Vec<u8>) -> Option<()> {
    match attribute {
        OBJECT_LIST => put_object_list(terms.level, objects, out),
        ASSOCIATED_PARTNERS_ID => {
            put_structure(out, 2);
            // The class has an integer here though addresses are wider: 1 and 16 fit.
            put_i8(out, i8::try_from(terms.client_sap).unwrap_or(i8::MAX));
            put_u16(out, terms.server_sap);
        }
        APPLICATION_CONTEXT_NAME => put_octet_string(out, &[0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01]),
        XDLMS_CONTEXT_INFO => {
            put_structure(out, 6);
            let bits = BitString::new(24, &terms.conformance.to_bytes()).map_or(Value::Null, Value::BitString);
            encode(&bits, out);
            put_u16(out, terms.server_pdu_max);
            put_u16(out, terms.client_pdu_max);
            put_u8(out, 6);
            put_i8(out, 0);
            put_octet_string(out, &[]);
        }
        AUTHENTICATION_MECHANISM_NAME => {
            put_octet_string(out, &[0x60, 0x85, 0x74, 0x05, 0x08, 0x02, terms.mechanism.number()]);
        }
        ASSOCIATION_STATUS => put_enum(out, STATUS_ASSOCIATED),
        _ => return None,
    }
    Some(())
}

fn put_object_list(level: Level, objects: &[ObjectEntry], out: &mut Vec<u8>) {
    let visible = || objects.iter().filter(|object| object.is_visible(level));
    put_array(out, visible().count());
    for object in visible() {
        put_structure(out, 4);
        put_u16(out, object.class);
        put_u8(out, object.version);
        put_octet_string(out, &object.obis.0);
        put_structure(out, 2);
        put_array(out, object.attributes.len().saturating_add(1));
        put_attribute_access(1, Access::Read, &[], out);
        for attribute in object.attributes {
            put_attribute_access(attribute.id, attribute.at(level), attribute.selectors, out);
        }
        put_array(out, object.methods.len());
        for method in object.methods {
            put_structure(out, 2);
            put_i8(out, method.id);
            put_enum(out, u8::from(level == Level::Management));
        }
    }
}

fn put_attribute_access(id: i8, access: Access, selectors: &[i8], out: &mut Vec<u8>) {
    put_structure(out, 3);
    put_i8(out, id);
    put_enum(out, access as u8);
    if selectors.is_empty() {
        put_null(out);
    } else {
        put_array(out, selectors.len());
        for selector in selectors {
            put_i8(out, *selector);
        }
    }
}
