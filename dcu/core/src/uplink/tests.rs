use proptest::prelude::*;

use super::*;
use crate::{
    MeterIx,
    billing::{AmendError, Amendment, Answer, Correction, Loan, Refund, RefundFrom, Told},
    config::{
        Tariff,
        tariff::{
            Block, Capacity, DebtRule, Demand, FriendlyHours, Lifeline, LongGap, NamedDay, Period, TimeOfDay, Weekday,
        },
    },
    payment::{AMOUNT_MINOR_MAX, Certainty, Channel, Currency, Payment, PaymentId, Provider, Receipt},
    reading::Reading,
    relay::{Basis, Refusal},
    vending::LeaseNote,
};

fn text() -> impl Strategy<Value = String> {
    "[A-Za-z0-9äß-]{1,20}"
}

fn payment() -> impl Strategy<Value = Payment> {
    let channel = proptest::sample::select(vec![Channel::Phone, Channel::Agent, Channel::Code, Channel::Server]);
    let currency = proptest::option::of("[A-Z]{3}".prop_map(|code| Currency::new(&code).unwrap()));
    let certainty = any::<bool>().prop_map(|f| if f { Certainty::Final } else { Certainty::Provisional });
    let receipt = proptest::option::of((text(), any::<bool>()));
    let receipt = receipt.prop_map(|r| r.map(|(number, certain)| Receipt { number, certain }));
    let kind = (proptest::sample::select(Provider::ALL.to_vec()), channel, currency, certainty, receipt);
    (text(), text(), 1..=AMOUNT_MINOR_MAX, kind, any::<i64>()).prop_map(|(key, account, amount_minor, kind, at)| {
        let (provider, channel, currency, certainty, receipt) = kind;
        let new = Payment::new(provider, key, account, amount_minor, channel, at);
        Payment { currency, certainty, receipt, ..new }
    })
}

fn reading() -> impl Strategy<Value = Reading> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>());
    (numbers, any::<Option<bool>>(), any::<Option<i64>>()).prop_map(|(numbers, relay_closed, credit_minor)| {
        let (meter, period, at_unix_s, sequence, register_wh) = numbers;
        Reading { meter: MeterIx(meter), period, at_unix_s, sequence, register_wh, relay_closed, credit_minor }
    })
}

fn up() -> impl Strategy<Value = Up> {
    let meter = any::<u32>().prop_map(MeterIx);
    let some_meter = proptest::option::of((0..u32::MAX).prop_map(MeterIx));
    let code =
        proptest::sample::select(vec![AlarmCode::RegisterBackward, AlarmCode::RelayStuck, AlarmCode::Unsuitable]);
    prop_oneof![
        any::<(u32, u32, u64, u64)>().prop_map(|(boot, meters, fleet_digest, dropped)| Up::Hello {
            boot,
            meters,
            fleet_digest,
            dropped
        }),
        proptest::collection::vec(reading(), 0..60).prop_map(Up::Readings),
        (meter.clone(), any::<bool>(), proptest::option::of(1..u64::MAX), any::<u32>(), any::<i64>()).prop_map(
            |(meter, closed, order, sequence, unix_ms)| Up::RelayState { meter, closed, order, sequence, unix_ms }
        ),
        (text(), any::<(u32, i64, i64, i64)>()).prop_map(|(key, (account, amount_minor, balance_minor, unix_ms))| {
            Up::Credited { key, account, amount_minor, balance_minor, unix_ms }
        }),
        payment().prop_map(Up::PaymentSeen),
        text().prop_map(|key| Up::Suspended { key }),
        (some_meter, code, any::<i64>()).prop_map(|(meter, code, unix_ms)| Up::Alarm { meter, code, unix_ms }),
        any::<u64>().prop_map(Up::Ack),
        (meter.clone(), any::<i64>()).prop_map(|(meter, total_minor)| Up::CreditDelivered { meter, total_minor }),
        (meter.clone(), any::<u32>(), any::<i64>()).prop_map(|(meter, bits, unix_ms)| Up::MeterAlarm {
            meter,
            bits,
            unix_ms
        }),
        (meter, any::<i64>(), any::<u64>()).prop_map(|(meter, minute, digest)| Up::MinuteUsed {
            meter,
            minute,
            digest
        }),
        any::<[u8; 8]>().prop_map(|title| Up::LeaseWanted { title }),
        (any::<bool>(), standing()).prop_map(|(asks, standing)| Up::Standing { asks, standing }),
        amendment().prop_map(|amendment| Up::Amend(Box::new(amendment))),
        answer().prop_map(|answer| Up::Amended(Box::new(answer))),
        any::<(u32, u64, usize, i64, i64)>().prop_map(|(meter, order, why, data_unix_ms, unix_ms)| Up::OrderRefused {
            meter: MeterIx(meter),
            order,
            why: Refusal::ALL[why % Refusal::ALL.len()],
            data_unix_ms,
            unix_ms,
        }),
    ]
}

