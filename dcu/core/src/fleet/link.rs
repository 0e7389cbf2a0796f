//! One shared link: whose frame goes next.
//!
//! A link carries so many frame exchanges at once (its window: 1 on a half-duplex line, more on a mesh). Best class
//! first; within a class, first come first served. Business under way goes on before new business of its class begins,
//! except that urgent orders go out before the confirmations of earlier ones are asked for. Of a window of several, the
//! last place is kept for urgent business: whatever fills the link, an order finds a place at once.
//!
//! Where several exchanges are under way at once, an order does not even wait for the answer that its own meter owes:
//! that answer is ignored when it comes. On a wire that carries one at a time there would be nothing to gain.
//!
//! Bulk (back-fill and images) has a smaller window of its own, because long answers that are on the air already delay
//! an order, whatever is granted next. It takes turns: the two kinds with each other, and within a kind the meters under
//! way, of which there are only so many at a time, because what half-read profiles hold is memory.

use std::collections::VecDeque;

use super::{Class, Unit};
use crate::MeterIx;

/// What may happen next on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The frame that waits at this meter goes out.
    Frame(MeterIx),
    /// Something of this class may begin with this meter. Lesser business of it may be waiting: it has to give way.
    Start(MeterIx, Class),
}

#[derive(Clone, Copy, Debug)]
enum Wish {
    Start(MeterIx),
    Frame(MeterIx),
}

/// A frame on the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) meter: MeterIx,
    /// The meter failed last time and was not heard since.
    pub(crate) suspect: bool,
    pub(crate) bulk: bool,
}

/// The link.
#[derive(Debug)]
pub(crate) struct Link {
    window: usize,
    bulk_window: usize,
    bulk_meters_max: usize,
    in_flight: Vec<Flight>,
    queues: [VecDeque<Wish>; Class::COUNT],
    /// Frames of bulk under way.
    going: [VecDeque<Wish>; Class::COUNT],
    /// Exchanges under way, and how many of them were begun with suspects.
    open: [usize; Class::COUNT],
    open_suspects: [usize; Class::COUNT],
    /// Of the two kinds of bulk, whose turn it is.
    image_next: bool,
}

