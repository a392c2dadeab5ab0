//! Creating a payment, and confirming it in the same request if asked.

use domain::audit::Action;
use domain::contact::Shipping;
use domain::event::EventKind;
use domain::id::{CustomerId, PaymentIntentId};
use domain::metadata::Metadata;
use domain::money::Money;
use domain::payment_intent::{AllowRedirects, CaptureMethod, ConfirmationMethod, FutureUsage, PaymentIntent, Status, ThreeDSecureRequest};
use domain::statement::Part;
use std::sync::Arc;

use super::confirm::{Confirmation, Start};
use crate::error::Error;
use crate::idempotency::Answered;
use crate::lists;
use crate::outcome::{Object, Outcome};
use crate::payment_methods::resolve::MethodInput;
use crate::platform::{Platform, Request};
use crate::ports::Minting;
use crate::sizes;
use crate::texts;
use crate::writes::Writes;

/// What a shop says of a new payment.
#[derive(Clone)]
#[allow(missing_docs)] // as in the API
pub struct NewPaymentIntent {
    pub amount: Money,
    pub capture_method: CaptureMethod,
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub setup_future_usage: Option<FutureUsage>,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    pub shipping: Option<Shipping>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub metadata: Metadata,
    /// `None` when the shop named the kinds of methods.
    pub automatic_payment_methods: Option<AllowRedirects>,
    pub confirmation_method: ConfirmationMethod,
    pub three_d_secure: ThreeDSecureRequest,
    /// Confirm it at once, so.
    pub confirm: Option<Confirmation>,
}

impl Platform {
    /// Creates a payment.
    ///
    /// # Errors
    /// A named object does not exist or cannot be used, or the store failed; nothing was done then.
    pub async fn create_payment_intent(self: &Arc<Self>, request: &Request, new: &NewPaymentIntent) -> Result<Answered, Error> {
        texts::email("receipt_email", new.receipt_email.as_ref())?;
        texts::statement(Part::Whole, new.statement_descriptor.as_ref())?;
        texts::statement(Part::Suffix, new.statement_descriptor_suffix.as_ref())?;
        super::payable(new.amount)?;
        match &new.confirm {
            Some(confirmation) => self.confirm_new(request, new, confirmation).await,
            None => self.unless_answered(request, |answered| answered, || self.create_unconfirmed(request, new)).await,
        }
    }

    async fn create_unconfirmed(&self, request: &Request, new: &NewPaymentIntent) -> Result<Answered, Error> {
        let mut intent = self.new_intent(new)?;
        let mut writes = Writes::new();
        let mut ready = None;
        if let Some(customer) = new.customer {
            self.usable_customer(request.scope, customer, &mut writes).await?;
        }
        if let Some(input) = &new.payment_method {
            let mut made = self.ready_method(request.scope, new.customer, input).await?;
            made.add_to(request.scope, &mut writes)?;
            intent.payment_method = Some(made.method.id);
            intent.become_(Status::RequiresConfirmation).map_err(|e| Error::Internal(e.to_string()))?;
            ready = Some(made);
        }
        self.add_new_intent(request, &mut intent, &mut writes)?;
        let told = Outcome::of(Object::PaymentIntent(Box::new(intent))).with(ready.as_ref().map(|ready| &ready.method));
        let answered = self.conclude(request, Action::PaymentIntentCreate, writes, &told).await?;
        self.keep_code(ready.as_ref());
        Ok(answered)
    }

    async fn confirm_new(
        self: &Arc<Self>,
        request: &Request,
        new: &NewPaymentIntent,
        confirmation: &Confirmation,
    ) -> Result<Answered, Error> {
        let begin = || async {
            let Some(input) = &new.payment_method else {
                return Err(super::confirm::method_missing());
            };
            let ready = self.ready_method(request.scope, new.customer, input).await?;
            let mut intent = self.new_intent(new)?;
            intent.payment_method = Some(ready.method.id);
            let mut writes = Writes::new();
            self.add_created_event(request, &mut intent, &mut writes)?;
            self.start_authorize(request, intent, None, ready, confirmation, writes).await
        };
        let start = self.unless_answered(request, Start::Answered, begin).await?;
        self.run(request, start).await
    }

    fn new_intent(&self, new: &NewPaymentIntent) -> Result<PaymentIntent, Error> {
        let ulid = self.mint();
        Ok(PaymentIntent {
            id: PaymentIntentId::new(ulid),
            created_at: ulid.created_at(),
            amount: new.amount,
            status: Status::RequiresPaymentMethod,
            capture_method: new.capture_method,
            secret: self.secret()?,
            amount_received: 0,
            customer: new.customer,
            payment_method: None,
            setup_future_usage: new.setup_future_usage,
            description: new.description.clone(),
            receipt_email: new.receipt_email.clone(),
            shipping: new.shipping.clone(),
            statement_descriptor: new.statement_descriptor.clone(),
            statement_descriptor_suffix: new.statement_descriptor_suffix.clone(),
            metadata: new.metadata.clone(),
            automatic_payment_methods: new.automatic_payment_methods,
            confirmation_method: new.confirmation_method,
            three_d_secure: new.three_d_secure,
            latest_attempt: None,
            latest_charge: None,
            next_action: None,
            last_error: None,
            cancellation_reason: None,
            canceled_at: None,
            sequence: 0,
        })
    }

    fn add_created_event(&self, request: &Request, intent: &mut PaymentIntent, writes: &mut Writes) -> Result<(), Error> {
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let event = ctx.intent_event(EventKind::PaymentIntentCreated, intent);
        writes.tell(request.scope, &event)
    }

    fn add_new_intent(&self, request: &Request, intent: &mut PaymentIntent, writes: &mut Writes) -> Result<(), Error> {
        sizes::check(intent)?;
        self.add_created_event(request, intent, writes)?;
        lists::add(request.scope, intent, writes).map(|_| ())
    }
}
