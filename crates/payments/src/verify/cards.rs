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

    /// Looks at the numbers of methods that their one payment uses up: there while it may need it, and gone afterwards.
    pub(super) async fn methods(&self, store: &dyn Store, page: &Page<PaymentMethod>, report: &mut Report) -> Result<(), Error> {
        let used_up = page.iter().filter(|(_, method)| method.is_used_up()).map(|(scope, method)| (*scope, method.id.ulid()));
        let (needed, done): (Vec<_>, Vec<_>) = used_up.partition(|used_up| self.0.contains(used_up));
        kept::<PaymentMethod>(store, &needed, true, report).await?;
        kept::<PaymentMethod>(store, &done, false, report).await
    }
}

/// Looks for numbers of tokens that were exchanged.
pub(super) async fn tokens(store: &dyn Store, page: &Page<Token>, report: &mut Report) -> Result<(), Error> {
    let used: Vec<_> = page.iter().filter(|(_, token)| token.used).map(|(scope, token)| (*scope, token.id.ulid())).collect();
    kept::<Token>(store, &used, false, report).await
}

/// Looks whether the numbers of these are kept, or are not.
async fn kept<T: Record>(store: &dyn Store, owners: &[(Scope, Ulid)], expected: bool, report: &mut Report) -> Result<(), Error> {
    for part in owners.chunks(MAX_KEYS) {
        let keys: Vec<Key> = part.iter().map(|(scope, ulid)| Key::object(*scope, Kind::SealedCard, *ulid)).collect();
        for ((_, ulid), card) in part.iter().zip(store.get(&keys).await?) {
            report.expect(card.is_some() == expected, || {
                let wrong = if expected { "is missing" } else { "is kept and not needed any more" };
                format!("{}: its card number {wrong}", named(T::KIND, *ulid))
            });
        }
    }
    Ok(())
}
