//! The accounts of the internal books.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an account stands for, and with which sign its balance is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// What others owe the platform: debits add to it.
    Asset,
    /// What the platform owes others: credits add to it.
    Liability,
    /// What the platform earned: credits add to it.
    Income,
}

/// An account of the internal books; one of each for every merchant, mode and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerAccount {
    /// What the providers took from cards and have not paid out. An asset.
    ProviderReceivable,
    /// What the merchant is owed. A liability; the merchant's balance is its credit.
    MerchantPayable,
    /// What payments cost the merchant. Income.
    ProcessingFees,
    /// What was taken from the merchant for refunds that the providers have not made yet. A liability.
    RefundsInTransit,
    /// What providers took or gave back against what they had said, until it is put right. A liability: to the cards.
    Suspense,
}

impl LedgerAccount {
    /// Every account.
    pub const ALL: [Self; 5] =
        [Self::ProviderReceivable, Self::MerchantPayable, Self::ProcessingFees, Self::RefundsInTransit, Self::Suspense];

    /// What it stands for.
    #[must_use]
    pub const fn nature(self) -> Nature {
        match self {
            Self::ProviderReceivable => Nature::Asset,
            Self::MerchantPayable | Self::RefundsInTransit | Self::Suspense => Nature::Liability,
            Self::ProcessingFees => Nature::Income,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderReceivable => "provider_receivable",
            Self::MerchantPayable => "merchant_payable",
            Self::ProcessingFees => "processing_fees",
            Self::RefundsInTransit => "refunds_in_transit",
            Self::Suspense => "suspense",
        }
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
