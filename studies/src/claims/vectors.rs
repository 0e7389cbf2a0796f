//! The failure table of the downtime note: six vectors, each with a mitigation that is said to eliminate it.
//!
//! Each vector is a scripted fault in a village that is open to it and in one with the mitigation; the figure is the share
//! of the harm that the mitigation takes away. *Eliminated* is read as nine tenths or more.

use taa_dcu::config::Backhaul;
use taa_models::{
    draw::NodeKey,
    mesh::{Fidelity, Pinned, RootVersion},
    radio::{
        aerial::Pattern,
        interferer::{Interferer, InterfererParams},
        village::Mounted,
    },
};
use taa_scenarios::model::{FaultKind, FaultTarget, Placement, Roof, Scenario, Wall};

use super::{Bench, Claim, Driver, Figure, NOTE, Range, Verdict, fault, judge, measure as m, unsettled};
use crate::{
    engine::{Outcomes, StudyError, Variant, Window, run},
    knob,
    stats::{paired, scaled},
    study::Estimate,
};

const DAYS: u32 = 30;
/// Of the vector that is played frame by frame, which begins on its second day.
const FRAME_DAYS: u32 = 3;
const FROM_H: u64 = m::SPELL_FROM_DAY * 24;

type Change = fn(&mut Scenario) -> Result<(), StudyError>;

