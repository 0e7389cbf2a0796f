//! One command transfers an image whole, wherever it is broken off, and lets what is urgent go first.

use std::sync::Arc;
use std::sync::Mutex;

use taa_dlms::axdr::Octets;
use taa_dlms::client::{ClientConfig, ImageOrder, Referencing};
use taa_dlms::cosem::image::{ImageError, Options};
use taa_dlms::cosem::model::{Hooks, Verdict};
use taa_dlms::cosem::{ImageInfo, ImageTransfer, Model, Object, Register};
use taa_dlms::error::{Misuse, Refusal, TransportFault};
use taa_dlms::{AttributeRef, Obis, Value, obis};

use taa_dlms::apdu::Conformance;
use taa_dlms::client::Client;
use taa_dlms::server::{Server, ServerConfig};
use taa_keys::Secret;

use crate::wire::{PASSWORD, Told, Wire, config, values};

const IMAGE: Obis = Obis([0, 0, 44, 0, 0, 255]);
const BLOCKS: usize = 25;
const VOLTAGE: AttributeRef = AttributeRef::new(3, obis::VOLTAGE_L1, 2);

/// What happened to images inside the meter.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) activated: Vec<Vec<u8>>,
    slow: u32,
    bad: bool,
}

struct Flash(Arc<Mutex<Seen>>);

impl Hooks for Flash {
    fn verify_image(&mut self, _: &[u8], image: &[u8]) -> Verdict {
        let mut seen = self.0.lock().unwrap();
        if seen.bad {
            return Verdict::Bad;
        }
        if seen.slow > 0 {
            seen.slow -= 1;
            return Verdict::Later;
        }
        Verdict::Good(Octets::from([image[0], image[image.len() - 1]].as_slice()))
    }

    fn activate_image(&mut self, _: &ImageInfo, image: &[u8]) -> bool {
        self.0.lock().unwrap().activated.push(image.to_vec());
        true
    }
}

fn image() -> Arc<[u8]> {
    (0..1237_u32).map(|n| (n * 7 + n / 256) as u8).collect()
}

pub(crate) fn order() -> ImageOrder {
    ImageOrder {
        obis: IMAGE,
        identifier: b"TAA-1.1".as_slice().into(),
        image: image(),
        options: Options::default(),
        resumes: false,
    }
}

pub(crate) fn wire(config: ClientConfig) -> (Wire<Model>, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut model = Model::with_hooks(Box::new(Flash(Arc::clone(&seen))));
    model.add(ImageTransfer::SPEC, IMAGE);
    model.set(IMAGE, 2, Value::U32(50));
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.set(obis::VOLTAGE_L1, 2, Value::U16(231));
    (Wire::new(config, model), seen)
}

/// The image is in the meter, once and whole.
fn is_in(seen: &Mutex<Seen>) -> bool {
    let seen = seen.lock().unwrap();
    seen.activated.len() == 1 && seen.activated[0] == *image()
}

#[test]
fn the_whole_sequence_is_one_command() {
    for referencing in [Referencing::LogicalNames, Referencing::ShortNames] {
        let (mut wire, seen) = wire(ClientConfig { referencing, ..config() });
        wire.client.transfer_image(0, order()).unwrap();
        assert_eq!(wire.client.read(0, &[VOLTAGE]), Err(Misuse::Busy.into()));
        let told = wire.run();
        assert_eq!(told.first(), Some(&Told::Associated));
        let progress: Vec<_> = told.iter().filter(|told| matches!(told, Told::Progress(..))).collect();
        assert_eq!(progress.len(), BLOCKS + 1, "once for each block, and before the first: {told:?}");
        assert_eq!(progress.last(), Some(&&Told::Progress(25, 25)));
        assert_eq!(told.last(), Some(&Told::Done));
        assert!(is_in(&seen) && wire.client.is_idle());
        let info = wire.client.image_info().unwrap();
        assert_eq!(info.image_signature.as_slice(), &[image()[0], image()[1236]]);
    }
}

