//! Things that happened, each with the object as it was at that change.

use serde::{Deserialize, Serialize};

use crate::charge::Charge;
use crate::customer::Customer;
use crate::id::EventId;
use crate::payment_intent::PaymentIntent;
use crate::payment_method::PaymentMethod;
use crate::refund::Refund;
use crate::setup_intent::SetupIntent;
use crate::time::Timestamp;

macro_rules! event_kinds {
    ($($variant:ident = $text:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)] // as in the API
        pub enum EventKind { $(#[serde(rename = $text)] $variant,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The kind as the API writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

event_kinds! {
    PaymentIntentCreated = "payment_intent.created";
    PaymentIntentProcessing = "payment_intent.processing";
    PaymentIntentRequiresAction = "payment_intent.requires_action";
    PaymentIntentAmountCapturableUpdated = "payment_intent.amount_capturable_updated";
    PaymentIntentSucceeded = "payment_intent.succeeded";
    PaymentIntentPaymentFailed = "payment_intent.payment_failed";
    PaymentIntentCanceled = "payment_intent.canceled";
    ChargeSucceeded = "charge.succeeded";
    ChargeFailed = "charge.failed";
    ChargeCaptured = "charge.captured";
    ChargeRefunded = "charge.refunded";
    ChargeUpdated = "charge.updated";
    ChargeExpired = "charge.expired";
    ChargeRefundUpdated = "charge.refund.updated";
    RefundCreated = "refund.created";
    RefundUpdated = "refund.updated";
    RefundFailed = "refund.failed";
    CustomerCreated = "customer.created";
    CustomerUpdated = "customer.updated";
    CustomerDeleted = "customer.deleted";
    PaymentMethodAttached = "payment_method.attached";
    PaymentMethodDetached = "payment_method.detached";
    PaymentMethodUpdated = "payment_method.updated";
    SetupIntentCreated = "setup_intent.created";
    SetupIntentRequiresAction = "setup_intent.requires_action";
    SetupIntentSucceeded = "setup_intent.succeeded";
    SetupIntentSetupFailed = "setup_intent.setup_failed";
    SetupIntentCanceled = "setup_intent.canceled";
}

/// An object as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the variants are the objects
pub enum Snapshot {
    PaymentIntent(Box<PaymentIntent>),
    Charge(Box<Charge>),
    Refund(Box<Refund>),
    Customer(Box<Customer>),
    PaymentMethod(Box<PaymentMethod>),
    SetupIntent(Box<SetupIntent>),
}

/// The request that caused a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// The request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The idempotency key it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its name in the API.
    pub id: EventId,
    /// When it happened.
    pub created_at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The object after the change.
    pub object: Snapshot,
    /// The object before it, for updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Snapshot>,
    /// What caused it.
    #[serde(default)]
    pub cause: Cause,
    /// Position among the object's events, from 1 without gaps.
    pub sequence: u32,
}
