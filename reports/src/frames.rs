//! Parquet: one file per table of [`taa_sim::records`], all architectures in it.
//!
//! Columns are those of the records, with units in their names; `architecture` comes first, causes are written out
//! (`chain`, nearest first, and `root`), customers carry their scenario id beside the index. The file's key-value
//! metadata holds `taa.records_version`, `taa.scenario` and `taa.seed`.

use std::{collections::BTreeMap, fs::File, path::Path};

use polars::{io::parquet::write::KeyValueMetadata, prelude::*};
use taa_scenarios::model::Scenario;
use taa_sim::{
    cause::Chain,
    records::{NO_PARENT, PayChannel, RECORDS_VERSION, Records},
    result::{ArchResult, RunResult},
};

use crate::{error::ReportError, words};

/// Builds one architecture's share of a table.
type Build = fn(&Context, &Records) -> Vec<Column>;

/// The tables by file name (without `.parquet`).
pub(crate) const TABLES: [(&str, Build); 14] = [
    ("downtime", downtime),
    ("payments", payments),
    ("plant", plant),
    ("outages", outages),
    ("repairs", repairs),
    ("telemetry", telemetry),
    ("outage_tickets", outage_tickets),
    ("images", images),
    ("kits", kits),
    ("customers", customers),
    ("links", links),
    ("dodag", dodag),
    ("mesh_air", mesh_air),
    ("log", log),
];

/// What the tables refer to by index.
pub(crate) struct Context<'a> {
    scenario: &'a Scenario,
    ids: Vec<&'a str>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        Self { scenario, ids: scenario.village.customers.iter().map(|customer| customer.id.as_str()).collect() }
    }

    fn id(&self, index: u32) -> &'a str {
        self.ids.get(index as usize).copied().unwrap_or("")
    }

    /// Customers first, then relays; the DCU is `u32::MAX`.
    fn node(&self, index: u32) -> &'a str {
        let village = &self.scenario.village;
        if index == u32::MAX {
            return &village.dcu.id;
        }
        match self.ids.get(index as usize) {
            Some(id) => id,
            None => village.relays.get(index as usize - self.ids.len()).map_or("", |relay| relay.id.as_str()),
        }
    }
}

