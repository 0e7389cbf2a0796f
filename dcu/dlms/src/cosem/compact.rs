//! Class 62 on the client side: the buffer becomes values again.

use super::CompactData;
use crate::axdr::{Tag, Value, decode_all};
use crate::error::PeerFault;
use crate::wire::put_octets;

const NOT_FITTING: PeerFault = PeerFault::WrongType { what: "compact buffer and its template" };

impl CompactData {
    /// The captured values, in the order of the capture objects: the buffer read by the template description.
    ///
    /// # Errors
    /// [`PeerFault::WrongType`] when buffer or template were not read, or do not fit each other.
    pub fn values(&self) -> Result<Vec<Value>, PeerFault> {
        let (Some(template), Some(buffer)) = (&self.template_description, &self.compact_buffer) else {
            return Err(NOT_FITTING);
        };
        // Template and buffer together are a compact array of one element.
        let mut bytes = vec![Tag::CompactArray as u8];
        bytes.extend_from_slice(template);
        put_octets(&mut bytes, buffer);
        let Ok(Value::CompactArray(array)) = decode_all(&bytes) else { return Err(NOT_FITTING) };
        match array.elements() {
            [Value::Structure(values)] => Ok(values.clone()),
            _ => Err(NOT_FITTING),
        }
    }
}
