//! Classes 3–6 and 62.

use super::{Instance, Model};
use crate::apdu::ActionResult;
use crate::axdr::{Octets, Value, encode};
use crate::cosem::{CaptureMethod, CaptureObject, Cosem, ObjectDefinition, RegisterMask, zeroed};
use crate::wire::put_length;

impl Model {
    pub(super) fn call_register(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let class = self.instances.get(at).map_or(0, |instance| instance.spec.class);
        match (class, method) {
            (3, 1) => self.zero(at, 2),
            (4, 1) => {
                self.zero(at, 2);
                self.zero(at, 4);
                self.stamp_attribute(at, 5);
            }
            (5, 1) => {
                for attribute in [2, 3, 5] {
                    self.zero(at, attribute);
                }
                self.stamp_attribute(at, 6);
                self.stamp_attribute(at, 7);
            }
            (5, 2) => self.next_period(at),
            (6, _) => self.call_activation(at, method, parameter)?,
            _ => return Err(ActionResult::ReadWriteDenied),
        }
        Ok(())
    }

    /// The current average becomes the last one, and a new one begins.
    pub(super) fn next_period(&mut self, at: usize) {
        if let Some(current) = self.raw(at, 2).cloned()
            && let Some(last) = self.raw_mut(at, 3)
        {
            *last = current;
        }
        self.zero(at, 2);
        self.stamp_attribute(at, 6);
        self.stamp_attribute(at, 7);
    }

    fn call_activation(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let mut masks: Vec<RegisterMask> = self.get(at, 3).unwrap_or_default();
        match method {
            1 => {
                let mut registers: Vec<ObjectDefinition> = self.get(at, 2).unwrap_or_default();
                registers.push(ObjectDefinition::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?);
                self.put(at, 2, &registers);
            }
            2 => {
                let mask = RegisterMask::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                let registers = self.raw(at, 2).and_then(Value::elements).map_or(0, <[Value]>::len);
                if mask.index_list.iter().any(|index| *index == 0 || usize::from(*index) > registers) {
                    return Err(ActionResult::OtherReason);
                }
                masks.retain(|known| known.mask_name != mask.mask_name);
                masks.push(mask);
                self.put(at, 3, &masks);
            }
            _ => {
                let name = parameter.as_bytes().ok_or(ActionResult::TypeUnmatched)?;
                let before = masks.len();
                masks.retain(|mask| &*mask.mask_name != name);
                if masks.len() == before {
                    return Err(ActionResult::OtherReason);
                }
                self.put(at, 3, &masks);
            }
        }
        Ok(())
    }

    /// The mask exists, or the name is empty (no mask).
    pub(super) fn has_mask(&self, at: usize, name: &Value) -> bool {
        let masks: Vec<RegisterMask> = self.get(at, 3).unwrap_or_default();
        name.as_bytes().is_some_and(|name| name.is_empty() || masks.iter().any(|mask| &*mask.mask_name == name))
    }

    pub(super) fn zero(&mut self, at: usize, attribute: i8) {
        if let Some(value) = self.raw_mut(at, attribute) {
            *value = zeroed(value);
        }
    }

    pub(super) fn stamp_attribute(&mut self, at: usize, attribute: i8) {
        let stamp = self.stamp();
        self.put(at, attribute, &stamp);
    }

    /// Back to the values of a fresh object.
    pub(super) fn reset_all(&mut self, at: usize) {
        if let Some(Instance { spec, values, .. }) = self.instances.get_mut(at) {
            // Resetting a diagnosis clears its counters; of a set-up only what is not configuration.
            for (attribute, value) in spec.attributes.iter().zip(values) {
                let resets = match spec.class {
                    40 => attribute.name == "last_confirmation_date_time",
                    95 => attribute.name == "join_state",
                    _ => true,
                };
                if resets {
                    *value = attribute.shape.zero_like(value);
                }
            }
        }
    }

    pub(super) fn call_compact(&mut self, at: usize, method: i8) {
        if method == 1 {
            self.put(at, 2, &Octets::from(""));
        } else {
            self.capture_compact(at);
        }
    }

    pub(super) fn capture_compact_if_implicit(&mut self, at: usize) {
        if self.get::<CaptureMethod>(at, 6) == Some(CaptureMethod::Implicit) {
            self.capture_compact(at);
        }
    }

    /// The values without their tags, and the tags as the template.
    fn capture_compact(&mut self, at: usize) {
        let objects: Vec<CaptureObject> = self.get(at, 3).unwrap_or_default();
        let (mut template, mut buffer) = (vec![crate::axdr::Tag::Structure as u8], Vec::new());
        put_length(&mut template, objects.len());
        for object in &objects {
            let value = self.captured_within(object);
            describe(&value, &mut template);
            content(&value, &mut buffer);
        }
        self.put(at, 2, &Octets::from(buffer.as_slice()));
        self.put(at, 5, &Octets::from(template.as_slice()));
    }

    /// What a profile or a push captures: an attribute, or one element of it.
    pub(super) fn captured(&self, object: &CaptureObject) -> Value {
        let Some(value) = self.find(object.class, object.obis).and_then(|at| self.live(at, object.attribute)) else {
            return Value::Null;
        };
        match usize::from(object.data_index).checked_sub(1) {
            None => value,
            Some(index) => value.elements().and_then(|list| list.get(index)).cloned().unwrap_or(Value::Null),
        }
    }

    /// As [`Model::captured`], for objects that store what they capture: buffers are left out, for a buffer that holds
    /// itself would double with every capture.
    pub(super) fn captured_within(&self, object: &CaptureObject) -> Value {
        let is_buffer = matches!((object.class, object.attribute), (7 | 62, 2));
        if is_buffer { Value::Null } else { self.captured(object) }
    }

    /// What a push carries: the values of its list, in its order (Blue Book 4.4.8).
    #[must_use]
    pub fn push_body(&self, obis: crate::obis::Obis) -> Option<Value> {
        let objects: Vec<CaptureObject> = self.get(*self.index.get(&obis)?, 2)?;
        Some(Value::Structure(objects.iter().map(|object| self.captured(object)).collect()))
    }
}

/// Type description of a value, as in a compact array.
fn describe(value: &Value, out: &mut Vec<u8>) {
    out.push(value.tag() as u8);
    match value {
        Value::Structure(fields) => {
            put_length(out, fields.len());
            for field in fields {
                describe(field, out);
            }
        }
        Value::Array(elements) => {
            out.extend_from_slice(&u16::try_from(elements.len()).unwrap_or(u16::MAX).to_be_bytes());
            describe(elements.first().unwrap_or(&Value::Null), out);
        }
        _ => {}
    }
}

fn content(value: &Value, out: &mut Vec<u8>) {
    if let Value::Structure(fields) | Value::Array(fields) = value {
        for field in fields {
            content(field, out);
        }
        return;
    }
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    out.extend_from_slice(bytes.get(1..).unwrap_or(&[]));
}
