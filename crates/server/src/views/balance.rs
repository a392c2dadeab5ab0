//! What the merchant has.

use domain::money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;

/// What the merchant has, and what will be the merchant's soon; one amount a currency.
#[derive(Serialize, ToSchema)]
pub struct Balance {
    /// `balance`.
    object: &'static str,
    /// What can be paid out.
    available: Vec<BalanceAmount>,
    livemode: bool,
    /// What was taken and cannot be paid out yet.
    pending: Vec<BalanceAmount>,
}

/// What the merchant has in one currency.
#[derive(Serialize, ToSchema)]
pub struct BalanceAmount {
    /// In the currency's minor unit; negative when more was given back than taken.
    amount: i64,
    /// Three letters, lower case.
    currency: &'static str,
    source_types: BalanceSources,
}

/// Where the money came from.
#[derive(Serialize, ToSchema)]
pub struct BalanceSources {
    /// From cards.
    card: i64,
}

fn amounts(sums: &[Money]) -> Vec<BalanceAmount> {
    let amount = |sum: &Money| BalanceAmount {
        amount: sum.minor(),
        currency: sum.currency().code(),
        source_types: BalanceSources { card: sum.minor() },
    };
    sums.iter().map(amount).collect()
}

impl Balance {
    /// The balance as the API shows it, from one sum a currency; which currencies is the caller's choice.
    #[must_use]
    pub fn view(available: &[Money], pending: &[Money], ctx: Context) -> Self {
        Self { object: "balance", available: amounts(available), livemode: ctx.livemode, pending: amounts(pending) }
    }
}
