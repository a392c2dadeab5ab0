//! Every operation: its method and path, which keys open it, what it takes and gives. The one table that both
//! requests and the API's description are served from.

use std::sync::LazyLock;

use domain::account::Account;
use domain::audit::AuditEntry;
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use http::Method;

use super::lists::{self, RetrieveIntent, retrieve, retrieve_with_secret};
use super::requests::MethodParams;
use super::route::{Ids, Intent, Opens, Route, Run};
use super::{account, accounts, api_keys, charges, customers, open_operations, payment_intents, payment_methods, refunds, setup_intents};
use super::{users, webhook_deliveries, webhook_endpoints};
use crate::views;

/// The operation of a method and path, with the ids the path names.
pub(crate) fn find<'p>(method: &Method, path: &'p str) -> Option<(&'static Route, Ids<'p>)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    ROUTES.iter().filter(|route| route.method == *method).find_map(|route| Some((route, route.matches(path)?)))
}

/// Every operation there is.
pub(crate) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let all = [payments(), set_ups(), cards(), charges_and_refunds(), buyers(), statement(), webhooks(), keys(), merchants(), people()];
    all.into_iter().flatten().collect()
});

fn get(template: &'static str, run: Run) -> Route {
    Route::new(Method::GET, template, run)
}

fn post(template: &'static str, run: Run) -> Route {
    Route::new(Method::POST, template, run)
}

fn payments() -> Vec<Route> {
    use payment_intents::{cancel, capture, confirm, create, update};
    let browser = Opens::ClientSecret(Intent::Payment);
    vec![
        post("/v1/payment_intents", |call, _| Box::pin(create::create(call)))
            .titled("Create a payment")
            .takes::<create::CreatePaymentIntent>()
            .gives::<views::PaymentIntent<'_>>()
            .asks_a_card(),
        get("/v1/payment_intents", |call, _| Box::pin(lists::payments::payment_intents(call)))
            .titled("List payments")
            .takes::<lists::payments::PaymentIntentsParams>()
            .pages::<views::PaymentIntent<'_>>(),
        get("/v1/payment_intents/{intent}", |call, [id, _]| Box::pin(retrieve_with_secret::<PaymentIntent>(call, id)))
            .opens(browser)
            .titled("Retrieve a payment")
            .takes::<RetrieveIntent>()
            .gives::<views::PaymentIntent<'_>>(),
        post("/v1/payment_intents/{intent}", |call, [id, _]| Box::pin(update::update(call, id)))
            .titled("Update a payment")
            .takes::<update::UpdatePaymentIntent>()
            .gives::<views::PaymentIntent<'_>>()
            .asks_a_card(),
        post("/v1/payment_intents/{intent}/confirm", |call, [id, _]| Box::pin(confirm::confirm(call, id)))
            .opens(browser)
            .titled("Confirm a payment")
            .takes::<confirm::ConfirmPaymentIntent>()
            .gives::<views::PaymentIntent<'_>>()
            .asks_a_card(),
        post("/v1/payment_intents/{intent}/capture", |call, [id, _]| Box::pin(capture::capture(call, id)))
            .titled("Capture a payment")
            .takes::<capture::CapturePaymentIntent>()
            .gives::<views::PaymentIntent<'_>>(),
        post("/v1/payment_intents/{intent}/cancel", |call, [id, _]| Box::pin(cancel::cancel(call, id)))
            .titled("Cancel a payment")
            .takes::<cancel::CancelIntent>()
            .gives::<views::PaymentIntent<'_>>(),
    ]
}

