//! A merchant's balance: a checkpoint, and the lines of the statement that are not in it yet.
//!
//! Every line is in the list of unsummed lines from the commit that writes it. A checkpoint takes lines out of that
//! list in the commit that adds them to its sums, so at every moment each line counts exactly once, in whatever
//! order lines land. Absent on purpose: a counter that payments would queue for.

use std::collections::BTreeMap;

use domain::balance::Balance;
use domain::balance_transaction::BalanceTransaction;
use domain::id::Ulid;
use domain::scope::Scope;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Index, Key, Kind, List, Scan, Store};

use crate::error::Error;
use crate::platform::{Platform, racing};
use crate::records::{Loaded, Record, decode, key_of};

/// Lines read in one go.
const READ_AT_ONCE: usize = 100;

/// The lines that no checkpoint includes.
#[must_use]
pub const fn unsummed(scope: Scope) -> List {
    List::all(scope, Index::UnsummedBalanceTransactions)
}

/// Sums up to some lines.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// How many lines it includes.
    pub(crate) lines: u64,
    pub(crate) sums: Balance,
}

pub(crate) fn checkpoint_key(scope: Scope) -> Key {
    Key::named(scope, Kind::BalanceCheckpoint, "balance")
}

pub(crate) async fn checkpoint(store: &dyn Store, scope: Scope) -> Result<Option<Loaded<Checkpoint>>, Error> {
    let item = store.get_one(&checkpoint_key(scope)).await?;
    item.as_ref().map(Loaded::from_item).transpose()
}

pub(crate) async fn add_lines(store: &dyn Store, scope: Scope, ids: &[Ulid], sums: &mut Balance) -> Result<(), Error> {
    for part in ids.chunks(READ_AT_ONCE) {
        let keys: Vec<_> = part.iter().map(|id| key_of::<BalanceTransaction>(scope, *id)).collect();
        for (id, item) in part.iter().zip(store.get(&keys).await?) {
            let kind = <BalanceTransaction as Record>::KIND.table();
            let item = item.ok_or_else(|| Error::Internal(format!("{kind} {id} is listed and missing")))?;
            sums.add(&decode(&item.body)?).map_err(overflow)?;
        }
    }
    Ok(())
}

pub(crate) fn overflow(error: domain::money::Error) -> Error {
    Error::Internal(format!("a balance: {error}"))
}

/// The balance as the store has it: the checkpoint and the lines beside it, and how many lines these are together.
///
/// # Errors
/// The store cannot be read, or checkpoints were written faster than it could be ([`Error::LockTimeout`]).
pub async fn sum(store: &dyn Store, scope: Scope) -> Result<(Balance, u64), Error> {
    let before = checkpoint(store, scope).await?;
    let revision = before.as_ref().map(|loaded| loaded.version.revision);
    let Checkpoint { mut lines, mut sums } = before.map(|loaded| loaded.value).unwrap_or_default();
    let mut newer_than = None;
    loop {
        let ids = store.scan(Scan { newer_than, ..Scan::oldest(unsummed(scope), READ_AT_ONCE) }).await?;
        // A line that lands behind this point while we read belongs to a later balance.
        add_lines(store, scope, &ids, &mut sums).await?;
        lines = lines.saturating_add(u64::try_from(ids.len()).unwrap_or(u64::MAX));
        match ids.last() {
            Some(last) if ids.len() == READ_AT_ONCE => newer_than = Some(*last),
            _ => break,
        }
    }
    // Had a checkpoint taken lines out of the list meanwhile, they might be missing here.
    if checkpoint(store, scope).await?.map(|loaded| loaded.version.revision) != revision {
        return Err(Error::LockTimeout);
    }
    Ok((sums, lines))
}

/// Totals that a checkpoint and the lines beside it must come to.
#[derive(Debug, Default)]
pub(crate) struct Totals(BTreeMap<Scope, (Balance, u64)>);

/// When everything is available: whether each sum is there, not when, is what totals tell.
const EVER: Timestamp = Timestamp::from_millis(i64::MAX);

impl Totals {
    /// Counts a line of the statement.
    pub(crate) fn add(&mut self, scope: Scope, line: &BalanceTransaction) -> Result<(), Error> {
        let (sums, lines) = self.0.entry(scope).or_default();
        *lines = lines.saturating_add(1);
        sums.add(line).and_then(|()| sums.settle(EVER)).map_err(overflow)
    }

    /// Every merchant whose balance is not the sum of the statement.
    pub(crate) async fn differences(self, store: &dyn Store) -> Result<Vec<String>, Error> {
        let mut differences = Vec::new();
        for (scope, (sums, lines)) in self.0 {
            let (mut kept, counted) = sum(store, scope).await?;
            kept.settle(EVER).map_err(overflow)?;
            if kept != sums || counted != lines {
                let mode = if scope.mode.is_live() { "live" } else { "test" };
                differences.push(format!("{}: the {mode} balance is not the sum of the statement's {lines} lines", scope.account));
            }
        }
        Ok(differences)
    }
}

impl Platform {
    /// What the merchant has now.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn balance(&self, scope: Scope) -> Result<Balance, Error> {
        let (mut sums, _) = racing(|| sum(&*self.store, scope)).await?;
        sums.settle(self.now()).map_err(overflow)?;
        Ok(sums)
    }
}
