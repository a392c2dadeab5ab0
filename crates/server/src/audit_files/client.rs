//! Requests to an object store, by the HTTP client that this program has anyway: the library's own choice would bring HTTP/2
//! along, and the server would then speak it, too.
//!
//! Bodies are held whole: a file of the trail is half a megabyte.

use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService};

/// To the store's machine.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The whole request; the library sends it again a few times.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// More than a thousand rows and their segment come to.
const MAX_BODY: usize = 64 << 20;

/// Connects to object stores.
#[derive(Debug)]
pub(super) struct Connector;

#[derive(Debug)]
struct Client(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).build();
        let failed = |e| object_store::Error::Generic { store: "http", source: Box::new(e) };
        Ok(HttpClient::new(Client(client.map_err(failed)?)))
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(Body::new(body), MAX_BODY).await.map_err(|e| HttpError::new(HttpErrorKind::Request, e))?;
        let asked = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let answer = asked.send().await.map_err(failed)?;
        let mut response = HttpResponse::new(HttpResponseBody::from(bytes::Bytes::new()));
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await.map_err(failed)?.into();
        Ok(response)
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else {
        HttpErrorKind::Request
    };
    HttpError::new(kind, error)
}
