//! The bank in process: answers are delivered to the caller as a network would, without one.

use async_trait::async_trait;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::provider_key::ProviderKey;
use domain::scope::Mode;

use super::Simulator;
use super::requests::{Answer, Manner, Refusal};
use crate::connector::{Authorize, Capabilities, Capture, Connector, NOTICES_MAX, Notice, Refund, VerifyCard, Void};

/// What the simulator can do, wherever it runs.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    provider: "simulator",
    modes: &[Mode::Test],
    manual_capture: true,
    partial_capture: true,
    partial_refund: true,
    three_d_secure: true,
    card_verification: true,
};

impl Simulator {
    async fn deliver<T: Send>(&self, answer: Result<Answer<T>, Refusal>, unknown: fn(UnknownReason) -> T) -> T {
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => {
                tracing::error!(%refusal, "the bank refused a request");
                return unknown(UnknownReason::ProviderError);
            }
        };
        match answer.manner {
            Manner::Prompt => answer.outcome,
            Manner::Late => {
                tokio::time::sleep(self.options.late).await;
                answer.outcome
            }
            Manner::Never => {
                tokio::time::sleep(self.options.timeout).await;
                unknown(UnknownReason::Timeout)
            }
            Manner::Dropped => unknown(UnknownReason::ConnectionLost),
            Manner::ServerError => unknown(UnknownReason::ProviderError),
            Manner::Garbage => unknown(UnknownReason::Unreadable),
        }
    }
}

#[async_trait]
impl Connector for Simulator {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        let answer = self.take_authorize(request).await;
        self.deliver(answer, AuthorizeOutcome::Unknown).await
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        let answer = self.take_verify_card(request).await;
        self.deliver(answer, AuthorizeOutcome::Unknown).await
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        let answer = self.take_capture(request).await;
        self.deliver(answer, FollowUpOutcome::Unknown).await
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        let answer = self.take_void(request).await;
        self.deliver(answer, FollowUpOutcome::Unknown).await
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        let answer = self.take_refund(request).await;
        self.deliver(answer, RefundOutcome::Unknown).await
    }

    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        self.take_query(key).await.unwrap_or(QueryOutcome::Unknown(UnknownReason::ProviderError))
    }

    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        self.take_notices(after, NOTICES_MAX).await.map_err(|_| UnknownReason::ProviderError)
    }
}
