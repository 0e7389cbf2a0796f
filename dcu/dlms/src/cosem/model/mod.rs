//! A small meter over the tables of [`classes`](super::classes): what stands behind a [`crate::Server`].
//!
//! Every object holds one value for each attribute of its class; the table says what may be written and called. What a
//! class *does* (a clock runs, a profile captures, a script acts on other objects, an image arrives) stands in the
//! modules here, one for each subject.
//!
//! - Time comes in: [`Model::handle_time`] with the true time. The clock object may be off from it.
//! - Measurements come in: [`Model::set`]. What leaves the meter (a push, a reset line) comes out of
//!   [`Model::poll_effect`].
//! - What needs keys or tokens is asked of [`Hooks`]: no cryptography here.
//!
//! ```
//! use taa_dlms::cosem::{Model, Object, Register, ScalerUnit, Unit};
//! use taa_dlms::{Value, obis};
//!
//! let mut meter = Model::new();
//! meter.add(Register::SPEC, obis::VOLTAGE_L1);
//! let volts = Register { value: Some(Value::U16(2301)), scaler_unit: Some(ScalerUnit::new(-1, Unit::Volt)) };
//! assert!(meter.put_object(obis::VOLTAGE_L1, &volts));
//! assert_eq!(meter.value(obis::VOLTAGE_L1, 2), Some(&Value::U16(2301)));
//! ```

mod access;
mod clock;
mod control;
mod hooks;
mod image;
mod measure;
mod payment;
mod profile;
mod schedule;
mod script;

use std::collections::{BTreeMap, VecDeque};

pub use hooks::{Hooks, NoHooks, TokenOutcome, Verdict};
pub use payment::prepayment_account;

use super::disconnect::DisconnectControl;
use super::{ClassSpec, ControlMode, Cosem, Object, ObjectEntry, ObjectModel, classes};
use crate::apdu::{ActionResult, AttributeRef, DataAccessResult, MethodRef, Selection};
use crate::axdr::{DateTime, Value, encode};
use crate::obis::Obis;

/// Most scripts that run inside one another.
const SCRIPT_DEPTH_MAX: u8 = 4;
/// Most effects kept; older ones are lost first.
const EFFECTS_MAX: usize = 256;

/// What leaves the meter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Push what that object lists: [`Model::push_body`] has the values.
    Push(Obis),
    /// The relay of that object moved; closed or open.
    Relay(Obis, bool),
    /// An image was activated: its identifier. A real meter restarts.
    ImageActivated(Vec<u8>),
    /// Synchronise by NTP with what that object says.
    Synchronise(Obis),
    /// A script was run: its table and number.
    Script(Obis, u16),
}

/// A meter. See the [module](self).
pub struct Model {
    entries: Vec<ObjectEntry>,
    instances: Vec<Instance>,
    index: BTreeMap<Obis, usize>,
    /// True time, seconds since 1970 UTC.
    now_unix_s: i64,
    hooks: Box<dyn Hooks + Send + Sync>,
    effects: VecDeque<Effect>,
    script_depth: u8,
}

struct Instance {
    spec: &'static ClassSpec,
    obis: Obis,
    /// From attribute 2 on.
    values: Vec<Value>,
    extra: Extra,
}

