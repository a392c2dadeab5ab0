//! Reading: a few connections, each used by one caller at a time, in the caller's own thread.
//!
//! A read takes microseconds (its pages are in memory, `SQLite`'s or the system's), which is less than handing
//! it to another thread and back would take; so it runs inside the future's poll. The writer never blocks it:
//! a read sees the last commit that was acknowledged. All keys of one `get` are read as of one moment. Reads between
//! the same two commits share a view of the file, see [`super::views`].
//!
//! A connection that met an error is closed, and a fresh one opened for the next read.

use std::path::PathBuf;
use std::sync::Arc;

use domain::id::Ulid;
use parking_lot::Mutex;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ErrorCode, Row};

use super::codec::{list_key, parse_list_key, parse_named_key, parse_object_key, parse_ulid, ulid_bytes};
use super::encode::{Coding, Place, locate};
use super::fresh::Fresh;
use super::schema::{self, Use};
use super::scopes::Scopes;
use super::views::{Moment, Slot, Slots, Views};
use crate::contract::{Cursor, Exported, ExportedLink, InvalidRead, Item, Order, ReadError, Scan};
use crate::key::{Key, Kind, List};

/// A read that did not work out.
pub(super) enum Failed {
    Engine(rusqlite::Error),
    Corrupt(String),
    Invalid(InvalidRead),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<InvalidRead> for Failed {
    fn from(invalid: InvalidRead) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Failed> for ReadError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Engine(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => {
                Self::Corrupt(error.to_string())
            }
            Failed::Engine(error) => Self::Unavailable(error.to_string()),
            Failed::Corrupt(what) => Self::Corrupt(what),
            Failed::Invalid(invalid) => Self::Invalid(invalid),
        }
    }
}

/// The connections for reading.
pub(super) struct Readers {
    path: PathBuf,
    purpose: Use,
    slots: Arc<Slots>,
    /// `None` where another process writes: nobody tells when a view has become old.
    moment: Option<Arc<Moment>>,
    scopes: Arc<Scopes>,
    coding: Arc<Coding>,
    fresh: Arc<Fresh>,
    /// Up to which row the table of fresh names has been read, in a process that does not write.
    fresh_until: Mutex<i64>,
    /// Everything is read as of the moment the store was opened.
    snapshot: bool,
}

impl Readers {
    /// In the process that writes.
    pub(super) fn beside_writer(path: PathBuf, views: Views, scopes: Arc<Scopes>, coding: Arc<Coding>, fresh: Arc<Fresh>) -> Self {
        let mut this = Self::new(path, Use::Read, scopes, coding, fresh);
        this.slots = views.slots;
        this.moment = Some(views.moment);
        this
    }

    /// In a process that does not.
    pub(super) fn read_only(path: PathBuf, scopes: Arc<Scopes>, coding: Arc<Coding>) -> Self {
        Self::new(path, Use::ReadOnly, scopes, coding, Arc::default())
    }

    fn new(path: PathBuf, purpose: Use, scopes: Arc<Scopes>, coding: Arc<Coding>, fresh: Arc<Fresh>) -> Self {
        let slots = Arc::default();
        Self { path, purpose, slots, moment: None, scopes, coding, fresh, fresh_until: Mutex::new(i64::MIN), snapshot: false }
    }

    /// One connection that reads everything as of now.
    pub(super) fn snapshot(path: PathBuf, connection: Connection, scopes: Arc<Scopes>, coding: Arc<Coding>) -> rusqlite::Result<Self> {
        connection.execute_batch("BEGIN")?;
        // The first read is what fixes the moment.
        schema::commit_number(&connection)?;
        let mut this = Self::read_only(path, scopes, coding);
        this.slots = Arc::new(Slots::only(connection));
        this.snapshot = true;
        Ok(this)
    }

