//! Currencies: ISO 4217 codes in use, and how many minor units make one unit.
//!
//! The number of decimals is the standard's (list one, 2024): TZS has two although cents have left circulation, UGX,
//! RWF and the CFA francs have none. Minor units are how accounts count; coins are another matter.

/// Codes with two decimals.
const TWO: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";
/// Codes without decimals.
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Codes with three decimals.
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";

/// Units of a currency for one US dollar, rounded to two figures. Assumed (2025): it weighs costs against each other in
/// the report and moves no money in a run.
const PER_USD: [(&str, f64); 26] = [
    ("USD", 1.0),
    ("EUR", 0.9),
    ("GBP", 0.76),
    ("TZS", 2600.0),
    ("KES", 130.0),
    ("UGX", 3600.0),
    ("RWF", 1400.0),
    ("BIF", 2900.0),
    ("ETB", 140.0),
    ("NGN", 1500.0),
    ("GHS", 12.0),
    ("XOF", 590.0),
    ("XAF", 590.0),
    ("ZMW", 25.0),
    ("MWK", 1700.0),
    ("MZN", 64.0),
    ("CDF", 2600.0),
    ("SLE", 23.0),
    ("LRD", 190.0),
    ("MGA", 4500.0),
    ("ZAR", 18.0),
    ("INR", 86.0),
    ("BDT", 120.0),
    ("NPR", 140.0),
    ("MMK", 2100.0),
    ("PHP", 57.0),
];

/// A round exchange rate, where one is listed.
pub(super) fn per_usd(code: &str) -> Option<f64> {
    PER_USD.iter().find(|(known, _)| *known == code).map(|(_, rate)| *rate)
}

/// Minor units in a unit of the currency; `None` for a code that is not in use.
pub(super) fn minor_per_unit(code: &str) -> Option<u32> {
    let is_in = |list: &str| list.split(' ').any(|known| known == code);
    if is_in(TWO) {
        Some(100)
    } else if is_in(NONE) {
        Some(1)
    } else if is_in(THREE) {
        Some(1000)
    } else {
        None
    }
}

/// All codes.
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    [TWO, NONE, THREE].into_iter().flat_map(|list| list.split(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_three_capitals_and_unique() {
        let mut all: Vec<&str> = codes().collect();
        assert!(all.iter().all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn decimals_as_the_standard_has_them() {
        assert_eq!(
            ["TZS", "KES", "UGX", "XOF", "TND"].map(minor_per_unit),
            [Some(100), Some(100), Some(1), Some(1), Some(1000)]
        );
        assert_eq!(minor_per_unit("TSH"), None);
    }
}
