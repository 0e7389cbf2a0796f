//! The wide-area link of the site: which tower, which bearer, the second SIM, and why it is down.

use taa_dcu::config::Backhaul;

use crate::{
    cause::{Cause, Chain},
    kernel::Wake,
    world::parts::{Part, easiest_to_clear, hardest_to_clear},
};

/// Time a router needs to give one operator up and register with the other, ms (assumed: two missed 30 s probes and
/// a registration).
pub(crate) const FAILOVER_MS: u64 = 90_000;

/// The link.
#[derive(Debug)]
pub(crate) struct Wan {
    pub(crate) kind: Backhaul,
    pub(crate) towers: [Part; 2],
    pub(crate) bearers: [Part; 2],
    pub(crate) vsat: Part,
    /// The site's router, which every way goes through.
    pub(crate) router: Part,
    /// Which SIM the router is on.
    active: usize,
    pub(crate) failover: Wake,
}

impl Wan {
    pub(crate) fn new(kind: Backhaul) -> Self {
        let tower = || Part::new(Cause::TowerDown);
        let bearer = || Part::new(Cause::BearerDown);
        Self {
            kind,
            towers: [tower(), tower()],
            bearers: [bearer(), bearer()],
            vsat: Part::new(Cause::BearerDown),
            router: Part::new(Cause::RouterFailed),
            active: 0,
            failover: Wake::default(),
        }
    }

    fn path_up(&self, sim: usize) -> bool {
        self.towers[sim].up() && self.bearers[sim].up()
    }

    fn path_chain(&self, sim: usize) -> Chain {
        let down = |part: &Part| (!part.up()).then(|| part.chain());
        hardest_to_clear([down(&self.towers[sim]), down(&self.bearers[sim])])
            .unwrap_or_else(|| self.bearers[sim].chain())
    }

    /// Messages pass (the DCU's supply apart).
    pub(crate) fn up(&self) -> bool {
        let way = match self.kind {
            Backhaul::Vsat => self.vsat.up(),
            Backhaul::SingleSim | Backhaul::DualSim => self.path_up(self.active),
        };
        way && self.router.up()
    }

    /// Why messages do not pass; with two SIMs the reason of the operator whose return would help.
    pub(crate) fn chain(&self) -> Chain {
        let way = match self.kind {
            Backhaul::Vsat => self.vsat.chain(),
            Backhaul::SingleSim => self.path_chain(0),
            Backhaul::DualSim if self.path_up(1 - self.active) => self.path_chain(self.active),
            Backhaul::DualSim => easiest_to_clear(self.path_chain(self.active), self.path_chain(1 - self.active)),
        };
        let way_up = match self.kind {
            Backhaul::Vsat => self.vsat.up(),
            Backhaul::SingleSim | Backhaul::DualSim => self.path_up(self.active),
        };
        let router = (!self.router.up()).then(|| self.router.chain());
        let why = hardest_to_clear([router, (!way_up || router.is_none()).then_some(way)]).unwrap_or(way);
        Chain::of(Cause::BackhaulDown).then(why)
    }

    /// The other operator would serve: a failover is worth starting.
    pub(crate) fn should_fail_over(&self) -> bool {
        self.kind == Backhaul::DualSim && !self.path_up(self.active) && self.path_up(1 - self.active)
    }

    /// The router changes to the other operator, if that still helps.
    pub(crate) fn fail_over(&mut self) {
        if self.should_fail_over() {
            self.active = 1 - self.active;
        }
    }

    /// A phone of this operator has signal.
    pub(crate) fn phone_signal(&self, operator: usize) -> Result<(), Chain> {
        let tower = &self.towers[operator & 1];
        if tower.up() { Ok(()) } else { Err(Chain::of(Cause::PhoneNoSignal).then(tower.chain())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::parts::Turn;

    #[test]
    fn the_second_sim_takes_over_and_both_towers_down_is_down() {
        let mut wan = Wan::new(Backhaul::DualSim);
        wan.towers[0].turn(Turn::Fail(Some(Cause::TowerPower)));
        assert!(!wan.up() && wan.should_fail_over());
        wan.fail_over();
        assert!(wan.up());
        wan.towers[1].turn(Turn::Hold(0));
        assert!(!wan.up() && !wan.should_fail_over());
        assert_eq!(wan.chain().names(), "backhaul_down <- tower_down <- scripted_0");
    }

    #[test]
    fn one_sim_has_no_way_round() {
        let mut wan = Wan::new(Backhaul::SingleSim);
        wan.bearers[0].turn(Turn::Fail(None));
        assert!(!wan.up() && !wan.should_fail_over());
        assert_eq!(wan.chain().names(), "backhaul_down <- bearer_down");
    }
}