impl Link {
    pub(crate) fn new(window: usize, bulk_window: usize, bulk_meters_max: usize) -> Self {
        let window = window.max(1);
        Self {
            window,
            bulk_window: bulk_window.max(1),
            bulk_meters_max: bulk_meters_max.max(1),
            in_flight: Vec::with_capacity(window),
            queues: Default::default(),
            going: Default::default(),
            open: [0; Class::COUNT],
            open_suspects: [0; Class::COUNT],
            image_next: false,
        }
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = MeterIx> {
        self.in_flight.iter().map(|flight| flight.meter)
    }

    pub(crate) fn wish_to_start(&mut self, meter: MeterIx, class: Class) {
        if let Some(queue) = self.queues.get_mut(class as usize) {
            queue.push_back(Wish::Start(meter));
        }
    }

    pub(crate) fn wish_to_go_on(&mut self, meter: MeterIx, class: Class) {
        if let Some(queue) = self.queues.get_mut(class as usize) {
            queue.push_front(Wish::Start(meter));
        }
    }

    pub(crate) fn wish_to_send(&mut self, meter: MeterIx, class: Class) {
        let queues = if class.is_bulk() { &mut self.going } else { &mut self.queues };
        let Some(queue) = queues.get_mut(class as usize) else { return };
        match class {
            Class::Check | Class::Reading => queue.push_front(Wish::Frame(meter)),
            Class::Urgent | Class::Backfill | Class::Image => queue.push_back(Wish::Frame(meter)),
        }
    }

    pub(crate) fn opened(&mut self, class: Class, suspect: bool) {
        for (open, counts) in [(&mut self.open, true), (&mut self.open_suspects, suspect)] {
            if let Some(open) = open.get_mut(class as usize).filter(|_| counts) {
                *open = open.saturating_add(1);
            }
        }
    }

    pub(crate) fn closed(&mut self, class: Class, suspect: bool) {
        for (open, counts) in [(&mut self.open, true), (&mut self.open_suspects, suspect)] {
            if let Some(open) = open.get_mut(class as usize).filter(|_| counts) {
                *open = open.saturating_sub(1);
            }
        }
    }

    pub(crate) fn departed(&mut self, flight: Flight) {
        self.in_flight.push(flight);
    }

    pub(crate) fn landed(&mut self, meter: MeterIx) {
        self.in_flight.retain(|flight| flight.meter != meter);
    }

    /// See [`super::Fleet::next_grant`].
    pub(crate) fn next_grant(&mut self, units: &mut [Unit]) -> Option<Grant> {
        let room = self.window.saturating_sub(self.in_flight.len());
        if room == 0 {
            return None;
        }
        let urgent = self.first(units, Class::Urgent);
        if urgent.is_some() || (room == 1 && self.window > 1) {
            return urgent;
        }
        let ordinary = self.first(units, Class::Check).or_else(|| self.first(units, Class::Reading));
        ordinary.or_else(|| self.bulk(units))
    }

    fn bulk(&mut self, units: &mut [Unit]) -> Option<Grant> {
        let bulk_waits = |queues: &[VecDeque<Wish>; Class::COUNT]| {
            [Class::Backfill, Class::Image]
                .iter()
                .any(|class| queues.get(*class as usize).is_some_and(|q| !q.is_empty()))
        };
        if !bulk_waits(&self.queues) && !bulk_waits(&self.going) {
            return None;
        }
        let bulk = || self.in_flight.iter().filter(|flight| flight.bulk);
        if bulk().count() >= self.bulk_window {
            return None;
        }
        let suspects = bulk().filter(|flight| flight.suspect).count();
        let suspects_may = self.suspects_may() && suspects < self.bulk_window.div_ceil(2);
        let turns = if self.image_next { [Class::Image, Class::Backfill] } else { [Class::Backfill, Class::Image] };
        for class in turns {
            let begun = self.begin_bulk(units, class, suspects_may);
            let going = self.going.get_mut(class as usize)?;
            if let Some(grant) = begun.or_else(|| take_first(going, units, class, suspects_may, false)) {
                self.image_next = class == Class::Backfill;
                return Some(grant);
            }
        }
        None
    }

    /// Another meter, if not too many are under way; of suspects half as many, for they hold their places for long.
    fn begin_bulk(&mut self, units: &mut [Unit], class: Class, suspects_may: bool) -> Option<Grant> {
        let open = |counts: &[usize; Class::COUNT]| counts.get(class as usize).copied().unwrap_or(0);
        if open(&self.open) >= self.bulk_meters_max {
            return None;
        }
        let suspects_may = suspects_may && open(&self.open_suspects) < self.bulk_meters_max.div_ceil(2);
        take_first(self.queues.get_mut(class as usize)?, units, class, suspects_may, false)
    }

    fn first(&mut self, units: &mut [Unit], class: Class) -> Option<Grant> {
        if self.queues.get(class as usize).is_none_or(VecDeque::is_empty) {
            return None;
        }
        let suspects_may = self.suspects_may();
        let interrupts = class == Class::Urgent && self.window > 1;
        take_first(self.queues.get_mut(class as usize)?, units, class, suspects_may, interrupts)
    }

    fn suspects_may(&self) -> bool {
        self.in_flight.iter().filter(|flight| flight.suspect).count() < self.window.div_ceil(2)
    }
}

/// The first wish that can be granted. Those that have lost their object leave the queue; suspects that may not send
/// now go to its end. `interrupts`: even a meter whose answer is awaited may begin something better.
fn take_first(
    queue: &mut VecDeque<Wish>,
    units: &mut [Unit],
    class: Class,
    suspects_may: bool,
    interrupts: bool,
) -> Option<Grant> {
    for _ in 0..queue.len() {
        let wish = queue.pop_front()?;
        let (Wish::Start(meter) | Wish::Frame(meter)) = wish;
        let Some(unit) = units.get_mut(meter.at()) else { continue };
        let waiting = unit.waits.as_ref().map(|(_, class)| *class);
        let grant = match wish {
            Wish::Frame(_) => (waiting == Some(class)).then_some(Grant::Frame(meter)),
            Wish::Start(_) => {
                let free = unit.job.is_none() && unit.blocked_until.is_none();
                let better = |than: Class| class < than;
                let ahead = waiting.is_some_and(better)
                    || (interrupts && unit.in_flight && unit.job.is_some_and(|(_, job)| better(job)));
                (free || ahead).then_some(Grant::Start(meter, class))
            }
        };
        if grant.is_some() && unit.suspect && !suspects_may {
            queue.push_back(wish);
            continue;
        }
        if let Wish::Start(_) = wish {
            unit.queued &= !class.bit();
        }
        if grant.is_some() {
            return grant;
        }
    }
    None
}
