//! Money: a whole number of a currency's minor unit, as the API counts it ([`Currency::exponent`]).
//!
//! Invariants: an amount never leaves its currency, and arithmetic answers an error rather than a wrong number.
//! Absent on purpose: floating point, conversion between currencies, multiplication (a fee is a rule of its
//! own), and `Ord`, which would have to order dollars and yen.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::currency::Currency;

/// An amount of one currency; negative when it is owed the other way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Two amounts of different currencies.
    #[error("the amounts are of different currencies")]
    CurrencyMismatch,
    /// More than 63 bits hold.
    #[error("the amount is out of range")]
    Overflow,
    /// A part of the unit that it would be counted in.
    #[error("the amount is not a whole number of the currency's unit")]
    Inexact,
}

impl Money {
    /// So many of the currency's minor unit.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// So many of the minor unit of ISO 4217, in which most providers count.
    ///
    /// # Errors
    /// The API's unit is a larger one and this is no whole number of it, or the amount is out of range.
    pub fn from_iso_minor(minor: i64, currency: Currency) -> Result<Self, Error> {
        rescaled(minor, currency.iso_exponent(), currency.exponent()).map(|minor| Self { minor, currency })
    }

    /// The amount in the minor unit of ISO 4217, in which most providers count.
    ///
    /// # Errors
    /// That unit is larger than the API's and this is no whole number of it, or the amount is out of range.
    pub fn to_iso_minor(self) -> Result<i64, Error> {
        rescaled(self.minor, self.currency.exponent(), self.currency.iso_exponent())
    }

    /// Whether it can be charged or given back: a multiple of the currency's [step](Currency::step).
    #[must_use]
    pub const fn is_in_steps(self) -> bool {
        self.minor % self.currency.step() == 0
    }

    /// The amount in the minor unit.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// What it is an amount of.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Neither owed nor owned.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// More than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum.
    ///
    /// # Errors
    /// The currencies differ, or the sum is out of range.
    pub fn checked_add(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        self.minor.checked_add(other.minor).map(|minor| Self { minor, ..self }).ok_or(Error::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// The currencies differ, or the difference is out of range.
    pub fn checked_sub(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Self { minor, ..self }).ok_or(Error::Overflow)
    }

    /// The same amount the other way.
    ///
    /// # Errors
    /// It is the one amount that has no opposite.
    pub fn checked_neg(self) -> Result<Self, Error> {
        self.minor.checked_neg().map(|minor| Self { minor, ..self }).ok_or(Error::Overflow)
    }

    /// Which of two amounts is more.
    ///
    /// # Errors
    /// The currencies differ.
    pub fn checked_cmp(self, other: Self) -> Result<Ordering, Error> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Whether this is more than `other`.
    ///
    /// # Errors
    /// The currencies differ.
    pub fn exceeds(self, other: Self) -> Result<bool, Error> {
        Ok(self.checked_cmp(other)? == Ordering::Greater)
    }

    /// The lesser of two amounts.
    ///
    /// # Errors
    /// The currencies differ.
    pub fn checked_min(self, other: Self) -> Result<Self, Error> {
        Ok(if self.exceeds(other)? { other } else { self })
    }

    fn same_currency(self, other: Self) -> Result<(), Error> {
        if self.currency == other.currency { Ok(()) } else { Err(Error::CurrencyMismatch) }
    }
}

/// The number of a unit of `to` digits that is as much as `minor` of a unit of `from` digits.
fn rescaled(minor: i64, from: u8, to: u8) -> Result<i64, Error> {
    let factor = 10_i64.checked_pow(u32::from(from.abs_diff(to))).ok_or(Error::Overflow)?;
    if to >= from {
        return minor.checked_mul(factor).ok_or(Error::Overflow);
    }
    if minor % factor == 0 { Ok(minor / factor) } else { Err(Error::Inexact) }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.pow(u32::from(self.currency.exponent()));
        let digits = usize::from(self.currency.exponent());
        let (whole, part) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        if self.is_negative() {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if digits > 0 {
            write!(f, ".{part:0digits$}")?;
        }
        write!(f, " {}", self.currency.code().to_ascii_uppercase())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::Usd)
    }

