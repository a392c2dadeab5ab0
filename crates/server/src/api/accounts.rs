//! `/v1/accounts`: merchants, for whoever runs the platform.

use domain::account::Account;
use domain::currency::Currency;
use domain::id::AccountId;
use payments::accounts::NewAccount;
use payments::change::Change;
use payments::idempotency::Answered;
use payments::merchants::AccountChange;
use payments::payment_methods::create::masked;
use payments::{Error, Place};
use serde::Deserialize;
use store::{Index, List};
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::lists::list_params;
use super::lists::page::{Paging, Source, answer};
use super::requests::{EmailText, NameText, change, expand};
use crate::params::{self, ExpandParam, ParamError, RangeParam, Text, Update};
use crate::presenter::expandable::Shape;

/// Characters of a buyer's statement; its rules are the domain's.
const MAX_STATEMENT: usize = 22;
type StatementText = Text<MAX_STATEMENT>;

/// The shop as people know it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BusinessProfileParams {
    /// Its name.
    #[serde(default)]
    #[schema(inline)]
    name: Update<NameText>,
}

/// What buyers' statements begin with where a payment says more.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardPaymentsParams {
    /// 2 to 10 characters; cut from the descriptor, if empty.
    #[serde(default)]
    #[schema(inline)]
    statement_descriptor_prefix: Update<StatementText>,
}

/// What buyers' statements say.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentsParams {
    /// 5 to 22 characters; made of the name, if empty.
    #[serde(default)]
    #[schema(inline)]
    statement_descriptor: Update<StatementText>,
}

/// A merchant's settings.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountSettingsParams {
    card_payments: Option<CardPaymentsParams>,
    payments: Option<PaymentsParams>,
}

/// A new merchant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAccount {
    business_profile: BusinessProfileParams,
    /// Two letters, ISO 3166.
    country: String,
    /// The currency that reports begin with, three letters; `usd` if left out.
    default_currency: Option<String>,
    /// Where to write to the merchant.
    #[serde(default)]
    #[schema(inline)]
    email: Update<EmailText>,
    settings: Option<AccountSettingsParams>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

/// Changes to a merchant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAccount {
    business_profile: Option<BusinessProfileParams>,
    /// Where to write to the merchant.
    #[serde(default)]
    #[schema(inline)]
    email: Update<EmailText>,
    settings: Option<AccountSettingsParams>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

list_params!(
    /// A page of merchants.
    AccountsParams {
        /// When they were made: a time in seconds since 1970, or bounds as `created[gte]`.
        created: Option<RangeParam>,
    }
);

fn changed(profile: Option<BusinessProfileParams>, email: Update<EmailText>, settings: Option<AccountSettingsParams>) -> AccountChange {
    let AccountSettingsParams { card_payments, payments } = settings.unwrap_or_default();
    AccountChange {
        name: change(profile.unwrap_or_default().name.map(Text::into_string)),
        email: change(email.map(Text::into_string)),
        statement_descriptor: change(payments.unwrap_or_default().statement_descriptor.map(Text::into_string)),
        statement_descriptor_prefix: change(card_payments.unwrap_or_default().statement_descriptor_prefix.map(Text::into_string)),
    }
}

fn id(text: &str) -> Result<AccountId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "account", id: masked(text), param: "account", place: Place::Path }.into())
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateAccount = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    if params.country.len() != 2 || !params.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(ParamError::invalid("country", "The country must be two capital letters, as US.").into());
    }
    let default_currency = match params.default_currency.as_deref() {
        None => Currency::Usd,
        Some(code) => Currency::from_code(code).ok_or_else(|| ParamError::invalid("default_currency", "Not a currency of ISO 4217."))?,
    };
    let change = changed(Some(params.business_profile), params.email, params.settings);
    let Change::Set(name) = &change.name else { return Err(ParamError::missing("business_profile[name]").into()) };
    let name = name.clone();
    let new = NewAccount { name, email: None, country: params.country, default_currency, statement_descriptor: None };
    Ok(call.app.platform.create_merchant(&call.request, &new, &change).await?)
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateAccount = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    let change = changed(params.business_profile, params.email, params.settings);
    Ok(call.app.platform.update_merchant(&call.request, id(text)?, &change).await?)
}

pub(crate) async fn list(call: Call<'_>) -> Result<Answered, Failure> {
    let params = AccountsParams::of(&call)?;
    let source: Source<Account> = Source::of(List::all(call.request.scope, Index::Accounts));
    answer(&call, source, Paging { created: params.created, ..params.paging() }).await
}
