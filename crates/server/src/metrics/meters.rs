//! What is counted and timed as it happens: requests, commits and reads of the store, calls of providers.
//!
//! Nothing is counted where nobody looks ([`Meters::off`]). Labels come from closed sets, so that their number is bounded: a path is
//! written as the table of operations has it, and never as a client sent it.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Upper bounds in seconds: a millisecond is a fast read, ten seconds a provider's deadline.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the writes of a commit, of which there may be a hundred.
const WRITES: [f64; 7] = [2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0];

pub(super) const REQUESTS: &str = "bursar_requests_total";
pub(super) const REQUEST_SECONDS: &str = "bursar_request_duration_seconds";
pub(super) const LIMITED: &str = "bursar_requests_limited_total";
pub(super) const TURNED_AWAY: &str = "bursar_requests_turned_away_total";
pub(super) const COMMITS: &str = "bursar_store_commits_total";
pub(super) const COMMIT_SECONDS: &str = "bursar_store_commit_duration_seconds";
pub(super) const COMMIT_WRITES: &str = "bursar_store_commit_writes";
pub(super) const READ_SECONDS: &str = "bursar_store_read_duration_seconds";
pub(super) const CALLS: &str = "bursar_provider_calls_total";
pub(super) const CALL_SECONDS: &str = "bursar_provider_call_duration_seconds";
pub(super) const AUTHORIZATIONS: &str = "bursar_authorizations_total";
pub(super) const DELIVERIES: &str = "bursar_webhook_attempts_total";
pub(super) const DELIVERY_SECONDS: &str = "bursar_webhook_attempt_duration_seconds";

/// Counts and times, or does not.
#[derive(Clone, Default)]
pub struct Meters(Option<Arc<PrometheusRecorder>>);

impl Meters {
    /// Nothing is counted.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Everything is counted, from nothing on.
    ///
    /// # Errors
    /// The buckets are none: a defect.
    pub fn on() -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new().set_buckets(&SECONDS)?;
        let recorder = builder.set_buckets_for_metric(Matcher::Full(COMMIT_WRITES.to_owned()), &WRITES)?.build_recorder();
        let meters = Self(Some(Arc::new(recorder)));
        meters.record(describe);
        Ok(meters)
    }

    /// Whether anything is counted.
    #[must_use]
    pub const fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Lets `count` count, if anything is.
    pub(super) fn record(&self, count: impl FnOnce()) {
        if let Some(recorder) = &self.0 {
            with_local_recorder(&**recorder, count);
        }
    }

    /// A request was answered. Method and path are those of the table of operations, if it is one of them.
    pub fn answered(&self, operation: Option<(&'static str, &'static str)>, status: u16, took: Duration) {
        let (method, path) = operation.unwrap_or(("", ""));
        self.record(|| {
            counter!(REQUESTS, "method" => method, "path" => path, "status" => status.to_string()).increment(1);
            histogram!(REQUEST_SECONDS, "method" => method, "path" => path).record(took);
        });
    }

    /// A request was refused because an allowance is used up.
    pub fn limited(&self, of: &'static str) {
        self.record(|| counter!(LIMITED, "limit" => of).increment(1));
    }

    /// A request was not looked at because too many were under way.
    pub fn turned_away(&self) {
        self.record(|| counter!(TURNED_AWAY).increment(1));
    }

    pub(super) fn handle(&self) -> Option<PrometheusHandle> {
        self.0.as_ref().map(|recorder| recorder.handle())
    }
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by operation and status; without an operation those that name none");
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "From a request's head to its answer, by operation");
    describe_counter!(LIMITED, "Requests refused with 429 because a key, an account or, with wrong keys, an address sent too many");
    describe_counter!(TURNED_AWAY, "Requests answered with 503 and not looked at, because too many were under way");
    describe_counter!(COMMITS, "Commits of the store, by how they ended");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "How long a commit takes, with waiting for its turn");
    describe_histogram!(COMMIT_WRITES, "Writes of a commit");
    describe_histogram!(READ_SECONDS, Unit::Seconds, "How long a read of records or of a list takes");
    describe_counter!(CALLS, "Calls of a provider, by operation and how they ended; unknown is neither failed nor done");
    describe_histogram!(CALL_SECONDS, Unit::Seconds, "How long a provider takes to answer, by operation");
    describe_counter!(AUTHORIZATIONS, "What providers said to payments, by currency, outcome and, of refusals, decline code");
    describe_counter!(DELIVERIES, "Attempts to tell a webhook endpoint of an event, by how they ended");
    describe_histogram!(DELIVERY_SECONDS, Unit::Seconds, "How long a webhook endpoint takes to answer");
}