fn set_ups() -> Vec<Route> {
    let browser = Opens::ClientSecret(Intent::Setup);
    vec![
        post("/v1/setup_intents", |call, _| Box::pin(setup_intents::create(call)))
            .titled("Create a set-up")
            .takes::<setup_intents::CreateSetupIntent>()
            .gives::<views::SetupIntent<'_>>()
            .asks_a_card(),
        get("/v1/setup_intents", |call, _| Box::pin(lists::payments::setup_intents(call)))
            .titled("List set-ups")
            .takes::<lists::payments::SetupIntentsParams>()
            .pages::<views::SetupIntent<'_>>(),
        get("/v1/setup_intents/{intent}", |call, [id, _]| Box::pin(retrieve_with_secret::<SetupIntent>(call, id)))
            .opens(browser)
            .titled("Retrieve a set-up")
            .takes::<RetrieveIntent>()
            .gives::<views::SetupIntent<'_>>(),
        post("/v1/setup_intents/{intent}", |call, [id, _]| Box::pin(setup_intents::update(call, id)))
            .titled("Update a set-up")
            .takes::<setup_intents::UpdateSetupIntent>()
            .gives::<views::SetupIntent<'_>>()
            .asks_a_card(),
        post("/v1/setup_intents/{intent}/confirm", |call, [id, _]| Box::pin(setup_intents::confirm(call, id)))
            .opens(browser)
            .titled("Confirm a set-up")
            .takes::<setup_intents::ConfirmSetupIntent>()
            .gives::<views::SetupIntent<'_>>()
            .asks_a_card(),
        post("/v1/setup_intents/{intent}/cancel", |call, [id, _]| Box::pin(setup_intents::cancel(call, id)))
            .titled("Cancel a set-up")
            .takes::<payment_intents::cancel::CancelIntent>()
            .gives::<views::SetupIntent<'_>>(),
    ]
}

fn cards() -> Vec<Route> {
    vec![
        post("/v1/payment_methods", |call, _| Box::pin(payment_methods::create(call)))
            .opens(Opens::Any)
            .titled("Create a card")
            .takes::<MethodParams>()
            .gives::<views::PaymentMethod<'_>>()
            .asks_a_card(),
        get("/v1/payment_methods", |call, _| Box::pin(lists::customers::payment_methods(call)))
            .titled("List cards")
            .takes::<lists::customers::PaymentMethodsParams>()
            .pages::<views::PaymentMethod<'_>>(),
        get("/v1/payment_methods/{payment_method}", |call, [id, _]| Box::pin(retrieve::<PaymentMethod>(call, id)))
            .titled("Retrieve a card")
            .gives::<views::PaymentMethod<'_>>(),
        post("/v1/payment_methods/{payment_method}", |call, [id, _]| Box::pin(payment_methods::update(call, id)))
            .titled("Update a card")
            .takes::<payment_methods::UpdatePaymentMethod>()
            .gives::<views::PaymentMethod<'_>>()
            .asks_a_card(),
        post("/v1/payment_methods/{payment_method}/attach", |call, [id, _]| Box::pin(payment_methods::attach(call, id)))
            .titled("Attach a card to a customer")
            .takes::<payment_methods::AttachPaymentMethod>()
            .gives::<views::PaymentMethod<'_>>(),
        post("/v1/payment_methods/{payment_method}/detach", |call, [id, _]| Box::pin(payment_methods::detach(call, id)))
            .titled("Detach a card from its customer")
            .gives::<views::PaymentMethod<'_>>(),
        post("/v1/tokens", |call, _| Box::pin(payment_methods::create_token(call)))
            .opens(Opens::Any)
            .titled("Create a token")
            .takes::<payment_methods::CreateToken>()
            .gives::<views::Token<'_>>()
            .asks_a_card(),
        get("/v1/tokens/{token}", |call, [id, _]| Box::pin(retrieve::<Token>(call, id)))
            .titled("Retrieve a token")
            .gives::<views::Token<'_>>(),
    ]
}

