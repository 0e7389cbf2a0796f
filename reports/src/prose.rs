//! Causes as clauses: from the telegram words of a cause (`tower down`) to half a sentence (`the tower was down`).
//!
//! Most clauses follow from the words alone, so that a cause added to the simulator reads well here without a line of
//! code; the few whose words do not end in a state are spelled out.

use taa_scenarios::model::Scenario;
use taa_sim::cause::{Cause, Chain};

use crate::words;

/// States that can end a cause's words: `<subject> <state>` becomes `the <subject> was <state>`.
const STATES: [&str; 37] = [
    "absent",
    "away",
    "blocked",
    "blown",
    "broken",
    "busy",
    "closed",
    "congested",
    "corrupted",
    "cut",
    "damaged",
    "dead",
    "delayed",
    "dirty",
    "down",
    "dry",
    "empty",
    "exhausted",
    "expired",
    "frozen",
    "full",
    "gone",
    "late",
    "lost",
    "missing",
    "off",
    "open",
    "out",
    "overloaded",
    "refused",
    "stolen",
    "stuck",
    "throttled",
    "tripped",
    "unreachable",
    "unsold",
    "worn",
];
/// Words that begin a state of several words: `tower without power`, `credit not delivered`.
const JOINTS: [&str; 5] = [" not ", " without ", " waiting ", " out of ", " re-joining "];
/// Words that stand without an article.
const BARE: [&str; 6] = ["credit", "fuel", "it ", "power", "radio", "cash"];

/// A chain as clauses, nearest cause first.
pub(crate) fn clauses(chain: Chain, scenario: &Scenario) -> Vec<String> {
    chain.causes().map(|cause| clause(cause, scenario)).collect()
}

/// A cause as a clause that can follow "because".
pub(crate) fn clause(cause: Cause, scenario: &Scenario) -> String {
    if let Cause::Scripted(n) = cause {
        return match scenario.faults.get(usize::from(n)) {
            Some(fault) => format!(
                "of the scripted fault “{}” ({})",
                fault.id,
                words::fault_words(fault.what, &fault.target, scenario)
            ),
            None => "of a scripted fault".to_owned(),
        };
    }
    spelled(cause).map_or_else(|| from_words(cause.words()), str::to_owned)
}

/// The clauses that do not follow from the words.
const fn spelled(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::Unknown => "of something that is not known",
        Cause::RelayOpen => "the relay at the meter stayed open",
        Cause::BootedOpen => "after a restart the relay waits open for an order",
        Cause::FeederOpen => "the feeder was broken or open",
        Cause::SupplyOff => "the plant did not feed the village",
        Cause::CreditUndelivered => "the credit did not arrive",
        Cause::OrderUndelivered => "the order to close it did not arrive",
        Cause::HopLimit => "the way through the mesh was longer than its limit",
        Cause::ForwarderDark => "the meters that forward its messages had no power",
        Cause::RadioLoss => "radio frames were lost",
        Cause::InTransit => "it was still on its way",
        Cause::StaleReading => "the decision rested on an old reading",
        Cause::RoutesLost => "routing in the mesh had collapsed",
        Cause::TowerBatteryWorn => "the tower's battery was worn out",
        Cause::TowerGridOut => "the grid was out at the tower",
        Cause::CoreFault => "of a fault in the operators' core",
        Cause::CountryOffline => "the country was off the internet",
        Cause::RouterHung => "the site's router hung",
        Cause::Throttled => "the operator put machine traffic last",
        Cause::UssdBroken => "the USSD session broke off",
        Cause::ProviderBusy => "the payment provider was overloaded on a pay-day",
        Cause::AgentClosed => "the cash agent was closed",
        Cause::AgentNoFloat => "the cash agent's float was used up",
        Cause::NumberToType => "the number was in hand and not typed in yet",
        Cause::KeyModuleDown => "the module with the vending keys was down",
        Cause::LeaseExhausted => "the vendor had used up the minutes leased to it",
        Cause::PaperOut => "the agent had no tokens on paper left",
        Cause::WrongDigits => "the digits were typed in wrongly",
        Cause::WrongKey => "the token was made under another key than the meter holds",
        Cause::RolloverMissed => "the meter was not changed over before its token identifiers ran out",
        Cause::GatewayRefused => "the meter's token gateway refused the token, and it had to be typed in",
        Cause::TokenRefused => "the meter had refused the token for good",
        Cause::JournalDoubted => "the data concentrator's journal had lost records and nobody had looked yet",
        Cause::Tampered => "the meter took itself for tampered with",
        Cause::OperatorConfirms => "it waited for the operator's people to confirm",
        Cause::PanelsGone => "panels were missing",
        Cause::BatteryOffline => "its management system had taken the battery off",
        Cause::DcuHung => "the data concentrator hung",
        Cause::ClockLost => "the data concentrator did not know the time",
        Cause::SimCreditOut => "the SIM's prepaid bundle had lapsed",
        _ => return None,
    })
}

/// The same from words alone.
fn from_words(text: &str) -> String {
    if ["no ", "not ", "too "].iter().any(|start| text.starts_with(start)) {
        return format!("there was {text}");
    }
    if let Some(at) = JOINTS.iter().filter_map(|joint| text.find(joint)).min() {
        let (subject, state) = (&text[..at], text[at..].trim_start());
        return format!("{} was {state}", with_article(subject));
    }
    match text.rsplit_once(' ') {
        Some((subject, "failed")) => format!("{} had failed", with_article(subject)),
        Some((subject, state)) if STATES.contains(&state) => {
            format!("{} was {state}", with_article(subject))
        }
        _ => format!("of {text}"),
    }
}

fn with_article(subject: &str) -> String {
    let bare = BARE.iter().any(|word| subject == word.trim_end() || subject.starts_with(word));
    let proper = subject.starts_with(|c: char| c.is_uppercase()) || subject.starts_with("the ");
    let article = if bare || proper { "" } else { "the " };
    format!("{article}{subject}")
}

/// `a`, because `b`, because `c`: the clauses of a chain as one run of words. A clause that is no sentence ("of rain
/// fade") keeps its "because of".
pub(crate) fn because(clauses: &[String]) -> String {
    clauses.join(", because ")
}

/// The first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_clauses() {
        for (words, clause) in [
            ("tower down", "the tower was down"),
            ("battery empty", "the battery was empty"),
            ("tower without power", "the tower was without power"),
            ("credit not delivered", "credit was not delivered"),
            ("not enough sun for the demand", "there was not enough sun for the demand"),
            ("no cash agent", "there was no cash agent"),
            ("provider's callback lost", "the provider's callback was lost"),
            ("meter re-joining the mesh", "the meter was re-joining the mesh"),
            ("rain fade", "of rain fade"),
            ("inverter failed", "the inverter had failed"),
            ("tower's fuel stolen", "the tower's fuel was stolen"),
        ] {
            assert_eq!(from_words(words), clause);
        }
    }

    #[test]
    fn every_cause_has_a_clause_that_reads() {
        const VERBS: [&str; 14] = [
            "was", "were", "had", "did", "waits", "waited", "hung", "put", "broke", "took", "stayed", "rested",
            "there", "forward",
        ];
        let mut table = String::new();
        for &cause in Cause::NAMED {
            let text = spelled(cause).map_or_else(|| from_words(cause.words()), str::to_owned);
            let reads = text.starts_with("of ") || text.split(' ').any(|word| VERBS.contains(&word));
            assert!(reads, "{}: {text}", cause.name());
            table.push_str(&format!("{:<26}{text}\n", cause.name()));
        }
        insta::assert_snapshot!(table);
    }
}
