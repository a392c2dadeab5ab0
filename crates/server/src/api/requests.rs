//! Parameters that several operations share, and the way back from an issuer's page.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::contact::{Address, BillingDetails, MAX_ADDRESS_LINE, MAX_EMAIL, MAX_NAME, MAX_PHONE};
use domain::id::AccountId;
use domain::scope::{Mode, Scope};
use http::StatusCode;
use payments::By;
use payments::change::Change;
use payments::metadata::Changes;
use payments::payment_methods::create::{CardInput, CardSource, NewPaymentMethod};
use payments::payment_methods::update::BillingChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dispatch::Call;
use super::lists::expansions;
use super::{App, Failure, gate, plain};
use crate::params::{ExpandParam, MetadataParam, ParamError, Text, Update};
use crate::presenter::expandable::{Root, Shape, paths};

/// A card: its particulars, or a token that stands for them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardParams {
    /// Its digits; spaces and dashes are passed over.
    number: Option<String>,
    /// 1 to 12.
    exp_month: Option<i64>,
    /// Two or four digits.
    exp_year: Option<i64>,
    /// The security code.
    cvc: Option<String>,
    /// A token's id, or in test mode a test token's name, instead of all the others.
    token: Option<String>,
}

/// A line of an address.
pub(crate) type AddressText = Text<MAX_ADDRESS_LINE>;
/// Where mail goes.
pub(crate) type EmailText = Text<MAX_EMAIL>;
/// A person's name.
pub(crate) type NameText = Text<MAX_NAME>;
/// Where to call.
pub(crate) type PhoneText = Text<MAX_PHONE>;

/// A text of a form in which fields that nobody filled in are sent empty.
pub(crate) fn written<const MAX: usize>(text: Update<Text<MAX>>) -> Option<String> {
    text.into_new().map(Text::into_string)
}

/// A postal address. A line that is empty is none: forms send those that nobody filled in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressParams {
    #[serde(default)]
    #[schema(inline)]
    city: Update<AddressText>,
    /// Two letters, ISO 3166.
    #[serde(default)]
    #[schema(inline)]
    country: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    line1: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    line2: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    postal_code: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    state: Update<AddressText>,
}

/// The cardholder.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillingParams {
    #[serde(default)]
    #[schema(inline)]
    address: Update<AddressParams>,
    #[serde(default)]
    #[schema(inline)]
    email: Update<EmailText>,
    #[serde(default)]
    #[schema(inline)]
    name: Update<NameText>,
    #[serde(default)]
    #[schema(inline)]
    phone: Update<PhoneText>,
}

impl From<AddressParams> for Address {
    fn from(p: AddressParams) -> Self {
        let [city, country, line1, line2, postal_code, state] = [p.city, p.country, p.line1, p.line2, p.postal_code, p.state].map(written);
        Self { city, country, line1, line2, postal_code, state }
    }
}

impl From<BillingParams> for BillingDetails {
    fn from(p: BillingParams) -> Self {
        let address = p.address.into_new().map(Address::from);
        Self { address, email: written(p.email), name: written(p.name), phone: written(p.phone) }
    }
}

impl From<BillingParams> for BillingChange {
    fn from(p: BillingParams) -> Self {
        Self {
            address: change(p.address.map(Address::from)),
            email: change(p.email.map(Text::into_string)),
            name: change(p.name.map(Text::into_string)),
            phone: change(p.phone.map(Text::into_string)),
        }
    }
}

impl CardParams {
    /// The card itself.
    pub(crate) fn input(self) -> Result<CardInput, Failure> {
        Ok(CardInput {
            number: self.number.ok_or_else(|| ParamError::missing("card[number]"))?.into(),
            exp_month: self.exp_month.ok_or_else(|| ParamError::missing("card[exp_month]"))?,
            exp_year: self.exp_year.ok_or_else(|| ParamError::missing("card[exp_year]"))?,
            cvc: self.cvc.map(Into::into),
        })
    }
}

/// A card to be handed over once, with its holder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenCardParams {
    /// Its digits; spaces and dashes are passed over.
    number: String,
    /// 1 to 12.
    exp_month: i64,
    /// Two or four digits.
    exp_year: i64,
    /// The security code.
    cvc: Option<String>,
    /// The name on the card.
    #[serde(default)]
    #[schema(inline)]
    name: Update<NameText>,
    #[serde(default)]
    #[schema(inline)]
    address_city: Update<AddressText>,
    /// Two letters, ISO 3166.
    #[serde(default)]
    #[schema(inline)]
    address_country: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    address_line1: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    address_line2: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    address_state: Update<AddressText>,
    #[serde(default)]
    #[schema(inline)]
    address_zip: Update<AddressText>,
}

