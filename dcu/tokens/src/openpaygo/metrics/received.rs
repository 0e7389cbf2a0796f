//! The server's side: a request read, verified and spread out.

use super::auth::same_signature;
use super::format::expand;
use super::{DataFormat, FormatMismatch, Json, JsonError, Method, MetricsKey, Request, lengthened};

/// A request as it came in. Nothing in it is to be believed before [`Received::verify`].
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Under long names; values as they came.
    fields: Json,
    serial_number: String,
}

/// Why a request cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// No object, or no serial number in it.
    #[error("no request: there is no serial number")]
    NoSerialNumber,
    /// A field of a wrong type.
    #[error("the field {0} has a wrong type")]
    WrongType(&'static str),
    /// Condensed, and the format is not known.
    #[error("the data format is needed to read this")]
    NoFormat,
    /// Values and format do not fit.
    #[error(transparent)]
    Format(#[from] FormatMismatch),
}

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Not signed.
    #[error("the request is not signed")]
    Unsigned,
    /// A method that is none.
    #[error("the request is signed in a way that is not known")]
    UnknownMethod,
    /// Wrong key, or changed on the way.
    #[error("the signature is wrong: another key, or changed on the way")]
    Wrong,
    /// Not newer than the last one.
    #[error("the request was seen before, or is older than the last one")]
    Replay,
    /// Neither time nor count: a replay could not be told.
    #[error("the request has neither a time nor a count")]
    NoFreshness,
}

/// What the last good request of a device carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its count.
    pub request_count: Option<i64>,
    /// Its time, seconds since 1970.
    pub timestamp: Option<i64>,
}

impl Received {
    /// Reads a request in either form.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        let Json::Object(fields) = Json::parse(text)? else { return Err(ReadError::NoSerialNumber) };
        let fields = Json::Object(lengthened(fields));
        for name in ["timestamp", "request_count"] {
            if fields.get(name).is_some_and(|value| !value.is_nothing() && value.number().is_none()) {
                return Err(ReadError::WrongType(name));
            }
        }
        let serial = fields.get("serial_number").and_then(Json::text).filter(|serial| !serial.is_empty());
        let serial_number = serial.ok_or(ReadError::NoSerialNumber)?.to_string();
        Ok(Self { fields, serial_number })
    }

    /// Which device it says it is.
    #[must_use]
    pub fn serial_number(&self) -> &str {
        &self.serial_number
    }

    /// The number of its data format.
    #[must_use]
    pub fn data_format_id(&self) -> Option<i64> {
        self.fields.get("data_format_id").and_then(Json::number)
    }

    /// Time and count that it carries, to be kept as [`Seen`] once it has been verified.
    #[must_use]
    pub fn freshness(&self) -> Seen {
        let number = |name| self.fields.get(name).filter(|value| !value.is_nothing()).and_then(Json::number);
        Seen { request_count: number("request_count"), timestamp: number("timestamp") }
    }

    /// Verifies the signature, and that the request is newer than the last one.
    ///
    /// # Errors
    /// [`AuthError`].
    pub fn verify(&self, key: &MetricsKey, last: Seen) -> Result<Method, AuthError> {
        let signature = self.fields.get("auth").and_then(Json::text).filter(|text| !text.is_empty());
        let signature = signature.ok_or(AuthError::Unsigned)?;
        let method = Method::of_signature(signature).ok_or(AuthError::UnknownMethod)?;
        let expected = key.sign_request(&self.fields, method).map_err(|_| AuthError::Wrong)?;
        if !same_signature(signature, &expected) {
            return Err(AuthError::Wrong);
        }
        let now = self.freshness();
        let is_old = |now: Option<i64>, last: Option<i64>| now.zip(last).is_some_and(|(now, last)| now <= last);
        if is_old(now.request_count, last.request_count) || is_old(now.timestamp, last.timestamp) {
            return Err(AuthError::Replay);
        }
        if now == Seen::default() { Err(AuthError::NoFreshness) } else { Ok(method) }
    }

    /// What was reported, every value under its name and every step of the past with its time (`timestamp`, seconds since
    /// 1970). `format` is what the server knows under [`Received::data_format_id`]; a format in the request itself is
    /// used where it knows none. `received_at` stands in for a device without a clock.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn metrics(&self, format: Option<&DataFormat>, received_at: i64) -> Result<Request, ReadError> {
        let own = self.fields.get("data_format").map(DataFormat::from_json);
        let format = format.cloned().or(own);
        let need = || format.as_ref().ok_or(ReadError::NoFormat);
        let data = match self.fields.get("data") {
            None => Vec::new(),
            Some(value) if value.is_nothing() => Vec::new(),
            Some(Json::Object(fields)) => fields.clone(),
            Some(Json::List(list)) => lengthened(expand(&need()?.data_order, list, true)?),
            Some(_) => return Err(ReadError::WrongType("data")),
        };
        let mut steps = Vec::new();
        match self.fields.get("historical_data") {
            None => {}
            Some(value) if value.is_nothing() => {}
            Some(Json::List(list)) => {
                for step in list {
                    steps.push(spread(step, format.as_ref())?);
                }
            }
            Some(_) => return Err(ReadError::WrongType("historical_data")),
        }
        let freshness = self.freshness();
        let collected = self.fields.get("data_collection_timestamp").and_then(Json::number);
        let start = collected.or(freshness.timestamp).unwrap_or(received_at);
        let interval = format.as_ref().and_then(|format| format.historical_data_interval);
        put_times(&mut steps, start, interval)?;
        Ok(Request {
            serial_number: self.serial_number.clone(),
            format,
            timestamp: freshness.timestamp,
            request_count: freshness.request_count,
            data,
            historical_data: steps,
        })
    }

    pub(super) const fn fields(&self) -> &Json {
        &self.fields
    }
}

/// One step of the past under its names; in an object, a number stands for the name at that place.
fn spread(step: &Json, format: Option<&DataFormat>) -> Result<Vec<(String, Json)>, ReadError> {
    let order = format.map(|format| format.historical_data_order.as_slice());
    match step {
        Json::List(list) => Ok(expand(order.ok_or(ReadError::NoFormat)?, list, false)?),
        Json::Object(fields) => {
            let name = |key: &String| {
                let place = key.parse::<usize>().ok().and_then(|place| order?.get(place));
                place.unwrap_or(key).clone()
            };
            Ok(fields.iter().map(|(key, value)| (name(key), value.clone())).collect())
        }
        _ => Err(FormatMismatch::Step.into()),
    }
}

/// Gives every step its time: its own, or relative to the step before, or one interval after it.
fn put_times(steps: &mut [Vec<(String, Json)>], start: i64, interval: Option<i64>) -> Result<(), ReadError> {
    let mut time = start;
    for (at, step) in steps.iter_mut().enumerate() {
        let find = |name: &str| step.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let relative = find("relative_time").filter(|value| **value != Json::Null);
        let own = find("timestamp").filter(|value| !value.is_nothing());
        if let Some(relative) = relative {
            let relative = relative.number().ok_or(ReadError::WrongType("relative_time"))?;
            time = time.saturating_add(relative);
        } else if let Some(own) = own {
            time = own.number().ok_or(ReadError::WrongType("timestamp"))?;
            continue;
        } else if at > 0 {
            time = time.saturating_add(interval.ok_or(FormatMismatch::NoTime)?);
        }
        step.retain(|(name, _)| name != "relative_time" && name != "timestamp");
        step.push(("timestamp".into(), Json::whole(time)));
    }
    Ok(())
}
