//! Section `[tariff]`: from units of the currency to integer minor units, from texts to times, and what contradicts
//! itself.

use taa_dcu::config::{
    CLASSES_MAX, Classes, CreditAt, Tariff, TariffFault, Traits,
    tariff::{Block, Capacity, Demand, FriendlyHours, Lifeline, NamedDay, Period, TimeOfDay},
};

use super::{currency, prices::AMOUNT_MAX};
use crate::diagnostics::{Diagnostics, SettingProblem, Spot};
use crate::document::{Document, closest};
use crate::model::Village;
use crate::schema::TariffSection;

/// The site's own tariff, or what is wrong with it.
pub(super) fn read(document: &Document, section: &TariffSection, found: &mut Diagnostics) -> Option<Tariff> {
    if !section.customers.is_empty() {
        let what = "the site's own tariff is that of everybody who has no other".to_owned();
        found.push(SettingProblem::TariffClass { at: document.at("tariff.customers"), what });
    }
    read_at(document, section, "tariff", found)
}

/// A tariff that stands at this place of the file.
fn read_at(document: &Document, section: &TariffSection, place: &str, found: &mut Diagnostics) -> Option<Tariff> {
    let minor_per_unit = currency(document, section, place, found)?;
    let mut reader = Reader { document, section, place, minor_per_unit, found };
    if section.energy_price_per_kwh <= 0.0 {
        let price = format!("{} {}", section.energy_price_per_kwh, section.currency);
        reader.found.push(SettingProblem::Price { at: reader.at("energy_price_per_kwh"), found: price });
    }
    let tariff = reader.tariff();
    for fault in tariff.check() {
        contradiction(document, place, &fault, found);
    }
    Some(tariff)
}

/// `[[tariffs]]`, or what is wrong with them; `known` are the names of all classes of customers. Who has which is filled in
/// by [`assign`].
pub(super) fn classes(
    document: &Document,
    sections: &[TariffSection],
    (site, known): (&Tariff, &[&str]),
    found: &mut Diagnostics,
) -> Option<Vec<(Vec<String>, Tariff)>> {
    let mut all: Vec<(Vec<String>, Tariff)> = Vec::new();
    let wrong = |path: &str, what: String| SettingProblem::TariffClass { at: document.at(path), what };
    if sections.len() > CLASSES_MAX {
        found.push(wrong("tariffs", format!("{} tariffs; at most {CLASSES_MAX} besides [tariff]", sections.len())));
    }
    for (n, section) in sections.iter().enumerate() {
        let place = format!("tariffs.{n}");
        let tariff = read_at(document, section, &place, found)?;
        if (&tariff.currency, tariff.minor_per_unit) != (&site.currency, site.minor_per_unit) {
            let what = format!("all accounts of a site are in one currency, and [tariff] is in {}", site.currency);
            found.push(wrong(&format!("{place}.currency"), what));
        }
        if section.customers.is_empty() {
            found.push(wrong(&place, "names no class of customers".to_owned()));
        }
        for (k, class) in section.customers.iter().enumerate() {
            let path = format!("{place}.customers.{k}");
            if !known.contains(&class.as_str()) {
                let meant = closest(class, known.iter().copied());
                let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                found.push(wrong(&path, format!("there is no class of customers `{class}`{meant}")));
            }
            let before = all.iter().position(|(classes, _)| classes.contains(class));
            if let Some(before) = before {
                found.push(wrong(&path, format!("`{class}` has tariff {before} of the list (counted from 0) already")));
            } else if section.customers.iter().take(k).any(|other| other == class) {
                found.push(wrong(&path, format!("`{class}` is named twice")));
            }
        }
        let class = section.customers.first().cloned().unwrap_or_default();
        all.push((section.customers.clone(), Tariff { class, ..tariff }));
    }
    Some(all)
}

