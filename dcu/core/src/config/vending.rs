//! What the operator sets for selling tokens at the site: the meters' decoders, the ways by which a token reaches its
//! meter and in which order they are tried, the cache for the time when no vending key can be reached, and devices that
//! are paid off by OpenPAYGO tokens.
//!
//! The order is policy, not a guess of the program: [`DeliveryPolicy::steps`] are tried from the first to the last, each
//! where its conditions hold, and the next one when nothing has been heard for `wait_s`. The **same digits** go all
//! ways, since a meter counts them once. [`VendingConfig::check`] names what contradicts itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use taa_keys::{KeyHandle, Secret};
use taa_tokens::sts::{Algorithm, KeyAttributes, KeyGeneration, MeterPan, vend::MeterKey};

use super::{Classes, CreditAt, MeterEntry, Tariff, Traits};
use crate::MeterIx;

/// The token decoder of a meter, as the vendor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsMeter {
    /// The meter's primary account number.
    pub pan: MeterPan,
    /// The key that it held when it was entered here; what key changes have made of it is in the journal
    /// ([`crate::vending::Desk::key`]).
    pub key: KeyAttributes,
    /// How the key is derived.
    pub generation: KeyGeneration,
    /// What it encrypts with.
    pub algorithm: Algorithm,
    /// It counts money (subclass 4 tokens), otherwise energy (subclass 0).
    pub in_money: bool,
    /// It has a keypad.
    pub keypad: bool,
    /// It has a token gateway (interface class 115), reached over DLMS.
    pub gateway: bool,
    /// It takes tokens by radio from a phone held near.
    pub ble: bool,
    /// The customer's phone, to which tokens go as text; `None`: not known.
    pub phone: Option<String>,
}

impl StsMeter {
    /// What a module derives the meter's key from, with the key it held at first.
    #[must_use]
    pub const fn meter_key(&self) -> MeterKey {
        MeterKey { meter: self.pan, key: self.key, generation: self.generation, algorithm: self.algorithm }
    }
}

/// On what a keypad token travels to the person who types it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum By {
    /// A text message to the customer's phone.
    Text,
    /// Paper, printed at the agent.
    Paper,
}

/// A way by which credit reaches a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Way {
    /// A virtual token: credit and relay over DLMS, without digits. For meters without a decoder alone: a cumulative
    /// credit written beside tokens could count a payment twice.
    Dlms,
    /// The token gateway (class 115): the DCU enters the digits over DLMS.
    Gateway,
    /// Somebody types the digits.
    Keypad {
        /// Where they read them.
        by: By,
    },
    /// A phone held near the meter enters them by radio.
    Ble,
    /// The token of an OpenPAYGO device.
    OpenPaygo,
}

impl Way {
    /// Its place in a set of ways.
    pub(crate) const fn bit(self) -> u8 {
        match self {
            Self::Dlms => 1,
            Self::Gateway => 2,
            Self::Keypad { by: By::Text } => 4,
            Self::Keypad { by: By::Paper } => 8,
            Self::Ble => 16,
            Self::OpenPaygo => 32,
        }
    }

    /// People carry the digits; saying them twice costs money or paper, and helps nobody.
    pub(crate) const fn is_by_hand(self) -> bool {
        matches!(self, Self::Keypad { .. } | Self::Ble)
    }
}

/// One step of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The way.
    pub way: Way,
    /// Only if the meter has answered within so many seconds.
    pub reachable_s: Option<u32>,
    /// Only for tokens worth at most this, minor units.
    pub amount_max_minor: Option<i64>,
    /// Nothing heard for so long: the next step is tried, seconds. (Over DLMS alone, where no other way leads to the meter,
    /// it is tried as [`crate::config::DcuConfig::retry_urgent`] says.)
    pub wait_s: u32,
}

impl Step {
    /// This way, on no condition but that meter and site have what it needs.
    #[must_use]
    pub const fn new(way: Way, wait_s: u32) -> Self {
        Self { way, reachable_s: None, amount_max_minor: None, wait_s }
    }
}

/// The ways in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// From the first to the last.
    pub steps: Vec<Step>,
    /// No step is possible, or all have been tried: begin again after this, seconds. Ways by hand are used once.
    pub again_s: u32,
}

impl Default for DeliveryPolicy {
    /// Over the mesh while the meter is known to listen; else by text, by radio, on paper. Devices by their own tokens.
    fn default() -> Self {
        let text = Way::Keypad { by: By::Text };
        let paper = Way::Keypad { by: By::Paper };
        Self {
            steps: vec![
                Step::new(Way::Dlms, 0),
                Step { reachable_s: Some(2 * 3600), ..Step::new(Way::Gateway, 300) },
                Step::new(text, 1800),
                Step::new(Way::Ble, 1800),
                Step::new(paper, 1800),
                Step::new(Way::OpenPaygo, 0),
            ],
            again_s: 3600,
        }
    }
}