/// What a class remembers beside its attributes.
enum Extra {
    None,
    Clock(clock::ClockState),
    Rows(VecDeque<Vec<Value>>),
    Relay(DisconnectControl),
    Image(image::ImageState),
    Limiter(control::LimiterState),
    /// For each threshold: the value was above it.
    Monitor(Vec<Option<bool>>),
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// No objects, 1970, no hooks.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hooks(Box::new(NoHooks))
    }

    /// No objects, with these hooks.
    #[must_use]
    pub fn with_hooks(hooks: Box<dyn Hooks + Send + Sync>) -> Self {
        Self {
            entries: Vec::new(),
            instances: Vec::new(),
            index: BTreeMap::new(),
            now_unix_s: 0,
            hooks,
            effects: VecDeque::new(),
            script_depth: 0,
        }
    }

    /// Adds an object with the default rights of its class and zero values. `false` when the name is taken.
    pub fn add(&mut self, spec: &'static ClassSpec, obis: Obis) -> bool {
        self.add_with(spec, spec.entry(obis))
    }

    /// Adds an object with rights of its own. `false` when the name is taken.
    pub fn add_with(&mut self, spec: &'static ClassSpec, entry: ObjectEntry) -> bool {
        if self.index.contains_key(&entry.obis) {
            return false;
        }
        let values = spec.attributes.iter().map(|attribute| attribute.shape.zero()).collect();
        let extra = match spec.class {
            7 => Extra::Rows(VecDeque::new()),
            8 => Extra::Clock(clock::ClockState::default()),
            18 => Extra::Image(image::ImageState::default()),
            21 => Extra::Monitor(Vec::new()),
            70 => Extra::Relay(DisconnectControl::connected(ControlMode::Four)),
            71 => Extra::Limiter(control::LimiterState::default()),
            _ => Extra::None,
        };
        self.index.insert(entry.obis, self.instances.len());
        self.instances.push(Instance { spec, obis: entry.obis, values, extra });
        self.entries.push(entry);
        true
    }

    /// The meter's own doing: sets an attribute whatever the rights. `false` when there is none.
    pub fn set(&mut self, obis: Obis, attribute: i8, value: Value) -> bool {
        let Some(at) = self.index.get(&obis).copied() else { return false };
        let Some(slot) = self.raw_mut(at, attribute) else { return false };
        *slot = value;
        self.settle(at, attribute);
        true
    }

    /// Sets all attributes that are there. `false` when there is no such object of that class.
    pub fn put_object<T: Object>(&mut self, obis: Obis, object: &T) -> bool {
        let of_class =
            |at: &usize| self.instances.get(*at).is_some_and(|instance| instance.spec.class == T::SPEC.class);
        if !self.index.get(&obis).is_some_and(of_class) {
            return false;
        }
        for attribute in T::SPEC.attributes {
            if let Some(value) = object.give(attribute.id) {
                self.set(obis, attribute.id, value);
            }
        }
        true
    }

    /// The value of an attribute as it stands.
    #[must_use]
    pub fn value(&self, obis: Obis, attribute: i8) -> Option<&Value> {
        self.raw(*self.index.get(&obis)?, attribute)
    }

    /// The true time has come so far, seconds since 1970 UTC: captures, schedules and limits that fell due happen.
    pub fn handle_time(&mut self, unix_s: i64) {
        let before = self.now_unix_s;
        if before == 0 || unix_s <= before {
            // The first time, or a step back: nothing fell due.
            self.now_unix_s = unix_s;
            return;
        }
        self.capture_due(before, unix_s);
        self.now_unix_s = unix_s;
        self.run_schedules(before, unix_s);
        self.watch();
    }

    /// What leaves the meter next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The clock's time, seconds since 1970 UTC; the true time without a clock object.
    #[must_use]
    pub fn clock_unix_s(&self) -> i64 {
        self.now_unix_s.saturating_add(self.clock_offset_s())
    }

    /// The clock's local time.
    #[must_use]
    pub fn stamp(&self) -> DateTime {
        self.local_stamp(self.clock_unix_s())
    }

    fn emit(&mut self, effect: Effect) {
        if self.effects.len() >= EFFECTS_MAX {
            self.effects.pop_front();
        }
        self.effects.push_back(effect);
    }

    fn raw(&self, at: usize, attribute: i8) -> Option<&Value> {
        self.instances.get(at)?.values.get(usize::try_from(attribute).ok()?.checked_sub(2)?)
    }

    fn raw_mut(&mut self, at: usize, attribute: i8) -> Option<&mut Value> {
        self.instances.get_mut(at)?.values.get_mut(usize::try_from(attribute).ok()?.checked_sub(2)?)
    }

    fn get<T: Cosem>(&self, at: usize, attribute: i8) -> Option<T> {
        T::from_value(self.raw(at, attribute)?)
    }

    fn put<T: Cosem>(&mut self, at: usize, attribute: i8, value: &T) {
        if let Some(slot) = self.raw_mut(at, attribute) {
            *slot = value.to_value();
        }
    }

    fn of_class(&self, class: u16) -> Vec<usize> {
        let is = |(at, instance): (usize, &Instance)| (instance.spec.class == class).then_some(at);
        self.instances.iter().enumerate().filter_map(is).collect()
    }

    fn obis_at(&self, at: usize) -> Obis {
        self.instances.get(at).map_or(Obis([0; 6]), |instance| instance.obis)
    }

    fn find(&self, class: u16, obis: Obis) -> Option<usize> {
        let at = *self.index.get(&obis)?;
        (self.instances.get(at)?.spec.class == class).then_some(at)
    }

    /// An attribute as it is read: computed where the class computes it.
    fn live(&self, at: usize, attribute: i8) -> Option<Value> {
        let instance = self.instances.get(at)?;
        if attribute == 1 {
            return Some(instance.obis.to_value());
        }
        let computed = match (&instance.extra, attribute) {
            (Extra::Clock(_), 2) => Some(self.stamp().to_value()),
            (Extra::Clock(_), 4) => Some(Value::U8(self.stamp().status)),
            (Extra::Rows(rows), 2) => {
                Some(Value::Array(rows.iter().map(|row| Value::Structure(row.clone())).collect()))
            }
            (Extra::Rows(rows), 7) => Some(Value::U32(u32::try_from(rows.len()).unwrap_or(u32::MAX))),
            (Extra::Relay(relay), 2) => Some(Value::Bool(relay.output())),
            (Extra::Relay(relay), 3) => Some(relay.state().to_value()),
            (Extra::Relay(relay), 4) => Some(relay.mode().to_value()),
            _ => None,
        };
        computed.or_else(|| self.raw(at, attribute).cloned())
    }

    /// What a change of an attribute entails.
    fn settle(&mut self, at: usize, attribute: i8) {
        let Some(class) = self.instances.get(at).map(|instance| instance.spec.class) else { return };
        match (class, attribute) {
            (7, 3..=8) => self.settle_profile(at, attribute),
            (8, 2) => {
                if let Some(stamp) = self.get::<DateTime>(at, 2) {
                    self.set_clock(at, &stamp);
                }
            }
            (18, 2) => self.forget_image(at),
            (21, 2..=4) => self.reset_monitor(at),
            (70, 4) => {
                if let (Some(mode), Some(Instance { extra: Extra::Relay(relay), .. })) =
                    (self.get::<ControlMode>(at, 4), self.instances.get_mut(at))
                {
                    *relay = relay.with_mode(mode);
                }
            }
            (71, _) => self.settle_limiter(at),
            (111 | 112, _) => self.settle_accounts(),
            _ => {}
        }
    }
}

