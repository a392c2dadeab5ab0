//! Every state meets every command and every answer: what each becomes is written down here, and no edge of a state
//! machine is declared that none of them takes.

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::fixtures::{NOW, World, approval, attempt, challenge, charge, customer, decline, intent, method, refund, setup};
use super::*;
use crate::charge::Refusal;
use crate::outcome::{AuthorizeOutcome, FollowUpOutcome, RefundFailure, RefundOutcome, UnknownReason};
use crate::payment_attempt::OperationKind;

const TIMEOUT: UnknownReason = UnknownReason::Timeout;
/// The last moment for a buyer who was asked to act now, and the first when they no longer can.
const JUST_IN_TIME: Timestamp = TOO_LATE.plus_millis(-1);
const TOO_LATE: Timestamp = NOW.plus_millis(24 * 60 * 60 * 1000);

/// What becomes of a state: another or the same one, nothing at all, or a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To<S> {
    Becomes(S),
    Nothing,
    Refused,
}

use To::{Becomes, Nothing, Refused};

impl<S> To<S> {
    fn of<T, E>(decided: Result<Option<T>, E>, status: impl Fn(&T) -> S) -> Self {
        match decided {
            Ok(Some(change)) => Becomes(status(&change)),
            Ok(None) => Nothing,
            Err(_) => Refused,
        }
    }
}

/// Compares decisions with a table, and collects the edges that were taken.
fn check<S: Copy + PartialEq + Debug + Ord, const N: usize>(
    taken: &mut BTreeSet<(S, S)>,
    command: &str,
    table: &[(S, [To<S>; N])],
    decide: impl Fn(S, usize) -> To<S>,
) {
    for (from, expected) in table {
        for (answer, expected) in expected.iter().enumerate() {
            let decided = decide(*from, answer);
            assert_eq!(decided, *expected, "{from:?} and {command}, answer {answer}");
            if let Becomes(to) = decided
                && to != *from
            {
                taken.insert((*from, to));
            }
        }
    }
}

fn authorize_outcomes() -> [AuthorizeOutcome; 5] {
    [
        AuthorizeOutcome::Approved(approval(true)),
        AuthorizeOutcome::Approved(approval(false)),
        AuthorizeOutcome::Declined(decline()),
        AuthorizeOutcome::ActionRequired(challenge()),
        AuthorizeOutcome::Unknown(TIMEOUT),
    ]
}

fn follow_up_outcomes() -> [FollowUpOutcome; 3] {
    [FollowUpOutcome::Done, FollowUpOutcome::Refused(String::new()), FollowUpOutcome::Unknown(TIMEOUT)]
}

/// The payment that goes with an attempt in that status.
fn payment(status: payment_attempt::Status) -> PaymentIntent {
    use payment_attempt::Status::{ActionRequired, Authorized, Captured, Declined, Sending, Unknown, Voided};
    intent(match status {
        Sending | Unknown => payment_intent::Status::Processing,
        ActionRequired => payment_intent::Status::RequiresAction,
        Authorized => payment_intent::Status::RequiresCapture,
        Captured => payment_intent::Status::Succeeded,
        Declined => payment_intent::Status::RequiresPaymentMethod,
        Voided => payment_intent::Status::Canceled,
    })
}

fn granted(status: payment_attempt::Status, kind: OperationKind) -> PaymentAttempt {
    PaymentAttempt { approval: Some(approval(false)), ..attempt(status, kind) }
}

fn after(decided: Result<Option<PaymentChange>, Error>) -> To<payment_attempt::Status> {
    To::of(decided, |change| change.attempt.as_ref().map(|attempt| attempt.status).unwrap())
}

