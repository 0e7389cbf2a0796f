//! `fleet.toml`: what an operator knows of the meters in the field. No secret stands in it.
//!
//! ```toml
//! [[meter]]
//! id = "ELS0001"
//! iin = "600727"        # issuer number, 6 or 4 digits; with `drn` the primary account number
//! drn = "01234567890"   # meter number, 11 or 13 digits
//! sgc = 123456          # supply group code, 6 digits
//! krn = 1               # key revision, 1 to 9
//! key_type = "unique"   # initialization, default, unique, common
//! ti = 1                # tariff index, 0 to 99
//! ken = 255             # key expiry number, 255: never
//! base = 1993           # base date: 1993, 2014 or 2035
//! algorithm = "EA07"    # or EA11
//! keypad = true
//! ```
//!
//! `gateway` (class 115), `ble` and `phone` may stand beside `keypad`. A meter without `iin` has no token decoder.

use serde::Deserialize;
use taa_dcu::config::{MeterAccess, MeterEntry, StsMeter};
use taa_tokens::sts::{Algorithm, BaseDate, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Sgc, TariffIndex};
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FleetFile {
    #[serde(default)]
    meter: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    iin: Option<Spanned<String>>,
    drn: Option<Spanned<String>>,
    sgc: Option<Spanned<i64>>,
    krn: Option<Spanned<i64>>,
    key_type: Option<Spanned<String>>,
    ti: Option<Spanned<i64>>,
    ken: Option<Spanned<i64>>,
    base: Option<Spanned<i64>>,
    algorithm: Option<Spanned<String>>,
    #[serde(default)]
    keypad: bool,
    #[serde(default)]
    gateway: bool,
    #[serde(default)]
    ble: bool,
    phone: Option<String>,
}

/// Where in the text, what is wrong, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// From 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// The meters of the text, or everything that is wrong with it.
pub(super) fn read(text: &str) -> Result<Vec<MeterEntry>, Vec<Wrong>> {
    let file: FleetFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![Wrong { line: line(text, at), text: error.message().to_owned() }]
    })?;
    let mut wrong = Vec::new();
    let mut meters = Vec::new();
    for entry in file.meter {
        let mut check = Check { text, meter: entry.id.get_ref().clone(), wrong: &mut wrong };
        if let Some(meter) = check.meter(&entry) {
            meters.push(meter);
        }
    }
    if meters.is_empty() && wrong.is_empty() {
        wrong.push(Wrong { line: 1, text: "no meters: each begins with [[meter]]".to_owned() });
    }
    if wrong.is_empty() { Ok(meters) } else { Err(wrong) }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

struct Check<'a> {
    text: &'a str,
    meter: String,
    wrong: &'a mut Vec<Wrong>,
}

