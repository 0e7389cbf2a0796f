//! What a regulator leaves of the air: time that each node may send in any hour, by band.
//!
//! | | |
//! |---|---|
//! | what counts | all that a transmitter sends in the band (ERC/REC 70-03: the sum of the times "on" of one transmitter in one hour); no exception for acknowledgements there, in Japan there is one |
//! | who keeps it | each node for itself, for each band; frames for everywhere count in each by its channels |
//! | before a frame | does it fit into the share that its priority may use? Else it waits at the head of its queue, and more urgent ones pass it; one that would wait too long is given up |
//! | an acknowledgement that does not fit | is not sent: the neighbour repeats, and spends its own time |
//!
//! The account slides in 64 slices that count whole, so it is never too generous. It outlives a loss of power: what was on
//! the air was on the air.

use core::ops::RangeInclusive;
use std::collections::VecDeque;

use super::Network;
use crate::mac::channels::Channels;
use crate::mac::engine::{Priority, To};

const SLICES: u64 = 64;
const HOUR_NS: u64 = 3_600_000_000_000;

/// A band of the plan and its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Its channels.
    pub channels: RangeInclusive<u16>,
    /// Time that a node may send in it in any window, nanoseconds.
    pub node_ns: u64,
    /// The border router (a "network access point" may send for longer in some bands).
    pub root_ns: u64,
}

/// The rule. Channels in no band are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Bands; none overlaps another.
    pub bands: Vec<Band>,
    /// The window, nanoseconds.
    pub window_ns: u64,
    /// The share of a budget that urgent frames, control and data may fill, percent. Acknowledgements go with the first.
    pub percent: [u8; 3],
    /// Whether acknowledgements count.
    pub acknowledgements: bool,
    /// For how long a frame may wait for room, nanoseconds.
    pub wait_max_ns: u64,
}

impl Duty {
    /// One band over all channels, the same for all: so many ten-thousandths of an hour. Data leave off at 85 % and
    /// control at 95 % (where an open stack's application is warned and alarmed), frames wait for half a minute at most
    /// (arbitrary: as long as somebody waits for an answer).
    #[must_use]
    pub fn everywhere(ten_thousandths: u64) -> Self {
        Self::of_bands(vec![(0..=u16::MAX, ten_thousandths, ten_thousandths)])
    }

    /// So long on each channel within a window, as America demands of who hops (47 CFR 15.247: 0.4 s in 20 s on fifty
    /// channels or more).
    #[must_use]
    pub fn dwell(channels: &Channels, on_channel_ms: u64, window_ms: u64) -> Self {
        let node_ns = on_channel_ms * 1_000_000;
        let band = |&channel: &u16| Band { channels: channel..=channel, node_ns, root_ns: node_ns };
        let bands = channels.as_slice().iter().map(band).collect();
        Self { bands, window_ns: window_ms * 1_000_000, ..Self::of_bands(Vec::new()) }
    }

    /// From channels and the ten-thousandths of an hour of a node and of the border router.
    #[must_use]
    pub fn of_bands(bands: Vec<(RangeInclusive<u16>, u64, u64)>) -> Self {
        let budget_ns = |share: u64| HOUR_NS / 10_000 * share.min(10_000);
        let band = |(channels, node, root)| Band { channels, node_ns: budget_ns(node), root_ns: budget_ns(root) };
        Self {
            bands: bands.into_iter().map(band).collect(),
            window_ns: HOUR_NS,
            percent: [100, 95, 85],
            acknowledgements: true,
            wait_max_ns: 30_000_000_000,
        }
    }
}

/// What a node has used of a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// In the window that ends now, nanoseconds.
    pub now_ns: u64,
    /// In its worst window so far.
    pub most_ns: u64,
    /// What it may use.
    pub budget_ns: u64,
}

/// One node's account in one band.
#[derive(Debug, Clone, Default)]
struct Account {
    /// Number of the slice and nanoseconds sent in it, in order.
    slices: VecDeque<(u64, u64)>,
    used_ns: u64,
    most_ns: u64,
}

impl Account {
    /// When a whole slice has left the window.
    fn gone_ns(slice: u64, window_ns: u64) -> u64 {
        (slice + 1) * window_ns.div_ceil(SLICES).max(1) + window_ns
    }

    fn forget(&mut self, now_ns: u64, window_ns: u64) {
        while let Some(&(slice, sent_ns)) = self.slices.front()
            && Self::gone_ns(slice, window_ns) <= now_ns
        {
            self.used_ns -= sent_ns;
            self.slices.pop_front();
        }
    }

