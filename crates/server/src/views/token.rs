//! The token: a card handed over once.

use domain::card::Fingerprint;
use domain::id::{CardId, TokenId};
use domain::payment_method;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::words::{CardBrand, CardFunding};
use super::{Context, Null};

/// A card handed over once, usually by a browser.
#[derive(Serialize, ToSchema)]
pub struct Token<'a> {
    #[schema(value_type = String)]
    id: TokenId,
    /// `token`.
    object: &'static str,
    card: TokenCard<'a>,
    #[schema(inline)]
    client_ip: Null,
    /// When it was made, in seconds since 1970.
    created: i64,
    livemode: bool,
    /// `card`.
    r#type: &'static str,
    /// It was exchanged for a payment method.
    used: bool,
}

/// What may be shown of the card inside a token.
#[derive(Serialize, ToSchema)]
pub struct TokenCard<'a> {
    #[schema(value_type = String)]
    id: CardId,
    /// `card`.
    object: &'static str,
    address_city: Option<&'a str>,
    address_country: Option<&'a str>,
    address_line1: Option<&'a str>,
    #[schema(inline)]
    address_line1_check: Null,
    address_line2: Option<&'a str>,
    address_state: Option<&'a str>,
    address_zip: Option<&'a str>,
    #[schema(inline)]
    address_zip_check: Null,
    /// As people write it: `American Express`.
    brand: &'static str,
    /// The issuer's, two letters, ISO 3166.
    country: &'a str,
    #[schema(inline)]
    cvc_check: Null,
    #[schema(inline)]
    dynamic_last4: Null,
    exp_month: u8,
    exp_year: u16,
    /// The same for the same number.
    #[schema(value_type = Option<String>)]
    fingerprint: Option<Fingerprint>,
    funding: CardFunding,
    last4: &'a str,
    metadata: BTreeMap<String, String>,
    name: Option<&'a str>,
    networks: TokenCardNetworks,
    /// `unregulated`.
    regulated_status: &'static str,
    #[schema(inline)]
    tokenization_method: Null,
    #[schema(inline)]
    wallet: Null,
}

/// The network a shop prefers for the card.
#[derive(Serialize, ToSchema)]
pub struct TokenCardNetworks {
    preferred: Option<CardBrand>,
}

impl<'a> Token<'a> {
    /// The token as the API shows it.
    #[must_use]
    pub fn view(token: &'a payment_method::Token, ctx: Context) -> Self {
        Self {
            id: token.id,
            object: "token",
            card: TokenCard::view(token, ctx),
            client_ip: Null,
            created: token.created_at.seconds(),
            livemode: ctx.livemode,
            r#type: "card",
            used: token.used,
        }
    }
}

impl<'a> TokenCard<'a> {
    fn view(token: &'a payment_method::Token, ctx: Context) -> Self {
        let address = token.billing_details.address.as_ref();
        Self {
            id: token.card_id,
            object: "card",
            address_city: address.and_then(|a| a.city.as_deref()),
            address_country: address.and_then(|a| a.country.as_deref()),
            address_line1: address.and_then(|a| a.line1.as_deref()),
            address_line1_check: Null,
            address_line2: address.and_then(|a| a.line2.as_deref()),
            address_state: address.and_then(|a| a.state.as_deref()),
            address_zip: address.and_then(|a| a.postal_code.as_deref()),
            address_zip_check: Null,
            brand: token.card.brand.name(),
            country: &token.card.country,
            cvc_check: Null,
            dynamic_last4: Null,
            exp_month: token.card.exp_month,
            exp_year: token.card.exp_year,
            fingerprint: ctx.for_shop(Some(token.card.fingerprint)),
            funding: token.card.funding.into(),
            last4: &token.card.last4,
            metadata: BTreeMap::new(),
            name: token.billing_details.name.as_deref(),
            networks: TokenCardNetworks { preferred: None },
            regulated_status: "unregulated",
            tokenization_method: Null,
            wallet: Null,
        }
    }
}
