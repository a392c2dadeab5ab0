//! Recovery: every operation whose end is not known is followed up until it is, on start and for ever.
//!
//! The provider is asked under the same key; only when it never heard of the operation is it sent again, under
//! that key. No other provider is tried. One merchant's or one operation's trouble stops no other's. What waits for a
//! buyer is no operation: [`waits`](super::waits) looks after it, and costs this nothing.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::Job;
use domain::id::Ulid;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::payment_attempt::{Operation, OperationKind, PaymentAttempt};
use domain::refund::{self, Refund};
use domain::scope::{Mode, Scope};
use domain::setup_intent::SetupIntent;
use domain::time::Timestamp;
use futures::stream::{self, StreamExt as _};
use store::{Index, List, Scan};

use crate::acting::By;
use crate::error::Error;
use crate::leases::Duty;
use crate::payment_intents::perform::{Begun, Fact, Work};
use crate::payment_intents::settle::Subject;
use crate::platform::Platform;
use crate::records::Loaded;
use crate::refunds::settle::RefundSubject;

/// Open operations read in one go.
const AT_ONCE: usize = 500;
/// Operations followed up at the same time: so many may wait for a provider that keeps silent before they hold up
/// the rest, and no provider is asked more questions at once.
const IN_PARALLEL: usize = 64;

/// What the last round of recovery left open, of all merchants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOpen {
    /// Payments, refunds and set-ups with an operation that has no known end.
    pub objects: u64,
    /// When the oldest of these operations was begun.
    pub oldest: Option<Timestamp>,
}

/// What one look at an object came to.
struct Look {
    settled: bool,
    /// When the oldest operation was begun that is still open on it.
    open_since: Option<Timestamp>,
}

/// What a round has come to so far.
#[derive(Default)]
struct Round {
    settled: usize,
    left: LeftOpen,
}

impl Round {
    fn count(&mut self, look: &Look) {
        self.settled += usize::from(look.settled);
        if let Some(since) = look.open_since {
            self.left.objects = self.left.objects.saturating_add(1);
            self.left.oldest = Some(self.left.oldest.map_or(since, |oldest| oldest.min(since)));
        }
    }
}