/// One vector.
struct Vector {
    id: &'static str,
    days: u32,
    quote: &'static str,
    /// What is counted as harm.
    harm: &'static str,
    harm_words: &'static str,
    /// The village that is open to it.
    open: (&'static str, Change),
    /// The same with the mitigation.
    mitigated: (&'static str, Change),
    /// A half-way mitigation, or one under a worse assumption: moves the driver.
    moved: (&'static str, &'static str, Change),
    /// The driving assumption moved, in words, on both sides.
    driven: Option<(&'static str, Change)>,
    /// What happens, on top of each of the three; nothing where the change itself is the harm: calm is then the village
    /// without it.
    strike: Option<Change>,
    tested: &'static str,
    driver: &'static str,
    would_hold: &'static str,
}

const NOTHING: Change = |_| Ok(());

fn backhaul(scenario: &mut Scenario, to: Backhaul) {
    scenario.run.architectures.iter_mut().for_each(|(_, traits)| traits.backhaul = to);
}

const VECTORS: [Vector; 6] = [
    Vector {
        id: "vector_tower",
        days: DAYS,
        quote: "MNO BTS Outage · 2–72 hours · Local-first DCU with async cloud sync; VSAT fallback",
        harm: "downtime_h",
        harm_words: "customer-hours lost",
        open: ("cloud_sync", NOTHING),
        mitigated: ("edge_local", |s| {
            backhaul(s, Backhaul::Vsat);
            Ok(())
        }),
        moved: ("without the satellite", "edge_local", NOTHING),
        driven: Some(("seven in ten pay cash", mostly_cash)),
        strike: Some(|s| {
            s.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::All, FROM_H, 48));
            Ok(())
        }),
        tested: "both towers out for 48 hours; cloud_sync against edge_local with a satellite terminal",
        driver: "how people pay: with the tower down a phone pays nothing, whatever the architecture; only cash at an agent \
                 who vends at the site does (cash share assumed 0.3)",
        would_hold: "The site's own link is no longer the obstacle; the customers' phones are. What is left is people who want \
                     to pay by phone and have no signal.",
    },
    Vector {
        id: "vector_throttling",
        days: DAYS,
        quote: "M2M Traffic Throttling · Hours to days · EMQX dual-SIM failover; store-and-forward queues",
        harm: "downtime_h",
        harm_words: "customer-hours lost",
        open: ("cloud_sync", NOTHING),
        mitigated: ("edge_local", NOTHING),
        moved: ("cloud_sync with a second SIM", "cloud_sync", |s| {
            backhaul(s, Backhaul::DualSim);
            Ok(())
        }),
        driven: None,
        strike: Some(|s| {
            let slow = FaultKind::M2mThrottled { delay_median_s: 3600.0, loss_share: 0.5 };
            s.faults.push(fault("throttled", slow, FaultTarget::All, FROM_H, 36));
            Ok(())
        }),
        tested: "both operators put machine traffic last for 36 hours (an hour a message, half of them lost); cloud_sync \
                 against edge_local, which decides at the site and forwards later",
        driver: "who decides on a slow link: a cloud that hears little cuts few off, while a site that decides by itself goes \
                 on cutting people off by the payments that it has seen. A slow link looks up, so neither a second SIM nor the \
                 rule that nobody is cut off behind a dead link takes effect",
        would_hold: "It would take a site that holds its relays when payments come late, not only when the link is down.",
    },
    Vector {
        id: "vector_aggregator",
        days: DAYS,
        quote: "Aggregator API Fault · Minutes to hours · Local OpenPAYGO / STS vending server; offline token cache",
        harm: "downtime_h",
        harm_words: "customer-hours lost",
        open: ("cloud_sync", NOTHING),
        mitigated: ("edge_local", NOTHING),
        moved: ("credit at the site, no vending", "cloud_cached", NOTHING),
        driven: Some(("seven in ten pay cash", mostly_cash)),
        strike: Some(|s| {
            s.faults.push(fault("aggregator", FaultKind::AggregatorOut, FaultTarget::All, FROM_H + 8, 12));
            Ok(())
        }),
        tested: "the aggregator passes no payment on from 8 to 20 h; cloud_sync against edge_local with local vending",
        driver: "the share of cash: local vending serves those who bring cash (assumed 0.3), not those who want to pay by phone",
        would_hold: "It would hold if most people paid cash, or if the site went on serving everybody on trust until the \
                     aggregator is back: holding relays does so for those who are still lit, not for those who just paid.",
    },
    Vector {
        id: "vector_congestion",
        days: DAYS,
        quote: "ISM Band RF Congestion · Continuous / intermittent · EPRI wisund FHSS; Wi-SUN FAN channel hopping",
        harm: "mesh_isolated_node_hours",
        harm_words: "hours of meters without a route",
        open: ("cloud_sync", |s| {
            s.comms.mesh.hopping = false;
            disturbed(s, 0.25)
        }),
        mitigated: ("cloud_sync", |s| disturbed(s, 0.25)),
        moved: ("three quarters of the channels disturbed", "cloud_sync", |s| disturbed(s, 0.75)),
        driven: None,
        strike: None,
        tested: "somebody in the middle of the village who sends all month over a quarter of the band around the carrier, 27 dBm \
                 (three quarters: as much on each channel): a network that stays on the carrier's channel, against one that hops over all of the plan",
        driver: "the share of the band that is disturbed (no measurement in an African village was found)",
        would_hold: "Hopping helps against what disturbs a part of the band; it does nothing against noise all over it. Here a message \
                     is drawn dwell by dwell; frame by frame a disturbed quarter costs more or less by how often a frame is tried \
                     on another channel (docs/mesh.md).",
    },
    Vector {
        id: "vector_iron_roof",
        days: DAYS,
        quote: "Iron Roof Attenuation · Permanent · Outdoor meter placement; NanoPi relay extender nodes",
        harm: "mesh_isolated_node_hours",
        harm_words: "hours of meters without a route",
        open: ("cloud_sync", |s| {
            iron(s, Placement::Indoor);
            Ok(())
        }),
        mitigated: ("cloud_sync", |s| {
            iron(s, Placement::Pole);
            Ok(())
        }),
        moved: ("on the outer wall", "cloud_sync", |s| {
            iron(s, Placement::Wall);
            Ok(())
        }),
        driven: None,
        strike: None,
        tested: "every house of iron sheet, roof and walls; all meters indoors against all on the pole",
        driver: "how far a wall-mounted meter is shaded by its own house (assumed a share of the roof's loss)",
        would_hold: "Outdoors on the pole the roof is no longer in the way.",
    },
    Vector {
        id: "vector_routing",
        days: FRAME_DAYS,
        quote: "RPL Routing Collapse · Variable (until reboot) · Deterministic RPL via wisund; topology monitor",
        harm: "mesh_isolated_node_hours",
        harm_words: "hours of meters without a route",
        open: ("cloud_sync", |s| frame_by_frame(s, Pinned::Nothing)),
        mitigated: ("cloud_sync", |s| frame_by_frame(s, Pinned::Parents)),
        moved: ("pinned parameters", "cloud_sync", |s| frame_by_frame(s, Pinned::Parameters)),
        driven: None,
        strike: Some(|s| {
            let mut cut = fault("site", FaultKind::DcuPowerLost, FaultTarget::All, 24, 1);
            cut.until_ms = cut.from_ms + 600_000;
            s.faults.push(cut);
            Ok(())
        }),
        tested: "frame by frame, three days: the border router loses its power for ten minutes and comes back one DODAG version \
                 behind its mesh, as one that counts in memory alone. There is no \"deterministic\" RPL to switch on (RFC 6550 \
                 knows none); what the name can mean is parents that are pinned: up to three that were nearer to the root in a \
                 settled mesh",
        driver: "what the border router remembers: one that goes on with the next version costs next to nothing (docs/mesh.md)",
        would_hold: "Pinned parents end the loops and not all of the darkness: whoever has lost them keeps the later version alive \
                     among its neighbours. A root that writes one number down is what helps.",
    },
];

/// The mesh is played frame by frame, with a border router that comes back behind it.
fn frame_by_frame(scenario: &mut Scenario, pinned: Pinned) -> Result<(), StudyError> {
    let mesh = &mut scenario.comms.mesh;
    mesh.fidelity = Fidelity::Frame;
    (mesh.frame.pinned, mesh.frame.root_version) = (pinned, RootVersion::Behind);
    Ok(())
}

/// Somebody beside the DCU disturbs this share of the channels around the mesh's carrier, without a pause, each as strongly.
fn disturbed(scenario: &mut Scenario, share: f64) -> Result<(), StudyError> {
    let comms = &mut scenario.comms;
    let carrier_hz = comms.radio.frequency_hz();
    let [low_hz, high_hz] = comms.mesh.plan(carrier_hz).map_or([carrier_hz; 2], |name| name.plan().edges_hz());
    let params = InterfererParams {
        centre_mhz: carrier_hz / 1e6,
        bandwidth_khz: (high_hz - low_hz) * share / 1e3,
        power_dbm: 27.0 + 10.0 * libm::log10(share / 0.25),
        burst_ms: 1000.0,
        period_ms: 1000.0,
    };
    let at = Mounted::on_pole(NodeKey::of("claims jammer"), scenario.village.dcu.at_m, 3.0, Pattern::Isotropic);
    comms.interferers = vec![Interferer { name: "jammer".to_owned(), params, at }];
    Ok(())
}

/// Every building of sheet iron all round, which is what the documents' 15–22 dB of a roof take, every meter in this place.
fn iron(scenario: &mut Scenario, placement: Placement) {
    scenario.village.buildings.iter_mut().for_each(|b| (b.roof, b.wall) = (Roof::Iron, Wall::Sheet));
    scenario.village.customers.iter_mut().for_each(|c| c.placement = placement);
}

fn mostly_cash(scenario: &mut Scenario) -> Result<(), StudyError> {
    Ok(knob::turn(scenario, "comms.payments.cash_share", 0.7)?)
}

/// The sides of a vector, each calm and struck.
const OPEN: usize = 0;
const MITIGATED: usize = 1;
const HALF: usize = 2;
/// Open and mitigated once more with the driver moved, where it is.
const DRIVEN: [usize; 2] = [3, 4];

impl Vector {
    const fn sides(&self) -> usize {
        if self.driven.is_some() { 5 } else { 3 }
    }
}

pub(super) fn claims(bench: &Bench<'_>) -> Result<Vec<Claim>, StudyError> {
    let mut all = Vec::new();
    for alike in VECTORS.chunk_by(|one, next| one.days == next.days) {
        all.extend(claims_of(bench, alike, alike[0].days)?);
    }
    Ok(all)
}

fn claims_of(bench: &Bench<'_>, vectors: &[Vector], days: u32) -> Result<Vec<Claim>, StudyError> {
    let mut variants = Vec::new();
    for vector in vectors {
        let mut side = |arch: &str, change: Change, driven: Change| -> Result<(), StudyError> {
            let calm = bench.with(arch, days, |s| {
                driven(s)?;
                if vector.strike.is_none() { Ok(()) } else { change(s) }
            })?;
            let struck = bench.with(arch, days, |s| {
                driven(s)?;
                change(s)?;
                vector.strike.map_or(Ok(()), |strike| strike(s))
            })?;
            variants.push(Variant::new(format!("{} calm under {arch}", vector.id), calm));
            variants.push(Variant::new(format!("{} struck under {arch}", vector.id), struck));
            Ok(())
        };
        side(vector.open.0, vector.open.1, NOTHING)?;
        side(vector.mitigated.0, vector.mitigated.1, NOTHING)?;
        side(vector.moved.1, vector.moved.2, NOTHING)?;
        if let Some((_, driven)) = vector.driven {
            side(vector.open.0, vector.open.1, driven)?;
            side(vector.mitigated.0, vector.mitigated.1, driven)?;
        }
    }
    let of = |all: &Outcomes| -> Vec<Claim> {
        let mut first = 0;
        let each = vectors.iter().map(|vector| {
            let struck = Struck { all, first, harm: vector.harm };
            first += 2 * vector.sides();
            claim(vector, &struck)
        });
        each.collect()
    };
    let watch = |all: &Outcomes| unsettled(&of(all));
    let all = run(bench.place, &variants, Window::whole(days), &bench.effort.spells, &m::figures, &watch, bench.lent)?;
    Ok(of(&all))
}

/// The outcomes of one vector, from variant `first` on.
struct Struck<'a> {
    all: &'a Outcomes,
    first: usize,
    harm: &'static str,
}

