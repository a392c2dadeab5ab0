//! Answers that come when an operation's end is known already: most say the same again; some contradict it.
//!
//! [`hear`] compares a late answer with what the attempt ended as, and begins the remedy of a contradiction;
//! [`settle_remedy`] ends it by the provider's answer. [`hear_refund`] does the same for refunds, whose contradictions no
//! provider can put right. What a provider took or gave beyond what was told stands in the suspense account meanwhile, so
//! that the books agree with the provider's at every moment.

use super::{Booking, Context, Error};
use crate::conflict::{Conflict, Contradiction, Remedy, Status as RemedyStatus};
use crate::id::{JournalEntryId, PaymentAttemptId};
use crate::ledger::JournalEntry;
use crate::money::Money;
use crate::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use crate::payment_attempt::{Operation, OperationKind, PaymentAttempt, Status};
use crate::provider_key::ProviderKey;
use crate::refund::{self, Refund};

/// What a late answer means.
#[derive(Clone, Debug)]
pub enum Heard<T> {
    /// Nothing that was not known, or nothing that is certain.
    Nothing,
    /// The operation has no known end: the answer settles it as any other.
    Open,
    /// Another operation on the same authorisation is under way; until it has ended, nobody can say.
    Later,
    /// It contradicts what was known.
    Conflict(Box<ConflictChange<T>>),
}

/// What changes with a contradiction or its remedy, to be committed together.
#[derive(Clone, Debug)]
pub struct ConflictChange<T> {
    /// The attempt or refund after the change.
    pub subject: T,
    /// The contradiction after the change.
    pub conflict: Conflict,
    /// What moved; never on the merchant's statement.
    pub booking: Option<Booking>,
}

/// Compares an answer under `key` with what is known of an attempt.
///
/// # Errors
/// A journal entry would not balance.
pub fn hear(
    ctx: &mut Context<'_>,
    mut attempt: PaymentAttempt,
    key: &ProviderKey,
    said: &QueryOutcome,
) -> Result<Heard<PaymentAttempt>, Error> {
    let waits = attempt.status == Status::ActionRequired && *key == ProviderKey::authorize(attempt.id);
    if waits || attempt.operation.as_ref().is_some_and(|operation| operation.key == *key) {
        return Ok(Heard::Open);
    }
    let Some((contradiction, remedy)) = contradiction(&attempt, key, said) else { return Ok(Heard::Nothing) };
    // What could not be voided may have to be given back: only the same remedy is none.
    if attempt.conflicts.iter().any(|known| known.key == *key && known.contradiction == contradiction && known.remedy == remedy) {
        return Ok(Heard::Nothing);
    }
    if attempt.operation.is_some() {
        return Ok(Heard::Later);
    }
    let remedy_key = ProviderKey::compensate(attempt.id, u32::try_from(attempt.conflicts.len()).unwrap_or(u32::MAX));
    let begin = |kind, amount| Some(Operation::begin(kind, remedy_key, amount, ctx.now));
    let (operation, booking) = match remedy {
        Remedy::Void => (begin(OperationKind::Void, attempt.amount), None),
        Remedy::Refund(amount) => (begin(OperationKind::Refund, amount), Some(taken(ctx, attempt.id, amount)?)),
        Remedy::Person => (None, None),
    };
    let status = if operation.is_some() { RemedyStatus::UnderWay } else { RemedyStatus::NeedsPerson };
    let provider_reference = match said {
        QueryOutcome::Authorize(AuthorizeOutcome::Approved(approval)) => Some(approval.provider_reference.clone()),
        _ => attempt.approval.as_ref().map(|approval| approval.provider_reference.clone()),
    };
    let conflict = Conflict { key: key.clone(), contradiction, remedy, status, operation, provider_reference, heard_at: ctx.now };
    attempt.conflicts.push(conflict.clone());
    Ok(Heard::Conflict(Box::new(ConflictChange { subject: attempt, conflict, booking })))
}

