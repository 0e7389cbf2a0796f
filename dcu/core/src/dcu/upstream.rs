//! The cloud's side of the DCU: frames that come down, frames that go up.

use super::{
    Dcu,
    output::{DcuEvent, Output},
    sender::{Cargo, Due},
};
use crate::{
    MeterIx,
    journal::Entry,
    relay::Relay,
    uplink::{Down, DownFrame, Up},
};

impl Dcu {
    pub(super) fn take_down_frame(&mut self, now: u64, frame: &[u8]) {
        let Ok(DownFrame { sequence, body }) = DownFrame::decode(frame) else {
            self.event(DcuEvent::BadFrame);
            return;
        };
        self.touch_contact(now);
        match body {
            Down::Ack(acknowledged) => {
                match self.sender.arrived(acknowledged) {
                    Some(Cargo::Entries { lane, from, to }) => {
                        self.record(now, Entry::Acked { lane, from, to });
                    }
                    Some(Cargo::Standing) => self.standing_arrived(),
                    Some(Cargo::Hello) | None => {}
                }
                return;
            }
            Down::Standing(kept) => return self.take_standing(now, kept),
            Down::Payment(payment) => match self.state.book().check(&payment) {
                Ok(()) => self.take_payment(now, payment, false),
                Err(error) => self.event(DcuEvent::PaymentRefused { key: payment.key, error }),
            },
            Down::RelayOrder { order, meter, closed, basis } => {
                let relay = Relay::from_output_state(closed);
                if self.state.meter(meter).is_some_and(|m| m.takes_order(order, relay, basis)) {
                    self.record(
                        now,
                        match basis {
                            Some(basis) => Entry::OrderDated { order, meter, relay, basis },
                            None => Entry::Ordered { order, meter, relay },
                        },
                    );
                    self.reconsider(now, meter);
                }
            }
            Down::Witnessed { note } => self.take_witness(now, &note),
            Down::Lease(lease) => self.take_lease(now, lease),
            Down::Classify { change, account, class } => {
                if let Err(refusal) = self.take_class(now, account, &class, change) {
                    self.event(DcuEvent::ClassRefused { account: MeterIx(account), refusal });
                }
            }
            Down::Amend(amendment) => self.take_amendment(now, *amendment),
            Down::Amended(answer) => self.take_answer(now, *answer),
            Down::TariffChange(tariff) => self.take_tariff(now, *tariff),
        }
        self.sender.acknowledge(self.state.last_record(), sequence);
    }

    /// Sends what may leave.
    pub(super) fn send(&mut self, now: u64) {
        self.run_witness(now);
        self.tell_disk(now);
        let silent_since = self.silent_since();
        while let Some(due) = self.sender.next(now, &self.config, self.state.outbox(), self.durable, silent_since) {
            let mut frame = self.buffer();
            match due {
                Due::Ack(acknowledged) => Up::Ack(acknowledged).encode(0, &mut frame),
                Due::Send { sequence, cargo: Cargo::Hello } => self.hello().encode(sequence, &mut frame),
                Due::Send { sequence, cargo: Cargo::Standing } => {
                    if let Some(standing) = self.standing_frame() {
                        standing.encode(sequence, &mut frame);
                    }
                }
                Due::Send { sequence, cargo: Cargo::Entries { lane, from, to } } => {
                    let bytes_max = self.config.uplink.frame_bytes_max;
                    let outbox = self.state.outbox();
                    let Some(end) = outbox.encode(lane, (from, to), self.durable, sequence, bytes_max, &mut frame)
                    else {
                        self.sender.cancel(sequence);
                        self.recycle(frame);
                        continue;
                    };
                    self.sender.took(sequence, end);
                }
            }
            self.outputs.push_back(Output::Uplink(frame));
        }
    }

    fn hello(&self) -> Up {
        Up::Hello {
            boot: self.state.boot(),
            meters: u32::try_from(self.names.len()).unwrap_or(u32::MAX),
            fleet_digest: self.digest,
            dropped: self.state.outbox().dropped(),
        }
    }
}