impl Struck<'_> {
    /// What the strike adds on a side, draw by draw.
    fn values(&self, side: usize) -> Vec<f64> {
        let calm = self.first + 2 * side;
        let struck = self.all.values(calm + 1, 0, self.harm);
        self.all.values(calm, 0, self.harm).iter().zip(struck).map(|(calm, struck)| struck - calm).collect()
    }

    fn harm(&self, side: usize) -> Estimate {
        crate::stats::estimate(&self.values(side))
    }

    /// Harm on `open` that is gone on another side, hours.
    fn spared(&self, open: usize, side: usize) -> Estimate {
        paired(&self.values(side), &self.values(open))
    }

    /// The same as a share of the mean harm on `open`; nothing where that may be no harm at all.
    fn removed(&self, open: usize, side: usize) -> Estimate {
        let harm = self.harm(open);
        if harm.low > 0.0 { scaled(self.spared(open, side), 1.0 / harm.mean) } else { Estimate::default() }
    }
}

fn claim(vector: &Vector, struck: &Struck<'_>) -> Claim {
    let figure = struck.removed(OPEN, MITIGATED);
    let half = (vector.moved.0.to_owned(), struck.removed(OPEN, HALF));
    let stated = Range::new(0.9, 10.0, "nine tenths or more (our reading of \"eliminate\")");
    let mut beside: Vec<Figure> = [("added by the fault, open", OPEN), ("added by the fault, mitigated", MITIGATED)]
        .into_iter()
        .map(|(words, side)| Figure {
            words: format!("{} {words}", vector.harm_words),
            unit: "h",
            value: struck.harm(side),
        })
        .collect();
    // For congestion the third side is the driver moved; elsewhere it is a half-way mitigation, shown beside.
    let (moved, on) = if vector.id == "vector_congestion" {
        (vec![half], "the share of the band that is disturbed")
    } else {
        beside.push(Figure { words: format!("share taken away, {}", half.0), unit: "share", value: half.1 });
        let driven = vector.driven.map(|(words, _)| (words.to_owned(), struck.removed(DRIVEN[0], DRIVEN[1])));
        (driven.into_iter().collect(), "how people pay")
    };
    let spared = struck.spared(OPEN, MITIGATED);
    let verdict = if figure.n == 0 && spared.n > 1 && spared.high < 0.0 {
        // The fault does no harm to speak of where it should, and more behind the mitigation.
        Verdict::NotReproduced
    } else {
        judge(&figure, &stated, &moved, on)
    };
    if figure.n == 0 {
        let words = format!("{} that the mitigation saves (below zero: adds)", vector.harm_words);
        beside.push(Figure { words, unit: "h", value: spared });
    }
    Claim {
        id: vector.id,
        document: NOTE,
        quote: vector.quote,
        tested: vector.tested.to_owned(),
        verdict,
        figure: Figure {
            words: format!("share of {} that the mitigation takes away", vector.harm_words),
            unit: "share",
            value: figure,
        },
        stated,
        driver: Driver { words: vector.driver.to_owned(), moved },
        would_hold: vector.would_hold.to_owned(),
        arithmetic: None,
        beside,
    }
}
