//! Requests and answers as plain data: the shell speaks HTTP and TLS.

use std::fmt;

/// Longest body read, bytes. The longest that a provider sends has about 1 KB.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// A request as the shell has read it. Path, headers and body may hold secrets and do not show in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// `POST`, `PUT`, `GET`.
    pub method: String,
    /// The path without host and query, percent-decoded.
    pub path: String,
    /// Header fields in their order.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A `POST` of a body.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST".into(), path: path.into(), headers: Vec::new(), body: body.into() }
    }

    /// With one more header field.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first header field of that name, in any case (RFC 9110, 5.1).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The path's segments, empty ones left out.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }
}

/// What to answer. The body may be a token and does not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({} with {} bytes)", self.method, self.body.len())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({} with {} bytes)", self.status, self.body.len())
    }
}

impl HttpResponse {
    /// A JSON body.
    #[must_use]
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string() }
    }

    /// A body of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}
