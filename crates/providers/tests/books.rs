//! The bank's books: idempotency, limits, totals, restarts, and what is never in the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use common::{approval, approved, authorize, authorize_only, bank, capture, key, named, quick, refund, usd, void};
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use providers::Connector;
use providers::simulator::test_cards::all;
use providers::simulator::{Durability, Kind, Location, Options, Simulator};

async fn totals(bank: &Simulator) -> (i64, i64, i64) {
    let books = bank.books().await.unwrap();
    books.currencies.get("usd").map_or((0, 0, 0), |usd| (usd.captured, usd.refunded, usd.operations))
}

#[tokio::test]
async fn the_same_key_gives_the_first_outcome_and_no_second_booking() {
    let bank = bank();
    let first = bank.authorize(authorize("a", common::VISA, 700)).await;
    assert_eq!(bank.authorize(authorize("a", common::VISA, 700)).await, first);
    let reference = approval(first.clone()).provider_reference;
    let given_back = bank.refund(refund("r", "a", &reference, 100)).await;
    assert_eq!(bank.refund(refund("r", "a", &reference, 100)).await, given_back);
    assert_eq!(totals(&bank).await, (700, 100, 2));
    assert_eq!(bank.query(&key("a")).await, QueryOutcome::Authorize(first));
}

#[tokio::test]
async fn the_same_key_without_its_security_code_is_the_same_request() {
    let bank = bank();
    let first = bank.authorize(authorize("a", common::VISA, 700)).await;
    let mut again = authorize("a", common::VISA, 700);
    again.card.cvc = None;
    again.card.postal_code = None;
    assert_eq!(bank.authorize(again).await, first);
}

