//! A card's security code: three or four digits that live in memory only.
//!
//! Invariants: it shows nothing when debugged and is wiped when dropped. Absent on purpose: `Display`,
//! `Serialize`, `Clone`; no rule allows to keep it once the payment is authorised.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Brand;

/// American Express prints four digits, all others three.
const LENGTH_MAX: usize = 4;

/// A card's security code. Only [`reveal`](Self::reveal) gives its digits away.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Cvc {
    digits: [u8; LENGTH_MAX],
    length: usize,
}

/// Why a text is not a security code. Neither reason repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CvcError {
    /// Something other than digits.
    #[error("the security code holds something other than digits")]
    NotDigits,
    /// Too few or too many digits for the card's brand.
    #[error("the security code has a wrong number of digits")]
    Length,
}

impl Cvc {
    /// Reads the security code of a card of that brand.
    ///
    /// # Errors
    /// The text cannot be one.
    pub fn parse(text: &str, brand: Brand) -> Result<Self, CvcError> {
        let text = text.trim_ascii();
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CvcError::NotDigits);
        }
        if !brand.has_cvc_length(text.len()) {
            return Err(CvcError::Length);
        }
        let mut code = Self { digits: [0; LENGTH_MAX], length: text.len() };
        for (slot, byte) in code.digits.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        Ok(code)
    }

    /// The digits themselves: for the wire to a provider, and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.digits.get(..self.length).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for Cvc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cvc(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_its_brands_length_is_read() {
        assert_eq!(Cvc::parse(" 012 ", Brand::Visa).unwrap().reveal(), "012");
        assert_eq!(Cvc::parse("1234", Brand::Amex).unwrap().reveal(), "1234");
        assert_eq!(Cvc::parse("1234", Brand::Unknown).unwrap().reveal(), "1234");
    }

    #[test]
    fn other_lengths_and_texts_are_refused_with_the_reason() {
        for (text, brand, reason) in [
            ("", Brand::Visa, CvcError::Length),
            ("99", Brand::Visa, CvcError::Length),
            ("1234", Brand::Visa, CvcError::Length),
            ("123", Brand::Amex, CvcError::Length),
            ("12345", Brand::Unknown, CvcError::Length),
            ("12a", Brand::Visa, CvcError::NotDigits),
            ("1 2", Brand::Visa, CvcError::NotDigits),
            ("١٢٣", Brand::Visa, CvcError::NotDigits),
        ] {
            assert_eq!(Cvc::parse(text, brand).err(), Some(reason), "{text}");
        }
    }
}
