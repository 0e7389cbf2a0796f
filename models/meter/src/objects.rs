//! What the server serves: the object list and the values behind it.

use taa_dlms::apdu::{ActionResult, DataAccessResult, Selection};
use taa_dlms::axdr::{
    DateTime, Value, encode, put_array, put_bool, put_date_time, put_enum, put_i8, put_i64, put_null, put_octet_string,
    put_structure, put_u8, put_u16, put_u32, put_u64,
};
use taa_dlms::cosem::{
    AttributeAccess, CaptureObject, MethodAccess, Object, ObjectEntry, ObjectModel, ScalerUnit, TokenGateway, Unit,
    clock, data, disconnect, profile, register,
};
use taa_dlms::{AttributeRef, MethodRef, Obis, obis};

use crate::profile::COLUMNS;
use crate::state::State;
use crate::sts::Keyed;
use crate::{MeterConfig, RelayWhy, extras};

const REGISTER: &[AttributeAccess] =
    &[AttributeAccess::read(register::VALUE), AttributeAccess::read(register::SCALER_UNIT)];
const DATA_PUBLIC: &[AttributeAccess] = &[AttributeAccess::public(data::VALUE)];
const DATA_READ: &[AttributeAccess] = &[AttributeAccess::read(data::VALUE)];
const DATA_WRITE: &[AttributeAccess] = &[AttributeAccess::read_write(data::VALUE)];

const fn object(
    class: u16,
    obis: Obis,
    attributes: &'static [AttributeAccess],
    methods: &'static [MethodAccess],
) -> ObjectEntry {
    let version = if class == profile::CLASS { 1 } else { 0 };
    ObjectEntry { class, version, obis, attributes, methods }
}

/// Those of every meter come first: what is read most often is found first.
const OBJECTS: &[ObjectEntry] = &[
    object(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, REGISTER, &[]),
    object(
        disconnect::CLASS,
        obis::DISCONNECT_CONTROL,
        &[
            AttributeAccess::read(disconnect::OUTPUT_STATE),
            AttributeAccess::read(disconnect::CONTROL_STATE),
            AttributeAccess::read(disconnect::CONTROL_MODE),
        ],
        &[MethodAccess { id: disconnect::REMOTE_DISCONNECT }, MethodAccess { id: disconnect::REMOTE_RECONNECT }],
    ),
    object(register::CLASS, obis::VOLTAGE_L1, REGISTER, &[]),
    object(register::CLASS, obis::ACTIVE_POWER_IMPORT, REGISTER, &[]),
    object(
        profile::CLASS,
        obis::LOAD_PROFILE,
        &[
            AttributeAccess::read(profile::BUFFER).selected_by(&[profile::SELECTOR_RANGE, profile::SELECTOR_ENTRY]),
            AttributeAccess::read(profile::CAPTURE_OBJECTS),
            AttributeAccess::read(profile::CAPTURE_PERIOD),
            AttributeAccess::read(profile::SORT_METHOD),
            AttributeAccess::read(profile::SORT_OBJECT),
            AttributeAccess::read(profile::ENTRIES_IN_USE),
            AttributeAccess::read(profile::PROFILE_ENTRIES),
        ],
        &[MethodAccess { id: profile::RESET }],
    ),
    object(
        clock::CLASS,
        obis::CLOCK,
        &[
            AttributeAccess { public: taa_dlms::cosem::Access::Read, ..AttributeAccess::read_write(clock::TIME) },
            AttributeAccess::read(clock::TIME_ZONE),
            AttributeAccess::read(clock::STATUS),
            AttributeAccess::read(clock::DAYLIGHT_SAVINGS_BEGIN),
            AttributeAccess::read(clock::DAYLIGHT_SAVINGS_END),
            AttributeAccess::read(clock::DAYLIGHT_SAVINGS_DEVIATION),
            AttributeAccess::read(clock::DAYLIGHT_SAVINGS_ENABLED),
            AttributeAccess::read(clock::CLOCK_BASE),
        ],
        &[],
    ),
    object(data::CLASS, obis::LOGICAL_DEVICE_NAME, DATA_PUBLIC, &[]),
    object(data::CLASS, obis::PROFILE_STATUS, DATA_READ, &[]),
    object(data::CLASS, obis::ALARM_DESCRIPTOR, DATA_WRITE, &[]),
    object(data::CLASS, obis::ALARM_FILTER, DATA_WRITE, &[]),
    object(data::CLASS, obis::ALARM_REGISTER, DATA_READ, &[]),
    object(data::CLASS, obis::ACTIVE_FIRMWARE, DATA_PUBLIC, &[]),
    object(data::CLASS, obis::CREDIT_TOTAL, DATA_WRITE, &[]),
    object(data::CLASS, obis::CREDIT_BALANCE, DATA_READ, &[]),
    object(data::CLASS, obis::CREDIT_PRICE_PER_KWH, DATA_WRITE, &[]),
    object(data::CLASS, obis::CREDIT_FEE_PER_DAY, DATA_WRITE, &[]),
    object(data::CLASS, obis::CREDIT_GRACE, DATA_WRITE, &[]),
];

