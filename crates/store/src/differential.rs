//! Random batches, on an engine and in memory: what both engines' tests share.

use domain::id::{AccountId, Ulid};
use domain::scope::{Mode, Scope};
use proptest::prelude::*;
use std::sync::Arc;
use tokio::runtime::Runtime;

use crate::batch::{Batch, Precondition, Write};
use crate::conformance::{everything, id};
use crate::contract::{CommitError, MAX_LIMIT, Scan, Store};
use crate::key::{Index, Key, Kind, List};
use crate::memory::Memory;

fn scope_of(n: u32) -> Scope {
    Scope { account: AccountId::new(Ulid::from_bits(u128::from(n % 2))), mode: if n.is_multiple_of(3) { Mode::Live } else { Mode::Test } }
}

const KINDS: [Kind; 3] = [Kind::PaymentIntent, Kind::Charge, Kind::IdempotencyRecord];
/// Few enough that writes meet.
const KEYS_OF_A_KIND: u32 = 6;

fn key_of(kind: Kind, n: u32, named: bool) -> Key {
    if named { Key::named(scope_of(n), kind, format!("name {}", n / 2)) } else { Key::object(scope_of(n), kind, id(n)) }
}

fn key() -> impl Strategy<Value = Key> {
    (prop::sample::select(&KINDS[..]), 0..KEYS_OF_A_KIND, any::<bool>()).prop_map(|(kind, n, named)| key_of(kind, n, named))
}

fn all_keys() -> Vec<Key> {
    let numbered = |kind| (0..KEYS_OF_A_KIND).flat_map(move |n| [key_of(kind, n, false), key_of(kind, n, true)]);
    KINDS.into_iter().flat_map(numbered).collect()
}

fn list() -> impl Strategy<Value = List> {
    (0..3_u32, prop::sample::select(vec![Index::Charges, Index::EventsByKind]), any::<bool>()).prop_map(|(n, index, parent)| List {
        scope: scope_of(n),
        index,
        parent: parent.then(|| id(n)),
    })
}

fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![Just(Precondition::Any), Just(Precondition::Absent), (1..4_u64).prop_map(Precondition::Revision)]
}

fn write() -> impl Strategy<Value = Write> {
    let body =
        prop_oneof![4 => prop::collection::vec(any::<u8>(), 0..40), 1 => (4_000..20_000_usize).prop_map(|length| vec![b'x'; length])];
    prop_oneof![
        6 => (key(), body, precondition()).prop_map(|(key, body, precondition)| Write::Put { key, body, precondition }),
        2 => (key(), precondition()).prop_map(|(key, precondition)| Write::Delete { key, precondition }),
        1 => (key(), precondition()).prop_map(|(key, precondition)| Write::Check { key, precondition }),
        3 => (list(), 0..8_u32).prop_map(|(list, n)| Write::Link { list, id: id(n) }),
        2 => (list(), 0..8_u32).prop_map(|(list, n)| Write::Unlink { list, id: id(n) }),
    ]
}

/// What is done with a store.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// All at once.
    Commit(Vec<Batch>),
    /// It is closed and opened.
    Reopen,
}

/// Steps in which writes meet.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let batch = prop::collection::vec(write(), 0..6).prop_map(|writes| {
        let mut batch = Batch::new();
        for write in writes {
            batch.push(write);
        }
        batch
    });
    prop_oneof![8 => prop::collection::vec(batch, 1..6).prop_map(Step::Commit), 1 => Just(Step::Reopen)]
}

/// Commits all of the batches at once, and answers what each was told.
pub(crate) fn commit_all(runtime: &Runtime, store: &Arc<impl Store>, batches: &[Batch]) -> Vec<Result<(), CommitError>> {
    runtime.block_on(async {
        let mut answers = tokio::task::JoinSet::new();
        // Polled in order, so where one thread runs them they queue up in order.
        for (position, batch) in batches.iter().enumerate() {
            let (store, batch) = (Arc::clone(store), batch.clone());
            answers.spawn(async move { (position, store.commit(batch).await) });
        }
        let mut all = answers.join_all().await;
        all.sort_by_key(|(position, _)| *position);
        all.into_iter().map(|(_, answer)| answer).collect()
    })
}

/// Commits the batches in memory in an order that gives the answers and the contents the store gave.
pub(crate) fn matches_some_order(
    runtime: &Runtime,
    memory: &Memory,
    batches: &[Batch],
    answers: &[Result<(), CommitError>],
    store: &impl Store,
) -> bool {
    let contents = runtime.block_on(everything(store));
    let mut order: Vec<usize> = (0..batches.len()).collect();
    permute(&mut order, 0, &mut |order| {
        let trial = memory.fork();
        let agrees = order.iter().all(|position| runtime.block_on(trial.commit(batches[*position].clone())) == answers[*position]);
        let same = agrees
            && runtime.block_on(everything(&trial)) == contents
            && scans_agree(runtime, &trial, store)
            && gets_agree(runtime, &trial, store);
        if same {
            memory.replace(trial);
        }
        same
    })
}

fn scans_agree(runtime: &Runtime, memory: &Memory, store: &impl Store) -> bool {
    let (_, links) = runtime.block_on(everything(memory));
    links.iter().all(|(list, _)| {
        let scan = Scan::newest(*list, MAX_LIMIT);
        runtime.block_on(memory.scan(scan)) == runtime.block_on(store.scan(scan))
    })
}

/// Together and one by one, which are read differently.
pub(crate) fn gets_agree(runtime: &Runtime, memory: &Memory, store: &impl Store) -> bool {
    let keys = all_keys();
    runtime.block_on(memory.get(&keys)) == runtime.block_on(store.get(&keys))
        && keys.iter().all(|key| runtime.block_on(memory.get_one(key)) == runtime.block_on(store.get_one(key)))
}

/// Tries orders, the natural one first, until one is good.
fn permute(order: &mut Vec<usize>, from: usize, good: &mut impl FnMut(&[usize]) -> bool) -> bool {
    if from == order.len() {
        return good(order);
    }
    for next in from..order.len() {
        order[from..=next].rotate_right(1);
        if permute(order, from + 1, good) {
            return true;
        }
        order[from..=next].rotate_left(1);
    }
    false
}
