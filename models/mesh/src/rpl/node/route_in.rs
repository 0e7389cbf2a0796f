//! DAO as a receiver: the root of a non-storing DODAG, any router of a storing one (§9).

use core::net::Ipv6Addr;

use super::table::Route;
use super::{NextHop, Node, Purpose};
use crate::Eui64;
use crate::ip::next;
use crate::rpl::wire::{Dao, DaoAck, Message, Mode, RplOption, Transit};

impl Node {
    /// A DAO came in from a neighbour (storing) or from anywhere below (non-storing).
    pub(super) fn on_dao(&mut self, now_ns: u64, from: Eui64, source: Ipv6Addr, dao: &Dao) {
        let Some(dodag) = &self.dodag else { return };
        let other = dao.dodag.is_some_and(|id| id != dodag.id);
        if dao.instance != self.config.instance || other || self.config.mode == Mode::NoDownward {
            self.counters.foreign += 1;
            return;
        }
        let mut targets: Vec<Ipv6Addr> = Vec::new();
        let mut told = false;
        for option in &dao.options {
            match option {
                RplOption::Target(target) => {
                    // Targets in a row share the transits behind them (§6.7.7).
                    if core::mem::take(&mut told) {
                        targets.clear();
                    }
                    targets.push(target.address);
                }
                RplOption::Transit(transit) => {
                    told = true;
                    for &target in &targets {
                        self.learn_route(now_ns, from, target, transit);
                    }
                }
                _ => {}
            }
        }
        if dao.wants_ack {
            self.acknowledge(now_ns, from, source, dao.sequence);
        }
    }

    fn learn_route(&mut self, now_ns: u64, from: Eui64, target: Ipv6Addr, transit: &Transit) {
        let Some(dodag) = &self.dodag else { return };
        let lifetime_ns = dodag.config.lifetime_ns(transit.lifetime);
        let expires_ns = lifetime_ns.map_or(u64::MAX, |lifetime_ns| now_ns.saturating_add(lifetime_ns));
        if !self.stores() {
            if self.is_root() {
                self.sources.learn(target, transit, expires_ns);
            }
            return;
        }
        if Some(target) == self.global() {
            return;
        }
        let news = if transit.lifetime == 0 {
            self.table.withdraw(target, from, transit.path_sequence)
        } else {
            self.table.learn(target, Route { via: from, path_sequence: transit.path_sequence, expires_ns })
        };
        if news && !self.is_root() {
            self.pass_on(now_ns, target);
        }
    }

    fn acknowledge(&mut self, now_ns: u64, from: Eui64, source: Ipv6Addr, sequence: u8) {
        let ack = Message::DaoAck(DaoAck {
            instance: self.config.instance,
            sequence,
            status: 0,
            dodag: None,
            options: Vec::new(),
        });
        if self.stores() {
            let packet = ack.packet(self.link_local(), source, self.config.hop_limit);
            self.transmit(NextHop::Neighbour(from), packet, Purpose::DaoAck);
        } else if let Some(own) = self.global() {
            let mut bytes = Vec::with_capacity(8);
            ack.put(own, source, &mut bytes);
            self.send_as(now_ns, source, next::ICMPV6, &bytes, Purpose::DaoAck);
        }
    }
}
