//! The tables, one struct of columns each.

use super::{Dodag, MeshAir, MeshSums, OutageSums};
use crate::cause::{Chain, DownClass};

macro_rules! table {
    ($(#[$doc:meta])* $table:ident / $row:ident { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $table { $( $(#[$fdoc])* pub $field: Vec<$ty>, )* }

        /// One row of the table of the same name.
        #[derive(Clone, Debug, PartialEq)]
        pub struct $row { $( $(#[$fdoc])* pub $field: $ty, )* }

        impl $table {
            /// Appends a row.
            pub fn push(&mut self, row: $row) { $( self.$field.push(row.$field); )* }
            /// Rows held.
            #[must_use]
            pub fn len(&self) -> usize { let lens = [$( self.$field.len() ),*]; lens[0] }
            /// No row yet.
            #[must_use]
            pub fn is_empty(&self) -> bool { self.len() == 0 }
            /// The rows, cloned one by one.
            pub fn rows(&self) -> impl Iterator<Item = $row> + '_ {
                (0..self.len()).map(move |i| $row { $( $field: self.$field[i].clone(), )* })
            }
        }
    };
}
pub(super) use table;

table! {
    /// Intervals of lost hours: never overlapping per customer; a change of class or chain starts a new row.
    Downtime / DowntimeRow {
        /// Customer index.
        customer: u32,
        /// Class.
        class: DownClass,
        /// How it came about, nearest cause first.
        chain: Chain,
        /// Start, ms of the run.
        start_ms: u64,
        /// End, ms of the run.
        end_ms: u64,
        /// Rows of one unbroken darkness share this number (per architecture).
        outage: u32,
        /// The darkness was still going on when the run ended.
        open_end: bool,
    }
}

/// How money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PayChannel {
    /// Mobile money on the customer's phone.
    Phone = 0,
    /// Cash to the agent in the village.
    Agent = 1,
}

/// How a number for the keypad comes to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TokenBy {
    /// No number: credit goes to an account or over the mesh.
    None = 0,
    /// By text message.
    Text = 1,
    /// Printed by the agent, where the DCU vends.
    Paper = 2,
    /// On paper printed beforehand, from the agent's stock.
    Stock = 3,
}

impl TokenBy {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Text => "text",
            Self::Paper => "paper",
            Self::Stock => "stock",
        }
    }
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PayOutcome {
    /// Effective at the meter.
    Applied = 0,
    /// Accepted, not yet effective when the run ended.
    Pending = 1,
    /// Never accepted: no path to pay, given up or still trying at the end.
    Blocked = 2,
}

table! {
    /// Payments: one row each, by time of the first attempt.
    Payments / PaymentRow {
        /// Customer index.
        customer: u32,
        /// First attempt, ms of the run.
        wanted_ms: u64,
        /// Accepted by provider or agent, ms of the run.
        accepted_ms: Option<u64>,
        /// First word of it at an aggregator, ms of the run.
        at_aggregator_ms: Option<u64>,
        /// First word of it at the operator's intake relay, ms of the run.
        at_intake_ms: Option<u64>,
        /// First word of it at whoever vends or passes it on to the DCU: cloud, or a DCU that vends, ms of the run.
        at_vendor_ms: Option<u64>,
        /// In the deciding account, or vended as a number for a keypad, ms of the run.
        credited_ms: Option<u64>,
        /// The number for the keypad is in somebody's hand, ms of the run.
        in_hand_ms: Option<u64>,
        /// Effective at the meter, ms of the run.
        applied_ms: Option<u64>,
        /// Amount in minor units.
        amount_minor: i64,
        /// Balance when the customer decided to pay, minor units; below zero where that is served.
        balance_before_minor: i64,
        /// Way.
        channel: PayChannel,
        /// How the number for the keypad came.
        token_by: TokenBy,
        /// Outcome.
        outcome: PayOutcome,
        /// Attempts it took, USSD sessions that broke off included (1 = at once).
        attempts: u32,
        /// Copies of its callback that reached the vendor: more than 1 were doubled, and credited once.
        callbacks: u32,
        /// Text messages sent with its number.
        texts: u32,
        /// Entries at the keypad, wrong ones included.
        entries: u32,
        /// What held it longest, when it was held.
        held_by: Chain,
    }
}

