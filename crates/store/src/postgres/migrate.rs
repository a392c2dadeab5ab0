//! The tables, brought to this program's version when a server starts, by one process at a time.
//!
//! A migration is one transaction and never changed once released. Servers of the version before go on running
//! meanwhile, so it must leave alone what they use.

use deadpool_postgres::{Client, Pool};
use tokio_postgres::{Error, GenericClient};

use super::open::OpenError;
use super::{error, session};

/// One a version, in order.
const MIGRATIONS: [(i32, &str); 2] = [(1, include_str!("migrations/0001.sql")), (2, include_str!("migrations/0002.sql"))];
/// The lock that a process holds while it changes tables: "bursar" as a number.
const LOCK: i64 = 0x0062_7572_7361_7200;
/// What is younger has features that are relied on; what is older is no longer maintained.
const OLDEST_SERVER: i32 = 140_000;

/// What is to be done about tables that are not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// They are made.
    Made,
    /// It is an error.
    Found,
}

/// Sees to it that the database is as it must be.
pub(super) async fn prepare(pool: &Pool, schema: Schema) -> Result<(), OpenError> {
    let mut client = pool.get().await.map_err(|e| OpenError::Connection(error::pool(&e)))?;
    check_server(&client).await?;
    let found = version(&**client).await.map_err(refused)?;
    match (found, schema) {
        (Some(found), _) if found == newest() => Ok(()),
        (Some(found), _) if found > newest() => Err(OpenError::Newer { found, known: newest() }),
        (_, Schema::Found) => Err(OpenError::NotMade),
        (_, Schema::Made) => migrate(&mut client).await,
    }
}

fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn refused(error: Error) -> OpenError {
    OpenError::Connection(error::text(&error))
}

async fn check_server(client: &Client) -> Result<(), OpenError> {
    let row = client.query_one(session::CHECKED, &[]).await.map_err(refused)?;
    let number: i32 = row.try_get(0).map_err(refused)?;
    let [encoding, fsync, full_pages] = [1, 2, 3].map(|column| row.try_get::<_, String>(column));
    if number < OLDEST_SERVER {
        return Err(OpenError::Unsuitable(format!("PostgreSQL {} or later is needed", OLDEST_SERVER / 10_000)));
    }
    if encoding.map_err(refused)? != "UTF8" {
        return Err(OpenError::Unsuitable("its encoding must be UTF8".to_owned()));
    }
    if fsync.map_err(refused)? != "on" {
        tracing::warn!("the database runs with fsync = off: what is answered here may be lost when its machine stops");
    }
    if full_pages.map_err(refused)? != "on" {
        tracing::warn!("the database runs with full_page_writes = off: it may be damaged when its machine stops");
    }
    Ok(())
}

async fn version(client: &impl GenericClient) -> Result<Option<i32>, Error> {
    // Asked of the catalogue itself: a look-up by name would answer from a cache that another process's changes have not
    // reached yet.
    let there = client
        .query_one("SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'bursar' AND tablename = 'migrations')", &[])
        .await?;
    if !there.try_get(0)? {
        return Ok(None);
    }
    client.query_one("SELECT max(version) FROM bursar.migrations", &[]).await?.try_get(0)
}

async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    let transaction = client.transaction().await.map_err(refused)?;
    transaction.batch_execute(session::PATIENT).await.map_err(refused)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(refused)?;
    // Another process may have done it meanwhile.
    let found = version(&*transaction).await.map_err(refused)?.unwrap_or(0);
    if found > newest() {
        return Err(OpenError::Newer { found, known: newest() });
    }
    transaction.batch_execute(FOUNDATION).await.map_err(refused)?;
    for (version, statements) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        transaction.batch_execute(statements).await.map_err(refused)?;
        transaction.execute("INSERT INTO bursar.migrations (version) VALUES ($1)", &[version]).await.map_err(refused)?;
        tracing::info!(version, "the database's tables are of this version now");
    }
    transaction.commit().await.map_err(refused)
}

/// A schema that an administrator has made for us needs no right to make one.
const FOUNDATION: &str = "
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'bursar') THEN CREATE SCHEMA bursar; END IF;
    END $$;
    CREATE TABLE IF NOT EXISTS bursar.migrations (
        version integer PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one() {
        assert!(MIGRATIONS.iter().map(|(version, _)| *version).eq(1..=newest()));
    }
}
