//! Random batches, on this engine and in memory: same answers, same contents, also after opening again and through two
//! processes at once.

use std::sync::Arc;

use async_trait::async_trait;
use domain::id::Ulid;
use proptest::prelude::*;

use super::Table;
use crate::batch::Batch;
use crate::conformance::everything;
use crate::contract::{CommitError, Cursor, Exported, ExportedLink, Item, ReadError, Scan, Store};
use crate::differential::{Step, commit_all, gets_agree, matches_some_order, step};
use crate::dynamodb::DynamoDb;
use crate::key::{Key, Kind};
use crate::memory::Memory;

/// Two processes on one table: who is asked alternates by what is asked.
struct Pair(Arc<DynamoDb>, Arc<DynamoDb>);

impl Pair {
    async fn open(table: &Table) -> Arc<Self> {
        Arc::new(Self(table.open().await, table.open().await))
    }
}

#[async_trait]
impl Store for Pair {
    fn is_shared(&self) -> bool {
        true
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        self.0.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        self.1.scan(scan).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        self.1.export(kind, after, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.0.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        if batch.len().is_multiple_of(2) { self.0.commit(batch).await } else { self.1.commit(batch).await }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn the_table_and_memory_agree(steps in prop::collection::vec(step(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let table = runtime.block_on(Table::new());
        let mut store = runtime.block_on(Pair::open(&table));
        let memory = Memory::new();
        for step in steps {
            match step {
                Step::Reopen => store = runtime.block_on(Pair::open(&table)),
                Step::Commit(batches) => {
                    let answers = commit_all(&runtime, &store, &batches);
                    prop_assert!(matches_some_order(&runtime, &memory, &batches, &answers, &*store), "answers {answers:?}");
                }
            }
        }
        prop_assert_eq!(runtime.block_on(everything(&*store)), runtime.block_on(everything(&memory)));
        let reader = runtime.block_on(DynamoDb::open_read_only(&table.url)).unwrap();
        prop_assert!(gets_agree(&runtime, &memory, &reader));
    }
}
