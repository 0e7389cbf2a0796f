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

/// What this tariff is called: its own name, or the first bytes of its hash where it has none.
#[must_use]
pub fn tariff_name(tariff: &Tariff) -> String {
    let bytes = postcard::to_stdvec(tariff).unwrap_or_default();
    let short: String = sha256(&[&bytes]).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("unnamed-{short}")
}
