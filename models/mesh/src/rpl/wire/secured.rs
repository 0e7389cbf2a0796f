//! Secure variants and the consistency check (RFC 6550 §6.1, §6.6): recognised, not verified.

use core::net::Ipv6Addr;

use crate::bytes::{Put, Reader};
use crate::ip::Malformed;

/// A secure message: its security section read, what follows kept as bytes (it may be encrypted, and ends in a code).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// 0x80 and above: 0x80 DIS, 0x81 DIO, 0x82 DAO, 0x83 DAO-ACK, 0x8A consistency check.
    pub code: u8,
    /// T: the counter is a time.
    pub counter_is_time: bool,
    /// Algorithm; 0 is CCM with AES-128 and RSA with SHA-256.
    pub algorithm: u8,
    /// KIM, 2 bits: how the key is found.
    pub key_mode: u8,
    /// LVL, 3 bits.
    pub level: u8,
    /// Counter.
    pub counter: u32,
    /// Key source and index: none, 1 or 9 octets, as KIM says.
    pub key_identifier: Vec<u8>,
    /// The protected rest.
    pub body: Vec<u8>,
}

impl Secured {
    pub(super) fn parse(code: u8, mut reader: Reader<'_>) -> Result<Self, Malformed> {
        let short = Malformed::Short("security section");
        let [time, algorithm, key, _] = reader.array().ok_or(short)?;
        let counter = reader.u32().ok_or(short)?;
        let (key_mode, level) = (key >> 6, key & 7);
        let identifier = reader.take(Self::identifier_len(key_mode, level)).ok_or(short)?.to_vec();
        let counter_is_time = time & 0x80 != 0;
        let body = reader.rest().to_vec();
        Ok(Self { code, counter_is_time, algorithm, key_mode, level, counter, key_identifier: identifier, body })
    }

    /// Figure 10 of §6.1: a group key by index; a key of the pair; a group key by source and index; a signature's key,
    /// whose group key is named only when the message is encrypted too (levels 1 and 3 of Figure 12).
    const fn identifier_len(key_mode: u8, level: u8) -> usize {
        match (key_mode & 3, level) {
            (0, _) => 1,
            (2, _) | (3, 1 | 3) => 9,
            _ => 0,
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let key = (self.key_mode & 3) << 6 | self.level & 7;
        out.put(&[u8::from(self.counter_is_time) << 7, self.algorithm, key, 0]);
        out.put_u32(self.counter);
        out.put(&self.key_identifier);
        out.put(&self.body);
    }
}

/// The base of a consistency check (§6.6), in a body that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsistencyCheck {
    /// RPLInstanceID.
    pub instance: u8,
    /// R: a response.
    pub response: bool,
    /// CC nonce.
    pub nonce: u16,
    /// DODAGID.
    pub dodag: Ipv6Addr,
    /// The destination's counter as the sender knows it.
    pub destination_counter: u32,
}

impl ConsistencyCheck {
    /// The code of a message that holds one.
    pub const CODE: u8 = 0x8A;

    /// Reads the base; options and the authentication code stay in the body.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let [instance, flags] = reader.array()?;
        Some(Self {
            instance,
            response: flags & 0x80 != 0,
            nonce: reader.u16()?,
            dodag: reader.address()?,
            destination_counter: reader.u32()?,
        })
    }

    /// Appends the base.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.put(&[self.instance, u8::from(self.response) << 7]);
        out.put_u16(self.nonce);
        out.put_address(self.dodag);
        out.put_u32(self.destination_counter);
    }
}
