//! Group keys and their lives (FAN 1.1, 6.5.2.5): installed one after the other, overlapping, revoked early.
//!
//! | what | how long |
//! |---|---|
//! | PMK, PTK | 120 days, 60 days |
//! | a GTK | 30 days from when the one before it expires |
//! | the next is installed | when 80 % of the newest's life have passed |
//! | the next becomes active | 1/720 of a life (1 h) before the active one expires |
//! | revocation | the active one's life is cut to 1/30 (1 day), later ones are removed, a new one is installed |
//!
//! A GTK is known here by a number, never by its octets: who holds the same number can read.

use serde::{Deserialize, Serialize};

/// Nanoseconds in a day.
pub const DAY_NS: u64 = 86_400_000_000_000;
/// The life of a PMK.
pub const PMK_NS: u64 = 120 * DAY_NS;
/// The life of a PTK.
pub const PTK_NS: u64 = 60 * DAY_NS;
/// How many GTKs a network holds at most.
pub const SLOTS: usize = 4;

/// Lives of group keys; the defaults are in the module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lives {
    /// The life of a GTK, nanoseconds.
    pub gtk_ns: u64,
    /// After so many per cent of it the next is installed.
    pub install_percent: u8,
    /// The next is active this fraction of a life before the active one expires.
    pub activation_part: u32,
    /// A revocation cuts the active one's life to this fraction.
    pub revocation_part: u32,
}

impl Default for Lives {
    fn default() -> Self {
        Self { gtk_ns: 30 * DAY_NS, install_percent: 80, activation_part: 720, revocation_part: 30 }
    }
}

/// What a frame says of the group keys: their numbers by slot, 0 where none is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hashes(pub [u64; SLOTS]);

impl Hashes {
    /// Whether a key of ours is among them.
    #[must_use]
    pub fn shares(&self, held: &Hashes) -> bool {
        self.0.iter().any(|key| *key != 0 && held.0.contains(key))
    }

    /// Whether a key is among them that we do not hold.
    #[must_use]
    pub fn exceeds(&self, held: &Hashes) -> bool {
        self.0.iter().any(|key| *key != 0 && !held.0.contains(key))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Gtk {
    number: u64,
    expires_ns: u64,
}

/// The border router's group keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupKeys {
    lives: Lives,
    slots: [Option<Gtk>; SLOTS],
    active: usize,
    install_ns: u64,
    next_number: u64,
}

impl GroupKeys {
    /// One key, active. `first` is its number (not 0); later ones count up.
    #[must_use]
    pub fn new(now_ns: u64, lives: Lives, first: u64) -> Self {
        let mut keys = Self { lives, slots: [None; SLOTS], active: 0, install_ns: 0, next_number: first.max(1) };
        keys.install(now_ns, 0);
        keys
    }

    /// What the network is told.
    #[must_use]
    pub fn hashes(&self) -> Hashes {
        Hashes(self.slots.map(|slot| slot.map_or(0, |gtk| gtk.number)))
    }

    /// The slot that frames are sealed with.
    #[must_use]
    pub fn active(&self) -> usize {
        self.active
    }

    /// When something is due.
    #[must_use]
    pub fn deadline_ns(&self) -> u64 {
        self.expiry_ns().min(self.install_ns).min(self.activation_ns().unwrap_or(u64::MAX))
    }

    /// Installs, activates and removes what is due, in the order of time, also after years without power. Tells whether the
    /// network must be told (a new PAN version).
    pub fn handle_timeout(&mut self, now_ns: u64) -> bool {
        let mut changed = false;
        loop {
            let due_ns = self.deadline_ns();
            if due_ns > now_ns {
                return changed;
            }
            changed = true;
            if self.activation_ns().is_some_and(|due| due <= due_ns) {
                self.active = self.following().unwrap_or(self.active);
            } else if self.expiry_ns() <= due_ns {
                for slot in &mut self.slots {
                    slot.take_if(|gtk| gtk.expires_ns <= due_ns);
                }
            } else {
                let newest = self.newest_expiry_ns().unwrap_or(due_ns);
                match self.free_slot() {
                    Some(slot) => self.install(newest, slot),
                    // The next slot is free when its key expires.
                    None => self.install_ns = self.expiry_ns(),
                }
            }
        }
    }

    /// Shuts a stolen node out: it gets none of the new keys, and the old ones soon end.
    pub fn revoke(&mut self, now_ns: u64) {
        let cut_ns = now_ns.saturating_add(self.lives.gtk_ns / u64::from(self.lives.revocation_part.max(1)));
        let mut keep = self.active;
        if self.slots.get(self.active).copied().flatten().is_some_and(|gtk| gtk.expires_ns <= cut_ns) {
            keep = self.following().unwrap_or(self.active);
        }
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if at == keep {
                if let Some(gtk) = slot {
                    gtk.expires_ns = gtk.expires_ns.min(cut_ns);
                }
            } else if at != self.active {
                *slot = None;
            }
        }
        if let Some(slot) = self.free_slot() {
            self.install(self.newest_expiry_ns().unwrap_or(now_ns), slot);
        }
    }

