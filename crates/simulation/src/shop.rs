//! Shops: clients that pay, capture, cancel, save cards, refund, repeat what got no answer, and give up; and that
//! remember every answer they were given.

use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::audit::Actor;
use domain::currency::Currency;
use domain::fingerprint_key::FingerprintKey;
use domain::flow::RefundRequest;
use domain::id::{ApiKeyId, CustomerId, PaymentIntentId, SetupIntentId, Ulid};
use domain::idempotency::Fingerprint;
use domain::metadata::Metadata;
use domain::money::Money;
use domain::payment_intent::{CaptureMethod, ConfirmationMethod, FutureUsage, PaymentIntent, Status, ThreeDSecureRequest};
use domain::provider_key::ProviderKey;
use domain::scope::Scope;
use domain::setup_intent::{self, SetupIntent};
use parking_lot::Mutex;
use payments::customers::CustomerChange;
use payments::idempotency::{Answered, Idempotency};
use payments::payment_intents::confirm::{ConfirmPaymentIntent, Confirmation};
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_intents::update::PaymentIntentChange;
use payments::payment_methods::resolve::MethodInput;
use payments::ports::{Answer, Rendering};
use payments::refunds::create::RefundOf;
use payments::setup_intents::confirm::ConfirmSetupIntent;
use payments::setup_intents::create::NewSetupIntent;
use payments::setup_intents::update::SetupIntentChange;
use payments::{By, Error, Platform, Request};
use providers::simulator::{Simulator, test_cards};
use serde::de::DeserializeOwned;

use crate::node::Node;
use crate::world::World;

/// A client waits this long for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// A client repeats a request this often before it gives up.
const REPEATS: u32 = 8;
/// The key by which a shop finds its own orders again.
pub const ORDER: &str = "order";

/// Where buyers come back to.
const BACK: &str = "https://shop.example/back";

/// What a shop asks.
#[derive(Clone)]
pub enum Call {
    /// A customer.
    Customer,
    /// A payment.
    Create(Box<NewPaymentIntent>),
    /// To change it.
    Update(PaymentIntentId, Box<PaymentIntentChange>),
    /// To confirm it.
    Confirm(PaymentIntentId, Box<ConfirmPaymentIntent>),
    /// To take its money.
    Capture(PaymentIntentId, Option<i64>),
    /// To give it up.
    Cancel(PaymentIntentId),
    /// To give money back.
    Refund(PaymentIntentId, RefundRequest),
    /// To save a card.
    SetUp(Box<NewSetupIntent>),
    /// To change that.
    UpdateSetUp(SetupIntentId, Box<SetupIntentChange>),
    /// To confirm that.
    ConfirmSetUp(SetupIntentId, Box<ConfirmSetupIntent>),
    /// To give that up.
    CancelSetUp(SetupIntentId),
}

impl Call {
    /// Asks it.
    ///
    /// # Errors
    /// As the use case.
    pub async fn ask(&self, platform: &Arc<Platform>, request: &Request) -> Result<Answered, Error> {
        match self {
            Self::Customer => platform.create_customer(request, &CustomerChange::default(), None).await,
            Self::Create(new) => platform.create_payment_intent(request, new).await,
            Self::Update(id, change) => platform.update_payment_intent(request, *id, change).await,
            Self::Confirm(id, confirm) => platform.confirm_payment_intent(request, *id, confirm).await,
            Self::Capture(id, amount) => platform.capture_payment_intent(request, *id, *amount).await,
            Self::Cancel(id) => platform.cancel_payment_intent(request, *id, None).await,
            Self::Refund(id, refund) => platform.create_refund(request, RefundOf::PaymentIntent(*id), refund).await,
            Self::SetUp(new) => platform.create_setup_intent(request, new).await,
            Self::UpdateSetUp(id, change) => platform.update_setup_intent(request, *id, change).await,
            Self::ConfirmSetUp(id, confirm) => platform.confirm_setup_intent(request, *id, confirm).await,
            Self::CancelSetUp(id) => platform.cancel_setup_intent(request, *id, None).await,
        }
    }
}

