//! Captures, voids and refunds: what the books say of the authorisation, the decision, and the row.

use domain::decline::DeclineCode;
use domain::money::Money;
use domain::provider_key::ProviderKey;
use domain::time::Timestamp;
use rusqlite::{Connection, params};

use super::operation::{NewRow, Operation, Recorded, append, is_lost, kind_at, repeated, to_json};
use crate::simulator::decide::{self, Standing, State};
use crate::simulator::verdict::{Kind, Verdict};

/// A capture, void or refund to be decided and booked.
#[derive(Clone)]
pub(in crate::simulator) struct NewFollowUp {
    pub(in crate::simulator) key: ProviderKey,
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) authorization: ProviderKey,
    /// `None` for a void: all of it.
    pub(in crate::simulator) amount: Option<Money>,
    /// The caller's reference is the one the bank gave to this authorisation.
    pub(in crate::simulator) reference_matches: bool,
    pub(in crate::simulator) fingerprint: Vec<u8>,
    pub(in crate::simulator) now: Timestamp,
    pub(in crate::simulator) settles_at: Timestamp,
}

/// Decides and books a capture, void or refund.
pub(in crate::simulator) fn follow_up(books: &Connection, new: &NewFollowUp) -> rusqlite::Result<Recorded> {
    if let Some(first) = repeated(books, &new.key, &new.fingerprint, new.now)? {
        return Ok(first);
    }
    let Some(authorization) = Operation::find(books, new.authorization.as_str())? else {
        return Ok(Recorded::NoAuthorization);
    };
    let currency_matches = new.amount.is_none_or(|amount| authorization.currency.as_deref() == Some(amount.currency().code()));
    if authorization.kind != Kind::Authorize && new.kind != Kind::Void || !new.reference_matches || !currency_matches {
        return Ok(Recorded::NoAuthorization);
    }
    let verdict = authorization.current(books, new.authorization.as_str(), new.now)?;
    let standing = standing(books, &new.authorization, &authorization, &verdict, new.now)?;
    let amount = new.amount.map_or(authorization.amount, Money::minor);
    let decision = decide::follow_up(new.kind, amount, &standing);
    if is_lost(books, &new.key, decision.fault)? {
        return Ok(decision.fault.map_or(Recorded::KeyReused, Recorded::Lost));
    }
    let row = NewRow {
        key: &new.key,
        kind: new.kind,
        authorization: Some(&new.authorization),
        currency: new.amount.map(|amount| amount.currency().code()),
        amount,
        fingerprint: &new.fingerprint,
        follow_up: None,
        last4: None,
        card: None,
        now: new.now,
        settles_at: new.settles_at,
    };
    append(books, &row, &decision)?;
    if new.kind == Kind::Void && verdict == Verdict::Challenge {
        cancel_challenge(books, &new.authorization, new.now)?;
    }
    let fault = decision.fault.filter(|fault| !fault.is_lost());
    Ok(Recorded::Fresh(decision.verdict, fault))
}

fn cancel_challenge(books: &Connection, key: &ProviderKey, now: Timestamp) -> rusqlite::Result<()> {
    let verdict = Verdict::Declined { code: DeclineCode::AuthenticationRequired, cvc: None };
    books.prepare_cached("INSERT OR IGNORE INTO decisions (key, verdict, moves, at) VALUES (?1, ?2, 0, ?3)")?.execute(params![
        key.as_str(),
        to_json(&verdict)?,
        now.millis()
    ])?;
    Ok(())
}

fn standing(
    books: &Connection,
    key: &ProviderKey,
    authorization: &Operation,
    verdict: &Verdict,
    now: Timestamp,
) -> rusqlite::Result<Standing> {
    let state = match verdict {
        Verdict::Approved { .. } => State::Approved,
        Verdict::Challenge => State::Challenged,
        Verdict::Processing => State::Processing,
        Verdict::Declined { .. }
        | Verdict::Done
        | Verdict::Refused(_)
        | Verdict::RefundSucceeded
        | Verdict::RefundPending
        | Verdict::RefundFailed(_) => State::Declined,
    };
    let captured_at_once = matches!(verdict, Verdict::Approved { captured: true, .. });
    let mut standing = Standing {
        state,
        authorized: authorization.amount,
        captured: if captured_at_once { authorization.amount } else { 0 },
        refunded: 0,
        voided: false,
        follow_up: authorization.follow_up,
    };
    // The condition is the index's own, so that refused follow-ups are never read.
    let mut statement = books.prepare_cached(
        "SELECT kind, CASE WHEN settles_at <= ?2 THEN moves_settled ELSE moves END
         FROM operations WHERE \"authorization\" = ?1 AND \"authorization\" IS NOT NULL AND moves > 0",
    )?;
    let mut rows = statement.query(params![key.as_str(), now.millis()])?;
    while let Some(row) = rows.next()? {
        let moves: i64 = row.get(1)?;
        match kind_at(row, 0)? {
            Kind::Capture => standing.captured = standing.captured.saturating_add(moves),
            Kind::Refund => standing.refunded = standing.refunded.saturating_add(moves),
            Kind::Void => standing.voided |= moves > 0,
            Kind::Authorize | Kind::VerifyCard => {}
        }
    }
    Ok(standing)
}
