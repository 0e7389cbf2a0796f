//! OpenPAYGO devices: days for money, counts that are durable before they leave, reports and their answers.

use taa_dcu::{
    DcuEvent,
    config::{By, DeliveryPolicy, PaygDevice, Step, VendingConfig, Way},
    vending::{MetricsRefusal, PaygIx},
};
use taa_keys::Secret;
use taa_tokens::openpaygo::{
    Ask, Device, DeviceKey, Form, Meaning, SyncRule, Vendor,
    metrics::{Answer, AuthError, DataFormat, Json, Method, MetricsKey, Received, Request},
};

use crate::site::{Site, entry};

const D: PaygIx = PaygIx(0);

fn secret() -> Secret {
    Secret::new(&[0x3C; 16])
}

fn site() -> Site {
    site_by(DeliveryPolicy::default())
}

fn site_by(policy: DeliveryPolicy) -> Site {
    let device = PaygDevice {
        serial: "SHS1".into(),
        account: "D1".into(),
        key: secret(),
        starting_code: None,
        restricted: false,
        extended: false,
        day_price_minor: 15_000,
        count: 1,
        phone: Some("+255".into()),
    };
    Site::with(VendingConfig { policy, devices: vec![device], ..VendingConfig::default() }, vec![entry(0)])
}

fn pay(site: &mut Site, key: &str, amount_minor: i64) {
    let payment = site.payment(key, "D1", amount_minor);
    site.with_dcu(|dcu, now| dcu.handle_payment(now, payment).unwrap());
}

fn tokens(site: &Site) -> Vec<String> {
    let tokens = site.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::PaygIssued { token, .. } => Some(token.digits.clone()),
        _ => None,
    });
    tokens.collect()
}

fn device() -> Device {
    Device::new(DeviceKey::new(&secret(), None).unwrap(), false)
}

#[test]
fn days_are_sold_as_the_policy_says() {
    let text = Step::new(Way::Keypad { by: By::Text }, 600);
    let days = |steps: Vec<Step>| {
        let mut site = site_by(DeliveryPolicy { steps, again_s: 3600 });
        pay(&mut site, "P1", 50_000);
        tokens(&site).len()
    };
    assert_eq!(days(vec![text]), 0, "no step leads to devices");
    assert_eq!(days(vec![text, Step::new(Way::OpenPaygo, 0)]), 1);
    let small = Step { amount_max_minor: Some(20_000), ..Step::new(Way::OpenPaygo, 0) };
    assert_eq!(days(vec![text, small]), 3, "one day a token");
}

#[test]
fn money_becomes_days_and_the_rest_waits() {
    let mut site = site();
    pay(&mut site, "P1", 50_000);
    pay(&mut site, "P1", 50_000);
    pay(&mut site, "P2", 10_000);
    let mut device = device();
    let meanings: Vec<_> = tokens(&site).iter().map(|token| device.enter(token).unwrap()).collect();
    assert_eq!(meanings, [Meaning::Add(3), Meaning::Add(1)], "50 were left over, and paid for by the next");
    assert_eq!(site.state().desk().device(D).unwrap().sold_minor(), 60_000);
    assert_eq!(site.state().book().account(1).unwrap().credited_minor(), 60_000);
    assert_eq!(site.state(), &site.refold());
}

#[test]
fn the_count_is_durable_before_the_token_leaves() {
    let mut site = site();
    site.syncs = false;
    pay(&mut site, "P1", 30_000);
    assert_eq!(tokens(&site).len(), 0);
    site.cut();
    site.boot();
    site.syncs = true;
    pay(&mut site, "P1", 30_000);
    site.with_dcu(|dcu, now| dcu.payg_order(now, D, Ask::Set(10)).unwrap());
    let mut device = device();
    let meanings: Vec<_> = tokens(&site).iter().map(|token| device.enter(token).unwrap()).collect();
    assert_eq!(meanings, [Meaning::Add(2), Meaning::Set(10)]);
}

#[test]
fn a_device_that_fell_behind_is_brought_in_step_and_takes_tokens_in_any_order() {
    let mut site = site();
    for n in 0..4 {
        pay(&mut site, &format!("P{n}"), 15_000);
    }
    let mut late = device();
    for token in tokens(&site).iter().rev() {
        assert_eq!(late.enter(token), Ok(Meaning::Add(1)));
    }
    site.with_dcu(|dcu, now| dcu.payg_order(now, D, Ask::Sync).unwrap());
    let mut new = device();
    assert_eq!(new.enter(tokens(&site).last().unwrap()), Ok(Meaning::Sync));
    assert_eq!(new.count(), site.state().desk().device(D).unwrap().count());
}

