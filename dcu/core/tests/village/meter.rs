//! A small model of a meter: register, relay, load profile, credit, behind the DLMS server.

use crate::{flash::Flash, slot::Slot};
use taa_dcu::config::MeterAccess;
use taa_dlms::{
    AttributeRef, DataAccessResult, DateTime, MethodRef, Obis, Server, Value,
    apdu::{ActionResult, DataNotification, Selection},
    axdr::{put_array, put_bool, put_date_time, put_i64, put_octet_string, put_structure, put_u32, put_u64},
    cosem::{
        AttributeAccess, CaptureObject, Level, MethodAccess, ObjectEntry, ObjectModel, ScalerUnit, Unit, data,
        disconnect,
        profile::{self, ProfileSource},
        register,
    },
    link::wrapper::{self, Addresses},
    obis,
    security::{
        AssociationSecurity, Hls, Keys, Policy, Protection, Random, SendCounter, ServerSecurity, Suite, SystemTitle,
    },
    server::ServerConfig,
};
use taa_keys::{Drbg, KeyHandle, MeterKeys};

/// Watt-nanoseconds in a Wh.
const W_NS_PER_WH: u128 = 3_600_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;

/// The energy register where it is that of channel 1.
pub(crate) const CHANNEL_ONE: Obis = Obis([1, 1, 1, 8, 0, 255]);

/// What may be wrong with the answers of a meter. The number counts its answers so far.
pub(crate) type Spoil = fn(u64, &mut Vec<u8>);

#[derive(Debug)]
pub(crate) struct ModelMeter {
    pub(crate) name: String,
    pub(crate) powered: bool,
    /// Powered and yet out of the mesh's reach.
    pub(crate) deaf: bool,
    pub(crate) closed: bool,
    pub(crate) boots_open: bool,
    /// Accepts orders and ignores them.
    pub(crate) stuck: bool,
    pub(crate) load_w: u64,
    pub(crate) credit_total: i64,
    pub(crate) price_per_kwh: i64,
    /// Relay operations carried out.
    pub(crate) switched: u32,
    pub(crate) firmware: Vec<u8>,
    /// Power of ten in which the register counts, and in which the profile does.
    pub(crate) scaler: i8,
    /// Another order of the columns: a status, energy, the clock.
    pub(crate) clock_last: bool,
    /// Alarm bits that nobody has confirmed.
    pub(crate) descriptor: u32,
    /// Objects listed; a meter may list what it then denies.
    pub(crate) objects: Vec<ObjectEntry>,
    /// Listed, and denied as undefined.
    pub(crate) denies: Option<Obis>,
    /// What is done to its answers.
    pub(crate) spoil: Option<Spoil>,
    /// What takes images.
    pub(crate) flash: Flash,
    /// Its token gateway, if it has one.
    pub(crate) slot: Option<Slot>,
    pushes: u32,
    spoilt: u64,
    start_unix_s: i64,
    energy_w_ns: u128,
    at_ns: u64,
    rows: Vec<(i64, u64)>,
    server: Option<Server>,
}

impl ModelMeter {
    pub(crate) fn new(name: &str, access: &MeterAccess, start_unix_s: i64) -> Self {
        let flash = Flash::new();
        Self {
            name: name.to_owned(),
            powered: true,
            deaf: false,
            closed: true,
            boots_open: false,
            stuck: false,
            load_w: 100,
            credit_total: 0,
            price_per_kwh: 0,
            switched: 0,
            firmware: b"MM-1.0".to_vec(),
            scaler: 0,
            clock_last: false,
            descriptor: 0,
            objects: OBJECTS.into_iter().chain([flash.entry()]).collect(),
            denies: None,
            spoil: None,
            flash,
            slot: None,
            pushes: 0,
            spoilt: 0,
            start_unix_s,
            energy_w_ns: 0,
            at_ns: 0,
            rows: Vec::new(),
            server: Some(server(name, access)),
        }
    }

    /// Has recorded these rows already: Unix second, Wh.
    #[allow(dead_code, reason = "for the trial of the shared link")]
    pub(crate) fn with_rows(mut self, rows: Vec<(i64, u64)>) -> Self {
        self.rows = rows;
        self
    }

