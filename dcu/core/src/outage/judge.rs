//! The faults that explain best what was seen: exact, over the tree, in one pass from the leaves.
//!
//! Every explanation has a cost, the negative logarithm of its probability in thousandths of a nat: a failed device by how
//! rare that is, a dark meter that was heard or not by how many gasps arrive, a lit one that gasped by how hardly ever that
//! is. Under a device either it has failed (and all behind it is dark), or each part is explained by itself, or a broken
//! pole takes some of them along (`spans`): whichever is cheapest. Costs add up because faults and losses are taken to be independent; a storm and a common radio path are not,
//! so confidence is a ranking, not a frequency.
//!
//! Arbitrary: the figures. They set that one gasp is believed without asking, that of a line of silent meters no fault is
//! made below three, and that a device fails more rarely than a service line, the higher up the rarer.

use std::collections::{BTreeMap, BTreeSet};

use crate::{MeterIx, config::DeviceKind};

use super::{
    Network, Place,
    belief::Belief,
    network::{Joint, Part},
    spans::Choice,
};

/// A gasp well sealed, and the line is there after all.
const FALSE_GASP: i64 = 9200;
/// The same, right after an answer.
const DOUBTFUL_GASP: i64 = 2000;
/// A meter that answers behind a failed device: the map is wrong there, one time in fifty, or the house feeds itself.
const CONTRADICTION: i64 = 3900;
/// A meter that is lit, and does not answer: the radio is busy or blocked.
const UNANSWERED: i64 = 1800;
/// However often: that is one and the same hill.
const UNANSWERED_MAX: i64 = 3000;
/// A breaker that says the contrary, or a current that flows after the first gasp: it decides, however many have gasped.
const SIGN: i64 = 1_000_000;
/// A service line fails, or the fuse behind the meter.
const SERVICE: i64 = 4000;

pub(super) const fn prior(kind: DeviceKind) -> i64 {
    match kind {
        DeviceKind::Section => 5500,
        DeviceKind::Phase | DeviceKind::Feeder => 6000,
        DeviceKind::Transformer => 6500,
        DeviceKind::Inverter => 6800,
    }
}

/// What is judged.
pub(crate) struct Scene<'a> {
    pub(crate) network: &'a Network,
    pub(crate) beliefs: &'a [Belief],
    /// Meters that another ticket explains already.
    pub(crate) explained: &'a dyn Fn(MeterIx) -> bool,
    /// Of each device: when something was last said of it, and whether it was energised.
    pub(crate) signs: &'a [Option<super::belief::Sign>],
    /// −ln of the share of gasps that arrive, and of those that do not.
    pub(crate) heard: i64,
    pub(crate) unheard: i64,
    /// An answer within so long after a gasp may have been on its way before, ns.
    pub(crate) race_ns: u64,
}

/// A fault found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) confidence_pm: u16,
    /// All meters behind it that are not seen to be lit.
    pub(crate) dark: Vec<MeterIx>,
    /// Since when, ns.
    pub(crate) since: u64,
}

/// When the first meter behind a device went dark.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstDark {
    at: u64,
    /// Nobody has told: it is when the first one was silent.
    by_silence: bool,
}

/// Costs under one device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) first_dark: Option<FirstDark>,
    /// It has failed.
    pub(super) failed: i64,
    /// It has not: its parts by themselves.
    pub(super) parts: i64,
}

/// What becomes of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    /// Nothing: what is behind it is explained by itself.
    #[default]
    Open,
    /// It has failed.
    Failed,
    /// What feeds it, or a pole on its way, has.
    Covered,
    /// It has not, for it lies above a broken pole that explains more.
    Stands,
}

/// Broken poles by the device right above them.
type Poles = BTreeMap<usize, Vec<Choice>>;

struct Fates {
    devices: Vec<Fate>,
    /// Services that a broken pole takes along.
    services: BTreeSet<MeterIx>,
}

impl Sums {
    pub(super) const fn best(&self) -> i64 {
        if self.failed < self.parts { self.failed } else { self.parts }
    }
}

