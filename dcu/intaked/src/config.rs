//! The settings of a relay: one TOML file; `relay.example.toml` beside this crate has every key.
//!
//! Secrets are not in it: a key is `{ file = "…" }` (beside the settings, or an absolute path; one line break at its end
//! does not count) or `{ env = "NAME" }`.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use taa_dcu::payment::{Currency, Provider};
use taa_intake::{
    amount::has_decimals,
    provider::{Money, daraja::Shortcode, sms::Template, statement::Shape},
    relay::{Accounts, Operator, RelayConfig, SiteConfig},
    token_server::{CalinPos, ServerConfig},
};
use taa_keys::Secret;

/// Shortest secret taken, bytes.
const SECRET_BYTES_MIN: usize = 16;

/// Why settings cannot be used. Whoever wrote them is at fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// Not what settings look like; says line and key.
    #[error("{0}")]
    Toml(String),
    /// A value.
    #[error("{0}: {1}")]
    Value(String, String),
}

/// What a relay is run with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where callbacks and fetches come in.
    pub listen: SocketAddr,
    /// Where the operator's orders come in.
    pub operator_listen: SocketAddr,
    /// What they have to show.
    pub operator_token: Secret,
    /// The journal's file.
    pub journal: PathBuf,
    /// Connections at the same time.
    pub connections_max: usize,
    /// A request's header, and its body, may take so long, ms.
    pub read_timeout_ms: u64,
    /// The program that asks providers, with its arguments; none: nobody is asked.
    pub queries: Vec<String>,
    /// How long it may take, ms.
    pub query_timeout_ms: u64,
    /// The relay's own.
    pub relay: RelayConfig,
}

impl Settings {
    /// Reads settings and the keys that they name.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::File(path.to_owned(), e.to_string()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base, |name| std::env::var(name).ok())
    }

    /// Reads settings whose files are beside this folder.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn parse(text: &str, base: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|e| ConfigError::Toml(e.to_string()))?;
        let keys = Keys { base, env: &env };
        let mut relay = RelayConfig::new(keys.read("path_secret", &file.path_secret)?);
        relay.takeover_ms = file.takeover_s.map(|s| i64::from(s).saturating_mul(1000)).or(relay.takeover_ms);
        for site in &file.site {
            relay.sites.push(site.read(&keys)?);
        }
        for meter in file.meter {
            let at = format!("meter {}", meter.name);
            if relay.site(&meter.site).is_none() {
                return Err(value(&at, "site: there is no such site"));
            }
            relay.meters.insert(meter.name, meter.site);
        }
        for code in &file.daraja {
            let at = format!("daraja {}", code.code);
            let (code_text, utc_offset_s, confirms) = (code.code.clone(), code.utc_offset_s, code.confirms);
            let money = code.money.read(&at)?;
            relay.shortcodes.push(Shortcode { code: code_text.clone(), money, utc_offset_s, confirms });
            if code.pull {
                relay.pulls.insert(code_text);
            }
        }
        for (what, from, to) in [
            ("agent", &file.agent, &mut relay.agents),
            ("phone", &file.phone, &mut relay.phones),
            ("clerk", &file.clerk, &mut relay.clerks),
        ] {
            for signer in from {
                let at = format!("{what} {}", signer.name);
                let key = keys.read(&at, &signer.key)?;
                to.insert(signer.name.clone(), Operator { key, money: signer.money.read(&at)? });
            }
        }
        for (n, template) in file.template.into_iter().enumerate() {
            let at = format!("template {}", n.saturating_add(1));
            let provider = provider(&template.provider).ok_or_else(|| value(&at, "provider: there is no such one"))?;
            let money = template.money.read(&at)?;
            let (pattern, utc_offset_s, payees) = (template.pattern, template.utc_offset_s, template.payees);
            relay.templates.push(Template { provider, pattern, money, utc_offset_s, payees });
        }
        for statement in file.statement {
            let at = format!("statement {}", statement.name);
            let shape = statement.read(&at)?;
            relay.statements.insert(statement.name, shape);
        }
        if let Some(codes) = &file.codes {
            relay.codes = Some((keys.read("codes", &codes.key)?, codes.money.read("codes")?));
        }
        if let Some(tokens) = &file.tokens {
            relay.tokens = Some(tokens.read(&keys)?);
            relay.token_wait_ms = tokens.wait_s.map_or(relay.token_wait_ms, |s| i64::from(s).saturating_mul(1000));
        }
        Ok(Self {
            listen: file.listen,
            operator_listen: file.operator_listen,
            operator_token: keys.read("operator_token", &file.operator_token)?,
            journal: base.join(file.journal),
            connections_max: file.connections_max.unwrap_or(256).max(1),
            read_timeout_ms: file.read_timeout_ms.unwrap_or(10_000).max(1),
            queries: file.queries.map(|queries| queries.program).unwrap_or_default(),
            query_timeout_ms: 60_000,
            relay,
        })
    }
}

