//! November 2024, as a story: the count of minutes runs out, key-change tokens carry a meter over, and what was paid stays.

use taa_keys::{KeyStore, Secret};
use taa_tokens::sts::meter::{Action, Application, Decoder, Reason, State, TidMemory};
use taa_tokens::sts::vend::{Ask, Lessor, MeterKey, Minutes, SoftwareModule, VendError, Vendor};
use taa_tokens::sts::{
    Algorithm, Amount, BaseDate, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Random, Service, Sgc, StaTables,
    TariffIndex, TimeError, Token,
};

/// The last minute of base 1993: 24 November 2024, 20:15.
const LAST: i64 = BaseDate::Y1993.last_unix_minute();

struct Village {
    vendor: Vendor,
    module: SoftwareModule,
    decoder: Decoder,
    balance: u64,
}

fn meter_key(algorithm: Algorithm, krn: u8, base_date: BaseDate) -> MeterKey {
    MeterKey {
        meter: MeterPan::new("600727", "12345678903").unwrap(),
        key: KeyAttributes {
            sgc: Sgc::new(123_456).unwrap(),
            krn: Krn::new(krn).unwrap(),
            key_type: KeyType::Unique,
            ti: TariffIndex::new(1).unwrap(),
            ken: 255,
            base_date,
        },
        generation: KeyGeneration::Dkga04,
        algorithm,
    }
}

impl Village {
    fn new(key: &MeterKey) -> Self {
        let mut keys = KeyStore::new();
        for krn in [1, 2] {
            let id = SoftwareModule::key_id(key.key.sgc, Krn::new(krn).unwrap());
            keys.insert_secret(id, Secret::new(&[krn; 20]));
        }
        let module = SoftwareModule::new(keys, StaTables::sample());
        let mut lessor = Lessor::new(0, i64::MAX);
        let mut minutes = Minutes::new(60);
        minutes.add(lessor.grant(0, i64::MAX, 1, 0).unwrap());
        let state =
            State { krn: 1, key_type: KeyType::Unique, ti: 1, ken: 255, sgc: None, base_date: key.key.base_date };
        let decoder = Decoder::new(module.decoder_key(key).unwrap(), state, TidMemory::default(), StaTables::sample());
        Self { vendor: Vendor::new(minutes), module, decoder, balance: 0 }
    }

    fn buy(&mut self, key: &MeterKey, minute: i64) -> Result<Token, VendError> {
        let ask = Ask::Credit(Service::Electricity, Amount::at_least(50).unwrap());
        let (content, _) = self.vendor.prepare(key, ask, minute, Random::new(3), false)?;
        Ok(self.module.seal(key, &content).unwrap())
    }

    fn enter(&mut self, token: Token) -> Result<(), Reason> {
        let room = Application { service: Service::Electricity, in_money: false, room: 1_000_000, maker: 0 };
        if let Action::Credit { units, .. } = self.decoder.enter(token, &room)? {
            self.balance += u64::from(units);
        }
        Ok(())
    }
}

#[test]
fn a_meter_is_carried_over_and_nothing_is_lost_or_doubled() {
    for algorithm in [Algorithm::Ea07, Algorithm::Ea11] {
        let (old, new) = (meter_key(algorithm, 1, BaseDate::Y1993), meter_key(algorithm, 2, BaseDate::Y2014));
        let mut village = Village::new(&old);
        let spent: Vec<Token> = (0..60).map(|n| village.buy(&old, LAST - 1000 + 10 * n).unwrap()).collect();
        for token in &spent {
            village.enter(*token).unwrap();
        }
        let in_the_drawer = village.buy(&old, LAST - 5).unwrap();
        assert_eq!(village.buy(&old, LAST + 1), Err(VendError::Time(TimeError::AfterBase(1993))));
        // The neighbour who heard of it late: the first token on the new base date is refused, and nothing is lost by it.
        let early = village.buy(&new, LAST + 5).unwrap();
        assert_eq!(village.enter(early), Err(Reason::Checksum));

        let set = village.module.key_change(&old, &new).unwrap();
        for token in set.iter().rev() {
            village.enter(*token).unwrap();
        }
        assert_eq!(village.balance, 60 * 50, "what was paid stays");
        assert_eq!((village.decoder.state().krn, village.decoder.state().base_date), (2, BaseDate::Y2014));
        village.enter(early).unwrap();
        assert_eq!(village.enter(early), Err(Reason::Used { just_now: true }));
        for token in spent.iter().chain([&in_the_drawer]) {
            assert_eq!(village.enter(*token), Err(Reason::Checksum), "the old key opens nothing any more");
        }
        assert_eq!(village.balance, 61 * 50);
        // What lay in the drawer is worthless now; the vendor can see whose it was and replace it.
        let found = village.module.diagnose(in_the_drawer, &[new, old]);
        assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1]);
    }
}

/// The sabotage: without the tokens of the key change every sale on the new base date is refused.
#[test]
fn a_meter_that_was_forgotten_goes_dark() {
    let (old, new) = (meter_key(Algorithm::Ea11, 1, BaseDate::Y1993), meter_key(Algorithm::Ea11, 2, BaseDate::Y2014));
    let mut village = Village::new(&old);
    let token = village.buy(&new, LAST + 100).unwrap();
    assert_eq!(village.enter(token), Err(Reason::Checksum));
    assert_eq!(village.balance, 0);
}
