//! A provider's books against ours: both are read once, and gone along side by side in the order of their keys. A store gives
//! ours in an order of its own, so what they come to is kept and sorted, some 60 bytes an operation.
//!
//! An operation whose end is not known here may or may not have moved money there; everything else agrees to the cent.

use std::collections::VecDeque;

use async_trait::async_trait;
use domain::charge::Charge;
use domain::conflict::{Contradiction, Remedy, Status as RemedyStatus};
use domain::id::Ulid;
use domain::payment_attempt::{PaymentAttempt, Status};
use domain::payment_intent::PaymentIntent;
use domain::provider_key::ProviderKey;
use domain::refund::{self, Refund};
use domain::scope::Scope;
use store::Store;

use super::{Pages, Report, read};
use crate::error::Error;
use crate::records::key_of;

/// An operation in a provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its key.
    pub key: ProviderKey,
    /// What was taken from the card, in the minor unit.
    pub taken: i64,
    /// What was given back to it, in the minor unit.
    pub given_back: i64,
    /// Three lower-case letters, where an amount moves.
    pub currency: Option<String>,
}

/// A provider's books.
#[async_trait]
pub trait Statement: Send + Sync {
    /// Some operations after that key, in the order of their keys' bytes; none when there are no more.
    ///
    /// # Errors
    /// The provider's books cannot be read.
    async fn after(&self, key: Option<&ProviderKey>) -> Result<Vec<Moved>, Error>;
}

/// Compares a provider's books with ours.
///
/// # Errors
/// Either cannot be read.
pub async fn verify(store: &dyn Store, statement: &dyn Statement, provider: &str, report: &mut Report) -> Result<(), Error> {
    let mut bank = Reading { statement, waiting: VecDeque::new(), last: None, ended: false };
    let mut known = Vec::new();
    let mut pages = Pages::<PaymentAttempt>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, attempt) in page.into_iter().filter(|(_, attempt)| attempt.provider == provider) {
            known.push((attempt.id.ulid(), of_attempt(store, scope, &attempt).await?));
        }
    }
    bank.compare_all("pa_", known, report).await?;
    let mut known = Vec::new();
    let mut pages = Pages::<Refund>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, refund) in page {
            let charge: Option<Charge> = read(store, &key_of::<Charge>(scope, refund.charge.ulid())).await?;
            if charge.is_some_and(|charge| charge.provider == provider) {
                known.push((refund.id.ulid(), of_refund(&refund)));
            }
        }
    }
    bank.compare_all("re_", known, report).await?;
    bank.strangers("", None, report).await
}

/// What we say moved.
struct Ours {
    taken: i64,
    given_back: i64,
    /// What may have moved besides, as long as its end is not known.
    unknown: i64,
    currency: &'static str,
}

async fn of_attempt(store: &dyn Store, scope: Scope, attempt: &PaymentAttempt) -> Result<Ours, Error> {
    let mut ours = Ours { taken: 0, given_back: 0, unknown: 0, currency: attempt.amount.currency().code() };
    match attempt.status {
        Status::Captured => ours.taken = captured(store, scope, attempt).await?,
        Status::Sending | Status::Unknown | Status::ActionRequired => {
            ours.unknown = attempt.operation.as_ref().map_or(attempt.amount, |operation| operation.amount).minor();
        }
        Status::Authorized | Status::Declined | Status::Voided => {}
    }
    for conflict in &attempt.conflicts {
        if let Remedy::Refund(amount) = conflict.remedy {
            ours.taken = ours.taken.saturating_add(amount.minor());
            match conflict.status {
                RemedyStatus::Remedied => ours.given_back = ours.given_back.saturating_add(amount.minor()),
                RemedyStatus::UnderWay => ours.unknown = ours.unknown.saturating_add(amount.minor()),
                RemedyStatus::NeedsPerson => {}
            }
        }
    }
    Ok(ours)
}