fn down() -> impl Strategy<Value = Down> {
    let prices = (any::<u32>(), 0..i64::MAX, 0..i64::MAX, any::<i64>());
    prop_oneof![
        any::<u64>().prop_map(Down::Ack),
        any::<(u64, i64, i64, u16, u16, [u8; 8])>().prop_map(|(id, from, to, every, phase, holder)| Down::Lease(
            LeaseNote { id, from, to, every, phase, holder }
        )),
        payment().prop_map(Down::Payment),
        any::<(u64, u32, bool, Option<(i64, i64)>)>().prop_map(|(order, meter, closed, basis)| Down::RelayOrder {
            order,
            meter: MeterIx(meter),
            closed,
            basis: basis.map(|(data_unix_ms, decided_unix_ms)| Basis { data_unix_ms, decided_unix_ms }),
        }),
        prices.prop_map(|(minor_per_unit, energy_price_per_kwh_minor, daily_fee_minor, grace_minor)| {
            Down::TariffChange(Box::new(Tariff {
                minor_per_unit,
                daily_fee_minor,
                grace_minor,
                ..Tariff::flat("KES", 100, energy_price_per_kwh_minor)
            }))
        }),
        proptest::option::of(standing()).prop_map(Down::Standing),
        whole_tariff().prop_map(|tariff| Down::TariffChange(Box::new(tariff))),
        amendment().prop_map(|amendment| Down::Amend(Box::new(amendment))),
        answer().prop_map(|answer| Down::Amended(Box::new(answer))),
        (any::<u64>(), any::<u32>(), text()).prop_map(|(change, account, class)| Down::Classify {
            change,
            account,
            class
        }),
    ]
}

fn standing() -> impl Strategy<Value = Standing> {
    any::<(u32, [u8; 16], u64, u64, [u8; 32])>().prop_map(|(epoch, journal, record, leaves, root)| {
        let root = taa_ledger::Hash::from_slice(&root).unwrap();
        Standing { epoch, journal, record, leaves, root }
    })
}