table! {
    /// The plant, sampled every quarter of an hour: means over the quarter, state at its end.
    Plant / PlantRow {
        /// End of the quarter, ms of the run.
        time_ms: u64,
        /// Global horizontal irradiance, W/m².
        ghi_w_per_m2: f32,
        /// PV power at the array's best point, W.
        pv_available_w: f32,
        /// PV power used, W.
        pv_used_w: f32,
        /// Load served, W.
        load_w: f32,
        /// Load that was wanted (as if nobody were dark), W.
        wanted_w: f32,
        /// Battery state of charge, 0–1.
        battery_soc: f32,
        /// Share of the quarter in which the inverter fed the feeders, 0–1.
        supply_on: f32,
    }
}

/// A thing outside the meters that is up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Component {
    /// The first operator's tower.
    TowerA = 0,
    /// The second operator's tower.
    TowerB = 1,
    /// The site's bearer and router.
    Bearer = 2,
    /// The link from site to cloud, all together.
    Backhaul = 3,
    /// The mobile-money provider.
    Provider = 4,
    /// The operator's cloud.
    Cloud = 5,
    /// Supply to all feeders.
    Supply = 6,
    /// The data concentrator.
    Dcu = 7,
    /// The cash agent.
    Agent = 8,
    /// The aggregators between provider and operator: any of them.
    Aggregator = 9,
    /// The operator's hosted intake relay.
    Intake = 10,
}

impl Component {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TowerA => "tower_a",
            Self::TowerB => "tower_b",
            Self::Bearer => "bearer",
            Self::Backhaul => "backhaul",
            Self::Provider => "provider",
            Self::Cloud => "cloud",
            Self::Supply => "supply",
            Self::Dcu => "dcu",
            Self::Agent => "agent",
            Self::Aggregator => "aggregator",
            Self::Intake => "intake",
        }
    }
}

table! {
    /// Intervals in which a component was down.
    Outages / OutageRow {
        /// What.
        component: Component,
        /// Start, ms of the run.
        start_ms: u64,
        /// End, ms of the run (the run's end where still down).
        end_ms: u64,
        /// Why.
        chain: Chain,
    }
}

table! {
    /// What the DCU took for outages: one row a ticket, in the order in which they were opened.
    OutageTickets / OutageTicketRow {
        /// Number of the record that opened it.
        ticket: u64,
        /// Opened, ms of the run.
        opened_ms: u64,
        /// Closed, ms of the run.
        closed_ms: Option<u64>,
        /// What has failed: a device of the network, a customer, or why it is not known; where it was found last.
        place: String,
        /// How sure, per mille.
        confidence_pm: u16,
        /// On what ground it was opened: `gasps`, `feeder`, `silence`.
        ground: &'static str,
        /// Meters that were taken for dark.
        members: u32,
        /// Of these, heard to say so.
        heard: u32,
        /// Seen to be lit again.
        restored: u32,
        /// Found never to have been dark.
        withdrawn: u32,
        /// How it ended: `restored`, `cleared`, `withdrawn`, `merged`; `open` at the end of the run.
        ending: &'static str,
    }
}

table! {
    /// Telemetry by hour: readings that were due, that reached the DCU, that reached the cloud (ever).
    Telemetry / TelemetryRow {
        /// End of the hour, ms of the run.
        time_ms: u64,
        /// Readings due.
        due: u32,
        /// Held by the DCU by the end of the run.
        at_dcu: u32,
        /// Acknowledged by the cloud by the end of the run.
        at_cloud: u32,
    }
}

/// How far an image has come in one meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ImageStep {
    /// Blocks have arrived.
    Transferring = 0,
    /// The meter runs it.
    Activated = 1,
    /// The DCU has given it up.
    Failed = 2,
}

impl ImageStep {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transferring => "transferring",
            Self::Activated => "activated",
            Self::Failed => "failed",
        }
    }
}

table! {
    /// Firmware updates, as the DCU tells of them: in coarse steps while blocks go, and the end.
    Images / ImageRow {
        /// When, ms of the run.
        time_ms: u64,
        /// Customer index.
        customer: u32,
        /// How far.
        step: ImageStep,
        /// Blocks in the meter; 0 at the end.
        blocks_done: u32,
        /// All blocks; 0 at the end.
        blocks: u32,
    }
}

