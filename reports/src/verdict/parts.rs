//! The paragraphs of the verdict.

use crate::{
    data::{Architecture, CauseKind, CauseRow, ReportData},
    numbers::{duration, number, percent},
    prose::capital,
};

use super::{class_sentence, hours_of, per_customer_h, rank};

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// The first paragraph: hours per customer and what share of the time that is.
pub(super) fn how_much(data: &ReportData, best: &Architecture, worst: &Architecture) -> String {
    let days = data.run.days();
    let period = if (days - days.round()).abs() < 0.01 {
        format!("the {} days simulated", number(days, 0))
    } else {
        format!("the {} days simulated", number(days, 1))
    };
    if worst.lost_h() < 1e-9 {
        return format!("In {period} every customer had light whenever it was paid for.");
    }
    let one = |arch: &Architecture| {
        let lost = arch.kpi("paid_service_availability").map_or(0.0, |a| 1.0 - a);
        let mean_ms = per_customer_h(data, arch) * 3_600_000.0;
        format!("{} ({} of the time)", duration(mean_ms as u64), percent(lost))
    };
    let intro = format!(
        "In {period} the average customer was without light that was paid for, or would have been paid for, for"
    );
    if data.architectures.len() == 1 {
        return format!("{intro} {}.", one(worst));
    }
    let each: Vec<String> = data.architectures.iter().map(|arch| format!("{} with {}", one(arch), arch.name)).collect();
    let each: Vec<&str> = each.iter().map(String::as_str).collect();
    let saved = 1.0 - best.lost_h() / worst.lost_h();
    let change = if saved < -0.02 {
        String::new()
    } else if saved < 0.02 {
        " The difference is too small to mean anything.".to_owned()
    } else {
        format!(" That is {} less with {} than with {}.", percent(saved), best.name, worst.name)
    };
    format!("{intro} {}.{change}", list(&each))
}

/// The second: root causes of the worst architecture.
pub(super) fn why(data: &ReportData, worst: &Architecture) -> String {
    let under = if data.architectures.len() > 1 { format!("Under {}, ", worst.name) } else { String::new() };
    let total = worst.causes.iter().map(CauseRow::total_ms).sum::<u64>().max(1) as f64;
    let share = |row: &CauseRow| row.total_ms() as f64 / total;
    let text = match worst.causes.as_slice() {
        [] => return String::new(),
        [only] => format!("{under}every lost hour goes back to one cause: {}.", only.words),
        [first, second, ..] if share(first) >= 0.5 => format!(
            "{under}most of it goes back to {} ({}), then {} ({}).",
            first.words,
            percent(share(first)),
            second.words,
            percent(share(second))
        ),
        [first, second, third, ..] if share(first) < 0.3 => format!(
            "{under}no single cause dominates: {} ({}), {} ({}) and {} ({}) lead.",
            first.words,
            percent(share(first)),
            second.words,
            percent(share(second)),
            third.words,
            percent(share(third))
        ),
        [first, second, ..] => format!(
            "{under}the biggest cause is {} ({}), followed by {} ({}).",
            first.words,
            percent(share(first)),
            second.words,
            percent(share(second))
        ),
    };
    capital(&format!("{text} {}", class_sentence(worst)))
}

/// The architecture that costs clearly less than the one with the fewest lost hours, where there is one.
pub(super) fn cheapest<'a>(archs: &[&'a Architecture], best: &Architecture) -> Option<&'a Architecture> {
    let cost = |arch: &Architecture| arch.kpi("cost_of_downtime").unwrap_or(0.0);
    let least = archs.iter().copied().min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    (cost(least) < 0.9 * cost(best)).then_some(least)
}

/// Fewer lost hours are not always more light: people who are left without credit, or who have left, lose none.
pub(super) fn against(archs: &[&Architecture], best: &Architecture) -> Option<String> {
    if let Some(fewest) = rank::fewer_hours(archs, best) {
        return Some(format!(
            "{} has fewer lost hours, and yet serves less: {} kWh that were paid for, against {} kWh with {}. Customers \
             who have no credit or have left lose no hours, and spare the battery for the others; so the paid energy \
             decides here.",
            capital(&fewest.name),
            number(rank::paid_kwh(fewest), 0),
            number(rank::paid_kwh(best), 0),
            best.name
        ));
    }
    let other = cheapest(archs, best)?;
    let cost = |arch: &Architecture| arch.kpi("cost_of_downtime").unwrap_or(0.0);
    Some(format!(
        "{} has downtime that costs {} less, although {} serves at least as much energy that was paid for.",
        capital(&other.name),
        percent(1.0 - cost(other) / cost(best)),
        best.name
    ))
}

