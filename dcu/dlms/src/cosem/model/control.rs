//! Classes 21, 68, 70, 71: watching values, weighing wishes, moving the relay.

use super::{Effect, Extra, Instance, Model};
use crate::apdu::ActionResult;
use crate::axdr::{BitString, Value};
use crate::cosem::disconnect::DisconnectControl;
use crate::cosem::{
    ActionRequested, ActionSet, Cosem, EmergencyProfile, Limiter, LimiterActions, MonitoredValue, RegisterMonitor,
    ScriptRef,
};

/// What a limiter remembers.
#[derive(Default)]
pub(super) struct LimiterState {
    /// Since when the value is on the other side, true time.
    since: Option<i64>,
    /// The action for "over" was the last one taken.
    tripped: bool,
}

impl Model {
    pub(super) fn call_relay(&mut self, at: usize, method: i8) -> Result<(), ActionResult> {
        let obis = self.obis_at(at);
        let Some(Instance { extra: Extra::Relay(relay), .. }) = self.instances.get_mut(at) else {
            return Err(ActionResult::HardwareFault);
        };
        let before = relay.output();
        let done = if method == 1 { relay.remote_disconnect() } else { relay.remote_reconnect() };
        let after = relay.output();
        if before != after {
            self.emit(Effect::Relay(obis, after));
        }
        done.map_err(|_| ActionResult::OtherReason)
    }

    /// The relay's control, for what the meter or the customer does: manual and local transitions.
    pub fn relay(&mut self, obis: crate::obis::Obis) -> Option<&mut DisconnectControl> {
        let at = *self.index.get(&obis)?;
        match self.instances.get_mut(at) {
            Some(Instance { extra: Extra::Relay(relay), .. }) => Some(relay),
            _ => None,
        }
    }

    /// Compares all watched values with their thresholds.
    pub(super) fn watch(&mut self) {
        for at in self.of_class(RegisterMonitor::CLASS) {
            self.watch_thresholds(at);
        }
        for at in self.of_class(Limiter::CLASS) {
            self.watch_limit(at);
        }
    }

    fn watched(&self, at: usize, attribute: i8) -> Option<i64> {
        let monitored: MonitoredValue = self.get(at, attribute)?;
        let object = self.find(monitored.class_id, monitored.logical_name)?;
        self.live(object, monitored.attribute_index)?.as_i64()
    }

    pub(super) fn reset_monitor(&mut self, at: usize) {
        if let Some(Instance { extra: Extra::Monitor(sides), .. }) = self.instances.get_mut(at) {
            sides.clear();
        }
    }

    fn watch_thresholds(&mut self, at: usize) {
        let Some(value) = self.watched(at, 3) else { return };
        let thresholds: Vec<Value> = self.get(at, 2).unwrap_or_default();
        let actions: Vec<ActionSet> = self.get(at, 4).unwrap_or_default();
        let now: Vec<Option<bool>> =
            thresholds.iter().map(|threshold| threshold.as_i64().map(|limit| value > limit)).collect();
        let Some(Instance { extra: Extra::Monitor(sides), .. }) = self.instances.get_mut(at) else { return };
        let before = std::mem::replace(sides, now.clone());
        for ((before, now), actions) in before.into_iter().zip(now).zip(actions) {
            match (before, now) {
                (Some(false), Some(true)) => self.run(&actions.action_up),
                (Some(true), Some(false)) => self.run(&actions.action_down),
                _ => {}
            }
        }
    }

    /// Which threshold is in force: emergency while its profile is active.
    pub(super) fn settle_limiter(&mut self, at: usize) {
        let groups: Vec<u16> = self.get(at, 9).unwrap_or_default();
        let now = self.clock_unix_s();
        let emergency = self.get::<EmergencyProfile>(at, 8).is_some_and(|profile| {
            let from = profile.emergency_activation_time.unix_s(self.utc_offset_s());
            let lasts = |from: i64| from <= now && now < from.saturating_add(profile.emergency_duration.into());
            groups.contains(&profile.emergency_profile_id) && from.is_some_and(lasts)
        });
        let threshold = self.raw(at, if emergency { 5 } else { 4 }).cloned();
        if let (Some(threshold), Some(slot)) = (threshold, self.raw_mut(at, 3)) {
            *slot = threshold;
        }
        self.put(at, 10, &emergency);
    }