const GASP_OBJECTS: [ObjectEntry; 2] =
    [object(data::CLASS, obis::GASP_PRIORITY, DATA_WRITE, &[]), object(data::CLASS, obis::GASP_LOG, DATA_READ, &[])];

const CREDIT_OBJECTS: usize = 5;

const ENERGY_UNIT: ScalerUnit = ScalerUnit::new(0, Unit::WattHour);
const POWER_UNIT: ScalerUnit = ScalerUnit::new(0, Unit::Watt);
const VOLTAGE_UNIT: ScalerUnit = ScalerUnit::new(-1, Unit::Volt);

/// Method of the image transfer.
const IMAGE_BLOCK: i8 = 2;
/// Method of the token gateway.
const TOKEN_ENTER: i8 = 1;
/// Method of the security setup.
const KEY_TRANSFER: i8 = 2;
const SORT_FIFO: u8 = 1;
const CLOCK_BASE_CRYSTAL: u8 = 1;

type Read = Result<(), DataAccessResult>;

/// The object list of a meter set up like that.
pub(crate) fn entries(config: &MeterConfig) -> Vec<ObjectEntry> {
    let gasp: &[ObjectEntry] = if config.gasp.is_some() { &GASP_OBJECTS } else { &[] };
    let own = if config.credit_at_meter { OBJECTS.len() } else { OBJECTS.len() - CREDIT_OBJECTS };
    let mut entries = OBJECTS[..own].to_vec();
    entries.extend(extras::entries(&config.access));
    entries.extend_from_slice(gasp);
    if let Some(sts) = config.sts.as_ref().filter(|_| config.credit_at_meter) {
        entries.push(object(data::CLASS, obis::CREDIT_TOKENS, DATA_READ, &[]));
        if sts.gateway {
            entries.push(TokenGateway::SPEC.entry(obis::TOKEN_GATEWAY));
        }
    }
    entries
}

impl ObjectModel for State {
    fn objects(&self) -> &[ObjectEntry] {
        &self.entries
    }

