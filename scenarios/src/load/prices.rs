//! Sections `[tariff]` (from units of the currency to integer minor units) and `[economics]`.

use taa_dcu::config::Tariff;

use super::currency;
use crate::diagnostics::{Diagnostics, SettingProblem};
use crate::document::{Document, closest};
use crate::model::Economics;
use crate::schema::{EconomicsSection, TariffSection};

/// Most of a currency that a price or fee may be, in units: keeps all sums of a run far inside 64 bits.
const AMOUNT_MAX: f64 = 1e9;

/// The tariff, or what is wrong with it.
pub(super) fn tariff(document: &Document, section: &TariffSection, found: &mut Diagnostics) -> Option<Tariff> {
    let per_iso = currency::minor_per_unit(&section.currency);
    if per_iso.is_none() {
        let code = section.currency.to_uppercase();
        // Names that are used in shops.
        let shop = [
            ("TSH", "TZS"),
            ("TSHS", "TZS"),
            ("KSH", "KES"),
            ("KSHS", "KES"),
            ("USH", "UGX"),
            ("CFA", "XOF"),
            ("FCFA", "XOF"),
        ];
        let meant = shop.iter().find(|(name, _)| *name == code).map(|(_, iso)| *iso);
        let meant = meant
            .or_else(|| currency::codes().find(|known| *known == code))
            .or_else(|| closest(&code, currency::codes()));
        found.push(SettingProblem::Currency {
            at: document.at("tariff.currency"),
            found: section.currency.clone(),
            suggestion: meant.map_or_else(String::new, |iso| format!("; did you mean `{iso}`?")),
        });
    }
    let minor_per_unit = section.minor_per_unit.or(per_iso).unwrap_or(100);
    if !(1..=1000).contains(&minor_per_unit) {
        let allowed = "1 to 1000, most often 100 or 1".to_owned();
        found.push(SettingProblem::OutOfRange {
            at: document.at("tariff.minor_per_unit"),
            value: minor_per_unit.to_string(),
            allowed,
        });
        return None;
    }
    if section.energy_price_per_kwh <= 0.0 {
        let at = document.at("tariff.energy_price_per_kwh");
        found.push(SettingProblem::Price {
            at,
            found: format!("{} {}", section.energy_price_per_kwh, section.currency),
        });
    }
    let mut minor = |field: &str, amount: f64| {
        let at = document.at(&format!("tariff.{field}"));
        if amount < 0.0 {
            if field != "energy_price_per_kwh" {
                let allowed = "0 or more".to_owned();
                found.push(SettingProblem::Negative { at, value: amount.to_string(), allowed });
            }
            return 0;
        }
        if amount > AMOUNT_MAX {
            let allowed = format!("up to {AMOUNT_MAX} {}", section.currency);
            found.push(SettingProblem::OutOfRange { at, value: amount.to_string(), allowed });
            return 0;
        }
        let exact = amount * f64::from(minor_per_unit);
        if (exact - exact.round()).abs() > 1e-6 * exact.max(1.0) {
            let (found_, currency) = (amount.to_string(), section.currency.clone());
            found.push(SettingProblem::MinorUnit { at, found: found_, currency, minor_per_unit });
        }
        exact.round() as i64
    };
    let energy_price_per_kwh_minor = minor("energy_price_per_kwh", section.energy_price_per_kwh);
    let daily_fee_minor = minor("daily_fee", section.daily_fee);
    let grace_minor = minor("grace", section.grace);
    Some(Tariff {
        currency: section.currency.clone(),
        minor_per_unit,
        energy_price_per_kwh_minor,
        daily_fee_minor,
        grace_minor,
        ..Tariff::default()
    })
}

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
