//! Money is neither lost nor doubled, every part of its way shows when it fails, and where the tower is down money moves
//! only where it can.

mod common;

use common::{DAY_MS, all_bundles, bundle, calm_money, fault, simulate, village};
use taa_dcu::config::Traits;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    cause::Cause,
    records::{PayChannel, PayOutcome, PaymentRow, Records, TokenBy},
    result::{ArchResult, RunResult},
};

/// A village in which nothing but the stated faults stands in the way of money.
fn quiet(days: u32) -> Scenario {
    let mut scenario = village(80, days, 7);
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 1.3;
    scenario.comms.cellular = taa_models::cellular::CellularParams::calm();
    calm_money(&mut scenario);
    let assets = &mut scenario.assets;
    assets.inverter_failures_per_year = 0.0;
    assets.feeder_failures_per_year = 0.0;
    assets.meter_failures_per_year = 0.0;
    assets.dcu_failures_per_year = 0.0;
    scenario
}

/// What is wrong with the money of a run; empty when nothing is.
fn money_faults(records: &Records, by_hand: bool) -> Vec<String> {
    let mut found = Vec::new();
    let books = &records.books;
    let sum = |of: &dyn Fn(&PaymentRow) -> bool| {
        records.payments.rows().filter(|pay| of(pay)).map(|pay| pay.amount_minor).sum::<i64>()
    };
    let accepted = sum(&|pay| pay.accepted_ms.is_some());
    let credited = sum(&|pay| pay.credited_ms.is_some());
    let applied = sum(&|pay| pay.applied_ms.is_some());
    let mut demand = |what: &str, a: i64, b: i64| {
        if a != b {
            found.push(format!("{what}: {a} is not {b}"));
        }
    };
    demand("accepted, purses against payments", records.customers.paid_minor.iter().sum(), accepted);
    demand("accepted, books against payments", books.accepted_minor, accepted);
    demand("the vendor's Book against payments", books.vendor_minor, credited);
    let elsewhere = books.in_flight_minor + books.held_minor;
    demand("accepted against vendor and in flight", accepted, books.vendor_minor + elsewhere);
    demand("applied", books.applied_minor, applied);
    if by_hand {
        let tokens = &books.tokens;
        demand("paid for tokens against issued and due", tokens.paid_u, tokens.issued_u + tokens.due_u);
        demand(
            "issued against loaded and waiting",
            tokens.issued_u + tokens.chance_u,
            tokens.loaded_u + tokens.waiting_u,
        );
        demand("typed into meters against loaded", books.meters_minor, tokens.loaded_u.div_euclid(tokens.u_per_minor));
        let taken = records.payments.applied_ms.iter().flatten().count();
        demand("tokens taken against payments applied", i64::from(tokens.used), taken as i64);
        let rest_u = applied * tokens.u_per_minor - (tokens.loaded_u - tokens.chance_u);
        // What is still due, and what tokens on their way have taken of it: steps of tokens, at most 1/1600 of their worth.
        if rest_u.abs() > tokens.due_u + tokens.issued_u / 1600 {
            demand("applied against loaded but for what is due", rest_u, tokens.due_u);
        }
    }
    for (row, pay) in records.payments.rows().enumerate() {
        let stages = [pay.accepted_ms, pay.at_aggregator_ms, pay.at_intake_ms, pay.at_vendor_ms, pay.credited_ms];
        let reached: Vec<u64> = stages.into_iter().flatten().collect();
        // A number on paper is in use before its vendor hears of it.
        let effect = if pay.token_by == TokenBy::Stock { pay.accepted_ms } else { pay.credited_ms };
        if !reached.is_sorted() || pay.applied_ms.is_some_and(|applied| effect.is_none_or(|at| at > applied)) {
            found.push(format!("row {row}: stages out of order"));
        }
        if (pay.outcome == PayOutcome::Applied) != pay.applied_ms.is_some() {
            found.push(format!("row {row}: {:?} does not fit its times", pay.outcome));
        }
    }
    found
}

fn by_hand(traits: &Traits) -> bool {
    traits.keypad
}

fn of<'a>(result: &'a RunResult, name: &str) -> &'a ArchResult {
    result.architectures.iter().find(|arch| arch.name == name).expect("an architecture of that name")
}

