//! Faults: the same cards have the same outcomes in process and over HTTP, and the books tell the truth afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Remote, approval, approved, authorize, authorize_only, bank, capture, key, named, refund, void};
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use providers::Connector;
use providers::simulator::client::{RemoteSimulator, Timeouts};
use providers::simulator::{BooksUnavailable, Simulator};

/// Name, what the first try is answered with (`None`: the approval itself), and whether it was booked.
const FAULTS: &[(&str, Option<UnknownReason>, bool)] = &[
    ("answersLate", None, true),
    ("timeoutAfter", Some(UnknownReason::Timeout), true),
    ("timeoutBefore", Some(UnknownReason::Timeout), false),
    ("arrivesTwice", None, true),
    ("connectionDropsAfter", Some(UnknownReason::ConnectionLost), true),
    ("serverErrorAfter", Some(UnknownReason::ProviderError), true),
    ("serverErrorBefore", Some(UnknownReason::ProviderError), false),
    ("garbageAfter", Some(UnknownReason::Unreadable), true),
];

fn number(fault: &str, stage: &str) -> &'static str {
    let name = if fault.ends_with("After") || fault.ends_with("Before") {
        format!("{fault}{stage}")
    } else if stage == "Charge" {
        fault.to_owned()
    } else {
        let (first, rest) = fault.split_at(1);
        format!("{}{}{rest}", stage.to_lowercase(), first.to_uppercase())
    };
    named(&format!("pm_card_simulator_{name}")).number
}

async fn captured(bank: &Simulator) -> Result<(i64, i64), BooksUnavailable> {
    let books = bank.books().await?;
    Ok(books.currencies.get("usd").map_or((0, 0), |usd| (usd.captured, usd.refunded)))
}

async fn authorizations_fail_as_told(connector: &dyn Connector, bank: &Simulator) {
    for (fault, reason, booked) in FAULTS {
        let before = captured(bank).await.unwrap().0;
        let number = number(fault, "Charge");
        let first = connector.authorize(authorize(fault, number, 100)).await;
        match reason {
            Some(reason) => assert_eq!(first, AuthorizeOutcome::Unknown(*reason), "{fault}"),
            None => assert!(approval(first).captured, "{fault}"),
        }
        let known = connector.query(&key(fault)).await;
        if *booked {
            assert!(matches!(known, QueryOutcome::Authorize(AuthorizeOutcome::Approved(_))), "{fault}: {known:?}");
        } else {
            assert_eq!(known, QueryOutcome::NotFound, "{fault}");
        }
        assert_eq!(captured(bank).await.unwrap().0 - before, if *booked { 100 } else { 0 }, "{fault}");
        let again = connector.authorize(authorize(fault, number, 100)).await;
        assert!(approval(again.clone()).captured, "{fault}");
        assert_eq!(connector.query(&key(fault)).await, QueryOutcome::Authorize(again), "{fault}");
        assert_eq!(captured(bank).await.unwrap().0 - before, 100, "{fault}");
    }
}

async fn follow_ups_fail_as_told(connector: &dyn Connector, bank: &Simulator) {
    for (fault, reason, booked) in FAULTS {
        for stage in ["Capture", "Void"] {
            let (auth, name) = (format!("{fault}{stage}a"), format!("{fault}{stage}"));
            let reference = approved(connector, authorize_only(&auth, number(fault, stage), 100)).await;
            let send = async || match stage {
                "Capture" => connector.capture(capture(&name, &auth, &reference, 100)).await,
                _ => connector.void(void(&name, &auth, &reference)).await,
            };
            assert_eq!(send().await, reason.map_or(FollowUpOutcome::Done, FollowUpOutcome::Unknown), "{name}");
            let known = connector.query(&key(&name)).await;
            let done = matches!(known, QueryOutcome::Capture(FollowUpOutcome::Done) | QueryOutcome::Void(FollowUpOutcome::Done));
            assert!(done == *booked && (*booked || known == QueryOutcome::NotFound), "{name}: {known:?}");
            assert_eq!(send().await, FollowUpOutcome::Done, "{name}");
        }
        let before = captured(bank).await.unwrap().1;
        let (auth, name) = (format!("{fault}Refunda"), format!("{fault}Refund"));
        let reference = approved(connector, authorize(&auth, number(fault, "Refund"), 100)).await;
        let first = connector.refund(refund(&name, &auth, &reference, 60)).await;
        match reason {
            Some(reason) => assert_eq!(first, RefundOutcome::Unknown(*reason), "{name}"),
            None => assert!(matches!(first, RefundOutcome::Succeeded { .. }), "{name}"),
        }
        assert_eq!(captured(bank).await.unwrap().1 - before, if *booked { 60 } else { 0 }, "{name}");
        let again = connector.refund(refund(&name, &auth, &reference, 60)).await;
        assert!(matches!(again, RefundOutcome::Succeeded { .. }), "{name}");
        assert_eq!(captured(bank).await.unwrap().1 - before, 60, "{name}");
    }
}

#[tokio::test]
async fn faults_in_process() {
    let bank = bank();
    authorizations_fail_as_told(&bank, &bank).await;
    follow_ups_fail_as_told(&bank, &bank).await;
}

#[tokio::test]
async fn authorization_faults_over_http() {
    let remote = Remote::start().await;
    authorizations_fail_as_told(&remote.connector, &remote.bank).await;
}

#[tokio::test]
async fn follow_up_faults_over_http() {
    let remote = Remote::start().await;
    follow_ups_fail_as_told(&remote.connector, &remote.bank).await;
}

