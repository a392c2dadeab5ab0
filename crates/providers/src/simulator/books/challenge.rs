//! Challenges: what their page shows, and the buyer's decision.

use domain::decline::DeclineCode;
use domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::operation::{Operation, decision, moved, to_json};
use crate::simulator::verdict::Verdict;

/// What a challenge page needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct ChallengeView {
    pub(in crate::simulator) state: ChallengeState,
    /// `None` for a card check.
    pub(in crate::simulator) currency: Option<String>,
    pub(in crate::simulator) amount: i64,
    pub(in crate::simulator) last4: String,
    pub(in crate::simulator) merchant: Option<String>,
    pub(in crate::simulator) return_to: String,
}

/// How a challenge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum ChallengeState {
    /// It waits for the buyer.
    Open,
    /// The buyer decided, or it was cancelled.
    Over,
}

/// The challenge with that id.
pub(in crate::simulator) fn challenge(books: &Connection, id: &str) -> rusqlite::Result<Option<ChallengeView>> {
    books
        .prepare_cached(
            "SELECT o.currency, o.amount, o.last4, c.merchant, c.return_to,
               EXISTS (SELECT 1 FROM decisions d WHERE d.key = c.key)
             FROM challenges c JOIN operations o ON o.key = c.key WHERE c.id = ?1",
        )?
        .query_row([id], |row| {
            Ok(ChallengeView {
                state: if row.get(5)? { ChallengeState::Over } else { ChallengeState::Open },
                currency: row.get(0)?,
                amount: row.get(1)?,
                last4: row.get(2)?,
                merchant: row.get(3)?,
                return_to: row.get(4)?,
            })
        })
        .optional()
}

/// Books the buyer's decision, unless one is booked. Gives the way back, or `None` if there is no such challenge.
pub(in crate::simulator) fn decide(books: &Connection, id: &str, approves: bool, now: Timestamp) -> rusqlite::Result<Option<String>> {
    let found: Option<(String, String)> = books
        .prepare_cached("SELECT key, return_to FROM challenges WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((key, return_to)) = found else {
        return Ok(None);
    };
    if decision(books, &key)?.is_some() {
        return Ok(Some(return_to));
    }
    let Some(operation) = Operation::find(books, &key)? else {
        return Ok(None);
    };
    let (kind, amount) = (operation.kind, operation.amount);
    let refused = Verdict::Declined { code: DeclineCode::AuthenticationRequired, cvc: None };
    let verdict = if approves { operation.after_challenge().unwrap_or(refused) } else { refused };
    books.prepare_cached("INSERT INTO decisions (key, verdict, moves, at) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        key,
        to_json(&verdict)?,
        moved(kind, amount, &verdict),
        now.millis()
    ])?;
    Ok(Some(return_to))
}
