//! Answers that come when an operation's end may be known already: from a request that was overtaken by recovery, from a
//! provider's notification, from a settlement file. None is dropped: what contradicts the known end is kept with the
//! attempt or refund, alerted, and put right through the same two commits as everything else.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::Action;
use domain::conflict::{Conflict, Contradiction, Remedy, Status};
use domain::flow::{self, ConflictChange, Heard, RemedyOutcome};
use domain::id::Ulid;
use domain::outcome::{FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::payment_attempt::PaymentAttempt;
use domain::provider_key::ProviderKey;
use domain::refund::Refund;
use domain::scope::Scope;

use crate::acting::By;
use crate::error::{Error, Place};
use crate::lists::{self, Listed};
use crate::payment_intents::perform::Fact;
use crate::payment_intents::settle::add_booking;
use crate::platform::{Platform, racing};
use crate::ports::Minting;
use crate::records::Loaded;
use crate::refunds::settle::RefundSubject;
use crate::writes::{Audited, Writes};

/// How often the end of a remedy is decided again when other changes of the attempt come between.
const MAX_ROUNDS: u32 = 8;

impl Platform {
    /// Takes in what a provider says of the operation under that key, whenever it says so.
    ///
    /// # Errors
    /// No payment or refund has that key; another operation on it must end first ([`Error::LockTimeout`]: say it again
    /// later); or the store failed.
    pub async fn hear(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        key: &ProviderKey,
        said: QueryOutcome,
    ) -> Result<(), Error> {
        let missing = || Error::NotFound { kind: "operation", id: key.to_string(), param: "key", place: Place::Parameter };
        let id = key.subject().ok_or_else(missing)?;
        if self.find::<PaymentAttempt>(scope, id).await?.is_some() {
            return self.hear_of_attempt(scope, account, by, id, key, said).await;
        }
        let QueryOutcome::Refund(said) = said else { return Err(missing()) };
        if self.find::<Refund>(scope, id).await?.is_none() {
            return Err(missing());
        }
        racing(|| self.hear_of_refund(scope, account, by, id, &said)).await
    }

    async fn hear_of_attempt(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        key: &ProviderKey,
        said: QueryOutcome,
    ) -> Result<(), Error> {
        let Some(conflict) = racing(|| self.hear_once(scope, account, by, id, key, &said)).await? else { return Ok(()) };
        let ended = self.carry_out(scope, account, by, id, &conflict).await?;
        self.give_back_instead(scope, account, by, id, &conflict, ended).await
    }

    /// What could not be voided may have been taken: the authorisation itself tells, and then it is given back.
    async fn give_back_instead(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        conflict: &Conflict,
        ended: Option<Status>,
    ) -> Result<(), Error> {
        if conflict.remedy != Remedy::Void || ended != Some(Status::NeedsPerson) {
            return Ok(());
        }
        let attempt = self.must::<PaymentAttempt>(scope, id).await?.value;
        let key = ProviderKey::authorize(attempt.id);
        let said = self.connector(&attempt.provider)?.query(&key).await;
        if let Some(taken) = racing(|| self.hear_once(scope, account, by, id, &key, &said)).await?
            && taken.remedy != Remedy::Void
        {
            self.carry_out(scope, account, by, id, &taken).await?;
        }
        Ok(())
    }

    /// One try to take an answer in; answers a contradiction that was found and whose remedy has begun.
    async fn hear_once(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        key: &ProviderKey,
        said: &QueryOutcome,
    ) -> Result<Option<Conflict>, Error> {
        let attempt = self.must::<PaymentAttempt>(scope, id).await?;
        let heard = {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(account, by.cause.clone(), &mut mint, self.now());
            flow::hear(&mut ctx, attempt.value.clone(), key, said)?
        };
        match heard {
            Heard::Nothing => Ok(None),
            Heard::Later => {
                tracing::error!(conflicted = true, %key, ?said, "a late answer contradicts what is known, while another operation is under way");
                Err(Error::LockTimeout)
            }
            Heard::Open => {
                let Some(fact) = Fact::of(said) else { return Ok(None) };
                let subject = self.subject(scope, id).await?;
                if subject.attempt.version != attempt.version {
                    // What was decided on is not what would be settled.
                    return Err(Error::LockTimeout);
                }
                let fact = self.complete(&subject.attempt.value, fact).await?;
                self.settle_once(scope, account, by, &subject, fact, None).await?;
                Ok(None)
            }
            Heard::Conflict(change) => {
                if self.was_given_up(&attempt.value, &change.conflict).await? {
                    return Ok(None);
                }
                self.commit_conflict(scope, by, &attempt, &change).await?;
                Ok(Some(change.conflict))
            }
        }
    }

    /// Whether what was reserved is so no more, by the provider's own word about our void: the buyer was faster than we, who
    /// never heard of it, and then the provider gave it up with the wait. Then its old word is no contradiction.
    async fn was_given_up(&self, attempt: &PaymentAttempt, conflict: &Conflict) -> Result<bool, Error> {
        if conflict.contradiction != Contradiction::ApprovedAfterEnd || conflict.remedy != Remedy::Void {
            return Ok(false);
        }
        match self.connector(&attempt.provider)?.query(&attempt.void_key()).await {
            QueryOutcome::Void(FollowUpOutcome::Done) => Ok(true),
            // Nobody can tell now.
            QueryOutcome::Unknown(_) | QueryOutcome::Void(FollowUpOutcome::Unknown(_)) => Err(Error::LockTimeout),
            QueryOutcome::Void(FollowUpOutcome::Refused(_))
            | QueryOutcome::NotFound
            | QueryOutcome::Authorize(_)
            | QueryOutcome::Capture(_)
            | QueryOutcome::Refund(_) => Ok(false),
        }
    }

    async fn hear_of_refund(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        said: &RefundOutcome,
    ) -> Result<(), Error> {
        let subject = self.refund_subject(scope, id).await?;
        let decide = |said: &RefundOutcome| {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(account, by.cause.clone(), &mut mint, self.now());
            flow::hear_refund(&mut ctx, subject.refund.value.clone(), said)
        };
        let (mut said, mut heard) = (said.clone(), decide(said)?);
        if matches!(heard, Heard::Conflict(_)) {
            said = self.says_now_of_refund(&subject, said).await?;
            heard = decide(&said)?;
        }
        match heard {
            Heard::Nothing => Ok(()),
            Heard::Later => Err(Error::LockTimeout),
            Heard::Open => self.settle_refund_once(scope, account, by, &subject, said, None).await.map(|_| ()),
            Heard::Conflict(change) => self.commit_conflict(scope, by, &subject.refund, &change).await,
        }
    }

    /// What a provider says now of a refund about which it said something before that contradicts what is known: one that
    /// succeeded may fail afterwards, and its notices come in any order.
    async fn says_now_of_refund(&self, subject: &RefundSubject, before: RefundOutcome) -> Result<RefundOutcome, Error> {
        let key = ProviderKey::refund(subject.refund.value.id);
        match self.connector(&subject.charge.value.provider)?.query(&key).await {
            QueryOutcome::Refund(RefundOutcome::Unknown(_)) | QueryOutcome::Unknown(_) => Err(Error::LockTimeout),
            QueryOutcome::Refund(now) => Ok(now),
            QueryOutcome::NotFound | QueryOutcome::Authorize(_) | QueryOutcome::Capture(_) | QueryOutcome::Void(_) => Ok(before),
        }
    }

    /// Lands a contradiction or a step of its remedy, and alerts whoever watches.
    async fn commit_conflict<T: Listed + Audited>(
        &self,
        scope: Scope,
        by: &By,
        before: &Loaded<T>,
        change: &ConflictChange<T>,
    ) -> Result<(), Error> {
        let mut writes = Writes::new();
        lists::change(scope, before, &change.subject, &mut writes)?;
        if let Some(booking) = &change.booking {
            add_booking(scope, booking, &mut writes)?;
        }
        self.commit(by.did(Action::ConflictRecord, scope), writes).await?;
        let Conflict { key, contradiction, remedy, status, .. } = &change.conflict;
        tracing::error!(
            conflicted = true,
            account = %scope.account,
            %key,
            ?contradiction,
            ?remedy,
            ?status,
            "a provider contradicts what a shop was told"
        );
        Ok(())
    }

    /// Asks the provider for a remedy that has begun, and ends it by the answer.
    async fn carry_out(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        conflict: &Conflict,
    ) -> Result<Option<Status>, Error> {
        let Some(operation) = &conflict.operation else { return Ok(None) };
        let attempt = self.must::<PaymentAttempt>(scope, id).await?;
        let connector = self.connector(&attempt.value.provider)?;
        let authorization_key = ProviderKey::authorize(attempt.value.id);
        let provider_reference = conflict.provider_reference.clone().unwrap_or_default();
        let key = operation.key.clone();
        let outcome = match conflict.remedy {
            Remedy::Void => {
                RemedyOutcome::Void(connector.void(providers::Void { key: key.clone(), authorization_key, provider_reference }).await)
            }
            Remedy::Refund(amount) => RemedyOutcome::Refund(
                connector.refund(providers::Refund { key: key.clone(), authorization_key, provider_reference, amount }).await,
            ),
            Remedy::Person => return Ok(None),
        };
        self.end_remedy(scope, account, by, id, &key, &outcome).await
    }

    /// Ends a remedy by the provider's answer; answers its status, or `None` when that was known.
    pub(crate) async fn end_remedy(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        key: &ProviderKey,
        outcome: &RemedyOutcome,
    ) -> Result<Option<Status>, Error> {
        for _ in 0..MAX_ROUNDS {
            let attempt = self.must::<PaymentAttempt>(scope, id).await?;
            let decided = {
                let mut mint = Minting(&self.ids);
                let mut ctx = self.context(account, by.cause.clone(), &mut mint, self.now());
                flow::settle_remedy(&mut ctx, attempt.value.clone(), key, outcome)?
            };
            let Some(change) = decided else { return Ok(None) };
            match self.commit_conflict(scope, by, &attempt, &change).await {
                Ok(()) => return Ok(Some(change.conflict.status)),
                Err(Error::LockTimeout) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::LockTimeout)
    }

    /// Follows up the remedies of an attempt that are due: the provider is asked, and sent them again if it never
    /// heard of them. Says whether one was.
    pub(crate) async fn recover_remedies(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        attempt: &PaymentAttempt,
    ) -> Result<bool, Error> {
        let mut any = false;
        for conflict in &attempt.conflicts {
            let Some(operation) = &conflict.operation else { continue };
            if !self.is_due(operation.next_check_at, operation.started_at, operation.unknown.is_some()) {
                continue;
            }
            any = true;
            let (id, key) = (attempt.id.ulid(), &operation.key);
            let unknown = |reason| match conflict.remedy {
                Remedy::Refund(_) => RemedyOutcome::Refund(RefundOutcome::Unknown(reason)),
                Remedy::Void | Remedy::Person => RemedyOutcome::Void(FollowUpOutcome::Unknown(reason)),
            };
            let outcome = match self.connector(&attempt.provider)?.query(key).await {
                QueryOutcome::NotFound => None,
                QueryOutcome::Void(outcome) => Some(RemedyOutcome::Void(outcome)),
                QueryOutcome::Refund(outcome) => Some(RemedyOutcome::Refund(outcome)),
                QueryOutcome::Unknown(reason) => Some(unknown(reason)),
                QueryOutcome::Authorize(_) | QueryOutcome::Capture(_) => Some(unknown(UnknownReason::Unreadable)),
            };
            let ended = match outcome {
                Some(outcome) => self.end_remedy(scope, account, by, id, key, &outcome).await?,
                None => self.carry_out(scope, account, by, id, conflict).await?,
            };
            self.give_back_instead(scope, account, by, id, conflict, ended).await?;
        }
        Ok(any)
    }
}
