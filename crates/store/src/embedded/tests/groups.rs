//! Batches that share a transaction: they are independent of each other all the same.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::{Place, create, intent, noise, put};
use crate::batch::{Batch, Precondition};
use crate::conformance::{everything, id, scope};
use crate::contract::{CommitError, Scan, Store};
use crate::embedded::fresh::Fresh;
use crate::embedded::{Embedded, Fault, Faults, Options, Step};
use crate::key::{Index, Key, Kind, List};

/// Holds the writer back while it is closed, so that batches gather into one group.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set(&self, closed: bool) {
        *self.closed.lock() = closed;
        self.changed.notify_all();
    }
}

impl Faults for Gate {
    fn at(&self, step: Step) -> Option<Fault> {
        if step == Step::Write {
            let mut closed = self.closed.lock();
            while *closed {
                self.changed.wait(&mut closed);
            }
        }
        None
    }
}

/// Commits the batches in one group, in their order.
async fn together(store: &Embedded, gate: &Gate, batches: Vec<Batch>) -> Vec<Result<(), CommitError>> {
    // The scope has its number already, so the first poll of a commit puts it into the queue.
    gate.set(true);
    let mut bait = Box::pin(store.commit(put(Key::named(scope(), Kind::Setting, "bait"), b"", Precondition::Any)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(bait.as_mut().poll(&mut context).is_pending());
    // The writer takes the bait and waits at the gate; without this it might take some of the batches, too.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let mut commits: Vec<_> = batches.into_iter().map(|batch| Box::pin(store.commit(batch))).collect();
    for commit in &mut commits {
        assert!(commit.as_mut().poll(&mut context).is_pending());
    }
    gate.set(false);
    bait.await.unwrap();
    let mut answers = Vec::new();
    for commit in commits {
        answers.push(commit.await);
    }
    answers
}

async fn open(place: &Place) -> (Arc<Embedded>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let faults: Arc<dyn Faults> = Arc::<Gate>::clone(&gate);
    let store = place.open_with(Options { faults: Some(faults), ..Options::default() });
    store.commit(create(1)).await.unwrap();
    (store, gate)
}

#[tokio::test]
async fn a_refused_batch_leaves_no_trace_among_others_that_land() {
    let place = Place::new();
    let (store, gate) = open(&place).await;
    let list = List::all(scope(), Index::PaymentIntents);
    let mut refused = create(10);
    refused.create(Key::named(scope(), Kind::ApiKey, "ten"), vec![]).link(list, id(10));
    // The last new object exists: those before it have been inserted by then.
    refused.create(intent(11), vec![]).create(intent(1), vec![]);
    let mut stale = create(12);
    stale.put(Key::named(scope(), Kind::ApiKey, "twelve"), vec![], Precondition::Revision(3)).link(list, id(12));
    let answers = together(&store, &gate, vec![create(2), refused, create(3), stale, create(4)]).await;
    let failed = |write| Err(CommitError::PreconditionFailed { write });
    assert_eq!(answers, [Ok(()), failed(4), Ok(()), failed(1), Ok(())]);
    let (records, links) = everything(&*store).await;
    let mut expected = [1, 2, 3, 4].map(intent).to_vec();
    expected.push(Key::named(scope(), Kind::Setting, "bait"));
    expected.sort();
    assert_eq!(records.into_iter().map(|(key, ..)| key).collect::<Vec<_>>(), expected);
    assert_eq!(links, []);
}

#[tokio::test]
async fn a_batch_sees_what_those_before_it_did() {
    let place = Place::new();
    let (store, gate) = open(&place).await;
    let name = Key::named(scope(), Kind::IdempotencyRecord, "n");
    let mut delete = Batch::new();
    delete.delete(name.clone(), Precondition::Revision(2));
    let batches = vec![
        put(name.clone(), b"1", Precondition::Absent),
        put(name.clone(), b"other", Precondition::Absent),
        put(name.clone(), b"2", Precondition::Revision(1)),
        delete,
        put(name.clone(), b"3", Precondition::Absent),
    ];
    let answers = together(&store, &gate, batches).await;
    assert_eq!(answers, [Ok(()), Err(CommitError::PreconditionFailed { write: 0 }), Ok(()), Ok(()), Ok(())]);
    let item = store.get_one(&name).await.unwrap().unwrap();
    assert_eq!((item.revision, item.body), (1, b"3".to_vec()));
}

#[tokio::test]
async fn of_several_writes_on_an_entry_the_last_one_counts() {
    let place = Place::new();
    let (store, gate) = open(&place).await;
    let list = List::all(scope(), Index::OpenOperations);
    let link = |n, present: bool| {
        let mut batch = Batch::new();
        if present {
            batch.link(list, id(n))
        } else {
            batch.unlink(list, id(n))
        };
        batch
    };
    let answers = together(
        &store,
        &gate,
        vec![link(1, true), link(2, false), link(1, false), link(2, true), link(3, true), link(3, false), link(3, true)],
    )
    .await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(store.scan(Scan::oldest(list, 10)).await.unwrap(), [id(2), id(3)]);
}

#[tokio::test]
async fn what_fails_in_the_middle_of_a_group_is_undone_whole() {
    let place = Place::new();
    let (store, gate) = open(&place).await;
    store.limit_bytes(60 * 8_192).await.unwrap();
    let big = put(intent(3), &noise(400_000), Precondition::Absent);
    let answers = together(&store, &gate, vec![create(2), big, create(4)]).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(CommitError::Unavailable(_)))), "{answers:?}");
    for n in [2, 3, 4] {
        assert_eq!(store.get_one(&intent(n)).await, Ok(None), "{n}");
    }
    store.commit(create(2)).await.unwrap();
}

#[tokio::test]
async fn a_name_that_comes_and_goes_within_a_group_leaves_nothing_in_the_index() {
    let place = Place::new();
    let gate = Arc::new(Gate::default());
    let faults: Arc<dyn Faults> = Arc::<Gate>::clone(&gate);
    // Every group sweeps all names there are.
    let options = Options { faults: Some(faults), ..Options::default() };
    let store = Embedded::open_tuned(&place.file(), options, u64::MAX, Fresh::gathering(1)).unwrap();
    store.commit(create(1)).await.unwrap();
    let name = Key::named(scope(), Kind::IdempotencyRecord, "n");
    let mut delete = Batch::new();
    delete.delete(name.clone(), Precondition::Revision(1));
    // The bait's own name goes its way with these two groups, and the next sweep begins with the one that counts.
    assert_eq!(together(&store, &gate, vec![create(2)]).await, [Ok(())]);
    let answers = together(&store, &gate, vec![put(name.clone(), b"1", Precondition::Absent), delete]).await;
    assert_eq!(answers, [Ok(()), Ok(())]);
    drop(store);
    let file = rusqlite::Connection::open(place.file()).unwrap();
    let names: u32 =
        file.query_row("SELECT count(*) FROM (SELECT ref FROM names UNION SELECT ref FROM fresh_names)", [], |row| row.get(0)).unwrap();
    assert_eq!(names, 1, "only the bait's");
}
