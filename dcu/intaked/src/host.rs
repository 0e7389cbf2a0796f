//! The thread that owns the relay and its journal.
//!
//! A batch is whatever has come by now: each piece is given to the relay and its outputs are taken; then all records are
//! committed at once, the relay hears that they are durable, and the answers leave.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use taa_dcu::payment::Provider;
use taa_intake::{
    HttpRequest, HttpResponse, Relay,
    relay::{Event, Output, Query, Record, RelayConfig},
};
use tokio::sync::oneshot::Sender;

use crate::{
    journal::{Journal, JournalError},
    order::Order,
};

/// Most pieces in a batch.
const BATCH_MAX: usize = 256;
/// The longest wait, ms: a clock that is put back delays nothing for longer.
const WAIT_MS_MAX: i64 = 60_000;
/// A snapshot is written after so many records, and after as many as the state has payments.
const SNAPSHOT_RECORDS: usize = 20_000;

/// What comes to the relay.
pub(crate) enum Ask {
    Callback(Provider, HttpRequest, Sender<HttpResponse>),
    Statement(HttpRequest, Sender<HttpResponse>),
    Tokens(HttpRequest, Sender<HttpResponse>),
    Fetch(Vec<u8>, Sender<Vec<u8>>),
    Order(Box<Order>, Sender<HttpResponse>),
    Status { provider: Provider, id: String, answer: Option<Vec<u8>> },
    Pulled { shortcode: String, offset: u32, answer: Option<Vec<u8>> },
    Stop,
}

pub(crate) type Log = Box<dyn FnMut(&str) + Send>;

pub(crate) struct Host {
    relay: Relay,
    config: RelayConfig,
    journal: Journal,
    log: Log,
    query: Box<dyn FnMut(Query) + Send>,
    calls: BTreeMap<u64, Sender<HttpResponse>>,
    fetches: BTreeMap<u64, Sender<Vec<u8>>>,
    orders: Vec<(Sender<HttpResponse>, HttpResponse)>,
    call: u64,
    records: Vec<Record>,
    deadline_unix_ms: Option<i64>,
}

impl Host {
    pub(crate) fn new(
        config: RelayConfig,
        (journal, records): (Journal, Vec<Record>),
        entropy: u64,
        log: Log,
        query: Box<dyn FnMut(Query) + Send>,
    ) -> Self {
        Self {
            relay: Relay::recover(config.clone(), records, now_unix_ms(), entropy),
            config,
            journal,
            log,
            query,
            calls: BTreeMap::new(),
            fetches: BTreeMap::new(),
            orders: Vec::new(),
            call: 0,
            records: Vec::new(),
            deadline_unix_ms: None,
        }
    }

    /// Until somebody says stop, or the disk fails.
    pub(crate) fn run(mut self, asks: &Receiver<Ask>) -> Result<(), JournalError> {
        self.drain();
        self.commit()?;
        loop {
            let now = now_unix_ms();
            let wait = self.deadline_unix_ms.map_or(WAIT_MS_MAX, |at| at.saturating_sub(now).clamp(0, WAIT_MS_MAX));
            let mut stops = false;
            match asks.recv_timeout(Duration::from_millis(u64::try_from(wait).unwrap_or(0))) {
                Ok(first) => {
                    for ask in std::iter::once(first).chain(asks.try_iter()).take(BATCH_MAX) {
                        stops |= matches!(ask, Ask::Stop);
                        self.take(ask);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stops = true,
            }
            let now = now_unix_ms();
            if self.deadline_unix_ms.is_some_and(|at| at <= now) {
                self.relay.handle_timeout(now);
                self.drain();
            }
            self.commit()?;
            if stops {
                return Ok(());
            }
        }
    }

    fn take(&mut self, ask: Ask) {
        let now = now_unix_ms();
        self.call = self.call.wrapping_add(1);
        let call = self.call;
        match ask {
            Ask::Callback(provider, request, answer) => {
                self.calls.insert(call, answer);
                self.relay.handle_callback(now, call, provider, &request);
            }
            Ask::Statement(request, answer) => {
                self.calls.insert(call, answer);
                self.relay.handle_statement(now, call, &request);
            }
            Ask::Tokens(request, answer) => {
                self.calls.insert(call, answer);
                self.relay.handle_token_request(now, call, &request);
            }
            Ask::Fetch(frame, answer) => {
                self.fetches.insert(call, answer);
                self.relay.handle_fetch(now, call, &frame);
            }
            Ask::Order(order, answer) => {
                let response = order.carry_out(&mut self.relay, &self.config, now);
                self.orders.push((answer, response));
            }
            Ask::Status { provider, id, answer } => {
                self.relay.handle_status(now, provider, &id, answer.as_deref());
            }
            Ask::Pulled { shortcode, offset, answer } => {
                self.relay.handle_pulled(now, &shortcode, offset, answer.as_deref());
            }
            Ask::Stop => {}
        }
        self.drain();
    }

    /// Takes what the relay gives. Whoever called and has gone away asks again.
    fn drain(&mut self) {
        loop {
            match self.relay.poll_output() {
                Output::Append(record) => self.records.push(record),
                Output::Respond { call, response } => {
                    if let Some(caller) = self.calls.remove(&call) {
                        let _ = caller.send(response);
                    }
                }
                Output::Reply { call, bytes } => {
                    if let Some(caller) = self.fetches.remove(&call) {
                        let _ = caller.send(bytes);
                    }
                }
                Output::Query(query) => (self.query)(query),
                Output::Event(Event::Fetched { payments: 0, .. }) => {}
                Output::Event(event) => (self.log)(&format!("{event:?}")),
                Output::Timeout(deadline) => {
                    self.deadline_unix_ms = deadline;
                    return;
                }
            }
        }
    }

    /// Makes everything durable, and answers.
    fn commit(&mut self) -> Result<(), JournalError> {
        let payments = self.relay.state().remembered().0;
        if self.journal.since_snapshot() > SNAPSHOT_RECORDS.max(payments) {
            self.relay.snapshot(now_unix_ms());
            self.drain();
        }
        while let Some(last) = self.records.last().map(|record| record.number) {
            self.journal.append(&self.records)?;
            self.records.clear();
            self.relay.handle_durable(last);
            self.drain();
        }
        for (caller, response) in self.orders.drain(..) {
            let _ = caller.send(response);
        }
        // What could not be believed is not answered.
        self.fetches.clear();
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a shell reads the clock")]
pub(crate) fn now_unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
