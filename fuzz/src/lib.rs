//! What several targets need.

use std::cell::RefCell;

use axum::Router;
use axum::body::{Body, to_bytes};
use bursar::params::Tree;
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// How deep a tree nests: 0 for a request without parameters.
#[must_use]
pub fn depth(tree: &Tree) -> usize {
    match tree {
        Tree::Map(fields) => fields.values().map(|inner| depth(inner) + 1).max().unwrap_or(0),
        Tree::List(items) => items.iter().map(|inner| depth(inner) + 1).max().unwrap_or(0),
        _ => 0,
    }
}

/// How many parameters a tree has, containers included.
#[must_use]
pub fn size(tree: &Tree) -> usize {
    match tree {
        Tree::Map(fields) => fields.values().map(|inner| size(inner) + 1).sum(),
        Tree::List(items) => items.iter().map(|inner| size(inner) + 1).sum(),
        _ => 0,
    }
}

/// A server in process that is made anew from time to time, so that what it keeps does not grow with a run.
pub struct Served {
    runtime: Runtime,
    make: fn(&Runtime) -> Router,
    now: RefCell<(u32, Option<Router>)>,
}

/// Requests to one server: so many that making it costs little, so few that its store stays small.
const REQUESTS_EACH: u32 = 2_000;

impl Served {
    /// One that is made by that.
    #[must_use]
    pub fn new(make: fn(&Runtime) -> Router) -> Self {
        Self::on(Builder::new_current_thread().enable_time(), make)
    }

    /// One whose time passes only, and then at once, when everybody waits for it.
    #[must_use]
    pub fn without_waits(make: fn(&Runtime) -> Router) -> Self {
        Self::on(Builder::new_current_thread().enable_time().start_paused(true), make)
    }

    fn on(runtime: &mut Builder, make: fn(&Runtime) -> Router) -> Self {
        let runtime = runtime.build();
        Self { runtime: runtime.expect("a runtime"), make, now: RefCell::new((0, None)) }
    }

    /// The status and body of the answer to a request.
    pub fn ask(&self, request: Request<Body>) -> (u16, Vec<u8>) {
        let mut now = self.now.borrow_mut();
        if now.0.is_multiple_of(REQUESTS_EACH) {
            now.1 = None;
            now.1 = Some((self.make)(&self.runtime));
        }
        now.0 = now.0.wrapping_add(1);
        let router = now.1.clone().expect("it was made");
        self.runtime.block_on(async {
            let Ok(answer) = router.oneshot(request).await;
            let status = answer.status().as_u16();
            // An answer that breaks off on purpose has no body.
            (status, to_bytes(answer.into_body(), usize::MAX).await.map(Vec::from).unwrap_or_default())
        })
    }
}
