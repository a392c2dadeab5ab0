//! Making a payment method or a token of a card.

use std::sync::Arc;

use domain::audit::Action;
use domain::card::{CardDetails, CardNumber, Cvc, Expiry, ExpiryError};
use domain::contact::BillingDetails;
use domain::decline::CardErrorCode;
use domain::id::{CardId, PaymentMethodId, TokenId, Ulid};
use domain::metadata::Metadata;
use domain::payment_method::{PaymentMethod, Token};
use domain::scope::Scope;
use store::{Key, Kind, Precondition, Write};

use super::erase::erase_card;
use super::resolve::{Origin, Ready};
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::outcome::{Object, Outcome};
use crate::platform::{Platform, Request, racing};
use crate::records::{encode, insert, update};
use crate::sizes;
use crate::writes::Writes;

/// A card as a client sends it; it cannot be printed.
#[derive(Clone)]
pub struct CardInput {
    /// The number's digits, as sent.
    pub number: zeroize::Zeroizing<String>,
    /// The expiry month.
    pub exp_month: i64,
    /// The expiry year.
    pub exp_year: i64,
    /// The security code, as sent.
    pub cvc: Option<zeroize::Zeroizing<String>>,
}

/// A new payment method.
#[derive(Clone)]
pub struct NewPaymentMethod {
    /// The card.
    pub card: CardSource,
    /// The cardholder.
    pub billing_details: BillingDetails,
    /// The shop's own notes.
    pub metadata: Metadata,
}

/// Where a new method's card comes from.
#[derive(Clone)]
pub enum CardSource {
    /// The client sent it.
    Input(CardInput),
    /// A token holds it.
    Token(String),
}

struct CheckedCard {
    number: CardNumber,
    details: CardDetails,
    cvc: Option<Arc<Cvc>>,
}

impl Platform {
    fn check_card(&self, input: &CardInput) -> Result<CheckedCard, Error> {
        let refused = |code, param| Error::Card { code, param };
        let number = CardNumber::parse(&input.number).map_err(|_| refused(CardErrorCode::IncorrectNumber, "card[number]"))?;
        let expiry = Expiry::new(input.exp_month, input.exp_year).map_err(expiry_refused)?;
        expiry.check(self.now()).map_err(expiry_refused)?;
        let cvc = match &input.cvc {
            Some(text) => {
                let cvc = Cvc::parse(text, number.brand()).map_err(|_| refused(CardErrorCode::InvalidCvc, "card[cvc]"))?;
                Some(Arc::new(cvc))
            }
            None => None,
        };
        let details = CardDetails::of(&number, expiry, &self.card_fingerprints);
        Ok(CheckedCard { number, details, cvc })
    }

    fn seal(&self, scope: Scope, ulid: Ulid, number: &CardNumber) -> Result<Write, Error> {
        let sealed = self.vault.seal(scope, ulid, number)?;
        let key = Key::object(scope, Kind::SealedCard, ulid);
        Ok(Write::Put { key, body: encode(&sealed)?, precondition: Precondition::Absent })
    }

    /// Checks and seals a card the client sent.
    pub(crate) fn prepare_card(
        &self,
        scope: Scope,
        input: &CardInput,
        billing_details: BillingDetails,
        metadata: Metadata,
    ) -> Result<Ready, Error> {
        let card = self.check_card(input)?;
        let method = self.method_of(card.details, billing_details, metadata)?;
        let origin = Origin::Made(vec![self.seal(scope, method.id.ulid(), &card.number)?]);
        Ok(Ready { method, number: card.number, cvc: card.cvc, code_waited_under: None, origin })
    }

    fn method_of(&self, card: CardDetails, billing_details: BillingDetails, metadata: Metadata) -> Result<PaymentMethod, Error> {
        let ulid = self.mint();
        let method = PaymentMethod {
            id: PaymentMethodId::new(ulid),
            created_at: ulid.created_at(),
            card,
            billing_details,
            customer: None,
            metadata,
            cvc_check: None,
            saved_for_off_session: false,
            paid: false,
            spent: false,
            sequence: 0,
        };
        sizes::check(&method)?;
        Ok(method)
    }

