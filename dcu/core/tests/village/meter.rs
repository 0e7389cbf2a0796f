//! A small model of a meter: register, relay, load profile, credit, behind the DLMS server.

use taa_dcu::config::MeterAccess;
use taa_dlms::{
    AttributeRef, DataAccessResult, DateTime, MethodRef, Obis, Server, Value,
    apdu::{ActionResult, Selection},
    axdr::{put_bool, put_date_time, put_i64, put_octet_string, put_u64},
    cosem::{
        AttributeAccess, CaptureObject, MethodAccess, ObjectEntry, ObjectModel, ScalerUnit, Unit, data, disconnect,
        profile::{self, ProfileSource},
        register,
    },
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
    start_unix_s: i64,
    energy_w_ns: u128,
    at_ns: u64,
    rows: Vec<(i64, u64)>,
    server: Option<Server>,
}

impl ModelMeter {
    pub(crate) fn new(name: &str, access: &MeterAccess, start_unix_s: i64) -> Self {
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
            start_unix_s,
            energy_w_ns: 0,
            at_ns: 0,
            rows: Vec::new(),
            server: Some(server(name, access)),
        }
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
        let answered = server.handle_receive(self, frame, &mut reply);
        self.server = Some(server);
        answered.then_some(reply)
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

const OBJECTS: [ObjectEntry; 9] = [
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
        &[AttributeAccess::read(profile::BUFFER).selected_by(&[profile::SELECTOR_RANGE])],
        &[],
    ),
    entry(data::CLASS, obis::CREDIT_TOTAL, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_BALANCE, &[AttributeAccess::read(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_PRICE_PER_KWH, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_FEE_PER_DAY, &[AttributeAccess::read_write(data::VALUE)], &[]),
    entry(data::CLASS, obis::CREDIT_GRACE, &[AttributeAccess::read_write(data::VALUE)], &[]),
];

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
        &OBJECTS
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        match (attribute.obis, attribute.attribute) {
            (obis::LOGICAL_DEVICE_NAME, _) => put_octet_string(out, self.name.as_bytes()),
            (obis::ACTIVE_ENERGY_IMPORT, register::VALUE) => put_u64(out, self.register_wh()),
            (obis::ACTIVE_ENERGY_IMPORT, _) => ScalerUnit::new(0, Unit::WattHour).encode(out),
            (obis::DISCONNECT_CONTROL, _) => put_bool(out, self.closed),
            (obis::LOAD_PROFILE, _) => profile::put_buffer(&Rows(&self.rows), selection, 0, out)?,
            (obis::CREDIT_TOTAL | obis::CREDIT_BALANCE, _) => put_i64(out, self.credit_total),
            (obis::CREDIT_PRICE_PER_KWH, _) => put_i64(out, self.price_per_kwh),
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(())
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        let amount = value.as_i64().ok_or(DataAccessResult::TypeUnmatched)?;
        match attribute.obis {
            obis::CREDIT_TOTAL => self.credit_total = self.credit_total.max(amount),
            obis::CREDIT_PRICE_PER_KWH => self.price_per_kwh = amount,
            obis::CREDIT_FEE_PER_DAY | obis::CREDIT_GRACE => {}
            _ => return Err(DataAccessResult::ReadWriteDenied),
        }
        Ok(())
    }

    fn invoke(&mut self, method: MethodRef, _parameter: Option<&Value>) -> Result<(), ActionResult> {
        self.order(method.method == disconnect::REMOTE_RECONNECT);
        Ok(())
    }
}

struct Rows<'a>(&'a [(i64, u64)]);

impl ProfileSource for Rows<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn columns(&self) -> &[CaptureObject] {
        const COLUMNS: [CaptureObject; 2] =
            [CaptureObject::CLOCK, CaptureObject::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE)];
        &COLUMNS
    }

    fn unix_s(&self, row: usize) -> i64 {
        self.0[row].0
    }

    fn put_cell(&self, row: usize, column: usize, out: &mut Vec<u8>) {
        let (at, wh) = self.0[row];
        if column == 0 { put_date_time(out, &DateTime::from_unix_s(at, 0)) } else { put_u64(out, wh) }
    }
}