table! {
    /// Failures of hardware and their repairs, one row each, by time of failure. Steps that had not come when the run
    /// ended are empty; each step lies at or after the one to its left. With two trips the steps from `dispatched_ms` to
    /// `arrived_ms` are the last trip's, and `returned_ms` ends the first.
    Repairs / RepairRow {
        /// What failed, a short stable word such as `inverter`.
        asset: &'static str,
        /// Scenario id of what it is or belongs to.
        id: String,
        /// Why it failed; empty: its own wear.
        cause: Chain,
        /// Failed, ms of the run.
        failed_ms: u64,
        /// The operator knew, ms of the run.
        noticed_ms: Option<u64>,
        /// By what: `telemetry`, `telemetry_gap`, `caretaker`, `call`, `crew_on_site`; empty while nobody does.
        noticed_by: &'static str,
        /// The operator could see the site at that moment.
        site_seen: bool,
        /// What to do was thought to be known, ms of the run.
        diagnosed_ms: Option<u64>,
        /// A first trip with the wrong part was over, ms of the run.
        returned_ms: Option<u64>,
        /// A crew was free and together, ms of the run.
        dispatched_ms: Option<u64>,
        /// Where the part was: `not_needed`, `on_site`, `in_depot`, `ordered`.
        spares: &'static str,
        /// The part was in hand, ms of the run.
        spares_ms: Option<u64>,
        /// The crew left (working hours, road, security), ms of the run.
        left_ms: Option<u64>,
        /// The crew arrived, ms of the run.
        arrived_ms: Option<u64>,
        /// It worked again, ms of the run.
        mended_ms: Option<u64>,
        /// By whom: `crew`, `caretaker`, `remote`, `itself`; empty while nobody has begun.
        mended_by: &'static str,
        /// Trips of a crew.
        trips: u32,
    }
}

table! {
    /// Totals per customer.
    Customers / CustomerRow {
        /// Scenario id.
        id: String,
        /// Class name as in the scenario.
        class: String,
        /// Customer index.
        customer: u32,
        /// Energy served, Wh.
        served_wh: f64,
        /// Energy wanted while dark and entitled, stuck or blocked, Wh.
        unserved_wh: f64,
        /// Part of it that was used later, when the light was back, Wh.
        deferred_wh: f64,
        /// Part of `deferred_wh` that was missed during `supply_down`, Wh.
        deferred_supply_wh: f64,
        /// Energy served beyond the balance, Wh.
        unbilled_wh: f64,
        /// Part of what was served that was still not paid for at the end, Wh.
        unpaid_wh: f64,
        /// Money accepted, minor units.
        paid_minor: i64,
        /// Lost time `supply_down`, ms.
        supply_down_ms: u64,
        /// Lost time `credit_stuck`, ms.
        credit_stuck_ms: u64,
        /// Lost time `payment_blocked`, ms.
        payment_blocked_ms: u64,
        /// Dark by choice or for want of money (not downtime), ms.
        zero_credit_ms: u64,
        /// Dark by the meter, with light taken past it (neither downtime nor light that the operator gives), ms.
        bypassed_ms: u64,
        /// Longest unbroken darkness of the three classes, ms.
        longest_ms: u64,
        /// Unbroken darknesses longer than five minutes that began with `supply_down`.
        interruptions: u32,
        /// Hops to the DCU at the start (0: no route).
        hops: u32,
        /// Expected transmissions along the route at the start.
        path_etx: f32,
        /// Left the operator, ms of the run.
        churned_ms: Option<u64>,
        /// Calls to the operator that went through.
        calls: u32,
        /// Energy taken past the meter, Wh.
        stolen_wh: f64,
        /// Trust in the operator at the end of the run (or when they left), 0–1.
        trust_end: f64,
        /// Time without credit because lost trust keeps the customer from paying, ms.
        paused_ms: u64,
    }
}

table! {
    /// Radio links of the mesh at the start: those used by routes, and the best alternatives.
    Links / LinkRow {
        /// From node: customers first, then relays; the DCU is `u32::MAX`.
        from: u32,
        /// To node, likewise.
        to: u32,
        /// Received power, dBm (mean, with shadowing).
        rssi_dbm: f32,
        /// Packet error rate of one frame, 0–1.
        per: f32,
        /// Expected transmissions.
        etx: f32,
        /// Used by the shortest-ETX tree at the start.
        in_tree: bool,
    }
}

table! {
    /// What happened, for timelines and the MCAP file.
    Log / LogRow {
        /// When, ms of the run.
        time_ms: u64,
        /// Kind, a short stable word such as `tower_down`.
        kind: &'static str,
        /// What it concerns: a scenario id, or empty.
        subject: String,
        /// In words.
        text: String,
    }
}

