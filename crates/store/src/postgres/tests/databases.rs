//! Databases, shared, restricted, or not as they must be.

use super::Database;
use crate::batch::Batch;
use crate::conformance::{everything, id, scope};
use crate::contract::{CommitError, ReadError, Store};
use crate::key::{Index, Key, Kind, List};
use crate::postgres::{OpenError, Postgres};

fn intent(n: u32) -> Key {
    Key::object(scope(), Kind::PaymentIntent, id(n))
}

fn create(n: u32) -> Batch {
    let mut batch = Batch::new();
    batch.create(intent(n), b"{}".to_vec()).link(List::all(scope(), Index::PaymentIntents), id(n));
    batch
}

#[tokio::test]
async fn servers_that_start_together_make_the_tables_once() {
    let database = Database::new().await;
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move { Postgres::open(&url).await })
        })
        .collect();
    let mut stores = Vec::new();
    for one in opening {
        stores.push(one.await.unwrap().unwrap());
    }
    stores[0].commit(create(1)).await.unwrap();
    for store in &stores {
        assert!(store.get_one(&intent(1)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn of_creates_and_updates_through_many_processes_one_wins() {
    let database = Database::new().await;
    let (one, other) = (database.open().await, database.open().await);
    for n in 0..50 {
        let (first, second) = tokio::join!(one.commit(create(n)), other.commit(create(n)));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let update = || {
            let mut batch = Batch::new();
            batch.update(intent(n), b"[]".to_vec(), 1);
            batch
        };
        let (first, second) = tokio::join!(one.commit(update()), other.commit(update()));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    }
    assert_eq!(everything(&*one).await, everything(&*other).await);
}

#[tokio::test]
async fn a_snapshot_sees_one_moment_and_takes_no_commit() {
    let database = Database::new().await;
    let store = database.open().await;
    store.commit(create(1)).await.unwrap();
    let snapshot = Postgres::open_snapshot(&database.url).await.unwrap();
    let before = everything(&snapshot).await;
    assert_eq!(before, everything(&*store).await);
    store.commit(create(2)).await.unwrap();
    assert_eq!(before, everything(&snapshot).await);
    assert!(matches!(snapshot.commit(create(3)).await, Err(CommitError::Unavailable(_))));
}

#[tokio::test]
async fn what_is_not_made_yet_is_not_made_for_a_reader() {
    let database = Database::new().await;
    assert!(matches!(Postgres::open_existing(&database.url).await, Err(OpenError::NotMade)));
    assert!(matches!(Postgres::open_snapshot(&database.url).await, Err(OpenError::NotMade)));
    database.open().await;
    assert!(Postgres::open_existing(&database.url).await.is_ok());
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let database = Database::new().await;
    database.open().await;
    database.run("INSERT INTO bursar.migrations (version) VALUES (1000)").await;
    for opened in [Postgres::open(&database.url).await, Postgres::open_existing(&database.url).await] {
        assert!(matches!(opened, Err(OpenError::Newer { found: 1000, .. })));
    }
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let database = Database::with("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0").await;
    assert!(matches!(Postgres::open(&database.url).await, Err(OpenError::Unsuitable(_))));
}

#[tokio::test]
async fn settings_of_the_database_that_lose_commits_or_isolation_do_not_count() {
    let database = Database::new().await;
    let name = database.name().to_owned();
    database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    database.run(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")).await;
    let store = database.open().await;
    let client = store.connection().await.unwrap();
    for (setting, value) in [("synchronous_commit", "on"), ("default_transaction_isolation", "read committed")] {
        let row = client.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), value);
    }
}

#[tokio::test]
async fn a_role_without_the_right_to_make_tables_serves_what_is_made() {
    let database = Database::new().await;
    database.open().await;
    let role = format!("clerk_{}", database.name());
    database
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'clerk'; GRANT USAGE ON SCHEMA bursar TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON bursar.records, bursar.entries TO {role}; GRANT SELECT ON bursar.migrations TO {role}"
        ))
        .await;
    let address = database.url.split_once('@').unwrap().1;
    let store = Postgres::open(&format!("postgres://{role}:clerk@{address}")).await.unwrap();
    store.commit(create(1)).await.unwrap();
    assert!(store.get_one(&intent(1)).await.unwrap().is_some());
    drop(store);
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_said_to_be_damage() {
    let database = Database::new().await;
    let store = database.open().await;
    database.run("INSERT INTO bursar.records (key, revision, body) VALUES ('\\x0602', 1, '{}')").await;
    assert!(matches!(store.export(Kind::Charge, None, 10).await, Err(ReadError::Corrupt(_))));
    database.run("INSERT INTO bursar.entries (entry) VALUES ('\\xff')").await;
    assert!(matches!(store.export_links(None, 10).await, Err(ReadError::Corrupt(_))));
}