fn charges_and_refunds() -> Vec<Route> {
    vec![
        get("/v1/charges", |call, _| Box::pin(lists::payments::charges(call)))
            .titled("List charges")
            .takes::<lists::payments::ChargesParams>()
            .pages::<views::Charge<'_>>(),
        get("/v1/charges/{charge}", |call, [id, _]| Box::pin(retrieve::<Charge>(call, id)))
            .titled("Retrieve a charge")
            .gives::<views::Charge<'_>>(),
        post("/v1/charges/{charge}", |call, [id, _]| Box::pin(charges::update(call, id)))
            .titled("Update a charge")
            .takes::<charges::UpdateCharge>()
            .gives::<views::Charge<'_>>(),
        post("/v1/refunds", |call, _| Box::pin(refunds::create(call)))
            .titled("Create a refund")
            .takes::<refunds::CreateRefund>()
            .gives::<views::Refund<'_>>(),
        get("/v1/refunds", |call, _| Box::pin(lists::payments::refunds(call)))
            .titled("List refunds")
            .takes::<lists::payments::RefundsParams>()
            .pages::<views::Refund<'_>>(),
        get("/v1/refunds/{refund}", |call, [id, _]| Box::pin(retrieve::<Refund>(call, id)))
            .titled("Retrieve a refund")
            .gives::<views::Refund<'_>>(),
        post("/v1/refunds/{refund}", |call, [id, _]| Box::pin(refunds::update(call, id)))
            .titled("Update a refund")
            .takes::<refunds::UpdateRefund>()
            .gives::<views::Refund<'_>>(),
        post("/v1/refunds/{refund}/cancel", |call, [id, _]| Box::pin(refunds::cancel(call, id)))
            .titled("Cancel a refund")
            .gives::<views::Refund<'_>>(),
    ]
}

fn buyers() -> Vec<Route> {
    vec![
        post("/v1/customers", |call, _| Box::pin(customers::create(call)))
            .titled("Create a customer")
            .takes::<customers::CreateCustomer>()
            .gives::<views::Customer<'_>>(),
        get("/v1/customers", |call, _| Box::pin(lists::customers::customers(call)))
            .titled("List customers")
            .takes::<lists::customers::CustomersParams>()
            .pages::<views::Customer<'_>>(),
        get("/v1/customers/{customer}", |call, [id, _]| Box::pin(retrieve::<Customer>(call, id)))
            .titled("Retrieve a customer")
            .gives_either::<views::Customer<'_>, views::Deleted>(),
        post("/v1/customers/{customer}", |call, [id, _]| Box::pin(customers::update(call, id)))
            .titled("Update a customer")
            .takes::<customers::UpdateCustomer>()
            .gives::<views::Customer<'_>>(),
        Route::new(Method::DELETE, "/v1/customers/{customer}", |call, [id, _]| Box::pin(customers::delete(call, id)))
            .titled("Delete a customer")
            .takes::<customers::Nothing>()
            .gives::<views::Deleted>(),
        get("/v1/customers/{customer}/payment_methods", |call, [id, _]| Box::pin(lists::customers::cards(call, id)))
            .titled("List a customer's cards")
            .takes::<lists::customers::CardsParams>()
            .pages::<views::PaymentMethod<'_>>(),
        get("/v1/customers/{customer}/payment_methods/{payment_method}", |call, [id, method]| {
            Box::pin(lists::customers::card(call, id, method))
        })
        .titled("Retrieve a customer's card")
        .gives::<views::PaymentMethod<'_>>(),
    ]
}