impl TokenCardParams {
    /// The card, and who holds it.
    pub(crate) fn input(self) -> (CardInput, BillingDetails) {
        let card =
            CardInput { number: self.number.into(), exp_month: self.exp_month, exp_year: self.exp_year, cvc: self.cvc.map(Into::into) };
        let address = Address::from(AddressParams {
            city: self.address_city,
            country: self.address_country,
            line1: self.address_line1,
            line2: self.address_line2,
            postal_code: self.address_zip,
            state: self.address_state,
        });
        let address = (address != Address::default()).then_some(address);
        (card, BillingDetails { address, name: written(self.name), ..BillingDetails::default() })
    }
}

/// A new payment method, alone or as `payment_method_data`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodParams {
    /// `card`.
    r#type: String,
    card: Option<CardParams>,
    billing_details: Option<BillingParams>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    pub(crate) expand: ExpandParam,
}

impl MethodParams {
    pub(crate) fn method(self) -> Result<NewPaymentMethod, Failure> {
        if self.r#type != "card" {
            return Err(ParamError::invalid("type", "Only the type card is supported.").into());
        }
        let card = self.card.ok_or_else(|| ParamError::missing("card"))?;
        let card = match card.token {
            Some(token) => CardSource::Token(token),
            None => CardSource::Input(card.input()?),
        };
        let billing_details = self.billing_details.map(BillingDetails::from).unwrap_or_default();
        let metadata = metadata(self.metadata).apply(&domain::metadata::Metadata::default())?;
        Ok(NewPaymentMethod { card, billing_details, metadata })
    }
}

/// An operation that takes nothing but `expand`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpandOnly {
    #[serde(default)]
    #[schema(inline)]
    pub(crate) expand: ExpandParam,
}

/// Takes `expand`, checked before anything is done.
pub(crate) fn expand(call: &mut Call<'_>, shape: Shape, param: &ExpandParam) -> Result<(), Failure> {
    call.request.rendering.expand = expansions(param);
    paths(Root::one(shape), &call.request.rendering.expand)?;
    Ok(())
}

pub(crate) fn metadata(param: MetadataParam) -> Changes {
    match param {
        MetadataParam::Keep => Changes::Keep,
        MetadataParam::Clear => Changes::Clear,
        MetadataParam::Merge(changes) => Changes::Merge(changes),
    }
}

pub(crate) fn change<T>(update: Update<T>) -> Change<T> {
    match update {
        Update::Keep => Change::Keep,
        Update::Clear => Change::Clear,
        Update::Set(value) => Change::Set(value),
    }
}

/// The buyer's browser, back from the issuer's page.
pub(crate) async fn come_back(
    State(app): State<Arc<App>>,
    Path((account, mode, secret)): Path<(String, String, String)>,
    request: axum::extract::Request,
) -> Response {
    let Some(_place) = app.limits.enter() else {
        app.meters.turned_away();
        return plain(StatusCode::SERVICE_UNAVAILABLE, "There is too much to do. Please load this page again.");
    };
    let mode = if mode == "live" { Mode::Live } else { Mode::Test };
    let Ok(account) = account.parse::<AccountId>() else { return plain(StatusCode::NOT_FOUND, "There is no such payment.") };
    let by = By::buyer(gate::from(&request.into_parts().0));
    match app.platform.come_back(Scope { account, mode }, &by, &secret).await {
        Ok(back) => match back.return_url {
            Some(url) => {
                let status = if back.succeeded { "succeeded" } else { "failed" };
                let (kind, id, secret) = (back.kind, back.id, back.client_secret);
                let told = format!("{kind}={id}&{kind}_client_secret={secret}&redirect_status={status}");
                Redirect::to(&with_query(&url, &told)).into_response()
            }
            None => plain(StatusCode::OK, "You can close this page and return to the shop."),
        },
        Err(payments::Error::NotFound { .. }) => plain(StatusCode::NOT_FOUND, "There is no such payment."),
        Err(error) => {
            tracing::error!(%error, detail = ?error, "a buyer's return could not be settled");
            plain(StatusCode::SERVICE_UNAVAILABLE, "The payment is being processed.")
        }
    }
}

/// An address with more in its query, which stands before the fragment.
fn with_query(url: &str, more: &str) -> String {
    let end = url.find('#').unwrap_or(url.len());
    let (before, fragment) = url.split_at(end);
    let joint = if before.contains('?') { '&' } else { '?' };
    format!("{before}{joint}{more}{fragment}")
}
