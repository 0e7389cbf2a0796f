//! Building the village: nodes, customers, mesh, plant, site, cloud, and the first events.

use sha2::{Digest as _, Sha256};
use taa_dcu::{
    cloud::{Cloud, CloudConfig},
    config::{BootRelay, CreditAt, DcuConfig, MeterAccess, MeterEntry, Traits, VendingConfig},
};
use taa_meter::{GaspConfig, Meter, MeterConfig, StsConfig};
use taa_models::{
    demand::Catalogue,
    draw::{Draws, NodeKey, Purpose},
    mesh::{Fidelity, MeshParams, RelaySupply, Topology},
    people::{Disposition, income::MoneyBox},
    pv::Array,
    radio::{
        house::{Mount, RoofKind, WallKind},
        village::{Mounted, VillageRadio},
    },
    weather::SunContext,
};
use taa_scenarios::model::{FaultKind, Placement, Roof, Scenario, Wall};

use super::{
    Event, Ops, Timeline, Village,
    backhaul::CloudHost,
    disk::SiteDisk,
    finish::{ComponentLog, TelemetryCount},
    keys::{SiteKeys, meter_entropy},
    light::Light,
    mesh_frame::Frames,
    message::Messages,
    money,
    parts::Part,
    population::{Identity, Load, MeterUnit, Opened, Population, Purse},
    power::{Power, SAMPLE_MS, TICK_MS},
    purse::Rated,
    radio::{Mesh, Season},
    site::Site,
    sky::Sky,
    wan::Wan,
};
use crate::{
    cause::{Cause, Chain},
    kernel::{KernelError, NodeId, NodeTable, Phase, Queue, RollingDigest, SimTime, Wake},
    records::{LinkRow, Records},
    result::Digest,
    run::Meddling,
};

const DISPOSITION: Purpose = Purpose::named("disposition");
const APPLIANCES: Purpose = Purpose::named("appliances");
const OPENING: Purpose = Purpose::named("opening balance");
const MONEY: Purpose = Purpose::named("money at hand at the start");

/// Kernel ids of what is not a customer; a scenario id cannot contain a slash at its start.
const OPS: [&str; 5] = ["/plant", "/dcu", "/wan", "/cloud", "/outside"];
const HEIGHT_M: [(Placement, f64); 3] = [(Placement::Pole, 4.0), (Placement::Wall, 1.8), (Placement::Indoor, 1.5)];

