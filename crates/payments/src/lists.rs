//! Which lists an object is in, besides those of the objects it belongs to; and what their parents are called.
//!
//! Use cases write objects by [`add`] and [`change`], which keep the lists as it is said here; `verify` compares.

use domain::account::{Account, ApiKey};
use domain::audit::AuditEntry;
use domain::balance_transaction::{BalanceTransaction, Kind};
use domain::charge::Charge;
use domain::currency::Currency;
use domain::customer::Customer;
use domain::event::{Event, EventKind};
use domain::id::{CustomerId, Ulid};
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use domain::token_issuer::TokenIssuer;
use domain::token_key::TokenKey;
use domain::user::User;
use domain::webhook_endpoint::{State, WebhookEndpoint};
use store::{Index, List};

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::Error;
use crate::records::{Loaded, Record, Version, insert};
use crate::writes::{Audited, Writes};

/// An object that is found in lists.
pub trait Listed: Record {
    /// Every list that it belongs in as it is, but the one of lines that no checkpoint includes: that they are
    /// [unsummed](crate::balance::unsummed) is no property of theirs.
    fn lists(&self, scope: Scope) -> Vec<List>;
}

/// Adds a new object, and puts it into the lists that it belongs in.
///
/// # Errors
/// It cannot be encoded.
pub(crate) fn add<T: Listed + Audited>(scope: Scope, object: &T, writes: &mut Writes) -> Result<Version, Error> {
    let version = writes.create(scope, object)?;
    link(scope, object, writes);
    Ok(version)
}

/// Adds a record that never changes and that the audit trail does not follow, and puts it into its lists.
///
/// # Errors
/// It cannot be encoded.
pub(crate) fn append<T: Listed>(scope: Scope, record: &T, writes: &mut Writes) -> Result<(), Error> {
    writes.push(insert(scope, record)?);
    link(scope, record, writes);
    Ok(())
}

fn link<T: Listed>(scope: Scope, record: &T, writes: &mut Writes) {
    for list in record.lists(scope) {
        writes.link(list, record.ulid());
    }
}

/// Changes an object that was `before`, and moves it to the lists that it belongs in now.
///
/// # Errors
/// It cannot be encoded.
pub(crate) fn change<T: Listed + Audited>(scope: Scope, before: &Loaded<T>, after: &T, writes: &mut Writes) -> Result<Version, Error> {
    let version = writes.replace(scope, before, after)?;
    let (was_in, is_in) = (before.value.lists(scope), after.lists(scope));
    for list in was_in.iter().filter(|list| !is_in.contains(list)) {
        writes.unlink(*list, after.ulid());
    }
    for list in is_in.iter().filter(|list| !was_in.contains(list)) {
        writes.link(*list, after.ulid());
    }
    Ok(version)
}

fn open(scope: Scope, open: bool) -> Option<List> {
    open.then(|| List::all(scope, Index::OpenOperations))
}

fn awaiting(scope: Scope, awaits: bool) -> Option<List> {
    awaits.then(|| List::all(scope, Index::AwaitingBuyer))
}

fn of_customers(scope: Scope, index: Index, customer: Option<CustomerId>) -> Option<List> {
    customer.map(|customer| List::of(scope, index, customer.ulid()))
}

impl Listed for Account {
    fn lists(&self, scope: Scope) -> Vec<List> {
        vec![List::all(scope, Index::Accounts)]
    }
}

impl Listed for ApiKey {
    fn lists(&self, scope: Scope) -> Vec<List> {
        vec![List::of(scope, Index::ApiKeys, self.scope.account.ulid())]
    }
}

impl Listed for AuditEntry {
    fn lists(&self, scope: Scope) -> Vec<List> {
        vec![List::all(scope, Index::AuditEntries)]
    }
}

impl Listed for PaymentIntent {
    fn lists(&self, scope: Scope) -> Vec<List> {
        let by_customer = of_customers(scope, Index::PaymentIntentsByCustomer, self.customer);
        by_customer.into_iter().chain([List::all(scope, Index::PaymentIntents)]).collect()
    }
}

impl Listed for PaymentAttempt {
    fn lists(&self, scope: Scope) -> Vec<List> {
        open(scope, self.is_open()).into_iter().chain(awaiting(scope, self.awaits_buyer())).collect()
    }
}