    fn expiry_ns(&self) -> u64 {
        self.slots.iter().flatten().map(|gtk| gtk.expires_ns).min().unwrap_or(u64::MAX)
    }

    fn newest_expiry_ns(&self) -> Option<u64> {
        self.slots.iter().flatten().map(|gtk| gtk.expires_ns).max()
    }

    /// The slot after the newest key's, when it is free.
    fn free_slot(&self) -> Option<usize> {
        let newest = (0..SLOTS).max_by_key(|&at| self.slots.get(at).copied().flatten().map(|gtk| gtk.expires_ns))?;
        let next = (newest + 1) % SLOTS;
        self.slots.get(next)?.is_none().then_some(next)
    }

    /// The slot of the key that expires next after the active one.
    fn following(&self) -> Option<usize> {
        let active = self.slots.get(self.active).copied().flatten()?;
        let later =
            |at: &usize| self.slots.get(*at).copied().flatten().filter(|gtk| gtk.expires_ns > active.expires_ns);
        (0..SLOTS).filter(|at| later(at).is_some()).min_by_key(|at| later(at).map(|gtk| gtk.expires_ns))
    }

    fn activation_ns(&self) -> Option<u64> {
        self.following()?;
        let active = self.slots.get(self.active).copied().flatten()?;
        Some(active.expires_ns.saturating_sub(self.lives.gtk_ns / u64::from(self.lives.activation_part.max(1))))
    }

    /// Installs a key whose life begins at `from_ns`.
    fn install(&mut self, from_ns: u64, slot: usize) {
        let gtk = Gtk { number: self.next_number, expires_ns: from_ns.saturating_add(self.lives.gtk_ns) };
        self.next_number += 1;
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(gtk);
        }
        self.install_ns = from_ns.saturating_add(self.lives.gtk_ns / 100 * u64::from(self.lives.install_percent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over a year some key is always valid, active, and was told at least 5 days before it became active.
    #[test]
    fn a_year_of_rotation_never_leaves_the_network_without_a_key() {
        let mut keys = GroupKeys::new(0, Lives::default(), 1);
        let (mut now, mut told, mut changes) = (0, std::collections::BTreeMap::from([(1_u64, 0)]), 0);
        let mut active = 1;
        while now < 365 * DAY_NS {
            now = keys.deadline_ns();
            changes += u32::from(keys.handle_timeout(now));
            for number in keys.hashes().0.into_iter().filter(|number| *number != 0) {
                told.entry(number).or_insert(now);
            }
            let current = keys.hashes().0[keys.active()];
            assert_ne!(current, 0, "day {}", now / DAY_NS);
            if current != active {
                assert!(current == active + 1 && now - told[&current] >= 5 * DAY_NS, "told too late");
                active = current;
            }
        }
        assert!(active >= 12 && changes > 30, "{active} keys in a year, {changes} changes");
    }

    /// Asked once after so long (a site without power), it holds what it would hold had it been asked all the time.
    #[test]
    fn keys_rotate_over_an_absence() {
        for days in [30, 70, 114, 400, 3_650] {
            let (mut asked, mut absent) =
                (GroupKeys::new(0, Lives::default(), 1), GroupKeys::new(0, Lives::default(), 1));
            (0..=days).for_each(|day| {
                asked.handle_timeout(day * DAY_NS);
            });
            absent.handle_timeout(days * DAY_NS);
            assert_eq!(absent, asked, "after {days} days");
            assert_ne!(absent.hashes().0[absent.active()], 0, "after {days} days");
        }
    }

    /// Revoked so often that no slot is free, keys still go on rotating once one expires.
    #[test]
    fn without_a_free_slot_the_next_key_waits_for_one() {
        let mut keys = GroupKeys::new(0, Lives::default(), 1);
        keys.slots = [25, 26, 27, 24].map(|days| Some(Gtk { number: days, expires_ns: (days + 5) * DAY_NS }));
        (keys.active, keys.next_number) = (3, 28);
        (0..400).for_each(|day| {
            keys.handle_timeout(day * DAY_NS);
        });
        assert_ne!(keys.hashes().0[keys.active()], 0);
    }

    #[test]
    fn a_revocation_ends_the_old_key_within_a_day() {
        let mut keys = GroupKeys::new(0, Lives::default(), 1);
        keys.handle_timeout(25 * DAY_NS);
        let stolen = keys.hashes();
        assert_eq!(stolen.0, [1, 2, 0, 0]);
        keys.revoke(25 * DAY_NS);
        assert_eq!(keys.hashes().0, [1, 3, 0, 0], "the next key, which the thief holds, is replaced");
        while keys.deadline_ns() <= 26 * DAY_NS {
            keys.handle_timeout(keys.deadline_ns());
        }
        assert!(keys.hashes().0[keys.active()] == 3 && !keys.hashes().shares(&stolen));
    }
}