impl<'s> Village<'s> {
    /// The village under these traits, with its first events scheduled.
    pub(crate) fn build(
        scenario: &'s Scenario,
        timeline: &'s Timeline,
        traits: Traits,
    ) -> Result<(Self, Queue<Event>), KernelError> {
        let seed = (scenario.run.seed, scenario.run.replication);
        let layout = &scenario.village;
        let ids = layout.customers.iter().map(|c| c.id.as_str()).chain(OPS);
        let nodes = NodeTable::new(ids)?;
        let op = |name: &str| nodes.id(name).ok_or_else(|| KernelError::DuplicateNode { id: name.to_owned() });
        let ops =
            Ops { plant: op(OPS[0])?, dcu: op(OPS[1])?, wan: op(OPS[2])?, cloud: op(OPS[3])?, outside: op(OPS[4])? };
        let mut mesh = mesh(scenario, seed);
        if scenario.comms.mesh.fidelity == Fidelity::Frame {
            let nodes = mesh_nodes(scenario, seed);
            Frames::new(scenario, &nodes, nodes.len() - 1, seed).into_iter().for_each(|f| mesh.look_closely(f));
        }
        let usage = Catalogue::new(&scenario.demand);
        let keys = SiteKeys::draw(seed);
        let mut entries = entries(scenario, &usage, seed, &keys);
        let tokens = money::Tokens::new(scenario, seed);
        let site_vends = traits.keypad && traits.local_vending && traits.credit_at == CreditAt::Meter;
        for (index, entry) in entries.iter_mut().enumerate().filter(|_| site_vends) {
            entry.sts = Some(money::sts_meter(tokens.key(index), tokens.gateways[index], &entry.account));
        }
        let mut people = Population::new();
        let mut cash_daily_minor = 0.0;
        for (index, entry) in entries.iter().enumerate() {
            let node = op(&layout.customers[index].id)?;
            let (identity, load, purse) = person(scenario, &usage, seed, index, node, entry.opening_balance_minor);
            if purse.disposition.pays_cash {
                cash_daily_minor += purse.daily_spend_minor;
            }
            let sts = (traits.keypad && traits.credit_at == CreditAt::Meter).then(|| tokens.decoder(scenario, index));
            let gasp = super::outage::meter_config(scenario, seed, index, &keys.gasp_master());
            let meter = meter(scenario, traits, (entry, &keys, meter_entropy(seed, identity.key)), (sts, gasp));
            let unit = meter_unit(meter, index, &mesh);
            people.spawn((identity, unit, load, purse, Light::new()));
        }
        let kits = money::Kits::new(scenario, seed);
        // Kits are sold to wherever the site takes payments itself.
        let devices = if traits.local_vending { kits.entries(scenario) } else { Vec::new() };
        let sells = site_vends || traits.credit_at != CreditAt::Cloud && !devices.is_empty();
        let vending = sells.then(|| VendingConfig { devices, ..money::vending_config(scenario) });
        let outage = super::outage::dcu_config(scenario, &keys.gasp_master());
        let config = DcuConfig { vending, outage, ..dcu_config(scenario, traits, seed) };
        let holdup_ms = (scenario.comms.dcu_holdup_h * 3_600_000.0) as u64;
        let cloud_config = CloudConfig {
            utc_offset_s: scenario.site.utc_offset_s,
            leases: site_vends.then(|| money::lease_policy(scenario)),
            classes: scenario.classes.clone(),
            ..CloudConfig::new(traits, scenario.tariff.clone())
        };
        let cloud = Cloud::new(cloud_config, &entries);
        let hours = scenario.run.days as usize * 24;
        let first_period = (scenario.run.start_unix_s / 3600) as u32;
        let mut village = Self {
            scenario,
            timeline,
            traits,
            meddling: Meddling::default(),
            seed,
            ops,
            power: power(scenario),
            inverter: Part::new(Cause::InverterFailed),
            feeders: layout.feeders.iter().map(|_| Part::new(Cause::FeederOpen)).collect(),
            lines: layout.customers.iter().map(|_| Part::new(Cause::FeederOpen)).collect(),
            meter_parts: layout.customers.iter().map(|_| Part::new(Cause::MeterDead)).collect(),
            site: Site::new(config, entries, holdup_ms, SiteDisk::of(traits.credit_at, seed, scenario)),
            wan: Wan::new(traits.backhaul, scenario.comms.cellular.bearer.figures().registration_s),
            cloud: CloudHost::new(cloud),
            cloud_part: Part::new(Cause::CloudDown),
            provider: Part::new(Cause::ProviderDown),
            agent: Part::new(Cause::AgentAway),
            money: money::Money::new(scenario, seed, cash_daily_minor, tokens, kits),
            repairs: super::repair::Repairs::new(layout.customers.len()),
            tampers: super::tamper::Tampers::default(),
            pays: Vec::new(),
            leaving: Vec::new(),
            stirred: Vec::new(),
            usage,
            rearm: Vec::new(),
            outages: 0,
            outage: super::outage::Outages::new(scenario),
            touched: Vec::new(),
            touched_all: false,
            messages: Messages::default(),
            records: Records::default(),
            component_down: ComponentLog::default(),
            telemetry: TelemetryCount::new(layout.customers.len(), hours, first_period),
            payloads: RollingDigest::default(),
            people,
            mesh,
        };
        village.age_capacitors();
        village.record_links();
        let mut queue = Queue::new(nodes);
        village.start(&mut queue);
        Ok((village, queue))
    }