/// An answer that a shop was given.
pub struct Told {
    /// Asked how.
    pub request: Request,
    /// Asked what.
    pub call: Call,
    /// The answer.
    pub answer: Answer,
}

/// What every shop of a run shares.
pub struct Market {
    /// The world.
    pub world: Arc<World>,
    /// Where servers run.
    pub nodes: Vec<Arc<Node>>,
    /// The bank, whose pages buyers see.
    pub bank: Arc<Simulator>,
    /// The merchant.
    pub account: Arc<Account>,
    /// Its data.
    pub scope: Scope,
    /// What shops were told.
    pub told: Mutex<Vec<Told>>,
    cards: Vec<String>,
    fingerprints: FingerprintKey,
    requests: Mutex<u64>,
}

impl Market {
    /// A market with nothing told yet.
    #[must_use]
    pub fn new(world: Arc<World>, nodes: Vec<Arc<Node>>, bank: Arc<Simulator>, account: Arc<Account>, scope: Scope) -> Self {
        let cards = test_cards::test_methods().map(|(name, _)| name).filter(|name| name.starts_with("pm_")).collect();
        Self {
            world,
            nodes,
            bank,
            account,
            scope,
            told: Mutex::default(),
            cards,
            fingerprints: FingerprintKey::new(&[2; 32]),
            requests: Mutex::default(),
        }
    }

    fn request(&self) -> Request {
        let mut requests = self.requests.lock();
        *requests = requests.saturating_add(1);
        // A shop without keys hears of each request once or never.
        let idempotency = (!self.world.one_in(12)).then(|| Idempotency {
            key: format!("key-{requests}"),
            fingerprint: Fingerprint::of(&self.fingerprints, "POST", "/", format!("body-{requests}").as_bytes()),
        });
        Request {
            scope: self.scope,
            account: Arc::clone(&self.account),
            id: format!("req_{requests}"),
            idempotency,
            rendering: Rendering::default(),
            actor: Actor::ApiKey { id: ApiKeyId::new(Ulid::MAX) },
            from: None,
        }
    }

    /// The key of a request, with another body.
    #[must_use]
    pub fn another_under(&self, request: &Request) -> Option<Idempotency> {
        let fingerprint = Fingerprint::of(&self.fingerprints, "POST", "/", b"another body");
        request.idempotency.as_ref().map(|idempotency| Idempotency { fingerprint, ..idempotency.clone() })
    }

    /// Asks until there is an answer, or gives up.
    async fn ask(&self, call: Call) -> Option<Answer> {
        let request = self.request();
        for _ in 0..REPEATS {
            match self.ask_once(&request, &call).await {
                Some(Ok(answered)) => {
                    let answer = answered.answer;
                    self.world.note(format_args!("{} is told {}", request.id, answer.status));
                    self.told.lock().push(Told { request, call, answer: answer.clone() });
                    return Some(answer);
                }
                Some(Err(Error::Internal(why))) => {
                    self.world.violation(format!("{}: a defect: {why}", request.id));
                    return None;
                }
                None | Some(Err(Error::Unavailable(_) | Error::LockTimeout | Error::IdempotencyInFlight)) => {}
                Some(Err(refused)) => {
                    self.world.note(format_args!("{} is refused: {refused}", request.id));
                    return None;
                }
            }
            request.idempotency.as_ref()?;
            tokio::time::sleep(Duration::from_millis(self.world.below(3_000))).await;
        }
        self.world.note(format_args!("{} is given up", request.id));
        None
    }

    /// `None` when no answer came in time, or nobody was there.
    async fn ask_once(&self, request: &Request, call: &Call) -> Option<Result<Answered, Error>> {
        let index = usize::try_from(self.world.below(u64::try_from(self.nodes.len()).unwrap_or(1))).unwrap_or(0);
        let platform = self.nodes.get(index)?.platform()?;
        tokio::time::timeout(PATIENCE, Box::pin(call.ask(&platform, request))).await.ok()
    }

