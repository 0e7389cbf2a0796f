//! `taa outage`: one meter's logic tried out; the tickets of a DCU shown and cleared.

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use taa_dcu::{
    journal::{Entry, Record, Urgency},
    outage::{Ending, OutageNote, Outages, Place as Fault, Ticket},
};
use taa_scenarios::{Overrides, model::Scenario};
use taa_sim::drill::{Drill, outage_drill};
use taa_store::{Place, Store, StoreConfig};

use crate::{Failure, args::OutageCommand, show, site};

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
    format!(
        "{who}, fed by {}\n  sent {frames} frame(s); {way}\n  tickets opened: {tickets}\n  supply as before: line {line}, relay {relay}",
        drill.fed_by.join(" ← ")
    )
}

fn customer(scenario: &Scenario, id: &str) -> Result<u32, Failure> {
    let village = &scenario.village;
    let mut all = (0_u32..).zip(&village.customers);
    let building = |at: u32| village.buildings.get(at as usize).map(|building| building.id.as_str());
    let found = all.find(|(_, one)| one.meter_id == id || one.id == id || building(one.building) == Some(id));
    found.map(|(customer, _)| customer).ok_or_else(|| {
        let some: Vec<&str> = village.customers.iter().take(5).map(|one| one.meter_id.as_str()).collect();
        Failure::Input(format!("--id {id}: no such meter. There are {}, …", some.join(", ")))
    })
}

fn list(database: &Path) -> Result<(), Failure> {
    let copy = site::Copy::of(database)?;
    let (_, records) = open(&copy.database(), database)?;
    let outages = Outages::of_journal(&records);
    let mut lines = vec![format!("{:>8}  {:<22} {:>6} {:>6}  state", "ticket", "place", "meters", "dark")];
    let closed = outages.closed();
    let open = outages.open().iter().map(|(number, ticket)| (*number, ticket));
    lines.extend(closed.chain(open).map(|(number, ticket)| line(number, ticket)));
    show::say(&lines.join("\n"))
}

fn line(number: u64, ticket: &Ticket) -> String {
    let place = match &ticket.place {
        Fault::Device(id) => id.clone(),
        Fault::Service(meter) => format!("service of meter {}", meter.0),
        Fault::Unknown(why) => format!("unknown: {why:?}"),
        Fault::Span(line) => format!("{line} (all wires)"),
    };
    let state = ticket.ending.map_or_else(|| "open".to_owned(), |how| format!("{how:?}").to_lowercase());
    format!("{number:>8}  {place:<22} {:>6} {:>6}  {state}", ticket.members.len(), ticket.dark().count())
}

/// Writes the entry that an operator's command would have written. The DCU asks the meters when it starts.
fn clear(database: &Path, ticket: u64) -> Result<(), Failure> {
    // A database that somebody writes to is found out here.
    drop(site::Copy::of(database)?);
    let (mut store, records) = open(database, database)?;
    let outages = Outages::of_journal(&records);
    if !outages.open().contains_key(&ticket) {
        let open: Vec<String> = outages.open().keys().map(u64::to_string).collect();
        let open = if open.is_empty() { "none is open".to_owned() } else { format!("open: {}", open.join(", ")) };
        return Err(Failure::Input(format!("--ticket {ticket}: no such open ticket; {open}")));
    }
    let Some(last) = records.last() else { return Err(Failure::Input("the journal is empty".to_owned())) };
    #[allow(clippy::disallowed_methods)]
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let mut stamp = last.stamp;
    stamp.unix_ms = i64::try_from(now_ms).ok();
    let note = OutageNote::Closed { ticket, how: Ending::Cleared };
    let record = Record { number: last.number.saturating_add(1), stamp, entry: Entry::Outage(Box::new(note)) };
    let failed = |error: taa_store::StoreError| Failure::Own(format!("{}: {error}", database.display()));
    store.append(0, &record, Urgency::Now).map_err(failed)?;
    store.commit(0).map_err(failed)?;
    show::say(&format!("Ticket {ticket} is cleared (record {}).", record.number))
}

fn open(file: &Path, said: &Path) -> Result<(Store, Vec<Record>), Failure> {
    let place = Place::File(file.display().to_string());
    let opened = Store::open(&place, StoreConfig::new([0; 16]), None);
    let (store, mut recovery) = opened.map_err(|error| Failure::Input(format!("{}: {error}", said.display())))?;
    Ok((store, recovery.take_records().collect()))
}
