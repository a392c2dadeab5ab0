//! Which lists an object is in, besides those of the objects it belongs to; and what their parents are called.
//!
//! What is linked when an object is made, unlinked when it goes, and read by a filter is said here once.

use domain::balance_transaction::{BalanceTransaction, Kind};
use domain::currency::Currency;
use domain::customer::Customer;
use domain::event::{Event, EventKind};
use domain::id::Ulid;
use domain::scope::Scope;
use store::{Index, List};

use aws_lc_rs::digest::{SHA256, digest};

/// The lists of an event.
#[must_use]
pub const fn of_event(scope: Scope, event: &Event) -> [List; 2] {
    [List::all(scope, Index::Events), events_of_kind(scope, event.kind)]
}

/// Events of one kind.
#[must_use]
pub const fn events_of_kind(scope: Scope, kind: EventKind) -> List {
    List::of(scope, Index::EventsByKind, Ulid::from_bits(kind.code() as u128))
}

/// The lists of a line of the statement; see also [`unsummed`](crate::balance::unsummed).
#[must_use]
pub fn of_line(scope: Scope, line: &BalanceTransaction) -> [List; 3] {
    [
        List::all(scope, Index::BalanceTransactions),
        lines_about(scope, line.source.ulid()),
        lines_of_kind(scope, line.source.kind(), line.amount.currency()),
    ]
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

/// The lists of a customer: none once it is deleted.
#[must_use]
pub fn of_customer(scope: Scope, customer: &Customer) -> Vec<List> {
    if customer.deleted {
        return Vec::new();
    }
    let by_email = customer.email.as_deref().map(|email| customers_with_email(scope, email));
    by_email.into_iter().chain([List::all(scope, Index::Customers)]).collect()
}

/// Customers whose email address is this one or shares 128 bits of its hash: a reader compares the addresses.
#[must_use]
pub fn customers_with_email(scope: Scope, email: &str) -> List {
    let hash = digest(&SHA256, email.as_bytes());
    let bits = hash.as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    List::of(scope, Index::CustomersByEmail, Ulid::from_bits(bits))
}
