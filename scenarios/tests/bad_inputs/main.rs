//! Bad inputs, each spoilt in one way: one finding and no other, with its own code, its file, line or field, and help
//! that says what is allowed.
//!
//! The cases go through the whole loader, so a case also shows that one cause does not raise several findings. The
//! importers' own tests (`import_*`) look closer at buildings and weather.

/// Declares cases as tests: what is spoilt, and what is expected.
macro_rules! cases {
    ($( $name:ident: $code:literal at $place:literal says [$($word:literal),*] when $spoil:expr; )*) => {
        $(
            #[test]
            fn $name() {
                let mut fixture = crate::fixture::Fixture::new(stringify!($name));
                let spoil: fn(&mut crate::fixture::Fixture) = $spoil;
                spoil(&mut fixture);
                crate::fixture::assert_one(&fixture.findings(), $code, $place, &[$($word),*]);
            }
        )*

        /// Codes of the cases above.
        pub(crate) const CODES: &[&str] = &[$($code),*];
    };
}

mod band;
mod buildings;
mod demand;
mod faults;
mod fixture;
mod grid;
mod making;
mod rendered;
mod settings;
mod sky;

use std::collections::BTreeSet;

#[test]
fn the_fixture_itself_is_sound() {
    let fixture = fixture::Fixture::new("sound");
    assert_eq!(fixture.findings(), []);
}

#[test]
fn there_are_more_than_eighty_distinct_diagnoses() {
    let all = [
        settings::CODES,
        band::CODES,
        demand::CODES,
        grid::CODES,
        buildings::CODES,
        sky::CODES,
        faults::CODES,
        making::CODES,
    ];
    let distinct: BTreeSet<&str> = all.into_iter().flatten().copied().collect();
    assert!(distinct.len() > 80, "{} distinct codes: {distinct:?}", distinct.len());
}
