//! The contract as tests that run on any engine.
//!
//! [`crate::conformance_tests!`] makes one test a rule; each gets an empty store of its own from the engine's
//! factory. What a rule needs of time it does not have: nothing here depends on how fast an engine is.
//!
//! Absent on purpose: durability and faults, which each engine tests in its own way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::missing_panics_doc)]

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::id::{AccountId, Ulid};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;

use crate::batch::{Batch, InvalidBatch, MAX_BATCH_BYTES, MAX_BODY, MAX_WRITES, Precondition, Write};
use crate::contract::{CommitError, InvalidRead, MAX_KEYS, MAX_LIMIT, Order, ReadError, Scan, Store};
use crate::key::{Index, Key, Kind, List, MAX_NAME};

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

/// What was never put is not there.
pub async fn absent_records_read_as_none(store: Arc<impl Store>) {
    for key in both() {
        assert_eq!(read(&*store, &key).await, None);
    }
    assert_eq!(entries(&*store, List::all(scope(), Index::Charges)).await, []);
    assert_eq!(store.export(Kind::Charge, None, 10).await, Ok(vec![]));
    assert_eq!(store.export_links(None, 10).await, Ok(vec![]));
}

/// Revisions count the puts.
pub async fn the_first_revision_is_one_and_each_put_adds_one(store: Arc<impl Store>) {
    for key in both() {
        for (revision, body) in [(1, "a"), (2, "bcd"), (3, "")] {
            put(&*store, &key, body.as_bytes(), Precondition::Any).await.unwrap();
            assert_eq!(read(&*store, &key).await, Some((revision, body.into())));
        }
        put(&*store, &key, b"e", Precondition::Revision(3)).await.unwrap();
        assert_eq!(read(&*store, &key).await, Some((4, b"e".to_vec())));
    }
}

/// Also with keys that are absent, and with one key twice.
pub async fn get_answers_in_the_order_of_the_keys(store: Arc<impl Store>) {
    for (key, body) in [(intent(1), b"1"), (intent(2), b"2"), (name("n"), b"n")] {
        put(&*store, &key, body, Precondition::Absent).await.unwrap();
    }
    let keys = [name("n"), intent(3), intent(2), name("m"), intent(1), intent(2)];
    let bodies: Vec<Option<Vec<u8>>> = store.get(&keys).await.unwrap().into_iter().map(|item| item.map(|item| item.body)).collect();
    let expected = [Some("n"), None, Some("2"), None, Some("1"), Some("2")];
    assert_eq!(bodies, expected.map(|body| body.map(|body| body.as_bytes().to_vec())));
    assert_eq!(store.get(&[]).await, Ok(vec![]));
}

/// `Absent` means absent.
pub async fn creating_what_exists_is_refused(store: Arc<impl Store>) {
    for key in both() {
        put(&*store, &key, b"first", Precondition::Absent).await.unwrap();
        assert_eq!(put(&*store, &key, b"second", Precondition::Absent).await, failed(0));
        assert_eq!(read(&*store, &key).await, Some((1, b"first".to_vec())));
    }
}

/// Neither an older nor a later revision will do.
pub async fn a_stale_revision_is_refused(store: Arc<impl Store>) {
    for key in both() {
        put(&*store, &key, b"1", Precondition::Absent).await.unwrap();
        put(&*store, &key, b"2", Precondition::Revision(1)).await.unwrap();
        for wrong in [0, 1, 3, u64::MAX] {
            assert_eq!(put(&*store, &key, b"3", Precondition::Revision(wrong)).await, failed(0));
        }
        assert_eq!(read(&*store, &key).await, Some((2, b"2".to_vec())));
    }
}

/// An absent record has no revision at all.
pub async fn a_revision_of_an_absent_record_is_refused(store: Arc<impl Store>) {
    for key in both() {
        for revision in [0, 1] {
            assert_eq!(put(&*store, &key, b"x", Precondition::Revision(revision)).await, failed(0));
        }
        assert_eq!(read(&*store, &key).await, None);
    }
}

