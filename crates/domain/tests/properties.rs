//! Rules that cross modules: texts from the network always get an answer that repeats none of their secrets,
//! and the life of a payment, however it goes, leaves balanced books and a sane charge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use domain::card::{Brand, CardDetails, CardNumber, Cvc, Expiry};
use domain::currency::Currency;
use domain::fee::FeeSchedule;
use domain::fingerprint_key::FingerprintKey;
use domain::id::{ChargeId, JournalEntryId, RefundId, Ulid};
use domain::idempotency;
use domain::ledger::{Books, JournalEntry, LedgerAccount};
use domain::metadata::Metadata;
use domain::money::Money;
use domain::time::Timestamp;
use proptest::prelude::*;

/// What may happen to one refund: how far it comes, and how it ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Open,
    Settled,
    Reversed,
    Returned,
}

fn refunds() -> impl Strategy<Value = Vec<(i64, End)>> {
    let end = prop::sample::select(vec![End::Open, End::Settled, End::Reversed, End::Returned]);
    prop::collection::vec((1_i64..5_000, end), 0..12)
}

/// A number of any brand with a right check digit.
fn card_number() -> impl Strategy<Value = String> {
    let firsts = prop::sample::select(vec!["4", "51", "2221", "34", "37", "6011", "65", "36", "3528", "62", "81", "70"]);
    (firsts, "[0-9]{19}").prop_map(|(first, rest)| {
        let lengths = [15, 16, 14];
        let numbers = lengths.iter().flat_map(|length| {
            let body = format!("{first}{rest}")[..length - 1].to_owned();
            (0..10).map(move |check| format!("{body}{check}"))
        });
        numbers.into_iter().find(|number| CardNumber::parse(number).is_ok()).expect("one check digit is right")
    })
}

proptest! {
    #[test]
    fn books_of_a_payment_and_its_refunds_balance_and_the_provider_owes_what_is_left(
        gross in 1_i64..20_000, refunds in refunds(), index: prop::sample::Index,
    ) {
        let currency = *index.get(Currency::all());
        let money = |minor| Money::new(minor, currency);
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut next = 0_u128;
        let mut id = || { next += 1; Ulid::from_bits(next) };
        let fee = FeeSchedule::default().fee(money(gross)).unwrap();
        let charge = ChargeId::new(id());
        let mut entries = vec![JournalEntry::capture(JournalEntryId::new(id()), now, charge, money(gross), fee, now).unwrap()];
        let (mut left, mut settled, mut open) = (gross, 0, 0);
        for (amount, end) in refunds {
            if amount > left {
                continue;
            }
            let (refund, amount_money) = (RefundId::new(id()), money(amount));
            entries.push(JournalEntry::refund_reserved(JournalEntryId::new(id()), now, refund, amount_money).unwrap());
            match end {
                End::Open => {
                    left -= amount;
                    open += amount;
                }
                End::Settled => {
                    left -= amount;
                    settled += amount;
                    entries.push(JournalEntry::refund_settled(JournalEntryId::new(id()), now, refund, amount_money).unwrap());
                }
                End::Reversed => {
                    entries.push(JournalEntry::refund_reversed(JournalEntryId::new(id()), now, refund, amount_money).unwrap());
                }
                End::Returned => {
                    entries.push(JournalEntry::refund_settled(JournalEntryId::new(id()), now, refund, amount_money).unwrap());
                    entries.push(JournalEntry::refund_returned(JournalEntryId::new(id()), now, refund, amount_money).unwrap());
                }
            }
        }
        let books = Books::replay(&entries);
        prop_assert!(books.is_balanced());
        let balance = |account| books.balance(account, currency);
        prop_assert_eq!(balance(LedgerAccount::ProviderReceivable), i128::from(gross - settled));
        prop_assert_eq!(balance(LedgerAccount::RefundsInTransit), -i128::from(open));
        prop_assert_eq!(balance(LedgerAccount::ProcessingFees), -i128::from(fee.minor()));
        prop_assert_eq!(balance(LedgerAccount::MerchantPayable), -i128::from(left - fee.minor()));
    }

    #[test]
    fn details_of_a_card_hold_no_more_of_its_number_than_the_last_four_digits(number in card_number(), secret: [u8; 32]) {
        let card = CardNumber::parse(&number).unwrap();
        let details = CardDetails::of(&card, Expiry::new(12, 2034).unwrap(), &FingerprintKey::new(&secret));
        prop_assert_eq!(&details.last4, &number[number.len() - 4..]);
        // The fingerprint is letters and digits at random: it is looked at apart.
        let print = details.fingerprint.as_str().to_owned();
        prop_assert_eq!(print.len(), 16);
        let shown = format!("{details:?} {}", serde_json::to_string(&details).unwrap()).replace(&print, "");
        prop_assert!(!number.as_bytes().windows(6).any(|six| shown.contains(std::str::from_utf8(six).unwrap())), "{shown}");
    }

    #[test]
    fn errors_about_a_card_do_not_repeat_what_was_sent(text in "[0-9]{5,40}|[0-9 -]{5,40}x?") {
        for shown in [
            CardNumber::parse(&text).err().map(|error| format!("{error} {error:?}")),
            Cvc::parse(&text, Brand::Visa).err().map(|error| format!("{error} {error:?}")),
        ].into_iter().flatten() {
            prop_assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
        }
    }

    #[test]
    fn any_text_from_the_network_gets_an_answer(text: String, brand in prop::sample::select(Brand::ALL.to_vec()), numbers: (i64, i64)) {
        let _ = CardNumber::parse(&text);
        let _ = Cvc::parse(&text, brand);
        let _ = Brand::of(&text);
        let _ = Currency::from_code(&text);
        let _ = Expiry::new(numbers.0, numbers.1);
        let _ = Metadata::default().merge(&[(text.clone(), text.clone())]);
        let _ = serde_json::from_str::<JournalEntry>(&text);
        let _ = serde_json::from_str::<Money>(&text);
        let key = FingerprintKey::new(&[1; 32]);
        let _ = idempotency::Fingerprint::of(&key, &text, &text, text.as_bytes());
    }

    #[test]
    fn accepted_metadata_keeps_every_limit(changes in prop::collection::vec(("\\PC{0,45}", "\\PC{0,3}|x{495,505}"), 0..70)) {
        if let Ok(merged) = Metadata::default().merge(&changes) {
            prop_assert!(merged.len() <= 50);
            for (key, value) in merged.iter() {
                prop_assert!((1..=40).contains(&key.chars().count()) && !key.contains(['[', ']']));
                prop_assert!((1..=500).contains(&value.chars().count()));
            }
        }
    }
}
