//! When the DCU asks, and what it is waiting for. Volatile: a restart begins a new session.

use std::collections::VecDeque;

use super::{FetchConfig, FetchRequest, Inbox, Questions, frame::FATES_MAX};
use crate::{config::Tariff, payment::Currency};

const NS_PER_S: u64 = 1_000_000_000;
const NS_PER_MS: u64 = 1_000_000;

/// The asking side.
#[derive(Debug, Default)]
pub(crate) struct Fetch {
    link: bool,
    /// This boot's session, and the record that must be durable before it is used.
    session: Option<(u64, u64)>,
    /// Questions asked in this session.
    number: u32,
    /// The question under way, and when it counts as lost, ns.
    asked: Option<(u32, u64)>,
    /// When to ask next, ns; `None`: at once.
    at: Option<u64>,
    failures: u32,
    /// Epoch and cursor that are durable.
    safe: (u64, u64),
    /// Records that move them, and where to.
    moves: VecDeque<(u64, (u64, u64))>,
    /// The relay has said that it knows all fates up to here.
    fates_known: u64,
    heard: Option<u64>,
    /// Another machine was served under this identity when the relay was last asked.
    twice: bool,
    /// What the relay's clients ask.
    pub(crate) questions: Questions,
}

impl Fetch {
    pub(crate) fn recover(inbox: &Inbox) -> Self {
        Self { safe: (inbox.epoch(), inbox.cursor()), ..Self::default() }
    }

    /// When the relay last told what payments there are, ns.
    pub(crate) const fn heard(&self) -> Option<u64> {
        self.heard
    }

    /// Another machine is served under this identity.
    pub(crate) const fn is_twice(&self) -> bool {
        self.twice
    }

    pub(crate) const fn set_twice(&mut self, twice: bool) {
        self.twice = twice;
    }

    pub(crate) fn handle_link(&mut self, up: bool) {
        if up != self.link {
            self.link = up;
            // What was under way is lost; a new link is used at once.
            (self.asked, self.at, self.failures) = (None, None, 0);
        }
    }

    pub(crate) fn handle_durable(&mut self, durable: u64) {
        while let Some((_, safe)) = self.moves.pop_front_if(|(record, _)| *record <= durable) {
            self.safe = safe;
        }
    }

    /// A session is needed and there is none.
    pub(crate) const fn wants_session(&self) -> bool {
        self.link && self.session.is_none()
    }

    pub(crate) const fn begin_session(&mut self, session: u64, record: u64) {
        self.session = Some((session, record));
    }

    /// The question under way has been given up, if it is late.
    pub(crate) fn is_overdue(&mut self, now: u64) -> bool {
        let overdue = self.asked.is_some_and(|(_, until)| until <= now);
        if overdue {
            self.asked = None;
            self.failures = self.failures.saturating_add(1);
        }
        overdue
    }

    /// How many questions in a row had no answer.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Asks not before this.
    pub(crate) const fn ask_at(&mut self, at: u64) {
        self.at = Some(at);
    }

    /// There is something to tell: asks as soon as nothing is under way, but for the pauses after failures.
    pub(crate) const fn ask_soon(&mut self) {
        if self.failures == 0 {
            self.at = None;
        }
    }

    /// The question that is due now.
    pub(crate) fn ask(
        &mut self,
        now: u64,
        config: &FetchConfig,
        tariff: &Tariff,
        (inbox, durable): (&Inbox, u64),
        reach: impl FnOnce() -> u32,
    ) -> Option<Vec<u8>> {
        let (session, record) = self.session?;
        let waits = self.asked.is_some() || !self.moves.is_empty() || self.at.is_some_and(|at| at > now);
        if !self.link || record > durable || waits {
            return None;
        }
        let (epoch, cursor) = self.safe;
        let request = FetchRequest {
            site: config.site.clone(),
            session,
            number: self.number.checked_add(1)?,
            before: inbox.sessions().iter().copied().filter(|before| *before != session).collect(),
            epoch,
            cursor,
            currency: Currency::new(&tariff.currency)?,
            minor_per_unit: tariff.minor_per_unit,
            reply_bytes_max: config.reply_bytes_max,
            fates: self.untold(inbox).take(FATES_MAX).collect(),
            reach: Some(reach()),
            answers: self.questions.answers(durable),
        };
        self.number = request.number;
        let timeout = u64::from(config.reply_timeout_ms).saturating_mul(NS_PER_MS);
        self.asked = Some((request.number, now.saturating_add(timeout)));
        self.at = None;
        Some(request.encode(&config.key))
    }

    /// Fates that are durable and that the relay does not know.
    fn untold<'a>(&'a self, inbox: &'a Inbox) -> impl Iterator<Item = (u64, super::Fate)> + 'a {
        let (_, durable) = self.safe;
        inbox.fates().filter(move |(number, _)| (self.fates_known.saturating_add(1)..=durable).contains(number))
    }

    /// An answer to this session and question has come. False when it cannot be ours.
    pub(crate) fn answered(&mut self, session: u64, number: u32) -> bool {
        if self.session.is_none_or(|(mine, _)| mine != session) || !(1..=self.number).contains(&number) {
            return false;
        }
        if self.asked.is_some_and(|(asked, _)| asked == number) {
            self.asked = None;
            self.failures = 0;
        }
        true
    }

    /// The answer told what payments there are: it was served, and nothing before it is missing.
    pub(crate) const fn told_at(&mut self, now: u64) {
        self.heard = Some(now);
    }

    pub(crate) fn fates_known(&mut self, upto: u64) -> u64 {
        self.fates_known = self.fates_known.max(upto);
        self.fates_known
    }

    /// The cursor moves when this record is durable; then it is asked again.
    pub(crate) fn moves(&mut self, record: u64, epoch: u64, cursor: u64) {
        self.moves.push_back((record, (epoch, cursor)));
        self.at = None;
    }

    /// There is something to tell that is durable, or will be when the cursor has moved.
    pub(crate) fn has_news(&self, inbox: &Inbox) -> bool {
        !self.moves.is_empty() || self.untold(inbox).next().is_some()
    }

    /// The next instant at which something is due, ns.
    pub(crate) fn deadline(&self, durable: u64) -> Option<u64> {
        if !self.link || self.session.is_none_or(|(_, record)| record > durable) {
            return None;
        }
        match self.asked {
            Some((_, until)) => Some(until),
            None => self.at.filter(|_| self.moves.is_empty()),
        }
    }
}

impl FetchConfig {
    pub(crate) fn period_ns(&self) -> u64 {
        u64::from(self.period_s.max(1)).saturating_mul(NS_PER_S)
    }

    pub(crate) fn wait_ns(&self, failures: u32) -> u64 {
        u64::from(self.retry.wait_s(failures).min(self.pause_max_s().max(1))).saturating_mul(NS_PER_S)
    }
}
