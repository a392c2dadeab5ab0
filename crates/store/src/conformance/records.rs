//! Records: revisions, preconditions, keys, bodies, export.

use std::collections::BTreeSet;

use super::*;

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

/// Whatever the page size.
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
        assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}
