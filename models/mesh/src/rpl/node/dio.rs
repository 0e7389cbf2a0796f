//! DIS and DIO: asking for a DODAG, advertising one, joining what is heard (§8).

use super::neighbours::{Advert, Limits};
use super::{Config, Dodag, NextHop, Node, Output, Purpose, Role, Sender, Timer};
use crate::Eui64;
use crate::rpl::lollipop::{self, Order};
use crate::rpl::objective::INFINITE_RANK;
use crate::rpl::wire::{ALL_RPL_NODES, Dio, Dis, DodagConfig, Message, PrefixInformation, RplOption};
use crate::trickle::Parameters;

impl Node {
    /// Sends a DIS in the second half of `within_ns`.
    pub(super) fn ask_later(&mut self, now_ns: u64, within_ns: u64) {
        let wait_ns = self.chance.between(within_ns / 2, within_ns);
        self.timers.set(Timer::Dis, now_ns.saturating_add(wait_ns));
    }

    /// Asks around while there is no parent.
    pub(super) fn solicit(&mut self, now_ns: u64) {
        if self.rank() == INFINITE_RANK {
            let packet = Message::Dis(Dis::default()).packet(self.link_local(), ALL_RPL_NODES, 1);
            self.transmit(NextHop::Everyone, packet, Purpose::Dis);
            self.ask_later(now_ns, self.config.dis_again_ns);
        }
    }

    /// A DIS came in. Multicast without a mismatch resets Trickle (§8.3); unicast is answered at once.
    pub(super) fn on_dis(&mut self, now_ns: u64, from: Eui64, dis: &Dis, multicast: bool) {
        let Some(dodag) = &self.dodag else { return };
        if dodag.rank == INFINITE_RANK || self.config.role == Role::Leaf {
            return;
        }
        let meant = dis.options.iter().all(|option| match option {
            RplOption::Solicited(wanted) => {
                (!wanted.match_instance || wanted.instance == self.config.instance)
                    && (!wanted.match_dodag || wanted.dodag == dodag.id)
                    && (!wanted.match_version || wanted.version == dodag.version)
            }
            _ => true,
        });
        if meant && multicast {
            self.inconsistent(now_ns);
        } else if meant {
            self.advertise(NextHop::Neighbour(from));
        }
    }

    /// Sends a DIO.
    pub(super) fn advertise(&mut self, to: NextHop) {
        let Some(dodag) = &self.dodag else { return };
        let mut options = vec![RplOption::Config(dodag.config)];
        if let Some(prefix) = &dodag.prefix {
            // With R set the option carries the sender's own address.
            let own = if prefix.router_address { self.config.global_under(prefix) } else { prefix.prefix };
            options.push(RplOption::Prefix(PrefixInformation { prefix: own, ..*prefix }));
        }
        let message = Message::Dio(Dio {
            instance: self.config.instance,
            version: dodag.version,
            rank: dodag.rank,
            grounded: dodag.grounded,
            mode: self.config.mode,
            preference: dodag.preference,
            dtsn: dodag.dtsn,
            dodag: dodag.id,
            options,
        });
        let (destination, hop_limit) = match to {
            NextHop::Everyone => (ALL_RPL_NODES, 1),
            NextHop::Neighbour(eui) => (eui.link_local(), self.config.hop_limit),
        };
        let packet = message.packet(self.link_local(), destination, hop_limit);
        self.transmit(to, packet, Purpose::Dio);
    }

    /// A DIO came in, read already; false when nothing but the neighbour's entry and Trickle's count changed, so that
    /// [`Node::poll_output`] has nothing new.
    pub fn handle_dio(&mut self, now_ns: u64, from: impl Into<Sender>, dio: &Dio) -> bool {
        let sender = from.into();
        let from = sender.eui;
        let config = dio.options.iter().find_map(|option| match option {
            RplOption::Config(config) => Some(*config),
            _ => None,
        });
        let other_objective = config.is_some_and(|config| config.objective != self.config.objective.code_point());
        if dio.instance != self.config.instance || dio.mode != self.config.mode || other_objective {
            self.neighbours.touch(from, now_ns);
            self.counters.foreign += 1;
            return false;
        }
        if matches!(self.config.role, Role::Root(_)) {
            self.neighbours.touch(from, now_ns);
            self.on_dio_at_root(now_ns, dio);
            return true;
        }
        let Some((before, etx_known)) = self.learn(now_ns, sender, dio) else { return false };
        if !etx_known {
            self.out.push_back(Output::Probe(from));
        }
        if !self.consider_dodag(from, dio, config) {
            return true;
        }
        let (rank, changes) = (self.rank(), self.counters.parent_changes);
        let configured = self.take_config(from, config);
        self.follow_dtsn(now_ns, from, before, dio.dtsn);
        let same = before == Some(Advert::from(dio));
        // Parents are chosen whenever something changes; here nothing has, or nothing that counts.
        let again = same && !configured && rank != INFINITE_RANK && self.is_of_version(dio.version);
        let settled = again || self.is_beside_the_point(from);
        if !settled {
            self.update_parents(now_ns);
        }
        // §8.3: a DIO of a lesser Rank that changes nothing is consistent.
        let unchanged = same && rank == self.rank() && changes == self.counters.parent_changes;
        if unchanged && dio.rank < self.rank() {
            self.trickle.handle_consistent(now_ns);
        }
        // A new DTSN of a parent sets a timer, and is no news of one that is none.
        !(settled && etx_known && (same || !self.parents().contains(&from)))
    }

