//! Carrying batches out: each is one transaction.
//!
//! Every try of a commit carries the same token, under which DynamoDB carries a transaction out once however often it is
//! asked to, for ten minutes: so what got no answer is asked again, and an answer to that is the answer to both.
//!
//! What is certain: a transaction that was canceled has done nothing. A try without an answer could still arrive after one
//! that was refused; it is refused as well, since a condition that did not hold does not come to hold within the quarter of
//! an hour for which a request's signature is valid: revisions only grow, and nothing is removed so soon after it was made
//! that is ever made again under the same name.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

use super::encode::Encoded;
use super::error::{Failure, Obstacle, failure, obstacle};
use super::pace::Pace;
use super::table::Table;
use crate::batch::Batch;
use crate::contract::CommitError;

/// How long a commit is tried: shorter than clients wait for an answer.
const WITHIN: Duration = Duration::from_secs(10);

/// What came of one try.
enum Tried {
    Landed,
    /// The condition of this item does not hold.
    Condition {
        position: usize,
    },
    Failed(Failure),
}

/// Carries a valid batch out.
pub(super) async fn commit(table: &Table, batch: Batch) -> Result<(), CommitError> {
    let encoded = Encoded::new(&table.name, &table.layout, batch)?;
    if encoded.items.is_empty() {
        return Ok(());
    }
    let token = format!("{:032x}", rand::random::<u128>());
    let mut pace = Pace::new(WITHIN);
    // Why there is a try that nothing is known of.
    let mut lost = None;
    loop {
        match attempt(table, &encoded, &token).await {
            Tried::Landed => return Ok(()),
            Tried::Condition { position } => {
                let write = encoded.writes.get(position).copied();
                return Err(write.map_or_else(
                    || CommitError::Unknown("a write that there is not was refused".to_owned()),
                    |write| CommitError::PreconditionFailed { write },
                ));
            }
            Tried::Failed(Failure::Disturbed(why)) => tracing::debug!(why, "a commit is in the way of others, or of too many"),
            Tried::Failed(Failure::Lost(why)) => lost = Some(why),
            Tried::Failed(Failure::Refused(why)) => {
                return Err(lost.map_or(CommitError::Unavailable(why), CommitError::Unknown));
            }
        }
        if !pace.pause().await {
            return Err(lost.map_or(CommitError::Busy, CommitError::Unknown));
        }
    }
}

async fn attempt(table: &Table, encoded: &Encoded, token: &str) -> Tried {
    let Some(_turn) = table.turn().await else { return Tried::Failed(Failure::Disturbed("too much is under way".to_owned())) };
    let request = table.client.transact_write_items().set_transact_items(Some(encoded.items.clone())).client_request_token(token);
    match request.send().await {
        Ok(_) => Tried::Landed,
        Err(error) => match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => match obstacle(canceled.cancellation_reasons()) {
                Obstacle::Condition { position } => Tried::Condition { position },
                Obstacle::Other(failure) => Tried::Failed(failure),
            },
            _ => Tried::Failed(failure(&error)),
        },
    }
}
