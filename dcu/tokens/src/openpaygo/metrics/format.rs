//! Data formats: the order in which a condensed request carries its values.

use super::Json;

/// Which values stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFormat {
    /// Number by which server and device know it; without one, the format travels in every request.
    pub id: Option<i64>,
    /// Names of the present values.
    pub data_order: Vec<String>,
    /// Names of the values of one step of the past.
    pub historical_data_order: Vec<String>,
    /// Seconds between two steps, where they carry no time of their own.
    pub historical_data_interval: Option<i64>,
}

/// Values and format do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatMismatch {
    /// A value that the format has no place for.
    #[error("the data format has no place for {0:?}")]
    Unplaced(String),
    /// More values than places.
    #[error("{found} values for {places} places of the data format")]
    TooMany {
        /// Values found.
        found: usize,
        /// Places there are.
        places: usize,
    },
    /// A step of the past that is neither a list nor named values.
    #[error("a step of historical data is neither a list nor an object")]
    Step,
    /// Neither step nor format say when it was.
    #[error("a step of historical data has no time, and the data format no interval")]
    NoTime,
}

impl DataFormat {
    /// As it travels in a request.
    #[must_use]
    pub fn json(&self) -> Json {
        let names = |names: &[String]| Json::List(names.iter().cloned().map(Json::Text).collect());
        let mut fields = Vec::new();
        if let Some(id) = self.id {
            fields.push(("id".into(), Json::whole(id)));
        }
        fields.push(("data_order".into(), names(&self.data_order)));
        fields.push(("historical_data_order".into(), names(&self.historical_data_order)));
        if let Some(interval) = self.historical_data_interval {
            fields.push(("historical_data_interval".into(), Json::whole(interval)));
        }
        Json::Object(fields)
    }

    /// From what a request carries; what is missing or of another type stays empty.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        let names = |name: &str| match json.get(name) {
            Some(Json::List(names)) => names.iter().filter_map(|name| name.text().map(str::to_string)).collect(),
            _ => Vec::new(),
        };
        Self {
            id: json.get("id").and_then(Json::number),
            data_order: names("data_order"),
            historical_data_order: names("historical_data_order"),
            historical_data_interval: json.get("historical_data_interval").and_then(Json::number),
        }
    }
}

/// Values in order; what is missing at the end is left out, in between it is `null`.
pub(super) fn condense(order: &[String], fields: &[(String, Json)]) -> Result<Json, FormatMismatch> {
    if let Some((name, _)) = fields.iter().find(|(name, _)| !order.contains(name)) {
        return Err(FormatMismatch::Unplaced(name.clone()));
    }
    let find = |name: &String| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let mut list: Vec<Json> = order.iter().map(|name| find(name).unwrap_or(Json::Null)).collect();
    while list.last() == Some(&Json::Null) {
        list.pop();
    }
    Ok(Json::List(list))
}

/// Values under their names. `fill`: names without a value get `null`.
pub(super) fn expand(order: &[String], list: &[Json], fill: bool) -> Result<Vec<(String, Json)>, FormatMismatch> {
    if list.len() > order.len() {
        return Err(FormatMismatch::TooMany { found: list.len(), places: order.len() });
    }
    let rest = order.len().saturating_sub(list.len());
    let nothing = std::iter::repeat_n(Json::Null, if fill { rest } else { 0 });
    Ok(order.iter().cloned().zip(list.iter().cloned().chain(nothing)).collect())
}
