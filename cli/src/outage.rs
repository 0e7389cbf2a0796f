//! `taa outage`: one meter's logic tried out; the tickets of a DCU shown and cleared.

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use taa_dcu::{
    journal::{Entry, Record, Urgency},
    outage::{Ending, Indices, OutageNote, Outages, Ticket},
};
use taa_scenarios::{Overrides, model::Scenario};
use taa_sim::drill::{Drill, outage_drill};
use taa_store::{Place, Store, StoreConfig, StoreError, Trouble};

use crate::{Failure, args::OutageCommand, ledger, show, site};

pub(crate) fn outage(what: &OutageCommand) -> Result<(), Failure> {
    match what {
        OutageCommand::Simulate { id, scenario } => simulate(scenario, id),
        OutageCommand::List { database } => list(database),
        OutageCommand::Clear { database, ticket } => clear(database, *ticket),
    }
}

fn simulate(folder: &Path, id: &str) -> Result<(), Failure> {
    let scenario = taa_scenarios::load(folder, &Overrides::default()).map_err(|found| show::input(&found))?;
    if !scenario.comms.last_gasp.enabled {
        return Err(Failure::Input("comms.last_gasp.enabled is false: these meters have no last gasp".to_owned()));
    }
    let customer = customer(&scenario, id)?;
    let drill = outage_drill(&scenario, customer).map_err(|error| Failure::Own(error.to_string()))?;
    let one = &scenario.village.customers[customer as usize];
    show::say(&told(&format!("Meter {} of {}", one.meter_id, one.id), &drill))?;
    match drill {
        Drill { begun: false, .. } => Err(Failure::Found("the meter's last gasp is switched off".to_owned())),
        Drill { arrived_after_ms: None, .. } => Err(Failure::Found(
            "the packet has not arrived: this meter's outages will not be heard of by a gasp".to_owned(),
        )),
        Drill { supply: [before, after], .. } if before != after => {
            Err(Failure::Own("the customer's supply has changed meanwhile".to_owned()))
        }
        _ => Ok(()),
    }
}

fn told(who: &str, drill: &Drill) -> String {
    let Drill { frames, tickets, supply: [_, (energised, closed)], .. } = drill;
    let way = match drill.arrived_after_ms {
        Some(ms) => format!("arrived after {ms} ms; the concentrator opened it and knew it for a test"),
        None => "nothing arrived at the concentrator within two minutes".to_owned(),
    };
    let line = if *energised { "energised" } else { "dead" };
    let relay = if *closed { "closed" } else { "open" };
    let log = if drill.log.is_empty() { String::new() } else { format!("\n  in its log: {}", drill.log.join(", ")) };
    format!(
        "{who}, fed by {}\n  sent {frames} frame(s); {way}{log}\n  tickets opened: {tickets}\n  supply as before: line {line}, relay {relay}",
        drill.fed_by.join(" ← ")
    )
}

fn customer(scenario: &Scenario, id: &str) -> Result<u32, Failure> {
    let village = &scenario.village;
    let mut all = (0_u32..).zip(&village.customers);
    let building = |at: u32| village.buildings.get(at as usize).map(|building| building.id.as_str());
    let found = all.find(|(_, one)| one.meter_id == id || one.id == id || building(one.building) == Some(id));
    found.map(|(customer, _)| customer).ok_or_else(|| {
        if village.buildings.iter().any(|one| one.id == id) {
            return Failure::Input(format!("--id {id}: this building is not connected, so it has no meter"));
        }
        let some: Vec<&str> = village.customers.iter().take(5).map(|one| one.meter_id.as_str()).collect();
        Failure::Input(format!("--id {id}: no such meter. There are {}, …", some.join(", ")))
    })
}

fn list(database: &Path) -> Result<(), Failure> {
    let outages = tickets(database)?;
    let closed = outages.closed();
    let open = outages.open().iter().map(|(number, ticket)| (*number, ticket));
    let rows: Vec<String> = closed.chain(open).map(|(number, ticket)| line(number, ticket)).collect();
    if rows.is_empty() {
        show::say("No ticket.")?;
    } else {
        let titles = ["ticket", "opened (UTC)", "place", "meters", "heard", "dark", "state"];
        let [ticket, opened, place, meters, heard, dark, state] = titles;
        show::say(&format!("{ticket:>8}  {opened:<20} {place:<28} {meters:>6} {heard:>6} {dark:>6}  {state}"))?;
        show::say(&rows.join("\n"))?;
    }
    let Indices { sustained, sustained_ms, momentary, untimed } = *outages.indices();
    let hours = sustained_ms / 3_600_000;
    let untimed = if untimed > 0 { format!("; {untimed} of unknown length") } else { String::new() };
    show::say(&format!(
        "Interruptions of customers that are over: {sustained} longer than five minutes, {hours} h together; {momentary} \
         shorter{untimed}."
    ))
}

