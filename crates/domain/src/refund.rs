//! Money given back: from the request, through the provider, to its end.

use serde::{Deserialize, Serialize};

use crate::conflict::Conflict;
use crate::id::{BalanceTransactionId, ChargeId, PaymentIntentId, RefundId};
use crate::metadata::Metadata;
use crate::money::Money;
use crate::outcome::{RefundFailure, UnknownReason};
use crate::payment_attempt::Operation;
use crate::time::Timestamp;

/// Where a refund stands. None is canceled: a card refund that was sent is the networks'. The API shows `Sending`, `Unknown` and `Pending` alike, as pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// On its way to the provider.
    Sending,
    /// Sent; its outcome is not known.
    Unknown,
    /// Accepted by the provider, who will decide later.
    Pending,
    /// Given back.
    Succeeded,
    /// Not given back, or returned.
    Failed,
}

/// Every legal change of status. A refund that succeeded can still fail: the buyer's bank may return it.
pub const EDGES: &[(Status, Status)] = &[
    (Status::Sending, Status::Unknown),
    (Status::Sending, Status::Pending),
    (Status::Sending, Status::Succeeded),
    (Status::Sending, Status::Failed),
    (Status::Unknown, Status::Pending),
    (Status::Unknown, Status::Succeeded),
    (Status::Unknown, Status::Failed),
    (Status::Pending, Status::Succeeded),
    (Status::Pending, Status::Failed),
    (Status::Succeeded, Status::Failed),
];

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Sending, Self::Unknown, Self::Pending, Self::Succeeded, Self::Failed];

    /// Whether the change is declared.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        EDGES.contains(&(self, next))
    }

    /// The provider has it and no end is known.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Sending | Self::Unknown | Self::Pending)
    }
}

/// Why the shop gives money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum Reason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its name in the API.
    pub id: RefundId,
    /// The charge it gives back.
    pub charge: ChargeId,
    /// That charge's payment.
    pub payment_intent: PaymentIntentId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: Status,
    /// The shop's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the provider is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The provider's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_reference: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RefundFailure>,
    /// Its line on the merchant's statement.
    pub balance_transaction: BalanceTransactionId,
    /// The line that takes the first one back, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_balance_transaction: Option<BalanceTransactionId>,
    /// The shop's own notes.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The idempotency record that waits for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// Late answers that contradicted what the shop had been told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}

/// A status change that no edge declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a refund that is {from:?} cannot become {to:?}")]
pub struct IllegalEdge {
    /// The status it has.
    pub from: Status,
    /// The status it was to get.
    pub to: Status,
}

impl Refund {
    /// Changes the status along a declared edge.
    ///
    /// # Errors
    /// No edge declares the change.
    pub fn become_(&mut self, to: Status) -> Result<(), IllegalEdge> {
        if !self.status.may_become(to) {
            return Err(IllegalEdge { from: self.status, to });
        }
        self.status = to;
        if !to.is_open() {
            self.operation = None;
        }
        Ok(())
    }

    /// Notes that the outcome is not known, and when to ask again.
    pub fn note_unknown(&mut self, reason: UnknownReason, now: Timestamp) {
        if self.status.may_become(Status::Unknown) {
            self.status = Status::Unknown;
        }
        if let Some(operation) = &mut self.operation {
            operation.note_unknown(reason, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::flow::fixtures::refund;

    #[test]
    fn a_refund_that_has_an_end_has_no_operation() {
        let mut open = refund(Status::Sending);
        assert!(open.operation.is_some());
        open.become_(Status::Unknown).unwrap();
        assert!(open.operation.is_some());
        open.become_(Status::Succeeded).unwrap();
        assert!(open.operation.is_none());
    }
}
