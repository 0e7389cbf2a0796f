//! The book of claims as `docs/claims.md`: a table, then a paragraph for each.

use std::fmt::Write as _;

use super::{Book, Claim, Figure};
use crate::study::Estimate;

/// The page.
#[must_use]
pub fn markdown(book: &Book) -> String {
    let mut page = String::from(
        "# The claims of the source documents, put to the test\n\n\
         Made by `taa claims`; do not edit. Three documents started this project: a *downtime note* on mini-grids in \
         Sub-Saharan Africa, an *outage manual* on smart meters, a *software audit* of reference stacks. What they state and a \
         simulation can speak to is tested here. An honest disagreement is a result; nothing was tuned.\n\n\
         - **reproduced**: the whole 95 % interval lies within what is stated, also at every value to which the driving \
         assumption is moved below.\n\
         - **not reproduced**: none of it does, nor there.\n\
         - **depends on**: the interval straddles the bound; or the answer changes within the assumption's plausible range; or \
         the model was set to the claim itself, so that nothing follows from its agreement.\n\n\
         Intervals say how sure the mean is *within these models*; the assumption named with each claim says what they rest \
         on. Where the document gives no bound, ours is stated.\n\n",
    );
    let _ = writeln!(page, "**Village.** {}\n\n**Effort.** {}\n", book.village, book.effort);
    let count = |text: &str| book.claims.iter().filter(|c| c.verdict.to_string().starts_with(text)).count();
    let _ = writeln!(
        page,
        "{} claims: {} reproduced, {} not reproduced, {} that depend on something named below.\n",
        book.claims.len(),
        count("reproduced"),
        count("not"),
        count("depends")
    );
    page.push_str("| claim | stated | simulated (95 % interval) | verdict |\n|---|---|---|---|\n");
    for claim in &book.claims {
        let _ = writeln!(
            page,
            "| [{}](#{}) | {} | {} | {} |",
            title(claim),
            claim.id,
            claim.stated.words,
            figure(&claim.figure),
            claim.verdict
        );
    }
    for claim in &book.claims {
        paragraph(&mut page, claim);
    }
    page
}

fn title(claim: &Claim) -> &str {
    TITLES.iter().find(|(id, _)| *id == claim.id).map_or(claim.id, |(_, title)| title)
}

/// Headings by id; a claim without one is headed by its id.
const TITLES: [(&str, &str); 23] = [
    ("control_is_the_driver", "Control and billing are the primary driver"),
    ("not_panels_not_batteries", "Not panels, not batteries"),
    ("tower_30_40", "30–40 % of towers fail in a month"),
    ("tower_2_72_h", "Tower outages last 2–72 hours"),
    ("internet_8_3", "8.3 internet outages a month"),
    ("api_14", "14 outages of the payment provider a year"),
    ("mttr_four_days", "Repairs take four days"),
    ("three_nines", "99.9 % uptime"),
    ("licence_3_8", "Cloud licences of 3–8 dollars"),
    ("four_days_revenue", "Four days cost 1,200–2,800 dollars of revenue"),
    ("four_days_churn", "… and 3,000–8,000 dollars of churn"),
    ("village_offline", "A village goes offline for four days"),
    ("disconnected_indefinitely", "Meters stay disconnected"),
    ("upgrade_three_months", "The upgrade pays back in three months"),
    ("keypad_premium", "The keypad premium is recovered by one outage"),
    ("vector_tower", "Vector: tower outage"),
    ("vector_throttling", "Vector: throttled machine traffic"),
    ("vector_aggregator", "Vector: aggregator fault"),
    ("vector_congestion", "Vector: radio congestion"),
    ("vector_iron_roof", "Vector: iron roofs"),
    ("vector_routing", "Vector: routing collapse"),
    ("detection_saidi", "Detection shortens outages"),
    ("buffer_30_days", "30 days of readings are buffered"),
];

fn paragraph(page: &mut String, claim: &Claim) {
    let _ = writeln!(page, "\n<a id=\"{}\"></a>\n\n## {}: {}\n", claim.id, title(claim), claim.verdict);
    let _ = writeln!(page, "> {} ({})\n", claim.quote, claim.document);
    let _ = write!(
        page,
        "Tested: {}. {}: **{}**; stated: {}.",
        claim.tested,
        capital(&claim.figure.words),
        figure(&claim.figure),
        claim.stated.words
    );
    let _ = write!(page, " {} draws had a value.", claim.figure.value.n);
    if !claim.beside.is_empty() {
        let beside: Vec<String> = claim.beside.iter().map(|f| format!("{} {}", f.words, figure(f))).collect();
        let _ = write!(page, " Beside it: {}.", beside.join("; "));
    }
    if let Some(arithmetic) = &claim.arithmetic {
        let _ = write!(page, " By arithmetic: {arithmetic}");
    }
    let _ = write!(page, "\n\nIt rests on {}.", claim.driver.words);
    if !claim.driver.moved.is_empty() {
        let moved: Vec<String> =
            claim.driver.moved.iter().map(|(at, e)| format!("{at}: {}", value(e, claim.figure.unit))).collect();
        let _ = write!(page, " Moved, the figure becomes: {}.", moved.join("; "));
    }
    let _ = writeln!(page, " {}", claim.would_hold);
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn figure(f: &Figure) -> String {
    value(&f.value, f.unit)
}

/// Mean and interval in the unit; shares in percent.
fn value(e: &Estimate, unit: &str) -> String {
    if e.n == 0 {
        return "no case to judge".to_owned();
    }
    let (factor, unit) = if unit == "share" { (100.0, "%") } else { (1.0, unit) };
    let widest = [e.low, e.mean, e.high].into_iter().fold(0.0_f64, |w, v| w.max((v * factor).abs()));
    let show = |v: f64| number(v * factor, widest);
    let interval = if e.n > 1 { format!(" ({} to {})", show(e.low), show(e.high)) } else { String::new() };
    format!("{}{interval} {unit}", show(e.mean)).trim_end().to_owned()
}

/// Three significant digits of the largest figure in the same breath.
fn number(v: f64, widest: f64) -> String {
    let digits = if widest >= 100.0 {
        0
    } else if widest >= 10.0 {
        1
    } else if widest >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{v:.digits$}");
    let is_zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
    if is_zero { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") }
}
