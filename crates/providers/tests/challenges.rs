//! Challenge pages: approve, refuse, cancel, and what the pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{RETURN_TO, Remote, authorize, bank, key, named, verify, void};
use domain::decline::DeclineCode;
use domain::outcome::{AuthorizeOutcome, Challenge, FollowUpOutcome, QueryOutcome, ThreeDSecureResult};
use providers::Connector;
use providers::simulator::challenge;
use tower::ServiceExt;

fn challenge_of(outcome: AuthorizeOutcome) -> Challenge {
    match outcome {
        AuthorizeOutcome::ActionRequired(challenge) => challenge,
        other => panic!("no challenge: {other:?}"),
    }
}

async fn answer(url: &str, decision: &str) -> reqwest::Response {
    common::browser()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("decision={decision}"))
        .send()
        .await
        .unwrap()
}

async fn known(connector: &dyn Connector, name: &str) -> AuthorizeOutcome {
    match connector.query(&key(name)).await {
        QueryOutcome::Authorize(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn code(outcome: &AuthorizeOutcome) -> Option<DeclineCode> {
    match outcome {
        AuthorizeOutcome::Declined(decline) => Some(decline.code),
        _ => None,
    }
}

#[tokio::test]
async fn who_approves_pays_and_goes_back() {
    let remote = Remote::start().await;
    let number = named("pm_card_authenticationRequired").number;
    let asked = remote.connector.authorize(authorize("a", number, 1_234)).await;
    let challenge = challenge_of(asked.clone());
    assert!(challenge.redirect_url.starts_with(&format!("{}/simulator/challenges/", remote.base)));
    assert_eq!(known(&remote.connector, "a").await, asked);
    assert_eq!(remote.connector.authorize(authorize("a", number, 1_234)).await, asked);

    let page = common::browser().get(&challenge.redirect_url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.contains("12.34 USD") && html.contains("3184") && html.contains("SHOP &lt;7&gt;"), "{html}");
    assert!(!html.contains(number) && !html.contains("http://") && !html.contains("https://"), "{html}");

    let back = answer(&challenge.redirect_url, "approve").await;
    assert_eq!((back.status().as_u16(), back.headers()["location"].to_str().unwrap()), (303, RETURN_TO));
    let AuthorizeOutcome::Approved(approval) = known(&remote.connector, "a").await else { panic!("not approved") };
    assert_eq!((approval.three_d_secure, approval.captured), (Some(ThreeDSecureResult::Authenticated), true));
    assert_eq!(approval.provider_reference, challenge.provider_reference);
    assert_eq!(remote.bank.books().await.unwrap().currencies["usd"].captured, 1_234);
    assert_eq!(remote.bank.operations(None, 1).await.unwrap()[0].moved, 1_234);
    let refunded = remote.connector.refund(common::refund("r", "a", &approval.provider_reference, 34)).await;
    assert!(matches!(refunded, domain::outcome::RefundOutcome::Succeeded { .. }));
}

#[tokio::test]
async fn who_refuses_does_not_pay_and_goes_back() {
    let remote = Remote::start().await;
    let asked = remote.connector.authorize(authorize("a", named("pm_card_threeDSecure2Required").number, 100)).await;
    let url = challenge_of(asked).redirect_url;
    assert_eq!(answer(&url, "refuse").await.status(), 303);
    assert_eq!(code(&known(&remote.connector, "a").await), Some(DeclineCode::AuthenticationRequired));
    assert_eq!(remote.bank.books().await.unwrap().currencies["usd"].captured, 0);
}

#[tokio::test]
async fn the_first_decision_counts() {
    let remote = Remote::start().await;
    let asked = remote.connector.authorize(authorize("a", named("pm_card_threeDSecure2Required").number, 100)).await;
    let url = challenge_of(asked).redirect_url;
    let racing = (0..20).map(|i| {
        let url = url.clone();
        tokio::spawn(async move { answer(&url, if i % 2 == 0 { "approve" } else { "refuse" }).await.status().as_u16() })
    });
    assert!(futures::future::join_all(racing).await.into_iter().all(|status| status.unwrap() == 303));
    let first = known(&remote.connector, "a").await;
    answer(&url, if code(&first).is_some() { "approve" } else { "refuse" }).await;
    assert_eq!(known(&remote.connector, "a").await, first);
    assert_eq!(common::browser().get(&url).send().await.unwrap().status(), 410);
}

#[tokio::test]
async fn some_cards_are_declined_after_authentication() {
    let remote = Remote::start().await;
    for (name, expected) in [
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", DeclineCode::InsufficientFunds),
        ("pm_card_threeDSecureRequiredChargeDeclined", DeclineCode::GenericDecline),
    ] {
        let asked = remote.connector.authorize(authorize(name, named(name).number, 100)).await;
        answer(&challenge_of(asked).redirect_url, "approve").await;
        assert_eq!(code(&known(&remote.connector, name).await), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_void_cancels_a_challenge() {
    let remote = Remote::start().await;
    let asked = remote.connector.authorize(authorize("a", named("pm_card_authenticationRequired").number, 100)).await;
    let challenge = challenge_of(asked);
    assert_eq!(remote.connector.void(void("v", "a", &challenge.provider_reference)).await, FollowUpOutcome::Done);
    assert_eq!(code(&known(&remote.connector, "a").await), Some(DeclineCode::AuthenticationRequired));
    answer(&challenge.redirect_url, "approve").await;
    assert_eq!(code(&known(&remote.connector, "a").await), Some(DeclineCode::AuthenticationRequired));
    assert_eq!(remote.bank.books().await.unwrap().currencies["usd"].captured, 0);
}

#[tokio::test]
async fn a_card_check_can_be_challenged() {
    let remote = Remote::start().await;
    let name = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds";
    let asked = remote.connector.verify_card(verify("s", named(name).number)).await;
    let url = challenge_of(asked).redirect_url;
    let html = common::browser().get(&url).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("Save this card"), "{html}");
    answer(&url, "approve").await;
    assert!(matches!(known(&remote.connector, "s").await, AuthorizeOutcome::Approved(_)));
}

#[tokio::test]
async fn ids_that_do_not_exist_and_answers_that_are_none_are_refused() {
    let bank = Arc::new(bank());
    let asked = bank.authorize(authorize("a", named("pm_card_authenticationRequired").number, 100)).await;
    let url = challenge_of(asked).redirect_url;
    let path = url.strip_prefix("http://bank.test").unwrap();
    let pages = challenge::router(Arc::clone(&bank));
    let post = |path: &str, body: &'static str| Request::post(path).body(Body::from(body)).unwrap();
    for (request, status) in [
        (Request::get("/simulator/challenges/none").body(Body::empty()).unwrap(), StatusCode::NOT_FOUND),
        (post("/simulator/challenges/none", "decision=approve"), StatusCode::NOT_FOUND),
        (post(path, ""), StatusCode::BAD_REQUEST),
        (post(path, "decision=perhaps"), StatusCode::BAD_REQUEST),
        (post(path, "approve"), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(pages.clone().oneshot(request).await.unwrap().status(), status);
    }
    assert!(matches!(known(&*bank, "a").await, AuthorizeOutcome::ActionRequired(_)));
}
