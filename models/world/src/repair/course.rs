//! What follows once the operator knows.

use super::{Hold, Outside, RepairParams, calendar::LONGEST_MS};
use crate::{
    assets::AssetKind,
    draw::{Draws, NodeKey, Purpose},
};

const COURSE: Purpose = Purpose::named("repair/course");
const SPARE: Purpose = Purpose::named("repair/spare");
const HOUR_MS: f64 = 3_600_000.0;
/// Time on site after which a wrong part is known to be wrong, hours of work (assumed).
const LOOK_H: f64 = 1.0;

/// A failure to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// What failed.
    pub kind: AssetKind,
    /// Which one.
    pub key: NodeKey,
    /// When, ms of the run; with the key it names the failure in all draws.
    pub failed_ms: u64,
    /// Seed and replication.
    pub seed: (u64, u32),
}

impl Job {
    pub(super) fn draws(&self, purpose: Purpose) -> Draws {
        let purpose = Purpose(purpose.0 ^ Purpose::named(self.kind.name()).0);
        Draws::keyed(self.seed.0, self.seed.1, self.key, purpose, self.failed_ms)
    }

    /// Where the part for it is.
    #[must_use]
    pub fn part(&self, params: &RepairParams) -> Part {
        let small = match self.kind {
            AssetKind::Bms | AssetKind::Breaker | AssetKind::DcuHang | AssetKind::Flash | AssetKind::Keys => {
                return Part::NotNeeded;
            }
            AssetKind::Conductor | AssetKind::Router | AssetKind::Meter | AssetKind::Clock => true,
            AssetKind::Inverter | AssetKind::ChargeController | AssetKind::Panels | AssetKind::Dcu => false,
        };
        let (on_site, in_depot) = if small {
            (params.small_part_on_site, params.small_part_in_depot)
        } else {
            (params.large_part_on_site, params.large_part_in_depot)
        };
        let mut draws = self.draws(SPARE);
        if draws.chance(on_site) {
            Part::OnSite
        } else if draws.chance(in_depot) {
            Part::InDepot
        } else {
            Part::Ordered
        }
    }
}

/// Where a spare part is when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A reset does it.
    NotNeeded,
    /// In the powerhouse.
    OnSite,
    /// In the operator's depot: the crew takes it along, if it knows.
    InDepot,
    /// With a dealer.
    Ordered,
}

impl Part {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::OnSite => "on_site",
            Self::InDepot => "in_depot",
            Self::Ordered => "ordered",
        }
    }
}

/// Who mended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The operator, from afar.
    Remote,
    /// The caretaker in the village.
    Caretaker,
    /// A crew on site.
    Crew,
}

impl Way {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::Caretaker => "caretaker",
            Self::Crew => "crew",
        }
    }
}

/// A repair from *noticed* on, ms of the run, each at or after the one before it. Without a crew the steps in the middle
/// fall on `diagnosed_ms`. With two trips `dispatched_ms` to `arrived_ms` are the last one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Who mends it.
    pub way: Way,
    /// The operator knew.
    pub noticed_ms: u64,
    /// What to do is thought to be known.
    pub diagnosed_ms: u64,
    /// A first trip that ended with the wrong part was over (else `diagnosed_ms`).
    pub returned_ms: u64,
    /// A crew was free and together.
    pub dispatched_ms: u64,
    /// The part was in hand.
    pub spares_ms: u64,
    /// The crew left.
    pub left_ms: u64,
    /// The crew arrived.
    pub arrived_ms: u64,
    /// It worked again.
    pub mended_ms: u64,
    /// Trips to the site.
    pub trips: u8,
    /// Where the part was.
    pub part: Part,
    /// The scripted hold that the crew waited for, cut to the wait.
    pub held: Option<Hold>,
}

