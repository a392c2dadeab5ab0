//! Tables, shared, or not as they must be; records that together are more than a transaction reads.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{PLAN, Table};
use crate::batch::{Batch, MAX_BODY};
use crate::conformance::{everything, id, scope};
use crate::contract::{CommitError, MAX_KEYS, ReadError, Store};
use crate::dynamodb::item::blob;
use crate::dynamodb::table::layout_place;
use crate::dynamodb::{DynamoDb, OpenError, Plan};
use crate::key::{Index, Key, Kind, List};

fn intent(n: u32) -> Key {
    Key::object(scope(), Kind::PaymentIntent, id(n))
}

fn create(n: u32) -> Batch {
    let mut batch = Batch::new();
    batch.create(intent(n), b"{}".to_vec()).link(List::all(scope(), Index::PaymentIntents), id(n));
    batch
}

#[tokio::test]
async fn a_table_is_made_once_and_keeps_its_layout() {
    let table = Table::named();
    for opened in [DynamoDb::open(&table.url).await.map(drop), DynamoDb::check(&table.url).await.map(drop)] {
        assert!(opened.unwrap_err().to_string().contains("bursar store create"));
    }
    assert_eq!(DynamoDb::create(&table.url, Some(PLAN)).await.unwrap(), PLAN);
    table.open().await.commit(create(1)).await.unwrap();
    assert_eq!(DynamoDb::create(&table.url, None).await.unwrap(), PLAN, "made again, it stays as it is");
    assert_eq!(DynamoDb::create(&table.url, Some(PLAN)).await.unwrap(), PLAN);
    let other = Plan { list_shards: PLAN.list_shards + 1, ..PLAN };
    assert!(matches!(DynamoDb::create(&table.url, Some(other)).await, Err(OpenError::Unsuitable(_))));
    assert_eq!(DynamoDb::check(&table.url).await.unwrap(), PLAN);
    assert!(table.open().await.get_one(&intent(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn servers_that_make_a_table_together_agree() {
    let table = Table::named();
    let making = (0..8).map(|_| DynamoDb::create(&table.url, None));
    for made in futures::future::join_all(making).await {
        assert_eq!(made.unwrap(), Plan::default());
    }
    table.open().await.commit(create(1)).await.unwrap();
    assert!(table.open().await.get_one(&intent(1)).await.unwrap().is_some(), "one key of hashes was kept");
}

#[tokio::test]
async fn of_creates_and_updates_through_many_processes_one_wins() {
    let table = Table::new().await;
    let (one, other) = (table.open().await, table.open().await);
    for n in 0..20 {
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
async fn a_reader_takes_no_commit() {
    let table = Table::new().await;
    table.open().await.commit(create(1)).await.unwrap();
    let reader = DynamoDb::open_read_only(&table.url).await.unwrap();
    assert!(reader.get_one(&intent(1)).await.unwrap().is_some());
    assert!(matches!(reader.commit(create(2)).await, Err(CommitError::Unavailable(_))));
    assert_eq!(reader.get_one(&intent(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_table_of_a_newer_version_is_left_alone() {
    let table = Table::new().await;
    table.put(&layout_place().partition, &layout_place().sort, [("v", AttributeValue::N("1000".to_owned()))]).await;
    assert!(matches!(DynamoDb::open(&table.url).await, Err(OpenError::Newer { found: 1000, .. })));
}

#[tokio::test]
async fn what_makes_no_sense_is_said_to_be_damage() {
    let table = Table::new().await;
    let store = table.open().await;
    let record = [("b", blob(b"{}")), ("r", AttributeValue::N("1".to_owned()))];
    table.put(&[b'r', 6, 0, 0], &[1, 2, 3], record).await;
    assert!(matches!(store.export(Kind::Charge, None, 10).await, Err(ReadError::Corrupt(_))));
    table.put(&[b'l', 255, 0, 0], &[0; 16], []).await;
    assert!(matches!(store.export_links(None, 10).await, Err(ReadError::Corrupt(_))));
}

#[tokio::test]
async fn records_that_are_more_than_a_transaction_reads_come_back_whole() {
    let table = Table::named();
    DynamoDb::create(&table.url, Some(Plan { plain: true, ..PLAN })).await.unwrap();
    let store = table.open().await;
    let count = u32::try_from(MAX_KEYS).unwrap();
    for n in 0..12 {
        let mut batch = Batch::new();
        batch.create(intent(n), vec![u8::try_from(n).unwrap(); MAX_BODY]);
        store.commit(batch).await.unwrap();
    }
    let keys: Vec<Key> = (0..count).map(intent).collect();
    let lengths: Vec<usize> = store.get(&keys).await.unwrap().iter().map(|item| item.as_ref().map_or(0, |item| item.body.len())).collect();
    assert_eq!(lengths.iter().sum::<usize>(), 12 * MAX_BODY);
    assert!(lengths[..12].iter().all(|length| *length == MAX_BODY));
}

impl Table {
    /// Puts an item there as nobody should.
    async fn put(&self, partition: &[u8], sort: &[u8], attributes: impl IntoIterator<Item = (&str, AttributeValue)>) {
        let store = self.open().await;
        let mut item: HashMap<String, AttributeValue> = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        item.extend([("p".to_owned(), blob(partition)), ("s".to_owned(), blob(sort))]);
        store.table.client.put_item().table_name(&store.table.name).set_item(Some(item)).send().await.unwrap();
    }
}