impl ObjectModel for Model {
    fn objects(&self) -> &[ObjectEntry] {
        &self.entries
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let at = self.find(attribute.class, attribute.obis).ok_or(DataAccessResult::ObjectUndefined)?;
        if attribute.class == classes::ProfileGeneric::CLASS && attribute.attribute == 2 {
            return self.read_buffer(at, selection, out);
        }
        if selection.is_some() {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        if attribute.class == classes::CompactData::CLASS && attribute.attribute == 2 {
            self.capture_compact_if_implicit(at);
        }
        let value = self.live(at, attribute.attribute).ok_or(DataAccessResult::ObjectUndefined)?;
        encode(&value, out);
        Ok(())
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        let at = self.find(attribute.class, attribute.obis).ok_or(DataAccessResult::ObjectUndefined)?;
        let spec = self.instances.get(at).map(|instance| instance.spec).ok_or(DataAccessResult::ObjectUndefined)?;
        let shape = spec.attribute(attribute.attribute).ok_or(DataAccessResult::ObjectUndefined)?.shape;
        // The instance of a CHOICE fixes its type.
        let fixed = self.raw(at, attribute.attribute).filter(|held| **held != Value::Null).map(Value::tag);
        let fits = match shape {
            super::Shape::Any => fixed.is_none_or(|tag| tag == value.tag()),
            shape => shape.fits(value),
        };
        if !fits {
            return Err(DataAccessResult::TypeUnmatched);
        }
        self.check_write(at, attribute.attribute, value)?;
        if let Some(slot) = self.raw_mut(at, attribute.attribute) {
            *slot = value.clone();
        }
        self.settle(at, attribute.attribute);
        Ok(())
    }

    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult> {
        self.call(method, parameter).map(drop)
    }

    fn invoke_returning(
        &mut self,
        method: MethodRef,
        parameter: Option<&Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        if let Some(value) = self.call(method, parameter)? {
            encode(&value, out);
        }
        Ok(())
    }
}

impl Model {
    /// Values of the right type that make no sense all the same.
    fn check_write(&self, at: usize, attribute: i8, value: &Value) -> Result<(), DataAccessResult> {
        let class = self.instances.get(at).map_or(0, |instance| instance.spec.class);
        let sound = match (class, attribute) {
            (6, 4) => self.has_mask(at, value),
            (8, 2) => DateTime::from_value(value).is_some_and(|stamp| stamp.unix_s(self.utc_offset_s()).is_some()),
            (70, 4) => ControlMode::from_value(value).is_some(),
            _ => true,
        };
        if sound { Ok(()) } else { Err(DataAccessResult::OtherReason) }
    }

