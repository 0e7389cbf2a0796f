//! Whatever is in the files, the loader answers: spliced, cut and shuffled inputs are refused or taken, never a panic.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use taa_scenarios::{Overrides, check, load};

#[path = "bad_inputs/fixture.rs"]
#[allow(dead_code, reason = "only the texts are used here")]
mod fixture;

const FAULTS: &str = "[[fault]]\nwhat = \"meter_dead\"\nfrom = \"day 2 18:00\"\nuntil = \"36 h\"\nmeters = [\"b1\"]\n\n[[fault]]\nwhat = \"cloudy\"\nfrom = \"2026-01-03\"\nuntil = \"day 5\"\nsun_share = 0.3\n";

/// Pieces that are known to be awkward.
const PIECES: [&str; 24] = [
    "",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "=",
    "-",
    "1e400",
    "nan",
    "-inf",
    "\u{0}",
    "é",
    "99999999999999999999",
    "null",
    "\n",
    ",",
    "[[[]]]",
    "day 0",
    "\"source\"",
    "-1",
    "0",
    "a.b.c = 1\n",
];

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("taa-splice-{}-{name}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn splice(text: &str, cuts: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for &(at, length, piece) in cuts {
        let floor = |wanted: usize| (0..=wanted.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        let from = floor(at % (text.len() + 1));
        let to = floor(from + length);
        text.replace_range(from..to, PIECES[piece % PIECES.len()]);
    }
    text
}

fn cuts() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((any::<usize>(), 0_usize..60, any::<usize>()), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spliced_files_are_answered(which in 0_usize..3, cuts in cuts()) {
        let dir = folder("files");
        let mut sound = fixture::Fixture::new("unused");
        sound.toml("title", "faults = \"faults.toml\"\ntitle");
        let mut texts = [sound.scenario.clone(), sound.village.clone(), FAULTS.to_owned()];
        texts[which] = splice(&texts[which], &cuts);
        for (name, text) in ["scenario.toml", "village.geojson", "faults.toml"].iter().zip(&texts) {
            fs::write(dir.join(name), text).unwrap();
        }
        fs::write(dir.join("weather.csv"), &sound.weather).unwrap();
        let report = check(&dir);
        prop_assert_eq!(report.ok(), load(&dir, &Overrides::default()).is_ok());
    }
}
