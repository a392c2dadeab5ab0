//! Answers that are lost, too much at once, nobody there.

use std::sync::Arc;

use super::proxy::{self, Fault};
use super::{DynamoDb, Table};
use crate::batch::{Batch, Precondition};
use crate::conformance::{id, scope};
use crate::contract::{CommitError, Store};
use crate::dynamodb::OpenError;
use crate::key::{Key, Kind};

fn charge(n: u32) -> Key {
    Key::object(scope(), Kind::Charge, id(n))
}

fn create(n: u32) -> Batch {
    let mut batch = Batch::new();
    batch.create(charge(n), b"{}".to_vec());
    batch
}

/// A table, and a store on it whose way is disturbed as the plan says.
async fn disturbed() -> (Arc<DynamoDb>, proxy::Plan, Table) {
    let (plan, table) = (proxy::Plan::default(), Table::new().await);
    let store = table.through(&proxy::start(plan.clone()).await).open().await;
    (store, plan, table)
}

async fn revision(store: &DynamoDb, n: u32) -> Option<u64> {
    store.get_one(&charge(n)).await.unwrap().map(|item| item.revision)
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_carried_out_once_and_acknowledged() {
    let (store, plan, _table) = disturbed().await;
    plan.add([Fault::AnswerLost, Fault::AnswerLost]);
    assert_eq!(store.commit(create(1)).await, Ok(()), "the precondition held when it was carried out");
    plan.add([Fault::AnswerLost]);
    let mut batch = Batch::new();
    batch.put(charge(1), b"[]".to_vec(), Precondition::Any);
    assert_eq!(store.commit(batch).await, Ok(()));
    assert_eq!(revision(&store, 1).await, Some(2), "each counts once");
    assert_eq!(plan.passed_on(), 5);
}

#[tokio::test]
async fn a_commit_that_was_lost_on_its_way_is_sent_again() {
    let (store, plan, _table) = disturbed().await;
    plan.add([Fault::RequestLost, Fault::Answered(500, "InternalServerError"), Fault::Answered(400, "TransactionInProgressException")]);
    assert_eq!(store.commit(create(1)).await, Ok(()));
    assert_eq!(revision(&store, 1).await, Some(1));
    assert_eq!(plan.passed_on(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_another_ones_success() {
    let (store, plan, table) = disturbed().await;
    plan.add([Fault::RequestLost]);
    table.open().await.commit(create(1)).await.unwrap();
    assert_eq!(store.commit(create(1)).await, Err(CommitError::PreconditionFailed { write: 0 }));
}

#[tokio::test]
async fn an_answer_that_stays_lost_leaves_the_commit_unknown() {
    let (store, plan, _table) = disturbed().await;
    plan.add(std::iter::once(Fault::AnswerLost).chain(std::iter::repeat_n(Fault::RequestLost, 1_000)));
    assert!(matches!(store.commit(create(1)).await, Err(CommitError::Unknown(_))));
    assert_eq!(revision(&store, 1).await, Some(1), "it was");
    let (store, plan, _table) = disturbed().await;
    plan.add([Fault::AnswerLost, Fault::Answered(400, "AccessDeniedException")]);
    assert!(matches!(store.commit(create(1)).await, Err(CommitError::Unknown(_))), "a refusal says nothing of the try before");
}

#[tokio::test]
async fn too_much_at_once_passes_or_makes_the_store_busy() {
    let (store, plan, _table) = disturbed().await;
    let throttled = [Fault::Answered(400, "ThrottlingException"), Fault::Answered(400, "ProvisionedThroughputExceededException")];
    plan.add(throttled);
    assert_eq!(store.commit(create(1)).await, Ok(()));
    plan.add(throttled.into_iter().cycle().take(1_000));
    assert_eq!(store.commit(create(2)).await, Err(CommitError::Busy));
    assert_eq!(revision(&store, 2).await, None, "certainly not committed");
}

#[tokio::test]
async fn a_refusal_is_told_at_once() {
    let (store, plan, _table) = disturbed().await;
    plan.add([Fault::Answered(400, "AccessDeniedException")]);
    assert!(matches!(store.commit(create(1)).await, Err(CommitError::Unavailable(_))));
    assert_eq!(plan.passed_on(), 0);
}

#[tokio::test]
async fn a_table_where_nobody_answers_is_not_made() {
    let table = Table::at("http://127.0.0.1:1");
    assert!(matches!(DynamoDb::create(&table.url, None).await, Err(OpenError::Connection(_))));
}
