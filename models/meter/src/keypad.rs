//! The keypad: credit that comes by hand.
//!
//! Until the token room brings real tokens, the keypad takes a plain numbered credit: nothing here is secret or signed,
//! and only its sequence keeps it from being used twice. Two vendors for one meter count in lanes of their own, so
//! that neither can use up a number of the other. Each lane remembers its highest number and the [`WINDOW`] before it:
//! numbers may be typed out of order (a message came late), older ones are refused.

/// Vendors that may issue numbers for one meter.
pub(crate) const VENDORS: usize = 2;
/// Numbers of a vendor, behind its highest, that may still come.
pub(crate) const WINDOW: u32 = 64;

/// A numbered credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Who issued it: 0 the vendor, 1 a stock printed beforehand.
    pub vendor: u8,
    /// The how-manieth for this meter from this vendor, from 1.
    pub sequence: u32,
    /// What it is worth, minor units.
    pub amount_minor: i64,
}

/// What the display answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// Loaded.
    Accepted,
    /// Loaded before, or too old to tell.
    Replayed,
    /// No such vendor, number or amount.
    Refused,
    /// This meter takes no numbers.
    NoKeypad,
    /// The display is dark.
    NoPower,
}

/// The numbers seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen([Lane; VENDORS]);

/// Highest number, and of the ones before it those that came: bit 0 is the highest itself.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    highest: u32,
    came: u64,
}

impl Seen {
    /// Marks a number as used; false when it was, or may have been.
    pub(crate) fn take(&mut self, vendor: u8, sequence: u32) -> bool {
        let Some(lane) = self.0.get_mut(usize::from(vendor)) else { return false };
        if sequence > lane.highest {
            let ahead = sequence - lane.highest;
            lane.came = if ahead < WINDOW { lane.came << ahead } else { 0 };
            lane.highest = sequence;
            lane.came |= 1;
            return true;
        }
        let behind = lane.highest - sequence;
        if sequence == 0 || behind >= WINDOW || lane.came & (1 << behind) != 0 {
            return false;
        }
        lane.came |= 1 << behind;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_once_in_any_order_and_in_its_own_lane() {
        let mut seen = Seen::default();
        assert!(seen.take(0, 2) && seen.take(0, 1) && seen.take(1, 1));
        assert!(!seen.take(0, 2) && !seen.take(0, 1) && !seen.take(1, 1));
        assert!(!seen.take(0, 0) && !seen.take(2, 5), "no such number, no such vendor");
        assert!(seen.take(0, 66) && seen.take(0, 3));
        assert!(!seen.take(0, 2), "fallen out of the window: refused, used or not");
        assert!(seen.take(0, u32::MAX) && !seen.take(0, 66));
    }
}