fn amendment() -> impl Strategy<Value = Amendment> {
    let payment = || {
        let provider = proptest::sample::select(Provider::ALL.to_vec());
        (provider, text()).prop_map(|(provider, key)| PaymentId { provider, key })
    };
    let why = || "[ -~äß]{1,120}";
    let numbers = || any::<(u32, i64)>();
    prop_oneof![
        (text(), why(), numbers(), proptest::option::of(payment())).prop_map(
            |(id, why, (account, amount_minor), of)| {
                Amendment::Correction(Correction { id, account, amount_minor, of, why })
            }
        ),
        (text(), why(), numbers()).prop_map(|(id, why, (account, amount_minor))| {
            Amendment::Refund(Refund { id, from: RefundFrom::Account { account, amount_minor }, why })
        }),
        (text(), why(), payment()).prop_map(|(id, why, of)| Amendment::Refund(Refund {
            id,
            from: RefundFrom::Suspense(of),
            why
        })),
        (text(), why(), numbers()).prop_map(|(id, why, (account, amount_minor))| {
            Amendment::Loan(Loan { id, account, amount_minor, why })
        }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let errors = vec![
        AmendError::Id,
        AmendError::Why,
        AmendError::Amount,
        AmendError::Account,
        AmendError::Clash,
        AmendError::Exceeds { free_minor: 77 },
        AmendError::NotInSuspense,
        AmendError::KeptElsewhere,
    ];
    let done = any::<(i64, i64)>();
    let done = done.prop_map(|(amount_minor, balance_minor)| Told::Done { amount_minor, balance_minor });
    let told = prop_oneof![done, proptest::sample::select(errors).prop_map(Told::Refused)];
    (amendment(), told).prop_map(|(amendment, told)| Answer { amendment, told })
}

fn whole_tariff() -> impl Strategy<Value = Tariff> {
    let time = || (0_u16..=1440).prop_map(|minutes| TimeOfDay::from_minutes(minutes).unwrap());
    let weekdays = || proptest::sample::subsequence(Weekday::ALL.to_vec(), 0..=7);
    let price = || 0..=PRICE;
    let period = (text(), time(), time(), weekdays(), price()).prop_map(|(name, from, to, weekdays, price)| Period {
        name,
        from,
        to,
        weekdays,
        price_per_kwh_minor: price,
    });
    let block = (any::<u32>(), price()).prop_map(|(up_to_kwh, price)| Block { up_to_kwh, price_per_kwh_minor: price });
    let day = (proptest::option::of(1_u16..3000), 1_u8..=12, 1_u8..=28);
    let day = day.prop_map(|(year, month, day)| NamedDay::new(year, month, day).unwrap());
    let friendly = (time(), time(), weekdays(), proptest::collection::vec(day, 0..4));
    let friendly = friendly.prop_map(|(from, to, weekdays, days)| FriendlyHours { from, to, weekdays, days });
    let lists = (
        proptest::collection::vec(period, 0..5),
        proptest::collection::vec(block, 0..5),
        proptest::collection::vec(friendly, 0..5),
    );
    let months = (any::<u32>(), price()).prop_map(|(kwh, price)| Lifeline { kwh, price_per_kwh_minor: price });
    let power = (price(), any::<u32>())
        .prop_map(|(price, subscribed_w)| Capacity { price_per_kw_day_minor: price, subscribed_w });
    let options = (proptest::option::of(months), proptest::option::of(power), proptest::option::of(any::<u8>()));
    let numbers = (any::<u32>(), any::<Option<i64>>(), price(), price(), any::<(u32, u32, bool)>());
    (text(), lists, options, numbers).prop_map(|(id, (periods, blocks, friendly_hours), options, numbers)| {
        let (lifeline, capacity, share) = options;
        let (version, from_unix_ms, emergency_credit_minor, receipt_credit_minor, (long_gap_h, receipt_h, low)) =
            numbers;
        let demand = capacity.map(|Capacity { price_per_kw_day_minor: price, subscribed_w }| Demand {
            price_per_kw_month_minor: price,
            window_min: subscribed_w,
        });
        Tariff {
            class: id.chars().rev().collect(),
            id,
            demand,
            version,
            from_unix_ms,
            periods,
            blocks,
            friendly_hours,
            lifeline,
            capacity,
            debt: share.map(|share_percent| DebtRule { share_percent }),
            emergency_credit_minor,
            receipt_credit_minor,
            long_gap: if low { LongGap::LowestPrice } else { LongGap::ProRata },
            long_gap_h,
            receipt_h,
            ..Tariff::flat("KES", 100, 12)
        }
    })
}

/// Any amount will do.
const PRICE: i64 = 1 << 50;

proptest! {
    #[test]
    fn up_frames_survive(sequence: u64, body in up()) {
        let frame = UpFrame { sequence, body };
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        prop_assert_eq!(UpFrame::decode(&bytes), Ok(frame));
    }

    #[test]
    fn down_frames_survive(sequence: u64, body in down()) {
        let frame = DownFrame { sequence, body };
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        prop_assert_eq!(DownFrame::decode(&bytes), Ok(frame));
    }

    /// A frame cut short or with a byte too many is refused, never half used.
    #[test]
    fn wrong_lengths_are_refused(sequence: u64, body in up(), cut in 1_usize..200) {
        let mut bytes = Vec::new();
        UpFrame { sequence, body }.encode(&mut bytes);
        let short = &bytes[..bytes.len().saturating_sub(cut)];
        prop_assert!(UpFrame::decode(short).is_err());
        bytes.push(0);
        prop_assert_eq!(UpFrame::decode(&bytes), Err(DecodeError::Length));
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = UpFrame::decode(&bytes);
        let _ = DownFrame::decode(&bytes);
        let mut framed = vec![VERSION, bytes.first().copied().unwrap_or(0) % 12];
        framed.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        framed.extend_from_slice(&bytes);
        let _ = UpFrame::decode(&framed);
        let _ = DownFrame::decode(&framed);
    }

    /// The outbox against a plain model: what is in, what was acknowledged, in any order.
    #[test]
    fn acknowledged_entries_and_no_others_leave(
        pushes in 1_u64..60,
        acks in proptest::collection::vec((0_u64..60, 1_u64..10), 0..20),
    ) {
        let mut outbox = Outbox::new(100, 100);
        for n in 0..pushes {
            outbox.push_reading(n, live(n as u32));
        }
        let mut waiting: std::collections::BTreeSet<u64> = (0..pushes).collect();
        for (from, width) in acks {
            outbox.ack(Lane::Readings, from, from + width);
            waiting.retain(|id| !(from..from + width).contains(id));
            prop_assert_eq!(outbox.len(), waiting.len());
            let first = waiting.first().copied().unwrap_or(pushes);
            prop_assert_eq!(outbox.first(Lane::Readings), first);
        }
    }
}

fn live(n: u32) -> Reading {
    Reading {
        meter: MeterIx(n),
        period: 480_000,
        at_unix_s: 1_728_000_000 + n,
        sequence: 5_000,
        register_wh: 4_000_000,
        relay_closed: Some(true),
        credit_minor: None,
    }
}

#[test]
fn the_documented_layout() {
    let mut bytes = Vec::new();
    Up::Ack(300).encode(1, &mut bytes);
    assert_eq!(bytes, [1, 8, 0, 3, 1, 0xac, 0x02]);
    bytes[0] = 2;
    assert_eq!(UpFrame::decode(&bytes), Err(DecodeError::Version(2)));
    bytes[0] = 1;
    bytes[1] = 99;
    assert_eq!(UpFrame::decode(&bytes), Err(DecodeError::Kind(99)));
}

#[test]
fn a_batch_fills_its_frame_and_not_more() {
    let mut outbox = Outbox::new(10, 1000);
    (0..500).for_each(|n| outbox.push_reading(u64::from(n), live(n)));
    let mut frame = Vec::new();
    let end = outbox.encode(Lane::Readings, (0, 500), 1000, 7, 1024, &mut frame).unwrap();
    assert!(frame.len() <= 1024 && frame.len() > 950, "{} bytes", frame.len());
    assert!(end >= 70, "{end} readings of about 12 bytes each");
    let Ok(UpFrame { sequence: 7, body: Up::Readings(readings) }) = UpFrame::decode(&frame) else { panic!() };
    assert_eq!(readings.len() as u64, end);
    assert_eq!(readings[3], live(3));
}

#[test]
fn nothing_leaves_before_its_record_is_durable() {
    let mut outbox = Outbox::new(10, 10);
    outbox.push_reading(5, live(0));
    outbox.push_reading(6, live(1));
    let mut frame = Vec::new();
    assert_eq!(outbox.encode(Lane::Readings, (0, 2), 4, 1, 1024, &mut frame), None);
    assert_eq!(outbox.encode(Lane::Readings, (0, 2), 5, 1, 1024, &mut frame), Some(1));
}

#[test]
fn at_the_bound_the_oldest_goes_and_is_counted() {
    let mut outbox = Outbox::new(2, 3);
    (0..5).for_each(|n| outbox.push_reading(u64::from(n), live(n)));
    assert_eq!((outbox.len(), outbox.dropped(), outbox.first(Lane::Readings)), (3, 2, 2));
    outbox.push_urgent(9, Up::Suspended { key: "a".into() });
    assert_eq!(outbox.len(), 4, "the lanes have bounds of their own");
}
