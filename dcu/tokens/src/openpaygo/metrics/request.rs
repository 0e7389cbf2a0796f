//! The device's side: a request in either form, signed.

use super::auth::FieldMissing;
use super::format::condense;
use super::{DataFormat, FormatMismatch, Json, Method, MetricsKey, shortened};

/// What a device reports. Either a time or a count is needed for the server to tell a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Serial number of the device.
    pub serial_number: String,
    /// Its data format.
    pub format: Option<DataFormat>,
    /// Seconds since 1970-01-01 00:00 UTC.
    pub timestamp: Option<i64>,
    /// Number of the request; grows with each.
    pub request_count: Option<i64>,
    /// Present values.
    pub data: Vec<(String, Json)>,
    /// Values of the past, step by step.
    pub historical_data: Vec<Vec<(String, Json)>>,
}

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A condensed request needs a data format.
    #[error("a condensed request needs a data format")]
    NoFormat,
    /// Values and format do not fit.
    #[error(transparent)]
    Format(#[from] FormatMismatch),
    /// The signature needs a time or a count that is not set.
    #[error("this signature needs a {0}")]
    Missing(&'static str),
}

impl Request {
    /// Everything under its name.
    ///
    /// # Errors
    /// [`RequestError::Missing`].
    pub fn simple(&self, sign: Option<(&MetricsKey, Method)>) -> Result<String, RequestError> {
        let mut fields = self.head();
        fields.push(("data".into(), Json::Object(self.data.clone())));
        let steps = self.historical_data.iter().cloned().map(Json::Object).collect();
        fields.push(("historical_data".into(), Json::List(steps)));
        Ok(Json::Object(signed(fields, sign)?).write())
    }

    /// Values in the order of the data format, names short.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn condensed(&self, sign: Option<(&MetricsKey, Method)>) -> Result<String, RequestError> {
        let format = self.format.as_ref().ok_or(RequestError::NoFormat)?;
        let untimed = |step: &Vec<(String, Json)>| !step.iter().any(|(name, _)| name == "timestamp");
        if format.historical_data_interval.is_none() && self.historical_data.iter().any(untimed) {
            return Err(FormatMismatch::NoTime.into());
        }
        let mut fields = self.head();
        fields.push(("data".into(), condense(&format.data_order, &self.data)?));
        let steps = self.historical_data.iter().map(|step| condense(&format.historical_data_order, step));
        fields.push(("historical_data".into(), Json::List(steps.collect::<Result<_, _>>()?)));
        Ok(Json::Object(shortened(signed(fields, sign)?)).write())
    }

    fn head(&self) -> Vec<(String, Json)> {
        let mut fields = vec![("serial_number".into(), Json::Text(self.serial_number.clone()))];
        match &self.format {
            Some(DataFormat { id: Some(id), .. }) if *id != 0 => {
                fields.push(("data_format_id".into(), Json::whole(*id)));
            }
            Some(format) => fields.push(("data_format".into(), format.json())),
            None => {}
        }
        if let Some(timestamp) = self.timestamp {
            fields.push(("timestamp".into(), Json::whole(timestamp)));
        }
        if let Some(count) = self.request_count {
            fields.push(("request_count".into(), Json::whole(count)));
        }
        fields
    }
}

/// Adds the signature.
fn signed(
    mut fields: Vec<(String, Json)>,
    sign: Option<(&MetricsKey, Method)>,
) -> Result<Vec<(String, Json)>, RequestError> {
    if let Some((key, method)) = sign {
        let request = Json::Object(fields.clone());
        let needed = if method == Method::Counter { "request count" } else { "timestamp" };
        let signature = key.sign_request(&request, method).map_err(|FieldMissing| RequestError::Missing(needed))?;
        fields.push(("auth".into(), Json::Text(signature)));
    }
    Ok(fields)
}
