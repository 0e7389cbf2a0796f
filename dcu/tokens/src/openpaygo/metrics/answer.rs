//! The server's answer, and how a device reads it.

use super::auth::same_signature;
use super::{Json, JsonError, MetricsKey, Received, lengthened, shortened};

/// What the server tells a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Tokens to be entered, in order.
    pub tokens: Vec<String>,
    /// Active until then, seconds since 1970-01-01 00:00 UTC.
    pub active_until: Option<i64>,
    /// Active for so many seconds more.
    pub active_seconds_left: Option<i64>,
    /// Settings to be changed.
    pub settings: Vec<(String, Json)>,
    /// Anything else.
    pub extra: Vec<(String, Json)>,
}

/// Why an answer is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// No JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// No object, or a field of a wrong type.
    #[error("this is no answer")]
    Form,
    /// Not signed, signed with another key, changed on the way, or the answer to another request.
    #[error("the signature is missing or wrong")]
    Signature,
}

impl Answer {
    /// Written, and signed for this request.
    #[must_use]
    pub fn write(&self, request: &Received, key: Option<&MetricsKey>) -> String {
        let mut fields = self.fields();
        if let Some(key) = key {
            let signature = key.sign_answer(&Json::Object(fields.clone()), request.fields());
            fields.push(("auth".into(), Json::Text(signature)));
        }
        Json::Object(shortened(fields)).write()
    }

