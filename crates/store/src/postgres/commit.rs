//! Commits: one statement, one transaction, one round trip.
//!
//! The statement says only that some precondition did not hold. Which one comes first is looked up afterwards, as of a
//! moment of its own: if all hold by then, others were quicker in between, and the commit is tried again.
//!
//! What is certain: an error that the database answers has undone the transaction. A connection that ends before the
//! answer leaves it unknown whether the commit landed.

use deadpool_postgres::{Pool, PoolError};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::encode::{Arrays, COMMIT};
use super::{error, read};
use crate::batch::{Batch, Precondition, Write};
use crate::contract::{CommitError, Item, ReadError};
use crate::key::Key;

/// How often a commit is tried that others get in the way of.
const TRIES: u32 = 8;
/// What the statement raises when a precondition does not hold.
const FAILED_PRECONDITION: &str = "BR001";

/// What came of one try.
enum Tried {
    Landed,
    /// Some precondition did not hold.
    Refused,
    /// Others were in the way; nothing is said about preconditions.
    Disturbed,
}

/// All writes of a valid batch, or none.
pub(super) async fn commit(pool: &Pool, batch: Batch) -> Result<(), CommitError> {
    let conditions = conditions(&batch);
    let arrays = Arrays::new([batch]);
    for _ in 0..TRIES {
        match attempt(pool, &arrays).await? {
            Tried::Landed => return Ok(()),
            Tried::Refused => {
                if let Some(write) = first_failing(pool, &conditions).await? {
                    return Err(CommitError::PreconditionFailed { write });
                }
            }
            Tried::Disturbed => {}
        }
    }
    Err(CommitError::Busy)
}

async fn attempt(pool: &Pool, arrays: &Arrays) -> Result<Tried, CommitError> {
    let client = pool.get().await.map_err(|error| match error {
        PoolError::Timeout(_) => CommitError::Busy,
        other => CommitError::Unavailable(error::pool(&other)),
    })?;
    let statement = client.prepare_cached(COMMIT).await.map_err(|e| CommitError::Unavailable(error::text(&e)))?;
    match client.query(&statement, &arrays.parameters()).await {
        Ok(_) => Ok(Tried::Landed),
        Err(error) => judge(&error),
    }
}

fn judge(error: &Error) -> Result<Tried, CommitError> {
    match error.as_db_error() {
        Some(said) => judge_answer(said),
        None => Err(CommitError::Unknown(error::text(error))),
    }
}

fn judge_answer(said: &DbError) -> Result<Tried, CommitError> {
    let text = || format!("{} ({})", said.message(), said.code().code());
    // A session that is ended may have been about to say that all is well.
    if said.parsed_severity() != Some(Severity::Error) {
        return Err(CommitError::Unknown(text()));
    }
    match said.code() {
        code if code.code() == FAILED_PRECONDITION => Ok(Tried::Refused),
        code if [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(code) => Ok(Tried::Disturbed),
        code if *code == SqlState::LOCK_NOT_AVAILABLE => Err(CommitError::Busy),
        _ => Err(CommitError::Unavailable(text())),
    }
}

/// Keys with what must be true of them, and the position of the write that says so.
fn conditions(batch: &Batch) -> Vec<(usize, Key, Precondition)> {
    let condition = |(position, write): (usize, &Write)| match write {
        Write::Put { key, precondition, .. } | Write::Delete { key, precondition } | Write::Check { key, precondition } => {
            (*precondition != Precondition::Any).then(|| (position, key.clone(), *precondition))
        }
        Write::Link { .. } | Write::Unlink { .. } => None,
    };
    batch.writes().iter().enumerate().filter_map(condition).collect()
}

async fn first_failing(pool: &Pool, conditions: &[(usize, Key, Precondition)]) -> Result<Option<usize>, CommitError> {
    let keys: Vec<Key> = conditions.iter().map(|(_, key, _)| key.clone()).collect();
    let client = pool.get().await.map_err(|e| CommitError::Unavailable(error::pool(&e)))?;
    let items = read::get(&client, &keys).await.map_err(|e: ReadError| CommitError::Unavailable(e.to_string()))?;
    let fails = |item: &Option<Item>, precondition: Precondition| match precondition {
        Precondition::Any => false,
        Precondition::Absent => item.is_some(),
        Precondition::Revision(revision) => item.as_ref().is_none_or(|item| item.revision != revision),
    };
    let mut judged = conditions.iter().zip(&items);
    Ok(judged.find(|((_, _, precondition), item)| fails(item, *precondition)).map(|((position, _, _), _)| *position))
}