/// Who of the village has which of these tariffs.
pub(super) fn assign(read: Vec<(Vec<String>, Tariff)>, village: &Village) -> Classes {
    let mut classes = Classes::default();
    for customer in &village.customers {
        let of = read.iter().find(|(names, _)| names.iter().any(|name| *name == customer.class.name()));
        if let Some((_, tariff)) = of {
            classes.accounts.insert(customer.id.clone(), tariff.class.clone());
        }
    }
    classes.tariffs = read.into_iter().map(|(_, tariff)| tariff).collect();
    classes
}

/// Meters that count their credit down by themselves know one price.
pub(super) fn fits(
    document: &Document,
    (place, tariff): (&str, &Tariff),
    plan: &[(String, Traits)],
    found: &mut Diagnostics,
) {
    let by_meter = plan.iter().find(|(_, traits)| traits.credit_at == CreditAt::Meter);
    let Some((name, _)) = by_meter.filter(|_| !tariff.suits_meters()) else { return };
    let tables = ["periods", "blocks", "lifeline", "capacity", "demand", "friendly_hours"];
    let table = tables.into_iter().find(|key| document.get(&format!("{place}.{key}")).is_some());
    let at = document.at(&table.map_or_else(|| place.to_owned(), |key| format!("{place}.{key}")));
    found.push(SettingProblem::NotFlat { at, architecture: name.clone() });
}

/// Minor units in a unit of the currency.
fn currency(document: &Document, section: &TariffSection, place: &str, found: &mut Diagnostics) -> Option<u32> {
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
            at: document.at(&format!("{place}.currency")),
            found: section.currency.clone(),
            suggestion: meant.map_or_else(String::new, |iso| format!("; did you mean `{iso}`?")),
        });
    }
    let minor_per_unit = section.minor_per_unit.or(per_iso).unwrap_or(100);
    if !(1..=1000).contains(&minor_per_unit) {
        let allowed = "1 to 1000, most often 100 or 1".to_owned();
        found.push(SettingProblem::OutOfRange {
            at: document.at(&format!("{place}.minor_per_unit")),
            value: minor_per_unit.to_string(),
            allowed,
        });
        return None;
    }
    if !is_decimal(minor_per_unit) {
        let (at, currency) = (document.at(&format!("{place}.minor_per_unit")), section.currency.clone());
        found.push(SettingProblem::MinorUnitNotDecimal { at, currency, minor_per_unit });
        return None;
    }
    Some(minor_per_unit)
}

/// Sums of such minor units are decimal numbers, as providers write them: nothing but twos and fives divides the unit.
fn is_decimal(minor_per_unit: u32) -> bool {
    1000_u32.pow(3) % minor_per_unit == 0
}

