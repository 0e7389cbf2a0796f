//! The wide-area link of the site: which tower, which bearer, the second SIM, and why it is down.

use taa_dcu::config::Backhaul;

use crate::{
    cause::{Cause, Chain},
    kernel::Wake,
    world::parts::{Part, easiest_to_clear, hardest_to_clear},
};

/// Time a router needs to give one operator up, ms (assumed: two missed 30 s probes); then it registers with the other.
const PROBES_MS: u64 = 60_000;

/// The link. A SIM's path needs its tower, the towers' common transmission, its bearer, the shared core, its prepaid
/// bundle and the router; the dish needs itself and the router.
#[derive(Debug)]
pub(crate) struct Wan {
    pub(crate) kind: Backhaul,
    pub(crate) towers: [Part; 2],
    pub(crate) bearers: [Part; 2],
    pub(crate) router: Part,
    pub(crate) fibre: Part,
    pub(crate) core: Part,
    pub(crate) sims: [Part; 2],
    /// Not down but slow and lossy, by operator.
    pub(crate) throttled: [Part; 2],
    pub(crate) vsat: Part,
    /// From the loss of one operator to being registered with the other, ms.
    pub(crate) failover_ms: u64,
    /// Which SIM the router is on.
    active: usize,
    pub(crate) failover: Wake,
}

impl Wan {
    pub(crate) fn new(kind: Backhaul, registration_s: f64) -> Self {
        let tower = || Part::new(Cause::TowerDown);
        let bearer = || Part::new(Cause::BearerDown);
        let sim = || Part::new(Cause::SimCreditOut);
        let slow = || Part::new(Cause::Throttled);
        Self {
            kind,
            towers: [tower(), tower()],
            bearers: [bearer(), bearer()],
            router: Part::new(Cause::RouterHung),
            fibre: Part::new(Cause::FibreCut),
            core: bearer(),
            sims: [sim(), sim()],
            throttled: [slow(), slow()],
            vsat: bearer(),
            failover_ms: PROBES_MS + (registration_s * 1000.0) as u64,
            active: 0,
            failover: Wake::default(),
        }
    }

    /// What is in the way of a SIM beyond its tower.
    fn beyond_tower(&self, sim: usize) -> [&Part; 5] {
        [&self.fibre, &self.bearers[sim], &self.core, &self.sims[sim], &self.router]
    }

    fn path_up(&self, sim: usize) -> bool {
        self.towers[sim].up() && self.beyond_tower(sim).iter().all(|part| part.up())
    }

    fn path_chain(&self, sim: usize) -> Chain {
        let beyond = self.bearer_chain(sim);
        hardest_to_clear([down(&self.towers[sim]), beyond]).unwrap_or_else(|| self.bearers[sim].chain())
    }

    /// Why the bearer of a SIM gives nothing, its tower apart; `None` when it does.
    pub(crate) fn bearer_chain(&self, sim: usize) -> Option<Chain> {
        hardest_to_clear(self.beyond_tower(sim).map(down))
    }

    fn dish_chain(&self) -> Option<Chain> {
        hardest_to_clear([down(&self.vsat), down(&self.router)])
    }

    /// Messages pass (the DCU's supply apart).
    pub(crate) fn up(&self) -> bool {
        match self.kind {
            Backhaul::Vsat => self.vsat.up() && self.router.up(),
            Backhaul::SingleSim | Backhaul::DualSim => self.path_up(self.active),
        }
    }

    /// Why messages do not pass; with two SIMs the reason of the operator whose return would help.
    pub(crate) fn chain(&self) -> Chain {
        let why = match self.kind {
            Backhaul::Vsat => self.dish_chain().unwrap_or_else(|| self.vsat.chain()),
            Backhaul::SingleSim => self.path_chain(0),
            Backhaul::DualSim if self.path_up(1 - self.active) => self.path_chain(self.active),
            Backhaul::DualSim => easiest_to_clear(self.path_chain(self.active), self.path_chain(1 - self.active)),
        };
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
        match hardest_to_clear([down(&self.towers[operator & 1]), down(&self.fibre)]) {
            None => Ok(()),
            Some(why) => Err(Chain::of(Cause::PhoneNoSignal).then(why)),
        }
    }

    /// Why messages are slow though they pass: the operator in use puts machines last. The dish is nobody's cell.
    pub(crate) fn slow_chain(&self) -> Option<Chain> {
        match self.kind {
            Backhaul::Vsat => None,
            Backhaul::SingleSim | Backhaul::DualSim => down(&self.throttled[self.active]),
        }
    }
}

fn down(part: &Part) -> Option<Chain> {
    (!part.up()).then(|| part.chain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::parts::Turn;

    #[test]
    fn what_is_shared_leaves_the_second_sim_no_way_and_the_dish_another() {
        let mut wan = Wan::new(Backhaul::DualSim, 30.0);
        wan.fibre.turn(Turn::Fail(None));
        assert!(!wan.up() && !wan.should_fail_over());
        assert_eq!(wan.chain().names(), "backhaul_down <- fibre_cut");
        assert_eq!(wan.phone_signal(1).unwrap_err().names(), "phone_no_signal <- fibre_cut");
        wan.fibre.turn(Turn::Mend);
        wan.sims[0].turn(Turn::Fail(None));
        assert!(wan.should_fail_over());
        wan.core.turn(Turn::Fail(Some(Cause::CountryOffline)));
        assert!(wan.phone_signal(0).is_ok());
        let mut dish = Wan::new(Backhaul::Vsat, 30.0);
        dish.core.turn(Turn::Fail(Some(Cause::CountryOffline)));
        assert!(dish.up());
        dish.router.turn(Turn::Hold(3));
        assert_eq!(dish.chain().names(), "backhaul_down <- router_hung <- scripted_3");
    }

    #[test]
    fn a_throttled_cell_is_up_and_slow_for_its_own_sim_alone() {
        let mut wan = Wan::new(Backhaul::DualSim, 30.0);
        wan.throttled[0].turn(Turn::Fail(None));
        assert!(wan.up() && !wan.should_fail_over());
        assert_eq!(wan.slow_chain().map(Chain::names), Some("throttled".to_owned()));
        wan.bearers[0].turn(Turn::Fail(None));
        wan.fail_over();
        assert_eq!(wan.slow_chain(), None);
    }

    #[test]
    fn the_second_sim_takes_over_and_both_towers_down_is_down() {
        let mut wan = Wan::new(Backhaul::DualSim, 30.0);
        wan.towers[0].turn(Turn::Fail(Some(Cause::TowerGridOut)));
        assert!(!wan.up() && wan.should_fail_over());
        wan.fail_over();
        assert!(wan.up());
        wan.towers[1].turn(Turn::Hold(0));
        assert!(!wan.up() && !wan.should_fail_over());
        assert_eq!(wan.chain().names(), "backhaul_down <- tower_down <- scripted_0");
    }

    #[test]
    fn one_sim_has_no_way_round() {
        let mut wan = Wan::new(Backhaul::SingleSim, 30.0);
        wan.bearers[0].turn(Turn::Fail(None));
        assert!(!wan.up() && !wan.should_fail_over());
        assert_eq!(wan.chain().names(), "backhaul_down <- bearer_down");
    }
}
