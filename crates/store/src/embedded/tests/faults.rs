//! Full, read-only and failing disks: nothing acknowledged is lost, nothing unacknowledged is there, and the
//! store comes back by itself.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Place, create, intent, noise, put};
use crate::batch::Precondition;
use crate::conformance::{everything, scope};
use crate::contract::{CommitError, Store};
use crate::embedded::fresh::Fresh;
use crate::embedded::{Embedded, Fault, Faults, Options, Step};
use crate::key::{Key, Kind};

/// Injects these faults, each when the writer comes by its step, in their order.
#[derive(Default)]
struct Script(Mutex<VecDeque<(Step, Fault)>>);

impl Script {
    fn play(&self, faults: impl IntoIterator<Item = (Step, Fault)>) {
        self.0.lock().extend(faults);
    }

    fn stop(&self) {
        self.0.lock().clear();
    }
}

impl Faults for Script {
    fn at(&self, step: Step) -> Option<Fault> {
        let mut faults = self.0.lock();
        if faults.front().is_some_and(|(at, _)| *at == step) { faults.pop_front().map(|(_, fault)| fault) } else { None }
    }
}

fn open(place: &Place) -> (Arc<Embedded>, Arc<Script>) {
    let script = Arc::new(Script::default());
    let faults: Arc<dyn Faults> = Arc::<Script>::clone(&script);
    (place.open_with(Options { faults: Some(faults), ..Options::default() }), script)
}

fn unavailable(result: &Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Unavailable(_)))
}

