//! The audit trail: one row for every commit that changes an object, written by the commit itself.
//!
//! What a row says is `domain`'s ([`domain::audit`]); which objects have rows, `writes` holds. There is no row that two
//! commits would both have to change: each adds its own, and a job joins them into the chain later.

pub mod parts;
pub(crate) mod segments;

use domain::audit::AuditEntry;
use domain::id::AuditEntryId;
use domain::scope::Scope;

use crate::acting::Act;
use crate::error::Error;
use crate::platform::Platform;
use crate::writes::Writes;

impl Platform {
    /// Commits, with a row of the audit trail if an object changes that it follows; a failed precondition is
    /// [`Error::LockTimeout`], which `racing` tries again.
    pub(crate) async fn commit(&self, act: Act<'_>, writes: Writes) -> Result<(), Error> {
        let (mut batch, changes) = writes.into_parts()?;
        act.by.fence.guard(&mut batch);
        if changes.is_empty() {
            return self.land(batch).await;
        }
        self.learn_chain(act.scope).await?;
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
        self.land(Writes::with_row(batch, act.scope, &row)?).await
    }

    /// Makes sure, once for each scope, that new rows come after those that an earlier process has sealed, also if the clock
    /// was set back since.
    async fn learn_chain(&self, scope: Scope) -> Result<(), Error> {
        if self.chains.get(&scope).is_some() {
            return Ok(());
        }
        if let Some(head) = segments::head(&*self.store, scope).await? {
            self.row_ids.not_before(head.value.last);
        }
        self.chains.insert(scope, ());
        Ok(())
    }
}
