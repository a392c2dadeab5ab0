//! Views of the file that serve many reads: never an old one, and never in the way of the log.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Place, intent, noise, put};
use crate::batch::{Batch, Precondition};
use crate::conformance::{id, scope};
use crate::contract::{Scan, Store};
use crate::embedded::Embedded;
use crate::key::{Index, Key, Kind, List};

/// So many tasks read at the same time: more than there are connections.
const READERS: usize = 12;

/// Reads all the time, on as many connections as there are, until it is dropped.
struct Readers {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Readers {
    fn start(store: &Arc<Embedded>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = |_| {
            let (store, stop) = (Arc::clone(store), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    store.get(&[intent(1), intent(2), intent(3)]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        };
        Self { tasks: (0..READERS).map(task).collect(), stop }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_was_told_of_a_commit_sees_it_on_every_connection() {
    let place = Place::new();
    let store = place.open();
    let readers = Readers::start(&store);
    let writers = (0..8_u32).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let name = Key::named(scope(), Kind::Setting, format!("s{writer}").as_bytes());
            let list = List::of(scope(), Index::PaymentIntentsByCustomer, id(writer));
            for round in 0..40_u32 {
                let object = intent(writer * 1_000 + round);
                let mut batch = Batch::new();
                batch.put(object.clone(), b"here".to_vec(), Precondition::Absent);
                batch.put(name.clone(), round.to_string().into_bytes(), Precondition::Any);
                batch.link(list, id(round));
                store.commit(batch).await.unwrap();
                // Each of these takes whichever connection is free.
                for _ in 0..4 {
                    assert!(store.get_one(&object).await.unwrap().is_some(), "writer {writer} round {round}");
                    let named = store.get_one(&name).await.unwrap().unwrap();
                    assert_eq!(named.body, round.to_string().into_bytes(), "writer {writer}");
                    let listed = store.scan(Scan::newest(list, 1)).await.unwrap();
                    assert_eq!(listed, [id(round)], "writer {writer}");
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    readers.end().await;
}

/// How often the log has started over: a number in its header that each start counts up.
fn started_over(log: &Path) -> Option<u32> {
    let header = std::fs::File::open(log).and_then(|mut log| {
        let mut header = [0; 16];
        log.read_exact(&mut header).map(|()| header)
    });
    header.ok()?.last_chunk().copied().map(u32::from_be_bytes)
}

/// Writes, a little at a time as payments are, until the log has started over; whether it has before there were so many bodies
/// that it would be twenty-five times as long as it should become.
async fn log_starts_over(place: &Place, store: &Arc<Embedded>) -> bool {
    let (body, log) = (noise(64_000), PathBuf::from(format!("{}-wal", place.file().display())));
    store.commit(put(intent(1_000_000), &body, Precondition::Absent)).await.unwrap();
    let first = started_over(&log);
    assert!(first.is_some());
    let tasks = (0..2_u32).map(|task| {
        let (store, body, log) = (Arc::clone(store), body.clone(), log.clone());
        tokio::spawn(async move {
            for n in 0..3_200 {
                store.commit(put(intent(task * 10_000 + n), &body, Precondition::Absent)).await.unwrap();
                if started_over(&log) != first {
                    return true;
                }
            }
            false
        })
    });
    let mut any = false;
    for task in tasks.collect::<Vec<_>>() {
        any |= task.await.unwrap();
    }
    any
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_starts_over_although_others_read_all_the_time() {
    let place = Place::new();
    let store = place.open();
    let readers = Readers::start(&store);
    let starts_over = log_starts_over(&place, &store).await;
    readers.end().await;
    assert!(starts_over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_starts_over_although_others_have_read_and_rest() {
    let place = Place::new();
    let store = place.open();
    let readers = Readers::start(&store);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    readers.end().await;
    assert!(log_starts_over(&place, &store).await);
}
