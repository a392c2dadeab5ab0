//! A card's number: 12 to 19 digits that pass the Luhn check and have a length its brand uses.
//!
//! Invariants: a [`CardNumber`] is always valid, shows nothing when debugged, and is wiped when dropped. Absent
//! on purpose: `Display`, `Serialize`, `Deserialize`, `Copy` and equality; two numbers are compared by
//! [`Fingerprint`](super::Fingerprint).

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Brand;

/// The shortest number ISO/IEC 7812 cards in use have.
const LENGTH_MIN: usize = 12;
/// The longest number ISO/IEC 7812 allows.
const LENGTH_MAX: usize = 19;
/// How many digits name the issuer, in the form that all brands publish.
const BIN_LENGTH: usize = 6;
/// How many digits at the end may be shown.
const LAST_LENGTH: usize = 4;

/// A card's number. Only [`reveal`](Self::reveal) gives its digits away.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CardNumber {
    digits: [u8; LENGTH_MAX],
    length: usize,
}

/// Why a text is not a card's number. None of the reasons repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No digit at all.
    #[error("the card number is empty")]
    Empty,
    /// Something other than digits, spaces and hyphens.
    #[error("the card number holds something other than digits")]
    NotDigits,
    /// Too few or too many digits for its brand.
    #[error("the card number has a wrong number of digits")]
    Length,
    /// The last digit does not fit the others.
    #[error("the card number's check digit is wrong")]
    Checksum,
}

impl CardNumber {
    /// Reads a number; spaces and hyphens between the digits are ignored.
    ///
    /// # Errors
    /// The text is not a card's number.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let mut number = Self { digits: [0; LENGTH_MAX], length: 0 };
        let mut too_long = false;
        for byte in text.bytes() {
            match byte {
                b' ' | b'-' => {}
                b'0'..=b'9' => match number.digits.get_mut(number.length) {
                    Some(slot) => {
                        *slot = byte;
                        number.length += 1;
                    }
                    None => too_long = true,
                },
                _ => return Err(NumberError::NotDigits),
            }
        }
        if number.length == 0 {
            return Err(NumberError::Empty);
        }
        let length_fits = (LENGTH_MIN..=LENGTH_MAX).contains(&number.length) && number.brand().has_length(number.length);
        if too_long || !length_fits {
            return Err(NumberError::Length);
        }
        if !luhn(number.reveal().as_bytes()) {
            return Err(NumberError::Checksum);
        }
        Ok(number)
    }

    /// The digits themselves: for the vault and for the wire to a provider, and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.digits.get(..self.length).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }

    /// The last four digits, which may be shown.
    #[must_use]
    pub fn last4(&self) -> &str {
        self.reveal().get(self.length.saturating_sub(LAST_LENGTH)..).unwrap_or_default()
    }

    /// The first six digits, which name the issuer.
    #[must_use]
    pub fn bin(&self) -> &str {
        self.reveal().get(..BIN_LENGTH).unwrap_or_default()
    }

    /// The brand the first digits belong to.
    #[must_use]
    pub fn brand(&self) -> Brand {
        Brand::of(self.reveal())
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber(****)")
    }
}

/// From the right, every second digit counts double (its digits summed); the total is a multiple of ten.
fn luhn(digits: &[u8]) -> bool {
    let total: u32 = digits
        .iter()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(digit, double)| match (u32::from(digit.saturating_sub(b'0')), double) {
            (value, false) => value,
            (value @ ..5, true) => value * 2,
            (value, true) => value * 2 - 9,
        })
        .sum();
    total.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Visa numbers with a right check digit.
    fn valid() -> impl Strategy<Value = String> {
        "4[0-9]{14}".prop_map(|body| {
            let last = ('0'..='9').find(|c| luhn(format!("{body}{c}").as_bytes()));
            format!("{body}{}", last.unwrap())
        })
    }

    proptest! {
        #[test]
        fn any_single_wrong_digit_is_noticed(number in valid(), at in 1_usize..16, add in 1_u8..10) {
            let mut bytes = number.into_bytes();
            bytes[at] = (bytes[at] - b'0' + add) % 10 + b'0';
            let wrong = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(CardNumber::parse(&wrong).err(), Some(NumberError::Checksum));
        }

        #[test]
        fn spaces_and_hyphens_do_not_matter(number in valid(), at in 0_usize..16, gap in "[ -]{0,3}") {
            let mut spaced = number.clone();
            spaced.insert_str(at, &gap);
            let parsed = CardNumber::parse(&spaced).unwrap();
            prop_assert_eq!(parsed.reveal(), &number);
            prop_assert_eq!(parsed.last4(), &number[12..]);
            prop_assert_eq!(parsed.bin(), &number[..6]);
        }

        #[test]
        fn any_text_gives_an_answer(text in ".*") {
            let _ = CardNumber::parse(&text);
        }
    }

    #[test]
    fn published_test_numbers_are_read_with_their_brand() {
        for (number, brand) in [
            ("4242424242424242", Brand::Visa),
            ("4012888888881881", Brand::Visa),
            ("5555555555554444", Brand::Mastercard),
            ("2223003122003222", Brand::Mastercard),
            ("5200828282828210", Brand::Mastercard),
            ("378282246310005", Brand::Amex),
            ("371449635398431", Brand::Amex),
            ("6011111111111117", Brand::Discover),
            ("6011981111111113", Brand::Discover),
            ("6555900000604105", Brand::Discover),
            ("3056930009020004", Brand::Diners),
            ("30569309025904", Brand::Diners),
            ("36227206271667", Brand::Diners),
            ("38520000023237", Brand::Diners),
            ("3566002020360505", Brand::Jcb),
            ("3530111333300000", Brand::Jcb),
            ("6200000000000005", Brand::Unionpay),
            ("6205500000000000004", Brand::Unionpay),
        ] {
            assert_eq!(CardNumber::parse(number).map(|n| n.brand()).ok(), Some(brand), "{number}");
        }
    }

    #[test]
    fn texts_that_are_no_number_are_refused_with_the_reason() {
        for (text, reason) in [
            ("", NumberError::Empty),
            (" - ", NumberError::Empty),
            ("4242x", NumberError::NotDigits),
            ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", NumberError::NotDigits),
            ("42424242424", NumberError::Length),
            ("42424242424242", NumberError::Length),
            ("37828224631000", NumberError::Length),
            ("42424242424242424242", NumberError::Length),
            ("4242424242424241", NumberError::Checksum),
        ] {
            assert_eq!(CardNumber::parse(text).err(), Some(reason), "{text}");
        }
    }
}
