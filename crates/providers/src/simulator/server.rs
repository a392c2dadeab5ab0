//! The bank as a server of its own: a JSON API, and the challenge pages.
//!
//! `POST /authorizations`, `/verifications`, `/captures`, `/voids`, `/refunds` take a request and answer with its
//! outcome; `GET /operations/{key}` answers a query; `GET /operations?after=&limit=` lists;
//! `GET /notices?after=` tells what changed after it was answered; `GET /books` totals;
//! `GET /livez` answers when the server runs. Where a card says so, the answer is late, never comes, breaks off,
//! is a 500, or is not JSON. Refusals say why in `{"error": …}`: 400 a body that is no request, 409 a key that stands
//! for another operation, 503 books that cannot be read or written.
//!
//! Absent on purpose: authentication. The simulator moves no money and belongs on a loopback address.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, body::Bytes};
use domain::provider_key::ProviderKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::requests::{Answer, Manner, Refusal};
use super::wire::{AmountBody, AuthorizeBody, Invalid, VerifyCardBody, VoidBody};
use super::worker::BooksUnavailable;
use super::{OPERATIONS_MAX, Simulator, challenge};
use crate::connector::NOTICES_MAX;

/// A request is a few hundred bytes; this leaves room for long descriptions.
const BODY_MAX: usize = 64 * 1_024;
/// How long a connection without an answer is held open, so that callers without a limit of their own end too.
const SILENCE_MAX: Duration = Duration::from_secs(120);
const LIST_DEFAULT: u32 = 100;

/// The JSON API and the challenge pages.
pub fn router(bank: Arc<Simulator>) -> Router {
    Router::new()
        .route("/authorizations", post(authorize))
        .route("/verifications", post(verify_card))
        .route("/captures", post(capture))
        .route("/voids", post(void))
        .route("/refunds", post(refund))
        .route("/operations", get(operations))
        .route("/operations/{key}", get(query))
        .route("/notices", get(notices))
        .route("/books", get(books))
        .route("/livez", get(async || StatusCode::OK))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(Arc::clone(&bank))
        .merge(challenge::router(bank))
}

/// What is sent instead of an outcome.
struct Failure(StatusCode, String);

#[derive(Serialize)]
struct FailureBody {
    error: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(FailureBody { error: self.1 })).into_response()
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::KeyReused => StatusCode::CONFLICT,
            Refusal::Books(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, refusal.to_string())
    }
}

impl From<BooksUnavailable> for Failure {
    fn from(error: BooksUnavailable) -> Self {
        Self::from(Refusal::Books(error))
    }
}

fn invalid(error: Invalid) -> Failure {
    Failure(StatusCode::BAD_REQUEST, error.to_string())
}

/// Reads a body. What serde says about a bad one could repeat a card number, so it is not passed on.
fn read<B: DeserializeOwned, R: TryFrom<B, Error = Invalid>>(body: &Bytes) -> Result<R, Failure> {
    let body: B = serde_json::from_slice(body).map_err(|_| Failure(StatusCode::BAD_REQUEST, "the body is not a request".to_owned()))?;
    R::try_from(body).map_err(invalid)
}

async fn deliver<T: Serialize>(bank: &Simulator, answer: Answer<T>) -> Response {
    match answer.manner {
        Manner::Prompt => Json(answer.outcome).into_response(),
        Manner::Late => {
            tokio::time::sleep(bank.options.late).await;
            Json(answer.outcome).into_response()
        }
        Manner::Never => {
            tokio::time::sleep(SILENCE_MAX).await;
            broken_off()
        }
        Manner::Dropped => broken_off(),
        Manner::ServerError => Failure(StatusCode::INTERNAL_SERVER_ERROR, "the bank failed".to_owned()).into_response(),
        Manner::Garbage => ([(header::CONTENT_TYPE, "application/json")], "{\"approved\":{\"prov\u{fffd}").into_response(),
    }
}

/// An answer whose body fails as soon as it is to be sent, upon which the server closes the connection.
fn broken_off() -> Response {
    let failure = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("dropped on purpose")) });
    Response::new(Body::from_stream(failure))
}

async fn authorize(State(bank): State<Arc<Simulator>>, body: Bytes) -> Result<Response, Failure> {
    let request = read::<AuthorizeBody, _>(&body)?;
    Ok(deliver(&bank, bank.take_authorize(request).await?).await)
}

async fn verify_card(State(bank): State<Arc<Simulator>>, body: Bytes) -> Result<Response, Failure> {
    let request = read::<VerifyCardBody, _>(&body)?;
    Ok(deliver(&bank, bank.take_verify_card(request).await?).await)
}

async fn capture(State(bank): State<Arc<Simulator>>, body: Bytes) -> Result<Response, Failure> {
    let request = read::<AmountBody, _>(&body)?;
    Ok(deliver(&bank, bank.take_capture(request).await?).await)
}

async fn void(State(bank): State<Arc<Simulator>>, body: Bytes) -> Result<Response, Failure> {
    let request = read::<VoidBody, _>(&body)?;
    Ok(deliver(&bank, bank.take_void(request).await?).await)
}

async fn refund(State(bank): State<Arc<Simulator>>, body: Bytes) -> Result<Response, Failure> {
    let request = read::<AmountBody, _>(&body)?;
    Ok(deliver(&bank, bank.take_refund(request).await?).await)
}

async fn query(State(bank): State<Arc<Simulator>>, Path(key): Path<String>) -> Result<Response, Failure> {
    let outcome = bank.take_query(&ProviderKey::from_text(&key)).await?;
    Ok(Json(outcome).into_response())
}

async fn books(State(bank): State<Arc<Simulator>>) -> Result<Response, Failure> {
    Ok(Json(bank.books().await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    after: u64,
}

async fn notices(State(bank): State<Arc<Simulator>>, Query(since): Query<Since>) -> Result<Response, Failure> {
    Ok(Json(bank.take_notices(since.after, NOTICES_MAX).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    after: Option<ProviderKey>,
    limit: Option<u32>,
}

async fn operations(State(bank): State<Arc<Simulator>>, Query(page): Query<Page>) -> Result<Response, Failure> {
    let limit = page.limit.unwrap_or(LIST_DEFAULT).min(OPERATIONS_MAX);
    Ok(Json(bank.operations(page.after.as_ref(), limit).await?).into_response())
}