/// Whatever stands in a batch, and wherever the failing write stands in it.
pub async fn a_failed_precondition_leaves_no_trace(store: Arc<impl Store>) {
    let list = List::all(scope(), Index::PaymentIntents);
    let mut setup = Batch::new();
    setup.create(intent(1), b"1".to_vec()).create(name("one"), b"n".to_vec()).create(intent(2), b"2".to_vec()).link(list, id(1));
    store.commit(setup).await.unwrap();
    let before = everything(&*store).await;
    let writes = [
        Write::Put { key: intent(7), body: b"7".to_vec(), precondition: Precondition::Absent },
        Write::Put { key: intent(1), body: b"changed".to_vec(), precondition: Precondition::Revision(1) },
        Write::Put { key: name("new"), body: b"new".to_vec(), precondition: Precondition::Absent },
        Write::Put { key: name("one"), body: b"changed".to_vec(), precondition: Precondition::Any },
        Write::Delete { key: intent(2), precondition: Precondition::Any },
        Write::Put { key: intent(8), body: b"8".to_vec(), precondition: Precondition::Absent },
        Write::Link { list, id: id(7) },
        Write::Unlink { list, id: id(1) },
    ];
    let failing = [
        Write::Put { key: intent(9), body: vec![], precondition: Precondition::Revision(1) },
        Write::Check { key: intent(9), precondition: Precondition::Revision(1) },
        Write::Delete { key: name("nine"), precondition: Precondition::Revision(4) },
    ];
    for position in 0..=writes.len() {
        for fails in &failing {
            let mut batch = Batch::new();
            for write in writes[..position].iter().chain([fails]).chain(&writes[position..]) {
                batch.push(write.clone());
            }
            assert_eq!(store.commit(batch).await, failed(position));
            assert_eq!(everything(&*store).await, before);
        }
    }
    // A new object that turns out to exist, after others that were new indeed.
    let mut batch = Batch::new();
    batch.create(intent(7), b"7".to_vec()).create(intent(8), b"8".to_vec()).create(intent(2), b"again".to_vec()).link(list, id(7));
    assert_eq!(store.commit(batch).await, failed(2));
    assert_eq!(everything(&*store).await, before);
}

/// Of several that fail, the first.
pub async fn the_first_failing_write_is_named(store: Arc<impl Store>) {
    put(&*store, &intent(1), b"1", Precondition::Absent).await.unwrap();
    put(&*store, &name("one"), b"1", Precondition::Absent).await.unwrap();
    let create = |n| Write::Put { key: intent(n), body: vec![], precondition: Precondition::Absent };
    let check = |n, revision| Write::Check { key: intent(n), precondition: Precondition::Revision(revision) };
    let named = Write::Put { key: name("one"), body: vec![], precondition: Precondition::Absent };
    let link = Write::Link { list: List::all(scope(), Index::Refunds), id: id(1) };
    let cases = [
        (vec![link.clone(), create(1), check(2, 1)], 1),
        (vec![check(2, 1), create(1)], 0),
        (vec![create(5), link, named.clone(), create(1)], 2),
        (vec![create(1), named], 0),
    ];
    for (writes, first) in cases {
        let mut batch = Batch::new();
        for write in writes {
            batch.push(write);
        }
        assert_eq!(store.commit(batch).await, failed(first));
    }
}

/// A check is a precondition without a write.
pub async fn a_check_asserts_and_changes_nothing(store: Arc<impl Store>) {
    for key in both() {
        let check = |precondition| {
            let mut batch = Batch::new();
            batch.assert(key.clone(), precondition);
            batch
        };
        assert_eq!(store.commit(check(Precondition::Absent)).await, Ok(()));
        assert_eq!(store.commit(check(Precondition::Any)).await, Ok(()));
        assert_eq!(store.commit(check(Precondition::Revision(1))).await, failed(0));
        put(&*store, &key, b"x", Precondition::Absent).await.unwrap();
        assert_eq!(store.commit(check(Precondition::Absent)).await, failed(0));
        assert_eq!(store.commit(check(Precondition::Revision(1))).await, Ok(()));
        assert_eq!(read(&*store, &key).await, Some((1, b"x".to_vec())));
    }
}

/// What is gone leaves no revision behind.
pub async fn a_deleted_record_starts_over_at_revision_one(store: Arc<impl Store>) {
    for key in both() {
        put(&*store, &key, b"1", Precondition::Absent).await.unwrap();
        put(&*store, &key, b"2", Precondition::Any).await.unwrap();
        let mut batch = Batch::new();
        batch.delete(key.clone(), Precondition::Revision(2));
        store.commit(batch).await.unwrap();
        assert_eq!(read(&*store, &key).await, None);
        put(&*store, &key, b"3", Precondition::Absent).await.unwrap();
        assert_eq!(read(&*store, &key).await, Some((1, b"3".to_vec())));
    }
}

