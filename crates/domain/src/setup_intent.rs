//! The shop's purpose to save a card for later.
//!
//! Invariants: every status change follows [`EDGES`]; `Canceled` and `Succeeded` are terminal.

use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, PaymentMethodId, SetupAttemptId, SetupIntentId};
use crate::metadata::Metadata;
use crate::outcome::Challenge;
use crate::payment_attempt::Operation;
use crate::payment_intent::{AllowRedirects, CancellationReason, CardError, FutureUsage, NextAction, ThreeDSecureRequest};
use crate::time::Timestamp;

/// Where saving a card stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    Canceled,
    Succeeded,
}

/// Every legal change of status.
pub const EDGES: &[(Status, Status)] = &[
    (Status::RequiresPaymentMethod, Status::RequiresConfirmation),
    (Status::RequiresPaymentMethod, Status::Processing),
    (Status::RequiresPaymentMethod, Status::Canceled),
    (Status::RequiresConfirmation, Status::Processing),
    (Status::RequiresConfirmation, Status::Canceled),
    (Status::RequiresAction, Status::RequiresPaymentMethod),
    (Status::RequiresAction, Status::Canceled),
    (Status::RequiresAction, Status::Succeeded),
    (Status::Processing, Status::RequiresPaymentMethod),
    (Status::Processing, Status::RequiresAction),
    (Status::Processing, Status::Succeeded),
];

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::RequiresPaymentMethod, Self::RequiresConfirmation, Self::RequiresAction, Self::Processing, Self::Canceled, Self::Succeeded];

    /// Whether the change is declared.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        EDGES.contains(&(self, next))
    }

    /// The status as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Canceled => "canceled",
            Self::Succeeded => "succeeded",
        }
    }
}

/// The shop's purpose to save a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // as in the API
pub struct SetupIntent {
    pub id: SetupIntentId,
    pub created_at: Timestamp,
    pub status: Status,
    /// Random; lets a browser see and confirm this one.
    pub secret: String,
    pub usage: FutureUsage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethodId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Whatever kinds of methods are enabled may be saved; `None` when the shop named the kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_payment_methods: Option<AllowRedirects>,
    /// When to ask the buyer to authenticate.
    #[serde(default, skip_serializing_if = "ThreeDSecureRequest::is_automatic")]
    pub three_d_secure: ThreeDSecureRequest,
    /// The try under way or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_attempt: Option<SetupAttemptId>,
    /// What the provider is asked, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The connector that carries out the latest attempt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// The idempotency record that waits for the operation's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    /// Since when it waits for the buyer, or last did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_required_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<CardError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_reason: Option<CancellationReason>,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}

/// A status change that no edge declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a set-up that is {from:?} cannot become {to:?}")]
pub struct IllegalEdge {
    /// The status it has.
    pub from: Status,
    /// The status it was to get.
    pub to: Status,
}

impl SetupIntent {
    /// The secret with which a browser may see and confirm this set-up.
    #[must_use]
    pub fn client_secret(&self) -> String {
        format!("{}_secret_{}", self.id, self.secret)
    }

    /// Whether the buyer has not acted for as long as they may take.
    #[must_use]
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.status == Status::RequiresAction && Challenge::has_ended(self.action_required_at.unwrap_or(self.created_at), now)
    }

    /// Changes the status along a declared edge.
    ///
    /// # Errors
    /// No edge declares the change.
    pub fn become_(&mut self, to: Status) -> Result<(), IllegalEdge> {
        if !self.status.may_become(to) {
            return Err(IllegalEdge { from: self.status, to });
        }
        self.status = to;
        if to != Status::RequiresAction {
            self.next_action = None;
        }
        if to != Status::Processing {
            self.operation = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::flow::fixtures::setup;

    #[test]
    fn statuses_are_written_the_same_way_everywhere() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn a_client_secret_names_its_set_up_and_cannot_be_guessed_from_it() {
        let secret = SetupIntent { secret: "8f1c".to_owned(), ..setup(Status::Processing) };
        assert_eq!(secret.client_secret(), format!("{}_secret_8f1c", secret.id));
    }

    #[test]
    fn a_set_up_keeps_its_operation_only_while_it_is_under_way_and_what_the_buyer_is_to_do_only_until_they_have() {
        let redirect = || Some(NextAction { redirect_url: "https://bank.example".to_owned(), return_url: None });
        let operation = setup(Status::Processing).operation;
        let mut asked = SetupIntent { next_action: redirect(), operation, ..setup(Status::RequiresConfirmation) };
        asked.become_(Status::Processing).unwrap();
        assert_eq!((asked.next_action.is_some(), asked.operation.is_some()), (false, true));
        asked.next_action = redirect();
        asked.become_(Status::RequiresAction).unwrap();
        assert_eq!((asked.next_action.is_some(), asked.operation.is_some()), (true, false));
        asked.become_(Status::Succeeded).unwrap();
        assert!(asked.next_action.is_none());
    }
}
