//! Connections that end, tables that are locked, a database that takes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::{Database, server};
use crate::batch::Batch;
use crate::conformance::{id, scope};
use crate::contract::{CommitError, Store};
use crate::key::{Key, Kind};
use crate::postgres::{OpenError, Postgres};

fn create(n: u32) -> Batch {
    let mut batch = Batch::new();
    batch.create(Key::object(scope(), Kind::Charge, id(n)), b"{}".to_vec());
    batch
}

/// Ends all sessions on a database but the caller's.
async fn end_sessions(database: &Database) {
    let ended =
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.run(ended).await;
}

#[tokio::test]
async fn nobody_there_is_an_error_at_once() {
    let (base, _) = server().rsplit_once('/').map(|(base, name)| (base.to_owned(), name.to_owned())).unwrap();
    assert!(matches!(Postgres::open("postgres://u@127.0.0.1:1/none").await, Err(OpenError::Connection(_))));
    let refused = Postgres::open(&format!("{base}/no_such_database")).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("no_such_database") && !refused.contains("bursar-tests"), "{refused}");
}

#[tokio::test]
async fn connections_that_ended_meanwhile_are_replaced() {
    let database = Database::new().await;
    let store = database.open().await;
    for n in 0..3 {
        store.commit(create(n)).await.unwrap();
        end_sessions(&database).await;
        // The end of a connection is noticed by its own task.
        tokio::time::timeout(Duration::from_secs(10), async { while store.commit(create(n + 10)).await.is_err() {} }).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_ends_before_its_answer_leaves_the_commit_unknown() {
    let database = Database::new().await;
    let store = database.open().await;
    // The commit waits for this lock, so it is under way when its session ends.
    let (locked, done) = hold_lock(&database, "LOCK TABLE bursar.records IN ACCESS EXCLUSIVE MODE").await;
    let commit = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(create(1)).await }
    });
    wait_until_blocked(&database).await;
    database
        .run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        )
        .await;
    assert!(matches!(commit.await.unwrap(), Err(CommitError::Unknown(_))));
    drop(locked);
    done.await.unwrap();
}

#[tokio::test]
async fn a_record_that_stays_locked_makes_the_store_busy() {
    let database = Database::new().await;
    let store = database.open().await;
    store.commit(create(1)).await.unwrap();
    let (locked, done) = hold_lock(&database, "UPDATE bursar.records SET revision = revision").await;
    let mut batch = Batch::new();
    batch.update(Key::object(scope(), Kind::Charge, id(1)), b"[]".to_vec(), 1);
    assert_eq!(store.commit(batch.clone()).await, Err(CommitError::Busy));
    drop(locked);
    done.await.unwrap();
    assert_eq!(store.commit(batch).await, Ok(()));
}

#[tokio::test]
async fn a_database_that_may_only_be_read_takes_nothing_and_is_read() {
    let database = Database::new().await;
    database.open().await.commit(create(1)).await.unwrap();
    let store = database.open().await;
    database.run("REVOKE ALL ON bursar.records FROM bursar; ALTER TABLE bursar.records RENAME TO put_aside").await;
    assert!(matches!(store.commit(create(2)).await, Err(CommitError::Unavailable(_))));
    database.run("ALTER TABLE bursar.put_aside RENAME TO records; GRANT ALL ON bursar.records TO bursar").await;
    assert_eq!(store.commit(create(2)).await, Ok(()));
}

/// Holds what a statement locks until the sender is dropped.
async fn hold_lock(database: &Database, statement: &str) -> (tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let config: tokio_postgres::Config = database.url.parse().unwrap();
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(&format!("BEGIN; {statement}")).await.unwrap();
    let (hold, released) = tokio::sync::oneshot::channel();
    let done = tokio::spawn(async move {
        released.await.ok();
        drop(client);
        connection.await.unwrap().unwrap();
    });
    (hold, done)
}

async fn wait_until_blocked(database: &Database) {
    let config: tokio_postgres::Config = database.url.parse().unwrap();
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(client);
    connection.await.unwrap().unwrap();
}
