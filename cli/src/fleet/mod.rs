//! `taa fleet audit`: which meters have keypads, which key each holds, who has to act before which rollover. The rules are
//! those of the DCU ([`taa_dcu::vending::audit`]); its three sections are the first steps that the source documents ask for.

mod file;
mod journal;

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::json;
use taa_dcu::{
    config::{MeterEntry, Tariff},
    vending::{
        Desk,
        audit::{Ends, Row, Verdict, fleet_audit},
    },
};

use crate::{
    Failure,
    args::{FleetCommand, FleetFormat},
    ledger::time,
    show, site,
};

/// The file in a scenario's folder.
const FILE: &str = "fleet.toml";
const MINUTE_MS: i64 = 60_000;

pub(crate) fn fleet(command: &FleetCommand) -> Result<(), Failure> {
    let FleetCommand::Audit { fleet, beside, at, horizon_days, format } = command;
    let unix_minute = at.unwrap_or_else(now_ms).div_euclid(MINUTE_MS);
    let rows = if site::is_database(fleet) {
        let known = beside.as_deref().map(meters).transpose()?;
        journal::rows(fleet, known.as_deref(), unix_minute, *horizon_days)?
    } else if beside.is_some() {
        return Err(Failure::Input(format!("{}: --fleet stands beside a state.db alone", fleet.display())));
    } else {
        let meters = meters(fleet)?;
        let config = journal::config(Tariff::default());
        fleet_audit(&meters, &Desk::new(&config, &meters), unix_minute, *horizon_days)
    };
    show::say(&match format {
        FleetFormat::Table => table(&rows, unix_minute, *horizon_days),
        FleetFormat::Csv => csv(&rows).trim_end().to_owned(),
        FleetFormat::Json => json!({
            "at": time(unix_minute.saturating_mul(MINUTE_MS)), "horizon_days": horizon_days,
            "meters": rows.iter().map(to_json).collect::<Vec<_>>(),
        })
        .to_string(),
    })?;
    let passed = rows.iter().filter(|row| row.verdict == Verdict::Passed).count();
    if passed > 0 { Err(Failure::Found(format!("{passed} meters refuse the tokens of today"))) } else { Ok(()) }
}

fn meters(path: &Path) -> Result<Vec<MeterEntry>, Failure> {
    let said = path.display();
    let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    if path.is_dir() && !file.is_file() {
        let scenario = taa_scenarios::load(path, &taa_scenarios::Overrides::default());
        let scenario = scenario.map_err(|found| show::input(&found))?;
        show::remark(&format!(
            "{said}: no {FILE} in it: of its meters only the names are known, no decoder and no key."
        ));
        let plain = |id: &String| MeterEntry {
            id: id.clone(),
            account: id.clone(),
            access: taa_dcu::config::MeterAccess::Open,
            opening_balance_minor: 0,
            sts: None,
        };
        return Ok(scenario.village.customers.iter().map(|customer| plain(&customer.id)).collect());
    }
    let text = fs::read_to_string(&file).map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
    file::read(&text).map_err(|found| {
        let lines: Vec<String> =
            found.iter().map(|wrong| format!("{}:{}: {}", file.display(), wrong.line, wrong.text)).collect();
        Failure::Input(lines.join("\n"))
    })
}

/// The three sections, then every meter.
fn table(rows: &[Row], unix_minute: i64, horizon_days: u32) -> String {
    let mut out = format!("{} meters on {}\n", rows.len(), date(unix_minute));
    keypads(rows, &mut out);
    keys(rows, horizon_days, &mut out);
    vending(rows, &mut out);
    let line = |cells: [&str; 9]| {
        let [id, keypad, gateway, sgc, krn, base, algorithm, ends, what] = cells;
        format!("{id:<18} {keypad:<6} {gateway:<7} {sgc:<6} {krn:<3} {base:<4} {algorithm:<4} {ends:<23} {what}\n")
    };
    out += "\nAll meters\n";
    out += &line(["meter", "keypad", "gateway", "SGC", "KRN", "base", "EA", "key ends", "what to do"]);
    for row in rows {
        let cells = cells(row);
        out += &line([
            &row.id,
            told(row.keypad),
            told(row.gateway),
            &cells.sgc,
            &cells.krn,
            &cells.base,
            &cells.algorithm,
            &cells.ends,
            &what(row),
        ]);
    }
    out.trim_end().to_owned()
}

