//! How often payments reached each status, for whoever watches: counted once the commit that brought them there has landed.
//!
//! Of this process, since it began. What is counted by is bounded: statuses, currencies and providers. Absent on purpose: merchants, whose
//! number is not.

use std::collections::HashMap;

use domain::currency::Currency;
use domain::payment_intent::{PaymentIntent, Status};
use parking_lot::Mutex;

/// What a commit has to count of one record.
#[derive(Debug)]
pub(crate) enum Counted {
    /// A payment reached a status.
    Reached(Status, Currency),
    /// What the commit is about is with this provider.
    With(String),
}

impl Counted {
    /// What a payment reached that was `before`, or is new.
    pub(crate) fn of_payment(before: Option<&PaymentIntent>, after: &PaymentIntent) -> Option<Self> {
        let reached = before.is_none_or(|before| before.status != after.status);
        reached.then(|| Self::Reached(after.status, after.amount.currency()))
    }
}

/// The payments that reached a status.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reached {
    /// Which.
    pub status: Status,
    /// In which currency.
    pub currency: Currency,
    /// With which provider; empty of those that were not sent to one in the same step.
    pub provider: String,
}

/// All that were counted.
#[derive(Default)]
pub(crate) struct Tally(Mutex<HashMap<Reached, u64>>);

impl Tally {
    /// Counts what a commit said.
    pub(crate) fn add(&self, counted: Vec<Counted>) {
        let (mut reached, mut provider) = (None, String::new());
        for counted in counted {
            match counted {
                Counted::Reached(status, currency) => reached = Some((status, currency)),
                Counted::With(name) => provider = name,
            }
        }
        // A commit changes one payment at most.
        if let Some((status, currency)) = reached {
            let mut all = self.0.lock();
            let times = all.entry(Reached { status, currency, provider }).or_default();
            *times = times.saturating_add(1);
        }
    }

    /// Every one, and how often.
    pub(crate) fn all(&self) -> Vec<(Reached, u64)> {
        self.0.lock().iter().map(|(reached, times)| (reached.clone(), *times)).collect()
    }
}
