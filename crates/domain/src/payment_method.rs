//! Cards to pay with, without their numbers, and the tokens that hand a card over once.
//!
//! Absent on purpose: the card number (sealed in the vault under the same ULID) and the security code.

use serde::{Deserialize, Serialize};

use crate::card::CardDetails;
use crate::contact::BillingDetails;
use crate::customer::Customer;
use crate::id::{CardId, CustomerId, PaymentMethodId, TokenId};
use crate::metadata::Metadata;
use crate::outcome::Check;
use crate::payment_attempt::PaymentAttempt;
use crate::payment_intent::FutureUsage;
use crate::time::Timestamp;

/// A card to pay with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its name in the API; the vault keeps the number under the same ULID.
    pub id: PaymentMethodId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What may be shown of the card.
    pub card: CardDetails,
    /// The cardholder as the shop knows them.
    #[serde(default, skip_serializing_if = "BillingDetails::is_empty")]
    pub billing_details: BillingDetails,
    /// Whose card it is, once attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// The shop's own notes.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// What the issuer said of the security code when the card was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvc_check: Option<Check>,
    /// The buyer agreed, authenticated where the issuer asked, to payments in their absence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saved_for_off_session: bool,
    /// A payment was begun with it while it was nobody's: it pays no other one unless it is given to a customer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paid: bool,
    /// Detached from its customer, or used up: it can pay no more, and be given to nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spent: bool,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}

/// Why a payment method cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was detached or used without being attached.
    #[error("This payment method was used or detached before and cannot be used again.")]
    Spent,
    /// It belongs to another customer, or to one while none was named.
    #[error("This payment method belongs to another customer than the payment names.")]
    OtherCustomer,
    /// It is attached already.
    #[error("This payment method is already attached to a customer.")]
    AlreadyAttached,
    /// The customer it is to be given to was deleted.
    #[error("The customer was deleted, and no payment method can be attached to it.")]
    CustomerDeleted,
    /// It is attached to nobody.
    #[error("This payment method is not attached to a customer.")]
    NotAttached,
}

impl PaymentMethod {
    /// Whether a payment or set-up that names `customer` may use it.
    ///
    /// # Errors
    /// The reason why not.
    pub fn usable_for(&self, customer: Option<CustomerId>) -> Result<(), Refusal> {
        match self.customer {
            _ if self.spent => Err(Refusal::Spent),
            None if self.paid => Err(Refusal::Spent),
            Some(owner) if customer != Some(owner) => Err(Refusal::OtherCustomer),
            Some(_) | None => Ok(()),
        }
    }

    /// A payment begins with it. One that is nobody's pays once, whatever comes of it: whoever has its name could take the buyer's money
    /// again otherwise. If the payment is to save it, it may be given to a customer afterwards, and pays again then; if not, it is used up.
    /// Stripe has the same rule.
    pub const fn pay(&mut self, usage: Option<FutureUsage>) {
        if self.customer.is_none() {
            self.paid = true;
            self.spent |= usage.is_none();
        }
    }

    /// Whether the one payment it was for used it up.
    #[must_use]
    pub const fn is_used_up(&self) -> bool {
        self.spent && self.paid
    }

    /// Whether it was taken from its customer.
    #[must_use]
    pub const fn is_detached(&self) -> bool {
        self.spent && !self.paid
    }

    /// Gives it to a customer.
    ///
    /// # Errors
    /// It is spent or belongs to another, or the customer was deleted.
    pub fn attach(&mut self, customer: &Customer) -> Result<(), Refusal> {
        match self.customer {
            _ if self.spent => Err(Refusal::Spent),
            _ if customer.deleted => Err(Refusal::CustomerDeleted),
            Some(owner) if owner != customer.id => Err(Refusal::AlreadyAttached),
            _ => {
                self.customer = Some(customer.id);
                self.paid = false;
                Ok(())
            }
        }
    }

    /// Whether it is the customer's already, for payments of that kind.
    #[must_use]
    pub fn is_saved_for(&self, customer: CustomerId, usage: FutureUsage) -> bool {
        self.customer == Some(customer) && (self.saved_for_off_session || usage != FutureUsage::OffSession)
    }

