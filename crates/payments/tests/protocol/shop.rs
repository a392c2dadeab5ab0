//! A shop whose provider says what the test tells it to, and a clock that the test moves.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use domain::account::Account;
use domain::audit::Actor;
use domain::audit::signing::SigningKey;
use domain::contact::BillingDetails;
use domain::currency::Currency;
use domain::customer::Customer;
use domain::fingerprint_key::FingerprintKey;
use domain::flow::RefundRequest;
use domain::id::{ApiKeyId, CustomerId, PaymentIntentId, PaymentMethodId, SetupIntentId, Ulid};
use domain::idempotency::Fingerprint;
use domain::ledger::{Books, JournalEntry, LedgerAccount};
use domain::metadata::Metadata;
use domain::money::Money;
use domain::outcome::QueryOutcome;
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::{CaptureMethod, ConfirmationMethod, FutureUsage, PaymentIntent, ThreeDSecureRequest};
use domain::payment_method::{PaymentMethod, Token};
use domain::provider_key::ProviderKey;
use domain::refund::Refund;
use domain::scope::{Mode, Scope};
use domain::setup_intent::SetupIntent;
use domain::time::Timestamp;
use payments::accounts::NewAccount;
use payments::customers::CustomerChange;
use payments::idempotency::{Answered, Idempotency};
use payments::outcome::{Object, Outcome, Refused};
use payments::payment_intents::confirm::Confirmation;
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::create::{CardInput, CardSource, NewPaymentMethod};
use payments::payment_methods::resolve::MethodInput;
use payments::platform::TestCard;
use payments::ports::{Answer, Clock, Delivering, Entropy, Presenter, Rendering};
use payments::records::{Record, decode};
use payments::refunds::create::RefundOf;
use payments::setup_intents::create::NewSetupIntent;
use payments::vault::Vault;
use payments::{By, Error, Parts, Platform, Request};
use serde::de::DeserializeOwned;
use store::memory::Memory;
use store::{Index, List, Scan, Store};
use tokio::task::JoinHandle;

use crate::bank::Bank;
use crate::courier::TestCourier;
use crate::meanwhile::Meanwhile;

/// Longer than any pause between two questions to a provider; so many times, it meets every second of the period in
/// which waiting buyers are asked about.
const LONGER_THAN_ANY_PAUSE_MS: i64 = 61_000;
const ROUNDS: u32 = 20;

pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Counting(AtomicI64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        let next = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        for (slot, byte) in bytes.iter_mut().zip(next.iter().cycle()) {
            *slot = *byte;
        }
        Ok(())
    }
}

/// Writes the stored form of the object, under the status that the API would give.
struct Plain;

#[async_trait]
impl Presenter for Plain {
    async fn present(&self, _: Scope, outcome: &Outcome, _: &Rendering) -> Result<Answer, Error> {
        let body = match &outcome.object {
            Object::Account(object) => serde_json::to_vec(object),
            Object::ApiKey(shown) => serde_json::to_vec(&shown.key),
            Object::AuditEntry(object) => serde_json::to_vec(object),
            Object::BalanceTransaction(object) => serde_json::to_vec(object),
            Object::Charge(object) => serde_json::to_vec(object),
            Object::Customer(object) => serde_json::to_vec(object),
            Object::Event(shown) => serde_json::to_vec(&shown.event),
            Object::PaymentIntent(object) => serde_json::to_vec(object),
            Object::PaymentMethod(object) => serde_json::to_vec(object),
            Object::Refund(object) => serde_json::to_vec(object),
            Object::SetupIntent(object) => serde_json::to_vec(object),
            Object::Token(object) => serde_json::to_vec(object),
            Object::User(shown) => serde_json::to_vec(&shown.user),
            Object::WebhookEndpoint(shown) => Ok(crate::webhooks::plain(shown)),
        };
        let status = match outcome.refused {
            Some(Refused::Card(_)) => 402,
            Some(Refused::Command(_)) => 400,
            None => 200,
        };
        Ok(Answer { status, body: body.unwrap() })
    }
}

