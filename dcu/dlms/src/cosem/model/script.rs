//! Class 9: scripts act on other objects, as the meter itself.

use super::{Effect, Model, SCRIPT_DEPTH_MAX};
use crate::apdu::{ActionResult, AttributeRef, MethodRef};
use crate::cosem::{ObjectModel, Script, ScriptAction, ScriptRef, ScriptTable, ServiceId};
use crate::obis::Obis;

impl Model {
    /// Runs a script. It stops at the first step that fails.
    pub(super) fn execute(&mut self, table: Obis, selector: u16) -> Result<(), ActionResult> {
        if self.script_depth >= SCRIPT_DEPTH_MAX {
            return Err(ActionResult::OtherReason);
        }
        let at = self.find(ScriptTable::CLASS, table).ok_or(ActionResult::ObjectUndefined)?;
        let scripts: Vec<Script> = self.get(at, 2).unwrap_or_default();
        let script = scripts.into_iter().find(|script| script.script_identifier == selector);
        let script = script.ok_or(ActionResult::OtherReason)?;
        self.emit(Effect::Script(table, selector));
        self.script_depth = self.script_depth.saturating_add(1);
        let done = script.actions.iter().try_for_each(|action| self.act(action));
        self.script_depth = self.script_depth.saturating_sub(1);
        done
    }

    fn act(&mut self, action: &ScriptAction) -> Result<(), ActionResult> {
        match action.service_id {
            ServiceId::Write => {
                let attribute = AttributeRef::new(action.class_id, action.logical_name, action.index);
                self.write(attribute, &action.parameter).map_err(|error| ActionResult::from_code(error.code()))
            }
            ServiceId::Execute => {
                let method = MethodRef::new(action.class_id, action.logical_name, action.index);
                self.invoke(method, Some(&action.parameter))
            }
            ServiceId::Other(_) => Err(ActionResult::OtherReason),
        }
    }

    /// Runs a script that something other than a client asks for: a failure has nobody to be told to.
    pub(super) fn run(&mut self, script: &ScriptRef) {
        if script.script_logical_name != Obis([0; 6]) {
            let _ = self.execute(script.script_logical_name, script.script_selector);
        }
    }
}
