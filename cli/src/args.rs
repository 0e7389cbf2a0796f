//! The command line: what can be said, with examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::intake::IntakeCommand;

/// taa runs a solar mini-grid village, its radio, towers, battery and people, around the production DCU code.
#[derive(Debug, Parser)]
#[command(
    name = "taa",
    version,
    after_help = "Start here:
  taa run scenarios/villages/jija --days 30 --compare
  taa new my-village --buildings footprints.geojson --weather tmy.csv
  taa check my-village

Exit codes: 0 done, 1 a service level or test failed, 2 bad input, 3 our own fault."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulate a village and write report.html, summary.json, Parquet tables and run.mcap
    Run(RunArgs),
    /// Check a scenario folder and say everything that is wrong with it
    Check(CheckArgs),
    /// Make a scenario folder from building footprints and a weather file
    New(NewArgs),
    /// Plan a village before it is built
    Plan {
        /// What to plan
        #[command(subcommand)]
        what: PlanCommand,
    },
    /// Test the claims of the source documents and write docs/claims.md
    Claims(ClaimsArgs),
    /// Check a ledger, export it, prove one of its entries
    Audit {
        /// What to do
        #[command(subcommand)]
        what: AuditCommand,
    },
    /// What the meters in the field are, and who has to act before a rollover
    Fleet {
        /// What to do
        #[command(subcommand)]
        what: FleetCommand,
    },
    /// Run the hosted intake relay, or give orders to one that runs
    Intake {
        /// What to do
        #[command(subcommand)]
        what: IntakeCommand,
    },
    /// Try out a meter's outage logic; read and clear the outage tickets of a DCU
    Outage {
        /// What to do
        #[command(subcommand)]
        what: OutageCommand,
    },
    /// How far a village's radio mesh reaches
    Mesh {
        /// What to do
        #[command(subcommand)]
        what: MeshCommand,
    },
    /// Print the JSON Schema of scenario.toml
    Schema,
    /// Render the report of an earlier run again
    Report(ReportArgs),
    /// Print a completion script for your shell
    #[command(after_help = "Example:
  taa completions bash > ~/.local/share/bash-completion/completions/taa")]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  Both architectures for a month, side by side:
    taa run scenarios/villages/jija --days 30 --compare
  The same with the tower out for two days:
    taa run scenarios/villages/jija --days 30 --compare --faults scenarios/faults/tower_out.toml
  One trait changed:
    taa run scenarios/villages/ipoloto --architecture cloud_sync --trait boot_relay=last
  Twenty draws of the same month: fans, intervals, ablation, sensitivity (some minutes):
    taa run scenarios/villages/jija --days 30 --compare --replications 20
  For a CI job:
    taa run my-village --days 7 --json --quiet --no-remedies | jq '.architectures.edge_local.service_availability'

Architectures: cloud_sync, cloud_cached, sts_keypad, edge_local.
Traits: credit_at=meter|dcu|cloud, on_link_loss=hold|open, boot_relay=last|open, keypad=true|false,
        backhaul=single_sim|dual_sim|vsat, local_vending=true|false.")]
pub(crate) struct RunArgs {
    /// Scenario folder (holds scenario.toml)
    pub(crate) scenario: PathBuf,
    /// Days to simulate (default: the scenario's)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = days)]
    pub(crate) days: Option<u32>,
    /// First day, local date (default: the scenario's)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) start: Option<String>,
    /// Seed that draws the whole world (default: the scenario's)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Simulate cloud_sync and edge_local and show the difference
    #[arg(long, conflicts_with = "architecture")]
    pub(crate) compare: bool,
    /// Architectures to simulate, separated by commas (default: the scenario's)
    #[arg(long, value_name = "NAME[,NAME…]", value_delimiter = ',')]
    pub(crate) architecture: Vec<String>,
    /// Change one trait of every architecture of this run; may be repeated
    #[arg(long = "trait", value_name = "K=V")]
    pub(crate) traits: Vec<String>,
    /// Scripted faults to add: a file as in scenarios/faults/
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Draws of the world: fans, intervals, ablation and sensitivity as well (1: none of these)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) replications: u32,
    /// Do not look for what to change first (saves some seconds)
    #[arg(long)]
    pub(crate) no_remedies: bool,
    /// Where the results go (default: runs/<village>-<seed>)
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Simulations at the same time (default: the number of cores)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Keep the site's ledger of every architecture in <out>/ledger (`taa audit verify` reads it)
    #[arg(long)]
    pub(crate) ledger: bool,
    /// Look at the mesh message by message, or frame by frame (default: the scenario's)
    #[arg(long, value_enum)]
    pub(crate) mesh: Option<Mesh>,
    /// Keep the mesh's frames as a capture for Wireshark (implies --mesh frame; of several architectures, one file each)
    #[arg(long, value_name = "FILE.pcapng")]
    pub(crate) capture: Option<PathBuf>,
    /// How much run.mcap holds
    #[arg(long, value_enum, default_value_t = Record::Full)]
    pub(crate) record: Record,
    /// Print summary.json on standard output instead of the table
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress bar, no table
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// How closely the mesh is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mesh {
    /// One event per delivered message
    Message,
    /// Every frame, collisions included
    Frame,
}

