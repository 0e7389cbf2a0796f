//! What a node keeps of its neighbours, by address: a sorted list of addresses beside a list of what is kept.
//!
//! A search touches the addresses alone, eight of them a cache line. The same neighbour is asked for many times in a row
//! (a frame to it, its acknowledgement, its link), so the place found last is tried first. Where hundreds are heard and few
//! kept, most questions are for somebody who is not there: one bit says so without a search.

use serde::{Deserialize, Serialize};

use crate::Eui64;

/// Values by neighbour, in the order of addresses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Peers<V> {
    keys: Vec<u64>,
    values: Vec<V>,
    /// The place that was asked for last to be changed.
    #[serde(skip)]
    last: usize,
    /// Bits of which nobody is here. None set says nothing.
    #[serde(skip)]
    nobody: [u64; 4],
}

impl<V> Default for Peers<V> {
    fn default() -> Self {
        Self { keys: Vec::new(), values: Vec::new(), last: 0, nobody: [u64::MAX; 4] }
    }
}

impl<V: PartialEq> PartialEq for Peers<V> {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys && self.values == other.values
    }
}

impl<V: Eq> Eq for Peers<V> {}

const fn key(of: Eui64) -> u64 {
    u64::from_be_bytes(of.0)
}

/// Which of 256 bits an address has.
const fn bit(key: u64) -> (usize, u64) {
    let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl<V> Peers<V> {
    /// Somebody has gone.
    fn note_absent(&mut self) {
        self.nobody = [u64::MAX; 4];
        for key in &self.keys {
            let (word, bit) = bit(*key);
            self.nobody[word] &= !bit;
        }
    }

    /// Where a neighbour is.
    fn find(&self, of: Eui64) -> Option<usize> {
        let (word, bit) = bit(key(of));
        if self.nobody[word] & bit != 0 { None } else { self.place(of).ok() }
    }

    /// Where a neighbour is, or would be.
    fn place(&self, of: Eui64) -> Result<usize, usize> {
        let key = key(of);
        if self.keys.get(self.last) == Some(&key) { Ok(self.last) } else { self.keys.binary_search(&key) }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn contains(&self, of: Eui64) -> bool {
        self.find(of).is_some()
    }

    pub(crate) fn get(&self, of: Eui64) -> Option<&V> {
        self.find(of).and_then(|place| self.values.get(place))
    }

    pub(crate) fn get_mut(&mut self, of: Eui64) -> Option<&mut V> {
        self.last = self.find(of)?;
        self.values.get_mut(self.last)
    }

    /// The value of a neighbour, made first if there is none.
    pub(crate) fn get_or_insert_with(&mut self, of: Eui64, make: impl FnOnce() -> V) -> &mut V {
        self.last = self.place(of).unwrap_or_else(|place| {
            let (word, bit) = bit(key(of));
            self.nobody[word] &= !bit;
            self.keys.insert(place, key(of));
            self.values.insert(place, make());
            place
        });
        &mut self.values[self.last]
    }

    pub(crate) fn remove(&mut self, of: Eui64) -> Option<V> {
        let place = self.find(of)?;
        self.keys.remove(place);
        self.note_absent();
        Some(self.values.remove(place))
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.note_absent();
    }

    /// Keeps those for which `keep` says so.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        let mut values = self.values.iter();
        self.keys.retain(|_| values.next().is_some_and(&mut keep));
        self.values.retain(keep);
        self.note_absent();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Eui64, &V)> {
        self.keys.iter().map(|key| Eui64(key.to_be_bytes())).zip(&self.values)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::chance::Chance;

    /// The same as a map, over ten thousand random changes.
    #[test]
    fn it_holds_what_a_map_holds() {
        let (mut peers, mut map, mut draws) = (Peers::default(), BTreeMap::new(), Chance::new(3));
        for at in 0..10_000_u64 {
            let of = Eui64(draws.between(0, 90).to_be_bytes());
            match draws.between(0, 8) {
                0 => assert_eq!(peers.remove(of), map.remove(&of)),
                1 if at % 50 == 0 => {
                    let even = |value: &u64| value.is_multiple_of(2);
                    peers.retain(even);
                    map.retain(|_, value| even(value));
                }
                2 => assert_eq!(peers.get_mut(of), map.get_mut(&of)),
                3 | 4 => assert_eq!(peers.get_or_insert_with(of, || at), map.entry(of).or_insert(at)),
                _ => assert_eq!((peers.get(of), peers.contains(of)), (map.get(&of), map.contains_key(&of))),
            }
            assert_eq!(peers.len(), map.len());
        }
        assert!(map.len() > 20 && peers.iter().eq(map.iter().map(|(of, value)| (*of, value))));
        peers.values_mut().for_each(|value| *value = 0);
        assert!(peers.values().all(|value| *value == 0));
        peers.clear();
        assert_eq!(peers.len(), 0);
    }
}
