//! Activating a verified image, when it is not known whether that has happened already.
//!
//! ```text
//!   status ─┬─ activated ───────────────────────────▶ done
//!           ├─ verified ─▶ activate ─┬─ answered ───▶ done
//!           │      ▲                 └─ refused ────▶ status, once more
//!           ├─ activating ─▶ wait ─▶ status
//!           └─ anything else ─▶ firmware ─┬─ ours ──▶ done
//!                                         └─ other ─▶ the meter has forgotten the image
//! ```
//!
//! A meter restarts when it activates, and may neither answer nor keep its status: then only the identifier of the
//! firmware that runs (1-0:0.2.0.255) can tell. A meter that has forgotten the image is not taken for one that runs it.

use taa_dlms::{
    AttributeRef, DataAccessResult, Obis, Value,
    apdu::ActionResult,
    cosem::{
        Cosem, ImageStatus, ImageTransfer, Zero, data,
        image::{ImageError, Step},
    },
    obis,
};

/// How long to wait before a busy meter is asked again, ns.
const POLL_NS: u64 = 10_000_000_000;
/// How often a busy meter is asked.
const POLLS_MAX: u8 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Status,
    Activate,
    Wait,
    Firmware,
    Done,
    Failed(ImageError),
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    obis: Obis,
    identifier: Vec<u8>,
    state: State,
    refused: bool,
    polls: u8,
}

impl Activation {
    pub(crate) fn new(obis: Obis, identifier: &[u8]) -> Self {
        Self { obis, identifier: identifier.to_vec(), state: State::Status, refused: false, polls: 0 }
    }

    pub(crate) fn step(&self) -> Step {
        match self.state {
            State::Status => Step::Read(AttributeRef::new(ImageTransfer::CLASS, self.obis, 6)),
            State::Activate => Step::Call(ImageTransfer::image_activate(self.obis, Zero)),
            State::Wait => Step::Wait(POLL_NS),
            State::Firmware => Step::Read(AttributeRef::new(data::CLASS, obis::ACTIVE_FIRMWARE, data::VALUE)),
            State::Done => Step::Done,
            State::Failed(error) => Step::Failed(error),
        }
    }

    pub(crate) fn handle_read(&mut self, result: &Result<Value, DataAccessResult>) {
        let value = match (self.state, result) {
            (_, Ok(value)) => value,
            (State::Firmware, Err(_)) => return self.state = State::Failed(ImageError::Forgotten),
            (_, Err(error)) => return self.state = State::Failed(ImageError::Access(*error)),
        };
        self.state = match (self.state, ImageStatus::from_value(value)) {
            (State::Firmware, _) if value.as_bytes() == Some(&self.identifier) => State::Done,
            (State::Firmware, _) => State::Failed(ImageError::Forgotten),
            (State::Status, Some(ImageStatus::ActivationSuccessful)) => State::Done,
            (State::Status, Some(ImageStatus::VerificationSuccessful)) if self.refused => {
                State::Failed(ImageError::ActivationFailed)
            }
            (State::Status, Some(ImageStatus::VerificationSuccessful)) => State::Activate,
            (State::Status, Some(ImageStatus::ActivationInitiated)) => self.wait(),
            (State::Status, Some(ImageStatus::ActivationFailed)) => State::Failed(ImageError::ActivationFailed),
            (State::Status, Some(_)) => State::Firmware,
            (State::Status, None) => State::Failed(ImageError::Nonsense(6)),
            (state, _) => state,
        };
    }

    pub(crate) fn handle_called(&mut self, result: Result<(), ActionResult>) {
        if self.state != State::Activate {
            return;
        }
        self.state = match result {
            Ok(()) => State::Done,
            Err(ActionResult::TemporaryFailure) => self.wait(),
            Err(_) => {
                self.refused = true;
                State::Status
            }
        };
    }

    /// The answer to the last step may have been lost, or the time of [`Step::Wait`] has passed: the status knows.
    pub(crate) fn handle_interrupted(&mut self) {
        if matches!(self.state, State::Activate | State::Wait) {
            self.state = State::Status;
        }
    }

    const fn wait(&mut self) -> State {
        self.polls = self.polls.saturating_add(1);
        if self.polls > POLLS_MAX { State::Failed(ImageError::Busy) } else { State::Wait }
    }
}

#[cfg(test)]
mod tests {
    use taa_dlms::axdr::Octets;

    use super::*;

    fn status(status: ImageStatus) -> Result<Value, DataAccessResult> {
        Ok(status.to_value())
    }

    #[test]
    fn told_once_and_done() {
        let mut activation = Activation::new(obis::IMAGE_TRANSFER, b"TAA-2");
        activation.handle_read(&status(ImageStatus::VerificationSuccessful));
        assert!(matches!(activation.step(), Step::Call(_)));
        activation.handle_called(Ok(()));
        assert_eq!(activation.step(), Step::Done);
    }

    #[test]
    fn an_answer_that_was_lost_is_not_asked_for_by_a_second_order() {
        for (after, done) in [(ImageStatus::ActivationSuccessful, true), (ImageStatus::VerificationSuccessful, false)] {
            let mut activation = Activation::new(obis::IMAGE_TRANSFER, b"TAA-2");
            activation.handle_read(&status(ImageStatus::VerificationSuccessful));
            activation.handle_interrupted();
            assert!(matches!(activation.step(), Step::Read(_)));
            activation.handle_read(&status(after));
            assert_eq!(activation.step() == Step::Done, done);
        }
    }

    #[test]
    fn a_meter_that_forgot_is_told_from_one_that_runs_the_image() {
        for (runs, step) in [("TAA-2", Step::Done), ("TAA-1", Step::Failed(ImageError::Forgotten))] {
            let mut activation = Activation::new(obis::IMAGE_TRANSFER, b"TAA-2");
            activation.handle_read(&status(ImageStatus::NotInitiated));
            activation.handle_read(&Ok(Value::OctetString(Octets::from(runs))));
            assert_eq!(activation.step(), step);
        }
    }

    #[test]
    fn a_refusal_is_believed_the_second_time() {
        let mut activation = Activation::new(obis::IMAGE_TRANSFER, b"TAA-2");
        activation.handle_read(&status(ImageStatus::VerificationSuccessful));
        activation.handle_called(Err(ActionResult::OtherReason));
        activation.handle_read(&status(ImageStatus::VerificationSuccessful));
        assert_eq!(activation.step(), Step::Failed(ImageError::ActivationFailed));
    }
}
