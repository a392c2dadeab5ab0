//! Traces: what a request did, in spans that an OpenTelemetry collector puts together with those of other programs.
//!
//! - A span for each request that was not turned away, which goes on with the `traceparent` that it came with; and under it one for
//!   each commit, read and call of a provider. An attempt to tell a webhook endpoint and a call of a provider that no request waits for
//!   begin traces of their own; what background jobs read and commit is in none, as they look every second.
//! - Spans say what kind of thing was done, how it ended, and of which request and account. They hold no parameter, path, address or header
//!   as a client sent it, nor anything of an object.
//! - Spans are below the level of what is logged. Where nobody exports them, making one is to compare a number, and store, connectors
//!   and courier are not wrapped ([`are_on`]).
//!
//! Absent on purpose: figures and logs in that form; Prometheus asks for the ones, and whatever reads the process's output has the others.

mod connector;
mod courier;
mod export;
mod store;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::{Empty, display};
use tracing::{Level, Span, span_enabled, trace_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

pub(crate) use self::connector::Traced as TracedConnector;
pub(crate) use self::courier::Traced as TracedCourier;
pub use self::export::Traces;
pub(crate) use self::store::Traced as TracedStore;

/// What marks our spans among all that is logged.
const TARGET: &str = "bursar::span";

/// Whether anybody takes spans.
pub(crate) fn are_on() -> bool {
    span_enabled!(target: TARGET, Level::TRACE)
}

/// The span of a request whose method is a standard one, if it is.
pub(crate) fn request(method: Option<&str>, headers: &HeaderMap, id: &str) -> Span {
    let span = trace_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        bursar.request = id,
        bursar.account = Empty,
    );
    if !span.is_disabled() {
        // One that makes no sense is none.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
    }
    span
}

/// What became known of a request by its answer.
pub(crate) struct Answered<'a> {
    /// Its method, if that is a standard one.
    pub(crate) method: Option<&'a str>,
    /// Its path, as the table of operations has it.
    pub(crate) route: Option<&'static str>,
    /// Whose it was.
    pub(crate) account: Option<domain::id::AccountId>,
    /// How it was answered.
    pub(crate) status: u16,
}

/// Says in a request's span how it was answered.
pub(crate) fn answered(span: &Span, answered: &Answered<'_>) {
    if span.is_disabled() {
        return;
    }
    // The layer reads name and status only of a span that has not begun.
    let context = span.context();
    let begun = context.span();
    let method = answered.method.unwrap_or("HTTP");
    match answered.route {
        Some(route) => {
            span.record("http.route", route);
            begun.update_name(format!("{method} {route}"));
        }
        None => begun.update_name(method.to_owned()),
    }
    if let Some(account) = answered.account {
        span.record("bursar.account", display(account));
    }
    span.record("http.response.status_code", answered.status);
    if answered.status >= 500 {
        begun.set_status(Status::error(""));
    }
}
