//! Who hears whom, and how likely a frame is to be read: plain tables, filled by whoever knows the terrain.

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::stack::PROBE_OCTETS;
use crate::mac::etx;

/// One direction of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Sender.
    pub from: u32,
    /// Receiver.
    pub to: u32,
    /// From connector to connector, dB: path, walls, aerials.
    pub loss_db: f32,
}

/// A receiver of a sender: what arrives there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ear {
    pub(super) node: u32,
    pub(super) dbm: f32,
    pub(super) mw: f32,
    /// Signal to noise in steps of half a decibel, rounded down.
    pub(super) half_db: i16,
    /// Tries that a solicitation should take, in 1/128.
    pub(super) expected_etx128: u16,
}

/// No place.
const NOWHERE: u16 = u16::MAX;
/// So many nodes have their places tabulated: 8 MB.
const TABULATED_MAX: usize = 2_048;

/// How far below the noise a signal may be and still count as interference, dB.
const BELOW_NOISE_DB: f32 = 3.0;

/// The pairs that matter: those whose signal is not far below the noise. Sparse, sorted by receiver.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Links {
    rows: Vec<Vec<Ear>>,
    /// The place in a sender's row of each receiver, [`NOWHERE`] without; empty where there are too many nodes.
    places: Vec<u16>,
    /// Of these, those that may read a frame.
    near: Vec<Vec<Ear>>,
    /// When each of them last read a frame for all, nanoseconds; 0: not since that was asked for.
    read_ns: Vec<Vec<u64>>,
    tx_dbm: f32,
    noise_dbm: f32,
    near_dbm: f32,
    /// How often a solicitation is read, by `half_db`.
    success: Success,
}

pub(super) fn milliwatts(dbm: f32) -> f32 {
    libm::powf(10.0, dbm / 10.0)
}

pub(super) fn decibels(ratio: f32) -> f32 {
    10.0 * libm::log10f(ratio.max(1e-30))
}

/// Decibels in halves, rounded down.
pub(super) fn halves(db: f32) -> i32 {
    libm::floorf(2.0 * db) as i32
}

impl Links {
    /// Of so many nodes; signals below the floor are left out, those that may be made out and read are near.
    pub(super) fn new(nodes: usize, links: &[Link], config: &Config) -> Self {
        let Config { tx_dbm, noise_dbm, sync_db, .. } = *config;
        let success = config.success.clone();
        let near_dbm = noise_dbm + sync_db.max(success.least_db());
        let (rows, near, read_ns) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
        let mut all = Self { rows, places: Vec::new(), near, read_ns, tx_dbm, noise_dbm, near_dbm, success };
        links.iter().for_each(|&link| all.set(link));
        if nodes <= TABULATED_MAX {
            all.places = vec![NOWHERE; nodes * nodes];
            (0..nodes).for_each(|from| all.tabulate(from));
        }
        all
    }

    /// Writes down where in a sender's row each receiver is.
    fn tabulate(&mut self, from: usize) {
        let nodes = self.rows.len();
        let Some(places) = self.places.get_mut(from * nodes..(from + 1) * nodes) else { return };
        places.fill(NOWHERE);
        for (at, ear) in self.rows[from].iter().enumerate() {
            places[ear.node as usize] = at as u16;
        }
    }

    /// Sets one direction; nodes that are not there are left out.
    pub(super) fn set(&mut self, link: Link) {
        let all = self.rows.len();
        let dbm = self.tx_dbm - link.loss_db;
        if link.to as usize >= all || link.to == link.from {
            return;
        }
        let half_db = halves(dbm - self.noise_dbm);
        let expected_etx128 = self.success.expected_etx128(half_db);
        let half_db = half_db.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        let ear = Ear { node: link.to, dbm, mw: milliwatts(dbm), half_db, expected_etx128 };
        let from = link.from as usize;
        let before = self.of(link.from).len();
        let (Some(row), Some(near), Some(read_ns)) =
            (self.rows.get_mut(from), self.near.get_mut(from), self.read_ns.get_mut(from))
        else {
            return;
        };
        for (row, least_dbm, times) in
            [(row, self.noise_dbm - BELOW_NOISE_DB, None), (near, self.near_dbm, Some(read_ns))]
        {
            match (row.binary_search_by_key(&link.to, |ear| ear.node), dbm >= least_dbm) {
                (Ok(at), true) => row[at] = ear,
                (Ok(at), false) => {
                    row.remove(at);
                    times.map(|times| times.remove(at));
                }
                (Err(at), true) => {
                    row.insert(at, ear);
                    times.map(|times| times.insert(at, 0)).unwrap_or_default();
                }
                (Err(_), false) => {}
            }
        }
        if self.of(link.from).len() != before {
            self.tabulate(from);
        }
    }