#[test]
fn a_slow_meter_is_waited_for_and_a_bad_image_is_told() {
    let (mut slow, seen) = wire(config());
    seen.lock().unwrap().slow = 3;
    slow.client.transfer_image(0, order()).unwrap();
    assert_eq!(slow.run().last(), Some(&Told::Done));
    assert!(is_in(&seen) && slow.now >= 30_000_000_000, "{}", slow.now);
    let (mut bad, seen) = wire(config());
    seen.lock().unwrap().bad = true;
    bad.client.transfer_image(0, order()).unwrap();
    assert_eq!(bad.run().last(), Some(&Told::Failed(Refusal::Image(ImageError::VerificationFailed).into())));
    assert_eq!(bad.client.resume_image(0), Err(Misuse::NothingToResume.into()));
    assert!(seen.lock().unwrap().activated.is_empty());
}

#[test]
fn wherever_the_link_breaks_the_transfer_goes_on_and_sends_nothing_twice() {
    let (mut whole, _) = wire(config());
    whole.client.transfer_image(0, order()).unwrap();
    whole.run();
    let all = whole.frames;
    for cut_at in 1..=all {
        let (mut wire, seen) = wire(config());
        wire.cut_at = Some(cut_at);
        wire.client.transfer_image(0, order()).unwrap();
        assert_eq!(wire.run().last(), Some(&Told::Failed(TransportFault::Closed.into())), "cut at {cut_at}");
        wire.client.resume_image(0).unwrap();
        assert_eq!(wire.run().last(), Some(&Told::Done), "cut at {cut_at}");
        assert!(is_in(&seen), "cut at {cut_at}: carried out once");
        // The lost frame again, an association, and at most a look at the status.
        assert!(wire.frames <= all + 4, "cut at {cut_at}: {} frames for {all}", wire.frames);
    }
}

#[test]
fn a_restart_of_either_side_costs_no_blocks() {
    // Of the meter, which keeps what it has in flash; of our side, which remembers that it has begun.
    for ours in [false, true] {
        let (mut wire, seen) = wire(config());
        wire.client.transfer_image(0, order()).unwrap();
        wire.run_frames(16);
        let (done, total) = wire.client.image_progress().unwrap();
        assert!(done > 5 && total as usize == BLOCKS);
        wire.drain();
        if ours {
            wire.client = taa_dlms::Client::new(config());
            wire.client.transfer_image(0, ImageOrder { resumes: true, ..order() }).unwrap();
        } else {
            wire.server.handle_power_lost();
        }
        let before = wire.frames;
        assert_eq!(wire.run().last(), Some(&Told::Done));
        assert!(is_in(&seen));
        assert!(wire.frames - before <= BLOCKS - done as usize + 12, "{} frames more", wire.frames - before);
    }
}

#[test]
fn an_urgent_command_goes_before_the_next_block() {
    let (mut wire, seen) = wire(ClientConfig { gated: true, ..config() });
    wire.client.transfer_image(0, order()).unwrap();
    for _ in 0..10 {
        wire.run_frames(3);
        // Between two exchanges the transfer stands at the gate, and makes way at once.
        assert!(wire.drain().is_none() && wire.client.wants_exchange());
        assert!(wire.client.suspend() && wire.client.is_idle());
        let before = wire.frames;
        wire.client.read(wire.now, &[VOLTAGE]).unwrap();
        wire.told.clear();
        assert_eq!(wire.run(), [values(vec![Value::U16(231)])]);
        assert_eq!(wire.frames, before + 1, "one exchange");
        wire.client.resume_image(wire.now).unwrap();
    }
    assert_eq!(wire.run().last(), Some(&Told::Done));
    assert!(is_in(&seen));
}

