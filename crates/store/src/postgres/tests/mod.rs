//! What the engine promises, on a real server: the contract, alone and compared with memory; several processes on one
//! database; databases that are not as they must be; servers that end.

mod databases;
mod differential;
mod faults;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Config, NoTls};

use super::Postgres;

/// A database of the test's own. Its server is given by `tests/postgres` and ends with it.
struct Database {
    url: String,
}

fn server() -> String {
    std::env::var("BURSAR_TEST_POSTGRES").expect("run these tests by tests/postgres, which starts a server")
}

async fn administer(database: &str, statement: &str) {
    let mut config: Config = server().parse().unwrap();
    config.dbname(database);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

impl Database {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        administer("postgres", &format!("CREATE DATABASE {name} {options}")).await;
        Self { url: format!("{}/{name}", server().rsplit_once('/').unwrap().0) }
    }

    fn name(&self) -> &str {
        self.url.rsplit_once('/').unwrap().1
    }

    async fn open(&self) -> Arc<Postgres> {
        Arc::new(Postgres::open(&self.url).await.unwrap())
    }

    async fn run(&self, statement: &str) {
        administer(self.name(), statement).await;
    }
}

mod alone {
    use super::Database;

    crate::conformance_tests!({
        let database = Database::new().await;
        (database.open().await, database)
    });
}
