//! The hosted relay: takes what providers, telephones and agents send, keeps it, and hands it to the sites' DCUs.
//!
//! Its methods come in four kinds: getters; `handle_*` for what happened; commands for what an operator wants
//! ([`Relay::resolve`], [`Relay::hand_back`], [`Relay::rebind`], [`Relay::add_codes`], [`Relay::snapshot`]); and
//! [`Relay::poll_output`].
//!
//! What trips the user:
//!
//! - Everybody who calls gets a number from the shell (`call`) and an [`Output::Respond`] or [`Output::Reply`] with that
//!   number, **later**: after [`Relay::handle_durable`] has covered what the answer rests on. A caller that has gone away
//!   meanwhile asks again, and is told the same.
//! - Money is never refused for being unexpected. An account that no site has, a wrong currency, a payment that the site
//!   would not take: all of it is **held** ([`Relay::held`]), listed, until [`Relay::resolve`] or [`Relay::hand_back`]. A
//!   body that could be about money and cannot be read is kept whole ([`Relay::unread`]).
//! - A payment is kept until the site's cursor has passed it and its fate is known.
//! - A status of a push, of `MoMo` or Orange that does not come is asked for: [`Output::Query`] after a minute, then at
//!   doubling intervals. Payments that nobody asked for are read from the provider's list ([`Query::Pull`]), or from a
//!   statement that a clerk brings ([`Relay::handle_statement`]).
//! - What is older than [`RelayConfig::remember_ms`] is forgotten, and whatever comes later and was paid before that is
//!   held: nobody here knows any more whether it was taken.

mod bytes;
mod callbacks;
mod config;
mod entry;
mod fetching;
mod forget;
mod lineage;
mod names;
mod output;
mod reconcile;
mod requests;
mod site;
mod state;
mod taking;
mod tokens;

use std::collections::{BTreeMap, VecDeque};

use taa_dcu::payment::{Certainty, Payment, PaymentId, Provider};

use crate::{
    http::HttpResponse,
    provider::cash_code::{Code, CodeRefusal, CodeTag, Guesses},
};

pub use bytes::{BytesError, VERSION, decode, encode};
pub use config::{Accounts, Operator, RelayConfig, SiteConfig};
pub use entry::{Entry, HeldWhy, Place, Record};
pub use names::{Covered, Unnamed};
pub use output::{Event, Output, Query};
pub use requests::{OrangeTokens, PayRequest, Settlement};
pub use site::Inbox;
pub use state::{Held, Seen, State, Unread};

use self::{fetching::Line, reconcile::Pull, requests::Watch, tokens::Desk};

/// The relay.
#[derive(Debug)]
pub struct Relay {
    config: RelayConfig,
    /// Durable: changed by [`Self::record`] alone.
    state: State,
    durable: u64,
    outputs: VecDeque<Output>,
    /// Answers, and the record that each waits for.
    answers: VecDeque<(u64, Output)>,
    watches: BTreeMap<(Provider, String), Watch>,
    lines: BTreeMap<String, Line>,
    guesses: Guesses,
    /// Agents' payments of late.
    recent: VecDeque<Payment>,
    /// Lists of short codes that are being read.
    pulls: BTreeMap<String, Pull>,
    forget_at_unix_ms: i64,
    desk: Option<Desk>,
    /// The last time that anybody has told, Unix ms.
    now_unix_ms: i64,
}

impl Relay {
    /// A relay that continues from its journal (empty for a new one). `entropy` is 64 fresh random bits: the epoch of its
    /// numbers, by which a DCU notices a relay that was put back to an old copy.
    #[must_use]
    pub fn recover(
        config: RelayConfig,
        journal: impl IntoIterator<Item = Record>,
        now_unix_ms: i64,
        entropy: u64,
    ) -> Self {
        let mut state = State::default();
        for record in journal {
            state.apply(&record);
        }
        let offered = |inbox: &Inbox| Line { offered: inbox.last(), ..Line::default() };
        let lines = state.sites.iter().map(|(site, inbox)| (site.clone(), offered(inbox))).collect();
        let mut relay = Self {
            durable: state.last_record(),
            config,
            state,
            outputs: VecDeque::new(),
            answers: VecDeque::new(),
            watches: BTreeMap::new(),
            lines,
            guesses: Guesses::default(),
            recent: VecDeque::new(),
            pulls: BTreeMap::new(),
            forget_at_unix_ms: 0,
            desk: None,
            now_unix_ms,
        };
        relay.desk = Desk::recover(&relay.config, &relay.state);
        relay.record(now_unix_ms, Entry::Started { epoch: entropy.max(1) });
        relay.watch_all(now_unix_ms);
        relay.pull_all(now_unix_ms);
        relay
    }