#[test]
fn every_attempt_takes_every_command_and_answer_as_the_tables_say() {
    use payment_attempt::Status::{self, ActionRequired, Authorized, Captured, Declined, Sending, Unknown, Voided};
    let taken = &mut BTreeSet::new();
    let none = [Refused; 5];
    check(
        taken,
        "authorize",
        &[
            (Sending, [Becomes(Captured), Becomes(Authorized), Becomes(Declined), Becomes(ActionRequired), Becomes(Unknown)]),
            (Unknown, [Becomes(Captured), Becomes(Authorized), Becomes(Declined), Becomes(ActionRequired), Becomes(Unknown)]),
            (ActionRequired, [Becomes(Captured), Becomes(Authorized), Becomes(Declined), Nothing, Nothing]),
            (Authorized, none),
            (Captured, none),
            (Declined, none),
            (Voided, none),
        ],
        |status, answer| {
            let attempt = attempt(status, OperationKind::Authorize);
            let outcome = authorize_outcomes()[answer].clone();
            after(settle_authorize(&mut World::default().ctx(), payment(status), attempt, &method(), outcome))
        },
    );
    let none = [Refused; 3];
    check(
        taken,
        "capture",
        &[
            (Sending, [Becomes(Captured), Becomes(Authorized), Becomes(Unknown)]),
            (Unknown, [Becomes(Captured), Becomes(Authorized), Becomes(Unknown)]),
            (ActionRequired, none),
            (Authorized, none),
            (Captured, none),
            (Declined, none),
            (Voided, none),
        ],
        |status, answer| {
            let (attempt, charge) = (granted(status, OperationKind::Capture), charge(charge::Status::Authorized));
            let outcome = &follow_up_outcomes()[answer];
            after(settle_capture(&mut World::default().ctx(), payment(status), attempt, charge, outcome).map(Some))
        },
    );
    check(
        taken,
        "void",
        &[
            (Sending, [Becomes(Voided), Becomes(Authorized), Becomes(Unknown)]),
            (Unknown, [Becomes(Voided), Becomes(Authorized), Becomes(Unknown)]),
            (ActionRequired, none),
            (Authorized, none),
            (Captured, none),
            (Declined, none),
            (Voided, none),
        ],
        |status, answer| {
            let (attempt, charge) = (granted(status, OperationKind::Void), charge(charge::Status::Authorized));
            let outcome = &follow_up_outcomes()[answer];
            after(settle_void(&mut World::default().ctx(), payment(status), attempt, Some(charge), &method(), outcome).map(Some))
        },
    );
    every_attempt_that_waits_for_the_buyer_is_given_up(taken);
    every_attempt_begins_what_its_status_allows(taken);
    let declared: BTreeSet<(Status, Status)> = payment_attempt::EDGES.iter().copied().collect();
    assert_eq!(*taken, declared);
    assert_eq!(declared.len(), payment_attempt::EDGES.len(), "an edge is declared twice");
}

fn every_attempt_that_waits_for_the_buyer_is_given_up(taken: &mut BTreeSet<(payment_attempt::Status, payment_attempt::Status)>) {
    use payment_attempt::Status::{ActionRequired, Authorized, Captured, Declined, Sending, Unknown, Voided};
    let none = [Refused; 3];
    for kind in [OperationKind::Void, OperationKind::Abandon] {
        check(
            taken,
            "void of a wait for the buyer",
            &[
                (Sending, [Becomes(Voided), Becomes(Unknown), Becomes(Unknown)]),
                (Unknown, [Becomes(Voided), Becomes(Unknown), Becomes(Unknown)]),
                (ActionRequired, none),
                (Authorized, none),
                (Captured, none),
                (Declined, none),
                (Voided, none),
            ],
            |status, answer| {
                let (attempt, outcome) = (attempt(status, kind), &follow_up_outcomes()[answer]);
                after(settle_void(&mut World::default().ctx(), payment(status), attempt, None, &method(), outcome).map(Some))
            },
        );
    }
    let none = [Refused; 5];
    for kind in [OperationKind::Void, OperationKind::Abandon] {
        check(
            taken,
            "void that came too late",
            &[
                (Sending, [Becomes(Captured), Becomes(Authorized), Becomes(Declined), Becomes(Unknown), Becomes(Unknown)]),
                (Unknown, [Becomes(Captured), Becomes(Authorized), Becomes(Declined), Becomes(Unknown), Becomes(Unknown)]),
                (ActionRequired, none),
                (Authorized, none),
                (Captured, none),
                (Declined, none),
                (Voided, none),
            ],
            |status, answer| {
                let (attempt, outcome) = (attempt(status, kind), authorize_outcomes()[answer].clone());
                after(settle_refused_void(&mut World::default().ctx(), payment(status), attempt, &method(), outcome).map(Some))
            },
        );
    }
}

