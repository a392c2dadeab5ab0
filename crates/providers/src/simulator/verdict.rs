//! What the bank decided, in the shape its books keep, and how that becomes the outcome a caller sees.
//!
//! Names that follow from the operation's key ([`Names`]) are not kept but made again.

use domain::decline::DeclineCode;
use domain::outcome::{
    Approval, AuthorizeOutcome, Challenge, Check, Decline, FollowUpOutcome, QueryOutcome, RefundFailure, RefundOutcome, ThreeDSecureResult,
    UnknownReason,
};
use serde::{Deserialize, Serialize};

use super::names::Names;

/// Results of the checks made with an authorisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checked {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cvc: Option<Check>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) line1: Option<Check>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) postal: Option<Check>,
}

/// What the bank decided about one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// An authorisation or card check was granted.
    Approved {
        #[serde(flatten)]
        checked: Checked,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        three_d_secure: Option<ThreeDSecureResult>,
        captured: bool,
    },
    /// An authorisation or card check was refused.
    Declined {
        code: DeclineCode,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cvc: Option<Check>,
    },
    /// The buyer is asked to authenticate.
    Challenge,
    /// Not decided yet.
    Processing,
    /// A capture or void was carried out.
    Done,
    /// A capture or void was refused.
    Refused(String),
    /// The money is on its way back.
    RefundSucceeded,
    /// The money may be on its way back.
    RefundPending,
    /// The money does not go back.
    RefundFailed(RefundFailure),
}

/// The kinds of operation, and their numbers in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An authorisation, perhaps with its capture.
    Authorize,
    /// A card check.
    VerifyCard,
    /// A capture.
    Capture,
    /// A void.
    Void,
    /// A refund.
    Refund,
}

impl Kind {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Authorize => 0,
            Self::VerifyCard => 1,
            Self::Capture => 2,
            Self::Void => 3,
            Self::Refund => 4,
        }
    }

    pub(super) const fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Authorize,
            1 => Self::VerifyCard,
            2 => Self::Capture,
            3 => Self::Void,
            4 => Self::Refund,
            _ => return None,
        })
    }
}

impl Verdict {
    /// As the outcome of an authorisation or card check.
    pub(super) fn authorize_outcome(&self, names: Names, challenge_url: impl FnOnce() -> String) -> AuthorizeOutcome {
        match self {
            Self::Approved { checked, three_d_secure, captured } => AuthorizeOutcome::Approved(Approval {
                provider_reference: names.reference,
                authorization_code: names.authorization_code,
                network_transaction_id: names.network_transaction_id,
                cvc_check: checked.cvc,
                address_line1_check: checked.line1,
                postal_code_check: checked.postal,
                three_d_secure: *three_d_secure,
                captured: *captured,
            }),
            Self::Declined { code, cvc } => AuthorizeOutcome::Declined(Decline {
                code: *code,
                provider_reference: Some(names.reference),
                network_decline_code: None,
                cvc_check: *cvc,
            }),
            Self::Challenge => {
                AuthorizeOutcome::ActionRequired(Challenge { provider_reference: names.reference, redirect_url: challenge_url() })
            }
            Self::Processing | Self::Done | Self::Refused(_) | Self::RefundSucceeded | Self::RefundPending | Self::RefundFailed(_) => {
                AuthorizeOutcome::Unknown(UnknownReason::StillProcessing)
            }
        }
    }

    /// As the outcome of a capture or void.
    pub(super) fn follow_up_outcome(&self) -> FollowUpOutcome {
        match self {
            Self::Done => FollowUpOutcome::Done,
            Self::Refused(reason) => FollowUpOutcome::Refused(reason.clone()),
            Self::Processing
            | Self::Approved { .. }
            | Self::Declined { .. }
            | Self::Challenge
            | Self::RefundSucceeded
            | Self::RefundPending
            | Self::RefundFailed(_) => FollowUpOutcome::Unknown(UnknownReason::StillProcessing),
        }
    }

    /// As the outcome of a refund.
    pub(super) fn refund_outcome(&self, names: Names) -> RefundOutcome {
        match self {
            Self::RefundSucceeded => RefundOutcome::Succeeded { provider_reference: names.reference },
            Self::RefundPending => RefundOutcome::Pending { provider_reference: names.reference },
            Self::RefundFailed(reason) => RefundOutcome::Failed { reason: *reason },
            Self::Processing | Self::Approved { .. } | Self::Declined { .. } | Self::Challenge | Self::Done | Self::Refused(_) => {
                RefundOutcome::Unknown(UnknownReason::StillProcessing)
            }
        }
    }

    /// As the answer to a query.
    pub(super) fn query_outcome(&self, kind: Kind, names: Names, challenge_url: impl FnOnce() -> String) -> QueryOutcome {
        match kind {
            Kind::Authorize | Kind::VerifyCard => QueryOutcome::Authorize(self.authorize_outcome(names, challenge_url)),
            Kind::Capture => QueryOutcome::Capture(self.follow_up_outcome()),
            Kind::Void => QueryOutcome::Void(self.follow_up_outcome()),
            Kind::Refund => QueryOutcome::Refund(self.refund_outcome(names)),
        }
    }
}
