//! Section `[economics]`.

use super::currency;
use crate::diagnostics::{Diagnostics, SettingProblem};
use crate::document::Document;
use crate::model::Economics;
use crate::schema::EconomicsSection;

/// Most of a currency that a price or fee may be, in units: keeps all sums of a run far inside 64 bits.
pub(super) const AMOUNT_MAX: f64 = 1e9;

/// What things cost, in a currency that is known.
pub(super) fn economics(
    document: &Document,
    section: &EconomicsSection,
    code: &str,
    found: &mut Diagnostics,
) -> Option<Economics> {
    let mut sound = true;
    let parts = section.parts;
    let amounts = [
        ("currency_per_usd", section.currency_per_usd.unwrap_or(1.0), 1e-3),
        ("connection_usd", section.connection_usd, 0.0),
        ("edge_upgrade_usd", section.edge_upgrade_usd, 0.0),
        ("parts.second_sim_usd", parts.second_sim_usd, 0.0),
        ("parts.second_sim_monthly_usd", parts.second_sim_monthly_usd, 0.0),
        ("parts.satellite_usd", parts.satellite_usd, 0.0),
        ("parts.satellite_monthly_usd", parts.satellite_monthly_usd, 0.0),
        ("parts.vending_usd", parts.vending_usd, 0.0),
        ("parts.vending_monthly_usd", parts.vending_monthly_usd, 0.0),
        ("parts.keypad_usd_per_meter", parts.keypad_usd_per_meter, 0.0),
        ("parts.relay_setting_usd_per_meter", parts.relay_setting_usd_per_meter, 0.0),
    ];
    for (field, value, least) in amounts {
        if !(least..=AMOUNT_MAX).contains(&value) {
            let allowed = if least > 0.0 { "0.001 or more" } else { "0 or more" };
            let error = taa_models::ParamError { field: "", value: value.to_string(), allowed };
            found.push(super::range_problem(document.at(&format!("economics.{field}")), &error));
            sound = false;
        }
    }
    let Some(currency_per_usd) = section.currency_per_usd.or_else(|| currency::per_usd(code)) else {
        // A code that does not exist has its own finding.
        currency::minor_per_unit(code)?;
        found.push(SettingProblem::MissingKey {
            at: document.at("economics"),
            key: "currency_per_usd".to_owned(),
            example: format!(
                "under [economics], currency_per_usd = … (units of {code} for one US dollar; none is known to taa)"
            ),
        });
        return None;
    };
    let &EconomicsSection { connection_usd, edge_upgrade_usd, parts, .. } = section;
    sound.then_some(Economics { currency_per_usd, connection_usd, edge_upgrade_usd, parts })
}
