//! Who may send what, and for which sites.

use std::collections::{BTreeMap, BTreeSet};

use taa_keys::Secret;

use crate::provider::{Money, daraja::Shortcode, sms::Template, statement::Shape};

/// What the operator of a relay sets.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The first segment of every path that providers call: they sign nothing, so the address is the secret.
    pub path_secret: Secret,
    /// The sites. The first whose accounts match takes a payment.
    pub sites: Vec<SiteConfig>,
    /// Daraja's short codes.
    pub shortcodes: Vec<Shortcode>,
    /// What receipts by text look like.
    pub templates: Vec<Template>,
    /// Agents, by name.
    pub agents: BTreeMap<String, Operator>,
    /// Telephones that pass texts on, by name.
    pub phones: BTreeMap<String, Operator>,
    /// The key of the tags of codes, and what codes are counted in.
    pub codes: Option<(Secret, Money)>,
    /// Clerks who bring statements, by name.
    pub clerks: BTreeMap<String, Operator>,
    /// What statements look like, by name.
    pub statements: BTreeMap<String, Shape>,
    /// Short codes whose payments are read from Daraja's list (its Pull Transactions): they must be registered for it.
    pub pulls: BTreeSet<String>,
    /// From one reading of a list to the next, ms.
    pub pull_every_ms: i64,
    /// For how long a payment's names are remembered, ms. Longer than any provider repeats itself.
    pub remember_ms: i64,
    /// How many payments are remembered; beyond it the oldest are forgotten sooner.
    pub remember_max: usize,
    /// From a request until its status is asked for the first time, ms; the wait doubles up to an hour.
    pub first_query_ms: i64,
    /// A request that is undecided for so long is given up (and listed as such), ms.
    pub give_up_ms: i64,
    /// Silence of a site's DCU after which a strange one may take its place, ms; `None`: only [`super::Relay::rebind`].
    pub takeover_ms: Option<i64>,
}

impl RelayConfig {
    /// No sites, no providers; status queries from one minute to two days, lists every quarter of an hour; takeover after
    /// six hours; 400 days and two million payments are remembered.
    #[must_use]
    pub const fn new(path_secret: Secret) -> Self {
        Self {
            path_secret,
            sites: Vec::new(),
            shortcodes: Vec::new(),
            templates: Vec::new(),
            agents: BTreeMap::new(),
            phones: BTreeMap::new(),
            codes: None,
            clerks: BTreeMap::new(),
            statements: BTreeMap::new(),
            pulls: BTreeSet::new(),
            pull_every_ms: 900_000,
            remember_ms: 400 * 86_400_000,
            remember_max: 2_000_000,
            first_query_ms: 60_000,
            give_up_ms: 48 * 3_600_000,
            takeover_ms: Some(6 * 3_600_000),
        }
    }

    /// The site of that name.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<&SiteConfig> {
        self.sites.iter().find(|site| site.id == id)
    }

    /// The site that has this account.
    #[must_use]
    pub fn site_of(&self, account: &str) -> Option<&SiteConfig> {
        self.sites.iter().find(|site| site.accounts.has(account))
    }
}

/// A site.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// Its name.
    pub id: String,
    /// The key that its DCU shares.
    pub key: Secret,
    /// What its accounts count in.
    pub money: Money,
    /// Its accounts.
    pub accounts: Accounts,
}

/// Which accounts a site has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// All that begin so.
    Prefix(String),
    /// These.
    Listed(BTreeSet<String>),
}

impl Accounts {
    /// Whether this is one of them. An empty name never is.
    #[must_use]
    pub fn has(&self, account: &str) -> bool {
        match self {
            Self::Prefix(prefix) => !account.is_empty() && account.starts_with(prefix.as_str()),
            Self::Listed(all) => all.contains(account),
        }
    }
}

/// Somebody of the operator's own who signs what they send.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The key of the signatures.
    pub key: Secret,
    /// What their amounts are counted in.
    pub money: Money,
}
