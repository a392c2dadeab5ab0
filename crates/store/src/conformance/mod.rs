//! The contract as tests that run on any engine.
//!
//! [`crate::conformance_tests!`] makes one test a rule; each gets an empty store of its own from the engine's
//! factory. What a rule needs of time it does not have: nothing here depends on how fast an engine is.
//!
//! Absent on purpose: durability and faults, which each engine tests in its own way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::missing_panics_doc)]

use std::sync::Arc;

use domain::id::{AccountId, Ulid};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;

use crate::batch::{Batch, InvalidBatch, MAX_BATCH_BYTES, MAX_BODY, MAX_WRITES, Precondition, Write};
use crate::contract::{CommitError, InvalidRead, MAX_KEYS, MAX_LIMIT, Order, ReadError, Scan, Store};
use crate::key::{Index, Key, Kind, List, MAX_NAME};

mod limits;
mod lists;
mod races;
mod records;

pub use self::limits::*;
pub use self::lists::*;
pub use self::races::*;
pub use self::records::*;

/// Makes a module's tests out of the rules. The expression is evaluated in each test, in an async context,
/// and answers the store (an `Arc` of it) and something to keep until the test has ended.
#[macro_export]
macro_rules! conformance_tests {
    ($make:expr) => {
        $crate::conformance_tests! { @each $make;
            absent_records_read_as_none, the_first_revision_is_one_and_each_put_adds_one,
            get_answers_in_the_order_of_the_keys, creating_what_exists_is_refused,
            a_stale_revision_is_refused, a_revision_of_an_absent_record_is_refused,
            a_failed_precondition_leaves_no_trace, the_first_failing_write_is_named,
            a_check_asserts_and_changes_nothing, a_deleted_record_starts_over_at_revision_one,
            deletes_keep_their_preconditions, scopes_and_kinds_are_apart,
            names_are_compared_in_full, bodies_of_any_bytes_and_length_come_back,
            links_and_unlinks_are_idempotent, lists_are_apart,
            scans_keep_order_bounds_and_limit, invalid_batches_are_refused_and_leave_no_trace,
            invalid_reads_are_refused, an_empty_batch_commits,
            export_meets_every_record_once, export_meets_every_link_once,
            of_racing_updates_exactly_one_wins, of_racing_creates_exactly_one_wins,
            no_increment_is_lost, a_get_sees_whole_commits,
            a_get_sees_new_records_together,
        }
    };
    (@each $make:expr; $($rule:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() {
            let (store, _guard) = $make;
            $crate::conformance::$rule(store).await;
        }
    )*};
}

/// The scope most rules play in.
#[must_use]
pub fn scope() -> Scope {
    scope_of(1)
}

fn scope_of(account: u128) -> Scope {
    Scope { account: AccountId::new(Ulid::from_bits(account)), mode: Mode::Test }
}

/// The n-th identifier of a test.
#[must_use]
pub fn id(n: u32) -> Ulid {
    let n64 = u64::from(n);
    Ulid::from_parts(Timestamp::from_millis(1_790_000_000_000 + i64::from(n / 7)), n % 7, n64.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn intent(n: u32) -> Key {
    Key::object(scope(), Kind::PaymentIntent, id(n))
}

fn name(text: &str) -> Key {
    Key::named(scope(), Kind::IdempotencyRecord, text)
}

fn failed(write: usize) -> Result<(), CommitError> {
    Err(CommitError::PreconditionFailed { write })
}

async fn put(store: &impl Store, key: &Key, body: &[u8], precondition: Precondition) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    batch.put(key.clone(), body.to_vec(), precondition);
    store.commit(batch).await
}

async fn read(store: &impl Store, key: &Key) -> Option<(u64, Vec<u8>)> {
    store.get_one(key).await.unwrap().map(|item| (item.revision, item.body))
}

async fn entries(store: &impl Store, list: List) -> Vec<Ulid> {
    store.scan(Scan::oldest(list, MAX_LIMIT)).await.unwrap()
}

fn both() -> [Key; 2] {
    [intent(1), name("one")]
}

/// All that a store holds: records by key, and entries of lists.
pub type Everything = (Vec<(Key, u64, Vec<u8>)>, Vec<(List, Ulid)>);

/// Reads all that a store holds, sorted.
pub async fn everything(store: &impl Store) -> Everything {
    let mut records = Vec::new();
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let page = store.export(*kind, after, MAX_LIMIT).await.unwrap();
            after = page.last().map(|last| last.cursor.clone());
            if after.is_none() {
                break;
            }
            records.extend(page.into_iter().map(|one| (one.key, one.item.revision, one.item.body)));
        }
    }
    let mut links = Vec::new();
    let mut after = None;
    loop {
        let page = store.export_links(after, MAX_LIMIT).await.unwrap();
        after = page.last().map(|last| last.cursor.clone());
        if after.is_none() {
            break;
        }
        links.extend(page.into_iter().map(|one| (one.list, one.id)));
    }
    records.sort();
    links.sort();
    (records, links)
}
