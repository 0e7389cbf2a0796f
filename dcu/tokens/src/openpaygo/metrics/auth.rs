//! Signatures of requests and answers.

use std::fmt;

use taa_keys::Secret;

use super::Json;
use crate::openpaygo::siphash::SipKey;

/// A device's key for Metrics: the one of its tokens. Wiped when dropped, hidden in `Debug`.
#[derive(Clone)]
pub struct MetricsKey(SipKey);

/// What a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `sa`: the serial number alone.
    Simple,
    /// `ta`: serial number and time.
    Timestamp,
    /// `ca`: serial number and count.
    Counter,
    /// `da`: all that is reported, at once.
    Data,
    /// `ra`: all that is reported, a hash over the hash of what came before: for devices with little memory.
    Recursive,
}

impl Method {
    /// The two letters in front of a signature.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Simple => "sa",
            Self::Timestamp => "ta",
            Self::Counter => "ca",
            Self::Data => "da",
            Self::Recursive => "ra",
        }
    }

    /// From the first two letters of a signature.
    #[must_use]
    pub fn of_signature(signature: &str) -> Option<Self> {
        [Self::Simple, Self::Timestamp, Self::Counter, Self::Data, Self::Recursive]
            .into_iter()
            .find(|method| signature.starts_with(method.code()))
    }
}

/// A method needs a time, or a count, that the request does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldMissing;

impl MetricsKey {
    /// From 16 bytes.
    #[must_use]
    pub fn new(key: &Secret) -> Option<Self> {
        key.expose().try_into().ok().map(|bytes: &[u8; 16]| Self(SipKey::new(bytes)))
    }

    /// Hexadecimal, without leading zeros: so the reference library writes it.
    fn hash(&self, text: &str) -> String {
        format!("{:x}", self.0.hash(text.as_bytes()))
    }

    /// Signs a request, given under long names and in the form in which it is sent.
    pub(super) fn sign_request(&self, request: &Json, method: Method) -> Result<String, FieldMissing> {
        let serial = request.get("serial_number").and_then(Json::text).unwrap_or("");
        let present = |name: &str| request.get(name).filter(|value| !value.is_nothing());
        let plain = |name: &str| present(name).map(as_text);
        let signature = match method {
            Method::Simple => self.hash(serial),
            Method::Timestamp => self.hash(&format!("{serial}{}", plain("timestamp").ok_or(FieldMissing)?)),
            Method::Counter => self.hash(&format!("{serial}{}", plain("request_count").ok_or(FieldMissing)?)),
            Method::Data => {
                let mut payload = serial.to_string();
                for name in ["timestamp", "request_count"] {
                    payload.extend(plain(name));
                }
                for name in ["data", "historical_data"] {
                    payload.extend(present(name).map(Json::write));
                }
                self.hash(&payload)
            }
            Method::Recursive => {
                let mut hash = self.hash(serial);
                for name in ["timestamp", "request_count"] {
                    if let Some(text) = plain(name) {
                        hash = self.hash(&(hash + &text));
                    }
                }
                let data = request.get("data").map_or_else(|| "[]".to_string(), Json::write);
                hash = self.hash(&(hash + &data));
                if let Some(Json::List(steps)) = request.get("historical_data") {
                    for step in steps {
                        hash = self.hash(&(hash + &step.write()));
                    }
                }
                hash
            }
        };
        Ok(format!("{}{signature}", method.code()))
    }

    /// Signs an answer, given under long names, to a request with this serial number, time and count.
    pub(super) fn sign_answer(&self, answer: &Json, request: &Json) -> String {
        let mut payload = request.get("serial_number").and_then(Json::text).unwrap_or("").to_string();
        let present = |from: &Json, name: &str| from.get(name).filter(|value| !value.is_nothing()).cloned();
        for name in ["timestamp", "request_count"] {
            payload.extend(present(request, name).as_ref().map(as_text));
        }
        for name in ["active_until_timestamp", "active_seconds_left"] {
            payload.extend(present(answer, name).as_ref().map(as_text));
        }
        for name in ["token_list", "settings", "extra_data"] {
            payload.extend(present(answer, name).as_ref().map(Json::write));
        }
        format!("{}{}", Method::Data.code(), self.hash(&payload))
    }
}

/// As text in a payload: a text without its quotes, anything else as written.
fn as_text(value: &Json) -> String {
    value.text().map_or_else(|| value.write(), str::to_string)
}

/// Equal, in time that depends on the lengths alone.
pub(super) fn same_signature(one: &str, two: &str) -> bool {
    one.len() == two.len() && one.bytes().zip(two.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

impl fmt::Debug for MetricsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsKey(..)")
    }
}
