//! A connector that tells [`Load`] who waits for it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::provider_key::ProviderKey;
use providers::{Authorize, Capabilities, Capture, Connector, Notice, Refund, VerifyCard, Void};

use super::load::Load;

/// A connector, and who counts those that wait for it.
pub(crate) struct Patient {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) load: Arc<Load>,
}

#[async_trait]
impl Connector for Patient {
    fn capabilities(&self) -> &Capabilities {
        self.connector.capabilities()
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        let _call = self.load.call();
        self.connector.authorize(request).await
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        let _call = self.load.call();
        self.connector.verify_card(request).await
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        let _call = self.load.call();
        self.connector.capture(request).await
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        let _call = self.load.call();
        self.connector.void(request).await
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        let _call = self.load.call();
        self.connector.refund(request).await
    }

    // Jobs ask these, and hardly ever a request: nobody holds a place meanwhile.
    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        self.connector.query(key).await
    }

    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        self.connector.notices(after).await
    }
}
