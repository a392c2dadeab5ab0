//! Where spans go: to a collector, by OTLP over HTTP in protobuf.
//!
//! They are collected in memory and sent in the background. So many are held ([`MAX_HELD`]) and the rest is lost: a collector that is
//! down or slow delays no payment. Variables that OpenTelemetry defines for its exporters are read by its own library: headers that
//! open the collector (`OTEL_EXPORTER_OTLP_HEADERS`), the name of this service, which part of the traces is sent (`OTEL_TRACES_SAMPLER`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Tracer};
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::TARGET;
use crate::compose::SetupError;

/// Spans held until they are sent: some ten megabytes, and what a busy second makes.
const MAX_HELD: usize = 16_384;
/// Spans sent at once.
const SENT_AT_ONCE: usize = 1_024;
/// Between two times that they are sent.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a collector may take.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// How long the last ones may take when the process ends.
const LAST_WITHIN: Duration = Duration::from_secs(3);
/// Where a collector takes spans, below its address (OTLP/HTTP).
const PATH: &str = "/v1/traces";

/// Sends spans to a collector.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: Tracer,
}

impl Traces {
    /// To the collector at that address. Called in the runtime that is to send them.
    ///
    /// # Errors
    /// The address makes no sense, or there is no TLS.
    pub fn to(endpoint: &str) -> Result<Self, SetupError> {
        let failed = |why: String| SetupError(format!("the collector of traces: {why}"));
        let client = reqwest::Client::builder().timeout(SEND_WITHIN).redirect(Policy::none()).no_proxy().build();
        let sender =
            Sender { client: client.map_err(|e| failed(e.to_string()))?, runtime: Handle::current(), fails: AtomicBool::new(false) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(SEND_WITHIN)
            .build()
            .map_err(|e| failed(e.to_string()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_HELD)
            .with_max_export_batch_size(SENT_AT_ONCE)
            .with_scheduled_delay(PAUSE)
            .build();
        let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
        let resource = Resource::builder();
        let resource = if named { resource } else { resource.with_service_name("bursar") };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("bursar");
        Ok(Self { provider, tracer })
    }

    /// What takes spans from the program, and nothing else that it logs.
    pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let ours = Targets::new().with_target(TARGET, LevelFilter::TRACE);
        OpenTelemetryLayer::new(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours)
    }

    /// Sends what is held.
    pub async fn finish(self) {
        // It waits for its own thread, which needs this runtime.
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(LAST_WITHIN)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last spans were not sent");
        }
    }
}

/// Sends requests of the exporter, whose thread has no runtime, in ours.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    fails: AtomicBool,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.execute(request.try_into()?).await });
        let sent = sent.await.map_err(HttpError::from).and_then(|answer| Ok(answer?));
        let fails = !sent.as_ref().is_ok_and(|answer| answer.status().is_success());
        // A line when it begins and one when it ends: one for each time would fill the log.
        if self.fails.swap(fails, Ordering::Relaxed) != fails {
            match &sent {
                Ok(answer) if fails => tracing::warn!(status = answer.status().as_u16(), "spans are refused, and lost meanwhile"),
                Ok(_) => tracing::info!("spans are taken again"),
                Err(error) => tracing::warn!(%error, "spans cannot be sent, and are lost meanwhile"),
            }
        }
        // What it says beside its status, nobody reads.
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = sent?.status();
        Ok(answer)
    }
}
