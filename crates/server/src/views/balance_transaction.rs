//! The line of the merchant's statement.

use domain::balance_transaction::{self, Source};
use domain::id::BalanceTransactionId;
use serde::Serialize;
use utoipa::ToSchema;

use super::reference::SourceRef;
use super::words::BalanceStatus;
use super::{Context, Null};

/// A line of the merchant's statement.
#[derive(Serialize, ToSchema)]
pub struct BalanceTransaction<'a> {
    #[schema(value_type = String)]
    id: BalanceTransactionId,
    /// `balance_transaction`.
    object: &'static str,
    /// What moved before fees, in the currency's minor unit: positive to the merchant.
    amount: i64,
    /// From when on the merchant can have it, in seconds since 1970.
    available_on: i64,
    /// `payments`.
    balance_type: &'static str,
    /// When it was written, in seconds since 1970.
    created: i64,
    /// Three letters, lower case.
    currency: &'static str,
    description: Option<&'a str>,
    #[schema(inline)]
    exchange_rate: Null,
    /// What it cost the merchant.
    fee: i64,
    fee_details: Vec<FeeDetail>,
    /// What the merchant's balance changes by.
    net: i64,
    /// `charge`, `refund` or `refund_failure`.
    reporting_category: &'static str,
    /// What it is about.
    source: SourceRef,
    status: BalanceStatus,
    /// `charge`, `refund` or `refund_failure`.
    r#type: &'static str,
}

/// A part of a fee.
#[derive(Serialize, ToSchema)]
pub struct FeeDetail {
    amount: i64,
    #[schema(inline)]
    application: Null,
    currency: &'static str,
    description: &'static str,
    /// `stripe_fee`: the platform's own, under the name that shops' bookkeeping knows.
    r#type: &'static str,
}

impl<'a> BalanceTransaction<'a> {
    /// The line as the API shows it.
    #[must_use]
    pub fn view(line: &'a balance_transaction::BalanceTransaction, ctx: Context) -> Self {
        let currency = line.amount.currency().code();
        let fee = FeeDetail { amount: line.fee, application: Null, currency, description: "Processing fees", r#type: "stripe_fee" };
        Self {
            id: line.id,
            object: "balance_transaction",
            amount: line.amount.minor(),
            available_on: line.available_on.seconds(),
            balance_type: "payments",
            created: line.created_at.seconds(),
            currency,
            description: line.description.as_deref(),
            exchange_rate: Null,
            fee: line.fee,
            fee_details: if line.fee == 0 { Vec::new() } else { vec![fee] },
            net: line.net(),
            reporting_category: line.source.kind().as_str(),
            source: match line.source {
                Source::Charge(id) => SourceRef::Charge(id),
                Source::Refund(id) | Source::RefundFailure(id) => SourceRef::Refund(id),
            },
            status: if ctx.now >= line.available_on { BalanceStatus::Available } else { BalanceStatus::Pending },
            r#type: line.source.kind().as_str(),
        }
    }
}
