//! Our client against the independent meter of the validation cases (`tests/peers/meter_peer.py`): every mechanism, suite and
//! form, then its fault switches. The trials appear as ignored where Python with `cryptography` is missing.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Link, Output};
use taa_dlms::error::{SecurityFault, TransportFault};
use taa_dlms::security::{
    ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SendCounter, Suite, SystemTitle,
};
use taa_dlms::{AttributeRef, Error, MethodRef, Value, obis};
use taa_keys::{Curve, Drbg, Key, KeyHandle, PrivateKey, Secret};

const CLOCK: AttributeRef = AttributeRef::new(8, obis::Obis([0, 0, 1, 0, 0, 255]), 2);
const DISCONNECT: MethodRef = MethodRef::new(70, obis::DISCONNECT_CONTROL, 1);

fn main() -> ExitCode {
    let run = Command::new("python3").args(["-c", "import cryptography"]).stderr(Stdio::null()).status();
    let available = run.is_ok_and(|status| status.success());
    let trial = |name: &str, run: fn()| {
        let trial = Trial::test(name, move || {
            run();
            Ok(())
        });
        if available { trial } else { trial.with_kind("needs Python with cryptography").with_ignored_flag(true) }
    };
    let trials = vec![
        trial("the_independent_meter_agrees", the_independent_meter_agrees),
        trial("its_faults_are_named_or_survived", its_faults_are_named_or_survived),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

struct Meter {
    process: Child,
    port: u64,
}

impl Meter {
    fn start(flags: &[&str]) -> Self {
        let mut process = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/meter_peer.py"))
            .args(["--wrapper", "0", "--days", "1"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self { process, port: ready["wrapper"].as_u64().unwrap() }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", u16::try_from(self.port).unwrap())).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        stream
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Drives one command to its end; a read timeout of the socket is the client's deadline.
fn run(client: &mut Client, stream: &mut TcpStream) -> Result<Option<Value>, Error> {
    let (mut value, mut ended, mut bound) = (None, None, None);
    loop {
        match client.poll_output() {
            Output::Transmit(frame) => stream.write_all(frame).unwrap(),
            Output::Event(ClientEvent::ReserveCounter(wanted)) => bound = Some(wanted),
            Output::Event(ClientEvent::Values(values)) => {
                value = values.first().and_then(|value| value.clone().ok());
                ended = Some(Ok(()));
            }
            Output::Event(ClientEvent::Done(_)) => ended = Some(Ok(())),
            Output::Event(ClientEvent::Failed(error)) => ended = Some(Err(error)),
            Output::Event(_) => {}
            Output::SetLine(line) => panic!("no line to set: {line:?}"),
            Output::Timeout(deadline) => {
                if let Some(bound) = bound.take() {
                    client.handle_counter_durable(0, bound);
                    continue;
                }
                if let Some(ended) = ended {
                    return ended.map(|()| value);
                }
                let mut bytes = [0; 4096];
                match stream.read(&mut bytes) {
                    Ok(0) => client.handle_closed(0),
                    Ok(count) => client.handle_receive(0, &bytes[..count]),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        client.handle_timeout(deadline.expect("waits for something"));
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

fn hls(mechanism: &str, suite: Suite) -> Option<Hls> {
    let secret = || Secret::new(b"Gurux");
    let key = |byte| {
        let curve = if suite == Suite::Two { Curve::P384 } else { Curve::P256 };
        let mut scalar = vec![0; curve.bytes()];
        let at = curve.bytes() - 32;
        scalar[at..].fill(byte);
        PrivateKey::from_bytes(curve, &scalar).unwrap()
    };
    Some(match mechanism {
        "md5" => Hls::Md5(secret()),
        "sha1" => Hls::Sha1(secret()),
        "gmac" => Hls::Gmac,
        "sha256" => Hls::Sha256(secret()),
        "ecdsa" => Hls::Ecdsa { own: key(0x22), peer: key(0x11).public() },
        _ => return None,
    })
}

fn client(mechanism: &str, suite: Suite, protection: Protection, form: Form, dedicated: bool, from: u32) -> Client {
    let auth = match hls(mechanism, suite) {
        Some(hls) => Auth::High(hls),
        None if mechanism == "low" => Auth::password(b"12345678"),
        None => Auth::None,
    };
    let key = |from: u8| {
        let bytes: Vec<u8> = (from..).take(suite.key_bits() / 8).collect();
        KeyHandle::new(Key::from_bytes(&bytes).unwrap())
    };
    let config = ClientConfig { link: Link::Stream, retries: 2, ..ClientConfig::new(auth) };
    Client::secured(
        config,
        ClientSecurity {
            suite,
            title: SystemTitle(*b"TAA\0\0\0\0\x01"),
            server_title: None,
            keys: Some(Keys {
                unicast: key(0).cipher(),
                authentication: Some(key(0xD0)),
                broadcast: None,
                parties: None,
            }),
            policy: Policy::both(protection),
            form,
            dedicated,
            challenge_bytes: 32,
            counter: SendCounter::resume(from, 64),
            random: Random::generator(Drbg::new(&[from.to_be_bytes()[2]; 48], &from.to_be_bytes(), b"peer")),
        },
    )
}

fn the_independent_meter_agrees() {
    let mut cells = 0;
    for (flag, suite) in [("0", Suite::Zero), ("1", Suite::One), ("2", Suite::Two)] {
        let meter = Meter::start(&["--suite", flag]);
        let mut from = 0;
        for mechanism in ["none", "low", "md5", "sha1", "gmac", "sha256", "ecdsa"] {
            for protection in [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::BOTH] {
                for (form, dedicated) in
                    [(Form::Service, false), (Form::Service, true), (Form::General, false), (Form::General, true)]
                {
                    let trivial = form == Form::Service && !dedicated;
                    // Its suite 0 signs on P-256 as well, which the standard does not have; suite 0 is left out.
                    if (protection.is_none() && !trivial) || (mechanism == "ecdsa" && suite == Suite::Zero) {
                        continue;
                    }
                    from += 1000;
                    let mut client = client(mechanism, suite, protection, form, dedicated, from);
                    let mut stream = meter.connect();
                    let what = format!("{mechanism} {suite:?} {protection:?} {form:?} dedicated {dedicated}");
                    client.read(0, &[CLOCK]).unwrap();
                    let value = run(&mut client, &mut stream).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert!(value.is_some_and(|value| value.as_bytes().is_some_and(|b| b.len() == 12)), "{what}");
                    // Those who prove nothing may not switch.
                    if mechanism != "none" {
                        client.invoke(0, DISCONNECT, Some(&Value::I8(0))).unwrap();
                        run(&mut client, &mut stream).unwrap_or_else(|error| panic!("{what}: {error}"));
                    }
                    client.release(0).unwrap();
                    run(&mut client, &mut stream).unwrap();
                    cells += 1;
                }
            }
        }
    }
    println!("{cells} cells");
    assert_eq!(cells, 3 * 6 * 13 + 2 * 13);
}

fn its_faults_are_named_or_survived() {
    let security = |fault: SecurityFault| Some(Error::from(fault));
    for (flags, reads, expected) in [
        (&["--drop-nth", "4"][..], 6, None),
        (&["--corrupt-nth", "5"], 6, None),
        (&["--noise-nth", "3"], 6, None),
        (&["--exception-nth", "5"], 4, None),
        (&["--bad-tag-nth", "4"], 6, None),
        (&["--ic-replay-nth", "4"], 6, None),
        (&["--bad-tag-nth", "1"], 1, security(SecurityFault::NotGenuine)),
        (&["--bad-hls-nth", "1"], 1, security(SecurityFault::NotProven)),
        (&["--auth", "low"], 1, security(SecurityFault::AuthenticationRefused)),
        (&["--ek", "ffffffffffffffffffffffffffffffff"], 1, security(SecurityFault::AuthenticationRefused)),
        (&["--close-nth", "3"], 1, Some(TransportFault::Closed.into())),
    ] {
        let meter = Meter::start(flags);
        let mut client = client("gmac", Suite::Zero, Protection::BOTH, Form::Service, false, 1000);
        let mut stream = meter.connect();
        let mut last = None;
        for _ in 0..reads {
            client.read(0, &[CLOCK]).unwrap();
            last = Some(run(&mut client, &mut stream));
            if let Some(Ok(value)) = &last {
                assert!(value.as_ref().is_some_and(|value| value.as_bytes().is_some()), "{flags:?}: {value:?}");
            }
        }
        println!("{flags:?}: {last:?}");
        match expected {
            None => assert!(matches!(last, Some(Ok(Some(_)))), "{flags:?}: {last:?}"),
            Some(error) => assert_eq!(last, Some(Err(error)), "{flags:?}"),
        }
    }
}
