//! The writer's side of names: new ones are appended, and a sweep takes them into their index, see [`super::fresh`].

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, Statement};

use super::fresh::{Fresh, Hint, Move, Sweep};
use super::links::{ROWS_A_STATEMENT, many_rows};
use super::schema;

/// The statements for names, and what the group has done to them.
pub(super) struct Names<'c> {
    insert_fresh: Statement<'c>,
    delete_fresh: Statement<'c>,
    cut_fresh: Statement<'c>,
    insert: Statement<'c>,
    insert_many: Statement<'c>,
    delete: Statement<'c>,
    set_next_row: Statement<'c>,
    fresh: Arc<Fresh>,
    /// The row for the next named record.
    next_row: i64,
    /// The first row of the table of fresh names, or one before it.
    first_fresh: i64,
    sweep: Sweep,
    /// Where the sweep stands, and what it has moved, once the group has landed.
    swept: Option<(Sweep, Move)>,
    added: Vec<Hint>,
    deleted: BTreeSet<Hint>,
}

impl<'c> Names<'c> {
    /// Prepares the statements. `fresh` holds what the file does.
    pub(super) fn new(connection: &'c Connection, fresh: Arc<Fresh>) -> rusqlite::Result<Self> {
        Ok(Self {
            insert_fresh: connection.prepare("INSERT INTO fresh_names (ref, h) VALUES (?1, ?2)")?,
            delete_fresh: connection.prepare("DELETE FROM fresh_names WHERE ref = ?1")?,
            cut_fresh: connection.prepare("DELETE FROM fresh_names WHERE ref <= ?1")?,
            insert: connection.prepare("INSERT OR IGNORE INTO names (h, ref) VALUES (?1, ?2)")?,
            insert_many: connection.prepare(&format!("INSERT OR IGNORE INTO names (h, ref) VALUES {}", many_rows()))?,
            delete: connection.prepare("DELETE FROM names WHERE h = ?1 AND ref = ?2")?,
            set_next_row: connection.prepare("UPDATE meta SET value = ?1 WHERE name = 'next_named_row'")?,
            fresh,
            next_row: schema::next_named_row(connection)?,
            first_fresh: schema::first_fresh_row(connection)?,
            sweep: Sweep::default(),
            swept: None,
            added: Vec::new(),
            deleted: BTreeSet::new(),
        })
    }

    /// The rows to look at for a hash, before the index is asked.
    pub(super) fn fresh_rows(&self, hash: i64) -> Vec<i64> {
        self.fresh.rows(hash)
    }

    /// Gives a new name its row.
    pub(super) fn add(&mut self, hash: i64) -> rusqlite::Result<i64> {
        let row = self.next_row;
        self.next_row = row.saturating_add(1);
        self.insert_fresh.raw_bind_parameter(1, row)?;
        self.insert_fresh.raw_bind_parameter(2, hash)?;
        self.insert_fresh.raw_execute()?;
        self.fresh.add((hash, row));
        self.added.push((hash, row));
        Ok(row)
    }

    /// Takes a name away, wherever it is.
    pub(super) fn delete(&mut self, hash: i64, row: i64) -> rusqlite::Result<()> {
        bind(&mut self.delete, 1, (hash, row))?;
        self.delete.raw_execute()?;
        self.delete_fresh.raw_bind_parameter(1, row)?;
        self.delete_fresh.raw_execute()?;
        self.deleted.insert((hash, row));
        Ok(())
    }

    /// Ends the group: keeps the rows it gave out from being given again, and lets the sweep go on.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        if !self.added.is_empty() {
            self.set_next_row.raw_bind_parameter(1, self.next_row)?;
            self.set_next_row.raw_execute()?;
        }
        self.sweep()
    }

    /// Lets the sweep go on a little, as a part of the group: twice as fast as names come, so that it ends.
    fn sweep(&mut self) -> rusqlite::Result<()> {
        let count = self.added.len().saturating_mul(2).max(ROWS_A_STATEMENT);
        let rows = (self.first_fresh, self.next_row.saturating_sub(1));
        let (mut moved, next) = self.sweep.step(&self.fresh, rows, count);
        match &mut moved {
            Move::Rest => {}
            Move::Index(hints) => {
                hints.retain(|hint| !self.deleted.contains(hint));
                self.index(hints)?;
            }
            Move::Cut(row) => {
                self.cut_fresh.raw_bind_parameter(1, *row)?;
                self.cut_fresh.raw_execute()?;
            }
        }
        self.swept = Some((next, moved));
        Ok(())
    }

    fn index(&mut self, hints: &[Hint]) -> rusqlite::Result<()> {
        let mut chunks = hints.chunks_exact(ROWS_A_STATEMENT);
        for chunk in &mut chunks {
            for (position, hint) in chunk.iter().enumerate() {
                bind(&mut self.insert_many, position.saturating_mul(2).saturating_add(1), *hint)?;
            }
            self.insert_many.raw_execute()?;
        }
        for hint in chunks.remainder() {
            bind(&mut self.insert, 1, *hint)?;
            self.insert.raw_execute()?;
        }
        Ok(())
    }

    /// The group has landed.
    pub(super) fn landed(&mut self) {
        if let Some((sweep, moved)) = self.swept.take() {
            self.sweep = sweep;
            match moved {
                Move::Index(hints) => self.fresh.remove(&hints),
                Move::Cut(row) => self.first_fresh = row,
                Move::Rest => {}
            }
        }
        self.fresh.remove(&self.deleted);
        self.added.clear();
        self.deleted.clear();
    }

    /// The group is undone. While this session lasts its rows are not given out again.
    pub(super) fn undone(&mut self) {
        self.fresh.remove(&self.added);
        self.swept = None;
        self.added.clear();
        self.deleted.clear();
    }
}

fn bind(statement: &mut Statement<'_>, first: usize, (hash, row): Hint) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(first, hash)?;
    statement.raw_bind_parameter(first.saturating_add(1), row)
}
