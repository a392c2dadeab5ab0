//! Carrying batches out: one statement, one transaction, one round trip, for one batch or for several that touch nothing in
//! common.
//!
//! The statement says only that some precondition did not hold, and then has done nothing. Which one, and of which batch,
//! is looked up afterwards, as of a moment of its own: those batches are answered and the others tried again.
//!
//! What is certain: an error that the database answers has undone the transaction. A connection that ends before the
//! answer leaves it unknown whether the commit landed.

use deadpool_postgres::{Pool, PoolError};
use tokio::sync::oneshot;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::encode::{Arrays, COMMIT, Encoded};
use super::read::Revisions;
use super::{error, read};
use crate::contract::{CommitError, ReadError};

/// How often a commit is tried that others get in the way of.
const TRIES: u32 = 8;
/// What the statement raises when a precondition does not hold.
const FAILED_PRECONDITION: &str = "BR001";

/// A batch whose caller waits.
pub(super) struct Waiting {
    pub(super) batch: Encoded,
    pub(super) answer: oneshot::Sender<Result<(), CommitError>>,
}

impl Waiting {
    fn tell(self, outcome: Result<(), CommitError>) {
        // A caller that has gone away needs no answer.
        let _ = self.answer.send(outcome);
    }
}

/// What came of one try.
enum Tried {
    Landed,
    /// Some precondition did not hold.
    Refused,
    /// Others were in the way; nothing is said about preconditions.
    Disturbed,
}

/// Carries the batches out, each wholly or not at all, and answers their callers.
pub(super) async fn carry_out(pool: &Pool, mut group: Vec<Waiting>) {
    for _ in 0..TRIES {
        if group.is_empty() {
            return;
        }
        let outcome = match attempt(pool, &group).await {
            Ok(Tried::Landed) => Ok(()),
            Ok(Tried::Disturbed) => continue,
            Ok(Tried::Refused) => match revisions(pool, &group).await {
                Ok(revisions) => {
                    group = refuse(group, &revisions);
                    continue;
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        return group.into_iter().for_each(|one| one.tell(outcome.clone()));
    }
    group.into_iter().for_each(|one| one.tell(Err(CommitError::Busy)));
}

async fn attempt(pool: &Pool, group: &[Waiting]) -> Result<Tried, CommitError> {
    let arrays = Arrays::new(group.iter().map(|one| &one.batch));
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

async fn revisions(pool: &Pool, group: &[Waiting]) -> Result<Revisions, CommitError> {
    let keys = group.iter().flat_map(|one| &one.batch.conditions).map(|condition| condition.key.as_slice());
    let client = pool.get().await.map_err(|e| CommitError::Unavailable(error::pool(&e)))?;
    read::revisions(&client, keys).await.map_err(|e: ReadError| CommitError::Unavailable(e.to_string()))
}

/// Answers the batches of which a precondition does not hold, and gives back the others.
fn refuse(group: Vec<Waiting>, revisions: &Revisions) -> Vec<Waiting> {
    let mut rest = Vec::with_capacity(group.len());
    for one in group {
        let failing = one.batch.conditions.iter().find(|condition| revisions.get(&condition.key).copied() != condition.revision);
        match failing.map(|condition| condition.write) {
            Some(write) => one.tell(Err(CommitError::PreconditionFailed { write })),
            None => rest.push(one),
        }
    }
    rest
}
