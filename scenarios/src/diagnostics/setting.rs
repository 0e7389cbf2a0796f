//! What can be wrong with a value in `scenario.toml`, in a fault file, or on the command line.

use miette::Diagnostic;
use thiserror::Error;

use super::Spot;

/// One problem of a setting.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum SettingProblem {
    /// The folder holds no scenario.
    #[error("{at}: there is no scenario.toml in this folder{detail}")]
    #[diagnostic(
        forward(at),
        code(taa::scenario::no_scenario),
        help("name a scenario's folder, or make one: taa new DIR --buildings FILE --weather FILE")
    )]
    NoScenario {
        /// The folder.
        at: Spot,
        /// What there is instead.
        detail: String,
    },

    /// No TOML.
    #[error("{at}: not valid TOML: {reason}")]
    #[diagnostic(
        forward(at),
        code(taa::toml::syntax),
        help("one `name = value` a line, text in double quotes, tables as [name]; see https://toml.io")
    )]
    Syntax {
        /// Where.
        at: Spot,
        /// What the parser says.
        reason: String,
    },

    /// A key that means nothing here.
    #[error("{at}: `{key}` is not known{suggestion}")]
    #[diagnostic(forward(at), code(taa::scenario::unknown_key), help("allowed here: {allowed}"))]
    UnknownKey {
        /// Where.
        at: Spot,
        /// The key.
        key: String,
        /// Did you mean.
        suggestion: String,
        /// All keys of the table.
        allowed: String,
    },

    /// The right quantity under another unit, or without one.
    #[error("{at}: `{key}` has the wrong unit; the field is `{wanted}`, in {unit}")]
    #[diagnostic(
        forward(at),
        code(taa::scenario::wrong_unit),
        help("convert the value to {unit} and rename the key to `{wanted}`")
    )]
    WrongUnit {
        /// Where.
        at: Spot,
        /// The key.
        key: String,
        /// The key it should be.
        wanted: String,
        /// Its unit in words.
        unit: &'static str,
    },

    /// Text where a number belongs, and so on.
    #[error("{at}: {wanted} belongs here, {found} stands here")]
    #[diagnostic(forward(at), code(taa::scenario::wrong_type), help("{hint}"))]
    WrongType {
        /// Where.
        at: Spot,
        /// What is wanted.
        wanted: String,
        /// What was found.
        found: String,
        /// How to write it.
        hint: String,
    },

    /// A key that must be there.
    #[error("{at}: `{key}` is missing")]
    #[diagnostic(forward(at), code(taa::scenario::missing_key), help("add it: {example}"))]
    MissingKey {
        /// Where.
        at: Spot,
        /// The key.
        key: String,
        /// An example.
        example: String,
    },

    /// A word that is none of the allowed ones.
    #[error("{at}: `{value}` is not one of the allowed words{suggestion}")]
    #[diagnostic(forward(at), code(taa::scenario::unknown_word), help("allowed: {allowed}"))]
    UnknownWord {
        /// Where.
        at: Spot,
        /// What stands there.
        value: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },

    /// A number outside its range.
    #[error("{at} is {value}")]
    #[diagnostic(forward(at), code(taa::scenario::out_of_range), help("allowed: {allowed}"))]
    OutOfRange {
        /// Where.
        at: Spot,
        /// The value.
        value: String,
        /// The range in words.
        allowed: String,
    },

    /// A quantity below zero.
    #[error("{at} is negative: {value}")]
    #[diagnostic(forward(at), code(taa::scenario::negative), help("allowed: {allowed}"))]
    Negative {
        /// Where.
        at: Spot,
        /// The value.
        value: String,
        /// The range in words.
        allowed: String,
    },

    /// A share outside 0 to 1.
    #[error("{at} is a share, and {value} is not between 0 and 1")]
    #[diagnostic(forward(at), code(taa::scenario::share), help("allowed: 0 to 1{percent}"))]
    Share {
        /// Where.
        at: Spot,
        /// The value.
        value: String,
        /// The value read as percent.
        percent: String,
    },

    /// TOML knows `nan` and `inf`; no setting does.
    #[error("{at} is {value}, not a finite number")]
    #[diagnostic(
        forward(at),
        code(taa::scenario::not_finite),
        help("write a decimal number; leave the key out for the default")
    )]
    NotFinite {
        /// Where.
        at: Spot,
        /// `nan` or `inf`.
        value: String,
    },

    /// A file of another age.
    #[error("{at}: schema {found} is not known to this taa")]
    #[diagnostic(forward(at), code(taa::scenario::schema_version), help("this version reads schema = 1"))]
    SchemaVersion {
        /// Where.
        at: Spot,
        /// What it says.
        found: i64,
    },

    /// A file that is named and not there.
    #[error("{at}: there is no file `{path}`")]
    #[diagnostic(
        forward(at),
        code(taa::scenario::missing_reference),
        help("paths are relative to the folder of scenario.toml{near}")
    )]
    MissingReference {
        /// Where it is named.
        at: Spot,
        /// The path as written.
        path: String,
        /// What lies there instead.
        near: String,
    },

    /// A folder is named where a file belongs.
    #[error("{at}: `{path}` is a folder, a file is wanted")]
    #[diagnostic(forward(at), code(taa::scenario::reference_is_folder), help("name the file inside it{near}"))]
    ReferenceIsFolder {
        /// Where it is named.
        at: Spot,
        /// The path as written.
        path: String,
        /// What lies there.
        near: String,
    },

    /// No currency.
    #[error("{at}: `{found}` is not an ISO 4217 currency code{suggestion}")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::currency),
        help("three capital letters, as in TZS, KES, UGX, XOF, NGN or USD")
    )]
    Currency {
        /// Where.
        at: Spot,
        /// What stands there.
        found: String,
        /// Did you mean.
        suggestion: String,
    },

    /// Energy for nothing.
    #[error("{at}: a price of {found} per kWh")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::price),
        help("allowed: more than 0; prepayment divides the balance by it")
    )]
    Price {
        /// Where.
        at: Spot,
        /// The price.
        found: String,
    },

    /// Money finer than the currency.
    #[error("{at}: {found} {currency} is finer than the currency's smallest unit")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::minor_unit),
        help("{currency} has {minor_per_unit} minor units to the unit; round the amount, or set minor_per_unit")
    )]
    MinorUnit {
        /// Where.
        at: Spot,
        /// The amount.
        found: String,
        /// The currency.
        currency: String,
        /// Minor units per unit.
        minor_per_unit: u32,
    },

    /// Money that nobody can write.
    #[error("{at}: {minor_per_unit} minor units to the unit of {currency} are no decimal part of it")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::minor_unit_not_decimal),
        help(
            "providers and the intake relay write amounts as decimal numbers, so such money could not be paid in; \
              take 100, 1000, 10, 1, or 5 as for MRU and MGA"
        )
    )]
    MinorUnitNotDecimal {
        /// Where.
        at: Spot,
        /// The currency.
        currency: String,
        /// Minor units per unit.
        minor_per_unit: u32,
    },

    /// A time or a day that is none.
    #[error("{at}: {what}")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::time),
        help("local time, two digits each: \"00:00\" to \"24:00\"; days as \"12-25\" or \"2026-04-03\"")
    )]
    TariffTime {
        /// Where.
        at: Spot,
        /// What is wrong.
        what: String,
    },

    /// A tariff that contradicts itself.
    #[error("{at}: {what}")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::contradiction),
        help(
            "periods must not overlap, blocks must rise above the lifeline; where neither applies, energy_price_per_kwh does"
        )
    )]
    TariffFault {
        /// Where.
        at: Spot,
        /// What contradicts what.
        what: String,
    },

    /// Meters that count by themselves and a price that moves.
    #[error("{at}: `{architecture}` keeps the credit in the meter, which counts it down at one price and a fee a day")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::not_flat),
        help(
            "leave out periods, blocks, lifeline, capacity, demand and friendly hours, or architectures with credit_at = \"meter\""
        )
    )]
    NotFlat {
        /// Where the price begins to move.
        at: Spot,
        /// The architecture.
        architecture: String,
    },

    /// Tariffs of classes that do not fit together, or nobody.
    #[error("{at}: {what}")]
    #[diagnostic(
        forward(at),
        code(taa::tariff::class),
        help("[[tariffs]] names classes of customers in `customers`, each once; all others have [tariff]")
    )]
    TariffClass {
        /// Where.
        at: Spot,
        /// What is wrong.
        what: String,
    },

    /// A demand profile that cannot be used.
    #[error("{at}: {what}")]
    #[diagnostic(forward(at), code(taa::demand::profile), help("{help}"))]
    Profile {
        /// Where.
        at: Spot,
        /// What is wrong.
        what: String,
        /// What is wanted.
        help: String,
    },

    /// A site that is not on the planet.
    #[error("{at}: {found} degrees")]
    #[diagnostic(
        forward(at),
        code(taa::site::coordinates),
        help("latitude is -90 to 90 degrees north, longitude -180 to 180 degrees east")
    )]
    Coordinates {
        /// Where.
        at: Spot,
        /// The value.
        found: f64,
    },

    /// A site without its village.
    #[error("{at}: the buildings are {km:.0} km away from the site{swapped}")]
    #[diagnostic(
        forward(at),
        code(taa::site::far_from_buildings),
        help(
            "lat_deg and lon_deg are the origin of the village's map: leave them out to take the middle of the buildings"
        )
    )]
    FarFromBuildings {
        /// Where.
        at: Spot,
        /// How far.
        km: f64,
        /// They look swapped.
        swapped: &'static str,
    },

    /// A clock that no country has.
    #[error("{at}: an offset of {found} h from UTC")]
    #[diagnostic(
        forward(at),
        code(taa::site::utc_offset),
        help("allowed: -12 to 14 hours in quarters; East Africa has 3, Nigeria 1, India 5.5")
    )]
    UtcOffset {
        /// Where.
        at: Spot,
        /// The value.
        found: f64,
    },

    /// Warning: local noon far from the sun's.
    #[error("{at}: with this offset the sun stands highest at {noon} local time")]
    #[diagnostic(
        forward(at),
        code(taa::site::odd_noon),
        severity(Warning),
        help("is utc_offset_h right? The longitude suggests about {suggested} h")
    )]
    OddNoon {
        /// Where.
        at: Spot,
        /// As in `15:40`.
        noon: String,
        /// Hours from UTC by longitude.
        suggested: i64,
    },

    /// Warning: a plant that does not fit its customers.
    #[error("{at}: {found} is {word} for this village")]
    #[diagnostic(
        forward(at),
        code(taa::power::odd_size),
        severity(Warning),
        help(
            "{customers} customers use about {daily_kwh:.0} kWh a day; the usual sizing gives {usual}; leave the key out to have it"
        )
    )]
    OddSize {
        /// Where.
        at: Spot,
        /// The size.
        found: String,
        /// Large or small.
        word: &'static str,
        /// Customers.
        customers: usize,
        /// Their mean daily energy, kWh.
        daily_kwh: f64,
        /// The size by the rule.
        usual: String,
    },

    /// A file with the tables of EA07 that holds none.
    #[error("{at}: {what}")]
    #[diagnostic(
        forward(at),
        code(taa::sts::tables),
        help(
            "three lines: substitution1 and substitution2 = 16 numbers from 0 to 15, permutation = 64 numbers from 0 to 63"
        )
    )]
    Tables {
        /// Where.
        at: Spot,
        /// What is wrong.
        what: String,
    },
}