fn keypads(rows: &[Row], out: &mut String) {
    let count = |of: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count();
    let with = count(&|row| row.keypad == Some(true));
    let without = count(&|row| row.keypad == Some(false));
    let _ = writeln!(out, "\n1. Keypads: {with} meters have one, {without} do not");
    let untold = count(&|row| row.keypad.is_none());
    if untold > 0 {
        let _ = writeln!(out, "   of {untold} the journal does not say it: name the fleet.toml with --fleet");
    }
    let _ = writeln!(
        out,
        "   {} of these can be reached by a token gateway over DLMS",
        count(&|r| r.keypad == Some(false) && r.gateway == Some(true))
    );
    let blind = count(&|row| row.unreachable);
    let _ = writeln!(out, "   {blind} have a decoder that nobody can reach: to be visited or changed");
    let none = count(&|row| row.verdict == Verdict::NoDecoder);
    let _ =
        writeln!(out, "   {none} have no token decoder: credit for them stays in the site's book or goes over DLMS");
}

fn keys(rows: &[Row], horizon_days: u32, out: &mut String) {
    *out += "\n2. Supply groups and keys: a key-load file of each group is needed from its key management centre\n";
    let mut groups: BTreeMap<(String, String, String, String), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.key.is_some()) {
        let cells = cells(row);
        groups.entry((cells.sgc, cells.krn, cells.base, cells.algorithm)).or_default().push(row);
    }
    if groups.is_empty() {
        *out += "   no meter's key is known\n";
    }
    for ((sgc, krn, base, algorithm), meters) in groups {
        let due = meters.iter().filter(|row| matches!(row.verdict, Verdict::ActBefore | Verdict::Passed));
        let first = due.clone().filter_map(|row| row.ends).map(|(minute, _)| minute).min();
        let tokens: usize = due.clone().map(|row| row.change_tokens).sum();
        let _ = write!(out, "   SGC {sgc}, KRN {krn}, base {base}, {algorithm}: {} meters", meters.len());
        let _ = match first {
            Some(minute) => {
                writeln!(out, "; {} must change keys before {} ({tokens} key-change tokens)", due.count(), date(minute))
            }
            None => writeln!(out, "; none ends within {horizon_days} days"),
        };
    }
}

fn vending(rows: &[Row], out: &mut String) {
    let served = |row: &&Row| row.key.is_some() && !row.unreachable && row.verdict != Verdict::NotInService;
    let count = rows.iter().filter(served).count();
    let _ = writeln!(
        out,
        "\n3. Vending at the site: {count} meters can be sold tokens while the cloud is gone, if the site has"
    );
    *out += "   their vending keys in a certified module and minutes leased to it; everybody else waits for the link\n";
    let stock = rows.iter().filter(|row| row.verdict == Verdict::NotInService).count();
    if stock > 0 {
        let _ = writeln!(out, "   {stock} still hold a maker's or a default key and take no credit");
    }
}

struct Cells {
    sgc: String,
    krn: String,
    base: String,
    algorithm: String,
    ends: String,
}

fn cells(row: &Row) -> Cells {
    let dash = || "-".to_owned();
    let ends = row.ends.map(|(minute, why)| {
        let why = match why {
            Ends::Ken => "KEN",
            Ends::Rollover => "rollover",
        };
        format!("{} ({why})", date(minute))
    });
    Cells {
        sgc: row.key.map_or_else(dash, |key| format!("{:06}", key.sgc)),
        krn: row.key.map_or_else(dash, |key| key.krn.to_string()),
        base: row.key.map_or_else(dash, |key| key.base_year.to_string()),
        algorithm: row.algorithm.map_or_else(dash, |algorithm| format!("EA{:02}", algorithm.code())),
        ends: ends.unwrap_or_else(dash),
    }
}