fn test_card(name: &str) -> Option<TestCard> {
    (name == "pm_card_visa").then_some(TestCard { number: "4242424242424242", exp_month: 12, exp_year: 2040, cvc: "123" })
}

/// A server of one shop. Cloning it is a second server on the same store.
#[derive(Clone)]
pub struct Shop {
    pub store: Arc<Memory>,
    /// The same store, as the platform has it.
    pub meanwhile: Arc<Meanwhile>,
    pub clock: Arc<TestClock>,
    pub bank: Arc<Bank>,
    pub courier: Arc<TestCourier>,
    pub platform: Arc<Platform>,
    pub account: Arc<Account>,
    pub scope: Scope,
}

/// What servers of a shop have in common.
#[derive(Clone, Copy)]
struct Around<'a> {
    store: &'a Arc<Meanwhile>,
    clock: &'a Arc<TestClock>,
    bank: &'a Arc<Bank>,
    courier: &'a Arc<TestCourier>,
}

fn platform(around: Around<'_>, audit_signing_key: Option<SigningKey>) -> Arc<Platform> {
    let Around { store, clock, bank, courier } = around;
    let entropy: Arc<dyn Entropy> = Arc::new(Counting(AtomicI64::new(clock.now().millis())));
    Arc::new(Platform::new(Parts {
        store: Arc::<Meanwhile>::clone(store),
        connectors: vec![Arc::<Bank>::clone(bank)],
        clock: Arc::<TestClock>::clone(clock),
        vault: Vault::new(&[1; 32], Arc::clone(&entropy)).unwrap(),
        entropy,
        presenter: Arc::new(Plain),
        fingerprint_key: [2; 32],
        audit_signing_key,
        public_url: "https://pay.example".to_owned(),
        test_card,
        delivering: Delivering::WhenTold(Arc::<TestCourier>::clone(courier)),
    }))
}

impl Shop {
    pub async fn open() -> Self {
        let (store, clock) = (Arc::new(Memory::new()), Arc::new(TestClock(AtomicI64::new(1_900_000_000_000))));
        let bank = Arc::new(Bank::default());
        let meanwhile = Arc::new(Meanwhile::new(Arc::clone(&store)));
        let courier = Arc::new(TestCourier::default());
        let platform = platform(Around { store: &meanwhile, clock: &clock, bank: &bank, courier: &courier }, None);
        let new = NewAccount {
            name: "Shop".to_owned(),
            email: None,
            country: "US".to_owned(),
            default_currency: Currency::Usd,
            statement_descriptor: None,
        };
        let account = Arc::new(platform.create_account(&By::operator("tester"), &new).await.unwrap());
        let scope = Scope { account: account.id, mode: Mode::Test };
        Self { store, meanwhile, clock, bank, courier, platform, account, scope }
    }

    /// Two servers that begin on a new store, which they share.
    pub fn two_on_a_new_store() -> [Arc<Platform>; 2] {
        let (clock, bank) = (Arc::new(TestClock(AtomicI64::new(1_900_000_000_000))), Arc::new(Bank::default()));
        let meanwhile = Arc::new(Meanwhile::new(Arc::new(Memory::new())));
        meanwhile.share();
        let courier = Arc::new(TestCourier::default());
        let around = Around { store: &meanwhile, clock: &clock, bank: &bank, courier: &courier };
        [0, 1].map(|_| platform(around, None))
    }

