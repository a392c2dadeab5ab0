//! Any text as a card number, any numbers as an expiry, any text as a security code: what is read keeps its rules.
#![no_main]

use domain::card::{CardNumber, Cvc, Expiry};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

#[derive(Arbitrary, Debug)]
struct Typed {
    month: i64,
    year: i64,
    cvc: String,
    number: String,
}

libfuzzer_sys::fuzz_target!(|typed: Typed| {
    if let Ok(expiry) = Expiry::new(typed.month, typed.year) {
        assert!((1..=12).contains(&expiry.month()));
        assert_eq!(Expiry::new(expiry.month().into(), expiry.year().into()), Ok(expiry));
        assert!(expiry.is_past(expiry.ends_at()));
    }
    let Ok(number) = CardNumber::parse(&typed.number) else { return };
    let digits: String = typed.number.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(number.reveal(), digits);
    assert!(digits.ends_with(number.last4()) && digits.starts_with(number.bin()) && (12..=19).contains(&digits.len()));
    assert!(!format!("{number:?}").contains(number.last4()));
    if let Ok(cvc) = Cvc::parse(&typed.cvc, number.brand()) {
        assert!(matches!(cvc.reveal().len(), 3 | 4) && typed.cvc.contains(cvc.reveal()));
    }
});
