//! References: every record that another one names is there, and a charge, its attempt and its payment tell one story.

use std::collections::BTreeMap;

use domain::account::ApiKey;
use domain::balance_transaction::{self, BalanceTransaction};
use domain::charge::{self, Charge};
use domain::customer::Customer;
use domain::id::{AccountId, Ulid};
use domain::ledger::{self, JournalEntry};
use domain::payment_attempt::{self, PaymentAttempt};
use domain::payment_intent::{self, PaymentIntent};
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use domain::user::User;
use store::contract::MAX_KEYS;
use store::{Key, Kind, Store};

use super::{Page, Report, named, read_all};
use crate::error::Error;
use crate::idempotency;
use crate::records::{Record, key_of};
use crate::users::by_email;

/// A record that names others.
pub(super) trait Names: Record {
    /// What it names: the field, and the record.
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)>;
}

fn to<T: Record>(scope: Scope, id: Ulid) -> Key {
    key_of::<T>(scope, id)
}

impl Names for PaymentIntent {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let names = [
            self.customer.map(|id| ("customer", to::<Customer>(scope, id.ulid()))),
            self.payment_method.map(|id| ("payment_method", to::<PaymentMethod>(scope, id.ulid()))),
            self.latest_attempt.map(|id| ("latest_attempt", to::<PaymentAttempt>(scope, id.ulid()))),
            self.latest_charge.map(|id| ("latest_charge", to::<Charge>(scope, id.ulid()))),
        ];
        names.into_iter().flatten().collect()
    }
}

impl Names for PaymentAttempt {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let names = [
            Some(("payment_intent", to::<PaymentIntent>(scope, self.payment_intent.ulid()))),
            Some(("payment_method", to::<PaymentMethod>(scope, self.payment_method.ulid()))),
            self.answers.as_ref().map(|key| ("answers", idempotency::key(scope, key))),
        ];
        names.into_iter().flatten().collect()
    }
}

impl Names for Charge {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let names = [
            Some(("payment_intent", to::<PaymentIntent>(scope, self.payment_intent.ulid()))),
            Some(("attempt", to::<PaymentAttempt>(scope, self.attempt.ulid()))),
            Some(("payment_method", to::<PaymentMethod>(scope, self.payment_method.ulid()))),
            self.customer.map(|id| ("customer", to::<Customer>(scope, id.ulid()))),
            self.balance_transaction.map(|id| ("balance_transaction", to::<BalanceTransaction>(scope, id.ulid()))),
        ];
        names.into_iter().flatten().collect()
    }
}

impl Names for Refund {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let line = |id: domain::id::BalanceTransactionId| to::<BalanceTransaction>(scope, id.ulid());
        let names = [
            Some(("charge", to::<Charge>(scope, self.charge.ulid()))),
            Some(("payment_intent", to::<PaymentIntent>(scope, self.payment_intent.ulid()))),
            Some(("balance_transaction", line(self.balance_transaction))),
            self.failure_balance_transaction.map(|id| ("failure_balance_transaction", line(id))),
            self.answers.as_ref().map(|key| ("answers", idempotency::key(scope, key))),
        ];
        names.into_iter().flatten().collect()
    }
}

impl Names for SetupIntent {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let names = [
            self.customer.map(|id| ("customer", to::<Customer>(scope, id.ulid()))),
            self.payment_method.map(|id| ("payment_method", to::<PaymentMethod>(scope, id.ulid()))),
            self.answers.as_ref().map(|key| ("answers", idempotency::key(scope, key))),
        ];
        names.into_iter().flatten().collect()
    }
}

impl Names for PaymentMethod {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let customer = self.customer.map(|id| ("customer", to::<Customer>(scope, id.ulid())));
        let card = (!self.spent).then(|| ("card", Key::object(scope, Kind::SealedCard, self.id.ulid())));
        customer.into_iter().chain(card).collect()
    }
}

impl Names for Token {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let card = (!self.used).then(|| ("card", Key::object(scope, Kind::SealedCard, self.id.ulid())));
        card.into_iter().collect()
    }
}

impl Names for Customer {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let method = self.default_payment_method.map(|id| ("default_payment_method", to::<PaymentMethod>(scope, id.ulid())));
        method.into_iter().collect()
    }
}

impl Names for BalanceTransaction {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        vec![match self.source {
            balance_transaction::Source::Charge(id) => ("source", to::<Charge>(scope, id.ulid())),
            balance_transaction::Source::Refund(id) | balance_transaction::Source::RefundFailure(id) => {
                ("source", to::<Refund>(scope, id.ulid()))
            }
        }]
    }
}