impl Platform {
    /// Follows up every open operation that is due; answers how many were settled.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn recover_due(self: &Arc<Self>) -> Result<usize, Error> {
        let round = self.recovery_round().await;
        // A round that failed has nothing to say, nor has the one before it any more.
        *self.left_open.lock() = round.as_ref().ok().and_then(|round| Some(round.as_ref()?.left));
        Ok(round?.map_or(0, |round| round.settled))
    }

    /// Looks at every open operation; `None` if another process does.
    async fn recovery_round(self: &Arc<Self>) -> Result<Option<Round>, Error> {
        let Some(fence) = self.lease(Duty::Recovery).await? else { return Ok(None) };
        let (mut round, by) = (Round::default(), By::job(Job::Recovery).fenced(fence));
        for account in self.all_accounts().await? {
            for mode in [Mode::Test, Mode::Live] {
                let scope = Scope { account: account.id, mode };
                self.recover_scope(scope, &account, &by, &mut round).await?;
            }
        }
        Ok(Some(round))
    }

    /// What the last round left open; `None` if another process does recovery.
    #[must_use]
    pub fn left_open(&self) -> Option<LeftOpen> {
        *self.left_open.lock()
    }

    async fn recover_scope(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, round: &mut Round) -> Result<(), Error> {
        let list = List::all(scope, Index::OpenOperations);
        let mut newer_than = None;
        loop {
            let open = self.store.scan(Scan { newer_than, ..Scan::oldest(list, AT_ONCE) }).await?;
            // On the heap: what follows an operation up is large, and is moved about between the others.
            let looks = stream::iter(open.clone()).map(|id| Box::pin(self.recover_or_tell(scope, account, by, id)));
            let mut looks = looks.buffer_unordered(IN_PARALLEL);
            while let Some(look) = looks.next().await {
                round.count(&look);
            }
            match open.last() {
                Some(last) if open.len() == AT_ONCE => newer_than = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    /// Follows up one object's operation. A failure is logged: another look comes.
    async fn recover_or_tell(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, id: Ulid) -> Look {
        let mut since = None;
        let settled = match self.recover_one(scope, account, by, id, &mut since).await {
            Ok(settled) => settled,
            Err(Error::LockTimeout) => false,
            Err(error) => {
                tracing::error!(%scope.account, %id, %error, detail = ?error, "an open operation could not be followed up");
                false
            }
        };
        Look { settled, open_since: since.filter(|_| !settled) }
    }

    /// Whether it is settled now. `since` becomes the time when the oldest of its operations was begun.
    async fn recover_one(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        since: &mut Option<Timestamp>,
    ) -> Result<bool, Error> {
        if let Some(attempt) = self.find::<PaymentAttempt>(scope, id).await? {
            *since = attempt.value.open_since();
            let remedied = self.recover_remedies(scope, account, by, &attempt.value).await?;
            if !attempt.value.operation.as_ref().is_some_and(|operation| self.operation_is_due(operation)) {
                return Ok(remedied);
            }
            let subject = self.subject(scope, id).await?;
            return self.follow_up(scope, account, by, subject).await;
        }
        if let Some(refund) = self.find::<Refund>(scope, id).await? {
            *since = refund.value.operation.as_ref().map(|operation| operation.started_at);
            return self.follow_up_refund(scope, account, by, refund).await;
        }
        if let Some(setup) = self.find::<SetupIntent>(scope, id).await? {
            *since = setup.value.operation.as_ref().map(|operation| operation.started_at);
            let due = setup.value.operation.as_ref().is_some_and(|operation| self.operation_is_due(operation));
            return if due { self.follow_up_setup(scope, account, by, setup).await } else { Ok(false) };
        }
        Err(Error::Internal("an open operation without its record".to_owned()))
    }

    /// What was begun before this process, and was not yet unknown, was interrupted, and is due at once: unless another
    /// process on the same store may be at it.
    pub(crate) fn is_due(&self, next_check_at: Timestamp, started_at: Timestamp, unknown: bool) -> bool {
        let interrupted = || !self.store.is_shared() && !unknown && started_at < self.started_at;
        next_check_at <= self.now() || interrupted()
    }

    pub(crate) fn operation_is_due(&self, operation: &Operation) -> bool {
        self.is_due(operation.next_check_at, operation.started_at, operation.unknown.is_some())
    }

    /// Asks the provider about an attempt's operation and settles by the answer.
    async fn follow_up(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, subject: Subject) -> Result<bool, Error> {
        let attempt = &subject.attempt.value;
        let connector = self.connector(&attempt.provider)?;
        let Some(Operation { kind, key, .. }) = &attempt.operation else { return Ok(false) };
        let fact = match connector.query(key).await {
            QueryOutcome::Authorize(outcome) => Fact::Authorize(outcome),
            QueryOutcome::Capture(outcome) => Fact::Capture(outcome),
            QueryOutcome::Void(outcome) => Fact::Void(outcome),
            QueryOutcome::NotFound => self.send_again(scope, &subject).await?,
            QueryOutcome::Refund(_) => return Err(Error::Internal(format!("the provider knows {key} as a refund"))),
            QueryOutcome::Unknown(reason) => match kind {
                OperationKind::Capture => Fact::Capture(FollowUpOutcome::Unknown(reason)),
                OperationKind::Void | OperationKind::Abandon => Fact::Void(FollowUpOutcome::Unknown(reason)),
                OperationKind::Authorize | OperationKind::Refund | OperationKind::VerifyCard => {
                    Fact::Authorize(AuthorizeOutcome::Unknown(reason))
                }
            },
        };
        let fact = self.complete(attempt, fact).await?;
        let settled = self.settle_once(scope, account, by, &subject, fact, None).await?;
        Ok(settled.is_some())
    }

    /// The provider never heard of it: the same operation under the same key. A security code goes along
    /// if this process is the one that sent it before. Without its card, which somebody lost, it stays open.
    async fn send_again(self: &Arc<Self>, scope: Scope, subject: &Subject) -> Result<Fact, Error> {
        let attempt = &subject.attempt.value;
        let connector = self.connector(&attempt.provider)?;
        let work = match attempt.operation.as_ref().map(|o| o.kind) {
            Some(OperationKind::Capture) => Work::Capture { connector },
            Some(OperationKind::Void | OperationKind::Abandon) => Work::Void { connector },
            _ => match self.card_of(scope, subject.method.id).await? {
                Some(number) => Work::Authorize { connector, number, cvc: self.codes.look(attempt.id.ulid()) },
                // That its provider never heard of it yet does not say that it will not.
                None => return Ok(Fact::Authorize(AuthorizeOutcome::Unknown(UnknownReason::Interrupted))),
            },
        };
        let begun = Begun {
            intent: subject.intent.clone(),
            attempt: subject.attempt.clone(),
            charge: subject.charge.clone(),
            method: subject.method.clone(),
            work,
        };
        Ok(self.perform(scope, &begun).await)
    }

    async fn follow_up_refund(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        refund: Loaded<Refund>,
    ) -> Result<bool, Error> {
        let Some(operation) = &refund.value.operation else { return Ok(false) };
        if !self.is_due(operation.next_check_at, operation.started_at, refund.value.status != refund::Status::Sending) {
            return Ok(false);
        }
        let key = operation.key.clone();
        let charge = self.must(scope, refund.value.charge.ulid()).await?;
        let subject = RefundSubject { refund, charge };
        let connector = self.connector(&subject.charge.value.provider)?;
        let outcome = match connector.query(&key).await {
            QueryOutcome::Refund(outcome) => outcome,
            QueryOutcome::NotFound => self.send_refund(&subject).await?,
            QueryOutcome::Unknown(reason) => RefundOutcome::Unknown(reason),
            QueryOutcome::Authorize(_) | QueryOutcome::Capture(_) | QueryOutcome::Void(_) => {
                RefundOutcome::Unknown(UnknownReason::Unreadable)
            }
        };
        let settled = self.settle_refund_once(scope, account, by, &subject, outcome, None).await?;
        Ok(settled.is_some())
    }
}
