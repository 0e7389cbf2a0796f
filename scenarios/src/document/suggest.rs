//! "Did you mean": the closest allowed word, and keys that differ in their unit alone.

/// Endings that are units, longest first where one ends another, with their names.
const UNITS: [(&str, &str); 30] = [
    ("_w_per_m2", "watts per square metre"),
    ("_m_per_s", "metres per second"),
    ("_per_kwh", "units of the currency per kilowatt-hour"),
    ("_per_month", "times a month"),
    ("_per_year", "times a year"),
    ("_minor", "minor units of the currency"),
    ("_kwh", "kilowatt-hours"),
    ("_kwp", "kilowatts peak"),
    ("_wh", "watt-hours"),
    ("_kw", "kilowatts"),
    ("_mw", "milliwatts"),
    ("_days", "days"),
    ("_min", "minutes"),
    ("_ms", "milliseconds"),
    ("_dbm", "dBm"),
    ("_dbi", "dBi"),
    ("_db", "dB"),
    ("_mhz", "megahertz"),
    ("_hz", "hertz"),
    ("_km", "kilometres"),
    ("_m2", "square metres"),
    ("_deg", "degrees"),
    ("_share", "parts of one"),
    ("_percent", "percent"),
    ("_w", "watts"),
    ("_m", "metres"),
    ("_s", "seconds"),
    ("_h", "hours"),
    ("_d", "days"),
    ("_c", "degrees Celsius"),
];

/// Names that people use for keys of ours.
const ALIASES: [(&str, &str); 14] = [
    ("latitude", "lat_deg"),
    ("lat", "lat_deg"),
    ("longitude", "lon_deg"),
    ("lon", "lon_deg"),
    ("lng", "lon_deg"),
    ("timezone", "utc_offset_h"),
    ("time_zone", "utc_offset_h"),
    ("price", "energy_price_per_kwh"),
    ("price_per_kwh", "energy_price_per_kwh"),
    ("solar_kwp", "pv_kwp"),
    ("random_seed", "seed"),
    ("duration", "days"),
    ("end", "until"),
    ("start", "from"),
];

/// The allowed word that is likely meant.
pub(crate) fn closest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in allowed {
        let alias = ALIASES.contains(&(lower.as_str(), candidate));
        let likeness = if alias { 1.0 } else { strsim::jaro_winkler(&lower, &candidate.to_lowercase()) };
        let near = alias || likeness >= 0.85 || strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()) <= 2;
        if near && likeness >= 0.6 && best.is_none_or(|(known, _)| likeness > known) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, allowed).map_or_else(String::new, |candidate| format!("; did you mean `{candidate}`?"))
}

/// The allowed key that means the same quantity in another unit, with its unit in words.
pub(super) fn same_quantity<'a>(
    key: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Option<(&'a str, &'static str)> {
    let stem = split_unit(key).map_or(key, |(stem, _)| stem);
    allowed.into_iter().find_map(|candidate| {
        let (wanted, unit) = split_unit(candidate)?;
        let bare_pv = stem == "pv_power" && wanted == "pv";
        (wanted == stem || bare_pv).then_some((candidate, unit))
    })
}

fn split_unit(key: &str) -> Option<(&str, &'static str)> {
    UNITS.iter().find_map(|(ending, name)| {
        let stem = key.strip_suffix(ending)?;
        (!stem.is_empty()).then_some((stem, *name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let allowed = ["cloud_sync", "cloud_cached", "sts_keypad", "edge_local"];
        assert_eq!(closest("edge-local", allowed), Some("edge_local"));
        assert_eq!(closest("cloudsync", allowed), Some("cloud_sync"));
        assert_eq!(closest("banana", allowed), None);
        assert_eq!(closest("latitude", ["lat_deg", "lon_deg"]), Some("lat_deg"));
    }

    #[test]
    fn another_unit_of_the_same_quantity_is_recognised() {
        let allowed = ["pv_kwp", "battery_kwh", "inverter_kw"];
        assert_eq!(same_quantity("pv_w", allowed), Some(("pv_kwp", "kilowatts peak")));
        assert_eq!(same_quantity("battery_wh", allowed), Some(("battery_kwh", "kilowatt-hours")));
        assert_eq!(same_quantity("inverter", allowed), Some(("inverter_kw", "kilowatts")));
        assert_eq!(same_quantity("panel_w", allowed), None);
    }
}
