//! What is thought of one meter, or of one device, within a boot.

/// One meter. Times are monotonic ns of arrival here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Belief {
    /// It has gasped, and nothing has proved it lit since.
    pub(crate) gasp: Option<Gasp>,
    /// It answered last.
    pub(crate) lit_at: Option<u64>,
    /// The last time that nothing was heard of it: from an answer to the first exchange that failed, or to the next answer.
    pub(crate) gap: Option<(u64, u64)>,
    /// It has told that its supply is back, since then; to be verified.
    pub(crate) up_at: Option<u64>,
    /// Exchanges that failed since it answered last.
    pub(crate) unanswered: u8,
    /// When the first of these did.
    pub(crate) silent_at: Option<u64>,
    /// Highest counter seen in this boot.
    pub(crate) counter: u32,
    /// Number of the newest outage that is known to be over.
    pub(crate) over: u32,
}

/// A last gasp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gasp {
    /// When the first of its event arrived.
    pub(crate) at: u64,
    /// Number of the outage.
    pub(crate) event: u32,
    /// It came so soon after an answer that it may be an old one: a ping will tell.
    pub(crate) doubtful: bool,
}

/// What a breaker or a current says of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) at: u64,
    pub(crate) energised: bool,
    /// When it was energised again after it had not been.
    pub(crate) revived_at: Option<u64>,
}

impl Sign {
    /// What is known once this is said of it.
    pub(crate) fn then(known: Option<Self>, at: u64, energised: bool) -> Self {
        let revived_at = match known {
            Some(Self { energised: false, .. }) if energised => Some(at),
            Some(known) if energised => known.revived_at,
            _ => None,
        };
        // That it is dead counts from when it was first said; that it is not, from when it was said last.
        let at = known.filter(|known| !energised && !known.energised).map_or(at, |known| known.at);
        Self { at, energised, revived_at }
    }
}

impl Belief {
    /// An answer has come. False where it may be older than the gasp, and proves nothing.
    pub(crate) fn take_answer(&mut self, now: u64, race_ns: u64) -> bool {
        if self.gasp.is_some_and(|gasp| !gasp.doubtful && now.saturating_sub(gasp.at) < race_ns) {
            return false;
        }
        if let Some(gasp) = self.gasp.take() {
            self.over = self.over.max(gasp.event);
        }
        /// Answers come in heaps; what lies within one is no gap.
        const HEAP_NS: u64 = 120_000_000_000;
        if let Some(lit) = self.lit_at.filter(|lit| self.silent_at.is_some() || now.saturating_sub(*lit) > HEAP_NS) {
            self.gap = Some((lit, self.silent_at.unwrap_or(now)));
        }
        (self.lit_at, self.unanswered, self.silent_at) = (Some(now), 0, None);
        true
    }

    /// Between which moments an outage began of which only the end is known, `back_at`; nothing where it never answered
    /// before.
    pub(crate) fn began(&self, back_at: u64) -> Option<(u64, u64)> {
        let now = self.lit_at.map(|lit| (lit, self.silent_at.unwrap_or(back_at)));
        let (lit, gone) = [now, self.gap].into_iter().flatten().find(|(lit, _)| *lit < back_at)?;
        Some((lit, gone.min(back_at)))
    }

    /// An exchange has failed. False where that says nothing new: it has been silent for long.
    pub(crate) fn take_silence(&mut self, now: u64) -> bool {
        /// More of the same weighs no more.
        const ENOUGH: u8 = 4;
        self.unanswered = self.unanswered.saturating_add(1);
        self.silent_at.get_or_insert(now);
        let doubted = self.gasp.as_mut().is_some_and(|gasp| std::mem::take(&mut gasp.doubtful));
        doubted || self.unanswered <= ENOUGH
    }
}