    fn start(&mut self, queue: &mut Queue<Event>) {
        self.arm_edge(0, queue);
        let first = SimTime::from_ms(TICK_MS);
        queue.arm(&mut self.power.wake, first, Phase::Power, self.ops.plant, |generation| Event::PlantTick {
            generation,
        });
        queue.at(SimTime::from_ms(SAMPLE_MS), Phase::Probe, self.ops.plant, Event::Sample);
        for customer in 0..self.people.len() {
            let one = self.people.of(customer);
            let node = one.identity.node;
            // People do not look at their balance all at once.
            let spread_ms = one.identity.key.0 % 86_400_000;
            queue.at(SimTime::ZERO, Phase::Customer, node, Event::Day { customer });
            self.arm_person(customer, spread_ms, queue);
            self.connection_turned(customer, 0, queue);
        }
        self.schedule_operations(queue);
        self.money_turned(0, queue);
        self.schedule_kits(queue);
        self.boot_dcu(0, queue);
        self.boot_cloud(queue);
        self.settle(0);
    }

    /// Weather, outside lives, everybody's dispositions: what no architecture can influence.
    pub(crate) fn exogenous_digest(&mut self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.timeline.digest.0);
        for customer in 0..self.people.len() {
            let one = self.people.of(customer);
            hash.update(format!("{:?}{:?}", one.purse.disposition, one.load.factor).as_bytes());
        }
        Digest(hash.finalize().into())
    }

    /// Bytes that arrived anywhere.
    pub(crate) fn payload_digest(&self) -> Digest {
        self.payloads.finish()
    }

    fn record_links(&mut self) {
        let root = self.mesh.topology.root();
        let name = |node: usize| if node == root { u32::MAX } else { node as u32 };
        for link in self.mesh.topology.links() {
            let (a, b) = (link.a, link.b);
            let parent = |node: usize| self.mesh.routes().parent[node];
            let in_tree = parent(a) == Some(b as u32) || parent(b) == Some(a as u32);
            // Of the hundreds of thousands of audible pairs a reader wants those that are used or could be.
            if in_tree || link.etx < 2.0 {
                self.records.links.push(LinkRow {
                    from: name(a),
                    to: name(b),
                    rssi_dbm: link.rssi_dbm as f32,
                    per: link.per as f32,
                    etx: link.etx as f32,
                    in_tree,
                });
            }
        }
    }
}

fn power(scenario: &Scenario) -> Power {
    let params = &scenario.power;
    let site = &scenario.site;
    let context = SunContext::new(scenario.run.start_unix_s, site.lat_deg, site.lon_deg);
    let clouded = scenario.faults.iter().any(|f| matches!(f.what, FaultKind::Cloudy { .. }));
    let sky = Sky::new(scenario.weather.series.clone(), context, Array::new(&params.pv));
    Power::new(params, clouded, sky)
}

/// The policy of the site as this scenario sets it, but for the devices sold.
pub(crate) fn site_policy(scenario: &Scenario, traits: Traits) -> DcuConfig {
    let site_vends = traits.keypad && traits.local_vending && traits.credit_at == CreditAt::Meter;
    let vending = site_vends.then(|| money::vending_config(scenario));
    DcuConfig { vending, ..dcu_config(scenario, traits, (scenario.run.seed, scenario.run.replication)) }
}

fn dcu_config(scenario: &Scenario, traits: Traits, seed: (u64, u32)) -> DcuConfig {
    let (utc_offset_s, classes) = (scenario.site.utc_offset_s, scenario.classes.clone());
    let fetch = money::fetch_config(scenario, traits, seed);
    let name = scenario.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let ledger_origin = format!("simulation.invalid/{}/{}-{}/site", name.collect::<String>(), seed.0, seed.1);
    DcuConfig { utc_offset_s, classes, fetch, ledger_origin, ..DcuConfig::new(traits, scenario.tariff.clone()) }
}

/// What an average customer of the class spends a day, minor units.
fn daily_spend_minor(scenario: &Scenario, usage: &Catalogue, index: usize, factor: f64) -> f64 {
    let class = scenario.village.customers[index].class;
    let tariff = scenario.tariff_of(index);
    let price = tariff.energy_price_per_kwh_minor as f64;
    usage.mean_daily_wh(&class) * factor / 1000.0 * price + tariff.daily_fee_minor as f64
}

