//! Credit kept in the meter: how it runs out, comes back, and who may overrule it.

mod common;

use common::*;
use proptest::prelude::*;
use taa_dlms::{DataAccessResult, Value};
use taa_meter::{Meter, MeterConfig, RelayWhy};

#[test]
fn credit_runs_out_at_its_deadline_and_comes_back_by_a_write() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 50, ..prepaid() });
    meter.set_load(0, 1_000_000);
    assert_eq!(meter.next_deadline(), Some(H / 2));
    meter.handle_timeout(H / 2 - 1);
    assert!(meter.lit());
    meter.handle_timeout(H / 2);
    assert!(!meter.lit());
    assert_eq!((meter.credit_balance_minor(), meter.next_deadline()), (0, None));
    assert_eq!(relay_events(&mut meter), [(H / 2, false, RelayWhy::Credit)]);
    // A total of 150: 100 more. Told twice, and then an old total late, it stays 150.
    let mut client = client_of(&mut meter, H);
    for total in [150, 150, 50] {
        client.write(H, TOTAL, &Value::I64(total)).unwrap();
        assert_eq!(run(&mut client, &mut meter, H), [Told::Done]);
    }
    assert!(meter.lit());
    assert_eq!(relay_events(&mut meter), [(H, true, RelayWhy::Credit)]);
    assert_eq!(read(&mut client, &mut meter, H, &[TOTAL, BALANCE]), [Ok(Value::I64(150)), Ok(Value::I64(100))]);
    assert_eq!(meter.next_deadline(), Some(2 * H));
    // Half the load lasts twice as long.
    meter.set_load(H, 500_000);
    assert_eq!(meter.next_deadline(), Some(3 * H));
}

#[test]
fn looking_late_finds_the_relay_opened_in_time() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 50, ..prepaid() });
    meter.set_load(0, 1_000_000);
    meter.advance(10 * H);
    assert_eq!(relay_events(&mut meter), [(H / 2, false, RelayWhy::Credit)]);
    assert_eq!(meter.energy_wh(), 500);
}

#[test]
fn fees_fall_at_local_midnight_and_grace_is_served() {
    let mut meter = energised(MeterConfig {
        opening_credit_minor: 25,
        fee_per_day_minor: 10,
        grace_minor: 5,
        utc_offset_s: 3 * 3600,
        ..prepaid()
    });
    // No load: only the fee moves the balance. Local midnight is at 21:00 UTC.
    assert_eq!(meter.next_deadline(), Some(21 * H));
    meter.advance(21 * H);
    assert_eq!(meter.credit_balance_minor(), 15);
    meter.advance(21 * H + DAY);
    assert_eq!((meter.credit_balance_minor(), meter.lit()), (5, true));
    meter.advance(21 * H + 2 * DAY);
    assert_eq!((meter.credit_balance_minor(), meter.lit()), (-5, false));
}

#[test]
fn an_order_from_afar_outlasts_credit() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 1000, ..prepaid() });
    let mut client = client_of(&mut meter, 0);
    client.invoke(0, OPEN, None).unwrap();
    run(&mut client, &mut meter, 0);
    client.write(H, TOTAL, &Value::I64(2000)).unwrap();
    run(&mut client, &mut meter, H);
    assert!(!meter.lit(), "credit does not overrule the order");
    client.invoke(2 * H, CLOSE, None).unwrap();
    run(&mut client, &mut meter, 2 * H);
    assert!(meter.lit(), "allowed again, and the meter closes by itself because there is credit");
}

#[test]
fn with_credit_a_restart_that_opens_closes_again_by_itself() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 1000, boot_relay_open: true, ..prepaid() });
    assert!(meter.lit(), "there is credit, and nobody else would ever close it");
    meter.handle_power(H, false);
    meter.handle_power(2 * H, true);
    assert!(meter.lit());
    // Without credit it waits for some, as after running out.
    let mut meter = energised(MeterConfig { boot_relay_open: true, ..prepaid() });
    meter.handle_power(H, false);
    meter.handle_power(2 * H, true);
    assert!(!meter.lit());
    let mut client = client_of(&mut meter, 3 * H);
    client.write(3 * H, TOTAL, &Value::I64(150)).unwrap();
    run(&mut client, &mut meter, 3 * H);
    assert!(meter.lit());
    // An order from afar outlasts the restart.
    client.invoke(4 * H, OPEN, None).unwrap();
    run(&mut client, &mut meter, 4 * H);
    meter.handle_power(5 * H, false);
    meter.handle_power(6 * H, true);
    assert!(!meter.lit());
}

#[test]
fn a_tampering_cleared_without_power_is_over_at_the_next_start() {
    for boot_relay_open in [false, true] {
        let mut meter = energised(MeterConfig { opening_credit_minor: 1000, boot_relay_open, ..prepaid() });
        for dead in [false, true] {
            let breaks = |meter: &mut Meter, broken: bool| match dead {
                true => meter.handle_fault(H, broken),
                false => meter.handle_power(H, !broken),
            };
            assert!(meter.handle_tamper(H));
            breaks(&mut meter, true);
            assert!(!meter.clear_tamper(H), "nothing moves without power");
            breaks(&mut meter, false);
            assert!(meter.lit(), "dead {dead}, boot_relay_open {boot_relay_open}");
        }
    }
}

#[test]
fn without_credit_in_the_meter_the_objects_are_not_there() {
    let mut meter = energised(config());
    let mut client = client_of(&mut meter, 0);
    assert_eq!(read(&mut client, &mut meter, 0, &[TOTAL]), [Err(DataAccessResult::ObjectUndefined)]);
    assert_eq!((meter.next_deadline(), meter.credit_balance_minor()), (None, 0));
}

proptest! {
    // A failing seed is printed; nothing is written beside the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Energy is what the steps add up to, and credit never lets more through than was paid.
    #[test]
    fn credit_pays_for_the_energy(
        loads in proptest::collection::vec((1_u64..5 * H, 0_i64..5_000_000), 1..20),
        opening_credit_minor in 1_i64..500,
    ) {
        let mut meter = energised(MeterConfig { opening_credit_minor, ..prepaid() });
        let mut now = 0;
        for (after, power_mw) in loads {
            meter.set_load(now, power_mw);
            now += after;
            meter.advance(now);
        }
        let cost_minor = meter.energy_mwh() as i64 * 100 / 1_000_000;
        prop_assert!(cost_minor <= opening_credit_minor);
        prop_assert_eq!(meter.lit(), meter.credit_balance_minor() > 0 || cost_minor < opening_credit_minor);
        let left = opening_credit_minor - cost_minor;
        prop_assert!((left - meter.credit_balance_minor()).abs() <= 1);
    }
}
