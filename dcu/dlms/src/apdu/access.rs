//! ACCESS: reads, writes and method calls in one message (Green Book 9.3.5, 9.4.6.6).
//!
//! ```text
//! d9 | 40000001 | 00 | 02  01 0003 0100010800ff 02   03 0046 000060030aff 01 | 02  00   0f 00
//!      long id    no   2   get  attribute            action  method            2   null integer 0
//!                 time items                                                   data, one per item
//! ```

use super::list::{List, ListItem, ValueList};
use super::{ActionResult, AttributeRef, DataAccessResult, LongInvokeId, MethodRef, Selection, tag};
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// What one item of a request asks for. Its value or parameter stands in the list of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessItem<'a> {
    /// Read.
    Get(AttributeRef),
    /// Write.
    Set(AttributeRef),
    /// Run.
    Action(MethodRef),
    /// Read a part.
    GetSelected(AttributeRef, Selection<'a>),
    /// Write a part.
    SetSelected(AttributeRef, Selection<'a>),
}

/// How one item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessOutcome {
    /// Of a read.
    Get(DataAccessResult),
    /// Of a write.
    Set(DataAccessResult),
    /// Of a method.
    Action(ActionResult),
}

/// Several things asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRequest<'a> {
    /// Number and flags of the request.
    pub invoke: LongInvokeId,
    /// When it was made: empty, or the 12 bytes of a date-time.
    pub date_time: &'a [u8],
    /// What is asked for.
    pub items: AccessItemList<'a>,
    /// One encoded value for each item; null-data for reads.
    pub data: ValueList<'a>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessResponse<'a> {
    /// Number and flags of the request.
    pub invoke: LongInvokeId,
    /// When it was made: empty, or the 12 bytes of a date-time.
    pub date_time: &'a [u8],
    /// The items again, when the request asked for an answer that explains itself.
    pub items: Option<AccessItemList<'a>>,
    /// One encoded value for each item; null-data where there is none.
    pub data: ValueList<'a>,
    /// How each ended.
    pub outcomes: AccessOutcomeList<'a>,
}

/// Items of a request.
pub type AccessItemList<'a> = List<'a, AccessItemKind>;
/// Outcomes of a response.
pub type AccessOutcomeList<'a> = List<'a, AccessOutcomeKind>;

/// An [`AccessItem`] in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessItemKind;

/// An [`AccessOutcome`] in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessOutcomeKind;

impl ListItem for AccessItemKind {
    type Item<'a> = AccessItem<'a>;

    fn read<'a>(reader: &mut Reader<'a>) -> Result<AccessItem<'a>, DecodeError> {
        Ok(match reader.u8()? {
            1 => AccessItem::Get(AttributeRef::decode(reader)?),
            2 => AccessItem::Set(AttributeRef::decode(reader)?),
            3 => AccessItem::Action(MethodRef::decode(reader)?),
            4 => AccessItem::GetSelected(AttributeRef::decode(reader)?, Selection::decode(reader)?),
            5 => AccessItem::SetSelected(AttributeRef::decode(reader)?, Selection::decode(reader)?),
            tag => return Err(DecodeError::UnknownTag { what: "ACCESS item", tag }),
        })
    }
}

impl ListItem for AccessOutcomeKind {
    type Item<'a> = AccessOutcome;

    fn read<'a>(reader: &mut Reader<'a>) -> Result<AccessOutcome, DecodeError> {
        let kind = reader.u8()?;
        let code = reader.u8()?;
        Ok(match kind {
            1 => AccessOutcome::Get(DataAccessResult::from_code(code)),
            2 => AccessOutcome::Set(DataAccessResult::from_code(code)),
            3 => AccessOutcome::Action(ActionResult::from_code(code)),
            tag => return Err(DecodeError::UnknownTag { what: "ACCESS outcome", tag }),
        })
    }
}

impl AccessItem<'_> {
    /// Appends it, as in the list of a request.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Get(attribute) => {
                out.push(1);
                attribute.encode(out);
            }
            Self::Set(attribute) => {
                out.push(2);
                attribute.encode(out);
            }
            Self::Action(method) => {
                out.push(3);
                method.encode(out);
            }
            Self::GetSelected(attribute, selection) => {
                out.push(4);
                attribute.encode(out);
                selection.encode(out);
            }
            Self::SetSelected(attribute, selection) => {
                out.push(5);
                attribute.encode(out);
                selection.encode(out);
            }
        }
    }
}

impl AccessOutcome {
    /// Nothing went wrong.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.code() == 0
    }

    const fn code(self) -> u8 {
        match self {
            Self::Get(result) | Self::Set(result) => result.code(),
            Self::Action(result) => result.code(),
        }
    }

    /// Appends it, as in the list of a response.
    pub fn encode(self, out: &mut Vec<u8>) {
        let kind = match self {
            Self::Get(_) => 1,
            Self::Set(_) => 2,
            Self::Action(_) => 3,
        };
        out.extend_from_slice(&[kind, self.code()]);
    }
}

impl<'a> AccessRequest<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            invoke: LongInvokeId(reader.u32()?),
            date_time: reader.octets()?,
            items: AccessItemList::decode(reader)?,
            data: ValueList::decode(reader)?,
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::ACCESS_REQUEST);
        out.extend_from_slice(&self.invoke.0.to_be_bytes());
        put_octets(out, self.date_time);
        self.items.encode(out);
        self.data.encode(out);
    }
}

impl<'a> AccessResponse<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            invoke: LongInvokeId(reader.u32()?),
            date_time: reader.octets()?,
            items: if reader.present()? { Some(AccessItemList::decode(reader)?) } else { None },
            data: ValueList::decode(reader)?,
            outcomes: AccessOutcomeList::decode(reader)?,
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::ACCESS_RESPONSE);
        out.extend_from_slice(&self.invoke.0.to_be_bytes());
        put_octets(out, self.date_time);
        out.push(u8::from(self.items.is_some()));
        if let Some(items) = &self.items {
            items.encode(out);
        }
        self.data.encode(out);
        self.outcomes.encode(out);
    }
}
