//! The customers as entities of the ECS world: one entity each, with its meter, its load, its purse and its light.

use bevy_ecs::{component::Component, entity::Entity, query::QueryState, world::World};
use taa_dcu::relay::Reason;
use taa_meter::Meter;
use taa_models::{
    demand::{Class, Switch},
    draw::NodeKey,
    people::{Disposition, income::MoneyBox},
};

use crate::{
    cause::Chain,
    kernel::{NodeId, SimTime, Wake},
    records::PayChannel,
    world::{demand::Planned, late::Late, light::Light, mood::Mood, purse::Rated},
};

/// Who this is.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// Rank in the kernel.
    pub(crate) node: NodeId,
    /// Key of every draw that concerns this customer.
    pub(crate) key: NodeKey,
    pub(crate) class: Class,
    pub(crate) feeder: u32,
}

/// Why a relay is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is closed.
    No,
    /// It started open after a power loss.
    AtBoot,
    /// The meter felt tampered with.
    Tamper,
    /// It was ordered open for want of credit.
    ForDebt,
    /// It was ordered open because the balance could not be confirmed.
    Stale,
}

/// The simulated meter and what its line does.
#[derive(Component, Debug)]
pub(crate) struct MeterUnit {
    pub(crate) meter: Meter,
    pub(crate) wake: Wake,
    /// When that wake comes.
    pub(crate) armed_for: Option<SimTime>,
    pub(crate) dead: bool,
    pub(crate) opened: Opened,
    /// What the records say of its relay.
    pub(crate) recorded: Option<bool>,
    /// Why the DCU last ordered it to turn.
    pub(crate) ordered: Option<Reason>,
    /// Why it last lost its voltage.
    pub(crate) last_loss: Chain,
    /// When it came back and has not joined the mesh yet, ms.
    pub(crate) joining_since_ms: Option<u64>,
    pub(crate) join_wake: Wake,
    /// How often it has joined, for draws.
    pub(crate) joins: u64,
    /// Hops to the DCU at the start, 0 without a route.
    pub(crate) hops: u16,
    /// Expected transmissions along that route.
    pub(crate) path_etx: f32,
}

impl MeterUnit {
    /// The energy register as of now, mWh.
    pub(crate) fn energy_mwh(&mut self, now_ms: u64) -> u64 {
        self.meter.advance(now_ms * 1_000_000);
        self.meter.energy_mwh()
    }
}

/// What the appliances want.
#[derive(Component, Debug)]
pub(crate) struct Load {
    /// This customer's multiple of the class's power: scenario, person and price.
    pub(crate) factor: f64,
    pub(crate) wanted_mw: i64,
    /// Counted in the plant's connected load.
    pub(crate) connected: bool,
    /// Switches still to come, later ones first.
    pub(crate) plan: Vec<Planned>,
    pub(crate) scratch: Vec<Switch>,
    pub(crate) wake: Wake,
    /// Up to when `unserved_energy` has been counted, ms.
    pub(crate) since_ms: u64,
    /// Wanted energy during lost time, mW·ms.
    pub(crate) unserved_energy: i128,
    /// What was missed and comes back.
    pub(crate) late: Late,
}

/// Money and energy as they truly are, whoever believes what.
#[derive(Component, Debug)]
pub(crate) struct Purse {
    pub(crate) disposition: Disposition,
    /// What energy costs, where the tariff has no single price.
    pub(crate) rated: Option<Box<Rated>>,
    /// Mean spending a day when nothing is in the way, minor units.
    pub(crate) daily_spend_minor: f64,
    /// Money applied at the meter or its account, minor units, initial credit included.
    pub(crate) applied_minor: i64,
    /// Of that the accounts have taken so much for measured power.
    pub(crate) demand_minor: i64,
    /// Energy up to which unbilled energy has been counted, mWh.
    pub(crate) mark_mwh: u64,
    pub(crate) unbilled_mwh: u64,
    pub(crate) paid_minor: i64,
    /// The deciding party found the account empty: residues of rounding do not entitle.
    pub(crate) exhausted: bool,
    /// Money for light at hand.
    pub(crate) money: MoneyBox,
    /// The last payment wished for, to learn from, and when, ms.
    pub(crate) last_pay: Option<(u32, u64)>,
    /// A way to pay on which money got stuck, avoided until then, ms.
    pub(crate) shy_of: Option<(PayChannel, u64)>,
    /// What paid darkness makes of the customer.
    pub(crate) mood: Mood,
    /// Payments accepted and not applied yet.
    pub(crate) open: Vec<u32>,
    /// The payment that the customer tries to make.
    pub(crate) wish: Option<Wish>,
    pub(crate) wake: Wake,
    /// Top-ups wished for so far, for draws.
    pub(crate) topups: u64,
    /// What last held up an order, a credit or a payment during the wait that goes on.
    pub(crate) blocker: Chain,
    /// When that was last in the way, ms.
    pub(crate) blocked_ms: u64,
    pub(crate) gone_ms: Option<u64>,
    /// Paid darkness beyond what is forgiven, in units of the mean that makes a customer leave.
    pub(crate) strain: f64,
}

/// A payment that finds no path yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Row of the payments table.
    pub(crate) payment: u32,
    pub(crate) attempts: u32,
    pub(crate) blocked: Chain,
    /// An attempt is under way: its answer is to come.
    pub(crate) in_flight: bool,
}

/// All that belongs to one customer.
pub(crate) type Parts =
    (&'static Identity, &'static mut MeterUnit, &'static mut Load, &'static mut Purse, &'static mut Light);

/// The customers.
pub(crate) struct Population {
    world: World,
    query: QueryState<Parts>,
    entities: Vec<Entity>,
}

impl Population {
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        let query = world.query();
        Self { world, query, entities: Vec::new() }
    }

    pub(crate) fn spawn(&mut self, parts: (Identity, MeterUnit, Load, Purse, Light)) {
        let entity = self.world.spawn(parts).id();
        self.entities.push(entity);
    }

    pub(crate) fn len(&self) -> u32 {
        self.entities.len() as u32
    }

    /// One customer; the index is the scenario's.
    pub(crate) fn of(&mut self, customer: u32) -> One<'_> {
        let entity = self.entities[customer as usize];
        let (identity, unit, load, purse, light) =
            self.query.get_mut(&mut self.world, entity).expect("customers are never despawned");
        One {
            identity,
            unit: unit.into_inner(),
            load: load.into_inner(),
            purse: purse.into_inner(),
            light: light.into_inner(),
        }
    }
}

/// One customer, borrowed.
pub(crate) struct One<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) unit: &'a mut MeterUnit,
    pub(crate) load: &'a mut Load,
    pub(crate) purse: &'a mut Purse,
    pub(crate) light: &'a mut Light,
}