#[tokio::test]
async fn the_same_key_with_other_parameters_is_refused_and_booked_nowhere() {
    let bank = bank();
    let first = bank.authorize(authorize("a", common::VISA, 700)).await;
    let reference = approval(first.clone()).provider_reference;
    let refused = AuthorizeOutcome::Unknown(UnknownReason::ProviderError);
    assert_eq!(bank.authorize(authorize("a", common::VISA, 701)).await, refused);
    assert_eq!(bank.authorize(authorize("a", "5555555555554444", 700)).await, refused);
    assert_eq!(bank.authorize(authorize_only("a", common::VISA, 700)).await, refused);
    let collides = bank.refund(refund("a", "a", &reference, 700)).await;
    assert_eq!(collides, RefundOutcome::Unknown(UnknownReason::ProviderError));
    assert_eq!(totals(&bank).await, (700, 0, 1));
    assert_eq!(bank.query(&key("a")).await, QueryOutcome::Authorize(first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_racing_requests_under_one_key_are_one_booking() {
    let bank = Arc::new(bank());
    let racing = (0..100).map(|_| {
        let bank = Arc::clone(&bank);
        tokio::spawn(async move { bank.authorize(authorize("a", common::VISA, 700)).await })
    });
    let outcomes: Vec<AuthorizeOutcome> = futures::future::join_all(racing).await.into_iter().map(Result::unwrap).collect();
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    assert_eq!(totals(&bank).await, (700, 0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_racing_refunds_of_one_on_a_hundred_give_back_a_hundred() {
    let bank = Arc::new(bank());
    let reference = approved(&*bank, authorize("a", common::VISA, 100)).await;
    let racing = (0..1_000).map(|i| {
        let (bank, reference) = (Arc::clone(&bank), reference.clone());
        tokio::spawn(async move { bank.refund(refund(&format!("r{i}"), "a", &reference, 1)).await })
    });
    let outcomes = futures::future::join_all(racing).await;
    let succeeded = outcomes.iter().filter(|o| matches!(o, Ok(RefundOutcome::Succeeded { .. }))).count();
    assert_eq!(succeeded, 100);
    assert_eq!(totals(&bank).await, (100, 100, 1_001));
}

#[tokio::test]
async fn limits_hold_in_the_books() {
    let bank = bank();
    let reference = approved(&bank, authorize_only("a", common::VISA, 1_000)).await;
    let is_refused = |outcome: FollowUpOutcome| matches!(outcome, FollowUpOutcome::Refused(_));
    assert!(is_refused(bank.capture(capture("c0", "a", &reference, 1_001)).await));
    assert!(is_refused(bank.capture(capture("c1", "a", "another reference", 10)).await));
    assert_eq!(totals(&bank).await.0, 0);
    assert_eq!(bank.capture(capture("c2", "a", &reference, 600)).await, FollowUpOutcome::Done);
    assert!(is_refused(bank.capture(capture("c3", "a", &reference, 1)).await));
    assert!(is_refused(bank.void(void("v", "a", &reference)).await));
    let failed = |outcome: RefundOutcome| matches!(outcome, RefundOutcome::Failed { .. });
    assert!(failed(bank.refund(refund("r0", "a", &reference, 601)).await));
    assert!(!failed(bank.refund(refund("r1", "a", &reference, 600)).await));
    assert!(failed(bank.refund(refund("r2", "a", &reference, 1)).await));
    let mut euros = refund("r3", "a", &reference, 1);
    euros.amount = domain::money::Money::new(1, domain::currency::Currency::from_code("eur").unwrap());
    assert!(failed(bank.refund(euros).await));
    assert_eq!(totals(&bank).await.0, 600);
    assert_eq!(totals(&bank).await.1, 600);
}

#[tokio::test]
async fn a_refund_that_is_pending_or_unknown_is_reserved() {
    let bank = common::slow_bank();
    for name in ["pm_card_pendingRefund", "pm_card_simulator_refundUnknownThenApproved"] {
        let reference = approved(&bank, authorize(name, named(name).number, 100)).await;
        bank.refund(refund(&format!("{name}1"), name, &reference, 60)).await;
        let second = bank.refund(refund(&format!("{name}2"), name, &reference, 60)).await;
        assert!(matches!(second, RefundOutcome::Failed { .. }), "{name}");
    }
}

#[tokio::test]
async fn a_refund_that_failed_later_can_be_made_again() {
    let bank = bank();
    let reference = approved(&bank, authorize("a", named("pm_card_refundFail").number, 100)).await;
    bank.refund(refund("r1", "a", &reference, 100)).await;
    assert!(matches!(bank.refund(refund("r2", "a", &reference, 100)).await, RefundOutcome::Succeeded { .. }));
}

#[tokio::test]
async fn what_changes_after_it_was_answered_is_told_once_under_a_number_and_again_to_whoever_asks_again() {
    let remote = common::Remote::start().await;
    let (bank, connector) = (&remote.bank, &remote.connector);
    let reference = approved(&**bank, authorize("a", named("pm_card_refundFail").number, 100)).await;
    assert_eq!(bank.notices(0).await, Ok(Vec::new()), "nothing has changed");
    for name in ["r1", "r2"] {
        bank.refund(refund(name, "a", &reference, 50)).await;
    }
    let told = bank.notices(0).await.unwrap();
    let expected: Vec<_> = [("r1", 1), ("r2", 2)].map(|(name, number)| (key(name), number)).into();
    assert_eq!(told.iter().map(|notice| (notice.key.clone(), notice.number)).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(|notice| matches!(notice.said, QueryOutcome::Refund(RefundOutcome::Failed { .. }))));
    assert_eq!(bank.notices(1).await.unwrap(), told[1..]);
    assert_eq!(connector.notices(0).await.unwrap(), told, "over HTTP as in process");
    assert_eq!(bank.notices(2).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_void_releases_all_and_ends_the_authorization() {
    let bank = bank();
    let reference = approved(&bank, authorize_only("a", common::VISA, 1_000)).await;
    assert_eq!(bank.void(void("v", "a", "")).await, FollowUpOutcome::Done);
    assert_eq!(bank.void(void("v", "a", "")).await, FollowUpOutcome::Done);
    assert!(matches!(bank.capture(capture("c", "a", &reference, 1)).await, FollowUpOutcome::Refused(_)));
    assert_eq!(totals(&bank).await.0, 0);
}

#[tokio::test]
async fn what_follows_nothing_is_refused_and_not_booked() {
    let bank = bank();
    assert!(matches!(bank.capture(capture("c", "none", "x", 1)).await, FollowUpOutcome::Refused(_)));
    assert!(matches!(bank.void(void("v", "none", "")).await, FollowUpOutcome::Refused(_)));
    assert!(matches!(bank.refund(refund("r", "none", "x", 1)).await, RefundOutcome::Failed { .. }));
    for name in ["c", "v", "r", "none"] {
        assert_eq!(bank.query(&key(name)).await, QueryOutcome::NotFound, "{name}");
    }
}

#[tokio::test]
async fn operations_are_listed_in_order_and_in_pages() {
    let bank = bank();
    let reference = approved(&bank, authorize_only("a1", common::VISA, 500)).await;
    bank.capture(capture("a2", "a1", &reference, 400)).await;
    bank.refund(refund("a3", "a1", &reference, 150)).await;
    bank.authorize(authorize("a4", named("pm_card_chargeDeclined").number, 90)).await;
    let first = bank.operations(None, 3).await.unwrap();
    let rest = bank.operations(Some(&first[2].key), 3).await.unwrap();
    let seen: Vec<_> = first.iter().chain(&rest).map(|o| (o.key.as_str(), o.kind, o.amount, o.moved)).collect();
    assert_eq!(
        seen,
        [("a1", Kind::Authorize, 500, 0), ("a2", Kind::Capture, 400, 400), ("a3", Kind::Refund, 150, 150), ("a4", Kind::Authorize, 90, 0)]
    );
    assert_eq!(first[1].authorization_key, Some(key("a1")));
}

#[tokio::test]
async fn currencies_are_kept_apart() {
    let bank = bank();
    approved(&bank, authorize("a", common::VISA, 500)).await;
    let mut yen = authorize("b", common::VISA, 0);
    yen.amount = domain::money::Money::new(900, domain::currency::Currency::from_code("jpy").unwrap());
    approved(&bank, yen).await;
    let books = bank.books().await.unwrap();
    assert_eq!((books.currencies["usd"].captured, books.currencies["jpy"].captured), (500, 900));
    assert_eq!(usd(500).minor(), books.currencies["usd"].captured);
}

#[tokio::test]
async fn everything_survives_a_restart() {
    for durability in [Durability::Synced, Durability::Written] {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::File(folder.path().join("deeper/bank.db"));
        let options = Options { durability, ..quick() };
        let (first, challenge) = {
            let bank = Simulator::open(&location, options.clone()).unwrap();
            let first = bank.authorize(authorize("a", common::VISA, 700)).await;
            let challenge = bank.authorize(authorize("b", named("pm_card_authenticationRequired").number, 50)).await;
            bank.authorize(authorize("lost", named("pm_card_simulator_timeoutBeforeCharge").number, 30)).await;
            (first, challenge)
        };
        let bank = Simulator::open(&location, options).unwrap();
        assert_eq!(bank.query(&key("a")).await, QueryOutcome::Authorize(first.clone()));
        assert_eq!(bank.query(&key("b")).await, QueryOutcome::Authorize(challenge));
        assert_eq!(bank.authorize(authorize("a", common::VISA, 700)).await, first);
        assert_eq!(bank.query(&key("lost")).await, QueryOutcome::NotFound);
        approved(&bank, authorize("lost", named("pm_card_simulator_timeoutBeforeCharge").number, 30)).await;
        assert_eq!(totals(&bank).await, (730, 0, 3));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let bank = Simulator::open(&Location::File(folder.path().join("bank.db")), quick()).unwrap();
    approved(&bank, authorize("a", common::VISA, 700)).await;
    let modes: Vec<u32> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777).collect();
    assert!(modes.len() >= 2 && modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
}

#[tokio::test]
async fn no_card_number_is_in_the_bank_s_files() {
    let folder = tempfile::tempdir().unwrap();
    let bank = Simulator::open(&Location::File(folder.path().join("bank.db")), quick()).unwrap();
    let mut last4_found = false;
    for (i, card) in all().enumerate() {
        bank.authorize(authorize(&format!("pa_{i}"), card.number, 1_000)).await;
        bank.verify_card(common::verify(&format!("seti_{i}"), card.number)).await;
    }
    let numbers: std::collections::HashSet<&str> = all().map(|card| card.number).collect();
    let search = |last4_found: &mut bool| {
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for digits in bytes.split(|byte| !byte.is_ascii_digit()) {
                let digits = std::str::from_utf8(digits).unwrap();
                let found = (0..digits.len()).find_map(|from| (14..=19).find_map(|length| numbers.get(digits.get(from..from + length)?)));
                assert_eq!(found, None, "a card number is in the file");
                *last4_found |= digits.contains("3184");
            }
        }
    };
    search(&mut last4_found);
    drop(bank);
    search(&mut last4_found);
    assert!(last4_found, "the search finds nothing at all");
}
