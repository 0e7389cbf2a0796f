//! Questions of DCUs.

use std::collections::BTreeMap;

use taa_dcu::fetch::{FETCH_BYTES_MAX, Fate, FetchReply, FetchRequest, FrameError, ITEMS_MAX, Item, Verdict};

use super::{
    Entry, Event, Inbox, Output, Relay,
    lineage::{Circumstances, Lineage, judge},
};

/// Sessions whose questions are counted, per site.
const SESSIONS_MAX: usize = 32;

/// What is remembered of a site between questions. Volatile.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// The highest question by session.
    pub(super) numbers: BTreeMap<u64, u32>,
    /// When the session that is served was last heard, Unix ms.
    pub(super) heard_unix_ms: Option<i64>,
    /// How many meters answer it, as it said last.
    pub(super) reach: Option<u32>,
    /// Since when it is served (or this relay runs), Unix ms.
    pub(super) served_unix_ms: Option<i64>,
    /// Payments up to this number may have been offered; all that a relay finds when it starts may have been.
    pub(super) offered: u64,
}

impl Relay {
    /// A question of a DCU: one frame. What cannot be believed is not answered at all ([`Event`] says why).
    pub fn handle_fetch(&mut self, now_unix_ms: i64, call: u64, frame: &[u8]) {
        match self.question(frame) {
            Ok(Some(request)) => self.take_question(now_unix_ms, call, &request),
            Ok(None) => self.event(Event::FetchUnknownSite),
            Err(error) => self.event(Event::FetchRefused(error)),
        }
    }

    /// Serves this session of a site from now on, and no other: an operator has looked at two machines with one identity
    /// ([`Event::IdentityTwice`] names both). What the other had been offered and has not confirmed is put on hold. False
    /// where the site is unknown.
    pub fn serve(&mut self, now_unix_ms: i64, site: &str, session: u64) -> bool {
        if self.config.site(site).is_none() {
            return false;
        }
        let line = self.lines.entry(site.to_owned()).or_default();
        // Its reach is what it says next: until then nobody takes its place.
        (line.heard_unix_ms, line.served_unix_ms, line.reach) = (Some(now_unix_ms), Some(now_unix_ms), None);
        let offered = line.offered;
        let site = site.to_owned();
        self.record(now_unix_ms, Entry::TakenOver { site, session, offered });
        true
    }

    fn question(&self, frame: &[u8]) -> Result<Option<FetchRequest>, FrameError> {
        let site = FetchRequest::site_of(frame)?;
        let Some(site) = self.config.site(&site) else { return Ok(None) };
        FetchRequest::decode(frame, &site.key).map(Some)
    }

    fn take_question(&mut self, now_unix_ms: i64, call: u64, request: &FetchRequest) {
        let site = request.site.as_str();
        let Some(money) = self.config.site(site).map(|site| site.money) else { return };
        let line = self.lines.entry(site.to_owned()).or_default();
        // After a restart of the relay silence counts from there.
        let heard = *line.heard_unix_ms.get_or_insert(now_unix_ms);
        let served = *line.served_unix_ms.get_or_insert(now_unix_ms);
        let known = Circumstances {
            last: line.numbers.get(&request.session).copied(),
            served_ms: now_unix_ms.saturating_sub(served),
            silent_ms: now_unix_ms.saturating_sub(heard),
            takeover_ms: self.config.takeover_ms,
            reach: line.reach,
        };
        line.count(request);
        let empty = Inbox::default();
        let inbox = self.state.site(site).unwrap_or(&empty);
        let lineage = judge(inbox, request, known);
        if lineage == Lineage::Old {
            return self.event(Event::FetchOld { site: site.to_owned() });
        }
        if lineage == Lineage::Twin {
            let served = inbox.bound().unwrap_or(0);
            self.event(Event::IdentityTwice { site: site.to_owned(), served, refused: request.session });
            return self.reply(call, request, Verdict::IdentityTwice);
        }
        (line.heard_unix_ms, line.reach) = (Some(now_unix_ms), request.reach);
        if matches!(lineage, Lineage::Next | Lineage::TakesOver) {
            line.served_unix_ms = Some(now_unix_ms);
        }
        if (request.currency, request.minor_per_unit) != (money.currency, money.minor_per_unit) {
            self.event(Event::WrongMoney { site: site.to_owned() });
            return self.reply(call, request, Verdict::Currency);
        }
        self.bind(now_unix_ms, request, lineage);
        self.take_acks(now_unix_ms, request);
        self.take_answers(now_unix_ms, &request.site, &request.answers);
        self.reply(call, request, Verdict::Served);
    }

