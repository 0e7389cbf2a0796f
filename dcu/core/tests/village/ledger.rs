//! Stories about the ledger: it says what the book says, it can be made again from the journal, and a disk that was put back
//! is found by what it had promised.

use std::collections::BTreeMap;

use taa_dcu::{
    DcuEvent, MeterIx, SignedError,
    cloud::CloudEvent,
    config::{CreditAt, DcuConfig, Tariff},
    journal::{Record as Entry, State},
    ledger::Leaf,
};
use taa_keys::Ed25519Private;
use taa_ledger::{
    Audit, Hash, Log, Record, Tree,
    note::{Kind, Signer},
};

use crate::village::{HOUR, S, Village, tariff, traits};

const ORIGIN: &str = "jija.example/ledger";

fn signer(seed: u8) -> Signer {
    Signer::new(ORIGIN, Kind::Ed25519, Ed25519Private::from_seed(&[seed; 32])).unwrap()
}

fn config(credit_at: CreditAt) -> DcuConfig {
    let mut config = DcuConfig::new(traits(credit_at), tariff());
    config.tariff.daily_fee_minor = 70;
    config.ledger_origin = ORIGIN.to_owned();
    config.ledger_verifier = Some(signer(1).verifier().to_text());
    config
}

/// A few days with everything in them: agents, phones, repeats, clashes, strangers, other prices, power cuts.
fn eventful(credit_at: CreditAt, seed: u64) -> Village {
    let mut village = Village::with(config(credit_at), 3, 2_500, seed);
    village.sync_max = S;
    village.loss = 5;
    village.run_until(5 * HOUR);
    village.pay_agent("R1", 0, 9_000);
    village.pay_agent("R1", 0, 9_000);
    village.pay_agent("R1", 1, 9_000);
    village.pay_agent("R2", 77, 1_234);
    village.run_for(10 * HOUR);
    village.cut();
    village.run_for(3 * HOUR);
    village.boot();
    village.pay_phone("P1", 1, 12_345);
    village.run_for(2 * HOUR);
    let lost = village.state().book().suspense().next().map(|payment| payment.id());
    village.with_dcu(|dcu, now| {
        lost.map(|id| dcu.resolve_suspense(now, &id, MeterIx(2)));
    });
    village.change_prices(Tariff { energy_price_per_kwh_minor: 7_777, daily_fee_minor: 11, ..tariff() });
    village.run_for(30 * HOUR);
    village.pay_agent("R3", 2, 40_000);
    village.pay_agent("R4", 78, 55);
    village.run_for(20 * HOUR);
    village.sync_max = 0;
    village.run_for(HOUR);
    village
}

fn records(leaves: &[Leaf]) -> Vec<Record> {
    leaves.iter().map(|leaf| Record::from_bytes(&leaf.bytes).unwrap()).collect()
}

fn minor(record: &Record) -> i64 {
    record.amount.as_ref().map_or(0, |money| money.minor)
}

fn detail(record: &Record, name: &str) -> i128 {
    record.details.get(name).map_or(0, |text| text.parse().unwrap())
}

/// The leaves say what the book says, to the minor unit; else the first thing that differs.
pub(crate) fn agree(leaves: &[Leaf], state: &State) -> Result<(), String> {
    let mut tree = Tree::default();
    for (index, leaf) in (0..).zip(leaves) {
        if leaf.index != index {
            return Err(format!("leaf {index} has the index {}", leaf.index));
        }
        tree.append_hash(Hash::of_leaf(&leaf.bytes));
    }
    if (tree.size(), tree.root()) != (state.ledger().size(), state.ledger().root()) {
        return Err(format!("{} leaves do not make the tree of {}", tree.size(), state.ledger().size()));
    }
    sums_agree(&records(leaves), state)
}

