//! The words of enumerations as the API writes them; the one place where the domain's become the wire's.
//!
//! Codes that the domain itself keeps as the API's text (decline codes, error codes, kinds of events, brands)
//! are written as they are and not repeated here.

use domain::{card, charge, customer, outcome, payment_attempt, payment_intent, refund, setup_intent, webhook_delivery, webhook_endpoint};
use serde::Serialize;
use utoipa::ToSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $domain:ty { $($variant:ident),+ $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)] // the domain explains each
        pub enum $name { $($variant),+ }

        impl From<$domain> for $name {
            fn from(word: $domain) -> Self {
                match word { $(<$domain>::$variant => Self::$variant),+ }
            }
        }
    )*};
}

words! {
    /// Where a payment stands.
    PaymentIntentStatus = payment_intent::Status {
        RequiresPaymentMethod, RequiresConfirmation, RequiresAction, Processing, RequiresCapture, Canceled, Succeeded,
    }
    /// Where saving a card stands.
    SetupIntentStatus = setup_intent::Status {
        RequiresPaymentMethod, RequiresConfirmation, RequiresAction, Processing, Canceled, Succeeded,
    }
    /// When the money is taken.
    CaptureMethod = payment_intent::CaptureMethod { Automatic, AutomaticAsync, Manual }
    /// Who may confirm a payment.
    ConfirmationMethod = payment_intent::ConfirmationMethod { Automatic, Manual }
    /// Whether kinds of methods that send the buyer elsewhere may pay.
    AllowRedirects = payment_intent::AllowRedirects { Always, Never }
    /// When a buyer is asked to authenticate.
    ThreeDSecureRequest = payment_intent::ThreeDSecureRequest { Automatic, Any, Challenge }
    /// Whether a buyer pays no tax.
    TaxExempt = customer::TaxExempt { None, Exempt, Reverse }
    /// What a saved card is to be used for later.
    FutureUsage = payment_intent::FutureUsage { OnSession, OffSession }
    /// Why a payment or set-up was given up.
    CancellationReason = payment_intent::CancellationReason { Abandoned, Duplicate, Fraudulent, RequestedByCustomer }
    /// Why money is given back.
    RefundReason = refund::Reason { Duplicate, Fraudulent, RequestedByCustomer }
    /// Why money could not be given back.
    RefundFailureReason = outcome::RefundFailure {
        LostOrStolenCard, ExpiredOrCanceledCard, ChargeForPendingRefundDisputed, Declined, InsufficientFunds,
        MerchantRequest, Unknown,
    }
    /// What the issuer said of a detail of the buyer.
    CheckResult = outcome::Check { Pass, Fail, Unavailable, Unchecked }
    /// How 3-D Secure ended.
    ThreeDSecureOutcome = outcome::ThreeDSecureResult { Authenticated, AttemptAcknowledged, NotSupported, Failed }
    /// What a provider is asked to do.
    OperationKind = payment_attempt::OperationKind { Authorize, Capture, Void, Abandon, Refund, VerifyCard }
    /// Why the end of an operation is not known.
    UnknownReason = outcome::UnknownReason {
        Timeout, ConnectionLost, Unreachable, ProviderError, Unreadable, StillProcessing, Interrupted,
    }
    /// Whose money a card spends.
    CardFunding = card::Funding { Credit, Debit, Prepaid, Unknown }
    /// How far telling an endpoint of an event is.
    DeliveryStatus = webhook_delivery::Status { Pending, Delivered, GivenUp }
    /// Why an attempt to tell an endpoint of an event had no answer.
    DeliveryFailure = webhook_delivery::Failure {
        AddressNotAllowed, NameNotFound, ConnectionFailed, TlsFailed, TimedOut, NoAnswer,
    }
    /// Why an endpoint is told nothing.
    DisabledReason = webhook_endpoint::DisabledBecause { Asked, Gone, Failing }
    /// A card's brand.
    CardBrand = card::Brand { Amex, Diners, Discover, Jcb, Mastercard, Unionpay, Visa, Unknown }
}

/// Where a charge stands. A charge that was authorised has succeeded; `captured` tells whether money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum ChargeStatus {
    Succeeded,
    Failed,
}

impl From<charge::Status> for ChargeStatus {
    fn from(status: charge::Status) -> Self {
        match status {
            charge::Status::Authorized | charge::Status::Captured | charge::Status::Voided => Self::Succeeded,
            charge::Status::Failed => Self::Failed,
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl From<refund::Status> for RefundStatus {
    fn from(status: refund::Status) -> Self {
        match status {
            refund::Status::Sending | refund::Status::Unknown | refund::Status::Pending => Self::Pending,
            refund::Status::Succeeded => Self::Succeeded,
            refund::Status::Failed => Self::Failed,
        }
    }
}

/// Whether a line of the statement can be paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum BalanceStatus {
    Available,
    Pending,
}

/// What a shop may do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum AdviceCode {
    ConfirmCardData,
    DoNotTryAgain,
    TryAgainLater,
}
