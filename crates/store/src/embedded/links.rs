//! The writer's side of lists: entries are collected and written at the end of the group, sorted. Nothing in the
//! writer reads them, and neighbours land in the same page.

use rusqlite::{Connection, Statement};

use super::encode::LinkWrite;

/// How many entries of lists, or of the index of names, one statement inserts.
pub(super) const ROWS_A_STATEMENT: usize = 16;

/// The values of a statement that inserts so many rows of two columns.
pub(super) fn many_rows() -> String {
    vec!["(?, ?)"; ROWS_A_STATEMENT].join(", ")
}

/// The statements for lists, and the entries the group has written.
pub(super) struct Links<'c> {
    insert: Statement<'c>,
    insert_many: Statement<'c>,
    delete: Statement<'c>,
    pending: Vec<LinkWrite>,
}

impl<'c> Links<'c> {
    /// Prepares the statements.
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: connection.prepare("INSERT OR IGNORE INTO lists (list, ulid) VALUES (?1, ?2)")?,
            insert_many: connection.prepare(&format!("INSERT OR IGNORE INTO lists (list, ulid) VALUES {}", many_rows()))?,
            delete: connection.prepare("DELETE FROM lists WHERE list = ?1 AND ulid = ?2")?,
            pending: Vec::new(),
        })
    }

    /// Collects entries; of several writes on one entry the last one counts.
    pub(super) fn add(&mut self, links: &mut Vec<LinkWrite>) {
        self.pending.append(links);
    }

    /// Forgets what was collected.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Writes what was collected.
    pub(super) fn write(&mut self) -> rusqlite::Result<()> {
        let mut links = std::mem::take(&mut self.pending);
        // Stable: the last of several writes on one entry stays the last, and the only one to be kept.
        links.sort_by(|a, b| (&a.list, a.id).cmp(&(&b.list, b.id)));
        links.reverse();
        links.dedup_by(|earlier, later| later.id == earlier.id && later.list == earlier.list);
        links.reverse();
        let result = self.write_sorted(&links);
        links.clear();
        self.pending = links;
        result
    }

    fn write_sorted(&mut self, links: &[LinkWrite]) -> rusqlite::Result<()> {
        for absent in links.iter().filter(|link| !link.present) {
            bind(&mut self.delete, 1, absent)?;
            self.delete.raw_execute()?;
        }
        let present: Vec<&LinkWrite> = links.iter().filter(|link| link.present).collect();
        let mut chunks = present.chunks_exact(ROWS_A_STATEMENT);
        for chunk in &mut chunks {
            for (position, link) in chunk.iter().enumerate() {
                bind(&mut self.insert_many, position.saturating_mul(2).saturating_add(1), link)?;
            }
            self.insert_many.raw_execute()?;
        }
        for link in chunks.remainder() {
            bind(&mut self.insert, 1, link)?;
            self.insert.raw_execute()?;
        }
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, first: usize, link: &LinkWrite) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(first, &link.list[..])?;
    statement.raw_bind_parameter(first.saturating_add(1), &link.id[..])
}
