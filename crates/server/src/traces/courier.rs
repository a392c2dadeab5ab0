//! A courier whose posts are traces of their own: what they tell of was answered before.

use std::sync::Arc;

use async_trait::async_trait;
use domain::scope::Mode;
use domain::webhook_delivery::Told;
use payments::ports::{Courier, Parcel};
use tracing::field::Empty;
use tracing::{Instrument as _, trace_span};

use super::TARGET;
use crate::metrics::word;

/// A courier, looked at.
pub(crate) struct Traced(Arc<dyn Courier>);

impl Traced {
    /// The courier as it is, if nobody takes spans.
    pub(crate) fn over(courier: Arc<dyn Courier>) -> Arc<dyn Courier> {
        if super::are_on() { Arc::new(Self(courier)) } else { courier }
    }
}

#[async_trait]
impl Courier for Traced {
    fn check(&self, url: &str, mode: Mode) -> Result<(), String> {
        self.0.check(url, mode)
    }

    async fn post(&self, parcel: Parcel<'_>) -> Told {
        let span = trace_span!(
            target: TARGET,
            "webhook attempt",
            otel.kind = "client",
            bursar.outcome = Empty,
            http.response.status_code = Empty,
        );
        let told = self.0.post(parcel).instrument(span.clone()).await;
        span.record("bursar.outcome", word(&told));
        if let Told::Answered { status, .. } = &told {
            span.record("http.response.status_code", status);
        }
        told
    }
}
