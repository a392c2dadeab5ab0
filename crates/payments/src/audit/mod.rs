//! The audit trail: one row for every commit that changes an object, written by the commit itself.
//!
//! What a row says is `domain`'s ([`domain::audit`]); which objects have rows, `writes` holds. There is no row that two
//! commits would both have to change: each adds its own, and a job joins them into the chain later.

pub mod parts;
pub(crate) mod segments;

use std::time::Duration;

use domain::audit::{AuditEntry, Change};
use domain::id::AuditEntryId;
use domain::scope::Scope;
use domain::time::Timestamp;
use store::Batch;
use tokio::time::Instant;

use crate::acting::Act;
use crate::error::Error;
use crate::platform::Platform;
use crate::writes::Writes;

/// So long what was read of a chain's end may be relied on where other processes seal: what is left of the settling time is
/// longer than any commit takes.
const KNOWN_FOR: Duration = Duration::from_secs(15);

impl Platform {
    /// Commits, with a row of the audit trail if an object changes that it follows; a failed precondition is
    /// [`Error::LockTimeout`], which `racing` tries again.
    pub(crate) async fn commit(&self, act: Act<'_>, mut writes: Writes) -> Result<(), Error> {
        let tells = !writes.events().is_empty();
        let counted = writes.take_counted();
        let posts = self.address(act.scope, &mut writes).await?;
        let (mut batch, changes) = writes.into_parts()?;
        act.by.fence.guard(&mut batch);
        if changes.is_empty() {
            self.land(batch).await?;
            self.post(&posts);
            return Ok(());
        }
        let scope = act.scope;
        self.learn_chain(scope).await?;
        self.land(self.with_row(act, batch, changes)?).await?;
        self.reached.add(counted);
        if tells {
            self.news.tell(scope);
        }
        self.post(&posts);
        Ok(())
    }

    /// Commits with a row, also if nothing changes that the trail follows: what somebody did or was refused is told as well.
    pub(crate) async fn commit_told(&self, act: Act<'_>, writes: Writes) -> Result<(), Error> {
        let (mut batch, changes) = writes.into_parts()?;
        act.by.fence.guard(&mut batch);
        self.learn_chain(act.scope).await?;
        self.land(self.with_row(act, batch, changes)?).await
    }

    /// To be made once it is known how far the trail is sealed, and to be landed at once.
    fn with_row(&self, act: Act<'_>, batch: Batch, changes: Vec<Change>) -> Result<Batch, Error> {
        let row = AuditEntry {
            // Made here and not before: the chain counts on rows landing soon after their names are made.
            id: AuditEntryId::new(self.row_ids.next()),
            actor: act.by.actor.clone(),
            from: act.by.from,
            action: act.action,
            changes,
            request: act.by.cause.request.clone(),
            result: act.ending,
            note: act.by.note.clone(),
        };
        Writes::with_row(batch, act.scope, &row)
    }

    /// Makes sure that new rows come after those that are sealed or about to be, also if this clock is behind another one or
    /// was set back. A process that has the store to itself need only learn what an earlier one has sealed.
    pub(crate) async fn learn_chain(&self, scope: Scope) -> Result<(), Error> {
        let now = Learned::at(self.now());
        if self.chains.get(&scope).is_some_and(|learned| !self.store.is_shared() || learned.is_fresh(now)) {
            return Ok(());
        }
        if let Some(end) = segments::end(&*self.store, scope).await? {
            self.row_ids.not_before(end.value.floor());
        }
        self.chains.insert(scope, now);
        Ok(())
    }
}

/// When something was read that another process may change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Learned {
    by_stopwatch: Instant,
    /// A stopwatch may stand still while a machine is frozen, as those of functions are between their calls.
    by_clock: Timestamp,
}

impl Learned {
    /// At that time of the clock, which is now.
    pub(crate) fn at(by_clock: Timestamp) -> Self {
        Self { by_stopwatch: Instant::now(), by_clock }
    }

    /// Whether it may still be relied on.
    pub(crate) fn is_fresh(self, now: Self) -> bool {
        let known = i64::try_from(KNOWN_FOR.as_millis()).unwrap_or(i64::MAX);
        let by_clock = self.by_clock..=self.by_clock.plus_millis(known);
        now.by_stopwatch.duration_since(self.by_stopwatch) < KNOWN_FOR && by_clock.contains(&now.by_clock)
    }
}
