//! The visible result of an attempt: what was authorised, captured and given back.
//!
//! Invariant, held on every change here and by the store's precondition on every commit:
//! `0 ≤ amount_refunded ≤ amount_captured ≤ amount`, where refunded counts refunds that are under way.

use serde::{Deserialize, Serialize};

use crate::card::CardDetails;
use crate::contact::{BillingDetails, Shipping};
use crate::currency::Currency;
use crate::decline::{CardErrorCode, DeclineCode};
use crate::id::{BalanceTransactionId, ChargeId, CustomerId, PaymentAttemptId, PaymentIntentId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::money::Money;
use crate::outcome::{Check, ThreeDSecureResult};
use crate::provider_key::ProviderKey;
use crate::time::Timestamp;

/// Where a charge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Reserved on the card; nothing has moved.
    Authorized,
    /// Taken.
    Captured,
    /// Given up before anything was taken.
    Voided,
    /// Refused.
    Failed,
}

/// Every legal change of status.
pub const EDGES: &[(Status, Status)] = &[(Status::Authorized, Status::Captured), (Status::Authorized, Status::Voided)];

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Authorized, Self::Captured, Self::Voided, Self::Failed];

    /// Whether the change is declared.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        EDGES.contains(&(self, next))
    }
}

/// What the provider and issuer said of an authorised charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // as in outcome::Approval
pub struct Authorization {
    pub provider_reference: String,
    pub authorization_code: String,
    pub network_transaction_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub three_d_secure: Option<ThreeDSecureResult>,
}

/// Why a charge failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // as in the API
pub struct Failure {
    pub code: CardErrorCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<DeclineCode>,
}

/// Results of the issuer's checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // as in the API
pub struct Checks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvc: Option<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line1: Option<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Check>,
}

/// The visible result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Its name in the API.
    pub id: ChargeId,
    /// The payment it is for.
    pub payment_intent: PaymentIntentId,
    /// The attempt it shows.
    pub attempt: PaymentAttemptId,
    /// The provider that carried it out.
    pub provider: String,
    /// What was authorised (or asked for, when it failed).
    pub amount: Money,
    /// What was taken, in the minor unit.
    #[serde(default)]
    pub amount_captured: i64,
    /// What was given back or is being given back, in the minor unit.
    #[serde(default)]
    pub amount_refunded: i64,
    /// Where it stands.
    pub status: Status,
    /// What the provider said when it granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Its line on the merchant's statement, once captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance_transaction: Option<BalanceTransactionId>,
    /// The card's name in the API.
    pub payment_method: PaymentMethodId,
    /// What may be shown of the card, as it was.
    pub card: CardDetails,
    /// What the issuer checked.
    #[serde(default)]
    pub checks: Checks,
    /// The cardholder, as the shop knew them.
    #[serde(default, skip_serializing_if = "BillingDetails::is_empty")]
    pub billing_details: BillingDetails,
    /// The buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// The shop's words for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where to send a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_email: Option<String>,
    /// Where the goods go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping>,
    /// What the buyer's statement says, made of the merchant's and the payment's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_line: Option<String>,
    /// What the payment wanted the buyer's statement to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_descriptor: Option<String>,
    /// What the buyer's statement says after the shop's own prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_descriptor_suffix: Option<String>,
    /// What the shop says of a suspected fraud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraud_report: Option<String>,
    /// The shop's own notes.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}

/// Why a charge cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not in a status that allows it.
    #[error("a charge that is {0:?} does not allow this")]
    Status(Status),
    /// More than there is.
    #[error("only {available} of the charge is left")]
    TooMuch {
        /// What could still be taken or given back, in the minor unit.
        available: i64,
    },
    /// Nothing is left to give back.
    #[error("the charge has been refunded in full")]
    AlreadyRefunded,
    /// Zero or less.
    #[error("the amount must be at least 1")]
    NotPositive,
    /// No multiple of the currency's [step](crate::currency::Currency::step).
    #[error("the amount must be a multiple of {}", .0.step())]
    NotInSteps(Currency),
}

impl Charge {
    /// The key under which the provider knows the authorisation.
    #[must_use]
    pub fn authorization_key(&self) -> ProviderKey {
        ProviderKey::authorize(self.attempt)
    }

    /// What can still be given back, in the minor unit.
    #[must_use]
    pub const fn amount_refundable(&self) -> i64 {
        self.amount_captured.saturating_sub(self.amount_refunded)
    }

    /// Takes `amount` of what was reserved; the rest is released.
    ///
    /// # Errors
    /// It is not reserved, or less is.
    pub fn capture(&mut self, amount: i64) -> Result<(), Refusal> {
        if !self.status.may_become(Status::Captured) {
            return Err(Refusal::Status(self.status));
        }
        if amount < 1 {
            return Err(Refusal::NotPositive);
        }
        if amount > self.amount.minor() {
            return Err(Refusal::TooMuch { available: self.amount.minor() });
        }
        self.status = Status::Captured;
        self.amount_captured = amount;
        Ok(())
    }

    /// Gives up what was reserved.
    ///
    /// # Errors
    /// It is not reserved.
    pub fn void(&mut self) -> Result<(), Refusal> {
        if !self.status.may_become(Status::Voided) {
            return Err(Refusal::Status(self.status));
        }
        self.status = Status::Voided;
        Ok(())
    }

    /// Sets `amount` aside for a refund, or all that is left when none is named; answers how much.
    ///
    /// # Errors
    /// Nothing was captured, or less is left.
    pub fn reserve_refund(&mut self, amount: Option<i64>) -> Result<i64, Refusal> {
        if self.status != Status::Captured {
            return Err(Refusal::Status(self.status));
        }
        let available = self.amount_refundable();
        if available == 0 {
            return Err(Refusal::AlreadyRefunded);
        }
        let amount = amount.unwrap_or(available);
        if amount < 1 {
            return Err(Refusal::NotPositive);
        }
        if !Money::new(amount, self.amount.currency()).is_in_steps() {
            return Err(Refusal::NotInSteps(self.amount.currency()));
        }
        if amount > available {
            return Err(Refusal::TooMuch { available });
        }
        self.amount_refunded = self.amount_refunded.saturating_add(amount);
        Ok(amount)
    }

    /// Gives back to the charge what a failed refund had set aside.
    pub fn release_refund(&mut self, amount: i64) {
        self.amount_refunded = self.amount_refunded.saturating_sub(amount).max(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::flow::fixtures::charge;

    #[test]
    fn the_least_that_can_be_captured_or_given_back_is_one() {
        let mut reserved = charge(Status::Authorized);
        assert!(matches!(reserved.capture(0), Err(Refusal::NotPositive)));
        assert!(reserved.capture(1).is_ok());
        let mut captured = charge(Status::Captured);
        assert!(matches!(captured.reserve_refund(Some(0)), Err(Refusal::NotPositive)));
        assert!(matches!(captured.reserve_refund(Some(1)), Ok(1)));
    }
}
