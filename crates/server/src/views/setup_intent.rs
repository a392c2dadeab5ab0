//! The set-up of a card for later.

use domain::id::{SetupAttemptId, SetupIntentId};
use domain::setup_intent;
use serde::Serialize;
use utoipa::ToSchema;

use super::card::{LastError, NextAction};
use super::payment_intent::{AutomaticPaymentMethods, ClientSecret};
use super::reference::{CustomerRef, PaymentMethodRef};
use super::words::{CancellationReason, FutureUsage, SetupIntentStatus, ThreeDSecureRequest};
use super::{Context, Metadata, Null};

/// A shop's purpose to save a card for later.
#[derive(Serialize, ToSchema)]
pub struct SetupIntent<'a> {
    #[schema(value_type = String)]
    id: SetupIntentId,
    /// `setup_intent`.
    object: &'static str,
    #[schema(inline)]
    allowed_payment_method_types: Null,
    #[schema(inline)]
    application: Null,
    /// All kinds of methods that are enabled may be saved; null when the shop named the kinds.
    automatic_payment_methods: Option<AutomaticPaymentMethods>,
    cancellation_reason: Option<CancellationReason>,
    /// With this and a publishable key, a browser can see and confirm this one set-up.
    #[schema(value_type = String)]
    client_secret: ClientSecret<'a, SetupIntentId>,
    /// When it was made, in seconds since 1970.
    created: i64,
    customer: Option<CustomerRef>,
    #[schema(inline)]
    customer_account: Null,
    description: Option<&'a str>,
    #[schema(inline)]
    excluded_payment_method_types: Null,
    #[schema(inline)]
    flow_directions: Null,
    last_setup_error: Option<LastError<'a>>,
    /// The id of the last try.
    #[schema(value_type = Option<String>)]
    latest_attempt: Option<SetupAttemptId>,
    livemode: bool,
    #[schema(inline)]
    managed_payments: Null,
    #[schema(inline)]
    mandate: Null,
    metadata: Metadata<'a>,
    next_action: Option<NextAction<'a>>,
    #[schema(inline)]
    on_behalf_of: Null,
    payment_method: Option<PaymentMethodRef>,
    #[schema(inline)]
    payment_method_configuration_details: Null,
    payment_method_options: Option<SetupMethodOptions>,
    payment_method_types: [&'static str; 1],
    #[schema(inline)]
    single_use_mandate: Null,
    status: SetupIntentStatus,
    usage: FutureUsage,
}

/// How each kind of payment method is treated when it is saved.
#[derive(Serialize, ToSchema)]
pub struct SetupMethodOptions {
    card: SetupCardOptions,
}

/// How cards are treated when they are saved.
#[derive(Serialize, ToSchema)]
pub struct SetupCardOptions {
    #[schema(inline)]
    mandate_options: Null,
    #[schema(inline)]
    network: Null,
    request_three_d_secure: ThreeDSecureRequest,
}

impl<'a> SetupIntent<'a> {
    /// The set-up as the API shows it.
    #[must_use]
    pub fn view(intent: &'a setup_intent::SetupIntent, ctx: Context) -> Self {
        Self {
            id: intent.id,
            object: "setup_intent",
            allowed_payment_method_types: Null,
            application: Null,
            automatic_payment_methods: intent.automatic_payment_methods.map(AutomaticPaymentMethods::view),
            cancellation_reason: intent.cancellation_reason.map(Into::into),
            client_secret: ClientSecret { id: intent.id, secret: &intent.secret },
            created: intent.created_at.seconds(),
            customer: ctx.for_shop(intent.customer.map(Into::into)),
            customer_account: Null,
            description: intent.description.as_deref(),
            excluded_payment_method_types: Null,
            flow_directions: Null,
            last_setup_error: intent.last_error.as_ref().map(|error| LastError::view(error, ctx)),
            latest_attempt: ctx.for_shop(intent.latest_attempt),
            livemode: ctx.livemode,
            managed_payments: Null,
            mandate: Null,
            metadata: ctx.notes(&intent.metadata),
            next_action: intent.next_action.as_ref().map(NextAction::view),
            on_behalf_of: Null,
            payment_method: intent.payment_method.map(Into::into),
            payment_method_configuration_details: Null,
            payment_method_options: ctx.for_shop(Some(SetupMethodOptions {
                card: SetupCardOptions { mandate_options: Null, network: Null, request_three_d_secure: intent.three_d_secure.into() },
            })),
            payment_method_types: ["card"],
            single_use_mandate: Null,
            status: intent.status.into(),
            usage: intent.usage.into(),
        }
    }
}