impl Names for JournalEntry {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        vec![match self.source() {
            ledger::Source::Charge(id) => ("source", to::<Charge>(scope, id.ulid())),
            ledger::Source::Refund(id) => ("source", to::<Refund>(scope, id.ulid())),
            ledger::Source::Attempt(id) => ("source", to::<PaymentAttempt>(scope, id.ulid())),
        }]
    }
}

impl Names for ApiKey {
    fn names(&self, _: Scope) -> Vec<(&'static str, Key)> {
        // The platform's own keys are no merchant's.
        let merchant = (self.scope != Scope::PLATFORM).then(|| self.scope.account.ulid());
        merchant.map(|merchant| ("account", to::<domain::account::Account>(Scope::PLATFORM, merchant))).into_iter().collect()
    }
}

impl Names for User {
    fn names(&self, scope: Scope) -> Vec<(&'static str, Key)> {
        let account = |id: &AccountId| ("account", to::<domain::account::Account>(Scope::PLATFORM, id.ulid()));
        let accounts = self.memberships.keys().map(account);
        accounts.chain([("email", by_email(scope, &self.email))]).collect()
    }
}

/// Looks for all that some records name.
pub(super) async fn names<T: Names>(store: &dyn Store, page: &Page<T>, report: &mut Report) -> Result<(), Error> {
    let mut wanted: BTreeMap<Key, (Ulid, &'static str)> = BTreeMap::new();
    for (scope, record) in page {
        wanted.extend(record.names(*scope).into_iter().map(|(field, key)| (key, (record.ulid(), field))));
    }
    let keys: Vec<Key> = wanted.keys().cloned().collect();
    for part in keys.chunks(MAX_KEYS) {
        for (key, item) in part.iter().zip(store.get(part).await?) {
            if let (None, Some((by, field))) = (item, wanted.get(key)) {
                let missing = match key {
                    Key::Object(key) => named(key.kind, key.id),
                    Key::Named(key) if key.kind == Kind::IdempotencyRecord => format!("{} of a request", key.kind.table()),
                    Key::Named(key) => format!("a name in {}", key.kind.table()),
                };
                report.differ(format!("{}: its {field} is missing: {missing}", named(T::KIND, *by)));
            }
        }
    }
    Ok(())
}

/// Whether a charge can be like this while its attempt is like that.
const fn go_together(charge: charge::Status, attempt: payment_attempt::Status) -> bool {
    use payment_attempt::Status::{Authorized, Captured, Declined, Sending, Unknown, Voided};
    match charge {
        charge::Status::Authorized => matches!(attempt, Authorized | Sending | Unknown),
        charge::Status::Captured => matches!(attempt, Captured),
        charge::Status::Voided => matches!(attempt, Voided),
        charge::Status::Failed => matches!(attempt, Declined),
    }
}

/// Compares charges with their attempts.
pub(super) async fn attempts(store: &dyn Store, page: &Page<Charge>, report: &mut Report) -> Result<(), Error> {
    let keys: Vec<Key> = page.iter().map(|(scope, charge)| to::<PaymentAttempt>(*scope, charge.attempt.ulid())).collect();
    for ((_, charge), attempt) in page.iter().zip(read_all::<PaymentAttempt>(store, &keys).await?) {
        let Some(attempt) = attempt else { continue };
        let same = attempt.payment_intent == charge.payment_intent && attempt.amount == charge.amount;
        report.expect(same && go_together(charge.status, attempt.status), || {
            format!("{}: {:?} of {}, and its attempt {:?} of {}", charge.id, charge.status, charge.amount, attempt.status, attempt.amount)
        });
    }
    Ok(())
}

/// Compares payments with their charges.
pub(super) async fn received(store: &dyn Store, page: &Page<PaymentIntent>, report: &mut Report) -> Result<(), Error> {
    let latest = page.iter().filter_map(|(scope, intent)| Some(to::<Charge>(*scope, intent.latest_charge?.ulid())));
    let mut charges = read_all::<Charge>(store, &latest.collect::<Vec<_>>()).await?.into_iter();
    for (_, intent) in page {
        let charge = intent.latest_charge.and_then(|_| charges.next().flatten());
        let succeeded = intent.status == payment_intent::Status::Succeeded;
        let received = charge.filter(|charge| charge.status == charge::Status::Captured).map_or(0, |charge| charge.amount_captured);
        report.expect(received == intent.amount_received && succeeded == (received > 0), || {
            format!("{}: {} with {} received, and its charge {received}", intent.id, intent.status.as_str(), intent.amount_received)
        });
    }
    Ok(())
}
