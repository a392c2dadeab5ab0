//! One of each object, for tests.

use domain::account::Account;
use domain::audit::{Action, Actor, AuditEntry, Change, Digest, Ending, Subject};
use domain::balance_transaction::{BalanceTransaction, Source};
use domain::card::{CardDetails, CardNumber, Expiry};
use domain::charge::{self, Authorization, Charge, Checks, Failure};
use domain::contact::{Address, BillingDetails, Shipping};
use domain::currency::Currency;
use domain::customer::{Customer, TaxExempt};
use domain::decline::{CardErrorCode, DeclineCode};
use domain::event::{Cause, Event, EventKind, Snapshot};
use domain::fee::FeeSchedule;
use domain::fingerprint_key::FingerprintKey;
use domain::id::{AccountId, ApiKeyId, AuditEntryId, BalanceTransactionId, CardId, ChargeId, CustomerId, EventId, PaymentAttemptId};
use domain::id::{PaymentIntentId, PaymentMethodId, RefundId, SetupAttemptId, SetupIntentId, TokenId, Ulid};
use domain::metadata::Metadata;
use domain::money::Money;
use domain::outcome::{Check, RefundFailure, ThreeDSecureResult};
use domain::payment_intent::{self, AllowRedirects, CancellationReason, CaptureMethod, CardError, ConfirmationMethod, FutureUsage};
use domain::payment_intent::{NextAction, PaymentIntent, ThreeDSecureRequest};
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::{self, Reason, Refund};
use domain::scope::{Mode, Scope};
use domain::setup_intent::{self, SetupIntent};
use domain::time::Timestamp;
use payments::ports::Audience;

use super::Context;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
pub(crate) const CTX: Context = Context { livemode: false, now: NOW, audience: Audience::Shop };
pub(crate) const ULID: Ulid = Ulid::from_bits(0x0192_f3a4_b5c6_d7e8_0918_2736_4554_6372);
pub(crate) const SCOPE: Scope = Scope { account: AccountId::new(ULID), mode: Mode::Test };

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("usd").unwrap())
}

pub(crate) fn notes(pairs: &[(&str, &str)]) -> Metadata {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Metadata::default().merge(&pairs).unwrap()
}

pub(crate) fn audit_entry() -> AuditEntry {
    AuditEntry {
        id: AuditEntryId::new(ULID),
        actor: Actor::ApiKey { id: ApiKeyId::new(ULID) },
        from: Some(std::net::IpAddr::from([192, 0, 2, 1])),
        action: Action::CustomerUpdate,
        changes: vec![Change {
            object: Subject::Customer(CustomerId::new(ULID)),
            revision: 2,
            before: Some(Digest::of(b"before")),
            after: Some(Digest::of(b"after")),
        }],
        request: Some("req_1".to_owned()),
        result: Ending::Success,
        note: Some("ticket 4711".to_owned()),
    }
}

fn card() -> CardDetails {
    let number = CardNumber::parse("4242424242424242").unwrap();
    CardDetails::of(&number, Expiry::new(12, 2034).unwrap(), &FingerprintKey::new(&[1; 32]))
}

fn address() -> Address {
    Address { city: Some("Zürich".into()), country: Some("CH".into()), line1: Some("Weg 1".into()), ..Address::default() }
}

fn billing() -> BillingDetails {
    BillingDetails { address: Some(address()), email: Some("a@example.com".into()), ..BillingDetails::default() }
}

fn shipping() -> Shipping {
    Shipping { address: address(), name: "A. Buyer".into(), phone: None, carrier: Some("Post".into()), tracking_number: None }
}

pub(crate) fn account() -> Account {
    Account {
        id: AccountId::new(ULID),
        name: "Test shop".into(),
        email: Some("shop@example.com".into()),
        country: "CH".into(),
        default_currency: usd(0).currency(),
        statement_descriptor: None,
        statement_descriptor_prefix: None,
        fees: FeeSchedule::default(),
        settlement_days: 2,
        created_at: NOW,
    }
}

