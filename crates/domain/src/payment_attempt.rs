//! One try to take a payment through one provider, and the operation under way on it.
//!
//! Invariants: every status change follows [`EDGES`]; an attempt in `Sending` or `Unknown` always carries the
//! operation that is under way; a terminal status never changes. Absent on purpose: the card's number.

use serde::{Deserialize, Serialize};

use crate::conflict::Conflict;
use crate::id::{PaymentAttemptId, PaymentIntentId, PaymentMethodId};
use crate::money::Money;
use crate::outcome::{Approval, Challenge, Decline, UnknownReason};
use crate::payment_intent::ThreeDSecureRequest;
use crate::provider_key::ProviderKey;
use crate::time::Timestamp;

/// What a provider is asked to do with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Reserve the amount on the card, and take it at once where the payment says so.
    Authorize,
    /// Take what was reserved.
    Capture,
    /// Give up what was reserved, or a wait for the buyer, because the shop cancels the payment.
    Void,
    /// Give up a wait for a buyer who has not acted in time; to a provider it is a void as any other.
    Abandon,
    /// Give the money back.
    Refund,
    /// Check that a card can be saved.
    VerifyCard,
}

/// An operation that a provider was asked for and that has no known end yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// What was asked.
    pub kind: OperationKind,
    /// Under which key.
    pub key: ProviderKey,
    /// How much.
    pub amount: Money,
    /// When it was begun.
    pub started_at: Timestamp,
    /// Why its end is not known, once it was sent and is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownReason>,
    /// How often the provider was asked about it.
    #[serde(default)]
    pub checks: u32,
    /// When to ask again.
    pub next_check_at: Timestamp,
}

/// The first pause before a provider is asked about an operation: longer than whoever began it may still be at it, which is
/// a store's slowest commit (15 s), a connector's deadline (12 s) and the commit of the answer, which ends it.
const FIRST_CHECK_AFTER_MS: i64 = 40_000;
/// After an unknown outcome the first question comes soon: most such payments have an end by then.
const CHECK_BASE_MS: i64 = 500;
/// The longest pause between two questions.
const CHECK_MAX_MS: i64 = 60_000;

impl Operation {
    /// Begins an operation.
    #[must_use]
    pub const fn begin(kind: OperationKind, key: ProviderKey, amount: Money, now: Timestamp) -> Self {
        Self { kind, key, amount, started_at: now, unknown: None, checks: 0, next_check_at: now.plus_millis(FIRST_CHECK_AFTER_MS) }
    }

    /// Notes that its outcome is not known, and when to ask again: pauses double up to a minute.
    pub fn note_unknown(&mut self, reason: UnknownReason, now: Timestamp) {
        let pause = CHECK_BASE_MS.checked_shl(self.checks.min(16)).unwrap_or(CHECK_MAX_MS).min(CHECK_MAX_MS);
        self.unknown = Some(reason);
        self.checks = self.checks.saturating_add(1);
        self.next_check_at = now.plus_millis(pause);
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An operation is on its way to the provider.
    Sending,
    /// An operation was sent and its outcome is not known.
    Unknown,
    /// The buyer must act.
    ActionRequired,
    /// The amount is reserved.
    Authorized,
    /// The amount is taken.
    Captured,
    /// The provider or issuer refused.
    Declined,
    /// What was reserved was given up.
    Voided,
}

/// Every legal change of status.
pub const EDGES: &[(Status, Status)] = &[
    (Status::Sending, Status::Unknown),
    (Status::Sending, Status::ActionRequired),
    (Status::Sending, Status::Authorized),
    (Status::Sending, Status::Captured),
    (Status::Sending, Status::Declined),
    (Status::Sending, Status::Voided),
    (Status::Unknown, Status::ActionRequired),
    (Status::Unknown, Status::Authorized),
    (Status::Unknown, Status::Captured),
    (Status::Unknown, Status::Declined),
    (Status::Unknown, Status::Voided),
    (Status::ActionRequired, Status::Sending),
    (Status::ActionRequired, Status::Authorized),
    (Status::ActionRequired, Status::Captured),
    (Status::ActionRequired, Status::Declined),
    (Status::Authorized, Status::Sending),
];

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] =
        [Self::Sending, Self::Unknown, Self::ActionRequired, Self::Authorized, Self::Captured, Self::Declined, Self::Voided];

    /// Whether the change is declared.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        EDGES.contains(&(self, next))
    }
}

/// One try to take a payment through one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAttempt {
    /// Its name.
    pub id: PaymentAttemptId,
    /// The payment it is for.
    pub payment_intent: PaymentIntentId,
    /// The card it uses.
    pub payment_method: PaymentMethodId,
    /// How much it asks for.
    pub amount: Money,
    /// Take the money with the authorisation.
    pub capture: bool,
    /// The buyer is absent.
    pub off_session: bool,
    /// Where the buyer's browser goes after an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// When the buyer is to be asked to authenticate; kept so that what is sent again is what was begun.
    #[serde(default, skip_serializing_if = "ThreeDSecureRequest::is_automatic")]
    pub three_d_secure: ThreeDSecureRequest,
    /// What the buyer's statement is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_line: Option<String>,
    /// Which connector carries it out.
    pub provider: String,
    /// Where it stands.
    pub status: Status,
    /// What is under way, in `Sending` and `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What the provider granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
    /// How much each capture that the provider refused was to take, in the minor unit; the next gets a key of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captures_refused: Vec<i64>,
    /// Voids that the provider refused, so that the next gets a key of its own.
    #[serde(default)]
    pub voids_refused: u32,
    /// The idempotency record that waits for the operation's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// Late answers that contradicted what the shop had been told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Since when it waits for the buyer, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_required_at: Option<Timestamp>,
    /// When it was begun.
    pub created_at: Timestamp,
}

