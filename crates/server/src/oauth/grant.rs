//! `POST /oauth/token`: a token for a client that shows its secret (RFC 6749 §4.4).

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use domain::access_token::{LIFETIME_MS, MAX_WORDS};
use domain::account::ApiKey;
use domain::id::RequestId;
use domain::permission::{Permissions, from_scope_word};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{TOKEN_PATH, own};
use crate::api::credential::Grant;
use crate::api::{App, Failure, body, denied, gate, turned_away};
use crate::limits::load::Place;
use crate::params::{self, Tree};

/// What a client sends. Other parameters are passed over (RFC 6749 §3.2).
#[derive(Default)]
struct Asked {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

#[derive(Serialize)]
struct Given {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// Why there is no token.
enum No {
    /// What was asked for cannot be.
    Asked(&'static str, &'static str),
    /// Nobody knows the client.
    Client,
    /// The client is known, or the server cannot tell; as the API would say it.
    Failed(Failure),
}

impl No {
    /// The denial that it is, if it is one.
    const fn denial(&self) -> Option<&Failure> {
        match self {
            Self::Asked(..) => None,
            Self::Client => Some(&Failure::WrongKey),
            Self::Failed(failure) => Some(failure),
        }
    }
}

impl From<Failure> for No {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoKey | Failure::WrongKey | Failure::ExpiredKey => Self::Client,
            other => Self::Failed(other),
        }
    }
}

