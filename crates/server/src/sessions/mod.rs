//! People at a browser: `/session`, `/invitation`, and what a session opens of `/v1`.
//!
//! - The browser shows its session as a cookie that no script reads and no other site's page makes it send ([`cookie`]).
//! - Whatever changes something must come from a page of ours, and show a token that only such a page can have read ([`guard`]).
//! - Who is logged in is read with every request: what they may do no longer, and that they are logged out, counts at once.
//! - In an account a session opens what the person's role there does, in the mode that the request names ([`credential`]).
//!
//! Absent on purpose: pages; rules about people, which are `domain`'s.

mod cookie;
mod credential;
mod guard;
mod operations;
mod shown;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use domain::id::RequestId;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, header};
use payments::ports::{Answer, Audience};

use crate::api::{self, App, Failure, body, gate};
use crate::limits::load::Place;
use crate::params::{self, Tree};
use crate::views::Context;
pub(crate) use credential::{is_shown, prove};
use operations::{Done, Operation};

/// Where each operation is.
pub(crate) fn routes() -> [(&'static str, MethodRouter<Arc<App>>); 7] {
    use Operation::{Accept, ChangePassword, Confirm, Enroll, GiveUp, LogIn, LogOut, LogOutEverywhere, Show};
    [
        ("/session", get(at(Show)).post(at(LogIn)).delete(at(LogOut))),
        ("/session/everywhere", delete(at(LogOutEverywhere))),
        ("/session/password", post(at(ChangePassword))),
        ("/session/totp", post(at(Enroll))),
        ("/session/totp/confirm", post(at(Confirm))),
        ("/session/totp/disable", post(at(GiveUp))),
        ("/invitation", post(at(Accept))),
    ]
}

fn at(operation: Operation) -> impl Fn(State<Arc<App>>, Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static {
    move |State(app), request| Box::pin(async move { handle(&app, request, operation).await })
}

async fn handle(app: &App, request: Request, operation: Operation) -> Response {
    let Some(place) = app.limits.enter() else { return api::turned_away(app, request.into_body()).await };
    let began = Instant::now();
    let id = RequestId::new(app.platform.mint()).to_string();
    let (parts, body) = request.into_parts();
    let mut body = body::Incoming::new(body);
    let done = Box::pin(serve(app, &parts, &mut body, &id, operation, &place)).await;
    drop(place);
    body.discard().await;
    if let Err(failure) = &done {
        let what = format!("{} {}", operation.method(), operation.path());
        api::denied(app, failure, None, gate::from(&parts), &id, Some(what)).await;
    }
    let mut standing = None;
    if let Err(Failure::Limited(limited)) = &done {
        standing = Some(limited.standing);
        app.meters.limited(limited.of.word());
    }
    let ctx = Context { livemode: false, now: app.platform.now(), audience: Audience::Browser };
    let (answer, cookie) = match done {
        Ok(done) => (Answer { status: 200, body: done.body }, done.cookie),
        Err(failure) => (failure.answer(&id, ctx), None),
    };
    let took = began.elapsed();
    app.meters.answered(Some((operation.method(), operation.path())), answer.status, took);
    let (path, status) = (operation.path(), answer.status);
    tracing::info!(request = %id, path, status, micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX), "answered");
    let mut response = api::respond(answer, false, &id);
    if let Some(standing) = standing {
        api::tell(standing, response.headers_mut());
    }
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn serve(
    app: &App,
    parts: &Parts,
    body: &mut body::Incoming,
    id: &str,
    operation: Operation,
    place: &Place,
) -> Result<Done, Failure> {
    guard::check_site(&parts.headers, app.platform.public_url())?;
    let body = place.aside(body.read()).await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let tree: Tree = params::read(&parts.method, content_type, parts.uri.query(), &body)?;
    let visit = payments::Visit { from: gate::from(parts), request: id.to_owned() };
    operations::run(app, &parts.headers, &visit, operation, &tree).await
}
