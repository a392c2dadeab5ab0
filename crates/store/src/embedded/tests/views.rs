//! Views of the file that serve many reads: never an old one, and never in the way of the log.

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

/// 51 MB of bodies, little at a time as payments are; and the log's length when they have been written.
async fn log_after_much_writing(place: &Place, store: &Arc<Embedded>) -> u64 {
    let body = noise(64_000);
    let tasks = (0..2_u32).map(|task| {
        let (store, body) = (Arc::clone(store), body.clone());
        tokio::spawn(async move {
            for n in 0..400 {
                store.commit(put(intent(task * 10_000 + n), &body, Precondition::Absent)).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    std::fs::metadata(format!("{}-wal", place.file().display())).unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_starts_over_although_others_read_all_the_time() {
    let place = Place::new();
    let store = place.open();
    let readers = Readers::start(&store);
    let log = log_after_much_writing(&place, &store).await;
    readers.end().await;
    assert!(log < 40 * 1024 * 1024, "51 MB were written, and the log is {log} bytes long");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_starts_over_although_others_have_read_and_rest() {
    let place = Place::new();
    let store = place.open();
    let readers = Readers::start(&store);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    readers.end().await;
    let log = log_after_much_writing(&place, &store).await;
    assert!(log < 40 * 1024 * 1024, "51 MB were written, and the log is {log} bytes long");
}
