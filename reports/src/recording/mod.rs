//! `run.mcap`: what happened when, for Foxglove and for programs.
//!
//! Topics are `/<architecture>/<kind>`; messages are JSON with a JSON Schema each, so any reader understands them. Log
//! lines follow Foxglove's own `foxglove.Log` schema and appear in its log panel. Messages carry the site's simulated
//! UTC time. Attached: the scenario's files as given by the caller, and `summary.json`. Metadata `taa.run` holds seed, digests
//! and how many messages did not fit under the size limit.
//!
//! The file is chunked and indexed, not compressed: the `mcap` crate's zstd is another major version than that of
//! polars, and two copies of the C library cost more build time than the bytes are worth.

mod entries;
mod schemas;

use std::{borrow::Cow, collections::BTreeMap, fs::File, io::BufWriter, path::Path};

use ::mcap::{Attachment as McapAttachment, WriteOptions as McapOptions, Writer, records};
use taa_scenarios::model::Scenario;
use taa_sim::result::RunResult;

use crate::{data::ReportData, error::ReportError, files, options::WriteOptions, summary};
use entries::{Entries, MESSAGE_OVERHEAD};

/// Header, schemas, channels, indexes and metadata of a file with a few dozen channels.
const FIXED_BYTES: u64 = 64 * 1024;

pub(crate) fn write(
    path: &Path,
    scenario: &Scenario,
    result: &RunResult,
    data: &ReportData,
    options: &WriteOptions,
) -> Result<(), ReportError> {
    let summary = summary::summary(scenario, result, data)?;
    let attached: usize = options.attachments.iter().map(|a| a.data.len()).sum::<usize>() + summary.len();
    let limit = u64::from(options.record_max_mb) * 1_000_000;
    let budget = limit.saturating_sub(FIXED_BYTES).saturating_sub(attached as u64);
    let entries = entries::collect(scenario, result, data, options.record, budget);
    let file = File::create(path).map_err(ReportError::io("write", path))?;
    let failed = |e: ::mcap::McapError| ReportError::Recording(e.to_string());
    let mut writer = McapOptions::new()
        .library(concat!("taa ", env!("CARGO_PKG_VERSION")))
        .profile("")
        .compression(None)
        .create(BufWriter::new(file))
        .map_err(failed)?;
    messages(&mut writer, &entries).map_err(failed)?;
    let start_ns = nanoseconds(result.start_unix_s, 0);
    let own = [(files::SUMMARY, "application/json", summary.as_bytes())];
    let given = options.attachments.iter().map(|a| (a.name.as_str(), a.media_type.as_str(), a.data.as_slice()));
    for (name, media_type, bytes) in given.chain(own) {
        writer
            .attach(&McapAttachment {
                log_time: start_ns,
                create_time: start_ns,
                name: name.to_owned(),
                media_type: media_type.to_owned(),
                data: Cow::Borrowed(bytes),
            })
            .map_err(failed)?;
    }
    let metadata = records::Metadata { name: "taa.run".to_owned(), metadata: metadata(scenario, result, &entries) };
    writer.write_metadata(&metadata).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(())
}

fn messages(writer: &mut Writer<BufWriter<File>>, entries: &Entries) -> Result<(), ::mcap::McapError> {
    let mut channels: BTreeMap<(&str, &str), (u16, u32)> = BTreeMap::new();
    for entry in &entries.list {
        let channel = match channels.get_mut(&(entry.architecture, entry.schema.topic)) {
            Some(channel) => channel,
            None => {
                let schema = writer.add_schema(entry.schema.name, "jsonschema", entry.schema.definition.as_bytes())?;
                let topic = format!("/{}/{}", entry.architecture, entry.schema.topic);
                let id = writer.add_channel(schema, &topic, "json", &BTreeMap::new())?;
                channels.entry((entry.architecture, entry.schema.topic)).or_insert((id, 0))
            }
        };
        let header = records::MessageHeader {
            channel_id: channel.0,
            sequence: channel.1,
            log_time: entry.time_ns,
            publish_time: entry.time_ns,
        };
        channel.1 = channel.1.wrapping_add(1);
        writer.write_to_known_channel(&header, &entry.payload)?;
    }
    Ok(())
}

fn metadata(scenario: &Scenario, result: &RunResult, entries: &Entries) -> BTreeMap<String, String> {
    [
        ("scenario", scenario.name.clone()),
        ("seed", result.seed.to_string()),
        ("days", scenario.run.days.to_string()),
        ("start_unix_s", result.start_unix_s.to_string()),
        ("simulated_ms", result.simulated_ms.to_string()),
        ("partial", result.partial.to_string()),
        ("digest", result.digest.to_string()),
        ("exogenous_digest", result.exogenous_digest.to_string()),
        ("architectures", result.architectures.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join(",")),
        ("messages", entries.list.len().to_string()),
        ("messages_left_out", entries.left_out.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Simulated UTC time in nanoseconds; runs before 1970 are refused by the scenario's checker.
fn nanoseconds(start_unix_s: i64, ms: u64) -> u64 {
    u64::try_from(start_unix_s).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(ms.saturating_mul(1_000_000))
}

const _: () = assert!(MESSAGE_OVERHEAD >= 47, "opcode, length, header and index entry of a message");