    async fn ask_for<T: DeserializeOwned>(&self, call: Call) -> Option<T> {
        let answer = self.ask(call).await?;
        serde_json::from_slice(&answer.body).ok()
    }

    fn card(&self) -> MethodInput {
        let index = usize::try_from(self.world.below(u64::try_from(self.cards.len()).unwrap_or(1))).unwrap_or(0);
        let any = self.cards.get(index).cloned();
        // Half of all buyers have a card that works.
        MethodInput::Named(any.filter(|_| self.world.one_in(2)).unwrap_or_else(|| "pm_card_visa".to_owned()))
    }

    fn order(&self) -> Metadata {
        let requests = *self.requests.lock();
        Metadata::default().merge(&[(ORDER.to_owned(), requests.to_string())]).unwrap_or_default()
    }

    fn payment(&self) -> NewPaymentIntent {
        let currency =
            self.world.one_of(&[Currency::Usd, Currency::Eur, Currency::Jpy, Currency::Kwd, Currency::Isk]).unwrap_or(Currency::Usd);
        let minor = i64::try_from(self.world.below(50_000)).unwrap_or(0).saturating_add(100);
        let manual = self.world.one_in(3);
        NewPaymentIntent {
            amount: Money::new(payable(minor, currency), currency),
            capture_method: if manual { CaptureMethod::Manual } else { CaptureMethod::Automatic },
            customer: None,
            payment_method: Some(self.card()),
            setup_future_usage: None,
            description: None,
            receipt_email: None,
            shipping: None,
            statement_descriptor: None,
            statement_descriptor_suffix: None,
            metadata: self.order(),
            automatic_payment_methods: None,
            confirmation_method: ConfirmationMethod::Automatic,
            three_d_secure: self.world.one_of(&[ThreeDSecureRequest::Automatic, ThreeDSecureRequest::Any]).unwrap_or_default(),
            confirm: None,
        }
    }

    /// A confirmation with the card that the buyer takes, which some shops note with the payment before.
    async fn chosen(&self, payment: PaymentIntentId) -> ConfirmPaymentIntent {
        let mut confirm =
            ConfirmPaymentIntent { payment_method: Some(self.card()), confirmation: confirmation(), ..ConfirmPaymentIntent::default() };
        if self.world.one_in(3) {
            let noted = PaymentIntentChange { payment_method: confirm.payment_method.take(), ..PaymentIntentChange::default() };
            self.ask(Call::Update(payment, Box::new(noted))).await;
        }
        confirm
    }
}

fn confirmation() -> Confirmation {
    Confirmation { off_session: false, return_url: Some(BACK.to_owned()) }
}

/// One order, from the buyer's click at any time within `opening` to its end.
pub async fn order(market: Arc<Market>, opening: Duration) {
    let longest = u64::try_from(opening.as_millis()).unwrap_or(u64::MAX);
    tokio::time::sleep(Duration::from_millis(market.world.below(longest))).await;
    match market.world.below(10) {
        0 | 1 => set_up_and_pay(&market).await,
        2..=4 => create_then_confirm(&market).await,
        _ => {
            let new = NewPaymentIntent { confirm: Some(confirmation()), ..market.payment() };
            let paid = market.ask_for::<PaymentIntent>(Call::Create(Box::new(new))).await;
            finish(&market, paid).await;
        }
    }
}

