//! Batches as the arrays that the database's function takes.
//!
//! A batch is encoded by its caller; several that touch nothing in common can go to the database as one. Each array is
//! sorted by key, so that commits lock what they share in one order and seldom wait for each other in a circle.

use tokio_postgres::types::ToSql;

use crate::batch::{Batch, Precondition, Write};
use crate::codec::{entry_bytes, key_bytes};

/// No record is ever at this revision.
const NEVER: i64 = -1;

/// The function that [`Arrays::parameters`] are for.
pub(super) const COMMIT: &str = "SELECT bursar.commit_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/// What a record holds afterwards.
enum Body {
    Text(String),
    /// Only what no text of the database can be.
    Bytes(Vec<u8>),
}

impl Body {
    fn new(body: Vec<u8>) -> Self {
        if body.contains(&0) {
            return Self::Bytes(body);
        }
        String::from_utf8(body).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Text)
    }
}

enum Change {
    Update { from: i64, to: Body },
    Check { at: i64 },
    Remove { at: i64 },
    Drop,
    Put(Body),
    Absent,
    Create(Body),
    Link,
    Unlink,
}

/// What must be true of a record, and which write of its batch says so.
pub(super) struct Condition {
    pub(super) write: usize,
    pub(super) key: Vec<u8>,
    /// `None`: it is not there.
    pub(super) revision: Option<u64>,
}

/// A batch, ready to be sent.
pub(super) struct Encoded {
    changes: Vec<(Vec<u8>, Change)>,
    /// In the order of the writes.
    pub(super) conditions: Vec<Condition>,
    /// How long its bodies are.
    pub(super) bytes: usize,
}

fn stored(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(NEVER)
}

impl Encoded {
    /// Of a valid batch.
    pub(super) fn new(batch: Batch) -> Self {
        let writes = batch.into_writes();
        let mut this = Self { changes: Vec::with_capacity(writes.len()), conditions: Vec::with_capacity(writes.len()), bytes: 0 };
        for (position, write) in writes.into_iter().enumerate() {
            this.push(position, write);
        }
        this
    }

    fn push(&mut self, write: usize, what: Write) {
        let (key, precondition, change) = match what {
            Write::Put { key, body, precondition } => {
                self.bytes = self.bytes.saturating_add(body.len());
                let body = Body::new(body);
                let change = match precondition {
                    Precondition::Any => Change::Put(body),
                    Precondition::Absent => Change::Create(body),
                    Precondition::Revision(from) => Change::Update { from: stored(from), to: body },
                };
                (key, precondition, change)
            }
            Write::Delete { key, precondition } => {
                let change = match precondition {
                    Precondition::Any => Change::Drop,
                    Precondition::Absent => Change::Absent,
                    Precondition::Revision(at) => Change::Remove { at: stored(at) },
                };
                (key, precondition, change)
            }
            Write::Check { key, precondition } => {
                let change = match precondition {
                    Precondition::Any => return,
                    Precondition::Absent => Change::Absent,
                    Precondition::Revision(at) => Change::Check { at: stored(at) },
                };
                (key, precondition, change)
            }
            Write::Link { list, id } => return self.changes.push((entry_bytes(&list, id), Change::Link)),
            Write::Unlink { list, id } => return self.changes.push((entry_bytes(&list, id), Change::Unlink)),
        };
        let key = key_bytes(&key);
        let revision = match precondition {
            Precondition::Any => None,
            Precondition::Absent => Some(None),
            Precondition::Revision(revision) => Some(Some(revision)),
        };
        if let Some(revision) = revision {
            self.conditions.push(Condition { write, key: key.clone(), revision });
        }
        self.changes.push((key, change));
    }

    /// The bytes of all that it touches.
    pub(super) fn touched(&self) -> impl Iterator<Item = &[u8]> {
        self.changes.iter().map(|(key, _)| key.as_slice())
    }
}

/// Records with bodies. `bytes` stays empty when all are text: what an array lacks is null.
#[derive(Default)]
struct Puts<'a> {
    keys: Vec<&'a [u8]>,
    texts: Vec<Option<&'a str>>,
    bytes: Vec<Option<&'a [u8]>>,
}

