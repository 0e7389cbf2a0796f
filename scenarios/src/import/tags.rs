//! The properties of a building that mean something to a village, from the many ways of writing them.

use std::collections::BTreeMap;

use super::place::Place;
use super::problem::ImportProblem;

/// Property names as found in the wild, and what they are kept as.
const KEPT: [(&str, &str); 20] = [
    ("building", "building"),
    ("roof:material", "roof"),
    ("building:roof", "roof"),
    ("roof_material", "roof"),
    ("roof", "roof"),
    ("building:material", "wall"),
    ("wall:material", "wall"),
    ("wall_material", "wall"),
    ("walls", "wall"),
    ("wall", "wall"),
    ("name", "name"),
    ("amenity", "amenity"),
    ("shop", "shop"),
    ("office", "office"),
    ("craft", "craft"),
    ("healthcare", "healthcare"),
    ("class", "class"),
    ("connected", "connected"),
    ("placement", "placement"),
    ("phase", "phase"),
];

/// Where an id may stand, best first.
pub(super) const ID_KEYS: [&str; 9] =
    ["id", "osm_id", "@id", "bid", "building_id", "fid", "full_plus_code", "osm_way_id", "full_id"];

/// Property keys of things that are no buildings, when no building tag stands beside them.
const OTHER_THINGS: [&str; 14] = [
    "highway",
    "landuse",
    "natural",
    "waterway",
    "boundary",
    "place",
    "power",
    "leisure",
    "barrier",
    "railway",
    "water",
    "route",
    "man_made",
    "emergency",
];

/// Amenities that have no roof, when no building tag stands beside them.
const ROOFLESS: [&str; 12] = [
    "drinking_water",
    "water_point",
    "watering_place",
    "bench",
    "waste_basket",
    "waste_disposal",
    "recycling",
    "parking",
    "fountain",
    "telephone",
    "post_box",
    "grave_yard",
];

/// Vocabulary of the tags that taa itself reads; values outside it are refused, because they were written for taa.
const VOCABULARY: [(&str, &[&str]); 3] = [
    ("class", &["household_low", "household_middle", "household_high", "shop", "school", "clinic", "mill"]),
    ("placement", &["pole", "wall", "indoor"]),
    ("connected", &["yes", "no"]),
];

/// The name a property is kept under.
pub(super) fn kept_as(key: &str) -> Option<&'static str> {
    let key = key.trim();
    KEPT.iter().find(|(from, _)| from.eq_ignore_ascii_case(key)).map(|&(_, to)| to)
}

/// Whether the properties say that this is something else than a building; returns what.
pub(super) fn other_thing(keys: &BTreeMap<String, String>) -> Option<&'static str> {
    if keys.get("building").is_some_and(|value| value != "no") {
        return None;
    }
    let amenity = keys.get("amenity").and_then(|value| ROOFLESS.iter().find(|known| *known == value));
    amenity.or_else(|| OTHER_THINGS.iter().find(|&&key| keys.contains_key(key))).copied()
}

/// Puts a value into the form it is compared in, and refuses values that taa's own tags do not know.
pub(super) fn normalise(place: &Place, key: &str, value: &str) -> Result<String, ImportProblem> {
    let trimmed = value.trim();
    if key == "name" {
        return Ok(trimmed.to_owned());
    }
    let mut word = trimmed.to_ascii_lowercase();
    if key == "connected" {
        word = match word.as_str() {
            "true" | "1" | "y" => "yes".to_owned(),
            "false" | "0" | "n" => "no".to_owned(),
            _ => word,
        };
    }
    if key == "class" {
        word = word.replace([' ', '-'], "_");
    }
    let Some((_, allowed)) = VOCABULARY.iter().find(|(name, _)| *name == key) else { return Ok(word) };
    if allowed.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(ImportProblem::BadTag {
        place: place.at_field(key),
        value: trimmed.to_owned(),
        suggestion: did_you_mean(&word, allowed),
        allowed: allowed.join(", "),
    })
}

fn did_you_mean(word: &str, allowed: &[&str]) -> String {
    let best = allowed
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

/// OpenStreetMap asks for its own wording; other notices are passed on.
pub(super) fn attribution_of(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    if lower.contains("openstreetmap") || lower.contains("odbl") {
        "© OpenStreetMap contributors, ODbL 1.0".to_owned()
    } else {
        text.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_tags_are_checked_and_foreign_ones_kept() {
        let place = Place::default();
        assert_eq!(normalise(&place, "class", "Household Low").unwrap(), "household_low");
        assert_eq!(normalise(&place, "connected", "TRUE").unwrap(), "yes");
        assert_eq!(normalise(&place, "amenity", "Place_of_Worship").unwrap(), "place_of_worship");
        let problem = normalise(&place, "placement", "indor").unwrap_err();
        assert!(problem.to_string().contains("did you mean `indoor`"), "{problem}");
    }

    #[test]
    fn a_landuse_is_not_a_building_unless_it_says_so() {
        let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(other_thing(&tags(&[("landuse", "residential")])), Some("landuse"));
        assert_eq!(other_thing(&tags(&[("landuse", "commercial"), ("building", "yes")])), None);
        assert_eq!(other_thing(&tags(&[("bid", "1")])), None);
        assert_eq!(other_thing(&tags(&[("amenity", "bench")])), Some("bench"));
        assert_eq!(other_thing(&tags(&[("amenity", "school")])), None);
        assert_eq!(other_thing(&tags(&[("man_made", "mast")])), Some("man_made"));
    }
}
