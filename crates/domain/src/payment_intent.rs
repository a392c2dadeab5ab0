//! The shop's purpose to collect an amount, from its creation to its end.
//!
//! Invariants: every status change follows [`EDGES`]; `Canceled` and `Succeeded` are terminal; while an
//! operation is with a provider the status is `Processing`, and no other operation can begin.

use serde::{Deserialize, Serialize};

use crate::contact::Shipping;
use crate::decline::{CardErrorCode, DeclineCode};
use crate::id::{ChargeId, CustomerId, PaymentAttemptId, PaymentIntentId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::money::Money;
use crate::payment_method::PaymentMethod;
use crate::time::Timestamp;

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
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
    (Status::RequiresAction, Status::Processing),
    (Status::RequiresAction, Status::RequiresPaymentMethod),
    (Status::RequiresAction, Status::RequiresCapture),
    (Status::RequiresAction, Status::Succeeded),
    (Status::Processing, Status::RequiresAction),
    (Status::Processing, Status::RequiresPaymentMethod),
    (Status::Processing, Status::RequiresCapture),
    (Status::Processing, Status::Canceled),
    (Status::Processing, Status::Succeeded),
    (Status::RequiresCapture, Status::Processing),
];

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::RequiresPaymentMethod,
        Self::RequiresConfirmation,
        Self::RequiresAction,
        Self::Processing,
        Self::RequiresCapture,
        Self::Canceled,
        Self::Succeeded,
    ];

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
            Self::RequiresCapture => "requires_capture",
            Self::Canceled => "canceled",
            Self::Succeeded => "succeeded",
        }
    }
}

/// What a shop can ask of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // as in the API
pub enum Command {
    Update,
    Confirm,
    Capture,
    Cancel,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 4] = [Self::Update, Self::Confirm, Self::Capture, Self::Cancel];

    /// Whether a payment in that status takes the command.
    #[must_use]
    pub const fn allowed_in(self, status: Status) -> bool {
        match (self, status) {
            (Self::Update | Self::Confirm | Self::Cancel, Status::RequiresPaymentMethod | Status::RequiresConfirmation)
            | (Self::Update | Self::Cancel, Status::RequiresAction | Status::RequiresCapture)
            | (Self::Capture, Status::RequiresCapture) => true,
            (Self::Confirm, Status::RequiresAction | Status::RequiresCapture)
            | (Self::Capture, Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction)
            | (_, Status::Processing | Status::Canceled | Status::Succeeded) => false,
        }
    }

    /// The command as people say it.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Update => "updated",
            Self::Confirm => "confirmed",
            Self::Capture => "captured",
            Self::Cancel => "canceled",
        }
    }
}

/// When the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// With the authorisation.
    Automatic,
    /// As soon as the provider can; cards can with the authorisation.
    AutomaticAsync,
    /// When the shop says so.
    Manual,
}

/// When the buyer is to be asked to authenticate by 3-D Secure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreeDSecureRequest {
    /// When the card or the law asks for it.
    #[default]
    Automatic,
    /// Whenever the card supports it.
    Any,
    /// Whenever the card supports it, and by asking the buyer rather than by data alone.
    Challenge,
}

impl ThreeDSecureRequest {
    /// Nothing beyond what card and law ask for.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        *self == Self::Automatic
    }

    /// The choice as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Any => "any",
            Self::Challenge => "challenge",
        }
    }
}

/// What a saved card is to be used for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum FutureUsage {
    OnSession,
    OffSession,
}

/// Whether kinds of payment methods that send the buyer elsewhere may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum AllowRedirects {
    Always,
    Never,
}

/// Who may confirm a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationMethod {
    /// The shop, or the buyer's browser with the client secret.
    #[default]
    Automatic,
    /// The shop alone.
    Manual,
}

impl ConfirmationMethod {
    /// Browsers may confirm.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        *self == Self::Automatic
    }
}

/// Why a payment was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum CancellationReason {
    Abandoned,
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

/// Where the buyer's browser must go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextAction {
    /// The issuer's page.
    pub redirect_url: String,
    /// The shop's page to come back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

/// Why the last try failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardError {
    /// The error's code.
    pub code: CardErrorCode,
    /// The issuer's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<DeclineCode>,
    /// The failed charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<ChargeId>,
    /// The card, as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Box<PaymentMethod>>,
}

