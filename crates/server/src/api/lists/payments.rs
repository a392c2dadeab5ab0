//! Lists of payments, set-ups, charges and refunds.

use domain::charge::Charge;
use domain::customer::Customer;
use domain::id::{CustomerId, PaymentMethodId};
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use payments::idempotency::Answered;
use store::{Index, List};

use super::page::{Paging, Source, answer};
use super::{Call, Failure, Resource, list_params};
use crate::params::RangeParam;

/// The list of what belongs to the object of that name, if it can be the name of one.
fn belonging<P: Resource, T>(scope: Scope, index: Index, name: &str) -> Source<T> {
    Source::merged(P::parse(name).map(|id| List::of(scope, index, id)).into_iter().collect())
}

list_params!(
    /// A page of payments.
    PaymentIntentsParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only those of this customer.
        customer: Option<String>,
    }
);

pub(crate) async fn payment_intents(call: Call<'_>) -> Result<Answered, Failure> {
    let params = PaymentIntentsParams::of(&call)?;
    let scope = call.request.scope;
    let source: Source<PaymentIntent> = match &params.customer {
        Some(customer) => belonging::<Customer, _>(scope, Index::PaymentIntentsByCustomer, customer),
        None => Source::of(List::all(scope, Index::PaymentIntents)),
    };
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}

list_params!(
    /// A page of set-ups.
    SetupIntentsParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only those of this customer.
        customer: Option<String>,
        /// Only those with this card.
        payment_method: Option<String>,
    }
);

pub(crate) async fn setup_intents(call: Call<'_>) -> Result<Answered, Failure> {
    let params = SetupIntentsParams::of(&call)?;
    let scope = call.request.scope;
    let mut source: Source<SetupIntent> = match &params.customer {
        Some(customer) => belonging::<Customer, _>(scope, Index::SetupIntentsByCustomer, customer),
        None => Source::of(List::all(scope, Index::SetupIntents)),
    };
    if let Some(name) = &params.payment_method {
        let method = PaymentMethod::parse(name);
        source = source.only(move |setup| method.is_some() && setup.payment_method.map(PaymentMethodId::ulid) == method);
    }
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}

list_params!(
    /// A page of charges.
    ChargesParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only those of this customer.
        customer: Option<String>,
        /// Only those of this payment.
        payment_intent: Option<String>,
    }
);

pub(crate) async fn charges(call: Call<'_>) -> Result<Answered, Failure> {
    let params = ChargesParams::of(&call)?;
    let scope = call.request.scope;
    let mut source: Source<Charge> = match (&params.payment_intent, &params.customer) {
        (Some(intent), _) => belonging::<PaymentIntent, _>(scope, Index::ChargesByPaymentIntent, intent),
        (None, Some(customer)) => belonging::<Customer, _>(scope, Index::ChargesByCustomer, customer),
        (None, None) => Source::of(List::all(scope, Index::Charges)),
    };
    if let (Some(_), Some(customer)) = (&params.payment_intent, &params.customer) {
        let customer = Customer::parse(customer);
        source = source.only(move |charge| customer.is_some() && charge.customer.map(CustomerId::ulid) == customer);
    }
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}

list_params!(
    /// A page of refunds.
    RefundsParams {
        /// Only those of this charge.
        charge: Option<String>,
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
        /// Only those of this payment.
        payment_intent: Option<String>,
    }
);

pub(crate) async fn refunds(call: Call<'_>) -> Result<Answered, Failure> {
    let params = RefundsParams::of(&call)?;
    let scope = call.request.scope;
    let mut source: Source<Refund> = match (&params.charge, &params.payment_intent) {
        (Some(charge), _) => belonging::<Charge, _>(scope, Index::RefundsByCharge, charge),
        (None, Some(intent)) => belonging::<PaymentIntent, _>(scope, Index::RefundsByPaymentIntent, intent),
        (None, None) => Source::of(List::all(scope, Index::Refunds)),
    };
    if let (Some(_), Some(intent)) = (&params.charge, &params.payment_intent) {
        let intent = PaymentIntent::parse(intent);
        source = source.only(move |refund| Some(refund.payment_intent.ulid()) == intent);
    }
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}
