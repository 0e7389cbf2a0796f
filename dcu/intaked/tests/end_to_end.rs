//! Over real sockets: callbacks in, the production DCU's fetches out, orders of the operator, bad callers.

#[allow(dead_code)]
mod common;
#[allow(dead_code)]
#[path = "../../core/tests/vending/site.rs"]
mod site;

use std::{net::SocketAddr, time::Duration};

use common::{call, confirmation, folder, post, secret, start};
use serde_json::{Value, json};
use site::{S, Site};
use taa_dcu::{LinkState, config::VendingConfig, fetch::FetchConfig};
use taa_intaked::{Order, Service, order, order::Asked};
use taa_keys::Secret;

/// A DCU that sells tokens and asks the relay every 15 s.
fn dcu(entropy: u64) -> Site {
    let mut entries = vec![site::entry(0), site::entry(1)];
    entries[1].sts.as_mut().unwrap().in_money = false;
    let mut site = Site::with(VendingConfig::default(), entries);
    site.lease(site::START_MINUTE, site::START_MINUTE + 1440, 1, 0);
    let key = Secret::new(secret("SITE").as_bytes());
    site.config.fetch = Some(FetchConfig { period_s: 15, ..FetchConfig::new("jija", key) });
    boot(&mut site, entropy);
    site
}

fn boot(site: &mut Site, entropy: u64) {
    site.cut();
    site.entropy = entropy;
    site.boot();
    site.with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
}

/// Time passes at the site; what it asks goes over a socket.
fn run(site: &mut Site, seconds: u64, relay: SocketAddr) {
    for _ in 0..seconds {
        site.run_for(S);
        for frame in std::mem::take(&mut site.fetches) {
            let (status, reply) = post(relay, "/fetch", &frame).unwrap();
            if status == 200 {
                site.with_dcu(|dcu, now| dcu.handle_fetch_receive(now, &reply));
            }
        }
    }
}

fn ordered(service: &Service, what: &Order) -> (u16, Value) {
    let token = Secret::new(secret("OPERATOR").as_bytes());
    let (status, body) = order(service.operator_addr(), &token, what).unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

fn end(service: Service) {
    service.stop().stop();
    service.wait().unwrap();
}

#[test]
fn a_callback_reaches_its_account_once_though_relay_and_dcu_start_again() {
    let folder = folder("whole");
    let service = start(&folder);
    assert_eq!(confirmation(service.addr(), "TX1", "A0", "50.00").unwrap(), 200);
    assert_eq!(confirmation(service.addr(), "TX2", "nobody", "70.00").unwrap(), 200);
    let (_, sites) = ordered(&service, &Order::Sites);
    assert_eq!((sites[0]["waiting"].as_u64(), sites[0]["waiting_amount"].as_str()), (Some(1), Some("50.00")));
    end(service);
    // Another process on the same journal.
    let service = start(&folder);
    assert_eq!(confirmation(service.addr(), "TX1", "A0", "50.00").unwrap(), 200, "a repeat");
    let mut site = dcu(1);
    run(&mut site, 40, service.addr());
    let totals = |site: &Site| (site.state().book().totals().received, site.state().book().totals().credited);
    assert_eq!(totals(&site), (5_000, 5_000));
    // What nobody has, an operator finds.
    let (_, held) = ordered(&service, &Order::Held);
    assert_eq!((held[0]["key"].as_str(), held[0]["amount_minor"].as_i64()), (Some("TX2"), Some(7_000)));
    let resolve =
        Order::Resolve { provider: "daraja".into(), key: "TX2".into(), site: "jija".into(), account: "A1".into() };
    assert_eq!(ordered(&service, &resolve).0, 200);
    assert_eq!(ordered(&service, &resolve), (422, json!({ "error": "no such money on hold, or no such site" })));
    boot(&mut site, 2);
    run(&mut site, 40, service.addr());
    assert_eq!(totals(&site), (12_000, 12_000));
    let (_, sites) = ordered(&service, &Order::Sites);
    assert_eq!(sites[0]["waiting"], 0, "the site has said so");
    end(service);
}

#[test]
fn somebody_elses_system_gets_a_token_of_the_site() {
    let service = start(&folder("token"));
    let (relay, mut site) = (service.addr(), dcu(1));
    run(&mut site, 20, relay);
    let asking = std::thread::spawn(move || {
        let password = secret("CALIN");
        let body = format!(
            r#"{{"user_id":"mpm","password":"{password}","meter_id":"TAA0000000000001","token_type":"CreditToken","amount":12.3}}"#
        );
        post(relay, "/tokens/api/tokennew", body.as_bytes()).unwrap()
    });
    while !asking.is_finished() {
        run(&mut site, 1, relay);
    }
    let (status, body) = asking.join().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, body["result_code"].as_i64()), (200, Some(0)), "{body}");
    site.meters[1].enter(body["result"].as_str().unwrap().as_bytes().first_chunk().unwrap()).unwrap();
    assert_eq!(site.meters[1].credited, 123);
    end(service);
}