    fn book(&mut self, end_ns: u64, air_ns: u64, window_ns: u64) {
        let slice = end_ns / window_ns.div_ceil(SLICES).max(1);
        match self.slices.back_mut() {
            Some(last) if last.0 >= slice => last.1 += air_ns,
            _ => self.slices.push_back((slice, air_ns)),
        }
        self.used_ns += air_ns;
        self.most_ns = self.most_ns.max(self.used_ns);
    }

    /// From when on there is room for so much below a limit; none when it is more than the limit.
    fn free_ns(&self, now_ns: u64, air_ns: u64, limit_ns: u64, window_ns: u64) -> Option<u64> {
        let (mut used_ns, mut at_ns) = (self.used_ns, now_ns);
        let mut slices = self.slices.iter();
        while used_ns + air_ns > limit_ns {
            let &(slice, sent_ns) = slices.next()?;
            used_ns -= sent_ns;
            at_ns = at_ns.max(Self::gone_ns(slice, window_ns));
        }
        Some(at_ns)
    }
}

/// The rule and all accounts, by node and band.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    duty: Duty,
    accounts: Vec<Account>,
    /// Channels of each band that a frame for everywhere goes out on.
    everywhere: Vec<u64>,
}

impl Kept {
    pub(super) fn new(duty: Duty, nodes: usize, channels: &[u16]) -> Self {
        let count = |band: &Band| channels.iter().filter(|channel| band.channels.contains(channel)).count() as u64;
        let everywhere = duty.bands.iter().map(count).collect();
        Self { accounts: vec![Account::default(); nodes * duty.bands.len()], everywhere, duty }
    }

    /// How often a frame is on the air in a band.
    fn times(&self, band: usize, channel: Option<u16>) -> u64 {
        match channel {
            Some(channel) => u64::from(self.duty.bands[band].channels.contains(&channel)),
            None => self.everywhere[band],
        }
    }

    fn budget_ns(&self, node: u32, band: usize) -> u64 {
        let Band { node_ns, root_ns, .. } = self.duty.bands[band];
        if node == 0 { root_ns } else { node_ns }
    }

    /// From when on a node may send a frame; none: never. `channel` is none for all channels.
    fn free_ns(
        &mut self,
        node: u32,
        now_ns: u64,
        channel: Option<u16>,
        air_ns: u64,
        priority: Priority,
    ) -> Option<u64> {
        let (mut free_ns, window_ns) = (now_ns, self.duty.window_ns);
        for band in 0..self.duty.bands.len() {
            let air_ns = self.times(band, channel) * air_ns;
            if air_ns == 0 {
                continue;
            }
            let percent = u64::from(self.duty.percent[priority as usize]);
            let limit_ns = self.budget_ns(node, band) / 100 * percent;
            let account = &mut self.accounts[node as usize * self.duty.bands.len() + band];
            account.forget(now_ns, window_ns);
            free_ns = free_ns.max(account.free_ns(now_ns, air_ns, limit_ns, window_ns)?);
        }
        Some(free_ns)
    }

    fn book(&mut self, node: u32, channel: Option<u16>, air_ns: u64, end_ns: u64) {
        for band in 0..self.duty.bands.len() {
            let air_ns = self.times(band, channel) * air_ns;
            if air_ns > 0 {
                let account = &mut self.accounts[node as usize * self.duty.bands.len() + band];
                account.forget(end_ns, self.duty.window_ns);
                account.book(end_ns, air_ns, self.duty.window_ns);
            }
        }
    }
}

impl Network {
    /// What a node has used of its time on the air, by band; nothing without [`super::Config::duty`].
    #[must_use]
    pub fn duty(&self, node: u32) -> Vec<Used> {
        let Some(kept) = self.duty.as_ref().filter(|_| (node as usize) < self.nodes.len()) else { return Vec::new() };
        let of = |band: usize| {
            let mut account = kept.accounts[node as usize * kept.duty.bands.len() + band].clone();
            account.forget(self.now_ns, kept.duty.window_ns);
            Used { now_ns: account.used_ns, most_ns: account.most_ns, budget_ns: kept.budget_ns(node, band) }
        };
        (0..kept.duty.bands.len()).map(of).collect()
    }