impl Course {
    /// When the crew is home and free again.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn crew_back_ms(&self, params: &RepairParams) -> u64 {
        if self.trips == 0 { 0 } else { self.mended_ms + travel_ms(params) }
    }

    /// Work on site of a job that is done in the same visit, ms: drawn for that job, not for the visit.
    #[must_use]
    pub fn work_ms(params: &RepairParams, job: &Job) -> u64 {
        Steps::draw(params, job).work_ms
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn travel_ms(params: &RepairParams) -> u64 {
    ((params.road_km / params.road_km_per_h * HOUR_MS) as u64).min(LONGEST_MS)
}

/// All draws of one repair, made in a fixed order whether they are needed or not.
struct Steps {
    diagnosis_ms: u64,
    luck_remote: f64,
    luck_caretaker: f64,
    caretaker_ms: u64,
    luck_part: f64,
    dispatch_ms: u64,
    order_ms: u64,
    work_ms: u64,
    dispatch_again_ms: u64,
}

impl Steps {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn draw(params: &RepairParams, job: &Job) -> Self {
        let mut draws = job.draws(COURSE);
        let ms = |h: f64| ((h * HOUR_MS) as u64).min(LONGEST_MS);
        Self {
            diagnosis_ms: ms(draws.lognormal(params.diagnosis_median_h, 0.7)),
            luck_remote: draws.uniform(),
            luck_caretaker: draws.uniform(),
            caretaker_ms: ms(draws.exponential(params.caretaker_fix_mean_h)),
            luck_part: draws.uniform(),
            dispatch_ms: ms(draws.lognormal(params.dispatch_median_h, 0.7)),
            order_ms: ms(draws.exponential(params.order_mean_days) * 24.0),
            work_ms: ms(draws.lognormal(params.on_site_median_h, 0.5)),
            dispatch_again_ms: ms(draws.lognormal(params.dispatch_median_h, 0.7)),
        }
    }
}

/// The repair of a job of which the operator knows from `noticed_ms` on. `sight`: the site can be seen then.
/// `crew_free_ms`: when the crew is back from this site's own earlier jobs.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn course(
    params: &RepairParams,
    outside: &Outside,
    job: &Job,
    noticed_ms: u64,
    sight: bool,
    crew_free_ms: u64,
) -> Course {
    let calendar = &outside.calendar;
    let steps = Steps::draw(params, job);
    let diagnosed_ms = calendar.work(noticed_ms, steps.diagnosis_ms);
    let part = job.part(params);
    let without_crew = |way, mended_ms| Course {
        way,
        noticed_ms,
        diagnosed_ms,
        returned_ms: diagnosed_ms,
        dispatched_ms: diagnosed_ms,
        spares_ms: diagnosed_ms,
        left_ms: diagnosed_ms,
        arrived_ms: diagnosed_ms,
        mended_ms,
        trips: 0,
        part,
        held: None,
    };
    let remote = matches!(job.kind, AssetKind::Bms | AssetKind::Breaker | AssetKind::DcuHang | AssetKind::Flash);
    if remote && sight && steps.luck_remote < params.remote_fix_share {
        return without_crew(Way::Remote, diagnosed_ms);
    }
    let by_hand = matches!(job.kind, AssetKind::Breaker | AssetKind::DcuHang);
    if by_hand && params.caretaker && steps.luck_caretaker < params.caretaker_fix_share {
        return without_crew(Way::Caretaker, calendar.awake(diagnosed_ms, steps.caretaker_ms));
    }

    let trip = |asked_ms: u64, together_ms: u64, part_ms: u64| {
        let together = calendar.work(asked_ms, together_ms);
        let dispatched_ms = calendar.next_working(together.max(outside.crew_free(asked_ms)).max(crew_free_ms));
        let spares_ms = dispatched_ms.max(part_ms);
        let (left_ms, held) = outside.leave(spares_ms);
        (dispatched_ms, spares_ms, left_ms, left_ms + travel_ms(params), held)
    };
    let right_share = if sight { params.right_part_seen } else { params.right_part_blind };
    let right = matches!(part, Part::NotNeeded | Part::OnSite) || steps.luck_part < right_share;
    let order_ms = if part == Part::Ordered { steps.order_ms } else { 0 };
    let (mut returned_ms, mut trips, mut first_held) = (diagnosed_ms, 1, None);
    let mut last = trip(diagnosed_ms, steps.dispatch_ms, if right { diagnosed_ms + order_ms } else { 0 });
    if !right {
        // On site it shows what is needed; it is ordered from there, and the crew goes home first.
        let known_ms = calendar.work(last.3, (LOOK_H * HOUR_MS) as u64);
        returned_ms = known_ms + travel_ms(params);
        trips = 2;
        first_held = last.4;
        last = trip(returned_ms, steps.dispatch_again_ms, known_ms + order_ms);
    }
    let (dispatched_ms, spares_ms, left_ms, arrived_ms, held) = last;
    Course {
        way: Way::Crew,
        noticed_ms,
        diagnosed_ms,
        returned_ms,
        dispatched_ms,
        spares_ms,
        left_ms,
        arrived_ms,
        mended_ms: calendar.work(arrived_ms, steps.work_ms),
        trips,
        part,
        held: first_held.or(held),
    }
}
