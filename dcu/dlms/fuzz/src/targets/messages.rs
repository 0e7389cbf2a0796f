//! Values and messages: what decodes encodes, to the same thing.

use taa_dlms::apdu::{Apdu, GetResponse, ReadResponse, SetRequest};
use taa_dlms::axdr::{decode, decode_all, encode, skip};
use taa_dlms::error::DecodeError;
use taa_dlms::wire::Reader;

/// A value at the front of the bytes.
pub fn values(data: &[u8]) {
    let mut skipper = Reader::new(data);
    let skipped = skip(&mut skipper);
    let mut reader = Reader::new(data);
    let Ok(value) = decode(&mut reader) else { return };
    // Passing over looks less closely than reading, never further or less far.
    assert_eq!(skipped.map(<[u8]>::len), Ok(data.len() - reader.len()));
    let mut first = Vec::new();
    encode(&value, &mut first);
    let again = match decode_all(&first) {
        // The allowance for elements without bytes grows with the input, and lengths in a long form are input too.
        Err(DecodeError::TooMany) if first.len() < data.len() => return,
        again => again.expect("what was encoded decodes"),
    };
    // By their bytes: a float that is no number equals nothing.
    let mut second = Vec::new();
    encode(&again, &mut second);
    assert_eq!(first, second);
    let _ = format!("{value:?}");
    let _ = (value.as_i64(), value.date_time(), value.elements().map(<[_]>::len), value.as_bytes().map(<[u8]>::len));
}

/// A message that fills the bytes.
pub fn apdus(data: &[u8]) {
    let Ok(apdu) = Apdu::decode(data) else { return };
    let mut first = Vec::new();
    apdu.encode(&mut first);
    let again = Apdu::decode(&first).expect("what was encoded decodes");
    let mut second = Vec::new();
    again.encode(&mut second);
    assert_eq!(first, second);
    open_lists(&apdu);
}

/// Whatever a list was checked for when it was decoded holds when it is opened.
fn open_lists(apdu: &Apdu<'_>) {
    let value = |bytes: &[u8]| assert!(decode_all(bytes).is_ok() || skip(&mut Reader::new(bytes)).is_ok());
    match apdu {
        Apdu::GetResponse(GetResponse::WithList { results, .. }) => {
            let _ = results.read_each(decode, |_| {});
        }
        Apdu::SetRequest(SetRequest::WithList { attributes, values, .. }) => {
            let _ = attributes.iter().count();
            values.iter().for_each(value);
        }
        Apdu::AccessRequest(access) => {
            let _ = access.items.iter().count();
            access.data.iter().for_each(value);
        }
        Apdu::AccessResponse(access) => {
            let _ = access.outcomes.iter().count();
            access.data.iter().for_each(value);
        }
        Apdu::ReadRequest(read) => drop(read.variables.iter().count()),
        Apdu::ReadResponse(ReadResponse::Results(results)) => {
            let _ = results.read_each(decode, |_| {});
        }
        Apdu::WriteRequest(write) | Apdu::UnconfirmedWriteRequest(write) => {
            let _ = write.variables.iter().count();
            write.values.iter().for_each(value);
        }
        _ => {}
    }
}
