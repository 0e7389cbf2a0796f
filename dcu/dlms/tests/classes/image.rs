//! A whole image, with blocks lost behind the meter's back, a restart, and meters that verify slowly or badly.

use std::sync::{Arc, Mutex};

use taa_dlms::apdu::{ActionResult, Selection};
use taa_dlms::axdr::Octets;
use taa_dlms::cosem::image::{ImageError, Options, Step, Transfer};
use taa_dlms::cosem::model::{Effect, Hooks, Verdict};
use taa_dlms::cosem::{ImageInfo, ImageStatus, ImageTransfer, Model, Object, ObjectEntry, ObjectModel};
use taa_dlms::{AttributeRef, DataAccessResult, MethodRef, Obis, Value};

use crate::wire::Wire;

const IMAGE: Obis = Obis([0, 0, 44, 0, 0, 255]);
const BLOCK: u32 = 50;

/// What happened to images inside the meter.
#[derive(Default)]
struct Seen {
    activated: Vec<u8>,
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
        self.0.lock().unwrap().activated = image.to_vec();
        true
    }
}

/// A meter that confirms some blocks and loses them, and forgets everything once.
struct Leaky {
    meter: Model,
    blocks: u32,
    /// Of every so many blocks one is lost; 0 for none. Only the first time round.
    lose_every: u32,
    lost: u32,
    forget_at: Option<u32>,
}

impl ObjectModel for Leaky {
    fn objects(&self) -> &[ObjectEntry] {
        self.meter.objects()
    }
    fn read(&mut self, a: AttributeRef, s: Option<Selection<'_>>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        // The verification goes on by itself while the client asks for the status.
        if a.attribute == 6 && self.meter.value(IMAGE, 6) == Some(&Value::Enum(2)) {
            let _ = self.meter.invoke(MethodRef::new(18, IMAGE, 3), None);
        }
        self.meter.read(a, s, out)
    }
    fn write(&mut self, a: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        self.meter.write(a, value)
    }
    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult> {
        if method.method == 2 {
            self.blocks += 1;
            if self.forget_at == Some(self.blocks) {
                self.meter.lose_image(IMAGE);
            }
            if self.lose_every > 0 && self.blocks.is_multiple_of(self.lose_every) && self.lost < 5 {
                self.lost += 1;
                return Ok(());
            }
        }
        self.meter.invoke(method, parameter)
    }
}

fn image() -> Vec<u8> {
    (0..1237_u32).map(|n| (n * 7 + n / 256) as u8).collect()
}

fn leaky(seen: &Arc<Mutex<Seen>>) -> Leaky {
    let mut meter = Model::with_hooks(Box::new(Flash(Arc::clone(seen))));
    meter.add(ImageTransfer::SPEC, IMAGE);
    meter.set(IMAGE, 2, Value::U32(BLOCK));
    Leaky { meter, blocks: 0, lose_every: 0, lost: 0, forget_at: None }
}

/// Runs the transfer to its end, or for so many steps.
fn run(
    wire: &mut Wire<Leaky>,
    transfer: &mut Transfer,
    image: &[u8],
    steps_max: usize,
) -> Option<Result<(), ImageError>> {
    for _ in 0..steps_max {
        match transfer.step(image) {
            Step::Read(attribute) => {
                let result = wire.read(&[attribute]).pop().unwrap();
                transfer.handle_read(&result);
            }
            Step::Write(attribute, value) => {
                let result = wire.write(attribute, &value);
                transfer.handle_written(result);
            }
            Step::Call(invocation) => {
                let result = wire.call(&invocation).map(drop);
                transfer.handle_called(result);
            }
            Step::Wait(_) => transfer.handle_waited(),
            Step::Done => return Some(Ok(())),
            Step::Failed(error) => return Some(Err(error)),
        }
    }
    None
}

fn transfer() -> Transfer {
    Transfer::new(IMAGE, b"FW 2.1", 1237, Options::default())
}

