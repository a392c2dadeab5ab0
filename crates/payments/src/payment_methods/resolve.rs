//! From what a confirmation names to a method that can pay: an existing one, a test name, or a new card.

use std::sync::Arc;

use domain::card::{CardNumber, Cvc};
use domain::contact::BillingDetails;
use domain::id::{CustomerId, PaymentMethodId};
use domain::metadata::Metadata;
use domain::payment_method::PaymentMethod;
use domain::scope::Scope;
use store::Write;

use super::create::{CardSource, NewPaymentMethod, masked};
use crate::error::{Error, Place};
use crate::platform::Platform;

/// What a client names to pay with.
#[derive(Clone)]
pub enum MethodInput {
    /// A method's or test method's name.
    Named(String),
    /// A new one.
    New(Box<NewPaymentMethod>),
}

/// A method ready to pay with.
pub(crate) struct Ready {
    pub(crate) method: PaymentMethod,
    pub(crate) number: CardNumber,
    pub(crate) cvc: Option<Arc<Cvc>>,
    /// What must be committed for it to exist; empty when it does.
    pub(crate) writes: Vec<Write>,
}

impl Platform {
    /// Finds or makes the method, and opens its card.
    pub(crate) async fn ready_method(&self, scope: Scope, customer: Option<CustomerId>, input: &MethodInput) -> Result<Ready, Error> {
        let prepared = match input {
            MethodInput::Named(name) => match self.test_card_input(name, scope) {
                Some(card) => self.prepare_card(scope, &card, BillingDetails::default(), Metadata::default())?,
                None => return self.existing_method(scope, customer, name).await,
            },
            MethodInput::New(new) => match &new.card {
                CardSource::Input(card) => self.prepare_card(scope, card, new.billing_details.clone(), new.metadata.clone())?,
                CardSource::Token(token) => self.prepare_token(scope, token, new.metadata.clone()).await?,
            },
        };
        self.remember_cvc(prepared.method.id.ulid(), prepared.cvc.as_ref());
        Ok(Ready { method: prepared.method, number: prepared.number, cvc: prepared.cvc, writes: prepared.writes })
    }

    async fn existing_method(&self, scope: Scope, customer: Option<CustomerId>, name: &str) -> Result<Ready, Error> {
        let missing = || Error::NotFound { kind: "payment_method", id: masked(name), param: "payment_method", place: Place::Parameter };
        let id: PaymentMethodId = name.parse().map_err(|_| missing())?;
        let method = self.find::<PaymentMethod>(scope, id.ulid()).await?.ok_or_else(missing)?.value;
        method.usable_for(customer)?;
        let number = self.open_card(scope, id.ulid()).await?;
        let cvc = self.cvcs.get(&id.ulid());
        Ok(Ready { method, number, cvc, writes: Vec::new() })
    }
}
