//! The token gateway of a model meter: a decoder behind class 115.

use taa_dlms::{
    axdr::{BitString, Octets, encode},
    cosem::{Cosem, Object, ObjectEntry, TokenGateway, TokenStatus, TokenStatusCode},
    obis,
};
use taa_keys::{KeyStore, Secret};
use taa_tokens::sts::{
    Algorithm, BaseDate, Content, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Money, Service, Sgc, StaTables,
    TariffIndex, Tid, Token,
    meter::{Action, Application, Decoder, State, TidMemory, verdict},
    vend::{MeterKey, SoftwareModule},
};

/// Hundred-thousandths of the currency in a minor unit.
const PER_MINOR: i128 = 1000;

#[derive(Clone, Debug)]
pub(crate) struct Slot {
    decoder: Decoder,
    /// It takes ten packed bytes and no text.
    pub(crate) packed: bool,
    /// It says nothing beyond the status code.
    pub(crate) mute: bool,
    /// It refuses every call and shows nothing of it.
    pub(crate) broken: bool,
    /// Calls so far.
    pub(crate) calls: u32,
    /// All that tokens brought, hundred-thousandths.
    pub(crate) loaded_u: i64,
    held: Vec<u8>,
    status: TokenStatusCode,
    detail: u8,
}

pub(crate) fn key(serial: u32) -> MeterKey {
    MeterKey {
        meter: MeterPan::new("600727", &format!("{serial:011}")).unwrap(),
        key: KeyAttributes {
            sgc: Sgc::new(123_456).unwrap(),
            krn: Krn::new(1).unwrap(),
            key_type: KeyType::Unique,
            ti: TariffIndex::new(1).unwrap(),
            ken: 255,
            base_date: BaseDate::Y2014,
        },
        generation: KeyGeneration::Dkga04,
        algorithm: Algorithm::Ea11,
    }
}

pub(crate) fn module() -> SoftwareModule {
    let mut keys = KeyStore::new();
    keys.insert_secret(SoftwareModule::key_id(key(0).key.sgc, key(0).key.krn), Secret::new(&[7; 20]));
    SoftwareModule::new(keys, StaTables::sample())
}

/// A token over so much money, of that minute since the base date.
pub(crate) fn token(serial: u32, minute: u32, minor: i64) -> [u8; 20] {
    let money = Money::at_least(i128::from(minor) * PER_MINOR).unwrap();
    let content = Content::Money { service: Service::Electricity, tid: Tid::from_field(minute), money };
    module().seal(&key(serial), &content).unwrap().digits()
}

impl Slot {
    pub(crate) fn new(serial: u32) -> Self {
        let key = key(serial);
        let state = State { krn: 1, key_type: KeyType::Unique, ti: 1, ken: 255, sgc: None, base_date: BaseDate::Y2014 };
        let decoder =
            Decoder::new(module().decoder_key(&key).unwrap(), state, TidMemory::default(), StaTables::sample());
        let (held, status) = (Vec::new(), TokenStatusCode::FormatOk);
        Self { decoder, packed: false, mute: false, broken: false, calls: 0, loaded_u: 0, held, status, detail: 0 }
    }

    pub(crate) const fn entry() -> ObjectEntry {
        TokenGateway::SPEC.entry(obis::TOKEN_GATEWAY)
    }

    /// What it credits, minor units.
    pub(crate) fn enter(&mut self, bytes: &[u8]) -> i64 {
        self.calls += 1;
        if self.broken {
            return 0;
        }
        bytes.clone_into(&mut self.held);
        let text: String = match (self.packed, bytes.len()) {
            (true, 10) => bytes.iter().flat_map(|b| [b >> 4, b & 0x0F]).map(|n| char::from(b'0' + n)).collect(),
            (false, _) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        self.type_in(&text)
    }

    /// By its keypad.
    pub(crate) fn type_in(&mut self, text: &str) -> i64 {
        let room = Application { service: Service::Electricity, in_money: true, room: u64::MAX, maker: 0 };
        let outcome = Token::parse(text).map_err(Into::into).and_then(|token| self.decoder.enter(token, &room));
        self.status = TokenStatusCode::from_code(verdict(&outcome).gateway_status());
        self.detail = match (&outcome, self.status) {
            (Err(taa_tokens::sts::meter::Reason::Used { .. }), _) => taa_dcu::gateway::result::USED,
            (Err(taa_tokens::sts::meter::Reason::Old), _) => taa_dcu::gateway::result::OLD,
            (Err(taa_tokens::sts::meter::Reason::KeyExpired), _) => taa_dcu::gateway::result::KEY_EXPIRED,
            _ => 0,
        };
        match outcome {
            Ok(Action::Money { money, .. }) => {
                self.loaded_u += i64::try_from(money.value()).unwrap();
                i64::try_from(money.value() / PER_MINOR).unwrap()
            }
            _ => 0,
        }
    }

    pub(crate) fn read(&self, attribute: i8, out: &mut Vec<u8>) {
        let value = match attribute {
            2 => Octets::from(self.held.as_slice()).to_value(),
            _ => {
                let bits = if self.mute { BitString::new(0, &[]) } else { BitString::new(8, &[self.detail]) };
                TokenStatus { status_code: self.status, data_value: bits.unwrap() }.to_value()
            }
        };
        encode(&value, out);
    }
}
