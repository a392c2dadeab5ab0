//! A batch in the form the writer applies. Encoding happens in the caller's thread: the writer's time is
//! what bounds the whole store.

use crate::batch::{Batch, Precondition, Write};
use crate::contract::CommitError;
use crate::key::{Key, Kind};

use super::codec::{NameHash, ScopeNumber, list_key, named_key, object_key, ulid_bytes};
use crate::bodies::Bodies;
use domain::scope::Scope;

/// What is a file's own of how things are written in it.
pub(super) struct Coding {
    pub(super) hash: NameHash,
    pub(super) bodies: Bodies,
}

/// Where a record is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In this row.
    Row(i64),
    /// Under this hash of its name.
    Hash(i64),
}

/// What happens to a record.
pub(super) enum Action {
    /// It holds this body, as it is to be kept.
    Put(Vec<u8>),
    /// It goes.
    Delete,
    /// Nothing.
    Check,
}

/// One write on a record.
pub(super) struct RecordWrite {
    /// Its position in the batch.
    pub(super) write: usize,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) key: Vec<u8>,
    pub(super) precondition: Precondition,
    pub(super) action: Action,
}

/// One write on a list.
pub(super) struct LinkWrite {
    pub(super) list: Vec<u8>,
    pub(super) id: [u8; 16],
    pub(super) present: bool,
}

/// A batch, ready to be applied.
pub(super) struct Encoded {
    pub(super) records: Vec<RecordWrite>,
    pub(super) links: Vec<LinkWrite>,
    /// How much memory it holds, roughly.
    pub(super) bytes: usize,
}

/// The place and `key` column of a record.
pub(super) fn locate(key: &Key, scope: ScopeNumber, hash: &NameHash) -> (Place, Vec<u8>) {
    match key {
        Key::Object(object) => (Place::Row(object.id.row()), object_key(scope, object.id)),
        Key::Named(named) => {
            let bytes = named_key(scope, &named.name);
            (Place::Hash(hash.of(named.kind, &bytes)), bytes)
        }
    }
}

/// The scopes a batch speaks of, each once.
pub(super) fn scopes_of(batch: &Batch) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = Vec::with_capacity(2);
    for write in batch.writes() {
        let scope = match write {
            Write::Put { key, .. } | Write::Delete { key, .. } | Write::Check { key, .. } => key.scope(),
            Write::Link { list, .. } | Write::Unlink { list, .. } => list.scope,
        };
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// Encodes a valid batch, given the numbers of all its scopes.
pub(super) fn encode(batch: Batch, numbers: &[(Scope, ScopeNumber)], coding: &Coding) -> Result<Encoded, CommitError> {
    let number = |scope: Scope| {
        let found = numbers.iter().find(|(known, _)| *known == scope);
        found.map(|(_, number)| *number).ok_or_else(|| CommitError::Unavailable("a scope without a number".to_owned()))
    };
    let writes = batch.into_writes();
    let mut encoded = Encoded { records: Vec::with_capacity(writes.len()), links: Vec::with_capacity(writes.len()), bytes: 0 };
    for (position, write) in writes.into_iter().enumerate() {
        let (key, precondition, action) = match write {
            Write::Put { key, body, precondition } => {
                let kept = coding.bodies.pack(body).map_err(CommitError::Unavailable)?;
                (key, precondition, Action::Put(kept))
            }
            Write::Delete { key, precondition } => (key, precondition, Action::Delete),
            Write::Check { key, precondition } => (key, precondition, Action::Check),
            Write::Link { list, id } => {
                encoded.link(list_key(number(list.scope)?, list.index, list.parent), ulid_bytes(id), true);
                continue;
            }
            Write::Unlink { list, id } => {
                encoded.link(list_key(number(list.scope)?, list.index, list.parent), ulid_bytes(id), false);
                continue;
            }
        };
        let (place, bytes) = locate(&key, number(key.scope())?, &coding.hash);
        encoded.record(RecordWrite { write: position, kind: key.kind(), place, key: bytes, precondition, action })?;
    }
    Ok(encoded)
}

impl Encoded {
    fn link(&mut self, list: Vec<u8>, id: [u8; 16], present: bool) {
        self.bytes = self.bytes.saturating_add(list.len()).saturating_add(size_of::<LinkWrite>());
        self.links.push(LinkWrite { list, id, present });
    }

    fn record(&mut self, write: RecordWrite) -> Result<(), CommitError> {
        // Two identifiers with the same row cannot both be kept; the caller draws another, as after any
        // failed precondition on a new record.
        let shares_a_row = |other: &RecordWrite| other.place == write.place && other.kind == write.kind;
        if matches!(write.place, Place::Row(_)) && self.records.iter().any(shares_a_row) {
            return Err(CommitError::PreconditionFailed { write: write.write });
        }
        let body = if let Action::Put(body) = &write.action { body.len() } else { 0 };
        self.bytes = self.bytes.saturating_add(body).saturating_add(write.key.len()).saturating_add(size_of::<RecordWrite>());
        self.records.push(write);
        Ok(())
    }
}
