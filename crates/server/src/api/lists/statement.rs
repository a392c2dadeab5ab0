//! The merchant's statement and what it adds up to.

use domain::balance_transaction::{BalanceTransaction, Kind};
use domain::charge::Charge;
use domain::currency::Currency;
use domain::money::Money;
use domain::refund::Refund;
use payments::Error;
use payments::idempotency::Answered;
use payments::lists::{lines_about, lines_of_kind};
use payments::ports::{Answer, Audience};
use store::{Index, List};

use super::page::{Paging, Source, answer};
use super::{Call, Failure, Resource, list_params};
use crate::api::requests::ExpandOnly;
use crate::params::{self, ParamError, RangeParam};
use crate::views::{Balance, Context};

/// What the merchant has, in the account's own currency and in every other that ever moved.
pub(crate) async fn balance(call: Call<'_>) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    if params.expand.paths().next().is_some() {
        return Err(ParamError::invalid("expand", "Nothing in a balance can be expanded.").into());
    }
    let balance = call.app.platform.balance(call.request.scope).await?;
    let mut available: Vec<Money> = balance.available().collect();
    let mut pending = balance.pending().map_err(|e| Error::Internal(format!("a balance: {e}")))?;
    if available.is_empty() {
        let nothing = Money::zero(call.request.account.default_currency);
        available.push(nothing);
        pending.push(nothing);
    }
    let view = Balance::view(&available, &pending, Context::of(call.request.scope, call.app.platform.now(), Audience::Shop));
    let body = serde_json::to_vec(&view).map_err(|e| Error::Internal(format!("write a balance: {e}")))?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

list_params!(
    /// A page of the statement.
    LinesParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only those in this currency.
        currency: Option<String>,
        /// Only those about this charge or refund.
        source: Option<String>,
        /// Only this type, such as `charge` or `refund`.
        r#type: Option<String>,
    }
);

pub(crate) async fn balance_transactions(call: Call<'_>) -> Result<Answered, Failure> {
    let params = LinesParams::of(&call)?;
    let unknown = || ParamError::invalid("currency", "There is no such currency.");
    let currency = params.currency.as_deref().map(|code| Currency::from_code(code).ok_or_else(unknown)).transpose()?;
    let kind = params.r#type.as_deref().map(kind).transpose()?;
    let source = match &params.source {
        Some(source) => about(&call, source, kind, currency),
        None if kind.is_none() && currency.is_none() => Source::of(List::all(call.request.scope, Index::BalanceTransactions)),
        None => of_kinds(&call, kind, currency).await?,
    };
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}

fn kind(text: &str) -> Result<Kind, ParamError> {
    let found = Kind::ALL.iter().copied().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| ParamError::invalid("type", "There is no such type of balance transaction."))
}

fn about(call: &Call<'_>, source: &str, kind: Option<Kind>, currency: Option<Currency>) -> Source<BalanceTransaction> {
    let id = Charge::parse(source).or_else(|| Refund::parse(source));
    let lines = Source::merged(id.map(|id| lines_about(call.request.scope, id)).into_iter().collect());
    lines.only(move |line: &BalanceTransaction| {
        kind.is_none_or(|kind| line.source.kind() == kind) && currency.is_none_or(|currency| line.amount.currency() == currency)
    })
}

/// Lines of these kinds and currencies; where none is named, of all that there are.
async fn of_kinds(call: &Call<'_>, kind: Option<Kind>, currency: Option<Currency>) -> Result<Source<BalanceTransaction>, Failure> {
    let scope = call.request.scope;
    let kinds = kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
    let currencies = match currency {
        Some(currency) => vec![currency],
        None => call.app.platform.balance(scope).await?.currencies().collect(),
    };
    let of_kind = |kind: &Kind| -> Vec<List> { currencies.iter().map(|currency| lines_of_kind(scope, *kind, *currency)).collect() };
    Ok(Source::merged(kinds.iter().flat_map(of_kind).collect()))
}
