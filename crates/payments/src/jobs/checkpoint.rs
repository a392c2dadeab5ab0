//! Summing up statements, so that a balance is read from few records however long the statement is.

use domain::scope::{Mode, Scope};
use store::{Batch, Precondition, Scan};

use crate::balance::{Checkpoint, add_lines, checkpoint, checkpoint_key, overflow, unsummed};
use crate::error::Error;
use crate::leases::{Duty, Fence};
use crate::platform::Platform;
use crate::records::encode;

/// Lines that go into a checkpoint in one commit: with its own write and the check of the lease, as many as a batch may
/// unlink.
const FOLDED_AT_ONCE: usize = store::batch::MAX_WRITES - 2;

impl Platform {
    /// Takes lines into checkpoints wherever a full commit of them waits, so that a balance reads few; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn checkpoint_balances(&self) -> Result<usize, Error> {
        let Some(fence) = self.lease(Duty::Checkpoints).await? else { return Ok(0) };
        let mut folded = 0;
        for account in self.all_accounts().await? {
            for mode in [Mode::Test, Mode::Live] {
                folded += self.checkpoint_balance(Scope { account: account.id, mode }, fence).await?;
            }
        }
        Ok(folded)
    }

    async fn checkpoint_balance(&self, scope: Scope, fence: Fence) -> Result<usize, Error> {
        // Read before the list: whoever takes lines out of it meanwhile changes the revision that the commit names.
        let before = checkpoint(&*self.store, scope).await?;
        let ids = self.store.scan(Scan::oldest(unsummed(scope), FOLDED_AT_ONCE)).await?;
        if ids.len() < FOLDED_AT_ONCE {
            return Ok(0);
        }
        let precondition = before.as_ref().map_or(Precondition::Absent, |loaded| Precondition::Revision(loaded.version.revision));
        let Checkpoint { lines, mut sums } = before.map(|loaded| loaded.value).unwrap_or_default();
        add_lines(&*self.store, scope, &ids, &mut sums).await?;
        sums.settle(self.now()).map_err(overflow)?;
        let lines = lines.saturating_add(u64::try_from(ids.len()).unwrap_or(u64::MAX));
        let mut batch = Batch::new();
        batch.put(checkpoint_key(scope), encode(&Checkpoint { lines, sums })?, precondition);
        for id in &ids {
            batch.unlink(unsummed(scope), *id);
        }
        fence.guard(&mut batch);
        match self.commit_without_row(batch).await {
            Ok(()) => Ok(ids.len()),
            // Another process took them.
            Err(Error::LockTimeout) => Ok(0),
            Err(error) => Err(error),
        }
    }
}
