//! Card numbers: kept as long as a payment may need them, and no longer.

use std::collections::BTreeSet;

use domain::id::Ulid;
use domain::payment_attempt::PaymentAttempt;
use domain::payment_method::{PaymentMethod, Token};
use domain::scope::Scope;
use store::contract::MAX_KEYS;
use store::{Key, Kind, Store};

use super::{Page, Report, named};
use crate::error::Error;
use crate::records::Record;

/// The methods whose cards an attempt that is not settled may have to send.
#[derive(Default)]
pub(super) struct Needed(BTreeSet<(Scope, Ulid)>);

impl Needed {
    /// Takes in some attempts.
    pub(super) fn attempts(&mut self, page: &Page<PaymentAttempt>) {
        let needing = page.iter().filter(|(_, attempt)| attempt.may_need_card());
        self.0.extend(needing.map(|(scope, attempt)| (*scope, attempt.payment_method.ulid())));
    }

    /// Looks for numbers of methods that can pay no more, and are not paying.
    pub(super) async fn methods(&self, store: &dyn Store, page: &Page<PaymentMethod>, report: &mut Report) -> Result<(), Error> {
        let done = page.iter().filter(|(scope, method)| method.spent && !self.0.contains(&(*scope, method.id.ulid())));
        absent::<PaymentMethod>(store, done.map(|(scope, method)| (*scope, method.id.ulid())), report).await
    }
}

/// Looks for numbers of tokens that were exchanged.
pub(super) async fn tokens(store: &dyn Store, page: &Page<Token>, report: &mut Report) -> Result<(), Error> {
    let used = page.iter().filter(|(_, token)| token.used);
    absent::<Token>(store, used.map(|(scope, token)| (*scope, token.id.ulid())), report).await
}

async fn absent<T: Record>(store: &dyn Store, owners: impl Iterator<Item = (Scope, Ulid)>, report: &mut Report) -> Result<(), Error> {
    let owners: Vec<(Scope, Ulid)> = owners.collect();
    for part in owners.chunks(MAX_KEYS) {
        let keys: Vec<Key> = part.iter().map(|(scope, ulid)| Key::object(*scope, Kind::SealedCard, *ulid)).collect();
        for ((_, ulid), card) in part.iter().zip(store.get(&keys).await?) {
            report.expect(card.is_none(), || format!("{}: its card number is kept and not needed any more", named(T::KIND, *ulid)));
        }
    }
    Ok(())
}