async fn create_then_confirm(market: &Arc<Market>) {
    let mut new = market.payment();
    if market.world.one_in(2) {
        new.payment_method = None;
    }
    let Some(made) = market.ask_for::<PaymentIntent>(Call::Create(Box::new(new))).await else { return };
    if market.world.one_in(8) {
        market.ask(Call::Cancel(made.id)).await;
        return;
    }
    // A buyer whose card is refused takes another.
    let mut paid = None;
    for _ in 0..3 {
        let confirm = Call::Confirm(made.id, Box::new(market.chosen(made.id).await));
        paid = if market.world.one_in(4) {
            // An impatient buyer clicks twice, or the payment is given up in the same moment.
            let other = if market.world.one_in(3) { Call::Cancel(made.id) } else { confirm.clone() };
            futures::join!(market.ask_for::<PaymentIntent>(confirm), market.ask(other)).0
        } else {
            market.ask_for::<PaymentIntent>(confirm).await
        };
        if paid.as_ref().is_none_or(|paid| paid.status != Status::RequiresPaymentMethod) {
            break;
        }
    }
    finish(market, paid).await;
}

/// Whatever is left to do with a payment that was confirmed.
async fn finish(market: &Arc<Market>, paid: Option<PaymentIntent>) {
    let Some(mut paid) = paid else { return };
    if paid.status == Status::RequiresAction {
        act(market, &paid).await;
    }
    // A shop that waits sees how it went.
    for _ in 0..3 {
        if !matches!(paid.status, Status::Processing | Status::RequiresAction) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        let Some(now) = look(market, paid.id).await else { return };
        paid = now;
    }
    match paid.status {
        Status::RequiresCapture => capture(market, &paid).await,
        Status::Succeeded => refund(market, &paid, paid.amount_received).await,
        Status::Processing | Status::RequiresAction if market.world.one_in(3) => {
            market.ask(Call::Cancel(paid.id)).await;
        }
        _ => {}
    }
}

async fn look(market: &Arc<Market>, id: PaymentIntentId) -> Option<PaymentIntent> {
    let platform = market.nodes.first()?.platform()?;
    let found = tokio::time::timeout(PATIENCE, platform.find::<PaymentIntent>(market.scope, id.ulid())).await;
    Some(found.ok()?.ok()??.value)
}

/// The buyer answers the issuer, or goes away; a shop may give the payment up meanwhile.
async fn act(market: &Arc<Market>, paid: &PaymentIntent) {
    let Some(attempt) = paid.latest_attempt else { return };
    let decision = market.world.below(5);
    let buyer = async {
        tokio::time::sleep(Duration::from_millis(market.world.below(5_000))).await;
        if decision > 0 {
            let _ = market.bank.answer_challenge(&ProviderKey::authorize(attempt), decision > 1).await;
            market.world.note(if decision > 1 { "a buyer approves" } else { "a buyer refuses" });
        }
        if decision > 2
            && let Some(platform) = market.nodes.first().and_then(|node| node.platform())
        {
            let _ =
                tokio::time::timeout(PATIENCE, Box::pin(platform.come_back(market.scope, &By::buyer(None), &paid.client_secret()))).await;
        }
    };
    let shop = async {
        if market.world.one_in(4) {
            tokio::time::sleep(Duration::from_millis(market.world.below(6_000))).await;
            market.ask(Call::Cancel(paid.id)).await;
        }
    };
    futures::join!(buyer, shop);
}

async fn capture(market: &Arc<Market>, paid: &PaymentIntent) {
    let part = i64::try_from(market.world.below(u64::try_from(paid.amount.minor()).unwrap_or(1))).unwrap_or(0);
    let part = payable(part, paid.amount.currency());
    match market.world.below(5) {
        0 => {
            market.ask(Call::Cancel(paid.id)).await;
        }
        // Two of the shop's people at once.
        1 => {
            futures::join!(market.ask(Call::Capture(paid.id, None)), market.ask(Call::Cancel(paid.id)));
        }
        2 => {
            futures::join!(market.ask(Call::Capture(paid.id, Some(part))), market.ask(Call::Capture(paid.id, None)));
        }
        _ => {
            let captured = market.ask_for::<PaymentIntent>(Call::Capture(paid.id, Some(part))).await;
            if captured.is_some_and(|captured| captured.status == Status::Succeeded) {
                refund(market, paid, part).await;
            }
        }
    }
}