    /// Runs a read on a free connection.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Reading<'_>) -> Result<T, Failed>) -> Result<T, Failed> {
        let mut place = self.slots.take().ok_or_else(|| Failed::Corrupt("no connections".to_owned()))?;
        let mut slot = match place.take() {
            Some(slot) => slot,
            None if self.snapshot => return Err(Failed::Corrupt("an earlier read of this snapshot failed".to_owned())),
            None => Slot::new(schema::connect(&self.path, self.purpose)?),
        };
        if let Some(moment) = &self.moment {
            slot.renew(moment, &self.fresh)?;
        }
        let result = read(&Reading { connection: slot.connection(), readers: self, since: slot.withdrawals() });
        if !matches!(result, Err(Failed::Engine(_))) {
            *place = Some(slot);
        }
        result
    }

    /// The rows of fresh names with that hash, in a process that does not write: what has come into the
    /// connection's view of the file since the last look is read first.
    fn fresh_rows_in_view(&self, connection: &Connection, hash: i64) -> rusqlite::Result<Vec<i64>> {
        // Held to the end: another thread that forgets and reads again must not leave a gap for this one.
        let mut until = self.fresh_until.lock();
        if self.fresh.forget_surplus() {
            *until = i64::MIN;
        }
        let hints = schema::fresh_names(connection, *until)?;
        *until = hints.last().map_or(*until, |(_, last)| *last);
        self.fresh.extend(hints);
        Ok(self.fresh.rows(hash))
    }

    #[cfg(test)]
    pub(super) fn fresh_names(&self) -> usize {
        self.fresh.len()
    }
}

/// Where a record may be.
struct Look {
    /// In one of these rows, if its key is there.
    rows: Vec<i64>,
    /// Or where the index of names says.
    hash: Option<i64>,
    key: Vec<u8>,
}

/// The statement for a kind's rows, ready for the next key: most often several of a kind are read.
struct ByRow<'r> {
    kind: Kind,
    statement: CachedStatement<'r>,
}

/// One read in progress.
pub(super) struct Reading<'r> {
    connection: &'r Connection,
    readers: &'r Readers,
    /// The count of withdrawn hints from before the view was fixed, if one was open before this read.
    since: Option<u64>,
}

