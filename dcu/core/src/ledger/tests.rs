use taa_ledger::Record as Entry;

use super::*;
use crate::{
    config::{DcuConfig, MeterAccess, MeterEntry, Tariff, Traits},
    journal::{Entry as Says, State},
};

fn state() -> State {
    let config = DcuConfig::new(Traits::bundle("edge_local").unwrap(), Tariff::flat("TZS", 100, 10_000));
    let meter = MeterEntry {
        id: "TAA1".into(),
        account: "A1".into(),
        access: MeterAccess::Open,
        opening_balance_minor: 500,
        sts: None,
    };
    State::new(&config, &[meter])
}

fn boot(state: &State) -> Record {
    let tariff = Box::new(state.book().tariff().clone());
    Record { number: 1, stamp: Stamp { boot: 1, monotonic_ns: 7_000_000, unix_ms: None }, entry: Says::Boot { tariff } }
}

/// The bytes of a leaf are a format: this one shows a form of it.
#[test]
fn the_first_leaves_are_the_accounts_and_the_prices() {
    let mut state = state();
    let mut leaves = Vec::new();
    state.apply_to(&boot(&state), &mut leaves);
    let texts: Vec<&str> = leaves.iter().map(|leaf| std::str::from_utf8(&leaf.bytes).unwrap()).collect();
    assert_eq!(
        texts[0],
        r#"{"v":1,"at":{"boot":1,"uptime_ms":7,"wall_ms":null},"what":"account.opened","#.to_owned()
            + r#""rule":"policy/taa-1#opening-balance","account":"A1","meter":"TAA1","#
            + r#""amount":{"minor":500,"digits":2,"currency":"TZS"}}"#
    );
    let prices = Entry::from_bytes(texts[1].as_bytes()).unwrap();
    assert_eq!(prices.what, "tariff.in_force");
    assert!(prices.rule.starts_with("tariff/unnamed-") && prices.rule.ends_with("#prices"));
    assert_eq!((state.ledger().size(), state.ledger().told_minor(0)), (2, 500));
    // A second boot under the same prices has nothing to tell.
    let again = Record { number: 2, ..boot(&state) };
    state.apply_to(&again, &mut leaves);
    assert_eq!(leaves.len(), 2);
}

#[test]
fn a_named_tariff_is_named_with_its_version() {
    let mut tariff = Tariff { id: "jija-2026a".into(), ..Tariff::flat("TZS", 100, 1) };
    assert_eq!(rules::tariff(&tariff, "prices"), "tariff/jija-2026a#prices");
    tariff.version = 3;
    assert_eq!(rules::tariff(&tariff, "prices"), "tariff/jija-2026a@3#prices");
}