    /// Whether its card's number has done its work once the only attempt with it, that was `before`, is `after`: neither the capture nor
    /// a refund needs the number.
    #[must_use]
    pub fn is_done(&self, before: &PaymentAttempt, after: &PaymentAttempt) -> bool {
        self.is_used_up() && before.may_need_card() && !after.may_need_card()
    }

    /// Takes it from its customer; it can pay no more.
    ///
    /// # Errors
    /// It is attached to nobody.
    pub fn detach(&mut self) -> Result<CustomerId, Refusal> {
        let owner = self.customer.take().ok_or(Refusal::NotAttached)?;
        self.spent = true;
        Ok(owner)
    }
}

/// A card handed over once, usually by a browser to a shop's server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its name in the API.
    pub id: TokenId,
    /// The card inside; the vault keeps the number under the token's ULID.
    pub card_id: CardId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What may be shown of the card.
    pub card: CardDetails,
    /// The cardholder as the buyer wrote it.
    #[serde(default, skip_serializing_if = "BillingDetails::is_empty")]
    pub billing_details: BillingDetails,
    /// It was exchanged for a payment method.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub used: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::flow::fixtures::{OWNER, approval, attempt, method};
    use crate::payment_attempt::{OperationKind, Status};

    #[test]
    fn a_card_is_used_by_its_owner_and_by_anybody_while_it_has_none_and_not_once_it_is_spent() {
        let other = Some(CustomerId::new(crate::id::Ulid::MAX));
        let (free, owned) = (method(), PaymentMethod { customer: Some(OWNER), ..method() });
        for customer in [None, Some(OWNER), other] {
            assert_eq!(free.usable_for(customer), Ok(()));
            let expected = if customer == Some(OWNER) { Ok(()) } else { Err(Refusal::OtherCustomer) };
            assert_eq!(owned.usable_for(customer), expected);
            assert_eq!(PaymentMethod { spent: true, ..method() }.usable_for(customer), Err(Refusal::Spent));
        }
    }

    #[test]
    fn a_spent_card_has_done_its_work_when_its_attempt_is_settled_and_not_before() {
        let at = |status, approved: bool| PaymentAttempt {
            approval: approved.then(|| approval(true)),
            ..attempt(status, OperationKind::Authorize)
        };
        let spent = PaymentMethod { paid: true, spent: true, ..method() };
        let detached = PaymentMethod { spent: true, ..method() };
        let open = [Status::Sending, Status::Unknown, Status::ActionRequired];
        for before in open {
            for after in open {
                assert!(!spent.is_done(&at(before, false), &at(after, false)), "{before:?} {after:?}");
            }
            for after in [Status::Authorized, Status::Captured, Status::Declined, Status::Voided] {
                assert!(spent.is_done(&at(before, false), &at(after, after != Status::Declined)), "{before:?} {after:?}");
                assert!(!method().is_done(&at(before, false), &at(after, false)), "it may pay again");
                assert!(!detached.is_done(&at(before, false), &at(after, false)), "another attempt may need it");
            }
            assert!(!spent.is_done(&at(before, true), &at(Status::Captured, true)), "a capture needs no card");
        }
    }

    #[test]
    fn a_card_that_is_nobodys_and_is_not_saved_pays_once() {
        for (customer, usage, again, attachable) in [
            (None, None, false, false),
            (None, Some(FutureUsage::OnSession), false, true),
            (None, Some(FutureUsage::OffSession), false, true),
            (Some(OWNER), None, true, true),
            (Some(OWNER), Some(FutureUsage::OffSession), true, true),
        ] {
            let mut method = PaymentMethod { customer, ..method() };
            method.pay(usage);
            assert_eq!(method.usable_for(Some(OWNER)).is_ok(), again, "{customer:?} {usage:?}");
            assert_eq!(method.is_used_up(), !attachable, "{customer:?} {usage:?}");
            assert_eq!(method.attach(&crate::flow::fixtures::customer()).is_ok(), attachable, "{customer:?} {usage:?}");
            assert_eq!(method.usable_for(Some(OWNER)).is_ok(), attachable, "what is given to a customer pays again");
            assert_eq!(method.detach().is_ok() && method.is_detached(), attachable, "{customer:?} {usage:?}");
        }
        let mut detached = PaymentMethod { customer: Some(OWNER), ..method() };
        detached.detach().unwrap();
        assert!(detached.is_detached() && !detached.is_used_up());
    }
}