impl DeliveryPolicy {
    /// The steps of one way, in their order.
    pub fn steps_by(&self, way: Way) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.way == way)
    }
}

/// Tokens made beforehand, for the time when no module can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// Worth of a token and how many of it are held ready for each meter, minor units.
    pub denominations: Vec<(i64, u32)>,
    /// Most that is held ready for one meter, minor units: what a thief of the site's disk could use.
    pub meter_max_minor: i64,
    /// A token of the stock is given up once so many newer ones were sold: the meter would refuse it as too old.
    pub newer_max: u32,
}

/// A device that is paid off, or rented by the day, with OpenPAYGO tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaygDevice {
    /// Serial number, as the device reports it.
    pub serial: String,
    /// The account that pays for it, as payers type it; different from every meter's.
    pub account: String,
    /// Its key, 16 bytes.
    pub key: Secret,
    /// Its starting code; `None`: follows from the key.
    pub starting_code: Option<u32>,
    /// Its keypad has the digits 1 to 4 alone.
    pub restricted: bool,
    /// It takes the long form (twelve or twenty digits).
    pub extended: bool,
    /// Price of one day, minor units.
    pub day_price_minor: i64,
    /// The count of the last token that it was given before it came here; 1 for a new device.
    pub count: u32,
    /// The customer's phone.
    pub phone: Option<String>,
}

/// Selling tokens at the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendingConfig {
    /// How tokens reach their meters.
    pub policy: DeliveryPolicy,
    /// Tokens made beforehand; `None`: none.
    pub cache: Option<CachePolicy>,
    /// Seals their digits in the journal until they are sold; `None`: they lie there as they are.
    pub stock_key: Option<KeyHandle>,
    /// OpenPAYGO devices.
    pub devices: Vec<PaygDevice>,
    /// A token's minute lies at most so many minutes after the sale.
    pub minutes_ahead_max: u32,
    /// The module's answer may take so long; then it is asked again for the same content.
    pub key_timeout_ms: u32,
    /// Unanswered questions after which the cache is sold.
    pub key_tries: u32,
    /// Most that one token carries, minor units; what is paid beyond it comes in further tokens.
    pub token_max_minor: i64,
    /// Somebody is told when the leased minutes end within so many days.
    pub lease_low_days: u32,
}

impl Default for VendingConfig {
    fn default() -> Self {
        Self {
            policy: DeliveryPolicy::default(),
            cache: None,
            stock_key: None,
            devices: Vec::new(),
            minutes_ahead_max: 60,
            key_timeout_ms: 10_000,
            key_tries: 3,
            token_max_minor: 100_000_000,
            lease_low_days: 14,
        }
    }
}