/// What can be paid of an amount: no more than it, unless it is less than anything that can.
fn payable(minor: i64, currency: Currency) -> i64 {
    let step = currency.step();
    minor.div_euclid(step).max(1).saturating_mul(step)
}

/// Some give back nothing, some a part, and some more at once than there is.
async fn refund(market: &Arc<Market>, paid: &PaymentIntent, received: i64) {
    let ask = |amount: Option<i64>| {
        let refund = RefundRequest { amount, reason: None, metadata: market.order() };
        market.ask(Call::Refund(paid.id, refund))
    };
    match market.world.below(5) {
        0 => {
            ask(None).await;
        }
        1 => {
            ask(Some(payable(received / 2, paid.amount.currency()))).await;
            ask(None).await;
        }
        2 => {
            let third = Some(payable(received / 3, paid.amount.currency()));
            futures::join!(ask(third), ask(third), ask(third), ask(third), ask(third));
        }
        _ => {}
    }
}

async fn set_up_and_pay(market: &Arc<Market>) {
    let Some(customer) = market.ask_for::<domain::customer::Customer>(Call::Customer).await else { return };
    let mut new = NewSetupIntent {
        customer: Some(customer.id),
        payment_method: (!market.world.one_in(3)).then(|| market.card()),
        usage: FutureUsage::OffSession,
        description: None,
        metadata: Metadata::default(),
        automatic_payment_methods: None,
        three_d_secure: ThreeDSecureRequest::Automatic,
        confirm: None,
    };
    if new.payment_method.is_some() && market.world.one_in(2) {
        new.confirm = Some(Some(BACK.to_owned()));
    }
    let Some(mut setup) = market.ask_for::<SetupIntent>(Call::SetUp(Box::new(new))).await else { return };
    if matches!(setup.status, setup_intent::Status::RequiresPaymentMethod | setup_intent::Status::RequiresConfirmation) {
        if market.world.one_in(6) {
            market.ask(Call::CancelSetUp(setup.id)).await;
            return;
        }
        let Some(confirmed) = confirm_set_up(market, &setup).await else { return };
        setup = confirmed;
    }
    if setup.status == setup_intent::Status::RequiresAction {
        if let Some(attempt) = setup.latest_attempt {
            let _ = market.bank.answer_challenge(&ProviderKey::verify_card(attempt), !market.world.one_in(4)).await;
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    if setup.status == setup_intent::Status::RequiresAction && market.world.one_in(2) {
        market.ask(Call::CancelSetUp(setup.id)).await;
    }
    if let (setup_intent::Status::Succeeded, Some(method)) = (setup.status, setup.payment_method) {
        pay_off_session(market, customer.id, method.to_string()).await;
    }
}

/// With the card that was chosen when it was made, or another one, which some shops note before.
async fn confirm_set_up(market: &Arc<Market>, setup: &SetupIntent) -> Option<SetupIntent> {
    let mut card = (setup.status == setup_intent::Status::RequiresPaymentMethod).then(|| market.card());
    if market.world.one_in(2) && card.is_some() {
        let noted = SetupIntentChange { payment_method: card.take(), ..SetupIntentChange::default() };
        market.ask(Call::UpdateSetUp(setup.id, Box::new(noted))).await;
    }
    let confirm = ConfirmSetupIntent { payment_method: card, return_url: Some(BACK.to_owned()), three_d_secure: None };
    market.ask_for::<SetupIntent>(Call::ConfirmSetUp(setup.id, Box::new(confirm))).await
}

async fn pay_off_session(market: &Arc<Market>, customer: CustomerId, method: String) {
    let new = NewPaymentIntent {
        customer: Some(customer),
        payment_method: Some(MethodInput::Named(method)),
        confirm: Some(Confirmation { off_session: true, return_url: None }),
        ..market.payment()
    };
    let paid = market.ask_for::<PaymentIntent>(Call::Create(Box::new(new))).await;
    finish(market, paid).await;
}
