//! A relay's settings, and a caller with a socket.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use taa_intaked::{Service, Settings};

pub(crate) const SETTINGS: &str = r#"
listen = "127.0.0.1:0"
operator_listen = "127.0.0.1:0"
operator_token = { env = "OPERATOR" }
journal = "relay.db"
path_secret = { env = "PATH_SECRET" }
read_timeout_ms = 700
[queries]
program = ["/bin/sh", "-c", 'read line; case "$line" in *momo*) printf "{\"status\":\"SUCCESSFUL\",\"amount\":\"50.00\",\"currency\":\"TZS\"}";; *) exit 1;; esac']
[[site]]
id = "jija"
key = { env = "SITE" }
money = { currency = "TZS", minor_per_unit = 100 }
accounts = { prefix = "A" }
[[meter]]
name = "TAA0000000000001"
site = "jija"
[[daraja]]
code = "600123"
money = { currency = "TZS", minor_per_unit = 100 }
utc_offset_s = 10800
confirms = true
[tokens]
money = { currency = "TZS", minor_per_unit = 100 }
wait_s = 20
calin = { mpm = { env = "CALIN" } }
"#;

/// The secret of this name.
pub(crate) fn secret(name: &str) -> String {
    format!("{name}-secret-0123456789")
}

/// An empty folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("taa-intaked-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

pub(crate) fn start(folder: &Path) -> Service {
    let settings = Settings::parse(SETTINGS, folder, |name| Some(secret(name))).unwrap();
    Service::start(&settings, |_| {}).unwrap()
}

/// The status and the body of the answer.
pub(crate) fn post(to: SocketAddr, path: &str, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: relay\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    call(to, &[head.as_bytes(), body].concat())
}

pub(crate) fn call(to: SocketAddr, bytes: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    // A server that has heard enough may not read the rest.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        ended?;
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), answer[end + 4..].to_vec()))
}

/// A pay bill confirmation; its clock says nothing, so that this runs in any year.
pub(crate) fn confirmation(to: SocketAddr, id: &str, account: &str, amount: &str) -> std::io::Result<u16> {
    let body = format!(
        r#"{{"TransactionType":"Pay Bill","TransID":"{id}","TransTime":"19700101030000","TransAmount":"{amount}",
        "BusinessShortCode":"600123","BillRefNumber":"{account}","MSISDN":"255700000001"}}"#
    );
    let path = format!("/{}/daraja/c2b/confirmation", secret("PATH_SECRET"));
    post(to, &path, body.as_bytes()).map(|(status, _)| status)
}