fn what(row: &Row) -> String {
    let text = match row.verdict {
        Verdict::Fine => "nothing".to_owned(),
        Verdict::ActBefore => format!("enter {} before that day", change(row)),
        Verdict::Passed => format!("refuses tokens: enter {}", change(row)),
        Verdict::Changing(_) => "key change under way".to_owned(),
        Verdict::NotInService => "not in service: no credit until it has a key of its own".to_owned(),
        Verdict::Unknown => "its key is unknown: ask the maker".to_owned(),
        Verdict::NoDecoder => "no decoder".to_owned(),
    };
    if row.unreachable { format!("{text}; nobody can enter tokens: visit") } else { text }
}

/// The tokens of a key change: how many follows from the algorithm, which a journal does not know.
fn change(row: &Row) -> String {
    match row.change_tokens {
        0 => "key-change tokens".to_owned(),
        count => format!("{count} key-change tokens"),
    }
}

const fn verdict(row: &Row) -> &'static str {
    match row.verdict {
        Verdict::Fine => "fine",
        Verdict::ActBefore => "act_before",
        Verdict::Passed => "passed",
        Verdict::Changing(_) => "changing",
        Verdict::NotInService => "not_in_service",
        Verdict::Unknown => "unknown",
        Verdict::NoDecoder => "no_decoder",
    }
}

fn csv(rows: &[Row]) -> String {
    let mut out = "meter,pan,keypad,gateway,sgc,krn,key_type,ti,ken,base,algorithm,key_ends,change_tokens,outstanding,\
                   verdict,unreachable\r\n"
        .to_owned();
    for row in rows {
        let cells = cells(row);
        let number = |of: fn(&taa_dcu::vending::KeyNote) -> u8| {
            row.key.as_ref().map(of).map_or_else(String::new, |n| n.to_string())
        };
        let line = [
            cell(&row.id),
            row.pan.clone().unwrap_or_default(),
            row.keypad.map_or("", yes).to_owned(),
            row.gateway.map_or("", yes).to_owned(),
            cells.sgc.replace('-', ""),
            number(|key| key.krn),
            number(|key| key.key_type),
            number(|key| key.ti),
            number(|key| key.ken),
            cells.base.replace('-', ""),
            cells.algorithm.replace('-', ""),
            row.ends.map(|(minute, _)| date(minute)).unwrap_or_default(),
            row.change_tokens.to_string(),
            row.outstanding.to_string(),
            verdict(row).to_owned(),
            yes(row.unreachable).to_owned(),
        ];
        out += &line.join(",");
        out += "\r\n";
    }
    out
}

/// RFC 4180; a text that a spreadsheet would run as a formula gets an apostrophe in front.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn to_json(row: &Row) -> serde_json::Value {
    json!({
        "meter": row.id, "pan": row.pan, "keypad": row.keypad, "gateway": row.gateway,
        "sgc": row.key.map(|key| format!("{:06}", key.sgc)), "krn": row.key.map(|key| key.krn),
        "key_type": row.key.map(|key| key.key_type), "ti": row.key.map(|key| key.ti), "ken": row.key.map(|key| key.ken),
        "base": row.key.map(|key| key.base_year), "algorithm": row.algorithm.map(|a| format!("EA{:02}", a.code())),
        "key_ends": row.ends.map(|(minute, _)| time(minute.saturating_mul(MINUTE_MS))),
        "change_tokens": row.change_tokens, "outstanding": row.outstanding,
        "verdict": verdict(row), "unreachable": row.unreachable,
    })
}

const fn told(value: Option<bool>) -> &'static str {
    match value {
        Some(value) => yes(value),
        None => "?",
    }
}

const fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn date(unix_minute: i64) -> String {
    let text = time(unix_minute.saturating_mul(MINUTE_MS));
    text.split('T').next().unwrap_or_default().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the command line is the shell: it may read the clock")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
