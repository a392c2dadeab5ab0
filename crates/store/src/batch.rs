//! What must happen together: a batch of writes, each with its precondition.
//!
//! The bounds are those of the tightest engine foreseen (`DynamoDB`'s 100 items, 400 kB an item and 4 MB a
//! transaction), and so is the rule that a batch touches no record and no list entry twice.
//!
//! Absent on purpose: reads inside a batch, and writes that depend on what another write of the batch did.

use domain::id::Ulid;

use crate::key::{Key, List};

/// The most writes of one batch.
pub const MAX_WRITES: usize = 100;
/// The longest body of one record.
pub const MAX_BODY: usize = 400_000;
/// The most bytes of all bodies of one batch.
pub const MAX_BATCH_BYTES: usize = 4_000_000;

/// What must be true of a record just before the batch is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing in particular.
    Any,
    /// There is no such record.
    Absent,
    /// The record is at this revision.
    Revision(u64),
}

/// One write of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The record has this body afterwards; its revision is 1 if it was absent, else one more than before.
    Put {
        /// Which record.
        key: Key,
        /// What it holds afterwards.
        body: Vec<u8>,
        /// What must be true of it before.
        precondition: Precondition,
    },
    /// The record is absent afterwards.
    Delete {
        /// Which record.
        key: Key,
        /// What must be true of it before.
        precondition: Precondition,
    },
    /// The record stays as it is.
    Check {
        /// Which record.
        key: Key,
        /// What must be true of it.
        precondition: Precondition,
    },
    /// The list has this entry afterwards.
    Link {
        /// Which list.
        list: List,
        /// Which entry.
        id: Ulid,
    },
    /// The list lacks this entry afterwards.
    Unlink {
        /// Which list.
        list: List,
        /// Which entry.
        id: Ulid,
    },
}

impl Write {
    fn record(&self) -> Option<&Key> {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Check { key, .. } => Some(key),
            Self::Link { .. } | Self::Unlink { .. } => None,
        }
    }

    fn touches_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Link { list, id } | Self::Unlink { list, id },
                Self::Link { list: other_list, id: other_id } | Self::Unlink { list: other_list, id: other_id },
            ) => id == other_id && list == other_list,
            _ => self.record().is_some() && self.record() == other.record(),
        }
    }
}

/// Why no engine would take a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBatch {
    /// More than [`MAX_WRITES`] writes.
    #[error("a batch of {0} writes; at most {MAX_WRITES} are allowed")]
    TooManyWrites(usize),
    /// A body longer than [`MAX_BODY`].
    #[error("the body of write {write} is too long")]
    BodyTooLong {
        /// Its position in the batch.
        write: usize,
    },
    /// More than [`MAX_BATCH_BYTES`] of bodies.
    #[error("a batch with {0} bytes of bodies; at most {MAX_BATCH_BYTES} are allowed")]
    TooManyBytes(usize),
    /// An empty name, or one longer than [`crate::key::MAX_NAME`].
    #[error("the name in write {write} is empty or too long")]
    NameLength {
        /// Its position in the batch.
        write: usize,
    },
    /// Two writes on one record or on one list entry.
    #[error("write {write} touches what an earlier write of the batch touches")]
    TouchedTwice {
        /// The position of the second one.
        write: usize,
    },
}

/// Writes that land together or not at all. Building never fails; [`Batch::check`] says whether it is valid,
/// and every engine asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(Vec<Write>);

impl Batch {
    /// A batch without writes, which commits at once.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds any write.
    pub fn push(&mut self, write: Write) -> &mut Self {
        self.0.push(write);
        self
    }

    /// Adds a record under a precondition.
    pub fn put(&mut self, key: impl Into<Key>, body: Vec<u8>, precondition: Precondition) -> &mut Self {
        self.push(Write::Put { key: key.into(), body, precondition })
    }

    /// Adds a record that must not be there yet.
    pub fn create(&mut self, key: impl Into<Key>, body: Vec<u8>) -> &mut Self {
        self.put(key, body, Precondition::Absent)
    }

    /// Adds a record that must still be at the revision that was read.
    pub fn update(&mut self, key: impl Into<Key>, body: Vec<u8>, revision: u64) -> &mut Self {
        self.put(key, body, Precondition::Revision(revision))
    }

    /// Removes a record under a precondition.
    pub fn delete(&mut self, key: impl Into<Key>, precondition: Precondition) -> &mut Self {
        self.push(Write::Delete { key: key.into(), precondition })
    }

    /// Only asserts something about a record.
    pub fn assert(&mut self, key: impl Into<Key>, precondition: Precondition) -> &mut Self {
        self.push(Write::Check { key: key.into(), precondition })
    }

    /// Adds an entry to a list; nothing happens if it is there.
    pub fn link(&mut self, list: List, id: Ulid) -> &mut Self {
        self.push(Write::Link { list, id })
    }

    /// Removes an entry from a list; nothing happens if it is not there.
    pub fn unlink(&mut self, list: List, id: Ulid) -> &mut Self {
        self.push(Write::Unlink { list, id })
    }

    /// The writes in their order.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.0
    }

    /// The writes in their order, by value.
    #[must_use]
    pub fn into_writes(self) -> Vec<Write> {
        self.0
    }

    /// How many writes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the batch keeps the bounds and touches nothing twice.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn check(&self) -> Result<(), InvalidBatch> {
        if self.0.len() > MAX_WRITES {
            return Err(InvalidBatch::TooManyWrites(self.0.len()));
        }
        let mut bytes: usize = 0;
        // At most 100 writes, and comparing two keys mostly ends at their first word: pairs beat a hash set here.
        for (position, write) in self.0.iter().enumerate() {
            if write.record().is_some_and(|key| !key.name_fits()) {
                return Err(InvalidBatch::NameLength { write: position });
            }
            if let Write::Put { body, .. } = write {
                if body.len() > MAX_BODY {
                    return Err(InvalidBatch::BodyTooLong { write: position });
                }
                bytes = bytes.saturating_add(body.len());
            }
            if self.0.iter().take(position).any(|earlier| earlier.touches_the_same_as(write)) {
                return Err(InvalidBatch::TouchedTwice { write: position });
            }
        }
        if bytes > MAX_BATCH_BYTES { Err(InvalidBatch::TooManyBytes(bytes)) } else { Ok(()) }
    }
}
