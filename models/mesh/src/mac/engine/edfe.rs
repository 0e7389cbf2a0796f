//! Extended directed frame exchange: several frames for one neighbour in a row, on the channel of the first.
//!
//! ```text
//! ─▶ data, FC (more, listens)   ◀─ response, FC (nothing, listens)   ─▶ data, FC …   ─▶ data, FC (no more)   ◀─ response
//!    access and channel as ever    in place of an acknowledgement       after a turnaround, no access of its own
//! ```
//!
//! | what is public | from |
//! |---|---|
//! | data frames of one address to another that ask for no acknowledgement; sequence number where they carry data | FAN 1.1 v08 6.3.4.3.1.2 and v10 6.3.2.1.6, as quoted in an open border router |
//! | flow control: time to send, time to receive, an octet each; none of both ends it | Wireshark's dissector; milliseconds, 255 of them granted, in an open MAC |
//! | the response carries no data; data may go in the first frame; Japan forbids it; a longest exchange by region | an open radio co-processor and its stack's interface |
//!
//! Arbitrary, for no public text tells it: both stay on the channel of the first frame, through broadcast slots too; the
//! last data frame says that no more follows, and the response to it is the end; a frame that is not answered is repeated
//! at once, twice at most and neither the first nor the last, then the exchange is over and it is sent as ever; who answers
//! does not send of its own meanwhile, and stays for two frames as long as the one before.

use std::collections::VecDeque;

use super::{Engine, Request, To};
use crate::Eui64;

/// Octets of the flow control element.
pub const FLOW_OCTETS: u32 = 5;
/// For so long at most the one who answers stays after a frame, nanoseconds: what its octet can say.
pub const STAY_MAX_NS: u64 = 255_000_000;
/// Repetitions of a frame at once, on the channel of an exchange.
const AT_ONCE_MAX: u8 = 2;

/// A frame's part in an exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Flow {
    /// None: an acknowledgement is asked for.
    #[default]
    None,
    /// More follow.
    More,
    /// It is the last one.
    Last,
}

/// An exchange under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Exchange {
    with: Eui64,
    until_ns: u64,
    /// Whether the other one has answered.
    answered: bool,
}

impl<T: Clone> Engine<T> {
    /// The part of the frame in hand, which goes on the air now.
    pub(super) fn flow(&mut self, now_ns: u64, to: To, acknowledged: bool) -> Flow {
        let To::One(neighbour) = to else { return Flow::None };
        if self.config.exchange_ns == 0 || !acknowledged {
            return Flow::None;
        }
        let under_way = self.exchange.filter(|of| of.with == neighbour);
        let until_ns = under_way.map_or(now_ns + self.config.exchange_ns, |of| of.until_ns);
        let next = self.queue.values().find_map(VecDeque::front);
        let more = next.is_some_and(|(_, next)| next.to == to && next.acknowledged) && now_ns < until_ns;
        if more {
            let answered = under_way.is_some_and(|of| of.answered);
            self.exchange = Some(Exchange { with: neighbour, until_ns, answered });
        }
        match (more, under_way) {
            (true, _) => Flow::More,
            (false, Some(_)) => Flow::Last,
            (false, None) => Flow::None,
        }
    }

    /// A frame was not answered: it is repeated at once, if the other one is likely to be there still.
    pub(super) fn repeat(&mut self, now_ns: u64) -> bool {
        let there = self.exchange.is_some_and(|of| of.answered);
        if let Some(current) =
            self.current.as_mut().filter(|of| there && of.flow == Flow::More && of.tries < AT_ONCE_MAX)
        {
            current.tries += 1;
            let channel = current.channel;
            self.transmit(now_ns, channel);
            return true;
        }
        self.exchange = None;
        false
    }

    /// A frame was answered that said that more follow: the next one, if it is still for the same, without more ado.
    pub(super) fn go_on(&mut self, now_ns: u64, channel: u16) -> bool {
        let Some(exchange) = &mut self.exchange else { return false };
        exchange.answered = true;
        let with = exchange.with;
        let queue = self.queue.values_mut().find(|queue| !queue.is_empty());
        let is_for_it = |(_, next): &mut (u64, Request<T>)| next.to == To::One(with) && next.acknowledged;
        let Some((handle, request)) = queue.and_then(|queue| queue.pop_front_if(is_for_it)) else {
            return false;
        };
        self.take_up(handle, request, channel);
        self.transmit(now_ns, channel);
        true
    }
}
