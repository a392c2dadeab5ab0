//! Every test card does what its row says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{approval, authorize, bank, named, off_session, verify};
use domain::card::Expiry;
use domain::decline::DeclineCode;
use domain::outcome::{AuthorizeOutcome, Check, FollowUpOutcome, RefundOutcome, ThreeDSecureResult, UnknownReason};
use domain::payment_intent::ThreeDSecureRequest;
use providers::simulator::behaviour::{Behaviour, Stage, ThreeDSecure};
use providers::simulator::test_cards::{GROUPS, all};
use providers::{Authorize, Connector, Initiator};

fn declined(outcome: &AuthorizeOutcome) -> Option<DeclineCode> {
    match outcome {
        AuthorizeOutcome::Declined(decline) => Some(decline.code),
        _ => None,
    }
}

#[tokio::test]
async fn every_card_pays_as_its_row_says() {
    let bank = bank();
    let mut challenges = 0;
    for (i, card) in all().enumerate() {
        let outcome = bank.authorize(authorize(&format!("pa_{i}"), card.number, 1_000)).await;
        match card.behaviour {
            Behaviour::Decline(code) | Behaviour::DeclineCharge(code) => assert_eq!(declined(&outcome), Some(code), "{card:?}"),
            Behaviour::DeclineIfCvcSent => assert_eq!(declined(&outcome), Some(DeclineCode::IncorrectCvc)),
            Behaviour::ThreeDSecure(ThreeDSecure::LookupError) => assert_eq!(declined(&outcome), Some(DeclineCode::GenericDecline)),
            Behaviour::ThreeDSecure(ThreeDSecure::NotSupported | ThreeDSecure::Optional | ThreeDSecure::OptionalError) => {
                assert_eq!(approval(outcome).three_d_secure, None, "{card:?}");
            }
            Behaviour::ThreeDSecure(ThreeDSecure::Frictionless) => {
                assert_eq!(approval(outcome).three_d_secure, Some(ThreeDSecureResult::Authenticated));
            }
            Behaviour::ThreeDSecure(_) => {
                assert!(matches!(outcome, AuthorizeOutcome::ActionRequired(_)), "{card:?}");
                challenges += 1;
            }
            Behaviour::Fault { stage: Stage::Authorize, .. } => {}
            Behaviour::Approve | Behaviour::Checks(_) | Behaviour::Refund(_) | Behaviour::Fault { .. } => {
                let approval = approval(outcome);
                assert!(approval.captured && approval.three_d_secure.is_none(), "{card:?}");
            }
        }
    }
    assert!(challenges >= 10);
}

#[tokio::test]
async fn published_declines_have_their_published_code() {
    let bank = bank();
    for (number, code) in [
        ("4000000000000002", DeclineCode::GenericDecline),
        ("4000000000009995", DeclineCode::InsufficientFunds),
        ("4000000000009987", DeclineCode::LostCard),
        ("4000000000009979", DeclineCode::StolenCard),
        ("4000000000000069", DeclineCode::ExpiredCard),
        ("4000000000000127", DeclineCode::IncorrectCvc),
        ("4000000000000119", DeclineCode::ProcessingError),
        ("4000000000006975", DeclineCode::CardVelocityExceeded),
        ("4000000000000341", DeclineCode::GenericDecline),
        ("4100000000000019", DeclineCode::Fraudulent),
    ] {
        assert_eq!(declined(&bank.authorize(authorize(number, number, 500)).await), Some(code), "{number}");
    }
}

#[tokio::test]
async fn names_stand_for_their_published_numbers() {
    for (name, number) in [
        ("tok_visa", "4242424242424242"),
        ("pm_card_visa", "4242424242424242"),
        ("tok_visa_debit", "4000056655665556"),
        ("pm_card_mastercard", "5555555555554444"),
        ("pm_card_amex", "378282246310005"),
        ("pm_card_visa_chargeDeclined", "4000000000000002"),
        ("pm_card_chargeDeclined", "4000000000000002"),
        ("tok_chargeDeclinedInsufficientFunds", "4000000000009995"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "4000000000006975"),
        ("pm_card_visa_chargeDeclinedFraudulent", "4100000000000019"),
        ("pm_card_chargeCustomerFail", "4000000000000341"),
        ("pm_card_authenticationRequired", "4000002760003184"),
        ("pm_card_authenticationRequiredOnSetup", "4000002500003155"),
        ("pm_card_authenticationRequiredSetupForOffSession", "4000003800000446"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "4000008260003178"),
        ("pm_card_threeDSecure2Required", "4000000000003220"),
        ("pm_card_threeDSecureRequired", "4000000000003063"),
        ("pm_card_threeDSecureRequiredChargeDeclined", "4000008400001629"),
        ("pm_card_threeDSecureOptional", "4000000000003055"),
        ("pm_card_refundFail", "4000000000005126"),
        ("pm_card_pendingRefund", "4000000000007726"),
        ("pm_card_bypassPending", "4000000000000077"),
        ("tok_cvcCheckFail", "4000000000000101"),
        ("pm_card_avsFail", "4000000000000010"),
        ("pm_card_br", "4000000760000002"),
    ] {
        assert_eq!(named(name).number, number, "{name}");
    }
    assert!(GROUPS.iter().map(|group| group.cards.len()).sum::<usize>() > 200);
}

