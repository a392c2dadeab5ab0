//! One thread that owns one database connection and carries out work on it, many pieces in one transaction; or, for
//! simulations, none: work is carried out where it is asked for, one piece in a transaction.
//!
//! Invariants: work is carried out in the order it was sent; nobody gets an answer before the transaction that
//! holds their work is committed; if a transaction fails, all whose work was in it are told so, and none of it is
//! in the books. The queue is bounded: senders wait. Work that was sent is done even if its sender has gone, as a
//! bank does not notice that a caller hung up.

use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

/// Work waiting at most; more senders than this wait for room, which bounds memory.
const QUEUE_MAX: usize = 4_096;
/// Pieces of work in one transaction at most, which bounds how long the first of them waits.
const BATCH_MAX: usize = 512;

/// The books could not be read or written; nothing is known to have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bank's books cannot be read or written")]
pub struct BooksUnavailable;

type Job = Box<dyn FnOnce(&Connection) -> Ran + Send>;

/// Work that was carried out and waits for the commit.
struct Ran {
    is_ok: bool,
    answer: Box<dyn FnOnce(bool) + Send>,
}

/// A handle to whoever does the work.
pub(super) enum Worker {
    /// A thread, which ends when the handle is dropped and its queue is empty.
    Thread(Thread),
    /// The caller.
    Caller(Mutex<Connection>),
}

pub(super) struct Thread {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// A worker that writes takes the database's write lock at the start of a transaction, so that what it reads
    /// cannot change before it writes; a worker that reads takes no lock.
    pub(super) fn start(name: &str, connection: Connection, behavior: TransactionBehavior) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || serve(connection, behavior, jobs))?;
        Ok(Self::Thread(Thread { queue: Some(queue), thread: Some(thread) }))
    }

    /// A worker without a thread.
    pub(super) const fn on_callers_thread(connection: Connection) -> Self {
        Self::Caller(Mutex::new(connection))
    }

    /// Carries out `work` and answers when it is committed.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, BooksUnavailable>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let thread = match self {
            Self::Thread(thread) => thread,
            Self::Caller(connection) => return alone(&connection.lock(), work),
        };
        let (send, receive) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = work(connection);
            if let Err(error) = &result {
                tracing::error!(%error, "the bank's books failed");
            }
            Ran {
                is_ok: result.is_ok(),
                answer: Box::new(move |is_committed| {
                    // The receiver may have gone away; its work is booked all the same.
                    let _ = send.send(if is_committed { result.ok() } else { None });
                }),
            }
        });
        let queue = thread.queue.as_ref().ok_or(BooksUnavailable)?;
        queue.send(job).await.map_err(|_| BooksUnavailable)?;
        receive.await.ok().flatten().ok_or(BooksUnavailable)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The transaction's own statements are kept, too: each piece of work has one, and most are shorter than it takes to parse those.
fn alone<T>(connection: &Connection, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, BooksUnavailable> {
    let run = |statement: &str| connection.prepare_cached(statement)?.execute([]);
    let done = run("BEGIN IMMEDIATE").and_then(|_| {
        let done = work(connection).and_then(|answer| run("COMMIT").map(|_| answer));
        if done.is_err() && !connection.is_autocommit() {
            run("ROLLBACK")?;
        }
        done
    });
    done.map_err(|error| {
        tracing::error!(%error, "the bank's books failed");
        BooksUnavailable
    })
}

fn serve(mut connection: Connection, behavior: TransactionBehavior, mut jobs: mpsc::Receiver<Job>) {
    let mut ran = Vec::with_capacity(BATCH_MAX);
    while let Some(first) = jobs.blocking_recv() {
        let is_committed = batch(&mut connection, behavior, first, &mut jobs, &mut ran);
        for done in ran.drain(..) {
            (done.answer)(is_committed);
        }
    }
}

fn batch(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
    ran: &mut Vec<Ran>,
) -> bool {
    let transaction = match connection.transaction_with_behavior(behavior) {
        Ok(transaction) => transaction,
        Err(error) => {
            tracing::error!(%error, "the bank's books cannot begin a transaction");
            return false;
        }
    };
    let mut next = Some(first);
    while let Some(job) = next {
        let done = job(&transaction);
        let is_ok = done.is_ok;
        ran.push(done);
        if !is_ok {
            return false;
        }
        next = if ran.len() < BATCH_MAX { jobs.try_recv().ok() } else { None };
    }
    match transaction.commit() {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "the bank's books cannot commit");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker() -> Worker {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        Worker::start("test", connection, TransactionBehavior::Immediate).unwrap()
    }

    async fn count(worker: &Worker) -> i64 {
        worker.run(|c| c.query_row("SELECT count(*) FROM t", [], |row| row.get(0))).await.unwrap()
    }

    #[tokio::test]
    async fn failed_work_leaves_nothing_and_says_so() {
        let worker = worker();
        let failed = worker
            .run(|c| {
                c.execute("INSERT INTO t VALUES (1)", [])?;
                c.execute("INSERT INTO nowhere VALUES (1)", [])
            })
            .await;
        assert_eq!(failed, Err(BooksUnavailable));
        assert_eq!(count(&worker).await, 0);
    }

    #[tokio::test]
    async fn work_whose_sender_has_gone_is_done() {
        let worker = worker();
        let mut sending = Box::pin(worker.run(|c| c.execute("INSERT INTO t VALUES (1)", [])));
        let _ = futures::poll!(&mut sending);
        drop(sending);
        assert_eq!(count(&worker).await, 1);
    }
}
