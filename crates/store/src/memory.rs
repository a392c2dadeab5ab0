//! The engine that keeps everything in memory: for tests, for simulation, and as the contract's plainest
//! reading that other engines are compared with.
//!
//! One lock around sorted maps: a commit is judged and applied under it, so batches are serial.
//! Absent on purpose: durability, and a bound on what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;
use domain::id::{AccountId, Ulid};
use domain::scope::{Mode, Scope};
use parking_lot::RwLock;

use crate::batch::{Batch, Precondition, Write};
use crate::contract::{
    CommitError, Cursor, Exported, ExportedLink, InvalidRead, Item, Order, ReadError, Scan, Store, check_keys, check_limit,
};
use crate::key::{Index, Key, Kind, List, NamedKey};

/// The records of a kind, in the order of export: named ones, then objects by identifier.
#[derive(Clone, Default)]
struct Records {
    named: BTreeMap<NamedKey, Item>,
    objects: BTreeMap<(Ulid, Scope), Item>,
}

impl Records {
    fn get(&self, key: &Key) -> Option<&Item> {
        match key {
            Key::Named(key) => self.named.get(key),
            Key::Object(key) => self.objects.get(&(key.id, key.scope)),
        }
    }

    fn put(&mut self, key: Key, body: Vec<u8>) {
        let revision = self.get(&key).map_or(1, |item| item.revision.saturating_add(1));
        let item = Item { revision, body };
        match key {
            Key::Named(key) => self.named.insert(key, item),
            Key::Object(key) => self.objects.insert((key.id, key.scope), item),
        };
    }

    fn delete(&mut self, key: &Key) {
        match key {
            Key::Named(key) => self.named.remove(key),
            Key::Object(key) => self.objects.remove(&(key.id, key.scope)),
        };
    }

    /// All of them, or those after one.
    fn after(&self, kind: Kind, after: Option<&Key>) -> impl Iterator<Item = (Key, &Item)> {
        let (named, objects) = match after {
            None => (Some(Bound::Unbounded), Bound::Unbounded),
            Some(Key::Named(key)) => (Some(Bound::Excluded(key)), Bound::Unbounded),
            Some(Key::Object(key)) => (None, Bound::Excluded((key.id, key.scope))),
        };
        let named = named.into_iter().flat_map(|from| self.named.range::<NamedKey, _>((from, Bound::Unbounded)));
        let objects = self.objects.range((objects, Bound::Unbounded));
        let object = move |((id, scope), item): (&(Ulid, Scope), _)| (Key::object(*scope, kind, *id), item);
        named.map(|(key, item)| (Key::Named(key.clone()), item)).chain(objects.map(object))
    }
}

fn cursor_of(key: &Key) -> Cursor {
    let mut bytes = Vec::new();
    match key {
        Key::Named(key) => {
            bytes.push(0);
            write_scope(&mut bytes, key.scope);
            bytes.extend_from_slice(&key.name);
        }
        Key::Object(key) => {
            bytes.push(1);
            write_scope(&mut bytes, key.scope);
            bytes.extend_from_slice(&key.id.bits().to_be_bytes());
        }
    }
    Cursor::from_bytes(bytes)
}

fn key_at(kind: Kind, cursor: &Cursor) -> Option<Key> {
    let (tag, rest) = cursor.as_bytes().split_first()?;
    let (scope, rest) = read_scope(rest)?;
    match tag {
        0 => Some(Key::named(scope, kind, rest)),
        1 => Some(Key::object(scope, kind, read_ulid(rest)?)),
        _ => None,
    }
}

fn write_scope(bytes: &mut Vec<u8>, scope: Scope) {
    bytes.push(u8::from(scope.mode.is_live()));
    bytes.extend_from_slice(&scope.account.ulid().bits().to_be_bytes());
}

fn read_scope(bytes: &[u8]) -> Option<(Scope, &[u8])> {
    let (live, rest) = bytes.split_first()?;
    let (account, rest) = rest.split_at_checked(size_of::<u128>())?;
    let mode = if *live == 1 { Mode::Live } else { Mode::Test };
    Some((Scope { account: AccountId::new(read_ulid(account)?), mode }, rest))
}

fn read_ulid(bytes: &[u8]) -> Option<Ulid> {
    bytes.try_into().ok().map(|bits| Ulid::from_bits(u128::from_be_bytes(bits)))
}

fn link_cursor(list: &List, id: Ulid) -> Cursor {
    let mut bytes = Vec::new();
    write_scope(&mut bytes, list.scope);
    bytes.push(list.index.code());
    bytes.extend_from_slice(&id.bits().to_be_bytes());
    if let Some(parent) = list.parent {
        bytes.extend_from_slice(&parent.bits().to_be_bytes());
    }
    Cursor::from_bytes(bytes)
}