/// Deleting what is absent is no error unless it was said to be there.
pub async fn deletes_keep_their_preconditions(store: Arc<impl Store>) {
    for key in both() {
        let delete = |precondition| {
            let mut batch = Batch::new();
            batch.delete(key.clone(), precondition);
            batch
        };
        assert_eq!(store.commit(delete(Precondition::Any)).await, Ok(()));
        assert_eq!(store.commit(delete(Precondition::Absent)).await, Ok(()));
        assert_eq!(store.commit(delete(Precondition::Revision(1))).await, failed(0));
        put(&*store, &key, b"1", Precondition::Absent).await.unwrap();
        assert_eq!(store.commit(delete(Precondition::Absent)).await, failed(0));
        assert_eq!(store.commit(delete(Precondition::Revision(2))).await, failed(0));
        assert_eq!(read(&*store, &key).await, Some((1, b"1".to_vec())));
        assert_eq!(store.commit(delete(Precondition::Any)).await, Ok(()));
        assert_eq!(read(&*store, &key).await, None);
    }
}

/// Another merchant, another mode or another kind never gives the record.
pub async fn scopes_and_kinds_are_apart(store: Arc<impl Store>) {
    let live = Scope { mode: Mode::Live, ..scope() };
    put(&*store, &intent(1), b"1", Precondition::Absent).await.unwrap();
    for other in [
        Key::object(scope_of(2), Kind::PaymentIntent, id(1)),
        Key::object(live, Kind::PaymentIntent, id(1)),
        Key::object(scope(), Kind::Charge, id(1)),
    ] {
        assert_eq!(read(&*store, &other).await, None);
        // Seen from there it is absent, whether or not the engine could also keep it there.
        let mut batch = Batch::new();
        batch.assert(other.clone(), Precondition::Absent).delete(intent(9), Precondition::Any);
        assert_eq!(store.commit(batch).await, Ok(()));
        assert_eq!(put(&*store, &other, b"x", Precondition::Revision(1)).await, failed(0));
    }
    // The same name may stand for something in each.
    let names = [
        name("n"),
        Key::named(scope_of(2), Kind::IdempotencyRecord, "n"),
        Key::named(live, Kind::IdempotencyRecord, "n"),
        Key::named(scope(), Kind::ApiKey, "n"),
        Key::named(Scope::PLATFORM, Kind::ApiKey, "n"),
    ];
    for (position, key) in names.iter().enumerate() {
        put(&*store, key, position.to_string().as_bytes(), Precondition::Absent).await.unwrap();
    }
    for (position, key) in names.iter().enumerate() {
        assert_eq!(read(&*store, key).await, Some((1, position.to_string().into_bytes())));
    }
}

/// No prefix, no case folding, no trimming, no text at all.
pub async fn names_are_compared_in_full(store: Arc<impl Store>) {
    let names: [&[u8]; 8] = [b"a", b"A", b"a ", b"aa", b"\0", b"\0\0", b"\xff\xfe", &[b'x'; MAX_NAME]];
    for one in names {
        put(&*store, &Key::named(scope(), Kind::Setting, one), one, Precondition::Absent).await.unwrap();
    }
    for one in names {
        assert_eq!(read(&*store, &Key::named(scope(), Kind::Setting, one)).await, Some((1, one.to_vec())));
    }
    assert_eq!(read(&*store, &Key::named(scope(), Kind::Setting, vec![b'x'; MAX_NAME - 1])).await, None);
}

/// From nothing to the longest.
pub async fn bodies_of_any_bytes_and_length_come_back(store: Arc<impl Store>) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for (n, body) in (0..).zip([vec![], vec![0], every_byte, vec![7; 10_000], vec![9; MAX_BODY]]) {
        put(&*store, &intent(n), &body, Precondition::Absent).await.unwrap();
        assert_eq!(read(&*store, &intent(n)).await, Some((1, body)));
    }
}

/// Once or twice is the same.
pub async fn links_and_unlinks_are_idempotent(store: Arc<impl Store>) {
    let list = List::all(scope(), Index::OpenOperations);
    let change = |write: Write| {
        let mut batch = Batch::new();
        batch.push(write);
        batch
    };
    for _ in 0..2 {
        store.commit(change(Write::Link { list, id: id(1) })).await.unwrap();
        assert_eq!(entries(&*store, list).await, [id(1)]);
    }
    for _ in 0..2 {
        store.commit(change(Write::Unlink { list, id: id(1) })).await.unwrap();
        assert_eq!(entries(&*store, list).await, []);
    }
}

