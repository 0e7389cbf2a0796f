//! Several meters on one pair of wires: conversations one after the other, each with the right meter; one that is dead
//! holds nobody up; what a meter says too late disturbs nobody.

mod common;

use common::{Bench, ENERGY, NAME, PASSWORD, RELAY, Told, values};
use taa_dlms::AttributeRef;
use taa_dlms::client::{Auth, ClientConfig, HdlcLink, Link, Output};
use taa_dlms::error::TransportFault;
use taa_dlms::link::bus::{Bus, BusConfig, BusOutput};
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::link::line::Baud;
use taa_dlms::server::{Port, PortOutput, ServerConfig, ServerLink};

const MS: u64 = 1_000_000;
const ALL: [AttributeRef; 3] = [ENERGY, RELAY, NAME];

struct Street {
    bus: Bus<usize>,
    houses: Vec<(Bench, Port)>,
    dead: Option<usize>,
    now: u64,
    /// The answer given last, for saying it too late.
    last_answer: Vec<u8>,
    /// Who had the line, and how it went.
    told: Vec<(usize, Told)>,
}

impl Street {
    fn new(houses: u16) -> Self {
        let house = |n: u16| {
            let address = Address::server(1, Some(17 + n)).unwrap();
            let link = HdlcLink::serial(Address::client(1).unwrap(), address, Baud(9600));
            let config = ClientConfig { link: Link::Hdlc(link), ..ClientConfig::new(Auth::password(PASSWORD)) };
            let mut bench = Bench::with(config, ServerConfig::default());
            bench.device.energy_wh = u64::from(n) * 1000;
            (bench, Port::new(ServerLink::Hdlc(SecondaryConfig::new(address, Parameters::DEFAULT))))
        };
        Self {
            bus: Bus::new(BusConfig { gap_ns: 20 * MS, hold_max_ns: 60_000 * MS, patience_ns: 600_000 * MS }),
            houses: (0..houses).map(house).collect(),
            dead: None,
            now: 0,
            last_answer: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Until nobody wants the line any more.
    fn run(&mut self) {
        loop {
            match self.bus.poll(self.now) {
                BusOutput::Granted(house) => self.converse(house),
                BusOutput::Overdue(house) => panic!("{house} holds the line for ever"),
                BusOutput::Timeout(Some(at)) => self.now = at,
                BusOutput::Timeout(None) => return,
            }
        }
    }

    fn converse(&mut self, house: usize) {
        // What the meter before said too late arrives now.
        let late = std::mem::take(&mut self.last_answer);
        self.houses[house].0.client.handle_receive(self.now, &late);
        self.houses[house].0.client.read(self.now, &ALL).unwrap();
        loop {
            match self.houses[house].0.client.poll_output() {
                Output::SetLine(_) => {}
                Output::Event(event) => {
                    let told = Told::from(event);
                    self.told.push((house, told));
                }
                Output::Timeout(None) => break,
                Output::Timeout(Some(deadline)) => {
                    self.now = deadline;
                    self.houses[house].0.client.handle_timeout(deadline);
                }
                Output::Transmit(bytes) => {
                    let bytes = bytes.to_vec();
                    // Everybody hears; only who is meant may answer.
                    let mut answers = 0;
                    for (n, (bench, port)) in self.houses.iter_mut().enumerate() {
                        port.handle_receive(self.now, &mut bench.server, &mut bench.device, &bytes);
                        while let Some(output) = port.poll_output() {
                            let PortOutput::Transmit(answer) = output else { continue };
                            assert_eq!(n, house, "another meter answers");
                            answers += 1;
                            self.last_answer = answer;
                        }
                    }
                    if answers == 1 && self.dead != Some(house) {
                        let answer = self.last_answer.clone();
                        self.houses[house].0.client.handle_receive(self.now, &answer);
                    }
                }
            }
        }
        // Its answer stands, so the line is free.
        self.bus.release(self.now, house);
    }
}

#[test]
fn each_conversation_is_with_the_right_meter() {
    let mut street = Street::new(5);
    for _ in 0..3 {
        for house in 0..5 {
            street.bus.request(street.now, house, 0);
        }
        street.run();
    }
    let read: Vec<(usize, Told)> =
        street.told.into_iter().filter(|(_, told)| matches!(told, Told::Values(_) | Told::Failed(_))).collect();
    let expected: Vec<(usize, Told)> =
        (0..15).map(|n| (n % 5, values(u64::try_from(n % 5).unwrap() * 1000, true))).collect();
    assert_eq!(read, expected);
}

#[test]
fn a_dead_meter_holds_nobody_up_and_the_urgent_come_first() {
    let mut street = Street::new(4);
    street.dead = Some(1);
    for house in 0..4 {
        street.bus.request(0, house, u8::from(house == 3));
    }
    street.run();
    let ends: Vec<(usize, bool)> = street
        .told
        .iter()
        .filter_map(|(house, told)| match told {
            Told::Values(_) => Some((*house, true)),
            Told::Failed(error) => {
                assert_eq!(*error, TransportFault::Timeout.into());
                Some((*house, false))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(3, true), (0, true), (1, false), (2, true)]);
}
