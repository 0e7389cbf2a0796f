//! Where in a meter the things stand that the DCU works with: chosen from its object map, never assumed.
//!
//! | what | object | needed |
//! |---|---|---|
//! | name | Data 0.0.42.0.0.255 | always |
//! | energy | Register or Extended register, C = 1 (import), else C = 15 (absolute), D = 8, E = 0, in Wh | always |
//! | relay | Disconnect control with its output state and both remote methods | where the DCU or the cloud decides |
//! | credit | the five objects of [`obis::CREDIT_TOTAL`] and its neighbours | where the meter keeps the credit |
//! | load profile | Profile generic with selection by range, that captures clock and energy | for back-fill |
//! | alarms | Push set-up and a writable alarm descriptor | for pushes |
//! | images | Image transfer that can be enabled, watched and called | for a new firmware |
//! | last gasp | the manufacturer's object that arms it, readable and writable | to see whether it is armed |
//! | clock | Clock, its time writable | to set it |
//! | tokens | Token gateway with its method, the token it took last and its status | for tokens from afar |
//!
//! A meter that lacks what its architecture always needs is unsuitable ([`Lack`]). The rest is done without: no
//! profile, no back-fill.
//!
//! What one firmware shares (which object, which rights) comes from the map. What each meter may have set differently
//! (scaler, unit, captured columns, pushed objects) is read from the meter itself when it is introduced: a scaler
//! belongs to the meter, and money depends on it.

use taa_dlms::{
    AttributeRef, MethodRef, Obis,
    cosem::{ImageTransfer, ObjectMap, TokenGateway, clock, data, disconnect, map::MapEntry, profile, register},
    obis,
};

use super::session::token;
use crate::{config::CreditAt, reading::Lack};

/// Extended register (Blue Book 4.3.3): value and scaler stand where a Register has them.
const EXTENDED_REGISTER: u16 = 4;
/// Push set-up.
const PUSH_SETUP: u16 = 40;
/// Its list of what is pushed.
const PUSH_OBJECT_LIST: i8 = 2;
/// Most profiles looked into.
const PROFILES_MAX: usize = 4;

/// Objects of the credit kept in a meter: written, except the balance.
const CREDIT_WRITTEN: [Obis; 4] =
    [obis::CREDIT_TOTAL, obis::CREDIT_PRICE_PER_KWH, obis::CREDIT_FEE_PER_DAY, obis::CREDIT_GRACE];

/// What the map tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) name: AttributeRef,
    /// The register's value.
    pub(crate) energy: AttributeRef,
    pub(crate) relay: Option<Obis>,
    pub(crate) credit: bool,
    /// Load profiles to choose from, the likeliest first.
    pub(crate) profiles: Box<[Obis]>,
    pub(crate) alarms: Option<Alarms>,
    /// Where images are taken.
    pub(crate) image: Option<Obis>,
    /// Where tokens are entered.
    pub(crate) gateway: Option<Obis>,
    /// What its last-gasp logic is armed by.
    pub(crate) gasp: Option<AttributeRef>,
    /// Its clock, where that may be set.
    pub(crate) clock: Option<AttributeRef>,
    /// All credit that tokens ever brought, where the meter tells it.
    pub(crate) loaded: Option<AttributeRef>,
}

/// Where alarms stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alarms {
    pub(crate) push: Obis,
    /// Its value.
    pub(crate) descriptor: AttributeRef,
}

impl Layout {
    /// Chooses from a map, for an architecture.
    pub(crate) fn choose(map: &ObjectMap, credit_at: CreditAt) -> Result<Self, Lack> {
        let name = AttributeRef::new(data::CLASS, obis::LOGICAL_DEVICE_NAME, data::VALUE);
        if !map.reads(name) {
            return Err(Lack::Name);
        }
        let layout = Self {
            name,
            energy: energy(map).ok_or(Lack::Energy)?,
            relay: relay(map),
            credit: credit(map),
            profiles: profiles(map),
            alarms: alarms(map),
            image: image(map),
            gateway: gateway(map),
            gasp: Some(AttributeRef::new(data::CLASS, obis::GASP_PRIORITY, data::VALUE))
                .filter(|at| map.reads(*at) && map.writes(*at)),
            clock: Some(AttributeRef::new(clock::CLASS, obis::CLOCK, clock::TIME)).filter(|at| map.writes(*at)),
            loaded: Some(AttributeRef::new(data::CLASS, obis::CREDIT_TOKENS, data::VALUE)).filter(|at| map.reads(*at)),
        };
        match credit_at {
            CreditAt::Dcu | CreditAt::Cloud if layout.relay.is_none() => Err(Lack::Relay),
            CreditAt::Meter if !layout.credit => Err(Lack::Credit),
            _ => Ok(layout),
        }
    }

    /// The scaler and unit of the energy register.
    pub(crate) const fn energy_unit(&self) -> AttributeRef {
        AttributeRef::new(self.energy.class, self.energy.obis, register::SCALER_UNIT)
    }

    /// The relay's output state.
    pub(crate) fn output_state(&self) -> Option<AttributeRef> {
        Some(AttributeRef::new(disconnect::CLASS, self.relay?, disconnect::OUTPUT_STATE))
    }

    /// The relay's method.
    pub(crate) fn order(&self, closed: bool) -> Option<MethodRef> {
        let method = if closed { disconnect::REMOTE_RECONNECT } else { disconnect::REMOTE_DISCONNECT };
        Some(MethodRef::new(disconnect::CLASS, self.relay?, method))
    }

