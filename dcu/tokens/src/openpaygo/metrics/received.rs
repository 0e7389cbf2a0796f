//! The server's side: a request read, verified and spread out.
//!
//! What trips the user: the reference library signs time and count as digits written one behind the other, without a mark
//! between them, and does not say which of them is there. So `"timestamp":1772323301,"request_count":1` and
//! `"request_count":17723233011` have one signature. Times have ten digits here and counts nine at most: then the number
//! of digits tells what they are, and no signed digits can be read in a second way (Arbitrary; the reference sets no
//! bounds).

use std::ops::RangeInclusive;

use super::auth::same_signature;
use super::format::expand;
use super::{DataFormat, FormatMismatch, Json, JsonError, Method, MetricsKey, Request, lengthened};

/// Times of a report: ten digits, 2001 to 2286.
const TIMES: RangeInclusive<i64> = 1_000_000_000..=9_999_999_999;
/// Counts of a report: nine digits at most, a report every second for thirty years.
const COUNTS: RangeInclusive<i64> = 1..=999_999_999;

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
    /// A signed time of other than ten digits, or a count of more than nine: the digits could have been signed as
    /// something else.
    #[error("the {0} is out of bounds: a time has ten digits, a count nine at most")]
    OutOfBounds(&'static str),
    /// Without a field that the last good request had: whoever takes one away could pass an old request for a new one.
    #[error("the request has no {0}, and the last one had")]
    Lacks(&'static str),
}

/// What the good requests of a device have carried so far, as far as their signatures cover it ([`Received::covered`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its count.
    pub request_count: Option<i64>,
    /// Its time, seconds since 1970.
    pub timestamp: Option<i64>,
}