/// By scope, index and parent.
pub async fn lists_are_apart(store: Arc<impl Store>) {
    let lists = [
        List::all(scope(), Index::Charges),
        List::all(scope(), Index::Refunds),
        List::all(scope_of(2), Index::Charges),
        List::all(Scope { mode: Mode::Live, ..scope() }, Index::Charges),
        List::of(scope(), Index::Charges, Ulid::NIL),
        List::of(scope(), Index::RefundsByCharge, id(1)),
        List::of(scope(), Index::RefundsByCharge, id(2)),
        List::of(scope(), Index::EventsByObject, id(1)),
    ];
    for (n, list) in (0..).zip(lists) {
        let mut batch = Batch::new();
        batch.link(list, id(n));
        store.commit(batch).await.unwrap();
    }
    for (n, list) in (0..).zip(lists) {
        assert_eq!(entries(&*store, list).await, [id(n)]);
    }
}

/// Every combination of bounds, orders and limits agrees with a plain list.
pub async fn scans_keep_order_bounds_and_limit(store: Arc<impl Store>) {
    let list = List::of(scope(), Index::ChargesByCustomer, id(500));
    let mut all: Vec<Ulid> = (0..40).map(id).collect();
    all.extend([Ulid::NIL, Ulid::MAX, Ulid::from_bits(id(3).bits() + 1)]);
    let mut batch = Batch::new();
    for (position, one) in all.iter().enumerate() {
        batch.link(list, all[(position * 7) % all.len()]);
        assert!(position < MAX_WRITES && *one <= Ulid::MAX);
    }
    store.commit(batch).await.unwrap();
    all.sort();
    let bounds = [None, Some(Ulid::NIL), Some(id(0)), Some(id(3)), Some(Ulid::from_bits(id(3).bits() + 2)), Some(id(39)), Some(Ulid::MAX)];
    for newer_than in bounds {
        for older_than in bounds {
            for limit in [1, 2, 41, MAX_LIMIT] {
                let mut expected: Vec<Ulid> = all
                    .iter()
                    .copied()
                    .filter(|one| newer_than.is_none_or(|bound| *one > bound) && older_than.is_none_or(|bound| *one < bound))
                    .collect();
                let oldest: Vec<Ulid> = expected.iter().copied().take(limit).collect();
                expected.reverse();
                expected.truncate(limit);
                let scan = Scan { list, newer_than, older_than, order: Order::NewestFirst, limit };
                assert_eq!(store.scan(scan).await, Ok(expected), "{scan:?}");
                assert_eq!(store.scan(Scan { order: Order::OldestFirst, ..scan }).await, Ok(oldest), "{scan:?}");
            }
        }
    }
}

/// Bounds, names, and anything touched twice.
pub async fn invalid_batches_are_refused_and_leave_no_trace(store: Arc<impl Store>) {
    let list = List::all(scope(), Index::Charges);
    let mut most = Batch::new();
    for n in 0..u32::try_from(MAX_WRITES).unwrap() {
        most.link(list, id(n));
    }
    let mut too_many = most.clone();
    too_many.create(intent(1), vec![]);
    let batch = |writes: &[Write]| {
        let mut batch = Batch::new();
        for write in writes {
            batch.push(write.clone());
        }
        batch
    };
    let fine = Write::Put { key: intent(1), body: vec![], precondition: Precondition::Any };
    let put = |key: Key, bytes: usize| Write::Put { key, body: vec![1; bytes], precondition: Precondition::Any };
    let (link, unlink) = (Write::Link { list, id: id(1) }, Write::Unlink { list, id: id(1) });
    let heavy: Vec<Write> = (0..11).map(|n| put(intent(n), MAX_BODY)).collect();
    let cases = [
        (too_many, InvalidBatch::TooManyWrites(MAX_WRITES + 1)),
        (batch(&[fine.clone(), put(intent(2), MAX_BODY + 1)]), InvalidBatch::BodyTooLong { write: 1 }),
        (batch(&heavy), InvalidBatch::TooManyBytes(11 * MAX_BODY)),
        (batch(&[fine.clone(), put(name(""), 0)]), InvalidBatch::NameLength { write: 1 }),
        (batch(&[put(Key::named(scope(), Kind::Setting, vec![1; MAX_NAME + 1]), 0)]), InvalidBatch::NameLength { write: 0 }),
        (batch(&[fine.clone(), Write::Check { key: intent(1), precondition: Precondition::Any }]), InvalidBatch::TouchedTwice { write: 1 }),
        (
            batch(&[put(name("a"), 1), fine.clone(), Write::Delete { key: name("a"), precondition: Precondition::Any }]),
            InvalidBatch::TouchedTwice { write: 2 },
        ),
        (batch(&[link.clone(), fine, unlink]), InvalidBatch::TouchedTwice { write: 2 }),
        (batch(&[link.clone(), link]), InvalidBatch::TouchedTwice { write: 1 }),
    ];
    const { assert!(11 * MAX_BODY > MAX_BATCH_BYTES) };
    for (batch, why) in cases {
        assert_eq!(store.commit(batch).await, Err(CommitError::Invalid(why)));
    }
    assert_eq!(everything(&*store).await, (vec![], vec![]));
    assert_eq!(store.commit(most).await, Ok(()));
    assert_eq!(entries(&*store, list).await.len(), MAX_WRITES);
}