#[tokio::test]
async fn a_number_that_is_not_listed_is_approved() {
    let bank = bank();
    assert!(approval(bank.authorize(authorize("a", "4111111111111111", 1)).await).captured);
}

#[tokio::test]
async fn an_expired_card_and_an_amount_of_nothing_are_declined() {
    let bank = bank();
    let mut expired = authorize("a", common::VISA, 100);
    expired.card.expiry = Expiry::new(1, 2020).unwrap();
    assert_eq!(declined(&bank.authorize(expired).await), Some(DeclineCode::ExpiredCard));
    assert_eq!(declined(&bank.authorize(authorize("b", common::VISA, 0)).await), Some(DeclineCode::InvalidAmount));
    assert_eq!(declined(&bank.authorize(authorize("c", common::VISA, -5)).await), Some(DeclineCode::InvalidAmount));
}

#[tokio::test]
async fn checks_answer_for_the_data_that_were_sent_and_for_no_others() {
    let bank = bank();
    for (number, cvc, line1, postal) in [
        (common::VISA, Check::Pass, Check::Pass, Check::Pass),
        ("4000000000000010", Check::Pass, Check::Fail, Check::Fail),
        ("4000000000000028", Check::Pass, Check::Fail, Check::Pass),
        ("4000000000000036", Check::Pass, Check::Pass, Check::Fail),
        ("4000000000000044", Check::Pass, Check::Unavailable, Check::Unavailable),
        ("4000000000000101", Check::Fail, Check::Pass, Check::Pass),
    ] {
        let seen = approval(bank.authorize(authorize(&format!("all{number}"), number, 100)).await);
        assert_eq!((seen.cvc_check, seen.address_line1_check, seen.postal_code_check), (Some(cvc), Some(line1), Some(postal)));
        let mut bare = authorize(&format!("none{number}"), number, 100);
        (bare.card.cvc, bare.card.address_line1, bare.card.postal_code) = (None, None, None);
        let seen = approval(bank.authorize(bare).await);
        assert_eq!((seen.cvc_check, seen.address_line1_check, seen.postal_code_check), (None, None, None));
    }
    let mut without = authorize("without", "4000000000000127", 100);
    without.card.cvc = None;
    assert_eq!(approval(bank.authorize(without).await).cvc_check, None);
}

#[tokio::test]
async fn off_session_payments_follow_the_cards_attitude_to_authentication() {
    let bank = bank();
    let required = Some(DeclineCode::AuthenticationRequired);
    for (name, unsaved, saved) in [
        ("pm_card_authenticationRequiredOnSetup", required, None),
        ("pm_card_authenticationRequired", required, required),
        ("pm_card_authenticationRequiredSetupForOffSession", None, None),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", required, Some(DeclineCode::InsufficientFunds)),
        ("pm_card_threeDSecure2Required", required, None),
        ("pm_card_threeDSecureRequiredChargeDeclined", required, Some(DeclineCode::GenericDecline)),
        ("pm_card_threeDSecureOptional", None, None),
        ("pm_card_visa", None, None),
        ("pm_card_amex", None, None),
    ] {
        for (is_saved, expected) in [(false, unsaved), (true, saved)] {
            let request = off_session(&format!("{name}{is_saved}"), named(name).number, is_saved);
            let outcome = bank.authorize(request).await;
            match expected {
                Some(code) => assert_eq!(declined(&outcome), Some(code), "{name} saved={is_saved}"),
                None => assert!(approval(outcome).captured, "{name} saved={is_saved}"),
            }
        }
    }
}

#[tokio::test]
async fn authentication_is_tried_where_it_is_asked_for() {
    let bank = bank();
    let ask = |name: &str| Authorize { three_d_secure: ThreeDSecureRequest::Any, ..authorize(name, named(name).number, 100) };
    let tried = approval(bank.authorize(ask("pm_card_visa")).await);
    assert_eq!(tried.three_d_secure, Some(ThreeDSecureResult::AttemptAcknowledged));
    let unsupported = approval(bank.authorize(ask("pm_card_amex")).await);
    assert_eq!(unsupported.three_d_secure, Some(ThreeDSecureResult::NotSupported));
    let optional = bank.authorize(ask("pm_card_threeDSecureOptional")).await;
    assert!(matches!(optional, AuthorizeOutcome::ActionRequired(_)));
    let insisting =
        Authorize { three_d_secure: ThreeDSecureRequest::Challenge, key: common::key("insisting"), ..ask("pm_card_threeDSecureOptional") };
    assert!(matches!(bank.authorize(insisting).await, AuthorizeOutcome::ActionRequired(_)));
    let failing = bank.authorize(ask("pm_card_threeDSecureOptionalProcessingError")).await;
    assert_eq!(declined(&failing), Some(DeclineCode::ProcessingError));
    let away = Authorize { initiator: Initiator::Merchant, key: common::key("away"), ..ask("pm_card_visa") };
    assert_eq!(approval(bank.authorize(away).await).three_d_secure, None);
}