fn statement() -> Vec<Route> {
    vec![
        get("/v1/account", |call, _| Box::pin(account::retrieve(call))).titled("Retrieve the account").gives::<views::Account<'_>>(),
        get("/v1/balance", |call, _| Box::pin(lists::statement::balance(call))).titled("Retrieve the balance").gives::<views::Balance>(),
        get("/v1/open_operations", |call, _| Box::pin(open_operations::list(call)))
            .titled("List operations without a known end")
            .takes::<open_operations::OpenOperationsParams>()
            .pages::<views::OpenOperation>(),
        post("/v1/open_operations/{operation}/resolve", |call, [id, _]| Box::pin(open_operations::resolve(call, id)))
            .titled("Resolve an operation without a known end by hand")
            .takes::<open_operations::ResolveOpenOperation>()
            .gives_either::<views::PaymentIntent<'_>, views::Refund<'_>>()
            .or_gives::<views::SetupIntent<'_>>(),
        get("/v1/balance_transactions", |call, _| Box::pin(lists::statement::balance_transactions(call)))
            .titled("List the statement")
            .takes::<lists::statement::LinesParams>()
            .pages::<views::BalanceTransaction>(),
        get("/v1/balance_transactions/{transaction}", |call, [id, _]| Box::pin(retrieve::<BalanceTransaction>(call, id)))
            .titled("Retrieve a line of the statement")
            .gives::<views::BalanceTransaction>(),
        get("/v1/events", |call, _| Box::pin(lists::events::events(call)))
            .titled("List events")
            .takes::<lists::events::EventsParams>()
            .pages::<views::Event<'_>>(),
        get("/v1/audit_log", |call, _| Box::pin(lists::audit_log::audit_log(call)))
            .titled("List the audit trail")
            .takes::<lists::audit_log::AuditLogParams>()
            .pages::<views::AuditEntry<'_>>(),
        get("/v1/audit_log/{entry}", |call, [id, _]| Box::pin(retrieve::<AuditEntry>(call, id)))
            .titled("Retrieve a row of the audit trail")
            .gives::<views::AuditEntry<'_>>(),
        get("/v1/events/{event}", |call, [id, _]| Box::pin(lists::events::event(call, id)))
            .titled("Retrieve an event")
            .gives::<views::Event<'_>>(),
    ]
}

fn webhooks() -> Vec<Route> {
    vec![
        post("/v1/webhook_endpoints", |call, _| Box::pin(webhook_endpoints::create(call)))
            .titled("Create a webhook endpoint")
            .takes::<webhook_endpoints::CreateWebhookEndpoint>()
            .gives::<views::WebhookEndpoint<'_>>(),
        get("/v1/webhook_endpoints", |call, _| Box::pin(webhook_endpoints::list(call)))
            .titled("List webhook endpoints")
            .takes::<webhook_endpoints::WebhookEndpointsParams>()
            .pages::<views::WebhookEndpoint<'_>>(),
        get("/v1/webhook_endpoints/{webhook_endpoint}", |call, [id, _]| Box::pin(webhook_endpoints::retrieve(call, id)))
            .titled("Retrieve a webhook endpoint")
            .gives::<views::WebhookEndpoint<'_>>(),
        post("/v1/webhook_endpoints/{webhook_endpoint}", |call, [id, _]| Box::pin(webhook_endpoints::update(call, id)))
            .titled("Update a webhook endpoint")
            .takes::<webhook_endpoints::UpdateWebhookEndpoint>()
            .gives::<views::WebhookEndpoint<'_>>(),
        Route::new(Method::DELETE, "/v1/webhook_endpoints/{webhook_endpoint}", |call, [id, _]| {
            Box::pin(webhook_endpoints::delete(call, id))
        })
        .titled("Delete a webhook endpoint")
        .takes::<customers::Nothing>()
        .gives::<views::Deleted>(),
        post("/v1/webhook_endpoints/{webhook_endpoint}/roll_secret", |call, [id, _]| Box::pin(webhook_endpoints::roll_secret(call, id)))
            .titled("Give a webhook endpoint a new secret")
            .takes::<webhook_endpoints::RollWebhookSecret>()
            .gives::<views::WebhookEndpoint<'_>>(),
        get("/v1/webhook_endpoints/{webhook_endpoint}/deliveries", |call, [id, _]| Box::pin(webhook_deliveries::list(call, id)))
            .titled("List deliveries to a webhook endpoint")
            .takes::<webhook_deliveries::DeliveriesParams>()
            .pages::<views::WebhookDelivery<'_>>(),
        post("/v1/webhook_endpoints/{webhook_endpoint}/replay", |call, [id, _]| Box::pin(webhook_deliveries::replay(call, id)))
            .titled("Send a webhook endpoint all events of a time again")
            .takes::<webhook_deliveries::ReplayEvents>()
            .gives::<views::WebhookReplay>(),
        get("/v1/events/{event}/deliveries", |call, [id, _]| Box::pin(webhook_deliveries::of_event(call, id)))
            .titled("List deliveries of an event")
            .takes::<webhook_deliveries::EventDeliveriesParams>()
            .pages::<views::WebhookDelivery<'_>>(),
        post("/v1/events/{event}/retry", |call, [id, _]| Box::pin(webhook_deliveries::retry(call, id)))
            .titled("Send an event to a webhook endpoint again")
            .takes::<webhook_deliveries::RetryEvent>()
            .gives::<views::WebhookDelivery<'_>>(),
    ]
}