    // ---- getters -------------------------------------------------------------------------------------------------

    /// The durable state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Money that waits for somebody to say whose it is.
    pub fn held(&self) -> impl Iterator<Item = (&PaymentId, &Held)> {
        self.state.held.iter()
    }

    /// Bodies that could be about money and could not be read.
    pub fn unread(&self) -> impl Iterator<Item = &Unread> {
        self.state.unread.iter()
    }

    // ---- what happened -------------------------------------------------------------------------------------------

    /// All records up to this number will survive.
    pub fn handle_durable(&mut self, upto: u64) {
        self.durable = self.durable.max(upto.min(self.state.last_record()));
        while let Some((_, answer)) = self.answers.pop_front_if(|(record, _)| *record <= self.durable) {
            self.outputs.push_back(answer);
        }
        self.desk_durable();
    }

    /// The deadline of [`Output::Timeout`] has come. Calling too early or too late is harmless.
    pub fn handle_timeout(&mut self, now_unix_ms: i64) {
        self.ask_due(now_unix_ms);
        self.pull_due(now_unix_ms);
        self.desk_due(now_unix_ms);
    }

    // ---- commands ------------------------------------------------------------------------------------------------

    /// Sends held money, by any name of its payment, to an account of a site. False when there is no such money or site.
    pub fn resolve(&mut self, now_unix_ms: i64, id: &PaymentId, site: &str, account: &str) -> bool {
        if self.config.site(site).is_none() {
            return false;
        }
        let Some(id) = self.state.held_as(id) else { return false };
        let (site, account) = (site.to_owned(), account.to_owned());
        self.record(now_unix_ms, Entry::Resolved { id, site, account });
        true
    }

    /// Takes held money off the list, for whoever paid it: [`Event::HandBack`] comes once that is durable, and money may be
    /// moved then and not before. The same again is told again. False when there is and was no such money; a mere receipt
    /// is none.
    pub fn hand_back(&mut self, now_unix_ms: i64, id: &PaymentId) -> bool {
        let id = self.state.held_as(id).unwrap_or_else(|| id.clone());
        let held = self.state.held.get(&id).filter(|held| held.payment.certainty == Certainty::Final);
        let held = held.map(|held| held.payment.amount_minor);
        let Some(amount_minor) = held.or_else(|| self.state.handed_back(&id)) else { return false };
        if held.is_some() {
            self.record(now_unix_ms, Entry::HandedBack { id: id.clone() });
        }
        self.answer(Output::Event(Event::HandBack { id, amount_minor }));
        true
    }

    /// Serves whoever of a site asks next, whatever was said before: for a DCU that was replaced, or when two had one
    /// identity and one has been put right.
    pub fn rebind(&mut self, now_unix_ms: i64, site: &str) {
        self.record(now_unix_ms, Entry::Unbound { site: site.to_owned() });
        self.lines.remove(site);
    }

    /// Adds codes that were printed: all of them, or none. The relay sees their tags alone ([`CodeTag::new`]). The same
    /// codes again change nothing.
    ///
    /// # Errors
    /// [`CodeRefusal`]; then nothing was recorded.
    pub fn add_codes(&mut self, now_unix_ms: i64, codes: Vec<(CodeTag, Code)>) -> Result<(), CodeRefusal> {
        let new = self.state.new_codes(codes)?;
        if !new.is_empty() {
            self.record(now_unix_ms, Entry::CodesAdded { codes: new });
        }
        Ok(())
    }

    /// Writes the whole state into the journal; once it is durable, what lies before may be thrown away.
    pub fn snapshot(&mut self, now_unix_ms: i64) {
        let state = Box::new(self.state.clone());
        self.record(now_unix_ms, Entry::Snapshot(state));
    }

    // ---- what comes out ------------------------------------------------------------------------------------------

    /// The next output. Drain until [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout(self.deadline()))
    }

    // ---- below: helpers ------------------------------------------------------------------------------------------

    fn record(&mut self, now_unix_ms: i64, entry: Entry) {
        self.now_unix_ms = now_unix_ms;
        let record = Record { number: self.state.last_record().saturating_add(1), at_unix_ms: now_unix_ms, entry };
        self.state.apply(&record);
        self.outputs.push_back(Output::Append(record));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// An answer that leaves when everything recorded so far is durable.
    fn answer(&mut self, answer: Output) {
        if self.state.last_record() <= self.durable {
            self.outputs.push_back(answer);
        } else {
            self.answers.push_back((self.state.last_record(), answer));
        }
    }

    fn respond(&mut self, call: u64, response: HttpResponse) {
        self.answer(Output::Respond { call, response });
    }
}