/// Tries until the store takes it.
async fn until_written(store: &Embedded, n: u32) -> Duration {
    let began = Instant::now();
    loop {
        match store.commit(create(n)).await {
            Ok(()) => return began.elapsed(),
            Err(CommitError::Unavailable(_)) => assert!(began.elapsed() < Duration::from_secs(20), "the store did not come back"),
            Err(other) => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged_and_acknowledges_nothing_lost() {
    const PAGES: u64 = 8_192;
    let place = Place::new();
    let store = place.open();
    store.limit_bytes(60 * PAGES).await.unwrap();
    let big = |n| put(intent(n), &noise(20_000), Precondition::Absent);
    let mut landed = Vec::new();
    let mut refused = Vec::new();
    for n in 0..40 {
        match store.commit(big(n)).await {
            Ok(()) => landed.push(n),
            Err(CommitError::Unavailable(_)) => refused.push(n),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(landed.len() > 3 && refused.len() > 3, "{landed:?} {refused:?}");
    assert!(unavailable(&store.commit(big(50)).await));
    for n in 0..40 {
        assert_eq!(store.get_one(&intent(n)).await.unwrap().is_some(), landed.contains(&n), "{n}");
    }
    store.limit_bytes(1_000 * PAGES).await.unwrap();
    for n in &refused {
        store.commit(big(*n)).await.unwrap();
    }
    drop(store);
    assert_eq!(everything(&*place.open()).await.0.len(), 40);
}

#[tokio::test]
async fn a_disk_that_may_not_be_written_still_reads_and_comes_back() {
    let place = Place::new();
    let (store, script) = open(&place);
    store.commit(create(1)).await.unwrap();
    script.play([(Step::Write, Fault::Refused), (Step::Write, Fault::Refused)]);
    for n in [2, 3] {
        let answer = store.commit(create(n)).await;
        assert!(unavailable(&answer), "{answer:?}");
        assert_eq!(store.get_one(&intent(n)).await, Ok(None));
        assert!(store.get_one(&intent(1)).await.unwrap().is_some());
    }
    store.commit(create(2)).await.unwrap();
    drop(store);
    assert_eq!(everything(&*place.open()).await.0.len(), 2);
}

#[tokio::test]
async fn names_survive_commits_that_fail_while_a_sweep_is_under_way() {
    let place = Place::new();
    let script = Arc::new(Script::default());
    let faults: Arc<dyn Faults> = Arc::<Script>::clone(&script);
    let options = Options { faults: Some(faults), ..Options::default() };
    let store = Embedded::open_tuned(&place.file(), options, u64::MAX, Fresh::gathering(4)).unwrap();
    let name = |n: u32| Key::named(scope(), Kind::IdempotencyRecord, n.to_string());
    let mut there = Vec::new();
    for n in 0..60_u32 {
        match n % 5 {
            2 => script.play([(Step::Commit, Fault::LostCommit)]),
            4 => script.play([(Step::Commit, Fault::LandedCommit)]),
            _ => {}
        }
        let mut batch = put(name(n), b"", Precondition::Absent);
        if n % 2 == 1 {
            // Every other one takes an earlier name away.
            batch.delete(name(n / 2), Precondition::Any);
        }
        match store.commit(batch).await {
            Ok(()) => {
                there.push(n);
                there.retain(|one| n % 2 == 0 || *one != n / 2);
            }
            refused => assert!(unavailable(&refused) && n % 5 == 2, "{n} {refused:?}"),
        }
        for one in 0..=n {
            assert_eq!(store.get_one(&name(one)).await.unwrap().is_some(), there.contains(&one), "{one} of {n}");
        }
    }
    drop(store);
    let file = rusqlite::Connection::open(place.file()).unwrap();
    let count = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        count("SELECT count(*) FROM (SELECT ref FROM names UNION SELECT ref FROM fresh_names)"),
        i64::try_from(there.len()).unwrap()
    );
}

#[tokio::test]
async fn a_commit_that_failed_and_was_lost_is_certainly_not_there() {
    let place = Place::new();
    let (store, script) = open(&place);
    store.commit(create(1)).await.unwrap();
    script.play([(Step::Commit, Fault::LostCommit)]);
    assert!(unavailable(&store.commit(create(2)).await));
    assert_eq!(store.get_one(&intent(2)).await, Ok(None));
    store.commit(create(3)).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.get_one(&intent(2)).await, Ok(None));
    assert_eq!(everything(&*store).await.0.len(), 2);
}

#[tokio::test]
async fn a_commit_that_failed_but_landed_is_acknowledged() {
    let place = Place::new();
    let (store, script) = open(&place);
    // Also when the first attempts to open again fail.
    script.play([(Step::Commit, Fault::LandedCommit), (Step::Reopen, Fault::Refused), (Step::Reopen, Fault::Refused)]);
    assert_eq!(store.commit(create(1)).await, Ok(()));
    assert!(store.get_one(&intent(1)).await.unwrap().is_some());
    assert_eq!(store.commit(create(1)).await, Err(CommitError::PreconditionFailed { write: 0 }));
    drop(store);
    assert_eq!(everything(&*place.open()).await.0.len(), 1);
}

#[tokio::test]
async fn after_each_kind_of_failed_commit_every_answer_of_the_group_is_true() {
    for fault in [Fault::LostCommit, Fault::LandedCommit] {
        let place = Place::new();
        let (store, script) = open(&place);
        let name = |n: u32| Key::named(scope(), Kind::Setting, format!("name {n}"));
        store.commit(put(name(0), b"old", Precondition::Absent)).await.unwrap();
        script.play([(Step::Commit, fault)]);
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { (n, store.commit(put(name(n), b"new", Precondition::Absent)).await) })
            })
            .collect();
        let (mut committed, mut failed) = (0, 0);
        for task in tasks {
            let (n, answer) = task.await.unwrap();
            let body = store.get_one(&name(n)).await.unwrap().map(|item| item.body);
            match answer {
                Ok(()) => {
                    committed += 1;
                    assert_eq!(body, Some(b"new".to_vec()));
                }
                Err(CommitError::PreconditionFailed { .. }) => assert_eq!((n, body), (0, Some(b"old".to_vec()))),
                Err(CommitError::Unavailable(_)) => {
                    failed += 1;
                    assert!(n == 0 || body.is_none(), "{n}");
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(failed > 0, fault == Fault::LostCommit, "{committed} committed, {failed} failed");
    }
}

#[tokio::test]
async fn a_scope_numbered_by_a_lost_commit_gets_its_number_again() {
    let place = Place::new();
    let (store, script) = open(&place);
    script.play([(Step::Commit, Fault::LostCommit)]);
    assert!(unavailable(&store.commit(create(1)).await));
    until_written(&store, 1).await;
    assert!(store.get_one(&intent(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_disk_that_stays_away_makes_the_outcome_unknown_and_the_store_comes_back_when_it_does() {
    let place = Place::new();
    let (store, script) = open(&place);
    store.commit(create(1)).await.unwrap();
    script.play([(Step::Commit, Fault::LandedCommit)]);
    script.play(std::iter::repeat_n((Step::Reopen, Fault::Refused), 1_000));
    let answer = store.commit(create(2)).await;
    assert!(matches!(answer, Err(CommitError::Unknown(_))), "{answer:?}");
    let began = Instant::now();
    let answer = store.commit(create(3)).await;
    assert!(unavailable(&answer), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "told at once");
    assert!(store.get_one(&intent(1)).await.unwrap().is_some(), "reads go on");
    script.stop();
    let pause = until_written(&store, 3).await;
    assert!(pause < Duration::from_secs(10), "{pause:?}");
    assert!(store.get_one(&intent(2)).await.unwrap().is_some(), "it had landed");
}

#[tokio::test]
async fn closing_the_store_finishes_what_waits() {
    let place = Place::new();
    let store = place.open();
    store.commit(create(1_000)).await.unwrap();
    let mut waiting = Vec::new();
    for n in 0..100 {
        let store = Arc::clone(&store);
        let mut commit = Box::pin(async move { store.commit(create(n)).await });
        // Polled once, so that it waits in the queue, and then forgotten.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(commit.as_mut().poll(&mut context).is_pending());
        waiting.push(commit);
    }
    drop(waiting);
    drop(store);
    assert_eq!(everything(&*place.open()).await.0.len(), 101);
}

/// A disk whose first sync of the file fails, and which has then lost what was moved into the file.
struct LosesWhatWasMoved {
    file: std::path::PathBuf,
    before: Vec<u8>,
    moves: AtomicU32,
    /// It loses it when the store begins anew.
    loses: AtomicBool,
}

impl Faults for LosesWhatWasMoved {
    fn at(&self, step: Step) -> Option<Fault> {
        match step {
            Step::Move => (self.moves.fetch_add(1, Ordering::Relaxed) == 0).then_some(Fault::Refused),
            Step::Reopen => {
                if self.loses.swap(false, Ordering::Relaxed) {
                    self.lose();
                }
                None
            }
            Step::Write | Step::Commit => None,
        }
    }
}

impl LosesWhatWasMoved {
    fn open(place: &Place, loses: bool) -> (Arc<Embedded>, Arc<Self>) {
        let (file, before, moves) = (place.file(), std::fs::read(place.file()).unwrap(), AtomicU32::new(0));
        let disk = Arc::new(Self { file, before, moves, loses: AtomicBool::new(loses) });
        let faults: Arc<dyn Faults> = Arc::<Self>::clone(&disk);
        (place.open_with(Options { faults: Some(faults), ..Options::default() }), disk)
    }

    fn lose(&self) {
        let mut file = std::fs::OpenOptions::new().write(true).open(&self.file).unwrap();
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.write_all(&self.before).unwrap();
        file.write_all(&vec![0; length - self.before.len()]).unwrap();
    }

    async fn until_moved(&self, times: u32) {
        while self.moves.load(Ordering::Relaxed) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// As many records as make the log longer than it is let grow.
async fn fill(store: &Embedded, from: u32) {
    let body = noise(200_000);
    for n in from..from + 100 {
        store.commit(put(intent(n), &body, Precondition::Absent)).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_moved_before_a_failed_sync_is_moved_again() {
    let place = Place::new();
    place.open().commit(create(1)).await.unwrap();
    let (store, disk) = LosesWhatWasMoved::open(&place, true);
    fill(&store, 2).await;
    disk.until_moved(1).await;
    fill(&store, 300).await;
    disk.until_moved(2).await;
    assert!(!disk.loses.load(Ordering::Relaxed), "it did not begin anew");
    assert_eq!(everything(&*store).await.0.len(), 201);
    drop(store);
    assert_eq!(everything(&*place.open()).await.0.len(), 201);
}

#[tokio::test]
async fn while_somebody_else_has_the_store_open_a_failed_sync_leaves_the_log_for_the_next_who_opens_it() {
    let place = Place::new();
    place.open().commit(create(1)).await.unwrap();
    let reader = Embedded::open_read_only(&place.file()).unwrap();
    let (store, disk) = LosesWhatWasMoved::open(&place, false);
    assert!(reader.get_one(&intent(1)).await.unwrap().is_some());
    fill(&store, 2).await;
    disk.until_moved(1).await;
    fill(&store, 300).await;
    drop(store);
    drop(reader);
    disk.lose();
    assert_eq!(everything(&*place.open()).await.0.len(), 201);
}
