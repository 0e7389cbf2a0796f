//! What happened, and what comes out.

use super::{Client, ClientEvent, Ending, Link, Output, reassembler};
use crate::apdu::tag;
use crate::error::TransportFault;
use crate::link::wrapper::{self, Addresses};

impl Client {
    /// Bytes arrived: one whole frame on a datagram link, any piece of the stream on a stream link.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        match self.config.link {
            Link::Datagram => match wrapper::open(bytes) {
                Ok((addresses, message)) => self.take_frame(now, addresses, message),
                Err(error) => self.suspect(error.into()),
            },
            Link::Stream => {
                let empty = reassembler(&self.config);
                let mut reassembler = std::mem::replace(&mut self.reassembler, empty);
                reassembler.push(bytes);
                while let Some((addresses, message)) = reassembler.next_frame() {
                    self.take_frame(now, addresses, message);
                }
                self.reassembler = reassembler;
            }
        }
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.tries_left.checked_sub(1) {
            Some(left) => {
                self.tries_left = left;
                self.repeat(now);
            }
            None => {
                let error = self.suspicion.take().unwrap_or(TransportFault::Timeout.into());
                self.session = None;
                self.end(Err(error));
            }
        }
    }

    /// The connection was closed: the association went with it.
    pub fn handle_closed(&mut self, _now: u64) {
        self.session = None;
        self.reassembler.clear();
        if !self.is_idle() {
            self.end(Err(TransportFault::Closed.into()));
        }
    }

    /// The next thing to be done; [`Output::Timeout`] when there is nothing more.
    pub fn poll_output(&mut self) -> Output<'_> {
        if let Some(bound) = self.counter_wanted() {
            return Output::Event(ClientEvent::ReserveCounter(bound));
        }
        if let Some(why) = self.associated.take() {
            return Output::Event(ClientEvent::Associated(why));
        }
        if self.frame_due {
            self.frame_due = false;
            return Output::Transmit(&self.frame);
        }
        if let Some(ended) = self.ended.take() {
            return Output::Event(match ended {
                Ok(Ending::Values) => ClientEvent::Values(&self.results),
                Ok(Ending::Profile) => ClientEvent::Profile(&self.rows),
                Ok(Ending::Done) => ClientEvent::Done(self.returned.as_ref()),
                Err(error) => ClientEvent::Failed(error),
            });
        }
        if self.is_idle() {
            self.give_back_buffers();
        }
        Output::Timeout(self.deadline)
    }

    fn take_frame(&mut self, now: u64, addresses: Addresses, message: &[u8]) {
        if addresses.source != self.config.server_sap || addresses.destination != self.config.client_sap {
            self.ignored = self.ignored.saturating_add(1);
            return;
        }
        // Below protection: what is cut into blocks is the protected message.
        if message.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
            return self.take_general_block(now, message);
        }
        self.take_protected(now, message);
    }

    /// Opens a whole message and takes it.
    pub(super) fn take_protected(&mut self, now: u64, message: &[u8]) {
        match self.unprotect(message) {
            Ok(None) => self.take_message(now, message),
            Ok(Some(opened)) => {
                self.take_message(now, &opened);
                self.give_back(opened);
            }
            Err(error) => self.suspect(error),
        }
    }
}
