//! Decisions: a state, a command or a provider's answer, and the time, give the next state and all that goes with it.
//!
//! One file per operation. Each decision answers a [`PaymentChange`] or [`RefundChange`]: everything that must be
//! committed together. Absent on purpose: loading, committing, and calling a provider.

mod abandon;
mod authorize;
mod capture;
mod conflict;
#[cfg(test)]
pub(crate) mod fixtures;
mod refund;
mod setup;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod told;
mod void;

pub use abandon::begin_abandon;
pub use authorize::{Presence, begin_authorize, save_method, settle_authorize};
pub use capture::{begin_capture, settle_capture};
pub use conflict::{ConflictChange, Heard, RemedyOutcome, hear, hear_refund, settle_remedy};
pub use refund::{RefundRequest, begin_refund, settle_refund};
pub use setup::{SetupChange, begin_setup, cancel_setup, settle_setup};
pub use void::{begin_void, cancel_unsent, settle_refused_void, settle_void, void_came_too_late};

use crate::account::Account;
use crate::balance_transaction::{BalanceTransaction, Source};
use crate::charge::{self, Charge};
use crate::customer::Customer;
use crate::event::{Cause, Event, EventKind, Snapshot};
use crate::id::{BalanceTransactionId, EventId, JournalEntryId, RefundId, Ulid};
use crate::ledger::{self, JournalEntry};
use crate::money::{self, Money};
use crate::payment_attempt::{self, PaymentAttempt};
use crate::payment_intent::{self, PaymentIntent};
use crate::payment_method::PaymentMethod;
use crate::refund::{self as refund_state, Refund};
use crate::setup_intent::{self, SetupIntent};
use crate::time::Timestamp;

/// A source of new identifiers.
pub trait Mint {
    /// A fresh one, greater than all before.
    fn ulid(&mut self) -> Ulid;
}

/// What a decision may know besides its subject.
pub struct Context<'a> {
    /// The time of the decision.
    pub now: Timestamp,
    /// New identifiers.
    pub mint: &'a mut (dyn Mint + Send),
    /// The request that asked, if one did.
    pub cause: Cause,
    /// The merchant: fees and settlement.
    pub account: &'a Account,
}

/// A movement of money, in the books and on the merchant's statement.
#[derive(Clone, Debug)]
pub struct Booking {
    /// For the books.
    pub entry: JournalEntry,
    /// For the statement; not every movement is the merchant's.
    pub line: Option<BalanceTransaction>,
}

/// What changes with a payment, to be committed together.
#[derive(Clone, Debug)]
pub struct PaymentChange {
    /// The payment after the change.
    pub intent: PaymentIntent,
    /// The attempt after the change.
    pub attempt: Option<PaymentAttempt>,
    /// The charge after the change, new or not.
    pub charge: Option<Charge>,
    /// What moved.
    pub booking: Option<Booking>,
    /// What to tell.
    pub events: Vec<Event>,
    /// What the shop had asked for, when the provider did not do it.
    pub refused: Option<payment_intent::Command>,
}

impl PaymentChange {
    const fn of(intent: PaymentIntent, attempt: PaymentAttempt) -> Self {
        Self { intent, attempt: Some(attempt), charge: None, booking: None, events: Vec::new(), refused: None }
    }
}

/// What changes with a refund, to be committed together.
#[derive(Clone, Debug)]
pub struct RefundChange {
    /// The refund after the change.
    pub refund: Refund,
    /// Its charge, when that changes.
    pub charge: Option<Charge>,
    /// What moved.
    pub booking: Option<Booking>,
    /// What to tell.
    pub events: Vec<Event>,
}

