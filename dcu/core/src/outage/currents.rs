//! Ammeters: that a current flows proves its device energised; that none does any more proves nothing, for perhaps nobody
//! wants any. Then meters all along the device are asked, another one for each that is silent, until one answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::MeterIx;

/// What the ammeters have shown. Devices by number in the tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Currents {
    /// A current flowed when the ammeter was read last.
    flowing: BTreeSet<usize>,
    /// It has stopped: whom to ask next.
    stopped: BTreeMap<usize, VecDeque<MeterIx>>,
}

impl Currents {
    /// A current flows.
    pub(crate) fn flows(&mut self, device: usize) {
        self.stopped.remove(&device);
        self.flowing.insert(device);
    }

    /// None flows; false where that is no news.
    pub(crate) fn stops(&mut self, device: usize) -> bool {
        self.flowing.remove(&device)
    }

    /// Of the meters behind a device whose current has stopped, so many spread along it are asked now; the others may follow.
    pub(crate) fn suspect(&mut self, device: usize, behind: &[MeterIx], at_once: usize) -> Vec<MeterIx> {
        let step = behind.len().div_ceil(at_once.max(1)).max(1);
        let each = |first| behind.iter().skip(first).step_by(step);
        let mut order: VecDeque<MeterIx> = (0..step).flat_map(each).copied().collect();
        let first = order.drain(..at_once.max(1).min(order.len())).collect();
        self.stopped.insert(device, order);
        first
    }

    /// A meter that was asked is silent: who is asked next, of each of these devices above it.
    pub(crate) fn silent(&mut self, above: impl Iterator<Item = usize>) -> Vec<MeterIx> {
        above.filter_map(|device| self.stopped.get_mut(&device)?.pop_front()).collect()
    }

    /// A meter that was asked has answered: nobody wants any current there.
    pub(crate) fn answered(&mut self, above: impl Iterator<Item = usize>) {
        above.for_each(|device| _ = self.stopped.remove(&device));
    }
}