/// The same of the sums alone.
fn sums_agree(records: &[Record], state: &State) -> Result<(), String> {
    if !records.iter().any(|record| record.what == "account.opened") {
        return Ok(()); // the cloud keeps the books
    }
    let mut accounts: BTreeMap<&str, i64> = BTreeMap::new();
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for record in records {
        *sums.entry(&record.what).or_default() += i128::from(minor(record));
        if record.what.starts_with("statement") {
            *sums.entry("energy").or_default() += detail(record, "energy_minor");
            *sums.entry("fees").or_default() += detail(record, "fee_minor");
        }
        if let (Some(account), false) = (
            &record.account,
            ["credit.delivered", "debt.lent"].contains(&record.what.as_str()) || record.what.starts_with("token."),
        ) {
            *accounts.entry(account).or_default() += minor(record);
        }
    }
    let mut untold = 0;
    for (ix, account) in (0..).zip(state.book().accounts()) {
        let told = accounts.get(account.name.as_str()).copied().unwrap_or(0);
        let open = state.ledger().untold_minor(ix);
        if told - open != account.balance_minor() {
            return Err(format!("{}: told {told}, open {open}, balance {}", account.name, account.balance_minor()));
        }
        untold += i128::from(open);
    }
    let sum = |what| sums.get(what).copied().unwrap_or(0);
    let totals = state.book().totals();
    for (what, told, booked) in [
        ("credited", sum("payment.credited") + sum("payment.resolved"), totals.credited),
        ("suspended", sum("payment.suspended") - sum("payment.resolved") + sum("suspense.refunded"), totals.suspended),
        ("corrected", sum("account.corrected"), totals.corrected),
        ("refunded", -sum("account.refunded"), totals.refunded),
        ("handed back", -sum("suspense.refunded"), totals.refunded_suspense),
        ("recovered", -sum("debt.recovered"), totals.recovered),
        ("lent", sum("debt.lent"), totals.lent),
        ("received", sum("payment.credited") + sum("payment.suspended"), totals.received),
        ("energy", sum("energy") + untold, totals.energy_billed),
        ("fees", sum("fees") - sum("demand.charged") - sum("demand.corrected"), totals.fees + totals.capacity_fees),
    ] {
        if told != booked {
            return Err(format!("{what}: the leaves say {told}, the book {booked}"));
        }
    }
    Ok(())
}

/// The leaves that this journal yields.
fn again(village: &Village, journal: &[Entry]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let mut state = village.fresh_state();
    for record in journal {
        state.apply_to(record, &mut leaves);
    }
    leaves
}

#[test]
fn the_ledger_says_what_the_book_says_to_the_minor_unit() {
    for credit_at in [CreditAt::Dcu, CreditAt::Meter, CreditAt::Cloud] {
        let village = eventful(credit_at, 41);
        assert_eq!(agree(&village.leaves, village.state()), Ok(()), "{credit_at:?}");
        assert_eq!(again(&village, village.journal()), village.leaves, "made again from the journal");
        let told: Vec<String> = records(&village.leaves).into_iter().map(|record| record.what).collect();
        let count = |what: &str| told.iter().filter(|told| *told == what).count();
        assert_eq!(count("tariff.in_force"), 1);
        assert_eq!(count("tariff.changed"), 1);
        if credit_at == CreditAt::Dcu {
            assert_eq!(count("account.opened"), 3);
            assert_eq!(count("payment.suspended"), 2);
            assert_eq!(count("payment.conflict"), 1);
            assert_eq!(count("payment.resolved"), 1);
            assert_eq!(count("statement.day"), 6, "three accounts, two midnights: {told:?}");
            assert!(count("relay.open_ordered") >= 3 && count("relay.opened") >= 3, "{told:?}");
        }
    }
}

#[test]
fn sabotage_a_leaf_that_is_left_out_or_changed_is_noticed() {
    let village = eventful(CreditAt::Dcu, 42);
    assert_eq!(agree(&village.leaves, village.state()), Ok(()));
    for index in 0..village.leaves.len() {
        let mut fewer = village.leaves.clone();
        fewer.remove(index);
        assert!(agree(&fewer, village.state()).is_err(), "leaf {index} is gone");
    }
    // The sums see it too, not only the tree.
    let records = records(&village.leaves);
    assert_eq!(sums_agree(&records, village.state()), Ok(()));
    let moving = |record: &Record| minor(record) != 0 && record.what != "payment.conflict";
    for index in (0..records.len()).filter(|index| moving(&records[*index])) {
        let mut fewer = records.clone();
        let record = fewer.remove(index);
        assert!(sums_agree(&fewer, village.state()).is_err(), "{record:?} is gone");
    }
}

