//! Any object of the API, written through its own view.

use domain::webhook_endpoint::State;
use payments::outcome::Object;
use serde::{Serialize, Serializer};

use super::{
    Account, ApiKey, AuditEntry, BalanceTransaction, Charge, Context, Customer, Deleted, Event, PaymentIntent, PaymentMethod, Refund,
    SetupIntent, Token, User, WebhookEndpoint,
};

/// Any object of the API; a deleted one as what is left of it.
pub struct Rendered<'a> {
    /// The object.
    pub object: &'a Object,
    /// What its view depends on besides.
    pub ctx: Context,
}

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ctx = self.ctx;
        match self.object {
            Object::Account(account) => Account::view(account).serialize(serializer),
            Object::ApiKey(shown) => ApiKey::view(shown, ctx).serialize(serializer),
            Object::AuditEntry(entry) => AuditEntry::view(entry, ctx).serialize(serializer),
            Object::BalanceTransaction(line) => BalanceTransaction::view(line, ctx).serialize(serializer),
            Object::Charge(charge) => Charge::view(charge, ctx).serialize(serializer),
            Object::Customer(customer) if customer.deleted => Deleted::view(customer.id, "customer").serialize(serializer),
            Object::Customer(customer) => Customer::view(customer, ctx).serialize(serializer),
            Object::Event(shown) => Event::view(&shown.event, shown.pending_webhooks, ctx).serialize(serializer),
            Object::PaymentIntent(intent) => PaymentIntent::view(intent, ctx).serialize(serializer),
            Object::PaymentMethod(method) => PaymentMethod::view(method, ctx).serialize(serializer),
            Object::Refund(refund) => Refund::view(refund).serialize(serializer),
            Object::SetupIntent(intent) => SetupIntent::view(intent, ctx).serialize(serializer),
            Object::Token(token) => Token::view(token, ctx).serialize(serializer),
            Object::User(shown) => User::view(shown, ctx).serialize(serializer),
            Object::WebhookEndpoint(shown) if shown.endpoint.state == State::Deleted => {
                Deleted::view(shown.endpoint.id, "webhook_endpoint").serialize(serializer)
            }
            Object::WebhookEndpoint(shown) => WebhookEndpoint::view(shown, ctx).serialize(serializer),
        }
    }
}
