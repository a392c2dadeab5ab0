//! Giving money back: it is set aside with the request, and the provider's answer settles it.

use super::{Booking, Context, Error, RefundChange};
use crate::balance_transaction::Source;
use crate::charge::Charge;
use crate::event::{Event, EventKind};
use crate::id::{BalanceTransactionId, JournalEntryId};
use crate::ledger::JournalEntry;
use crate::metadata::Metadata;
use crate::money::Money;
use crate::outcome::{RefundFailure, RefundOutcome};
use crate::payment_attempt::{Operation, OperationKind};
use crate::provider_key::ProviderKey;
use crate::refund::{Reason, Refund, Status};

/// What a shop asks for.
#[derive(Clone, Debug, Default)]
pub struct RefundRequest {
    /// How much, in the minor unit; all that is left when `None`.
    pub amount: Option<i64>,
    /// Why.
    pub reason: Option<Reason>,
    /// The shop's own notes.
    pub metadata: Metadata,
}

/// Begins a refund: the amount is set aside on the charge and in the books before anything is sent.
///
/// # Errors
/// The charge has less left than is asked for.
pub fn begin_refund(ctx: &mut Context<'_>, mut charge: Charge, request: RefundRequest) -> Result<RefundChange, Error> {
    let minor = charge.reserve_refund(request.amount)?;
    let amount = Money::new(minor, charge.amount.currency());
    let id = ctx.refund_id();
    let ulid = ctx.mint.ulid();
    let entry = JournalEntry::refund_reserved(JournalEntryId::new(ulid), ctx.now, id, amount)?;
    let line = ctx.refund_line(ulid, amount.checked_neg()?, Source::Refund(id));
    let refund = Refund {
        id,
        charge: charge.id,
        payment_intent: charge.payment_intent,
        amount,
        status: Status::Sending,
        reason: request.reason,
        operation: Some(Operation::begin(OperationKind::Refund, ProviderKey::refund(id), amount, ctx.now)),
        provider_reference: None,
        failure: None,
        balance_transaction: BalanceTransactionId::new(ulid),
        failure_balance_transaction: None,
        metadata: request.metadata,
        answers: None,
        conflicts: Vec::new(),
        created_at: id.ulid().created_at(),
        sequence: 0,
    };
    let booking = Some(Booking { entry, line: Some(line) });
    Ok(RefundChange { refund, charge: Some(charge), booking, events: Vec::new() })
}

/// Settles a refund by the provider's answer; `None` when the answer changes nothing.
///
/// # Errors
/// An edge is not declared, or an entry would not balance.
pub fn settle_refund(
    ctx: &mut Context<'_>,
    mut refund: Refund,
    mut charge: Charge,
    outcome: RefundOutcome,
) -> Result<Option<RefundChange>, Error> {
    let first = refund.sequence == 0;
    let was = refund.status;
    let change = match outcome {
        RefundOutcome::Succeeded { .. } if was == Status::Succeeded => return Ok(None),
        RefundOutcome::Succeeded { provider_reference } => {
            refund.become_(Status::Succeeded)?;
            refund.provider_reference = Some(provider_reference);
            let entry = JournalEntry::refund_settled(JournalEntryId::new(ctx.mint.ulid()), ctx.now, refund.id, refund.amount)?;
            let mut events = told(ctx, &mut refund, first);
            if first {
                events.push(ctx.charge_event(EventKind::ChargeRefunded, &mut charge));
            }
            RefundChange { refund, charge: Some(charge), booking: Some(Booking { entry, line: None }), events }
        }
        RefundOutcome::Pending { provider_reference } => {
            refund.provider_reference = Some(provider_reference);
            if was == Status::Pending {
                refund.note_unknown(crate::outcome::UnknownReason::StillProcessing, ctx.now);
                return Ok(Some(RefundChange { refund, charge: None, booking: None, events: Vec::new() }));
            }
            refund.become_(Status::Pending)?;
            refund.note_unknown(crate::outcome::UnknownReason::StillProcessing, ctx.now);
            let mut events = told(ctx, &mut refund, first);
            if first {
                events.push(ctx.charge_event(EventKind::ChargeRefunded, &mut charge));
            }
            RefundChange { refund, charge: Some(charge), booking: None, events }
        }
        RefundOutcome::Failed { .. } if was == Status::Failed => return Ok(None),
        RefundOutcome::Failed { reason } => failed(ctx, refund, charge, reason)?,
        RefundOutcome::Unknown(_) if !was.is_open() => return Ok(None),
        RefundOutcome::Unknown(reason) => {
            refund.note_unknown(reason, ctx.now);
            RefundChange { refund, charge: None, booking: None, events: Vec::new() }
        }
    };
    Ok(Some(change))
}

