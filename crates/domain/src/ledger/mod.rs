//! The internal books: double entry, in entries that balance or do not exist.
//!
//! Invariants, checked whenever an entry is made or read back: its postings sum to nothing in each currency;
//! there are at least two, none of them zero; each is a leg that its movement declares ([`Movement::legs`]).
//! Entries are only ever added. Absent on purpose: the merchant's statement, which has one line where the books
//! have several postings (see [`balance_transaction`](crate::balance_transaction)).

mod account;
mod books;
mod claimed;
mod movement;

pub use account::{LedgerAccount, Nature};
pub use books::{Books, Trial};
pub use claimed::Claimed;
pub use movement::{Movement, Side, Source};

use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::id::{ChargeId, JournalEntryId, PaymentAttemptId, RefundId};
use crate::money::{self, Money};
use crate::time::Timestamp;

/// One account's change in an entry: a debit is positive, a credit negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(LedgerAccount, i64, Currency)", into = "(LedgerAccount, i64, Currency)")]
pub struct Posting {
    /// Which account changes.
    pub account: LedgerAccount,
    /// By how much.
    pub amount: Money,
}

impl Posting {
    const fn side(self) -> Side {
        if self.amount.is_negative() { Side::Credit } else { Side::Debit }
    }
}

impl From<(LedgerAccount, i64, Currency)> for Posting {
    fn from((account, minor, currency): (LedgerAccount, i64, Currency)) -> Self {
        Self { account, amount: Money::new(minor, currency) }
    }
}

impl From<Posting> for (LedgerAccount, i64, Currency) {
    fn from(posting: Posting) -> Self {
        (posting.account, posting.amount.minor(), posting.amount.currency())
    }
}

/// Why an entry cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Debits and credits differ.
    #[error("a journal entry does not balance in {0}")]
    Unbalanced(Currency),
    /// Fewer than two postings.
    #[error("a journal entry has fewer than two postings")]
    TooFewPostings,
    /// A posting of nothing.
    #[error("a journal entry has a posting of zero")]
    ZeroPosting,
    /// A posting that the movement does not declare, or declares once and got twice.
    #[error("a journal entry posts to the wrong side of {0}")]
    WrongLeg(LedgerAccount),
    /// A movement of charges that names a refund, or the other way about.
    #[error("a journal entry is about the wrong kind of object")]
    WrongSource,
    /// The amounts could not be computed.
    #[error(transparent)]
    Money(#[from] money::Error),
}

/// A balanced entry of the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct JournalEntry {
    id: JournalEntryId,
    at: Timestamp,
    movement: Movement,
    source: Source,
    postings: Vec<Posting>,
    available_on: Timestamp,
}

/// The stored form, before its rules are checked.
#[derive(Deserialize)]
struct Unchecked {
    id: JournalEntryId,
    at: Timestamp,
    movement: Movement,
    source: Source,
    postings: Vec<Posting>,
    available_on: Timestamp,
}

impl TryFrom<Unchecked> for JournalEntry {
    type Error = Error;

    fn try_from(entry: Unchecked) -> Result<Self, Error> {
        let Unchecked { id, at, movement, source, postings, available_on } = entry;
        check(movement, source, &postings)?;
        Ok(Self { id, at, movement, source, postings, available_on })
    }
}

impl JournalEntry {
    /// A payment of `gross` was taken; the merchant is owed it without `fee`, from `available_on` on.
    ///
    /// # Errors
    /// The payment is not positive, the fee is negative or exceeds it, or their currencies differ.
    pub fn capture(
        id: JournalEntryId,
        at: Timestamp,
        charge: ChargeId,
        gross: Money,
        fee: Money,
        available_on: Timestamp,
    ) -> Result<Self, Error> {
        let net = gross.checked_sub(fee)?;
        let legs = [
            (LedgerAccount::ProviderReceivable, gross),
            (LedgerAccount::MerchantPayable, net.checked_neg()?),
            (LedgerAccount::ProcessingFees, fee.checked_neg()?),
        ];
        // A payment without a fee, or one that its fee eats up, touches one account less.
        let postings = legs.into_iter().filter(|(_, amount)| !amount.is_zero());
        let postings = postings.map(|(account, amount)| Posting { account, amount }).collect();
        Unchecked { id, at, movement: Movement::Capture, source: Source::Charge(charge), postings, available_on }.try_into()
    }