#[test]
fn a_wait_for_the_buyer_is_given_up_when_their_time_is_over_and_not_before() {
    use payment_attempt::Status::{ActionRequired, Authorized, Captured, Declined, Sending, Unknown, Voided};
    let none = [Nothing; 2];
    check(
        &mut BTreeSet::new(),
        "the time, before and at the end of a challenge",
        &[
            (Sending, none),
            (Unknown, none),
            (ActionRequired, [Nothing, Becomes(Sending)]),
            (Authorized, none),
            (Captured, none),
            (Declined, none),
            (Voided, none),
        ],
        |status, late| {
            let (mut world, attempt) = (World::default(), attempt(status, OperationKind::Authorize));
            let ctx = Context { now: [JUST_IN_TIME, TOO_LATE][late], ..world.ctx() };
            To::of(begin_abandon(&ctx, payment(status), attempt), |(_, attempt)| attempt.status)
        },
    );
}

fn every_attempt_begins_what_its_status_allows(taken: &mut BTreeSet<(payment_attempt::Status, payment_attempt::Status)>) {
    use payment_attempt::Status::{ActionRequired, Authorized, Captured, Declined, Sending, Unknown, Voided};
    check(
        taken,
        "a capture or a void",
        &[
            (Sending, [Refused, Refused]),
            (Unknown, [Refused, Refused]),
            (ActionRequired, [Refused, Becomes(Sending)]),
            (Authorized, [Becomes(Sending), Becomes(Sending)]),
            (Captured, [Refused, Refused]),
            (Declined, [Refused, Refused]),
            (Voided, [Refused, Refused]),
        ],
        |status, command| {
            let (mut world, attempt) = (World::default(), attempt(status, OperationKind::Authorize));
            let begun = match command {
                0 => begin_capture(&world.ctx(), payment(status), attempt, Some(700)),
                _ => begin_void(&world.ctx(), payment(status), attempt, None),
            };
            To::of(begun.map(Some), |(_, attempt)| attempt.status)
        },
    );
}

#[test]
fn every_refund_takes_every_answer_as_the_table_says() {
    use refund_state::Status::{self, Failed, Pending, Sending, Succeeded, Unknown};
    let taken = &mut BTreeSet::new();
    let answers = [
        RefundOutcome::Succeeded { provider_reference: String::new() },
        RefundOutcome::Pending { provider_reference: String::new() },
        RefundOutcome::Failed { reason: RefundFailure::Declined },
        RefundOutcome::Unknown(TIMEOUT),
    ];
    let table = [
        (Sending, [Becomes(Succeeded), Becomes(Pending), Becomes(Failed), Becomes(Unknown)]),
        (Unknown, [Becomes(Succeeded), Becomes(Pending), Becomes(Failed), Becomes(Unknown)]),
        (Pending, [Becomes(Succeeded), Becomes(Pending), Becomes(Failed), Becomes(Pending)]),
        (Succeeded, [Nothing, Refused, Becomes(Failed), Nothing]),
        (Failed, [Refused, Refused, Nothing, Nothing]),
    ];
    check(taken, "an answer", &table, |status, answer| {
        let charge = Charge { amount_refunded: 400, ..charge(charge::Status::Captured) };
        To::of(settle_refund(&mut World::default().ctx(), refund(status), charge, answers[answer].clone()), |c| c.refund.status)
    });
    let declared: BTreeSet<(Status, Status)> = refund_state::EDGES.iter().copied().collect();
    assert_eq!(*taken, declared);
    assert_eq!(declared.len(), refund_state::EDGES.len(), "an edge is declared twice");
}

