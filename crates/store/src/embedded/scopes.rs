//! Which number stands for which scope.
//!
//! A number is given once, in a commit of its own, and never changes; so what is remembered here is always
//! right, and what is not is looked up in the file. Only durable numbers are remembered.

use std::collections::HashMap;

use domain::id::AccountId;
use domain::scope::{Mode, Scope};
use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension};

use super::codec::{ScopeNumber, parse_ulid, ulid_bytes};

/// How many scopes are remembered (some 8 MB); with more, all are forgotten and learned again as they come.
const MAX_REMEMBERED: usize = 65_536;

#[derive(Default)]
struct Known {
    numbers: HashMap<Scope, ScopeNumber>,
    scopes: HashMap<ScopeNumber, Scope>,
}

/// The scopes met so far.
#[derive(Default)]
pub(super) struct Scopes(RwLock<Known>);

impl Scopes {
    /// The number of a scope, if it is remembered.
    pub(super) fn remembered(&self, scope: Scope) -> Option<ScopeNumber> {
        self.0.read().numbers.get(&scope).copied()
    }

    /// The number of a scope; `None` when the file has never seen it.
    pub(super) fn number(&self, connection: &Connection, scope: Scope) -> rusqlite::Result<Option<ScopeNumber>> {
        if let Some(number) = self.remembered(scope) {
            return Ok(Some(number));
        }
        let number = find(connection, scope)?;
        if let Some(number) = number {
            self.learn(scope, number);
        }
        Ok(number)
    }

    /// The scope with a number; `None` when the file knows no such number.
    pub(super) fn scope(&self, connection: &Connection, number: ScopeNumber) -> rusqlite::Result<Option<Scope>> {
        if let Some(scope) = self.0.read().scopes.get(&number) {
            return Ok(Some(*scope));
        }
        let mut statement = connection.prepare_cached("SELECT account, live FROM scopes WHERE id = ?1")?;
        let found: Option<(Vec<u8>, bool)> = statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let scope = found.and_then(|(account, live)| {
            let mode = if live { Mode::Live } else { Mode::Test };
            parse_ulid(&account).map(|account| Scope { account: AccountId::new(account), mode })
        });
        if let Some(scope) = scope {
            self.learn(scope, number);
        }
        Ok(scope)
    }

    /// Remembers a number that is durable.
    pub(super) fn learn(&self, scope: Scope, number: ScopeNumber) {
        let mut known = self.0.write();
        if known.numbers.len() >= MAX_REMEMBERED {
            *known = Known::default();
        }
        known.numbers.insert(scope, number);
        known.scopes.insert(number, scope);
    }
}

fn find(connection: &Connection, scope: Scope) -> rusqlite::Result<Option<ScopeNumber>> {
    let mut statement = connection.prepare_cached("SELECT id FROM scopes WHERE account = ?1 AND live = ?2")?;
    statement.query_row((ulid_bytes(scope.account.ulid()), scope.mode.is_live()), |row| row.get(0)).optional()
}

/// Gives a scope its number, inside the writer's transaction.
pub(super) fn assign(connection: &Connection, scope: Scope) -> rusqlite::Result<ScopeNumber> {
    if let Some(number) = find(connection, scope)? {
        return Ok(number);
    }
    let mut statement = connection.prepare_cached("INSERT INTO scopes (account, live) VALUES (?1, ?2) RETURNING id")?;
    statement.query_row((ulid_bytes(scope.account.ulid()), scope.mode.is_live()), |row| row.get(0))
}
