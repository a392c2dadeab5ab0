//! `/v1`: from a request to a use case and back.
//!
//! Every request passes the same gate: an id, a key, bounded and well-formed parameters, then its operation.
//! Absent on purpose: payment rules.

mod account;
mod accounts;
mod api_keys;
pub(crate) mod body;
mod charges;
pub(crate) mod credential;
mod customers;
mod description;
mod dispatch;
mod failure;
pub(crate) mod gate;
mod headers;
mod intents;
mod lists;
mod open_operations;
mod payment_intents;
mod payment_methods;
mod refunds;
mod requests;
mod route;
mod routes;
mod setup_intents;
mod users;
mod webhook_deliveries;
mod webhook_endpoints;

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use domain::audit::Actor;
use domain::fingerprint_key::FingerprintKey;
use domain::id::RequestId;
use domain::scope::Scope;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use moka::sync::Cache;
use payments::Platform;
use payments::denials::Denial;
use payments::idempotency::Answered;
use payments::ports::{Answer, Audience, Rendering};
use tracing::Instrument as _;

use self::credential::Credential;
use self::route::Route;
use crate::docs_page;
use crate::limits::Limits;
use crate::limits::load::Place;
use crate::limits::rate::Standing;
use crate::metrics::Meters;
use crate::oauth::{self, OAuth};
use crate::params;
use crate::presenter::ApiPresenter;
use crate::sessions;
use crate::traces;
use crate::views::{API_VERSION, Context};
pub use failure::Failure;
#[cfg(feature = "lambda")]
pub use failure::too_slow;

/// Credentials remembered, so that a request needs no look-up.
const MAX_CREDENTIALS: u64 = 10_000;
/// How long a revoked key can still pass at most.
const CREDENTIAL_LIFETIME: Duration = Duration::from_secs(2);

/// No id that is given to an object is longer.
const MAX_ID: usize = 64;

/// What the handlers share.
pub struct App {
    /// The use cases.
    pub platform: Arc<Platform>,
    /// Writes answers.
    pub presenter: Arc<ApiPresenter>,
    /// Answers in place of the operations, if there is one.
    pub stand_in: Option<Arc<dyn StandIn>>,
    /// Counts requests, or does not.
    pub meters: Meters,
    /// What clients may ask.
    pub(crate) limits: Limits,
    pub(crate) oauth: OAuth,
    credentials: Cache<String, Arc<Credential>>,
    fingerprints: FingerprintKey,
}

/// Answers in place of the operations, so that a benchmark can measure all that is around them.
#[async_trait]
pub trait StandIn: Send + Sync + 'static {
    /// The answer to an authenticated request to this path.
    async fn answer(&self, method: &Method, path: &str) -> Answer;
}

impl App {
    /// Joins the use cases and the writer of answers.
    #[must_use]
    pub fn new(platform: Arc<Platform>, presenter: Arc<ApiPresenter>) -> Self {
        let fingerprints = FingerprintKey::new(platform.fingerprint_key());
        Self {
            platform,
            presenter,
            stand_in: None,
            meters: Meters::off(),
            limits: Limits::default(),
            oauth: OAuth::default(),
            credentials: Cache::builder().max_capacity(MAX_CREDENTIALS).time_to_live(CREDENTIAL_LIFETIME).build(),
            fingerprints,
        }
    }
}

/// Method and path of every operation, with names in braces where an id goes.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str)> {
    routes::ROUTES.iter().map(|route| (route.method.as_str(), route.template))
}

/// The API, to be served or called in a test.
pub fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/livez", axum::routing::get(|| async { "ok" }))
        .route("/readyz", axum::routing::get(readyz))
        .route("/redirect/{account}/{mode}/{secret}", axum::routing::get(requests::come_back))
        .route("/openapi.json", axum::routing::get(described))
        .route(oauth::TOKEN_PATH, axum::routing::post(oauth::token))
        .route(oauth::JWKS_PATH, axum::routing::get(oauth::jwks))
        .route(oauth::METADATA_PATH, axum::routing::get(oauth::metadata))
        .merge(docs_page::router())
        .fallback(handle);
    let router = sessions::routes().into_iter().fold(router, |router, (path, methods)| router.route(path, methods));
    headers::put(router).with_state(app)
}

