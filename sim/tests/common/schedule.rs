//! Random schedules: a few customers who pay often, and everything that can stand in the way of their money. In the last
//! day nothing is held up any more, so that what is still stuck then is stuck for good.

use taa_models::{
    assets::AssetParams,
    cellular::CellularParams,
    draw::{Draws, NodeKey, Purpose},
};
use taa_scenarios::model::{Fault, FaultKind, FaultTarget, Scenario};

use taa_dcu::config::{
    CreditAt, Traits,
    tariff::{Block, Lifeline, Period, TimeOfDay},
};
use taa_models::payments::ProviderApi;
use taa_sim::{result::ArchResult, run::Meddling};

use super::{DAY_MS, HOUR_MS, all_bundles, village};

const SCHEDULE: Purpose = Purpose::named("money schedule");

/// What may happen, and for how many minutes at most.
const TROUBLES: [(FaultKind, u64); 14] = [
    (FaultKind::DcuPowerLost, 300),
    (FaultKind::TowerOut, 900),
    (FaultKind::BackhaulOut, 600),
    (FaultKind::CloudOut, 600),
    (FaultKind::IntakeOut, 400),
    (FaultKind::AggregatorOut, 400),
    (FaultKind::ProviderOut, 300),
    (FaultKind::SmsLost, 500),
    (FaultKind::DiskFull, 300),
    (FaultKind::SdWear, 900),
    (FaultKind::KeyModuleOut, 500),
    (FaultKind::LeasesExhausted, 500),
    (FaultKind::GatewayRefused, 900),
    (FaultKind::WrongKeyRevision, 600),
];

/// The schedule of this seed, for all four architectures, one in which the DCU sells tokens, by gateway or by hand, and one in
/// which it writes the credit into the meters (virtual tokens).
pub(crate) fn draw(seed: u64) -> Scenario {
    let mut draws = Draws::keyed(seed, 0, NodeKey::of("schedule"), SCHEDULE, 0);
    let customers = 3 + (draws.u64() % 4) as u32;
    let days = 3 + (draws.u64() % 4) as u32;
    let mut scenario = village(customers, days, seed);
    scenario.power.pv.kwp *= 3.0;
    scenario.power.battery.capacity_kwh *= 2.0;
    scenario.comms.cellular = CellularParams::calm();
    scenario.comms.dcu_holdup_h = 0.05;
    scenario.assets = AssetParams::none();
    scenario.run.architectures = all_bundles();
    let (_, keypad) = super::bundle("sts_keypad");
    scenario.run.architectures.push(("vending".to_owned(), Traits { local_vending: true, ..keypad }));
    let virtual_tokens = Traits { local_vending: true, keypad: false, ..keypad };
    scenario.run.architectures.push(("virtual".to_owned(), virtual_tokens));
    scenario.comms.payments.sts.gateway_share = [0.0, 0.5, 1.0][(seed % 3) as usize];
    scenario.people.topup_interval_median_days = 0.1 + 0.4 * draws.uniform();
    // What is asked here is what becomes of money, not whether people lose heart.
    scenario.people.phone_share = 1.0;
    let payments = &mut scenario.comms.payments;
    payments.api = [None, Some(ProviderApi::DarajaStk), Some(ProviderApi::MtnMomo)][(seed / 2 % 3) as usize];
    payments.callback_lost_share = 0.2 * draws.uniform();
    payments.callback_late_share = 0.3 * draws.uniform();
    payments.callback_doubled_share = 0.3 + 0.5 * draws.uniform();
    payments.sms_loss_share = 0.3 * draws.uniform();
    payments.provider_outages_per_year = 0.0;
    payments.cloud_outages_per_year = 0.0;
    payments.aggregators.outages_per_year = 0.0;
    payments.intake.outages_per_year = 0.0;
    payments.agent.away_per_month = 0.0;
    let calm_from_ms = u64::from(days - 1) * DAY_MS;
    let mut fault = |what: FaultKind, from_ms: u64, length_ms: u64| {
        let until_ms = (from_ms + length_ms).min(calm_from_ms);
        let id = format!("f{}", scenario.faults.len());
        scenario.faults.push(Fault { id, what, target: FaultTarget::All, from_ms, until_ms });
    };
    for _ in 0..4 + draws.u64() % 6 {
        let (what, minutes) = TROUBLES[(draws.u64() % TROUBLES.len() as u64) as usize];
        fault(what, draws.u64() % (calm_from_ms - HOUR_MS), 60_000 + draws.u64() % (minutes * 60_000));
    }
    // A disk that takes nothing for a while, and in the middle of it the power goes.
    let (refuses_ms, minutes) = (draws.u64() % (calm_from_ms - HOUR_MS), 30 + draws.u64() % 300);
    fault(FaultKind::DiskReadOnly, refuses_ms, minutes * 60_000);
    fault(FaultKind::DcuPowerLost, refuses_ms + minutes * 45_000, 120_000);
    // Short cuts of the power, each of them a cut of the disk: a quarter of an hour apart on the worst days.
    for _ in 0..10 + draws.u64() % 40 {
        fault(FaultKind::DcuPowerLost, draws.u64() % (calm_from_ms - HOUR_MS), 30_000 + draws.u64() % 200_000);
    }
    // A token under a wrong key is typed, refused, sold anew and typed again: that takes two days more to be late.
    if scenario.faults.iter().any(|fault| fault.what == FaultKind::WrongKeyRevision) {
        scenario.run.days += 2;
    }
    scenario.faults.sort_by_key(|fault| (fault.from_ms, fault.id.clone()));
    price(&mut scenario, seed);
    scenario
}

