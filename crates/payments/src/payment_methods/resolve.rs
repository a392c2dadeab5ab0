//! From what a confirmation names to a method that can pay: an existing one, a test name, or a new card.

use std::sync::Arc;

use domain::card::{CardNumber, Cvc};
use domain::contact::BillingDetails;
use domain::id::{CustomerId, PaymentMethodId, Ulid};
use domain::metadata::Metadata;
use domain::payment_method::{PaymentMethod, Refusal};
use domain::scope::Scope;
use store::{Precondition, Write};

use super::create::{CardSource, NewPaymentMethod, masked};
use crate::error::{Error, Place};
use crate::lists;
use crate::platform::Platform;
use crate::records::{Loaded, key_of};
use crate::writes::Writes;

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
    /// The method or token that the security code waited under.
    pub(crate) code_waited_under: Option<Ulid>,
    pub(crate) origin: Origin,
}

/// Whether a method is kept already.
pub(crate) enum Origin {
    /// It is, so.
    Kept(Box<Loaded<PaymentMethod>>),
    /// It is made, together with these writes.
    Made(Vec<Write>),
}

impl Ready {
    /// Adds what keeps the method as it is now.
    pub(crate) fn add_to(&mut self, scope: Scope, writes: &mut Writes) -> Result<(), Error> {
        self.origin.add(scope, &self.method, writes)
    }
}

impl Origin {
    /// Adds what keeps the method as it is now. One that does not change is held as it was read, so that it is not
    /// detached at the same time; nothing is written then.
    pub(crate) fn add(&mut self, scope: Scope, method: &PaymentMethod, writes: &mut Writes) -> Result<(), Error> {
        match self {
            Self::Kept(kept) if kept.value == *method => {
                writes.assert(key_of::<PaymentMethod>(scope, method.id.ulid()), Precondition::Revision(kept.version.revision));
            }
            Self::Kept(kept) => {
                lists::change(scope, kept, method, writes)?;
            }
            Self::Made(with) => {
                lists::add(scope, method, writes)?;
                for write in std::mem::take(with) {
                    writes.push(write);
                }
            }
        }
        Ok(())
    }
}

impl Platform {
    /// Finds or makes the method, and opens its card.
    pub(crate) async fn ready_method(&self, scope: Scope, customer: Option<CustomerId>, input: &MethodInput) -> Result<Ready, Error> {
        match input {
            MethodInput::Named(name) => match self.test_card_input(name, scope) {
                Some(card) => self.prepare_card(scope, &card, BillingDetails::default(), Metadata::default()),
                None => self.existing_method(scope, customer, name).await,
            },
            MethodInput::New(new) => self.prepare_method(scope, new).await,
        }
    }

    /// Makes a method of what a client sent.
    pub(crate) async fn prepare_method(&self, scope: Scope, new: &NewPaymentMethod) -> Result<Ready, Error> {
        match &new.card {
            CardSource::Input(card) => self.prepare_card(scope, card, new.billing_details.clone(), new.metadata.clone()),
            CardSource::Token(token) => self.prepare_token(scope, token, new).await,
        }
    }

    async fn existing_method(&self, scope: Scope, customer: Option<CustomerId>, name: &str) -> Result<Ready, Error> {
        let missing = || Error::NotFound { kind: "payment_method", id: masked(name), param: "payment_method", place: Place::Parameter };
        let id: PaymentMethodId = name.parse().map_err(|_| missing())?;
        let kept = self.find::<PaymentMethod>(scope, id.ulid()).await?.ok_or_else(missing)?;
        kept.value.usable_for(customer)?;
        let number = self.card_of(scope, id).await?.ok_or(Refusal::Spent)?;
        Ok(Ready {
            method: kept.value.clone(),
            number,
            cvc: self.codes.look(id.ulid()),
            code_waited_under: Some(id.ulid()),
            origin: Origin::Kept(Box::new(kept)),
        })
    }

    /// A method that was made for a payment to come has its security code kept for that; the token, if it came by one,
    /// has it no more.
    pub(crate) fn keep_code(&self, ready: Option<&Ready>) {
        let Some(made) = ready.filter(|ready| matches!(ready.origin, Origin::Made(_))) else { return };
        self.forget_code(made);
        self.codes.keep(made.method.id.ulid(), made.cvc.as_ref());
    }

    /// An operation on the card has begun, which takes the security code along: it waits no longer.
    pub(crate) fn forget_code(&self, ready: &Ready) {
        if let Some(under) = ready.code_waited_under {
            self.codes.forget(under);
        }
    }
}