/// Settings that contradict each other. The operator is at fault; nothing is sold before it is put right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// No step at all.
    #[error("the policy has no steps")]
    NoSteps,
    /// A way comes twice on the same conditions, or after a step of the same way that has none.
    #[error("step {0} can never be reached: an earlier one of the same way has no narrower conditions")]
    Unreachable(usize),
    /// No way of the policy leads to this meter.
    #[error("no way of the policy leads to meter {}", .0.0)]
    NoWay(MeterIx),
    /// Two meters with one primary account number: tokens would count at both.
    #[error("meters {} and {} have the same primary account number", .0.0, .1.0)]
    SamePan(MeterIx, MeterIx),
    /// Tokens for a meter that does not count its own credit.
    #[error("meter {} has a token decoder, but credit is not kept in the meters", .0.0)]
    CreditElsewhere(MeterIx),
    /// Minor units that tokens cannot express: their unit is 1/100000 of the currency's.
    #[error("{0} minor units to the currency's unit cannot be written in tokens (1, 10, 100, 1000 can)")]
    MinorUnits(u32),
    /// Tokens in energy, and energy that has more than one price: what is paid cannot be told as energy beforehand.
    #[error("meter {} counts energy, and the tariff has more than one price for it", .0.0)]
    PriceVaries(MeterIx),
    /// A limit of zero or below.
    #[error("{0} must be above zero")]
    NotPositive(&'static str),
    /// More is to be held ready for a meter than may be.
    #[error("the denominations of the cache come to {wanted} minor units for a meter, of which {allowed} are allowed")]
    CacheTooLarge {
        /// Sum of the denominations.
        wanted: i64,
        /// The limit.
        allowed: i64,
    },
    /// A device whose account, serial number or key cannot be.
    #[error("device {serial}: {what}")]
    Device {
        /// Which.
        serial: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl VendingConfig {
    /// All contradictions, in the order of the fields; empty when there are none.
    #[must_use]
    pub fn check(&self, traits: &Traits, tariff: &Tariff, meters: &[MeterEntry]) -> Vec<Contradiction> {
        self.check_site(traits, (tariff, &Classes::default()), meters)
    }

    /// The same for a site with tariffs of classes: each meter by the tariff of its account.
    #[must_use]
    pub fn check_site(
        &self,
        traits: &Traits,
        (tariff, classes): (&Tariff, &Classes),
        meters: &[MeterEntry],
    ) -> Vec<Contradiction> {
        let mut found = Vec::new();
        if self.policy.steps.is_empty() {
            found.push(Contradiction::NoSteps);
        }
        for (at, step) in self.policy.steps.iter().enumerate() {
            if step.amount_max_minor.is_some_and(|most| most <= 0) {
                found.push(Contradiction::NotPositive("the most that a step carries"));
            }
            let hides = |earlier: &&Step| earlier.way == step.way && !is_narrower(earlier, step);
            if self.policy.steps.iter().take(at).any(|earlier| hides(&earlier)) {
                found.push(Contradiction::Unreachable(at));
            }
        }
        let is_flat = |account: &str| classes.of(tariff, account).flat_price().is_some();
        self.check_meters((traits, &is_flat), meters, &mut found);
        if !matches!(tariff.minor_per_unit, 1 | 10 | 100 | 1000) {
            found.push(Contradiction::MinorUnits(tariff.minor_per_unit));
        }
        let limits = [
            ("token_max_minor", self.token_max_minor),
            ("minutes_ahead_max", self.minutes_ahead_max.into()),
            ("key_timeout_ms", self.key_timeout_ms.into()),
            ("again_s", self.policy.again_s.into()),
        ];
        found.extend(limits.iter().filter(|(_, limit)| *limit <= 0).map(|(name, _)| Contradiction::NotPositive(name)));
        if let Some(cache) = &self.cache {
            cache.check(&mut found);
        }
        self.check_devices(meters, &mut found);
        found
    }

    fn check_meters(
        &self,
        (traits, is_flat): (&Traits, &dyn Fn(&str) -> bool),
        meters: &[MeterEntry],
        found: &mut Vec<Contradiction>,
    ) {
        let leads = |sts: &StsMeter| {
            self.policy.steps.iter().any(|step| match step.way {
                Way::Gateway => sts.gateway,
                Way::Keypad { by: By::Text } => sts.keypad && sts.phone.is_some(),
                Way::Keypad { by: By::Paper } => sts.keypad,
                Way::Ble => sts.ble,
                Way::Dlms | Way::OpenPaygo => false,
            })
        };
        for (ix, entry) in (0..).map(MeterIx).zip(meters) {
            let Some(sts) = &entry.sts else {
                let by_credit = self.policy.steps.iter().any(|step| step.way == Way::Dlms);
                if !by_credit && traits.credit_at == CreditAt::Meter {
                    found.push(Contradiction::NoWay(ix));
                }
                continue;
            };
            if traits.credit_at != CreditAt::Meter {
                found.push(Contradiction::CreditElsewhere(ix));
            }
            if !sts.in_money && !is_flat(&entry.account) {
                found.push(Contradiction::PriceVaries(ix));
            }
            if !leads(sts) {
                found.push(Contradiction::NoWay(ix));
            }
            let same = |(_, other): &(MeterIx, &MeterEntry)| other.sts.as_ref().is_some_and(|o| o.pan == sts.pan);
            if let Some((other, _)) = (0..).map(MeterIx).zip(meters).take(ix.at()).find(same) {
                found.push(Contradiction::SamePan(other, ix));
            }
        }
    }

    fn check_devices(&self, meters: &[MeterEntry], found: &mut Vec<Contradiction>) {
        let mut accounts: BTreeSet<&str> = meters.iter().map(|meter| meter.account.as_str()).collect();
        let mut serials = BTreeSet::new();
        for device in &self.devices {
            let mut wrong = |what| found.push(Contradiction::Device { serial: device.serial.clone(), what });
            if !accounts.insert(&device.account) {
                wrong("its account belongs to another meter or device");
            }
            if !serials.insert(&device.serial) {
                wrong("its serial number is there twice");
            }
            if device.key.expose().len() != 16 {
                wrong("its key has not 16 bytes");
            }
            // How lately a device was in reach nobody knows: a condition on that would keep it dark for ever.
            if self.policy.steps_by(Way::OpenPaygo).all(|step| step.reachable_s.is_some()) {
                wrong("no step of the policy leads to it");
            }
            if device.day_price_minor <= 0 {
                wrong("its price of a day must be above zero");
            }
        }
    }
}

impl CachePolicy {
    fn check(&self, found: &mut Vec<Contradiction>) {
        if self.denominations.iter().any(|(worth, count)| *worth <= 0 || *count == 0) {
            found.push(Contradiction::NotPositive("a denomination of the cache"));
        }
        let sum = |sum: i64, (worth, count): &(i64, u32)| sum.saturating_add(worth.saturating_mul(i64::from(*count)));
        let wanted = self.denominations.iter().fold(0, sum);
        if wanted > self.meter_max_minor {
            found.push(Contradiction::CacheTooLarge { wanted, allowed: self.meter_max_minor });
        }
    }
}

/// The earlier step leaves something to the later one of the same way.
fn is_narrower(earlier: &Step, later: &Step) -> bool {
    let narrower = |earlier: Option<i64>, later: Option<i64>| match (earlier, later) {
        (Some(limit), Some(wider)) => limit < wider,
        (Some(_), None) => true,
        (None, _) => false,
    };
    narrower(earlier.reachable_s.map(i64::from), later.reachable_s.map(i64::from))
        || narrower(earlier.amount_max_minor, later.amount_max_minor)
}

#[cfg(test)]
mod tests {
    use taa_tokens::sts::{BaseDate, KeyType, Krn, Sgc, TariffIndex};

    use super::*;
    use crate::config::MeterAccess;

    fn traits() -> Traits {
        Traits { credit_at: CreditAt::Meter, ..Traits::bundle("edge_local").unwrap() }
    }

    fn tariff(minor_per_unit: u32) -> Tariff {
        Tariff::flat("TZS", minor_per_unit, 10_000)
    }

    fn meter(serial: u32, keypad: bool, gateway: bool) -> MeterEntry {
        let key = KeyAttributes {
            sgc: Sgc::new(123_456).unwrap(),
            krn: Krn::new(1).unwrap(),
            key_type: KeyType::Unique,
            ti: TariffIndex::new(1).unwrap(),
            ken: 255,
            base_date: BaseDate::Y2014,
        };
        let sts = StsMeter {
            pan: MeterPan::new("600727", &format!("{serial:011}")).unwrap(),
            key,
            generation: KeyGeneration::Dkga04,
            algorithm: Algorithm::Ea11,
            in_money: true,
            keypad,
            gateway,
            ble: false,
            phone: None,
        };
        MeterEntry {
            id: format!("m{serial}"),
            account: format!("{serial}"),
            access: MeterAccess::Open,
            opening_balance_minor: 0,
            sts: Some(sts),
        }
    }

    #[test]
    fn what_fits_is_accepted() {
        let meters = [meter(1, true, false), meter(2, false, true)];
        assert_eq!(VendingConfig::default().check(&traits(), &tariff(100), &meters), []);
    }

    #[test]
    fn contradictions_are_named() {
        let check = |config: VendingConfig, meters: &[MeterEntry]| config.check(&traits(), &tariff(100), meters);
        let none = DeliveryPolicy { steps: Vec::new(), again_s: 0 };
        let found = check(VendingConfig { policy: none, ..VendingConfig::default() }, &[]);
        assert_eq!(found, [Contradiction::NoSteps, Contradiction::NotPositive("again_s")]);

        // A meter that nobody can type into, without a gateway; two meters that are one.
        let found = check(VendingConfig::default(), &[meter(1, false, false)]);
        assert_eq!(found, [Contradiction::NoWay(MeterIx(0))]);
        let found = check(VendingConfig::default(), &[meter(1, true, false), meter(1, true, false)]);
        assert_eq!(found, [Contradiction::SamePan(MeterIx(0), MeterIx(1))]);

        let mut twice = VendingConfig::default();
        twice.policy.steps = vec![Step::new(Way::Gateway, 1), Step::new(Way::Gateway, 2)];
        assert_eq!(check(twice.clone(), &[]), [Contradiction::Unreachable(1)]);
        twice.policy.steps[0].reachable_s = Some(60);
        assert_eq!(check(twice, &[]), [], "the first is narrower");

        let elsewhere = Traits { credit_at: CreditAt::Dcu, ..traits() };
        let found = VendingConfig::default().check(&elsewhere, &tariff(3), &[meter(1, true, false)]);
        assert_eq!(found, [Contradiction::CreditElsewhere(MeterIx(0)), Contradiction::MinorUnits(3)]);

        let cache = CachePolicy { denominations: vec![(500, 3)], meter_max_minor: 1000, newer_max: 30 };
        let found = check(VendingConfig { cache: Some(cache), ..VendingConfig::default() }, &[]);
        assert_eq!(found, [Contradiction::CacheTooLarge { wanted: 1500, allowed: 1000 }]);

        let device = PaygDevice {
            serial: "D1".into(),
            account: "1".into(),
            key: Secret::new(&[1; 15]),
            starting_code: None,
            restricted: false,
            extended: false,
            day_price_minor: 0,
            count: 1,
            phone: None,
        };
        let found = check(VendingConfig { devices: vec![device], ..VendingConfig::default() }, &[meter(1, true, true)]);
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