    /// Another access than the DCU believes.
    pub(crate) fn set_access(&mut self, access: &MeterAccess) {
        self.server = Some(server(&self.name, access));
    }

    pub(crate) fn register_wh(&self) -> u64 {
        u64::try_from(self.energy_w_ns / W_NS_PER_WH).unwrap()
    }

    /// Integrates up to `now`, capturing the profile at every full hour with power.
    pub(crate) fn advance(&mut self, now: u64) {
        while self.at_ns < now {
            let mark = (self.at_ns / HOUR_NS + 1) * HOUR_NS;
            let until = mark.min(now);
            if self.powered && self.closed {
                self.energy_w_ns += u128::from(self.load_w) * u128::from(until - self.at_ns);
            }
            self.at_ns = until;
            if until == mark && self.powered {
                let at = self.start_unix_s + i64::try_from(until / 1_000_000_000).unwrap();
                self.rows.push((at, self.register_wh()));
            }
        }
    }

    pub(crate) fn power(&mut self, now: u64, on: bool) {
        self.advance(now);
        if on && !self.powered && self.boots_open {
            self.closed = false;
        }
        if let (false, Some(server)) = (on, &mut self.server) {
            server.handle_power_lost();
            self.flash.handle_power_lost();
        }
        self.powered = on;
    }

    pub(crate) fn order(&mut self, closed: bool) {
        if !self.stuck && self.closed != closed {
            self.closed = closed;
            self.switched += 1;
        }
    }

    /// Takes a frame; answers with one, unless it has no power or is out of reach.
    pub(crate) fn handle(&mut self, now: u64, frame: &[u8]) -> Option<Vec<u8>> {
        self.advance(now);
        if !self.powered || self.deaf {
            return None;
        }
        let mut server = self.server.take()?;
        let mut reply = Vec::new();
        let images = self.flash.activated().len();
        let answered = server.handle_receive(self, frame, &mut reply);
        if let Some((identifier, _)) = self.flash.activated().get(images) {
            // It answers, then restarts.
            self.firmware.clone_from(identifier);
            server.handle_power_lost();
            self.flash.handle_power_lost();
            if self.flash.hasty {
                reply.clear();
            }
        }
        self.server = Some(server);
        if let (true, Some(spoil)) = (answered, self.spoil) {
            self.spoilt += 1;
            spoil(self.spoilt, &mut reply);
        }
        (answered && !reply.is_empty()).then_some(reply)
    }

    /// Something happens: the frame in which it says so.
    pub(crate) fn raise(&mut self, bits: u32) -> Vec<u8> {
        self.descriptor |= bits;
        self.push()
    }

    /// It says again what stands in the descriptor.
    pub(crate) fn push(&mut self) -> Vec<u8> {
        self.pushes += 1;
        let mut body = Vec::new();
        put_structure(&mut body, 2);
        put_octet_string(&mut body, &obis::PUSH_ALARM.0);
        put_u32(&mut body, self.descriptor);
        let mut message = Vec::new();
        DataNotification { long_invoke_id: self.pushes, date_time: None, body: &body }.encode(&mut message);
        self.server.as_mut().unwrap().protect_push(Level::Management, &mut message).unwrap();
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        frame.extend_from_slice(&message);
        wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
        frame
    }

    /// It gets a token gateway, and lists it.
    pub(crate) fn with_slot(&mut self, slot: Slot) {
        self.objects.push(Slot::entry());
        self.objects.push(CREDIT_TOKENS);
        self.slot = Some(slot);
    }

    pub(crate) fn without(&mut self, obis: Obis) {
        self.objects.retain(|object| object.obis != obis);
    }

    fn shown(&self, wh: u64) -> u64 {
        wh / 10_u64.pow(self.scaler.unsigned_abs().into())
    }
}