fn link_at(cursor: &Cursor) -> Option<(List, Ulid)> {
    let (scope, rest) = read_scope(cursor.as_bytes())?;
    let (code, rest) = rest.split_first()?;
    let (id, parent) = rest.split_at_checked(size_of::<u128>())?;
    let parent = if parent.is_empty() { None } else { Some(read_ulid(parent)?) };
    Some((List { scope, index: Index::from_code(*code)?, parent }, read_ulid(id)?))
}

#[derive(Clone, Default)]
struct State {
    records: BTreeMap<Kind, Records>,
    lists: BTreeMap<List, BTreeSet<Ulid>>,
}

impl State {
    fn item(&self, key: &Key) -> Option<&Item> {
        self.records.get(&key.kind())?.get(key)
    }

    fn holds(&self, key: &Key, precondition: Precondition) -> bool {
        match precondition {
            Precondition::Any => true,
            Precondition::Absent => self.item(key).is_none(),
            Precondition::Revision(revision) => self.item(key).is_some_and(|item| item.revision == revision),
        }
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Put { key, body, .. } => self.records.entry(key.kind()).or_default().put(key, body),
            Write::Delete { key, .. } => {
                if let Some(records) = self.records.get_mut(&key.kind()) {
                    records.delete(&key);
                }
            }
            Write::Check { .. } => {}
            Write::Link { list, id } => {
                self.lists.entry(list).or_default().insert(id);
            }
            Write::Unlink { list, id } => {
                if let Some(entries) = self.lists.get_mut(&list) {
                    entries.remove(&id);
                    if entries.is_empty() {
                        self.lists.remove(&list);
                    }
                }
            }
        }
    }
}

/// Everything in memory, gone with the process.
#[derive(Default)]
pub struct Memory(RwLock<State>);

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(crate) fn fork(&self) -> Self {
        Self(RwLock::new(self.0.read().clone()))
    }

    #[cfg(test)]
    pub(crate) fn replace(&self, other: Self) {
        *self.0.write() = other.0.into_inner();
    }
}

#[async_trait]
impl Store for Memory {
    fn is_shared(&self) -> bool {
        false
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        check_keys(keys)?;
        let state = self.0.read();
        Ok(keys.iter().map(|key| state.item(key).cloned()).collect())
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        check_limit(scan.limit)?;
        let state = self.0.read();
        let Some(entries) = state.lists.get(&scan.list) else { return Ok(Vec::new()) };
        // A range whose ends meet would make the map panic.
        if let (Some(newer), Some(older)) = (scan.newer_than, scan.older_than)
            && newer >= older
        {
            return Ok(Vec::new());
        }
        let from = scan.newer_than.map_or(Bound::Unbounded, Bound::Excluded);
        let to = scan.older_than.map_or(Bound::Unbounded, Bound::Excluded);
        let range = entries.range((from, to)).copied();
        Ok(match scan.order {
            Order::OldestFirst => range.take(scan.limit).collect(),
            Order::NewestFirst => range.rev().take(scan.limit).collect(),
        })
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        check_limit(limit)?;
        let after = after.map(|cursor| key_at(kind, &cursor).ok_or(InvalidRead::Cursor)).transpose()?;
        let state = self.0.read();
        let records = state.records.get(&kind).into_iter().flat_map(|records| records.after(kind, after.as_ref()));
        Ok(records.take(limit).map(|(key, item)| Exported { cursor: cursor_of(&key), key, item: item.clone() }).collect())
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        check_limit(limit)?;
        let after = after.map(|cursor| link_at(&cursor).ok_or(InvalidRead::Cursor)).transpose()?;
        let state = self.0.read();
        let from = after.map_or(Bound::Unbounded, |(list, _)| Bound::Included(list));
        let entries = state.lists.range((from, Bound::Unbounded)).flat_map(|(list, ids)| ids.iter().map(move |id| (*list, *id)));
        let rest = entries.filter(|entry| after.is_none_or(|after| *entry > after));
        Ok(rest.take(limit).map(|(list, id)| ExportedLink { cursor: link_cursor(&list, id), list, id }).collect())
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check()?;
        let mut state = self.0.write();
        for (position, write) in batch.writes().iter().enumerate() {
            let (Write::Put { key, precondition, .. } | Write::Delete { key, precondition } | Write::Check { key, precondition }) = write
            else {
                continue;
            };
            if !state.holds(key, *precondition) {
                return Err(CommitError::PreconditionFailed { write: position });
            }
        }
        for write in batch.into_writes() {
            state.apply(write);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    crate::conformance_tests!((Arc::new(Memory::new()), ()));
}