    /// An amount was taken from the merchant and set aside for a refund.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn refund_reserved(id: JournalEntryId, at: Timestamp, refund: RefundId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::RefundReserved, Source::Refund(refund), amount)
    }

    /// The provider made a refund that was set aside for.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn refund_settled(id: JournalEntryId, at: Timestamp, refund: RefundId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::RefundSettled, Source::Refund(refund), amount)
    }

    /// A refund failed before it was settled; the merchant gets back what was set aside.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn refund_reversed(id: JournalEntryId, at: Timestamp, refund: RefundId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::RefundReversed, Source::Refund(refund), amount)
    }

    /// A refund came back after it was settled; the provider owes it again, and the platform the merchant.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn refund_returned(id: JournalEntryId, at: Timestamp, refund: RefundId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::RefundReturned, Source::Refund(refund), amount)
    }

    /// A provider took a payment that had ended without it; nobody is owed it but its card.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn late_capture(id: JournalEntryId, at: Timestamp, attempt: PaymentAttemptId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::LateCapture, Source::Attempt(attempt), amount)
    }

    /// A provider gave back what it had taken so.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn late_capture_returned(id: JournalEntryId, at: Timestamp, attempt: PaymentAttemptId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::LateCaptureReturned, Source::Attempt(attempt), amount)
    }

    /// A provider made a refund that had failed and that the merchant had got back.
    ///
    /// # Errors
    /// The amount is not positive.
    pub fn late_refund(id: JournalEntryId, at: Timestamp, refund: RefundId, amount: Money) -> Result<Self, Error> {
        Self::plain(id, at, Movement::LateRefund, Source::Refund(refund), amount)
    }

    /// Every leg that the movement declares, with the same amount.
    fn plain(id: JournalEntryId, at: Timestamp, movement: Movement, source: Source, amount: Money) -> Result<Self, Error> {
        let opposite = amount.checked_neg()?;
        let postings = movement
            .legs()
            .iter()
            .map(|(account, side)| Posting { account: *account, amount: if *side == Side::Debit { amount } else { opposite } });
        let postings = postings.collect();
        Unchecked { id, at, movement, source, postings, available_on: at }.try_into()
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> JournalEntryId {
        self.id
    }

    /// When it was made.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What it is about.
    #[must_use]
    pub const fn movement(&self) -> Movement {
        self.movement
    }

    /// The object it is about.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Its postings: they sum to nothing.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// From when on the merchant can have it.
    #[must_use]
    pub const fn available_on(&self) -> Timestamp {
        self.available_on
    }

    /// The currency it moves: every movement there is stays within one.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.postings.first().map(|posting| posting.amount.currency())
    }

    /// What it does to the merchant's balance: positive when they are owed more; `None` when it leaves it alone.
    #[must_use]
    pub fn merchant_amount(&self) -> Option<Money> {
        let posting = self.postings.iter().find(|posting| posting.account == LedgerAccount::MerchantPayable)?;
        posting.amount.checked_neg().ok()
    }
}

/// The rules of an entry, all of them.
fn check(movement: Movement, source: Source, postings: &[Posting]) -> Result<(), Error> {
    if !movement.is_about(source) {
        return Err(Error::WrongSource);
    }
    if postings.len() < 2 {
        return Err(Error::TooFewPostings);
    }
    for (position, posting) in postings.iter().enumerate() {
        if posting.amount.is_zero() {
            return Err(Error::ZeroPosting);
        }
        let twice = postings.iter().take(position).any(|earlier| earlier.account == posting.account);
        if twice || !movement.legs().contains(&(posting.account, posting.side())) {
            return Err(Error::WrongLeg(posting.account));
        }
    }
    for currency in postings.iter().map(|posting| posting.amount.currency()) {
        let of_currency = postings.iter().filter(|posting| posting.amount.currency() == currency);
        if of_currency.map(|posting| i128::from(posting.amount.minor())).sum::<i128>() != 0 {
            return Err(Error::Unbalanced(currency));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
