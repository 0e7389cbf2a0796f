//! The scenario: roofs as squares of the right size, every second one connected, poles along the way.

use taa_dcu::config::{Tariff, Traits};
use taa_models::{demand::Class, plant::PlantParams};
use taa_scenarios::model::{
    Building, Comms, Customer, Fault, FaultKind, FaultTarget, Feeder, Line, LineEnd, Place, Placement, Pole, Roof,
    RunPlan, Scenario, Site, Village, Wall, Weather,
};

use super::draw;

const POINTS: &str = include_str!("jija_points.csv");
const LAT: f64 = -2.8478;
const LON: f64 = 33.6118;

/// The sample scenario over so many days.
pub(crate) fn scenario(days: u32) -> Scenario {
    scenario_of(days, 1)
}

/// The same with the village repeated so many times along a road.
pub(crate) fn scenario_of(days: u32, copies: usize) -> Scenario {
    let mut power = PlantParams::default();
    power.pv.kwp = 32.0;
    power.battery.capacity_kwh = 96.0;
    power.inverter_kw = 20.0;
    Scenario {
        name: "jija".to_owned(),
        title: "Jija".to_owned(),
        site: Site { lat_deg: LAT, lon_deg: LON, utc_offset_s: 10_800 },
        village: village(copies),
        weather: Weather {
            series: taa_models::weather::Series::default(),
            source: "Lodwar, Kenya (PVWatts hourly, typical year)".to_owned(),
            distance_km: 712.0,
        },
        power,
        tariff: Tariff {
            currency: "TZS".to_owned(),
            minor_per_unit: 100,
            energy_price_per_kwh_minor: 160_000,
            daily_fee_minor: 0,
            grace_minor: 0,
            ..Tariff::default()
        },
        classes: taa_dcu::config::Classes::default(),
        comms: Comms::default(),
        demand: Default::default(),
        economics: Default::default(),
        people: Default::default(),
        assets: Default::default(),
        run: RunPlan {
            start_unix_s: 1_767_214_800,
            days,
            seed: 42,
            replication: 0,
            ledger: false,
            disk: taa_scenarios::model::DiskModel::Auto,
            architectures: ["cloud_sync", "edge_local"]
                .map(|name| (name.to_owned(), Traits::bundle(name).expect("a bundle")))
                .to_vec(),
        },
        faults: vec![Fault {
            id: "tower_out".to_owned(),
            what: FaultKind::TowerOut,
            target: FaultTarget::Tower(0),
            from_ms: 12 * 86_400_000 + 43_200_000,
            until_ms: 14 * 86_400_000,
        }],
        operations: Vec::new(),
        notes: vec![
            "Roof and wall materials are assumed: the footprints do not tell.".to_owned(),
            "Weather is a typical year from another site; it knows nothing of this one's clouds.".to_owned(),
        ],
        attributions: vec!["Buildings © OpenStreetMap contributors, ODbL 1.0 (openstreetmap.org/copyright)".to_owned()],
    }
}

fn village(copies: usize) -> Village {
    let mut village = Village {
        feeders: ["north", "south"].map(|id| Feeder { id: id.to_owned() }).to_vec(),
        dcu: Place { id: "dcu".to_owned(), at_m: [0.0, 0.0], height_m: 8.0 },
        generation: Place { id: "plant".to_owned(), at_m: [0.0, 0.0], height_m: 3.0 },
        ..Village::default()
    };
    let rows = (0..copies).flat_map(|copy| POINTS.lines().skip(1).map(move |line| (copy, line)));
    for (row, (copy, line)) in rows.enumerate() {
        let mut fields = line.split(',');
        let id = format!("{}{}", fields.next().expect("id"), ["", "b", "c", "d"][copy % 4]);
        let number = |text: Option<&str>| text.expect("a field").trim().parse::<f64>().expect("a number");
        let (lat, lon, area_m2) = (number(fields.next()), number(fields.next()), number(fields.next()));
        let at_m =
            [(lon - LON) * 111_320.0 * libm::cos(LAT.to_radians()) + 700.0 * copy as f64, (lat - LAT) * 110_574.0];
        village.buildings.push(building(row, id, at_m, area_m2));
    }
    poles(&mut village);
    for index in (0..village.buildings.len()).filter(|i| draw(*i as u64) < 0.63) {
        connect(&mut village, index);
    }
    village
}

fn building(row: usize, id: String, at_m: [f64; 2], area_m2: f64) -> Building {
    let half = libm::sqrt(area_m2) / 2.0;
    let turn = draw(row as u64 + 5000) * std::f64::consts::PI;
    let (sin, cos) = (libm::sin(turn), libm::cos(turn));
    let corner = |(x, y): (f64, f64)| [at_m[0] + (x * cos - y * sin) * half, at_m[1] + (x * sin + y * cos) * half];
    Building {
        id,
        outline_m: [(-1.2, -0.8), (1.2, -0.8), (1.2, 0.8), (-1.2, 0.8), (-1.2, -0.8)].map(corner).to_vec(),
        at_m,
        area_m2,
        roof: Roof::Iron,
        wall: Wall::Mud,
        customer: None,
    }
}

/// A pole wherever no other is within 45 m of a building; each hangs on the nearest one already there.
fn poles(village: &mut Village) {
    let mut order: Vec<[f64; 2]> = village.buildings.iter().map(|b| b.at_m).collect();
    order.sort_by(|a, b| libm::hypot(a[0], a[1]).total_cmp(&libm::hypot(b[0], b[1])));
    for at in order {
        let nearest = nearest_pole(village, at);
        if nearest.is_some_and(|(_, d)| d < 45.0) {
            continue;
        }
        let to = village.poles.len() as u32;
        let feeder = nearest.map_or(0, |(i, _)| village.poles[i as usize].feeder).max(u32::from(at[1] < 0.0));
        village.poles.push(Pole { id: format!("pole-{to}"), at_m: at, feeder });
        village.lines.push(Line {
            id: format!("line-{to}"),
            from: nearest.map_or(LineEnd::Source, |(i, _)| LineEnd::Pole(i)),
            to,
            length_m: nearest.map_or(10.0, |(_, d)| d),
        });
    }
}

fn nearest_pole(village: &Village, at: [f64; 2]) -> Option<(u32, f64)> {
    let distance = |p: &Pole| libm::hypot(p.at_m[0] - at[0], p.at_m[1] - at[1]);
    let nearest = village.poles.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))?;
    Some((nearest.0 as u32, distance(nearest.1)))
}

fn connect(village: &mut Village, index: usize) {
    let number = village.customers.len() as u32;
    let at_m = village.buildings[index].at_m;
    let (pole, service_m) = nearest_pole(village, at_m).expect("a pole");
    let kind = draw(index as u64 + 900);
    village.buildings[index].customer = Some(number);
    village.customers.push(Customer {
        id: format!("c{}", village.buildings[index].id),
        meter_id: format!("TAA{number:08}"),
        building: index as u32,
        class: match kind {
            k if k < 0.62 => Class::HouseholdLow,
            k if k < 0.86 => Class::HouseholdMiddle,
            k if k < 0.92 => Class::HouseholdHigh,
            k if k < 0.985 => Class::Shop,
            k if k < 0.99 => Class::School,
            _ => Class::Mill,
        },
        placement: [Placement::Pole, Placement::Wall, Placement::Indoor][(kind * 97.0) as usize % 3],
        pole,
        feeder: village.poles[pole as usize].feeder,
        phase: (number % 3) as u8,
        meter_at_m: at_m,
        service_m,
    });
}