impl Seen {
    /// Without what no good request can have carried: what was kept before there were bounds.
    #[must_use]
    pub fn within_bounds(self) -> Self {
        Self {
            request_count: self.request_count.filter(|count| COUNTS.contains(count)),
            timestamp: self.timestamp.filter(|time| TIMES.contains(time)),
        }
    }
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
        // A bare number would be read as more digits of the count before it.
        let odd = |name, list_only: bool| match fields.get(name) {
            None | Some(Json::List(_)) => false,
            Some(Json::Object(_)) if !list_only => false,
            Some(value) => !value.is_nothing(),
        };
        for (name, list_only) in [("data", false), ("historical_data", true)] {
            if odd(name, list_only) {
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

    /// Time and count that it carries, signed or not.
    #[must_use]
    pub fn freshness(&self) -> Seen {
        let number = |name| self.fields.get(name).filter(|value| !value.is_nothing()).and_then(Json::number);
        Seen { request_count: number("request_count"), timestamp: number("timestamp") }
    }

    /// Of time and count what a signature by this method covers: that much is to be kept once it has been verified. Anybody
    /// on the way can write the rest.
    #[must_use]
    pub fn covered(&self, method: Method) -> Seen {
        let Seen { request_count, timestamp } = self.freshness();
        match method {
            Method::Simple => Seen::default(),
            Method::Timestamp => Seen { request_count: None, timestamp },
            Method::Counter => Seen { request_count, timestamp: None },
            Method::Data | Method::Recursive => Seen { request_count, timestamp },
        }
    }

    /// Whether its values stand under their names. Values in a list get their names from a data format, which no signature
    /// covers.
    #[must_use]
    pub fn has_named_data(&self) -> bool {
        matches!(self.fields.get("data"), Some(Json::Object(_)))
    }

    /// Verifies the signature, and that the request is newer than all before.
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
        let (now, last) = (self.freshness(), last.within_bounds());
        self.check_digits(self.covered(method))?;
        let lacks = |now: Option<i64>, last: Option<i64>| last.is_some() && now.is_none();
        if lacks(now.request_count, last.request_count) {
            return Err(AuthError::Lacks("count"));
        }
        if lacks(now.timestamp, last.timestamp) {
            return Err(AuthError::Lacks("time"));
        }
        let is_old = |now: Option<i64>, last: Option<i64>| now.zip(last).is_some_and(|(now, last)| now <= last);
        if is_old(now.request_count, last.request_count) || is_old(now.timestamp, last.timestamp) {
            return Err(AuthError::Replay);
        }
        if now == Seen::default() { Err(AuthError::NoFreshness) } else { Ok(method) }
    }

    /// The signed digits can be read in one way alone.
    fn check_digits(&self, signed: Seen) -> Result<(), AuthError> {
        // Written as whole numbers are: "17e8" and "1.0" are signed as they stand.
        let plain = |name, number: i64| self.fields.get(name).is_some_and(|value| value.write() == number.to_string());
        let good = |number: Option<i64>, name, bounds: &RangeInclusive<i64>| {
            number.is_none_or(|number| bounds.contains(&number) && plain(name, number))
        };
        if !good(signed.timestamp, "timestamp", &TIMES) {
            return Err(AuthError::OutOfBounds("time"));
        }
        if !good(signed.request_count, "request_count", &COUNTS) {
            return Err(AuthError::OutOfBounds("count"));
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taa_keys::Secret;

    use super::*;

    fn key() -> MetricsKey {
        MetricsKey::new(&Secret::new(&[0x3C; 16])).unwrap()
    }

    fn report(timestamp: Option<i64>, request_count: Option<i64>, method: Method) -> String {
        let request = Request { serial_number: "SHS1".into(), timestamp, request_count, ..Request::default() };
        request.simple(Some((&key(), method))).unwrap()
    }

    fn verify(text: &str, last: Seen) -> Result<Method, AuthError> {
        Received::parse(text).unwrap().verify(&key(), last)
    }

    #[test]
    fn a_request_that_lacks_what_the_last_had_is_refused_by_that_name() {
        let last = Seen { request_count: Some(4), timestamp: Some(1_772_323_300) };
        let at = Some(1_772_323_400);
        assert_eq!(verify(&report(at, Some(5), Method::Data), last), Ok(Method::Data));
        assert_eq!(verify(&report(None, Some(5), Method::Data), last), Err(AuthError::Lacks("time")));
        assert_eq!(verify(&report(None, Some(5), Method::Counter), last), Err(AuthError::Lacks("time")));
        assert_eq!(verify(&report(at, None, Method::Recursive), last), Err(AuthError::Lacks("count")));
        assert_eq!(verify(&report(at, None, Method::Timestamp), last), Err(AuthError::Lacks("count")));
        // What was kept before there were bounds shuts nobody out.
        let before = Seen { request_count: Some(17_723_233_011), timestamp: None };
        assert_eq!(verify(&report(None, Some(5), Method::Counter), before), Ok(Method::Counter));
    }

    #[test]
    fn times_and_counts_out_of_bounds_are_named() {
        for (time, count, name) in [
            (Some(999_999_999), Some(7), "time"),
            (Some(10_000_000_000), None, "time"),
            (Some(-1_772_323_301), None, "time"),
            (Some(1_772_323_301), Some(1_000_000_000), "count"),
            (None, Some(-7), "count"),
        ] {
            for method in [Method::Data, Method::Recursive] {
                let refused = verify(&report(time, count, method), Seen::default());
                assert_eq!(refused, Err(AuthError::OutOfBounds(name)), "{time:?} {count:?}");
            }
        }
        // "7.0" is signed as other digits than "7".
        let half = Json::Object(vec![
            ("serial_number".into(), Json::Text("SHS1".into())),
            ("request_count".into(), Json::float(7.0).unwrap()),
        ]);
        let auth = key().sign_request(&half, Method::Counter).unwrap();
        let text = format!("{{\"serial_number\":\"SHS1\",\"request_count\":7.0,\"auth\":\"{auth}\"}}");
        assert_eq!(verify(&text, Seen::default()), Err(AuthError::OutOfBounds("count")));
        // An unsigned time decides nothing, however odd it is: so a device with a dead clock and a counter goes on.
        let dead = report(Some(86_400), Some(7), Method::Counter);
        assert_eq!(verify(&dead, Seen::default()), Ok(Method::Counter));
        let covered = Received::parse(&dead).unwrap().covered(Method::Counter);
        assert_eq!(covered, Seen { request_count: Some(7), timestamp: None });
    }

    #[test]
    fn values_that_are_bare_numbers_are_refused() {
        for (name, value) in
            [("data", "2"), ("data", "\"x\""), ("historical_data", "3"), ("historical_data", "{\"a\":1}")]
        {
            let text = format!("{{\"serial_number\":\"SHS1\",\"request_count\":1,\"{name}\":{value}}}");
            assert_eq!(Received::parse(&text), Err(ReadError::WrongType(name)), "{text}");
        }
    }

    proptest! {
        /// Whoever holds one signed report has its digits read in every other way, under every method: none is taken.
        #[test]
        fn signed_digits_are_read_in_one_way(
            time in prop::option::of(TIMES),
            count in prop::option::of(prop_oneof![1..100_i64, COUNTS]),
            by in 0..4_usize,
        ) {
            let methods = [Method::Timestamp, Method::Counter, Method::Data, Method::Recursive];
            let method = methods[by];
            let time = time.or(Some(1_772_323_301).filter(|_| method == Method::Timestamp || count.is_none()));
            let count = count.or(Some(11).filter(|_| method == Method::Counter));
            let text = report(time, count, method);
            let genuine = Received::parse(&text).unwrap();
            prop_assert_eq!(genuine.verify(&key(), Seen::default()), Ok(method));
            let signed = genuine.covered(method);
            let auth = text.split("\"auth\":\"").nth(1).unwrap().trim_end_matches("\"}");
            let digits: String = [time, count].into_iter().flatten().map(|number| number.to_string()).collect();
            let starts = [signed.timestamp, signed.request_count].into_iter().flatten().map(|number| number.to_string());
            for digits in starts.chain([digits]) {
                for cut in 0..=digits.len() {
                    let (head, tail) = digits.split_at(cut);
                    for other in methods {
                        let field = |name: &str, digits: &str| match digits {
                            "" => String::new(),
                            some => format!(",\"{name}\":{some}"),
                        };
                        let fields = field("timestamp", head) + &field("request_count", tail);
                        let auth = format!("{}{}", other.code(), &auth[2..]);
                        let forged = format!("{{\"serial_number\":\"SHS1\"{fields},\"data\":{{}},\"auth\":\"{auth}\"}}");
                        let Ok(forged) = Received::parse(&forged) else { continue };
                        if let Ok(method) = forged.verify(&key(), Seen::default()) {
                            prop_assert_eq!(forged.covered(method), signed);
                        }
                    }
                }
            }
        }
    }
}
