//! Cards: numbers, brands, expiry, security codes, and what may be shown of them.
//!
//! Invariants: [`CardNumber`] and [`Cvc`] cannot be printed or serialised, and are wiped from memory when they
//! are dropped; the only way to their digits is `reveal`, which is easy to search for. What may leave memory is
//! [`CardDetails`]. Absent on purpose: keeping a card number, which is the vault's work.

pub mod brand;
pub mod cvc;
pub mod details;
pub mod expiry;
pub mod fingerprint;
pub mod issuer;
pub mod number;

pub use brand::Brand;
pub use cvc::{Cvc, CvcError};
pub use details::CardDetails;
pub use expiry::{Expiry, ExpiryError};
pub use fingerprint::Fingerprint;
pub use issuer::Funding;
pub use number::{CardNumber, NumberError};

#[cfg(test)]
mod tests {
    use std::fmt::{Display, LowerHex};

    use serde::{Deserialize, Serialize};

    use super::{CardDetails, CardNumber, Cvc};
    use crate::fingerprint_key::FingerprintKey;

    /// Whether a type implements a trait, decided while compiling: an inherent constant with a bound hides the
    /// blanket trait's constant exactly when the bound holds.
    macro_rules! implements {
        ($type:ty: $($bound:tt)+) => {{
            struct Probe<T>(std::marker::PhantomData<T>);
            #[allow(dead_code)] // one of the two constants is hidden, which is the point
            trait Otherwise {
                const ANSWER: bool = false;
            }
            impl<T> Otherwise for Probe<T> {}
            #[allow(dead_code)]
            impl<T: $($bound)+> Probe<T> {
                const ANSWER: bool = true;
            }
            <Probe<$type>>::ANSWER
        }};
    }

    const _: () = {
        assert!(implements!(CardDetails: Serialize), "the probe must be able to find a trait");
        assert!(!implements!(CardNumber: Serialize), "a card number must not be serialised");
        assert!(!implements!(CardNumber: Display), "a card number must not be printed");
        assert!(!implements!(CardNumber: LowerHex), "a card number must not be printed");
        assert!(!implements!(CardNumber: for<'de> Deserialize<'de>), "a card number must be parsed");
        assert!(!implements!(CardNumber: Copy), "copies of a card number must be visible in the code");
        assert!(!implements!(CardNumber: AsRef<str>), "a card number must not turn into text unseen");
        assert!(!implements!(CardNumber: std::ops::Deref), "a card number must not turn into text unseen");
        assert!(!implements!(Cvc: Serialize), "a security code must not be serialised");
        assert!(!implements!(Cvc: Display), "a security code must not be printed");
        assert!(!implements!(Cvc: for<'de> Deserialize<'de>), "a security code must be parsed");
        assert!(!implements!(Cvc: Clone), "a security code must not be copied");
        assert!(!implements!(Cvc: AsRef<str>), "a security code must not turn into text unseen");
        assert!(!implements!(Cvc: std::ops::Deref), "a security code must not turn into text unseen");
        assert!(!implements!(FingerprintKey: Serialize), "a key must not be serialised");
        assert!(!implements!(FingerprintKey: Display), "a key must not be printed");
    };

    #[test]
    fn secrets_show_no_digit_when_debugged() {
        let number = CardNumber::parse("4242424242424242").unwrap();
        let cvc = Cvc::parse("123", number.brand()).unwrap();
        let text = format!("{number:?} {number:#?} {cvc:?} {:?}", FingerprintKey::new(&[7; 32]));
        assert!(!text.chars().any(|c| c.is_ascii_digit()), "{text}");
        assert_eq!(format!("{number:?} {cvc:?}"), "CardNumber(****) Cvc(***)");
    }
}
