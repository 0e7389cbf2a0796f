//! HTTP in front of the host: which path is whose, how long a body may be, how long anything may take.
//!
//! | path | who | longest body |
//! |---|---|---|
//! | `/{secret}/daraja/…`, `/{secret}/momo/{id}`, `/{secret}/orange/{id}` | providers | 16 KiB |
//! | `/agent`, `/sms`, `/code` | agents, telephones, holders of codes | 16 KiB |
//! | `/statement` | clerks | 1 MiB |
//! | `/fetch` | DCUs: one frame, answered with one frame | 8 KiB |
//! | `/tokens/…` | token servers' clients, in their shapes | 16 KiB |
//! | `/order`, on the operator's own port | the operator, by a token | 1 MiB |
//!
//! What stands behind a path judges it: a wrong secret is answered by the relay (401).

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use taa_dcu::{fetch::FETCH_BYTES_MAX, payment::Provider};
use taa_intake::{HttpRequest, HttpResponse, http::BODY_BYTES_MAX, provider::statement::LIST_BYTES_MAX};
use taa_keys::Secret;
use tokio::{
    sync::oneshot::{self, Sender},
    time::timeout,
};

use crate::{host::Ask, order::Order};

/// What all calls share.
pub(crate) struct Shared {
    pub(crate) asks: SyncSender<Ask>,
    /// A body may take so long.
    pub(crate) read: Duration,
    /// An answer may take so long: the disk, or a site that is asked for a token.
    pub(crate) answer: Duration,
    pub(crate) operator_token: Secret,
}

type Call = State<Arc<Shared>>;

/// What the world sees.
pub(crate) fn public(shared: Arc<Shared>) -> Router {
    let of = |provider: Provider| {
        any(move |State(shared): Call, request: Request| async move {
            let request = read(&shared, request, BODY_BYTES_MAX).await?;
            said(ask(&shared, |answer| Ask::Callback(provider, request, answer)).await?)
        })
    };
    Router::new()
        .route("/agent", of(Provider::Agent))
        .route("/sms", of(Provider::Sms))
        .route("/code", of(Provider::CashCode))
        .route("/statement", post(statement))
        .route("/fetch", post(fetch))
        .route("/tokens/{*rest}", any(tokens))
        .route("/{secret}/daraja/{*rest}", of(Provider::Daraja))
        .route("/{secret}/momo/{id}", of(Provider::MtnMomo))
        .route("/{secret}/orange/{id}", of(Provider::OrangeMoney))
        .with_state(shared)
}

/// What the operator sees.
pub(crate) fn operator(shared: Arc<Shared>) -> Router {
    Router::new().route("/order", post(order)).with_state(shared)
}

async fn statement(State(shared): Call, request: Request) -> Result<Response, StatusCode> {
    let request = read(&shared, request, LIST_BYTES_MAX).await?;
    said(ask(&shared, |answer| Ask::Statement(request, answer)).await?)
}

async fn tokens(State(shared): Call, request: Request) -> Result<Response, StatusCode> {
    let request = read(&shared, request, BODY_BYTES_MAX).await?;
    said(ask(&shared, |answer| Ask::Tokens(request, answer)).await?)
}

async fn fetch(State(shared): Call, request: Request) -> Result<Response, StatusCode> {
    let frame = read(&shared, request, FETCH_BYTES_MAX).await?.body;
    match ask(&shared, |answer| Ask::Fetch(frame, answer)).await {
        Ok(frame) => Ok(([(header::CONTENT_TYPE, "application/octet-stream")], frame).into_response()),
        // It could not be believed, or came late: the log says why, and a stranger is not told.
        Err(StatusCode::SERVICE_UNAVAILABLE) => Err(StatusCode::FORBIDDEN),
        Err(status) => Err(status),
    }
}

async fn order(State(shared): Call, request: Request) -> Result<Response, StatusCode> {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| shared.operator_token.matches(token.as_bytes())) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let request = read(&shared, request, LIST_BYTES_MAX).await?;
    match serde_json::from_slice::<Order>(&request.body) {
        Ok(order) => said(ask(&shared, |answer| Ask::Order(Box::new(order), answer)).await?),
        Err(why) => Ok((StatusCode::UNPROCESSABLE_ENTITY, format!("no order: {why}")).into_response()),
    }
}

/// Asks the host. A service that cannot take more, or is ending, says so; whoever asked comes again.
async fn ask<T>(shared: &Shared, of: impl FnOnce(Sender<T>) -> Ask) -> Result<T, StatusCode> {
    let (answer, answered) = oneshot::channel();
    match shared.asks.try_send(of(answer)) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return Err(StatusCode::TOO_MANY_REQUESTS),
        Err(TrySendError::Disconnected(_)) => return Err(StatusCode::BAD_GATEWAY),
    }
    match timeout(shared.answer, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(StatusCode::SERVICE_UNAVAILABLE),
        Err(_) => Err(StatusCode::GATEWAY_TIMEOUT),
    }
}

/// The request as the relay reads it.
async fn read(shared: &Shared, request: Request, bytes_max: usize) -> Result<HttpRequest, StatusCode> {
    let (head, body) = request.into_parts();
    let body = timeout(shared.read, to_bytes(body, bytes_max)).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?.to_vec();
    let path = decoded(head.uri.path()).ok_or(StatusCode::BAD_REQUEST)?;
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
    Ok(HttpRequest { method: head.method.as_str().to_owned(), path, headers: headers.collect(), body })
}

fn said(response: HttpResponse) -> Result<Response, StatusCode> {
    let HttpResponse { status, content_type, body } = response;
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(answer)
}

/// Percent-decoded (RFC 3986, 2.1); `None` for what is no UTF-8 then, or no hexadecimal.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut from = path.bytes();
    while let Some(byte) = from.next() {
        if byte == b'%' {
            let mut digit = || char::from(from.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from((high << 4) | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_or_refused() {
        assert_eq!(decoded("/a%20b/%C3%A9").as_deref(), Some("/a b/é"));
        for broken in ["/%", "/%4", "/%zz", "/%ff", "/%+1"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
