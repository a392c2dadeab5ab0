//! Commits on their way: what waits is carried out together, as one transaction, as far as it touches nothing in common.
//!
//! To begin, sync and answer a transaction costs the database more than most batches do, so while all turns are taken,
//! what comes waits and shares the next one. Nobody lingers for more to come.
//!
//! - Batches that touch the same record or list entry are carried out one after the other, in the order they came: within
//!   this process nobody waits for a lock of the database, and a refused batch is in nobody's way.
//! - A turn is a task of its own: a caller that goes away takes nothing back.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use deadpool_postgres::Pool;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::commit::{Waiting, carry_out};
use super::encode::Encoded;
use crate::contract::CommitError;

/// Transactions under way at a time. More make smaller groups, fewer leave the database idle while one is synced.
const TURNS: usize = 4;
/// The most batches of a group, so that those in front of it are answered soon.
const GROUP_BATCHES: usize = 64;
/// No batch is added to a group that has so many bytes of bodies.
const GROUP_BYTES: usize = 1_000_000;
/// How many waiting batches are looked at to fill a group: where many wait for the same record, most are passed over.
const LOOKED_AT: usize = 256;
/// How many batches may wait: several seconds' worth.
const WAITING: usize = 10_000;

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    turns: usize,
    /// What the groups under way touch.
    touched: BTreeSet<Vec<u8>>,
}

impl State {
    /// The next group, if anything that waits may be carried out.
    fn group(&mut self) -> Vec<Waiting> {
        let mut group = Vec::new();
        let (mut passed, mut bytes) = (VecDeque::new(), 0_usize);
        // What is passed over comes before what waits behind it, also for other groups.
        let mut before: BTreeSet<Vec<u8>> = BTreeSet::new();
        while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES && passed.len() < LOOKED_AT {
            let Some(next) = self.waiting.pop_front() else { break };
            let free = next.batch.touched().all(|key| !self.touched.contains(key) && !before.contains(key));
            if free {
                bytes = bytes.saturating_add(next.batch.bytes);
                self.touched.extend(next.batch.touched().map(<[u8]>::to_vec));
                group.push(next);
            } else {
                before.extend(next.batch.touched().map(<[u8]>::to_vec));
                passed.push_back(next);
            }
        }
        passed.append(&mut self.waiting);
        self.waiting = passed;
        group
    }
}

/// The commits of one process.
#[derive(Clone)]
pub(super) struct Queue {
    pool: Pool,
    state: Arc<Mutex<State>>,
}

impl Queue {
    /// Nothing waits.
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, state: Arc::default() }
    }

    /// Carries a batch out, with others that wait.
    pub(super) async fn commit(&self, batch: Encoded) -> Result<(), CommitError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.state.lock();
            if state.waiting.len() >= WAITING {
                return Err(CommitError::Busy);
            }
            state.waiting.push_back(Waiting { batch, answer });
            if state.turns < TURNS {
                state.turns = state.turns.saturating_add(1);
                tokio::spawn(Turn { queue: self.clone(), is_over: false }.take());
            }
        }
        // A turn answers everything it takes; only a panic in it, or the runtime's end, could break this promise.
        answered.await.unwrap_or_else(|_| Err(CommitError::Unknown("the commit was abandoned".to_owned())))
    }
}

/// One of the turns; whatever ends it gives it back.
struct Turn {
    queue: Queue,
    is_over: bool,
}

impl Turn {
    async fn take(mut self) {
        loop {
            // What is passed over waits for a group under way, whose turn looks again when it is done.
            let group = {
                let mut state = self.queue.state.lock();
                let group = state.group();
                if group.is_empty() {
                    // Under the same lock as the look: what is added from here on finds the turn free.
                    state.turns = state.turns.saturating_sub(1);
                    self.is_over = true;
                    return;
                }
                group
            };
            let _touched =
                Touched { queue: &self.queue, keys: group.iter().flat_map(|one| one.batch.touched()).map(<[u8]>::to_vec).collect() };
            carry_out(&self.queue.pool, group).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let mut state = self.queue.state.lock();
            state.turns = state.turns.saturating_sub(1);
        }
    }
}

/// What a group touches; whatever ends it sets it free.
struct Touched<'a> {
    queue: &'a Queue,
    keys: Vec<Vec<u8>>,
}

impl Drop for Touched<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        for key in &self.keys {
            state.touched.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batch, Precondition};
    use crate::conformance::{id, scope};
    use crate::key::{Key, Kind};

    /// A batch whose number of writes names it.
    fn waiting(charges: &[u32]) -> Waiting {
        let mut batch = Batch::new();
        for n in charges {
            batch.put(Key::object(scope(), Kind::Charge, id(*n)), vec![], Precondition::Any);
        }
        Waiting { batch: Encoded::new(batch), answer: oneshot::channel().0 }
    }

    fn sizes(group: &[Waiting]) -> Vec<usize> {
        group.iter().map(|one| one.batch.touched().count()).collect()
    }

    fn state(batches: &[&[u32]]) -> State {
        State { waiting: batches.iter().map(|charges| waiting(charges)).collect(), ..State::default() }
    }

    #[test]
    fn what_shares_nothing_goes_together() {
        let mut state = state(&[&[1], &[2, 3], &[4, 5, 6]]);
        assert_eq!(sizes(&state.group()), [1, 2, 3]);
        assert!(state.group().is_empty());
    }

    #[test]
    fn what_touches_the_same_goes_one_after_the_other_in_its_order() {
        let mut state = state(&[&[1], &[1, 2], &[2, 3, 4], &[5, 6, 7, 8]]);
        assert_eq!(sizes(&state.group()), [1, 4], "the third waits behind the second, which waits for the first");
        assert!(state.group().is_empty(), "what is under way is not touched");
        state.touched.clear();
        assert_eq!(sizes(&state.group()), [2]);
        state.touched.clear();
        assert_eq!(sizes(&state.group()), [3]);
    }

    #[test]
    fn groups_are_bounded() {
        let many: Vec<[u32; 1]> = (0..200).map(|n| [n]).collect();
        let many: Vec<&[u32]> = many.iter().map(<[u32; 1]>::as_slice).collect();
        let mut state = state(&many);
        assert_eq!(state.group().len(), GROUP_BATCHES);
        assert_eq!(state.waiting.len(), 200 - GROUP_BATCHES);
    }
}
