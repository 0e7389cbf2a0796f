//! The transfer of an image (class 18, Blue Book 4.4.6), client side: what to do next, step by step.
//!
//! ```text
//!   enabled? ─▶ block size ─▶ initiate ─▶ blocks ─▶ bitmap ─┬─▶ verify ─▶ info ─▶ activate ─▶ done
//!                  │                        ▲               │missing   (poll while the meter is busy)
//!                  └─ resume: status ───────┴───────────────┘
//! ```
//!
//! The machine holds neither the image nor a connection: [`Transfer::step`] says what to ask, the caller asks it in
//! its own time (and may put more urgent things between two blocks), and tells the answer to `handle_*`. `step` may be
//! called again when the answer was lost: it repeats itself, and every request of it may be carried out twice.
//!
//! A block may have been lost though the meter confirmed it: only the bitmap counts. A meter that has forgotten the
//! transfer (it restarted) is noticed by its refusals, and the transfer resumes from what its bitmap says.

use super::classes::{ImageBlock, ImageInfo, ImageInitiate, ImageStatus, ImageTransfer};
use super::{Cosem, Invocation, Zero};
use crate::apdu::{ActionResult, AttributeRef, DataAccessResult};
use crate::axdr::{BitString, Octets, Value};
use crate::obis::Obis;
use serde::{Deserialize, Serialize};

/// How a transfer is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Enable transfers first where the meter has them disabled.
    pub enable: bool,
    /// Activate after verification; otherwise the image waits in the meter.
    pub activate: bool,
    /// How often missing blocks are sent again.
    pub rounds_max: u8,
    /// How often the meter may forget the transfer or refuse a block before it is given up.
    pub setbacks_max: u8,
    /// How long to wait before asking a busy meter again, nanoseconds.
    pub poll_ns: u64,
    /// How often a busy meter is asked.
    pub polls_max: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { enable: true, activate: true, rounds_max: 8, setbacks_max: 3, poll_ns: 10_000_000_000, polls_max: 60 }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Read this, then [`Transfer::handle_read`].
    Read(AttributeRef),
    /// Write this, then [`Transfer::handle_written`].
    Write(AttributeRef, Value),
    /// Call this, then [`Transfer::handle_called`].
    Call(Invocation),
    /// Let so many nanoseconds pass, then [`Transfer::handle_waited`].
    Wait(u64),
    /// Finished: activated, or verified where activation was not wanted.
    Done,
    /// Given up.
    Failed(ImageError),
}

/// Why a transfer was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ImageError {
    /// Transfers are disabled and were not to be enabled. Ours to decide.
    #[error("image transfer is disabled in the meter")]
    Disabled,
    /// The image that is sent has another size than was announced. The caller's fault.
    #[error("the image is not the one that was announced")]
    AnotherImage,
    /// A read or write was refused.
    #[error("refused: {0}")]
    Access(DataAccessResult),
    /// A method was refused.
    #[error("refused: {0}")]
    Action(ActionResult),
    /// This attribute of class 18 has another type than the class prescribes, or an impossible value. The meter's fault.
    #[error("the meter's {} makes no sense", attribute_name(*.0))]
    Nonsense(u8),
    /// Blocks keep getting lost.
    #[error("{0} blocks still missing after all rounds")]
    BlocksMissing(u32),
    /// The meter keeps forgetting the transfer, or refusing blocks.
    #[error("the meter keeps forgetting the transfer")]
    Forgotten,
    /// The meter found the image faulty. Sending it again may help, another image will.
    #[error("verification failed")]
    VerificationFailed,
    /// The meter verified something else than was sent.
    #[error("the meter holds another image")]
    WrongImage,
    /// The meter could not activate the image.
    #[error("activation failed")]
    ActivationFailed,
    /// The meter stays busy.
    #[error("the meter stays busy")]
    Busy,
}

