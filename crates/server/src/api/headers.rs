//! Headers of every answer: which pages may ask, and what a browser may do with what it got.
//!
//! An answer that says something of its own, as the pages of the documentation do, is left as it is.

use std::time::Duration;

use axum::Router;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};
use tower::ServiceBuilder;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use super::{LIMIT, REMAINING, RESET};

/// For how long a browser need not ask again whether it may ask.
const ASKED_FOR: Duration = Duration::from_secs(300);

/// What holds for answers that are no pages.
const GUARDS: [(HeaderName, &str); 4] = [
    // Answers tell of payments and hold secrets of intents: none may lie about in a cache.
    (CACHE_CONTROL, "no-store"),
    // An answer is never a page, whatever text of a client's it shows.
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    // The address that a buyer comes back to holds a secret, which the next page need not learn.
    (REFERRER_POLICY, "no-referrer"),
];

/// Puts them on all that this router answers.
pub(super) fn put<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    let [a, b, c, d] = GUARDS.map(|(name, value)| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)));
    // As one layer: each that a router puts around itself costs a request an allocation.
    router.layer(ServiceBuilder::new().layer(a).layer(b).layer(c).layer(d).layer(open_to_pages()))
}

/// Any page may call from its buyers' browsers: what its call may do, its key says, so that a page gets nothing that whoever knows the
/// key does not. What a cookie opens, it opens to pages of ours only (`sessions/guard.rs`), and no answer says that others may send one.
fn open_to_pages() -> CorsLayer {
    let told = ["request-id", "idempotent-replayed", "stripe-version", "retry-after", LIMIT, REMAINING, RESET];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        // A wildcard would leave `Authorization` out.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(told.map(HeaderName::from_static))
        .max_age(ASKED_FOR)
}