async fn captured(store: &dyn Store, scope: Scope, attempt: &PaymentAttempt) -> Result<i64, Error> {
    let intent: Option<PaymentIntent> = read(store, &key_of::<PaymentIntent>(scope, attempt.payment_intent.ulid())).await?;
    let Some(id) = intent.and_then(|intent| intent.latest_charge) else { return Ok(0) };
    let charge: Option<Charge> = read(store, &key_of::<Charge>(scope, id.ulid())).await?;
    Ok(charge.filter(|charge| charge.attempt == attempt.id).map_or(0, |charge| charge.amount_captured))
}

fn of_refund(refund: &Refund) -> Ours {
    let amount = refund.amount.minor();
    let made = refund.status == refund::Status::Succeeded
        || refund.conflicts.iter().any(|conflict| conflict.contradiction == Contradiction::RefundedAfterFailure);
    Ours {
        taken: 0,
        given_back: if made { amount } else { 0 },
        unknown: if refund.status.is_open() { amount } else { 0 },
        currency: refund.amount.currency().code(),
    }
}

/// The provider's books, read on as ours are.
struct Reading<'a> {
    statement: &'a dyn Statement,
    waiting: VecDeque<Moved>,
    last: Option<ProviderKey>,
    ended: bool,
}

impl Reading<'_> {
    async fn peek(&mut self) -> Result<Option<&Moved>, Error> {
        if self.waiting.is_empty() && !self.ended {
            let page = self.statement.after(self.last.as_ref()).await?;
            self.last = page.last().map(|moved| moved.key.clone()).or(self.last.take());
            self.ended = page.is_empty();
            self.waiting.extend(page);
        }
        Ok(self.waiting.front())
    }

    /// Names what the provider moved under keys below that of `until` and with that prefix: nobody here asked for it.
    async fn strangers(&mut self, prefix: &str, until: Option<Ulid>, report: &mut Report) -> Result<(), Error> {
        while let Some(moved) = self.peek().await? {
            let (text, subject) = (moved.key.as_str(), moved.key.subject());
            let ours = text.starts_with(prefix);
            let before = text < prefix || ours && until.is_none_or(|until| subject.is_none_or(|subject| subject < until));
            if !before {
                return Ok(());
            }
            report.expect(moved.taken == 0 && moved.given_back == 0, || {
                format!("{}: the bank took {} and gave back {}, and nobody here asked for it", moved.key, moved.taken, moved.given_back)
            });
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// All of what we know of one kind, and what the provider knows of it besides.
    async fn compare_all(&mut self, prefix: &str, mut known: Vec<(Ulid, Ours)>, report: &mut Report) -> Result<(), Error> {
        known.sort_unstable_by_key(|(subject, _)| *subject);
        for (subject, ours) in &known {
            self.compare(prefix, *subject, ours, report).await?;
        }
        self.strangers(prefix, None, report).await
    }

    async fn compare(&mut self, prefix: &str, subject: Ulid, ours: &Ours, report: &mut Report) -> Result<(), Error> {
        self.strangers(prefix, Some(subject), report).await?;
        let (mut taken, mut given_back) = (0_i64, 0_i64);
        while let Some(moved) =
            self.peek().await?.filter(|moved| moved.key.as_str().starts_with(prefix) && moved.key.subject() == Some(subject))
        {
            taken = taken.saturating_add(moved.taken);
            given_back = given_back.saturating_add(moved.given_back);
            let same = moved.currency.as_deref().is_none_or(|currency| currency == ours.currency);
            report.expect(same, || format!("{}: the bank moved another currency than {}", moved.key, ours.currency));
            self.waiting.pop_front();
        }
        let within = |theirs: i64, known: i64| theirs == known || known < theirs && theirs <= known.saturating_add(ours.unknown);
        report.expect(within(taken, ours.taken) && within(given_back, ours.given_back), || {
            let Ours { taken: we_took, given_back: we_gave, .. } = ours;
            format!("{prefix}{subject}: the bank took {taken} and gave back {given_back}, we say {we_took} and {we_gave}")
        });
        Ok(())
    }
}