/// What the best architecture saves and what it costs, by cause; none where nothing is compared.
pub(super) fn what_changes(worst: &Architecture, best: &Architecture) -> Option<String> {
    if std::ptr::eq(worst, best) {
        return None;
    }
    let saved = worst.lost_h() - best.lost_h();
    if saved < -0.05 * worst.lost_h() {
        // More lost hours and yet more light: `against` tells.
        return None;
    }
    if saved < 0.05 * worst.lost_h() {
        let first = best.causes.first()?;
        return Some(format!(
            "Hardly anything: what costs the hours here, {} above all, is the same under {} and {}.",
            first.words, worst.name, best.name
        ));
    }
    let mut changes: Vec<(i128, &CauseRow)> = Vec::new();
    for row in worst.causes.iter().chain(best.causes.iter().filter(|r| !worst.causes.iter().any(|w| w.key == r.key))) {
        let of =
            |arch: &Architecture| arch.causes.iter().find(|r| r.key == row.key).map_or(0, |r| i128::from(r.total_ms()));
        changes.push((of(best) - of(worst), row));
    }
    changes.sort_by_key(|(ms, row)| (*ms, row.key.clone()));
    let say = |(ms, row): &(i128, &CauseRow)| {
        format!("{} ({}{} h)", row.words, if *ms < 0 { "−" } else { "+" }, hours_of(ms.unsigned_abs() as u64))
    };
    let least = (saved * 3_600_000.0 * 0.05) as i128;
    let down: Vec<String> = changes.iter().filter(|(ms, _)| -*ms >= least.max(1)).take(3).map(say).collect();
    let up: Vec<String> = changes.iter().rev().filter(|(ms, _)| *ms >= least.max(1)).take(2).map(say).collect();
    let down: Vec<&str> = down.iter().map(String::as_str).collect();
    let up: Vec<&str> = up.iter().map(String::as_str).collect();
    let mut text = if down.is_empty() {
        format!("{} saves a little on many causes.", capital(&best.name))
    } else {
        format!("Going from {} to {}, customers get back hours lost to {}.", worst.name, best.name, list(&down))
    };
    if !up.is_empty() {
        text.push_str(&format!(" It also costs some: {}.", list(&up)));
    }
    Some(text)
}

/// How unevenly the lost hours are spread.
pub(super) fn who(data: &ReportData, worst: &Architecture, best: &Architecture) -> Option<String> {
    let customers = worst.customers.len();
    if customers < 10 {
        return None;
    }
    let mut lost: Vec<u64> = worst.customers.iter().map(super::super::data::CustomerFigures::total_ms).collect();
    lost.sort_unstable_by(|a, b| b.cmp(a));
    let total = lost.iter().sum::<u64>().max(1) as f64;
    let tenth = customers.div_ceil(10);
    let share = lost.iter().take(tenth).sum::<u64>() as f64 / total;
    let spared = lost.iter().filter(|&&ms| ms < 3_600_000).count() as f64 / customers as f64;
    let under = if data.architectures.len() > 1 { format!(" with {}", worst.name) } else { String::new() };
    let spread = if share < 0.2 {
        format!("The hours are shared almost evenly{under}.")
    } else if share < 0.5 {
        format!("The worst-hit tenth of the customers carries {} of the hours{under}.", percent(share))
    } else {
        format!("A few carry most of it{under}: {} of the hours fall on a tenth of the customers.", percent(share))
    };
    let spared = if spared >= 0.25 { format!(" {} lost less than an hour.", percent(spared)) } else { String::new() };
    let dark = |arch: &Architecture| arch.kpi("customers_dark_96h").unwrap_or(0.0);
    let long = if dark(worst) < 0.5 {
        String::new()
    } else if std::ptr::eq(worst, best) {
        format!(" {} of {customers} were dark for four days on end.", number(dark(worst), 0))
    } else {
        format!(
            " {} of {customers} were dark for four days on end with {}, {} with {}.",
            number(dark(worst), 0),
            worst.name,
            if dark(best) < 0.5 { "none".to_owned() } else { number(dark(best), 0) },
            best.name
        )
    };
    Some(format!("{spread}{spared}{long}"))
}

