//! Buyers the merchant knows: made, changed, deleted.

use domain::audit::Action;
use domain::contact::{Address, Shipping};
use domain::customer::{Customer, TaxExempt, is_invoice_prefix};
use domain::event::{EventKind, Snapshot};
use domain::id::{CustomerId, PaymentMethodId};
use domain::metadata::Metadata;
use domain::payment_method::PaymentMethod;
use domain::scope::Scope;
use store::Precondition;

use crate::change::Change;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome};
use crate::payment_intents::settle::add_events;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::records::{Loaded, key_of};
use crate::sizes;
use crate::texts;
use crate::writes::Writes;

/// What a request says of a customer.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // as in the API
pub struct CustomerChange {
    pub address: Change<Address>,
    pub description: Change<String>,
    pub email: Change<String>,
    pub name: Change<String>,
    pub phone: Change<String>,
    pub shipping: Change<Shipping>,
    pub preferred_locales: Change<Vec<String>>,
    pub invoice_prefix: Change<String>,
    pub tax_exempt: Change<TaxExempt>,
    pub default_payment_method: Change<PaymentMethodId>,
    pub metadata: Changes,
}

impl CustomerChange {
    fn check(&self) -> Result<(), Error> {
        texts::email("email", texts::set(&self.email))?;
        if texts::set(&self.invoice_prefix).is_none_or(|prefix| is_invoice_prefix(prefix)) {
            return Ok(());
        }
        let message = "The prefix must have 3 to 12 upper-case letters and digits.".to_owned();
        Err(Error::Parameter { param: "invoice_prefix", code: None, message })
    }

    fn apply(&self, customer: &mut Customer) -> Result<(), Error> {
        self.address.apply(&mut customer.address);
        self.description.apply(&mut customer.description);
        self.email.apply(&mut customer.email);
        self.name.apply(&mut customer.name);
        self.phone.apply(&mut customer.phone);
        self.shipping.apply(&mut customer.shipping);
        self.invoice_prefix.apply(&mut customer.invoice_prefix);
        self.default_payment_method.apply(&mut customer.default_payment_method);
        self.preferred_locales.apply_or_default(&mut customer.preferred_locales);
        self.tax_exempt.apply_or_default(&mut customer.tax_exempt);
        customer.metadata = self.metadata.apply(&customer.metadata)?;
        Ok(())
    }
}

impl Platform {
    /// Makes a customer; a method named with it is attached to it.
    ///
    /// # Errors
    /// The notes are too long, the method cannot be attached, or the store failed.
    pub async fn create_customer(&self, request: &Request, change: &CustomerChange, method: Option<&str>) -> Result<Answered, Error> {
        change.check()?;
        if let Change::Set(default) = change.default_payment_method
            && method != Some(default.to_string().as_str())
        {
            return Err(not_the_customers(default));
        }
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let ulid = self.mint();
            let mut customer = Customer {
                id: CustomerId::new(ulid),
                created_at: ulid.created_at(),
                address: None,
                description: None,
                email: None,
                name: None,
                phone: None,
                shipping: None,
                preferred_locales: Vec::new(),
                invoice_prefix: None,
                tax_exempt: TaxExempt::None,
                default_payment_method: None,
                metadata: Metadata::default(),
                deleted: false,
                sequence: 0,
            };
            change.apply(&mut customer)?;
            sizes::check(&customer)?;
            let mut writes = Writes::new();
            if let Some(method) = method {
                self.add_attachment(request, &customer, (method, Place::Parameter), &mut writes).await?;
            }
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let event = ctx.customer_event(EventKind::CustomerCreated, &mut customer);
            lists::add(request.scope, &customer, &mut writes)?;
            add_events(request.scope, &[event], &mut writes)?;
            self.conclude(request, Action::CustomerCreate, writes, &Outcome::of(Object::Customer(Box::new(customer)))).await
        })
        .await
    }

    /// Changes a customer.
    ///
    /// # Errors
    /// There is no such customer, or the change cannot be made.
    pub async fn update_customer(&self, request: &Request, id: CustomerId, change: &CustomerChange) -> Result<Answered, Error> {
        change.check()?;
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.live_customer(request.scope, id, Place::Path).await?;
            if let Change::Set(method) = change.default_payment_method {
                self.owned_method(request, id, method).await?;
            }
            let mut customer = loaded.value.clone();
            change.apply(&mut customer)?;
            sizes::check(&customer)?;
            self.finish_customer(request, loaded, customer, (Action::CustomerUpdate, EventKind::CustomerUpdated)).await
        })
        .await
    }

    /// Deletes a customer: it stays readable as deleted, and its cards can pay no more.
    ///
    /// # Errors
    /// There is no such customer, or the store failed.
    pub async fn delete_customer(&self, request: &Request, id: CustomerId) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.live_customer(request.scope, id, Place::Path).await?;
            let customer = Customer { deleted: true, ..loaded.value.clone() };
            self.finish_customer(request, loaded, customer, (Action::CustomerDelete, EventKind::CustomerDeleted)).await
        })
        .await
    }

    async fn finish_customer(
        &self,
        request: &Request,
        before: Loaded<Customer>,
        mut customer: Customer,
        (action, kind): (Action, EventKind),
    ) -> Result<Answered, Error> {
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let mut event = ctx.customer_event(kind, &mut customer);
        let mut writes = Writes::new();
        lists::change(request.scope, &before, &customer, &mut writes)?;
        if kind == EventKind::CustomerUpdated {
            event.previous = Some(Snapshot::Customer(Box::new(before.value)));
        }
        add_events(request.scope, &[event], &mut writes)?;
        self.conclude(request, action, writes, &Outcome::of(Object::Customer(Box::new(customer)))).await
    }

    async fn live_customer(&self, scope: Scope, id: CustomerId, place: Place) -> Result<Loaded<Customer>, Error> {
        let missing = || Error::NotFound { kind: "customer", id: id.to_string(), param: "customer", place };
        let found = self.find::<Customer>(scope, id.ulid()).await?.filter(|c| !c.value.deleted);
        found.ok_or_else(missing)
    }

    /// A customer that can still be used, and will be when the batch lands. Nothing is written, so that many payments
    /// of one customer do not get in each other's way.
    pub(crate) async fn usable_customer(&self, scope: Scope, id: CustomerId, writes: &mut Writes) -> Result<Customer, Error> {
        let loaded = self.live_customer(scope, id, Place::Parameter).await?;
        writes.assert(key_of::<Customer>(scope, id.ulid()), Precondition::Revision(loaded.version.revision));
        Ok(loaded.value)
    }

    /// A customer as it is, deleted or not, and will be when the batch lands.
    pub(crate) async fn customer_as_is(&self, scope: Scope, id: CustomerId, writes: &mut Writes) -> Result<Customer, Error> {
        let loaded = self.must::<Customer>(scope, id.ulid()).await?;
        writes.assert(key_of::<Customer>(scope, id.ulid()), Precondition::Revision(loaded.version.revision));
        Ok(loaded.value)
    }

    async fn owned_method(&self, request: &Request, customer: CustomerId, id: PaymentMethodId) -> Result<(), Error> {
        let method = self.find::<PaymentMethod>(request.scope, id.ulid()).await?.ok_or_else(|| not_the_customers(id))?;
        if method.value.customer == Some(customer) { Ok(()) } else { Err(not_the_customers(id)) }
    }
}

fn not_the_customers(id: PaymentMethodId) -> Error {
    Error::NotFound {
        kind: "payment_method",
        id: id.to_string(),
        param: "invoice_settings[default_payment_method]",
        place: Place::Parameter,
    }
}
