//! The movements of money there are, and which accounts each touches: declared once, here.

use serde::{Deserialize, Serialize};

use super::LedgerAccount::{self, MerchantPayable, ProcessingFees, ProviderReceivable, RefundsInTransit, Suspense};
use crate::id::{ChargeId, PaymentAttemptId, RefundId, Ulid};

/// Which side of an account a posting is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// A positive posting.
    Debit,
    /// A negative posting.
    Credit,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// A payment was taken.
    Capture,
    /// An amount was set aside for a refund, before the provider is asked.
    RefundReserved,
    /// The provider made the refund.
    RefundSettled,
    /// The refund failed before the provider made it: the merchant has the amount back.
    RefundReversed,
    /// The refund came back after the provider had made it: the merchant has the amount back.
    RefundReturned,
    /// A provider took money for a payment that had ended without it.
    LateCapture,
    /// A provider gave back what it had taken so.
    LateCaptureReturned,
    /// A provider gave money back for a refund that had failed.
    LateRefund,
}

/// The object an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A charge.
    Charge(ChargeId),
    /// A refund.
    Refund(RefundId),
    /// A try to take a payment.
    Attempt(PaymentAttemptId),
}

impl Source {
    /// The object's ULID.
    #[must_use]
    pub const fn ulid(self) -> Ulid {
        match self {
            Self::Charge(id) => id.ulid(),
            Self::Refund(id) => id.ulid(),
            Self::Attempt(id) => id.ulid(),
        }
    }
}

impl Movement {
    /// Every movement.
    pub const ALL: [Self; 8] = [
        Self::Capture,
        Self::RefundReserved,
        Self::RefundSettled,
        Self::RefundReversed,
        Self::RefundReturned,
        Self::LateCapture,
        Self::LateCaptureReturned,
        Self::LateRefund,
    ];

    /// The postings an entry of this movement may have: at most one a leg.
    #[must_use]
    pub const fn legs(self) -> &'static [(LedgerAccount, Side)] {
        match self {
            Self::Capture => &[(ProviderReceivable, Side::Debit), (MerchantPayable, Side::Credit), (ProcessingFees, Side::Credit)],
            Self::RefundReserved => &[(MerchantPayable, Side::Debit), (RefundsInTransit, Side::Credit)],
            Self::RefundSettled => &[(RefundsInTransit, Side::Debit), (ProviderReceivable, Side::Credit)],
            Self::RefundReversed => &[(RefundsInTransit, Side::Debit), (MerchantPayable, Side::Credit)],
            Self::RefundReturned => &[(ProviderReceivable, Side::Debit), (MerchantPayable, Side::Credit)],
            Self::LateCapture => &[(ProviderReceivable, Side::Debit), (Suspense, Side::Credit)],
            Self::LateCaptureReturned | Self::LateRefund => &[(Suspense, Side::Debit), (ProviderReceivable, Side::Credit)],
        }
    }

    /// Whether an entry of this movement can be about that kind of object.
    #[must_use]
    pub const fn is_about(self, source: Source) -> bool {
        match self {
            Self::Capture => matches!(source, Source::Charge(_)),
            Self::RefundReserved | Self::RefundSettled | Self::RefundReversed | Self::RefundReturned | Self::LateRefund => {
                matches!(source, Source::Refund(_))
            }
            Self::LateCapture | Self::LateCaptureReturned => matches!(source, Source::Attempt(_)),
        }
    }
}