#[test]
fn without_a_gate_it_makes_way_when_the_exchange_is_over() {
    let (mut wire, seen) = wire(config());
    wire.client.transfer_image(0, order()).unwrap();
    wire.run_frames(12);
    let frame = wire.drain().unwrap();
    assert!(!wire.client.suspend(), "an answer is due");
    wire.carry(&frame);
    wire.told.clear();
    assert_eq!(wire.run().last(), Some(&Told::Suspended));
    let done = wire.client.image_progress().unwrap().0;
    wire.client.resume_image(wire.now).unwrap();
    assert_eq!(wire.run().last(), Some(&Told::Done));
    assert!(done >= 6 && is_in(&seen));
}

#[test]
fn cancelling_forgets_and_the_meter_still_knows() {
    let (mut wire, seen) = wire(config());
    wire.client.transfer_image(0, order()).unwrap();
    wire.run_frames(12);
    wire.client.cancel();
    assert!(wire.client.is_idle() && wire.client.image_progress().is_none());
    assert_eq!(wire.client.resume_image(0), Err(Misuse::NothingToResume.into()));
    wire.client.transfer_image(wire.now, ImageOrder { resumes: true, ..order() }).unwrap();
    wire.told.clear();
    let told = wire.run();
    let sent = told.iter().filter(|told| matches!(told, Told::Progress(1.., 25))).count();
    assert!((10..20).contains(&sent), "only what was missing: {sent}");
    assert!(is_in(&seen));
}

/// Blocks longer than the meter's messages go in blocks of the Action service, or in general blocks where these alone
/// were agreed; and under keys every step is protected. Wherever it is cut off it goes on.
#[test]
fn long_blocks_and_ciphered_ones_arrive_as_well() {
    let small =
        ServerConfig { management_password: Some(Secret::new(PASSWORD)), pdu_max: 100, ..ServerConfig::default() };
    let general = Conformance::GET | Conformance::SET | Conformance::ACTION | Conformance::GENERAL_BLOCK_TRANSFER;
    let make = |kind: u8| {
        let (wire, seen) = wire(config());
        let wire = match kind {
            0 => Wire::between(Client::new(config()), Server::new(small.clone()), wire.model),
            1 => Wire::between(
                Client::new(config()),
                Server::new(ServerConfig { services: general, ..small.clone() }),
                wire.model,
            ),
            _ => Wire::between(crate::push::client(1), crate::push::server(1), wire.model),
        };
        (wire, seen)
    };
    for kind in 0..3 {
        let (mut whole, seen) = make(kind);
        whole.model.set(IMAGE, 2, Value::U32(300));
        whole.client.transfer_image(0, order()).unwrap();
        assert_eq!(whole.run().last(), Some(&Told::Done), "{kind}");
        assert!(is_in(&seen));
        let all = whole.frames;
        for cut_at in (1..=all).step_by(3) {
            let (mut wire, seen) = make(kind);
            wire.model.set(IMAGE, 2, Value::U32(300));
            wire.cut_at = Some(cut_at);
            wire.client.transfer_image(0, order()).unwrap();
            wire.run();
            wire.client.resume_image(wire.now).unwrap();
            assert_eq!(wire.run().last(), Some(&Told::Done), "{kind}, cut at {cut_at}");
            assert!(is_in(&seen), "{kind}, cut at {cut_at}");
        }
    }
}

/// Sabotage: an image that changes on the way is not what was announced.
#[test]
fn another_image_under_the_same_name_is_not_mixed_in() {
    let (mut wire, seen) = wire(config());
    wire.client.transfer_image(0, order()).unwrap();
    wire.run_frames(12);
    wire.client.cancel();
    let other: Arc<[u8]> = image().iter().map(|byte| byte ^ 1).collect();
    wire.client.transfer_image(wire.now, ImageOrder { image: other, ..order() }).unwrap();
    wire.run();
    assert!(!is_in(&seen), "from the beginning it replaces the one before");
    assert_eq!(seen.lock().unwrap().activated.len(), 1);
}
