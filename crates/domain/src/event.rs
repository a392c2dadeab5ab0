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
    ($($variant:ident = $code:literal, $text:literal;)*) => {
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

            /// The number that lists of events of one kind are kept under: it never changes and is never reused.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

event_kinds! {
    PaymentIntentCreated = 1, "payment_intent.created";
    PaymentIntentProcessing = 2, "payment_intent.processing";
    PaymentIntentRequiresAction = 3, "payment_intent.requires_action";
    PaymentIntentAmountCapturableUpdated = 4, "payment_intent.amount_capturable_updated";
    PaymentIntentSucceeded = 5, "payment_intent.succeeded";
    PaymentIntentPaymentFailed = 6, "payment_intent.payment_failed";
    PaymentIntentCanceled = 7, "payment_intent.canceled";
    ChargeSucceeded = 8, "charge.succeeded";
    ChargeFailed = 9, "charge.failed";
    ChargeCaptured = 10, "charge.captured";
    ChargeRefunded = 11, "charge.refunded";
    ChargeUpdated = 12, "charge.updated";
    ChargeExpired = 13, "charge.expired";
    ChargeRefundUpdated = 14, "charge.refund.updated";
    RefundCreated = 15, "refund.created";
    RefundUpdated = 16, "refund.updated";
    RefundFailed = 17, "refund.failed";
    CustomerCreated = 18, "customer.created";
    CustomerUpdated = 19, "customer.updated";
    CustomerDeleted = 20, "customer.deleted";
    PaymentMethodAttached = 21, "payment_method.attached";
    PaymentMethodDetached = 22, "payment_method.detached";
    PaymentMethodUpdated = 23, "payment_method.updated";
    SetupIntentCreated = 24, "setup_intent.created";
    SetupIntentRequiresAction = 25, "setup_intent.requires_action";
    SetupIntentSucceeded = 26, "setup_intent.succeeded";
    SetupIntentSetupFailed = 27, "setup_intent.setup_failed";
    SetupIntentCanceled = 28, "setup_intent.canceled";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_share_a_code_or_a_text() {
        let codes: std::collections::BTreeSet<u8> = EventKind::ALL.iter().map(|kind| kind.code()).collect();
        let texts: std::collections::BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!((codes.len(), texts.len()), (EventKind::ALL.len(), EventKind::ALL.len()));
    }
}
