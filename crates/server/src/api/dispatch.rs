//! Which operation a method and path name.

use domain::account::ApiKey;
use http::Method;
use payments::Request;
use payments::idempotency::Answered;

use super::lists::{self, retrieve};
use super::{App, Failure, customers, payment_intents, resources, secret_only, setup_intents, updates};
use crate::params::Tree;

/// One authenticated call.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) key: &'a ApiKey,
    pub(crate) path: &'a str,
    pub(crate) tree: Tree,
    pub(crate) request: Request,
}

/// Carries out the operation, or says that there is none.
pub(crate) async fn dispatch(method: &Method, call: Call<'_>) -> Result<Answered, Failure> {
    let path = call.path.trim_end_matches('/').to_owned();
    let mut segments = path.split('/').skip(1);
    if segments.next() != Some("v1") {
        return Err(Failure::NoRoute);
    }
    let rest: Vec<&str> = segments.collect();
    let browser = matches!((method.as_str(), rest.as_slice()), ("POST", ["tokens" | "payment_methods"]));
    if !browser {
        secret_only(call.key)?;
    }
    match (method.as_str(), rest.as_slice()) {
        ("POST", ["payment_intents"]) => payment_intents::create::create(call).await,
        ("GET", ["payment_intents"]) => lists::payments::payment_intents(call).await,
        ("GET", ["payment_intents", id]) => retrieve::<domain::payment_intent::PaymentIntent>(call, id).await,
        ("POST", ["payment_intents", id]) => payment_intents::update::update(call, id).await,
        ("POST", ["payment_intents", id, "confirm"]) => payment_intents::confirm::confirm(call, id).await,
        ("POST", ["payment_intents", id, "capture"]) => payment_intents::capture::capture(call, id).await,
        ("POST", ["payment_intents", id, "cancel"]) => payment_intents::cancel::cancel(call, id).await,
        ("POST", ["refunds"]) => resources::create_refund(call).await,
        ("GET", ["refunds"]) => lists::payments::refunds(call).await,
        ("GET", ["refunds", id]) => retrieve::<domain::refund::Refund>(call, id).await,
        ("GET", ["charges"]) => lists::payments::charges(call).await,
        ("GET", ["charges", id]) => retrieve::<domain::charge::Charge>(call, id).await,
        ("GET", ["events"]) => lists::events::events(call).await,
        ("GET", ["events", id]) => retrieve::<domain::event::Event>(call, id).await,
        ("GET", ["balance"]) => lists::statement::balance(call).await,
        ("GET", ["balance_transactions"]) => lists::statement::balance_transactions(call).await,
        ("GET", ["balance_transactions", id]) => retrieve::<domain::balance_transaction::BalanceTransaction>(call, id).await,
        ("POST", ["customers"]) => customers::create(call).await,
        ("GET", ["customers"]) => lists::customers::customers(call).await,
        ("GET", ["customers", id, "payment_methods"]) => lists::customers::cards(call, id).await,
        ("GET", ["customers", id, "payment_methods", method]) => lists::customers::card(call, id, method).await,
        ("GET", ["customers", id]) => retrieve::<domain::customer::Customer>(call, id).await,
        ("DELETE", ["customers", id]) => customers::delete(call, id).await,
        ("POST", ["payment_methods", id, "attach"]) => resources::attach(call, id).await,
        ("POST", ["payment_methods", id, "detach"]) => resources::detach(call, id).await,
        ("POST", ["payment_methods"]) => resources::create_payment_method(call).await,
        ("GET", ["payment_methods", id]) => retrieve::<domain::payment_method::PaymentMethod>(call, id).await,
        ("POST", ["tokens"]) => resources::create_token(call).await,
        ("GET", ["tokens", id]) => retrieve::<domain::payment_method::Token>(call, id).await,
        ("GET", ["payment_methods"]) => lists::customers::payment_methods(call).await,
        ("POST", ["payment_methods", id]) => updates::payment_method(call, id).await,
        ("POST", ["customers", id]) => customers::update(call, id).await,
        ("POST", ["charges", id]) => updates::charge(call, id).await,
        ("POST", ["refunds", id]) => updates::refund(call, id).await,
        ("GET", ["account"]) => updates::account(call).await,
        ("POST", ["setup_intents"]) => setup_intents::create(call).await,
        ("GET", ["setup_intents"]) => lists::payments::setup_intents(call).await,
        ("GET", ["setup_intents", id]) => retrieve::<domain::setup_intent::SetupIntent>(call, id).await,
        ("POST", ["setup_intents", id]) => setup_intents::update(call, id).await,
        ("POST", ["setup_intents", id, "confirm"]) => setup_intents::confirm(call, id).await,
        ("POST", ["setup_intents", id, "cancel"]) => setup_intents::cancel(call, id).await,
        _ => Err(Failure::NoRoute),
    }
}