/// Local days since 1970 on the day of the start.
fn first_day(scenario: &Scenario) -> i64 {
    (scenario.run.start_unix_s + i64::from(scenario.site.utc_offset_s)).div_euclid(86_400)
}

/// Who somebody is: their factor on the class's use, their disposition, and what they spend a day, minor units.
fn character(scenario: &Scenario, usage: &Catalogue, seed: (u64, u32), index: usize) -> (f64, Disposition, f64) {
    let customer = &scenario.village.customers[index];
    let draws = |purpose| Draws::keyed(seed.0, seed.1, NodeKey::of(&customer.id), purpose, 0);
    let tariff = scenario.tariff_of(index);
    let price = tariff.energy_price_per_kwh_minor as f64 / f64::from(tariff.minor_per_unit.max(1));
    let factor = scenario.demand.factor(&mut draws(APPLIANCES)) * scenario.demand.price_factor(price);
    let daily_wh = usage.mean_daily_wh(&customer.class) * factor;
    let cash_share = scenario.comms.payments.cash_share;
    let disposition = Disposition::draw(&scenario.people, cash_share, daily_wh, &mut draws(DISPOSITION));
    (factor, disposition, daily_spend_minor(scenario, usage, index, factor))
}

fn entries(scenario: &Scenario, usage: &Catalogue, seed: (u64, u32), keys: &SiteKeys) -> Vec<MeterEntry> {
    let customers = scenario.village.customers.iter().enumerate();
    customers
        .map(|(index, customer)| {
            let key = NodeKey::of(&customer.id);
            let mut opening = Draws::keyed(seed.0, seed.1, key, OPENING, 0);
            // Somewhere between two top-ups.
            let (_, disposition, daily_minor) = character(scenario, usage, seed, index);
            let days = disposition.low_balance_days + opening.uniform() * disposition.topup_days;
            MeterEntry {
                id: customer.meter_id.clone(),
                account: customer.id.clone(),
                access: MeterAccess::Keys(keys.of(&customer.meter_id)),
                opening_balance_minor: (daily_minor * days) as i64,
                sts: None,
            }
        })
        .collect()
}

fn person(
    scenario: &Scenario,
    usage: &Catalogue,
    seed: (u64, u32),
    index: usize,
    node: NodeId,
    opening_minor: i64,
) -> (Identity, Load, Purse) {
    let customer = &scenario.village.customers[index];
    let key = NodeKey::of(&customer.id);
    let (factor, disposition, daily) = character(scenario, usage, seed, index);
    let mut found = Draws::keyed(seed.0, seed.1, key, MONEY, 0);
    let money = MoneyBox::found(&disposition.earner, &scenario.people.income, first_day(scenario), &mut found);
    let rated = Rated::new(scenario.tariff_of(index), scenario.run.start_unix_s, scenario.site.utc_offset_s);
    let identity = Identity { node, key, class: customer.class, feeder: customer.feeder };
    (identity, Load::new(factor), Purse::new(disposition, money, opening_minor, daily, rated))
}

fn meter(
    scenario: &Scenario,
    traits: Traits,
    (entry, keys, entropy): (&MeterEntry, &SiteKeys, [u8; 32]),
    (sts, gasp): (Option<StsConfig>, Option<GaspConfig>),
) -> Meter {
    let tariff = scenario.classes.of(&scenario.tariff, &entry.account);
    Meter::new(MeterConfig {
        logical_device_name: entry.id.clone(),
        energised: true,
        boot_relay_open: traits.boot_relay == BootRelay::Open,
        credit_at_meter: traits.credit_at == CreditAt::Meter,
        sts,
        gasp,
        access: keys.meter(&entry.id),
        entropy,
        unix_s_at_zero: scenario.run.start_unix_s,
        utc_offset_s: scenario.site.utc_offset_s,
        opening_credit_minor: entry.opening_balance_minor,
        price_per_kwh_minor: tariff.energy_price_per_kwh_minor,
        fee_per_day_minor: tariff.daily_fee_minor,
        grace_minor: tariff.trust_minor(),
        ..MeterConfig::default()
    })
}