async fn readyz(State(app): State<Arc<App>>) -> Response {
    match app.platform.all_accounts().await {
        Ok(_) => plain(StatusCode::OK, "ready"),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read"),
    }
}

/// The description never changes while the server runs.
static DESCRIPTION: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(description::description().to_string()));

async fn described() -> Response {
    let mut response = Response::new(Body::from(DESCRIPTION.clone()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // It holds nothing of anybody; after an upgrade it is another one.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// What becomes known of a request on its way.
struct Known {
    ctx: Context,
    sender: gate::Sender,
    /// The operation, as the table of operations writes its path: one as it came may hold anything.
    route: Option<&'static Route>,
}

async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let Some(place) = app.limits.enter() else { return turned_away(&app, request.into_body()).await };
    let began = Instant::now();
    let id = RequestId::new(app.platform.mint()).to_string();
    // Until the key is known, an answer shows nothing of anybody.
    let ctx = Context { livemode: false, now: app.platform.now(), audience: Audience::Browser };
    let mut known = Known { ctx, sender: gate::Sender::default(), route: None };
    let (parts, body) = request.into_parts();
    let mut body = body::Incoming::new(body);
    let method = standard(&parts.method);
    let span = traces::request(method, &parts.headers, &id);
    let result = serve(&app, &parts, &mut body, &id, &mut known, &place).instrument(span.clone()).await;
    let waited = place.waited();
    // What is left of the body takes time and no work.
    drop(place);
    body.discard().await;
    if let Err(Failure::Limited(limited)) = &result {
        known.sender.standing = Some(limited.standing);
        app.meters.limited(limited.of.word());
    }
    if let Err(failure) = &result {
        let operation = known.route.map(|route| format!("{} {}", route.method, route.template));
        denied(&app, failure, known.sender.credential.as_deref(), gate::from(&parts), &id, operation).await;
    }
    let (answer, replayed) = match result {
        Ok(answered) => (answered.answer, answered.replayed),
        Err(failure) => (failure.answer(&id, known.ctx), false),
    };
    let took = began.elapsed().saturating_sub(waited);
    app.meters.answered(known.route.map(|route| (route.method.as_str(), route.template)), answer.status, took);
    let route = known.route.map(|route| route.template);
    let account = known.sender.credential.as_ref().map(|credential| credential.scope.account);
    traces::answered(&span, &traces::Answered { method, route, account, status: answer.status });
    tracing::info!(
        request = %id,
        account = account.map(tracing::field::display),
        method,
        path = route,
        object = object_id(&answer.body),
        status = answer.status,
        replayed,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    let mut response = respond(answer, replayed, &id);
    if let Some(standing) = known.sender.standing {
        tell(standing, response.headers_mut());
    }
    response
}

/// Writes down who was denied what.
pub(crate) async fn denied(
    app: &App,
    failure: &Failure,
    credential: Option<&Credential>,
    from: Option<IpAddr>,
    request: &str,
    operation: Option<String>,
) {
    let Some(code) = failure.denial() else { return };
    let (scope, actor) = credential.map_or((Scope::PLATFORM, Actor::Unknown), |known| (known.scope, known.actor.clone()));
    let denial = Denial { scope, actor, from, request: request.to_owned(), code, operation };
    if let Err(error) = app.platform.note_denial(&denial).await {
        tracing::error!(%error, request, code, "a denial is not in the audit trail");
    }
}

/// The answer to one request too many, of which nothing was looked at.
pub(crate) async fn turned_away(app: &App, body: Body) -> Response {
    app.meters.turned_away();
    body::Incoming::new(body).discard().await;
    respond(failure::overloaded(), false, &RequestId::new(app.platform.mint()).to_string())
}

/// The id of the object that an answer shows. Our own views wrote it, so that it holds nothing of a client's.
fn object_id(body: &[u8]) -> Option<&str> {
    let rest = body.strip_prefix(b"{\"id\":\"")?;
    let end = rest.iter().take(MAX_ID).position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// A method's name if a standard defines it (RFC 9110 §9, RFC 5789): any other is a client's own text, which may hold anything.
fn standard(method: &Method) -> Option<&str> {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS
        | Method::TRACE
        | Method::CONNECT => Some(method.as_str()),
        _ => None,
    }
}

pub(crate) fn respond(answer: Answer, replayed: bool, id: &str) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let overloaded = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    if overloaded {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("request-id", id);
    }
    if replayed {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// Seconds after which a request that could not be served may come again: what was too much is done long before.
const RETRY_AFTER: u32 = 1;

const LIMIT: &str = "ratelimit-limit";
const REMAINING: &str = "ratelimit-remaining";
const RESET: &str = "ratelimit-reset";

/// Says where the limit stands, so that a client can slow down before it is refused.
pub(crate) fn tell(standing: Standing, headers: &mut HeaderMap) {
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset));
    if let Some(seconds) = standing.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

async fn serve(
    app: &App,
    parts: &Parts,
    body: &mut body::Incoming,
    id: &str,
    known: &mut Known,
    place: &Place,
) -> Result<Answered, Failure> {
    let credential = gate::authenticate(app, parts, &mut known.sender).await?;
    let credential = gate::merchant(app, &parts.headers, credential).await?;
    known.sender.credential = Some(Arc::clone(&credential));
    let (scope, audience) = (credential.scope, credential.audience());
    known.ctx = Context::of(scope, known.ctx.now, audience);
    known.sender.standing = app.limits.admit(&credential.actor, scope.account)?;
    gate::terms(&parts.headers, &credential)?;
    let body = place.aside(body.read()).await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let (route, ids) = routes::find(&parts.method, parts.uri.path()).ok_or(Failure::NoRoute)?;
    known.route = Some(route);
    let tree = params::read(&parts.method, content_type, parts.uri.query(), &body)?;
    let idempotency = gate::idempotency(app, parts, &body)?;
    let account = app.platform.account(scope).await?;
    let rendering = Rendering { expand: Vec::new(), audience };
    let (actor, from) = (credential.actor.clone(), gate::from(parts));
    let request = payments::Request { scope, account, id: id.to_owned(), idempotency, rendering, actor, from };
    if let Some(stand_in) = &app.stand_in {
        return Ok(Answered { answer: stand_in.answer(&parts.method, parts.uri.path()).await, replayed: false });
    }
    let keyed = request.idempotency.is_some().then(|| request.clone());
    let call = dispatch::Call { app, credential, path: parts.uri.path(), place, tree, request };
    match (dispatch::dispatch(route, ids, call).await, keyed) {
        (Err(Failure::Case(refusal)), Some(request)) if refusal.is_refusal() => {
            let answer = Failure::Case(refusal).answer(id, known.ctx);
            Ok(app.platform.keep_refusal(&request, answer).await?)
        }
        (done, _) => done,
    }
}

#[cfg(test)]
mod tests {
    use super::object_id;

    #[test]
    fn the_log_names_the_object_of_an_answer_and_nothing_else() {
        assert_eq!(object_id(br#"{"id":"pi_01M8","object":"payment_intent"}"#), Some("pi_01M8"));
        for other in [&br#"{"object":"list","data":[{"id":"pi_1"}]}"#[..], br#"{"error":{"code":"x"}}"#, b"", br#"{"id":""#] {
            assert_eq!(object_id(other), None);
        }
        let endless = format!("{{\"id\":\"{}\"}}", "x".repeat(100));
        assert_eq!(object_id(endless.as_bytes()), None);
    }
}