impl Scene<'_> {
    /// All faults, no one within another.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut sums = self.first_dark();
        self.add_meters(&mut sums);
        self.add_signs(&mut sums);
        let mut poles = Poles::new();
        for &device in self.network.leaves_first() {
            let broken = self.best_spans(device, &sums);
            if let Some(sum) = sums.get_mut(device) {
                sum.parts = broken.iter().fold(sum.parts, |parts, choice| parts.saturating_sub(choice.gain));
            }
            if !broken.is_empty() {
                poles.insert(device, broken);
            }
            let best = sums.get(device).map_or(0, Sums::best);
            if let Some(up) = self.network.up(device).and_then(|up| sums.get_mut(up)) {
                up.parts = up.parts.saturating_add(best);
            }
        }
        self.chosen(&sums, &poles)
    }

    fn meters(&self) -> impl Iterator<Item = (MeterIx, &Belief)> {
        let numbered = self.beliefs.iter().zip(0_u32..).map(|(belief, at)| (MeterIx(at), belief));
        numbered.filter(|(meter, _)| !(self.explained)(*meter))
    }

    /// When the first meter behind each device went dark: as gasps and signs tell, or else when the first one was silent.
    fn first_dark(&self) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); self.network.len()];
        let mut note = |device: usize, at: u64, by_silence: bool| {
            let Some(sum) = sums.get_mut(device) else { return };
            match &mut sum.first_dark {
                Some(first) if by_silence && !first.by_silence => {}
                Some(first) if by_silence == first.by_silence => first.at = first.at.min(at),
                first => *first = Some(FirstDark { at, by_silence }),
            }
        };
        for (meter, belief) in self.meters() {
            if let Some(gasp) = belief.gasp {
                self.network.above(meter).for_each(|device| note(device, gasp.at, false));
            } else if let Some(at) = belief.silent_at {
                self.network.above(meter).for_each(|device| note(device, at, true));
            }
        }
        let dead = self.signs.iter().enumerate().filter_map(|(n, sign)| sign.map(|sign| (n, sign)));
        for (device, sign) in dead.filter(|(_, sign)| !sign.energised) {
            self.network.way_up(device).for_each(|above| note(above, sign.at, false));
        }
        sums
    }

    fn add_meters(&self, sums: &mut [Sums]) {
        for (n, sum) in sums.iter_mut().enumerate() {
            sum.failed = self.network.kind(n).map_or(i64::MAX, prior);
        }
        for (meter, belief) in self.meters() {
            if let Some(sum) = self.network.parent_of(meter).ok().and_then(|device| sums.get_mut(device)) {
                sum.parts = sum.parts.saturating_add(self.alone(belief).0);
            }
            for device in self.network.above(meter) {
                let Some(sum) = sums.get_mut(device) else { continue };
                sum.failed = sum.failed.saturating_add(self.if_dark(belief, sum.first_dark));
            }
        }
    }

    fn add_signs(&self, sums: &mut [Sums]) {
        for (device, sign) in self.signs.iter().enumerate().filter_map(|(n, sign)| sign.map(|sign| (n, sign))) {
            if sign.energised {
                for above in self.network.way_up(device) {
                    let Some(sum) = sums.get_mut(above) else { continue };
                    if sum.first_dark.is_some_and(|first| !first.by_silence && sign.at >= first.at) {
                        sum.failed = sum.failed.saturating_add(SIGN);
                    }
                }
            } else if let Some(sum) = sums.get_mut(device) {
                sum.parts = sum.parts.saturating_add(SIGN);
            }
        }
    }

    const fn is_after(&self, lit: u64, dark: u64) -> bool {
        lit > dark.saturating_add(self.race_ns)
    }

    /// It has answered since the first one was dark. Where only silence tells of that, it must not be silent itself since.
    fn proves_lit(&self, belief: &Belief, first_dark: Option<FirstDark>) -> bool {
        let after = |(lit, first): (u64, FirstDark)| {
            self.is_after(lit, first.at) && (!first.by_silence || belief.unanswered == 0)
        };
        belief.gasp.is_none() && belief.lit_at.zip(first_dark).is_some_and(after)
    }

    /// What a meter costs behind a failed device.
    pub(super) fn if_dark(&self, belief: &Belief, first_dark: Option<FirstDark>) -> i64 {
        match belief.gasp {
            Some(_) => self.heard,
            None if self.proves_lit(belief, first_dark) => CONTRADICTION,
            None => self.unheard,
        }
    }

    /// What it costs by itself, and whether its own service has failed then.
    pub(super) fn alone(&self, belief: &Belief) -> (i64, bool) {
        let lit = match belief.gasp {
            Some(gasp) if gasp.doubtful => DOUBTFUL_GASP,
            Some(_) => FALSE_GASP,
            None => i64::from(belief.unanswered).saturating_mul(UNANSWERED).min(UNANSWERED_MAX),
        };
        let dark = SERVICE.saturating_add(self.if_dark(belief, None));
        if dark < lit { (dark, true) } else { (lit, false) }
    }

    fn chosen(&self, sums: &[Sums], poles: &Poles) -> Vec<Fault> {
        let sum = |device: usize| sums.get(device).copied().unwrap_or_default();
        let fates = self.fates(sums, poles);
        let fate = |device: usize| fates.devices.get(device).copied().unwrap_or_default();
        // How much dearer it is that something above has failed as well.
        let sure = |gap: i64, above: &mut dyn Iterator<Item = usize>| {
            confidence_pm(above.map(|up| sum(up).failed.saturating_sub(sum(up).best())).fold(gap, i64::min))
        };
        let mut faults = Vec::new();
        for &device in self.network.leaves_first() {
            let Sums { failed, parts, first_dark } = sum(device);
            let own = [Part::Device(device)];
            let found: Vec<(Place, &[Part], i64)> = match fate(device) {
                Fate::Failed => {
                    let id = Place::Device(self.network.id(device).unwrap_or_default().to_owned());
                    vec![(id, &own, parts.saturating_sub(failed))]
                }
                Fate::Open | Fate::Stands => {
                    let broken = poles.get(&device).into_iter().flatten();
                    let spans = broken.filter_map(|one| self.network.spans().get(one.span).map(|span| (one, span)));
                    spans.map(|(one, span)| (Place::Span(span.id.clone()), &*span.parts, one.gain)).collect()
                }
                Fate::Covered => continue,
            };
            for (place, behind, gap) in found {
                let confidence_pm = sure(gap, &mut self.network.way_up(device).skip(1));
                let dark = self.dark(behind, first_dark);
                let since = self.since(&dark, first_dark);
                faults.push(Fault { place, confidence_pm, dark, since });
            }
        }
        for (meter, belief) in self.meters() {
            let place = match self.network.parent_of(meter) {
                Ok(_) => Place::Service(meter),
                Err(why) => Place::Unknown(why),
            };
            let (cost, dark) = self.alone(belief);
            let explained = self.network.above(meter).any(|up| matches!(fate(up), Fate::Failed | Fate::Covered));
            if !dark || explained || fates.services.contains(&meter) {
                continue;
            }
            let lit = if belief.gasp.is_some() { FALSE_GASP } else { UNANSWERED_MAX };
            let confidence_pm = sure(lit.saturating_sub(cost), &mut self.network.above(meter));
            let since = self.since(&[meter], None);
            faults.push(Fault { place, confidence_pm, dark: vec![meter], since });
        }
        faults.retain(|fault| !fault.dark.is_empty());
        faults
    }

    /// What becomes of each device in the cheapest explanation, from the root down.
    fn fates(&self, sums: &[Sums], poles: &Poles) -> Fates {
        let sum = |device: usize| sums.get(device).copied().unwrap_or_default();
        let mut fates = Fates { devices: vec![Fate::Open; self.network.len()], services: BTreeSet::new() };
        for &device in self.network.leaves_first().iter().rev() {
            let above = self.network.up(device).and_then(|up| fates.devices.get(up));
            let covered = matches!(above, Some(Fate::Failed | Fate::Covered));
            let Some(fate) = fates.devices.get_mut(device) else { continue };
            let Sums { failed, parts, .. } = sum(device);
            *fate = match *fate {
                _ if covered => Fate::Covered,
                Fate::Open if failed < parts => Fate::Failed,
                fate => fate,
            };
            if !matches!(*fate, Fate::Open | Fate::Stands) {
                continue;
            }
            let broken = poles.get(&device).into_iter().flatten();
            for span in broken.filter_map(|choice| self.network.spans().get(choice.span)) {
                self.breaks(span, &mut fates);
            }
        }
        fates
    }

    /// All parts of a broken pole are dark by it; what lies between them and the device above it stands.
    fn breaks(&self, span: &Joint, fates: &mut Fates) {
        for part in &span.parts {
            match part {
                Part::Device(part) => {
                    if let Some(fate) = fates.devices.get_mut(*part) {
                        *fate = Fate::Covered;
                    }
                }
                Part::Service(meter) => _ = fates.services.insert(*meter),
            }
            for between in self.network.above_part(*part).take_while(|above| *above != span.top) {
                if let Some(fate) = fates.devices.get_mut(between) {
                    *fate = Fate::Stands;
                }
            }
        }
    }

    /// Meters behind these that are not seen to be lit.
    fn dark(&self, behind: &[Part], first_dark: Option<FirstDark>) -> Vec<MeterIx> {
        let fed = |meter: MeterIx| behind.iter().any(|part| self.network.is_behind(*part, meter));
        let dark = self.meters().filter(|(meter, belief)| fed(*meter) && !self.proves_lit(belief, first_dark));
        dark.map(|(meter, _)| meter).collect()
    }

    /// Since when these are dark: since the first of them told; or a breaker did; or else from the middle between the last
    /// answer and the first silence among them. They went together.
    fn since(&self, dark: &[MeterIx], first_dark: Option<FirstDark>) -> u64 {
        let of = |meter: &MeterIx| self.beliefs.get(meter.at());
        let gasped = dark.iter().filter_map(of).filter_map(|belief| belief.gasp).map(|gasp| gasp.at).min();
        let signed = first_dark.filter(|first| !first.by_silence).map(|first| first.at);
        gasped.or(signed).unwrap_or_else(|| {
            let silent = dark.iter().filter_map(of).filter_map(|belief| belief.silent_at).min().unwrap_or(u64::MAX);
            let lit = dark.iter().filter_map(of).filter_map(|belief| belief.lit_at).filter(|lit| *lit < silent).max();
            lit.map_or(silent, |lit| lit.midpoint(silent))
        })
    }

    /// Meters worth a ping: nothing was heard of them, and behind the same device others are dark.
    pub(crate) fn worth_asking(&self, per_device: usize) -> Vec<MeterIx> {
        let mut asked = Vec::new();
        let gasped = self.meters().filter(|(_, belief)| belief.gasp.is_some());
        let concerned: BTreeSet<usize> = gasped.flat_map(|(meter, _)| self.network.above(meter)).collect();
        for &device in self.network.leaves_first().iter().filter(|device| concerned.contains(device)) {
            let behind = || self.meters().filter(move |(meter, _)| self.network.above(*meter).any(|up| up == device));
            let Some(first) = behind().filter_map(|(_, belief)| belief.gasp).map(|gasp| gasp.at).min() else {
                continue;
            };
            let silent = behind().filter(|(_, belief)| {
                let known = belief.gasp.is_some() || belief.unanswered > 0;
                !known && !belief.lit_at.is_some_and(|lit| self.is_after(lit, first))
            });
            asked.extend(silent.map(|(meter, _)| meter).take(per_device));
        }
        asked
    }
}

/// Cost of an event of so many percent, thousandths of a nat.
#[allow(clippy::cast_possible_truncation, reason = "at most 4605")]
pub(crate) fn cost_of(percent: u8) -> i64 {
    libm::round(-1000.0 * libm::log(f64::from(percent.clamp(1, 99)) / 100.0)) as i64
}

/// 1 / (1 + e^−gap), per mille, to half a nat: the figures behind it bear no more.
fn confidence_pm(gap: i64) -> u16 {
    const STEPS: [u16; 13] = [500, 622, 731, 818, 881, 924, 953, 971, 982, 989, 993, 996, 998];
    let step = usize::try_from(gap.max(0).div_euclid(500)).unwrap_or(usize::MAX);
    STEPS.get(step).copied().unwrap_or(999)
}