/// Money at the end of the run, minor units, told by those who hold it: what people paid, what the vendor's Book has
/// taken in, what the meters have loaded. `accepted = vendor + in_flight`; with keypads
/// `meters = applied` but for what is still due ([`TokenBooks`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Accepted by provider or agent.
    pub accepted_minor: i64,
    /// Of that, what the vendor's Book has not heard of, and what is not on hold at the relay.
    pub in_flight_minor: i64,
    /// Of that, what the hosted relay holds: no site has such an account, or it counts in another currency.
    pub held_minor: i64,
    /// Of that, what was handed back out of suspense, by the vendor's Book or by the relay.
    pub handed_back_minor: i64,
    /// Of that, what the vendor's Book has handed back.
    pub refunded_minor: i64,
    /// What the vendor has told of, by receipt or as put in suspense, and its Book has not: a disk has lied.
    pub in_doubt_minor: i64,
    /// Of that, what lay in suspense.
    pub suspense_in_doubt_minor: i64,
    /// On accounts, and nobody has a receipt for it: the site lost its word, and the relay has not heard of it.
    pub untold_minor: i64,
    /// How often all money was counted during the run, where a test asked for it.
    pub audits: u64,
    /// Of that, what lies in suspense: the vendor's Book knows no such account.
    pub suspended_minor: i64,
    /// What the vendor's Book (cloud's or DCU's) has received.
    pub vendor_minor: i64,
    /// Payments that have had their effect.
    pub applied_minor: i64,
    /// Loaded into the meters beyond their opening credit (0 where credit is kept elsewhere).
    pub meters_minor: i64,
    /// Repeats that a Book has recognised and not credited.
    pub duplicates: u32,
    /// Where meters have keypads.
    pub tokens: TokenBooks,
    /// Kits that are paid by the day, where the site sells to them; their money is in the sums above.
    pub kits: KitBooks,
}

table! {
    /// Kits that are paid by the day with OpenPAYGO tokens, at the end of the run: `sold = added + waiting`, in days.
    Kits / KitRow {
        /// Customer index of its owner.
        customer: u32,
        /// It reports over its owner's phone and gets its tokens that way too.
        linked: bool,
        /// Paid by its owner, minor units.
        paid_minor: i64,
        /// Of that, what the site has not credited yet.
        open_minor: i64,
        /// Days in tokens that were issued.
        sold_days: u32,
        /// Days that it has taken.
        added_days: u32,
        /// Days in tokens that it has not taken yet.
        waiting_days: u32,
        /// Texts with tokens that never came.
        texts_lost: u32,
        /// Tokens that it refused, and reports that the site refused.
        refused: u32,
        /// Time in which it was off, ms.
        off_ms: u64,
        /// Its count is the site's, or a token is still to be typed.
        in_step: bool,
    }
}

/// The sums over [`Kits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KitBooks {
    /// How many.
    pub kits: u32,
    /// Paid by their owners.
    pub paid_minor: i64,
    /// Of that, what the site has not credited yet.
    pub open_minor: i64,
    /// Days in tokens that were issued.
    pub sold_days: u32,
    /// Days that kits have taken.
    pub added_days: u32,
    /// Days in tokens that no kit has taken yet.
    pub waiting_days: u32,
    /// Texts with tokens that never came.
    pub texts_lost: u32,
    /// Tokens that kits, and reports that the site refused.
    pub refused: u32,
    /// Time in which kits were off, ms.
    pub off_ms: u64,
    /// Kits whose count is the site's, or has a token still to come.
    pub in_step: u32,
}

impl Kits {
    /// The sums.
    #[must_use]
    pub fn sums(&self) -> KitBooks {
        KitBooks {
            kits: self.len() as u32,
            paid_minor: self.paid_minor.iter().sum(),
            open_minor: self.open_minor.iter().sum(),
            sold_days: self.sold_days.iter().sum(),
            added_days: self.added_days.iter().sum(),
            waiting_days: self.waiting_days.iter().sum(),
            texts_lost: self.texts_lost.iter().sum(),
            refused: self.refused.iter().sum(),
            off_ms: self.off_ms.iter().sum(),
            in_step: self.in_step.iter().map(|in_step| u32::from(*in_step)).sum(),
        }
    }
}