#[test]
fn a_statement_has_one_tariff_and_its_registers() {
    let village = eventful(CreditAt::Dcu, 43);
    let records = records(&village.leaves);
    let change = records.iter().position(|record| record.what == "tariff.changed").unwrap();
    let rule = |n: usize| records[n].rule.split_once('#').unwrap().0.to_owned();
    for (n, record) in records.iter().enumerate().filter(|(_, record)| record.what.starts_with("statement")) {
        assert_eq!(rule(n) == rule(change), n > change, "{record:?}");
        assert_eq!(-i128::from(minor(record)), detail(record, "energy_minor") + detail(record, "fee_minor"));
        if let (Some(from), Some(to)) = (record.details.get("from_wh"), record.details.get("to_wh")) {
            let used: i64 = to.parse::<i64>().unwrap() - from.parse::<i64>().unwrap();
            assert_eq!(record.energy_wh, Some(used), "{record:?}");
        }
    }
    // Registers lie end to end.
    let mut at: BTreeMap<&str, &str> = BTreeMap::new();
    for record in records.iter().filter(|record| record.what.starts_with("statement")) {
        let (Some(account), Some(to)) = (&record.account, record.details.get("to_wh")) else { continue };
        if let (Some(before), Some(from)) = (at.insert(account, to), record.details.get("from_wh")) {
            assert_eq!(before, from);
        }
    }
}

#[test]
fn a_regulator_reads_the_files_and_finds_what_was_changed() {
    let village = eventful(CreditAt::Dcu, 44);
    let mut log = Log::new(ORIGIN);
    for leaf in &village.leaves {
        log.append(&leaf.bytes).unwrap();
    }
    let files: BTreeMap<String, Vec<u8>> =
        log.publish(&[&signer(1)], 0).unwrap().into_iter().map(|(place, file)| (place.to_string(), file)).collect();
    let audit = |files: &BTreeMap<String, Vec<u8>>| {
        let known = [signer(1).verifier().clone()];
        let mut audit = Audit::new(&files["checkpoint"], &known, &[]).unwrap();
        while let Some(place) = audit.wanted() {
            audit.handle_file(files.get(&place.to_string()).map(Vec::as_slice));
        }
        audit.verdict()
    };
    assert!(audit(&files).is_sound(), "{}", audit(&files));
    let mut changed = files;
    let bundle = changed.iter_mut().find(|(place, _)| place.starts_with("tile/entries")).unwrap().1;
    let at = bundle.windows(8).position(|w| w == b"\"minor\":").unwrap() + 8;
    bundle[at] = if bundle[at] == b'9' { b'8' } else { b'9' };
    assert!(!audit(&changed).is_sound());
}

// ---- promises ------------------------------------------------------------------------------------------------------

/// Signs whatever waits to be signed.
fn sign(village: &mut Village, key: u8) -> Vec<Result<(), SignedError>> {
    let waiting = std::mem::take(&mut village.to_sign);
    let mut results = Vec::new();
    for checkpoint in waiting {
        let note = checkpoint.sign(&[&signer(key)], 0).unwrap();
        village.with_dcu(|dcu, now| results.push(dcu.handle_signed(now, note.as_bytes())));
    }
    results
}

fn days(village: &mut Village, days: u32) {
    for _ in 0..days {
        village.run_for(24 * HOUR);
        let results = sign(village, 1);
        assert_eq!(results, [Ok(())], "one a day");
        village.run_for(120 * S);
    }
}

fn broken(event: &DcuEvent) -> bool {
    matches!(event, DcuEvent::PromiseBroken { .. })
}