/// A DCU that has lost its journal meets a device that is ahead: its next token is ahead of both, and a sync never sets the
/// device back.
#[test]
fn a_device_ahead_of_its_vendor_is_followed() {
    let mut site = site();
    let mut ahead = device();
    let mut lost = Vendor::new(DeviceKey::new(&secret(), None).unwrap(), 1);
    let last = (0..5).map(|_| lost.issue(Ask::Add(7), Form::STANDARD).unwrap()).last().unwrap();
    ahead.enter(&last.token).unwrap();
    site.with_dcu(|dcu, now| dcu.handle_payg_count(now, D, ahead.count()));
    assert_eq!(site.state().desk().device(D).unwrap().count(), last.count);
    site.with_dcu(|dcu, now| dcu.payg_order(now, D, Ask::Sync).unwrap());
    assert_eq!(ahead.enter(tokens(&site).last().unwrap()), Ok(Meaning::Sync));
    assert!(ahead.count() > last.count);
    assert_eq!(site.state(), &site.refold());
}

/// The sync token of a visit is typed again months later: a device of the reference kind falls back, and its next report
/// tells the operator. Nothing of the sort is told of a device that takes its tokens late or out of order.
#[test]
fn a_device_that_fell_back_is_told() {
    let mut site = site();
    let mut device = device();
    site.with_dcu(|dcu, now| dcu.payg_order(now, D, Ask::Sync).unwrap());
    for n in 0..3 {
        pay(&mut site, &format!("P{n}"), 15_000);
    }
    let all = tokens(&site);
    let fell = |site: &Site| site.events.iter().filter(|(_, e)| matches!(e, DcuEvent::PaygFellBack { .. })).count();
    let tell = |site: &mut Site, device: &Device| {
        let count = device.count();
        site.with_dcu(|dcu, now| dcu.handle_payg_count(now, D, count));
    };
    device.enter(&all[0]).unwrap();
    tell(&mut site, &device);
    for late in [3, 1, 2] {
        device.enter(&all[late]).unwrap();
        tell(&mut site, &device);
    }
    assert_eq!(fell(&site), 0);
    assert_eq!(device.enter(&all[0]), Ok(Meaning::Sync));
    assert_eq!(device.enter(&all[3]), Ok(Meaning::Add(1)), "it was used before");
    device.enter(&all[0]).unwrap();
    tell(&mut site, &device);
    assert_eq!(fell(&site), 1);
    let mut strict = self::device().with_sync(SyncRule::Forward);
    all.iter().for_each(|token| _ = strict.enter(token).unwrap());
    assert!(all.iter().all(|token| strict.enter(token).is_err()));
}

fn report(count: i64, token_count: i64, method: Method) -> String {
    let request = Request {
        serial_number: "SHS1".into(),
        format: None,
        timestamp: Some(1_772_323_300 + count),
        request_count: Some(count),
        data: vec![("token_count".into(), Json::whole(token_count))],
        historical_data: Vec::new(),
    };
    request.simple(Some((&MetricsKey::new(&secret()).unwrap(), method))).unwrap()
}

#[test]
fn a_report_is_answered_with_the_tokens_that_the_device_has_not_taken() {
    let mut site = site();
    pay(&mut site, "P1", 30_000);
    let ask = |site: &mut Site, text: &str| site.with_dcu(|dcu, now| dcu.handle_metrics(now, text)).unwrap();
    let first = report(1, 1, Method::Data);
    let answer = ask(&mut site, &first).unwrap();
    let key = MetricsKey::new(&secret()).unwrap();
    let read = Answer::read(&answer, &Received::parse(&first).unwrap(), &key).unwrap();
    assert_eq!(read.tokens, tokens(&site));
    assert_eq!(ask(&mut site, &first), Err(MetricsRefusal::Auth(AuthError::Replay)));
    let forged = first.replace("\"request_count\":1", "\"request_count\":9");
    assert_eq!(ask(&mut site, &forged), Err(MetricsRefusal::Auth(AuthError::Wrong)));
    assert_eq!(ask(&mut site, &first.replace("SHS1", "SHS2")), Err(MetricsRefusal::Unknown));
    assert!(matches!(ask(&mut site, "{"), Err(MetricsRefusal::Form(_))));
    // A signature that covers no value settles nothing; one that does, does.
    ask(&mut site, &report(2, 2, Method::Counter)).unwrap();
    assert_eq!(site.state().desk().device(D).unwrap().outstanding().len(), 1);
    site.cut();
    site.boot();
    assert_eq!(ask(&mut site, &report(2, 2, Method::Data)), Err(MetricsRefusal::Auth(AuthError::Replay)));
    ask(&mut site, &report(3, 2, Method::Data)).unwrap();
    assert_eq!(site.state().desk().device(D).unwrap().outstanding().len(), 0);
}

