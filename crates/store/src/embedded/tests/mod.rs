//! What the embedded engine promises: the contract, alone and compared with memory, and what happens when
//! the file, the disk or another process stand in the way.

mod collisions;
mod differential;
mod faults;
mod files;
mod groups;
mod views;

use std::path::PathBuf;
use std::sync::Arc;

use super::{Embedded, Options};
use crate::batch::{Batch, Precondition};
use crate::conformance::{id, scope};
use crate::key::{Key, Kind};

/// A directory that goes away with the test, and the store's file in it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("deep").join("bursar.db")
    }

    fn open(&self) -> Arc<Embedded> {
        self.open_with(Options::default())
    }

    fn open_with(&self, options: Options) -> Arc<Embedded> {
        Arc::new(Embedded::open(&self.file(), options).unwrap())
    }
}

fn intent(n: u32) -> Key {
    Key::object(scope(), Kind::PaymentIntent, id(n))
}

fn create(n: u32) -> Batch {
    let mut batch = Batch::new();
    batch.create(intent(n), format!("{{\"n\":{n}}}").into_bytes());
    batch
}

fn put(key: Key, body: &[u8], precondition: Precondition) -> Batch {
    let mut batch = Batch::new();
    batch.put(key, body.to_vec(), precondition);
    batch
}

/// A body that nothing makes shorter.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

mod alone {
    use super::Place;

    crate::conformance_tests!({
        let place = Place::new();
        (place.open(), place)
    });
}
