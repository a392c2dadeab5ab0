//! One operation: how an authorisation is booked, and what is known under a key.

use domain::money::Money;
use domain::provider_key::ProviderKey;
use domain::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::notices;
use crate::simulator::behaviour::{Fault, FollowUpBehaviour};
use crate::simulator::decide::{Decision, Then};
use crate::simulator::verdict::{Kind, Verdict};

/// An authorisation or card check, already decided, to be booked.
#[derive(Clone)]
pub(in crate::simulator) struct NewAuthorization {
    pub(in crate::simulator) key: ProviderKey,
    pub(in crate::simulator) kind: Kind,
    /// `None` for a card check.
    pub(in crate::simulator) amount: Option<Money>,
    pub(in crate::simulator) fingerprint: Vec<u8>,
    pub(in crate::simulator) decision: Decision,
    pub(in crate::simulator) follow_up: Option<FollowUpBehaviour>,
    pub(in crate::simulator) last4: String,
    pub(in crate::simulator) card: Vec<u8>,
    pub(in crate::simulator) now: Timestamp,
    pub(in crate::simulator) settles_at: Timestamp,
    /// Only used if the decision is a challenge.
    pub(in crate::simulator) challenge_id: String,
    pub(in crate::simulator) return_to: String,
    pub(in crate::simulator) merchant: Option<String>,
}

/// What became of a request to book something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Recorded {
    /// Booked by this request. The fault strikes on the way back.
    Fresh(Verdict, Option<Fault>),
    /// Booked by an earlier request with the same key.
    Repeated(Verdict),
    /// Lost on the way; nothing is booked.
    Lost(Fault),
    /// The key stands for an operation with other parameters; nothing is booked.
    KeyReused,
    /// There is nothing to follow up; nothing is booked.
    NoAuthorization,
}

/// A row of `operations`, with what is needed of it later.
pub(super) struct Operation {
    pub(super) kind: Kind,
    pub(super) currency: Option<String>,
    pub(super) amount: i64,
    pub(super) fingerprint: Vec<u8>,
    verdict: Verdict,
    settles_at: Option<i64>,
    settled: Option<Verdict>,
    pub(super) follow_up: Option<FollowUpBehaviour>,
}

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// Reads JSON that this module wrote.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

/// Writes JSON for a column.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A kind from its number in the books.
pub(super) fn kind_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    let number: i64 = row.get(column)?;
    Kind::from_number(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

impl Operation {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let settled: Option<String> = row.get(6)?;
        let follow_up: Option<String> = row.get(7)?;
        Ok(Self {
            kind: kind_at(row, 0)?,
            currency: row.get(1)?,
            amount: row.get(2)?,
            fingerprint: row.get(3)?,
            verdict: from_json(4, row.get_ref(4)?.as_str()?)?,
            settles_at: row.get(5)?,
            settled: settled.map(|text| from_json(6, &text)).transpose()?,
            follow_up: follow_up.map(|text| from_json(7, &text)).transpose()?,
        })
    }

    pub(super) fn find(books: &Connection, key: &str) -> rusqlite::Result<Option<Self>> {
        books
            .prepare_cached(
                "SELECT kind, currency, amount, fingerprint, verdict, settles_at, settled, follow_up
                 FROM operations WHERE key = ?1",
            )?
            .query_row([key], Self::read)
            .optional()
    }

    /// The verdict that replaces a challenge once the buyer has authenticated.
    pub(super) fn after_challenge(self) -> Option<Verdict> {
        self.settled
    }

    /// The verdict as it stands at a time.
    pub(super) fn current(&self, books: &Connection, key: &str, now: Timestamp) -> rusqlite::Result<Verdict> {
        if self.verdict == Verdict::Challenge {
            return Ok(decision(books, key)?.unwrap_or(Verdict::Challenge));
        }
        Ok(match (&self.settled, self.settles_at) {
            (Some(settled), Some(at)) if at <= now.millis() => settled.clone(),
            _ => self.verdict.clone(),
        })
    }
}

/// What replaced a challenge, if anything has.
pub(super) fn decision(books: &Connection, key: &str) -> rusqlite::Result<Option<Verdict>> {
    let text: Option<String> =
        books.prepare_cached("SELECT verdict FROM decisions WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()?;
    text.map(|text| from_json(0, &text)).transpose()
}

/// The fields of a new row that do not follow from the decision.
pub(super) struct NewRow<'a> {
    pub(super) key: &'a ProviderKey,
    pub(super) kind: Kind,
    pub(super) authorization: Option<&'a ProviderKey>,
    pub(super) currency: Option<&'static str>,
    pub(super) amount: i64,
    pub(super) fingerprint: &'a [u8],
    pub(super) follow_up: Option<FollowUpBehaviour>,
    pub(super) last4: Option<&'a str>,
    pub(super) card: Option<&'a [u8]>,
    pub(super) now: Timestamp,
    pub(super) settles_at: Timestamp,
}

