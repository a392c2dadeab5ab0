//! Lines of the merchant's statement. Never mixed with the internal books: see [`ledger`](crate::ledger).

use serde::{Deserialize, Serialize};

use crate::id::{BalanceTransactionId, ChargeId, RefundId, Ulid};
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

/// What a line is, as the API calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A payment taken.
    Charge,
    /// Money given back.
    Refund,
    /// Money that could not be given back.
    RefundFailure,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Charge, Self::Refund, Self::RefundFailure];

    /// The kind as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
        }
    }

    /// The number that lists of lines of one kind are kept under: it never changes and is never reused.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Charge => 1,
            Self::Refund => 2,
            Self::RefundFailure => 3,
        }
    }
}

impl Source {
    /// What a line about it is.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Charge(_) => Kind::Charge,
            Self::Refund(_) => Kind::Refund,
            Self::RefundFailure(_) => Kind::RefundFailure,
        }
    }

    /// The identifier of the charge or refund.
    #[must_use]
    pub const fn ulid(self) -> Ulid {
        match self {
            Self::Charge(id) => id.ulid(),
            Self::Refund(id) | Self::RefundFailure(id) => id.ulid(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_words_of_the_api_and_codes_that_never_change() {
        let all: Vec<_> = Kind::ALL.iter().map(|kind| (kind.as_str(), kind.code())).collect();
        assert_eq!(all, [("charge", 1), ("refund", 2), ("refund_failure", 3)]);
    }
}
