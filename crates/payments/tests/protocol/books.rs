//! The journal looked through for what was changed behind its rule's back.

use domain::ledger::JournalEntry;
use payments::records::decode;
use store::{Batch, Exported, Key, Kind, Precondition, Store as _};

use crate::shop::{Shop, payment};

const LONGER_THAN_THE_PAUSE_BETWEEN_ROUNDS_MS: i64 = 3_700_000;

async fn an_entry(shop: &Shop) -> Exported {
    shop.pay(&payment()).await;
    shop.store.export(Kind::JournalEntry, None, 1).await.unwrap().remove(0)
}

/// The entry with that much more on one side.
fn forged(entry: &Exported, more: i64) -> Vec<u8> {
    let mut record: serde_json::Value = serde_json::from_slice(&entry.item.body).unwrap();
    let amount = &mut record["d"]["postings"][0][1];
    *amount = (amount.as_i64().unwrap() + more).into();
    let body = serde_json::to_vec(&record).unwrap();
    assert!(decode::<JournalEntry>(&body).is_err());
    body
}

async fn write(shop: &Shop, key: &Key, body: Vec<u8>) {
    let mut batch = Batch::new();
    batch.put(key.clone(), body, Precondition::Any);
    shop.store.commit(batch).await.unwrap();
}

async fn imbalance_seen(shop: &Shop) -> u64 {
    shop.platform.look_through_books().await.unwrap();
    shop.platform.books_seen().unwrap().imbalance
}

#[tokio::test]
async fn an_entry_that_somebody_changed_is_off_until_it_is_as_it_was() {
    let shop = Shop::open().await;
    let entry = an_entry(&shop).await;
    assert_eq!(imbalance_seen(&shop).await, 0);
    write(&shop, &entry.key, forged(&entry, 3)).await;
    assert_eq!(imbalance_seen(&shop).await, 0, "a small journal is left alone for a while");
    shop.pass(LONGER_THAN_THE_PAUSE_BETWEEN_ROUNDS_MS);
    assert_eq!(imbalance_seen(&shop).await, 3);
    write(&shop, &entry.key, entry.item.body.clone()).await;
    shop.pass(LONGER_THAN_THE_PAUSE_BETWEEN_ROUNDS_MS);
    assert_eq!(imbalance_seen(&shop).await, 0);
}

#[tokio::test]
async fn a_long_journal_is_gone_through_in_parts_and_what_is_off_does_not_cancel_out() {
    let shop = Shop::open().await;
    let entry = an_entry(&shop).await;
    for n in 0..1_500_u128 {
        let body = match n {
            0 => forged(&entry, 2),
            1 => forged(&entry, -2),
            _ => entry.item.body.clone(),
        };
        write(&shop, &Key::object(shop.scope, Kind::JournalEntry, domain::id::Ulid::from_bits(n + 1)), body).await;
    }
    assert_eq!(imbalance_seen(&shop).await, 4, "what this round has seen is told before it ends");
    assert_eq!(shop.platform.books_seen().unwrap().entries, 1_000);
    assert_eq!(imbalance_seen(&shop).await, 4);
    assert_eq!(shop.platform.books_seen().unwrap().entries, 1_501);
    shop.platform.look_through_books().await.unwrap();
    assert_eq!(shop.platform.books_seen().unwrap().entries, 1_501, "the round has ended");
}

#[tokio::test]
async fn of_two_servers_one_looks() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    shop.platform.look_through_books().await.unwrap();
    other.platform.look_through_books().await.unwrap();
    assert!(shop.platform.books_seen().is_some() && other.platform.books_seen().is_none());
}

#[tokio::test]
async fn a_server_that_takes_the_job_for_another_part_of_it_at_the_same_moment_looks() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.clone();
    shop.meanwhile.happens(async move {
        other.platform.checkpoint_balances().await.unwrap();
    });
    shop.platform.look_through_books().await.unwrap();
    assert!(shop.platform.books_seen().is_some());
    assert_eq!(shop.differences().await, [""; 0]);
}
