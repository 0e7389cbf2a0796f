//! Power cuts under the relay's journal: each un-synced sector is kept, dropped or torn. What the relay has answered is in
//! the journal afterwards, once, and a relay that starts from it hands it to its site.

use std::collections::BTreeSet;

use taa_dcu::payment::{Currency, Provider};
use taa_intake::{
    HttpRequest, Relay,
    provider::{Money, daraja::Shortcode},
    relay::{Accounts, Output, Record, RelayConfig, SiteConfig},
};
use taa_intaked::Journal;
use taa_keys::Secret;
use taa_powercut::{Config, Disk, Torn};

const NOW: i64 = 1_772_323_200_000;
const NAME: &str = "file:relay.db?psow=0";

fn config() -> RelayConfig {
    let money = Money { currency: Currency::new("TZS").unwrap(), minor_per_unit: 100 };
    let mut config = RelayConfig::new(Secret::new(b"hidden"));
    let accounts = Accounts::Prefix("A".into());
    config.sites.push(SiteConfig { id: "jija".into(), key: Secret::new(b"a key of the site"), money, accounts });
    config.shortcodes.push(Shortcode { code: "600123".into(), money, utc_offset_s: 0, confirms: true });
    config
}

/// The relay on its journal, as the service drives it, until the power fails.
struct Machine {
    relay: Relay,
    journal: Journal,
    answered: BTreeSet<u64>,
    /// The sabotage: answers before the disk has written.
    early: bool,
}

impl Machine {
    fn start(disk: &Disk, early: bool) -> Option<Self> {
        let (journal, records) = Journal::on(disk.open(NAME).ok()?).ok()?;
        let relay = Relay::recover(config(), records, NOW, 7);
        let mut machine = Self { relay, journal, answered: BTreeSet::new(), early };
        machine.drain().then_some(machine)
    }

    /// False when the disk has failed.
    fn drain(&mut self) -> bool {
        let mut records: Vec<Record> = Vec::new();
        loop {
            match self.relay.poll_output() {
                Output::Append(record) if self.early => {
                    self.relay.handle_durable(record.number);
                    records.push(record);
                }
                Output::Append(record) => records.push(record),
                Output::Respond { call, response } => {
                    assert_eq!(response.status, 200);
                    self.answered.insert(call);
                }
                Output::Timeout(_) if records.is_empty() => return true,
                Output::Timeout(_) => {
                    if self.journal.append(&records).is_err() {
                        return false;
                    }
                    let last = records.pop().map_or(0, |record| record.number);
                    records.clear();
                    self.relay.handle_durable(last);
                }
                _ => {}
            }
        }
    }

    /// A few payments come at once.
    fn pay(&mut self, numbers: std::ops::Range<u64>) -> bool {
        for n in numbers {
            let body = format!(
                r#"{{"TransID":"TX{n}","TransTime":"20260301000000","TransAmount":"1.00","BusinessShortCode":"600123","BillRefNumber":"A1"}}"#
            );
            let request = HttpRequest::post("/hidden/daraja/c2b/confirmation", body);
            self.relay.handle_callback(NOW, n, Provider::Daraja, &request);
        }
        self.drain()
    }
}

/// Cuts, and of those: how often something was corrupt, lost, or there twice.
fn census(disk: Config, lives: u64, early: bool) -> (u64, [u32; 3]) {
    let (mut cuts, mut wrong) = (0, [0; 3]);
    for seed in 0..lives {
        let disk = Disk::new(Config { seed, ..disk });
        let (mut answered, mut next) = (BTreeSet::new(), 0);
        for life in 0..25 {
            let draw = (seed.wrapping_mul(0x9E37_79B9) ^ (life + 1_u64).wrapping_mul(0x85EB_CA6B)) >> 7;
            disk.cut_after(1 + draw % 60);
            if let Some(mut machine) = Machine::start(&disk, early) {
                loop {
                    let from = next;
                    next += 1 + draw % 3;
                    if (next + draw).is_multiple_of(11) {
                        machine.relay.snapshot(NOW);
                    }
                    let goes_on = machine.pay(from..next);
                    answered.append(&mut machine.answered);
                    if !goes_on {
                        break;
                    }
                }
            }
            assert!(!disk.is_on(), "a life ends by the cut alone");
            disk.power_on();
            cuts += 1;
            let Ok((_, records)) = disk.open(NAME).map_err(|_| ()).and_then(|db| Journal::on(db).map_err(|_| ()))
            else {
                wrong[0] += 1;
                break;
            };
            let relay = Relay::recover(config(), records, NOW, 7);
            let items = relay.state().site("jija").into_iter().flat_map(|inbox| inbox.items());
            let keys: Vec<&str> = items.map(|(_, payment)| payment.key.as_str()).collect();
            let once: BTreeSet<&str> = keys.iter().copied().collect();
            wrong[2] += u32::from(once.len() < keys.len());
            if answered.iter().any(|n| !once.contains(format!("TX{n}").as_str())) {
                wrong[1] += 1;
                break;
            }
        }
    }
    (cuts, wrong)
}

#[test]
fn two_thousand_cuts_lose_nothing_that_was_answered() {
    let garbled = Config { torn: Torn::GarbagePage, torn_per_mille: 300, ..Config::default() };
    for disk in [Config::default(), garbled] {
        let (cuts, wrong) = census(disk, 80, false);
        assert_eq!((cuts, wrong), (2_000, [0; 3]), "{disk:?}");
    }
}

#[test]
fn sabotage_answers_before_the_disk_has_written_are_found_out() {
    let (_, [_, lost, _]) = census(Config::default(), 20, true);
    assert!(lost > 0);
}