fn contradiction(attempt: &PaymentAttempt, key: &ProviderKey, said: &QueryOutcome) -> Option<(Contradiction, Remedy)> {
    let granted = attempt.approval.is_some();
    let gone = matches!(attempt.status, Status::Declined | Status::Voided);
    match said {
        QueryOutcome::Authorize(AuthorizeOutcome::Approved(approval)) if gone && (approval.captured || !granted) => {
            let remedy = if approval.captured { Remedy::Refund(attempt.amount) } else { Remedy::Void };
            Some((Contradiction::ApprovedAfterEnd, remedy))
        }
        QueryOutcome::Authorize(AuthorizeOutcome::Declined(_)) if granted => Some((Contradiction::DeclinedAfterApproval, Remedy::Person)),
        QueryOutcome::Capture(FollowUpOutcome::Done) => {
            let refused = captures_refused(attempt).find(|(refused, _)| refused == key);
            refused.map(|(_, amount)| (Contradiction::CapturedAfterEnd, Remedy::Refund(amount)))
        }
        QueryOutcome::Capture(FollowUpOutcome::Refused(_)) if attempt.status == Status::Captured && *key == attempt.capture_key() => {
            Some((Contradiction::CaptureRefusedAfterCapture, Remedy::Person))
        }
        QueryOutcome::Void(FollowUpOutcome::Done) if matches!(attempt.status, Status::Authorized | Status::Captured) => {
            Some((Contradiction::VoidedAfterRefusal, Remedy::Person))
        }
        QueryOutcome::Void(FollowUpOutcome::Refused(_)) if attempt.status == Status::Voided && *key == attempt.void_key() => {
            Some((Contradiction::VoidRefusedAfterVoid, Remedy::Void))
        }
        // The same again, the answer to an operation that never took effect, or no answer yet.
        QueryOutcome::Authorize(_)
        | QueryOutcome::Capture(_)
        | QueryOutcome::Void(_)
        | QueryOutcome::Refund(_)
        | QueryOutcome::NotFound
        | QueryOutcome::Unknown(_) => None,
    }
}

fn captures_refused(attempt: &PaymentAttempt) -> impl Iterator<Item = (ProviderKey, Money)> {
    let (id, currency) = (attempt.id, attempt.amount.currency());
    let numbered = (0_u32..).zip(&attempt.captures_refused);
    numbered.map(move |(sequence, minor)| (ProviderKey::capture(id, sequence), Money::new(*minor, currency)))
}

fn taken(ctx: &mut Context<'_>, attempt: PaymentAttemptId, amount: Money) -> Result<Booking, Error> {
    let entry = JournalEntry::late_capture(JournalEntryId::new(ctx.mint.ulid()), ctx.now, attempt, amount)?;
    Ok(Booking { entry, line: None })
}

/// What the provider said of a remedy.
#[derive(Clone, Debug)]
pub enum RemedyOutcome {
    /// Of a void.
    Void(FollowUpOutcome),
    /// Of a refund.
    Refund(RefundOutcome),
}

/// Ends the remedy under that key, or notes that its end is not known; `None` when that is known already.
///
/// # Errors
/// The attempt has no such remedy, or a journal entry would not balance.
pub fn settle_remedy(
    ctx: &mut Context<'_>,
    mut attempt: PaymentAttempt,
    remedy: &ProviderKey,
    outcome: &RemedyOutcome,
) -> Result<Option<ConflictChange<PaymentAttempt>>, Error> {
    let id = attempt.id;
    let numbered = (0_u32..).zip(&mut attempt.conflicts);
    let mut ours = numbered.filter(|(sequence, _)| ProviderKey::compensate(id, *sequence) == *remedy).map(|(_, conflict)| conflict);
    let conflict = ours.next().ok_or(Error::Inconsistent("a remedy without its conflict"))?;
    let before = conflict.status;
    let changed = match outcome {
        RemedyOutcome::Void(FollowUpOutcome::Done) | RemedyOutcome::Refund(RefundOutcome::Succeeded { .. }) => {
            conflict.become_(RemedyStatus::Remedied)
        }
        RemedyOutcome::Void(FollowUpOutcome::Refused(_)) | RemedyOutcome::Refund(RefundOutcome::Failed { .. }) => {
            conflict.become_(RemedyStatus::NeedsPerson)
        }
        RemedyOutcome::Refund(RefundOutcome::Pending { .. }) => note_unknown(conflict, UnknownReason::StillProcessing, ctx),
        RemedyOutcome::Void(FollowUpOutcome::Unknown(reason)) | RemedyOutcome::Refund(RefundOutcome::Unknown(reason)) => {
            note_unknown(conflict, *reason, ctx)
        }
    };
    if !changed {
        return Ok(None);
    }
    let conflict = conflict.clone();
    let booking = match (conflict.remedy, before, conflict.status) {
        (Remedy::Refund(amount), _, RemedyStatus::Remedied) => {
            let entry = JournalEntry::late_capture_returned(JournalEntryId::new(ctx.mint.ulid()), ctx.now, id, amount)?;
            Some(Booking { entry, line: None })
        }
        // The refund came back: the provider has the money again.
        (Remedy::Refund(amount), RemedyStatus::Remedied, RemedyStatus::NeedsPerson) => Some(taken(ctx, id, amount)?),
        _ => None,
    };
    Ok(Some(ConflictChange { subject: attempt, conflict, booking }))
}

