//! A small corpus of messages and values, one of each form, as hex lines in `tests/corpus`: every line decodes and
//! comes back the same; and whatever is done to it (bytes flipped, cut, doubled, lengths blown up, two spliced), the
//! decoders and both roles answer with errors at worst.

mod common;

use common::{Bench, ENERGY, RELAY, Told};
use taa_dlms::apdu::{Apdu, is_request};
use taa_dlms::axdr::{decode_all, encode, skip};
use taa_dlms::client::{Auth, Client, ClientConfig, Referencing};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::server::ServerConfig;
use taa_dlms::wire::Reader;

const MUTATIONS_PER_MESSAGE: u32 = 400;

fn corpus() -> Vec<Vec<u8>> {
    include_str!("corpus/messages.hex")
        .lines()
        .map(|line| (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect())
        .collect()
}

/// A multiplicative generator is enough to mutate: what matters is that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

fn mutate(message: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len());
        match chance.below(7) {
            _ if bytes.is_empty() => return bytes,
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = [0, 1, 0x7F, 0x80, 0x81, 0x84, 0xFF][chance.below(7)],
            2 => bytes.truncate(at),
            3 => {
                bytes.remove(at);
            }
            4 => bytes.splice(at..at, [0x84, 0xFF, 0xFF, 0xFF, 0xFF]).for_each(drop),
            5 => bytes.extend_from_within(at..),
            _ => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[chance.below(other.len())..]);
            }
        }
    }
    bytes
}

#[test]
fn every_message_of_the_corpus_comes_back_the_same() {
    let corpus = corpus();
    assert!(corpus.len() > 60);
    let mut tags = std::collections::BTreeSet::new();
    for bytes in corpus {
        let mut again = Vec::new();
        match (Apdu::decode(&bytes), decode_all(&bytes)) {
            (Ok(apdu), _) => {
                apdu.encode(&mut again);
                tags.insert(bytes[0]);
            }
            (_, Ok(value)) => encode(&value, &mut again),
            (Err(error), _) => panic!("{bytes:02x?}: {error}"),
        }
        assert_eq!(again, bytes);
    }
    assert_eq!(tags.len(), 24, "one of each message: {tags:02x?}");
}

#[test]
fn mutated_messages_are_errors_at_worst() {
    let corpus = corpus();
    let mut chance = Chance(20_260_301);
    let (mut read, mut refused) = (0_u32, 0_u32);
    for message in &corpus {
        for _ in 0..MUTATIONS_PER_MESSAGE {
            let other = &corpus[chance.below(corpus.len())];
            let bytes = mutate(message, other, &mut chance);
            let _ = decode_all(&bytes);
            let _ = skip(&mut Reader::new(&bytes));
            match Apdu::decode(&bytes) {
                Ok(apdu) => {
                    read += 1;
                    let mut again = Vec::new();
                    apdu.encode(&mut again);
                    assert!(Apdu::decode(&again).is_ok(), "{bytes:02x?} became {again:02x?}");
                }
                Err(_) => refused += 1,
            }
        }
    }
    // Mutations that never decode, or always, would exercise nothing.
    assert!(read > 1000 && refused > 1000, "{read} read, {refused} refused");
}

/// Both roles, by logical and short names, in the middle of their work.
#[test]
fn mutated_messages_harm_neither_role() {
    let corpus = corpus();
    let mut chance = Chance(7);
    for referencing in [Referencing::LogicalNames, Referencing::ShortNames] {
        let server = ServerConfig { short_names: true, ..ServerConfig::default() };
        let config = ClientConfig { referencing, retries: 0, ..ClientConfig::new(Auth::password(common::PASSWORD)) };
        let mut bench = Bench::with(config.clone(), server);
        bench.client.read(0, &[ENERGY]).unwrap();
        bench.run();
        for message in &corpus {
            for _ in 0..MUTATIONS_PER_MESSAGE / 10 {
                let other = &corpus[chance.below(corpus.len())];
                let bytes = mutate(message, other, &mut chance);
                let mut frame = Vec::new();
                wrapper::begin(&mut frame);
                frame.extend_from_slice(&bytes);
                wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
                let mut reply = Vec::new();
                let answered = bench.server.handle_receive(&mut bench.device, &frame, &mut reply);
                assert!(!answered || bytes.first().is_some_and(|tag| is_request(*tag)), "{bytes:02x?}");
                bench.client.read(bench.now, &[ENERGY, RELAY]).unwrap();
                bench.client.handle_receive(bench.now, &frame);
                let told = bench.run();
                assert!(matches!(told.last(), Some(Told::Values(_) | Told::Failed(_))), "{told:?}");
            }
            bench.client = Client::new(config.clone());
        }
        bench.client.read(bench.now, &[ENERGY]).unwrap();
        let told = bench.run();
        assert!(matches!(told.last(), Some(Told::Values(_))), "sound again: {told:?}");
    }
}
