//! Figures for operators, as Prometheus reads them, on an address of their own: shops and buyers have no business there.
//!
//! They are looked up when they are asked for. Absent: figures of single requests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics::{Unit, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use payments::Platform;
use tokio::net::TcpListener;

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const RECOVERS: &str = "bursar_recovery_here";
const OPEN: &str = "bursar_open_operations";
const OLDEST: &str = "bursar_oldest_open_operation_age_seconds";

struct Figures {
    platform: Arc<Platform>,
    recorder: PrometheusRecorder,
}

impl Figures {
    fn of(platform: Arc<Platform>) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&recorder, || {
            describe_gauge!(RECOVERS, "1 if this server follows up operations without a known end, 0 if another one does");
            describe_gauge!(OPEN, "Payments, refunds and set-ups with an operation that has no known end; 0 where another server recovers");
            describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest operation that has no known end; 0 if there is none");
        });
        Self { platform, recorder }
    }

    fn write(&self) -> String {
        let left = self.platform.left_open();
        let recovers = left.is_some();
        let left = left.unwrap_or_default();
        let age = left.oldest.map_or(0, |oldest| self.platform.now().millis_since(oldest).max(0));
        let age = Duration::from_millis(age.unsigned_abs());
        with_local_recorder(&self.recorder, || {
            gauge!(RECOVERS).set(f64::from(u8::from(recovers)));
            gauge!(OPEN).set(float(left.objects));
            gauge!(OLDEST).set(age.as_secs_f64());
        });
        self.recorder.handle().render()
    }
}

/// Exact below 2^32, and beyond that as good as Prometheus has it.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

async fn figures(State(figures): State<Arc<Figures>>) -> ([(http::HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, TEXT)], figures.write())
}

/// What is served there.
pub fn router(platform: Arc<Platform>) -> Router {
    Router::new().route("/metrics", get(figures)).with_state(Arc::new(Figures::of(platform)))
}

/// Serves them until it is dropped.
///
/// # Errors
/// The listener fails.
pub async fn run(listener: TcpListener, platform: Arc<Platform>) -> io::Result<()> {
    axum::serve(listener, router(platform)).await
}