    fn around(&self) -> Around<'_> {
        Around { store: &self.meanwhile, clock: &self.clock, bank: &self.bank, courier: &self.courier }
    }

    pub fn clock_seconds(&self) -> i64 {
        self.clock.now().seconds()
    }

    /// The process ends wherever it is and another one starts on the same store.
    pub fn crash(&mut self) {
        self.pass(1);
        self.platform = platform(self.around(), None);
        self.pass(1);
    }

    /// Another server on the same store.
    pub fn other(&self) -> Self {
        self.pass(1);
        Self { platform: platform(self.around(), None), ..self.clone() }
    }

    /// From now on the audit trail is signed.
    pub fn sign(&mut self, key: SigningKey) {
        self.platform = platform(self.around(), Some(key));
    }

    pub fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Lets recovery look again and again, with long pauses, until nothing changes any more.
    pub async fn recover(&self) {
        for _ in 0..ROUNDS {
            self.pass(LONGER_THAN_ANY_PAUSE_MS);
            self.platform.recover_due().await.unwrap();
            self.platform.look_after_waits().await.unwrap();
        }
    }

    pub fn request(&self) -> Request {
        let id = format!("req_{}", self.platform.mint());
        Request {
            scope: self.scope,
            account: Arc::clone(&self.account),
            id,
            idempotency: None,
            rendering: Rendering::default(),
            actor: Actor::ApiKey { id: ApiKeyId::new(Ulid::MAX) },
            from: Some(IpAddr::from([192, 0, 2, 1])),
        }
    }

    pub fn request_under(&self, key: &str) -> Request {
        let fingerprint = Fingerprint::of(&FingerprintKey::new(&[2; 32]), "POST", key, b"");
        let idempotency = Some(Idempotency { key: key.to_owned(), fingerprint });
        Request { idempotency, ..self.request() }
    }

    pub async fn load<T: Record>(&self, id: Ulid) -> T {
        self.platform.find::<T>(self.scope, id).await.unwrap().expect("a record").value
    }

    pub async fn intent(&self, id: PaymentIntentId) -> PaymentIntent {
        self.load(id.ulid()).await
    }

    pub async fn method_of(&self, setup: SetupIntentId) -> Option<PaymentMethod> {
        let id = self.load::<SetupIntent>(setup.ulid()).await.payment_method?;
        Some(self.load(id.ulid()).await)
    }

    pub async fn attempt_of(&self, intent: &PaymentIntent) -> PaymentAttempt {
        self.load(self.intent(intent.id).await.latest_attempt.unwrap().ulid()).await
    }

    pub async fn refund(&self, intent: &PaymentIntent, amount: i64) -> Refund {
        let asked = RefundRequest { amount: Some(amount), ..RefundRequest::default() };
        told(&self.platform.create_refund(&self.request(), RefundOf::PaymentIntent(intent.id), &asked).await.unwrap())
    }

    /// What the provider owes us by our books, in the minor unit; and what is in suspense.
    pub async fn books(&self) -> (i128, i128) {
        let entries = self.store.export(store::Kind::JournalEntry, None, 1_000).await.unwrap();
        let entries: Vec<JournalEntry> = entries.iter().map(|exported| decode(&exported.item.body).unwrap()).collect();
        let books = Books::replay(&entries);
        (books.balance(LedgerAccount::ProviderReceivable, Currency::Usd), books.balance(LedgerAccount::Suspense, Currency::Usd))
    }

    /// Begins a request, and goes on when its operation has reached the provider, which has not answered yet.
    pub async fn begin<F: Future + Send + 'static>(&self, request: F) -> JoinHandle<F::Output>
    where
        F::Output: Send,
    {
        let before = self.bank.sent().len();
        let task = tokio::spawn(request);
        while self.bank.sent().len() == before {
            assert!(!task.is_finished(), "the request ended before it reached the provider");
            tokio::task::yield_now().await;
        }
        task
    }

    /// Takes in a late answer.
    pub async fn hear(&self, key: &ProviderKey, said: QueryOutcome) {
        self.try_hear(key, said).await.unwrap();
    }

    /// Takes in a late answer, if that can be done now.
    pub async fn try_hear(&self, key: &ProviderKey, said: QueryOutcome) -> Result<(), Error> {
        self.platform.hear(self.scope, &self.account, &By::provider("bank"), key, said).await
    }

    /// How many wait for a buyer.
    pub async fn waits(&self) -> usize {
        self.store.scan(Scan::oldest(List::all(self.scope, Index::AwaitingBuyer), 1_000)).await.unwrap().len()
    }

    /// How many operations are open.
    pub async fn open_operations(&self) -> usize {
        self.store.scan(Scan::oldest(List::all(self.scope, Index::OpenOperations), 1_000)).await.unwrap().len()
    }

    pub async fn customer(&self) -> CustomerId {
        let answered = self.platform.create_customer(&self.request(), &CustomerChange::default(), None).await.unwrap();
        told::<Customer>(&answered).id
    }

    /// A new card that is attached to nobody.
    pub async fn card(&self) -> PaymentMethod {
        self.card_of(CardSource::Input(card_input())).await
    }

    pub async fn card_of(&self, source: CardSource) -> PaymentMethod {
        told(&self.platform.create_payment_method(&self.request(), &new_method(source)).await.unwrap())
    }

    pub async fn token(&self) -> Token {
        told(&self.platform.create_token(&self.request(), &card_input(), &BillingDetails::default()).await.unwrap())
    }

    /// A card of that customer.
    pub async fn attached(&self, customer: CustomerId) -> PaymentMethod {
        told(&self.platform.attach_payment_method(&self.request(), "pm_card_visa", customer).await.unwrap())
    }

    pub async fn pay(&self, new: &NewPaymentIntent) -> PaymentIntent {
        told(&self.platform.create_payment_intent(&self.request(), new).await.unwrap())
    }

    pub async fn set_up(&self, customer: Option<CustomerId>) -> SetupIntent {
        let new = NewSetupIntent { confirm: Some(None), ..set_up_later(customer) };
        told(&self.platform.create_setup_intent(&self.request(), &new).await.unwrap())
    }

    pub async fn differences(&self) -> Vec<String> {
        payments::verify::verify(&*self.store).await.unwrap().differences
    }
}