/// What a verdict takes, gives back or releases of `amount`.
pub(super) const fn moved(kind: Kind, amount: i64, verdict: &Verdict) -> i64 {
    match (kind, verdict) {
        (Kind::Authorize, Verdict::Approved { captured: true, .. })
        | (Kind::Capture | Kind::Void, Verdict::Done | Verdict::Processing)
        | (Kind::Refund, Verdict::RefundSucceeded | Verdict::RefundPending | Verdict::Processing) => amount,
        _ => 0,
    }
}

/// Appends a row, unless the key has one.
pub(super) fn append(books: &Connection, row: &NewRow<'_>, decision: &Decision) -> rusqlite::Result<bool> {
    let (settles_at, settled) = match &decision.then {
        Some(Then::Later(verdict)) => (Some(row.settles_at.millis()), Some(verdict)),
        Some(Then::AfterChallenge(verdict)) => (None, Some(verdict)),
        None => (None, None),
    };
    let moves_settled = match (settles_at, settled) {
        (Some(_), Some(verdict)) => moved(row.kind, row.amount, verdict),
        _ => 0,
    };
    let appended = books
        .prepare_cached(
            "INSERT OR IGNORE INTO operations (key, kind, \"authorization\", currency, amount, fingerprint, verdict,
               settles_at, settled, moves, moves_settled, follow_up, last4, card, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            row.key.as_str(),
            row.kind.number(),
            row.authorization.map(ProviderKey::as_str),
            row.currency,
            row.amount,
            row.fingerprint,
            to_json(&decision.verdict)?,
            settles_at,
            settled.map(to_json).transpose()?,
            moved(row.kind, row.amount, &decision.verdict),
            moves_settled,
            row.follow_up.as_ref().map(to_json).transpose()?,
            row.last4,
            row.card,
            row.now.millis(),
        ])?;
    if let (1, Some(at)) = (appended, settles_at) {
        notices::promise(books, row.key, at)?;
    }
    Ok(appended == 1)
}

/// The operation that a key stands for already, compared with a new request.
pub(super) fn repeated(books: &Connection, key: &ProviderKey, fingerprint: &[u8], now: Timestamp) -> rusqlite::Result<Option<Recorded>> {
    let Some(first) = Operation::find(books, key.as_str())? else {
        return Ok(None);
    };
    if first.fingerprint != fingerprint {
        return Ok(Some(Recorded::KeyReused));
    }
    first.current(books, key.as_str(), now).map(|verdict| Some(Recorded::Repeated(verdict)))
}

/// Whether this try is the first one under its key and is lost on the way.
pub(super) fn is_lost(books: &Connection, key: &ProviderKey, fault: Option<Fault>) -> rusqlite::Result<bool> {
    match fault {
        Some(fault) if fault.is_lost() => {
            Ok(books.prepare_cached("INSERT OR IGNORE INTO lost (key) VALUES (?1)")?.execute([key.as_str()])? == 1)
        }
        _ => Ok(false),
    }
}

/// Books an authorisation or card check.
pub(in crate::simulator) fn authorize(books: &Connection, new: &NewAuthorization) -> rusqlite::Result<Recorded> {
    if is_lost(books, &new.key, new.decision.fault)? {
        return Ok(new.decision.fault.map_or(Recorded::KeyReused, Recorded::Lost));
    }
    let row = NewRow {
        key: &new.key,
        kind: new.kind,
        authorization: None,
        currency: new.amount.map(|amount| amount.currency().code()),
        amount: new.amount.map_or(0, Money::minor),
        fingerprint: &new.fingerprint,
        follow_up: new.follow_up,
        last4: Some(&new.last4),
        card: Some(&new.card),
        now: new.now,
        settles_at: new.settles_at,
    };
    if !append(books, &row, &new.decision)? {
        return Ok(repeated(books, &new.key, &new.fingerprint, new.now)?.unwrap_or(Recorded::KeyReused));
    }
    if new.decision.verdict == Verdict::Challenge {
        books.prepare_cached("INSERT INTO challenges (id, key, return_to, merchant) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            new.challenge_id,
            new.key.as_str(),
            new.return_to,
            new.merchant
        ])?;
    }
    // A try that was lost before is over; this one goes through.
    let fault = new.decision.fault.filter(|fault| !fault.is_lost());
    Ok(Recorded::Fresh(new.decision.verdict.clone(), fault))
}

/// What is known under a key.
pub(in crate::simulator) fn query(books: &Connection, key: &ProviderKey, now: Timestamp) -> rusqlite::Result<Option<(Kind, Verdict)>> {
    let Some(operation) = Operation::find(books, key.as_str())? else {
        return Ok(None);
    };
    let verdict = operation.current(books, key.as_str(), now)?;
    Ok(Some((operation.kind, verdict)))
}
