//! The device's side: what a token means, and the window of counts that lets tokens be entered out of order.
//!
//! - A token up to [`COUNT_AHEAD`] counts ahead is good; one that brings the count in step, up to 100 ahead, and 63 back.
//! - One that adds time is also good when it lies less than [`WINDOW`] counts behind and was not used: customers mix up
//!   their messages.
//! - Any other accepted token makes all older ones worthless: otherwise an old "add" could be added to a newer "set".
//! - A token that brings the count in step may set it back ([`SyncRule::Reference`]); typed a second time, it opens the way
//!   for every token that was used since. [`SyncRule::Forward`] closes that hole.

use super::vendor::{COUNT_MAX, DISABLE_VALUE, SYNC_VALUE};
use super::{DeviceKey, Form};

/// How far ahead a token's count may be.
const COUNT_AHEAD: u32 = 64;
/// How far ahead that of a token which brings the count in step may be.
const SYNC_AHEAD: u32 = 100;
/// Counts behind the highest one that are remembered.
pub const WINDOW: u32 = 16;
/// The window, with the highest count itself.
const MASK: u32 = (1 << (WINDOW + 1)) - 1;

/// What an accepted token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Adds time, in the device's unit.
    Add(u32),
    /// Sets the time left.
    Set(u32),
    /// Unlocks for good.
    Disable,
    /// Brought the count in step.
    Sync,
}

/// How far a token may move the count that brings it in step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncRule {
    /// Up to 63 counts back, as often as it is typed, as the reference decoder has it: tokens above it count again then,
    /// used or not.
    #[default]
    Reference,
    /// Ahead only, so that it counts once. A vendor that has lost its count must learn the device's first.
    Forward,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not the digits of a token.
    #[error("these are not the digits of a token")]
    Format,
    /// A token of this device that was used, or lies too far behind.
    #[error("the token has been used, or a later one has replaced it")]
    Used,
    /// Not a token of this device within reach: mistyped, another device's, or too far ahead.
    #[error("no token of this device: mistyped, another device's, or too far ahead")]
    Unknown,
    /// The device's own count is beyond any that it can have got to: its memory is damaged.
    #[error("the device's count is damaged")]
    CountDamaged,
}

/// The counts that were used: the highest, and which of the [`WINDOW`] before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedCounts {
    highest: u32,
    /// Bit n: the highest less n.
    mask: u32,
}

impl UsedCounts {
    /// None but this one.
    #[must_use]
    pub const fn only(count: u32) -> Self {
        Self { highest: count, mask: 1 }
    }

    /// From a list, as the reference library keeps it; counts below zero are there because its window reaches below the
    /// first count. `None` for an empty list.
    #[must_use]
    pub fn from_list(counts: &[i64]) -> Option<Self> {
        let highest = u32::try_from(*counts.iter().max()?).ok()?;
        let bit =
            |count: &i64| u32::try_from(i64::from(highest).checked_sub(*count)?).ok().filter(|bit| *bit <= WINDOW);
        let mask = counts.iter().filter_map(bit).fold(0, |mask, bit| mask | 1 << (bit & 31));
        Some(Self { highest, mask })
    }

    /// As a list from the lowest to the highest.
    #[must_use]
    pub fn list(&self) -> Vec<i64> {
        let used = (0..=WINDOW).rev().filter(|bit| self.mask >> (bit & 31) & 1 == 1);
        used.map(|bit| i64::from(self.highest).saturating_sub(i64::from(bit))).collect()
    }

    fn contains(&self, count: u32) -> bool {
        self.highest.checked_sub(count).is_some_and(|bit| bit <= WINDOW && self.mask >> (bit & 31) & 1 == 1)
    }

    /// Marks a count; with `all`, everything up to the highest.
    fn mark(&mut self, count: u32, all: bool) {
        if let Some(ahead) = count.checked_sub(self.highest) {
            self.mask = self.mask.checked_shl(ahead).unwrap_or(0) & MASK;
            self.highest = count;
        }
        let behind = self.highest.saturating_sub(count);
        if behind <= WINDOW {
            self.mask |= 1 << (behind & 31);
        }
        if all {
            self.mask = MASK;
        }
    }
}

/// A device.
#[derive(Clone, Debug)]
pub struct Device {
    key: DeviceKey,
    restricted: bool,
    sync: SyncRule,
    count: u32,
    used: UsedCounts,
}

impl Device {
    /// A new one; `restricted` when its keypad has the digits 1 to 4 alone.
    #[must_use]
    pub const fn new(key: DeviceKey, restricted: bool) -> Self {
        Self::restore(key, restricted, 1, UsedCounts::only(1))
    }

