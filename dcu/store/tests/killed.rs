//! A real process on a real file, killed in the midst of its work, again and again.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use common::{Reference, config, mix};
use taa_store::{Place, Store};

const KILLS: u64 = 50;
const FOLDER: &str = "TAA_STORE_KILLED_FOLDER";

fn file() -> Option<String> {
    std::env::var(FOLDER).ok().map(|folder| format!("{folder}/state.db"))
}

/// The journal as everybody knows it: record n follows from n alone, a snapshot from those before it.
fn journal(records: u64) -> Reference {
    let mut reference = Reference::default();
    for number in 1..=records {
        reference.journal.push(common::record(number, common::entry(number, mix(number))));
    }
    reference
}

/// The child: appends, commits, tells what it was promised. It never ends by itself.
#[test]
fn child() {
    let Some(file) = file() else { return };
    let (mut store, recovery) = Store::open(&Place::File(file), config(), None).unwrap();
    let mut out = std::io::stdout().lock();
    let mut number = recovery.last_record;
    for now_ms in (0..).step_by(500) {
        for _ in 0..1 + mix(number) % 5 {
            number += 1;
            let record = common::record(number, common::entry(number, mix(number)));
            store.append(now_ms, &record, record.entry.urgency()).unwrap();
        }
        if store.due(now_ms).is_some_and(|at| at <= now_ms) {
            let upto = store.commit(now_ms).unwrap();
            // A line goes out at once, or nobody was promised anything.
            writeln!(out, "\npromised {upto}").and_then(|()| out.flush()).unwrap();
        }
    }
}

#[test]
fn a_process_killed_fifty_times_keeps_its_promises() {
    if file().is_some() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("taa-store-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state.db").to_str().unwrap().to_owned();
    let mut promised = 0_u64;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wanted = 1 + mix(kill) % 40;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < wanted {
            let line = lines.next().expect("the child goes on until it is killed").unwrap();
            if let Some(number) = line.strip_prefix("promised ") {
                promised = number.parse().unwrap();
                seen += 1;
            }
        }
        // SIGKILL, while it works on the next ones.
        child.kill().unwrap();
        // What it still managed to say counts as well.
        for line in lines.map_while(Result::ok) {
            promised = line.strip_prefix("promised ").and_then(|number| number.parse().ok()).unwrap_or(promised);
        }
        child.wait().unwrap();
        let (store, mut recovery) = Store::open(&Place::File(path.clone()), config(), None).unwrap();
        assert!(recovery.is_whole(), "kill {kill}: {:?}", recovery.set_aside_why);
        assert!(recovery.last_record >= promised, "kill {kill}: {} of {promised}", recovery.last_record);
        let expected = journal(recovery.last_record).journal;
        assert!(recovery.take_records().eq(expected), "kill {kill}");
        drop(store);
    }
    assert!(promised > 500, "{promised}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A file that must not grow (RLIMIT_FSIZE, a quota): the shell sets the limit, the child meets it.
#[test]
fn a_file_that_must_not_grow_is_a_full_disk() {
    if let Ok(folder) = std::env::var("TAA_STORE_LIMITED_FOLDER") {
        let (mut store, _) = Store::open(&Place::File(format!("{folder}/state.db")), config(), None).unwrap();
        for number in 1..100_000 {
            let record = common::record(number, common::entry(number, mix(number)));
            store.append(number, &record, record.entry.urgency()).unwrap();
            if number % 7 == 0
                && let Err(error) = store.commit(number)
            {
                println!("\nrefused at {} of {number}: {error}", store.durable());
                return;
            }
        }
        return;
    }
    let folder = std::env::temp_dir().join(format!("taa-store-limited-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = std::env::current_exe().unwrap();
    // 512 KiB; the signal that comes with the limit is ignored, so that the write is refused with EFBIG instead.
    let script =
        "trap '' XFSZ; ulimit -f 512; exec \"$0\" a_file_that_must_not_grow_is_a_full_disk --exact --nocapture";
    let run = Command::new("bash").args(["-c", script]).arg(program).env("TAA_STORE_LIMITED_FOLDER", &folder).output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let refused = said.lines().find_map(|line| line.strip_prefix("refused at ")).unwrap_or_else(|| panic!("{said}"));
    let durable: u64 = refused.split(' ').next().unwrap().parse().unwrap();
    let path = folder.join("state.db").to_str().unwrap().to_owned();
    let (_store, mut recovery) = Store::open(&Place::File(path), config(), None).unwrap();
    assert!(recovery.is_whole() && recovery.last_record >= durable && durable > 100, "{refused}");
    let expected = journal(recovery.last_record).journal;
    assert!(recovery.take_records().eq(expected));
    std::fs::remove_dir_all(&folder).unwrap();
}
