//! Rules of the books.

use proptest::prelude::*;

use super::*;
use crate::fee::FeeSchedule;
use crate::id::Ulid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_800_172_800);

fn id(bits: u128) -> JournalEntryId {
    JournalEntryId::new(Ulid::from_bits(bits))
}

fn charge() -> ChargeId {
    ChargeId::new(Ulid::from_bits(1))
}

fn refund() -> RefundId {
    RefundId::new(Ulid::from_bits(2))
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::Usd)
}

fn capture(gross: i64, fee: i64) -> Result<JournalEntry, Error> {
    JournalEntry::capture(id(1), NOW, charge(), usd(gross), usd(fee), LATER)
}

fn posted(entry: &JournalEntry) -> Vec<(LedgerAccount, i64)> {
    entry.postings().iter().map(|p| (p.account, p.amount.minor())).collect()
}

#[test]
fn a_capture_owes_the_merchant_the_payment_without_the_fee() {
    use LedgerAccount::*;
    let entry = capture(10_000, 320).unwrap();
    assert_eq!(posted(&entry), [(ProviderReceivable, 10_000), (MerchantPayable, -9_680), (ProcessingFees, -320)]);
    assert_eq!(entry.merchant_amount(), Some(usd(9_680)));
    assert_eq!((entry.at(), entry.available_on()), (NOW, LATER));
    assert_eq!((entry.id(), entry.source(), entry.movement()), (id(1), Source::Charge(charge()), Movement::Capture));
    assert_eq!(entry.currency(), Some(Currency::Usd));
}

#[test]
fn a_capture_without_fee_or_eaten_up_by_it_has_two_postings() {
    use LedgerAccount::*;
    assert_eq!(posted(&capture(500, 0).unwrap()), [(ProviderReceivable, 500), (MerchantPayable, -500)]);
    let eaten = capture(30, 30).unwrap();
    assert_eq!(posted(&eaten), [(ProviderReceivable, 30), (ProcessingFees, -30)]);
    assert_eq!(eaten.merchant_amount(), None);
}

#[test]
fn a_capture_of_nothing_less_or_with_an_impossible_fee_is_refused() {
    assert_eq!(capture(0, 0), Err(Error::TooFewPostings));
    assert_eq!(capture(-5, 0), Err(Error::WrongLeg(LedgerAccount::ProviderReceivable)));
    assert_eq!(capture(100, 101), Err(Error::WrongLeg(LedgerAccount::MerchantPayable)));
    assert_eq!(capture(100, -1), Err(Error::WrongLeg(LedgerAccount::ProcessingFees)));
    assert_eq!(capture(i64::MAX, i64::MIN), Err(Error::Money(money::Error::Overflow)));
    let yen = JournalEntry::capture(id(1), NOW, charge(), usd(100), Money::new(1, Currency::Jpy), LATER);
    assert_eq!(yen, Err(Error::Money(money::Error::CurrencyMismatch)));
}

#[test]
fn each_movement_of_a_refund_posts_what_it_declares() {
    use LedgerAccount::*;
    let amount = usd(700);
    let cases = [
        (JournalEntry::refund_reserved(id(1), NOW, refund(), amount), MerchantPayable, RefundsInTransit, Some(-700)),
        (JournalEntry::refund_settled(id(2), NOW, refund(), amount), RefundsInTransit, ProviderReceivable, None),
        (JournalEntry::refund_reversed(id(3), NOW, refund(), amount), RefundsInTransit, MerchantPayable, Some(700)),
        (JournalEntry::refund_returned(id(4), NOW, refund(), amount), ProviderReceivable, MerchantPayable, Some(700)),
    ];
    for (entry, debit, credit, merchant) in cases {
        let entry = entry.unwrap();
        assert_eq!(posted(&entry), [(debit, 700), (credit, -700)]);
        assert_eq!(entry.merchant_amount().map(Money::minor), merchant);
        assert_eq!((entry.source(), entry.available_on()), (Source::Refund(refund()), NOW));
    }
}

#[test]
fn what_a_provider_does_against_its_word_is_kept_apart_from_what_merchants_are_owed() {
    use LedgerAccount::*;
    let (amount, attempt) = (usd(700), PaymentAttemptId::new(Ulid::from_bits(3)));
    let cases = [
        (JournalEntry::late_capture(id(1), NOW, attempt, amount), ProviderReceivable, Suspense),
        (JournalEntry::late_capture_returned(id(2), NOW, attempt, amount), Suspense, ProviderReceivable),
        (JournalEntry::late_refund(id(3), NOW, refund(), amount), Suspense, ProviderReceivable),
    ];
    for (entry, debit, credit) in cases {
        let entry = entry.unwrap();
        assert_eq!(posted(&entry), [(debit, 700), (credit, -700)]);
        assert_eq!(entry.merchant_amount(), None);
    }
}

#[test]
fn refunds_of_nothing_or_less_are_refused() {
    assert_eq!(JournalEntry::refund_reserved(id(1), NOW, refund(), usd(0)), Err(Error::ZeroPosting));
    let less = JournalEntry::refund_settled(id(1), NOW, refund(), usd(-1));
    assert_eq!(less, Err(Error::WrongLeg(LedgerAccount::RefundsInTransit)));
    let least = JournalEntry::refund_settled(id(1), NOW, refund(), usd(i64::MIN));
    assert_eq!(least, Err(Error::Money(money::Error::Overflow)));
}

#[test]
fn every_movement_has_legs_on_both_sides() {
    for movement in Movement::ALL {
        for side in [Side::Debit, Side::Credit] {
            assert!(movement.legs().iter().any(|leg| leg.1 == side), "{movement:?} {side:?}");
        }
    }
}