    fn is_of_version(&self, version: u8) -> bool {
        self.dodag.as_ref().is_some_and(|dodag| dodag.version == version)
    }

    fn on_dio_at_root(&mut self, now_ns: u64, dio: &Dio) {
        let Role::Root(root) = &self.config.role else { return };
        let outbids = root.outbids_versions;
        let Some(dodag) = self.dodag.as_mut().filter(|dodag| dodag.id == dio.dodag) else { return };
        if lollipop::compare(dio.version, dodag.version) == Order::Greater {
            self.counters.versions_unknown += 1;
            if outbids {
                dodag.version = dio.version;
                self.repair_globally(now_ns);
            }
        }
    }

    /// Notes the sender; its advert before, and whether its link is measured or being so.
    fn learn(&mut self, now_ns: u64, from: Sender, dio: &Dio) -> Option<(Option<Advert>, bool)> {
        let parents = self.dodag.as_ref().map_or(&[][..], |dodag| &dodag.parents);
        let Config { neighbours_max, objective, .. } = &self.config;
        let limits = Limits { neighbours_max: *neighbours_max, threshold: objective.switch_threshold() };
        let pinned = &self.config.pinned.parents;
        let kept = |eui| parents.contains(&eui) || pinned.contains(&eui);
        let (neighbour, before) = self.neighbours.learn(now_ns, from, limits, dio, kept)?;
        let known = neighbour.etx128.is_some() || neighbour.probed;
        neighbour.probed = true;
        Some((before, known))
    }

    /// Whether the DIO speaks of this node's DODAG, after joining it if it is the better one.
    fn consider_dodag(&mut self, from: Eui64, dio: &Dio, config: Option<DodagConfig>) -> bool {
        if let Some(own) = self.dodag.as_ref().filter(|own| own.id == dio.dodag) {
            if own.version != dio.version && !lollipop::newer(dio.version, own.version) {
                self.counters.versions_old += 1;
            }
            return !own.rooted;
        }
        // §8.2.1: grounded first, then the administrator's preference. Arbitrary: of two floating DODAGs the one with
        // the lower id wins, so that islands grow together.
        let better = self.dodag.as_ref().is_none_or(|own| {
            let (theirs, ours) = ((dio.grounded, dio.preference), (own.grounded, own.preference));
            own.rank == INFINITE_RANK || theirs > ours || (theirs == ours && !own.grounded && dio.dodag < own.id)
        });
        if !better || dio.rank == INFINITE_RANK {
            return false;
        }
        let Some(config) = self.config.pinned.parameters.or(config) else {
            // §6.7.6: a node that does not know the parameters asks for them.
            let packet =
                Message::Dis(Dis::default()).packet(self.link_local(), from.link_local(), self.config.hop_limit);
            self.transmit(NextHop::Neighbour(from), packet, Purpose::Dis);
            return false;
        };
        // Without a Rank there is nothing to lose; with one, the new DODAG must offer a parent first.
        if self.rank() == INFINITE_RANK || self.usable(from, dio.rank, config.min_hop_rank_increase) {
            self.timers.clear(Timer::PoisonEnd);
            self.dodag = Some(Dodag {
                id: dio.dodag,
                version: dio.version,
                grounded: dio.grounded,
                preference: dio.preference,
                dtsn: lollipop::INITIAL,
                config,
                prefix: prefix_of(dio),
                rooted: false,
                rank: INFINITE_RANK,
                lowest: INFINITE_RANK,
                parents: Vec::new(),
            });
            self.announcing.withdrawn();
            self.trickle.stop();
        }
        true
    }

    /// Parameters follow the preferred parent; whether it has new ones.
    fn take_config(&mut self, from: Eui64, config: Option<DodagConfig>) -> bool {
        let Some(dodag) = self.dodag.as_mut().filter(|dodag| dodag.parents.first() == Some(&from)) else {
            return false;
        };
        let Some(config) = config.filter(|config| *config != dodag.config) else { return false };
        let follows = self.config.pinned.parameters.is_none();
        if follows {
            dodag.config = config;
            let parameters = Parameters::of_dodag(config.interval_min, config.interval_doublings, config.redundancy);
            self.trickle.configure(parameters);
        }
        follows
    }

    /// §9.6: a parent's newer DTSN asks for DAOs; in non-storing mode the question is passed on.
    fn follow_dtsn(&mut self, now_ns: u64, from: Eui64, before: Option<Advert>, dtsn: u8) {
        let stores = self.stores();
        let Some(dodag) = self.dodag.as_mut().filter(|dodag| dodag.parents.contains(&from)) else { return };
        let asked = before.is_some_and(|advert| advert.dodag == dodag.id && lollipop::newer(dtsn, advert.dtsn));
        if asked {
            if !stores {
                dodag.dtsn = lollipop::next(dodag.dtsn);
            }
            self.announce_later(now_ns, true);
        }
    }
}

fn prefix_of(dio: &Dio) -> Option<PrefixInformation> {
    dio.options.iter().find_map(|option| match option {
        RplOption::Prefix(prefix) => Some(*prefix),
        _ => None,
    })
}