    fn bind(&mut self, now_unix_ms: i64, request: &FetchRequest, lineage: Lineage) {
        let (site, session) = (request.site.clone(), request.session);
        match lineage {
            Lineage::Next => {
                let before = request.before.clone();
                self.record(now_unix_ms, Entry::Bound { site, session, before });
            }
            Lineage::TakesOver => {
                let offered = self.lines.get(&site).map_or(0, |line| line.offered);
                self.event(Event::TakenOver { site: site.clone() });
                self.record(now_unix_ms, Entry::TakenOver { site, session, offered });
            }
            Lineage::Same | Lineage::Old | Lineage::Twin => {}
        }
    }

    fn take_acks(&mut self, now_unix_ms: i64, request: &FetchRequest) {
        let site = request.site.clone();
        let current = self.state.epoch();
        let Some(inbox) = self.state.site(&site) else { return };
        if !inbox.has_given(request.epoch, request.cursor, current) {
            let start = request.cursor.saturating_add(1);
            self.event(Event::RolledBack { site: site.clone() });
            self.record(now_unix_ms, Entry::Renumbered { site, start });
            return;
        }
        let known = inbox.fates_known();
        let fates: Vec<(u64, Fate)> = request.fates.iter().copied().filter(|(number, _)| *number > known).collect();
        let moves = inbox.items().next().is_some_and(|(first, _)| first <= request.cursor);
        if !moves && fates.is_empty() {
            return;
        }
        for (number, fate) in &fates {
            let Some(id) = self.state.site(&site).and_then(|inbox| inbox.delivered_as(*number)).map(|p| p.id()) else {
                continue;
            };
            self.event(Event::Fate { site: site.clone(), id, fate: *fate });
        }
        self.record(now_unix_ms, Entry::Acked { site, upto: request.cursor, fates });
    }

    fn reply(&mut self, call: u64, request: &FetchRequest, verdict: Verdict) {
        let Some(config) = self.config.site(&request.site) else { return };
        let mut reply = FetchReply {
            site: request.site.clone(),
            session: request.session,
            number: request.number,
            verdict,
            epoch: self.state.epoch(),
            floor: 0,
            fates_known: 0,
            more: false,
            items: Vec::new(),
            questions: Vec::new(),
        };
        if verdict == Verdict::Served {
            reply.questions = self.questions_for(&request.site);
        }
        let mut offered = 0;
        if verdict == Verdict::Served
            && let Some(inbox) = self.state.site(&request.site)
        {
            (reply.floor, reply.fates_known) = (inbox.floor(), inbox.fates_known());
            let items = inbox.items().map(|(number, payment)| Item { number, payment: payment.clone() });
            reply.items = items.take(ITEMS_MAX).collect();
            reply.more = inbox.items().nth(ITEMS_MAX).is_some();
            offered = reply.items.last().map_or(0, |item| item.number);
        }
        let bytes_max = usize::from(request.reply_bytes_max).clamp(512, FETCH_BYTES_MAX);
        let bytes = reply.encode(&config.key, bytes_max);
        if verdict == Verdict::Served {
            let line = self.lines.entry(request.site.clone()).or_default();
            line.offered = line.offered.max(offered);
            self.event(Event::Fetched { site: request.site.clone(), payments: reply.items.len() });
        }
        self.answer(Output::Reply { call, bytes });
    }
}

impl Line {
    fn count(&mut self, request: &FetchRequest) {
        if self.numbers.len() >= SESSIONS_MAX && !self.numbers.contains_key(&request.session) {
            self.numbers.pop_first();
        }
        let last = self.numbers.entry(request.session).or_default();
        *last = request.number.max(*last);
    }
}
