//! A DCU's own journal as the source: which key each meter holds after every change that the site has seen, and which tokens
//! have left and were never seen entered. The journal knows meters by name and key; account numbers, keypads and gateways are
//! the operator's to tell, in a fleet.toml.

use std::{collections::BTreeMap, path::Path};

use taa_dcu::{
    config::{CreditAt, DcuConfig, MeterEntry, Tariff, Traits},
    journal::{Entry, Record, State},
    vending::audit::{Row, fleet_audit, journal_audit},
};

use crate::{Failure, show, site};

/// A site that sells tokens at these prices.
pub(super) fn config(tariff: Tariff) -> DcuConfig {
    let (_, traits) = Traits::BUNDLES[0];
    DcuConfig::new(Traits { credit_at: CreditAt::Meter, keypad: true, local_vending: true, ..traits }, tariff)
}

/// The table from the journal in this database; `known` is what the operator's file says of the meters.
pub(super) fn rows(
    file: &Path,
    known: Option<&[MeterEntry]>,
    unix_minute: i64,
    horizon_days: u32,
) -> Result<Vec<Row>, Failure> {
    let records = site::records(file)?;
    table(records, known, unix_minute, horizon_days)
        .map_err(|what| Failure::Input(format!("{}: {what}", file.display())))
}

fn table(
    records: Vec<Record>,
    known: Option<&[MeterEntry]>,
    unix_minute: i64,
    horizon_days: u32,
) -> Result<Vec<Row>, String> {
    let Some(first) = records.first() else { return Err("its journal is empty".to_owned()) };
    let is_whole = matches!(first.entry, Entry::Checkpoint(_));
    if !is_whole && known.is_none() {
        return Err(
            "its journal has no snapshot yet, and without one it does not name its meters: name the fleet.toml \
                    that it runs with, by --fleet"
                .to_owned(),
        );
    }
    let prices = records.iter().find_map(|record| match &record.entry {
        Entry::Boot { tariff } => Some((**tariff).clone()),
        _ => None,
    });
    let config = config(prices.unwrap_or_default());
    let mut state = State::new(&config, known.unwrap_or_default());
    for record in records {
        state.take(record);
    }
    let names = state.ledger().meter_names();
    let Some(known) = known else {
        return Ok(journal_audit(names.iter().map(String::as_str), state.desk(), unix_minute, horizon_days));
    };
    // By name: the operator's file may list them in another order.
    let by_name: BTreeMap<&str, &MeterEntry> = known.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let mut plain = journal_audit(names.iter().map(String::as_str), state.desk(), unix_minute, horizon_days);
    let listed: Vec<MeterEntry> = names
        .iter()
        .map(|name| {
            let entry = by_name.get(name.as_str()).map(|entry| (*entry).clone());
            entry.unwrap_or_else(|| nobody(name))
        })
        .collect();
    let told = fleet_audit(&listed, state.desk(), unix_minute, horizon_days);
    let mut strangers = 0_usize;
    for (row, told) in plain.iter_mut().zip(told) {
        if by_name.contains_key(row.id.as_str()) {
            *row = told;
        } else {
            strangers += 1;
        }
    }
    if strangers > 0 {
        show::remark(&format!("{strangers} meters of the journal are not in the fleet.toml."));
    }
    let unknown: Vec<&str> = by_name.keys().copied().filter(|name| !names.iter().any(|known| known == name)).collect();
    if !unknown.is_empty() {
        show::remark(&format!("Not at this site: {}.", unknown.join(", ")));
    }
    Ok(plain)
}

/// A meter of which only the name is known.
fn nobody(name: &str) -> MeterEntry {
    MeterEntry {
        id: name.to_owned(),
        account: String::new(),
        access: taa_dcu::config::MeterAccess::Open,
        opening_balance_minor: 0,
        sts: None,
    }
}

#[cfg(test)]
mod tests {
    use taa_dcu::{
        Dcu, MeterIx, Output,
        journal::Entry,
        vending::{KeyNote, Note, audit::Verdict},
    };

    use super::*;

    const MINUTE: i64 = 28_000_000;
    const FLEET: &str = r#"[[meter]]
id = "M1"
iin = "600727"
drn = "01234567890"
sgc = 123456
krn = 1
key_type = "unique"
ti = 1
ken = 255
base = 2014
algorithm = "EA11"
keypad = true

[[meter]]
id = "M2"
"#;

    /// A site of these two that has found another key in the first; with a snapshot in the journal's front or without.
    fn journal(snapshot: bool) -> (Vec<Record>, Vec<MeterEntry>) {
        let meters = super::super::file::read(FLEET).unwrap();
        let mut dcu = Dcu::new(config(Tariff::flat("TZS", 100, 10_000)), meters.clone());
        let mut records = Vec::new();
        let mut drain = |dcu: &mut Dcu| {
            while let Some(output) = Some(dcu.poll_output()).filter(|output| !matches!(output, Output::Timeout(_))) {
                if let Output::Append(record) = output {
                    records.push(record);
                }
            }
        };
        drain(&mut dcu);
        dcu.checkpoint(0);
        drain(&mut dcu);
        let first = if snapshot { 1 } else { 0 };
        let mut records = records.split_off(first);
        if !snapshot {
            records.pop();
        }
        let last = records.last().unwrap().clone();
        let held = KeyNote { krn: 3, ..KeyNote::from(&meters[0].sts.as_ref().unwrap().key) };
        let entry = Entry::Vending(Box::new(Note::KeyFound { meter: MeterIx(0), key: held }));
        records.push(Record { number: last.number + 1, entry, ..last });
        (records, meters)
    }

    #[test]
    fn a_journal_tells_the_keys_of_today_and_the_file_the_rest() {
        let (records, meters) = journal(true);
        let alone = table(records.clone(), None, MINUTE, 365).unwrap();
        assert_eq!((alone[0].id.as_str(), alone[0].key.unwrap().krn, alone[0].keypad), ("M1", 3, None));
        assert_eq!((alone[0].verdict, alone[1].verdict), (Verdict::Fine, Verdict::NoDecoder));
        // In whatever order the file lists them.
        let turned: Vec<MeterEntry> = meters.iter().rev().cloned().collect();
        let both = table(records, Some(&turned), MINUTE, 365).unwrap();
        assert_eq!((both[0].key.unwrap().krn, both[0].keypad, both[0].change_tokens), (3, Some(true), 4));
        assert!(both[0].pan.is_some() && both[1].keypad == Some(false));
    }

    #[test]
    fn a_young_journal_needs_the_file_that_it_runs_with() {
        let (records, meters) = journal(false);
        assert!(table(records.clone(), None, MINUTE, 365).unwrap_err().contains("--fleet"));
        assert_eq!(table(records, Some(&meters), MINUTE, 365).unwrap()[0].key.unwrap().krn, 3);
        assert!(table(Vec::new(), None, MINUTE, 365).is_err());
    }
}