#[test]
fn a_checkpoint_is_signed_every_day_over_what_is_durable_and_the_cloud_keeps_it() {
    let mut village = Village::with(config(CreditAt::Dcu), 3, 100_000, 45);
    days(&mut village, 3);
    let newest = village.state().ledger().promises().newest().unwrap();
    assert!(village.cloud.promise().unwrap().contains(&format!("\n{}\n", newest.size)));
    let kept = village.cloud_events.iter().filter(|(_, e)| matches!(e, CloudEvent::Promised { .. }));
    assert_eq!(kept.count(), 3);
    // On demand as well; and nothing where nothing is new.
    village.pay_agent("R1", 0, 5);
    village.with_dcu(|dcu, now| dcu.sign_ledger(now));
    assert_eq!(sign(&mut village, 2), [Err(SignedError::NotSigned)], "another key");
    village.with_dcu(|dcu, now| dcu.sign_ledger(now));
    assert_eq!(sign(&mut village, 1), [Ok(())]);
    village.with_dcu(|dcu, now| dcu.sign_ledger(now));
    assert!(village.to_sign.is_empty());
    let stray = taa_ledger::Checkpoint::new(ORIGIN, 1, Hash::of_leaf(b"x")).sign(&[&signer(1)], 0).unwrap();
    village.with_dcu(|dcu, now| assert_eq!(dcu.handle_signed(now, stray.as_bytes()), Err(SignedError::NotAsked)));
}

#[test]
fn no_checkpoint_is_asked_for_before_its_leaves_are_durable() {
    let mut village = Village::with(config(CreditAt::Dcu), 3, 100_000, 46);
    village.run_for(HOUR);
    village.sync_max = 100_000 * HOUR;
    village.pay_agent("R1", 0, 5);
    village.with_dcu(|dcu, now| dcu.sign_ledger(now));
    village.run_for(30 * HOUR);
    assert!(village.to_sign.is_empty());
}

#[test]
fn a_disk_that_was_put_back_is_found_by_what_it_had_promised() {
    let mut village = Village::with(config(CreditAt::Dcu), 3, 100_000, 47);
    days(&mut village, 1);
    let copy = village.journal().to_vec();
    days(&mut village, 2);
    // An honest restart accuses nobody.
    village.cut();
    village.boot();
    village.run_for(HOUR);
    assert_eq!(village.count(broken), 0);
    village.cut();
    village.put_back(copy);
    village.boot();
    village.run_for(HOUR);
    let (_, told) = village.events.iter().find(|(_, event)| broken(event)).unwrap();
    let DcuEvent::PromiseBroken { promised, size, rolled_back: true } = told else { panic!("{told:?}") };
    assert!(promised > size);
    assert!(village.leaves.iter().any(|leaf| leaf.bytes.windows(18).any(|w| w == b"ledger.rolled_back")));
    // Told once, however often it restarts; and the log grows on.
    village.cut();
    village.boot();
    village.run_for(HOUR);
    assert_eq!(village.count(broken), 1);
    assert_eq!(agree(&village.leaves, village.state()), Ok(()));
}

#[test]
fn a_log_that_grew_anew_past_what_it_had_promised_is_found_as_well() {
    let mut village = Village::with(config(CreditAt::Dcu), 3, 100_000, 48);
    days(&mut village, 1);
    let copy = village.journal().to_vec();
    village.run_for(HOUR);
    village.pay_agent("R1", 0, 5);
    village.with_dcu(|dcu, now| dcu.sign_ledger(now));
    assert_eq!(sign(&mut village, 1), [Ok(())]);
    village.run_for(120 * S);
    village.cut();
    village.put_back(copy);
    village.link(false);
    village.boot();
    village.run_for(50 * HOUR);
    village.link(true);
    village.run_for(HOUR);
    assert!(village.events.iter().any(|(_, e)| matches!(e, DcuEvent::PromiseBroken { rolled_back: false, .. })));
}

#[test]
fn sabotage_without_the_key_the_same_roll_back_goes_unseen() {
    let mut village = Village::with(config(CreditAt::Dcu), 3, 100_000, 47);
    days(&mut village, 1);
    let copy = village.journal().to_vec();
    days(&mut village, 2);
    village.cut();
    village.put_back(copy);
    village.forget_ledger_key();
    village.boot();
    village.run_for(HOUR);
    assert_eq!(village.count(broken), 0);
}