    fn watch_limit(&mut self, at: usize) {
        self.settle_limiter(at);
        let (Some(value), Some(limit)) = (self.watched(at, 2), self.raw(at, 3).and_then(Value::as_i64)) else { return };
        let now = self.now_unix_s;
        let over_s = self.get::<u32>(at, 6).unwrap_or(0);
        let under_s = self.get::<u32>(at, 7).unwrap_or(0);
        let Some(actions) = self.get::<LimiterActions>(at, 11) else { return };
        let Some(Instance { extra: Extra::Limiter(state), .. }) = self.instances.get_mut(at) else { return };
        let over = value > limit;
        if over == state.tripped {
            state.since = None;
            return;
        }
        let since = *state.since.get_or_insert(now);
        let wanted_s = if over { over_s } else { under_s };
        if now.saturating_sub(since) < i64::from(wanted_s) {
            return;
        }
        state.tripped = over;
        state.since = None;
        self.run(if over { &actions.action_over_threshold } else { &actions.action_under_threshold });
    }

    /// The weights of all standing wishes are added up; the action that is heaviest alone is carried out
    /// (Blue Book 4.5.12).
    pub(super) fn call_arbitrator(&mut self, at: usize, method: i8, parameter: &Value) -> Result<(), ActionResult> {
        let mut wishes: Vec<BitString> = self.get(at, 5).unwrap_or_default();
        if method == 2 {
            for wish in &mut wishes {
                *wish = BitString::new(wish.len(), &vec![0; wish.bytes().len()]).ok_or(ActionResult::HardwareFault)?;
            }
            self.put(at, 5, &wishes);
            self.put(at, 6, &0_u8);
            return Ok(());
        }
        let request = ActionRequested::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
        let permissions: Vec<BitString> = self.get(at, 3).unwrap_or_default();
        let weights: Vec<Vec<u16>> = self.get(at, 4).unwrap_or_default();
        let actions: Vec<ScriptRef> = self.get(at, 2).unwrap_or_default();
        let actor = usize::from(request.request_actor);
        let allowed = permissions.get(actor).ok_or(ActionResult::OtherReason)?;
        let bits = &request.request_action_list;
        if (0..bits.len()).any(|bit| bits.bit(bit) == Some(true) && allowed.bit(bit) != Some(true)) {
            return Err(ActionResult::OtherReason);
        }
        let none = BitString::new(0, &[]).ok_or(ActionResult::HardwareFault)?;
        wishes.resize(permissions.len(), none);
        if let Some(wish) = wishes.get_mut(actor) {
            *wish = bits.clone();
        }
        self.put(at, 5, &wishes);
        let total = |action: usize| -> u32 {
            let wish_of = |(wish, weights): (&BitString, &Vec<u16>)| {
                if wish.bit(action) == Some(true) { u32::from(weights.get(action).copied().unwrap_or(0)) } else { 0 }
            };
            wishes.iter().zip(&weights).map(wish_of).fold(0, u32::saturating_add)
        };
        let totals: Vec<u32> = (0..actions.len()).map(total).collect();
        let heaviest = totals.iter().copied().max().unwrap_or(0);
        let mut winners = totals.iter().enumerate().filter(|(_, total)| **total == heaviest && heaviest > 0);
        if let (Some((winner, _)), None) = (winners.next(), winners.next()) {
            let number = u8::try_from(winner.saturating_add(1)).map_err(|_| ActionResult::OtherReason)?;
            self.put(at, 6, &number);
            if let Some(script) = actions.get(winner) {
                return self.execute(script.script_logical_name, script.script_selector);
            }
        }
        Ok(())
    }
}