impl Listed for SetupIntent {
    fn lists(&self, scope: Scope) -> Vec<List> {
        use domain::setup_intent::Status::{Processing, RequiresAction};
        let by_customer = of_customers(scope, Index::SetupIntentsByCustomer, self.customer);
        let open = open(scope, self.status == Processing).or(awaiting(scope, self.status == RequiresAction));
        by_customer.into_iter().chain(open).chain([List::all(scope, Index::SetupIntents)]).collect()
    }
}

impl Listed for Charge {
    fn lists(&self, scope: Scope) -> Vec<List> {
        let by_customer = of_customers(scope, Index::ChargesByCustomer, self.customer);
        let by_payment = List::of(scope, Index::ChargesByPaymentIntent, self.payment_intent.ulid());
        by_customer.into_iter().chain([by_payment, List::all(scope, Index::Charges)]).collect()
    }
}

impl Listed for Refund {
    fn lists(&self, scope: Scope) -> Vec<List> {
        let by_payment = List::of(scope, Index::RefundsByPaymentIntent, self.payment_intent.ulid());
        let by_charge = List::of(scope, Index::RefundsByCharge, self.charge.ulid());
        let all = [by_payment, by_charge, List::all(scope, Index::Refunds)];
        open(scope, self.status.is_open()).into_iter().chain(all).collect()
    }
}

impl Listed for PaymentMethod {
    fn lists(&self, scope: Scope) -> Vec<List> {
        of_customers(scope, Index::PaymentMethodsByCustomer, self.customer).into_iter().collect()
    }
}

impl Listed for Customer {
    fn lists(&self, scope: Scope) -> Vec<List> {
        let by_email = self.email.as_deref().map(|email| customers_with_email(scope, email));
        let live = !self.deleted;
        by_email.into_iter().chain([List::all(scope, Index::Customers)]).filter(|_| live).collect()
    }
}

impl Listed for Event {
    fn lists(&self, scope: Scope) -> Vec<List> {
        lists_of_event(scope, self.kind).to_vec()
    }
}

impl Listed for BalanceTransaction {
    fn lists(&self, scope: Scope) -> Vec<List> {
        vec![
            List::all(scope, Index::BalanceTransactions),
            lines_about(scope, self.source.ulid()),
            lines_of_kind(scope, self.source.kind(), self.amount.currency()),
        ]
    }
}

impl Listed for User {
    fn lists(&self, scope: Scope) -> Vec<List> {
        self.memberships.keys().map(|account| List::of(scope, Index::UsersByAccount, account.ulid())).collect()
    }
}

impl Listed for WebhookEndpoint {
    fn lists(&self, scope: Scope) -> Vec<List> {
        let index = if self.state == State::Deleted { Index::DeletedWebhookEndpoints } else { Index::WebhookEndpoints };
        vec![List::all(scope, index)]
    }
}

impl Listed for TokenKey {
    fn lists(&self, scope: Scope) -> Vec<List> {
        vec![List::all(scope, Index::TokenKeys)]
    }
}

impl Listed for TokenIssuer {
    fn lists(&self, scope: Scope) -> Vec<List> {
        self.removed_at.is_none().then(|| List::all(scope, Index::TokenIssuers)).into_iter().collect()
    }
}

/// The lists that an event of that kind belongs in.
#[must_use]
pub const fn lists_of_event(scope: Scope, kind: EventKind) -> [List; 2] {
    [List::all(scope, Index::Events), events_of_kind(scope, kind)]
}

/// Events of one kind.
#[must_use]
pub const fn events_of_kind(scope: Scope, kind: EventKind) -> List {
    List::of(scope, Index::EventsByKind, Ulid::from_bits(kind.code() as u128))
}

/// Lines about one charge or refund.
#[must_use]
pub const fn lines_about(scope: Scope, source: Ulid) -> List {
    List::of(scope, Index::BalanceTransactionsBySource, source)
}

/// Lines of one kind in one currency.
#[must_use]
pub fn lines_of_kind(scope: Scope, kind: Kind, currency: Currency) -> List {
    let letters = currency.code().bytes().fold(0_u128, |bits, letter| bits << 8 | u128::from(letter));
    List::of(scope, Index::BalanceTransactionsByKind, Ulid::from_bits(u128::from(kind.code()) << 32 | letters))
}

/// Customers whose email address is this one or shares 128 bits of its hash: a reader compares the addresses.
#[must_use]
pub fn customers_with_email(scope: Scope, email: &str) -> List {
    let hash = digest(&SHA256, email.as_bytes());
    let bits = hash.as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    List::of(scope, Index::CustomersByEmail, Ulid::from_bits(bits))
}
