//! Buyers who are to act: a few of those waited for are asked about at a time, however many there are, round after round.
//! Most come back to us, and then the provider is asked at once; this is for those whose browser does not. Whose time is over
//! is given up, and the shop can ask for another card.
//!
//! Nobody is waited for by a request, so that nothing here is urgent: a round takes as long as it takes, and what is open
//! ([`recover`](super::recover)) never stands behind it.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::{Action, Job};
use domain::flow::begin_abandon;
use domain::id::Ulid;
use domain::outcome::{AuthorizeOutcome, QueryOutcome};
use domain::payment_attempt::PaymentAttempt;
use domain::provider_key::ProviderKey;
use domain::scope::{Mode, Scope};
use domain::setup_intent::{self, SetupIntent};
use domain::time::Timestamp;
use futures::future::ready;
use futures::stream::{self, StreamExt as _};
use store::{Index, List, Scan};

use crate::acting::By;
use crate::error::Error;
use crate::leases::Duty;
use crate::payment_intents::perform::{Fact, FollowUp, Work};
use crate::payment_intents::settle::Subject;
use crate::platform::Platform;
use crate::ports::Minting;
use crate::writes::Writes;

/// Waits looked at in one go, of all merchants together: at one look a second, what a store reads and a provider answers
/// on the side.
const AT_ONCE: usize = 100;
/// Questions asked at the same time.
const IN_PARALLEL: usize = 16;
/// A round begins no sooner than so long after the last one began: no buyer is asked about more often.
const ROUND_MS: i64 = 20_000;

/// How far the present round has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// When it began, or the last one did.
    began_at: Timestamp,
    /// The last one looked at; `None` between rounds.
    last: Option<(Scope, Ulid)>,
}

impl Round {
    /// Whether all who wait were looked at.
    pub(crate) const fn is_over(self) -> bool {
        self.last.is_none()
    }
}

impl Default for Round {
    fn default() -> Self {
        Self { began_at: Timestamp::EPOCH, last: None }
    }
}

impl Platform {
    /// Looks at some of those who wait for a buyer; answers how many were settled.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn look_after_waits(self: &Arc<Self>) -> Result<usize, Error> {
        let Some(fence) = self.lease(Duty::Waits).await? else {
            // Whoever has the job goes round; here nothing is left of a round that this process was at.
            self.waits.lock().last = None;
            return Ok(0);
        };
        let round = *self.waits.lock();
        let now = self.now();
        let began_at = match round.last {
            Some(_) => round.began_at,
            // A clock that was set back is no reason to pause for longer.
            None if (0..ROUND_MS).contains(&now.millis_since(round.began_at)) => return Ok(0),
            None => now,
        };
        let (mut room, mut settled, by) = (AT_ONCE, 0, By::job(Job::Waits).fenced(fence));
        for account in self.all_accounts().await? {
            for mode in [Mode::Test, Mode::Live] {
                let scope = Scope { account: account.id, mode };
                let newer_than = match round.last {
                    Some((at, _)) if scope < at => continue,
                    Some((at, id)) if scope == at => Some(id),
                    _ => None,
                };
                let list = List::all(scope, Index::AwaitingBuyer);
                let waiting = self.store.scan(Scan { newer_than, ..Scan::oldest(list, room) }).await?;
                // On the heap, as those of recovery are.
                let looks = stream::iter(waiting.clone()).map(|id| Box::pin(self.look_or_tell(scope, &account, &by, id)));
                settled += looks.buffer_unordered(IN_PARALLEL).filter(|was| ready(*was)).count().await;
                room = room.saturating_sub(waiting.len());
                if let (0, Some(last)) = (room, waiting.last()) {
                    *self.waits.lock() = Round { began_at, last: Some((scope, *last)) };
                    return Ok(settled);
                }
            }
        }
        *self.waits.lock() = Round { began_at, last: None };
        Ok(settled)
    }

    /// Looks at one wait; whether it is settled now. A failure is logged: another look comes.
    async fn look_or_tell(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, id: Ulid) -> bool {
        match self.follow_up_wait(scope, account, by, id).await {
            Ok(settled) => settled,
            Err(Error::LockTimeout) => false,
            Err(error) => {
                tracing::error!(%scope.account, %id, %error, detail = ?error, "a wait for a buyer could not be looked at");
                false
            }
        }
    }

    /// Asks the provider about what waits for the buyer, and settles by the answer; gives it up if their time is over.
    pub(crate) async fn follow_up_wait(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, id: Ulid) -> Result<bool, Error> {
        if self.find::<PaymentAttempt>(scope, id).await?.is_some() {
            let subject = self.subject(scope, id).await?;
            return if subject.attempt.value.awaits_buyer() { self.ask_of_buyer(scope, account, by, subject).await } else { Ok(false) };
        }
        let missing = || Error::Internal("a wait for a buyer without its record".to_owned());
        let setup = self.find::<SetupIntent>(scope, id).await?.ok_or_else(missing)?;
        let waits = setup.value.status == setup_intent::Status::RequiresAction;
        if waits { self.follow_up_setup(scope, account, by, setup).await } else { Ok(false) }
    }

    async fn ask_of_buyer(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, subject: Subject) -> Result<bool, Error> {
        let attempt = &subject.attempt.value;
        let key = ProviderKey::authorize(attempt.id);
        match self.connector(&attempt.provider)?.query(&key).await {
            // Rare, and its future is large: it lives on the heap.
            QueryOutcome::Authorize(AuthorizeOutcome::ActionRequired(_)) => Box::pin(self.abandon(scope, account, by, subject)).await,
            QueryOutcome::Authorize(outcome) => {
                let settled = self.settle_once(scope, account, by, &subject, Fact::Authorize(outcome), None).await?;
                Ok(settled.is_some())
            }
            // It knew the wait when it asked for the buyer: until it does again, nobody can say how that ended.
            QueryOutcome::NotFound | QueryOutcome::Unknown(_) => Ok(false),
            QueryOutcome::Capture(_) | QueryOutcome::Void(_) | QueryOutcome::Refund(_) => {
                Err(Error::Internal(format!("the provider knows {key} as something else than an authorisation")))
            }
        }
    }

    /// Lets the provider give up a wait whose time is over. Dying between the two commits is no harm: it is an open
    /// operation then, as any other.
    async fn abandon(self: &Arc<Self>, scope: Scope, account: &Arc<Account>, by: &By, subject: Subject) -> Result<bool, Error> {
        let decided = {
            let mut mint = Minting(&self.ids);
            let ctx = self.context(account, by.cause.clone(), &mut mint, self.now());
            begin_abandon(&ctx, subject.intent.value.clone(), subject.attempt.value.clone())?
        };
        let Some((changed, sending)) = decided else { return Ok(false) };
        let work = Work::Void { connector: self.connector(&sending.provider)? };
        let begun = self
            .begin_follow_up(scope, by, subject, FollowUp { action: Action::PaymentIntentAbandon, changed, sending, work }, Writes::new())
            .await?;
        let fact = self.perform(scope, &begun).await;
        let fact = self.complete(&begun.attempt.value, fact).await?;
        let subject = Subject { intent: begun.intent, attempt: begun.attempt, charge: begun.charge, method: begun.method };
        Ok(self.settle_once(scope, account, by, &subject, fact, None).await?.is_some())
    }
}