    /// One of those near has read a frame for all.
    pub(super) fn note_read(&mut self, from: u32, index: usize, at_ns: u64) {
        if let Some(time) = self.read_ns.get_mut(from as usize).and_then(|row| row.get_mut(index)) {
            *time = at_ns;
        }
    }

    /// When a node last read a frame for all of another, since that was last taken; 0: not.
    pub(super) fn read_at(&self, from: u32, by: u32) -> u64 {
        let index = self.near(from).binary_search_by_key(&by, |ear| ear.node).ok();
        index.and_then(|index| self.read_ns.get(from as usize)?.get(index)).copied().unwrap_or(0)
    }

    /// The same, once.
    pub(super) fn take_read(&mut self, from: u32, by: u32) -> Option<u64> {
        let index = self.near(from).binary_search_by_key(&by, |ear| ear.node).ok()?;
        let time = self.read_ns.get_mut(from as usize)?.get_mut(index)?;
        Some(core::mem::take(time)).filter(|&at_ns| at_ns > 0)
    }

    /// Those who may read what a node sends.
    pub(super) fn near(&self, from: u32) -> &[Ear] {
        self.near.get(from as usize).map_or(&[], Vec::as_slice)
    }

    /// All who hear a node.
    pub(super) fn of(&self, from: u32) -> &[Ear] {
        self.rows.get(from as usize).map_or(&[], Vec::as_slice)
    }

    /// What one hears of another.
    pub(super) fn between(&self, from: u32, to: u32) -> Option<Ear> {
        let row = self.of(from);
        let all = self.rows.len();
        if let Some(&at) = self.places.get(from as usize * all + to as usize).filter(|_| (to as usize) < all) {
            return row.get(usize::from(at)).copied();
        }
        row.binary_search_by_key(&to, |ear| ear.node).ok().and_then(|at| row.get(at)).copied()
    }

    /// Tries that a solicitation should take, by how one hears the other, in 1/128.
    pub(super) fn expected_etx128(&self, from: u32, to: u32) -> u32 {
        self.between(from, to).map_or(etx::MAX, |ear| ear.expected_etx128.into())
    }
}

/// The share of frames that are read, by ratio of signal to noise in steps of 0.5 dB and by length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Success {
    first_half_db: i32,
    /// Lengths, ascending, and a row for each.
    rows: Vec<(u32, Vec<f32>)>,
}

impl Success {
    /// From a formula of ratio (dB) and octets, between two ratios and for some lengths. A frame is looked up at the
    /// next longer length and the ratio below; under the table nothing is read, above it its last value holds.
    #[must_use]
    pub fn tabulate(from_db: i32, to_db: i32, lengths: &[u32], share: impl Fn(f64, u32) -> f64) -> Self {
        let row = |octets: u32| {
            let ratios = 2 * from_db..=2 * to_db;
            ratios.map(|half| share(f64::from(half) / 2.0, octets) as f32).collect::<Vec<f32>>()
        };
        let mut lengths = lengths.to_vec();
        lengths.sort_unstable();
        Self { first_half_db: 2 * from_db, rows: lengths.into_iter().map(|octets| (octets, row(octets))).collect() }
    }

