//! Random batches, on this engine and in memory: same answers, same contents, also after opening again.

use proptest::prelude::*;
use std::sync::Arc;

use super::Place;
use crate::conformance::everything;
use crate::differential::{Step, commit_all, gets_agree, matches_some_order, step};
use crate::embedded::fresh::Fresh;
use crate::embedded::{Embedded, Options};
use crate::memory::Memory;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_file_and_memory_agree(steps in prop::collection::vec(step(), 1..12), crowded: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let place = Place::new();
        // Sometimes with hashes that collide and a sweep that is always under way.
        let open = || match crowded {
            true => Arc::new(Embedded::open_tuned(&place.file(), Options::default(), 3, Fresh::gathering(2)).unwrap()),
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
            let answers = commit_all(&runtime, file, &batches);
            // A scope that is new makes a commit wait for its number, so the order may differ: where memory
            // disagrees about single answers, only whole sequences count.
            prop_assert!(matches_some_order(&runtime, &memory, &batches, &answers, &**file), "answers {answers:?}");
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
