//! The writer's statements, and how a batch is judged and applied inside the group's transaction.
//!
//! A batch whose precondition fails must leave no trace, while the batches before it in the same
//! transaction stay. Savepoints would copy every page they touch, so the order of work does it instead:
//!
//! 1. every precondition that takes a look is judged, before anything is written;
//! 2. new objects are inserted, and the primary key's conflict is their precondition; if one conflicts, those
//!    inserted before it are deleted again;
//! 3. all the rest is written, which no precondition can stop any more.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};

use super::codec::ScopeNumber;
use super::encode::{Action, Encoded, Place, RecordWrite};
use super::fresh::Fresh;
use super::links::Links;
use super::names::Names;
use super::views::Moment;
use super::{schema, scopes};
use crate::batch::Precondition;
use crate::key::Kind;
use domain::scope::Scope;

/// What was found where a record belongs.
#[derive(Clone, Copy)]
enum Found {
    /// Not looked for: the insert will tell.
    Unseen,
    Nothing,
    /// Another object has its row.
    Taken,
    Here {
        row: i64,
        revision: u64,
    },
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is part of the group.
    Applied,
    /// It left no trace: the precondition of this write does not hold.
    Failed { write: usize },
}

struct KindStatements<'c> {
    find_row: Statement<'c>,
    find_name: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    delete: Statement<'c>,
}

/// One connection's prepared statements, and the group that is being written with them.
pub(super) struct Session<'c> {
    connection: &'c Connection,
    /// In the order of [`Kind::ALL`], which is that of the enum itself.
    kinds: Vec<KindStatements<'c>>,
    names: Names<'c>,
    links: Links<'c>,
    begin: Statement<'c>,
    commit: Statement<'c>,
    rollback: Statement<'c>,
    set_commit_number: Statement<'c>,
    commit_number: i64,
    found: Vec<Found>,
    moment: Arc<Moment>,
}

impl<'c> Session<'c> {
    /// Prepares everything the writer will need.
    pub(super) fn new(connection: &'c Connection, fresh: Arc<Fresh>, moment: Arc<Moment>) -> rusqlite::Result<Self> {
        let mut kinds = Vec::with_capacity(Kind::ALL.len());
        for kind in Kind::ALL {
            let table = kind.table();
            kinds.push(KindStatements {
                find_row: connection.prepare(&format!("SELECT rev, key FROM {table} WHERE id = ?1"))?,
                find_name: connection.prepare(&format!(
                    "SELECT t.id, t.rev FROM names n CROSS JOIN {table} t ON t.id = n.ref WHERE n.h = ?1 AND t.key = ?2"
                ))?,
                insert: connection.prepare(&format!("INSERT OR IGNORE INTO {table} (id, rev, key, body) VALUES (?1, 1, ?2, ?3)"))?,
                update: connection.prepare(&format!("UPDATE {table} SET rev = ?2, body = ?3 WHERE id = ?1"))?,
                delete: connection.prepare(&format!("DELETE FROM {table} WHERE id = ?1"))?,
            });
        }
        Ok(Self {
            connection,
            kinds,
            names: Names::new(connection, fresh)?,
            links: Links::new(connection)?,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            rollback: connection.prepare("ROLLBACK")?,
            set_commit_number: connection.prepare("UPDATE meta SET value = ?1 WHERE name = 'commit_number'")?,
            commit_number: schema::commit_number(connection)?,
            found: Vec::new(),
            moment,
        })
    }