/// An attribute of class 18 by its name.
pub(crate) const fn attribute_name(number: u8) -> &'static str {
    match number {
        2 => "image_block_size",
        3 => "image_transferred_blocks_status",
        5 => "image_transfer_enabled",
        6 => "image_transfer_status",
        7 => "image_to_activate_info",
        _ => "image transfer",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Enable,
    BlockSize,
    Status,
    Initiate,
    Blocks(u32),
    BlockWait(u32),
    Bitmap,
    Verify,
    VerifyWait,
    VerifyPoll,
    Info,
    Activate,
    ActivateWait,
    ActivatePoll,
    Done,
    Failed(ImageError),
}

/// A transfer under way. See the [module](self).
#[derive(Clone, Debug)]
pub struct Transfer {
    obis: Obis,
    identifier: Octets,
    size: u32,
    options: Options,
    resumes: bool,
    state: State,
    block_size: u32,
    /// One bit a block, in the order of the class.
    have: Vec<u8>,
    rounds: u8,
    setbacks: u8,
    polls: u16,
    info: Option<ImageInfo>,
}

impl Transfer {
    /// From the beginning. `size` is that of the image in bytes.
    #[must_use]
    pub fn new(obis: Obis, identifier: &[u8], size: u32, options: Options) -> Self {
        Self {
            obis,
            identifier: Octets::from(identifier),
            size,
            options,
            resumes: false,
            state: State::Enabled,
            block_size: 0,
            have: Vec::new(),
            rounds: 0,
            setbacks: 0,
            polls: 0,
            info: None,
        }
    }

    /// Of an image that was announced to this meter before: what it has already is not sent again. The class does not
    /// tell which image a transfer is of, so the caller must know.
    #[must_use]
    pub fn resume(obis: Obis, identifier: &[u8], size: u32, options: Options) -> Self {
        Self { resumes: true, ..Self::new(obis, identifier, size, options) }
    }

    /// Blocks in the meter, as far as is known, and all.
    #[must_use]
    pub fn progress(&self) -> (u32, u32) {
        let have = self.have.iter().map(|byte| byte.count_ones()).fold(0, u32::saturating_add);
        (have, self.block_count())
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.have.capacity()
    }

    /// What the meter says about the image, once it has verified it: its signature may be compared.
    #[must_use]
    pub const fn info(&self) -> Option<&ImageInfo> {
        self.info.as_ref()
    }

    /// What to do next. `image` must be the whole image whenever blocks are sent.
    #[must_use]
    pub fn step(&self, image: &[u8]) -> Step {
        let read = |attribute| Step::Read(AttributeRef::new(ImageTransfer::CLASS, self.obis, attribute));
        match self.state {
            State::Enabled => read(5),
            State::Enable => Step::Write(AttributeRef::new(ImageTransfer::CLASS, self.obis, 5), Value::Bool(true)),
            State::BlockSize => read(2),
            State::Status | State::VerifyPoll | State::ActivatePoll => read(6),
            State::Initiate => Step::Call(ImageTransfer::image_transfer_initiate(
                self.obis,
                ImageInitiate { image_identifier: self.identifier.clone(), image_size: self.size },
            )),
            State::Blocks(number) => self.block(number, image),
            State::BlockWait(_) | State::VerifyWait | State::ActivateWait => Step::Wait(self.options.poll_ns),
            State::Bitmap => read(3),
            State::Verify => Step::Call(ImageTransfer::image_verify(self.obis, Zero)),
            State::Info => read(7),
            State::Activate => Step::Call(ImageTransfer::image_activate(self.obis, Zero)),
            State::Done => Step::Done,
            State::Failed(error) => Step::Failed(error),
        }
    }

    fn block(&self, number: u32, image: &[u8]) -> Step {
        let from = (number as usize).saturating_mul(self.block_size as usize);
        let to = from.saturating_add(self.block_size as usize).min(image.len());
        match image.get(from..to) {
            Some(bytes) if image.len() == self.size as usize => {
                let image_block_value = Octets::from(bytes);
                let block = ImageBlock { image_block_number: number, image_block_value };
                Step::Call(ImageTransfer::image_block_transfer(self.obis, block))
            }
            _ => Step::Failed(ImageError::AnotherImage),
        }
    }

