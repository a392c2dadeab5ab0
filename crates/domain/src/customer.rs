//! Buyers the merchant knows.

use serde::{Deserialize, Serialize};

use crate::contact::{Address, Shipping};
use crate::id::{CustomerId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::time::Timestamp;

/// A buyer the merchant knows. Cards are attached to it (see [`PaymentMethod`](crate::payment_method::PaymentMethod)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the field names say all there is to say
pub struct Customer {
    pub id: CustomerId,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping>,
    /// The card that invoices and future payments take by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_payment_method: Option<PaymentMethodId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// A deleted customer stays readable as deleted, and can be used for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}
