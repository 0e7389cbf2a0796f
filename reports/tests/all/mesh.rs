//! The mesh in the report: sums that add up, the replay's hooks, tickets beside the truth, and a page of its own.

use std::path::Path;

use taa_reports::{WriteOptions, data::ReportData, load, mesh_json, mesh_page, mesh_table, write};
use taa_sim::{
    records::{DCU, DodagRow, MeshAirRow, MeshStanding, NO_PARENT, OutageSums, OutageTicketRow, Records},
    result::RunResult,
};

use crate::sample;

const HOUR: u64 = 3_600_000;

fn report(name: &str, change: impl FnOnce(&mut RunResult)) -> (String, ReportData) {
    let scenario = sample::scenario(30);
    let mut result = sample::result(&scenario);
    change(&mut result);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    write(&dir, &scenario, &result, &WriteOptions::default()).expect("a report");
    (std::fs::read_to_string(dir.join("report.html")).expect("the page"), load(&dir).expect("the data"))
}

/// Everybody hangs on the customer before, the first on the root; on day 5 all but ten are cut off for six hours.
fn collapse(records: &mut Records) {
    let customers = records.customers.len() as u32;
    let row = |time_ms, node, parent, standing| DodagRow { time_ms, node, parent, standing };
    let parent = |node: u32| if node.is_multiple_of(10) { DCU } else { node - 1 };
    for node in 0..customers {
        records.dodag.push(row(0, node, parent(node), MeshStanding::InTree));
    }
    for node in 10..customers {
        records.dodag.push(row(120 * HOUR + u64::from(node), node, NO_PARENT, MeshStanding::ParentLost));
    }
    for node in 10..customers {
        records.dodag.push(row(126 * HOUR, node, parent(node), MeshStanding::InTree));
    }
    let lost_ms: u64 = (10..u64::from(customers)).map(|node| 6 * HOUR - node).sum();
    records.mesh.isolated_ms = vec![(MeshStanding::ParentLost, lost_ms)];
    records.mesh.frame = true;
    records.mesh.channel_us = vec![(0, 1_000_000_000), (3, 2_000_000_000)];
    records.mesh.node_us = vec![5, 10_000_000_000, 7];
    for hour in 1..=720 {
        for (purpose, frames) in [("data", 300), ("discovery", 900)] {
            records.mesh_air.push(MeshAirRow { time_ms: hour * HOUR, purpose, frames, airtime_us: frames * 9_000 });
        }
    }
}

fn tickets(records: &mut Records) {
    records.outage_tickets.push(OutageTicketRow {
        ticket: 7,
        opened_ms: 120 * HOUR,
        closed_ms: Some(124 * HOUR),
        place: "feeder <2>".to_owned(),
        confidence_pm: 930,
        ground: "gasps",
        members: 50,
        heard: 41,
        restored: 50,
        withdrawn: 1,
        ending: "restored",
    });
    records.outage_sums = Some(OutageSums {
        outages: 60,
        detected: 48,
        claimed: 50,
        correct: 49,
        latency_p95_ms: Some(3_200),
        told_sustained: (50, 200 * HOUR),
        true_sustained: (60, 250 * HOUR),
        packets: (93, 2),
    });
}

#[test]
fn the_tree_is_summed_and_the_collapse_can_be_replayed() {
    let (html, data) = report("mesh", |result| collapse(&mut result.architectures[0].records));
    let mesh = data.architectures[0].mesh.as_ref().expect("a mesh");
    let customers = data.village.customers.len() as u64;
    // A child whose parent was cut off a moment before it leads nowhere meanwhile.
    assert!(mesh.astray_ms > 0);
    let all = mesh.in_tree_ms() + mesh.isolated_ms() + mesh.astray_ms;
    assert_eq!(all, customers * 720 * HOUR, "every meter-hour is somewhere");
    assert_eq!((mesh.hops_ms.len(), mesh.isolated[0].meters), (10, (customers - 10) as u32));
    assert_eq!(mesh.isolated[0].longest_ms, 6 * HOUR - 10);
    let titles: Vec<&str> = mesh.chapters.iter().map(|chapter| chapter.title.as_str()).collect();
    assert!(titles.len() == 2 && titles[1].contains("down to 10 of"), "{titles:?}");
    assert!(mesh.curve.moves.iter().all(|moves| *moves == 0), "who was cut off and comes back has not moved");
    for hook in
        ["<section id=\"mesh\"", "id=\"rmap\"", "id=\"rplay\"", "id=\"rtime\"", "id=\"isolated\"", "last parent lost"]
    {
        assert!(html.contains(hook), "{hook} is missing");
    }
    assert!(data.architectures[1].mesh.is_none(), "who has kept no tree shows none");
    let airtime: u64 = mesh.air.iter().map(|of| of.airtime_ms).sum();
    assert_eq!(airtime, 720 * 1_200 * 9);
    assert_eq!(mesh.busiest.as_ref().map(|(who, _)| who.as_str()), Some(data.village.customers[1].id.as_str()));
}

/// The sabotage of the sums: a meter that is cut off for longer than the run has counted shows.
#[test]
fn hours_that_nobody_has_counted_show() {
    let (_, data) = report("mesh-off", |result| {
        collapse(&mut result.architectures[0].records);
        result.architectures[0].records.mesh.isolated_ms[0].1 -= HOUR;
    });
    let mesh = data.architectures[0].mesh.as_ref().expect("a mesh");
    assert_ne!(
        mesh.in_tree_ms() + mesh.isolated_ms() + mesh.astray_ms,
        data.village.customers.len() as u64 * 720 * HOUR
    );
}

#[test]
fn tickets_stand_beside_the_truth() {
    let (html, data) = report("mesh-tickets", |result| tickets(&mut result.architectures[1].records));
    assert!(data.architectures[0].tickets.is_none());
    for text in [
        "<section id=\"outages\"",
        "80 %",
        "50, 98.0 %",
        "3 s",
        "(−16.7 %)",
        "(−20.0 %)",
        "feeder &lt;2&gt;",
        "93.0 %",
        ">93, 2<",
    ] {
        assert!(html.contains(text), "{text} is missing");
    }
    let (by_frame, _) = report("mesh-tickets-frame", |result| {
        result.architectures.truncate(1);
        collapse(&mut result.architectures[0].records);
        tickets(&mut result.architectures[0].records);
    });
    let kind = "which is kind to last words";
    assert!(html.contains(kind) && by_frame.contains("<section id=\"outages\"") && !by_frame.contains(kind));
    let (html, _) = report("mesh-none", |_| ());
    assert!(!html.contains("<section id=\"outages\"") && !html.contains("<section id=\"mesh\""));
}

#[test]
fn the_mesh_alone_is_a_page_a_table_and_json() {
    let (_, data) = report("mesh-alone", |result| {
        collapse(&mut result.architectures[0].records);
        tickets(&mut result.architectures[0].records);
    });
    let page = mesh_page(&data);
    assert!(
        page.contains("id=\"rmap\"") && page.contains("<section id=\"outages\"") && !page.contains("id=\"suffered\"")
    );
    assert!(!page.contains("://"), "nothing from outside");
    let table = mesh_table(&data);
    for text in ["frame by frame", "last parent lost", "together", "finding the network", "longest on the air", "poor"]
    {
        assert!(table.contains(text), "{text} is missing:\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let json: serde_json::Value = serde_json::from_str(&mesh_json(&data).expect("JSON")).expect("JSON");
    assert!(json["architectures"]["cloud_sync"]["isolated"][0]["node_ms"].as_u64() > Some(HOUR));
    assert!(json["architectures"]["cloud_sync"].get("chapters").is_none());
}
