//! What the record of an entry claims, before any rule of it is checked: for whoever looks for one that breaks them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Posting;
use crate::currency::Currency;

/// The postings of an entry as they are written.
#[derive(Clone, Debug, Deserialize)]
pub struct Claimed {
    postings: Vec<Posting>,
}

impl Claimed {
    /// By how much debits and credits differ, in minor units of all its currencies together; 0 of an entry as it must be.
    #[must_use]
    pub fn imbalance(&self) -> u128 {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for posting in &self.postings {
            let sum = sums.entry(posting.amount.currency()).or_default();
            *sum = sum.saturating_add(i128::from(posting.amount.minor()));
        }
        sums.values().fold(0, |all, sum| all.saturating_add(sum.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use crate::currency::Currency::{Eur, Usd};
    use crate::ledger::LedgerAccount::{MerchantPayable, ProviderReceivable};

    use super::*;

    fn imbalance(postings: &[(super::super::LedgerAccount, i64, Currency)]) -> u128 {
        Claimed { postings: postings.iter().copied().map(Posting::from).collect() }.imbalance()
    }

    #[test]
    fn an_entry_is_off_by_what_its_sides_differ_in_each_currency() {
        assert_eq!(imbalance(&[]), 0);
        assert_eq!(imbalance(&[(ProviderReceivable, 700, Eur), (MerchantPayable, -700, Eur)]), 0);
        assert_eq!(imbalance(&[(ProviderReceivable, 700, Eur), (MerchantPayable, -699, Eur)]), 1);
        assert_eq!(imbalance(&[(ProviderReceivable, 699, Eur), (MerchantPayable, -700, Eur)]), 1);
        assert_eq!(imbalance(&[(ProviderReceivable, 700, Eur), (MerchantPayable, -700, Usd)]), 1_400);
        assert_eq!(imbalance(&[(ProviderReceivable, i64::MAX, Eur), (MerchantPayable, i64::MAX, Eur)]), 2 * u128::from(u64::MAX / 2));
    }
}
