//! A meter that misbehaves: decorators of an [`ObjectModel`] and of the frames that a server sends.
//!
//! A fault is never an `if` in a model. [`Faulty`] stands before any model and falsifies what is read; [`FrameFaults`]
//! stands behind a server and falsifies what is sent. Both count and follow a script, so a test says exactly what goes
//! wrong and when.

use super::{ObjectEntry, ObjectModel};
use crate::apdu::{ActionResult, AttributeRef, DataAccessResult, MethodRef, Selection};
use crate::axdr::{Value, decode_all, encode};

/// What a meter does wrong when it is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Misdeed {
    /// Numbers are off by that much.
    Lie(AttributeRef, i64),
    /// The counter has lost its past: it starts from nothing at the first reading after so many.
    Reset(AttributeRef, u32),
    /// Answers for ever what it answered first.
    Freeze(AttributeRef),
    /// A text in place of the value.
    WrongType(AttributeRef),
    /// Every n-th reading, of whatever, is refused.
    Refuse(u32, DataAccessResult),
    /// Every n-th reading, of whatever, answers bytes that are no value.
    Garbage(u32),
    /// Methods claim success and do nothing.
    PretendToAct,
}

/// A model that misbehaves.
#[derive(Clone, Debug)]
pub struct Faulty<M> {
    model: M,
    misdeeds: Vec<Misdeed>,
    reads: u32,
    /// For each misdeed: readings of its attribute so far, and what it remembers.
    memory: Vec<(u32, Option<Value>)>,
}

impl<M> Faulty<M> {
    /// These misdeeds, in this order.
    #[must_use]
    pub fn new(model: M, misdeeds: Vec<Misdeed>) -> Self {
        let memory = vec![(0, None); misdeeds.len()];
        Self { model, misdeeds, reads: 0, memory }
    }

    /// The honest model.
    pub const fn model(&mut self) -> &mut M {
        &mut self.model
    }
}

impl<M: ObjectModel> ObjectModel for Faulty<M> {
    fn objects(&self) -> &[ObjectEntry] {
        self.model.objects()
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        self.reads = self.reads.saturating_add(1);
        let begin = out.len();
        for misdeed in &self.misdeeds {
            match misdeed {
                Misdeed::Refuse(every, result) if self.reads.checked_rem(*every) == Some(0) => return Err(*result),
                Misdeed::Garbage(every) if self.reads.checked_rem(*every) == Some(0) => {
                    // A tag that does not exist, and a length beyond the end.
                    out.extend_from_slice(&[0xEE, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.model.read(attribute, selection, out)?;
        for (misdeed, memory) in self.misdeeds.iter().zip(&mut self.memory) {
            let Some(value) = out.get(begin..).and_then(|bytes| decode_all(bytes).ok()) else { return Ok(()) };
            if let Some(false_value) = falsify(misdeed, attribute, value, memory) {
                out.truncate(begin);
                encode(&false_value, out);
            }
        }
        Ok(())
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        self.model.write(attribute, value)
    }

    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult> {
        if self.misdeeds.contains(&Misdeed::PretendToAct) { Ok(()) } else { self.model.invoke(method, parameter) }
    }

    fn invoke_returning(
        &mut self,
        method: MethodRef,
        parameter: Option<&Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        if self.misdeeds.contains(&Misdeed::PretendToAct) {
            return Ok(());
        }
        self.model.invoke_returning(method, parameter, out)
    }

    fn short_name(&self, index: usize) -> Option<u16> {
        self.model.short_name(index)
    }
}

fn falsify(
    misdeed: &Misdeed,
    attribute: AttributeRef,
    value: Value,
    (count, memory): &mut (u32, Option<Value>),
) -> Option<Value> {
    match misdeed {
        Misdeed::Lie(of, by) if *of == attribute => shifted(&value, *by),
        Misdeed::Reset(of, after) if *of == attribute => {
            *count = count.saturating_add(1);
            if *count <= *after {
                return None;
            }
            let lost = memory.get_or_insert_with(|| value.clone()).as_i64()?;
            shifted(&value, lost.checked_neg()?)
        }
        Misdeed::Freeze(of) if *of == attribute => Some(memory.get_or_insert(value).clone()),
        Misdeed::WrongType(of) if *of == attribute => Some(Value::VisibleString("nonsense".into())),
        _ => None,
    }
}

fn shifted(value: &Value, by: i64) -> Option<Value> {
    let number = value.as_i64()?.saturating_add(by);
    Some(match value {
        Value::I8(_) => Value::I8(number.try_into().ok()?),
        Value::I16(_) => Value::I16(number.try_into().ok()?),
        Value::I32(_) => Value::I32(number.try_into().ok()?),
        Value::I64(_) => Value::I64(number),
        Value::U8(_) => Value::U8(number.try_into().ok()?),
        Value::U16(_) => Value::U16(number.try_into().ok()?),
        Value::U32(_) => Value::U32(number.try_into().ok()?),
        Value::U64(_) => Value::U64(number.try_into().ok()?),
        _ => return None,
    })
}

/// What happens to one answer on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// It is not sent: the meter stalls.
    Silence,
    /// The answer before is sent in its place: an answer to another request.
    Stale,
    /// Only so many bytes are sent.
    Cut(usize),
    /// One bit, counted from the front, is flipped.
    Flip(usize),
    /// So many bytes of noise in its place, from this seed.
    Noise(usize, u64),
}

/// Falsifies a server's frames by a script: which answer, counted from 0, suffers what.
#[derive(Clone, Debug, Default)]
pub struct FrameFaults {
    script: Vec<(u32, FrameFault)>,
    sent: u32,
    before: Vec<u8>,
}

impl FrameFaults {
    /// That script.
    #[must_use]
    pub const fn new(script: Vec<(u32, FrameFault)>) -> Self {
        Self { script, sent: 0, before: Vec::new() }
    }

    /// Falsifies an answer; `false` when nothing is to be sent.
    pub fn pass(&mut self, frame: &mut Vec<u8>) -> bool {
        let number = self.sent;
        self.sent = self.sent.saturating_add(1);
        let honest = frame.clone();
        let fault = self.script.iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault);
        let send = match fault {
            None => true,
            Some(FrameFault::Silence) => false,
            Some(FrameFault::Stale) => {
                frame.clone_from(&self.before);
                !frame.is_empty()
            }
            Some(FrameFault::Cut(length)) => {
                frame.truncate(length);
                true
            }
            Some(FrameFault::Flip(bit)) => {
                if let Some(byte) = frame.get_mut(bit / 8) {
                    *byte ^= 0x80 >> (bit % 8);
                }
                true
            }
            Some(FrameFault::Noise(length, seed)) => {
                let mut state = seed | 1;
                frame.clear();
                frame.extend(std::iter::repeat_with(|| noise(&mut state)).take(length));
                true
            }
        };
        self.before = honest;
        send
    }
}

/// xorshift64: noise needs no better source.
const fn noise(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 32) as u8
}
