//! A site whose journal cannot be opened: **standby**.
//!
//! ```text
//!   Store::open ──┬─ Ok ──────────────────────────────▶ Dcu::recover
//!                 └─ Err(Disk) ──▶ Standby ── tries again ──▶ Ok ──▶ Dcu::recover
//! ```
//!
//! Without its journal the DCU knows no balance, no counter, no sale. So in standby it says nothing to meters: relays stay
//! as they are, meters count and keep their readings. It takes no money, sells nothing and acknowledges nothing: the cloud
//! and the intake keep what they have for it. It tells the cloud, again and again, that its disk refuses. When the journal
//! can be opened, the driver drops it and recovers the DCU, which goes on where it was.

use std::collections::VecDeque;

use crate::{
    dcu::{
        disk::{AGAIN_NS, refuses},
        output::{LinkState, Output},
    },
    payment::{Payment, PaymentError},
};

/// The DCU while it has no journal. Driven like [`crate::Dcu`]: mutate once, drain [`Self::poll_output`].
#[derive(Debug, Default)]
pub struct Standby {
    up: bool,
    tell_at: u64,
    outputs: VecDeque<Output>,
}

impl Standby {
    /// From when the store could not be opened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The wide-area link went up or down.
    pub fn handle_link(&mut self, now: u64, link: LinkState) {
        self.up = link == LinkState::Up;
        self.handle_timeout(now);
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: u64) {
        if self.up && self.tell_at <= now {
            self.tell_at = now.saturating_add(AGAIN_NS);
            let mut frame = Vec::new();
            refuses(None).encode(0, &mut frame);
            self.outputs.push_back(Output::Uplink(frame));
        }
    }

    /// A payment taken at the DCU itself.
    ///
    /// # Errors
    /// Always [`PaymentError::NoJournal`]: the money must be handed back.
    pub const fn handle_payment(&self, _payment: &Payment) -> Result<(), PaymentError> {
        Err(PaymentError::NoJournal)
    }

    /// The next output.
    pub fn poll_output(&mut self) -> Output {
        let deadline = self.up.then_some(self.tell_at);
        self.outputs.pop_front().unwrap_or(Output::Timeout(deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uplink::{AlarmCode, Up, UpFrame};

    #[test]
    fn it_tells_the_cloud_and_does_nothing_else() {
        let mut standby = Standby::new();
        assert_eq!(standby.poll_output(), Output::Timeout(None));
        let mut told = 0;
        for hour in 0..4_u64 {
            let now = hour * 4 * AGAIN_NS;
            standby.handle_link(now, LinkState::Up);
            while let Output::Uplink(frame) = standby.poll_output() {
                let UpFrame { sequence: 0, body: Up::Alarm { code: AlarmCode::DiskRefuses, .. } } =
                    UpFrame::decode(&frame).unwrap()
                else {
                    panic!("{frame:?}")
                };
                told += 1;
            }
            assert_eq!(standby.poll_output(), Output::Timeout(Some(now + AGAIN_NS)));
            standby.handle_link(now + 1, LinkState::Down);
            assert_eq!(standby.poll_output(), Output::Timeout(None));
        }
        assert_eq!(told, 4);
        let channel = crate::payment::Channel::Agent;
        let payment = Payment::new(crate::payment::Provider::Simulated, "K", "A", 1, channel, 0);
        assert_eq!(standby.handle_payment(&payment), Err(PaymentError::NoJournal));
    }
}