/// The server for that access. Its counter lives on in the test's memory.
fn server(name: &str, access: &MeterAccess) -> Server {
    let open = ServerConfig::default();
    match access {
        MeterAccess::Open => Server::new(open),
        MeterAccess::Password(password) => {
            Server::new(ServerConfig { management_password: Some(password.clone()), ..open })
        }
        MeterAccess::Keys(keys) => {
            let mut title = *b"SIM\0\0\0\0\0";
            name.bytes().rev().zip(title.iter_mut().rev()).take(5).for_each(|(from, to)| *to = from);
            let security = ServerSecurity {
                title: SystemTitle(title),
                counter: SendCounter::volatile(0),
                random: Random::generator(Drbg::new(&[9; 48], &[], name.as_bytes())),
                management: Some(AssociationSecurity {
                    suite: Suite::Zero,
                    keys: Some(handles(keys)),
                    policy: Policy::both(Protection::BOTH),
                    hls: Some(Hls::Gmac),
                    challenge_bytes: 16,
                    client_title: None,
                }),
                public: None,
            };
            Server::secured(open, security)
        }
    }
}

pub(crate) fn handles(keys: &MeterKeys) -> Keys {
    Keys {
        unicast: KeyHandle::new(keys.encryption.clone()).cipher(),
        authentication: Some(KeyHandle::new(keys.authentication.clone())),
        broadcast: None,
        parties: None,
    }
}

