//! The mesh's band: its channel plan, its regulator, and who else is in it (`[[comms.interferers]]`).

use taa_models::{
    draw::NodeKey,
    mesh::{Fidelity, Rules},
    radio::{
        aerial::Pattern,
        channels::{PlanName, Rule},
        interferer::{Interferer, InterfererParams},
        village::Mounted,
    },
};

use crate::diagnostics::{Diagnostics, SettingProblem};
use crate::document::Document;
use crate::layout::from_geo;
use crate::load::range_problem;
use crate::model::{Site, Village};
use crate::schema::{CommsSection, InterfererSection, ScenarioFile};

/// Whoever stands farther from the village than this is a mistake, km.
const INTERFERER_MAX_KM: f64 = 50.0;

/// Whether channel plan, carrier, power and rules fit. What comes to nothing by message is told in `notes`.
pub(super) fn fits(document: &Document, file: &ScenarioFile, notes: &mut Vec<String>, found: &mut Diagnostics) {
    let CommsSection { radio, mesh, interferers, .. } = &file.comms;
    if file.run.mesh == Fidelity::Message {
        let limited = mesh.rules != Rules::None || mesh.duty_percent < 100.0;
        let idle = [(limited, "limits of time on the air"), (!mesh.frame.is_default(), "`[comms.mesh.frame]`")];
        notes.extend(idle.into_iter().filter(|(said, _)| *said).map(|(_, what)| {
            format!(
                "The mesh goes by message, where {what} changes nothing: `--mesh frame`, or `[run] mesh = \"frame\"`."
            )
        }));
    }
    // What is out of all range is told already.
    if !radio.check().is_empty() {
        return;
    }
    let carrier = |value: f64, allowed: String| SettingProblem::OutOfRange {
        at: document.at("comms.radio.frequency_mhz"),
        value: value.to_string(),
        allowed,
    };
    let Some(name) = mesh.plan(radio.frequency_hz()) else {
        if file.run.mesh == Fidelity::Frame || !interferers.is_empty() || mesh.rules != Rules::None {
            let names: Vec<&str> = PlanName::ALL.iter().map(|name| name.text()).collect();
            let allowed = format!(
                "863 to 870 or 902 to 928 MHz, or name the channel plan: `comms.mesh.channels` is one of {}",
                names.join(", ")
            );
            found.push(carrier(radio.frequency_mhz, allowed));
        }
        return;
    };
    let plan = mesh.band(radio.frequency_hz()).unwrap_or(name.plan());
    let [low, high] = plan.edges_hz().map(|hz| hz / 1e6);
    if !plan.holds(radio.frequency_hz()) {
        let allowed = format!("{low} to {high} MHz with `comms.mesh.channels = \"{}\"`", name.text());
        found.push(carrier(radio.frequency_mhz, allowed));
    }
    if mesh.rules == Rules::Region {
        let Some(rules) = plan.rules() else {
            let known = PlanName::ALL.iter().filter(|name| name.plan().rules().is_some());
            let known: Vec<&str> = known.map(|name| name.text()).collect();
            found.push(SettingProblem::OutOfRange {
                at: document.at("comms.mesh.rules"),
                value: "region".to_owned(),
                allowed: format!(
                    "\"none\" with {}: limits are known of {}; `duty_percent` states one of your own",
                    name.text(),
                    known.join(", ")
                ),
            });
            return;
        };
        let most = |(_, rule): &(u16, Rule)| rule.power_dbm;
        let most_dbm = rules.iter().map(most).fold(f64::INFINITY, f64::min);
        if radio.tx_power_dbm > most_dbm {
            found.push(SettingProblem::OutOfRange {
                at: document.at("comms.radio.tx_power_dbm"),
                value: radio.tx_power_dbm.to_string(),
                allowed: format!("{most_dbm} dBm at most on {} under `comms.mesh.rules = \"region\"`", name.text()),
            });
        }
    }
}

/// The others in the band; those that miss the mesh's channels are told in `notes`.
pub(super) fn interferers(
    document: &Document,
    file: &ScenarioFile,
    (site, village): (&Site, &Village),
    notes: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Vec<Interferer> {
    let (mesh, carrier_hz) = (&file.comms.mesh, file.comms.radio.frequency_hz());
    let plan = mesh.plan(carrier_hz).zip(mesh.band(carrier_hz));
    let sections = file.comms.interferers.iter().enumerate();
    let all = sections.filter_map(|(n, section)| {
        let of = |field: &str| document.at(&format!("comms.interferers.{n}.{field}"));
        if file.comms.interferers.iter().take(n).any(|other| other.name == section.name) {
            let allowed = "a name that no other interferer has".to_owned();
            found.push(SettingProblem::OutOfRange { at: of("name"), value: format!("`{}`", section.name), allowed });
            return None;
        }
        let interferer = resolve(section, site);
        for error in interferer.params.check() {
            found.push(range_problem(of(error.field), &error));
        }
        if !(0.0..=100.0).contains(&section.height_m) {
            let (value, allowed) = (section.height_m.to_string(), "0 to 100 m".to_owned());
            found.push(SettingProblem::OutOfRange { at: of("height_m"), value, allowed });
        }
        let [lon_deg, lat_deg] = section.lon_lat_deg;
        let [east_m, north_m] = [0, 1].map(|axis| interferer.at.at_m[axis] - village.dcu.at_m[axis]);
        let km = libm::hypot(east_m, north_m) / 1000.0;
        if km > INTERFERER_MAX_KM {
            let swapped = from_geo(site, [lat_deg, lon_deg]);
            let near = swapped.iter().all(|metres| metres.abs() <= INTERFERER_MAX_KM * 1000.0);
            let allowed = format!(
                "[longitude, latitude] within {INTERFERER_MAX_KM} km of the village{}",
                if near { "; the two are swapped" } else { "" }
            );
            let value = format!("[{lon_deg}, {lat_deg}], {km:.0} km away");
            found.push(SettingProblem::OutOfRange { at: of("lon_lat_deg"), value, allowed });
            return None;
        }
        if let Some((name, _)) = plan.filter(|(_, band)| interferer.params.channels(band).next().is_none()) {
            notes.push(format!(
                "The interferer `{}` at {} MHz falls into no channel of {}{}: it disturbs nobody.",
                interferer.name,
                interferer.params.centre_mhz,
                name.text(),
                if mesh.hopping { "" } else { " that the mesh uses without hopping" }
            ));
        }
        Some(interferer)
    });
    all.collect()
}

fn resolve(section: &InterfererSection, site: &Site) -> Interferer {
    let of_kind = InterfererParams::of(section.kind);
    let params = InterfererParams {
        centre_mhz: section.centre_mhz.unwrap_or(of_kind.centre_mhz),
        bandwidth_khz: section.bandwidth_khz.unwrap_or(of_kind.bandwidth_khz),
        power_dbm: section.power_dbm.unwrap_or(of_kind.power_dbm),
        burst_ms: section.burst_ms.unwrap_or(of_kind.burst_ms),
        period_ms: section.period_ms.unwrap_or(of_kind.period_ms),
    };
    let key = NodeKey::of(&format!("interferer {}", section.name));
    let at = Mounted::on_pole(key, from_geo(site, section.lon_lat_deg), section.height_m, Pattern::Isotropic);
    Interferer { name: section.name.clone(), params, at }
}
