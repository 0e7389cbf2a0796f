//! Lists inside messages (A-XDR SEQUENCE OF): checked once, kept encoded, read one item after the other.
//!
//! A count is never believed: every item takes at least a byte, so that checking a list announced to hold 4 · 10⁹ items
//! ends with the bytes at hand and reserves nothing.

use std::marker::PhantomData;

use super::get::choice;
use super::{ActionResult, AttributeRef, DataAccessResult, MethodRef, Selection};
use crate::axdr::skip;
use crate::error::DecodeError;
use crate::wire::{Reader, put_length};

/// What a list holds.
pub trait ListItem {
    /// One item as it comes out.
    type Item<'a>;

    /// Reads one item.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    fn read<'a>(reader: &mut Reader<'a>) -> Result<Self::Item<'a>, DecodeError>;
}

/// A checked, still encoded list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a, K> {
    count: usize,
    encoded: &'a [u8],
    kind: PhantomData<K>,
}

impl<'a, K: ListItem> List<'a, K> {
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = reader.length()?;
        let start = *reader;
        for _ in 0..count {
            K::read(reader)?;
        }
        let used = start.len().saturating_sub(reader.len());
        Ok(Self { count, encoded: Reader::new(start.rest()).take(used)?, kind: PhantomData })
    }

    /// Over bytes that hold the count and then the items, and nothing else.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn over(encoded: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(encoded);
        let list = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(list)
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// None.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = K::Item<'a>> + use<'a, K> {
        let mut reader = Reader::new(self.encoded);
        std::iter::from_fn(move || K::read(&mut reader).ok())
    }

    /// Appends count and items.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.count);
        out.extend_from_slice(self.encoded);
    }
}

macro_rules! items {
    ($( $(#[$doc:meta])* $kind:ident, $alias:ident: $item:ty = $read:expr; )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $kind;

        impl ListItem for $kind {
            type Item<'a> = $item;

            #[inline]
            fn read<'a>(reader: &mut Reader<'a>) -> Result<Self::Item<'a>, DecodeError> {
                #[allow(clippy::redundant_closure_call, reason = "the closure is the table's way to name a reader")]
                ($read)(reader)
            }
        }

        $(#[$doc])*
        pub type $alias<'a> = List<'a, $kind>;
    )* };
}

items! {
    /// Attributes with their selections.
    AttributeItem, AttributeList: (AttributeRef, Option<Selection<'a>>) =
        |r: &mut Reader<'a>| Ok((AttributeRef::decode(r)?, Selection::decode_optional(r)?));
    /// Methods.
    MethodItem, MethodList: MethodRef = MethodRef::decode;
    /// Encoded values.
    ValueItem, ValueList: &'a [u8] = skip;
    /// Results of a SET with list.
    AccessResultItem, AccessResultList: DataAccessResult =
        |r: &mut Reader<'a>| Ok(DataAccessResult::from_code(r.u8()?));
    /// Results of an ACTION with list.
    MethodResultItem, MethodResultList: MethodResult<'a> = MethodResult::decode;
}

/// How one method ended and what it returned (Action-Response-With-Optional-Data).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodResult<'a> {
    /// How it went.
    pub result: ActionResult,
    /// What the method returned: an encoded value or why there is none.
    pub returned: Option<Result<&'a [u8], DataAccessResult>>,
}

impl<'a> MethodResult<'a> {
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            result: ActionResult::from_code(reader.u8()?),
            returned: if reader.present()? { Some(choice(reader, skip)?) } else { None },
        })
    }

    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.result.code());
        match self.returned {
            None => out.push(0),
            Some(Ok(value)) => {
                out.extend_from_slice(&[1, 0]);
                out.extend_from_slice(value);
            }
            Some(Err(error)) => out.extend_from_slice(&[1, 1, error.code()]),
        }
    }
}
