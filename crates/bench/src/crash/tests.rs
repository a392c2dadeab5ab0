//! The harness against a small stand-in of the server: silent on one that keeps its promises, loud on one that
//! breaks one of them.

mod stand_in;

use super::*;
use stand_in::{Flaw, StandIn};

fn plan() -> Plan {
    Plan {
        seed: 7,
        kills: 4,
        time: None,
        faults: Vec::new(),
        disk_fails: (1, 5),
        stands_still: (1, 5),
        clients: 6,
        cards: vec!["pm_card_visa".into(), "pm_card_visa_chargeDeclined".into(), "pm_card_unknownForAWhile".into()],
        before_blow: (80, 160),
        recovery: Duration::from_millis(700),
    }
}

async fn campaign(flaw: Option<Flaw>) -> Summary {
    let mut victim = StandIn::new(flaw);
    let summary = run(&mut victim, &plan(), &mut Vec::new()).await.unwrap();
    assert_eq!(summary.kills, 4);
    assert!(summary.audits > 0 && summary.payments > 20, "{summary:?}");
    summary
}

/// What is found of a promise when a server has a flaw.
async fn found(flaw: Flaw, promise: Promise) -> String {
    let summary = campaign(Some(flaw)).await;
    summary.findings.each().filter(|(broken, _, _)| *broken == promise).flat_map(|(_, _, first)| first).cloned().collect()
}

#[tokio::test]
async fn a_server_that_keeps_its_promises_gives_no_finding() {
    let summary = campaign(None).await;
    assert_eq!(summary.findings.total(), 0, "{:?}", summary.findings);
    assert!(summary.keys_unanswered > 0, "no blow fell in the middle of a request: {summary:?}");
}

#[tokio::test]
async fn every_fault_begins_and_ends_and_counts_if_anything_met_with_it() {
    let mut victim = StandIn::new(None);
    let plan = Plan { kills: 5, before_blow: (1, 5), clients: 1, faults: vec![Fault::Sync, Fault::Space, Fault::Power], ..plan() };
    let summary = run(&mut victim, &plan, &mut Vec::new()).await.unwrap();
    let begun: Vec<Fault> = victim.faults.iter().step_by(2).map(|(fault, on)| on.then_some(*fault).unwrap()).collect();
    let ended: Vec<Fault> = victim.faults.iter().skip(1).step_by(2).map(|(fault, on)| (!on).then_some(*fault).unwrap()).collect();
    assert_eq!(begun, ended);
    for fault in plan.faults {
        let times = begun.iter().filter(|begun| **begun == fault).count();
        assert!(times > 0, "{fault:?} was left out");
        // The stand-in never meets with a full disk.
        let expected = if fault == Fault::Space { 0 } else { u32::try_from(times).unwrap() };
        assert_eq!(summary.faults.get(&fault), Some(&expected), "{fault:?}");
    }
}

#[tokio::test]
async fn a_campaign_ends_when_its_time_is_over() {
    let plan = Plan { kills: u32::MAX, time: Some(Duration::ZERO), clients: 1, ..plan() };
    let summary = run(&mut StandIn::new(None), &plan, &mut Vec::new()).await.unwrap();
    assert_eq!(summary.audits, 1);
}

#[tokio::test]
async fn a_lost_payment_is_found() {
    let findings = found(Flaw::ForgetsTheLastPayment, Promise::Kept).await;
    assert!(findings.contains("is not there"), "{findings}");
}

#[tokio::test]
async fn a_forgotten_key_is_found() {
    let findings = found(Flaw::ForgetsKeys, Promise::Replayed).await;
    assert!(findings.contains("and is now answered with"), "{findings}");
}

#[tokio::test]
async fn a_second_payment_under_one_key_is_found() {
    let findings = found(Flaw::ForgetsKeys, Promise::Once).await;
    assert!(findings.contains("made 2 objects of the kind payment"), "{findings}");
}

#[tokio::test]
async fn a_status_that_went_back_is_found() {
    let findings = found(Flaw::UndoesAStatus, Promise::Kept).await;
    assert!(findings.contains("was acknowledged as succeeded and is requires_payment_method"), "{findings}");
}

#[tokio::test]
async fn a_payment_that_stays_open_is_found() {
    let findings = found(Flaw::NeverSettles, Promise::Recovered).await;
    assert!(findings.contains("is still processing after the recovery pause"), "{findings}");
}

#[tokio::test]
async fn a_bank_that_charged_a_cent_more_is_found() {
    let findings = found(Flaw::BankDiffers, Promise::Bank).await;
    assert!(findings.contains("the bank's books say"), "{findings}");
}

#[tokio::test]
async fn a_failed_verification_is_found() {
    let findings = found(Flaw::VerifyFails, Promise::Verified).await;
    assert!(findings.contains("does not balance"), "{findings}");
}

#[test]
fn findings_beyond_the_bound_are_counted() {
    let mut findings = Findings::default();
    for number in 0..250 {
        findings.add(Promise::Kept, number.to_string());
    }
    let mut all = Findings::default();
    all.extend(findings);
    let (promise, times, first) = all.each().next().unwrap();
    assert_eq!((promise, times, first.len()), (Promise::Kept, 250, FINDINGS_KEPT));
}
