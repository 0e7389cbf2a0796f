//! A vendor with the vending key of the meter under trial.

use taa_keys::{KeyStore, Secret};
use taa_meter::{Counts, StsConfig};
use taa_tokens::sts::vend::{MeterKey, SoftwareModule};
use taa_tokens::sts::{
    Algorithm, Amount, BaseDate, Content, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Money, Order, Random,
    Service, Sgc, StaTables, TariffIndex, Tid, meter,
};

pub fn key(serial: u32, krn: u8, base_date: BaseDate) -> MeterKey {
    MeterKey {
        meter: MeterPan::new("600727", &format!("{serial:011}")).unwrap(),
        key: KeyAttributes {
            sgc: Sgc::new(123_456).unwrap(),
            krn: Krn::new(krn).unwrap(),
            key_type: KeyType::Unique,
            ti: TariffIndex::new(1).unwrap(),
            ken: 200,
            base_date,
        },
        generation: KeyGeneration::Dkga04,
        algorithm: Algorithm::Ea11,
    }
}

/// The key that the meter under trial holds at first.
pub fn first() -> MeterKey {
    key(42, 1, BaseDate::Y1993)
}

pub fn module() -> SoftwareModule {
    let mut keys = KeyStore::new();
    for krn in 1..=2 {
        let id = SoftwareModule::key_id(first().key.sgc, Krn::new(krn).unwrap());
        keys.insert_secret(id, Secret::new(&[krn; 20]));
    }
    SoftwareModule::new(keys, StaTables::sample())
}

pub fn sts(counts: Counts) -> StsConfig {
    let at = first();
    StsConfig {
        key: module().decoder_key(&at).unwrap(),
        state: meter::State {
            krn: at.key.krn.number(),
            key_type: at.key.key_type,
            ti: at.key.ti.number(),
            ken: at.key.ken,
            sgc: Some(at.key.sgc.number()),
            base_date: at.key.base_date,
        },
        tables: StaTables::sample(),
        counts,
        maker: 0,
        keypad: true,
        gateway: true,
    }
}

pub fn sealed(key: &MeterKey, content: &Content) -> String {
    module().seal(key, content).unwrap().to_string()
}

/// A token over so many u, of that minute.
pub fn money(minute: u32, u: i64) -> String {
    let money = Money::at_least(i128::from(u)).unwrap();
    sealed(&first(), &Content::Money { service: Service::Electricity, tid: Tid::from_field(minute), money })
}

pub fn energy(minute: u32, tenths: u32) -> String {
    let amount = Amount::at_least(tenths).unwrap();
    let (service, tid, random) = (Service::Electricity, Tid::from_field(minute), Random::new(3));
    sealed(&first(), &Content::Credit { service, random, tid, amount })
}

pub fn order(minute: u32, order: Order) -> String {
    sealed(&first(), &Content::Order { random: Random::new(1), tid: Tid::from_field(minute), order })
}