/// Callbacks that are often lost, late and doubled, messages and sessions that often fail, parts that often are down.
fn rough(days: u32, seed: u64) -> Scenario {
    let mut scenario = village(24, days, seed);
    let payments = &mut scenario.comms.payments;
    payments.callback_lost_share = 0.1;
    payments.callback_late_share = 0.2;
    payments.callback_doubled_share = 0.5;
    payments.sms_loss_share = 0.2;
    payments.provider_outages_per_year = 200.0;
    payments.cloud_outages_per_year = 200.0;
    payments.aggregators.outages_per_year = 200.0;
    payments.intake.outages_per_year = 200.0;
    payments.agent.away_per_month = 10.0;
    scenario.people.topup_interval_median_days = 1.5;
    scenario.run.architectures = all_bundles();
    scenario
}

#[test]
fn money_is_neither_lost_nor_doubled_under_any_bundle_over_twenty_seeds() {
    let (mut doubled, mut overtaken, mut typed) = (0, 0, 0);
    for seed in 0..20 {
        let mut scenario = rough(6, seed);
        scenario.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::All, 30, 60));
        scenario.faults.push(fault("dcu", FaultKind::DcuPowerLost, FaultTarget::All, 70, 75));
        let result = simulate(&scenario);
        for arch in &result.architectures {
            assert_eq!(
                money_faults(&arch.records, by_hand(&arch.traits)),
                Vec::<String>::new(),
                "{seed} {}",
                arch.name
            );
            doubled += arch.records.books.duplicates;
            overtaken += arch.records.payments.rows().filter(|pay| pay.callbacks > 1).count();
            typed += arch.records.payments.entries.iter().sum::<u32>();
        }
    }
    assert!(
        doubled > 200 && overtaken > 200,
        "{doubled} repeats, {overtaken} payments told twice: the test tests little"
    );
    assert!(typed > 200, "{typed} entries");
}

#[test]
fn sabotage_money_that_is_doubled_lost_or_out_of_order_is_seen() {
    let result = simulate(&rough(4, 1));
    let good = &of(&result, "sts_keypad").records;
    assert_eq!(money_faults(good, true), Vec::<String>::new());
    let with = |change: &dyn Fn(&mut Records)| {
        let mut records = good.clone();
        change(&mut records);
        money_faults(&records, true).join("; ")
    };
    let credited = good.payments.credited_ms.iter().position(Option::is_some).expect("somebody paid");
    let amount = good.payments.amount_minor[credited];
    assert!(with(&|r| r.books.vendor_minor += amount).contains("the vendor's Book"), "credited twice");
    assert!(with(&|r| r.books.meters_minor += amount).contains("typed into meters"), "typed twice");
    let amount_u = amount * good.books.tokens.u_per_minor;
    assert!(with(&|r| r.books.tokens.loaded_u += amount_u).contains("issued against loaded"), "loaded twice");
    assert!(with(&|r| r.books.tokens.issued_u += 1).contains("paid for tokens"), "given away");
    assert!(with(&|r| r.books.tokens.used -= 1).contains("tokens taken"), "applied without a token");
    assert!(with(&|r| r.books.in_flight_minor -= amount).contains("in flight"), "lost on the way");
    assert!(with(&|r| r.payments.credited_ms[credited] = Some(0)).contains("out of order"));
}

/// Hours of lost time whose root is the scripted fault.
fn scripted_h(arch: &ArchResult, id: &str) -> f64 {
    arch.kpis.downtime_h_by_cause.get(&format!("scripted:{id}")).copied().unwrap_or(0.0)
}

