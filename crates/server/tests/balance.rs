//! The balance: every line of the statement counts once, whoever sums up meanwhile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use bursar::api::App;
use common::{get, listed, made, pay};
use futures::future::BoxFuture;
use payments::Platform;
use providers::simulator::{self, Location, Simulator};
use serde_json::Value;
use store::{Batch, CommitError, Cursor, Exported, ExportedLink, Index, Item, Key, Kind, ReadError, Scan, Store};

/// Something to be done once.
#[derive(Default)]
struct Once(Mutex<Option<BoxFuture<'static, ()>>>);

impl Once {
    fn set(&self, interruption: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::pin(interruption));
    }

    fn take(&self) -> Option<BoxFuture<'static, ()>> {
        self.0.lock().unwrap().take()
    }

    async fn happen(&self) {
        if let Some(interruption) = self.take() {
            interruption.await;
        }
    }
}

/// A store where something happens right before or after the list of unsummed lines is read.
#[derive(Default)]
struct Interrupted {
    store: store::memory::Memory,
    before: Once,
    after: Once,
}

#[async_trait]
impl Store for Interrupted {
    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        self.store.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<domain::id::Ulid>, ReadError> {
        if scan.list.index != Index::UnsummedBalanceTransactions {
            return self.store.scan(scan).await;
        }
        self.before.happen().await;
        let found = self.store.scan(scan).await;
        self.after.happen().await;
        found
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        self.store.export(kind, after, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.store.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.store.commit(batch).await
    }
}

async fn server() -> (Arc<Interrupted>, Arc<App>, Router) {
    let store = Arc::new(Interrupted::default());
    let bank = Arc::new(Simulator::open(&Location::Memory, simulator::Options::default()).unwrap());
    let app = bursar::compose::join(Arc::<Interrupted>::clone(&store), bank, &[7; 32], "http://127.0.0.1:1").unwrap();
    bursar::serve::first_shop(&app.platform, Some(common::KEY)).await.unwrap();
    (store, Arc::clone(&app), bursar::api::router(app))
}

async fn sum_up(platform: Arc<Platform>) {
    while platform.checkpoint_balances().await.unwrap() > 0 {}
}

async fn pending(shop: &Router) -> Vec<Value> {
    get(shop, "/v1/balance").await.json["pending"].as_array().unwrap().iter().map(|sum| sum["amount"].clone()).collect()
}

#[tokio::test]
async fn a_balance_is_the_sum_of_the_statement_before_and_after_it_is_summed_up() {
    let (_, app, shop) = server().await;
    assert_eq!(get(&shop, "/v1/balance").await.json["available"][0]["amount"], 0);
    let last = pay(&shop, 1_000, "usd").await;
    for _ in 0..120 {
        pay(&shop, 1_000, "usd").await;
    }
    let yen = pay(&shop, 500, "jpy").await;
    made(&shop, "/v1/refunds", &format!("payment_intent={}&amount=400", last["id"].as_str().unwrap())).await;
    let before = get(&shop, "/v1/balance").await.json;
    assert_eq!((&before["available"][0]["currency"], &before["available"][1]["amount"]), (&yen["currency"], &Value::from(-400)));
    let net = listed(&shop, "/v1/balance_transactions?currency=usd&type=charge&limit=1", "net").await[0].as_i64().unwrap();
    assert_eq!(before["pending"][1]["amount"], net * 121);
    assert!(app.platform.checkpoint_balances().await.unwrap() > 0);
    assert_eq!(app.platform.checkpoint_balances().await.unwrap(), 0);
    assert_eq!(get(&shop, "/v1/balance").await.json, before);
    pay(&shop, 1_000, "usd").await;
    assert_eq!(pending(&shop).await[1], net * 122);
}

#[tokio::test]
async fn lines_that_another_took_into_a_checkpoint_meanwhile_are_not_taken_again() {
    let (store, app, shop) = server().await;
    for _ in 0..130 {
        pay(&shop, 1_000, "usd").await;
    }
    let before = pending(&shop).await;
    store.after.set(sum_up(Arc::clone(&app.platform)));
    sum_up(Arc::clone(&app.platform)).await;
    assert!(store.after.take().is_none(), "the interruption happened");
    assert_eq!(pending(&shop).await, before);
}

#[tokio::test]
async fn lines_taken_into_a_checkpoint_while_a_balance_is_read_count_once() {
    let (store, app, shop) = server().await;
    for _ in 0..130 {
        pay(&shop, 1_000, "usd").await;
    }
    let before = pending(&shop).await;
    store.before.set(sum_up(Arc::clone(&app.platform)));
    assert_eq!(pending(&shop).await, before);
    assert!(store.before.take().is_none(), "the interruption happened");
}

#[tokio::test]
async fn a_balance_that_is_not_the_sum_of_the_statement_is_found_out() {
    let (store, app, shop) = server().await;
    let account = get(&shop, "/v1/account").await.json["id"].as_str().unwrap().to_owned();
    for _ in 0..110 {
        pay(&shop, 1_000, "usd").await;
    }
    sum_up(Arc::clone(&app.platform)).await;
    let verified = async || payments::verify::verify(&*store).await.unwrap().differences;
    assert!(verified().await.is_empty());
    let scope = domain::scope::Scope { account: account.parse().unwrap(), mode: domain::scope::Mode::Test };
    let unsummed = payments::balance::unsummed(scope);
    let lost = store.scan(Scan::oldest(unsummed, 1)).await.unwrap()[0];
    let mut batch = Batch::new();
    batch.unlink(unsummed, lost);
    store.commit(batch).await.unwrap();
    assert_eq!(verified().await, [format!("{account}: the test balance is not the sum of the statement's 110 lines")]);
}
