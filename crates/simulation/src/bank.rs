//! Each process's faulty way to the bank, which is the bank simulator and survives crashes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::provider_key::ProviderKey;
use providers::simulator::Simulator;
use providers::{Authorize, Capabilities, Capture, Connector, Notice, Refund, VerifyCard, Void};

use crate::node::Life;
use crate::world::{Fault, World};

/// How long a process waits for an answer that does not come.
const DEADLINE: Duration = Duration::from_secs(5);

/// One process's way to the bank.
pub struct Line {
    bank: Arc<Simulator>,
    world: Arc<World>,
    life: Arc<Life>,
}

impl Line {
    /// Of a process with that life.
    #[must_use]
    pub fn new(bank: &Arc<Simulator>, world: &Arc<World>, life: &Arc<Life>) -> Self {
        Self { bank: Arc::clone(bank), world: Arc::clone(world), life: Arc::clone(life) }
    }

    /// On the way there; an error is what the process takes for the outcome.
    async fn there(&self, what: &str, key: &ProviderKey) -> Result<(), UnknownReason> {
        self.life.go_on().await;
        self.world.pause().await;
        self.life.go_on().await;
        if self.world.happens(Fault::CrashBeforeProvider) {
            self.life.end();
            self.life.go_on().await;
        }
        if self.world.happens(Fault::RequestLost) {
            tokio::time::sleep(DEADLINE).await;
            self.life.go_on().await;
            return Err(UnknownReason::Timeout);
        }
        if self.world.happens(Fault::ProviderFails) {
            return Err(UnknownReason::ProviderError);
        }
        self.world.note(format_args!("bank: {what} {key}"));
        Ok(())
    }

    /// On the way back.
    async fn back(&self) -> Result<(), UnknownReason> {
        if self.world.happens(Fault::CrashAfterProvider) {
            self.life.end();
        }
        self.life.go_on().await;
        self.world.pause().await;
        self.life.go_on().await;
        if self.world.happens(Fault::AnswerLost) {
            tokio::time::sleep(DEADLINE).await;
            self.life.go_on().await;
            return Err(UnknownReason::Timeout);
        }
        if self.world.happens(Fault::AnswerUnreadable) {
            return Err(UnknownReason::Unreadable);
        }
        Ok(())
    }
}

/// There, done, and back; done twice where the request arrives twice.
macro_rules! carried {
    ($line:ident, $operation:ident, $request:ident, $unknown:path, $again:expr) => {{
        if let Err(reason) = $line.there(stringify!($operation), &$request.key).await {
            return $unknown(reason);
        }
        let twice = $line.world.happens(Fault::RequestTwice).then(|| $again(&$request));
        let outcome = $line.bank.$operation($request).await;
        if let Some(again) = twice {
            let second = $line.bank.$operation(again).await;
            if second != outcome {
                $line.world.note("the bank answers a repeated request otherwise than the first");
            }
        }
        match $line.back().await {
            Ok(()) => outcome,
            Err(reason) => $unknown(reason),
        }
    }};
}

#[async_trait]
impl Connector for Line {
    fn capabilities(&self) -> &Capabilities {
        self.bank.capabilities()
    }

    async fn authorize(&self, request: Authorize) -> AuthorizeOutcome {
        carried!(self, authorize, request, AuthorizeOutcome::Unknown, same_authorize)
    }

    async fn verify_card(&self, request: VerifyCard) -> AuthorizeOutcome {
        carried!(self, verify_card, request, AuthorizeOutcome::Unknown, same_verify)
    }

    async fn capture(&self, request: Capture) -> FollowUpOutcome {
        carried!(self, capture, request, FollowUpOutcome::Unknown, same_capture)
    }

    async fn void(&self, request: Void) -> FollowUpOutcome {
        carried!(self, void, request, FollowUpOutcome::Unknown, same_void)
    }

    async fn refund(&self, request: Refund) -> RefundOutcome {
        carried!(self, refund, request, RefundOutcome::Unknown, same_refund)
    }

    async fn query(&self, key: &ProviderKey) -> QueryOutcome {
        if let Err(reason) = self.there("query", key).await {
            return QueryOutcome::Unknown(reason);
        }
        if self.world.happens(Fault::QueryFails) {
            return QueryOutcome::Unknown(UnknownReason::ProviderError);
        }
        let outcome = self.bank.query(key).await;
        match self.back().await {
            Ok(()) => outcome,
            Err(reason) => QueryOutcome::Unknown(reason),
        }
    }

    async fn notices(&self, after: u64) -> Result<Vec<Notice>, UnknownReason> {
        self.life.go_on().await;
        if self.world.happens(Fault::QueryFails) {
            return Err(UnknownReason::ProviderError);
        }
        let mut notices = self.bank.notices(after).await?;
        for notice in &notices {
            self.world.note(format_args!("bank: a notice of {}", notice.key));
        }
        if self.world.happens(Fault::RequestTwice) {
            notices.extend(notices.clone());
        }
        self.back().await.map(|()| notices)
    }
}

fn same_card(card: &providers::CardForProvider) -> providers::CardForProvider {
    providers::CardForProvider {
        number: card.number.clone(),
        expiry: card.expiry,
        cvc: card.cvc.clone(),
        holder_name: card.holder_name.clone(),
        address_line1: card.address_line1.clone(),
        postal_code: card.postal_code.clone(),
    }
}

fn same_authorize(request: &Authorize) -> Authorize {
    Authorize {
        key: request.key.clone(),
        amount: request.amount,
        card: same_card(&request.card),
        capture: request.capture,
        initiator: request.initiator,
        three_d_secure: request.three_d_secure,
        saved: request.saved,
        save_for_off_session: request.save_for_off_session,
        return_to: request.return_to.clone(),
        statement_descriptor: request.statement_descriptor.clone(),
        description: request.description.clone(),
    }
}

fn same_verify(request: &VerifyCard) -> VerifyCard {
    VerifyCard {
        key: request.key.clone(),
        card: same_card(&request.card),
        initiator: request.initiator,
        three_d_secure: request.three_d_secure,
        save_for_off_session: request.save_for_off_session,
        return_to: request.return_to.clone(),
    }
}

fn same_capture(request: &Capture) -> Capture {
    Capture {
        key: request.key.clone(),
        authorization_key: request.authorization_key.clone(),
        provider_reference: request.provider_reference.clone(),
        amount: request.amount,
    }
}

fn same_void(request: &Void) -> Void {
    Void {
        key: request.key.clone(),
        authorization_key: request.authorization_key.clone(),
        provider_reference: request.provider_reference.clone(),
    }
}

fn same_refund(request: &Refund) -> Refund {
    Refund {
        key: request.key.clone(),
        authorization_key: request.authorization_key.clone(),
        provider_reference: request.provider_reference.clone(),
        amount: request.amount,
    }
}