pub(crate) fn customer() -> Customer {
    Customer {
        id: CustomerId::new(ULID),
        created_at: NOW,
        address: Some(address()),
        description: None,
        email: Some("a@example.com".into()),
        name: Some("A. Buyer".into()),
        phone: None,
        shipping: Some(shipping()),
        preferred_locales: vec!["de".into(), "fr".into()],
        invoice_prefix: Some("ABC123".into()),
        tax_exempt: TaxExempt::Reverse,
        default_payment_method: Some(PaymentMethodId::new(ULID)),
        metadata: notes(&[("tier", "gold")]),
        deleted: false,
        sequence: 1,
    }
}

pub(crate) fn payment_method() -> PaymentMethod {
    PaymentMethod {
        id: PaymentMethodId::new(ULID),
        created_at: NOW,
        card: card(),
        billing_details: billing(),
        customer: Some(CustomerId::new(ULID)),
        metadata: Metadata::default(),
        cvc_check: Some(Check::Pass),
        saved_for_off_session: false,
        paid: false,
        spent: false,
        sequence: 1,
    }
}

pub(crate) fn token() -> Token {
    Token { id: TokenId::new(ULID), card_id: CardId::new(ULID), created_at: NOW, card: card(), billing_details: billing(), used: true }
}

pub(crate) fn card_error(code: CardErrorCode, decline_code: Option<DeclineCode>) -> CardError {
    CardError { code, decline_code, charge: Some(ChargeId::new(ULID)), payment_method: Some(Box::new(payment_method())) }
}

pub(crate) fn payment_intent(status: payment_intent::Status) -> PaymentIntent {
    use payment_intent::Status::{Canceled, RequiresAction, RequiresCapture, RequiresPaymentMethod, Succeeded};
    let next_action = NextAction { redirect_url: "https://bank/3ds".into(), return_url: Some("https://shop/back".into()) };
    let error = card_error(CardErrorCode::CardDeclined, Some(DeclineCode::InsufficientFunds));
    let is = |wanted| status == wanted;
    PaymentIntent {
        id: PaymentIntentId::new(ULID),
        created_at: NOW,
        amount: usd(1099),
        status,
        capture_method: if is(RequiresCapture) { CaptureMethod::Manual } else { CaptureMethod::Automatic },
        secret: "0123456789abcdef01234567".into(),
        amount_received: if is(Succeeded) { 1099 } else { 0 },
        customer: Some(CustomerId::new(ULID)),
        payment_method: (!is(RequiresPaymentMethod)).then(|| PaymentMethodId::new(ULID)),
        setup_future_usage: Some(FutureUsage::OffSession),
        description: Some("Order 1".into()),
        receipt_email: Some("a@example.com".into()),
        shipping: Some(shipping()),
        statement_descriptor: None,
        statement_descriptor_suffix: Some("ORDER1".into()),
        metadata: notes(&[("order", "1")]),
        automatic_payment_methods: Some(AllowRedirects::Never),
        confirmation_method: ConfirmationMethod::Manual,
        three_d_secure: ThreeDSecureRequest::Any,
        latest_attempt: None,
        latest_charge: (is(Succeeded) || is(RequiresCapture)).then(|| ChargeId::new(ULID)),
        next_action: is(RequiresAction).then_some(next_action),
        last_error: is(RequiresPaymentMethod).then_some(error),
        cancellation_reason: is(Canceled).then_some(CancellationReason::Abandoned),
        canceled_at: is(Canceled).then_some(NOW),
        sequence: 3,
    }
}

