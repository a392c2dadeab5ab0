//! A connector whose calls are spans: of the request that waits for them, or of a trace of their own.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::provider_key::ProviderKey;
use providers::{Authorize, Capabilities, Capture, Connector, Notice, Refund, VerifyCard, Void};
use tracing::field::Empty;
use tracing::{Instrument as _, trace_span};

use super::TARGET;
use crate::metrics::Ending;

/// A connector, looked at.
pub(crate) struct Traced(Arc<dyn Connector>);

impl Traced {
    /// The connector as it is, if nobody takes spans.
    pub(crate) fn over(connector: Arc<dyn Connector>) -> Arc<dyn Connector> {
        if super::are_on() { Arc::new(Self(connector)) } else { connector }
    }

    async fn call<T: Ending>(&self, operation: &'static str, call: impl Future<Output = T> + Send) -> T {
        let span = trace_span!(
            target: TARGET,
            "call",
            otel.kind = "client",
            otel.name = operation,
            bursar.provider = self.0.capabilities().provider,
            bursar.operation = operation,
            bursar.outcome = Empty,
        );
        let ended = call.instrument(span.clone()).await;
        span.record("bursar.outcome", ended.word());
        ended
    }
}

#[async_trait]
impl Connector for Traced {
    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        self.call("authorize", self.0.authorize(request)).await
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        self.call("verify_card", self.0.verify_card(request)).await
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        self.call("capture", self.0.capture(request)).await
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        self.call("void", self.0.void(request)).await
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        self.call("refund", self.0.refund(request)).await
    }

    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        self.call("query", self.0.query(key)).await
    }

    // Asked for every second, and nearly always with nothing to tell.
    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        self.0.notices(after).await
    }
}
