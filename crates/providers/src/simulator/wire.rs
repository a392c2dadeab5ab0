//! The bank's wire: JSON request bodies, and how they become requests and back.
//!
//! Answers are `domain::outcome` values in JSON. These types hold card numbers as text while a body is written or
//! read: they live in this module and its two users only, and cannot be printed.

use std::sync::Arc;

use domain::card::{CardNumber, Cvc, Expiry};
use domain::currency::Currency;
use domain::money::Money;
use domain::payment_intent::ThreeDSecureRequest;
use domain::provider_key::ProviderKey;
use serde::{Deserialize, Serialize};

use crate::connector::{Authorize, Capture, CardForProvider, Initiator, Refund, VerifyCard, Void};

/// A body that is not a request. It does not say what was in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Invalid(&'static str);

/// A card as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardBody {
    number: String,
    expiry_month: i64,
    expiry_year: i64,
    cvc: Option<String>,
    holder_name: Option<String>,
    address_line1: Option<String>,
    postal_code: Option<String>,
}

/// An authorisation as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorizeBody {
    key: ProviderKey,
    amount: i64,
    currency: String,
    card: CardBody,
    capture: bool,
    off_session: bool,
    request_three_d_secure: ThreeDSecureRequest,
    saved: bool,
    save_for_off_session: bool,
    return_to: String,
    statement_descriptor: Option<String>,
    description: Option<String>,
}

/// A card check as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyCardBody {
    key: ProviderKey,
    card: CardBody,
    off_session: bool,
    request_three_d_secure: ThreeDSecureRequest,
    save_for_off_session: bool,
    return_to: String,
}

/// A capture or refund as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountBody {
    key: ProviderKey,
    authorization_key: ProviderKey,
    provider_reference: String,
    amount: i64,
    currency: String,
}

/// A void as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoidBody {
    key: ProviderKey,
    authorization_key: ProviderKey,
    provider_reference: String,
}

fn money(minor: i64, currency: &str) -> Result<Money, Invalid> {
    Currency::from_code(currency).map(|currency| Money::new(minor, currency)).ok_or(Invalid("unknown currency"))
}

const fn initiator(off_session: bool) -> Initiator {
    if off_session { Initiator::Merchant } else { Initiator::Customer }
}

impl From<CardForProvider> for CardBody {
    fn from(card: CardForProvider) -> Self {
        Self {
            number: card.number.reveal().to_owned(),
            expiry_month: i64::from(card.expiry.month()),
            expiry_year: i64::from(card.expiry.year()),
            cvc: card.cvc.as_ref().map(|cvc| cvc.reveal().to_owned()),
            holder_name: card.holder_name,
            address_line1: card.address_line1,
            postal_code: card.postal_code,
        }
    }
}

impl TryFrom<CardBody> for CardForProvider {
    type Error = Invalid;

    fn try_from(body: CardBody) -> Result<Self, Invalid> {
        let number = CardNumber::parse(&body.number).map_err(|_| Invalid("not a card number"))?;
        let cvc = body.cvc.map(|cvc| Cvc::parse(&cvc, number.brand()).map(Arc::new)).transpose();
        Ok(Self {
            expiry: Expiry::new(body.expiry_month, body.expiry_year).map_err(|_| Invalid("not an expiry date"))?,
            cvc: cvc.map_err(|_| Invalid("not a security code"))?,
            number,
            holder_name: body.holder_name,
            address_line1: body.address_line1,
            postal_code: body.postal_code,
        })
    }
}

impl From<Authorize> for AuthorizeBody {
    fn from(request: Authorize) -> Self {
        Self {
            key: request.key,
            amount: request.amount.minor(),
            currency: request.amount.currency().code().to_owned(),
            card: request.card.into(),
            capture: request.capture,
            off_session: request.initiator == Initiator::Merchant,
            request_three_d_secure: request.three_d_secure,
            saved: request.saved,
            save_for_off_session: request.save_for_off_session,
            return_to: request.return_to,
            statement_descriptor: request.statement_descriptor,
            description: request.description,
        }
    }
}

impl TryFrom<AuthorizeBody> for Authorize {
    type Error = Invalid;

    fn try_from(body: AuthorizeBody) -> Result<Self, Invalid> {
        Ok(Self {
            key: body.key,
            amount: money(body.amount, &body.currency)?,
            card: body.card.try_into()?,
            capture: body.capture,
            initiator: initiator(body.off_session),
            three_d_secure: body.request_three_d_secure,
            saved: body.saved,
            save_for_off_session: body.save_for_off_session,
            return_to: body.return_to,
            statement_descriptor: body.statement_descriptor,
            description: body.description,
        })
    }
}

impl From<VerifyCard> for VerifyCardBody {
    fn from(request: VerifyCard) -> Self {
        Self {
            key: request.key,
            card: request.card.into(),
            off_session: request.initiator == Initiator::Merchant,
            request_three_d_secure: request.three_d_secure,
            save_for_off_session: request.save_for_off_session,
            return_to: request.return_to,
        }
    }
}

impl TryFrom<VerifyCardBody> for VerifyCard {
    type Error = Invalid;

    fn try_from(body: VerifyCardBody) -> Result<Self, Invalid> {
        Ok(Self {
            key: body.key,
            card: body.card.try_into()?,
            initiator: initiator(body.off_session),
            three_d_secure: body.request_three_d_secure,
            save_for_off_session: body.save_for_off_session,
            return_to: body.return_to,
        })
    }
}

impl From<Capture> for AmountBody {
    fn from(request: Capture) -> Self {
        let (amount, currency) = (request.amount.minor(), request.amount.currency().code().to_owned());
        let Capture { key, authorization_key, provider_reference, .. } = request;
        Self { key, authorization_key, provider_reference, amount, currency }
    }
}

impl From<Refund> for AmountBody {
    fn from(request: Refund) -> Self {
        let (amount, currency) = (request.amount.minor(), request.amount.currency().code().to_owned());
        let Refund { key, authorization_key, provider_reference, .. } = request;
        Self { key, authorization_key, provider_reference, amount, currency }
    }
}

impl TryFrom<AmountBody> for Capture {
    type Error = Invalid;

    fn try_from(body: AmountBody) -> Result<Self, Invalid> {
        let amount = money(body.amount, &body.currency)?;
        let AmountBody { key, authorization_key, provider_reference, .. } = body;
        Ok(Self { key, authorization_key, provider_reference, amount })
    }
}

impl TryFrom<AmountBody> for Refund {
    type Error = Invalid;

    fn try_from(body: AmountBody) -> Result<Self, Invalid> {
        let amount = money(body.amount, &body.currency)?;
        let AmountBody { key, authorization_key, provider_reference, .. } = body;
        Ok(Self { key, authorization_key, provider_reference, amount })
    }
}

impl From<Void> for VoidBody {
    fn from(request: Void) -> Self {
        let Void { key, authorization_key, provider_reference } = request;
        Self { key, authorization_key, provider_reference }
    }
}

impl TryFrom<VoidBody> for Void {
    type Error = Invalid;

    fn try_from(body: VoidBody) -> Result<Self, Invalid> {
        let VoidBody { key, authorization_key, provider_reference } = body;
        Ok(Self { key, authorization_key, provider_reference })
    }
}