#[tokio::test]
async fn what_is_unknown_settles_either_way() {
    let (remote, bank) = (Remote::start().await, bank());
    for connector in [&remote.connector as &dyn Connector, &bank] {
        for (name, is_approved) in [("pm_card_simulator_unknownThenApproved", true), ("pm_card_simulator_unknownThenDeclined", false)] {
            let first = connector.authorize(authorize(name, named(name).number, 100)).await;
            assert_eq!(first, AuthorizeOutcome::Unknown(UnknownReason::StillProcessing));
            let QueryOutcome::Authorize(settled) = connector.query(&key(name)).await else { panic!("{name}") };
            assert_eq!(matches!(settled, AuthorizeOutcome::Approved(_)), is_approved, "{name}");
            assert_eq!(matches!(settled, AuthorizeOutcome::Declined(_)), !is_approved, "{name}");
        }
    }
    assert_eq!(captured(&bank).await.unwrap().0, 100);
}

#[tokio::test]
async fn what_is_unknown_stays_so_until_it_settles_and_can_be_neither_captured_nor_voided() {
    let bank = common::slow_bank();
    let name = "pm_card_simulator_unknownThenApproved";
    bank.authorize(authorize(name, named(name).number, 100)).await;
    let unknown = AuthorizeOutcome::Unknown(UnknownReason::StillProcessing);
    assert_eq!(bank.query(&key(name)).await, QueryOutcome::Authorize(unknown.clone()));
    assert_eq!(bank.authorize(authorize(name, named(name).number, 100)).await, unknown);
    assert!(matches!(bank.void(void("v", name, "")).await, FollowUpOutcome::Refused(_)));
    assert_eq!(captured(&bank).await.unwrap().0, 0);
}

#[tokio::test]
async fn a_bank_that_is_not_there_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let connector = RemoteSimulator::new(&base, Timeouts::default()).unwrap();
    let unreachable = AuthorizeOutcome::Unknown(UnknownReason::Unreachable);
    assert_eq!(connector.authorize(authorize("a", common::VISA, 1)).await, unreachable);
    assert_eq!(connector.query(&key("a")).await, QueryOutcome::Unknown(UnknownReason::Unreachable));
}

#[tokio::test]
async fn a_bank_that_accepts_and_hangs_up_is_a_lost_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let connector = RemoteSimulator::new(&base, Timeouts::default()).unwrap();
    let lost = AuthorizeOutcome::Unknown(UnknownReason::ConnectionLost);
    assert_eq!(connector.authorize(authorize("a", common::VISA, 1)).await, lost);
    server.abort();
}

#[tokio::test]
async fn the_remote_bank_keeps_the_same_books() {
    let remote = Remote::start().await;
    let reference = approved(&remote.connector, authorize_only("a", common::VISA, 900)).await;
    assert_eq!(remote.connector.capture(capture("c", "a", &reference, 800)).await, FollowUpOutcome::Done);
    let given_back = remote.connector.refund(refund("r", "a", &reference, 300)).await;
    assert!(matches!(given_back, RefundOutcome::Succeeded { .. }));
    let verified = remote.connector.verify_card(common::verify("s", common::VISA)).await;
    assert!(!approval(verified).captured);
    assert_eq!(remote.connector.books().await.unwrap(), remote.bank.books().await.unwrap());
    assert_eq!(captured(&remote.bank).await.unwrap(), (800, 300));
    let listed = remote.connector.operations(Some(&key("a")), 2).await.unwrap();
    assert_eq!(listed.iter().map(|o| o.key.as_str()).collect::<Vec<_>>(), ["c", "r"]);
    assert_eq!(remote.connector.authorize(authorize("a", common::VISA, 1)).await, AuthorizeOutcome::Unknown(UnknownReason::ProviderError));
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_refused_without_repeating_them() {
    let remote = Remote::start().await;
    let browser = common::browser();
    let good = "{\"key\":\"x\",\"authorization_key\":\"y\",\"provider_reference\":\"z\",\"amount\":1,\"currency\":\"usd\"}";
    for (path, body, status) in [
        ("/authorizations", "{}", 400),
        ("/authorizations", "{\"card\":{\"number\":\"4242424242424242\"}}", 400),
        ("/authorizations", "not json 4242424242424242", 400),
        ("/captures", &good.replace("usd", "zzz"), 400),
        ("/captures", &good.replace("\"amount\":1", "\"amount\":1.5"), 400),
        ("/captures", good, 200),
        ("/authorizations", &"x".repeat(70_000), 413),
        ("/nowhere", "{}", 404),
    ] {
        let answer = browser.post(format!("{}{path}", remote.base)).body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(!answer.text().await.unwrap().contains("4242"));
    }
    assert!(remote.bank.operations(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_late_answer_is_late_and_a_silent_one_ends_with_the_callers_patience() {
    let options = providers::simulator::Options { late: Duration::from_millis(120), ..common::quick() };
    let bank = Arc::new(Simulator::open(&providers::simulator::Location::Memory, options).unwrap());
    let remote = Remote::over(Arc::clone(&bank)).await;
    for connector in [&remote.connector as &dyn Connector, &*bank] {
        let started = std::time::Instant::now();
        let name = format!("late{}", bank.operations(None, 10).await.unwrap().len());
        approved(connector, authorize(&name, number("answersLate", "Charge"), 100)).await;
        assert!(started.elapsed() >= Duration::from_millis(120));
    }
}
