//! The payment.

use domain::id::PaymentIntentId;
use domain::payment_intent;
use domain::time::Timestamp;
use serde::{Serialize, Serializer};
use std::fmt::Display;
use utoipa::ToSchema;

use super::card::{LastError, NextAction};
use super::contact::Shipping;
use super::reference::{ChargeRef, CustomerRef, PaymentMethodRef};
use super::words::{
    AllowRedirects, CancellationReason, CaptureMethod, ConfirmationMethod, FutureUsage, PaymentIntentStatus, ThreeDSecureRequest,
};
use super::{Context, Metadata, Null};

/// A shop's purpose to collect an amount, from its creation to its end.
#[derive(Serialize, ToSchema)]
pub struct PaymentIntent<'a> {
    #[schema(value_type = String)]
    id: PaymentIntentId,
    /// `payment_intent`.
    object: &'static str,
    #[schema(inline)]
    allowed_payment_method_types: Null,
    /// What is to be collected, in the currency's minor unit.
    amount: i64,
    /// What is reserved on the card and can still be taken.
    amount_capturable: i64,
    /// What was taken.
    amount_received: i64,
    #[schema(inline)]
    application: Null,
    #[schema(inline)]
    application_fee_amount: Null,
    /// All kinds of methods that are enabled may pay; null when the shop named the kinds.
    automatic_payment_methods: Option<AutomaticPaymentMethods>,
    /// When it was given up, in seconds since 1970.
    canceled_at: Option<i64>,
    cancellation_reason: Option<CancellationReason>,
    capture_method: CaptureMethod,
    /// With this and a publishable key, a browser can see and confirm this one payment.
    #[schema(value_type = String)]
    client_secret: ClientSecret<'a, PaymentIntentId>,
    confirmation_method: ConfirmationMethod,
    /// When it was made, in seconds since 1970.
    created: i64,
    /// Three letters, lower case.
    currency: &'static str,
    customer: Option<CustomerRef>,
    #[schema(inline)]
    customer_account: Null,
    description: Option<&'a str>,
    #[schema(inline)]
    excluded_payment_method_types: Null,
    last_payment_error: Option<LastError<'a>>,
    latest_charge: Option<ChargeRef>,
    livemode: bool,
    #[schema(inline)]
    managed_payments: Null,
    metadata: Metadata<'a>,
    next_action: Option<NextAction<'a>>,
    #[schema(inline)]
    on_behalf_of: Null,
    payment_method: Option<PaymentMethodRef>,
    #[schema(inline)]
    payment_method_configuration_details: Null,
    payment_method_options: Option<PaymentMethodOptions>,
    payment_method_types: [&'static str; 1],
    #[schema(inline)]
    payment_record: Null,
    #[schema(inline)]
    processing: Null,
    /// Where to send a receipt.
    receipt_email: Option<&'a str>,
    #[schema(inline)]
    review: Null,
    setup_future_usage: Option<FutureUsage>,
    shipping: Option<Shipping<'a>>,
    #[schema(inline)]
    source: Null,
    /// What the buyer's statement says.
    statement_descriptor: Option<&'a str>,
    statement_descriptor_suffix: Option<&'a str>,
    status: PaymentIntentStatus,
    #[schema(inline)]
    transfer_data: Null,
    #[schema(inline)]
    transfer_group: Null,
}

/// What a browser needs besides a publishable key.
pub(super) struct ClientSecret<'a, T> {
    pub(super) id: T,
    pub(super) secret: &'a str,
}

impl<T: Display> Serialize for ClientSecret<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}_secret_{}", self.id, self.secret))
    }
}

/// All kinds of methods that are enabled are offered.
#[derive(Serialize, ToSchema)]
pub struct AutomaticPaymentMethods {
    allow_redirects: AllowRedirects,
    enabled: bool,
}

/// How each kind of payment method is treated.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodOptions {
    card: CardOptions,
}

/// How cards are treated.
#[derive(Serialize, ToSchema)]
pub struct CardOptions {
    #[schema(inline)]
    installments: Null,
    #[schema(inline)]
    mandate_options: Null,
    #[schema(inline)]
    network: Null,
    request_three_d_secure: ThreeDSecureRequest,
}

impl PaymentMethodOptions {
    fn view(request: payment_intent::ThreeDSecureRequest) -> Self {
        let request_three_d_secure = request.into();
        Self { card: CardOptions { installments: Null, mandate_options: Null, network: Null, request_three_d_secure } }
    }
}

impl AutomaticPaymentMethods {
    pub(super) fn view(redirects: payment_intent::AllowRedirects) -> Self {
        Self { allow_redirects: redirects.into(), enabled: true }
    }
}

impl<'a> PaymentIntent<'a> {
    /// The payment as the API shows it.
    #[must_use]
    pub fn view(intent: &'a payment_intent::PaymentIntent, ctx: Context) -> Self {
        let capturable = intent.status == payment_intent::Status::RequiresCapture;
        Self {
            id: intent.id,
            object: "payment_intent",
            allowed_payment_method_types: Null,
            amount: intent.amount.minor(),
            amount_capturable: if capturable { intent.amount.minor() } else { 0 },
            amount_received: intent.amount_received,
            application: Null,
            application_fee_amount: Null,
            automatic_payment_methods: intent.automatic_payment_methods.map(AutomaticPaymentMethods::view),
            canceled_at: intent.canceled_at.map(Timestamp::seconds),
            cancellation_reason: intent.cancellation_reason.map(Into::into),
            capture_method: intent.capture_method.into(),
            client_secret: ClientSecret { id: intent.id, secret: &intent.secret },
            confirmation_method: intent.confirmation_method.into(),
            created: intent.created_at.seconds(),
            currency: intent.amount.currency().code(),
            customer: ctx.for_shop(intent.customer.map(Into::into)),
            customer_account: Null,
            description: intent.description.as_deref(),
            excluded_payment_method_types: Null,
            last_payment_error: intent.last_error.as_ref().map(|error| LastError::view(error, ctx)),
            latest_charge: ctx.for_shop(intent.latest_charge.map(Into::into)),
            livemode: ctx.livemode,
            managed_payments: Null,
            metadata: ctx.notes(&intent.metadata),
            next_action: intent.next_action.as_ref().map(NextAction::view),
            on_behalf_of: Null,
            payment_method: intent.payment_method.map(Into::into),
            payment_method_configuration_details: Null,
            payment_method_options: ctx.for_shop(Some(PaymentMethodOptions::view(intent.three_d_secure))),
            payment_method_types: ["card"],
            payment_record: Null,
            processing: Null,
            receipt_email: intent.receipt_email.as_deref(),
            review: Null,
            setup_future_usage: intent.setup_future_usage.map(Into::into),
            shipping: intent.shipping.as_ref().map(Shipping::view),
            source: Null,
            statement_descriptor: ctx.for_shop(intent.statement_descriptor.as_deref()),
            statement_descriptor_suffix: ctx.for_shop(intent.statement_descriptor_suffix.as_deref()),
            status: intent.status.into(),
            transfer_data: Null,
            transfer_group: Null,
        }
    }
}
