//! What a payment costs the merchant: a share of it and a fixed part.
//!
//! Invariants: a fee is never negative and never more than the payment. Halves are rounded up, to the least there
//! can be of the currency, once, on the share; the fixed part is exact.

use serde::{Deserialize, Serialize};

use crate::money::{self, Money};

const BASIS_POINTS_OF_THE_WHOLE: i128 = 10_000;

/// How fees are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeSchedule {
    /// The share, in hundredths of a percent.
    pub basis_points: u32,
    /// The fixed part, in hundredths of the currency's major unit; whole units where nothing smaller can be paid.
    pub fixed_hundredths: u32,
}

impl Default for FeeSchedule {
    /// 2.9 % and 0.30 (30 where nothing smaller than the whole can be paid).
    fn default() -> Self {
        Self { basis_points: 290, fixed_hundredths: 30 }
    }
}

impl FeeSchedule {
    /// No fees at all.
    pub const FREE: Self = Self { basis_points: 0, fixed_hundredths: 0 };

    /// The fee on a payment of `gross`, at most all of it; nothing on nothing or less.
    ///
    /// # Errors
    /// None today: the fee is bounded by `gross`, which is in range.
    pub fn fee(&self, gross: Money) -> Result<Money, money::Error> {
        if !gross.is_positive() {
            return Ok(Money::zero(gross.currency()));
        }
        let (whole, least) = (i128::from(gross.minor()), i128::from(gross.currency().least()));
        let divisor = BASIS_POINTS_OF_THE_WHOLE * least;
        let share = (whole * i128::from(self.basis_points) + divisor / 2) / divisor * least;
        let digits_beyond_hundredths = u32::from(gross.currency().exponent()).saturating_sub(2);
        let fixed = i128::from(self.fixed_hundredths) * 10_i128.pow(digits_beyond_hundredths) * least;
        let minor = (share + fixed).min(whole);
        i64::try_from(minor).map(|minor| Money::new(minor, gross.currency())).map_err(|_| money::Error::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use proptest::prelude::*;

    fn fee(minor: i64, currency: Currency) -> i64 {
        FeeSchedule::default().fee(Money::new(minor, currency)).unwrap().minor()
    }

    #[test]
    fn the_default_is_two_point_nine_percent_and_thirty_hundredths() {
        assert_eq!(fee(10_000, Currency::Usd), 320);
        assert_eq!(fee(2_000, Currency::Usd), 88);
        assert_eq!(fee(1_000, Currency::Jpy), 59);
        assert_eq!(fee(10_000, Currency::Kwd), 590);
        assert_eq!(fee(100_000, Currency::Uyw), 5_900);
    }

    #[test]
    fn a_fee_is_an_amount_that_there_is_in_the_currency() {
        assert_eq!((fee(100_000, Currency::Isk), fee(100_000, Currency::Ugx)), (5_900, 5_900));
        assert_eq!((fee(101_700, Currency::Isk), fee(101_800, Currency::Isk)), (5_900, 6_000));
        assert_eq!(fee(1_000, Currency::Mga), 59);
    }

    #[test]
    fn halves_are_rounded_up() {
        let half = FeeSchedule { basis_points: 50, fixed_hundredths: 0 };
        let of = |minor| half.fee(Money::new(minor, Currency::Usd)).unwrap().minor();
        assert_eq!((of(99), of(100), of(299), of(300)), (0, 1, 1, 2));
    }

    #[test]
    fn a_small_payment_is_never_less_than_its_fee() {
        assert_eq!(fee(1, Currency::Usd), 1);
        assert_eq!(fee(30, Currency::Usd), 30);
        assert_eq!(fee(0, Currency::Usd), 0);
        assert_eq!(fee(-500, Currency::Usd), 0);
    }

    proptest! {
        #[test]
        fn a_fee_lies_between_nothing_and_the_payment(minor: i64, basis_points: u32, fixed_hundredths: u32, index: prop::sample::Index) {
            let gross = Money::new(minor, *index.get(Currency::all()));
            let fee = FeeSchedule { basis_points, fixed_hundredths }.fee(gross).unwrap();
            prop_assert_eq!(fee.currency(), gross.currency());
            prop_assert!((0..=minor.max(0)).contains(&fee.minor()));
        }

        #[test]
        fn what_is_left_of_a_payment_can_be_paid_out(steps in 0_i64..1 << 40, index: prop::sample::Index) {
            let currency = *index.get(Currency::all());
            let gross = Money::new(steps * currency.step(), currency);
            let fee = FeeSchedule::default().fee(gross).unwrap();
            prop_assert!(gross.checked_sub(fee).unwrap().to_iso_minor().is_ok());
        }

        #[test]
        fn more_is_never_cheaper(a in 0_i64..1 << 40, more in 0_i64..1 << 40) {
            prop_assert!(fee(a, Currency::Usd) <= fee(a + more, Currency::Usd));
        }
    }
}
