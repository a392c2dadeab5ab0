//! What the engine promises, on a real server: the contract, alone and compared with memory; several processes on one table;
//! tables that are not as they must be; answers that are lost.

mod differential;
mod faults;
mod proxy;
mod tables;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{DynamoDb, Plan};

/// A table of the test's own. Its server is given by `tests/dynamodb` and ends with it.
struct Table {
    url: String,
}

fn server() -> String {
    std::env::var("BURSAR_TEST_DYNAMODB").expect("run these tests by tests/dynamodb, which starts a server")
}

/// Few enough that an export does not take long, and more than one.
const PLAN: Plan = Plan { record_shards: 3, list_shards: 2, plain: false };

impl Table {
    /// That is not made yet.
    fn named() -> Self {
        Self::at(&server())
    }

    fn at(endpoint: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { url: format!("dynamodb://{name}?region=eu-central-1&endpoint={endpoint}") }
    }

    async fn new() -> Self {
        let table = Self::named();
        DynamoDb::create(&table.url, Some(PLAN)).await.unwrap();
        table
    }

    async fn open(&self) -> Arc<DynamoDb> {
        Arc::new(DynamoDb::open(&self.url).await.unwrap())
    }

    /// The same table by another way.
    fn through(&self, endpoint: &str) -> Self {
        let (before, _) = self.url.rsplit_once('=').unwrap();
        Self { url: format!("{before}={endpoint}") }
    }
}

mod alone {
    use super::Table;

    crate::conformance_tests!({
        let table = Table::new().await;
        (table.open().await, table)
    });
}
