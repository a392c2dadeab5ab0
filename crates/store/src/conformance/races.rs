//! Many at once.

use super::*;

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

/// Of records that came with one commit, named and not, a read meets all or none.
pub async fn a_get_sees_new_records_together(store: Arc<impl Store>) {
    const COMMITS: u32 = 300;
    let keys = |n: u32| [intent(n), name(&n.to_string()), name(&format!("also {n}"))];
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in 0..COMMITS {
                let mut batch = Batch::new();
                for key in keys(n) {
                    batch.create(key, vec![]);
                }
                store.commit(batch).await.unwrap();
            }
        }
    });
    let mut n = 0;
    while n < COMMITS {
        let found = store.get(&keys(n)).await.unwrap().iter().flatten().count();
        match found {
            0 => tokio::task::yield_now().await,
            3 => n += 1,
            some => panic!("{some} of commit {n}"),
        }
    }
    writer.await.unwrap();
}
