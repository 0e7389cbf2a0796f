//! MRHOF, ETX, lollipop counters, packet information.

use taa_mesh::rpl::etx::{Estimate, Weight};
use taa_mesh::rpl::lollipop::{self, Order};
use taa_mesh::rpl::loops::{self, Verdict, dag_rank};
use taa_mesh::rpl::objective::{Candidate, Mrhof, Objective};
use taa_vectors::{Failed, Json, Trial, field};

use super::{each, number, same};

fn word(case: &Json, key: &str) -> Result<u16, Failed> {
    Ok(u16::try_from(number(case, key)?)?)
}

pub(super) fn mrhof(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    let params = file["params"].clone();
    each((stem, "mrhof"), &file["mrhof"], trials, move |case| {
        let mut parameters = Mrhof::default();
        for (key, slot) in [
            ("MAX_LINK_METRIC", &mut parameters.max_link_metric),
            ("MAX_PATH_COST", &mut parameters.max_path_cost),
            ("PARENT_SWITCH_THRESHOLD", &mut parameters.parent_switch_threshold),
        ] {
            *slot = word(&params, key)?;
        }
        let objective = Objective::Mrhof(parameters);
        let increase = word(&params, "MinHopRankIncrease")?;
        let list = case["candidates"].as_array().ok_or("no candidates")?;
        let mut candidates = Vec::new();
        for entry in list {
            let etx128 = entry["etx"].as_u64().map(u16::try_from).transpose()?;
            let candidate = Candidate { id: field(entry, "id")?, rank: word(entry, "rank")?, etx128 };
            let cost = objective.path_cost(&candidate, increase);
            same("excluded", &cost.is_none(), &entry["excluded"].as_bool().ok_or("no `excluded`")?)?;
            if let Some(cost) = cost {
                same("path cost", &u64::from(cost), &number(entry, "path_cost")?)?;
            }
            candidates.push(candidate);
        }
        let selected = objective.select(&candidates, case["current_parent"].as_str(), increase);
        same("selected", &selected, &case["selected"].as_str())?;
        let parent = candidates.iter().find(|candidate| Some(candidate.id) == selected);
        let rank = parent.and_then(|parent| objective.rank_via(parent, increase));
        same("rank", &rank.map(u64::from), &case["rank_via_selected"].as_u64())?;
        let hops = rank.map(|rank| u64::from(dag_rank(rank, increase)));
        same("DAGRank", &hops, &case["dag_rank"].as_u64())
    });
}

pub(super) fn etx(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    each((stem, "etx"), &file["etx"], trials, |case| {
        let variants = [("etx_ewma_1_8", Weight::Eighth), ("etx_wsrd_variant_1_over_min_n_8", Weight::Ramped)];
        for (key, weight) in variants {
            let mut estimate = Estimate::new(weight);
            let epochs = case["epochs_tx_ack"].as_array().ok_or("no epochs")?;
            let wanted = case[key].as_array().ok_or("no estimates")?;
            same("epochs", &epochs.len(), &wanted.len())?;
            for (epoch, wanted) in epochs.iter().zip(wanted) {
                let count = |index: usize| epoch[index].as_u64().and_then(|count| u32::try_from(count).ok());
                estimate.handle_epoch(count(0).ok_or("attempts")?, count(1).ok_or("acknowledgements")?);
                let found = estimate.etx128().ok_or("no estimate")?;
                let wanted = wanted.as_f64().ok_or("not a number")?;
                // The file rounds to six places.
                if (found - wanted).abs() > 1e-6 {
                    return Err(format!("{key}: found {found}, wanted {wanted}").into());
                }
            }
        }
        Ok(())
    });
}

pub(super) fn lollipop(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    each((stem, "lollipop"), &file["lollipop_a_vs_b"], trials, |case| {
        let order = lollipop::compare(u8::try_from(number(case, "a")?)?, u8::try_from(number(case, "b")?)?);
        let found = match order {
            Order::Less => "less",
            Order::Equal => "equal",
            Order::Greater => "greater",
            Order::Incomparable => "incomparable",
        };
        same("order", &found, &field(case, "a_is")?)
    });
}

pub(super) fn packet_information(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    each((stem, "rpi"), &file["rpi"], trials, |case| {
        let (down, error) = (number(case, "O_down")? == 1, number(case, "R")? == 1);
        let (sender, own) = (word(case, "sender_rank")?, word(case, "own_rank")?);
        let increase = word(case, "MinHopRankIncrease")?;
        let verdict = loops::judge(down, error, sender, own, increase);
        let found = match verdict {
            Verdict::Forward => "forward",
            Verdict::ForwardMarked => "forward, set R",
            Verdict::DropAndReset => "drop, reset trickle",
        };
        same("action", &found, &field(case, "action")?)?;
        same("inconsistent", &Some(verdict != Verdict::Forward), &case["inconsistent"].as_bool())?;
        same("sender's DAGRank", &Some(u64::from(dag_rank(sender, increase))), &case["sender_dagrank"].as_u64())?;
        same("own DAGRank", &Some(u64::from(dag_rank(own, increase))), &case["own_dagrank"].as_u64())
    });
}
