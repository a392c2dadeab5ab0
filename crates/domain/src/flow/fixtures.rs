//! Records of one payment for the tests of decisions, each in any status.

use super::{Context, Mint};
use crate::account::Account;
use crate::card::{CardDetails, CardNumber, Expiry};
use crate::charge::{self, Authorization, Charge, Checks};
use crate::contact::BillingDetails;
use crate::currency::Currency;
use crate::customer::{Customer, TaxExempt};
use crate::decline::DeclineCode;
use crate::event::Cause;
use crate::fee::FeeSchedule;
use crate::fingerprint_key::FingerprintKey;
use crate::id::{
    AccountId, BalanceTransactionId, ChargeId, CustomerId, PaymentAttemptId, PaymentIntentId, PaymentMethodId, RefundId, SetupAttemptId,
    SetupIntentId, Ulid,
};
use crate::metadata::Metadata;
use crate::money::Money;
use crate::outcome::{Approval, Challenge, Decline};
use crate::payment_attempt::{self, Operation, OperationKind, PaymentAttempt};
use crate::payment_intent::{self, CaptureMethod, ConfirmationMethod, FutureUsage, PaymentIntent, ThreeDSecureRequest};
use crate::payment_method::PaymentMethod;
use crate::provider_key::ProviderKey;
use crate::refund::{self, Refund};
use crate::setup_intent::{self, SetupIntent};
use crate::time::Timestamp;

pub(crate) const OWNER: CustomerId = CustomerId::new(Ulid::from_bits(1));
pub(crate) const OTHER: CustomerId = CustomerId::new(Ulid::from_bits(2));
pub(crate) const INTENT: PaymentIntentId = PaymentIntentId::new(Ulid::from_bits(3));
pub(crate) const ATTEMPT: PaymentAttemptId = PaymentAttemptId::new(Ulid::from_bits(4));
pub(crate) const METHOD: PaymentMethodId = PaymentMethodId::new(Ulid::from_bits(5));
pub(crate) const CHARGE: ChargeId = ChargeId::new(Ulid::from_bits(6));
pub(crate) const REFUND: RefundId = RefundId::new(Ulid::from_bits(7));
pub(crate) const SETUP: SetupIntentId = SetupIntentId::new(Ulid::from_bits(8));
pub(crate) const SETUP_ATTEMPT: SetupAttemptId = SetupAttemptId::new(Ulid::from_bits(9));

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Counter(u128);

impl Mint for Counter {
    fn ulid(&mut self) -> Ulid {
        self.0 += 1;
        Ulid::from_bits(self.0)
    }
}

/// A merchant, and identifiers that no fixture has.
pub(crate) struct World {
    account: Account,
    mint: Counter,
}

impl Default for World {
    fn default() -> Self {
        let account = Account {
            id: AccountId::new(Ulid::NIL),
            name: String::new(),
            email: None,
            country: "US".to_owned(),
            default_currency: Currency::Usd,
            statement_descriptor: None,
            statement_descriptor_prefix: None,
            fees: FeeSchedule::default(),
            settlement_days: 2,
            created_at: Timestamp::EPOCH,
        };
        Self { account, mint: Counter(100) }
    }
}

impl World {
    pub(crate) fn ctx(&mut self) -> Context<'_> {
        Context { now: NOW, mint: &mut self.mint, cause: Cause::default(), account: &self.account }
    }
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::Usd)
}

/// The customer that is [`OWNER`].
pub(crate) fn customer() -> Customer {
    Customer {
        id: OWNER,
        created_at: Timestamp::EPOCH,
        address: None,
        description: None,
        email: None,
        name: None,
        phone: None,
        shipping: None,
        preferred_locales: Vec::new(),
        invoice_prefix: None,
        tax_exempt: TaxExempt::None,
        default_payment_method: None,
        metadata: Metadata::default(),
        deleted: false,
        sequence: 0,
    }
}

pub(crate) fn method() -> PaymentMethod {
    let number = CardNumber::parse("4242424242424242").unwrap();
    PaymentMethod {
        id: METHOD,
        created_at: Timestamp::EPOCH,
        card: CardDetails::of(&number, Expiry::new(12, 2040).unwrap(), &FingerprintKey::new(&[0; 32])),
        billing_details: BillingDetails::default(),
        customer: None,
        metadata: Metadata::default(),
        cvc_check: None,
        saved_for_off_session: false,
        paid: false,
        spent: false,
        sequence: 0,
    }
}

pub(crate) fn intent(status: payment_intent::Status) -> PaymentIntent {
    PaymentIntent {
        id: INTENT,
        created_at: Timestamp::EPOCH,
        amount: usd(1_000),
        status,
        capture_method: CaptureMethod::Automatic,
        secret: String::new(),
        amount_received: 0,
        customer: None,
        payment_method: Some(METHOD),
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
        latest_attempt: Some(ATTEMPT),
        latest_charge: None,
        next_action: None,
        last_error: None,
        cancellation_reason: None,
        canceled_at: None,
        sequence: 0,
    }
}