    /// Begins a group.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.begin.raw_execute().map(drop)
    }

    /// Undoes the group.
    pub(super) fn rollback(&mut self) -> rusqlite::Result<()> {
        self.links.clear();
        self.names.undone();
        // Some failures have rolled back already.
        if self.connection.is_autocommit() { Ok(()) } else { self.rollback.raw_execute().map(drop) }
    }

    /// Writes what was collected, and the number of this commit, which is answered: after a failed commit it
    /// tells whether the group landed.
    pub(super) fn finish(&mut self) -> rusqlite::Result<i64> {
        self.links.write()?;
        self.names.finish()?;
        let number = self.commit_number.saturating_add(1);
        self.set_commit_number.raw_bind_parameter(1, number)?;
        self.set_commit_number.raw_execute()?;
        Ok(number)
    }

    /// Makes the group durable.
    pub(super) fn commit(&mut self, number: i64) -> rusqlite::Result<()> {
        self.moment.committing();
        self.commit.raw_execute()?;
        self.commit_number = number;
        // Hints are withdrawn while no view is kept, so that no kept view misses one.
        self.names.landed();
        self.moment.landed();
        Ok(())
    }

    /// Gives a scope its number, as a part of the group.
    pub(super) fn assign(&mut self, scope: Scope) -> rusqlite::Result<ScopeNumber> {
        scopes::assign(self.connection, scope)
    }

    /// Judges a batch and applies it to the group, or leaves no trace of it.
    pub(super) fn apply(&mut self, batch: &mut Encoded) -> rusqlite::Result<Verdict> {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        let verdict = self.apply_records(&batch.records, &mut found);
        self.found = found;
        if let Ok(Verdict::Applied) = verdict {
            self.links.add(&mut batch.links);
        }
        verdict
    }

    fn apply_records(&mut self, records: &[RecordWrite], found: &mut Vec<Found>) -> rusqlite::Result<Verdict> {
        for (position, record) in records.iter().enumerate() {
            let seen = if insert_decides(record) { Found::Unseen } else { self.find(record)? };
            if !holds(record, seen) {
                return self.first_failure(records, position);
            }
            found.push(seen);
        }
        for (position, record) in records.iter().enumerate() {
            let (true, Place::Row(row), Action::Put(body)) = (insert_decides(record), record.place, &record.action) else { continue };
            if !self.insert(record.kind, row, &record.key, body)? {
                self.uninsert(records, position)?;
                return Ok(Verdict::Failed { write: record.write });
            }
        }
        for (record, seen) in records.iter().zip(found.iter()) {
            self.write(record, *seen)?;
        }
        Ok(Verdict::Applied)
    }

    /// The first precondition that fails, when the one at `position` does: new objects before it have not
    /// been judged yet.
    fn first_failure(&mut self, records: &[RecordWrite], position: usize) -> rusqlite::Result<Verdict> {
        for record in records.iter().take(position).filter(|record| insert_decides(record)) {
            if !matches!(self.find(record)?, Found::Nothing) {
                return Ok(Verdict::Failed { write: record.write });
            }
        }
        Ok(Verdict::Failed { write: records.get(position).map_or(0, |record| record.write) })
    }

    fn uninsert(&mut self, records: &[RecordWrite], count: usize) -> rusqlite::Result<()> {
        for record in records.iter().take(count).filter(|record| insert_decides(record)) {
            if let Place::Row(row) = record.place {
                self.delete(record.kind, row)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, record: &RecordWrite, found: Found) -> rusqlite::Result<()> {
        match (&record.action, found) {
            (Action::Put(body), Found::Here { row, revision }) => self.update(record.kind, row, revision, body),
            (Action::Put(body), Found::Nothing) => self.insert_new(record, body),
            (Action::Delete, Found::Here { row, .. }) => {
                if let Place::Hash(hash) = record.place {
                    self.names.delete(hash, row)?;
                }
                self.delete(record.kind, row)
            }
            (Action::Put(_), Found::Unseen | Found::Taken)
            | (Action::Delete, Found::Unseen | Found::Nothing | Found::Taken)
            | (Action::Check, _) => Ok(()),
        }
    }

    fn insert_new(&mut self, record: &RecordWrite, body: &[u8]) -> rusqlite::Result<()> {
        let row = match record.place {
            Place::Row(row) => row,
            Place::Hash(hash) => self.names.add(hash)?,
        };
        // The row was just seen to be free: one that is not means a damaged file, and ends the group.
        if self.insert(record.kind, row, &record.key, body)? { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(0)) }
    }

    fn find(&mut self, record: &RecordWrite) -> rusqlite::Result<Found> {
        let hash = match record.place {
            Place::Row(row) => return self.find_row(record, row),
            Place::Hash(hash) => hash,
        };
        for row in self.names.fresh_rows(hash) {
            if let found @ Found::Here { .. } = self.find_row(record, row)? {
                return Ok(found);
            }
        }
        let find = &mut self.kind(record.kind)?.find_name;
        find.raw_bind_parameter(1, hash)?;
        find.raw_bind_parameter(2, &record.key[..])?;
        let mut rows = find.raw_query();
        let Some(found) = rows.next()? else { return Ok(Found::Nothing) };
        Ok(Found::Here { row: found.get(0)?, revision: revision(found.get(1)?) })
    }

    fn find_row(&mut self, record: &RecordWrite, row: i64) -> rusqlite::Result<Found> {
        let find = &mut self.kind(record.kind)?.find_row;
        find.raw_bind_parameter(1, row)?;
        let mut rows = find.raw_query();
        let Some(found) = rows.next()? else { return Ok(Found::Nothing) };
        let same = matches!(found.get_ref(1)?, ValueRef::Blob(key) if key == record.key);
        if same { Ok(Found::Here { row, revision: revision(found.get(0)?) }) } else { Ok(Found::Taken) }
    }

    fn insert(&mut self, kind: Kind, row: i64, key: &[u8], body: &[u8]) -> rusqlite::Result<bool> {
        let insert = &mut self.kind(kind)?.insert;
        insert.raw_bind_parameter(1, row)?;
        insert.raw_bind_parameter(2, key)?;
        insert.raw_bind_parameter(3, body)?;
        Ok(insert.raw_execute()? == 1)
    }

    fn update(&mut self, kind: Kind, row: i64, revision: u64, body: &[u8]) -> rusqlite::Result<()> {
        let update = &mut self.kind(kind)?.update;
        update.raw_bind_parameter(1, row)?;
        update.raw_bind_parameter(2, i64::try_from(revision.saturating_add(1)).unwrap_or(i64::MAX))?;
        update.raw_bind_parameter(3, body)?;
        update.raw_execute().map(drop)
    }

    fn delete(&mut self, kind: Kind, row: i64) -> rusqlite::Result<()> {
        let delete = &mut self.kind(kind)?.delete;
        delete.raw_bind_parameter(1, row)?;
        delete.raw_execute().map(drop)
    }

    fn kind(&mut self, kind: Kind) -> rusqlite::Result<&mut KindStatements<'c>> {
        self.kinds.get_mut(kind as usize).ok_or(rusqlite::Error::InvalidQuery)
    }
}

fn revision(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// Whether inserting the record is what judges its precondition.
fn insert_decides(record: &RecordWrite) -> bool {
    matches!((&record.action, record.place, record.precondition), (Action::Put(_), Place::Row(_), Precondition::Absent))
}

fn holds(record: &RecordWrite, found: Found) -> bool {
    match (record.precondition, found) {
        (_, Found::Unseen) => true,
        // Another object has the row: this one is absent, but cannot be put.
        (Precondition::Any | Precondition::Absent, Found::Taken) => !matches!(record.action, Action::Put(_)),
        (Precondition::Any, Found::Nothing | Found::Here { .. }) | (Precondition::Absent, Found::Nothing) => true,
        (Precondition::Revision(wanted), Found::Here { revision, .. }) => wanted == revision,
        (Precondition::Absent, Found::Here { .. }) | (Precondition::Revision(_), Found::Nothing | Found::Taken) => false,
    }
}