impl From<payments::Error> for No {
    fn from(error: payments::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Gives out a token.
pub(crate) async fn token(State(app): State<Arc<App>>, request: Request) -> Response {
    let Some(place) = app.limits.enter() else { return turned_away(&app, request.into_body()).await };
    let began = Instant::now();
    let id = RequestId::new(app.platform.mint()).to_string();
    let (parts, body) = request.into_parts();
    let mut body = body::Incoming::new(body);
    let mut sender = gate::Sender::default();
    let given = give(&app, &parts, &mut body, &place, &mut sender).await;
    if let Some(failure) = given.as_ref().err().and_then(No::denial) {
        let operation = format!("POST {TOKEN_PATH}");
        denied(&app, failure, sender.credential.as_deref(), gate::from(&parts), &id, Some(operation)).await;
    }
    drop(place);
    body.discard().await;
    let mut response = match given {
        Ok(given) => json(StatusCode::OK, &given),
        Err(No::Asked(error, about)) => refused(StatusCode::BAD_REQUEST, error, about),
        Err(No::Client) => {
            let about = "There is no such client: send a key's id as client_id and its text as client_secret.";
            refused(StatusCode::UNAUTHORIZED, "invalid_client", about)
        }
        Err(No::Failed(failure)) => failed(&app, &failure, &id),
    };
    let (took, status) = (began.elapsed(), response.status().as_u16());
    app.meters.answered(Some(("POST", TOKEN_PATH)), status, took);
    let account = sender.credential.map(|credential| tracing::field::display(credential.scope.account));
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(request = %id, account, path = TOKEN_PATH, status, micros, "answered");
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("request-id", id);
    }
    response
}

async fn give(
    app: &App,
    parts: &http::request::Parts,
    body: &mut body::Incoming,
    place: &Place,
    sender: &mut gate::Sender,
) -> Result<Given, No> {
    let body = place.aside(body.read()).await?;
    let asked = asked(&body)?;
    if asked.grant_type.as_deref() != Some("client_credentials") {
        return Err(No::Asked("unsupported_grant_type", "The grant_type must be client_credentials."));
    }
    let (id, secret) = client(&parts.headers, &asked)?;
    // A token that got its client another one would never end.
    if super::is_token(&secret) {
        return Err(No::Client);
    }
    let credential = gate::prove(app, parts, secret, sender).await?;
    let Some(key) = credential.key.as_ref().filter(|key| key.id.to_string() == id) else { return Err(No::Client) };
    app.limits.admit(&credential.actor, credential.scope.account).map_err(|limited| No::Failed(limited.into()))?;
    let only = allowed(&credential.grant, asked.scope.as_deref())?;
    let access_token = own::write(app, key, only.as_ref()).await?;
    let scope = only.as_ref().or(restricted(key)).map(own::words);
    Ok(Given { access_token, token_type: "Bearer", expires_in: LIFETIME_MS / 1_000, scope })
}

fn restricted(key: &ApiKey) -> Option<&Permissions> {
    (!key.permissions.are_empty()).then_some(&key.permissions)
}

/// The parameters. A body that is none, or says one of them twice, is no request (RFC 6749 §3.2).
fn asked(body: &[u8]) -> Result<Asked, No> {
    let broken = No::Asked("invalid_request", "The body must be a form, each of whose parameters is given once.");
    let Ok(Tree::Map(fields)) = params::parse_form(body) else { return Err(broken) };
    let text = |name: &str| match fields.get(name) {
        Some(Tree::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let [grant_type, client_id, client_secret, scope] = ["grant_type", "client_id", "client_secret", "scope"].map(text);
    Ok(Asked { grant_type, client_id, client_secret, scope })
}

/// The client's id and secret, from the header or from the body, never from both (RFC 6749 §2.3).
fn client(headers: &HeaderMap, asked: &Asked) -> Result<(String, String), No> {
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        return asked.client_id.clone().zip(asked.client_secret.clone()).ok_or(No::Client);
    };
    if asked.client_secret.is_some() {
        return Err(No::Asked("invalid_request", "The client shows its secret twice: in the header and in the body."));
    }
    let basic = header.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let decoded = basic.and_then(|(_, text)| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok());
    let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.as_deref().and_then(|text| text.split_once(':')).map(|(id, secret)| (id.to_owned(), secret.to_owned()));
    pair.filter(|(id, _)| asked.client_id.as_ref().is_none_or(|named| named == id)).ok_or(No::Client)
}

/// What the token is to open, if not all that the client does.
fn allowed(grant: &Grant, scope: Option<&str>) -> Result<Option<Permissions>, No> {
    let most = match grant {
        Grant::Secret => Permissions::all(),
        Grant::Restricted(permissions) | Grant::Person(permissions) => permissions.clone(),
        Grant::Platform => Permissions::default(),
        Grant::Publishable => {
            return Err(No::Asked("unauthorized_client", "A publishable key is no client: whoever sees the page has it."));
        }
    };
    let Some(scope) = scope else { return Ok(None) };
    let words: Vec<&str> = scope.split(' ').filter(|word| !word.is_empty()).collect();
    let unknown = No::Asked("invalid_scope", "The scope must be words as refunds:write, with single spaces between them.");
    let known: Option<Vec<_>> = words.iter().map(|word| from_scope_word(word)).collect();
    let known = known.filter(|known| !known.is_empty() && known.len() <= MAX_WORDS).ok_or(unknown)?;
    let asked = known.into_iter().fold(Permissions::default(), |asked, (resource, access)| asked.with(resource, access));
    if asked.and(&most) != asked {
        return Err(No::Asked("invalid_scope", "The client itself may not do all that the scope names."));
    }
    Ok(Some(asked))
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Bursar\""));
    }
    response
}

fn refused(status: StatusCode, error: &str, about: &str) -> Response {
    json(status, &Refused { error, error_description: about })
}

/// What the API would answer, in the words of OAuth.
fn failed(app: &App, failure: &Failure, request: &str) -> Response {
    let ctx = crate::views::Context { livemode: false, now: app.platform.now(), audience: payments::ports::Audience::Browser };
    let answer = failure.answer(request, ctx);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = match status {
        StatusCode::FORBIDDEN => "unauthorized_client",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    };
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let about = told.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or_default();
    let mut response = refused(status, error, about);
    if let Failure::Limited(limited) = failure {
        app.meters.limited(limited.of.word());
        if let Some(seconds) = limited.standing.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
}
