//! Which channels a plan has, and which of them may be used.
//!
//! A Wi-SUN channel plan is a first frequency, a spacing and a count; a domain or an operator excludes some of them. The
//! hopping function runs over the allowed ones in order of their number, so two neighbours must agree on this list to
//! the channel: it is what the schedule information elements carry.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The allowed channels of a plan, ascending, each once. Never empty. One list serves all nodes of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
pub struct Channels(Arc<[u16]>);

/// Why a list of channels cannot be used: the fault is in the scenario or in the frame that carried it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelsError {
    /// Nothing would be left to send on.
    #[error("no channel is allowed: exclude fewer")]
    Empty,
    /// A part of the text is neither a number nor two of them.
    #[error("`{0}` is neither a channel nor a range of channels such as 0-26")]
    Text(String),
    /// A range runs backwards.
    #[error("the range {0}-{1} runs backwards")]
    Backwards(u16, u16),
    /// A channel is beyond the plan.
    #[error("channel {channel} is not one of the plan's {count}")]
    Beyond {
        /// The channel asked for.
        channel: u16,
        /// How many the plan has.
        count: u16,
    },
}

impl Channels {
    /// The plan that Wi-SUN numbers 33 in Europe: 35 channels of 200 kHz from 863.1 MHz, of which 29 are allowed.
    ///
    /// # Errors
    /// Never.
    pub fn europe_33() -> Result<Self, ChannelsError> {
        Self::parse("0-26,29,34", 35)
    }

    /// All channels of a plan of `count`.
    ///
    /// # Errors
    /// When the plan has none.
    pub fn all(count: u16) -> Result<Self, ChannelsError> {
        Self::try_from((0..count).collect::<Vec<u16>>())
    }

    /// From the text of regulation tables: `0-26,29,34`; `all` is every channel. `count` is the plan's.
    ///
    /// # Errors
    /// Names the part that is no channel, or beyond the plan.
    pub fn parse(text: &str, count: u16) -> Result<Self, ChannelsError> {
        if text.trim() == "all" {
            return Self::all(count);
        }
        let mut list = Vec::new();
        for part in text.split(',').map(str::trim) {
            let number = |text: &str| text.trim().parse::<u16>().map_err(|_| ChannelsError::Text(part.to_owned()));
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if first > last {
                return Err(ChannelsError::Backwards(first, last));
            }
            if last >= count {
                return Err(ChannelsError::Beyond { channel: last, count });
            }
            list.extend(first..=last);
        }
        Self::try_from(list)
    }

    /// Without those for which `excluded` says so: what an operator's mask or a schedule's ranges do.
    ///
    /// # Errors
    /// When none is left.
    pub fn without(&self, excluded: impl Fn(u16) -> bool) -> Result<Self, ChannelsError> {
        Self::try_from(self.0.iter().copied().filter(|&channel| !excluded(channel)).collect::<Vec<u16>>())
    }

    /// How many there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The channel at a place in the list; a place beyond it wraps.
    #[must_use]
    pub fn at(&self, index: u32) -> u16 {
        let index = index as usize;
        let wrapped = || self.0.get(index % self.0.len().max(1));
        self.0.get(index).or_else(wrapped).copied().unwrap_or(0)
    }

    /// The place of each channel in the list, by its number; `u16::MAX` for those that are not in it.
    #[must_use]
    pub fn places(&self) -> Vec<u16> {
        let mut places = vec![u16::MAX; self.0.last().map_or(0, |&last| usize::from(last) + 1)];
        for (place, &channel) in (0..).zip(self.0.iter()) {
            places[usize::from(channel)] = place;
        }
        places
    }

    /// The channels, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[u16] {
        &self.0
    }
}

impl TryFrom<Vec<u16>> for Channels {
    type Error = ChannelsError;
    fn try_from(mut list: Vec<u16>) -> Result<Self, ChannelsError> {
        list.sort_unstable();
        list.dedup();
        if list.is_empty() { Err(ChannelsError::Empty) } else { Ok(Self(list.into())) }
    }
}

impl From<Channels> for Vec<u16> {
    fn from(channels: Channels) -> Self {
        channels.0.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_list_and_faults_are_named() {
        let eu = Channels::parse("0-26,29,34", 35).unwrap();
        assert_eq!((eu.len(), eu.at(26), eu.at(27), eu.at(28)), (29, 26, 29, 34));
        assert_eq!(Channels::parse("34, 29,0-26,3", 35).unwrap(), eu);
        assert_eq!(Channels::parse("all", 3).unwrap().as_slice(), [0, 1, 2]);
        assert_eq!(Channels::parse("3-x", 9), Err(ChannelsError::Text("3-x".into())));
        assert_eq!(Channels::parse("5-3", 9), Err(ChannelsError::Backwards(5, 3)));
        assert_eq!(Channels::parse("0-9", 9), Err(ChannelsError::Beyond { channel: 9, count: 9 }));
        assert_eq!(eu.without(|_| true), Err(ChannelsError::Empty));
        assert_eq!(eu.without(|channel| channel != 29).unwrap().as_slice(), [29]);
    }
}