    /// The answer to [`Step::Read`].
    pub fn handle_read(&mut self, result: &Result<Value, DataAccessResult>) {
        let value = match result {
            Ok(value) => value,
            // Not every meter has the bitmap; verification will tell then.
            Err(_) if self.state == State::Bitmap => return self.state = State::Verify,
            Err(_) if self.state == State::Info => return self.verified(),
            Err(error) => return self.fail(ImageError::Access(*error)),
        };
        match self.state {
            State::Enabled => match bool::from_value(value) {
                Some(true) => self.state = State::BlockSize,
                Some(false) if self.options.enable => self.state = State::Enable,
                Some(false) => self.fail(ImageError::Disabled),
                None => self.fail(ImageError::Nonsense(5)),
            },
            State::BlockSize => match u32::from_value(value) {
                Some(size @ 1..) => {
                    self.block_size = size;
                    self.have = vec![0; (self.block_count() as usize).div_ceil(8)];
                    self.state = if self.resumes { State::Status } else { State::Initiate };
                }
                _ => self.fail(ImageError::Nonsense(2)),
            },
            State::Status | State::VerifyPoll | State::ActivatePoll => match ImageStatus::from_value(value) {
                Some(status) => self.take_status(status),
                None => self.fail(ImageError::Nonsense(6)),
            },
            State::Bitmap => match BitString::from_value(value) {
                Some(bits) => self.take_bitmap(&bits),
                None => self.fail(ImageError::Nonsense(3)),
            },
            State::Info => match Vec::<ImageInfo>::from_value(value) {
                Some(list) => self.take_info(list),
                None => self.fail(ImageError::Nonsense(7)),
            },
            _ => {}
        }
    }

    /// The answer to [`Step::Write`].
    pub const fn handle_written(&mut self, result: Result<(), DataAccessResult>) {
        match (self.state, result) {
            (State::Enable, Ok(())) => self.state = State::BlockSize,
            (State::Enable, Err(error)) => self.fail(ImageError::Access(error)),
            _ => {}
        }
    }

    /// The answer to [`Step::Call`].
    pub fn handle_called(&mut self, result: Result<(), ActionResult>) {
        match (self.state, result) {
            (State::Initiate, Ok(())) => {
                self.have.fill(0);
                self.send_missing_from(0);
            }
            (State::Initiate, Err(error)) => self.fail(ImageError::Action(error)),
            (State::Blocks(number), Ok(())) => {
                self.mark(number);
                self.polls = 0;
                self.send_missing_from(number.saturating_add(1));
            }
            (State::Blocks(number), Err(ActionResult::TemporaryFailure)) => self.wait(State::BlockWait(number)),
            // Refused: most likely the meter knows of no transfer any longer.
            (State::Blocks(_), Err(_)) => self.set_back(),
            (State::Verify, Ok(())) => self.state = State::Info,
            (State::Verify, Err(ActionResult::TemporaryFailure)) => self.wait(State::VerifyWait),
            (State::Verify, Err(_)) => self.set_back_to(State::VerifyPoll),
            (State::Activate, Ok(())) => self.state = State::Done,
            (State::Activate, Err(ActionResult::TemporaryFailure)) => self.wait(State::ActivateWait),
            // It may have been carried out, and the answer lost: the status knows.
            (State::Activate, Err(_)) => self.set_back_to(State::ActivatePoll),
            _ => {}
        }
    }

    /// The answer to the last step may have been lost, and the meter may have restarted: orders that must not be given
    /// twice are preceded by a look at the status.
    pub const fn handle_interrupted(&mut self) {
        self.state = match self.state {
            State::Verify | State::VerifyWait => State::VerifyPoll,
            State::Activate | State::ActivateWait => State::ActivatePoll,
            State::BlockWait(number) => State::Blocks(number),
            other => other,
        };
    }

    /// The time of [`Step::Wait`] has passed.
    pub const fn handle_waited(&mut self) {
        self.state = match self.state {
            State::BlockWait(number) => State::Blocks(number),
            State::VerifyWait => State::VerifyPoll,
            State::ActivateWait => State::ActivatePoll,
            other => other,
        };
    }

