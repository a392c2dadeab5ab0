//! A connector whose calls are timed, and its answers counted.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::currency::Currency;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::provider_key::ProviderKey;
use metrics::{counter, histogram};
use providers::{Authorize, Capabilities, Capture, Connector, Notice, Refund, VerifyCard, Void};

use super::meters::{AUTHORIZATIONS, CALL_SECONDS, CALLS, Meters};

/// A connector, and what counts its calls.
pub(crate) struct Metered {
    connector: Arc<dyn Connector>,
    meters: Meters,
}

/// How a call ended, in a word.
pub(crate) trait Ending {
    /// That word.
    fn word(&self) -> &'static str;
}

impl Ending for AuthorizeOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Approved(_) => "approved",
            Self::Declined(_) => "declined",
            Self::ActionRequired(_) => "action_required",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Ending for FollowUpOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Ending for RefundOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "done",
            Self::Pending { .. } => "pending",
            Self::Failed { .. } => "refused",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Ending for QueryOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Authorize(_) | Self::Capture(_) | Self::Void(_) | Self::Refund(_) => "done",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Ending for Result<Vec<Notice>, UnknownReason> {
    fn word(&self) -> &'static str {
        if self.is_ok() { "done" } else { "unknown" }
    }
}

impl Metered {
    /// The connector as it is, if nothing is counted.
    pub(crate) fn over(connector: Arc<dyn Connector>, meters: &Meters) -> Arc<dyn Connector> {
        if meters.are_on() { Arc::new(Self { connector, meters: meters.clone() }) } else { connector }
    }

    async fn timed<T: Ending>(&self, operation: &'static str, call: impl Future<Output = T> + Send) -> T {
        let (began, provider) = (Instant::now(), self.connector.capabilities().provider);
        let ended = call.await;
        let took = began.elapsed();
        self.meters.record(|| {
            counter!(CALLS, "provider" => provider, "operation" => operation, "outcome" => ended.word()).increment(1);
            histogram!(CALL_SECONDS, "provider" => provider, "operation" => operation).record(took);
        });
        ended
    }

    fn authorized(&self, currency: Currency, outcome: &AuthorizeOutcome) {
        let provider = self.connector.capabilities().provider;
        let code = if let AuthorizeOutcome::Declined(decline) = outcome { decline.code.as_str() } else { "" };
        let (currency, word) = (currency.code(), outcome.word());
        self.meters.record(|| {
            let counter =
                counter!(AUTHORIZATIONS, "provider" => provider, "currency" => currency, "outcome" => word, "decline_code" => code);
            counter.increment(1);
        });
    }
}

#[async_trait]
impl Connector for Metered {
    fn capabilities(&self) -> &Capabilities {
        self.connector.capabilities()
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        let currency = request.amount.currency();
        let outcome = self.timed("authorize", self.connector.authorize(request)).await;
        self.authorized(currency, &outcome);
        outcome
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        self.timed("verify_card", self.connector.verify_card(request)).await
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        self.timed("capture", self.connector.capture(request)).await
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        self.timed("void", self.connector.void(request)).await
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        self.timed("refund", self.connector.refund(request)).await
    }

    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        self.timed("query", self.connector.query(key)).await
    }

    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        self.timed("notices", self.connector.notices(after)).await
    }
}
