//! A-XDR: the data types of COSEM attributes (IEC 62056-6-2, Blue Book 4.1.5) and their encoding.
//!
//! What trips people up:
//! - A date-time travels as an octet string of 12 bytes in nearly all meters; the tag 25 exists too. Ask
//!   [`Value::date_time`], which takes both.
//! - A null inside the rows of a profile means "as above", not "nothing": see [`crate::cosem::profile`].
//! - A delta in the rows of a profile is a difference to the value above it: the same function of the profile
//!   undoes it.
//! - A compact array carries its element type once and then bare contents; decoded, it is an ordinary list.
//!
//! Decoding is bounded by the bytes at hand: depth by [`DEPTH_MAX`], the number of values by the length of the input.

mod bits;
mod compact;
mod datetime;
mod decode;
mod encode;
mod octets;
mod tag;
mod value;

pub use bits::BitString;
pub use compact::{CompactArray, TypeDescription};
pub use datetime::{Date, DateTime, Time, clock_status};
pub use decode::{DEPTH_MAX, decode, decode_all, skip};
pub use encode::{
    encode, put_array, put_bool, put_date_time, put_enum, put_i8, put_i64, put_null, put_octet_string, put_structure,
    put_u8, put_u16, put_u32, put_u64, put_visible_string,
};
pub use octets::Octets;
pub use tag::Tag;
pub use value::Value;
