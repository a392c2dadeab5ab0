//! Lines of the merchant's statement. Never mixed with the internal books: see [`ledger`](crate::ledger).

use serde::{Deserialize, Serialize};

use crate::id::{BalanceTransactionId, ChargeId, RefundId};
use crate::money::Money;
use crate::time::Timestamp;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A payment taken.
    Charge(ChargeId),
    /// Money given back.
    Refund(RefundId),
    /// Money that could not be given back and is the merchant's again.
    RefundFailure(RefundId),
}

/// A line of the merchant's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceTransaction {
    /// Its name in the API; its journal entry has the same ULID.
    pub id: BalanceTransactionId,
    /// When it was written.
    pub created_at: Timestamp,
    /// What moved before fees: positive to the merchant.
    pub amount: Money,
    /// What it cost, in the minor unit.
    pub fee: i64,
    /// What it is about.
    pub source: Source,
    /// From when on the merchant can have it.
    pub available_on: Timestamp,
    /// The payment's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl BalanceTransaction {
    /// What the merchant's balance changes by, in the minor unit.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.amount.minor().saturating_sub(self.fee)
    }
}