#[test]
fn each_part_shows_as_a_root_cause_and_its_hours_go_with_it() {
    let mut without = quiet(9);
    without.run.architectures = all_bundles();
    // Everybody can pay by night as well: one customer's night before a closed agent is more than the bounds allow for.
    without.people.phone_share = 1.0;
    let base = simulate(&without);
    for (id, what, bites) in [
        ("aggregator", FaultKind::AggregatorOut, &["cloud_sync", "cloud_cached", "sts_keypad", "edge_local"][..]),
        ("intake", FaultKind::IntakeOut, &["cloud_sync", "cloud_cached", "sts_keypad", "edge_local"]),
        ("ussd", FaultKind::UssdBroken, &["cloud_sync", "cloud_cached", "sts_keypad", "edge_local"]),
        ("sms", FaultKind::SmsLost, &["sts_keypad"]),
    ] {
        let mut scenario = without.clone();
        scenario.faults.push(fault(id, what, FaultTarget::All, 49, 49 + 48));
        let with = simulate(&scenario);
        if id == "ussd" {
            // Cash at a site that vends by itself goes on, as long as the agent is open.
            let [cloud, edge] = ["cloud_sync", "edge_local"].map(|name| scripted_h(of(&with, name), id));
            assert!(edge < 0.4 * cloud, "{edge} {cloud}");
        }
        for (arch, before) in with.architectures.iter().zip(&base.architectures) {
            let booked = scripted_h(arch, id);
            assert_eq!(booked > 1.0, bites.contains(&arch.name.as_str()), "{id} {}: {booked} h", arch.name);
            assert!(scripted_h(before, id) < 1e-9);
            let (total, earlier) = (arch.kpis.downtime_h, before.kpis.downtime_h);
            // People who were held up pay at other times afterwards: that is theirs, not the fault's.
            assert!(
                (total - booked - earlier).abs() <= 0.05 * total.max(100.0),
                "{id} {}: {total} - {booked} is not {earlier}",
                arch.name
            );
            assert_eq!(money_faults(&arch.records, by_hand(&arch.traits)), Vec::<String>::new(), "{id} {}", arch.name);
        }
    }
}

#[test]
fn parts_that_fail_by_themselves_are_named() {
    let mut scenario = quiet(12);
    scenario.run.architectures = vec![bundle("cloud_sync"), bundle("edge_local")];
    let payments = &mut scenario.comms.payments;
    payments.aggregators.outages_per_year = 150.0;
    payments.intake.outages_per_year = 900.0;
    payments.callback_lost_share = 0.2;
    payments.callback_late_share = 0.2;
    payments.ussd.broken_share = 0.7;
    payments.ussd.redials = 0;
    payments.agent.away_per_month = 20.0;
    payments.agent.float_days = 0.3;
    payments.provider_outages_per_year = 600.0;
    let result = simulate(&scenario);
    let causes = &result.architectures[0].kpis.downtime_h_by_cause;
    for name in ["aggregator_down", "intake_down", "callback_lost", "callback_late", "ussd_broken"] {
        assert!(causes.get(name).is_some_and(|&hours| hours > 0.0), "{name} is not among {causes:?}");
    }
    let causes = &result.architectures[1].kpis.downtime_h_by_cause;
    assert!(causes.get("agent_no_float").is_some_and(|&hours| hours > 0.0), "{causes:?}");
    let table = &result.architectures[0].records.payments;
    let held_by = |cause: Cause| table.held_by.iter().filter(|chain| chain.root() == Some(cause)).count();
    for cause in [Cause::AggregatorDown, Cause::IntakeDown, Cause::CallbackLost, Cause::UssdBroken] {
        assert!(held_by(cause) > 0, "{cause:?}");
    }
}

#[test]
fn month_ends_slow_acceptance_down() {
    let mut scenario = quiet(14);
    // Monday 26 January 2026 to 8 February: the turn of the month lies in it.
    scenario.run.start_unix_s += 21 * 86_400;
    scenario.people.topup_interval_median_days = 1.5;
    scenario.comms.payments.peaks.slowdown = 50.0;
    scenario.run.architectures = vec![bundle("cloud_sync")];
    let result = simulate(&scenario);
    let busy = |pay: &PaymentRow| {
        let (day, hour) = (pay.wanted_ms / DAY_MS, pay.wanted_ms % DAY_MS / 3_600_000);
        // Days 4 to 8 of the run are 30 January to 3 February.
        (4..9).contains(&day) && (8..20).contains(&hour)
    };
    let mean_s = |in_peak: bool| {
        let waits: Vec<f64> = result.architectures[0]
            .records
            .payments
            .rows()
            .filter(|pay| pay.channel == PayChannel::Phone && pay.attempts == 1 && busy(pay) == in_peak)
            .filter_map(|pay| Some((pay.accepted_ms? - pay.wanted_ms) as f64 / 1000.0))
            .collect();
        assert!(waits.len() > 20, "{} payments", waits.len());
        waits.iter().sum::<f64>() / waits.len() as f64
    };
    let (plain, peak) = (mean_s(false), mean_s(true));
    assert!(peak > 20.0 * plain, "{plain} s, at the turn of the month {peak} s");
}