/// How much run.mcap holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Record {
    /// No run.mcap
    Off,
    /// Components, plant, KPIs
    Summary,
    /// Every event as well, up to a size limit
    Full,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MeshCommand {
    /// At which range, root position and share of meters indoors the mesh no longer reaches, and what gives way first
    #[command(after_help = "Examples:
  taa mesh reach scenarios/villages/ipoloto
  taa mesh reach my-village --draws 20 --json | jq '.rows[].limit'

Range: the distance at which two meters on poles just have a link; transmit power is set to meet it.
A cell says the most hops of any meter, and the share of meters that are cut off or beyond the hop limit.")]
    Reach {
        /// Scenario folder
        scenario: PathBuf,
        /// Draws of the shadows
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        draws: u32,
        /// Ranges in metres, separated by commas
        #[arg(long, value_name = "M[,M…]", value_delimiter = ',', value_parser = range_m)]
        ranges: Vec<f64>,
        /// Draws at the same time (default: the number of cores)
        #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
        threads: Option<usize>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The mesh of a finished run, or of a village run for a day: hops, who is cut off and why, links, airtime
    Show(MeshShowArgs),
    /// The mesh beside G3-PLC on the village's own lines and a LoRaWAN star from its mast: who is reached, how fast, at
    /// what load, and what breaks with what
    Media(MeshMediaArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  taa mesh media scenarios/villages/ipoloto
  taa mesh media my-village --per-hour 4 --draws 20 --json | jq '.rows[] | {medium, reached}'

All three at their best: settled, everything alive, nobody joining. Upper bounds, to be set side by side.")]
pub(crate) struct MeshMediaArgs {
    /// Scenario folder
    pub(crate) scenario: PathBuf,
    /// Draws of the air
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) draws: u32,
    /// Readings that a meter sends an hour
    #[arg(long, value_name = "N", default_value_t = 1.0, allow_negative_numbers = true, value_parser = per_hour)]
    pub(crate) per_hour: f64,
    /// Octets of a reading
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) octets: u32,
    /// Media and draws at the same time (default: the number of cores)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  The mesh of a run, and a page with its tree replayed:
    taa mesh show runs/jija-1 --html mesh.html
  A village for two days, frame by frame:
    taa mesh show scenarios/villages/jija --days 2 --mesh frame")]
pub(crate) struct MeshShowArgs {
    /// Folder of a run (holds report-data.json) or of a scenario (holds scenario.toml)
    pub(crate) folder: PathBuf,
    /// Write a page about the mesh alone, with the tree replayed
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// A scenario: how long it is run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// A scenario: how closely the mesh is looked at (default: as it says)
    #[arg(long, value_enum, value_name = "FIDELITY")]
    pub(crate) mesh: Option<Mesh>,
    /// A scenario: seed (default: as it says)
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// A scenario: fault file in place of its own
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  taa check scenarios/villages/jija")]
pub(crate) struct CheckArgs {
    /// Scenario folder
    pub(crate) scenario: PathBuf,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  From OpenStreetMap footprints and a PVGIS typical year:
    taa new my-village --buildings footprints.geojson --weather tmy_-2.850_33.612.csv
  The 200 buildings nearest to the centre of load:
    taa new my-village --buildings village.kml --weather site.epw --connections 200 --name 'Jija kaskazini'

Buildings: GeoJSON (polygons or points), KML, or CSV with latitude and longitude columns.
Weather: PVGIS TMY CSV, PVWatts hourly CSV, EPW, or an hourly GHI series.")]
pub(crate) struct NewArgs {
    /// Folder to make; it must not exist yet
    pub(crate) dir: PathBuf,
    /// Building footprints
    #[arg(long, value_name = "FILE")]
    pub(crate) buildings: PathBuf,
    /// Weather file as downloaded
    #[arg(long, value_name = "FILE")]
    pub(crate) weather: PathBuf,
    /// How many buildings to connect (default: a share of them)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) connections: Option<u32>,
    /// The village's name (default: the folder's)
    #[arg(long, value_name = "S")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  taa report runs/jija-1")]
pub(crate) struct ReportArgs {
    /// Folder that a run has left
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  All claims on the first 200 connections of Jija, as docs/claims.md has them (over an hour on two cores):
    taa claims --out docs
  A look with few draws (a minute or two; verdicts are not to be trusted):
    taa claims --quick --out runs/claims

Writes claims.md and claims.json when all is done; Ctrl-C leaves what was there before.")]
pub(crate) struct ClaimsArgs {
    /// Folder that gets claims.md and claims.json
    #[arg(long, value_name = "DIR", default_value = "docs")]
    pub(crate) out: PathBuf,
    /// Village of at least 200 connections
    #[arg(long, value_name = "DIR", default_value = "scenarios/villages/jija")]
    pub(crate) village: PathBuf,
    /// Few draws, short years
    #[arg(long)]
    pub(crate) quick: bool,
    /// Simulations at the same time (default: the number of cores)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// No progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Place the data concentrator and the fewest relays so that every meter has two disjoint ways
    Mesh(PlanMeshArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  A table and a map, nothing changed:
    taa plan mesh scenarios/villages/jija
  The concentrator stays where it is; ten decibels to spare; into village.geojson:
    taa plan mesh my-village --keep-dcu --margin-db 10 --write
  Over ten draws of the air, for a program:
    taa plan mesh my-village --draws 10 --json | jq '.relays | length'

Exit codes: 0 every meter is served, 1 some cannot be served, 2 bad input.")]
pub(crate) struct PlanMeshArgs {
    /// Scenario folder (holds scenario.toml)
    pub(crate) village: PathBuf,
    /// Write the plan into the scenario's village.geojson; the old file is kept beside it
    #[arg(long)]
    pub(crate) write: bool,
    /// What every link must have to spare, dB
    #[arg(long, value_name = "DB", default_value_t = 6.0, allow_negative_numbers = true, value_parser = margin_db)]
    pub(crate) margin_db: f64,
    /// Ways to the concentrator that share no meter and no relay
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) paths: u8,
    /// Most hops of each way (default: the scenario's hop limit)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=255))]
    pub(crate) hops: Option<u16>,
    /// Draws of the air in each of which the plan must hold: first that of `taa run`, then others
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) draws: u32,
    /// Seed of the draws (default: the scenario's)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Height of a relay's antenna over ground, metres
    #[arg(long, value_name = "M", default_value_t = 6.0, allow_negative_numbers = true, value_parser = height_m)]
    pub(crate) relay_height_m: f64,
    /// The concentrator stays where it is
    #[arg(long)]
    pub(crate) keep_dcu: bool,
    /// No masts beside the poles, even where poles do not do
    #[arg(long)]
    pub(crate) poles_only: bool,
    /// Where the map goes (default: runs/<village>-mesh-plan)
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the plan as JSON instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// A folder with a ledger's files, and the key that must have signed them.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// Folder with the file `checkpoint` in it
    pub(crate) folder: PathBuf,
    /// The log's public key, or a file with it (default: the file `verifier` in the folder, which proves less)
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) key: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that nothing in a ledger was altered, added, left out or rolled back, and sum it up
    #[command(after_help = "Examples:
  A village's ledger, as a regulator checks it:
    taa run scenarios/villages/jija --days 30 --architecture edge_local --ledger --out runs/jija
    taa audit verify runs/jija/ledger/edge_local
  Against a checkpoint that was kept elsewhere, sums of March alone:
    taa audit verify LEDGER --key site.pub --checkpoint kept/checkpoint --from 2026-03-01 --to 2026-04-01
  An export on its own:
    taa audit verify entries-000000000-000000500.jsonl --key site.pub

Exit codes: 0 sound, 1 not sound, 2 nothing to check.")]
    Verify {
        /// The ledger, or an export of it (*.jsonl)
        #[command(flatten)]
        ledger: LedgerArgs,
        /// A signed checkpoint that somebody has kept; may be repeated
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Sum up entries from this day on (UTC); all are checked
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day_ms)]
        from: Option<i64>,
        /// Sum up entries before this day (UTC)
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day_ms)]
        to: Option<i64>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write entries as JSON lines that prove themselves, as a table, or as appends to an event store
    #[command(after_help = "Examples:
  Of the files of a ledger:
    taa audit export runs/jija/ledger/edge_local --out for-the-regulator --format csv
  Of the database of a DCU that stands still, against the checkpoint that the cloud has kept:
    taa audit export /var/lib/dcu/state.db --checkpoint kept/checkpoint --out for-the-regulator")]
    Export {
        /// The ledger, or a DCU's own database (which is copied and not touched)
        #[command(flatten)]
        ledger: LedgerArgs,
        /// Folder that gets the files
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// In which form
        #[arg(long, value_enum, default_value_t = ExportFormat::Lines)]
        format: ExportFormat,
        /// First entry
        #[arg(long, value_name = "N", default_value_t = 0)]
        first: u64,
        /// Entry after the last one (default: all)
        #[arg(long, value_name = "N")]
        end: Option<u64>,
        /// Of a database: a signed checkpoint that somebody has kept (default: the newest one in it)
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Prove that one entry is in the ledger: a text for the customer to keep
    #[command(after_help = "Examples:
  By the provider's transaction:
    taa audit receipt runs/jija/ledger/edge_local --reference P000017 > P000017.tlog-proof
  Check one that was kept:
    taa audit receipt runs/jija/ledger/edge_local --check P000017.tlog-proof --entry-file P000017.json")]
    Receipt {
        /// The ledger
        #[command(flatten)]
        ledger: LedgerArgs,
        /// The entry with this reference (a provider's transaction, a token)
        #[arg(long, value_name = "S", required_unless_present_any = ["entry", "check"])]
        reference: Option<String>,
        /// The entry at this place
        #[arg(long, value_name = "N", conflicts_with = "reference")]
        entry: Option<u64>,
        /// Check this receipt instead of making one; the folder is asked for the key alone
        #[arg(long, value_name = "FILE", requires = "entry_file", conflicts_with_all = ["reference", "entry"])]
        check: Option<PathBuf>,
        /// The entry that the receipt is for: written beside a new one, read with --check
        #[arg(long, value_name = "FILE")]
        entry_file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutageCommand {
    /// Let one meter of a village send its gasp as a test: through its bytes, the mesh and the DCU's judgement, while the
    /// customer's supply stays as it is
    #[command(after_help = "Example:
  taa outage simulate --id customer-17 scenarios/villages/jija

Exit codes: 0 the packet arrived, 1 it did not, 2 no such meter or village.")]
    Simulate {
        /// The meter: its own id, the customer's or the building's
        #[arg(long, value_name = "METER")]
        id: String,
        /// Scenario folder
        #[arg(default_value = ".")]
        scenario: PathBuf,
    },
    /// Show the outage tickets in the database of a DCU
    List {
        /// The database (which is copied and not touched)
        #[arg(value_name = "STATE_DB")]
        database: PathBuf,
    },
    /// Close a ticket as a false alarm, in the database of a DCU that stands still
    #[command(after_help = "Example:
  taa outage list /var/lib/dcu/state.db
  taa outage clear /var/lib/dcu/state.db --ticket 4711")]
    Clear {
        /// The database
        #[arg(value_name = "STATE_DB")]
        database: PathBuf,
        /// Number of the ticket
        #[arg(long, value_name = "N")]
        ticket: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// Keypads, supply groups and keys, local vending: who has to act before when
    #[command(after_help = "Examples:
  As a table, on the day before the rollover of 2024:
    taa fleet audit scenarios/fleets/mixed.toml --at 2024-11-23
  For a spreadsheet, keys that end within ten years:
    taa fleet audit fleet.toml --horizon-days 3650 --format csv
  What the site itself knows: keys that were changed, tokens that nobody has seen entered:
    taa fleet audit /media/dcu/state.db --fleet fleet.toml

Exit codes: 0 done, 1 some meters refuse the tokens of that day, 2 bad input.")]
    Audit {
        /// A fleet.toml, a scenario folder (with a fleet.toml in it), or a DCU's own state.db
        fleet: PathBuf,
        /// With a state.db: the fleet.toml that says what a journal does not (account numbers, keypads, gateways)
        #[arg(long = "fleet", value_name = "FLEET_TOML")]
        beside: Option<PathBuf>,
        /// Judge as of this day, UTC (default: today)
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day_ms)]
        at: Option<i64>,
        /// Keys that end within so many days are to be changed
        #[arg(long, value_name = "N", default_value_t = 730)]
        horizon_days: u32,
        /// In which form
        #[arg(long, value_enum, default_value_t = FleetFormat::Table)]
        format: FleetFormat,
    },
}

/// In which form a fleet is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FleetFormat {
    /// Three sections and a table
    Table,
    /// A row per meter
    Csv,
    /// The same for programs
    Json,
}

/// In which form entries are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// JSON lines with hashes and a proof
    Lines,
    /// A table for spreadsheets
    Csv,
    /// Bodies of appends to KurrentDB, with the expected revision in the name
    Events,
}

/// Midnight UTC of a date, Unix milliseconds.
fn day_ms(text: &str) -> Result<i64, String> {
    let wrong = || "allowed: a date such as 2026-03-01".to_owned();
    let parts: Vec<i64> = text.split('-').map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let [year, month, day] = parts[..] else { return Err(wrong()) };
    if text.len() != 10 || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return Err(wrong());
    }
    // Days before this year, this month, this day; leap days of all years before.
    let leaps = |y: i64| y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    let before = 365 * (year - 1970) + leaps(year - 1) - leaps(1969);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    Ok((before + months + day - 1) * 86_400_000)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn margin_db(text: &str) -> Result<f64, String> {
    within(text, 0.0, 60.0, "dB")
}

fn height_m(text: &str) -> Result<f64, String> {
    within(text, 0.5, 100.0, "metres")
}

fn within(text: &str, least: f64, most: f64, unit: &str) -> Result<f64, String> {
    let fits = text.parse().ok().filter(|value| (least..=most).contains(value));
    fits.ok_or_else(|| format!("allowed: {least} to {most} {unit}"))
}

fn days(text: &str) -> Result<u32, String> {
    let allowed = 1..=taa_scenarios::schema::DAYS_MAX;
    let fits = text.parse().ok().filter(|days| allowed.contains(days));
    fits.ok_or_else(|| format!("allowed: whole numbers from 1 to {} (ten years)", allowed.end()))
}

fn range_m(text: &str) -> Result<f64, String> {
    let fits = text.parse().ok().filter(|range_m| (5.0..=20_000.0).contains(range_m));
    fits.ok_or_else(|| "allowed: 5 to 20000 metres".to_owned())
}

fn per_hour(text: &str) -> Result<f64, String> {
    let fits = text.parse().ok().filter(|per_hour| (0.01..=3600.0).contains(per_hour));
    fits.ok_or_else(|| "allowed: 0.01 to 3600 readings an hour".to_owned())
}

fn threads(text: &str) -> Result<usize, String> {
    let fits = text.parse().ok().filter(|&threads| threads > 0);
    fits.ok_or_else(|| "allowed: whole numbers from 1 on; left out: one per core".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_midnights_in_utc() {
        assert_eq!(day_ms("1970-01-01"), Ok(0));
        assert_eq!(day_ms("2000-03-01"), Ok(951_868_800_000));
        assert_eq!(day_ms("2026-03-01"), Ok(1_772_323_200_000));
        for wrong in ["2026-02-29", "2026-3-1", "tomorrow", "2026-13-01", "", "2026-01-01-1"] {
            assert!(day_ms(wrong).is_err(), "{wrong}");
        }
    }
}