impl Reading<'_> {
    pub(super) fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, Failed> {
        if self.readers.snapshot || self.since.is_some() || keys.len() == 1 {
            let mut by_row = None;
            return keys.iter().map(|key| self.look(key, self.since, &mut by_row)).collect();
        }
        let withdrawals = self.readers.fresh.withdrawals();
        self.connection.prepare_cached("BEGIN")?.raw_execute()?;
        let items = self.items_of_one_moment(keys, withdrawals);
        self.connection.prepare_cached("COMMIT")?.raw_execute()?;
        items
    }

    fn items_of_one_moment(&self, keys: &[Key], withdrawals: u64) -> Result<Vec<Option<Item>>, Failed> {
        if keys.iter().any(|key| matches!(key, Key::Named(_))) {
            // The first read is what fixes the view, and it has to come before any hint: see [`super::fresh`].
            schema::commit_number(self.connection)?;
        }
        let mut by_row = None;
        keys.iter().map(|key| self.look(key, Some(withdrawals), &mut by_row)).collect()
    }

    /// The record of a key. `since` is the count of withdrawn hints from before the view was fixed, if it is.
    fn look<'r>(&'r self, key: &Key, since: Option<u64>, by_row: &mut Option<ByRow<'r>>) -> Result<Option<Item>, Failed> {
        let Some(scope) = self.readers.scopes.number(self.connection, key.scope())? else { return Ok(None) };
        let (place, bytes) = locate(key, scope, &self.readers.coding.hash);
        let look = match place {
            Place::Row(row) => Look { rows: vec![row], hash: None, key: bytes },
            Place::Hash(hash) => Look { rows: self.fresh_rows(hash, since)?, hash: Some(hash), key: bytes },
        };
        self.item(key.kind(), &look, by_row)
    }

    fn fresh_rows(&self, hash: i64, since: Option<u64>) -> rusqlite::Result<Vec<i64>> {
        let readers = self.readers;
        if readers.purpose == Use::ReadOnly {
            return readers.fresh_rows_in_view(self.connection, hash);
        }
        let rows = readers.fresh.rows(hash);
        let missed = since.is_some_and(|since| since != readers.fresh.withdrawals());
        if missed { schema::fresh_rows(self.connection, hash) } else { Ok(rows) }
    }

    fn item<'r>(&'r self, kind: Kind, look: &Look, by_row: &mut Option<ByRow<'r>>) -> Result<Option<Item>, Failed> {
        let sql = sql(kind);
        for id in &look.rows {
            let statement = match by_row.take() {
                Some(last) if last.kind == kind => by_row.insert(last),
                _ => by_row.insert(ByRow { kind, statement: self.connection.prepare_cached(sql.get_row)? }),
            };
            let statement = &mut statement.statement;
            statement.raw_bind_parameter(1, id)?;
            let mut rows = statement.raw_query();
            let Some(found) = rows.next()? else { continue };
            if matches!(found.get_ref(1)?, ValueRef::Blob(key) if key == look.key) {
                return Ok(Some(self.unpacked(found, 0, 2)?));
            }
        }
        let Some(hash) = look.hash else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(sql.get_name)?;
        statement.raw_bind_parameter(1, hash)?;
        statement.raw_bind_parameter(2, &look.key[..])?;
        let mut rows = statement.raw_query();
        rows.next()?.map(|found| self.unpacked(found, 0, 1)).transpose()
    }

    fn unpacked(&self, row: &Row<'_>, revision: usize, body: usize) -> Result<Item, Failed> {
        let kept = blob(row, body)?.ok_or_else(|| Failed::Corrupt("a body is no blob".to_owned()))?;
        let body = self.readers.coding.bodies.unpack(kept).map_err(|what| Failed::Corrupt(format!("a body cannot be unpacked: {what}")))?;
        Ok(Item { revision: u64::try_from(row.get::<_, i64>(revision)?).unwrap_or_default(), body })
    }

    pub(super) fn scan(&self, scan: &Scan) -> Result<Vec<Ulid>, Failed> {
        let Some(scope) = self.readers.scopes.number(self.connection, scan.list.scope)? else { return Ok(Vec::new()) };
        // Identifiers beyond both ends do not exist, so a missing bound is the end itself, included.
        let (low, low_included) = scan.newer_than.map_or((Ulid::NIL, true), |id| (id, false));
        let (high, high_included) = scan.older_than.map_or((Ulid::MAX, true), |id| (id, false));
        let (Some(low), Some(high)) = (first_above(low, low_included), last_below(high, high_included)) else { return Ok(Vec::new()) };
        let mut statement = self.connection.prepare_cached(match scan.order {
            Order::NewestFirst => "SELECT ulid FROM lists WHERE list = ?1 AND ulid BETWEEN ?2 AND ?3 ORDER BY ulid DESC LIMIT ?4",
            Order::OldestFirst => "SELECT ulid FROM lists WHERE list = ?1 AND ulid BETWEEN ?2 AND ?3 ORDER BY ulid LIMIT ?4",
        })?;
        statement.raw_bind_parameter(1, &list_key(scope, scan.list.index, scan.list.parent)[..])?;
        statement.raw_bind_parameter(2, &ulid_bytes(low)[..])?;
        statement.raw_bind_parameter(3, &ulid_bytes(high)[..])?;
        statement.raw_bind_parameter(4, sql_limit(scan.limit))?;
        let mut rows = statement.raw_query();
        let mut ids = Vec::with_capacity(scan.limit.min(128));
        while let Some(row) = rows.next()? {
            ids.push(blob(row, 0)?.and_then(parse_ulid).ok_or_else(|| Failed::Corrupt("an entry of a list is no identifier".to_owned()))?);
        }
        Ok(ids)
    }

    pub(super) fn export(&self, kind: Kind, after: Option<&Cursor>, limit: usize) -> Result<Vec<Exported>, Failed> {
        let after = match after {
            None => i64::MIN,
            Some(cursor) => cursor.as_bytes().try_into().map(i64::from_be_bytes).map_err(|_| InvalidRead::Cursor)?,
        };
        let mut statement = self.connection.prepare_cached(sql(kind).export)?;
        let mut rows = statement.query((after, sql_limit(limit)))?;
        let mut exported = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let key = blob(row, 2)?.ok_or_else(|| damaged(kind, id))?;
            let (number, named, object) = if id < 0 {
                parse_named_key(key).map(|(scope, name)| (scope, Some(name), None))
            } else {
                parse_object_key(id, key).map(|(scope, ulid)| (scope, None, Some(ulid)))
            }
            .ok_or_else(|| damaged(kind, id))?;
            let scope = self.readers.scopes.scope(self.connection, number)?.ok_or_else(|| damaged(kind, id))?;
            let key = match (named, object) {
                (Some(name), _) => Key::named(scope, kind, name),
                (None, Some(ulid)) => Key::object(scope, kind, ulid),
                (None, None) => return Err(damaged(kind, id)),
            };
            exported.push(Exported { cursor: Cursor::from_bytes(id.to_be_bytes().to_vec()), key, item: self.unpacked(row, 1, 3)? });
        }
        Ok(exported)
    }

    pub(super) fn export_links(&self, after: Option<&Cursor>, limit: usize) -> Result<Vec<ExportedLink>, Failed> {
        let (list, ulid) = match after.map(Cursor::as_bytes) {
            None => (&[][..], &[][..]),
            Some(bytes) => bytes.split_last_chunk::<16>().map(|(list, ulid)| (list, &ulid[..])).ok_or(InvalidRead::Cursor)?,
        };
        let mut statement =
            self.connection.prepare_cached("SELECT list, ulid FROM lists WHERE (list, ulid) > (?1, ?2) ORDER BY list, ulid LIMIT ?3")?;
        let mut rows = statement.query((list, ulid, sql_limit(limit)))?;
        let mut exported = Vec::new();
        let damaged = || Failed::Corrupt("an entry of a list makes no sense".to_owned());
        while let Some(row) = rows.next()? {
            let (list, ulid) = (blob(row, 0)?.ok_or_else(damaged)?, blob(row, 1)?.ok_or_else(damaged)?);
            let (number, index, parent) = parse_list_key(list).ok_or_else(damaged)?;
            let scope = self.readers.scopes.scope(self.connection, number)?.ok_or_else(damaged)?;
            let id = parse_ulid(ulid).ok_or_else(damaged)?;
            exported.push(ExportedLink { cursor: Cursor::from_bytes([list, ulid].concat()), list: List { scope, index, parent }, id });
        }
        Ok(exported)
    }
}