    /// Reads the answer to a request that was sent as `request`.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn read(text: &str, request: &Received, key: &MetricsKey) -> Result<Self, AnswerError> {
        let Json::Object(fields) = Json::parse(text)? else { return Err(AnswerError::Form) };
        let fields = Json::Object(lengthened(fields));
        let signature = fields.get("auth").and_then(Json::text).ok_or(AnswerError::Signature)?;
        if !same_signature(signature, &key.sign_answer(&fields, request.fields())) {
            return Err(AnswerError::Signature);
        }
        let number = |name: &str| fields.get(name).map(|value| value.number().ok_or(AnswerError::Form)).transpose();
        let object = |name: &str| match fields.get(name) {
            None => Ok(Vec::new()),
            Some(Json::Object(fields)) => Ok(fields.clone()),
            Some(_) => Err(AnswerError::Form),
        };
        let tokens = match fields.get("token_list") {
            None => Vec::new(),
            Some(Json::List(tokens)) => {
                let texts = tokens.iter().map(|token| token.text().map(str::to_string).ok_or(AnswerError::Form));
                texts.collect::<Result<_, _>>()?
            }
            Some(_) => return Err(AnswerError::Form),
        };
        Ok(Self {
            tokens,
            active_until: number("active_until_timestamp")?,
            active_seconds_left: number("active_seconds_left")?,
            settings: object("settings")?,
            extra: object("extra_data")?,
        })
    }

    fn fields(&self) -> Vec<(String, Json)> {
        let mut fields = Vec::new();
        if !self.tokens.is_empty() {
            let tokens = self.tokens.iter().cloned().map(Json::Text).collect();
            fields.push(("token_list".into(), Json::List(tokens)));
        }
        for (name, value) in
            [("active_until_timestamp", self.active_until), ("active_seconds_left", self.active_seconds_left)]
        {
            if let Some(value) = value {
                fields.push((name.into(), Json::whole(value)));
            }
        }
        for (name, object) in [("settings", &self.settings), ("extra_data", &self.extra)] {
            if !object.is_empty() {
                fields.push((name.into(), Json::Object(object.clone())));
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use taa_keys::Secret;

    use super::super::{AuthError, DataFormat, Method, ReadError, Request, RequestError, Seen};
    use super::*;

    fn key(byte: u8) -> MetricsKey {
        MetricsKey::new(&Secret::new(&[byte; 16])).unwrap()
    }

    fn request() -> Request {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
        Request {
            serial_number: "OS1".into(),
            format: Some(DataFormat {
                id: Some(7),
                data_order: names(&["token_count", "tampered", "panel"]),
                historical_data_order: names(&["panel", "relative_time"]),
                historical_data_interval: Some(60),
            }),
            timestamp: Some(1_700_000_000),
            request_count: Some(5),
            data: vec![("token_count".into(), Json::whole(3))],
            historical_data: vec![
                vec![("panel".into(), Json::float(1.5).unwrap())],
                vec![("panel".into(), Json::whole(2)), ("relative_time".into(), Json::whole(-30))],
                vec![],
            ],
        }
    }

    /// From device to server and back, in both forms and with every signature.
    #[test]
    fn there_and_back() {
        let all = [Method::Simple, Method::Timestamp, Method::Counter, Method::Data, Method::Recursive];
        for method in all {
            let sign = Some((&key(1), method));
            for text in [request().simple(sign).unwrap(), request().condensed(sign).unwrap()] {
                let received = Received::parse(&text).unwrap();
                assert_eq!(received.verify(&key(1), Seen::default()), Ok(method), "{text}");
                assert_eq!(received.verify(&key(2), Seen::default()), Err(AuthError::Wrong));
                assert_eq!(received.verify(&key(1), received.freshness()), Err(AuthError::Replay));
                let metrics = received.metrics(request().format.as_ref(), 0).unwrap();
                assert_eq!(metrics.data.first(), request().data.first());
                let times: Vec<_> =
                    metrics.historical_data.iter().map(|step| step.last().unwrap().1.number().unwrap()).collect();
                assert_eq!(times, [1_700_000_000, 1_699_999_970, 1_700_000_030]);
            }
        }
    }

    #[test]
    fn answers_are_for_one_request() {
        let sent = Received::parse(&request().condensed(None).unwrap()).unwrap();
        let other = Request { request_count: Some(6), ..request() };
        let other = Received::parse(&other.condensed(None).unwrap()).unwrap();
        let answer = Answer {
            tokens: vec!["123456789".into()],
            active_until: Some(1_800_000_000),
            settings: vec![("language".into(), Json::Text("sw".into()))],
            ..Answer::default()
        };
        let text = answer.write(&sent, Some(&key(1)));
        assert_eq!(Answer::read(&text, &sent, &key(1)), Ok(answer));
        assert_eq!(Answer::read(&text, &other, &key(1)), Err(AnswerError::Signature));
        assert_eq!(Answer::read(&text, &sent, &key(2)), Err(AnswerError::Signature));
        let changed = text.replace("123456789", "123456780");
        assert_eq!(Answer::read(&changed, &sent, &key(1)), Err(AnswerError::Signature));
    }

    /// The sabotage that shows why `sa` protects nothing: forged values, a higher count, the old signature.
    #[test]
    fn a_simple_signature_covers_no_value() {
        let forge = |method: Method| {
            let text = request().simple(Some((&key(1), method))).unwrap();
            let forged = text
                .replace("\"token_count\":3", "\"token_count\":9")
                .replace("\"request_count\":5", "\"request_count\":6");
            Received::parse(&forged).unwrap().verify(&key(1), Seen { request_count: Some(5), timestamp: None })
        };
        assert_eq!(forge(Method::Simple), Ok(Method::Simple));
        for method in [Method::Counter, Method::Data, Method::Recursive] {
            assert_eq!(forge(method), Err(AuthError::Wrong));
        }
    }

    #[test]
    fn bad_requests_are_named() {
        for (text, error) in [
            ("[]", ReadError::NoSerialNumber),
            ("{\"sn\":\"\"}", ReadError::NoSerialNumber),
            ("{\"sn\":7}", ReadError::NoSerialNumber),
            ("{\"sn\":\"a\",\"ts\":\"now\"}", ReadError::WrongType("timestamp")),
            ("{\"sn\":\"a\"", ReadError::Json(JsonError::Syntax(9))),
        ] {
            assert_eq!(Received::parse(text), Err(error), "{text}");
        }
        let unsigned = Received::parse("{\"sn\":\"a\"}").unwrap();
        assert_eq!(unsigned.verify(&key(1), Seen::default()), Err(AuthError::Unsigned));
        let strange = Received::parse("{\"sn\":\"a\",\"a\":\"zz12\"}").unwrap();
        assert_eq!(strange.verify(&key(1), Seen::default()), Err(AuthError::UnknownMethod));
        let stale = Request { timestamp: None, request_count: None, ..request() };
        assert_eq!(stale.simple(Some((&key(1), Method::Timestamp))), Err(RequestError::Missing("timestamp")));
        let stale = Received::parse(&stale.simple(Some((&key(1), Method::Data))).unwrap()).unwrap();
        assert_eq!(stale.verify(&key(1), Seen::default()), Err(AuthError::NoFreshness));
        let list = Received::parse("{\"sn\":\"a\",\"d\":[1,2,3,4]}").unwrap();
        assert_eq!(list.metrics(None, 0), Err(ReadError::NoFormat));
        assert!(matches!(list.metrics(request().format.as_ref(), 0), Err(ReadError::Format(_))));
    }
}
