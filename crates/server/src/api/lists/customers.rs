//! Customers, and the cards saved with them.

use domain::customer::Customer;
use domain::payment_method::PaymentMethod;
use payments::idempotency::Answered;
use payments::lists::customers_with_email;
use payments::payment_methods::create::masked;
use payments::{Error, Place};
use store::{Index, List};

use super::page::{Paging, Source, answer};
use super::{Call, Failure, Resource, find, list_params, tell};
use crate::api::requests::ExpandOnly;
use crate::params::{self, ParamError, RangeParam};

list_params!(
    /// A page of customers.
    CustomersParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only those with exactly this address.
        email: Option<String>,
    }
);

pub(crate) async fn customers(call: Call<'_>) -> Result<Answered, Failure> {
    let params = CustomersParams::of(&call)?;
    let scope = call.request.scope;
    let source: Source<Customer> = match params.email.clone() {
        Some(email) => {
            let list = customers_with_email(scope, &email);
            Source::of(list).only(move |customer: &Customer| customer.email.as_deref() == Some(&*email))
        }
        None => Source::of(List::all(scope, Index::Customers)),
    };
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}

list_params!(
    /// A page of a customer's cards.
    PaymentMethodsParams {
        /// Only those of this customer.
        customer: Option<String>,
        /// `card`.
        r#type: Option<String>,
    }
);

/// Cards are all there is: any other type that is one has no entries here.
fn cards_only(kind: Option<&str>) -> Result<(), Failure> {
    match kind {
        None | Some("card") => Ok(()),
        Some(_) => Err(ParamError::invalid("type", "Only the type card is supported.").into()),
    }
}

pub(crate) async fn payment_methods(call: Call<'_>) -> Result<Answered, Failure> {
    let params = PaymentMethodsParams::of(&call)?;
    cards_only(params.r#type.as_deref())?;
    let scope = call.request.scope;
    // Those that nobody saved are not listed, nor those of a customer that was deleted: they pay no more.
    let customer = match params.customer.as_deref().and_then(Customer::parse) {
        Some(id) => call.app.platform.find::<Customer>(scope, id).await?.filter(|found| !found.value.deleted),
        None => None,
    };
    let lists = customer.map(|found| List::of(scope, Index::PaymentMethodsByCustomer, found.value.id.ulid())).into_iter().collect();
    answer(&call, Source::<PaymentMethod>::merged(lists), params.paging()).await
}

list_params!(
    /// A page of one customer's cards.
    CardsParams {
        /// `card`.
        r#type: Option<String>,
    }
);

/// The cards of a customer.
pub(crate) async fn cards(call: Call<'_>, customer: &str) -> Result<Answered, Failure> {
    let params = CardsParams::of(&call)?;
    cards_only(params.r#type.as_deref())?;
    let customer = live(&call, customer).await?;
    let list = List::of(call.request.scope, Index::PaymentMethodsByCustomer, customer.id.ulid());
    answer(&call, Source::<PaymentMethod>::of(list), params.paging()).await
}

/// One card of a customer.
pub(crate) async fn card(call: Call<'_>, customer: &str, method: &str) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    let customer = live(&call, customer).await?;
    let found = find::<PaymentMethod>(&call, method, "payment_method").await?;
    if found.customer != Some(customer.id) {
        return Err(Error::NotFound { kind: "payment_method", id: masked(method), param: "payment_method", place: Place::Path }.into());
    }
    tell(&call, found, &params.expand).await
}

async fn live(call: &Call<'_>, text: &str) -> Result<Customer, Failure> {
    let found = find::<Customer>(call, text, "customer").await?;
    if found.deleted {
        Err(Error::NotFound { kind: "customer", id: masked(text), param: "customer", place: Place::Path }.into())
    } else {
        Ok(found)
    }
}