fn merchants() -> Vec<Route> {
    vec![
        post("/v1/accounts", |call, _| Box::pin(accounts::create(call)))
            .opens(Opens::Platform)
            .titled("Create a merchant")
            .takes::<accounts::CreateAccount>()
            .gives::<views::Account<'_>>(),
        get("/v1/accounts", |call, _| Box::pin(accounts::list(call)))
            .opens(Opens::Platform)
            .titled("List merchants")
            .takes::<accounts::AccountsParams>()
            .pages::<views::Account<'_>>(),
        get("/v1/accounts/{account}", |call, [id, _]| Box::pin(retrieve::<Account>(call, id)))
            .opens(Opens::Platform)
            .titled("Retrieve a merchant")
            .gives::<views::Account<'_>>(),
        post("/v1/accounts/{account}", |call, [id, _]| Box::pin(accounts::update(call, id)))
            .opens(Opens::Platform)
            .titled("Update a merchant")
            .takes::<accounts::UpdateAccount>()
            .gives::<views::Account<'_>>(),
    ]
}

fn keys() -> Vec<Route> {
    vec![
        post("/v1/api_keys", |call, _| Box::pin(api_keys::create(call)))
            .titled("Create an API key")
            .takes::<api_keys::CreateApiKey>()
            .gives::<views::ApiKey<'_>>(),
        get("/v1/api_keys", |call, _| Box::pin(api_keys::list(call)))
            .titled("List API keys")
            .takes::<api_keys::ApiKeysParams>()
            .pages::<views::ApiKey<'_>>(),
        get("/v1/api_keys/{api_key}", |call, [id, _]| Box::pin(api_keys::retrieve(call, id)))
            .titled("Retrieve an API key")
            .takes::<customers::Nothing>()
            .gives::<views::ApiKey<'_>>(),
        post("/v1/api_keys/{api_key}/roll", |call, [id, _]| Box::pin(api_keys::roll(call, id)))
            .titled("Replace an API key by a new one")
            .takes::<api_keys::RollApiKey>()
            .gives::<views::ApiKey<'_>>(),
        Route::new(Method::DELETE, "/v1/api_keys/{api_key}", |call, [id, _]| Box::pin(api_keys::revoke(call, id)))
            .titled("Revoke an API key")
            .takes::<customers::Nothing>()
            .gives::<views::ApiKey<'_>>(),
    ]
}

fn people() -> Vec<Route> {
    vec![
        post("/v1/users", |call, _| Box::pin(users::invite(call)))
            .titled("Invite a user")
            .takes::<users::InviteUser>()
            .gives::<views::User<'_>>(),
        get("/v1/users", |call, _| Box::pin(users::list(call)))
            .titled("List users")
            .takes::<users::UsersParams>()
            .pages::<views::User<'_>>(),
        get("/v1/users/{user}", |call, [id, _]| Box::pin(users::retrieve(call, id)))
            .titled("Retrieve a user")
            .takes::<customers::Nothing>()
            .gives::<views::User<'_>>(),
        post("/v1/users/{user}", |call, [id, _]| Box::pin(users::change_role(call, id)))
            .titled("Give a user another role")
            .takes::<users::ChangeUser>()
            .gives::<views::User<'_>>(),
        post("/v1/users/{user}/disable", |call, [id, _]| Box::pin(users::disable(call, id)))
            .titled("Disable a user")
            .takes::<customers::Nothing>()
            .gives::<views::User<'_>>(),
    ]
}
