//! `taa intake`: the hosted intake relay as a service, and orders to one that runs.

use std::path::Path;

use serde_json::Value;
use taa_intaked::{Order, ServeError, Service, Settings, order};

use crate::{Failure, args::IntakeCommand, show};

pub(crate) fn intake(what: &IntakeCommand) -> Result<(), Failure> {
    match what {
        IntakeCommand::Serve { settings } => serve(&load(settings)?),
        IntakeCommand::Check { settings } => check(&load(settings)?),
        IntakeCommand::Held { settings } => say(settings, &Order::Held),
        IntakeCommand::Unread { settings } => say(settings, &Order::Unread),
        IntakeCommand::Sites { settings } => say(settings, &Order::Sites),
        IntakeCommand::Resolve { settings, provider, key, site, account } => {
            let (provider, key) = (provider.clone(), key.clone());
            let (site, account) = (site.clone(), account.clone());
            say(settings, &Order::Resolve { provider, key, site, account })
        }
        IntakeCommand::HandBack { settings, provider, key } => {
            say(settings, &Order::HandBack { provider: provider.clone(), key: key.clone() })
        }
        IntakeCommand::Bind { settings, site, session } => {
            say(settings, &Order::Serve { site: site.clone(), session: *session })
        }
        IntakeCommand::Rebind { settings, site } => say(settings, &Order::Rebind { site: site.clone() }),
        IntakeCommand::Order { settings, json } => {
            let order = serde_json::from_str(json).map_err(|e| Failure::Input(format!("no order: {e}")))?;
            say(settings, &order)
        }
    }
}

fn load(path: &Path) -> Result<Settings, Failure> {
    Settings::load(path).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))
}

fn serve(settings: &Settings) -> Result<(), Failure> {
    let service = Service::start(settings.clone(), |line| show::remark(line)).map_err(failed)?;
    show::remark(&format!("callbacks and fetches: http://{}", service.addr()));
    show::remark(&format!("orders: http://{}/order", service.operator_addr()));
    let stop = service.stop();
    ctrlc::set_handler(move || stop.stop()).map_err(|e| Failure::Own(e.to_string()))?;
    service.wait().map_err(failed)
}

fn failed(error: ServeError) -> Failure {
    match error {
        ServeError::Listen(..) | ServeError::Journal(taa_intaked::JournalError::InUse) => {
            Failure::Input(error.to_string())
        }
        _ => Failure::Own(error.to_string()),
    }
}

fn check(settings: &Settings) -> Result<(), Failure> {
    let relay = &settings.relay;
    let mut lines = vec![
        format!("Callbacks and fetches  {}", settings.listen),
        format!("Orders                 {}", settings.operator_listen),
        format!("Journal                {}", settings.journal.display()),
    ];
    lines.extend(
        relay.sites.iter().map(|site| format!("Site                   {} in {}", site.id, site.money.currency)),
    );
    let of = [
        ("short codes", relay.shortcodes.len()),
        ("agents", relay.agents.len()),
        ("telephones", relay.phones.len()),
        ("texts", relay.templates.len()),
        ("clerks", relay.clerks.len()),
        ("statements", relay.statements.len()),
        ("meters", relay.meters.len()),
    ];
    let counts: Vec<_> = of.iter().map(|(what, count)| format!("{count} {what}")).collect();
    lines.push(format!("Beside them            {}", counts.join(", ")));
    if !settings.listen.ip().is_loopback() {
        lines.push("Warning: HTTP without TLS on an address that others reach".to_owned());
    }
    if !settings.operator_listen.ip().is_loopback() {
        lines.push("Warning: orders are taken on an address that others reach".to_owned());
    }
    if settings.queries.is_empty() {
        lines.push("Warning: no program asks providers: pushes without a callback stay undecided".to_owned());
    }
    show::say(&lines.join("\n"))
}

/// Gives an order to the relay that runs with these settings, and says its answer.
fn say(settings: &Path, what: &Order) -> Result<(), Failure> {
    let settings = load(settings)?;
    let to = settings.operator_listen;
    let (status, body) = order(to, &settings.operator_token, what)
        .map_err(|e| Failure::Own(format!("no relay answers at {to}: {e}")))?;
    let body = serde_json::from_str::<Value>(&body).map_or(body, |body| format!("{body:#}"));
    match status {
        200 => show::say(&body),
        422 => Err(Failure::Input(body)),
        _ => Err(Failure::Own(format!("the relay answers {status} {body}"))),
    }
}
