//! Random batches, on this engine and in memory: same answers, same contents, also after opening again.

use domain::id::AccountId;
use domain::id::Ulid;
use domain::scope::{Mode, Scope};
use proptest::prelude::*;

use super::Place;
use crate::batch::{Batch, Precondition, Write};
use crate::conformance::{everything, id};
use crate::contract::{MAX_LIMIT, Scan, Store};
use crate::embedded::fresh::Fresh;
use crate::embedded::{Embedded, Options};
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

#[derive(Clone, Debug)]
enum Step {
    /// All at once, so that they share groups.
    Commit(Vec<Batch>),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let batch = prop::collection::vec(write(), 0..6).prop_map(|writes| {
        let mut batch = Batch::new();
        for write in writes {
            batch.push(write);
        }
        batch
    });
    prop_oneof![8 => prop::collection::vec(batch, 1..6).prop_map(Step::Commit), 1 => Just(Step::Reopen)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_file_and_memory_agree(steps in prop::collection::vec(step(), 1..12), crowded: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let place = Place::new();
        // Sometimes with hashes that collide and a sweep that is always under way.
        let open = || match crowded {
            true => std::sync::Arc::new(Embedded::open_tuned(&place.file(), Options::default(), 3, Fresh::gathering(2)).unwrap()),
            false => place.open(),
        };
        let mut store = Some(open());
        let memory = Memory::new();
        for step in steps {
            let batches = match step {
                Step::Reopen => {
                    drop(store.take());
                    store = Some(open());
                    continue;
                }
                Step::Commit(batches) => batches,
            };
            let file = store.as_ref().unwrap();
            // Polled in order, so they queue up in order.
            let all = runtime.block_on(async {
                let mut answers = tokio::task::JoinSet::new();
                for (position, batch) in batches.iter().enumerate() {
                    let (file, batch) = (std::sync::Arc::clone(file), batch.clone());
                    answers.spawn(async move { (position, file.commit(batch).await) });
                }
                let mut all = answers.join_all().await;
                all.sort_by_key(|(position, _)| *position);
                all
            });
            // A scope that is new makes a commit wait for its number, so the order may differ: where memory
            // disagrees about single answers, only whole sequences count.
            let mut sorted: Vec<usize> = (0..batches.len()).collect();
            prop_assert!(matches_some_order(&runtime, &memory, &batches, &all, &mut sorted, file), "answers {all:?}");
        }
        let file = store.as_ref().unwrap();
        prop_assert_eq!(runtime.block_on(everything(&**file)), runtime.block_on(everything(&memory)));
        // Opened beside the writer they hash names in full, as the store must then, too.
        if !crowded {
            for beside in [Embedded::open_read_only(&place.file()).unwrap(), Embedded::open_snapshot(&place.file()).unwrap()] {
                prop_assert!(gets_agree(&runtime, &memory, &beside));
            }
        }
    }
}

/// Commits the batches in memory in an order that gives the answers and the contents the file gave.
fn matches_some_order(
    runtime: &tokio::runtime::Runtime,
    memory: &Memory,
    batches: &[Batch],
    answers: &[(usize, Result<(), crate::contract::CommitError>)],
    order: &mut Vec<usize>,
    file: &Embedded,
) -> bool {
    let contents = runtime.block_on(everything(file));
    permute(order, 0, &mut |order| {
        let trial = memory.fork();
        let agrees = order.iter().all(|position| runtime.block_on(trial.commit(batches[*position].clone())) == answers[*position].1);
        let same = agrees
            && runtime.block_on(everything(&trial)) == contents
            && scans_agree(runtime, &trial, file)
            && gets_agree(runtime, &trial, file);
        if same {
            memory.replace(trial);
        }
        same
    })
}

fn scans_agree(runtime: &tokio::runtime::Runtime, memory: &Memory, file: &Embedded) -> bool {
    let (_, links) = runtime.block_on(everything(memory));
    links.iter().all(|(list, _)| {
        let scan = Scan::newest(*list, MAX_LIMIT);
        runtime.block_on(memory.scan(scan)) == runtime.block_on(file.scan(scan))
    })
}

/// Together and one by one, which are read differently.
fn gets_agree(runtime: &tokio::runtime::Runtime, memory: &Memory, file: &Embedded) -> bool {
    let keys = all_keys();
    runtime.block_on(memory.get(&keys)) == runtime.block_on(file.get(&keys))
        && keys.iter().all(|key| runtime.block_on(memory.get_one(key)) == runtime.block_on(file.get_one(key)))
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
