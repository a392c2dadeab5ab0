//! When keys were used last: remembered as they are, and written down now and then, so that no request waits for it.
//!
//! What a process that is killed had not written down is lost: it says when a key was used at least, not at most.

use std::collections::HashMap;

use domain::id::{ApiKeyId, Ulid};
use domain::scope::Scope;
use domain::time::Timestamp;
use parking_lot::Mutex;
use store::{Batch, Key, Kind, Precondition};

use crate::error::Error;
use crate::platform::Platform;
use crate::records::{decode, encode};

/// Keys remembered until they are written down: beyond so many, some uses are not told.
const MAX_KEYS: usize = 10_000;
/// Keys written down in one commit.
const AT_ONCE: usize = store::batch::MAX_WRITES;

/// Uses that were not written down yet.
#[derive(Default)]
pub(crate) struct KeyUses(Mutex<HashMap<Ulid, Timestamp>>);

fn place(id: Ulid) -> Key {
    Key::named(Scope::PLATFORM, Kind::Setting, format!("key-used:{id}"))
}

impl Platform {
    /// A key was used now.
    pub fn key_was_used(&self, id: ApiKeyId) {
        let now = self.now();
        let mut uses = self.key_uses.0.lock();
        if uses.len() < MAX_KEYS || uses.contains_key(&id.ulid()) {
            uses.insert(id.ulid(), now);
        }
    }

    /// Writes down when keys were used.
    ///
    /// # Errors
    /// The store failed; what was not written is not told.
    pub async fn note_key_uses(&self) -> Result<(), Error> {
        let uses: Vec<(Ulid, Timestamp)> = std::mem::take(&mut *self.key_uses.0.lock()).into_iter().collect();
        for part in uses.chunks(AT_ONCE) {
            let mut batch = Batch::new();
            for (id, at) in part {
                batch.put(place(*id), encode(at)?, Precondition::Any);
            }
            self.commit_without_row(batch).await?;
        }
        Ok(())
    }

    /// When a key was used last, as far as it was written down.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn key_last_used(&self, id: ApiKeyId) -> Result<Option<Timestamp>, Error> {
        self.store.get_one(&place(id.ulid())).await?.map(|item| decode(&item.body)).transpose()
    }
}
