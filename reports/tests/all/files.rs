//! The recording and the tables, read back by the same crates that others use.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use polars::prelude::*;
use taa_reports::{Attachment, Record, WriteOptions, write};

use crate::sample;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn written(name: &str, options: &WriteOptions) -> PathBuf {
    let scenario = sample::scenario(30);
    let dir = folder(name);
    write(&dir, &scenario, &sample::result(&scenario), options).expect("written");
    dir
}

#[test]
fn the_recording_is_ordered_indexed_and_carries_the_scenario() {
    let toml = Attachment {
        name: "scenario.toml".to_owned(),
        media_type: "application/toml".to_owned(),
        data: b"schema = 1\n".to_vec(),
    };
    let options = WriteOptions { record: Record::Full, attachments: vec![toml], ..WriteOptions::default() };
    let bytes = std::fs::read(written("recording", &options).join("run.mcap")).unwrap();
    let mut topics: BTreeMap<String, u32> = BTreeMap::new();
    let mut last = 0;
    for message in mcap::MessageStream::new(&bytes).unwrap() {
        let message = message.unwrap();
        assert!(message.log_time >= last, "messages are in order of time");
        last = message.log_time;
        let schema = message.channel.schema.as_ref().expect("every channel has a schema");
        assert_eq!(schema.encoding, "jsonschema");
        serde_json::from_slice::<serde_json::Value>(&schema.data).expect("the schema is JSON");
        serde_json::from_slice::<serde_json::Value>(&message.data).expect("the message is JSON");
        *topics.entry(message.channel.topic.clone()).or_insert(0) += 1;
    }
    for topic in ["log", "component", "plant", "dark", "downtime", "payment", "kpi"] {
        for arch in ["cloud_sync", "edge_local"] {
            assert!(topics.contains_key(&format!("/{arch}/{topic}")), "/{arch}/{topic} is missing: {topics:?}");
        }
    }
    assert_eq!(topics["/cloud_sync/plant"], 30 * 96);
    let summary = mcap::Summary::read(&bytes).unwrap().expect("an index");
    assert!(!summary.chunk_indexes.is_empty());
    let names: Vec<&str> = summary.attachment_indexes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["scenario.toml", "summary.json"]);
    assert_eq!(summary.metadata_indexes[0].name, "taa.run");
}

#[test]
fn the_recording_keeps_its_limit_and_says_what_it_left_out() {
    let options = WriteOptions { record: Record::Full, record_max_mb: 1, ..WriteOptions::default() };
    let bytes = std::fs::read(written("bounded", &options).join("run.mcap")).unwrap();
    assert!(bytes.len() <= 1_000_000, "{} bytes", bytes.len());
    let mut topics = std::collections::BTreeSet::new();
    for message in mcap::MessageStream::new(&bytes).unwrap() {
        topics.insert(message.unwrap().channel.topic.clone());
    }
    assert!(topics.contains("/edge_local/kpi") && topics.contains("/edge_local/component"), "what tells most stays");
    let index = &mcap::Summary::read(&bytes).unwrap().unwrap().metadata_indexes[0];
    let start = usize::try_from(index.offset).unwrap() + 9;
    let body = &bytes[start..start + usize::try_from(index.length).unwrap() - 9];
    let record = mcap::parse_record(mcap::records::op::METADATA, body).unwrap();
    let mcap::records::Record::Metadata(metadata) = record else { panic!("not metadata") };
    assert_ne!(metadata.metadata["messages_left_out"], "0");
    assert_eq!(metadata.metadata["seed"], "42");
}

#[test]
fn no_recording_where_none_is_asked_for() {
    let dir = written("off", &WriteOptions { record: Record::Off, ..WriteOptions::default() });
    assert!(!dir.join("run.mcap").exists());
}

#[test]
fn tables_read_back_with_causes_in_words_and_nulls_where_nothing_happened() {
    let dir = written("tables", &WriteOptions::default());
    let scenario = sample::scenario(30);
    let result = sample::result(&scenario);
    let read = |name: &str| {
        let file = std::fs::File::open(dir.join(format!("{name}.parquet"))).unwrap();
        ParquetReader::new(file).finish().unwrap()
    };
    let rows = |pick: fn(&taa_sim::records::Records) -> usize| -> usize {
        result.architectures.iter().map(|arch| pick(&arch.records)).sum()
    };
    let downtime = read("downtime");
    assert_eq!(downtime.height(), rows(|r| r.downtime.len()));
    let lost: u64 = {
        let column = |name: &str| downtime.column(name).unwrap().u64().unwrap().iter().flatten().sum::<u64>();
        column("end_ms") - column("start_ms")
    };
    let kpi: f64 = result.architectures.iter().map(|arch| arch.kpis.downtime_h).sum();
    assert!((lost as f64 / 3_600_000.0 - kpi).abs() < 1e-6, "hours in the table are the hours of the summary");
    let roots: Vec<&str> = downtime.column("root").unwrap().str().unwrap().iter().flatten().collect();
    assert!(roots.contains(&"scripted:tower_out") && roots.contains(&"tower_power"));
    let chains: Vec<&str> = downtime.column("chain").unwrap().str().unwrap().iter().flatten().collect();
    assert!(chains.iter().any(|chain| chain.starts_with("relay_open <- credit_undelivered")));
    let payments = read("payments");
    let blocked = result.architectures[0].records.payments.accepted_ms.iter().filter(|ms| ms.is_none()).count();
    assert!(blocked > 0 && payments.column("accepted_ms").unwrap().null_count() >= blocked);
    for (table, count) in [
        ("plant", rows(|r| r.plant.len())),
        ("outages", rows(|r| r.outages.len())),
        ("outage_tickets", rows(|r| r.outage_tickets.len())),
        ("images", rows(|r| r.images.len())),
        ("kits", rows(|r| r.kits.len())),
        ("telemetry", rows(|r| r.telemetry.len())),
        ("customers", rows(|r| r.customers.len())),
        ("links", rows(|r| r.links.len())),
        ("log", rows(|r| r.log.len())),
    ] {
        let frame = read(table);
        assert_eq!(frame.height(), count, "{table}");
        assert_eq!(frame.get_column_names()[0].as_str(), "architecture", "{table}");
    }
}

#[test]
fn tables_carry_their_version() {
    let dir = written("version", &WriteOptions::default());
    let file = std::fs::File::open(dir.join("plant.parquet")).unwrap();
    let metadata = ParquetReader::new(file).get_metadata().unwrap().clone();
    let pairs = metadata.key_value_metadata().clone().unwrap();
    let of = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    assert_eq!(of("taa.records_version"), Some(taa_sim::records::RECORDS_VERSION.to_string()));
    assert_eq!(of("taa.seed").as_deref(), Some("42"));
}