    /// What a meter is asked when it is introduced: its name; its scaler; of each profile the columns and the capture
    /// period; what it pushes.
    pub(crate) fn questions(&self) -> Vec<AttributeRef> {
        let mut asked = vec![self.name, self.energy_unit()];
        for obis in &self.profiles {
            asked.push(AttributeRef::new(profile::CLASS, *obis, profile::CAPTURE_OBJECTS));
            asked.push(AttributeRef::new(profile::CLASS, *obis, profile::CAPTURE_PERIOD));
        }
        if let Some(Alarms { push, .. }) = self.alarms {
            asked.push(AttributeRef::new(PUSH_SETUP, push, PUSH_OBJECT_LIST));
        }
        asked
    }
}

/// B is any channel; F is the present.
fn energy(map: &ObjectMap) -> Option<AttributeRef> {
    let fits = |entry: &&MapEntry, c: u8| {
        let Obis([a, _, kind, d, e, f]) = entry.obis;
        let class = matches!(entry.class, register::CLASS | EXTENDED_REGISTER);
        let at = |attribute| AttributeRef::new(entry.class, entry.obis, attribute);
        class
            && (a, kind, d, e, f) == (1, c, 8, 0, 255)
            && map.reads(at(register::VALUE))
            && map.reads(at(register::SCALER_UNIT))
    };
    // The map is sorted by name, so the lowest channel comes first.
    let entry = [1, 15].into_iter().find_map(|c| map.iter().find(|entry| fits(entry, c)))?;
    Some(AttributeRef::new(entry.class, entry.obis, register::VALUE))
}

fn relay(map: &ObjectMap) -> Option<Obis> {
    let method = |obis, method| map.calls(MethodRef::new(disconnect::CLASS, obis, method));
    let fits = |obis: &Obis| {
        map.reads(AttributeRef::new(disconnect::CLASS, *obis, disconnect::OUTPUT_STATE))
            && method(*obis, disconnect::REMOTE_DISCONNECT)
            && method(*obis, disconnect::REMOTE_RECONNECT)
    };
    map.of_class(disconnect::CLASS).map(|entry| entry.obis).find(fits)
}

fn credit(map: &ObjectMap) -> bool {
    let at = |obis| AttributeRef::new(data::CLASS, obis, data::VALUE);
    CREDIT_WRITTEN.into_iter().all(|obis| map.writes(at(obis))) && map.reads(at(obis::CREDIT_BALANCE))
}

/// Load profiles of electricity (C = 99): with recording period 1 first, then 2, then others.
fn profiles(map: &ObjectMap) -> Box<[Obis]> {
    let at = |obis, attribute| AttributeRef::new(profile::CLASS, obis, attribute);
    let fits = |obis: &Obis| {
        let Obis([a, _, c, _, _, f]) = *obis;
        (a, c, f) == (1, 99, 255)
            && map.reads(at(*obis, profile::BUFFER))
            && map.selects(at(*obis, profile::BUFFER), profile::SELECTOR_RANGE)
            && map.reads(at(*obis, profile::CAPTURE_OBJECTS))
            && map.reads(at(*obis, profile::CAPTURE_PERIOD))
    };
    let mut found: Vec<Obis> = map.of_class(profile::CLASS).map(|entry| entry.obis).filter(fits).collect();
    found.sort_by_key(|Obis([_, b, _, d, e, _])| (*d, *b, *e));
    found.truncate(PROFILES_MAX);
    found.into()
}

fn image(map: &ObjectMap) -> Option<Obis> {
    let reads = |obis, attribute| map.reads(AttributeRef::new(ImageTransfer::CLASS, obis, attribute));
    let calls = |obis, method| map.calls(MethodRef::new(ImageTransfer::CLASS, obis, method));
    let fits =
        |obis: &Obis| [2, 5, 6].iter().all(|a| reads(*obis, *a)) && [1, 2, 3, 4].iter().all(|m| calls(*obis, *m));
    map.of_class(ImageTransfer::CLASS).map(|entry| entry.obis).find(fits)
}

fn gateway(map: &ObjectMap) -> Option<Obis> {
    let reads = |obis, attribute| map.reads(AttributeRef::new(TokenGateway::CLASS, obis, attribute));
    let fits = |obis: &Obis| {
        map.calls(MethodRef::new(TokenGateway::CLASS, *obis, token::ENTER))
            && reads(*obis, token::TOKEN)
            && reads(*obis, token::STATUS)
    };
    map.of_class(TokenGateway::CLASS).map(|entry| entry.obis).find(fits)
}

fn alarms(map: &ObjectMap) -> Option<Alarms> {
    let push = map
        .of_class(PUSH_SETUP)
        .map(|entry| entry.obis)
        .find(|obis| map.reads(AttributeRef::new(PUSH_SETUP, *obis, PUSH_OBJECT_LIST)))?;
    // Alarm descriptors 1 to 10 (IEC 62056-6-1: 0.b.97.98.20–29.255).
    let descriptor = map.iter().find_map(|entry| {
        let Obis([a, _, c, d, e, f]) = entry.obis;
        let at = AttributeRef::new(data::CLASS, entry.obis, data::VALUE);
        let fits = entry.class == data::CLASS && (a, c, d, f) == (0, 97, 98, 255) && (20..=29).contains(&e);
        (fits && map.reads(at) && map.writes(at)).then_some(at)
    })?;
    Some(Alarms { push, descriptor })
}