#[test]
fn every_set_up_takes_every_command_and_answer_as_the_tables_say() {
    use setup_intent::Status::{self, Canceled, Processing, RequiresAction, RequiresConfirmation, RequiresPaymentMethod, Succeeded};
    let taken = &mut BTreeSet::new();
    let answers = [
        AuthorizeOutcome::Approved(approval(false)),
        AuthorizeOutcome::Declined(decline()),
        AuthorizeOutcome::ActionRequired(challenge()),
        AuthorizeOutcome::Unknown(TIMEOUT),
    ];
    let early = [Refused, Refused, Refused, Nothing];
    let table = [
        (RequiresPaymentMethod, early),
        // Nothing was sent: a decline has nothing to be about.
        (RequiresConfirmation, early),
        (RequiresAction, [Becomes(Succeeded), Becomes(RequiresPaymentMethod), Nothing, Nothing]),
        (Processing, [Becomes(Succeeded), Becomes(RequiresPaymentMethod), Becomes(RequiresAction), Becomes(Processing)]),
        (Canceled, early),
        (Succeeded, early),
    ];
    let settled_at = |now, status, outcome| {
        let mut world = World::default();
        let mut ctx = Context { now, ..world.ctx() };
        let settled = settle_setup(&mut ctx, setup(status), method(), Some(&customer()), None, outcome);
        To::of(settled, |change| change.intent.status)
    };
    check(taken, "an answer", &table, |status, answer| settled_at(JUST_IN_TIME, status, answers[answer].clone()));
    let late = [(RequiresAction, [Becomes(Succeeded), Becomes(RequiresPaymentMethod), Becomes(RequiresPaymentMethod), Nothing])];
    check(taken, "an answer after the buyer's time", &late, |status, answer| settled_at(TOO_LATE, status, answers[answer].clone()));
    let table = [
        (RequiresPaymentMethod, [Becomes(RequiresConfirmation), Becomes(Processing), Becomes(Canceled)]),
        (RequiresConfirmation, [Refused, Becomes(Processing), Becomes(Canceled)]),
        (RequiresAction, [Refused, Refused, Becomes(Canceled)]),
        (Processing, [Refused, Refused, Refused]),
        (Canceled, [Refused, Refused, Refused]),
        (Succeeded, [Refused, Refused, Refused]),
    ];
    check(taken, "a method, a confirmation or a cancellation", &table, |status, command| {
        let (mut world, mut intent) = (World::default(), setup(status));
        match command {
            0 => To::of(intent.become_(RequiresConfirmation).map(Some), |()| RequiresConfirmation),
            1 => To::of(begin_setup(&mut world.ctx(), intent, &method(), "bank").map(Some), |begun| begun.status),
            _ => To::of(cancel_setup(&mut world.ctx(), intent, None).map(Some), |(canceled, _)| canceled.status),
        }
    });
    let declared: BTreeSet<(Status, Status)> = setup_intent::EDGES.iter().copied().collect();
    assert_eq!(*taken, declared);
    assert_eq!(declared.len(), setup_intent::EDGES.len(), "an edge is declared twice");
}

#[test]
fn every_charge_takes_every_command_as_the_table_says() {
    use charge::Status::{self, Authorized, Captured, Failed, Voided};
    let taken = &mut BTreeSet::new();
    // Capture, void, set aside for a refund.
    let table = [
        (Authorized, [Becomes(Captured), Becomes(Voided), Refused]),
        (Captured, [Refused, Refused, Becomes(Captured)]),
        (Voided, [Refused; 3]),
        (Failed, [Refused; 3]),
    ];
    check(taken, "a command", &table, |status, command| {
        let mut charge = charge(status);
        let done = match command {
            0 => charge.capture(1_000),
            1 => charge.void(),
            _ => charge.reserve_refund(Some(400)).map(|_| ()),
        };
        To::of(done.map(Some), |()| charge.status)
    });
    let declared: BTreeSet<(Status, Status)> = charge::EDGES.iter().copied().collect();
    assert_eq!(*taken, declared);
    assert_eq!(declared.len(), charge::EDGES.len(), "an edge is declared twice");
}

#[test]
fn amounts_beyond_what_there_is_are_refused_and_change_nothing() {
    let table = [
        (charge::Status::Authorized, 0, Refusal::NotPositive),
        (charge::Status::Authorized, 1_001, Refusal::TooMuch { available: 1_000 }),
        (charge::Status::Authorized, i64::MAX, Refusal::TooMuch { available: 1_000 }),
    ];
    for (status, amount, refusal) in table {
        let mut charge = charge(status);
        assert_eq!((charge.capture(amount), charge.amount_captured), (Err(refusal), 0));
    }
    let mut charge = charge(charge::Status::Captured);
    assert_eq!(charge.reserve_refund(Some(1_001)), Err(Refusal::TooMuch { available: 1_000 }));
    assert_eq!(charge.reserve_refund(Some(0)), Err(Refusal::NotPositive));
    assert_eq!(charge.reserve_refund(Some(400)), Ok(400));
    assert_eq!(charge.reserve_refund(Some(601)), Err(Refusal::TooMuch { available: 600 }));
    assert_eq!(charge.reserve_refund(None), Ok(600));
    assert_eq!(charge.reserve_refund(Some(1)), Err(Refusal::AlreadyRefunded));
    charge.release_refund(400);
    assert_eq!((charge.amount_refunded, charge.amount_refundable()), (600, 400));
}