/// The shop's purpose to collect an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // as in the API
pub struct PaymentIntent {
    pub id: PaymentIntentId,
    pub created_at: Timestamp,
    pub amount: Money,
    pub status: Status,
    pub capture_method: CaptureMethod,
    /// Random; lets a browser see and confirm this one payment.
    pub secret: String,
    /// What was taken, in the minor unit.
    #[serde(default)]
    pub amount_received: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethodId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_future_usage: Option<FutureUsage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_descriptor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_descriptor_suffix: Option<String>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Whatever kinds of methods are enabled may pay; `None` when the shop named the kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_payment_methods: Option<AllowRedirects>,
    #[serde(default, skip_serializing_if = "ConfirmationMethod::is_automatic")]
    pub confirmation_method: ConfirmationMethod,
    /// When to ask the buyer to authenticate, unless a confirmation says otherwise.
    #[serde(default, skip_serializing_if = "ThreeDSecureRequest::is_automatic")]
    pub three_d_secure: ThreeDSecureRequest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_attempt: Option<PaymentAttemptId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_charge: Option<ChargeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<CardError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_reason: Option<CancellationReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<Timestamp>,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}

/// A status change that no edge declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {from:?} cannot become {to:?}")]
pub struct IllegalEdge {
    /// The status it has.
    pub from: Status,
    /// The status it was to get.
    pub to: Status,
}

impl PaymentIntent {
    /// The secret with which a browser may see and confirm this payment.
    #[must_use]
    pub fn client_secret(&self) -> String {
        format!("{}_secret_{}", self.id, self.secret)
    }

    /// Whether a confirmation only asks how it went: a shop that confirms by itself does so once more after the
    /// buyer has authenticated, and by then the issuer's answer has settled the payment.
    #[must_use]
    pub fn was_confirmed(&self) -> bool {
        self.confirmation_method == ConfirmationMethod::Manual && matches!(self.status, Status::RequiresCapture | Status::Succeeded)
    }

    /// Changes the status along a declared edge; only a payment that requires action keeps one.
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
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_statuses_have_no_way_out() {
        for to in Status::ALL {
            assert!(!Status::Canceled.may_become(to) && !Status::Succeeded.may_become(to));
        }
    }

    #[test]
    fn edges_are_declared_once_and_none_leads_to_itself() {
        for (i, edge) in EDGES.iter().enumerate() {
            assert_ne!(edge.0, edge.1);
            assert!(!EDGES[i + 1..].contains(edge), "{edge:?} twice");
        }
    }

    #[test]
    fn every_command_in_every_status_is_decided_as_the_table_says() {
        use Status::{Canceled, Processing, RequiresAction, RequiresCapture, RequiresConfirmation, RequiresPaymentMethod, Succeeded};
        let table: [(Status, [bool; 4]); 7] = [
            (RequiresPaymentMethod, [true, true, false, true]),
            (RequiresConfirmation, [true, true, false, true]),
            (RequiresAction, [true, false, false, true]),
            (Processing, [false, false, false, false]),
            (RequiresCapture, [true, false, true, true]),
            (Canceled, [false, false, false, false]),
            (Succeeded, [false, false, false, false]),
        ];
        for (status, expected) in table {
            let decided = Command::ALL.map(|command| command.allowed_in(status));
            assert_eq!(decided, expected, "{status:?}");
        }
    }

    use crate::flow::fixtures::intent;

    #[test]
    fn words_are_those_of_the_api() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for choice in [ThreeDSecureRequest::Automatic, ThreeDSecureRequest::Any, ThreeDSecureRequest::Challenge] {
            assert_eq!(serde_json::to_value(choice).unwrap(), choice.as_str());
            assert_eq!(choice.is_automatic(), choice.as_str() == "automatic");
        }
        assert_eq!(Command::ALL.map(Command::verb), ["updated", "confirmed", "captured", "canceled"]);
        assert!(ConfirmationMethod::Automatic.is_automatic() && !ConfirmationMethod::Manual.is_automatic());
    }

    #[test]
    fn a_client_secret_names_its_payment_and_cannot_be_guessed_from_it() {
        let mut secret = intent(Status::Processing);
        "8f1c".clone_into(&mut secret.secret);
        assert_eq!(secret.client_secret(), format!("{}_secret_8f1c", secret.id));
    }

    #[test]
    fn only_a_payment_that_its_shop_confirms_by_itself_was_confirmed_once_it_has_ended_well() {
        for status in Status::ALL {
            for method in [ConfirmationMethod::Automatic, ConfirmationMethod::Manual] {
                let asked = PaymentIntent { confirmation_method: method, ..intent(status) };
                let ended_well = matches!(status, Status::RequiresCapture | Status::Succeeded);
                assert_eq!(asked.was_confirmed(), ended_well && method == ConfirmationMethod::Manual, "{status:?} {method:?}");
            }
        }
    }

    #[test]
    fn what_the_buyer_is_to_do_is_kept_only_while_they_are_to_do_it() {
        let redirect = || Some(NextAction { redirect_url: "https://bank.example".to_owned(), return_url: None });
        let mut waiting = PaymentIntent { next_action: redirect(), ..intent(Status::Processing) };
        waiting.become_(Status::RequiresAction).unwrap();
        assert!(waiting.next_action.is_some());
        waiting.become_(Status::Processing).unwrap();
        assert!(waiting.next_action.is_none());
    }
}
