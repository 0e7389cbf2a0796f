//! `taa intake`: the service as it is started, a callback, an order, bad settings.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const SETTINGS: &str = r#"
listen = "127.0.0.1:0"
operator_listen = "127.0.0.1:PORT"
operator_token = { file = "operator.key" }
journal = "relay.db"
path_secret = { file = "path.key" }
[[site]]
id = "jija"
key = { env = "TAA_TEST_SITE" }
money = { currency = "TZS", minor_per_unit = 100 }
accounts = { prefix = "A" }
[[daraja]]
code = "600123"
money = { currency = "TZS", minor_per_unit = 100 }
utc_offset_s = 10800
"#;

/// A folder with settings whose orders come in at a port that is free now.
fn settings(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("taa-cli-intake-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("operator.key"), "operator-0123456789\n").unwrap();
    fs::write(folder.join("path.key"), "path-0123456789abc").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let path = folder.join("relay.toml");
    fs::write(&path, SETTINGS.replace("PORT", &port.to_string())).unwrap();
    path
}

fn taa(arguments: &[&str], settings: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taa"));
    command
        .arg("intake")
        .arg(arguments[0])
        .arg(settings)
        .args(&arguments[1..])
        .env("TAA_TEST_SITE", "site-0123456789abc");
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_relay_serves_and_takes_orders() {
    let settings = settings("serve");
    let checked = taa(&["check"], &settings).output().unwrap();
    assert!(checked.status.success() && text(&checked).contains("jija in TZS"), "{}", text(&checked));
    let nobody = taa(&["sites"], &settings).output().unwrap();
    assert_eq!(nobody.status.code(), Some(3), "{}", text(&nobody));
    let mut serving = taa(&["serve"], &settings).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(serving.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = told.find(|line| line.starts_with("callbacks and fetches")).expect("it says where it listens");
    let addr = line.rsplit('/').next().unwrap().to_owned();
    assert!(told.any(|line| line.starts_with("orders")));
    let body = r#"{"TransID":"TX1","TransTime":"19700101030000","TransAmount":"50.00","BusinessShortCode":"600123","BillRefNumber":"A7"}"#;
    let mut caller = TcpStream::connect(addr).unwrap();
    let head = "POST /path-0123456789abc/daraja/c2b/confirmation HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    write!(caller, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let sites = taa(&["sites"], &settings).output().unwrap();
    assert!(sites.status.success() && text(&sites).contains("\"waiting_amount\": \"50.00\""), "{}", text(&sites));
    let resolve = ["resolve", "daraja", "TX9", "--site", "jija", "--account", "A7"];
    let resolved = taa(&resolve, &settings).output().unwrap();
    assert_eq!(resolved.status.code(), Some(2), "{}", text(&resolved));
    // A second one on this journal.
    let second = taa(&["serve"], &settings).output().unwrap();
    assert_eq!(second.status.code(), Some(2), "{}", text(&second));
    assert!(text(&second).contains("in use by another process"), "{}", text(&second));
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[test]
fn bad_settings_are_named() {
    let path = settings("bad");
    let with = |from: &str, to: &str| {
        fs::write(&path, SETTINGS.replace("PORT", "8471").replacen(from, to, 1)).unwrap();
        let output = taa(&["check"], &path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        text(&output)
    };
    assert!(with("utc_offset_s", "utc_offset").contains("utc_offset"));
    assert!(with("TAA_TEST_SITE", "TAA_TEST_NOBODY").contains("site jija: TAA_TEST_NOBODY is not in the environment"));
    assert!(with("operator.key", "no.key").contains("no.key"));
    assert!(with("\"TZS\"", "\"tzs\"").contains("site jija: money.currency"));
}
