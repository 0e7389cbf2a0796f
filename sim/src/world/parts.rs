//! Things that are up or down from outside: towers, bearers, provider, cloud, inverter, feeders, meters.
//!
//! A part is down while its own life says so, or while a scripted fault holds it. When both do, the chain names its
//! own life: taking the scripted fault away would not bring the light back.

use crate::cause::{Cause, Chain};

/// Which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PartId {
    Tower(u8),
    Bearer(u8),
    RouterHang,
    Fibre,
    Core,
    Sim(u8),
    Throttle(u8),
    Vsat,
    Provider,
    Cloud,
    Agent,
    Inverter,
    Dcu,
    Feeder(u32),
    Line(u32),
    Meter(u32),
    Aggregator(u8),
    Intake,
    Sms,
    Ussd,
    KeyModule,
    Leases,
    Paper,
    WrongKey(u32),
    Rollover(u32),
    Gateway(u32),
    ChargeController,
    Panels,
    Bms,
    Router,
    Clock,
    Keys(u32),
    Tamper(u32),
    Disk,
}

/// What an edge of the exogenous timeline does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Its own life ends a spell.
    Mend,
    /// Its own life starts a spell, for this reason behind the part's own name.
    Fail(Option<Cause>),
    /// Scripted fault `n` lets go.
    Release(u8),
    /// Scripted fault `n` takes hold.
    Hold(u8),
}

/// One part.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    named: Cause,
    natural: Option<Option<Cause>>,
    scripted: u128,
    /// A scripted fault that keeps its repair waiting.
    kept: Option<u8>,
}

impl Part {
    /// Up; `named` is what its being down is called in a chain.
    pub(crate) fn new(named: Cause) -> Self {
        Self { named, natural: None, scripted: 0, kept: None }
    }

    pub(crate) fn up(&self) -> bool {
        self.natural.is_none() && self.scripted == 0
    }

    /// Why it is down, nearest cause first.
    pub(crate) fn chain(&self) -> Chain {
        let own = Chain::of(self.named);
        match self.natural {
            Some(why) => {
                let chain = why.map_or(own, |why| through(why).into_iter().fold(own, Chain::because).because(why));
                self.kept.map_or(chain, |n| chain.because(Cause::Scripted(n)))
            }
            None if self.scripted != 0 => own.because(Cause::Scripted(self.scripted.trailing_zeros() as u8)),
            None => own,
        }
    }

    /// It failed of itself and is not mended.
    pub(crate) const fn failed(&self) -> bool {
        self.natural.is_some()
    }

    /// A scripted fault keeps its repair waiting, or no longer.
    pub(crate) fn keep(&mut self, by: Option<u8>) {
        self.kept = by;
    }

    /// Takes an edge; true when the part went up or down by it.
    pub(crate) fn turn(&mut self, turn: Turn) -> bool {
        let before = self.up();
        match turn {
            Turn::Fail(why) => self.natural = Some(why),
            Turn::Mend => (self.natural, self.kept) = (None, None),
            Turn::Hold(n) => self.scripted |= 1 << (n & 127),
            Turn::Release(n) => self.scripted &= !(1 << (n & 127)),
        }
        before != self.up()
    }
}

/// The cause that stands between a part's being down and this reason: a tower without fuel is down once its battery is
/// empty.
const fn through(why: Cause) -> Option<Cause> {
    match why {
        Cause::DarkDays
        | Cause::TowerGridOut
        | Cause::FuelStolen
        | Cause::FuelLate
        | Cause::TowerGenerator
        | Cause::TowerBatteryWorn => Some(Cause::TowerBatteryEmpty),
        _ => None,
    }
}

/// Of obstacles in series, the one that names the wait: the first, unless it is a scripted fault and another one is not.
/// Taking the scripted fault away would not have helped then.
pub(crate) fn hardest_to_clear<const N: usize>(obstacles: [Option<Chain>; N]) -> Option<Chain> {
    let scripted = |chain: &Chain| matches!(chain.root(), Some(Cause::Scripted(_)));
    let there = || obstacles.into_iter().flatten();
    there().find(|chain| !scripted(chain)).or_else(|| there().next())
}

/// Of ways in parallel that are all blocked, the one whose opening would have helped: a scripted fault that is taken
/// away opens its way whatever the others do, and an agent who is closed at night is no failure beside one.
pub(crate) fn easiest_to_clear(first: Chain, second: Chain) -> Chain {
    let rank = |chain: Chain| match (chain.causes().next(), chain.root()) {
        // Paper is what is sold when nothing else goes: with it, it would have been sold.
        (Some(Cause::PaperOut), Some(Cause::Scripted(_))) => 0,
        (_, Some(Cause::Scripted(_))) => 1,
        (_, Some(Cause::AgentClosed)) => 3,
        _ => 2,
    };
    if rank(second) < rank(first) { second } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_parallel_name_the_one_that_matters() {
        let (tower, scripted) = (Chain::of(Cause::TowerDown), Chain::of(Cause::TowerDown).because(Cause::Scripted(1)));
        assert_eq!(hardest_to_clear([Some(scripted), Some(tower)]), Some(tower));
        assert_eq!(hardest_to_clear([None, Some(scripted)]), Some(scripted));
        assert_eq!(hardest_to_clear([None, None]), None);
        assert_eq!(easiest_to_clear(tower, scripted), scripted);
        assert_eq!(easiest_to_clear(Chain::of(Cause::AgentClosed), tower), tower);
    }

    #[test]
    fn a_tower_without_power_is_down_by_its_battery() {
        let mut tower = Part::new(Cause::TowerDown);
        tower.turn(Turn::Fail(Some(Cause::DarkDays)));
        assert_eq!(tower.chain().names(), "tower_down <- tower_battery_empty <- dark_days");
    }

    #[test]
    fn a_part_is_up_when_nothing_holds_it() {
        let mut tower = Part::new(Cause::TowerDown);
        assert!(tower.turn(Turn::Hold(2)));
        assert_eq!(tower.chain().names(), "tower_down <- scripted_2");
        assert!(!tower.turn(Turn::Fail(Some(Cause::TowerPower))));
        assert_eq!(tower.chain().names(), "tower_down <- tower_power");
        assert!(!tower.turn(Turn::Release(2)));
        assert!(tower.turn(Turn::Mend));
        assert!(tower.up());
    }
}