pub(crate) fn setup_intent(status: setup_intent::Status) -> SetupIntent {
    use setup_intent::Status::{Canceled, RequiresAction, RequiresPaymentMethod};
    let next_action = NextAction { redirect_url: "https://bank/3ds".into(), return_url: None };
    let error = card_error(CardErrorCode::SetupIntentAuthenticationFailure, None);
    SetupIntent {
        id: SetupIntentId::new(ULID),
        created_at: NOW,
        status,
        secret: "0123456789abcdef01234567".into(),
        usage: FutureUsage::OffSession,
        customer: Some(CustomerId::new(ULID)),
        payment_method: Some(PaymentMethodId::new(ULID)),
        description: None,
        metadata: Metadata::default(),
        automatic_payment_methods: Some(AllowRedirects::Always),
        three_d_secure: ThreeDSecureRequest::Challenge,
        latest_attempt: Some(SetupAttemptId::new(ULID)),
        operation: None,
        provider: "simulator".into(),
        answers: None,
        next_action: (status == RequiresAction).then_some(next_action),
        action_required_at: None,
        last_error: (status == RequiresPaymentMethod).then_some(error),
        cancellation_reason: (status == Canceled).then_some(CancellationReason::RequestedByCustomer),
        sequence: 2,
    }
}

pub(crate) fn charge(status: charge::Status) -> Charge {
    let failed = status == charge::Status::Failed;
    let captured = status == charge::Status::Captured;
    let authorization = Authorization {
        provider_reference: "sim_1".into(),
        authorization_code: "123456".into(),
        network_transaction_id: "104000000000001".into(),
        three_d_secure: Some(ThreeDSecureResult::Authenticated),
    };
    Charge {
        id: ChargeId::new(ULID),
        payment_intent: PaymentIntentId::new(ULID),
        attempt: PaymentAttemptId::new(ULID),
        provider: "simulator".into(),
        amount: usd(1099),
        amount_captured: if captured { 1099 } else { 0 },
        amount_refunded: 0,
        status,
        authorization: (!failed).then_some(authorization),
        failure: failed.then_some(Failure { code: CardErrorCode::CardDeclined, decline_code: Some(DeclineCode::InsufficientFunds) }),
        balance_transaction: captured.then(|| BalanceTransactionId::new(ULID)),
        payment_method: PaymentMethodId::new(ULID),
        card: card(),
        checks: Checks { cvc: Some(Check::Pass), address_line1: Some(Check::Unchecked), postal_code: None },
        billing_details: BillingDetails::default(),
        customer: None,
        description: Some("Order 1".into()),
        receipt_email: None,
        shipping: Some(shipping()),
        statement_line: Some("TEST SHOP* ORDER1".into()),
        statement_descriptor: None,
        statement_descriptor_suffix: Some("ORDER1".into()),
        fraud_report: None,
        metadata: notes(&[("order", "1")]),
        created_at: NOW,
        sequence: 1,
    }
}

pub(crate) fn refund(status: refund::Status) -> Refund {
    let failed = status == refund::Status::Failed;
    Refund {
        id: RefundId::new(ULID),
        charge: ChargeId::new(ULID),
        payment_intent: PaymentIntentId::new(ULID),
        amount: usd(500),
        status,
        reason: Some(Reason::RequestedByCustomer),
        operation: None,
        provider_reference: (status == refund::Status::Succeeded).then(|| "sim_re_1".into()),
        failure: failed.then_some(RefundFailure::LostOrStolenCard),
        balance_transaction: BalanceTransactionId::new(ULID),
        failure_balance_transaction: failed.then(|| BalanceTransactionId::new(ULID)),
        metadata: Metadata::default(),
        answers: None,
        conflicts: Vec::new(),
        created_at: NOW,
        sequence: 1,
    }
}

pub(crate) fn balance_transaction(source: Source, available_on: Timestamp) -> BalanceTransaction {
    let taken = matches!(source, Source::Charge(_));
    BalanceTransaction {
        id: BalanceTransactionId::new(ULID),
        created_at: NOW,
        amount: usd(if taken { 1099 } else { -500 }),
        fee: if taken { 62 } else { 0 },
        source,
        available_on,
        description: taken.then(|| "Order 1".into()),
    }
}

pub(crate) fn event(kind: EventKind, object: Snapshot, previous: Option<Snapshot>) -> Event {
    Event {
        id: EventId::new(ULID),
        created_at: NOW,
        kind,
        object,
        previous,
        cause: Cause { request: Some("req_1".into()), idempotency_key: None },
        sequence: 4,
    }
}