    fn take_status(&mut self, status: ImageStatus) {
        match (self.state, status) {
            (State::Status, ImageStatus::Initiated | ImageStatus::VerificationFailed) => self.state = State::Bitmap,
            (State::Status, ImageStatus::VerificationInitiated) => self.wait(State::VerifyWait),
            (State::Status, ImageStatus::VerificationSuccessful) => self.state = State::Info,
            (State::Status, ImageStatus::ActivationInitiated) => self.wait(State::ActivateWait),
            (State::Status, _) => self.state = State::Initiate,
            (State::VerifyPoll, ImageStatus::VerificationSuccessful) => self.state = State::Info,
            (State::VerifyPoll, ImageStatus::VerificationFailed) => self.fail(ImageError::VerificationFailed),
            // Some meters go on by themselves, some only when they are asked to verify again.
            (State::VerifyPoll, ImageStatus::VerificationInitiated | ImageStatus::Initiated) => {
                self.state = State::Verify;
            }
            (State::VerifyPoll, _) => self.set_back(),
            (State::ActivatePoll, ImageStatus::ActivationSuccessful | ImageStatus::NotInitiated) => {
                self.state = State::Done;
            }
            (State::ActivatePoll, ImageStatus::ActivationInitiated) => self.wait(State::ActivateWait),
            (State::ActivatePoll, ImageStatus::VerificationSuccessful) => self.state = State::Activate,
            _ => self.fail(ImageError::ActivationFailed),
        }
    }

    fn take_bitmap(&mut self, bits: &BitString) {
        let count = self.block_count();
        if bits.len() < count as usize {
            // A bitmap of another image, or none at all.
            return self.set_back_to(State::Initiate);
        }
        self.have.fill(0);
        for number in 0..count {
            if bits.bit(number as usize) == Some(true) {
                self.mark(number);
            }
        }
        if self.progress().0 == count {
            return self.state = State::Verify;
        }
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds > self.options.rounds_max {
            return self.fail(ImageError::BlocksMissing(count.saturating_sub(self.progress().0)));
        }
        self.send_missing_from(0);
    }

    fn take_info(&mut self, list: Vec<ImageInfo>) {
        let ours = |info: &ImageInfo| info.image_size == self.size && info.image_identification == self.identifier;
        match list.into_iter().find(ours) {
            Some(info) => {
                self.info = Some(info);
                self.verified();
            }
            None => self.fail(ImageError::WrongImage),
        }
    }

    const fn verified(&mut self) {
        self.polls = 0;
        self.state = if self.options.activate { State::Activate } else { State::Done };
    }

    /// The next block that is missing, or the bitmap when none is.
    fn send_missing_from(&mut self, from: u32) {
        let missing = (from..self.block_count()).find(|number| !self.has(*number));
        self.state = missing.map_or(State::Bitmap, State::Blocks);
    }

    fn set_back(&mut self) {
        self.set_back_to(State::Status);
    }

    fn set_back_to(&mut self, state: State) {
        self.setbacks = self.setbacks.saturating_add(1);
        if self.setbacks > self.options.setbacks_max {
            self.fail(ImageError::Forgotten);
        } else {
            self.state = state;
        }
    }

    fn wait(&mut self, state: State) {
        self.polls = self.polls.saturating_add(1);
        if self.polls > self.options.polls_max { self.fail(ImageError::Busy) } else { self.state = state }
    }

    const fn fail(&mut self, error: ImageError) {
        self.state = State::Failed(error);
    }

    fn block_count(&self) -> u32 {
        if self.block_size == 0 { 0 } else { self.size.div_ceil(self.block_size) }
    }

    fn has(&self, number: u32) -> bool {
        self.have.get(number as usize / 8).is_some_and(|byte| byte & (0x80 >> (number % 8)) != 0)
    }

    fn mark(&mut self, number: u32) {
        if let Some(byte) = self.have.get_mut(number as usize / 8) {
            *byte |= 0x80 >> (number % 8);
        }
    }
}
