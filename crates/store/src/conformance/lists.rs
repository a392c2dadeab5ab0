//! Lists: entries, order, bounds, export.

use std::collections::BTreeSet;

use super::*;

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
        List::of(scope(), Index::EventsByKind, id(1)),
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

/// Whatever the page size.
pub async fn export_meets_every_link_once(store: Arc<impl Store>) {
    let mut expected = BTreeSet::new();
    let mut batch = Batch::new();
    for n in 0..30 {
        let list = match n % 3 {
            0 => List::all(scope_of(u128::from(n % 4)), Index::Events),
            1 => List::of(scope(), Index::EventsByKind, id(n % 2)),
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