struct Reader<'a> {
    document: &'a Document,
    section: &'a TariffSection,
    /// Where it stands in the file.
    place: &'a str,
    minor_per_unit: u32,
    found: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn at(&self, field: &str) -> Spot {
        self.document.at(&format!("{}.{field}", self.place))
    }

    fn tariff(&mut self) -> Tariff {
        let section = self.section;
        let periods = section.periods.iter().enumerate().map(|(at, period)| {
            let field = |name: &str| format!("periods.{at}.{name}");
            Period {
                name: period.name.clone(),
                from: self.time(&field("from"), &period.from),
                to: self.time(&field("to"), &period.to),
                weekdays: period.weekdays.clone(),
                price_per_kwh_minor: self.minor(&field("price_per_kwh"), period.price_per_kwh),
            }
        });
        let periods = periods.collect();
        let blocks = section.blocks.iter().enumerate().map(|(at, block)| Block {
            up_to_kwh: block.up_to_kwh,
            price_per_kwh_minor: self.minor(&format!("blocks.{at}.price_per_kwh"), block.price_per_kwh),
        });
        let blocks = blocks.collect();
        let lifeline = section.lifeline.map(|lifeline| Lifeline {
            kwh: lifeline.kwh,
            price_per_kwh_minor: self.minor("lifeline.price_per_kwh", lifeline.price_per_kwh),
        });
        let capacity = section.capacity.map(|capacity| Capacity {
            price_per_kw_day_minor: self.minor("capacity.price_per_kw_day", capacity.price_per_kw_day),
            subscribed_w: capacity.subscribed_w,
        });
        let demand = section.demand.map(|demand| Demand {
            price_per_kw_month_minor: self.minor("demand.price_per_kw_month", demand.price_per_kw_month),
            window_min: demand.window_min,
        });
        Tariff {
            id: section.id.clone(),
            class: String::new(),
            version: 0,
            from_unix_ms: None,
            currency: section.currency.clone(),
            minor_per_unit: self.minor_per_unit,
            energy_price_per_kwh_minor: self.minor("energy_price_per_kwh", section.energy_price_per_kwh),
            daily_fee_minor: self.minor("daily_fee", section.daily_fee),
            grace_minor: self.minor("grace", section.grace),
            periods,
            blocks,
            lifeline,
            capacity,
            demand,
            emergency_credit_minor: self.minor("emergency_credit", section.emergency_credit),
            debt: section.debt,
            friendly_hours: self.friendly(),
            long_gap: section.long_gap,
            long_gap_h: section.long_gap_h,
            receipt_credit_minor: self.minor("receipt_credit", section.receipt_credit),
            receipt_h: section.receipt_h,
        }
    }

    fn friendly(&mut self) -> Vec<FriendlyHours> {
        let mut all = Vec::new();
        for (at, hours) in self.section.friendly_hours.iter().enumerate() {
            let field = |name: &str| format!("friendly_hours.{at}.{name}");
            let mut days = Vec::new();
            for (n, text) in hours.days.iter().enumerate() {
                match NamedDay::try_from(text.clone()) {
                    Ok(day) => days.push(day),
                    Err(error) => {
                        let at = self.at(&format!("{}.{n}", field("days")));
                        self.found.push(SettingProblem::TariffTime { at, what: error.to_string() });
                    }
                }
            }
            all.push(FriendlyHours {
                from: self.time(&field("from"), &hours.from),
                to: self.time(&field("to"), &hours.to),
                weekdays: hours.weekdays.clone(),
                days,
            });
        }
        all
    }

    fn time(&mut self, field: &str, text: &str) -> TimeOfDay {
        TimeOfDay::try_from(text.to_owned()).unwrap_or_else(|error| {
            let at = self.at(field);
            self.found.push(SettingProblem::TariffTime { at, what: error.to_string() });
            TimeOfDay::default()
        })
    }

    /// An amount in minor units. What cannot be one is told, and counts as 0.
    fn minor(&mut self, field: &str, amount: f64) -> i64 {
        let (section, minor_per_unit) = (self.section, self.minor_per_unit);
        let at = self.at(field);
        if amount < 0.0 {
            // A price below zero has its own finding.
            if field != "energy_price_per_kwh" {
                let allowed = "0 or more".to_owned();
                self.found.push(SettingProblem::Negative { at, value: amount.to_string(), allowed });
            }
            return 0;
        }
        if amount > AMOUNT_MAX {
            let allowed = format!("up to {AMOUNT_MAX} {}", section.currency);
            self.found.push(SettingProblem::OutOfRange { at, value: amount.to_string(), allowed });
            return 0;
        }
        let exact = amount * f64::from(minor_per_unit);
        if (exact - exact.round()).abs() > 1e-6 * exact.max(1.0) {
            let currency = section.currency.clone();
            self.found.push(SettingProblem::MinorUnit { at, found: amount.to_string(), currency, minor_per_unit });
        }
        exact.round() as i64
    }
}

/// What the tariff says of itself, at its place in the file.
fn contradiction(document: &Document, place: &str, fault: &TariffFault, found: &mut Diagnostics) {
    // The currency has its own finding, with a suggestion.
    if matches!(fault.field, "currency" | "minor_per_unit") {
        return;
    }
    let field = fault.field.strip_suffix("_minor").unwrap_or(fault.field);
    let path = match fault.list {
        Some((list, at)) => format!("{place}.{list}.{at}.{field}"),
        None => format!("{place}.{field}"),
    };
    found.push(SettingProblem::TariffFault { at: document.at(&path), what: fault.problem.to_string() });
}
