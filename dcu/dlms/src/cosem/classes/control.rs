//! Watching and switching: classes 21, 68, 70, 71 (Blue Book 4.5).

use crate::axdr::{BitString, DateTime, Value};
use crate::cosem::class::class;
use crate::cosem::convert::record;
use crate::cosem::disconnect::{ControlMode, ControlState};
use crate::cosem::{Cosem, ScriptRef, Shape, Zero};
use crate::obis::Obis;

record! {
    /// The attribute that is watched.
    MonitoredValue { class_id: u16, logical_name: Obis, attribute_index: i8, }
    /// What is run when a threshold is passed upwards and downwards.
    ActionSet { action_up: ScriptRef, action_down: ScriptRef, }
}

class! {
    /// Class 21, Register monitor: one action set for each threshold.
    RegisterMonitor = 21 v 0, "Register monitor", sn 0;
    2 thresholds: Vec<Value> = read_write;
    3 monitored_value: MonitoredValue = read_write;
    4 actions: Vec<ActionSet> = read_write;
}

record! {
    /// Who asks for what: a bit for each action.
    ActionRequested { request_actor: u8, request_action_list: BitString, }
}

class! {
    /// Class 68, Arbitrator: which of several actors' wishes is carried out. Rows of the tables are actors, bits and
    /// columns are actions.
    Arbitrator = 68 v 0, "Arbitrator", sn 0x30;
    2 actions: Vec<ScriptRef> = read_write;
    3 permissions_table: Vec<BitString> = read_write;
    4 weightings_table: Vec<Vec<u16>> = read_write;
    5 most_recent_requests_table: Vec<BitString> = read;
    /// The action carried out last, from 1; 0 none.
    6 last_outcome: u8 = read;
    fn 1 request_action(ActionRequested);
    fn 2 reset(Zero);
}

class! {
    /// Class 70, Disconnect control. Its states are those of [`crate::cosem::DisconnectControl`].
    Disconnect = 70 v 0, "Disconnect control", sn 0x20;
    2 output_state: bool = read;
    3 control_state: ControlState = read;
    4 control_mode: ControlMode = read_write;
    fn 1 remote_disconnect(Zero);
    fn 2 remote_reconnect(Zero);
}

impl Cosem for ControlState {
    const SHAPE: Shape = Shape::Simple(crate::axdr::Tag::Enum);
    fn from_value(value: &Value) -> Option<Self> {
        Some(match u8::from_value(value)? {
            0 => Self::Disconnected,
            1 => Self::Connected,
            2 => Self::ReadyForReconnection,
            _ => return None,
        })
    }
    fn to_value(&self) -> Value {
        Value::Enum(*self as u8)
    }
}

impl Cosem for ControlMode {
    const SHAPE: Shape = Shape::Simple(crate::axdr::Tag::Enum);
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_code(u8::from_value(value)?)
    }
    fn to_value(&self) -> Value {
        Value::Enum(*self as u8)
    }
}

record! {
    /// A threshold for an emergency.
    EmergencyProfile {
        emergency_profile_id: u16,
        emergency_activation_time: DateTime,
        /// Seconds.
        emergency_duration: u32,
    }
    /// What is run when the value stays over, and when it stays under.
    LimiterActions { action_over_threshold: ScriptRef, action_under_threshold: ScriptRef, }
}

class! {
    /// Class 71, Limiter.
    Limiter = 71 v 0, "Limiter", sn 0;
    2 monitored_value: MonitoredValue = read_write;
    3 threshold_active: Value = read;
    4 threshold_normal: Value = read_write;
    5 threshold_emergency: Value = read_write;
    /// Seconds.
    6 min_over_threshold_duration: u32 = read_write;
    /// Seconds.
    7 min_under_threshold_duration: u32 = read_write;
    8 emergency_profile: EmergencyProfile = read_write;
    9 emergency_profile_group_id_list: Vec<u16> = read_write;
    10 emergency_profile_active: bool = read;
    11 actions: LimiterActions = read_write;
}
