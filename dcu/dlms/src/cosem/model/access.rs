//! Classes 17, 64, 100, 122.

use super::{Effect, Model};
use crate::apdu::ActionResult;
use crate::axdr::Value;
use crate::cosem::{Code, Cosem, FunctionBlock, FunctionStatus, NtpKey, Sap};

impl Model {
    /// Connects a logical device, or with an empty name removes it.
    pub(super) fn connect_device(&mut self, at: usize, parameter: &Value) -> Result<(), ActionResult> {
        let device = Sap::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
        let mut list: Vec<Sap> = self.get(at, 2).unwrap_or_default();
        list.retain(|known| known.sap != device.sap);
        if !device.logical_device_name.is_empty() {
            list.push(device);
        }
        self.put(at, 2, &list);
        Ok(())
    }

    /// A policy can only become stronger; everything with keys is the hooks' business.
    pub(super) fn call_security(
        &mut self,
        at: usize,
        method: i8,
        parameter: &Value,
    ) -> Result<Option<Value>, ActionResult> {
        if method != 1 {
            return self.hooks.security(method, parameter);
        }
        let Code(new) = Code::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
        let Code(held) = self.get(at, 2).unwrap_or(Code(0));
        if new & held != held || new & 0x03 != 0 {
            return Err(ActionResult::OtherReason);
        }
        self.put(at, 2, &Code(new));
        Ok(None)
    }

    pub(super) fn call_ntp(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let mut keys: Vec<NtpKey> = self.get(at, 6).unwrap_or_default();
        match method {
            1 => self.emit(Effect::Synchronise(self.obis_at(at))),
            2 => {
                let key = NtpKey::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                keys.retain(|known| known.key_id != key.key_id);
                keys.push(key);
                self.put(at, 6, &keys);
            }
            _ => {
                let id = u32::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                keys.retain(|key| key.key_id != id);
                self.put(at, 6, &keys);
            }
        }
        Ok(())
    }

    pub(super) fn call_functions(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let mut status: Vec<FunctionStatus> = self.get(at, 2).unwrap_or_default();
        let mut list: Vec<FunctionBlock> = self.get(at, 3).unwrap_or_default();
        match method {
            1 => {
                let wanted = Vec::<FunctionStatus>::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                for wish in wanted {
                    let known = status.iter_mut().find(|known| known.function_name == wish.function_name);
                    known.ok_or(ActionResult::OtherReason)?.function_status = wish.function_status;
                }
            }
            2 => {
                let block = FunctionBlock::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
                if list.iter().any(|known| known.function_name == block.function_name) {
                    return Err(ActionResult::OtherReason);
                }
                let function_name = block.function_name.clone();
                status.push(FunctionStatus { function_name, function_status: false });
                list.push(block);
            }
            _ => {
                let name = parameter.as_bytes().ok_or(ActionResult::TypeUnmatched)?;
                list.retain(|known| &*known.function_name != name);
                status.retain(|known| &*known.function_name != name);
            }
        }
        self.put(at, 2, &status);
        self.put(at, 3, &list);
        Ok(())
    }
}
