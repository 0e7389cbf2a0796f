//! Solar home kits and appliances in the village that are paid by the day with OpenPAYGO tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// Who has a kit, and how days are bought. A kit has no meter and no part in the grid: only its money and its tokens go
/// through the site, and only where that sells by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KitParams {
    /// Share of customers who have one, 0 to 1. Assumed: none.
    pub share: f64,
    /// Share of the kits that report over their owner's phone (OpenPAYGO Metrics) and get their tokens that way too, 0 to
    /// 1. Assumed: none.
    pub link_share: f64,
    /// Price of a day, minor units of the currency. Assumed: 30000.
    pub day_price_minor: i64,
    /// Days that are bought at once, 1 to 90. Assumed: a week.
    pub days: u32,
}

impl Default for KitParams {
    fn default() -> Self {
        Self { share: 0.0, link_share: 0.0, day_price_minor: 30_000, days: 7 }
    }
}

impl KitParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        let price = (1..=1_000_000_000).contains(&self.day_price_minor);
        Checks::default()
            .demand((0.0..=1.0).contains(&self.share), "kits.share", self.share, "0 to 1")
            .demand((0.0..=1.0).contains(&self.link_share), "kits.link_share", self.link_share, "0 to 1")
            .demand(price, "kits.day_price_minor", self.day_price_minor, "1 to 1000000000")
            .demand((1..=90).contains(&self.days), "kits.days", self.days, "1 to 90")
            .done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_kit_has_is_named() {
        assert_eq!(KitParams::default().check(), []);
        let wrong = KitParams { share: 1.5, link_share: f64::NAN, day_price_minor: 0, days: 0 };
        assert_eq!(wrong.check().len(), 4);
    }
}
