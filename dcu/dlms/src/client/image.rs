//! Transferring an image: one command over the steps of [`Transfer`].
//!
//! Each step is a read, a write or a method of its own and goes the way of those commands: in blocks where it is long,
//! repeated, with the association opened again where the meter has lost it. What a step ends with is told to the
//! transfer instead of the caller.

use std::sync::Arc;

use super::{Client, Command, Ending, Phase};
use crate::apdu::{ActionResult, DataAccessResult};
use crate::axdr::encode;
use crate::cosem::ImageInfo;
use crate::cosem::image::{ImageError, Options, Step, Transfer, attribute_name};
use crate::error::{Error, Misuse, PeerFault, Refusal};
use crate::obis::Obis;

/// An image to be transferred.
#[derive(Clone, Debug)]
pub struct ImageOrder {
    /// The object of class 18, usually 0-0:44.0.0.255.
    pub obis: Obis,
    /// What the image is called; the meter tells it back after verification.
    pub identifier: Box<[u8]>,
    /// The image itself; a fleet shares one.
    pub image: Arc<[u8]>,
    /// How it is to be done.
    pub options: Options,
    /// It was announced to this meter before (this side has restarted): what the meter has is not sent again.
    pub resumes: bool,
}

/// A transfer under way or put aside.
#[derive(Debug)]
pub(super) struct ImageJob {
    transfer: Transfer,
    image: Arc<[u8]>,
    /// Its steps are the commands of this client; else it is put aside.
    runs: bool,
    /// Blocks in the meter and all, as told last.
    told: (u32, u32),
    /// How a step's refusal is to be taken.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Call,
}

impl ImageJob {
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>().saturating_add(self.transfer.heap_bytes())
    }
}