    fn call(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<Option<Value>, ActionResult> {
        let at = self.find(method.class, method.obis).ok_or(ActionResult::ObjectUndefined)?;
        let spec = self.instances.get(at).map(|instance| instance.spec).ok_or(ActionResult::ObjectUndefined)?;
        let shape = spec.method(method.method).ok_or(ActionResult::ObjectUndefined)?.parameter;
        // Clients leave the parameter out, or send another integer, where the class wants integer (0).
        let parameter = match parameter {
            Some(value) if shape.fits(value) || shape == super::Zero::SHAPE => value,
            None if shape == super::Zero::SHAPE => &Value::I8(0),
            _ => return Err(ActionResult::TypeUnmatched),
        };
        let (number, none) = (method.method, Ok(None));
        match method.class {
            3..=6 => self.call_register(at, number, parameter)?,
            7 => self.call_profile(at, number)?,
            8 => self.call_clock(at, number, parameter)?,
            9 => self.execute(method.obis, u16::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?)?,
            10 => self.call_schedule(at, number, parameter)?,
            11 => self.call_special_days(at, number, parameter)?,
            18 => self.call_image(at, number, parameter)?,
            20 => self.activate_calendar(at),
            40 if number == 1 => self.emit(Effect::Push(method.obis)),
            62 => self.call_compact(at, number),
            64 => return self.call_security(at, number, parameter),
            68 => self.call_arbitrator(at, number, parameter)?,
            70 => self.call_relay(at, number)?,
            100 => self.call_ntp(at, number, parameter)?,
            111 => self.call_account(at, number)?,
            112 => self.call_credit(at, number, parameter)?,
            113 => self.call_charge(at, number, parameter)?,
            115 => self.enter_token(at, parameter)?,
            122 => self.call_functions(at, number, parameter)?,
            40 | 95..=98 | 153 => self.reset_all(at),
            17 => self.connect_device(at, parameter)?,
            _ => return Err(ActionResult::ReadWriteDenied),
        }
        none
    }
}