/// A report with this time and count, signed so.
fn signed(timestamp: Option<i64>, request_count: Option<i64>, method: Method) -> String {
    let request = Request { serial_number: "SHS1".into(), timestamp, request_count, ..Request::default() };
    request.simple(Some((&MetricsKey::new(&secret()).unwrap(), method))).unwrap()
}

/// Time and count are signed as digits one behind the other: a report whose digits are cut in another place has the same
/// signature. Taken, it would shut the device out until its own count has come that far.
#[test]
fn a_report_whose_digits_are_cut_elsewhere_is_refused() {
    let ask = |site: &mut Site, text: &str| site.with_dcu(|dcu, now| dcu.handle_metrics(now, text)).unwrap();
    let first = report(1, 1, Method::Data);
    let glued = first.replace("\"timestamp\":1772323301,\"request_count\":1", "\"request_count\":17723233011");
    assert_ne!(glued, first);
    let cut = report(11, 1, Method::Data).replace("1772323311,\"request_count\":11", "177232331,\"request_count\":111");
    let counted = signed(None, Some(7), Method::Counter);
    let as_time = counted.replace("\"request_count\":7", "\"timestamp\":7").replace("\"ca", "\"ta");
    let timed = signed(Some(1_772_323_301), None, Method::Timestamp);
    let as_count = timed.replace("timestamp", "request_count").replace("\"ta", "\"ca");
    let bounds = |name| Err(MetricsRefusal::Auth(AuthError::OutOfBounds(name)));
    // At the first report nothing is known of the device, and afterwards.
    let mut site = site();
    for last in [0, 1, 2] {
        if last > 0 {
            ask(&mut site, &report(last, 1, Method::Data)).unwrap();
        }
        assert_eq!(ask(&mut site, &glued), bounds("count"));
        assert_eq!(ask(&mut site, &cut), bounds("time"));
        assert_eq!(ask(&mut site, &as_time), bounds("time"));
        assert_eq!(ask(&mut site, &as_count), bounds("count"));
    }
    assert_eq!(ask(&mut site, &timed), Err(MetricsRefusal::Auth(AuthError::Lacks("count"))));
    ask(&mut site, &report(3, 1, Method::Data)).unwrap();
    assert_eq!(site.state(), &site.refold());
}

/// What a signature does not cover was written by anybody: it is not kept, or it would shut the device out.
#[test]
fn what_no_signature_covers_is_not_kept() {
    let ask = |site: &mut Site, text: &str| site.with_dcu(|dcu, now| dcu.handle_metrics(now, text)).unwrap();
    let mut site = site();
    let far = report(1, 1, Method::Counter).replace("1772323301", "9999999999");
    ask(&mut site, &far).unwrap();
    let many = report(1, 1, Method::Simple).replace("\"request_count\":1", "\"request_count\":999999999");
    ask(&mut site, &many).unwrap();
    assert_eq!(site.state().desk().device(D).unwrap().last_report(), (Some(1), None));
    ask(&mut site, &report(2, 1, Method::Data)).unwrap();
    // A data format is not signed: whoever adds one could call any signed value the count of tokens.
    pay(&mut site, "P1", 30_000);
    let named = |names: &[&str]| {
        let data_order = names.iter().map(|name| (*name).to_owned()).collect();
        Some(DataFormat { data_order, ..DataFormat::default() })
    };
    let request = Request {
        serial_number: "SHS1".into(),
        format: named(&["panel_wh"]),
        timestamp: Some(1_772_323_400),
        request_count: Some(3),
        data: vec![("panel_wh".into(), Json::whole(40_000))],
        historical_data: Vec::new(),
    };
    let text = request.condensed(Some((&MetricsKey::new(&secret()).unwrap(), Method::Data))).unwrap();
    let forged = text.replace("panel_wh", "token_count");
    assert_ne!(forged, text);
    let before = site.state().desk().device(D).unwrap().count();
    ask(&mut site, &forged).unwrap();
    let desk = site.state().desk().device(D).unwrap();
    assert_eq!((desk.count(), desk.outstanding().len()), (before, 1));
}