/// Every second seed has another kind of tariff: by the hour, in blocks, with a lifeline, with a daily fee. Where the credit
/// is in the meters there is one price for energy, so those architectures stay out of the first three.
fn price(scenario: &mut Scenario, seed: u64) {
    let tariff = &mut scenario.tariff;
    let price = tariff.energy_price_per_kwh_minor;
    let at = |hour: u16| TimeOfDay::from_minutes(hour * 60).unwrap();
    match seed % 8 {
        1 => tariff.periods.push(Period {
            name: "evening".into(),
            from: at(18),
            to: at(22),
            weekdays: Vec::new(),
            price_per_kwh_minor: price * 3 / 2,
        }),
        3 => tariff.blocks.push(Block { up_to_kwh: 1, price_per_kwh_minor: price / 2 }),
        5 => tariff.lifeline = Some(Lifeline { kwh: 1, price_per_kwh_minor: price / 4 }),
        7 => tariff.daily_fee_minor = price / 20,
        _ => {}
    }
    if matches!(seed % 8, 1 | 3 | 5) {
        scenario.run.architectures.retain(|(_, traits)| traits.credit_at != CreditAt::Meter);
    }
}

/// What else this seed does: two of three know wrong account names and a clerk who sees to them, every second one prices
/// that change, every fourth one prices that change three times within a minute and payers of another currency.
pub(crate) fn meddling(seed: u64) -> Meddling {
    Meddling {
        wrong_accounts: !seed.is_multiple_of(3),
        clerk: !seed.is_multiple_of(3),
        prices_change: seed % 2 == 1,
        prices_thrice: seed % 4 == 1,
        foreign_money: seed.is_multiple_of(4),
        vandals: seed % 5 < 2,
        audited: true,
        ..Meddling::default()
    }
}

/// The same with a disk that lies about what it has written, or loses a page: for the sites that have one.
pub(crate) fn with_a_lying_disk(seed: u64) -> Scenario {
    let mut scenario = draw(seed);
    let mut draws = Draws::keyed(seed, 1, NodeKey::of("schedule"), SCHEDULE, 0);
    scenario.run.architectures.retain(|(_, traits)| traits.local_vending);
    let days = u64::from(scenario.run.days) - 1;
    let from_ms = draws.u64() % (days * DAY_MS - 8 * HOUR_MS);
    let what = if seed.is_multiple_of(2) { FaultKind::FsyncLies } else { FaultKind::PageCorrupt };
    let mut fault = |id: &str, what, from_ms, length_ms| {
        let id = id.to_owned();
        scenario.faults.push(Fault { id, what, target: FaultTarget::All, from_ms, until_ms: from_ms + length_ms });
    };
    fault("lie", what, from_ms, 6 * HOUR_MS);
    fault("after the lie", FaultKind::DcuPowerLost, from_ms + 5 * HOUR_MS, 300_000);
    scenario.faults.sort_by_key(|fault| (fault.from_ms, fault.id.clone()));
    scenario
}

/// The schedule in words, for whoever looks into a failure.
pub(crate) fn story(scenario: &Scenario) -> String {
    let fault = |fault: &Fault| {
        format!("{} {:?} {}-{} min", fault.id, fault.what, fault.from_ms / 60_000, fault.until_ms / 60_000)
    };
    let faults: Vec<String> = scenario.faults.iter().map(fault).collect();
    format!("{} customers, {} days; {}", scenario.village.customers.len(), scenario.run.days, faults.join(", "))
}

/// What was said of the site and its disk.
pub(crate) fn told(arch: &ArchResult) -> String {
    let log = &arch.records.log;
    let of_the_site = |kind: &str| kind.starts_with("disk") || kind.starts_with("dcu");
    let rows = (0..log.kind.len()).filter(|&n| of_the_site(log.kind[n]));
    rows.map(|n| format!("{} min {}: {}\n", log.time_ms[n] / 60_000, log.kind[n], log.text[n])).collect()
}
