//! What a provider reports about one operation: facts, from which the domain picks the next status.
//!
//! A timeout, a 5xx, a reset after sending, or an answer that cannot be read is [`Unknown`](UnknownReason),
//! never a refusal. Absent on purpose: anything a provider might *want* the payment's status to be.

use serde::{Deserialize, Serialize};

use crate::decline::DeclineCode;
use crate::time::Timestamp;

/// Result of a check of the buyer's data by the card's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The data match.
    Pass,
    /// The data do not match.
    Fail,
    /// The issuer did not check.
    Unavailable,
    /// The data were not asked to be checked yet.
    Unchecked,
}

/// How 3-D Secure ended for an authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreeDSecureResult {
    /// The buyer proved to be the cardholder.
    Authenticated,
    /// The issuer was asked but does not take part.
    AttemptAcknowledged,
    /// The card or issuer does not support it.
    NotSupported,
    /// The buyer failed or refused.
    Failed,
}

/// An authorisation the provider granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The provider's own name for the transaction.
    pub provider_reference: String,
    /// The issuer's authorisation code.
    pub authorization_code: String,
    /// The card network's name for the transaction.
    pub network_transaction_id: String,
    /// Security code; `None` when none was sent.
    pub cvc_check: Option<Check>,
    /// First address line; `None` when none was sent.
    pub address_line1_check: Option<Check>,
    /// Postal code; `None` when none was sent.
    pub postal_code_check: Option<Check>,
    /// `None` when 3-D Secure was not tried.
    pub three_d_secure: Option<ThreeDSecureResult>,
    /// The whole amount was taken with the authorisation.
    pub captured: bool,
}

/// An authorisation the provider or issuer refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// Why.
    pub code: DeclineCode,
    /// The provider's own name for the transaction, if it gave one.
    pub provider_reference: Option<String>,
    /// The card network's advice: whether trying again can help.
    pub network_decline_code: Option<String>,
    /// Result of the security code check, when one was made.
    pub cvc_check: Option<Check>,
}

impl Decline {
    /// A refusal that is not a provider's.
    #[must_use]
    pub const fn without_provider(code: DeclineCode) -> Self {
        Self { code, provider_reference: None, network_decline_code: None, cvc_check: None }
    }
}

/// The buyer must prove to be the cardholder before the issuer decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The provider's own name for the transaction.
    pub provider_reference: String,
    /// Where the buyer's browser is to go.
    pub redirect_url: String,
}

/// How long a buyer may take to do what the issuer asks. Issuers' pages close within minutes; a day is what a shop that
/// sends its buyers a link to pay gives them, and leaves room for a buyer who comes back in the evening.
const CHALLENGE_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

impl Challenge {
    /// Whether the buyer's time is over for what they were asked at `asked_at`.
    #[must_use]
    pub const fn has_ended(asked_at: Timestamp, now: Timestamp) -> bool {
        now.millis_since(asked_at) >= CHALLENGE_LIFETIME_MS
    }
}

/// Why the outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownReason {
    /// No answer within the deadline.
    Timeout,
    /// The connection failed after the request may have left.
    ConnectionLost,
    /// The connection could not be made; the request cannot have arrived.
    Unreachable,
    /// The provider answered with a failure of its own (5xx).
    ProviderError,
    /// The answer could not be read.
    Unreadable,
    /// The provider is still working on it.
    StillProcessing,
    /// Our process stopped while the request was under way.
    Interrupted,
}

/// The outcome of an authorisation, or of a check that a card can be saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizeOutcome {
    /// Granted.
    Approved(Approval),
    /// Refused.
    Declined(Decline),
    /// The buyer must act first.
    ActionRequired(Challenge),
    /// Not known; ask again.
    Unknown(UnknownReason),
}

/// The outcome of a capture or a void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpOutcome {
    /// Carried out.
    Done,
    /// Refused, with the provider's reason.
    Refused(String),
    /// Not known; ask again.
    Unknown(UnknownReason),
}

/// Why a refund could not be made, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundFailure {
    /// The card was lost or stolen.
    LostOrStolenCard,
    /// The card has expired or was cancelled.
    ExpiredOrCanceledCard,
    /// The charge is refunded by way of a dispute.
    ChargeForPendingRefundDisputed,
    /// The provider would not.
    Declined,
    /// The merchant's balance does not suffice.
    InsufficientFunds,
    /// The shop asked to stop it.
    MerchantRequest,
    /// No reason was given.
    Unknown,
}

impl RefundFailure {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LostOrStolenCard => "lost_or_stolen_card",
            Self::ExpiredOrCanceledCard => "expired_or_canceled_card",
            Self::ChargeForPendingRefundDisputed => "charge_for_pending_refund_disputed",
            Self::Declined => "declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::MerchantRequest => "merchant_request",
            Self::Unknown => "unknown",
        }
    }
}

/// The outcome of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The money is on its way and the provider will not take it back.
    Succeeded {
        /// The provider's own name for the refund.
        provider_reference: String,
    },
    /// Accepted; the provider will decide later.
    Pending {
        /// The provider's own name for the refund.
        provider_reference: String,
    },
    /// Not made, or given back to the merchant.
    Failed {
        /// Why.
        reason: RefundFailure,
    },
    /// Not known; ask again.
    Unknown(UnknownReason),
}

/// What the provider knows under one of our keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryOutcome {
    /// The provider never received the operation; sending it again under the same key is safe.
    NotFound,
    /// An authorisation or card check.
    Authorize(AuthorizeOutcome),
    /// A capture.
    Capture(FollowUpOutcome),
    /// A void.
    Void(FollowUpOutcome),
    /// A refund.
    Refund(RefundOutcome),
    /// The question itself had no readable answer.
    Unknown(UnknownReason),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refunds_failure_is_written_the_same_way_everywhere() {
        use RefundFailure as Failure;
        for failure in [
            Failure::LostOrStolenCard,
            Failure::ExpiredOrCanceledCard,
            Failure::ChargeForPendingRefundDisputed,
            Failure::Declined,
            Failure::InsufficientFunds,
            Failure::MerchantRequest,
            Failure::Unknown,
        ] {
            assert_eq!(serde_json::to_value(failure).unwrap(), failure.as_str());
        }
    }
}
