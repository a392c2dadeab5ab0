//! Every operation: its method and path, which keys open it, what it takes and gives. The one table that both
//! requests and the API's description are served from.

use std::sync::LazyLock;

use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use futures::future::BoxFuture;
use http::Method;
use payments::idempotency::Answered;

use super::dispatch::Call;
use super::lists::{self, retrieve, retrieve_with_secret};
use super::{Failure, account, charges, customers, payment_intents, payment_methods, refunds, setup_intents};

/// The ids that a path names, in order; empty where it names fewer.
pub(crate) type Ids<'a> = [&'a str; MAX_IDS];

/// No path names more objects.
const MAX_IDS: usize = 2;

/// Carries out an operation.
pub(crate) type Run = for<'a> fn(Call<'a>, Ids<'a>) -> BoxFuture<'a, Result<Answered, Failure>>;

/// Which keys open an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// Secret ones.
    Secret,
    /// Secret and publishable ones.
    Any,
    /// Secret ones, and publishable ones with the intent's client secret.
    ClientSecret(Intent),
}

/// What has a client secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// A payment.
    Payment,
    /// A set-up.
    Setup,
}

/// One operation.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// `/v1/refunds/{refund}`: a name in braces stands for an id.
    pub(crate) template: &'static str,
    pub(crate) opens: Opens,
    pub(crate) run: Run,
}

impl Route {
    fn new(method: Method, template: &'static str, run: Run) -> Self {
        Self { method, template, opens: Opens::Secret, run }
    }

    fn opens(self, opens: Opens) -> Self {
        Self { opens, ..self }
    }

    /// The ids in the path, if it is this operation's.
    fn matches<'p>(&self, path: &'p str) -> Option<Ids<'p>> {
        let mut ids = [""; MAX_IDS];
        let mut slots = ids.iter_mut();
        let mut segments = path.split('/');
        for expected in self.template.split('/') {
            let segment = segments.next()?;
            if expected.starts_with('{') {
                *slots.next()? = segment;
            } else if expected != segment {
                return None;
            }
        }
        segments.next().is_none().then_some(ids)
    }
}

/// The operation of a method and path, with the ids the path names.
pub(crate) fn find<'p>(method: &Method, path: &'p str) -> Option<(&'static Route, Ids<'p>)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    ROUTES.iter().filter(|route| route.method == *method).find_map(|route| Some((route, route.matches(path)?)))
}

/// Every operation there is.
pub(crate) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let all = [payments(), set_ups(), cards(), charges_and_refunds(), buyers(), statement()];
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
        post("/v1/payment_intents", |call, _| Box::pin(create::create(call))),
        get("/v1/payment_intents", |call, _| Box::pin(lists::payments::payment_intents(call))),
        get("/v1/payment_intents/{intent}", |call, [id, _]| Box::pin(retrieve_with_secret::<PaymentIntent>(call, id))).opens(browser),
        post("/v1/payment_intents/{intent}", |call, [id, _]| Box::pin(update::update(call, id))),
        post("/v1/payment_intents/{intent}/confirm", |call, [id, _]| Box::pin(confirm::confirm(call, id))).opens(browser),
        post("/v1/payment_intents/{intent}/capture", |call, [id, _]| Box::pin(capture::capture(call, id))),
        post("/v1/payment_intents/{intent}/cancel", |call, [id, _]| Box::pin(cancel::cancel(call, id))),
    ]
}

fn set_ups() -> Vec<Route> {
    let browser = Opens::ClientSecret(Intent::Setup);
    vec![
        post("/v1/setup_intents", |call, _| Box::pin(setup_intents::create(call))),
        get("/v1/setup_intents", |call, _| Box::pin(lists::payments::setup_intents(call))),
        get("/v1/setup_intents/{intent}", |call, [id, _]| Box::pin(retrieve_with_secret::<SetupIntent>(call, id))).opens(browser),
        post("/v1/setup_intents/{intent}", |call, [id, _]| Box::pin(setup_intents::update(call, id))),
        post("/v1/setup_intents/{intent}/confirm", |call, [id, _]| Box::pin(setup_intents::confirm(call, id))).opens(browser),
        post("/v1/setup_intents/{intent}/cancel", |call, [id, _]| Box::pin(setup_intents::cancel(call, id))),
    ]
}