/// The provider of this name, as it is told everywhere ([`Provider::name`]).
#[must_use]
pub fn provider(name: &str) -> Option<Provider> {
    Provider::ALL.into_iter().find(|provider| provider.name() == name)
}

fn value(at: &str, why: impl Into<String>) -> ConfigError {
    ConfigError::Value(at.to_owned(), why.into())
}

/// Where keys come from.
struct Keys<'a> {
    base: &'a Path,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Keys<'_> {
    fn read(&self, at: &str, source: &Source) -> Result<Secret, ConfigError> {
        let bytes = match source {
            Source::File(file) => {
                let path = self.base.join(file);
                let mut bytes = std::fs::read(&path).map_err(|e| ConfigError::File(path, e.to_string()))?;
                if bytes.ends_with(b"\n") {
                    bytes.pop();
                }
                bytes
            }
            Source::Env(name) => {
                let missing = || value(at, format!("{name} is not in the environment"));
                (self.env)(name).ok_or_else(missing)?.into_bytes()
            }
        };
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(value(at, format!("a secret has {SECRET_BYTES_MIN} bytes at least")));
        }
        Ok(Secret::new(&bytes))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Source {
    File(PathBuf),
    Env(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: SocketAddr,
    operator_listen: SocketAddr,
    operator_token: Source,
    journal: PathBuf,
    path_secret: Source,
    takeover_s: Option<u32>,
    connections_max: Option<usize>,
    read_timeout_ms: Option<u64>,
    queries: Option<Queries>,
    #[serde(default)]
    site: Vec<Site>,
    #[serde(default)]
    meter: Vec<Meter>,
    #[serde(default)]
    daraja: Vec<Code>,
    #[serde(default)]
    agent: Vec<Signer>,
    #[serde(default)]
    phone: Vec<Signer>,
    #[serde(default)]
    clerk: Vec<Signer>,
    #[serde(default)]
    template: Vec<Text>,
    #[serde(default)]
    statement: Vec<Statement>,
    codes: Option<Codes>,
    tokens: Option<Tokens>,
}

/// A currency, and how finely it is counted.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    currency: String,
    minor_per_unit: u32,
}

impl Counted {
    fn read(&self, at: &str) -> Result<Money, ConfigError> {
        let currency = Currency::new(&self.currency);
        let currency = currency.ok_or_else(|| value(at, "money.currency: not three capital letters"))?;
        if !has_decimals(self.minor_per_unit) {
            return Err(value(at, "money.minor_per_unit: not a decimal part of the unit"));
        }
        Ok(Money { currency, minor_per_unit: self.minor_per_unit })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queries {
    program: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    id: String,
    key: Source,
    money: Counted,
    accounts: Of,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Of {
    Prefix(String),
    Listed(Vec<String>),
}

impl Site {
    fn read(&self, keys: &Keys<'_>) -> Result<SiteConfig, ConfigError> {
        let at = format!("site {}", self.id);
        if !(1..=64).contains(&self.id.len()) {
            return Err(value(&at, "id: a site's name has 1 to 64 bytes"));
        }
        let accounts = match &self.accounts {
            Of::Prefix(prefix) => Accounts::Prefix(prefix.clone()),
            Of::Listed(all) => Accounts::Listed(all.iter().cloned().collect()),
        };
        Ok(SiteConfig { id: self.id.clone(), key: keys.read(&at, &self.key)?, money: self.money.read(&at)?, accounts })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meter {
    name: String,
    site: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
    money: Counted,
    utc_offset_s: i32,
    #[serde(default)]
    confirms: bool,
    #[serde(default)]
    pull: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signer {
    name: String,
    key: Source,
    money: Counted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    provider: String,
    pattern: String,
    money: Counted,
    utc_offset_s: i32,
    #[serde(default)]
    payees: Vec<String>,
}

/// A statement's columns; what is not said is as in M-PESA's portal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    name: String,
    provider: String,
    money: Counted,
    utc_offset_s: i32,
    delimiter: Option<char>,
    receipt: Option<String>,
    time: Option<String>,
    amount: Option<String>,
    account: Option<String>,
    #[serde(default)]
    no_account: bool,
    completed: Option<(String, String)>,
    #[serde(default)]
    all_completed: bool,
}

impl Statement {
    fn read(&self, at: &str) -> Result<Shape, ConfigError> {
        let usual = Shape::mpesa(self.money.read(at)?, self.utc_offset_s);
        Ok(Shape {
            provider: provider(&self.provider).ok_or_else(|| value(at, "provider: there is no such one"))?,
            delimiter: self.delimiter.unwrap_or(usual.delimiter),
            receipt: self.receipt.clone().unwrap_or(usual.receipt),
            time: self.time.clone().unwrap_or(usual.time),
            amount: self.amount.clone().unwrap_or(usual.amount),
            account: if self.no_account { None } else { self.account.clone().or(usual.account) },
            completed: if self.all_completed { None } else { self.completed.clone().or(usual.completed) },
            ..usual
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    key: Source,
    money: Counted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    money: Counted,
    wait_s: Option<u32>,
    calin: Option<BTreeMap<String, Source>>,
    calin_pos: Option<Pos>,
    stron: Option<Stron>,
    spark: Option<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pos {
    company: String,
    user: String,
    password: Source,
    password_vend: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stron {
    company: String,
    employee: String,
    token: Source,
}

impl Tokens {
    fn read(&self, keys: &Keys<'_>) -> Result<ServerConfig, ConfigError> {
        let mut server = ServerConfig::new(self.money.read("tokens")?);
        if let Some(calin) = &self.calin {
            let mut users = calin.iter();
            let (Some((user, password)), None) = (users.next(), users.next()) else {
                return Err(value("tokens.calin", "one user and the source of its password"));
            };
            server.calin = Some((user.clone(), keys.read("tokens.calin", password)?));
        }
        if let Some(pos) = &self.calin_pos {
            let (company, user) = (pos.company.clone(), pos.user.clone());
            let password = keys.read("tokens.calin_pos.password", &pos.password)?;
            let password_vend = keys.read("tokens.calin_pos.password_vend", &pos.password_vend)?;
            server.calin_pos = Some(CalinPos { company, user, password, password_vend });
        }
        if let Some(stron) = &self.stron {
            let token = keys.read("tokens.stron", &stron.token)?;
            server.stron = Some((stron.company.clone(), stron.employee.clone(), token));
        }
        server.spark = self.spark.as_ref().map(|spark| keys.read("tokens.spark", spark)).transpose()?;
        Ok(server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../relay.example.toml");

    fn read(text: &str) -> Result<Settings, ConfigError> {
        Settings::parse(text, Path::new("/srv/taa"), |name| {
            (name != "MISSING").then(|| format!("{name}-0123456789abcdef"))
        })
    }

    #[test]
    fn the_example_is_whole_and_says_what_it_seems_to_say() {
        let settings = read(EXAMPLE).unwrap();
        let relay = &settings.relay;
        assert_eq!((relay.sites.len(), relay.shortcodes.len(), relay.templates.len()), (2, 1, 1));
        assert_eq!((relay.agents.len(), relay.phones.len(), relay.clerks.len()), (1, 1, 1));
        assert!(relay.pulls.contains("600123") && relay.statements.contains_key("mpesa") && relay.codes.is_some());
        let tokens = relay.tokens.as_ref().unwrap();
        assert!(
            tokens.calin.is_some() && tokens.calin_pos.is_some() && tokens.stron.is_some() && tokens.spark.is_some()
        );
        assert_eq!(relay.site_of_meter("47000123456").map(|site| site.id.as_str()), Some("jija"));
        assert_eq!(settings.journal, Path::new("/srv/taa/relay.db"));
        assert!(settings.listen.ip().is_loopback() && settings.operator_listen.ip().is_loopback());
        let shown = format!("{settings:?}");
        assert!(!shown.contains("0123456789abcdef"), "no secret in Debug");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |from: &str, to: &str| {
            assert!(EXAMPLE.contains(from), "{from}");
            read(&EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string()
        };
        assert!(wrong("listen = \"127.0.0.1:8470\"", "listen = \"here\"").contains("line"));
        assert!(wrong("journal =", "jurnal =").contains("jurnal"), "an unknown key");
        assert_eq!(wrong("env = \"TAA_JIJA\"", "env = \"MISSING\""), "site jija: MISSING is not in the environment");
        assert!(wrong("env = \"TAA_JIJA\"", "file = \"no.key\"").starts_with("/srv/taa/no.key: "));
        assert_eq!(
            wrong("currency = \"TZS\"", "currency = \"sh\""),
            "site jija: money.currency: not three capital letters"
        );
        assert!(wrong("minor_per_unit = 100", "minor_per_unit = 3").ends_with("not a decimal part of the unit"));
        assert_eq!(wrong("site = \"jija\"", "site = \"jijo\""), "meter 47000123456: site: there is no such site");
        assert!(wrong("provider = \"daraja\"", "provider = \"bank\"").ends_with("provider: there is no such one"));
        let short = Settings::parse(EXAMPLE, Path::new("."), |_| Some("short".into())).unwrap_err().to_string();
        assert!(short.ends_with("a secret has 16 bytes at least"), "{short}");
    }
}