fn note_unknown(conflict: &mut Conflict, reason: UnknownReason, ctx: &Context<'_>) -> bool {
    match &mut conflict.operation {
        Some(operation) => {
            operation.note_unknown(reason, ctx.now);
            true
        }
        None => false,
    }
}

/// Compares an answer with what is known of a refund. One that succeeded and then failed is no contradiction: buyers'
/// banks return refunds.
///
/// # Errors
/// A journal entry would not balance.
pub fn hear_refund(ctx: &mut Context<'_>, mut refund: Refund, said: &RefundOutcome) -> Result<Heard<Refund>, Error> {
    let ended = refund.status == refund::Status::Failed;
    let contradiction = match (said, refund.status) {
        (RefundOutcome::Succeeded { .. }, _) if ended => Contradiction::RefundedAfterFailure,
        (RefundOutcome::Pending { .. }, _) if ended => Contradiction::RefundAcceptedAfterFailure,
        (RefundOutcome::Failed { .. }, refund::Status::Succeeded) => return Ok(Heard::Open),
        (_, status) if status.is_open() => return Ok(Heard::Open),
        _ => return Ok(Heard::Nothing),
    };
    if refund.conflicts.iter().any(|known| known.contradiction == contradiction) {
        return Ok(Heard::Nothing);
    }
    let booking = if contradiction == Contradiction::RefundedAfterFailure {
        let id = JournalEntryId::new(ctx.mint.ulid());
        Some(Booking { entry: JournalEntry::late_refund(id, ctx.now, refund.id, refund.amount)?, line: None })
    } else {
        None
    };
    let provider_reference = match said {
        RefundOutcome::Succeeded { provider_reference } | RefundOutcome::Pending { provider_reference } => Some(provider_reference.clone()),
        RefundOutcome::Failed { .. } | RefundOutcome::Unknown(_) => None,
    };
    let conflict = Conflict {
        key: ProviderKey::refund(refund.id),
        contradiction,
        remedy: Remedy::Person,
        status: RemedyStatus::NeedsPerson,
        operation: None,
        provider_reference,
        heard_at: ctx.now,
    };
    refund.conflicts.push(conflict.clone());
    Ok(Heard::Conflict(Box::new(ConflictChange { subject: refund, conflict, booking })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::fixtures::{ATTEMPT, World, approval, attempt, challenge, decline, refund, usd};
    use crate::ledger::{Books, LedgerAccount, Movement};
    use crate::outcome::RefundFailure;

    /// What an attempt is like whose end is known, and what the provider had said before.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Known {
        Declined,
        VoidedWaiting,
        Voided,
        VoidedAfterRefusedCapture,
        Authorized,
        AuthorizedAfterRefusals,
        Captured,
        CapturedAfterRefusals,
    }

    use Known::*;

    const ALL: [Known; 8] =
        [Declined, VoidedWaiting, Voided, VoidedAfterRefusedCapture, Authorized, AuthorizedAfterRefusals, Captured, CapturedAfterRefusals];

    fn ended(known: Known) -> PaymentAttempt {
        let status = match known {
            Declined => Status::Declined,
            VoidedWaiting | Voided | VoidedAfterRefusedCapture => Status::Voided,
            Authorized | AuthorizedAfterRefusals => Status::Authorized,
            Captured | CapturedAfterRefusals => Status::Captured,
        };
        let mut attempt = attempt(status, OperationKind::Authorize);
        if !matches!(known, Declined | VoidedWaiting) {
            attempt.approval = Some(approval(false));
        }
        if matches!(known, VoidedAfterRefusedCapture | AuthorizedAfterRefusals | CapturedAfterRefusals) {
            attempt.captures_refused = vec![300];
        }
        if matches!(known, AuthorizedAfterRefusals | CapturedAfterRefusals) {
            attempt.voids_refused = 1;
        }
        attempt
    }

    fn heard(known: Known, key: &ProviderKey, said: &QueryOutcome) -> Option<(Contradiction, Remedy)> {
        match hear(&mut World::default().ctx(), ended(known), key, said).unwrap() {
            Heard::Nothing => None,
            Heard::Conflict(change) => Some((change.conflict.contradiction, change.conflict.remedy)),
            other => panic!("{known:?}: {other:?}"),
        }
    }

    fn approved(captured: bool) -> QueryOutcome {
        QueryOutcome::Authorize(AuthorizeOutcome::Approved(approval(captured)))
    }

    fn refused() -> FollowUpOutcome {
        FollowUpOutcome::Refused(String::new())
    }

    #[test]
    fn every_late_answer_to_every_known_end_is_decided_as_the_table_says() {
        use Contradiction::*;
        let (first, second) = (ProviderKey::capture(ATTEMPT, 0), ProviderKey::capture(ATTEMPT, 1));
        let (authorize, void) = (ProviderKey::authorize(ATTEMPT), ProviderKey::void(ATTEMPT, 0));
        let full = Remedy::Refund(usd(1_000));
        let part = Remedy::Refund(usd(300));
        let unclear = UnknownReason::Timeout;
        type Row = (ProviderKey, QueryOutcome, Vec<(Known, Contradiction, Remedy)>);
        let table: Vec<Row> = vec![
            (
                authorize.clone(),
                approved(true),
                vec![
                    (Declined, ApprovedAfterEnd, full),
                    (VoidedWaiting, ApprovedAfterEnd, full),
                    (Voided, ApprovedAfterEnd, full),
                    (VoidedAfterRefusedCapture, ApprovedAfterEnd, full),
                ],
            ),
            (
                authorize.clone(),
                approved(false),
                vec![(Declined, ApprovedAfterEnd, Remedy::Void), (VoidedWaiting, ApprovedAfterEnd, Remedy::Void)],
            ),
            (
                authorize.clone(),
                QueryOutcome::Authorize(AuthorizeOutcome::Declined(decline())),
                [Voided, VoidedAfterRefusedCapture, Authorized, AuthorizedAfterRefusals, Captured, CapturedAfterRefusals]
                    .map(|known| (known, DeclinedAfterApproval, Remedy::Person))
                    .to_vec(),
            ),
            (authorize.clone(), QueryOutcome::Authorize(AuthorizeOutcome::ActionRequired(challenge())), vec![]),
            (authorize.clone(), QueryOutcome::Authorize(AuthorizeOutcome::Unknown(unclear)), vec![]),
            (authorize.clone(), QueryOutcome::Unknown(unclear), vec![]),
            (authorize, QueryOutcome::NotFound, vec![]),
            (
                first.clone(),
                QueryOutcome::Capture(FollowUpOutcome::Done),
                vec![
                    (VoidedAfterRefusedCapture, CapturedAfterEnd, part),
                    (AuthorizedAfterRefusals, CapturedAfterEnd, part),
                    (CapturedAfterRefusals, CapturedAfterEnd, part),
                ],
            ),
            (second.clone(), QueryOutcome::Capture(FollowUpOutcome::Done), vec![]),
            (first.clone(), QueryOutcome::Capture(refused()), vec![(Captured, CaptureRefusedAfterCapture, Remedy::Person)]),
            (second, QueryOutcome::Capture(refused()), vec![(CapturedAfterRefusals, CaptureRefusedAfterCapture, Remedy::Person)]),
            (first, QueryOutcome::Capture(FollowUpOutcome::Unknown(unclear)), vec![]),
            (
                void.clone(),
                QueryOutcome::Void(FollowUpOutcome::Done),
                [Authorized, AuthorizedAfterRefusals, Captured, CapturedAfterRefusals]
                    .map(|known| (known, VoidedAfterRefusal, Remedy::Person))
                    .to_vec(),
            ),
            (
                void.clone(),
                QueryOutcome::Void(refused()),
                [VoidedWaiting, Voided, VoidedAfterRefusedCapture].map(|known| (known, VoidRefusedAfterVoid, Remedy::Void)).to_vec(),
            ),
            (void, QueryOutcome::Void(FollowUpOutcome::Unknown(unclear)), vec![]),
        ];
        for (key, said, expected) in table {
            for known in ALL {
                let expected = expected.iter().find(|(row, _, _)| *row == known).map(|(_, found, remedy)| (*found, *remedy));
                assert_eq!(heard(known, &key, &said), expected, "{known:?}, {key} said {said:?}");
            }
        }
    }

    fn conflict_of(attempt: PaymentAttempt, said: &QueryOutcome) -> ConflictChange<PaymentAttempt> {
        match hear(&mut World::default().ctx(), attempt, &ProviderKey::authorize(ATTEMPT), said).unwrap() {
            Heard::Conflict(change) => *change,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_contradiction_is_put_right_once() {
        let change = conflict_of(ended(Declined), &approved(true));
        let again = hear(&mut World::default().ctx(), change.subject, &ProviderKey::authorize(ATTEMPT), &approved(true));
        assert!(matches!(again.unwrap(), Heard::Nothing));
    }

    #[test]
    fn the_terminal_status_stays_and_the_remedy_has_a_key_of_its_own() {
        let change = conflict_of(ended(Declined), &approved(true));
        assert_eq!(change.subject.status, Status::Declined);
        assert!(change.subject.is_open());
        let operation = change.conflict.operation.unwrap();
        assert_eq!((operation.kind, operation.key), (OperationKind::Refund, ProviderKey::compensate(ATTEMPT, 0)));
        let change = conflict_of(change.subject, &approved(false));
        assert_eq!(change.conflict.operation.unwrap().key, ProviderKey::compensate(ATTEMPT, 1));
    }

    #[test]
    fn while_another_operation_is_under_way_an_answer_is_heard_later() {
        let mut capturing = attempt(Status::Sending, OperationKind::Capture);
        capturing.approval = Some(approval(false));
        let said = QueryOutcome::Authorize(AuthorizeOutcome::Declined(decline()));
        let heard = hear(&mut World::default().ctx(), capturing, &ProviderKey::authorize(ATTEMPT), &said);
        assert!(matches!(heard.unwrap(), Heard::Later));
    }

    #[test]
    fn an_answer_to_what_is_under_way_or_waits_for_the_buyer_is_no_late_one() {
        for waiting in [attempt(Status::Unknown, OperationKind::Authorize), attempt(Status::ActionRequired, OperationKind::Authorize)] {
            let heard = hear(&mut World::default().ctx(), waiting, &ProviderKey::authorize(ATTEMPT), &approved(true));
            assert!(matches!(heard.unwrap(), Heard::Open));
        }
    }

    #[test]
    fn what_was_taken_late_is_in_suspense_until_it_is_given_back() {
        let mut world = World::default();
        let mut books = Books::default();
        let change = conflict_of(ended(Declined), &approved(true));
        books.record(&change.booking.unwrap().entry);
        let currency = usd(0).currency();
        assert_eq!(books.balance(LedgerAccount::Suspense, currency), -1_000);
        let key = ProviderKey::compensate(ATTEMPT, 0);
        let pending = RemedyOutcome::Refund(RefundOutcome::Pending { provider_reference: String::new() });
        let change = settle_remedy(&mut world.ctx(), change.subject, &key, &pending).unwrap().unwrap();
        assert!(change.booking.is_none() && change.subject.is_open());
        let done = RemedyOutcome::Refund(RefundOutcome::Succeeded { provider_reference: String::new() });
        let change = settle_remedy(&mut world.ctx(), change.subject, &key, &done).unwrap().unwrap();
        books.record(&change.booking.unwrap().entry);
        assert_eq!((change.conflict.status, change.subject.is_open()), (RemedyStatus::Remedied, false));
        assert!(settle_remedy(&mut world.ctx(), change.subject.clone(), &key, &done).unwrap().is_none());
        assert!(books.totals().all(|(_, _, total)| total == 0));
        let failed = RemedyOutcome::Refund(RefundOutcome::Failed { reason: RefundFailure::Unknown });
        let change = settle_remedy(&mut world.ctx(), change.subject, &key, &failed).unwrap().unwrap();
        assert_eq!(change.conflict.status, RemedyStatus::NeedsPerson);
        assert_eq!(change.booking.unwrap().entry.movement(), Movement::LateCapture);
    }

    #[test]
    fn every_late_answer_to_every_refund_is_decided_as_the_table_says() {
        use crate::refund::Status::{Failed, Pending, Sending, Succeeded, Unknown};
        let reference = String::new;
        let answers = [
            RefundOutcome::Succeeded { provider_reference: reference() },
            RefundOutcome::Pending { provider_reference: reference() },
            RefundOutcome::Failed { reason: RefundFailure::Unknown },
            RefundOutcome::Unknown(UnknownReason::Timeout),
        ];
        let (open, nothing) = ("open", "nothing");
        let table = [
            (Sending, [open; 4]),
            (Unknown, [open; 4]),
            (Pending, [open; 4]),
            (Succeeded, [nothing, nothing, open, nothing]),
            (Failed, ["RefundedAfterFailure", "RefundAcceptedAfterFailure", nothing, nothing]),
        ];
        for (status, expected) in table {
            for (said, expected) in answers.iter().zip(expected) {
                let found = match hear_refund(&mut World::default().ctx(), refund(status), said).unwrap() {
                    Heard::Nothing => nothing.to_owned(),
                    Heard::Open => open.to_owned(),
                    Heard::Later => "later".to_owned(),
                    Heard::Conflict(change) => {
                        assert_eq!((change.subject.status, change.conflict.remedy), (status, Remedy::Person));
                        let moved = change.booking.map(|booking| booking.entry.movement());
                        let succeeded = change.conflict.contradiction == Contradiction::RefundedAfterFailure;
                        assert_eq!(moved, succeeded.then_some(Movement::LateRefund));
                        format!("{:?}", change.conflict.contradiction)
                    }
                };
                assert_eq!(found, expected, "{status:?}, {said:?}");
            }
        }
    }

    fn late_conflict(known: Known, key: &ProviderKey, said: &QueryOutcome) -> ConflictChange<PaymentAttempt> {
        match hear(&mut World::default().ctx(), ended(known), key, said).unwrap() {
            Heard::Conflict(change) => *change,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_remedy_names_the_transaction_that_the_provider_speaks_of_or_the_one_that_it_had_granted() {
        let late = crate::outcome::Approval { provider_reference: "late".to_owned(), ..approval(true) };
        let said = QueryOutcome::Authorize(AuthorizeOutcome::Approved(late));
        let approved = late_conflict(Voided, &ProviderKey::authorize(ATTEMPT), &said);
        assert_eq!(approved.conflict.provider_reference.as_deref(), Some("late"));
        let captured =
            late_conflict(VoidedAfterRefusedCapture, &ProviderKey::capture(ATTEMPT, 0), &QueryOutcome::Capture(FollowUpOutcome::Done));
        assert_eq!(captured.conflict.provider_reference.as_deref(), Some("ref"));
    }

    #[test]
    fn a_remedy_without_an_operation_has_nothing_to_be_unknown() {
        let said = QueryOutcome::Authorize(AuthorizeOutcome::Declined(decline()));
        let attempt = late_conflict(Authorized, &ProviderKey::authorize(ATTEMPT), &said).subject;
        let unknown = RemedyOutcome::Void(FollowUpOutcome::Unknown(UnknownReason::Timeout));
        assert!(settle_remedy(&mut World::default().ctx(), attempt, &ProviderKey::compensate(ATTEMPT, 0), &unknown).unwrap().is_none());
    }

    #[test]
    fn the_same_contradiction_of_a_refund_is_heard_once_and_another_one_again() {
        let failed = refund(refund::Status::Failed);
        let accepted = RefundOutcome::Pending { provider_reference: "ref".to_owned() };
        let succeeded = RefundOutcome::Succeeded { provider_reference: "ref".to_owned() };
        let ctx = &mut World::default();
        let Heard::Conflict(change) = hear_refund(&mut ctx.ctx(), failed, &accepted).unwrap() else { panic!("it is heard") };
        assert!(matches!(hear_refund(&mut ctx.ctx(), change.subject.clone(), &accepted).unwrap(), Heard::Nothing));
        assert!(matches!(hear_refund(&mut ctx.ctx(), change.subject, &succeeded).unwrap(), Heard::Conflict(_)));
    }
}
