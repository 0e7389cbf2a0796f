use super::*;

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::try_from(text.to_owned()).unwrap()
}

fn period(name: &str, from: &str, to: &str, weekdays: &[Weekday], price: i64) -> Period {
    Period {
        name: name.into(),
        from: time(from),
        to: time(to),
        weekdays: weekdays.to_vec(),
        price_per_kwh_minor: price,
    }
}

/// Thursday 1 January 2026, local midnight at UTC+3.
const NEW_YEAR_MS: i64 = 1_767_214_800_000;

fn at(hours: i64) -> LocalTime {
    LocalTime::new(NEW_YEAR_MS + hours * 3_600_000, 3 * 3600)
}

#[test]
fn the_keys_of_the_first_day_still_make_a_tariff() {
    let text = r#"{"currency": "TZS", "energy_price_per_kwh_minor": 180000}"#;
    let tariff: Tariff = serde_json::from_str(text).unwrap();
    assert_eq!(tariff, Tariff::flat("TZS", 100, 180_000));
    assert_eq!((tariff.check(), tariff.flat_price()), (Vec::new(), Some(180_000)));
}

#[test]
fn a_tariff_with_everything_survives_text_and_bytes() {
    let text = r#"{
        "id": "jija-2026a", "version": 3, "from_unix_ms": 1767214800000,
        "currency": "TZS", "energy_price_per_kwh_minor": 180000, "daily_fee_minor": 5000, "grace_minor": 100,
        "periods": [{"name": "peak", "from": "18:00", "to": "22:00", "weekdays": ["mon", "sun"],
                     "price_per_kwh_minor": 240000}],
        "blocks": [{"up_to_kwh": 20, "price_per_kwh_minor": 150000}],
        "lifeline": {"kwh": 5, "price_per_kwh_minor": 90000},
        "capacity": {"price_per_kw_day_minor": 20000, "subscribed_w": 500},
        "emergency_credit_minor": 100000, "debt": {"share_percent": 30},
        "friendly_hours": [{"from": "17:00", "to": "08:00", "days": ["12-25", "2026-04-03"]}],
        "long_gap": "lowest_price", "receipt_credit_minor": 200000
    }"#;
    let tariff: Tariff = serde_json::from_str(text).unwrap();
    assert_eq!((tariff.check(), tariff.flat_price(), tariff.lowest_price()), (Vec::new(), None, 90_000));
    let again = serde_json::to_string(&tariff).unwrap();
    assert_eq!(serde_json::from_str::<Tariff>(&again).unwrap(), tariff);
    let bytes = postcard::to_stdvec(&tariff).unwrap();
    assert_eq!(postcard::from_bytes::<Tariff>(&bytes).unwrap(), tariff);
    assert!(serde_json::from_str::<Tariff>(&text.replace("periods", "perods")).is_err(), "a misspelt key is told");
}

#[test]
fn every_contradiction_is_named_with_its_field() {
    let evening = period("peak", "18:00", "22:00", &[], 1);
    let tariff = Tariff {
        currency: "tzs".into(),
        minor_per_unit: 0,
        daily_fee_minor: -1,
        grace_minor: i64::MAX,
        periods: vec![
            evening.clone(),
            period("late", "21:59", "02:00", &[Weekday::Fri], 2),
            // Monday's night reaches into Tuesday's morning; Sunday's into Monday's.
            period("night", "22:00", "06:00", &[Weekday::Sun], 3),
            period("dawn", "05:00", "07:00", &[Weekday::Mon, Weekday::Mon], -4),
            period("none", "24:00", "07:00", &[Weekday::Wed], 4),
        ],
        blocks: vec![
            Block { up_to_kwh: 5, price_per_kwh_minor: 1 },
            Block { up_to_kwh: 30, price_per_kwh_minor: 1 },
            Block { up_to_kwh: 30, price_per_kwh_minor: 1 },
        ],
        lifeline: Some(Lifeline { kwh: 5, price_per_kwh_minor: 1 }),
        debt: Some(DebtRule { share_percent: 0 }),
        receipt_h: 0,
        ..Tariff::default()
    };
    let told: Vec<String> = tariff.check().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    currency: not an ISO 4217 code: three capital letters
    minor_per_unit: allowed: 1 to 1000 minor units to the unit
    receipt_h: allowed: 1 to 8760 hours
    daily_fee_minor: must not be below zero
    grace_minor: at most 1000000000000 minor units
    periods[3].price_per_kwh_minor: must not be below zero
    periods[1].from: overlaps entry 0 of the list (counted from 0)
    periods[3].weekdays: names a weekday twice
    periods[3].from: overlaps entry 2 of the list (counted from 0)
    periods[4].from: starts at 24:00: write 00:00 of the next day
    blocks[0].up_to_kwh: ends within the lifeline: it would never apply
    blocks[2].up_to_kwh: must be above the block before it
    debt: allowed: 1 to 100 percent
    ");
    let sound =
        Tariff { periods: vec![evening, period("night", "22:00", "18:00", &[], 2)], ..Tariff::flat("TZS", 100, 1) };
    assert_eq!(sound.check(), Vec::new(), "periods that touch do not overlap");
}

#[test]
fn a_period_past_midnight_belongs_to_the_day_on_which_it_starts() {
    let night = period("night", "22:00", "06:00", &[Weekday::Thu], 1);
    let tariff = Tariff { periods: vec![night], ..Tariff::flat("TZS", 100, 2) };
    let prices: Vec<bool> = [0, 5, 21, 22, 24, 29, 30, 46].map(|h| tariff.period_at(at(h)).is_some()).into();
    // Thursday early is Wednesday's night, which is not named.
    assert_eq!(prices, [false, false, false, true, true, true, false, false]);
    assert_eq!(tariff.period_edge_after(at(7)), at(22).unix_ms);
    assert_eq!(tariff.period_edge_after(at(22)), at(24).unix_ms);
}

#[test]
fn friendly_hours_that_touch_are_one_stretch() {
    let friendly = |from: &str, to: &str, weekdays: &[Weekday], days: &[&str]| FriendlyHours {
        from: time(from),
        to: time(to),
        weekdays: weekdays.to_vec(),
        days: days.iter().map(|day| NamedDay::try_from((*day).to_owned()).unwrap()).collect(),
    };
    let tariff = Tariff {
        friendly_hours: vec![
            friendly("18:00", "08:00", &[], &[]),
            friendly("00:00", "24:00", &[Weekday::Sat, Weekday::Sun], &["01-01"]),
        ],
        ..Tariff::flat("TZS", 100, 2)
    };
    // New year's Thursday whole, its night, and Friday's evening through the week-end to Monday at eight.
    assert_eq!(tariff.friendly_around(at(12)), Some((at(-6).unix_ms, at(32).unix_ms)));
    assert_eq!(tariff.friendly_around(at(33)), None);
    assert_eq!(tariff.friendly_around(at(42)), Some((at(42).unix_ms, at(4 * 24 + 8).unix_ms)));
}
