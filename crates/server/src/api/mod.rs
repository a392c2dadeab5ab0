//! `/v1`: from a request to a use case and back.
//!
//! Every request passes the same gate: an id, a key, bounded and well-formed parameters, then its operation.
//! Absent on purpose: payment rules.

mod body;
mod customers;
mod dispatch;
mod failure;
mod intents;
mod lists;
mod payment_intents;
mod requests;
mod resources;
mod setup_intents;
mod updates;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use domain::account::{ApiKey, ApiKeyKind};
use domain::id::RequestId;
use domain::idempotency::{Fingerprint, FingerprintKey};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use moka::sync::Cache;
use payments::Platform;
use payments::idempotency::{Answered, Idempotency, MAX_KEY};
use payments::ports::Answer;

use crate::params;
use crate::presenter::ApiPresenter;
pub use failure::Failure;

/// Keys remembered, so that a request needs no look-up.
const MAX_KEYS: u64 = 10_000;
/// How long a revoked key can still pass at most.
const KEY_LIFETIME: Duration = Duration::from_secs(2);

/// What the handlers share.
pub struct App {
    /// The use cases.
    pub platform: Arc<Platform>,
    /// Writes answers.
    pub presenter: Arc<ApiPresenter>,
    keys: Cache<String, Arc<ApiKey>>,
    fingerprints: FingerprintKey,
}

impl App {
    /// Joins the use cases and the writer of answers.
    #[must_use]
    pub fn new(platform: Arc<Platform>, presenter: Arc<ApiPresenter>) -> Self {
        let fingerprints = FingerprintKey::new(platform.fingerprint_key());
        Self { platform, presenter, keys: Cache::builder().max_capacity(MAX_KEYS).time_to_live(KEY_LIFETIME).build(), fingerprints }
    }
}

/// The API, to be served or called in a test.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/livez", axum::routing::get(|| async { "ok" }))
        .route("/readyz", axum::routing::get(readyz))
        .route("/redirect/{account}/{mode}/{secret}", axum::routing::get(requests::come_back))
        .fallback(handle)
        .with_state(app)
}

async fn readyz(State(app): State<Arc<App>>) -> Response {
    match app.platform.all_accounts().await {
        Ok(_) => plain(StatusCode::OK, "ready"),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = RequestId::new(app.platform.mint()).to_string();
    let (parts, body) = request.into_parts();
    let mut body = body::Incoming::new(body);
    let result = serve(&app, &parts, &mut body, &id).await;
    body.discard().await;
    let (answer, replayed) = match result {
        Ok(answered) => (answered.answer, answered.replayed),
        Err(failure) => (failure.answer(&id), false),
    };
    tracing::info!(request = %id, status = answer.status, replayed, "answered");
    respond(answer, replayed, &id)
}

fn respond(answer: Answer, replayed: bool, id: &str) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("request-id", id);
    }
    if replayed {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

async fn serve(app: &App, parts: &Parts, body: &mut body::Incoming, id: &str) -> Result<Answered, Failure> {
    let key = authenticate(app, &parts.headers).await?;
    let body = body.read().await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let tree = params::read(&parts.method, content_type, parts.uri.query(), &body)?;
    let scope = key.scope;
    let idempotency = idempotency(app, &parts.method, parts.uri.path(), &parts.headers, &body)?;
    let account = app.platform.account(scope).await?;
    let call = dispatch::Call {
        app,
        key: &key,
        path: parts.uri.path(),
        tree,
        request: payments::Request { scope, account, id: id.to_owned(), idempotency, expand: Vec::new() },
    };
    let keyed = call.request.idempotency.is_some().then(|| call.request.clone());
    match (dispatch::dispatch(&parts.method, call).await, keyed) {
        (Err(Failure::Case(refusal)), Some(request)) if refusal.is_refusal() => {
            let answer = Failure::Case(refusal).answer(id);
            Ok(app.platform.keep_refusal(&request, answer).await?)
        }
        (done, _) => done,
    }
}

fn idempotency(app: &App, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Option<Idempotency>, Failure> {
    let Some(key) = headers.get("idempotency-key").filter(|_| method == Method::POST || method == Method::DELETE) else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|k| (1..=MAX_KEY).contains(&k.len()) && card_free(k));
    let key = key.ok_or(Failure::IdempotencyKey)?.to_owned();
    let fingerprint = Fingerprint::of(&app.fingerprints, method.as_str(), path, body).to_string();
    Ok(Some(Idempotency { key, fingerprint }))
}

/// Whether a text that will be stored could hold a card number: one that passes the check digit is refused.
fn card_free(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != ' ' && c != '-').all(|run| domain::card::CardNumber::parse(run).is_err())
}

async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Arc<ApiKey>, Failure> {
    let text = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()).ok_or(Failure::NoKey)?;
    let text = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(token.trim()).map_err(|_| Failure::WrongKey)?;
            let decoded = String::from_utf8(decoded).map_err(|_| Failure::WrongKey)?;
            decoded.split(':').next().unwrap_or_default().to_owned()
        }
        _ => return Err(Failure::NoKey),
    };
    if let Some(key) = app.keys.get(&text) {
        return Ok(key);
    }
    let found = app.platform.find_key(&text).await?;
    let key = found.filter(|k| k.revoked_at.is_none()).ok_or(Failure::WrongKey)?;
    let key = Arc::new(key);
    app.keys.insert(text, Arc::clone(&key));
    Ok(key)
}

/// A publishable key opens only what a browser needs.
pub(crate) fn secret_only(key: &ApiKey) -> Result<(), Failure> {
    match key.kind {
        ApiKeyKind::Secret => Ok(()),
        ApiKeyKind::Publishable => Err(Failure::Forbidden),
    }
}