    /// Turns a token into a method; the token can be used once. What the request does not say of the cardholder, the token
    /// says.
    pub(crate) async fn prepare_token(&self, scope: Scope, text: &str, new: &NewPaymentMethod) -> Result<Ready, Error> {
        let (billing_details, metadata) = (new.billing_details.clone(), new.metadata.clone());
        if let Some(input) = self.test_card_input(text, scope) {
            return self.prepare_card(scope, &input, billing_details, metadata);
        }
        let missing = || Error::NotFound { kind: "token", id: masked(text), param: "card[token]", place: Place::Parameter };
        let id: TokenId = text.parse().map_err(|_| missing())?;
        let token = self.find::<Token>(scope, id.ulid()).await?.ok_or_else(missing)?;
        if token.value.used {
            return Err(already_used());
        }
        let number = match self.open_card(scope, id.ulid()).await? {
            Some(number) => number,
            None if self.must::<Token>(scope, id.ulid()).await?.value.used => return Err(already_used()),
            None => return Err(no_card(id.ulid())),
        };
        let billing_details = billing_details.or(token.value.billing_details.clone());
        let method = self.method_of(token.value.card.clone(), billing_details, metadata)?;
        let used = Token { used: true, ..token.value };
        let used = update(scope, &used, token.version.revision)?;
        let origin = Origin::Made(vec![self.seal(scope, method.id.ulid(), &number)?, erase_card(scope, id.ulid()), used]);
        Ok(Ready { method, number, cvc: self.codes.look(id.ulid()), code_waited_under: Some(id.ulid()), origin })
    }

    /// A card that tests may name, in test mode.
    pub(crate) fn test_card_input(&self, name: &str, scope: Scope) -> Option<CardInput> {
        if scope.mode.is_live() {
            return None;
        }
        let card = (self.test_card)(name)?;
        Some(CardInput {
            number: card.number.to_owned().into(),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            cvc: Some(card.cvc.to_owned().into()),
        })
    }

    /// Opens the card of a method; `None` if it was erased, as that of a spent one is.
    pub(crate) async fn card_of(&self, scope: Scope, method: PaymentMethodId) -> Result<Option<CardNumber>, Error> {
        match self.open_card(scope, method.ulid()).await? {
            Some(number) => Ok(Some(number)),
            None if self.must::<PaymentMethod>(scope, method.ulid()).await?.value.spent => Ok(None),
            None => Err(no_card(method.ulid())),
        }
    }

    async fn open_card(&self, scope: Scope, ulid: Ulid) -> Result<Option<CardNumber>, Error> {
        let item = self.store.get_one(&Key::object(scope, Kind::SealedCard, ulid)).await?;
        item.map(|item| self.vault.open(scope, ulid, &crate::records::decode(&item.body)?)).transpose()
    }

    /// Makes a payment method.
    ///
    /// # Errors
    /// The card cannot be one, or the token is used or unknown.
    pub async fn create_payment_method(&self, request: &Request, new: &NewPaymentMethod) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let mut ready = self.prepare_method(request.scope, new).await?;
            let mut writes = Writes::new();
            ready.add_to(request.scope, &mut writes)?;
            let outcome = Outcome::of(Object::PaymentMethod(Box::new(ready.method.clone())));
            let answered = self.conclude(request, Action::PaymentMethodCreate, writes, &outcome).await?;
            self.keep_code(Some(&ready));
            Ok(answered)
        })
        .await
    }

    /// Makes a token of a card.
    ///
    /// # Errors
    /// The card cannot be one.
    pub async fn create_token(&self, request: &Request, input: &CardInput, billing: &BillingDetails) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let card = self.check_card(input)?;
            let ulid = self.mint();
            let token = Token {
                id: TokenId::new(ulid),
                card_id: CardId::new(ulid),
                created_at: ulid.created_at(),
                card: card.details,
                billing_details: billing.clone(),
                used: false,
            };
            sizes::check(&token)?;
            let mut writes = Writes::new();
            writes.push(insert(request.scope, &token)?);
            writes.push(self.seal(request.scope, ulid, &card.number)?);
            let outcome = Outcome::of(Object::Token(Box::new(token)));
            let answered = self.conclude(request, Action::PaymentMethodCreate, writes, &outcome).await?;
            self.codes.keep(ulid, card.cvc.as_ref());
            Ok(answered)
        })
        .await
    }
}

fn no_card(ulid: Ulid) -> Error {
    Error::Internal(format!("the sealed card of {ulid} is missing"))
}

fn already_used() -> Error {
    Error::Parameter { param: "card[token]", code: Some("token_already_used"), message: "A token can be used only once.".to_owned() }
}

/// An expiry that cannot be one, by the parameter that is wrong.
pub(crate) const fn expiry_refused(error: ExpiryError) -> Error {
    match error {
        ExpiryError::Month => Error::Card { code: CardErrorCode::InvalidExpiryMonth, param: "card[exp_month]" },
        ExpiryError::Year => Error::Card { code: CardErrorCode::InvalidExpiryYear, param: "card[exp_year]" },
    }
}

/// A name as it may be shown in an error: one that could hold a card number is not.
#[must_use]
pub fn masked(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let lettered = text.bytes().any(|b| b.is_ascii_alphabetic());
    let safe = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && (lettered || digits < 8);
    let run = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if safe && run < 12 { text.to_owned() } else { "(not shown)".to_owned() }
}
