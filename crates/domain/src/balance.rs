//! What the merchant has: the sums of the statement's lines, apart by when they can be had.
//!
//! A balance is never counted up and down beside the statement: it is the sum of all lines, in any order, and can be
//! had from a sum of some lines and the rest of them. Absent on purpose: the platform's own books (see
//! [`ledger`](crate::ledger)).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::balance_transaction::BalanceTransaction;
use crate::currency::Currency;
use crate::money::{Error, Money};
use crate::time::Timestamp;

/// What the merchant has in each currency that ever moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Balance {
    sums: BTreeMap<Currency, Sums>,
}

/// One currency's sums, in its minor unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sums {
    available: i64,
    /// What is not available yet, by the time from which on it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pending: BTreeMap<Timestamp, i64>,
}

impl Balance {
    /// Adds a line of the statement.
    ///
    /// # Errors
    /// A sum would leave the range of amounts.
    pub fn add(&mut self, line: &BalanceTransaction) -> Result<(), Error> {
        let sum = self.sums.entry(line.amount.currency()).or_default().pending.entry(line.available_on).or_default();
        *sum = sum.checked_add(line.net()).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Makes available what is available by now, so that the number of sums stays that of the days ahead.
    ///
    /// # Errors
    /// A sum would leave the range of amounts.
    pub fn settle(&mut self, now: Timestamp) -> Result<(), Error> {
        for sums in self.sums.values_mut() {
            while let Some(due) = sums.pending.first_entry().filter(|first| *first.key() <= now) {
                sums.available = sums.available.checked_add(due.remove()).ok_or(Error::Overflow)?;
            }
        }
        Ok(())
    }

    /// The currencies that ever moved, in the order of their codes.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.sums.keys().copied()
    }

    /// What can be paid out, one sum a currency, as of the last [`settle`](Self::settle).
    pub fn available(&self) -> impl Iterator<Item = Money> {
        self.sums.iter().map(|(currency, sums)| Money::new(sums.available, *currency))
    }

    /// What cannot be paid out yet, one sum a currency, as of the last [`settle`](Self::settle).
    ///
    /// # Errors
    /// A sum would leave the range of amounts.
    pub fn pending(&self) -> Result<Vec<Money>, Error> {
        let sum = |sums: &Sums| sums.pending.values().try_fold(0_i64, |sum, part| sum.checked_add(*part)).ok_or(Error::Overflow);
        self.sums.iter().map(|(currency, sums)| Ok(Money::new(sum(sums)?, *currency))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance_transaction::Source;
    use crate::id::{BalanceTransactionId, ChargeId, Ulid};

    fn line(amount: i64, fee: i64, currency: Currency, available_on: i64) -> BalanceTransaction {
        BalanceTransaction {
            id: BalanceTransactionId::new(Ulid::NIL),
            created_at: Timestamp::EPOCH,
            amount: Money::new(amount, currency),
            fee,
            source: Source::Charge(ChargeId::new(Ulid::NIL)),
            available_on: Timestamp::from_seconds(available_on),
            description: None,
        }
    }

    fn sums(balance: &Balance) -> (Vec<i64>, Vec<i64>) {
        (balance.available().map(Money::minor).collect(), balance.pending().unwrap().into_iter().map(Money::minor).collect())
    }

    #[test]
    fn lines_are_pending_until_they_are_available() {
        let mut balance = Balance::default();
        for line in [line(1_000, 59, Currency::Usd, 100), line(-300, 0, Currency::Usd, 10), line(500, 0, Currency::Eur, 100)] {
            balance.add(&line).unwrap();
        }
        balance.settle(Timestamp::from_seconds(99)).unwrap();
        assert_eq!(sums(&balance), (vec![0, -300], vec![500, 941]));
        balance.settle(Timestamp::from_seconds(100)).unwrap();
        assert_eq!(sums(&balance), (vec![500, 641], vec![0, 0]));
    }

    #[test]
    fn a_kept_sum_and_the_rest_of_the_lines_make_the_same_balance() {
        let lines: Vec<_> = (1..50).map(|n| line(n * 100, n, Currency::Usd, n)).collect();
        let mut whole = Balance::default();
        lines.iter().for_each(|line| whole.add(line).unwrap());
        let (first, rest) = lines.split_at(20);
        let mut kept = Balance::default();
        first.iter().for_each(|line| kept.add(line).unwrap());
        kept.settle(Timestamp::from_seconds(7)).unwrap();
        let mut read: Balance = serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
        rest.iter().for_each(|line| read.add(line).unwrap());
        for balance in [&mut whole, &mut read] {
            balance.settle(Timestamp::from_seconds(30)).unwrap();
        }
        assert_eq!(whole, read);
    }

    #[test]
    fn a_sum_beyond_the_range_of_amounts_is_refused() {
        let mut balance = Balance::default();
        balance.add(&line(i64::MAX, 0, Currency::Usd, 1)).unwrap();
        assert!(balance.add(&line(1, 0, Currency::Usd, 1)).is_err());
        balance.add(&line(1, 0, Currency::Usd, 2)).unwrap();
        assert!(balance.pending().is_err());
        assert!(balance.settle(Timestamp::from_seconds(2)).is_err());
    }

    #[test]
    fn a_balance_has_the_currencies_that_moved_in_the_order_of_their_codes() {
        let mut balance = Balance::default();
        assert_eq!(balance.currencies().count(), 0);
        for currency in [Currency::Usd, Currency::Eur, Currency::Usd] {
            balance.add(&line(1, 0, currency, 0)).unwrap();
        }
        assert_eq!(balance.currencies().collect::<Vec<_>>(), [Currency::Eur, Currency::Usd]);
    }
}
