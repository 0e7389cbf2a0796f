//! More than one tariff a site: classes of customers (households, businesses, institutions), each with its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Tariff, TariffFault};

/// Most classes of a site, the site's own tariff not counted.
pub const CLASSES_MAX: usize = 16;

/// The tariffs of a site beside its own, and who has one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    /// One a class; [`Tariff::class`] is its name, and never empty.
    pub tariffs: Vec<Tariff>,
    /// Class by the name of the account. Who is not named has the site's own tariff.
    pub accounts: BTreeMap<String, String>,
}

/// What is wrong with the classes of a site. Whoever configured them is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassFault {
    /// A tariff without the name of its class.
    #[error("tariff {0} of the list names no class")]
    Unnamed(usize),
    /// Two tariffs of one class.
    #[error("class {0} has two tariffs")]
    Twice(String),
    /// Too many.
    #[error("at most {CLASSES_MAX} classes")]
    TooMany,
    /// All accounts of a site are in one currency.
    #[error("class {0} is in another currency than the site's tariff, or in other units of it")]
    Currency(String),
    /// The tariff contradicts itself.
    #[error("class {0}: {1}")]
    Contradiction(String, TariffFault),
    /// An account in a class that there is not.
    #[error("account {account} is in class {class}, which has no tariff")]
    Unknown {
        /// Which account.
        account: String,
        /// The class that it names.
        class: String,
    },
    /// Credit in the meters, and a tariff that they cannot count down by.
    #[error(
        "account {account}: its meter keeps the credit and takes one price, a daily fee and trust; class {class} has more"
    )]
    NotFlat {
        /// Which account.
        account: String,
        /// Its class.
        class: String,
    },
}

impl Classes {
    /// No other tariff than the site's.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tariffs.is_empty() && self.accounts.is_empty()
    }

    /// The tariff of a class; the site's for the class without a name.
    #[must_use]
    pub fn tariff<'a>(&'a self, site: &'a Tariff, class: &str) -> Option<&'a Tariff> {
        if class.is_empty() { Some(site) } else { self.tariffs.iter().find(|tariff| tariff.class == class) }
    }

    /// The tariff of an account.
    #[must_use]
    pub fn of<'a>(&'a self, site: &'a Tariff, account: &str) -> &'a Tariff {
        let class = self.accounts.get(account).map_or("", String::as_str);
        self.tariff(site, class).unwrap_or(site)
    }

    /// Everything that is wrong; `in_meters`: the meters keep the credit.
    #[must_use]
    pub fn check(&self, site: &Tariff, in_meters: bool) -> Vec<ClassFault> {
        let mut found = Vec::new();
        if self.tariffs.len() > CLASSES_MAX {
            found.push(ClassFault::TooMany);
        }
        for (at, tariff) in self.tariffs.iter().enumerate() {
            let class = &tariff.class;
            if class.is_empty() {
                found.push(ClassFault::Unnamed(at));
            } else if self.tariffs.iter().take(at).any(|other| other.class == *class) {
                found.push(ClassFault::Twice(class.clone()));
            }
            if (&tariff.currency, tariff.minor_per_unit) != (&site.currency, site.minor_per_unit) {
                found.push(ClassFault::Currency(class.clone()));
            }
            found.extend(tariff.check().into_iter().map(|fault| ClassFault::Contradiction(class.clone(), fault)));
        }
        for (account, class) in &self.accounts {
            let (account, class) = (account.clone(), class.clone());
            match self.tariff(site, &class) {
                None => found.push(ClassFault::Unknown { account, class }),
                Some(tariff) if in_meters && !tariff.suits_meters() => {
                    found.push(ClassFault::NotFlat { account, class });
                }
                Some(_) => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tariff::Block;

    #[test]
    fn every_fault_is_named_with_whom_it_concerns() {
        let site = Tariff::flat("TZS", 100, 90_000);
        let class = |name: &str, tariff: &Tariff| Tariff { class: name.into(), ..tariff.clone() };
        let block = Block { up_to_kwh: 10, price_per_kwh_minor: 1 };
        let shop = Tariff { blocks: vec![block], ..class("business", &site) };
        let mut classes = Classes { tariffs: vec![class("institution", &site), shop], accounts: BTreeMap::new() };
        classes.accounts.insert("A1".into(), "business".into());
        assert_eq!(classes.check(&site, false), []);
        let not_flat = ClassFault::NotFlat { account: "A1".into(), class: "business".into() };
        assert_eq!(classes.check(&site, true), [not_flat]);
        assert_eq!(classes.of(&site, "A1").class, "business");
        assert_eq!(classes.of(&site, "A2"), &site);

        classes.accounts.insert("A2".into(), "palace".into());
        classes.tariffs.push(class("business", &Tariff::flat("KES", 100, -1)));
        classes.tariffs.push(site.clone());
        let texts: Vec<String> = classes.check(&site, false).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "class business has two tariffs",
                "class business is in another currency than the site's tariff, or in other units of it",
                "class business: energy_price_per_kwh_minor: must not be below zero",
                "tariff 3 of the list names no class",
                "account A2 is in class palace, which has no tariff",
            ]
        );
    }
}