impl Check<'_> {
    fn say(&mut self, at: usize, field: &str, what: &str) {
        let text = format!("meter {}: `{field}`: {what}", self.meter);
        self.wrong.push(Wrong { line: line(self.text, at), text });
    }

    /// The value of a field that must be there and be allowed.
    fn field<T, V>(
        &mut self,
        entry: &Entry,
        (name, allowed): (&str, &str),
        found: Option<&Spanned<T>>,
        read: impl FnOnce(&T) -> Option<V>,
    ) -> Option<V> {
        let Some(found) = found else {
            self.say(entry.id.span().start, name, &format!("missing; allowed: {allowed}"));
            return None;
        };
        let value = read(found.get_ref());
        if value.is_none() {
            self.say(found.span().start, name, &format!("allowed: {allowed}"));
        }
        value
    }

    fn meter(&mut self, entry: &Entry) -> Option<MeterEntry> {
        let id = entry.id.get_ref().clone();
        let plain =
            MeterEntry { account: id.clone(), id, access: MeterAccess::Open, opening_balance_minor: 0, sts: None };
        if entry.iin.is_none() && entry.drn.is_none() {
            let told = [
                ("sgc", entry.sgc.is_some()),
                ("keypad", entry.keypad),
                ("gateway", entry.gateway),
                ("ble", entry.ble),
            ];
            if let Some((name, _)) = told.iter().find(|(_, told)| *told) {
                self.say(entry.id.span().start, name, "a token decoder has a number: `iin` and `drn` are missing");
                return None;
            }
            return Some(plain);
        }
        let number = |value: &i64| u32::try_from(*value).ok();
        let small = |value: &i64| u8::try_from(*value).ok();
        let iin = self.field(entry, ("iin", "6 digits, or 4"), entry.iin.as_ref(), |text| Some(text.clone()));
        let drn = self.field(entry, ("drn", "11 digits, or 13 with 4 of `iin`"), entry.drn.as_ref(), |drn| {
            MeterPan::new(iin.as_deref().unwrap_or_default(), drn).ok()
        });
        let sgc = self
            .field(entry, ("sgc", "6 digits, 0 to 999999"), entry.sgc.as_ref(), |value| Sgc::new(number(value)?).ok());
        let krn = self.field(entry, ("krn", "1 to 9"), entry.krn.as_ref(), |value| Krn::new(small(value)?).ok());
        let kinds = "initialization, default, unique, common";
        let key_type = self.field(entry, ("key_type", kinds), entry.key_type.as_ref(), |name| match name.as_str() {
            "initialization" => Some(KeyType::Initialization),
            "default" => Some(KeyType::Default),
            "unique" => Some(KeyType::Unique),
            "common" => Some(KeyType::Common),
            _ => None,
        });
        let ti = self.field(entry, ("ti", "0 to 99"), entry.ti.as_ref(), |v| TariffIndex::new(small(v)?).ok());
        let ken = self.field(entry, ("ken", "0 to 255"), entry.ken.as_ref(), small);
        let base = self.field(entry, ("base", "1993, 2014, 2035"), entry.base.as_ref(), |year| {
            BaseDate::of_year(u16::try_from(*year).ok()?)
        });
        let algorithm =
            self.field(entry, ("algorithm", "EA07, EA11"), entry.algorithm.as_ref(), |name| match name.as_str() {
                "EA07" => Some(Algorithm::Ea07),
                "EA11" => Some(Algorithm::Ea11),
                _ => None,
            });
        let sts = StsMeter {
            pan: drn?,
            key: KeyAttributes { sgc: sgc?, krn: krn?, key_type: key_type?, ti: ti?, ken: ken?, base_date: base? },
            // How the key is derived matters to the module alone.
            generation: KeyGeneration::Dkga04,
            algorithm: algorithm?,
            in_money: true,
            keypad: entry.keypad,
            gateway: entry.gateway,
            ble: entry.ble,
            phone: entry.phone.clone(),
        };
        Some(MeterEntry { sts: Some(sts), ..plain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"[[meter]]
id = "M1"
iin = "600727"
drn = "01234567890"
sgc = 123456
krn = 1
key_type = "unique"
ti = 1
ken = 255
base = 1993
algorithm = "EA07"
keypad = true

[[meter]]
id = "M2"
"#;

    #[test]
    fn meters_with_and_without_a_decoder_are_read() {
        let meters = read(ONE).unwrap();
        assert_eq!(meters.len(), 2);
        assert!(meters[0].sts.as_ref().is_some_and(|sts| sts.keypad && sts.key.sgc.number() == 123_456));
        assert_eq!(meters[1].sts, None);
    }

    #[test]
    fn what_is_wrong_names_line_field_and_what_is_allowed() {
        let wrong = |from: &str, to: &str| {
            let found = read(&ONE.replace(from, to)).unwrap_err();
            (found[0].line, found[0].text.clone())
        };
        assert_eq!(
            wrong("sgc = 123456", "sgc = 1234567890"),
            (5, "meter M1: `sgc`: allowed: 6 digits, 0 to 999999".into())
        );
        assert_eq!(wrong("base = 1993", "base = 2000"), (10, "meter M1: `base`: allowed: 1993, 2014, 2035".into()));
        assert_eq!(wrong("krn = 1\n", ""), (2, "meter M1: `krn`: missing; allowed: 1 to 9".into()));
        assert_eq!(wrong("id = \"M2\"\n", "id = \"M2\"\nkeypad = true\n").0, 15);
        assert_eq!(wrong("keypad = true", "keybad = true").0, 12);
        assert_eq!(read("").unwrap_err()[0].line, 1);
    }
}
