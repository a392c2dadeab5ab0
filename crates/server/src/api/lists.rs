//! Retrieving one object, and pages of many.

use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::id::{
    BalanceTransactionId, ChargeId, CustomerId, EventId, PaymentIntentId, PaymentMethodId, RefundId, SetupIntentId, TokenId, Ulid,
};
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use payments::idempotency::Answered;
use payments::outcome::Object;
use payments::payment_methods::create::masked;
use payments::ports::Answer;
use payments::records::{Loaded, Record, key_of};
use payments::{Error, Request};
use serde::Deserialize;
use store::{Index, List, Order, Scan};

use super::Failure;
use super::dispatch::Call;
use crate::params::{self, ExpandParam, ParamError};

/// Objects in a page unless asked otherwise.
const DEFAULT_LIMIT: i64 = 10;
/// Objects in a page at most.
const MAX_LIMIT: i64 = 100;

/// An object that can be retrieved and listed.
pub(crate) trait Resource: Record {
    /// What the API calls it.
    const NAME: &'static str;
    /// Its ULID, from its name.
    fn parse(text: &str) -> Option<Ulid>;
    /// As an answer.
    fn object(self) -> Object;
}

macro_rules! resources {
    ($($type:ident, $id:ident, $name:literal;)*) => {$(
        impl Resource for $type {
            const NAME: &'static str = $name;
            fn parse(text: &str) -> Option<Ulid> {
                text.parse::<$id>().ok().map($id::ulid)
            }
            fn object(self) -> Object {
                Object::$type(Box::new(self))
            }
        }
    )*};
}

resources! {
    BalanceTransaction, BalanceTransactionId, "balance_transaction";
    Charge, ChargeId, "charge";
    Customer, CustomerId, "customer";
    Event, EventId, "event";
    PaymentIntent, PaymentIntentId, "payment_intent";
    PaymentMethod, PaymentMethodId, "payment_method";
    Refund, RefundId, "refund";
    SetupIntent, SetupIntentId, "setup_intent";
    Token, TokenId, "token";
}

/// Which lists a filter of a resource reads.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filters {
    pub(crate) customer: Option<Index>,
    pub(crate) charge: Option<Index>,
    pub(crate) payment_intent: Option<Index>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetrieveParams {
    #[serde(default)]
    expand: ExpandParam,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
    customer: Option<String>,
    charge: Option<String>,
    payment_intent: Option<String>,
    #[serde(default)]
    expand: ExpandParam,
}

/// The paths of `expand`, as the use cases take them.
pub(crate) fn expansions(expand: &ExpandParam) -> Vec<String> {
    expand.paths().map(str::to_owned).collect()
}

pub(crate) async fn retrieve<T: Resource>(call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: RetrieveParams = params::from_tree(&call.tree)?;
    let missing = || Error::NotFound { kind: T::NAME, id: masked(id), param: "id" };
    let ulid = T::parse(id).ok_or_else(missing)?;
    let found = call.app.platform.find::<T>(call.request.scope, ulid).await?.ok_or_else(missing)?;
    let body = call.app.presenter.render_one(call.request.scope, &found.value.object(), &expansions(&params.expand)).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

pub(crate) async fn list<T: Resource>(call: Call<'_>, index: Index, filters: Filters) -> Result<Answered, Failure> {
    let params: ListParams = params::from_tree(&call.tree)?;
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ParamError::invalid("limit", "The limit must be from 1 to 100.").into());
    }
    let Some(list) = list_of(&call.request, index, filters, &params)? else { return page::<T>(&call, Vec::new(), false, &params).await };
    let cursor = |text: &Option<String>, param: &str| match text {
        Some(text) => T::parse(text).map(Some).ok_or_else(|| ParamError::invalid(param, "No such object.")),
        None => Ok(None),
    };
    let (older_than, newer_than) = (cursor(&params.starting_after, "starting_after")?, cursor(&params.ending_before, "ending_before")?);
    let order = if newer_than.is_some() { Order::OldestFirst } else { Order::NewestFirst };
    let wanted = usize::try_from(limit).unwrap_or(1);
    let scan = Scan { list, newer_than, older_than, order, limit: wanted.saturating_add(1) };
    let mut ids = call.app.platform.store().scan(scan).await.map_err(Error::from)?;
    let has_more = ids.len() > wanted;
    ids.truncate(wanted);
    if order == Order::OldestFirst {
        ids.reverse();
    }
    page::<T>(&call, ids, has_more, &params).await
}

/// The list that the filters name; `None` when nothing can be in it.
fn list_of(request: &Request, index: Index, filters: Filters, params: &ListParams) -> Result<Option<List>, Failure> {
    let unknown = |name: &str| Failure::from(ParamError::of_kind(params::ParamErrorKind::Unknown, name));
    let scope = request.scope;
    if let Some(text) = &params.payment_intent {
        let index = filters.payment_intent.ok_or_else(|| unknown("payment_intent"))?;
        return Ok(PaymentIntent::parse(text).map(|id| List::of(scope, index, id)));
    }
    if let Some(text) = &params.charge {
        let index = filters.charge.ok_or_else(|| unknown("charge"))?;
        return Ok(Charge::parse(text).map(|id| List::of(scope, index, id)));
    }
    if let Some(text) = &params.customer {
        let index = filters.customer.ok_or_else(|| unknown("customer"))?;
        return Ok(Customer::parse(text).map(|id| List::of(scope, index, id)));
    }
    Ok(Some(List::all(scope, index)))
}

async fn page<T: Resource>(call: &Call<'_>, ids: Vec<Ulid>, has_more: bool, params: &ListParams) -> Result<Answered, Failure> {
    let keys: Vec<_> = ids.into_iter().map(|id| key_of::<T>(call.request.scope, id)).collect();
    let items = call.app.platform.store().get(&keys).await.map_err(Error::from)?;
    let mut objects = Vec::with_capacity(items.len());
    for item in items.iter().flatten() {
        objects.push(Loaded::<T>::from_item(item)?.value.object());
    }
    let expand = expansions(&params.expand);
    let body = call.app.presenter.render_list(call.request.scope, objects, has_more, call.path, &expand).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}