fn cards() -> Vec<Route> {
    vec![
        post("/v1/payment_methods", |call, _| Box::pin(payment_methods::create(call))).opens(Opens::Any),
        get("/v1/payment_methods", |call, _| Box::pin(lists::customers::payment_methods(call))),
        get("/v1/payment_methods/{payment_method}", |call, [id, _]| Box::pin(retrieve::<PaymentMethod>(call, id))),
        post("/v1/payment_methods/{payment_method}", |call, [id, _]| Box::pin(payment_methods::update(call, id))),
        post("/v1/payment_methods/{payment_method}/attach", |call, [id, _]| Box::pin(payment_methods::attach(call, id))),
        post("/v1/payment_methods/{payment_method}/detach", |call, [id, _]| Box::pin(payment_methods::detach(call, id))),
        post("/v1/tokens", |call, _| Box::pin(payment_methods::create_token(call))).opens(Opens::Any),
        get("/v1/tokens/{token}", |call, [id, _]| Box::pin(retrieve::<Token>(call, id))),
    ]
}

fn charges_and_refunds() -> Vec<Route> {
    vec![
        get("/v1/charges", |call, _| Box::pin(lists::payments::charges(call))),
        get("/v1/charges/{charge}", |call, [id, _]| Box::pin(retrieve::<Charge>(call, id))),
        post("/v1/charges/{charge}", |call, [id, _]| Box::pin(charges::update(call, id))),
        post("/v1/refunds", |call, _| Box::pin(refunds::create(call))),
        get("/v1/refunds", |call, _| Box::pin(lists::payments::refunds(call))),
        get("/v1/refunds/{refund}", |call, [id, _]| Box::pin(retrieve::<Refund>(call, id))),
        post("/v1/refunds/{refund}", |call, [id, _]| Box::pin(refunds::update(call, id))),
        post("/v1/refunds/{refund}/cancel", |call, [id, _]| Box::pin(refunds::cancel(call, id))),
    ]
}

fn buyers() -> Vec<Route> {
    vec![
        post("/v1/customers", |call, _| Box::pin(customers::create(call))),
        get("/v1/customers", |call, _| Box::pin(lists::customers::customers(call))),
        get("/v1/customers/{customer}", |call, [id, _]| Box::pin(retrieve::<Customer>(call, id))),
        post("/v1/customers/{customer}", |call, [id, _]| Box::pin(customers::update(call, id))),
        Route::new(Method::DELETE, "/v1/customers/{customer}", |call, [id, _]| Box::pin(customers::delete(call, id))),
        get("/v1/customers/{customer}/payment_methods", |call, [id, _]| Box::pin(lists::customers::cards(call, id))),
        get("/v1/customers/{customer}/payment_methods/{payment_method}", |call, [id, method]| {
            Box::pin(lists::customers::card(call, id, method))
        }),
    ]
}

fn statement() -> Vec<Route> {
    vec![
        get("/v1/account", |call, _| Box::pin(account::retrieve(call))),
        get("/v1/balance", |call, _| Box::pin(lists::statement::balance(call))),
        get("/v1/balance_transactions", |call, _| Box::pin(lists::statement::balance_transactions(call))),
        get("/v1/balance_transactions/{transaction}", |call, [id, _]| Box::pin(retrieve::<BalanceTransaction>(call, id))),
        get("/v1/events", |call, _| Box::pin(lists::events::events(call))),
        get("/v1/events/{event}", |call, [id, _]| Box::pin(retrieve::<Event>(call, id))),
    ]
}
