//! References to other objects: an id as text, or the object itself when a client asked to expand it.
//!
//! These types only ever write ids; that they may be objects is for the description of the API. Descriptions
//! refer to each other by name, so that objects which refer to each other do not nest without end.

use domain::id::{BalanceTransactionId, ChargeId, CustomerId, PaymentIntentId, PaymentMethodId, RefundId};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

fn id_or(schemas: &[&str]) -> RefOr<Schema> {
    let id = ObjectBuilder::new().schema_type(Type::String).description(Some("The object's id"));
    let any = AnyOfBuilder::new().item(id);
    schemas.iter().fold(any, |any, name| any.item(Ref::from_schema_name(*name))).into()
}

macro_rules! references {
    ($($(#[$doc:meta])* $name:ident($id:ty) = $($schema:literal)|+;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $id);

        impl From<$id> for $name {
            fn from(id: $id) -> Self {
                Self(id)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                id_or(&[$($schema),+])
            }
        }

        impl ToSchema for $name {}
    )*};
}

references! {
    /// A line of the merchant's statement.
    BalanceTransactionRef(BalanceTransactionId) = "BalanceTransaction";
    /// A charge.
    ChargeRef(ChargeId) = "Charge";
    /// A customer, who may have been deleted since.
    CustomerRef(CustomerId) = "Customer" | "Deleted";
    /// A payment.
    PaymentIntentRef(PaymentIntentId) = "PaymentIntent";
    /// A card.
    PaymentMethodRef(PaymentMethodId) = "PaymentMethod";
}

/// What a line of the merchant's statement is about.
#[derive(Clone, Copy, Debug)]
pub enum SourceRef {
    /// A payment taken.
    Charge(ChargeId),
    /// Money given back, or not after all.
    Refund(RefundId),
}

impl Serialize for SourceRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Charge(id) => id.serialize(serializer),
            Self::Refund(id) => id.serialize(serializer),
        }
    }
}

impl PartialSchema for SourceRef {
    fn schema() -> RefOr<Schema> {
        id_or(&["Charge", "Refund"])
    }
}

impl ToSchema for SourceRef {}