/// Bounds, names and cursors.
pub async fn invalid_reads_are_refused(store: Arc<impl Store>) {
    let invalid = |why| ReadError::Invalid(why);
    let keys: Vec<Key> = (0..).take(MAX_KEYS + 1).map(intent).collect();
    assert_eq!(store.get(&keys).await, Err(invalid(InvalidRead::TooManyKeys(MAX_KEYS + 1))));
    assert_eq!(store.get(&keys[1..]).await, Ok(vec![None; MAX_KEYS]));
    for bad in [name(""), Key::named(scope(), Kind::Setting, vec![1; MAX_NAME + 1])] {
        assert_eq!(store.get(&[bad]).await, Err(invalid(InvalidRead::NameLength)));
    }
    let list = List::all(scope(), Index::Charges);
    for limit in [0, MAX_LIMIT + 1] {
        assert_eq!(store.scan(Scan::newest(list, limit)).await, Err(invalid(InvalidRead::Limit(limit))));
        assert_eq!(store.export(Kind::Charge, None, limit).await, Err(invalid(InvalidRead::Limit(limit))));
        assert_eq!(store.export_links(None, limit).await, Err(invalid(InvalidRead::Limit(limit))));
    }
    let nonsense = crate::contract::Cursor::from_bytes(vec![1, 2, 3]);
    assert_eq!(store.export(Kind::Charge, Some(nonsense.clone()), 1).await, Err(invalid(InvalidRead::Cursor)));
    assert_eq!(store.export_links(Some(nonsense), 1).await, Err(invalid(InvalidRead::Cursor)));
}

/// Nothing to do is done at once.
pub async fn an_empty_batch_commits(store: Arc<impl Store>) {
    assert_eq!(store.commit(Batch::new()).await, Ok(()));
}