fn line(number: u64, ticket: &Ticket) -> String {
    let place = ticket.place.named(|meter| format!("service of meter {}", meter.0));
    let opened = ticket.opened_ms.map_or_else(|| "clock not set".to_owned(), ledger::time);
    let state = match ticket.ending {
        None => "open".to_owned(),
        Some(Ending::Merged(into)) => format!("merged into {into}"),
        Some(how) => how.name().to_owned(),
    };
    let heard = ticket.members.values().filter(|member| member.event != 0).count();
    let (meters, dark) = (ticket.members.len(), ticket.dark().count());
    format!("{number:>8}  {opened:<20} {place:<28} {meters:>6} {heard:>6} {dark:>6}  {state}")
}

/// Writes the entry that an operator's command would have written. The DCU asks the meters when it starts.
fn clear(database: &Path, ticket: u64) -> Result<(), Failure> {
    // What is asked for is held against a copy first: a file that is no such database must not be touched. One that
    // somebody writes to is found out here as well.
    let outages = tickets(database)?;
    if !outages.open().contains_key(&ticket) {
        let why = match outages.closed().find(|(number, _)| *number == ticket) {
            Some((_, Ticket { ending: Some(how), .. })) => format!("it is closed already ({})", how.name()),
            _ => "there is no such ticket".to_owned(),
        };
        let open: Vec<String> = outages.open().keys().map(u64::to_string).collect();
        let open = if open.is_empty() { "None is open".to_owned() } else { format!("Open: {}", open.join(", ")) };
        return Err(Failure::Input(format!("--ticket {ticket}: {why}. {open}.")));
    }
    let (mut store, records) = open(database, database)?;
    let Some(last) = records.last() else { return Err(Failure::Input("the journal is empty".to_owned())) };
    #[allow(clippy::disallowed_methods)]
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let mut stamp = last.stamp;
    stamp.unix_ms = i64::try_from(now_ms).ok();
    let note = OutageNote::Closed { ticket, how: Ending::Cleared };
    let record = Record { number: last.number.saturating_add(1), stamp, entry: Entry::Outage(Box::new(note)) };
    let failed = |error: StoreError| Failure::Own(format!("{}: {error}", database.display()));
    store.append(0, &record, Urgency::Now).map_err(failed)?;
    store.commit(0).map_err(failed)?;
    show::say(&format!(
        "Ticket {ticket} is cleared (record {}). The DCU asks its meters when it starts: who is dark is told of anew.",
        record.number
    ))
}

/// As a copy of the database tells.
fn tickets(database: &Path) -> Result<Outages, Failure> {
    if database.is_dir() {
        return Err(Failure::Input(format!("{}: this is a folder. Name the `state.db` in it.", database.display())));
    }
    let copy = site::Copy::of(database)?;
    let (_, records) = open(&copy.database(), database)?;
    Ok(Outages::of_journal(&records))
}

/// The journal in `file`, which people call `said`.
fn open(file: &Path, said: &Path) -> Result<(Store, Vec<Record>), Failure> {
    let place = Place::File(file.display().to_string());
    let said = said.display();
    if !site::is_database(file) {
        return Err(Failure::Input(format!(
            "{said}: this is no database of a DCU. Name its `state.db`; the folder of a run has `outage_tickets.parquet`."
        )));
    }
    let opened = Store::open(&place, StoreConfig::new([0; 16]), None);
    let (store, mut recovery) = opened.map_err(|error| match error {
        StoreError::Disk(Trouble::Busy) => Failure::Input(format!(
            "{said}: a DCU has it open. Stop that DCU first; one that runs takes an operator's command itself."
        )),
        error => Failure::Input(format!("{said}: {error}")),
    })?;
    if let Some(why) = &recovery.set_aside_why {
        show::remark(&format!("{said} is damaged ({why}): what is whole in it is shown."));
    }
    Ok((store, recovery.take_records().collect()))
}
