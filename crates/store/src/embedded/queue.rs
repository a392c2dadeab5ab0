//! What waits for the writer: a bounded queue that is drained whole.
//!
//! The bounds keep a slow disk from turning into memory and into answers nobody waits for any more: whoever
//! finds it full, or waits too long in it, is told so and nothing of theirs was begun.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::scope::Scope;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::codec::ScopeNumber;
use super::encode::Encoded;
use crate::contract::CommitError;

/// The most jobs that wait: a second's work of a fast disk.
const MAX_JOBS: usize = 8_192;
/// The most bytes that wait.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// A job that has waited so long is not begun any more: its caller's own deadline is near.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// The most jobs the writer takes at once: more would make all of them wait for a longer write.
const MAX_GROUP: usize = 512;

/// The answer to a batch.
pub(super) type Answer = oneshot::Sender<Result<(), CommitError>>;

/// What the writer is asked for.
pub(super) enum Task {
    /// To commit a batch.
    Commit { batch: Encoded, answer: Answer },
    /// To give a scope its number.
    Assign { scope: Scope, answer: oneshot::Sender<Result<ScopeNumber, CommitError>> },
    /// To let the file grow to so many bytes and no further.
    Limit { bytes: u64, answer: Answer },
    /// To look around: nothing is to be written.
    Wake,
}

impl Task {
    fn bytes(&self) -> usize {
        match self {
            Self::Commit { batch, .. } => batch.bytes,
            Self::Assign { .. } | Self::Limit { .. } | Self::Wake => 0,
        }
    }

    /// Tells the caller that nothing came of it.
    pub(super) fn refuse(self, error: CommitError) {
        // A caller that has gone away needs no answer.
        match self {
            Self::Commit { answer, .. } | Self::Limit { answer, .. } => drop(answer.send(Err(error))),
            Self::Assign { answer, .. } => drop(answer.send(Err(error))),
            Self::Wake => {}
        }
    }
}

struct Waiting {
    task: Task,
    since: Instant,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    closed: bool,
}

/// What a drain found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    /// There is work.
    Work,
    /// Nothing came in the time given.
    Idle,
    /// The store is being closed and nothing is left.
    Closed,
}

/// The queue between callers and the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

impl Queue {
    /// Adds a task, or answers it at once.
    pub(super) fn push(&self, task: Task) {
        let mut state = self.state.lock();
        let bytes = state.bytes.saturating_add(task.bytes());
        if state.closed {
            drop(state);
            return task.refuse(CommitError::Unavailable("the store is closed".to_owned()));
        }
        if state.waiting.len() >= MAX_JOBS || bytes > MAX_BYTES {
            drop(state);
            return task.refuse(CommitError::Busy);
        }
        state.bytes = bytes;
        state.waiting.push_back(Waiting { task, since: Instant::now() });
        let wake = state.waiting.len() == 1;
        drop(state);
        if wake {
            self.ready.notify_one();
        }
    }

    /// Moves what waits into `group`, without lingering for more; waits for at most `patience` if nothing does.
    pub(super) fn drain(&self, group: &mut Vec<Task>, patience: Duration) -> Drained {
        let mut state = self.state.lock();
        let until = Instant::now() + patience;
        while state.waiting.is_empty() {
            if state.closed {
                return Drained::Closed;
            }
            if self.ready.wait_until(&mut state, until).timed_out() {
                return Drained::Idle;
            }
        }
        let count = state.waiting.len().min(MAX_GROUP);
        let taken: Vec<Waiting> = state.waiting.drain(..count).collect();
        let bytes: usize = taken.iter().map(|waiting| waiting.task.bytes()).sum();
        state.bytes = state.bytes.saturating_sub(bytes);
        drop(state);
        let now = Instant::now();
        for waiting in taken {
            if now.saturating_duration_since(waiting.since) > MAX_WAIT {
                waiting.task.refuse(CommitError::Busy);
            } else {
                group.push(waiting.task);
            }
        }
        Drained::Work
    }

    /// Nothing more is accepted; what waits is still served.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(bytes: usize) -> (Task, oneshot::Receiver<Result<(), CommitError>>) {
        let (answer, answered) = oneshot::channel();
        (Task::Commit { batch: Encoded { records: Vec::new(), links: Vec::new(), bytes }, answer }, answered)
    }

    #[test]
    fn a_full_queue_answers_busy_and_one_that_was_drained_takes_more() {
        let queue = Queue::default();
        let mut waiting = Vec::new();
        for _ in 0..MAX_JOBS {
            let (task, answered) = commit(0);
            queue.push(task);
            waiting.push(answered);
        }
        let (task, mut answered) = commit(0);
        queue.push(task);
        assert_eq!(answered.try_recv(), Ok(Err(CommitError::Busy)));
        let mut group = Vec::new();
        assert!(queue.drain(&mut group, Duration::ZERO) == Drained::Work);
        assert_eq!(group.len(), MAX_GROUP);
        let (task, mut answered) = commit(0);
        queue.push(task);
        assert!(answered.try_recv().is_err(), "it waits");
    }

    #[test]
    fn too_many_waiting_bytes_answer_busy() {
        let queue = Queue::default();
        let (first, _answered) = commit(MAX_BYTES);
        queue.push(first);
        let (second, mut answered) = commit(1);
        queue.push(second);
        assert_eq!(answered.try_recv(), Ok(Err(CommitError::Busy)));
    }

    #[test]
    fn what_waited_too_long_is_answered_busy_and_not_begun() {
        let queue = Queue::default();
        let (task, mut answered) = commit(0);
        queue.push(task);
        if let Some(waiting) = queue.state.lock().waiting.front_mut() {
            waiting.since = Instant::now().checked_sub(MAX_WAIT * 2).unwrap();
        }
        let mut group = Vec::new();
        assert!(queue.drain(&mut group, Duration::ZERO) == Drained::Work);
        assert!(group.is_empty());
        assert_eq!(answered.try_recv(), Ok(Err(CommitError::Busy)));
    }

    #[test]
    fn a_closed_queue_serves_what_waits_and_takes_no_more() {
        let queue = Queue::default();
        let (task, _answered) = commit(0);
        queue.push(task);
        queue.close();
        let (late, mut answered) = commit(0);
        queue.push(late);
        assert!(matches!(answered.try_recv(), Ok(Err(CommitError::Unavailable(_)))));
        let mut group = Vec::new();
        assert!(queue.drain(&mut group, Duration::ZERO) == Drained::Work);
        assert!(queue.drain(&mut group, Duration::ZERO) == Drained::Closed);
    }
}
