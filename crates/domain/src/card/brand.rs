//! Card brands, and what each prescribes: its ranges of numbers, their lengths, the security code's length.
//!
//! Absent on purpose: domestic schemes that share a number with one of these brands (Cartes Bancaires, eftpos,
//! `DinaCard`, `RuPay`): the number alone does not tell, and the brand printed beside it is right.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// A card's brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Brand {
    /// American Express
    Amex,
    /// Diners Club
    Diners,
    /// Discover
    Discover,
    /// JCB
    Jcb,
    /// Mastercard
    Mastercard,
    /// UnionPay
    Unionpay,
    /// Visa
    Visa,
    /// None of these.
    Unknown,
}

/// The first four digits of each brand's numbers.
const RANGES: &[(RangeInclusive<u16>, Brand)] = &[
    (2221..=2720, Brand::Mastercard),
    (3000..=3059, Brand::Diners),
    (3095..=3095, Brand::Diners),
    (3400..=3499, Brand::Amex),
    (3528..=3589, Brand::Jcb),
    (3600..=3699, Brand::Diners),
    (3700..=3799, Brand::Amex),
    (3800..=3999, Brand::Diners),
    (4000..=4999, Brand::Visa),
    (5100..=5599, Brand::Mastercard),
    (6011..=6011, Brand::Discover),
    (6200..=6299, Brand::Unionpay),
    (6440..=6599, Brand::Discover),
    (8100..=8199, Brand::Unionpay),
];

impl Brand {
    /// Every brand.
    pub const ALL: [Self; 8] =
        [Self::Amex, Self::Diners, Self::Discover, Self::Jcb, Self::Mastercard, Self::Unionpay, Self::Visa, Self::Unknown];

    /// The brand of a number, by its first four digits.
    #[must_use]
    pub fn of(digits: &str) -> Self {
        let Some(first) = digits.get(..4).and_then(|four| four.parse::<u16>().ok()) else { return Self::Unknown };
        RANGES.iter().find(|(range, _)| range.contains(&first)).map_or(Self::Unknown, |(_, brand)| *brand)
    }

    /// The brand as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amex => "amex",
            Self::Diners => "diners",
            Self::Discover => "discover",
            Self::Jcb => "jcb",
            Self::Mastercard => "mastercard",
            Self::Unionpay => "unionpay",
            Self::Visa => "visa",
            Self::Unknown => "unknown",
        }
    }

    /// The brand as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amex => "American Express",
            Self::Diners => "Diners Club",
            Self::Discover => "Discover",
            Self::Jcb => "JCB",
            Self::Mastercard => "Mastercard",
            Self::Unionpay => "UnionPay",
            Self::Visa => "Visa",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether the brand's numbers can have so many digits.
    #[must_use]
    pub const fn has_length(self, digits: usize) -> bool {
        match self {
            Self::Amex => digits == 15,
            Self::Mastercard => digits == 16,
            Self::Visa => matches!(digits, 13 | 16 | 19),
            Self::Diners => matches!(digits, 14..=19),
            Self::Discover | Self::Jcb | Self::Unionpay => matches!(digits, 16..=19),
            Self::Unknown => matches!(digits, 12..=19),
        }
    }

    /// Whether the brand's security codes can have so many digits.
    #[must_use]
    pub const fn has_cvc_length(self, digits: usize) -> bool {
        match self {
            Self::Amex => digits == 4,
            Self::Unknown => matches!(digits, 3 | 4),
            Self::Diners | Self::Discover | Self::Jcb | Self::Mastercard | Self::Unionpay | Self::Visa => digits == 3,
        }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sorted_and_do_not_overlap() {
        assert!(RANGES.windows(2).all(|w| w[0].0.end() < w[1].0.start()));
    }

    #[test]
    fn the_edges_of_the_ranges_belong_to_their_brand_and_their_neighbours_do_not() {
        for (first, brand) in [
            ("2220", Brand::Unknown),
            ("2221", Brand::Mastercard),
            ("2720", Brand::Mastercard),
            ("2721", Brand::Unknown),
            ("3059", Brand::Diners),
            ("3060", Brand::Unknown),
            ("3095", Brand::Diners),
            ("3399", Brand::Unknown),
            ("3527", Brand::Unknown),
            ("3528", Brand::Jcb),
            ("3589", Brand::Jcb),
            ("3590", Brand::Unknown),
            ("5099", Brand::Unknown),
            ("5100", Brand::Mastercard),
            ("5599", Brand::Mastercard),
            ("5600", Brand::Unknown),
            ("6011", Brand::Discover),
            ("6439", Brand::Unknown),
            ("6440", Brand::Discover),
            ("6500", Brand::Discover),
            ("6600", Brand::Unknown),
            ("8171", Brand::Unionpay),
            ("9999", Brand::Unknown),
            ("411", Brand::Unknown),
            ("", Brand::Unknown),
        ] {
            assert_eq!(Brand::of(first), brand, "{first}");
        }
    }

    #[test]
    fn the_stored_form_is_the_text_of_the_api() {
        for brand in Brand::ALL {
            assert_eq!(serde_json::to_string(&brand).unwrap(), format!("\"{}\"", brand.as_str()));
        }
    }

    #[test]
    fn brands_have_the_names_that_people_know_them_by() {
        let names = [Brand::Amex, Brand::Diners, Brand::Unionpay, Brand::Visa].map(Brand::name);
        assert_eq!(names, ["American Express", "Diners Club", "UnionPay", "Visa"]);
        assert_eq!(Brand::Amex.to_string(), "amex");
    }
}
