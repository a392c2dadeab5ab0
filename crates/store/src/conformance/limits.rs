//! What no engine takes.

use super::*;

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