/// The object an answer tells.
pub fn told<T: DeserializeOwned>(answered: &Answered) -> T {
    serde_json::from_slice(&answered.answer.body).unwrap()
}

/// A card as a browser sends it, with its security code.
pub fn card_input() -> CardInput {
    CardInput { number: "4242424242424242".to_owned().into(), exp_month: 12, exp_year: 2040, cvc: Some("123".to_owned().into()) }
}

/// A method of a card as a browser sends it.
pub fn new_method(card: CardSource) -> NewPaymentMethod {
    NewPaymentMethod { card, billing_details: BillingDetails::default(), metadata: Metadata::default() }
}

/// A payment of 20.00 by that method.
pub fn payment_by(method: PaymentMethodId) -> NewPaymentIntent {
    NewPaymentIntent { payment_method: Some(MethodInput::Named(method.to_string())), ..payment() }
}

/// A set-up of a new card for off-session payments, not confirmed.
pub fn set_up_later(customer: Option<CustomerId>) -> NewSetupIntent {
    NewSetupIntent {
        customer,
        payment_method: Some(MethodInput::Named("pm_card_visa".to_owned())),
        usage: FutureUsage::OffSession,
        description: None,
        metadata: Metadata::default(),
        automatic_payment_methods: None,
        three_d_secure: ThreeDSecureRequest::Automatic,
        confirm: None,
    }
}

/// A payment of 20.00 by a new card, confirmed at once.
pub fn payment() -> NewPaymentIntent {
    NewPaymentIntent {
        amount: Money::new(2_000, Currency::Usd),
        capture_method: CaptureMethod::Automatic,
        customer: None,
        payment_method: Some(MethodInput::Named("pm_card_visa".to_owned())),
        setup_future_usage: None,
        description: None,
        receipt_email: None,
        shipping: None,
        statement_descriptor: None,
        statement_descriptor_suffix: None,
        metadata: Metadata::default(),
        automatic_payment_methods: None,
        confirmation_method: ConfirmationMethod::Automatic,
        three_d_secure: ThreeDSecureRequest::Automatic,
        confirm: Some(Confirmation::default()),
    }
}

pub fn reservation() -> NewPaymentIntent {
    NewPaymentIntent { capture_method: CaptureMethod::Manual, ..payment() }
}

pub fn payment_asking(three_d_secure: ThreeDSecureRequest) -> NewPaymentIntent {
    NewPaymentIntent { three_d_secure, ..payment() }
}