/// Tokens at the end of the run, in 1/100000 of the currency's unit ("u") as tokens carry it.
/// `paid = issued + due` and `issued + chance = loaded + waiting`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBooks {
    /// u in one minor unit.
    pub u_per_minor: i64,
    /// Paid by those who got tokens.
    pub paid_u: i64,
    /// Worth of all tokens made.
    pub issued_u: i64,
    /// Paid and in no token yet: less than a token's step for each customer.
    pub due_u: i64,
    /// Loaded into the meters by tokens.
    pub loaded_u: i64,
    /// Worth of tokens made that no meter has taken yet.
    pub waiting_u: i64,
    /// Loaded by wrong digits that happened to be a token of that meter (one in many millions).
    pub chance_u: i64,
    /// Tokens taken by meters.
    pub used: u32,
    /// Entries refused by meters.
    pub refused: u32,
}

/// One account at the end of the run, told by the Book that decides over it and by the meter, so that they can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountRow {
    /// By index.
    pub customer: u32,
    /// Credit that the account began with, minor units.
    pub opening_minor: i64,
    /// Balance in the Book, minor units.
    pub balance_minor: i64,
    /// Everything that the Book has credited, the opening balance included, minor units.
    pub credited_minor: i64,
    /// Register of the last reading billed, Wh; nothing before the first, or where the meter bills.
    pub billed_wh: Option<u64>,
    /// Register of the meter, Wh.
    pub meter_wh: u64,
    /// Credit ever loaded into the meter, with what the steps of its tokens have left due to the customer, minor units
    /// (0 where it is kept elsewhere).
    pub loaded_minor: i64,
    /// Loaded into the meter by tokens, u (1/100000 of the currency's unit).
    pub tokens_u: i64,
    /// Corrections and refunds that the operator was told are done, minor units.
    pub amended_minor: i64,
    /// The meter's relay.
    pub relay_closed: bool,
}

/// One token: for which payments (rows of the payments' table), and what it is worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRow {
    /// By index.
    pub customer: u32,
    /// What was paid for it.
    pub payments: Vec<u32>,
    /// What it says, u; below zero: the token of these payments, of this worth, died with an old key and is sold anew.
    pub worth_u: i64,
}

/// What became of a copy of the site's card that was started elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TwinRow {
    /// Payments (rows of the payments' table) that the copy has credited since it was copied.
    pub credited: Vec<u32>,
    /// Of those, how many the site has credited as well.
    pub credited_by_both: u32,
    /// Tokens that were sealed for the copy.
    pub tokens: u32,
    /// How often the copy was told that another machine is served under its identity.
    pub told: u32,
    /// How often the site was told so.
    pub site_told: u32,
}

table! {
    /// The relays of the meters: a row whenever one turns (the first tells how it began), and one whenever a payment is
    /// credited to the account that decides over it.
    Relays / RelayRow {
        /// When, ms of the run.
        time_ms: u64,
        /// Customer index.
        customer: u32,
        /// The meter's relay is closed.
        closed: bool,
        /// A payment was credited: whether the account owes all the same. Nothing where the relay has turned.
        owes: Option<bool>,
    }
}

/// Everything one architecture leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// Lost hours.
    pub downtime: Downtime,
    /// Payments.
    pub payments: Payments,
    /// Relays.
    pub relays: Relays,
    /// Money at the end.
    pub books: Books,
    /// Accounts at the end, by customer.
    pub accounts: Vec<AccountRow>,
    /// Tokens, in the order in which they were made.
    pub tokens: Vec<TokenRow>,
    /// A copy of the site, where a test has made one.
    pub twin: Option<TwinRow>,
    /// The plant.
    pub plant: Plant,
    /// Components down.
    pub outages: Outages,
    /// What the DCU took for outages.
    pub outage_tickets: OutageTickets,
    /// That against the truth; nothing where nobody looks for outages.
    pub outage_sums: Option<OutageSums>,
    /// Failures and repairs.
    pub repairs: Repairs,
    /// Telemetry.
    pub telemetry: Telemetry,
    /// Firmware updates.
    pub images: Images,
    /// Blocks of images that meters have taken, repeats included.
    pub image_blocks: u64,
    /// Kits that are paid by the day.
    pub kits: Kits,
    /// Customers.
    pub customers: Customers,
    /// Links.
    pub links: Links,
    /// The mesh's tree over time.
    pub dodag: Dodag,
    /// What was on the air.
    pub mesh_air: MeshAir,
    /// The mesh in sums.
    pub mesh: MeshSums,
    /// Log.
    pub log: Log,
    /// Entries of the site's ledger as they were stored, where the run was asked to keep them.
    pub ledger: Vec<Vec<u8>>,
    /// The mesh's frames as pcapng, where the run was asked to keep them.
    pub mesh_capture: Vec<u8>,
    /// What Wireshark is told, after `-o`, to open them.
    pub mesh_capture_option: String,
}