    /// As it was stored.
    #[must_use]
    pub const fn restore(key: DeviceKey, restricted: bool, count: u32, used: UsedCounts) -> Self {
        Self { key, restricted, sync: SyncRule::Reference, count, used }
    }

    /// The same device under another rule for tokens that bring the count in step.
    #[must_use]
    pub fn with_sync(self, sync: SyncRule) -> Self {
        Self { sync, ..self }
    }

    /// The count of the last token, as a server must know it after a service visit.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The counts used.
    #[must_use]
    pub const fn used(&self) -> &UsedCounts {
        &self.used
    }

    /// Enters a token.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn enter(&mut self, text: &str) -> Result<Meaning, Refusal> {
        if self.count > COUNT_MAX {
            return Err(Refusal::CountDamaged);
        }
        let form = Form::of_length(self.restricted, text.len()).ok_or(Refusal::Format)?;
        let token = form.read(text).ok_or(Refusal::Format)?;
        let base = form.base(token);
        let value = self.key.value_of(form, base);
        let ahead = if !form.extended && value == SYNC_VALUE { SYNC_AHEAD } else { COUNT_AHEAD };
        let last = self.count.saturating_add(ahead);
        let mut refusal = Refusal::Unknown;
        for (count, code) in (0..=last).zip(self.key.codes(form, base)) {
            if code != token {
                continue;
            }
            match meaning(form, value, count) {
                Some(meaning) if self.is_open(count, meaning) => {
                    self.used.mark(count, !matches!(meaning, Meaning::Add(_)));
                    if count > self.count || meaning == Meaning::Sync {
                        self.count = count;
                    }
                    return Ok(meaning);
                }
                Some(_) => refusal = Refusal::Used,
                None => {}
            }
        }
        Err(refusal)
    }

    fn is_open(&self, count: u32, meaning: Meaning) -> bool {
        match meaning {
            Meaning::Sync if self.sync == SyncRule::Reference => count.saturating_add(COUNT_AHEAD) > self.count,
            _ if count > self.count => true,
            Meaning::Add(_) => count.saturating_add(WINDOW) > self.count && !self.used.contains(count),
            Meaning::Set(_) | Meaning::Disable | Meaning::Sync => false,
        }
    }
}