#[tokio::test]
async fn card_checks_take_no_money_and_spare_cards_that_only_decline_payments() {
    let bank = bank();
    for (name, code) in
        [("pm_card_visa", None), ("pm_card_chargeCustomerFail", None), ("pm_card_visa_chargeDeclined", Some(DeclineCode::GenericDecline))]
    {
        let outcome = bank.verify_card(verify(name, named(name).number)).await;
        match code {
            None => assert!(!approval(outcome).captured, "{name}"),
            Some(code) => assert_eq!(declined(&outcome), Some(code), "{name}"),
        }
    }
    let asked = bank.verify_card(verify("asked", named("pm_card_authenticationRequired").number)).await;
    assert!(matches!(asked, AuthorizeOutcome::ActionRequired(_)));
    assert!(bank.books().await.unwrap().currencies.is_empty());
}

#[tokio::test]
async fn refunds_end_as_the_card_says() {
    use domain::outcome::{QueryOutcome, RefundFailure};
    let bank = bank();
    for (name, first, last, given_back) in [
        ("pm_card_visa", "succeeded", "succeeded", 300),
        ("pm_card_pendingRefund", "pending", "succeeded", 300),
        ("pm_card_refundFail", "succeeded", "failed", 0),
        ("pm_card_simulator_refundPendingThenFails", "pending", "failed", 0),
        ("pm_card_simulator_refundDeclined", "failed", "failed", 0),
        ("pm_card_simulator_refundUnknownThenApproved", "unknown", "succeeded", 300),
        ("pm_card_simulator_refundUnknownThenDeclined", "unknown", "failed", 0),
    ] {
        let word = |outcome: &RefundOutcome| match outcome {
            RefundOutcome::Succeeded { .. } => "succeeded",
            RefundOutcome::Pending { .. } => "pending",
            RefundOutcome::Failed { .. } => "failed",
            RefundOutcome::Unknown(UnknownReason::StillProcessing) => "unknown",
            RefundOutcome::Unknown(other) => panic!("{other:?}"),
        };
        let before = bank.books().await.unwrap().currencies.get("usd").map_or(0, |usd| usd.refunded);
        let reference = common::approved(&bank, authorize(name, named(name).number, 1_000)).await;
        let refund = format!("re_{name}");
        assert_eq!(word(&bank.refund(common::refund(&refund, name, &reference, 300)).await), first, "{name}");
        let QueryOutcome::Refund(now) = bank.query(&common::key(&refund)).await else { panic!("{name}") };
        assert_eq!(word(&now), last, "{name}");
        assert_eq!(bank.books().await.unwrap().currencies["usd"].refunded - before, given_back, "{name}");
    }
    let name = "pm_card_simulator_refundLostOrStolenCard";
    let reference = common::approved(&bank, authorize("lost", named(name).number, 1_000)).await;
    let failed = bank.refund(common::refund("re_lost", "lost", &reference, 300)).await;
    assert_eq!(failed, RefundOutcome::Failed { reason: RefundFailure::LostOrStolenCard });
}

#[tokio::test]
async fn captures_and_voids_that_are_undecided_settle_either_way() {
    use domain::outcome::QueryOutcome;
    let bank = bank();
    for (name, is_capture, done) in [
        ("pm_card_simulator_captureUnknownThenApproved", true, true),
        ("pm_card_simulator_captureUnknownThenDeclined", true, false),
        ("pm_card_simulator_voidUnknownThenApproved", false, true),
        ("pm_card_simulator_voidUnknownThenDeclined", false, false),
    ] {
        let reference = common::approved(&bank, common::authorize_only(name, named(name).number, 1_000)).await;
        let key = format!("f_{name}");
        let first = if is_capture {
            bank.capture(common::capture(&key, name, &reference, 1_000)).await
        } else {
            bank.void(common::void(&key, name, &reference)).await
        };
        assert_eq!(first, FollowUpOutcome::Unknown(UnknownReason::StillProcessing), "{name}");
        match bank.query(&common::key(&key)).await {
            QueryOutcome::Capture(now) | QueryOutcome::Void(now) => assert_eq!(now == FollowUpOutcome::Done, done, "{name}"),
            other => panic!("{other:?}"),
        }
    }
}