    /// Two-level FSK detected without phase, `loss_db` worse than ideal: bit errors ½ exp(−γ/2) at γ, the ratio in a
    /// bandwidth of one bit rate.
    #[must_use]
    pub fn fsk(loss_db: f64) -> Self {
        let lengths = [20, 40, 60, 80, 100, 125, 150, 200, 250, 350, 500, 800, 1300, 2047];
        Self::tabulate(0, 30, &lengths, |snr_db, octets| {
            let bit_error = 0.5 * libm::exp(-0.5 * libm::pow(10.0, (snr_db - loss_db) / 10.0));
            libm::pow(1.0 - bit_error, 8.0 * f64::from(octets))
        })
    }

    /// Every frame above a ratio is read, none below.
    #[must_use]
    pub fn ideal(threshold_db: i32) -> Self {
        Self::tabulate(threshold_db, threshold_db, &[u32::MAX], |_, _| 1.0)
    }

    /// The ratio below which nothing of 50 octets is read, not one frame in a thousand, dB. None here is shorter.
    pub(super) fn least_db(&self) -> f32 {
        let first = (0..200).find(|&half| self.share(self.first_half_db + half, 50) > 1e-3);
        (self.first_half_db + first.unwrap_or(0)) as f32 / 2.0
    }

    /// Tries that a solicitation should take over a link that is heard like this, in 1/128.
    fn expected_etx128(&self, half_db: i32) -> u16 {
        let share = self.share(half_db, PROBE_OCTETS);
        let tries =
            if share * etx::MAX as f32 <= etx::ONE as f32 { etx::MAX } else { (etx::ONE as f32 / share) as u32 };
        tries as u16
    }

    /// At a ratio in half decibels, rounded down.
    pub(super) fn share(&self, half_db: i32, octets: u32) -> f32 {
        self.in_row(self.row(octets), half_db)
    }

    /// The row of a length.
    pub(super) fn row(&self, octets: u32) -> u8 {
        self.rows.partition_point(|(of, _)| *of < octets).min(self.rows.len().saturating_sub(1)).min(255) as u8
    }

    /// The share of a row at a ratio.
    pub(super) fn in_row(&self, row: u8, half_db: i32) -> f32 {
        let (Some((_, row)), Ok(half)) =
            (self.rows.get(usize::from(row)), usize::try_from(half_db.saturating_sub(self.first_half_db)))
        else {
            return 0.0;
        };
        row.get(half).or(row.last()).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wisun::params::Size;

    /// 10 % of frames of 250 octets are lost at 15.6 dB with 3 dB of loss: the −104.4 dBm of 50 kb/s on the radio's page.
    #[test]
    fn sensitivity_is_the_radios() {
        let table = Success::fsk(3.0);
        let at = (0..60).find(|half| table.share(*half, 250) >= 0.9).unwrap();
        let sensitivity_dbm = -174.0 + 47.0 + 7.0 + at as f32 / 2.0;
        assert!((sensitivity_dbm - -104.4).abs() < 0.6, "{sensitivity_dbm}");
        assert!(table.share(-6, 20) < 1e-6 && table.share(180, 4_000) > 0.999);
    }

    #[test]
    fn weak_pairs_are_left_out_and_come_back() {
        let config =
            Config { tx_dbm: 14.0, noise_dbm: -107.0, sync_db: 17.0, ..Config::wisun(Size::Small, 1).unwrap() };
        let mut links = Links::new(3, &[Link { from: 0, to: 2, loss_db: 100.0 }], &config);
        assert_eq!((links.of(0).len(), links.near(0).len()), (1, 1));
        links.set(Link { from: 0, to: 2, loss_db: 125.0 });
        assert!(links.of(0).is_empty() && links.between(0, 2).is_none());
        links.set(Link { from: 0, to: 2, loss_db: f32::INFINITY });
        links.set(Link { from: 0, to: 1, loss_db: 100.0 });
        links.set(Link { from: 0, to: 9, loss_db: 100.0 });
        assert_eq!(links.near(0).len(), 1, "-86 dBm is near, and the other gone");
        assert_eq!(links.between(0, 1).map(|ear| ear.dbm), Some(-86.0));
    }
}