fn meter_unit(meter: Meter, index: usize, mesh: &Mesh) -> MeterUnit {
    let routes = mesh.routes();
    let routed = routes.has_route(index);
    MeterUnit {
        meter,
        wake: Wake::default(),
        armed_for: None,
        dead: false,
        opened: Opened::No,
        recorded: None,
        ordered: None,
        last_loss: Chain::EMPTY,
        joining_since_ms: None,
        joins: 0,
        join_wake: Wake::default(),
        hops: if routed { routes.hops[index] } else { 0 },
        path_etx: if routed { routes.path_etx[index] } else { 0.0 },
    }
}

/// Customers whose meters have no route when everything is alive and quiet.
pub(crate) fn unreached(scenario: &Scenario) -> Vec<String> {
    let mesh = mesh(scenario, (scenario.run.seed, scenario.run.replication));
    let customers = scenario.village.customers.iter().enumerate();
    customers.filter(|(node, _)| !mesh.routes().has_route(*node)).map(|(_, customer)| customer.id.clone()).collect()
}

/// Hops of every meter over settled routes, however many; `None` without a way.
pub(crate) fn settled_hops(scenario: &Scenario) -> Vec<Option<u16>> {
    let endless = MeshParams { hop_limit: u16::MAX, ..scenario.comms.mesh.clone() };
    let mesh = mesh_under(scenario, &endless, (scenario.run.seed, scenario.run.replication));
    let routes = mesh.routes();
    (0..scenario.village.customers.len()).map(|node| routes.has_route(node).then(|| routes.hops[node])).collect()
}

/// The nodes of the mesh: meters, relays, and last the root.
pub(crate) fn mesh_nodes(scenario: &Scenario, seed: (u64, u32)) -> Vec<Mounted> {
    let layout = &scenario.village;
    let radio = &scenario.comms.radio;
    let meters = layout.customers.iter().map(|customer| {
        let building = &layout.buildings[customer.building as usize];
        let roof = match building.roof {
            Roof::Iron => RoofKind::Iron,
            Roof::Thatch => RoofKind::Thatch,
            Roof::Tile => RoofKind::Tile,
        };
        let wall = match building.wall {
            Wall::Mud => WallKind::Mud,
            Wall::Brick => WallKind::Brick,
            Wall::Wood => WallKind::Wood,
            Wall::Sheet => WallKind::Sheet,
        };
        let mount = match customer.placement {
            Placement::Pole => Mount::Pole,
            Placement::Wall => Mount::Wall(roof, wall),
            Placement::Indoor => Mount::Indoor(roof, wall),
        };
        let height_m = HEIGHT_M.iter().find(|h| h.0 == customer.placement).map_or(1.8, |h| h.1);
        let key = NodeKey::of(&customer.id);
        Mounted::meter(key, customer.meter_at_m, height_m, radio.meter_antenna, mount, seed.0)
    });
    let places = layout.relays.iter().chain([&layout.dcu]);
    let masts =
        places.map(|place| Mounted::on_pole(NodeKey::of(&place.id), place.at_m, place.height_m, radio.mast_antenna));
    meters.chain(masts).collect()
}

/// The mesh for messages, which also knows what is in reach at all.
pub(super) fn mesh(scenario: &Scenario, seed: (u64, u32)) -> Mesh {
    mesh_under(scenario, &scenario.comms.mesh, seed)
}

fn mesh_under(scenario: &Scenario, params: &MeshParams, seed: (u64, u32)) -> Mesh {
    let (layout, radio) = (&scenario.village, &scenario.comms.radio);
    let nodes = mesh_nodes(scenario, seed);
    let root = nodes.len() - 1;
    let mut topology = Topology::build(radio, params, &nodes, root, seed.0);
    if let (Some(band), others @ [_, ..]) = (params.band(radio.frequency_hz()), &scenario.comms.interferers[..]) {
        topology = topology.among(others, &band, &VillageRadio::new(radio, seed.0), &nodes);
    }
    let keys = nodes.iter().map(|node| node.key).collect();
    let mut mesh = Mesh::new(topology, params.clone(), Season::of(scenario, seed), keys, layout.customers.len());
    if params.relay_supply == RelaySupply::Line {
        mesh.hang_relays(layout);
    }
    mesh
}