/// What the remaining hours call for, by the family of causes that holds most of them.
pub(super) fn what_next(worst: &Architecture, best: &Architecture) -> String {
    let remains = best.lost_ms().iter().sum::<u64>();
    if remains == 0 {
        return format!("With {} nothing remains to be mended in this draw.", best.name);
    }
    let mut kinds: Vec<(CauseKind, u64)> = Vec::new();
    for row in &best.causes {
        match kinds.iter_mut().find(|(kind, _)| *kind == row.kind) {
            Some((_, ms)) => *ms += row.total_ms(),
            None => kinds.push((row.kind, row.total_ms())),
        }
    }
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let (kind, ms) = kinds[0];
    let share = percent(ms as f64 / remains as f64);
    let whose = if std::ptr::eq(worst, best) { String::new() } else { format!(" with {}", best.name) };
    let advice = advice(kind, best);
    format!("What remains{whose} is mostly ({share}) a matter of {advice}.")
}

/// What helps against a family of causes; what the architecture already has is not recommended again.
fn advice(kind: CauseKind, arch: &Architecture) -> String {
    let has = |value: &str| arch.traits.iter().any(|(_, v)| v == value);
    let has_trait = |name: &str| arch.traits.iter().any(|(n, v)| n == name && v == "yes");
    let sold_here = has_trait("Credit sold in the village");
    let text = match kind {
        CauseKind::Energy => {
            "energy. More panels, a larger battery or a price that moves load into the sun would help; another radio \
             or another link would not"
        }
        CauseKind::Overload => "load at the same moment. A larger inverter or staggered mills would help",
        CauseKind::Repair => {
            "breakages and the wait for repair. Spare parts in the village and a shorter way for the technician would \
             help more than anything in the electronics"
        }
        CauseKind::Backhaul => {
            let mut remedies = Vec::new();
            if has("one SIM") {
                remedies.push("a second operator");
            }
            if has("in the cloud") {
                remedies.push("credit kept at the site");
            }
            if !sold_here {
                remedies.push("selling credit in the village");
            }
            if remedies.is_empty() {
                remedies.push("cash sales while the phones are without signal");
                remedies.push("a tower with a better power supply");
            }
            return format!("towers and the wide-area link. What would help: {}", list(&remedies));
        }
        CauseKind::Operator if sold_here => {
            "the payment provider and the operator's own systems. A second provider, and retries that lose no \
             callback, would help"
        }
        CauseKind::Operator => {
            "the payment provider and the operator's own systems. A second provider, retries that lose no callback, \
             and selling credit in the village would help"
        }
        CauseKind::Mesh => {
            "the radio mesh. Meters on poles instead of indoors, a relay where links are weak, or a better place for \
             the antenna would help; the map shows where"
        }
        CauseKind::Agent => "the cash agent's absence. Longer hours or a second agent would help",
        CauseKind::Handling => {
            "how credit and relay orders are handled: delays and old readings inside the system itself"
        }
        CauseKind::Scripted => "the scripted fault. Run the scenario without it to see the rest",
        CauseKind::Unknown => "causes that the simulation could not name; treat this result with care",
    };
    text.to_owned()
}

/// How far to trust the figures.
pub(super) fn caveat(data: &ReportData) -> String {
    let run = &data.run;
    let several = data.architectures.len() > 1;
    let mut text = if let Some(study) = data.many_draws() {
        let same = if several { ", and the architectures in each of them face the same world" } else { "" };
        format!(
            "Tables and sentences without a range tell of one run, that of seed {}. Ranges come from {} draws of weather, \
             towers and breakages{same}.",
            run.seed, study.draws
        )
    } else {
        let same = if several { "; the architectures are compared in the same world, under the same draw" } else { "" };
        format!(
            "This is one draw (seed {}). Another draw of weather, towers and breakages would give other figures{same}.",
            run.seed
        )
    };
    if run.annualised() {
        text.push_str(&format!(
            " Yearly figures are scaled up from {} days and know no other season.",
            number(run.days(), if run.days() < 10.0 { 1 } else { 0 })
        ));
    }
    if run.partial {
        text.push_str(&format!(
            " The run was stopped early, after {} of {} days.",
            number(run.days(), 1),
            run.days_asked
        ));
    }
    if !data.scenario.faults.is_empty() {
        let ids: Vec<&str> = data.scenario.faults.iter().map(|fault| fault.id.as_str()).collect();
        text.push_str(&format!(" Faults were scripted on top: {}.", list(&ids)));
    }
    for arch in &data.architectures {
        let total = arch.causes.iter().map(CauseRow::total_ms).sum::<u64>();
        let unknown: u64 = arch.causes.iter().filter(|r| r.kind == CauseKind::Unknown).map(CauseRow::total_ms).sum();
        if unknown * 100 > total {
            text.push_str(&format!(
                " With {}, {} of the lost hours have no known cause.",
                arch.name,
                percent(unknown as f64 / total as f64)
            ));
        }
    }
    text
}
