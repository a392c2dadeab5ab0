//! What a use case has to tell, before anyone writes it down for the wire.

use domain::account::{Account, ApiKey};
use domain::audit::AuditEntry;
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::id::AccountId;
use domain::payment_intent::{CardError, Command, PaymentIntent};
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use domain::time::Timestamp;
use domain::user::User;
use domain::webhook_endpoint::WebhookEndpoint;
use zeroize::Zeroizing;

/// An object of the API.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the variants are the objects
pub enum Object {
    Account(Box<Account>),
    ApiKey(Box<ShownKey>),
    AuditEntry(Box<AuditEntry>),
    BalanceTransaction(Box<BalanceTransaction>),
    Charge(Box<Charge>),
    Customer(Box<Customer>),
    Event(Box<ShownEvent>),
    PaymentIntent(Box<PaymentIntent>),
    PaymentMethod(Box<PaymentMethod>),
    Refund(Box<Refund>),
    SetupIntent(Box<SetupIntent>),
    Token(Box<Token>),
    User(Box<ShownUser>),
    WebhookEndpoint(Box<ShownEndpoint>),
}

/// A key as it is shown.
#[derive(Clone, Debug)]
pub struct ShownKey {
    /// What is known of it.
    pub key: ApiKey,
    /// When it was used last, as far as it was written down.
    pub last_used: Option<Timestamp>,
    /// The key itself, to whoever just made it.
    pub secret: Option<Secret>,
}

/// An event as it is shown.
#[derive(Clone, Debug)]
pub struct ShownEvent {
    /// The event.
    pub event: Event,
    /// So many endpoints are still to take it.
    pub pending_webhooks: u32,
}

/// A person as one of their accounts sees them.
#[derive(Clone, Debug)]
pub struct ShownUser {
    /// The person.
    pub user: User,
    /// Which account.
    pub account: AccountId,
    /// The text of their invitation, to whoever just invited them.
    pub invitation: Option<Secret>,
}

/// An endpoint as it is shown.
#[derive(Clone, Debug)]
pub struct ShownEndpoint {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// Its secret, to whoever just made it.
    pub secret: Option<Secret>,
}

/// A text that is shown once, and never in a log.
#[derive(Clone)]
pub struct Secret(pub Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a provider did not do what was asked: the answer is an error that carries the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It or the issuer refused the card.
    Card(CardError),
    /// It did not carry out the command; the payment is as it says.
    Command(Command),
}

/// What a use case has to tell.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the request was about.
    pub object: Object,
    /// The provider refused.
    pub refused: Option<Refused>,
    /// Objects that changed with it, newer than what the store has until the commit lands.
    pub changed: Vec<Object>,
}

impl Outcome {
    /// An object and nothing else.
    #[must_use]
    pub const fn of(object: Object) -> Self {
        Self { object, refused: None, changed: Vec::new() }
    }

    /// With a method that may be made by the same commit.
    #[must_use]
    pub(crate) fn with(mut self, method: Option<&PaymentMethod>) -> Self {
        self.changed.extend(method.cloned().map(|method| Object::PaymentMethod(Box::new(method))));
        self
    }
}
