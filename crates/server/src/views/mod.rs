//! The API's objects as JSON: Stripe's field names and shapes, one resource a file.
//!
//! A view borrows a domain object and is made by a pure function of it and a [`Context`]. Every field that
//! Stripe's shape requires is written, also when it is null. Fields that Bursar never fills are [`Null`];
//! references are written as ids ([`reference`]), and replaced by the objects themselves by the presenter, when
//! a client asks for it. The words of enumerations are translated in [`words`] and nowhere else.
//!
//! Absent on purpose: reading anything, deciding anything, and `serde_json::Value` on the way of an answer.

use domain::scope::Scope;
use domain::time::Timestamp;
use payments::ports::Audience;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub mod account;
pub mod api_key;
pub mod audit_entry;
pub mod balance;
pub mod balance_transaction;
pub mod card;
pub mod charge;
pub mod components;
pub mod contact;
pub mod customer;
pub mod deleted;
pub mod error;
pub mod event;
pub mod list;
pub mod object;
pub mod open_operation;
pub mod payment_intent;
pub mod payment_method;
pub mod reference;
pub mod refund;
pub mod setup_intent;
pub mod token;
pub mod user;
pub mod webhook_delivery;
pub mod webhook_endpoint;
pub mod words;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use api_key::ApiKey;
pub use audit_entry::AuditEntry;
pub use balance::Balance;
pub use balance_transaction::BalanceTransaction;
pub use charge::Charge;
pub use customer::Customer;
pub use deleted::Deleted;
pub use error::{Error, ErrorBody};
pub use event::Event;
pub use list::List;
pub use object::Rendered;
pub use open_operation::OpenOperation;
pub use payment_intent::PaymentIntent;
pub use payment_method::PaymentMethod;
pub use refund::Refund;
pub use setup_intent::SetupIntent;
pub use token::Token;
pub use user::User;
pub use webhook_delivery::{WebhookDelivery, WebhookReplay};
pub use webhook_endpoint::WebhookEndpoint;

/// The version of Stripe's API whose shapes these are: the one that stripe-node 23.1 asks for.
pub const API_VERSION: &str = "2026-10-28.endive";

/// What a view depends on besides its object.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The objects are live data.
    pub livemode: bool,
    /// The time of the answer.
    pub now: Timestamp,
    /// Who reads the answer.
    pub audience: Audience,
}

impl Context {
    /// For an answer about a scope's data.
    #[must_use]
    pub const fn of(scope: Scope, now: Timestamp, audience: Audience) -> Self {
        Self { livemode: scope.mode.is_live(), now, audience }
    }

    /// What a browser has no business with, is null for it: the shape stays the published one.
    fn for_shop<T>(self, field: Option<T>) -> Option<T> {
        match self.audience {
            Audience::Shop => field,
            Audience::Browser => None,
        }
    }

    /// The shop's own notes, of which a browser sees none.
    fn notes(self, notes: &domain::metadata::Metadata) -> Metadata<'_> {
        Metadata(self.for_shop(Some(notes)))
    }
}

/// A field of Stripe's shape that stands for something Bursar does not have: always null.
#[derive(Clone, Copy, Debug)]
pub struct Null;

impl Serialize for Null {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl PartialSchema for Null {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Null).into()
    }
}

impl ToSchema for Null {}

/// The shop's own notes; none are shown as no entries.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a>(pub Option<&'a domain::metadata::Metadata>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(notes) => notes.serialize(serializer),
            None => serializer.collect_map(std::iter::empty::<(&str, &str)>()),
        }
    }
}

impl PartialSchema for Metadata<'_> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let notes = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(text));
        notes.description(Some("The shop's own notes")).into()
    }
}

impl ToSchema for Metadata<'_> {}