    fn read(&mut self, attribute: AttributeRef, selection: Option<Selection<'_>>, out: &mut Vec<u8>) -> Read {
        if selection.is_some() && attribute.class != profile::CLASS {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        match attribute.class {
            register::CLASS => self.read_register(attribute, out),
            disconnect::CLASS => {
                self.relay.put_attribute(attribute.attribute, out).ok_or(DataAccessResult::ObjectUnavailable)
            }
            profile::CLASS => self.read_profile(attribute.attribute, selection, out),
            clock::CLASS => self.read_clock(attribute.attribute, out),
            data::CLASS => self.read_data(attribute.obis, out),
            TokenGateway::CLASS => {
                let value = self.sts.as_ref().and_then(|slot| slot.shown().give(attribute.attribute));
                encode(&value.ok_or(DataAccessResult::ObjectUnavailable)?, out);
                Ok(())
            }
            _ => self.extras.read(attribute, selection, out),
        }
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        if attribute.obis == obis::CLOCK {
            let stamp = value.date_time().ok_or(DataAccessResult::TypeUnmatched)?;
            let unix_s = stamp.unix_s(self.config.utc_offset_s).ok_or(DataAccessResult::OtherReason)?;
            let hundredths = Some(stamp.time.hundredths).filter(|hundredths| *hundredths < 100).unwrap_or(0);
            let unix_ms = unix_s.saturating_mul(1000).saturating_add(i64::from(hundredths) * 10);
            self.set_clock(unix_ms);
            self.set_gasp_clock(unix_ms);
            return Ok(());
        }
        if attribute.class != data::CLASS {
            return self.extras.write(attribute, value);
        }
        match (attribute.obis, value) {
            (obis::ALARM_DESCRIPTOR, Value::U32(bits)) => {
                self.alarms.confirm(*bits);
                return Ok(());
            }
            (obis::ALARM_FILTER, Value::U32(bits)) => {
                self.alarms.filter = *bits;
                return Ok(());
            }
            (obis::GASP_PRIORITY, Value::U8(priority)) => {
                let gasp = self.gasp.as_mut().ok_or(DataAccessResult::ObjectUndefined)?;
                gasp.set_priority(*priority);
                return Ok(());
            }
            (obis::ALARM_DESCRIPTOR | obis::ALARM_FILTER | obis::GASP_PRIORITY, _) => {
                return Err(DataAccessResult::TypeUnmatched);
            }
            _ => {}
        }
        let minor = value.as_i64().ok_or(DataAccessResult::TypeUnmatched)?;
        let credit = self.credit.as_mut().ok_or(DataAccessResult::ObjectUnavailable)?;
        match attribute.obis {
            // An older total arriving late takes nothing back.
            obis::CREDIT_TOTAL => credit.total_minor = credit.total_minor.max(minor),
            obis::CREDIT_PRICE_PER_KWH if minor >= 0 => credit.price_per_kwh_minor = minor,
            obis::CREDIT_FEE_PER_DAY if minor >= 0 => credit.fee_per_day_minor = minor,
            obis::CREDIT_GRACE if minor >= 0 => credit.grace_minor = minor,
            _ => return Err(DataAccessResult::OtherReason),
        }
        self.mind_credit(self.now_ns);
        Ok(())
    }

    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult> {
        match (method.obis, method.method) {
            (obis::DISCONNECT_CONTROL, disconnect::REMOTE_DISCONNECT) => self.order_relay(false),
            (obis::DISCONNECT_CONTROL, disconnect::REMOTE_RECONNECT) => self.order_relay(true),
            (obis::LOAD_PROFILE, profile::RESET) => {
                self.profile.clear();
                Ok(())
            }
            (obis::SECURITY_SETUP, KEY_TRANSFER) => {
                self.memory.take_keys(parameter.ok_or(ActionResult::TypeUnmatched)?)?;
                self.keys_changed = true;
                Ok(())
            }
            // Nothing is shown of a token that a broken gateway refuses.
            (obis::TOKEN_GATEWAY, TOKEN_ENTER) if self.gateway_broken => Err(ActionResult::HardwareFault),
            // Taken, whatever became of it: that stands in the status.
            (obis::TOKEN_GATEWAY, TOKEN_ENTER) => {
                let token = parameter.and_then(Value::as_bytes).ok_or(ActionResult::TypeUnmatched)?;
                match self.gateway_in(self.now_ns, token) {
                    Keyed::NoKeypad | Keyed::NoPower => Err(ActionResult::ObjectUnavailable),
                    Keyed::Done(_) | Keyed::Refused(_) => Ok(()),
                }
            }
            (obis::IMAGE_TRANSFER, IMAGE_BLOCK) => {
                self.extras.invoke(method, parameter)?;
                self.image_blocks += 1;
                Ok(())
            }
            _ => self.extras.invoke(method, parameter),
        }
    }
}

impl State {
    /// What the push setup lists, as one encoded structure; null for what is not there.
    pub(crate) fn put_push_body(&mut self, out: &mut Vec<u8>) {
        let list = extras::push_list(&self.extras);
        put_structure(out, list.len());
        for item in list {
            let begin = out.len();
            let attribute = AttributeRef::new(item.class, item.obis, item.attribute);
            let known = self.entries.iter().any(|entry| entry.class == item.class && entry.obis == item.obis);
            let read = match (known, item.attribute) {
                (false, _) => Err(DataAccessResult::ObjectUndefined),
                (true, 1) => {
                    put_octet_string(out, &item.obis.0);
                    Ok(())
                }
                (true, _) => self.read(attribute, None, out),
            };
            if read.is_err() {
                out.truncate(begin);
                put_null(out);
            }
        }
    }

    fn order_relay(&mut self, close: bool) -> Result<(), ActionResult> {
        if close && self.tampered {
            return Err(ActionResult::TemporaryFailure);
        }
        let mut done = Ok(());
        self.move_relay(self.now_ns, RelayWhy::Remote, |relay| {
            done = if close { relay.remote_reconnect() } else { relay.remote_disconnect() };
        });
        if self.is_ready_for_reconnection() {
            self.mind_credit(self.now_ns);
        }
        done.map_err(|_| ActionResult::OtherReason)
    }

    fn read_register(&self, attribute: AttributeRef, out: &mut Vec<u8>) -> Read {
        let unit = match attribute.obis {
            obis::ACTIVE_ENERGY_IMPORT => ENERGY_UNIT,
            obis::ACTIVE_POWER_IMPORT => POWER_UNIT,
            _ => VOLTAGE_UNIT,
        };
        match attribute.attribute {
            register::SCALER_UNIT => unit.encode(out),
            _ => match unit {
                ENERGY_UNIT => put_u64(out, self.energy.wh()),
                POWER_UNIT => put_u32(out, u32::try_from(self.power_drawn_mw() / 1000).unwrap_or(u32::MAX)),
                _ => put_u16(out, self.voltage_dv()),
            },
        }
        Ok(())
    }

