//! The bank simulator as a function, for installations that try Bursar out.
//!
//! Its address is open to the world, since buyers' browsers reach its challenge pages there. All else on it wants the password
//! that the functions beside it have; the pages' names cannot be guessed.

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use providers::simulator::{self, Durability, Location, Simulator, challenge};

use super::settings::Variables;
use crate::compose::SetupError;

struct Door {
    bank: Arc<Simulator>,
    /// What the `Authorization` header must be.
    credentials: String,
}

/// The bank, with its books in a file of this process's machine: they go when Lambda takes the machine away.
pub(super) fn router(variables: &Variables) -> Result<Router, SetupError> {
    let failed = |why: &dyn std::fmt::Display| SetupError(format!("the bank: {why}"));
    let password = variables.bank_password.as_deref().ok_or_else(|| failed(&"it needs a password, BURSAR_BANK_PASSWORD"))?;
    let options = simulator::Options { durability: Durability::Written, ..simulator::Options::default() };
    let books = variables.bank_books.as_deref().unwrap_or("/tmp/bank.db");
    let bank = Simulator::open(&Location::File(PathBuf::from(books)), options).map_err(|e| failed(&e))?;
    Ok(guarded(Arc::new(bank), password))
}

fn guarded(bank: Arc<Simulator>, password: &str) -> Router {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{}:{password}", super::settings::BANK_USER)));
    let door = Arc::new(Door { bank: Arc::clone(&bank), credentials });
    simulator::server::router(bank).layer(from_fn_with_state(door, pass))
}

async fn pass(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], |sent| sent.as_bytes());
    let known = verify_slices_are_equal(sent, door.credentials.as_bytes()).is_ok();
    if !known && !request.uri().path().starts_with(challenge::PATH) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // A function does not know its own address before it is asked there.
    if let Some(host) = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).filter(|_| known) {
        door.bank.set_public_base(&format!("https://{host}"));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    async fn status(path: &str, credentials: Option<&str>) -> StatusCode {
        let bank = Arc::new(Simulator::open(&Location::Memory, simulator::Options::default()).unwrap());
        let mut request = Request::builder().uri(path);
        if let Some(credentials) = credentials {
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(credentials)));
        }
        guarded(bank, "a long password").oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn only_the_pages_of_buyers_are_open_to_the_world() {
        assert_eq!(status("/books", Some("bursar:a long password")).await, StatusCode::OK);
        for wrong in [None, Some("bursar:"), Some("bursar:a long passwor"), Some("other:a long password")] {
            assert_eq!(status("/books", wrong).await, StatusCode::UNAUTHORIZED, "{wrong:?}");
            assert_eq!(status("/authorizations", wrong).await, StatusCode::UNAUTHORIZED, "{wrong:?}");
        }
        assert_eq!(status("/simulator/challenges/unknown", None).await, StatusCode::NOT_FOUND);
    }
}
