//! `taa intake`: the hosted intake relay as a service, and orders to one that runs.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;
use taa_intaked::{Order, ServeError, Service, Settings, order};

use crate::{Failure, show};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:
  taa intake check relay.toml && taa intake serve relay.toml
  taa intake held relay.toml
  taa intake resolve relay.toml daraja RKT5X1 --site jija --account JJ-7

Settings: dcu/intaked/relay.example.toml; orders: docs/payments.md.")]
pub(crate) enum IntakeCommand {
    /// Take callbacks, keep payments, hand them to the sites' DCUs, until Ctrl-C
    Serve {
        /// Its settings
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
    },
    /// Read the settings and the keys that they name, and say what they come to
    Check {
        /// Its settings
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
    },
    /// List money that waits for somebody to say whose it is
    Held {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
    },
    /// List callbacks that could be about money and could not be read
    Unread {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
    },
    /// List the sites: which machine is served, what waits for it
    Sites {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
    },
    /// Send held money to an account of a site
    Resolve {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
        /// daraja, mtn-momo, orange-money, agent, …
        provider: String,
        /// Any name of the payment
        key: String,
        /// The site
        #[arg(long)]
        site: String,
        /// The account there
        #[arg(long)]
        account: String,
    },
    /// Take held money off the list; move it back to whoever paid once this has succeeded
    HandBack {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
        /// daraja, mtn-momo, orange-money, agent, …
        provider: String,
        /// Any name of the payment
        key: String,
    },
    /// Of two machines with one identity, serve this one
    Bind {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
        /// The site
        site: String,
        /// The session that the event IdentityTwice named
        session: u64,
    },
    /// Serve whoever of the site asks next: its DCU was replaced
    Rebind {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
        /// The site
        site: String,
    },
    /// Give any order as JSON: codes that were printed, a payer who was asked to pay
    Order {
        /// Settings of the relay that runs
        #[arg(value_name = "RELAY.TOML")]
        settings: PathBuf,
        /// The order
        json: String,
    },
}

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
    let service = Service::start(settings, show::remark).map_err(|e| failed(&e))?;
    show::remark(&format!("callbacks and fetches: http://{}", service.addr()));
    show::remark(&format!("orders: http://{}/order", service.operator_addr()));
    let stop = service.stop();
    ctrlc::set_handler(move || stop.stop()).map_err(|e| Failure::Own(e.to_string()))?;
    service.wait().map_err(|e| failed(&e))
}

fn failed(error: &ServeError) -> Failure {
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