/// What a value means at that count; `None` for what no server makes.
fn meaning(form: Form, value: u32, count: u32) -> Option<Meaning> {
    let in_range = value <= form.value_max();
    match (count & 1 == 1, value) {
        (true, SYNC_VALUE) if !form.extended => Some(Meaning::Sync),
        (true, DISABLE_VALUE) if !form.extended => Some(Meaning::Disable),
        (true, _) if in_range => Some(Meaning::Set(value)),
        (false, _) if in_range => Some(Meaning::Add(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use taa_keys::Secret;

    use super::*;
    use crate::openpaygo::{Ask, Vendor};

    fn key() -> DeviceKey {
        DeviceKey::new(&Secret::new(&[0x3C; 16]), None).unwrap()
    }

    fn form(extended: bool, restricted: bool) -> Form {
        Form { extended, restricted }
    }

    fn stands_at(text: &str, form: Form, count: u32) -> bool {
        let token = form.read(text).unwrap();
        key().codes(form, form.base(token)).nth(count as usize) == Some(token)
    }

    /// Six digits hide a count: of 64 ahead one has the same in 3 of 100,000 tokens, and a device takes the token once more,
    /// as the reference decoder does.
    #[test]
    fn the_same_digits_may_stand_at_a_later_count() {
        let mut vendor = Vendor::new(key(), 1);
        let mut device = Device::new(key(), false);
        for value in [0, 0, 0, 0] {
            let issued = vendor.issue(Ask::Add(value), form(true, false)).unwrap();
            device.enter(&issued.token).unwrap();
        }
        let twin = vendor.issue(Ask::Add(552), form(true, false)).unwrap();
        assert_eq!(device.enter(&twin.token), Ok(Meaning::Add(552)));
        assert_eq!(device.count(), twin.count);
        assert_eq!(device.enter(&twin.token), Ok(Meaning::Add(552)));
        assert!(device.count() > twin.count && stands_at(&twin.token, form(true, false), device.count()));
        assert_eq!(device.enter(&twin.token), Err(Refusal::Used));
    }

    proptest! {
        /// What the server asks for is what the device does, in every form.
        #[test]
        fn from_server_to_device(extended: bool, restricted: bool, asks in prop::collection::vec((0..4, 0..996_u32), 1..20)) {
            let mut vendor = Vendor::new(key(), 1);
            let mut device = Device::new(key(), restricted);
            for (kind, value) in asks {
                let (ask, meaning) = match kind {
                    0 => (Ask::Add(value), Meaning::Add(value)),
                    1 => (Ask::Set(value), Meaning::Set(value)),
                    _ if extended => (Ask::Add(value), Meaning::Add(value)),
                    2 => (Ask::Disable, Meaning::Disable),
                    _ => (Ask::Sync, Meaning::Sync),
                };
                let issued = vendor.issue(ask, form(extended, restricted)).unwrap();
                prop_assert_eq!(device.enter(&issued.token), Ok(meaning));
                prop_assert_eq!(device.count(), issued.count);
                if meaning == Meaning::Sync {
                    continue;
                }
                if let Ok(again) = device.enter(&issued.token) {
                    // By chance the same digits stand at a later count too; an odd one sets what an even one adds.
                    let days = |of| match of {
                        Meaning::Add(value) | Meaning::Set(value) => Ok(value),
                        other => Err(other),
                    };
                    prop_assert!(stands_at(&issued.token, form(extended, restricted), device.count()));
                    prop_assert!(device.count() > issued.count && days(again) == days(meaning));
                    return Ok(());
                }
                prop_assert_eq!(device.enter(&issued.token), Err(Refusal::Used));
            }
        }

        /// In whatever order the tokens of one server arrive, each adds its time once at most, and those within the window
        /// do.
        #[test]
        fn out_of_order(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(), again in 0..8_usize) {
            let mut vendor = Vendor::new(key(), 1);
            let tokens: Vec<_> = (0..8).map(|_| vendor.issue(Ask::Add(7), Form::STANDARD).unwrap()).collect();
            let mut device = Device::new(key(), false);
            let mut taken = BTreeSet::new();
            for at in order.iter().copied().chain([again]) {
                let entered = device.enter(&tokens[at].token);
                prop_assert_eq!(entered.is_ok(), taken.insert(at), "{:?}", entered);
            }
        }

        /// No text makes the device panic or long for memory, and hardly any is accepted.
        #[test]
        fn any_text_is_refused(text in "\\PC{0,40}", digits in "[0-9]{9}|[0-9]{12}|[1-4]{15}|[1-4]{20}") {
            for restricted in [false, true] {
                let mut device = Device::new(key(), restricted);
                prop_assert!(device.enter(&text).is_err());
                let before = device.clone();
                if device.enter(&digits).is_err() {
                    prop_assert_eq!(before.used(), device.used());
                }
            }
        }
    }

    /// The sabotage: a device that forgets which counts were used adds the same time twice.
    #[test]
    fn without_the_window_time_is_added_twice() {
        let mut vendor = Vendor::new(key(), 1);
        let first = vendor.issue(Ask::Add(7), Form::STANDARD).unwrap();
        let second = vendor.issue(Ask::Add(7), Form::STANDARD).unwrap();
        let mut device = Device::new(key(), false);
        device.enter(&first.token).unwrap();
        device.enter(&second.token).unwrap();
        assert_eq!(device.enter(&first.token), Err(Refusal::Used));
        let mut forgetful = Device::restore(key(), false, device.count(), UsedCounts::only(device.count()));
        assert_eq!(forgetful.enter(&first.token), Ok(Meaning::Add(7)));
    }

    /// As the reference decoder has it, a sync that is typed again lets used tokens count again; ahead only, it does not.
    #[test]
    fn a_sync_typed_again() {
        for (rule, again) in [(SyncRule::Reference, true), (SyncRule::Forward, false)] {
            let mut vendor = Vendor::new(key(), 1);
            let mut device = Device::new(key(), false).with_sync(rule);
            let sync = vendor.issue(Ask::Sync, Form::STANDARD).unwrap().token;
            let weeks = [Ask::Add(7), Ask::Add(7)].map(|ask| vendor.issue(ask, Form::STANDARD).unwrap().token);
            assert_eq!(device.enter(&sync), Ok(Meaning::Sync));
            for week in &weeks {
                assert_eq!(device.enter(week), Ok(Meaning::Add(7)));
            }
            assert_eq!(device.enter(&sync).is_ok(), again, "{rule:?}");
            for week in &weeks {
                assert_eq!(device.enter(week).is_ok(), again, "{rule:?}");
            }
        }
    }

    #[test]
    fn a_damaged_count_stalls_nothing() {
        let mut device = Device::restore(key(), false, u32::MAX, UsedCounts::only(u32::MAX));
        assert_eq!(device.enter("123456789"), Err(Refusal::CountDamaged));
    }

    #[test]
    fn lists_there_and_back() {
        for list in [vec![1], vec![1, 2, 6], (-3..=13).collect::<Vec<_>>()] {
            assert_eq!(UsedCounts::from_list(&list).unwrap().list(), list);
        }
        assert_eq!(UsedCounts::from_list(&[]), None);
        assert_eq!(UsedCounts::from_list(&[1, 100]).unwrap().list(), [100]);
    }
}