    fn read_profile(&self, attribute: i8, selection: Option<Selection<'_>>, out: &mut Vec<u8>) -> Read {
        use profile::ProfileSource;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        match attribute {
            profile::BUFFER => return profile::put_buffer(&self.profile, selection, self.config.utc_offset_s, out),
            _ if selection.is_some() => return Err(DataAccessResult::ScopeOfAccessViolated),
            profile::CAPTURE_OBJECTS => {
                put_array(out, COLUMNS.len());
                for column in COLUMNS {
                    column.encode(out);
                }
            }
            profile::CAPTURE_PERIOD => put_u32(out, self.config.capture_period_s),
            profile::SORT_METHOD => put_enum(out, SORT_FIFO),
            // First in, first out needs none; some clients take it for the object by which ranges are asked for.
            profile::SORT_OBJECT => CaptureObject::CLOCK.encode(out),
            profile::ENTRIES_IN_USE => put_u32(out, count(self.profile.len())),
            profile::PROFILE_ENTRIES => put_u32(out, count(self.profile.entries())),
            _ => return Err(DataAccessResult::ObjectUnavailable),
        }
        Ok(())
    }

    fn read_clock(&self, attribute: i8, out: &mut Vec<u8>) -> Read {
        let now = DateTime::from_unix_s(self.unix_s(), self.config.utc_offset_s);
        match attribute {
            clock::TIME => put_date_time(out, &now),
            clock::TIME_ZONE => {
                out.push(taa_dlms::axdr::Tag::Long as u8);
                out.extend_from_slice(&now.deviation_min.to_be_bytes());
            }
            clock::STATUS => put_u8(out, now.status),
            // No daylight saving where this meter hangs: begin and end are any day of any year.
            clock::DAYLIGHT_SAVINGS_BEGIN | clock::DAYLIGHT_SAVINGS_END => {
                put_octet_string(out, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0xFF]);
            }
            clock::DAYLIGHT_SAVINGS_DEVIATION => put_i8(out, 0),
            clock::DAYLIGHT_SAVINGS_ENABLED => put_bool(out, false),
            clock::CLOCK_BASE => put_enum(out, CLOCK_BASE_CRYSTAL),
            _ => return Err(DataAccessResult::ObjectUnavailable),
        }
        Ok(())
    }

    /// The priority, or the log: an array of structures of time (Unix seconds), code and name.
    fn read_gasp(&self, name: Obis, out: &mut Vec<u8>) -> Read {
        let gasp = self.gasp.as_ref().ok_or(DataAccessResult::ObjectUndefined)?;
        if name == obis::GASP_PRIORITY {
            put_u8(out, gasp.priority());
            return Ok(());
        }
        let entries = gasp.log().entries();
        put_array(out, entries.len());
        for (unix_us, code) in entries {
            put_structure(out, 3);
            put_u32(out, u32::try_from(unix_us / 1_000_000).unwrap_or(u32::MAX));
            put_u16(out, code.number());
            put_octet_string(out, code.name().as_bytes());
        }
        Ok(())
    }

    fn read_data(&mut self, name: Obis, out: &mut Vec<u8>) -> Read {
        match (name, &self.credit) {
            (obis::LOGICAL_DEVICE_NAME, _) => put_octet_string(out, self.config.logical_device_name.as_bytes()),
            (obis::PROFILE_STATUS, _) => put_u8(out, self.row_status()),
            (obis::ALARM_DESCRIPTOR, _) => put_u32(out, self.alarms.read()),
            (obis::ALARM_FILTER, _) => put_u32(out, self.alarms.filter),
            (obis::ALARM_REGISTER, _) => put_u32(out, self.alarms_now()),
            (obis::GASP_PRIORITY | obis::GASP_LOG, _) => return self.read_gasp(name, out),
            (obis::ACTIVE_FIRMWARE, _) => put_octet_string(out, &self.firmware),
            (obis::CREDIT_TOTAL, Some(credit)) => put_i64(out, credit.total_minor),
            (obis::CREDIT_BALANCE, Some(credit)) => put_i64(out, credit.balance_minor()),
            (obis::CREDIT_TOKENS, Some(credit)) => put_i64(out, credit.tokens_u),
            (obis::CREDIT_PRICE_PER_KWH, Some(credit)) => put_i64(out, credit.price_per_kwh_minor),
            (obis::CREDIT_FEE_PER_DAY, Some(credit)) => put_i64(out, credit.fee_per_day_minor),
            (obis::CREDIT_GRACE, Some(credit)) => put_i64(out, credit.grace_minor),
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(())
    }
}
