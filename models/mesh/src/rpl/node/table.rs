//! Downward routes of a storing router (§9.8): which child leads to which target.

use core::net::Ipv6Addr;
use std::collections::BTreeMap;

use crate::Eui64;
use crate::rpl::lollipop::{self, Order};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) via: Eui64,
    pub(super) path_sequence: u8,
    pub(super) expires_ns: u64,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(BTreeMap<Ipv6Addr, Route>);

impl Table {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, target: Ipv6Addr, now_ns: u64) -> Option<&Route> {
        self.0.get(&target).filter(|route| route.expires_ns > now_ns)
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.0.keys().copied()
    }

    /// A child leads to a target; true when that is news.
    pub(super) fn learn(&mut self, target: Ipv6Addr, route: Route) -> bool {
        match self.0.get_mut(&target) {
            None => {
                self.0.insert(target, route);
                true
            }
            Some(known) => {
                let order = lollipop::compare(route.path_sequence, known.path_sequence);
                if order == Order::Less {
                    return false;
                }
                let news = order != Order::Equal || known.via != route.via;
                *known = route;
                news
            }
        }
    }

    /// A child no longer leads to a target; true when that is news. A withdrawal older than the route is not.
    pub(super) fn withdraw(&mut self, target: Ipv6Addr, via: Eui64, path_sequence: u8) -> bool {
        let known = self.0.get(&target);
        let stale = |route: &Route| lollipop::compare(path_sequence, route.path_sequence) == Order::Less;
        let applies = known.is_some_and(|route| route.via == via && !stale(route));
        if applies {
            self.0.remove(&target);
        }
        applies
    }

    /// A packet came back from a child that does not know the way (§11.2.2.3).
    pub(super) fn remove(&mut self, target: Ipv6Addr) {
        self.0.remove(&target);
    }

    pub(super) fn expire(&mut self, now_ns: u64) {
        self.0.retain(|_, route| route.expires_ns > now_ns);
    }

    /// The path sequence a target is told under.
    pub(super) fn path_sequence(&self, target: Ipv6Addr) -> Option<u8> {
        self.0.get(&target).map(|route| route.path_sequence)
    }
}
