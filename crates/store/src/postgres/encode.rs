//! A batch as the arrays that the database's function takes.
//!
//! Each array is sorted by key, so that commits lock what they share in one order and seldom wait for each other in a
//! circle.

use tokio_postgres::types::ToSql;

use super::codec::{entry_bytes, key_bytes};
use crate::batch::{Batch, Precondition, Write};

/// No record is ever at this revision.
const NEVER: i64 = -1;

/// The function that [`Arrays::parameters`] are for.
pub(super) const COMMIT: &str = "SELECT bursar.commit_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/// What a record holds afterwards.
struct Body {
    text: Option<String>,
    /// Only what no text of the database can be.
    bytes: Option<Vec<u8>>,
}

impl Body {
    fn new(body: Vec<u8>) -> Self {
        if body.contains(&0) {
            return Self { text: None, bytes: Some(body) };
        }
        match String::from_utf8(body) {
            Ok(text) => Self { text: Some(text), bytes: None },
            Err(error) => Self { text: None, bytes: Some(error.into_bytes()) },
        }
    }
}

/// Records with bodies. `bytes` stays empty when all are text: what an array lacks is null.
#[derive(Default)]
struct Puts {
    keys: Vec<Vec<u8>>,
    texts: Vec<Option<String>>,
    bytes: Vec<Option<Vec<u8>>>,
}

impl Puts {
    fn push(&mut self, key: Vec<u8>, body: Body) {
        if let Some(bytes) = body.bytes {
            self.bytes.resize(self.keys.len(), None);
            self.bytes.push(Some(bytes));
        }
        self.keys.push(key);
        self.texts.push(body.text);
    }
}

/// Records at a revision.
#[derive(Default)]
struct Expected {
    keys: Vec<Vec<u8>>,
    revisions: Vec<i64>,
}

impl Expected {
    fn push(&mut self, key: Vec<u8>, revision: u64) {
        self.keys.push(key);
        self.revisions.push(stored(revision));
    }
}

fn stored(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(NEVER)
}

/// A batch, ready to be sent.
#[derive(Default)]
pub(super) struct Arrays {
    updated: Puts,
    updated_from: Vec<i64>,
    checked: Expected,
    removed: Expected,
    dropped: Vec<Vec<u8>>,
    put: Puts,
    absent: Vec<Vec<u8>>,
    created: Puts,
    linked: Vec<Vec<u8>>,
    unlinked: Vec<Vec<u8>>,
}

impl Arrays {
    /// Of valid batches that touch nothing in common.
    pub(super) fn new(batches: impl IntoIterator<Item = Batch>) -> Self {
        let writes = batches.into_iter().flat_map(Batch::into_writes);
        let mut keyed: Vec<(Vec<u8>, Write)> = writes.map(|write| (bytes_of(&write), write)).collect();
        keyed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut arrays = Self::default();
        for (key, write) in keyed {
            arrays.push(key, write);
        }
        arrays
    }

    fn push(&mut self, key: Vec<u8>, write: Write) {
        match write {
            Write::Put { body, precondition: Precondition::Revision(revision), .. } => {
                self.updated.push(key, Body::new(body));
                self.updated_from.push(stored(revision));
            }
            Write::Put { body, precondition: Precondition::Any, .. } => self.put.push(key, Body::new(body)),
            Write::Put { body, precondition: Precondition::Absent, .. } => self.created.push(key, Body::new(body)),
            Write::Delete { precondition: Precondition::Revision(revision), .. } => self.removed.push(key, revision),
            Write::Delete { precondition: Precondition::Any, .. } => self.dropped.push(key),
            Write::Check { precondition: Precondition::Revision(revision), .. } => self.checked.push(key, revision),
            Write::Delete { precondition: Precondition::Absent, .. } | Write::Check { precondition: Precondition::Absent, .. } => {
                self.absent.push(key);
            }
            Write::Check { precondition: Precondition::Any, .. } => {}
            Write::Link { .. } => self.linked.push(key),
            Write::Unlink { .. } => self.unlinked.push(key),
        }
    }

    /// In the order of [`COMMIT`].
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 18] {
        [
            &self.updated.keys,
            &self.updated_from,
            &self.updated.texts,
            &self.updated.bytes,
            &self.checked.keys,
            &self.checked.revisions,
            &self.removed.keys,
            &self.removed.revisions,
            &self.dropped,
            &self.put.keys,
            &self.put.texts,
            &self.put.bytes,
            &self.absent,
            &self.created.keys,
            &self.created.texts,
            &self.created.bytes,
            &self.linked,
            &self.unlinked,
        ]
    }
}

fn bytes_of(write: &Write) -> Vec<u8> {
    match write {
        Write::Put { key, .. } | Write::Delete { key, .. } | Write::Check { key, .. } => key_bytes(key),
        Write::Link { list, id } | Write::Unlink { list, id } => entry_bytes(list, *id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{id, scope};
    use crate::key::{Key, Kind};

    #[test]
    fn keys_are_sorted_and_bodies_stay_with_them() {
        let bodies: [&[u8]; 4] = [b"3", b"\xff", b"1\0", b"2"];
        let mut batch = Batch::new();
        for (n, body) in [3, 4, 1, 2].into_iter().zip(bodies) {
            batch.create(Key::object(scope(), Kind::Charge, id(n)), body.to_vec());
        }
        let created = Arrays::new([batch]).created;
        let keys: Vec<Vec<u8>> = (1..=4).map(|n| key_bytes(&Key::object(scope(), Kind::Charge, id(n)))).collect();
        assert_eq!(created.keys, keys);
        assert_eq!(created.texts, [None, Some("2".to_owned()), Some("3".to_owned()), None]);
        assert_eq!(created.bytes, [Some(b"1\0".to_vec()), None, None, Some(b"\xff".to_vec())]);
    }

    #[test]
    fn a_revision_that_no_record_can_have_matches_none() {
        assert_eq!((stored(u64::MAX), stored(7)), (NEVER, 7));
    }
}