/// A status change that no edge declares: an answer that came when it could no longer matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attempt that is {from:?} cannot become {to:?}")]
pub struct IllegalEdge {
    /// The status it has.
    pub from: Status,
    /// The status it was to get.
    pub to: Status,
}

impl PaymentAttempt {
    /// Changes the status along a declared edge; a status without an operation loses it.
    ///
    /// # Errors
    /// No edge declares the change.
    pub fn become_(&mut self, to: Status) -> Result<(), IllegalEdge> {
        if !self.status.may_become(to) {
            return Err(IllegalEdge { from: self.status, to });
        }
        self.status = to;
        if !matches!(to, Status::Sending | Status::Unknown) {
            self.operation = None;
        }
        Ok(())
    }

    /// The key of the next capture, or of the one under way.
    #[must_use]
    pub fn capture_key(&self) -> ProviderKey {
        ProviderKey::capture(self.id, u32::try_from(self.captures_refused.len()).unwrap_or(u32::MAX))
    }

    /// The key of the next void, or of the one under way.
    #[must_use]
    pub fn void_key(&self) -> ProviderKey {
        ProviderKey::void(self.id, self.voids_refused)
    }

    /// Whether what a provider was asked for has no known end: an operation or a remedy.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let under_way = matches!(self.status, Status::Sending | Status::Unknown);
        under_way || self.conflicts.iter().any(|conflict| conflict.operation.is_some())
    }

    /// Whether the card may yet have to be sent to the provider, for the first time or again.
    #[must_use]
    pub fn may_need_card(&self) -> bool {
        self.approval.is_none() && matches!(self.status, Status::Sending | Status::Unknown | Status::ActionRequired)
    }

    /// When the oldest operation was begun that is under way on it, a remedy or not.
    #[must_use]
    pub fn open_since(&self) -> Option<Timestamp> {
        let remedies = self.conflicts.iter().filter_map(|conflict| conflict.operation.as_ref());
        self.operation.iter().chain(remedies).map(|operation| operation.started_at).min()
    }

    /// Whether it waits for the buyer.
    #[must_use]
    pub fn awaits_buyer(&self) -> bool {
        self.status == Status::ActionRequired
    }

    /// Whether the buyer has not acted for as long as they may take.
    #[must_use]
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.awaits_buyer() && Challenge::has_ended(self.action_required_at.unwrap_or(self.created_at), now)
    }

    /// Whether it is being given up at the moment.
    #[must_use]
    pub fn is_being_voided(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| matches!(operation.kind, OperationKind::Void | OperationKind::Abandon))
    }

    /// Whether it is being given up at the moment because the buyer has not acted in time.
    #[must_use]
    pub fn is_being_abandoned(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.kind == OperationKind::Abandon)
    }

    /// Begins another operation on what was reserved or waits for the buyer.
    ///
    /// # Errors
    /// Nothing is reserved or waits.
    pub fn begin(&mut self, operation: Operation) -> Result<(), IllegalEdge> {
        self.become_(Status::Sending)?;
        self.operation = Some(operation);
        Ok(())
    }

    /// Notes that the operation's outcome is not known.
    ///
    /// # Errors
    /// No operation is under way.
    pub fn note_unknown(&mut self, reason: UnknownReason, now: Timestamp) -> Result<(), IllegalEdge> {
        if self.status != Status::Unknown {
            self.become_(Status::Unknown)?;
        }
        if let Some(operation) = &mut self.operation {
            operation.note_unknown(reason, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::flow::fixtures::{NOW, attempt, usd};

    fn operation(kind: OperationKind, started_at: Timestamp) -> Operation {
        Operation::begin(kind, ProviderKey::from_text("key"), usd(1), started_at)
    }

    #[test]
    fn a_question_about_an_unknown_outcome_comes_soon_and_then_ever_later_up_to_a_minute() {
        let mut unknown = operation(OperationKind::Capture, NOW);
        assert_eq!((unknown.unknown, unknown.next_check_at.millis_since(NOW)), (None, FIRST_CHECK_AFTER_MS));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            unknown.note_unknown(UnknownReason::Timeout, NOW);
            pauses.push(unknown.next_check_at.millis_since(NOW));
        }
        assert_eq!((unknown.unknown, unknown.checks), (Some(UnknownReason::Timeout), 9));
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn an_attempt_that_has_an_end_has_no_operation_and_is_open_no_more() {
        let mut open = attempt(Status::Sending, OperationKind::Authorize);
        assert_eq!((open.is_open(), open.open_since()), (true, Some(NOW)));
        open.become_(Status::Unknown).unwrap();
        assert_eq!((open.is_open(), open.open_since()), (true, Some(NOW)));
        open.become_(Status::Declined).unwrap();
        assert_eq!((open.is_open(), open.open_since(), open.operation.is_none()), (false, None, true));
    }

    #[test]
    fn an_attempt_is_abandoned_only_by_an_operation_that_does_so() {
        for (kind, voided, abandoned) in
            [(OperationKind::Capture, false, false), (OperationKind::Void, true, false), (OperationKind::Abandon, true, true)]
        {
            let given_up = attempt(Status::Sending, kind);
            assert_eq!((given_up.is_being_voided(), given_up.is_being_abandoned()), (voided, abandoned), "{kind:?}");
        }
    }
}
