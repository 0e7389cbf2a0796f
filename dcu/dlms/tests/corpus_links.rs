//! A small corpus of what stands on a line, as hex lines in `tests/corpus/links.hex`: frames and openings of outside
//! implementations. Every line is understood; and whatever is done to it, and to several of them in a row, the decoders
//! and both ends answer with errors at worst, come to rest, and hold no more than a message.

mod common;

use common::{Bench, ENERGY, PASSWORD};
use taa_dlms::client::{Auth, ClientConfig, HdlcLink, Link, ModeE, Output};
use taa_dlms::link::hdlc::{Address, Decoder, Frame, Parameters, SecondaryConfig};
use taa_dlms::link::iec21::{
    Block, DeviceAddress, Found, Identification, OptionSelect, StationConfig, data_sets, parse_request,
};
use taa_dlms::link::line::Baud;
use taa_dlms::link::push::open_datagram;
use taa_dlms::server::{Port, ServerConfig, ServerLink};

const ROUNDS: u32 = 4000;

fn corpus() -> Vec<Vec<u8>> {
    include_str!("corpus/links.hex")
        .lines()
        .map(|line| (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect())
        .collect()
}

/// A multiplicative generator is enough: what matters is that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = corpus[chance.below(corpus.len())].clone();
    for _ in 0..chance.below(3) {
        let at = chance.below(bytes.len());
        match chance.below(6) {
            _ if bytes.is_empty() => return bytes,
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = [0, 0x7E, 0xA0, 0xA7, 0xFF, b'/', 0x03, 0x06][chance.below(8)],
            2 => bytes.truncate(at),
            3 => bytes.extend_from_within(at..),
            4 => bytes.splice(at..at, [0x7E, 0xA7, 0xFF]).for_each(drop),
            _ => bytes.splice(at.., corpus[chance.below(corpus.len())].iter().copied()).for_each(drop),
        }
    }
    bytes
}

#[test]
fn every_line_is_understood() {
    for bytes in corpus() {
        let opening = parse_request(&bytes).is_some()
            || Identification::parse(&bytes).is_some()
            || OptionSelect::parse(&bytes).is_some();
        let block = matches!(Block::find(&bytes), Found::Whole(_, length) if length == bytes.len());
        assert!(opening || block || Frame::decode(&bytes).is_ok(), "{bytes:02x?}");
    }
}

#[test]
fn mutations_harm_nobody() {
    let corpus = corpus();
    let mut chance = Chance(20_261_121);
    let server = Address::server(1, None).unwrap();
    let link = HdlcLink::serial(Address::client(1).unwrap(), server, Baud(9600));
    let opening = ModeE { device: DeviceAddress::default(), baud_max: Baud(9600), fallback: None };
    let secondary = SecondaryConfig::new(server, Parameters::symmetric(128, 3));
    let station = StationConfig {
        identification: b"/SIM5\\2METER1\r\n".to_vec(),
        address: b"1".to_vec(),
        data_set: b"0.0.0(1)\r\n".to_vec(),
        inactivity_timeout_ns: 1_000_000_000,
    };
    for round in 0..ROUNDS {
        let (ours, theirs) = if round % 2 == 0 {
            (Link::Hdlc(link), ServerLink::Hdlc(secondary))
        } else {
            (Link::HdlcAfterModeE(link, opening), ServerLink::HdlcAfterModeE(secondary, station.clone()))
        };
        let config = ClientConfig { link: ours, ..ClientConfig::new(Auth::password(PASSWORD)) };
        let mut bench = Bench::with(config, ServerConfig::default());
        let mut port = Port::new(theirs);
        let mut decoder = Decoder::new();
        let mut now = 0;
        bench.client.read(now, &[ENERGY]).unwrap();
        for _ in 0..8 {
            while !matches!(bench.client.poll_output(), Output::Timeout(_)) {}
            let bytes = mutated(&corpus, &mut chance);
            let cut = chance.below(bytes.len() + 1);
            for piece in [&bytes[..cut], &bytes[cut..]] {
                bench.client.handle_receive(now, piece);
                port.handle_receive(now, &mut bench.server, &mut bench.device, piece);
                decoder.push(piece);
                while decoder.next_frame().is_some() {}
            }
            while port.poll_output().is_some() {}
            let _ = open_datagram(&bytes);
            let _ = data_sets(&bytes).map(|set| set.values().count()).sum::<usize>();
            now += 300_000_000;
            bench.client.handle_timeout(now);
        }
        // Left alone, the command ends.
        for _ in 0..200 {
            match bench.client.poll_output() {
                Output::Timeout(None) => break,
                Output::Timeout(Some(deadline)) => bench.client.handle_timeout(deadline),
                _ => {}
            }
        }
        assert!(bench.client.is_idle(), "round {round} never ends");
        assert!(bench.client.memory_bytes() < 4096);
    }
}