#[test]
fn a_refund_that_was_set_aside_and_reversed_leaves_no_trace_in_the_sums() {
    let before = Books::replay(&[capture(10_000, 320).unwrap()]);
    let mut after = before.clone();
    after.record(&JournalEntry::refund_reserved(id(2), NOW, refund(), usd(400)).unwrap());
    assert_eq!(after.balance(LedgerAccount::MerchantPayable, Currency::Usd), -9_280);
    assert_eq!(after.balance(LedgerAccount::RefundsInTransit, Currency::Usd), -400);
    after.record(&JournalEntry::refund_reversed(id(3), NOW, refund(), usd(400)).unwrap());
    for account in LedgerAccount::ALL {
        assert_eq!(after.balance(account, Currency::Usd), before.balance(account, Currency::Usd), "{account}");
    }
}

#[test]
fn books_that_do_not_balance_say_so() {
    let mut entry = capture(100, 0).unwrap();
    entry.postings.pop();
    let books = Books::replay(&[entry]);
    assert!(!books.is_balanced());
    assert_eq!(books.trial_balance().get(&Currency::Usd), Some(&Trial { debits: 100, credits: 0 }));
}

const STORED: &str = r#"{"id":"je_00000000000000000000000001","at":1800000000000,"movement":"capture","source":{"charge":"ch_00000000000000000000000001"},"postings":[["provider_receivable",10000,"usd"],["merchant_payable",-9680,"usd"],["processing_fees",-320,"usd"]],"available_on":1800172800000}"#;

#[test]
fn the_stored_form_is_readable_and_does_not_change() {
    let entry = capture(10_000, 320).unwrap();
    assert_eq!(serde_json::to_string(&entry).unwrap(), STORED);
    assert_eq!(serde_json::from_str::<JournalEntry>(STORED).unwrap(), entry);
}

#[test]
fn a_stored_entry_that_was_tampered_with_is_not_read() {
    for (from, to, reason) in [
        ("-9680", "-9681", "does not balance in usd"),
        ("-9680,\"usd\"", "-9680,\"eur\"", "does not balance in usd"),
        ("-320", "0", "posting of zero"),
        ("provider_receivable", "refunds_in_transit", "wrong side of refunds_in_transit"),
        ("processing_fees", "merchant_payable", "wrong side of merchant_payable"),
        ("\"capture\"", "\"refund_settled\"", "wrong kind of object"),
        (",[\"merchant_payable\",-9680,\"usd\"],[\"processing_fees\",-320,\"usd\"]", "", "fewer than two"),
    ] {
        let tampered = STORED.replace(from, to);
        assert_ne!(tampered, STORED);
        let error = serde_json::from_str::<JournalEntry>(&tampered).unwrap_err().to_string();
        assert!(error.contains(reason), "{to}: {error}");
    }
}

/// Any movement, of any amount, in one of three currencies.
fn movement() -> impl Strategy<Value = JournalEntry> {
    let currency = prop::sample::select(vec![Currency::Usd, Currency::Jpy, Currency::Kwd]);
    (0_usize..5, 1..=i64::MAX, currency, any::<u128>(), any::<i64>()).prop_map(|(kind, minor, currency, bits, at)| {
        let (amount, at) = (Money::new(minor, currency), Timestamp::from_millis(at));
        let (id, refund) = (id(bits), RefundId::new(Ulid::from_bits(bits)));
        match kind {
            0 => {
                let fee = FeeSchedule::default().fee(amount).unwrap();
                JournalEntry::capture(id, at, ChargeId::new(Ulid::from_bits(bits)), amount, fee, at.midnight_after_days(2))
            }
            1 => JournalEntry::refund_reserved(id, at, refund, amount),
            2 => JournalEntry::refund_settled(id, at, refund, amount),
            3 => JournalEntry::refund_reversed(id, at, refund, amount),
            _ => JournalEntry::refund_returned(id, at, refund, amount),
        }
        .unwrap()
    })
}

proptest! {
    #[test]
    fn any_sequence_of_movements_balances(entries in prop::collection::vec(movement(), 0..60)) {
        let books = Books::replay(&entries);
        prop_assert!(books.is_balanced());
        for currency in [Currency::Usd, Currency::Jpy, Currency::Kwd] {
            let owed: i128 = entries
                .iter()
                .filter_map(JournalEntry::merchant_amount)
                .filter(|amount| amount.currency() == currency)
                .map(|amount| i128::from(amount.minor()))
                .sum();
            prop_assert_eq!(books.balance(LedgerAccount::MerchantPayable, currency), -owed);
        }
    }

    #[test]
    fn sums_do_not_depend_on_the_order_of_entries(entries in prop::collection::vec(movement(), 0..30)) {
        prop_assert_eq!(Books::replay(&entries), Books::replay(entries.iter().rev()));
    }

    #[test]
    fn what_is_stored_is_read_back(entry in movement()) {
        let text = serde_json::to_string(&entry).unwrap();
        prop_assert_eq!(serde_json::from_str::<JournalEntry>(&text).unwrap(), entry);
    }

    #[test]
    fn any_single_changed_amount_is_noticed(entry in movement(), at: prop::sample::Index, minor: i64) {
        let mut changed = entry.clone();
        let at = at.index(changed.postings.len());
        prop_assume!(changed.postings[at].amount.minor() != minor);
        changed.postings[at].amount = Money::new(minor, changed.postings[at].amount.currency());
        let text = serde_json::to_string(&changed).unwrap();
        prop_assert!(serde_json::from_str::<JournalEntry>(&text).is_err());
    }
}
