//! Token decoders of the village's meters (IEC 62055-41): which keys they hold.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// The keys that meters with a token decoder hold when the run begins. Vending keys are drawn from the run's seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StsParams {
    /// Supply group code, six digits (0 to 999999). Assumed.
    pub sgc: u32,
    /// Key revision number, 1 to 9.
    pub krn: u8,
    /// Encryption algorithm of the meters: 7 (STA, with the sample tables unless `tables` names others) or 11 (MISTY1).
    pub ea: u8,
    /// A file with the tables of STA that the STS Association licenses, relative to the scenario: three lines,
    /// `substitution1 = …`, `substitution2 = …`, `permutation = …`. With `ea = 7` alone; left out: the sample tables of the
    /// standard.
    pub tables: Option<String>,
    /// Tariff index, 0 to 99.
    pub ti: u8,
    /// Key expiry number, 0 to 255; 255 never expires. Tokens of later minutes are not sold.
    pub ken: u8,
    /// Year from which token identifiers count: 1993, 2014 or 2035. Those of 1993 ended on 24 November 2024.
    pub base_year: u16,
    /// Share of meters with a token gateway (interface class 115), 0 to 1. It is used where the DCU vends. Assumed: none.
    pub gateway_share: f64,
    /// How many minutes ahead of the clock a token may be dated, where several are sold at once or a lease has gaps.
    /// Assumed: a day.
    pub minutes_ahead_max: u32,
    /// The file of `tables` as read by the loader; never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub tables_read: Option<TablesText>,
}

/// The text of a file with licensed tables. `Debug` hides it: it is not ours to show.
#[derive(Clone, PartialEq, Eq)]
pub struct TablesText(pub String);

impl fmt::Debug for TablesText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TablesText(..)")
    }
}

impl Default for StsParams {
    fn default() -> Self {
        Self {
            sgc: 123_456,
            krn: 1,
            ea: 11,
            tables: None,
            ti: 1,
            ken: 255,
            base_year: 2014,
            gateway_share: 0.0,
            minutes_ahead_max: 1440,
            tables_read: None,
        }
    }
}

impl StsParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        let krn = (1..=8).contains(&self.krn);
        let year = matches!(self.base_year, 1993 | 2014 | 2035);
        Checks::default()
            .demand(self.sgc <= 999_999, "sts.sgc", self.sgc, "six digits, 0 to 999999")
            .demand(krn, "sts.krn", self.krn, "1 to 8 (a change of key goes one further)")
            .demand(matches!(self.ea, 7 | 11), "sts.ea", self.ea, "7 or 11")
            .demand(
                self.tables.is_none() || self.ea == 7,
                "sts.tables",
                self.tables.as_deref().unwrap_or_default(),
                "left out where ea is not 7",
            )
            .demand(self.ti <= 99, "sts.ti", self.ti, "0 to 99")
            .demand((0.0..=1.0).contains(&self.gateway_share), "sts.gateway_share", self.gateway_share, "0 to 1")
            .demand(year, "sts.base_year", self.base_year, "1993, 2014 or 2035")
            .demand(
                (1..=525_600).contains(&self.minutes_ahead_max),
                "sts.minutes_ahead_max",
                self.minutes_ahead_max,
                "1 to 525600 (a year)",
            )
            .done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_key_has_are_named() {
        assert_eq!(StsParams::default().check(), []);
        let wrong = StsParams {
            sgc: 1_000_000,
            krn: 0,
            ea: 9,
            ti: 100,
            base_year: 2000,
            tables: Some("sta.txt".into()),
            minutes_ahead_max: 0,
            ..StsParams::default()
        };
        assert_eq!(wrong.check().len(), 7);
    }
}