const OBJECTS: [ObjectEntry; 12] = [
    entry(data::CLASS, obis::ACTIVE_FIRMWARE, &[AttributeAccess::read(data::VALUE)], &[]),
    entry(40, obis::PUSH_ALARM, &[AttributeAccess::read(2)], &[]),
    entry(data::CLASS, obis::ALARM_DESCRIPTOR, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::LOGICAL_DEVICE_NAME, &[AttributeAccess::read(data::VALUE)], &[]),
    entry(
        register::CLASS,
        obis::ACTIVE_ENERGY_IMPORT,
        &[AttributeAccess::read(register::VALUE), AttributeAccess::read(register::SCALER_UNIT)],
        &[],
    ),
    entry(
        disconnect::CLASS,
        obis::DISCONNECT_CONTROL,
        &[AttributeAccess::read(disconnect::OUTPUT_STATE)],
        &[MethodAccess { id: disconnect::REMOTE_DISCONNECT }, MethodAccess { id: disconnect::REMOTE_RECONNECT }],
    ),
    entry(
        profile::CLASS,
        obis::LOAD_PROFILE,
        &[
            AttributeAccess::read(profile::BUFFER).selected_by(&[profile::SELECTOR_RANGE]),
            AttributeAccess::read(profile::CAPTURE_OBJECTS),
            AttributeAccess::read(profile::CAPTURE_PERIOD),
        ],
        &[],
    ),
    entry(data::CLASS, obis::CREDIT_TOTAL, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_BALANCE, &[AttributeAccess::read(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_PRICE_PER_KWH, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_FEE_PER_DAY, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_GRACE, &[AttributeAccess::read_write(data::VALUE)], &[]),
];

const CREDIT_TOKENS: ObjectEntry = entry(data::CLASS, obis::CREDIT_TOKENS, &[AttributeAccess::read(data::VALUE)], &[]);

const fn entry(
    class: u16,
    obis: Obis,
    attributes: &'static [AttributeAccess],
    methods: &'static [MethodAccess],
) -> ObjectEntry {
    ObjectEntry { class, version: 0, obis, attributes, methods }
}

impl ObjectModel for ModelMeter {
    fn objects(&self) -> &[ObjectEntry] {
        &self.objects
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        if self.denies == Some(attribute.obis) {
            return Err(DataAccessResult::ObjectUndefined);
        }
        match (attribute.obis, attribute.attribute) {
            (obis::TOKEN_GATEWAY, number) => match &self.slot {
                Some(slot) => slot.read(number, out),
                None => return Err(DataAccessResult::ObjectUndefined),
            },
            (obis::IMAGE_TRANSFER, _) => self.flash.model.read(attribute, selection, out)?,
            (obis::LOGICAL_DEVICE_NAME, _) => put_octet_string(out, self.name.as_bytes()),
            (obis::ACTIVE_ENERGY_IMPORT | CHANNEL_ONE, register::VALUE) => put_u64(out, self.shown(self.register_wh())),
            (obis::ACTIVE_ENERGY_IMPORT | CHANNEL_ONE, _) => ScalerUnit::new(self.scaler, Unit::WattHour).encode(out),
            (obis::DISCONNECT_CONTROL, _) => put_bool(out, self.closed),
            (obis::ACTIVE_FIRMWARE, _) => put_octet_string(out, &self.firmware),
            (obis::LOAD_PROFILE, profile::BUFFER) => profile::put_buffer(&Rows(self), selection, 0, out)?,
            (obis::LOAD_PROFILE, profile::CAPTURE_OBJECTS) => {
                let columns = Rows(self).columns().to_vec();
                put_array(out, columns.len());
                columns.into_iter().for_each(|column| column.encode(out));
            }
            (obis::LOAD_PROFILE, profile::CAPTURE_PERIOD) => put_u32(out, 3600),
            (obis::PUSH_ALARM, _) => {
                put_array(out, 2);
                CaptureObject::new(40, obis::PUSH_ALARM, 1).encode(out);
                CaptureObject::new(data::CLASS, obis::ALARM_DESCRIPTOR, data::VALUE).encode(out);
            }
            (obis::ALARM_DESCRIPTOR, _) => put_u32(out, self.descriptor),
            (obis::CREDIT_TOTAL | obis::CREDIT_BALANCE, _) => put_i64(out, self.credit_total),
            (obis::CREDIT_TOKENS, _) => put_i64(out, self.slot.as_ref().map_or(0, |slot| slot.loaded_u)),
            (obis::CREDIT_PRICE_PER_KWH, _) => put_i64(out, self.price_per_kwh),
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(())
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        if attribute.obis == obis::IMAGE_TRANSFER {
            return self.flash.model.write(attribute, value);
        }
        if attribute.obis == obis::ALARM_DESCRIPTOR {
            self.descriptor &= u32::try_from(value.as_u64().ok_or(DataAccessResult::TypeUnmatched)?).unwrap();
            return Ok(());
        }
        let amount = value.as_i64().ok_or(DataAccessResult::TypeUnmatched)?;
        match attribute.obis {
            obis::CREDIT_TOTAL => self.credit_total = self.credit_total.max(amount),
            obis::CREDIT_PRICE_PER_KWH => self.price_per_kwh = amount,
            obis::CREDIT_FEE_PER_DAY | obis::CREDIT_GRACE => {}
            _ => return Err(DataAccessResult::ReadWriteDenied),
        }
        Ok(())
    }

    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult> {
        if method.obis == obis::IMAGE_TRANSFER {
            self.flash.blocks += u32::from(method.method == 2);
            return self.flash.model.invoke(method, parameter);
        }
        if let (obis::TOKEN_GATEWAY, Some(slot)) = (method.obis, &mut self.slot) {
            self.credit_total += slot.enter(parameter.and_then(Value::as_bytes).unwrap_or_default());
            return Ok(());
        }
        self.order(method.method == disconnect::REMOTE_RECONNECT);
        Ok(())
    }
}

struct Rows<'a>(&'a ModelMeter);

const CLOCK_FIRST: [CaptureObject; 2] = [CaptureObject::CLOCK, ENERGY];
const CLOCK_LAST: [CaptureObject; 3] =
    [CaptureObject::new(data::CLASS, obis::PROFILE_STATUS, data::VALUE), ENERGY, CaptureObject::CLOCK];
const ENERGY: CaptureObject = CaptureObject::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE);

impl ProfileSource for Rows<'_> {
    fn len(&self) -> usize {
        self.0.rows.len()
    }

    fn columns(&self) -> &[CaptureObject] {
        if self.0.clock_last { &CLOCK_LAST } else { &CLOCK_FIRST }
    }

    fn unix_s(&self, row: usize) -> i64 {
        self.0.rows[row].0
    }

    fn put_cell(&self, row: usize, column: usize, out: &mut Vec<u8>) {
        let (at, wh) = self.0.rows[row];
        match self.columns()[column].class {
            8 => put_date_time(out, &DateTime::from_unix_s(at, 0)),
            register::CLASS => put_u64(out, self.0.shown(wh)),
            _ => put_u32(out, 0),
        }
    }
}