/// Whatever the page size; named records first, then objects in the order of their identifiers.
pub async fn export_meets_every_record_once(store: Arc<impl Store>) {
    let mut expected = BTreeSet::new();
    for n in 0..30 {
        let key = match n % 3 {
            0 => Key::named(scope_of(u128::from(n % 4)), Kind::PaymentMethod, format!("pm {n}")),
            1 => Key::object(scope_of(u128::from(n % 5)), Kind::PaymentMethod, id(n)),
            _ => Key::object(scope(), Kind::Charge, id(n)),
        };
        put(&*store, &key, n.to_string().as_bytes(), Precondition::Absent).await.unwrap();
        if key.kind() == Kind::PaymentMethod {
            expected.insert((key, n.to_string().into_bytes()));
        }
    }
    for limit in [1, 7, 20, MAX_LIMIT] {
        let mut met = Vec::new();
        let mut after = None;
        loop {
            let page = store.export(Kind::PaymentMethod, after.clone(), limit).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            after = Some(last.cursor.clone());
            met.extend(page.into_iter().map(|one| (one.key, one.item.body)));
        }
        assert_eq!(met.len(), 20);
        let objects: Vec<Option<Ulid>> = met.iter().map(|(key, _)| if let Key::Object(key) = key { Some(key.id) } else { None }).collect();
        assert!(objects.is_sorted(), "{objects:?}");
        assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

/// Whatever the page size.
pub async fn export_meets_every_link_once(store: Arc<impl Store>) {
    let mut expected = BTreeSet::new();
    let mut batch = Batch::new();
    for n in 0..30 {
        let list = match n % 3 {
            0 => List::all(scope_of(u128::from(n % 4)), Index::Events),
            1 => List::of(scope(), Index::EventsByObject, id(n % 2)),
            _ => List::all(scope(), Index::Charges),
        };
        batch.link(list, id(n));
        expected.insert((list, id(n)));
    }
    store.commit(batch).await.unwrap();
    for limit in [1, 7, 30, MAX_LIMIT] {
        let mut met = Vec::new();
        let mut after = None;
        loop {
            let page = store.export_links(after.clone(), limit).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            after = Some(last.cursor.clone());
            met.extend(page.into_iter().map(|one| (one.list, one.id)));
        }
        assert_eq!(met.len(), 30);
        assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

async fn race(store: &Arc<impl Store>, batch: impl Fn(u32) -> Batch) -> usize {
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            tokio::spawn({
                let (store, batch) = (Arc::clone(store), batch(n));
                async move { store.commit(batch).await }
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => won += 1,
            other => assert_eq!(other, failed(0)),
        }
    }
    won
}

/// Sixty-four at once, on the same revision.
pub async fn of_racing_updates_exactly_one_wins(store: Arc<impl Store>) {
    for key in both() {
        put(&*store, &key, b"first", Precondition::Absent).await.unwrap();
        for revision in 1..6 {
            let won = race(&store, |n| {
                let mut batch = Batch::new();
                batch
                    .update(key.clone(), n.to_string().into_bytes(), revision)
                    .create(Key::named(scope(), Kind::Setting, format!("{key:?} {revision} {n}")), vec![]);
                batch
            });
            assert_eq!(won.await, 1);
            assert_eq!(read(&*store, &key).await.unwrap().0, revision + 1);
        }
    }
    assert_eq!(store.export(Kind::Setting, None, MAX_LIMIT).await.unwrap().len(), 10, "only winners left a trace");
}

/// Sixty-four at once, on the same key.
pub async fn of_racing_creates_exactly_one_wins(store: Arc<impl Store>) {
    for key in both() {
        let won = race(&store, |n| {
            let mut batch = Batch::new();
            batch.create(key.clone(), n.to_string().into_bytes()).create(Key::object(scope(), Kind::Event, id(n)), vec![]);
            batch
        });
        assert_eq!(won.await, 1);
        assert_eq!(read(&*store, &key).await.unwrap().0, 1);
        let events = store.export(Kind::Event, None, MAX_LIMIT).await.unwrap();
        assert_eq!(events.len(), 1, "only the winner left a trace");
        let mut batch = Batch::new();
        batch.delete(events[0].key.clone(), Precondition::Any);
        store.commit(batch).await.unwrap();
    }
}

/// Read, add one, write back at the revision read, again on conflict.
pub async fn no_increment_is_lost(store: Arc<impl Store>) {
    const TASKS: u64 = 8;
    const EACH: u64 = 10;
    put(&*store, &intent(1), b"0", Precondition::Absent).await.unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut done = 0;
                while done < EACH {
                    let (revision, body) = read(&*store, &intent(1)).await.unwrap();
                    let count: u64 = String::from_utf8(body).unwrap().parse().unwrap();
                    match put(&*store, &intent(1), (count + 1).to_string().as_bytes(), Precondition::Revision(revision)).await {
                        Ok(()) => done += 1,
                        other => assert_eq!(other, failed(0)),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(read(&*store, &intent(1)).await, Some((TASKS * EACH + 1, (TASKS * EACH).to_string().into_bytes())));
}

/// Two records that always change together are never read apart.
pub async fn a_get_sees_whole_commits(store: Arc<impl Store>) {
    const CHANGES: u32 = 150;
    let keys = [intent(1), name("one"), intent(2)];
    let write = |n: u32| {
        let mut batch = Batch::new();
        for key in &keys {
            batch.put(key.clone(), n.to_string().into_bytes(), Precondition::Any);
        }
        batch
    };
    store.commit(write(0)).await.unwrap();
    let writer = tokio::spawn({
        let (store, batches) = (Arc::clone(&store), (1..=CHANGES).map(write).collect::<Vec<_>>());
        async move {
            for batch in batches {
                store.commit(batch).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let items = store.get(&keys).await.unwrap();
        assert!(items.iter().all(|item| *item == items[0]), "{items:?}");
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    assert_eq!(read(&*store, &keys[0]).await.unwrap().1, CHANGES.to_string().into_bytes());
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