#[test]
fn a_provider_that_is_overloaded_at_the_turn_of_the_month_is_named_and_not_on_other_days() {
    let mut scenario = quiet(14);
    scenario.run.start_unix_s += 21 * 86_400;
    scenario.people.topup_interval_median_days = 1.5;
    scenario.run.architectures = vec![bundle("cloud_sync")];
    let payments = &mut scenario.comms.payments;
    (payments.ussd.broken_share, payments.ussd.redials, payments.peaks.ussd_broken_factor) = (0.3, 0, 3.0);
    let result = simulate(&scenario);
    let arch = &result.architectures[0];
    // By the day on which they were wanted; those of the day before may still be tried on the first busy day.
    let held = |at_peak: bool, cause: Cause| {
        let rows = arch.records.payments.rows();
        let of_days = rows.filter(|pay| (4..9).contains(&(pay.wanted_ms / DAY_MS)) == at_peak);
        of_days.filter(|pay| pay.wanted_ms / DAY_MS != 3 && pay.held_by.root() == Some(cause)).count()
    };
    let (peak, plain) = (held(true, Cause::ProviderBusy), held(false, Cause::ProviderBusy));
    assert!(peak > 30 && plain == 0, "{peak} at the turn of the month, {plain} on other days");
    assert!(held(false, Cause::UssdBroken) > 10, "menus break on other days as well");
    assert!(arch.kpis.downtime_h_by_cause.get("provider_busy").is_some_and(|hours| *hours > 0.0));
}

/// Payments accepted while both towers are down, by the way they took.
fn accepted_in_the_dark(arch: &ArchResult, from_ms: u64, until_ms: u64) -> (usize, usize, usize) {
    let rows: Vec<PaymentRow> = arch
        .records
        .payments
        .rows()
        .filter(|pay| pay.accepted_ms.is_some_and(|at| (from_ms + 120_000..until_ms).contains(&at)))
        .collect();
    let count = |of: &dyn Fn(&PaymentRow) -> bool| rows.iter().filter(|pay| of(pay)).count();
    (
        count(&|pay| pay.channel == PayChannel::Phone),
        count(&|pay| pay.channel == PayChannel::Agent),
        count(&|pay| pay.token_by == TokenBy::Stock),
    )
}

#[test]
fn with_the_tower_down_money_moves_only_where_it_can() {
    let mut scenario = quiet(8);
    scenario.run.architectures = all_bundles();
    scenario.comms.payments.agent.paper_tokens = 15;
    scenario.people.topup_interval_median_days = 2.0;
    let (from_h, until_h) = (50, 50 + 60);
    scenario.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::All, from_h, until_h));
    let result = simulate(&scenario);
    let dark = |name: &str| accepted_in_the_dark(of(&result, name), from_h * 3_600_000, until_h * 3_600_000);
    assert_eq!(dark("cloud_sync"), (0, 0, 0));
    assert_eq!(dark("cloud_cached"), (0, 0, 0), "the cloud vends, however much the site has cached");
    assert_eq!(dark("sts_keypad"), (0, 15, 15), "as many as the agent has on paper");
    let (phone, agent, paper) = dark("edge_local");
    assert!(phone == 0 && agent > 15 && paper == 0, "{phone} {agent} {paper}");
    // What is sold for cash at a site that vends works at once; paper as soon as it is typed.
    let late = |name: &str, limit_ms: u64| {
        let slow = |pay: &PaymentRow| pay.applied_ms.is_none_or(|at| Some(at) > pay.accepted_ms.map(|a| a + limit_ms));
        let arch = of(&result, name);
        let sold = |pay: &PaymentRow| {
            pay.accepted_ms.is_some_and(|at| (from_h * 3_600_000..until_h * 3_600_000 - limit_ms).contains(&at))
        };
        arch.records.payments.rows().filter(|pay| sold(pay) && pay.channel == PayChannel::Agent && slow(pay)).count()
    };
    assert_eq!(late("edge_local", 1_800_000), 0);
    assert_eq!(late("sts_keypad", 14 * 3_600_000), 0, "typed after a night at the latest");
    for arch in &result.architectures {
        assert_eq!(money_faults(&arch.records, by_hand(&arch.traits)), Vec::<String>::new(), "{}", arch.name);
    }
}

