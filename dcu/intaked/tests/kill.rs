//! A real process is killed again and again while callbacks come in: whatever it has answered is in its journal, once.

#[allow(dead_code)]
mod common;

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{confirmation, folder, start};
use taa_intake::relay::{Entry, Record};
use taa_intaked::Journal;

const FOLDER: &str = "TAA_INTAKED_CHILD";

/// The process that is killed; without the variable this is no test.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let service = start(Path::new(&folder));
    let told = Path::new(&folder).join("addr.new");
    std::fs::write(&told, service.addr().to_string()).unwrap();
    std::fs::rename(told, Path::new(&folder).join("addr")).unwrap();
    service.wait().unwrap();
}

fn begin(folder: &Path) -> Child {
    let _ = std::fs::remove_file(folder.join("addr"));
    let own = std::env::current_exe().unwrap();
    Command::new(own)
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "another process has to get its turn")]
fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Payments that were answered and are not there, and payments that are there twice.
fn wrong(records: &[Record], answered: &[String]) -> (Vec<String>, Vec<String>) {
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    for record in records {
        if let Entry::Took { payment, .. } = &record.entry {
            *taken.entry(payment.key.as_str()).or_default() += 1;
        }
    }
    let lost = answered.iter().filter(|key| !taken.contains_key(key.as_str())).cloned().collect();
    let twice = taken.iter().filter(|(_, count)| **count > 1).map(|(key, _)| (*key).to_owned()).collect();
    (lost, twice)
}

#[test]
fn what_was_answered_outlives_twenty_kills() {
    let folder = folder("kill");
    let (mut answered, mut unanswered, mut n): (Vec<String>, Vec<String>, u32) = (Vec::new(), Vec::new(), 0);
    for round in 0..20_u64 {
        let mut child = begin(&folder);
        let found = (0..500).find_map(|_| {
            let addr = std::fs::read_to_string(folder.join("addr")).ok();
            if addr.is_none() {
                pause(20);
            }
            addr
        });
        let to = found.expect("it starts").parse().unwrap();
        let killer = std::thread::spawn(move || {
            pause(20 + round * 37 % 110);
            child.kill().unwrap();
            child.wait().unwrap();
        });
        // What was not answered is sent again, as a provider does.
        for key in std::mem::take(&mut unanswered) {
            match confirmation(to, &key, "A0", "1.00") {
                Ok(200) => answered.push(key),
                _ => unanswered.push(key),
            }
        }
        while !killer.is_finished() {
            n += 1;
            let key = format!("TX{n}");
            match confirmation(to, &key, "A0", "1.00") {
                Ok(200) => answered.push(key),
                _ => unanswered.push(key),
            }
        }
        killer.join().unwrap();
    }
    assert!(answered.len() > 50, "{} answered", answered.len());
    let (_, records) = Journal::open(&folder.join("relay.db")).unwrap();
    assert_eq!(wrong(&records, &answered), (vec![], vec![]));
    // The sabotage: a disk that has lost the last record of a payment, or kept one twice, is seen.
    let last = records.iter().rposition(|record| matches!(record.entry, Entry::Took { .. })).unwrap();
    let mut lying = records;
    let again = lying.remove(last);
    let Entry::Took { payment, .. } = &again.entry else { unreachable!() };
    let known = answered.contains(&payment.key);
    assert_eq!(wrong(&lying, &answered).0, if known { vec![payment.key.clone()] } else { vec![] });
    lying.extend([again.clone(), again.clone()]);
    assert_eq!(wrong(&lying, &answered).1, vec![payment.key.clone()]);
}
