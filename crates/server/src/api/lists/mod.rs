//! Retrieving one object, and pages of many.
//!
//! A list's parameters are a struct of their own ([`list_params`]); its filters name what the page is read from
//! ([`page::Source`]). Absent on purpose: a filter that could make one request read a whole store.

pub(crate) mod audit_log;
pub(crate) mod customers;
pub(crate) mod events;
pub(super) mod page;
pub(crate) mod payments;
pub(crate) mod statement;

use ::payments::Place;
use ::payments::idempotency::Answered;
use ::payments::outcome::Object;
use ::payments::payment_methods::create::masked;
use ::payments::ports::{Answer, Rendering};
use ::payments::records::Record;
use domain::account::Account;
use domain::audit::AuditEntry;
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::id::{
    AccountId, AuditEntryId, BalanceTransactionId, ChargeId, CustomerId, EventId, PaymentIntentId, PaymentMethodId, RefundId,
    SetupIntentId, TokenId, Ulid,
};
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::requests::ExpandOnly;
use crate::params::{self, ExpandParam};

/// An object that can be retrieved and listed.
pub(crate) trait Resource: Record {
    /// What the API calls it.
    const NAME: &'static str;
    /// Its ULID, from its name.
    fn parse(text: &str) -> Option<Ulid>;
}

/// An object that is shown as it is kept.
pub(crate) trait Plain: Resource {
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
        }
    )*};
}

macro_rules! plain {
    ($($type:ident)*) => {$(
        impl Plain for $type {
            fn object(self) -> Object {
                Object::$type(Box::new(self))
            }
        }
    )*};
}

resources! {
    Account, AccountId, "account";
    AuditEntry, AuditEntryId, "audit_log.entry";
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

plain! { Account AuditEntry BalanceTransaction Charge Customer PaymentIntent PaymentMethod Refund SetupIntent Token }

/// The parameters of a list: those that every list takes, and its filters.
macro_rules! list_params {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $filter:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            /// How many objects; 10 if left out.
            #[schema(minimum = 1, maximum = 100)]
            limit: Option<i64>,
            /// The id of the last object of the page before.
            starting_after: Option<String>,
            /// The id of the first object of the page after.
            ending_before: Option<String>,
            #[serde(default)]
            #[schema(inline)]
            expand: $crate::params::ExpandParam,
            $($(#[$attribute])* #[schema(inline)] $filter: $type,)*
        }

        impl $name {
            /// Reads them.
            fn of(call: &$crate::api::dispatch::Call<'_>) -> Result<Self, $crate::api::Failure> {
                Ok($crate::params::from_tree(&call.tree)?)
            }

            /// Those that every list takes.
            fn paging(&self) -> $crate::api::lists::page::Paging<'_> {
                $crate::api::lists::page::Paging {
                    limit: self.limit,
                    starting_after: self.starting_after.as_deref(),
                    ending_before: self.ending_before.as_deref(),
                    created: None,
                    expand: &self.expand,
                }
            }
        }
    };
}
pub(super) use list_params;

/// The paths of `expand`, as the use cases take them.
pub(crate) fn expansions(expand: &ExpandParam) -> Vec<String> {
    expand.paths().map(str::to_owned).collect()
}

pub(crate) async fn retrieve<T: Plain>(call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    let found = find::<T>(&call, id, "id").await?;
    tell(&call, found, &params.expand).await
}

/// An intent to look at. What a browser must prove is checked before the operation is reached.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetrieveIntent {
    /// What a browser must prove besides its publishable key.
    #[serde(rename = "client_secret")]
    _client_secret: Option<String>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

/// An intent, which a browser may see as well.
pub(crate) async fn retrieve_with_secret<T: Plain>(call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: RetrieveIntent = params::from_tree(&call.tree)?;
    let found = find::<T>(&call, id, "intent").await?;
    tell(&call, found, &params.expand).await
}

/// The object of that name; `param` is where the name came from.
async fn find<T: Resource>(call: &Call<'_>, id: &str, param: &'static str) -> Result<T, Failure> {
    let missing = || ::payments::Error::NotFound { kind: T::NAME, id: masked(id), param, place: Place::Path };
    let ulid = T::parse(id).ok_or_else(missing)?;
    Ok(call.app.platform.find::<T>(call.request.scope, ulid).await?.ok_or_else(missing)?.value)
}

/// Answers with the object.
async fn tell<T: Plain>(call: &Call<'_>, found: T, expand: &ExpandParam) -> Result<Answered, Failure> {
    tell_object(call, &found.object(), expand).await
}

async fn tell_object(call: &Call<'_>, object: &Object, expand: &ExpandParam) -> Result<Answered, Failure> {
    let rendering = Rendering { expand: expansions(expand), ..call.request.rendering };
    let body = call.app.presenter.render_one(call.request.scope, object, &rendering).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}