/// Writes one table over all architectures.
pub(crate) fn write(
    path: &Path,
    (table, build): (&'static str, Build),
    context: &Context,
    result: &RunResult,
) -> Result<(), ReportError> {
    let failed = |e: PolarsError| ReportError::Table { table, message: e.to_string() };
    let mut frame = DataFrame::empty();
    for arch in &result.architectures {
        let part = part(arch, build(context, &arch.records)).map_err(failed)?;
        if frame.width() == 0 {
            frame = part;
        } else {
            frame.vstack_mut(&part).map_err(failed)?;
        }
    }
    let file = File::create(path).map_err(ReportError::io("write", path))?;
    let metadata = KeyValueMetadata::from_static(vec![
        ("taa.records_version".to_owned(), RECORDS_VERSION.to_string()),
        ("taa.table".to_owned(), table.to_owned()),
        ("taa.scenario".to_owned(), context.scenario.name.clone()),
        ("taa.seed".to_owned(), result.seed.to_string()),
        ("taa.start_unix_s".to_owned(), result.start_unix_s.to_string()),
    ]);
    ParquetWriter::new(file)
        .with_compression(ParquetCompression::Snappy)
        .with_key_value_metadata(Some(metadata))
        .finish(&mut frame)
        .map_err(failed)?;
    Ok(())
}

fn part(arch: &ArchResult, mut columns: Vec<Column>) -> PolarsResult<DataFrame> {
    let rows = columns.first().map_or(0, Column::len);
    columns.insert(0, Column::new("architecture".into(), vec![arch.name.as_str(); rows]));
    DataFrame::new(rows, columns)
}

fn column<P, T: ?Sized>(name: &'static str, values: P) -> Column
where
    Series: NamedFrom<P, T>,
{
    Series::new(name.into(), values).into_column()
}

/// `chain` and `root`; each distinct chain is spelled once.
fn chain_columns(context: &Context, chains: &[Chain], names: [&'static str; 2]) -> [Column; 2] {
    let mut spelled: BTreeMap<Chain, (String, String)> = BTreeMap::new();
    for &chain in chains {
        spelled.entry(chain).or_insert_with(|| {
            let keys: Vec<String> = chain.causes().map(|cause| words::cause_key(cause, context.scenario)).collect();
            (keys.join(" <- "), keys.last().cloned().unwrap_or_default())
        });
    }
    let all: Vec<&str> = chains.iter().map(|chain| spelled[chain].0.as_str()).collect();
    let roots: Vec<&str> = chains.iter().map(|chain| spelled[chain].1.as_str()).collect();
    [column(names[0], &all), column(names[1], &roots)]
}

fn downtime(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.downtime;
    let ids: Vec<&str> = table.customer.iter().map(|&c| context.id(c)).collect();
    let classes: Vec<&str> = table.class.iter().map(|class| class.name()).collect();
    let [chain, root] = chain_columns(context, &table.chain, ["chain", "root"]);
    vec![
        column("customer", &table.customer),
        column("customer_id", &ids),
        column("class", &classes),
        chain,
        root,
        column("start_ms", &table.start_ms),
        column("end_ms", &table.end_ms),
        column("outage", &table.outage),
        column("open_end", &table.open_end),
    ]
}

fn payments(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.payments;
    let ids: Vec<&str> = table.customer.iter().map(|&c| context.id(c)).collect();
    let channels: Vec<&str> = table.channel.iter().map(|&channel| channel_key(channel)).collect();
    let outcomes: Vec<&str> = table.outcome.iter().map(|&outcome| words::outcome_key(outcome)).collect();
    let tokens: Vec<&str> = table.token_by.iter().map(|by| by.name()).collect();
    let [held_by, held_by_root] = chain_columns(context, &table.held_by, ["held_by", "held_by_root"]);
    vec![
        column("customer", &table.customer),
        column("customer_id", &ids),
        column("wanted_ms", &table.wanted_ms),
        column("accepted_ms", &table.accepted_ms),
        column("at_aggregator_ms", &table.at_aggregator_ms),
        column("at_intake_ms", &table.at_intake_ms),
        column("at_vendor_ms", &table.at_vendor_ms),
        column("credited_ms", &table.credited_ms),
        column("in_hand_ms", &table.in_hand_ms),
        column("applied_ms", &table.applied_ms),
        column("amount_minor", &table.amount_minor),
        column("balance_before_minor", &table.balance_before_minor),
        column("channel", &channels),
        column("token_by", &tokens),
        column("outcome", &outcomes),
        column("attempts", &table.attempts),
        column("callbacks", &table.callbacks),
        column("texts", &table.texts),
        column("entries", &table.entries),
        held_by,
        held_by_root,
    ]
}

const fn channel_key(channel: PayChannel) -> &'static str {
    match channel {
        PayChannel::Phone => "phone",
        PayChannel::Agent => "agent",
    }
}

fn plant(_: &Context, records: &Records) -> Vec<Column> {
    let table = &records.plant;
    vec![
        column("time_ms", &table.time_ms),
        column("ghi_w_per_m2", &table.ghi_w_per_m2),
        column("pv_available_w", &table.pv_available_w),
        column("pv_used_w", &table.pv_used_w),
        column("load_w", &table.load_w),
        column("wanted_w", &table.wanted_w),
        column("battery_soc", &table.battery_soc),
        column("supply_on", &table.supply_on),
    ]
}

fn outages(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.outages;
    let components: Vec<&str> = table.component.iter().map(|&c| words::component_key(c)).collect();
    let [chain, root] = chain_columns(context, &table.chain, ["chain", "root"]);
    vec![
        column("component", &components),
        column("start_ms", &table.start_ms),
        column("end_ms", &table.end_ms),
        chain,
        root,
    ]
}

fn repairs(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.repairs;
    let ids: Vec<&str> = table.id.iter().map(String::as_str).collect();
    let [cause, _] = chain_columns(context, &table.cause, ["cause", "root"]);
    vec![
        column("asset", &table.asset),
        column("id", &ids),
        cause,
        column("failed_ms", &table.failed_ms),
        column("noticed_ms", &table.noticed_ms),
        column("noticed_by", &table.noticed_by),
        column("site_seen", &table.site_seen),
        column("diagnosed_ms", &table.diagnosed_ms),
        column("returned_ms", &table.returned_ms),
        column("dispatched_ms", &table.dispatched_ms),
        column("spares", &table.spares),
        column("spares_ms", &table.spares_ms),
        column("left_ms", &table.left_ms),
        column("arrived_ms", &table.arrived_ms),
        column("mended_ms", &table.mended_ms),
        column("mended_by", &table.mended_by),
        column("trips", &table.trips),
    ]
}

fn telemetry(_: &Context, records: &Records) -> Vec<Column> {
    let table = &records.telemetry;
    vec![
        column("time_ms", &table.time_ms),
        column("due", &table.due),
        column("at_dcu", &table.at_dcu),
        column("at_cloud", &table.at_cloud),
    ]
}

fn outage_tickets(_: &Context, records: &Records) -> Vec<Column> {
    let table = &records.outage_tickets;
    let places: Vec<&str> = table.place.iter().map(String::as_str).collect();
    let confidence: Vec<u32> = table.confidence_pm.iter().map(|&pm| u32::from(pm)).collect();
    vec![
        column("ticket", &table.ticket),
        column("opened_ms", &table.opened_ms),
        column("closed_ms", &table.closed_ms),
        column("place", &places),
        column("confidence_per_mille", &confidence),
        column("ground", &table.ground),
        column("members", &table.members),
        column("heard", &table.heard),
        column("restored", &table.restored),
        column("withdrawn", &table.withdrawn),
        column("ending", &table.ending),
    ]
}

fn images(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.images;
    let ids: Vec<&str> = table.customer.iter().map(|&index| context.id(index)).collect();
    let steps: Vec<&str> = table.step.iter().map(|step| step.name()).collect();
    vec![
        column("time_ms", &table.time_ms),
        column("customer", &table.customer),
        column("customer_id", &ids),
        column("state", &steps),
        column("blocks_done", &table.blocks_done),
        column("blocks", &table.blocks),
    ]
}

fn kits(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.kits;
    let ids: Vec<&str> = table.customer.iter().map(|&index| context.id(index)).collect();
    vec![
        column("customer", &table.customer),
        column("customer_id", &ids),
        column("linked", &table.linked),
        column("paid_minor", &table.paid_minor),
        column("open_minor", &table.open_minor),
        column("sold_days", &table.sold_days),
        column("added_days", &table.added_days),
        column("waiting_days", &table.waiting_days),
        column("texts_lost", &table.texts_lost),
        column("refused", &table.refused),
        column("off_ms", &table.off_ms),
        column("in_step", &table.in_step),
    ]
}

fn customers(_: &Context, records: &Records) -> Vec<Column> {
    let table = &records.customers;
    vec![
        column("customer", &table.customer),
        column("customer_id", &table.id),
        column("class", &table.class),
        column("served_wh", &table.served_wh),
        column("unserved_wh", &table.unserved_wh),
        column("deferred_wh", &table.deferred_wh),
        column("deferred_supply_wh", &table.deferred_supply_wh),
        column("unbilled_wh", &table.unbilled_wh),
        column("paid_minor", &table.paid_minor),
        column("supply_down_ms", &table.supply_down_ms),
        column("credit_stuck_ms", &table.credit_stuck_ms),
        column("payment_blocked_ms", &table.payment_blocked_ms),
        column("zero_credit_ms", &table.zero_credit_ms),
        column("longest_ms", &table.longest_ms),
        column("interruptions", &table.interruptions),
        column("hops", &table.hops),
        column("path_etx", &table.path_etx),
        column("churned_ms", &table.churned_ms),
        column("calls", &table.calls),
        column("stolen_wh", &table.stolen_wh),
        column("trust_end", &table.trust_end),
        column("paused_ms", &table.paused_ms),
        column("bypassed_ms", &table.bypassed_ms),
    ]
}

fn links(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.links;
    let from: Vec<&str> = table.from.iter().map(|&node| context.node(node)).collect();
    let to: Vec<&str> = table.to.iter().map(|&node| context.node(node)).collect();
    vec![
        column("from", &from),
        column("to", &to),
        column("rssi_dbm", &table.rssi_dbm),
        column("per", &table.per),
        column("etx", &table.etx),
        column("in_tree", &table.in_tree),
    ]
}

/// A node without a parent has an empty one.
fn dodag(context: &Context, records: &Records) -> Vec<Column> {
    let table = &records.dodag;
    let nodes: Vec<&str> = table.node.iter().map(|&node| context.node(node)).collect();
    let name = |parent: u32| if parent == NO_PARENT { "" } else { context.node(parent) };
    let parents: Vec<&str> = table.parent.iter().map(|&parent| name(parent)).collect();
    let standings: Vec<&str> = table.standing.iter().map(|standing| standing.name()).collect();
    vec![
        column("time_ms", &table.time_ms),
        column("node", &nodes),
        column("parent", &parents),
        column("standing", &standings),
    ]
}

fn mesh_air(_: &Context, records: &Records) -> Vec<Column> {
    let table = &records.mesh_air;
    vec![
        column("time_ms", &table.time_ms),
        column("purpose", &table.purpose),
        column("frames", &table.frames),
        column("airtime_us", &table.airtime_us),
    ]
}

fn log(_: &Context, records: &Records) -> Vec<Column> {
    let table = &records.log;
    vec![
        column("time_ms", &table.time_ms),
        column("kind", &table.kind),
        column("subject", &table.subject),
        column("text", &table.text),
    ]
}
