//! On HDLC: a meter that is never ready, that acknowledges and answers nothing, that says something else each time.

use taa_dlms::Value;
use taa_dlms::client::{Client, ClientConfig, ClientEvent, HdlcLink, Link, Output};
use taa_dlms::error::{Error, TransportFault};
use taa_dlms::link::hdlc::{Address, Control, Frame, Parameters, SecondaryConfig};
use taa_dlms::server::{Port, PortOutput, ServerLink};
use taa_keys::Drbg;

use crate::scene::{METER, Safety, VOLTAGE, client, client_config, model, server};

const S: u64 = 1_000_000_000;

fn ours() -> Address {
    Address::client(1).unwrap()
}

fn theirs() -> Address {
    Address::server(1, Some(17)).unwrap()
}

struct Line {
    client: Client,
    port: Port,
    server: taa_dlms::Server,
    now: u64,
    turns: usize,
}

impl Line {
    fn new(safety: Safety) -> Self {
        let link = HdlcLink { proposal: Parameters::symmetric(128, 3), ..HdlcLink::stream(ours(), theirs()) };
        let config = ClientConfig { link: Link::Hdlc(link), ..client_config(safety) };
        let secondary = SecondaryConfig::new(theirs(), Parameters::symmetric(128, 3));
        Self {
            client: client(config, safety),
            port: Port::new(ServerLink::Hdlc(secondary)),
            server: server(safety, METER, 1, 0),
            now: 0,
            turns: 0,
        }
    }

    /// Reads the voltage; what arrives in place of the meter's answer to a turn is up to the other.
    fn read(&mut self, mut between: impl FnMut(&[u8], Vec<u8>) -> Vec<u8>) -> Result<Value, Error> {
        self.client.read(self.now, &[VOLTAGE]).unwrap();
        let mut meter = model(231);
        let (mut ended, mut bound) = (None, None);
        for _ in 0..50_000 {
            match self.client.poll_output() {
                Output::Transmit(turn) => {
                    self.turns += 1;
                    let turn = turn.to_vec();
                    self.port.handle_receive(self.now, &mut self.server, &mut meter, &turn);
                    let mut answer = Vec::new();
                    while let Some(output) = self.port.poll_output() {
                        if let PortOutput::Transmit(bytes) = output {
                            answer.extend_from_slice(&bytes);
                        }
                    }
                    let arriving = between(&turn, answer);
                    self.client.handle_receive(self.now, &arriving);
                }
                Output::Event(ClientEvent::Values(values)) => ended = Some(Ok(values[0].clone().unwrap())),
                Output::Event(ClientEvent::Failed(error)) => ended = Some(Err(error)),
                Output::Event(ClientEvent::ReserveCounter(wanted)) => bound = Some(wanted),
                Output::Event(_) | Output::SetLine(_) => {}
                Output::Timeout(_) if bound.is_some() => {
                    self.client.handle_counter_durable(self.now, bound.take().unwrap());
                }
                Output::Timeout(_) if ended.is_some() => return ended.unwrap(),
                Output::Timeout(deadline) => {
                    self.now = self.now.max(deadline.expect("something to wait for"));
                    self.client.handle_timeout(self.now);
                }
            }
        }
        panic!("it never ends: {:?}", self.client);
    }
}

fn frame(control: Control) -> Vec<u8> {
    let mut out = Vec::new();
    let frame =
        Frame { destination: ours(), source: theirs(), control, poll: true, segmented: false, information: &[] };
    frame.encode(&mut out).unwrap();
    out
}

fn control(turn: &[u8]) -> Control {
    Frame::decode(turn).map_or(Control::FrameReject, |frame| frame.control)
}

#[test]
fn a_meter_that_is_never_ready_or_never_answers_is_given_up_in_time() {
    for safety in crate::scene::BOTH {
        for busy in [false, true] {
            let mut line = Line::new(safety);
            assert_eq!(line.read(|_, answer| answer), Ok(Value::U16(231)));
            let begun = line.now;
            let mut received = 0;
            let stalled = line.read(|turn, _| {
                if let Control::Information { send, .. } = control(turn) {
                    received = (send + 1) % 8;
                }
                frame(if busy {
                    Control::ReceiveNotReady { receive: received }
                } else {
                    Control::ReceiveReady { receive: received }
                })
            });
            assert_eq!(stalled, Err(TransportFault::Timeout.into()), "{safety:?} {busy}");
            assert!(line.now - begun <= 100 * S, "{safety:?} {busy}: {} s", (line.now - begun) / S);
            assert_eq!(line.read(|_, answer| answer), Ok(Value::U16(231)), "{safety:?} {busy}: recovered");
        }
    }
}

#[test]
fn noise_on_the_line_for_an_hour_is_survived() {
    for safety in crate::scene::BOTH {
        let mut line = Line::new(safety);
        let mut noise = Drbg::new(&[5; 32], &[], &[]);
        let (mut told, mut failed) = (0, 0);
        while line.now < 3600 * S {
            let read = line.read(|_, answer| {
                let mut bytes = vec![0; 64];
                noise.fill(&mut bytes).unwrap();
                let kind = bytes[0] % 4;
                match kind {
                    // Before the answer, within it, or in its place.
                    0 => [bytes, answer].concat(),
                    1 => {
                        let mut answer = answer;
                        let at = usize::from(bytes[1]) % answer.len().max(1);
                        if let Some(byte) = answer.get_mut(at) {
                            *byte ^= bytes[2] | 1;
                        }
                        answer
                    }
                    2 => bytes,
                    _ => answer,
                }
            });
            match read {
                Ok(value) => {
                    assert_eq!(value, Value::U16(231));
                    told += 1;
                }
                Err(Error::Transport(_) | Error::Security(_) | Error::PeerMisbehaved(_)) => failed += 1,
                Err(other) => panic!("{other}"),
            }
            line.now += S;
        }
        assert!(told > 50, "{safety:?}: {told} told, {failed} failed");
        assert_eq!(line.read(|_, answer| answer), Ok(Value::U16(231)));
    }
}