impl Client {
    /// Transfers an image whole: enable, initiate, blocks, those missing again, verify, activate. Tells
    /// `ImageProgress`, ends in `Done`. An earlier transfer that was put aside is forgotten.
    ///
    /// When the link is lost it ends in `Failed` and can be gone on with by [`Self::resume_image`]; after a restart of
    /// this side, by an order that says [`ImageOrder::resumes`].
    ///
    /// # Errors
    /// [`Misuse::Busy`]; [`Misuse::ImageTooLong`] beyond 4 GB.
    pub fn transfer_image(&mut self, now: u64, order: ImageOrder) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Misuse::Busy.into());
        }
        let size = u32::try_from(order.image.len()).map_err(|_| Misuse::ImageTooLong)?;
        let begin = if order.resumes { Transfer::resume } else { Transfer::new };
        let transfer = begin(order.obis, &order.identifier, size, order.options);
        let job = ImageJob { transfer, image: order.image, runs: true, told: (0, 0), kind: Kind::Read };
        self.image = Some(Box::new(job));
        self.step_image(now);
        self.drive(now);
        Ok(())
    }

    /// Goes on with the transfer that was put aside or broke off. Ends in `Done`.
    ///
    /// # Errors
    /// [`Misuse::Busy`], [`Misuse::NothingToResume`].
    pub fn resume_image(&mut self, now: u64) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Misuse::Busy.into());
        }
        let job = self.image.as_mut().ok_or(Misuse::NothingToResume)?;
        job.runs = true;
        job.transfer.handle_interrupted();
        self.step_image(now);
        self.drive(now);
        Ok(())
    }

    /// Blocks that the meter of a transfer has, as far as is known, and all of them. `None` when there is no transfer
    /// under way or put aside.
    #[must_use]
    pub fn image_progress(&self) -> Option<(u32, u32)> {
        self.image.as_ref().map(|job| job.transfer.progress())
    }

    /// What the meter told of the image once it had verified it: its signature may be compared.
    #[must_use]
    pub fn image_info(&self) -> Option<&ImageInfo> {
        self.image.as_ref().and_then(|job| job.transfer.info())
    }

    /// A transfer is the command under way.
    pub(super) fn runs_image(&self) -> bool {
        self.image.as_ref().is_some_and(|job| job.runs)
    }

    /// Its steps stop; it can be resumed.
    pub(super) fn stop_image(&mut self) {
        if let Some(job) = &mut self.image {
            job.runs = false;
        }
    }

    /// Blocks done and all, when there is news of them.
    pub(super) fn image_news(&mut self) -> Option<(u32, u32)> {
        let job = self.image.as_mut()?;
        let progress = job.transfer.progress();
        if progress == job.told {
            return None;
        }
        job.told = progress;
        Some(progress)
    }

    /// Tells endings of steps to the transfer and begins its next one, until something is to be waited for. Called at
    /// the end of whatever may have ended a command.
    pub(super) fn drive(&mut self, now: u64) {
        while self.runs_image() {
            let Some(ended) = self.ended.take() else { return };
            if let Err(error) = self.take_step_ending(ended) {
                self.stop_image();
                self.suspending = false;
                self.ended = Some(Err(error));
                return;
            }
            if std::mem::take(&mut self.suspending) {
                self.stop_image();
                self.ended = Some(Ok(Ending::Suspended));
                return;
            }
            self.step_image(now);
        }
    }

    /// The time of a rest has passed.
    pub(super) fn end_rest(&mut self, now: u64) {
        if let Some(job) = &mut self.image {
            job.transfer.handle_waited();
        }
        self.phase = Phase::Idle;
        self.deadline = None;
        self.step_image(now);
    }

    fn take_step_ending(&mut self, ended: Result<Ending, Error>) -> Result<(), Error> {
        let Some(job) = &mut self.image else { return Ok(()) };
        let transfer = &mut job.transfer;
        match (job.kind, ended) {
            (Kind::Read, Ok(Ending::Values)) => match self.results.pop() {
                Some(result) => transfer.handle_read(&result),
                None => return Err(PeerFault::WrongCount { asked: 1, got: 0 }.into()),
            },
            (Kind::Read, Err(Error::Refused(Refusal::Access(refused)))) => transfer.handle_read(&Err(refused)),
            (Kind::Write, Ok(Ending::Done)) => transfer.handle_written(Ok(())),
            (Kind::Write, Err(Error::Refused(Refusal::Access(refused)))) => transfer.handle_written(Err(refused)),
            (Kind::Call, Ok(Ending::Done)) => transfer.handle_called(Ok(())),
            (Kind::Call, Err(Error::Refused(Refusal::Action(refused)))) => transfer.handle_called(Err(refused)),
            // By short names a method is refused as a write is.
            (Kind::Call, Err(Error::Refused(Refusal::Access(refused)))) => {
                transfer.handle_called(Err(ActionResult::from_code(refused.code())));
            }
            // The association could not be had, or was lost too often: nothing is known of the step.
            (_, Err(error)) => return Err(error),
            (_, Ok(_)) => return Err(PeerFault::WrongType { what: "step of an image transfer" }.into()),
        }
        Ok(())
    }

    fn step_image(&mut self, now: u64) {
        let Some(job) = &mut self.image else { return };
        let step = job.transfer.step(&job.image);
        job.kind = match &step {
            Step::Write(..) => Kind::Write,
            Step::Call(_) => Kind::Call,
            _ => Kind::Read,
        };
        match step {
            Step::Read(attribute) => {
                self.reset_command(Command::Read);
                self.attributes.clear();
                self.attributes.push(attribute);
                self.selections = Box::default();
                self.results.clear();
                self.go_on(now);
            }
            Step::Write(attribute, value) => {
                self.reset_command(Command::Write(attribute));
                self.selections = Box::default();
                encode(&value, &mut self.transfer.bytes);
                self.go_on(now);
            }
            Step::Call(invocation) => {
                self.reset_command(Command::Invoke { method: invocation.method, with_parameter: true, returns: false });
                encode(&invocation.parameter, &mut self.transfer.bytes);
                self.go_on(now);
            }
            Step::Wait(ns) => {
                self.phase = Phase::Resting;
                self.deadline = Some(now.saturating_add(ns));
            }
            Step::Done => {
                // What the meter told of it is kept, the image is not.
                job.image = Arc::default();
                self.stop_image();
                self.ended = Some(Ok(Ending::Done));
            }
            Step::Failed(error) => {
                self.image = None;
                self.ended = Some(Err(whose_fault(error)));
            }
        }
    }
}

/// Sorts what a transfer was given up for by who is to blame.
const fn whose_fault(error: ImageError) -> Error {
    match error {
        ImageError::Nonsense(attribute) => {
            Error::PeerMisbehaved(PeerFault::WrongType { what: attribute_name(attribute) })
        }
        ImageError::AnotherImage => Error::ApiMisuse(Misuse::AnotherImage),
        ImageError::Access(refused) if !matches!(refused, DataAccessResult::Success) => {
            Error::Refused(Refusal::Access(refused))
        }
        ImageError::Action(refused) => Error::Refused(Refusal::Action(refused)),
        other => Error::Refused(Refusal::Image(other)),
    }
}
