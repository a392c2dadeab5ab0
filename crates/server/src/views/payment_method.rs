//! The card to pay with.

use domain::card::{CardDetails, Fingerprint};
use domain::id::PaymentMethodId;
use domain::payment_method;
use serde::Serialize;
use utoipa::ToSchema;

use super::card::CardChecks;
use super::contact::BillingDetails;
use super::reference::CustomerRef;
use super::words::{CardBrand, CardFunding};
use super::{Context, Metadata, Null};

/// A card to pay with.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethod<'a> {
    #[schema(value_type = String)]
    id: PaymentMethodId,
    /// `payment_method`.
    object: &'static str,
    /// `unspecified`.
    allow_redisplay: &'static str,
    billing_details: BillingDetails<'a>,
    card: PaymentMethodCard<'a>,
    /// When it was made, in seconds since 1970.
    created: i64,
    /// Whose card it is, once attached.
    customer: Option<CustomerRef>,
    #[schema(inline)]
    customer_account: Null,
    livemode: bool,
    metadata: Metadata<'a>,
    /// `card`.
    r#type: &'static str,
}

/// What may be shown of a card.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodCard<'a> {
    brand: CardBrand,
    checks: CardChecks,
    /// The issuer's, two letters, ISO 3166.
    country: &'a str,
    display_brand: CardBrand,
    exp_month: u8,
    exp_year: u16,
    /// The same for the same number.
    #[schema(value_type = Option<String>)]
    fingerprint: Option<Fingerprint>,
    funding: CardFunding,
    #[schema(inline)]
    generated_from: Null,
    last4: &'a str,
    networks: CardNetworks,
    /// `unregulated`.
    regulated_status: &'static str,
    three_d_secure_usage: ThreeDSecureUsage,
    #[schema(inline)]
    wallet: Null,
}

/// The networks that can carry payments of a card.
#[derive(Serialize, ToSchema)]
pub struct CardNetworks {
    available: [CardBrand; 1],
    #[schema(inline)]
    preferred: Null,
}

/// Whether a card can be used with 3-D Secure.
#[derive(Serialize, ToSchema)]
pub struct ThreeDSecureUsage {
    supported: bool,
}

impl<'a> PaymentMethod<'a> {
    /// The card as the API shows it.
    #[must_use]
    pub fn view(method: &'a payment_method::PaymentMethod, ctx: Context) -> Self {
        Self {
            id: method.id,
            object: "payment_method",
            allow_redisplay: "unspecified",
            billing_details: BillingDetails::view(&method.billing_details),
            card: PaymentMethodCard::view(&method.card, CardChecks::view(method.cvc_check, None, None), ctx),
            created: method.created_at.seconds(),
            customer: ctx.for_shop(method.customer.map(Into::into)),
            customer_account: Null,
            livemode: ctx.livemode,
            metadata: ctx.notes(&method.metadata),
            r#type: "card",
        }
    }
}

impl<'a> PaymentMethodCard<'a> {
    fn view(card: &'a CardDetails, checks: CardChecks, ctx: Context) -> Self {
        let brand = CardBrand::from(card.brand);
        Self {
            brand,
            checks,
            country: &card.country,
            display_brand: brand,
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            fingerprint: ctx.for_shop(Some(card.fingerprint)),
            funding: card.funding.into(),
            generated_from: Null,
            last4: &card.last4,
            networks: CardNetworks { available: [brand], preferred: Null },
            regulated_status: "unregulated",
            three_d_secure_usage: ThreeDSecureUsage { supported: true },
            wallet: Null,
        }
    }
}
