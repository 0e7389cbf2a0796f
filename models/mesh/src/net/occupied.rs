//! Time on the air by channel and by node: what a duty cycle is judged by.

/// Nanoseconds on the air so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Occupied {
    /// Of frames on one channel, by the channel's number.
    one: Vec<u64>,
    /// Of each channel by frames that go over all of them.
    all: u64,
    pub(super) by_node: Vec<u64>,
}

impl Occupied {
    pub(super) fn new(nodes: usize) -> Self {
        Self { by_node: vec![0; nodes], ..Self::default() }
    }

    /// A frame of a node, on one channel or on all of them, has left the air: how often, and each time for so long.
    pub(super) fn count(&mut self, from: u32, channel: Option<u16>, (times, air_ns): (u64, u64)) {
        if let Some(sum) = self.by_node.get_mut(from as usize) {
            *sum += times * air_ns;
        }
        let Some(channel) = channel.map(usize::from) else {
            self.all += air_ns;
            return;
        };
        if self.one.len() <= channel {
            self.one.resize(channel + 1, 0);
        }
        self.one[channel] += air_ns;
    }

    /// Of these channels.
    pub(super) fn by_channel(&self, channels: &[u16]) -> Vec<(u16, u64)> {
        let own = |channel: u16| self.one.get(usize::from(channel)).copied().unwrap_or(0);
        channels.iter().map(|&channel| (channel, own(channel) + self.all)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_and_nodes_sum_to_the_same() {
        let mut occupied = Occupied::new(3);
        occupied.count(1, Some(4), (1, 100));
        occupied.count(2, None, (3, 10));
        assert_eq!(occupied.by_channel(&[2, 4, 5]), [(2, 10), (4, 110), (5, 10)]);
        assert_eq!(occupied.by_node, [0, 100, 30]);
    }
}
