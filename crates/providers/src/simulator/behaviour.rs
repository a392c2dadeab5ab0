//! How a card behaves: the closed list of what the simulator can do with one.
//!
//! A behaviour is a property of the card number alone, so that a test says what it wants by the card it pays with.

use domain::decline::DeclineCode;
use domain::outcome::RefundFailure;
use serde::{Deserialize, Serialize};

/// What a card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Everything works.
    Approve,
    /// Approved; the issuer's checks of the buyer's data, where data are sent, say this.
    Checks(Checks),
    /// Every use is declined.
    Decline(DeclineCode),
    /// Declined only if a security code is sent: without one there is nothing to check.
    DeclineIfCvcSent,
    /// Can be saved, but every payment is declined.
    DeclineCharge(DeclineCode),
    /// The issuer has a say about authentication.
    ThreeDSecure(ThreeDSecure),
    /// Approved; refunds end like this.
    Refund(RefundBehaviour),
    /// The bank or the line to it misbehaves.
    Fault {
        /// At which operation.
        stage: Stage,
        /// In which way.
        fault: Fault,
    },
}

/// Results of an issuer's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Address line and postal code do not match.
    AddressFails,
    /// The address line does not match.
    Line1Fails,
    /// The postal code does not match.
    PostalCodeFails,
    /// The issuer does not check addresses.
    AddressUnavailable,
    /// The security code does not match.
    CvcFails,
}

/// A card's attitude to authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreeDSecure {
    /// The card cannot do it; nothing is asked.
    NotSupported,
    /// Done when asked for.
    Optional,
    /// Not needed, and fails when asked for.
    OptionalError,
    /// The buyer must authenticate, except off session with a card that was saved so.
    UnlessSetUp,
    /// The buyer must always authenticate.
    Always,
    /// As if saved before: off-session payments need nothing, on-session payments authentication.
    AlreadySetUp,
    /// Authentication, after which payments (not checks) are declined for lack of funds.
    ThenInsufficientFunds,
    /// Authentication, after which everything is declined.
    ThenDeclined,
    /// Authentication is required but cannot be begun.
    LookupError,
    /// Authentication happens without the buyer noticing.
    Frictionless,
}

/// How refunds of a card's payments end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundBehaviour {
    /// Pending first, then succeeded.
    PendingThenSucceeds,
    /// Pending first, then failed.
    PendingThenFails,
    /// Succeeded first, then failed.
    SucceedsThenFails,
    /// Failed at once.
    Fails(RefundFailure),
}

/// The operation a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Authorisation or card check.
    Authorize,
    /// Capture.
    Capture,
    /// Void.
    Void,
    /// Refund.
    Refund,
}

/// What goes wrong, on the first try of an operation's key only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Done, but the answer takes its time.
    AnswersLate,
    /// Done, but no answer comes.
    TimesOutAfter,
    /// Lost on the way: not done, and no answer comes.
    TimesOutBefore,
    /// The request reaches the bank twice; both answers are the same.
    ArrivesTwice,
    /// Done, but the connection drops before the answer.
    DropsAfter,
    /// Done, but the answer is a failure of the server (500).
    ServerErrorAfter,
    /// Not done; the answer is a failure of the server (500).
    ServerErrorBefore,
    /// Done, but the answer cannot be read.
    Garbage,
    /// The bank cannot say yet; later it is done.
    SettlesApproved,
    /// The bank cannot say yet; later it is refused.
    SettlesDeclined,
}

impl Fault {
    /// The first try leaves no trace in the books: a query finds nothing, and the next try is carried out.
    #[must_use]
    pub(crate) const fn is_lost(self) -> bool {
        matches!(self, Self::TimesOutBefore | Self::ServerErrorBefore)
    }
}

/// What the books remember of a card for the operations that follow its authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FollowUpBehaviour {
    /// Refunds end like this.
    Refund(RefundBehaviour),
    /// One kind of operation goes wrong.
    Fault {
        /// Which kind.
        stage: Stage,
        /// In which way.
        fault: Fault,
    },
}

impl Behaviour {
    /// The part that concerns captures, voids and refunds.
    pub(crate) const fn follow_up(self) -> Option<FollowUpBehaviour> {
        match self {
            Self::Refund(refund) => Some(FollowUpBehaviour::Refund(refund)),
            Self::Fault { stage: Stage::Authorize, .. }
            | Self::Approve
            | Self::Checks(_)
            | Self::Decline(_)
            | Self::DeclineIfCvcSent
            | Self::DeclineCharge(_)
            | Self::ThreeDSecure(_) => None,
            Self::Fault { stage, fault } => Some(FollowUpBehaviour::Fault { stage, fault }),
        }
    }
}