    proptest! {
        #[test]
        fn taking_away_undoes_adding(a: i64, b: i64) {
            if let Ok(sum) = usd(a).checked_add(usd(b)) {
                prop_assert_eq!(sum.checked_sub(usd(b)), Ok(usd(a)));
            } else {
                prop_assert_eq!(a.checked_add(b), None);
            }
        }

        #[test]
        fn the_opposite_of_an_amount_cancels_it(a: i64) {
            match usd(a).checked_neg() {
                Ok(opposite) => prop_assert!(usd(a).checked_add(opposite).unwrap().is_zero()),
                Err(error) => prop_assert_eq!((error, a), (Error::Overflow, i64::MIN)),
            }
        }

        #[test]
        fn other_currencies_are_refused(a: i64, b: i64) {
            let yen = Money::new(b, Currency::Jpy);
            prop_assert_eq!(usd(a).checked_add(yen), Err(Error::CurrencyMismatch));
            prop_assert_eq!(usd(a).checked_sub(yen), Err(Error::CurrencyMismatch));
            prop_assert_eq!(usd(a).checked_cmp(yen), Err(Error::CurrencyMismatch));
            prop_assert_eq!(usd(a).exceeds(yen), Err(Error::CurrencyMismatch));
            prop_assert_eq!(usd(a).checked_min(yen), Err(Error::CurrencyMismatch));
        }

        #[test]
        fn order_is_the_order_of_minor_units(a: i64, b: i64) {
            prop_assert_eq!(usd(a).checked_cmp(usd(b)), Ok(a.cmp(&b)));
            prop_assert_eq!(usd(a).exceeds(usd(b)), Ok(a > b));
            prop_assert_eq!(usd(a).checked_min(usd(b)), Ok(usd(a.min(b))));
        }

        #[test]
        fn the_text_names_the_same_number(minor: i64, index: prop::sample::Index) {
            let currency = *index.get(Currency::all());
            let text = Money::new(minor, currency).to_string();
            let (number, code) = text.split_once(' ').unwrap();
            prop_assert_eq!(Currency::from_code(code), Some(currency));
            prop_assert_eq!(number.replace('.', "").parse::<i64>(), Ok(minor));
            let digits = number.split_once('.').map_or(0, |(_, part)| part.len());
            prop_assert_eq!(digits, usize::from(currency.exponent()));
        }

        #[test]
        fn every_amount_that_can_be_charged_is_exact_in_the_unit_of_iso_4217(steps in -(1_i64 << 50)..1 << 50, index: prop::sample::Index) {
            let currency = *index.get(Currency::all());
            let money = Money::new(steps * currency.step(), currency);
            prop_assert!(money.is_in_steps());
            let iso = money.to_iso_minor().unwrap();
            prop_assert_eq!(Money::from_iso_minor(iso, currency), Ok(money));
            let scale = |digits: u8| 10_i128.pow(u32::from(4 - digits));
            prop_assert_eq!(i128::from(money.minor()) * scale(currency.exponent()), i128::from(iso) * scale(currency.iso_exponent()));
        }

        #[test]
        fn an_amount_that_is_not_exact_in_another_unit_is_never_rounded(minor: i64, index: prop::sample::Index) {
            let currency = *index.get(Currency::all());
            match Money::new(minor, currency).to_iso_minor() {
                Ok(iso) => prop_assert_eq!(Money::from_iso_minor(iso, currency), Ok(Money::new(minor, currency))),
                Err(Error::Inexact) => prop_assert!(!Money::new(minor, currency).is_in_steps()),
                Err(error) => prop_assert_eq!((error, currency), (Error::Overflow, Currency::Mga)),
            }
        }

        #[test]
        fn what_is_stored_is_read_back(minor: i64, index: prop::sample::Index) {
            let money = Money::new(minor, *index.get(Currency::all()));
            let text = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money);
        }
    }

    #[test]
    fn text_honours_the_exponent_and_the_sign() {
        assert_eq!(usd(1_234).to_string(), "12.34 USD");
        assert_eq!(usd(-5).to_string(), "-0.05 USD");
        assert_eq!(Money::new(500, Currency::Jpy).to_string(), "500 JPY");
        assert_eq!(Money::new(-1_005, Currency::Kwd).to_string(), "-1.005 KWD");
        assert_eq!(usd(i64::MIN).to_string(), "-92233720368547758.08 USD");
    }

    #[test]
    fn kronur_shillings_and_ariary_are_counted_as_stripe_does_and_sent_as_iso_4217_does() {
        let five = [(500, Currency::Isk, 5), (500, Currency::Ugx, 5), (5, Currency::Mga, 500), (500, Currency::Huf, 500)];
        for (api, currency, iso) in five {
            assert_eq!(Money::new(api, currency).to_iso_minor(), Ok(iso));
            assert_eq!(Money::from_iso_minor(iso, currency), Ok(Money::new(api, currency)));
        }
        assert_eq!(Money::new(550, Currency::Isk).to_iso_minor(), Err(Error::Inexact));
        assert_eq!(Money::from_iso_minor(1, Currency::Mga), Err(Error::Inexact));
        assert_eq!(Money::new(i64::MAX, Currency::Mga).to_iso_minor(), Err(Error::Overflow));
        assert_eq!(Money::from_iso_minor(i64::MIN, Currency::Ugx), Err(Error::Overflow));
        assert_eq!(Money::new(500, Currency::Isk).to_string(), "5.00 ISK");
    }

    #[test]
    fn the_stored_form_is_the_minor_unit_and_the_lower_case_code() {
        assert_eq!(serde_json::to_string(&usd(7)).unwrap(), r#"{"minor":7,"currency":"usd"}"#);
    }

    #[test]
    fn nothing_is_neither_more_nor_less_than_nothing() {
        assert_eq!([-1, 0, 1].map(|minor| usd(minor).is_positive()), [false, false, true]);
        assert_eq!([-1, 0, 1].map(|minor| usd(minor).is_negative()), [true, false, false]);
    }

    #[test]
    fn money_is_shown_as_it_is_written() {
        assert_eq!(format!("{:?}", usd(1_050)), usd(1_050).to_string());
        assert!(!usd(0).to_string().is_empty());
    }
}
