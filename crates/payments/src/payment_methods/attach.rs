//! Giving a card to a customer, and taking it away.

use domain::audit::Action;
use domain::contact::BillingDetails;
use domain::customer::Customer;
use domain::event::EventKind;
use domain::id::{CustomerId, PaymentMethodId};
use domain::metadata::Metadata;
use domain::payment_method::PaymentMethod;

use super::create::masked;
use super::resolve::Origin;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::outcome::{Object, Outcome};
use crate::payment_intents::settle::add_events;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::records::Loaded;
use crate::writes::Writes;

impl Platform {
    /// Attaches a card to a customer.
    ///
    /// # Errors
    /// The card or customer does not exist, or the card belongs to another or is spent.
    pub async fn attach_payment_method(&self, request: &Request, method: &str, customer: CustomerId) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let mut writes = Writes::new();
            let customer = self.usable_customer(request.scope, customer, &mut writes).await?;
            let method = self.add_attachment(request, &customer, (method, Place::Path), &mut writes).await?;
            self.conclude(request, Action::PaymentMethodAttach, writes, &Outcome::of(Object::PaymentMethod(Box::new(method)))).await
        })
        .await
    }

    /// Adds what attaches a card to a customer; a test card is made first.
    pub(crate) async fn add_attachment(
        &self,
        request: &Request,
        customer: &Customer,
        (name, place): (&str, Place),
        writes: &mut Writes,
    ) -> Result<PaymentMethod, Error> {
        let scope = request.scope;
        let (mut method, mut origin) = match self.test_card_input(name, scope) {
            Some(card) => {
                let ready = self.prepare_card(scope, &card, BillingDetails::default(), Metadata::default())?;
                (ready.method, ready.origin)
            }
            None => {
                let kept = self.payment_method(request, name, place).await?;
                (kept.value.clone(), Origin::Kept(Box::new(kept)))
            }
        };
        let owner = method.customer;
        method.attach(customer)?;
        if method.customer != owner {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let event = ctx.method_event(EventKind::PaymentMethodAttached, &mut method);
            add_events(scope, &[event], writes)?;
        }
        origin.add(scope, &method, writes)?;
        Ok(method)
    }

    /// Takes a card from its customer; it can pay no more, and its number is erased.
    ///
    /// # Errors
    /// The card does not exist or is attached to nobody.
    pub async fn detach_payment_method(&self, request: &Request, name: &str) -> Result<Answered, Error> {
        let answered = racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.payment_method(request, name, Place::Path).await?;
            let mut method = loaded.value.clone();
            method.detach()?;
            let mut writes = Writes::new();
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let event = ctx.method_event(EventKind::PaymentMethodDetached, &mut method);
            lists::change(request.scope, &loaded, &method, &mut writes)?;
            add_events(request.scope, &[event], &mut writes)?;
            self.conclude(request, Action::PaymentMethodDetach, writes, &Outcome::of(Object::PaymentMethod(Box::new(method)))).await
        })
        .await?;
        // From now on nothing begins with it; what was begun before is open, or over.
        if let Ok(id) = name.parse() {
            self.erase_unless_open(request.scope, id).await;
        }
        Ok(answered)
    }

    /// A card of this merchant.
    pub(crate) async fn payment_method(&self, request: &Request, name: &str, place: Place) -> Result<Loaded<PaymentMethod>, Error> {
        let missing = || Error::NotFound { kind: "payment_method", id: masked(name), param: "payment_method", place };
        let id: PaymentMethodId = name.parse().map_err(|_| missing())?;
        self.find(request.scope, id.ulid()).await?.ok_or_else(missing)
    }
}