/// Why a decision could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payment is in a status that does not take the command.
    #[error("a payment that is {status:?} cannot be {}", command.verb())]
    Command {
        /// What was asked.
        command: payment_intent::Command,
        /// The status it has.
        status: payment_intent::Status,
    },
    /// The payment would leave its declared edges.
    #[error(transparent)]
    Intent(#[from] payment_intent::IllegalEdge),
    /// The attempt would leave its declared edges.
    #[error(transparent)]
    Attempt(#[from] payment_attempt::IllegalEdge),
    /// The set-up would leave its declared edges.
    #[error(transparent)]
    Setup(#[from] setup_intent::IllegalEdge),
    /// The refund would leave its declared edges.
    #[error(transparent)]
    Refund(#[from] refund_state::IllegalEdge),
    /// The charge does not allow it.
    #[error(transparent)]
    Charge(#[from] charge::Refusal),
    /// An amount overflowed or mixed currencies.
    #[error(transparent)]
    Money(#[from] money::Error),
    /// A journal entry would not balance.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The records do not belong together.
    #[error("the stored records do not belong together: {0}")]
    Inconsistent(&'static str),
}

impl Context<'_> {
    fn event(&mut self, kind: EventKind, object: Snapshot, sequence: u32) -> Event {
        let ulid = self.mint.ulid();
        Event { id: EventId::new(ulid), created_at: ulid.created_at(), kind, object, previous: None, cause: self.cause.clone(), sequence }
    }

    /// An event of a payment, which counts it.
    pub fn intent_event(&mut self, kind: EventKind, intent: &mut PaymentIntent) -> Event {
        intent.sequence = intent.sequence.saturating_add(1);
        self.event(kind, Snapshot::PaymentIntent(Box::new(intent.clone())), intent.sequence)
    }

    /// An event of a charge, which counts it.
    pub fn charge_event(&mut self, kind: EventKind, charge: &mut Charge) -> Event {
        charge.sequence = charge.sequence.saturating_add(1);
        self.event(kind, Snapshot::Charge(Box::new(charge.clone())), charge.sequence)
    }

    /// An event of a refund, which counts it.
    pub fn refund_event(&mut self, kind: EventKind, refund: &mut Refund) -> Event {
        refund.sequence = refund.sequence.saturating_add(1);
        self.event(kind, Snapshot::Refund(Box::new(refund.clone())), refund.sequence)
    }

    /// An event of a payment method, which counts it.
    pub fn method_event(&mut self, kind: EventKind, method: &mut PaymentMethod) -> Event {
        method.sequence = method.sequence.saturating_add(1);
        self.event(kind, Snapshot::PaymentMethod(Box::new(method.clone())), method.sequence)
    }

    /// An event of a customer, which counts it.
    pub fn customer_event(&mut self, kind: EventKind, customer: &mut Customer) -> Event {
        customer.sequence = customer.sequence.saturating_add(1);
        self.event(kind, Snapshot::Customer(Box::new(customer.clone())), customer.sequence)
    }

    /// An event of a set-up, which counts it.
    pub fn setup_event(&mut self, kind: EventKind, intent: &mut SetupIntent) -> Event {
        intent.sequence = intent.sequence.saturating_add(1);
        self.event(kind, Snapshot::SetupIntent(Box::new(intent.clone())), intent.sequence)
    }

    /// Books a captured charge; its line on the statement shares the entry's ULID.
    fn book_capture(&mut self, charge: &mut Charge) -> Result<Booking, Error> {
        let gross = Money::new(charge.amount_captured, charge.amount.currency());
        let fee = self.account.fees.fee(gross)?;
        let available_on = self.now.midnight_after_days(i64::from(self.account.settlement_days));
        let ulid = self.mint.ulid();
        let id = BalanceTransactionId::new(ulid);
        let entry = JournalEntry::capture(JournalEntryId::new(ulid), self.now, charge.id, gross, fee, available_on)?;
        charge.balance_transaction = Some(id);
        let line = BalanceTransaction {
            id,
            created_at: ulid.created_at(),
            amount: gross,
            fee: fee.minor(),
            source: Source::Charge(charge.id),
            available_on,
            description: charge.description.clone(),
        };
        Ok(Booking { entry, line: Some(line) })
    }

    fn refund_line(&self, ulid: Ulid, amount: Money, source: Source) -> BalanceTransaction {
        BalanceTransaction {
            id: BalanceTransactionId::new(ulid),
            created_at: ulid.created_at(),
            amount,
            fee: 0,
            source,
            available_on: self.now,
            description: None,
        }
    }

    fn refund_id(&mut self) -> RefundId {
        RefundId::new(self.mint.ulid())
    }
}