#[test]
fn of_two_machines_with_one_identity_the_operator_names_the_right_one() {
    let service = start(&folder("twins"));
    let (mut site, mut twin) = (dcu(1), dcu(77));
    run(&mut site, 20, service.addr());
    let bound = |service: &Service| ordered(service, &Order::Sites).1[0]["session"].as_u64().unwrap();
    let first = bound(&service);
    run(&mut twin, 20, service.addr());
    assert_eq!(bound(&service), first, "who came first is served");
    let session = *twin.state().inbox().sessions().last().unwrap();
    assert_eq!(ordered(&service, &Order::Serve { site: "jijo".into(), session }).0, 422);
    assert_eq!(ordered(&service, &Order::Serve { site: "jija".into(), session }).0, 200);
    assert_eq!(confirmation(service.addr(), "TX1", "A0", "50.00").unwrap(), 200);
    run(&mut site, 40, service.addr());
    run(&mut twin, 200, service.addr());
    assert_eq!((bound(&service), site.state().book().totals().received), (session, 0));
    assert_eq!(twin.state().book().totals().received, 5_000);
    end(service);
}

#[test]
fn a_program_asks_the_provider_when_its_callback_only_hints() {
    let service = start(&folder("query"));
    let asked = Asked {
        provider: "mtn-momo".into(),
        id: "ref-1".into(),
        shortcode: String::new(),
        account: "A0".into(),
        amount_minor: 5_000,
        currency: "TZS".into(),
        minor_per_unit: 100,
        asked_unix_ms: None,
        orange: None,
    };
    assert_eq!(ordered(&service, &Order::Asked(asked)).0, 200);
    let path = format!("/{}/momo/ref-1", secret("PATH_SECRET"));
    assert_eq!(post(service.addr(), &path, br#"{"status":"FAILED"}"#).unwrap().0, 200, "a hint, whatever it says");
    let came = (0..100).any(|_| {
        let waiting = ordered(&service, &Order::Sites).1[0]["waiting"].as_u64();
        if waiting == Some(0) {
            pause();
        }
        waiting == Some(1)
    });
    assert!(came, "the provider's own word brings the money");
    end(service);
}

#[test]
fn bad_callers_have_named_answers() {
    let folder = folder("bad");
    let service = start(&folder);
    let to = service.addr();
    let path = format!("/{}/daraja/c2b/confirmation", secret("PATH_SECRET"));
    let told = |path: &str, body: &[u8]| post(to, path, body).map(|(status, _)| status).unwrap();
    assert_eq!(told(&path, &vec![b'1'; 17 * 1024]), 413, "a huge body");
    assert_eq!(told(&path, b"{\"TransID\":7"), 422, "cut off");
    assert_eq!(told("/guess/daraja/c2b/confirmation", b"{}"), 401, "a stranger");
    assert_eq!(told("/nothing/here", b""), 404);
    assert_eq!(told("/%zz/momo/x", b""), 400);
    assert_eq!(told("/fetch", b"no frame"), 403);
    assert_eq!(told("/fetch", &[7; 9000]), 413);
    assert_eq!(told("/order", b"{}"), 404, "orders have a port of their own");
    assert_eq!(post(service.operator_addr(), "/order", br#"{"order":"sites"}"#).unwrap().0, 401);
    let head = format!("POST /order HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", secret("OPERATOR"));
    let odd = format!("{head}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    assert_eq!(call(service.operator_addr(), odd.as_bytes()).unwrap().0, 422, "no order");
    // Who begins and does not go on is not waited for: no answer to half a header, 408 to half a body.
    assert!(call(to, b"POST /agent HTTP/1.1\r\nHost:").is_err());
    let slow = b"POST /agent HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    assert_eq!(call(to, slow).unwrap().0, 408);
    let long = format!("POST /agent HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "y".repeat(40_000));
    assert_eq!(call(to, long.as_bytes()).unwrap().0, 431);
    // A second process on this journal is told so, and everybody is still served.
    let settings = taa_intaked::Settings::parse(common::SETTINGS, &folder, |name| Some(secret(name))).unwrap();
    let second = Service::start(&settings, |_| {}).unwrap_err().to_string();
    assert_eq!(second, "the journal is in use by another process");
    assert_eq!(confirmation(to, "TX1", "A0", "50.00").unwrap(), 200);
    end(service);
}

#[expect(clippy::disallowed_methods, reason = "another process has to get its turn")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