    /// A node is about to look at a channel for the frame in its hand. Whether it has no time left for that, and its MAC
    /// knows.
    pub(super) fn holds_back(&mut self, node: u32, channel: u16) -> bool {
        let Some(kept) = &mut self.duty else { return false };
        let mac = &mut self.nodes[node as usize].mac;
        let Some(request) = mac.in_hand() else { return false };
        let channel = (request.to != To::Everywhere).then_some(channel);
        let air_ns = self.config.phy.air_ns(request.octets);
        let free_ns = kept.free_ns(node, self.now_ns, channel, air_ns, request.priority);
        if free_ns == Some(self.now_ns) {
            return false;
        }
        let waits = free_ns.filter(|&free_ns| free_ns - self.now_ns <= kept.duty.wait_max_ns);
        self.totals.duty[usize::from(waits.is_none())] += 1;
        mac.handle_refused(self.now_ns, waits);
        true
    }

    /// Whether a node has time left for an acknowledgement; its MAC goes on if not.
    pub(super) fn is_mute(&mut self, node: u32, channel: u16, octets: u32) -> bool {
        let Some(kept) = self.duty.as_mut().filter(|kept| kept.duty.acknowledgements) else { return false };
        let air_ns = self.config.phy.air_ns(octets);
        let free_ns = kept.free_ns(node, self.now_ns, Some(channel), air_ns, Priority::Urgent);
        if free_ns == Some(self.now_ns) {
            return false;
        }
        self.totals.duty[2] += 1;
        self.nodes[node as usize].mac.handle_sent(self.now_ns);
        true
    }

    /// A frame goes on the air. `channel` is none for all channels.
    pub(super) fn book(&mut self, node: u32, channel: Option<u16>, octets: u32, acknowledges: bool) {
        let Some(kept) = self.duty.as_mut().filter(|kept| kept.duty.acknowledgements || !acknowledges) else { return };
        let phy = &self.config.phy;
        let parts = if channel.is_some() { 1 } else { u64::from(self.config.channels.len()) };
        let (air_ns, parts_ns) = (phy.air_ns(octets), parts * (phy.air_ns(octets) + phy.turnaround_ns));
        kept.book(node, channel, air_ns, self.now_ns + phy.cca_ns + parts_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET_NS: u64 = 36_000_000_000;

    #[test]
    fn an_account_has_room_again_when_it_said() {
        let mut account = Account::default();
        account.book(0, 20_000_000_000, HOUR_NS);
        account.book(600_000_000_000, 16_000_000_000, HOUR_NS);
        let now_ns = 700_000_000_000;
        assert_eq!(account.free_ns(now_ns, BUDGET_NS + 1, BUDGET_NS, HOUR_NS), None, "more than there ever is");
        let at_ns = account.free_ns(now_ns, 10_000_000_000, BUDGET_NS, HOUR_NS).unwrap();
        assert!(at_ns > HOUR_NS && at_ns < HOUR_NS + 2 * HOUR_NS / SLICES, "{at_ns}");
        account.forget(at_ns, HOUR_NS);
        assert_eq!(account.free_ns(at_ns, 10_000_000_000, BUDGET_NS, HOUR_NS), Some(at_ns));
        assert_eq!(account.most_ns, BUDGET_NS);
    }

    #[test]
    fn a_dwell_is_an_account_of_each_channel() {
        let channels = Channels::all(64).unwrap();
        let duty = Duty::dwell(&channels, 400, 20_000);
        assert_eq!((duty.bands.len(), duty.window_ns, duty.bands[63].node_ns), (64, 20_000_000_000, 400_000_000));
        let mut kept = Kept::new(duty, 2, channels.as_slice());
        let mut free_ns = |now_ns, channel, air_ns| kept.free_ns(1, now_ns, channel, air_ns, Priority::Urgent);
        assert_eq!(free_ns(5, Some(7), 390_000_000), Some(5));
        assert_eq!(free_ns(5, Some(7), 410_000_000), None, "never: longer than the dwell");
        kept.book(1, Some(7), 390_000_000, 1_000_000_000);
        let mut free_ns = |now_ns, channel, air_ns| kept.free_ns(1, now_ns, channel, air_ns, Priority::Urgent);
        assert!(free_ns(2_000_000_000, Some(7), 20_000_000).unwrap() >= 21_000_000_000);
        assert_eq!(free_ns(2_000_000_000, Some(8), 20_000_000), Some(2_000_000_000));
        assert!(free_ns(2_000_000_000, None, 20_000_000).unwrap() >= 21_000_000_000, "for all: the fullest channel");
    }
}