/// An attempt without an approval, with an operation where its status says that there is one.
pub(crate) fn attempt(status: payment_attempt::Status, kind: OperationKind) -> PaymentAttempt {
    let mut attempt = PaymentAttempt {
        id: ATTEMPT,
        payment_intent: INTENT,
        payment_method: METHOD,
        amount: usd(1_000),
        capture: true,
        off_session: false,
        return_url: None,
        three_d_secure: ThreeDSecureRequest::Automatic,
        statement_line: None,
        provider: "bank".to_owned(),
        status,
        operation: None,
        approval: None,
        decline: None,
        captures_refused: Vec::new(),
        voids_refused: 0,
        answers: None,
        conflicts: Vec::new(),
        action_required_at: (status == payment_attempt::Status::ActionRequired).then_some(NOW),
        created_at: Timestamp::EPOCH,
    };
    if matches!(status, payment_attempt::Status::Sending | payment_attempt::Status::Unknown) {
        let key = match kind {
            OperationKind::Capture => attempt.capture_key(),
            OperationKind::Void | OperationKind::Abandon => attempt.void_key(),
            OperationKind::Authorize | OperationKind::Refund | OperationKind::VerifyCard => ProviderKey::authorize(ATTEMPT),
        };
        attempt.operation = Some(Operation::begin(kind, key, usd(1_000), NOW));
    }
    attempt
}

pub(crate) fn approval(captured: bool) -> Approval {
    Approval {
        provider_reference: "ref".to_owned(),
        authorization_code: "123456".to_owned(),
        network_transaction_id: "net".to_owned(),
        cvc_check: None,
        address_line1_check: None,
        postal_code_check: None,
        three_d_secure: None,
        captured,
    }
}

pub(crate) fn decline() -> Decline {
    Decline { code: DeclineCode::InsufficientFunds, provider_reference: None, network_decline_code: None, cvc_check: None }
}

pub(crate) fn challenge() -> Challenge {
    Challenge { provider_reference: "ref".to_owned(), redirect_url: "https://bank.example".to_owned() }
}

/// A charge of 10.00, taken in full where its status says so.
pub(crate) fn charge(status: charge::Status) -> Charge {
    let captured = status == charge::Status::Captured;
    Charge {
        id: CHARGE,
        payment_intent: INTENT,
        attempt: ATTEMPT,
        provider: "bank".to_owned(),
        amount: usd(1_000),
        amount_captured: if captured { 1_000 } else { 0 },
        amount_refunded: 0,
        status,
        authorization: (status != charge::Status::Failed).then(|| Authorization {
            provider_reference: "ref".to_owned(),
            authorization_code: "123456".to_owned(),
            network_transaction_id: "net".to_owned(),
            three_d_secure: None,
        }),
        failure: None,
        balance_transaction: captured.then(|| BalanceTransactionId::new(Ulid::from_bits(10))),
        payment_method: METHOD,
        card: method().card,
        checks: Checks::default(),
        billing_details: BillingDetails::default(),
        customer: None,
        description: None,
        receipt_email: None,
        shipping: None,
        statement_line: None,
        statement_descriptor: None,
        statement_descriptor_suffix: None,
        fraud_report: None,
        metadata: Metadata::default(),
        created_at: Timestamp::EPOCH,
        sequence: 0,
    }
}

/// A refund of 4.00 that a shop has heard of.
pub(crate) fn refund(status: refund::Status) -> Refund {
    let operation = Operation::begin(OperationKind::Refund, ProviderKey::refund(REFUND), usd(400), NOW);
    Refund {
        id: REFUND,
        charge: CHARGE,
        payment_intent: INTENT,
        amount: usd(400),
        status,
        reason: None,
        operation: status.is_open().then_some(operation),
        provider_reference: None,
        failure: None,
        balance_transaction: BalanceTransactionId::new(Ulid::from_bits(11)),
        failure_balance_transaction: None,
        metadata: Metadata::default(),
        answers: None,
        conflicts: Vec::new(),
        created_at: Timestamp::EPOCH,
        sequence: 1,
    }
}

pub(crate) fn setup(status: setup_intent::Status) -> SetupIntent {
    let operation = Operation::begin(OperationKind::VerifyCard, ProviderKey::verify_card(SETUP_ATTEMPT), usd(0), NOW);
    SetupIntent {
        id: SETUP,
        created_at: Timestamp::EPOCH,
        status,
        secret: String::new(),
        usage: FutureUsage::OffSession,
        customer: Some(OWNER),
        payment_method: Some(METHOD),
        description: None,
        metadata: Metadata::default(),
        automatic_payment_methods: None,
        three_d_secure: ThreeDSecureRequest::Automatic,
        latest_attempt: Some(SETUP_ATTEMPT),
        operation: (status == setup_intent::Status::Processing).then_some(operation),
        provider: "bank".to_owned(),
        answers: None,
        next_action: None,
        action_required_at: (status == setup_intent::Status::RequiresAction).then_some(NOW),
        last_error: None,
        cancellation_reason: None,
        sequence: 0,
    }
}
