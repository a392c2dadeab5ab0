//! The books as a whole: totals by currency, and the list of operations to compare with another ledger.

use std::collections::BTreeMap;

use domain::provider_key::ProviderKey;
use domain::time::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::operation::{kind_at, to_json};
use crate::simulator::verdict::{Kind, Verdict};

/// Totals of one currency, in its minor unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Taken from cards.
    pub captured: i64,
    /// Given back.
    pub refunded: i64,
    /// Operations with an amount, refused ones among them.
    pub operations: i64,
}

/// The bank's totals by currency (three lower-case letters).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// By currency.
    pub currencies: BTreeMap<String, Totals>,
}

/// One operation in the bank's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Its name.
    pub key: ProviderKey,
    /// What it was.
    pub kind: Kind,
    /// The authorisation it followed, for captures, voids and refunds.
    pub authorization_key: Option<ProviderKey>,
    /// Three lower-case letters; `None` for card checks and voids.
    pub currency: Option<String>,
    /// What was asked for, in the minor unit.
    pub amount: i64,
    /// What was taken (authorisations, captures), given back (refunds) or released (voids).
    pub moved: i64,
    /// When it arrived.
    pub at: Timestamp,
}

/// Totals at a time. Reads every row: meant for comparing books, not for every day.
pub(in crate::simulator) fn totals(books: &Connection, now: Timestamp) -> rusqlite::Result<Books> {
    let mut sums: BTreeMap<String, Totals> = BTreeMap::new();
    let mut statement = books.prepare_cached(
        "SELECT currency, kind, SUM(CASE WHEN settles_at <= ?1 THEN moves_settled ELSE moves END), COUNT(*)
         FROM operations WHERE currency IS NOT NULL GROUP BY currency, kind",
    )?;
    let mut rows = statement.query([now.millis()])?;
    while let Some(row) = rows.next()? {
        let total = sums.entry(row.get(0)?).or_default();
        let moved: i64 = row.get(2)?;
        match kind_at(row, 1)? {
            Kind::Authorize | Kind::Capture => {
                total.captured = total.captured.saturating_add(moved);
            }
            Kind::Refund => total.refunded = total.refunded.saturating_add(moved),
            Kind::VerifyCard | Kind::Void => {}
        }
        total.operations = total.operations.saturating_add(row.get(3)?);
    }
    let mut statement = books.prepare_cached(
        "SELECT o.currency, SUM(d.moves) FROM decisions d JOIN operations o ON o.key = d.key
         WHERE o.currency IS NOT NULL GROUP BY o.currency",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let total = sums.entry(row.get(0)?).or_default();
        total.captured = total.captured.saturating_add(row.get(1)?);
    }
    Ok(Books { currencies: sums })
}

/// Operations in the order of their keys, after one of them.
pub(in crate::simulator) fn list(books: &Connection, after: &str, limit: u32, now: Timestamp) -> rusqlite::Result<Vec<OperationRecord>> {
    let mut statement = books.prepare_cached(
        "SELECT o.key, o.kind, o.\"authorization\", o.currency, o.amount, o.verdict, o.at,
           CASE WHEN o.settles_at <= ?3 THEN o.moves_settled ELSE o.moves END, d.moves
         FROM operations o LEFT JOIN decisions d ON d.key = o.key
         WHERE o.key > ?1 ORDER BY o.key LIMIT ?2",
    )?;
    let challenge = to_json(&Verdict::Challenge)?;
    let rows = statement.query_map(params![after, limit, now.millis()], |row| {
        let decided: Option<i64> = row.get(8)?;
        let key: String = row.get(0)?;
        let authorization: Option<String> = row.get(2)?;
        Ok(OperationRecord {
            key: ProviderKey::from_text(&key),
            kind: kind_at(row, 1)?,
            authorization_key: authorization.as_deref().map(ProviderKey::from_text),
            currency: row.get(3)?,
            amount: row.get(4)?,
            moved: if row.get_ref(5)?.as_str()? == challenge { decided.unwrap_or(0) } else { row.get(7)? },
            at: Timestamp::from_millis(row.get(6)?),
        })
    })?;
    rows.collect()
}