impl<'a> Puts<'a> {
    fn push(&mut self, key: &'a [u8], body: &'a Body) {
        let (text, bytes) = match body {
            Body::Text(text) => (Some(text.as_str()), None),
            Body::Bytes(bytes) => (None, Some(bytes.as_slice())),
        };
        if bytes.is_some() {
            self.bytes.resize(self.keys.len(), None);
            self.bytes.push(bytes);
        }
        self.keys.push(key);
        self.texts.push(text);
    }
}

/// Records at a revision.
#[derive(Default)]
struct Expected<'a> {
    keys: Vec<&'a [u8]>,
    revisions: Vec<i64>,
}

impl<'a> Expected<'a> {
    fn push(&mut self, key: &'a [u8], revision: i64) {
        self.keys.push(key);
        self.revisions.push(revision);
    }
}

/// What is sent.
#[derive(Default)]
pub(super) struct Arrays<'a> {
    updated: Puts<'a>,
    updated_from: Vec<i64>,
    checked: Expected<'a>,
    removed: Expected<'a>,
    dropped: Vec<&'a [u8]>,
    put: Puts<'a>,
    absent: Vec<&'a [u8]>,
    created: Puts<'a>,
    linked: Vec<&'a [u8]>,
    unlinked: Vec<&'a [u8]>,
}

impl<'a> Arrays<'a> {
    /// Of batches that touch nothing in common.
    pub(super) fn new(batches: impl IntoIterator<Item = &'a Encoded>) -> Self {
        let mut changes: Vec<&(Vec<u8>, Change)> = batches.into_iter().flat_map(|batch| &batch.changes).collect();
        changes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut arrays = Self::default();
        for (key, change) in changes {
            match change {
                Change::Update { from, to } => {
                    arrays.updated.push(key, to);
                    arrays.updated_from.push(*from);
                }
                Change::Check { at } => arrays.checked.push(key, *at),
                Change::Remove { at } => arrays.removed.push(key, *at),
                Change::Drop => arrays.dropped.push(key),
                Change::Put(body) => arrays.put.push(key, body),
                Change::Absent => arrays.absent.push(key),
                Change::Create(body) => arrays.created.push(key, body),
                Change::Link => arrays.linked.push(key),
                Change::Unlink => arrays.unlinked.push(key),
            }
        }
        arrays
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{id, scope};
    use crate::key::{Key, Kind};

    fn charge(n: u32) -> Key {
        Key::object(scope(), Kind::Charge, id(n))
    }

    #[test]
    fn keys_of_all_batches_are_sorted_and_bodies_stay_with_them() {
        let (mut one, mut other) = (Batch::new(), Batch::new());
        one.create(charge(3), b"3".to_vec()).create(charge(1), b"1\0".to_vec());
        other.create(charge(4), b"\xff".to_vec()).create(charge(2), b"2".to_vec());
        let encoded = [one, other].map(Encoded::new);
        let created = Arrays::new(&encoded).created;
        let keys: Vec<Vec<u8>> = (1..=4).map(|n| key_bytes(&charge(n))).collect();
        assert_eq!(created.keys, keys);
        assert_eq!(created.texts, [None, Some("2"), Some("3"), None]);
        assert_eq!(created.bytes, [Some(&b"1\0"[..]), None, None, Some(b"\xff")]);
    }

    #[test]
    fn a_revision_that_no_record_can_have_matches_none() {
        assert_eq!((stored(u64::MAX), stored(7)), (NEVER, 7));
    }

    #[test]
    fn conditions_name_their_writes() {
        let mut batch = Batch::new();
        batch.delete(charge(1), Precondition::Any).update(charge(2), vec![], 5).assert(charge(3), Precondition::Absent);
        let encoded = Encoded::new(batch);
        let conditions: Vec<_> = encoded.conditions.iter().map(|one| (one.write, one.key.clone(), one.revision)).collect();
        assert_eq!(conditions, [(1, key_bytes(&charge(2)), Some(5)), (2, key_bytes(&charge(3)), None)]);
    }
}
