//! The refund.

use domain::id::RefundId;
use domain::refund;
use serde::Serialize;
use utoipa::ToSchema;

use super::reference::{BalanceTransactionRef, ChargeRef, PaymentIntentRef};
use super::words::{RefundFailureReason, RefundReason, RefundStatus};
use super::{Metadata, Null};

/// Money given back.
#[derive(Serialize, ToSchema)]
pub struct Refund<'a> {
    #[schema(value_type = String)]
    id: RefundId,
    /// `refund`.
    object: &'static str,
    /// In the currency's minor unit.
    amount: i64,
    balance_transaction: BalanceTransactionRef,
    charge: ChargeRef,
    /// When it was made, in seconds since 1970.
    created: i64,
    /// Three letters, lower case.
    currency: &'static str,
    #[schema(inline)]
    customer: Null,
    #[schema(inline)]
    customer_account: Null,
    destination_details: RefundDestination<'a>,
    /// The line that takes the first one back, when the refund failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_balance_transaction: Option<BalanceTransactionRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<RefundFailureReason>,
    metadata: Metadata<'a>,
    payment_intent: PaymentIntentRef,
    #[schema(inline)]
    payment_method: Null,
    /// `processing`, while the refund is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_reason: Option<&'static str>,
    reason: Option<RefundReason>,
    #[schema(inline)]
    receipt_number: Null,
    #[schema(inline)]
    source_transfer_reversal: Null,
    status: RefundStatus,
    #[schema(inline)]
    transfer_reversal: Null,
}

/// Where the money goes.
#[derive(Serialize, ToSchema)]
pub struct RefundDestination<'a> {
    card: RefundDestinationCard<'a>,
    /// `card`.
    r#type: &'static str,
}

/// The refund on its way to the card.
#[derive(Serialize, ToSchema)]
pub struct RefundDestinationCard<'a> {
    /// The provider's own name for the refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// `available`, `pending` or `unavailable`.
    reference_status: &'static str,
    /// `acquirer_reference_number`.
    reference_type: &'static str,
    /// `refund`, or `pending` while that is open.
    r#type: &'static str,
}

impl<'a> RefundDestination<'a> {
    fn view(refund: &'a refund::Refund) -> Self {
        let reference = refund.provider_reference.as_deref();
        let reference_status = match reference {
            Some(_) => "available",
            None if refund.status.is_open() => "pending",
            None => "unavailable",
        };
        let card = RefundDestinationCard {
            reference,
            reference_status,
            reference_type: "acquirer_reference_number",
            r#type: if refund.status.is_open() { "pending" } else { "refund" },
        };
        Self { card, r#type: "card" }
    }
}

impl<'a> Refund<'a> {
    /// The refund as the API shows it.
    #[must_use]
    pub fn view(refund: &'a refund::Refund) -> Self {
        Self {
            id: refund.id,
            object: "refund",
            amount: refund.amount.minor(),
            balance_transaction: refund.balance_transaction.into(),
            charge: refund.charge.into(),
            created: refund.created_at.seconds(),
            currency: refund.amount.currency().code(),
            customer: Null,
            customer_account: Null,
            destination_details: RefundDestination::view(refund),
            failure_balance_transaction: refund.failure_balance_transaction.map(Into::into),
            failure_reason: refund.failure.map(Into::into),
            metadata: Metadata(Some(&refund.metadata)),
            payment_intent: refund.payment_intent.into(),
            payment_method: Null,
            pending_reason: refund.status.is_open().then_some("processing"),
            reason: refund.reason.map(Into::into),
            receipt_number: Null,
            source_transfer_reversal: Null,
            status: refund.status.into(),
            transfer_reversal: Null,
        }
    }
}
