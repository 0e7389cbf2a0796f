//! By which rule an entry is made: the text in a leaf's field `rule`, `<book>/<version>#<clause>`.
//!
//! Prices come from the tariff in force (`tariff/<id>#…`), everything else from the policy that this program carries out
//! (`policy/taa-1#…`; the number rises when a clause changes its meaning).

use taa_keys::hash::sha256;

use crate::config::Tariff;

/// Opening balance, as configured when the journal began.
pub const OPENED: &str = "policy/taa-1#opening-balance";
/// A payment is credited once per key of its provider, as of the time at which it was accepted.
pub const CREDITED: &str = "policy/taa-1#credit-once-per-key";
/// A payment for an unknown account is kept until somebody finds the account.
pub const SUSPENDED: &str = "policy/taa-1#unknown-account-is-kept";
/// A key that came with other content changes nothing.
pub const CONFLICT: &str = "policy/taa-1#one-key-one-payment";
/// A receipt that only a telephone has relayed counts up to a limit, until the provider's word or its end.
pub const RECEIPT: &str = "policy/taa-1#receipt-counts-until-settled";
/// What was wrong is put right by an entry with a reason; the wrong one stays.
pub const CORRECTED: &str = "policy/taa-1#corrections-are-entries";
/// Money is handed back, out of an account or out of suspense.
pub const REFUNDED: &str = "policy/taa-1#refunds-are-entries";
/// Whoever keeps the account corrects and refunds it; the other end asks, and what was refused stays refused.
pub const ASKED: &str = "policy/taa-1#the-keeper-amends";
/// Minutes for tokens are leased; each is used once for a meter.
pub const MINUTES: &str = "policy/taa-1#minutes-are-leased";
/// A token's minute is used before it is made; what tokens promise and what is due add up to what was credited.
pub const TOKENS: &str = "policy/taa-1#tokens-worth-what-was-paid";
/// Something was given on credit, beside the balance.
pub const LENT: &str = "policy/taa-1#debt-beside-the-balance";
/// Credit is kept elsewhere: the DCU passes the payment on.
pub const FORWARDED: &str = "policy/taa-1#credit-kept-in-cloud";
/// The meter keeps the credit and has been given all of it up to this amount.
pub const DELIVERED: &str = "policy/taa-1#credit-kept-in-meter";
/// The order of a relay, with what it rests on.
pub const RELAY: &str = "policy/taa-1#relay-follows-balance";
/// The cloud's order of a relay.
pub const RELAY_CLOUD: &str = "policy/taa-1#relay-follows-cloud";
/// Balances could not be confirmed for longer than allowed.
pub const RELAY_STALE: &str = "policy/taa-1#open-on-link-loss";
/// Nothing is opened on data older than stated, or by clocks in doubt; whoever ordered it is told.
pub const EVIDENCE: &str = "policy/taa-1#never-opened-on-old-data";
/// A relay was seen in another state than before.
pub const RELAY_SEEN: &str = "policy/taa-1#output-state-counts";
/// Too many openings in an hour: no more of them until somebody allows it, or the time is over.
pub const OPENINGS: &str = "policy/taa-1#mass-disconnection-stops";
/// The register went backward: a new base, nothing billed.
pub const BACKWARD: &str = "policy/taa-1#register-backward-bills-nothing";
/// The ledger compares itself with what it has promised.
pub const PROMISE: &str = "policy/taa-1#promised-entries-stay";

/// A clause of this tariff.
#[must_use]
pub fn tariff(tariff: &Tariff, clause: &str) -> String {
    format!("tariff/{}#{clause}", tariff_name(tariff))
}

/// What this tariff is called: its own name and version, or the first bytes of its hash where it has no name.
#[must_use]
pub fn tariff_name(tariff: &Tariff) -> String {
    match (tariff.id.as_str(), tariff.version) {
        ("", _) => format!("unnamed-{}", terms_hash(tariff).get(..8).unwrap_or_default()),
        (id, 0) => id.to_owned(),
        (id, version) => format!("{id}@{version}"),
    }
}

/// SHA-256 over all terms of a tariff, in the journal's way of writing them, hexadecimal.
#[must_use]
pub fn terms_hash(tariff: &Tariff) -> String {
    let bytes = postcard::to_stdvec(tariff).unwrap_or_default();
    sha256(&[&bytes]).iter().map(|byte| format!("{byte:02x}")).collect()
}
