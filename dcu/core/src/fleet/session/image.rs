//! Bringing an image to a meter, one step after another.
//!
//! Each step is a command of its own to the client and goes to the link frame by frame, so that anything better comes
//! between two blocks. The transfer itself outlives exchanges: it is put aside, and gone on with where it stood.
//! (`Client::transfer_image` does all of it in one command. Here the end of the verification must be durable before
//! the activation begins, and waiting for a busy meter must not hold the session.)

use std::sync::Arc;

use taa_dlms::{
    Client, ClientEvent, DataAccessResult, Error, Obis, Value,
    apdu::ActionResult,
    cosem::image::{ImageError, Step as ImageStep, Transfer},
    error::Refusal,
};

use super::{Fault, Next, Outcome, Session, Step, view};
use crate::campaign::Activation;

/// What is to be done with the image, and how far it is.
#[derive(Debug)]
pub(crate) enum ImageWork {
    /// Up to its verification.
    Transfer {
        /// How far it is.
        transfer: Transfer,
        /// The whole image.
        image: Arc<[u8]>,
    },
    /// After it.
    Activation(Activation),
}

/// How a stretch of the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageOutcome {
    /// The meter is busy: ask again after so many nanoseconds.
    Busy(u64),
    /// The transfer is verified, or the activation done.
    Done,
    Failed(ImageError),
}

/// What kind of request is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    Call,
}

impl ImageWork {
    fn step(&self) -> ImageStep {
        match self {
            Self::Transfer { transfer, image } => transfer.step(image),
            Self::Activation(activation) => activation.step(),
        }
    }

    fn interrupt(&mut self) {
        match self {
            Self::Transfer { transfer, .. } => transfer.handle_interrupted(),
            Self::Activation(activation) => activation.handle_interrupted(),
        }
    }

    fn read(&mut self, result: &Result<Value, DataAccessResult>) {
        match self {
            Self::Transfer { transfer, .. } => transfer.handle_read(result),
            Self::Activation(activation) => activation.handle_read(result),
        }
    }

    fn called(&mut self, result: Result<(), ActionResult>) {
        match self {
            Self::Transfer { transfer, .. } => transfer.handle_called(result),
            Self::Activation(activation) => activation.handle_called(result),
        }
    }

    /// What an event means to the step under way.
    pub(super) fn judge(&mut self, kind: Kind, event: &ClientEvent<'_>) -> Next {
        match (event, kind) {
            (ClientEvent::Values([result]), Kind::Read) => self.read(result),
            (ClientEvent::Failed(Error::Refused(Refusal::Access(refused))), Kind::Read) => self.read(&Err(*refused)),
            (ClientEvent::Done(_), Kind::Write) => self.written(Ok(())),
            (ClientEvent::Failed(Error::Refused(Refusal::Access(refused))), Kind::Write) => {
                self.written(Err(*refused));
            }
            (ClientEvent::Done(_), Kind::Call) => self.called(Ok(())),
            (ClientEvent::Failed(Error::Refused(Refusal::Action(refused))), Kind::Call) => {
                self.called(Err(*refused));
            }
            (ClientEvent::Failed(error), _) => return Next::End(Outcome::Failed(view::fault(*error))),
            _ => return Next::End(Outcome::Failed(Fault::Misbehaved)),
        }
        Next::Step(Step::Image(Kind::Read))
    }

    const fn written(&mut self, result: Result<(), DataAccessResult>) {
        if let Self::Transfer { transfer, .. } = self {
            transfer.handle_written(result);
        }
    }

    /// Gives the client the next step: its kind, or how the work has ended.
    fn begin(&self, client: &mut Client, now: u64) -> Result<Result<Kind, ImageOutcome>, Error> {
        Ok(match self.step() {
            ImageStep::Read(attribute) => client.read(now, &[attribute]).map(|()| Ok(Kind::Read))?,
            ImageStep::Write(attribute, value) => client.write(now, attribute, &value).map(|()| Ok(Kind::Write))?,
            ImageStep::Call(call) => client.invoke(now, call.method, Some(&call.parameter)).map(|()| Ok(Kind::Call))?,
            ImageStep::Wait(ns) => Err(ImageOutcome::Busy(ns)),
            ImageStep::Done => Err(ImageOutcome::Done),
            ImageStep::Failed(error) => Err(ImageOutcome::Failed(error)),
        })
    }
}

impl Session {
    /// The work for exchanges that follow.
    pub(crate) fn load_image(&mut self, work: ImageWork) {
        self.image = Some(Box::new(work));
    }

    /// Where the meter takes images, if it does.
    pub(crate) fn image_object(&self) -> Option<Obis> {
        self.view.layout()?.image
    }

    pub(crate) const fn has_image(&self) -> bool {
        self.image.is_some()
    }

    pub(crate) fn drop_image(&mut self) {
        self.image = None;
    }

    /// Blocks that the meter has, as far as is known, and all. `None` before that can be told, and after.
    pub(crate) fn image_progress(&self) -> Option<(u32, u32)> {
        match self.image.as_deref() {
            Some(ImageWork::Transfer { transfer, .. }) => Some(transfer.progress()).filter(|(_, blocks)| *blocks > 0),
            _ => None,
        }
    }

    /// The exchange was broken off: the answer to its last step may have been lost.
    pub(super) fn interrupt_image(&mut self) {
        if let Some(work) = &mut self.image {
            work.interrupt();
        }
    }

    /// A busy meter is asked again.
    pub(super) fn resume_image(&mut self) {
        if let Some(ImageWork::Transfer { transfer, .. }) = self.image.as_deref_mut() {
            transfer.handle_waited();
        }
        self.interrupt_image();
    }

    pub(super) fn ask_image(&mut self) -> Result<(), Error> {
        let (super::Gate::Open(client), Some(work)) = (&mut self.gate, &self.image) else { return Ok(()) };
        match work.begin(client, self.now)? {
            Ok(kind) => self.step = Step::Image(kind),
            Err(outcome) => self.outcome = Some(Outcome::Image(outcome)),
        }
        Ok(())
    }
}
