//! The sums of the books: recomputed from the entries, never kept.

use std::collections::BTreeMap;

use super::{JournalEntry, LedgerAccount};
use crate::currency::Currency;

/// What the accounts hold after some entries: debits positive, credits negative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    totals: BTreeMap<(LedgerAccount, Currency), i128>,
}

/// The sums of all accounts of a currency on either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// The accounts with a debit balance.
    pub debits: i128,
    /// The accounts with a credit balance, as a positive number.
    pub credits: i128,
}

impl Trial {
    /// Whether both sides are the same.
    #[must_use]
    pub const fn is_balanced(self) -> bool {
        self.debits == self.credits
    }
}

impl Books {
    /// Books of all these entries.
    pub fn replay<'a>(entries: impl IntoIterator<Item = &'a JournalEntry>) -> Self {
        let mut books = Self::default();
        for entry in entries {
            books.record(entry);
        }
        books
    }

    /// Adds an entry. 128 bits hold the sum of more entries than there can be.
    pub fn record(&mut self, entry: &JournalEntry) {
        for posting in entry.postings() {
            let total = self.totals.entry((posting.account, posting.amount.currency())).or_default();
            *total = total.saturating_add(i128::from(posting.amount.minor()));
        }
    }

    /// An account's balance: a debit is positive, a credit negative.
    #[must_use]
    pub fn balance(&self, account: LedgerAccount, currency: Currency) -> i128 {
        self.totals.get(&(account, currency)).copied().unwrap_or(0)
    }

    /// Every account that was ever posted to, with its balance.
    pub fn totals(&self) -> impl Iterator<Item = (LedgerAccount, Currency, i128)> {
        self.totals.iter().map(|((account, currency), total)| (*account, *currency, *total))
    }

    /// Both sides of each currency.
    #[must_use]
    pub fn trial_balance(&self) -> BTreeMap<Currency, Trial> {
        let mut trials: BTreeMap<Currency, Trial> = BTreeMap::new();
        for (_, currency, total) in self.totals() {
            let trial = trials.entry(currency).or_default();
            if total >= 0 {
                trial.debits = trial.debits.saturating_add(total);
            } else {
                trial.credits = trial.credits.saturating_sub(total);
            }
        }
        trials
    }

    /// Whether every currency's two sides are the same.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.trial_balance().values().all(|trial| trial.is_balanced())
    }
}