#[test]
fn an_image_arrives_whole_though_blocks_are_lost_behind_the_meters_back() {
    let seen = Arc::default();
    let mut wire = Wire::new(Leaky { lose_every: 6, ..leaky(&seen) });
    let mut transfer = transfer();
    assert_eq!(run(&mut wire, &mut transfer, &image(), 1000), Some(Ok(())));
    assert_eq!(seen.lock().unwrap().activated, image());
    assert_eq!(wire.model.lost, 4, "of 25 blocks; the four were sent again");
    assert_eq!(wire.model.blocks, 25 + 4);
    assert_eq!(transfer.progress(), (25, 25));
    assert_eq!(&*transfer.info().unwrap().image_signature, [image()[0], image()[1236]]);
    assert_eq!(wire.model.meter.poll_effect(), Some(Effect::ImageActivated(b"FW 2.1".to_vec())));
    let state: ImageTransfer = wire.object(IMAGE);
    assert_eq!(state.image_transfer_status, Some(ImageStatus::ActivationSuccessful));
    assert_eq!(state.image_first_not_transferred_block_number, Some(25));
}

#[test]
fn a_meter_that_forgets_half_way_gets_the_image_again_from_the_start() {
    let seen = Arc::default();
    let mut wire = Wire::new(Leaky { forget_at: Some(13), ..leaky(&seen) });
    assert_eq!(run(&mut wire, &mut transfer(), &image(), 1000), Some(Ok(())));
    assert_eq!(seen.lock().unwrap().activated, image());
    assert_eq!(wire.model.blocks, 13 + 25);
}

#[test]
fn a_restarted_client_sends_only_what_is_missing() {
    let seen = Arc::default();
    let mut wire = Wire::new(leaky(&seen));
    assert_eq!(run(&mut wire, &mut transfer(), &image(), 15), None, "interrupted");
    let before = wire.model.blocks;
    assert!(before > 5);
    let mut resumed = Transfer::resume(IMAGE, b"FW 2.1", 1237, Options::default());
    assert_eq!(run(&mut wire, &mut resumed, &image(), 1000), Some(Ok(())));
    assert_eq!(wire.model.blocks, 25, "no block twice");
    assert_eq!(seen.lock().unwrap().activated, image());
}

#[test]
fn slow_verification_is_waited_for_and_failure_is_told() {
    let seen = Arc::new(Mutex::new(Seen { slow: 3, ..Seen::default() }));
    let mut wire = Wire::new(leaky(&seen));
    assert_eq!(run(&mut wire, &mut transfer(), &image(), 1000), Some(Ok(())));
    assert_eq!(seen.lock().unwrap().slow, 0);

    let seen = Arc::new(Mutex::new(Seen { bad: true, ..Seen::default() }));
    let mut wire = Wire::new(leaky(&seen));
    assert_eq!(run(&mut wire, &mut transfer(), &image(), 1000), Some(Err(ImageError::VerificationFailed)));
    assert!(seen.lock().unwrap().activated.is_empty());
}

#[test]
fn without_activation_the_image_waits_in_the_meter() {
    let seen = Arc::default();
    let mut wire = Wire::new(leaky(&seen));
    let options = Options { activate: false, ..Options::default() };
    let mut transfer = Transfer::new(IMAGE, b"FW 2.1", 1237, options);
    assert_eq!(run(&mut wire, &mut transfer, &image(), 1000), Some(Ok(())));
    assert!(seen.lock().unwrap().activated.is_empty());
}

#[test]
fn the_wrong_image_and_a_forbidding_meter_are_noticed() {
    let seen = Arc::default();
    let mut wire = Wire::new(leaky(&seen));
    let options = Options { enable: false, ..Options::default() };
    let mut forbidden = Transfer::new(IMAGE, b"FW 2.1", 1237, options);
    assert_eq!(run(&mut wire, &mut forbidden, &image(), 10), Some(Err(ImageError::Disabled)));
    assert_eq!(run(&mut wire, &mut transfer(), &image()[1..], 10), Some(Err(ImageError::AnotherImage)));
    wire.model.lose_every = 1;
    wire.model.lost = 0;
    let options = Options { rounds_max: 0, ..Options::default() };
    let mut hopeless = Transfer::new(IMAGE, b"FW 2.1", 1237, options);
    assert_eq!(run(&mut wire, &mut hopeless, &image(), 1000), Some(Err(ImageError::BlocksMissing(5))));
}