struct Sql {
    get_row: &'static str,
    get_name: &'static str,
    export: &'static str,
}

macro_rules! sql_of {
    ($table:literal) => {
        Sql {
            get_row: concat!("SELECT rev, key, body FROM ", $table, " WHERE id = ?1"),
            get_name: concat!("SELECT t.rev, t.body FROM names n CROSS JOIN ", $table, " t ON t.id = n.ref WHERE n.h = ?1 AND t.key = ?2"),
            export: concat!("SELECT id, rev, key, body FROM ", $table, " WHERE id > ?1 ORDER BY id LIMIT ?2"),
        }
    };
}

/// The statements' texts, ready made: building them would cost as much as the read.
const fn sql(kind: Kind) -> Sql {
    match kind {
        Kind::Account => sql_of!("accounts"),
        Kind::ApiKey => sql_of!("api_keys"),
        Kind::IdempotencyRecord => sql_of!("idempotency_records"),
        Kind::PaymentIntent => sql_of!("payment_intents"),
        Kind::PaymentAttempt => sql_of!("payment_attempts"),
        Kind::Charge => sql_of!("charges"),
        Kind::Refund => sql_of!("refunds"),
        Kind::BalanceTransaction => sql_of!("balance_transactions"),
        Kind::JournalEntry => sql_of!("journal_entries"),
        Kind::BalanceCheckpoint => sql_of!("balance_checkpoints"),
        Kind::Event => sql_of!("events"),
        Kind::Customer => sql_of!("customers"),
        Kind::PaymentMethod => sql_of!("payment_methods"),
        Kind::SealedCard => sql_of!("sealed_cards"),
        Kind::SetupIntent => sql_of!("setup_intents"),
        Kind::SetupAttempt => sql_of!("setup_attempts"),
        Kind::Token => sql_of!("tokens"),
        Kind::Setting => sql_of!("settings"),
        Kind::AuditEntry => sql_of!("audit_entries"),
        Kind::AuditSegment => sql_of!("audit_segments"),
        Kind::WebhookEndpoint => sql_of!("webhook_endpoints"),
        Kind::WebhookDelivery => sql_of!("webhook_deliveries"),
        Kind::TokenKey => sql_of!("token_keys"),
        Kind::TokenIssuer => sql_of!("token_issuers"),
        Kind::User => sql_of!("users"),
        Kind::Session => sql_of!("sessions"),
    }
}

fn blob<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r [u8]>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    })
}

fn damaged(kind: Kind, id: i64) -> Failed {
    Failed::Corrupt(format!("row {id} of {} makes no sense", kind.table()))
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn first_above(id: Ulid, included: bool) -> Option<Ulid> {
    if included { Some(id) } else { id.bits().checked_add(1).map(Ulid::from_bits) }
}

fn last_below(id: Ulid, included: bool) -> Option<Ulid> {
    if included { Some(id) } else { id.bits().checked_sub(1).map(Ulid::from_bits) }
}