fn failed(ctx: &mut Context<'_>, mut refund: Refund, mut charge: Charge, reason: RefundFailure) -> Result<RefundChange, Error> {
    let first = refund.sequence == 0;
    let settled = refund.status == Status::Succeeded;
    refund.become_(Status::Failed)?;
    refund.failure = Some(reason);
    let ulid = ctx.mint.ulid();
    let id = JournalEntryId::new(ulid);
    let entry = if settled {
        JournalEntry::refund_returned(id, ctx.now, refund.id, refund.amount)?
    } else {
        JournalEntry::refund_reversed(id, ctx.now, refund.id, refund.amount)?
    };
    let line = ctx.refund_line(ulid, refund.amount, Source::RefundFailure(refund.id));
    refund.failure_balance_transaction = Some(line.id);
    charge.release_refund(refund.amount.minor());
    let mut events = Vec::with_capacity(3);
    if first {
        events.push(ctx.refund_event(EventKind::RefundCreated, &mut refund));
    }
    events.push(ctx.refund_event(EventKind::RefundFailed, &mut refund));
    events.push(ctx.refund_event(EventKind::ChargeRefundUpdated, &mut refund));
    Ok(RefundChange { refund, charge: Some(charge), booking: Some(Booking { entry, line: Some(line) }), events })
}

/// What is told of a refund that is new or has changed. The API has two names for a change: that of a charge's refund is
/// the older one, which shops still listen to.
fn told(ctx: &mut Context<'_>, refund: &mut Refund, first: bool) -> Vec<Event> {
    if first {
        return vec![ctx.refund_event(EventKind::RefundCreated, refund)];
    }
    vec![ctx.refund_event(EventKind::RefundUpdated, refund), ctx.refund_event(EventKind::ChargeRefundUpdated, refund)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge as charges;
    use crate::event::Snapshot;
    use crate::flow::fixtures::{World, charge, refund};

    fn events(status: Status, sequence: u32, outcome: RefundOutcome) -> Vec<Event> {
        let refund = Refund { sequence, ..refund(status) };
        let change = settle_refund(&mut World::default().ctx(), refund, charge(charges::Status::Captured), outcome).unwrap().unwrap();
        change.events
    }

    fn kinds(events: &[Event]) -> Vec<EventKind> {
        events.iter().map(|event| event.kind).collect()
    }

    fn succeeded() -> RefundOutcome {
        RefundOutcome::Succeeded { provider_reference: "ref".to_owned() }
    }

    #[test]
    fn a_change_of_a_refund_is_told_under_both_names_with_the_refund() {
        let events = events(Status::Pending, 1, succeeded());
        assert_eq!(kinds(&events), [EventKind::RefundUpdated, EventKind::ChargeRefundUpdated]);
        assert!(events.iter().all(|event| matches!(event.object, Snapshot::Refund(_))));
        assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_refund_that_fails_is_told_as_failed_and_as_changed() {
        let failed = || RefundOutcome::Failed { reason: RefundFailure::Declined };
        let later = events(Status::Succeeded, 1, failed());
        assert_eq!(kinds(&later), [EventKind::RefundFailed, EventKind::ChargeRefundUpdated]);
        let at_once = events(Status::Sending, 0, failed());
        assert_eq!(kinds(&at_once), [EventKind::RefundCreated, EventKind::RefundFailed, EventKind::ChargeRefundUpdated]);
    }

    #[test]
    fn a_new_refund_is_no_change_of_one() {
        let told = kinds(&events(Status::Sending, 0, succeeded()));
        assert_eq!(told, [EventKind::RefundCreated, EventKind::ChargeRefunded]);
    }

    #[test]
    fn a_refund_that_fails_is_booked_as_given_back_if_it_had_succeeded_and_else_as_not_made() {
        use crate::ledger::Movement;
        for (status, movement) in [
            (Status::Succeeded, Movement::RefundReturned),
            (Status::Pending, Movement::RefundReversed),
            (Status::Sending, Movement::RefundReversed),
        ] {
            let failed = RefundOutcome::Failed { reason: RefundFailure::Declined };
            let charge = charge(charges::Status::Captured);
            let change = settle_refund(&mut World::default().ctx(), refund(status), charge, failed).unwrap().unwrap();
            assert_eq!(change.booking.unwrap().entry.movement(), movement, "{status:?}");
        }
    }
}
