//! What a charge shows of the card and of what the issuer said.

use domain::card::{Brand, Fingerprint};
use domain::charge;
use domain::outcome::ThreeDSecureResult;
use serde::Serialize;
use utoipa::ToSchema;

use crate::views::Null;
use crate::views::card::CardChecks;
use crate::views::words::{CardBrand, CardFunding, ThreeDSecureOutcome};

/// The payment method as it was when the charge was made.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodDetails<'a> {
    card: ChargeCard<'a>,
    /// `card`.
    r#type: &'static str,
}

/// The card as it was, and the issuer's answer.
#[derive(Serialize, ToSchema)]
pub struct ChargeCard<'a> {
    /// What the issuer reserved, in the currency's minor unit.
    amount_authorized: Option<i64>,
    authorization_code: Option<&'a str>,
    brand: CardBrand,
    checks: CardChecks,
    /// The issuer's, two letters, ISO 3166.
    country: &'a str,
    electronic_commerce_indicator: Option<&'static str>,
    exp_month: u8,
    exp_year: u16,
    extended_authorization: Feature,
    /// The same for the same number.
    #[schema(value_type = String)]
    fingerprint: Fingerprint,
    funding: CardFunding,
    incremental_authorization: Feature,
    #[schema(inline)]
    installments: Null,
    last4: &'a str,
    #[schema(inline)]
    mandate: Null,
    multicapture: Feature,
    network: CardBrand,
    network_token: NetworkToken,
    /// The card network's name for the transaction.
    network_transaction_id: Option<&'a str>,
    overcapture: Overcapture,
    /// `unregulated`.
    regulated_status: &'static str,
    /// How 3-D Secure ended; null when it was not tried.
    three_d_secure: Option<ThreeDSecure>,
    #[schema(inline)]
    transaction_link_id: Null,
    #[schema(inline)]
    wallet: Null,
}

/// A feature of an authorisation.
#[derive(Serialize, ToSchema)]
pub struct Feature {
    /// `disabled` or `unavailable`.
    status: &'static str,
}

/// Whether more than was authorised can be taken.
#[derive(Serialize, ToSchema)]
pub struct Overcapture {
    /// In the currency's minor unit.
    maximum_amount_capturable: i64,
    /// `unavailable`.
    status: &'static str,
}

/// Whether a network token stood in for the card.
#[derive(Serialize, ToSchema)]
pub struct NetworkToken {
    used: bool,
}

/// How 3-D Secure ended.
#[derive(Serialize, ToSchema)]
pub struct ThreeDSecure {
    #[schema(inline)]
    authentication_flow: Null,
    /// The network's code for how the buyer was authenticated.
    electronic_commerce_indicator: Option<&'static str>,
    #[schema(inline)]
    exemption_indicator: Null,
    result: ThreeDSecureOutcome,
    result_reason: Option<&'static str>,
    #[schema(inline)]
    transaction_id: Null,
    #[schema(inline)]
    version: Null,
}

/// Mastercard's networks count from 02 down, the others from 05 up.
const fn commerce_indicator(brand: Brand, result: ThreeDSecureResult) -> Option<&'static str> {
    match (result, brand) {
        (ThreeDSecureResult::Authenticated, Brand::Mastercard) => Some("02"),
        (ThreeDSecureResult::Authenticated, _) => Some("05"),
        (ThreeDSecureResult::AttemptAcknowledged, Brand::Mastercard) => Some("01"),
        (ThreeDSecureResult::AttemptAcknowledged, _) => Some("06"),
        (ThreeDSecureResult::NotSupported | ThreeDSecureResult::Failed, _) => None,
    }
}

const fn result_reason(result: ThreeDSecureResult) -> Option<&'static str> {
    match result {
        ThreeDSecureResult::Authenticated | ThreeDSecureResult::AttemptAcknowledged => None,
        ThreeDSecureResult::NotSupported => Some("card_not_enrolled"),
        ThreeDSecureResult::Failed => Some("rejected"),
    }
}

impl ThreeDSecure {
    fn view(brand: Brand, result: ThreeDSecureResult) -> Self {
        Self {
            authentication_flow: Null,
            electronic_commerce_indicator: commerce_indicator(brand, result),
            exemption_indicator: Null,
            result: result.into(),
            result_reason: result_reason(result),
            transaction_id: Null,
            version: Null,
        }
    }
}

impl<'a> PaymentMethodDetails<'a> {
    pub(super) fn view(charge: &'a charge::Charge) -> Self {
        Self { card: ChargeCard::view(charge), r#type: "card" }
    }
}

impl<'a> ChargeCard<'a> {
    fn view(charge: &'a charge::Charge) -> Self {
        let card = &charge.card;
        let granted = charge.authorization.as_ref();
        let three_d_secure = granted.and_then(|authorization| authorization.three_d_secure);
        let checks = CardChecks::view(charge.checks.cvc, charge.checks.address_line1, charge.checks.postal_code);
        Self {
            amount_authorized: granted.map(|_| charge.amount.minor()),
            authorization_code: granted.map(|authorization| authorization.authorization_code.as_str()),
            brand: card.brand.into(),
            checks,
            country: &card.country,
            electronic_commerce_indicator: three_d_secure.and_then(|result| commerce_indicator(card.brand, result)),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            extended_authorization: Feature { status: "disabled" },
            fingerprint: card.fingerprint,
            funding: card.funding.into(),
            incremental_authorization: Feature { status: "unavailable" },
            installments: Null,
            last4: &card.last4,
            mandate: Null,
            multicapture: Feature { status: "unavailable" },
            network: card.brand.into(),
            network_token: NetworkToken { used: false },
            network_transaction_id: granted.map(|authorization| authorization.network_transaction_id.as_str()),
            overcapture: Overcapture { maximum_amount_capturable: charge.amount.minor(), status: "unavailable" },
            regulated_status: "unregulated",
            three_d_secure: three_d_secure.map(|result| ThreeDSecure::view(card.brand, result)),
            transaction_link_id: Null,
            wallet: Null,
        }
    }
}