#[test]
fn neither_mesh_nor_dcu_is_on_the_way_of_a_number() {
    let mut scenario = quiet(7);
    let (name, keypad) = bundle("sts_keypad");
    scenario.run.architectures =
        vec![(name, keypad), ("vending".to_owned(), Traits { local_vending: true, ..keypad }), bundle("cloud_cached")];
    scenario.people.topup_interval_median_days = 2.0;
    scenario.faults.push(fault("dcu", FaultKind::DcuPowerLost, FaultTarget::All, 24, 24 * 7));
    scenario.faults.push(fault("air", FaultKind::RadioJammed { noise_rise_db: 60.0 }, FaultTarget::All, 24, 24 * 7));
    let result = simulate(&scenario);
    let by_hand = of(&result, "sts_keypad");
    let early = |pay: &PaymentRow| pay.accepted_ms.is_some_and(|at| at < 5 * DAY_MS);
    let paid: Vec<PaymentRow> = by_hand.records.payments.rows().filter(early).collect();
    let applied: Vec<&PaymentRow> = paid.iter().filter(|pay| pay.applied_ms.is_some()).collect();
    assert!(paid.len() > 50 && applied.len() == paid.len(), "{} of {}", applied.len(), paid.len());
    assert!(scripted_h(by_hand, "dcu") + scripted_h(by_hand, "air") < 1e-9, "{:?}", by_hand.kpis.downtime_h_by_cause);
    // Where the DCU vends the numbers, or keeps the accounts, its loss is felt.
    assert!(scripted_h(of(&result, "vending"), "dcu") > 10.0);
    let cached = of(&result, "cloud_cached");
    assert!(cached.records.payments.rows().any(|pay| pay.at_vendor_ms.is_some() && pay.applied_ms.is_none()));
    // Telemetry goes over the mesh all the same.
    assert!((0.05..0.3).contains(&by_hand.kpis.telemetry_completeness), "{}", by_hand.kpis.telemetry_completeness);
}

#[test]
fn texts_are_lost_as_often_as_stated_and_asked_for_again() {
    let mut scenario = quiet(20);
    scenario.run.architectures = vec![bundle("sts_keypad")];
    scenario.people.topup_interval_median_days = 1.5;
    let texts = |loss_share: f64| {
        let mut scenario = scenario.clone();
        scenario.comms.payments.sms_loss_share = loss_share;
        let result = simulate(&scenario);
        let table = &result.architectures[0].records.payments;
        let sent: u32 = table.texts.iter().sum();
        let got = table.in_hand_ms.iter().flatten().count();
        (f64::from(sent), got as f64)
    };
    let (sent, got) = texts(0.0);
    assert!(got > 300.0 && sent - got < 3.0, "{sent} {got}");
    let (sent, got) = texts(0.25);
    assert!((1.0 - got / sent - 0.25).abs() < 0.06, "{sent} {got}");
}

#[test]
fn a_dead_cloud_does_not_stop_a_dcu_that_fetches() {
    let mut scenario = quiet(8);
    scenario.run.architectures = all_bundles();
    scenario.people.topup_interval_median_days = 2.0;
    scenario.faults.push(fault("cloud", FaultKind::CloudOut, FaultTarget::All, 48, 48 + 72));
    let result = simulate(&scenario);
    let credited = |name: &str| {
        let span = 50 * 3_600_000..(48 + 72) * 3_600_000_u64;
        of(&result, name).records.payments.credited_ms.iter().flatten().filter(|&at| span.contains(at)).count()
    };
    for name in ["cloud_sync", "cloud_cached", "sts_keypad"] {
        assert_eq!(credited(name), 0, "{name}");
        assert!(scripted_h(of(&result, name), "cloud") > 10.0, "{name}");
    }
    assert!(credited("edge_local") > 40, "{}", credited("edge_local"));
    assert!(scripted_h(of(&result, "edge_local"), "cloud") < 1e-9);
}
