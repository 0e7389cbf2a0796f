//! Frames to the DCU until it has acknowledged them.

use std::collections::VecDeque;

use crate::{
    dcu::NS_PER_MS,
    uplink::{Down, DownFrame},
};

const DOUBLINGS_MAX: u32 = 3;

#[derive(Debug)]
struct Item {
    frame: DownFrame,
    /// When it is sent again; `None` before the first time.
    due: Option<u64>,
    tries: u32,
}

/// The queue, oldest first.
#[derive(Debug)]
pub(super) struct Downlink {
    up: bool,
    resend_ns: u64,
    window: usize,
    sequence: u64,
    items: VecDeque<Item>,
}

impl Downlink {
    pub(super) fn new(resend_ms: u32, window: usize) -> Self {
        Self {
            up: false,
            resend_ns: u64::from(resend_ms).saturating_mul(NS_PER_MS),
            window: window.max(1),
            sequence: 0,
            items: VecDeque::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn push(&mut self, body: Down) {
        self.sequence = self.sequence.saturating_add(1);
        let frame = DownFrame { sequence: self.sequence, body };
        self.items.push_back(Item { frame, due: None, tries: 0 });
    }

    /// Pushes unless the same message waits already.
    pub(super) fn push_once(&mut self, body: Down) {
        if !self.items.iter().any(|item| item.frame.body == body) {
            self.push(body);
        }
    }

    /// Takes back what waits, or has been sent and not acknowledged: something newer is about to say it.
    pub(super) fn withdraw(&mut self, which: impl Fn(&Down) -> bool) {
        self.items.retain(|item| !which(&item.frame.body));
    }

    /// Such a message waits.
    pub(super) fn holds(&self, wanted: impl Fn(&Down) -> bool) -> bool {
        self.items.iter().any(|item| wanted(&item.frame.body))
    }

    pub(super) fn arrived(&mut self, sequence: u64) {
        self.items.retain(|item| item.frame.sequence != sequence);
    }

    /// On a new link everything is sent anew.
    pub(super) fn handle_link(&mut self, up: bool) {
        self.up = up;
        for item in &mut self.items {
            item.due = None;
            item.tries = 0;
        }
    }

    /// The next frame to send now; only the front of the queue, as wide as the window, is under way.
    pub(super) fn next(&mut self, now: u64) -> Option<DownFrame> {
        if !self.up {
            return None;
        }
        let item = self.items.iter_mut().take(self.window).find(|item| item.due.is_none_or(|at| at <= now))?;
        item.due = Some(now.saturating_add(self.resend_ns << item.tries.min(DOUBLINGS_MAX)));
        item.tries = item.tries.saturating_add(1);
        Some(item.frame.clone())
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.items.iter().take(self.window).filter_map(|item| item.due).min().filter(|_| self.up)
    }
}
