//! The charge: what an attempt came to.

use domain::charge::{self, Status};
use domain::decline::{CardErrorCode, DeclineCode};
use domain::id::{ChargeId, PaymentMethodId};
use serde::Serialize;
use utoipa::ToSchema;

use super::card::advice;
use super::contact::{BillingDetails, Shipping};
use super::reference::{BalanceTransactionRef, CustomerRef, PaymentIntentRef};
use super::words::{AdviceCode, ChargeStatus};
use super::{Context, Metadata, Null};

mod card;
pub use card::{ChargeCard, Feature, NetworkToken, Overcapture, PaymentMethodDetails, ThreeDSecure};

/// The visible result of one try to take a payment.
#[derive(Serialize, ToSchema)]
pub struct Charge<'a> {
    #[schema(value_type = String)]
    id: ChargeId,
    /// `charge`.
    object: &'static str,
    /// What was authorised, or asked for when it failed; in the currency's minor unit.
    amount: i64,
    /// What was taken.
    amount_captured: i64,
    /// What was or is being given back; all of a reservation that was given up.
    amount_refunded: i64,
    #[schema(inline)]
    application: Null,
    #[schema(inline)]
    application_fee: Null,
    #[schema(inline)]
    application_fee_amount: Null,
    /// Its line on the merchant's statement, once captured.
    balance_transaction: Option<BalanceTransactionRef>,
    billing_details: BillingDetails<'a>,
    /// What the buyer's statement says.
    calculated_statement_descriptor: Option<&'a str>,
    /// The money was taken and not only reserved.
    captured: bool,
    /// When it was made, in seconds since 1970.
    created: i64,
    /// Three letters, lower case.
    currency: &'static str,
    customer: Option<CustomerRef>,
    description: Option<&'a str>,
    disputed: bool,
    #[schema(inline)]
    failure_balance_transaction: Null,
    failure_code: Option<&'static str>,
    /// A sentence for the buyer.
    failure_message: Option<&'static str>,
    fraud_details: FraudDetails<'a>,
    livemode: bool,
    metadata: Metadata<'a>,
    #[schema(inline)]
    on_behalf_of: Null,
    outcome: ChargeOutcome,
    /// It succeeded, or the money is reserved.
    paid: bool,
    payment_intent: PaymentIntentRef,
    #[schema(value_type = String)]
    payment_method: PaymentMethodId,
    payment_method_details: PaymentMethodDetails<'a>,
    /// Where to send a receipt.
    receipt_email: Option<&'a str>,
    #[schema(inline)]
    receipt_number: Null,
    #[schema(inline)]
    receipt_url: Null,
    /// All of it was given back, or the reservation given up.
    refunded: bool,
    #[schema(inline)]
    review: Null,
    shipping: Option<Shipping<'a>>,
    #[schema(inline)]
    source: Null,
    #[schema(inline)]
    source_transfer: Null,
    statement_descriptor: Option<&'a str>,
    statement_descriptor_suffix: Option<&'a str>,
    status: ChargeStatus,
    #[schema(inline)]
    transfer_data: Null,
    #[schema(inline)]
    transfer_group: Null,
}

/// What is thought of a suspected fraud.
#[derive(Serialize, ToSchema)]
pub struct FraudDetails<'a> {
    /// The shop's word: `safe` or `fraudulent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_report: Option<&'a str>,
}

/// How the network and the issuer decided.
#[derive(Serialize, ToSchema)]
pub struct ChargeOutcome {
    advice_code: Option<AdviceCode>,
    #[schema(inline)]
    network_advice_code: Null,
    #[schema(inline)]
    network_decline_code: Null,
    /// `approved_by_network`, `declined_by_network` or `not_sent_to_network`.
    network_status: &'static str,
    /// The decline code.
    reason: Option<&'static str>,
    /// `normal`: no risk is estimated.
    risk_level: &'static str,
    /// A sentence for the merchant.
    seller_message: &'static str,
    /// `authorized`, `issuer_declined` or `invalid`.
    r#type: &'static str,
}

