//! Erasing the numbers of cards that no payment can need any more.
//!
//! That of a card whose one payment used it up goes with the commit that settles the payment, and that of a token with the one that uses
//! it. A detached card may have several operations under way that would have to be sent again, and is looked after here. Absent on purpose:
//! a second look when a process ends between detaching and erasing; the number stays then, sealed.

use domain::id::{PaymentMethodId, Ulid};
use domain::payment_method::PaymentMethod;
use domain::scope::Scope;
use store::{Batch, Index, Key, Kind, List, Precondition, Scan, Write};

use crate::error::Error;
use crate::open_operations::{OBJECTS_AT_ONCE, Subject};
use crate::platform::Platform;

/// So many looks at open operations are worth it. A merchant with more open operations than that has other worries: the number is kept.
const LOOKS: usize = 40;

/// What erases the number that is kept under the name of a method or token.
pub(crate) const fn erase_card(scope: Scope, ulid: Ulid) -> Write {
    Write::Delete { key: Key::object(scope, Kind::SealedCard, ulid), precondition: Precondition::Any }
}

impl Platform {
    /// Erases the number of a detached card, unless an operation with it is under way: whoever settles the last one erases it. That it
    /// fails changes nothing of what was done before.
    pub(crate) async fn erase_unless_open(&self, scope: Scope, method: PaymentMethodId) {
        if let Err(error) = self.try_erase(scope, method).await {
            tracing::warn!(%error, detail = ?error, %method, "the number of a detached card was not erased");
        }
    }

    async fn try_erase(&self, scope: Scope, method: PaymentMethodId) -> Result<(), Error> {
        let kept = self.must::<PaymentMethod>(scope, method.ulid()).await?;
        if !kept.value.is_detached() || self.is_in_use(scope, method).await? {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.push(erase_card(scope, method.ulid()));
        self.commit_without_row(batch).await
    }

    /// Whether an operation that may have to be sent again is with that card.
    async fn is_in_use(&self, scope: Scope, method: PaymentMethodId) -> Result<bool, Error> {
        let mut newer_than = None;
        for _ in 0..LOOKS {
            let list = List::all(scope, Index::OpenOperations);
            let open = self.store.scan(Scan { newer_than, ..Scan::oldest(list, OBJECTS_AT_ONCE) }).await?;
            let needs = |subject: &Subject| match subject {
                Subject::Attempt(attempt) => attempt.payment_method == method && attempt.may_need_card(),
                Subject::Setup(setup) => setup.payment_method == Some(method) && setup.operation.is_some(),
                Subject::Refund(_) => false,
            };
            if self.subjects(scope, &open).await?.iter().any(needs) {
                return Ok(true);
            }
            match open.last() {
                Some(last) if open.len() == OBJECTS_AT_ONCE => newer_than = Some(*last),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}