impl ChargeOutcome {
    const AUTHORIZED: Self = Self {
        advice_code: None,
        network_advice_code: Null,
        network_decline_code: Null,
        network_status: "approved_by_network",
        reason: None,
        risk_level: "normal",
        seller_message: "Payment complete.",
        r#type: "authorized",
    };

    fn failed(failure: &charge::Failure) -> Self {
        // Who fails 3-D Secure is never asked for the money.
        let sent = failure.code != CardErrorCode::PaymentIntentAuthenticationFailure;
        Self {
            advice_code: failure.decline_code.and_then(advice),
            network_status: if sent { "declined_by_network" } else { "not_sent_to_network" },
            reason: Some(failure.decline_code.map_or(failure.code.as_str(), DeclineCode::as_str)),
            seller_message: seller_message(failure.decline_code, sent),
            r#type: if sent { "issuer_declined" } else { "invalid" },
            ..Self::AUTHORIZED
        }
    }
}

const fn seller_message(code: Option<DeclineCode>, sent: bool) -> &'static str {
    match code {
        _ if !sent => "The buyer did not pass authentication.",
        Some(DeclineCode::AuthenticationRequired) => "The bank requires the buyer to authenticate.",
        Some(DeclineCode::ExpiredCard) => "The bank returned that the card has expired.",
        Some(DeclineCode::IncorrectCvc) => "The bank returned that the security code is incorrect.",
        Some(DeclineCode::InsufficientFunds) => "The bank returned that the card's funds are insufficient.",
        Some(DeclineCode::LostCard) => "The bank returned that the card is reported lost.",
        Some(DeclineCode::StolenCard) => "The bank returned that the card is reported stolen.",
        Some(DeclineCode::ProcessingError) => "The bank could not process the payment.",
        _ => "The bank returned no further details with this decline.",
    }
}

impl<'a> Charge<'a> {
    /// The charge as the API shows it.
    #[must_use]
    pub fn view(charge: &'a charge::Charge, ctx: Context) -> Self {
        let captured = charge.status == Status::Captured;
        let voided = charge.status == Status::Voided;
        Self {
            id: charge.id,
            object: "charge",
            amount: charge.amount.minor(),
            amount_captured: charge.amount_captured,
            amount_refunded: if voided { charge.amount.minor() } else { charge.amount_refunded },
            application: Null,
            application_fee: Null,
            application_fee_amount: Null,
            balance_transaction: charge.balance_transaction.map(Into::into),
            billing_details: BillingDetails::view(&charge.billing_details),
            calculated_statement_descriptor: charge.statement_line.as_deref(),
            captured,
            created: charge.created_at.seconds(),
            currency: charge.amount.currency().code(),
            customer: charge.customer.map(Into::into),
            description: charge.description.as_deref(),
            disputed: false,
            failure_balance_transaction: Null,
            failure_code: charge.failure.as_ref().map(|failure| failure.code.as_str()),
            failure_message: charge.failure.as_ref().map(|failure| failure.code.message()),
            fraud_details: FraudDetails { user_report: charge.fraud_report.as_deref() },
            livemode: ctx.livemode,
            metadata: ctx.notes(&charge.metadata),
            on_behalf_of: Null,
            outcome: charge.failure.as_ref().map_or(ChargeOutcome::AUTHORIZED, ChargeOutcome::failed),
            paid: charge.status != Status::Failed,
            payment_intent: charge.payment_intent.into(),
            payment_method: charge.payment_method,
            payment_method_details: PaymentMethodDetails::view(charge),
            receipt_email: charge.receipt_email.as_deref(),
            receipt_number: Null,
            receipt_url: Null,
            refunded: voided || (captured && charge.amount_refundable() == 0),
            review: Null,
            shipping: charge.shipping.as_ref().map(Shipping::view),
            source: Null,
            source_transfer: Null,
            statement_descriptor: charge.statement_descriptor.as_deref(),
            statement_descriptor_suffix: charge.statement_descriptor_suffix.as_deref(),
            status: charge.status.into(),
            transfer_data: Null,
            transfer_group: Null,
        }
    }
}
