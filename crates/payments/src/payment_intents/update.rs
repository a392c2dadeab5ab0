//! Changing a payment before it is carried out, and its notes afterwards.

use domain::audit::Action;
use domain::contact::Shipping;
use domain::currency::Currency;
use domain::id::{CustomerId, PaymentIntentId};
use domain::money::Money;
use domain::payment_intent::{CaptureMethod, Command, FutureUsage, PaymentIntent, Status, ThreeDSecureRequest};
use domain::statement::Part;

use crate::change::Change;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::lists;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome};
use crate::payment_methods::resolve::MethodInput;
use crate::platform::{Platform, Request, racing};
use crate::sizes;
use crate::texts;
use crate::writes::Writes;

/// What a request says of a payment.
#[derive(Clone, Default)]
#[allow(missing_docs)] // as in the API
pub struct PaymentIntentChange {
    /// In the minor unit.
    pub amount: Option<i64>,
    pub currency: Option<Currency>,
    pub capture_method: Option<CaptureMethod>,
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub setup_future_usage: Change<FutureUsage>,
    pub description: Change<String>,
    pub receipt_email: Change<String>,
    pub shipping: Change<Shipping>,
    pub statement_descriptor: Change<String>,
    pub statement_descriptor_suffix: Change<String>,
    /// The shop names the kinds of methods from now on.
    pub names_method_types: bool,
    pub three_d_secure: Option<ThreeDSecureRequest>,
    pub metadata: Changes,
}

impl PaymentIntentChange {
    fn touches_money(&self) -> bool {
        self.amount.is_some()
            || self.currency.is_some()
            || self.names_method_types
            || self.three_d_secure.is_some()
            || self.capture_method.is_some()
            || self.customer.is_some()
            || self.payment_method.is_some()
            || self.setup_future_usage != Change::Keep
    }

    fn check(&self) -> Result<(), Error> {
        texts::email("receipt_email", texts::set(&self.receipt_email))?;
        texts::statement(Part::Whole, texts::set(&self.statement_descriptor))?;
        texts::statement(Part::Suffix, texts::set(&self.statement_descriptor_suffix))
    }

    /// Changes what needs nothing but itself.
    fn apply(&self, intent: &mut PaymentIntent) -> Result<(), Error> {
        let (minor, currency) = (self.amount.unwrap_or(intent.amount.minor()), self.currency.unwrap_or(intent.amount.currency()));
        intent.amount = Money::new(minor, currency);
        if self.amount.is_some() || self.currency.is_some() {
            super::payable(intent.amount)?;
        }
        intent.capture_method = self.capture_method.unwrap_or(intent.capture_method);
        intent.three_d_secure = self.three_d_secure.unwrap_or(intent.three_d_secure);
        if self.names_method_types {
            intent.automatic_payment_methods = None;
        }
        self.setup_future_usage.apply(&mut intent.setup_future_usage);
        self.description.apply(&mut intent.description);
        self.receipt_email.apply(&mut intent.receipt_email);
        self.shipping.apply(&mut intent.shipping);
        self.statement_descriptor.apply(&mut intent.statement_descriptor);
        self.statement_descriptor_suffix.apply(&mut intent.statement_descriptor_suffix);
        intent.metadata = self.metadata.apply(&intent.metadata)?;
        Ok(())
    }
}

impl Platform {
    /// Changes a payment. Amount, method and customer can change until it is confirmed; notes always.
    ///
    /// # Errors
    /// The payment's status does not take the change, or something named does not exist.
    pub async fn update_payment_intent(
        &self,
        request: &Request,
        id: PaymentIntentId,
        change: &PaymentIntentChange,
    ) -> Result<Answered, Error> {
        change.check()?;
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.payment_intent(request.scope, id).await?;
            let mut intent = loaded.value.clone();
            let early = matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation);
            if change.touches_money() && !early {
                return Err(Error::PaymentIntentState { verb: Command::Update.verb(), payment_intent: Box::new(intent) });
            }
            let mut writes = Writes::new();
            let mut ready = None;
            if let Some(customer) = change.customer.filter(|c| intent.customer != Some(*c)) {
                self.usable_customer(request.scope, customer, &mut writes).await?;
                intent.customer = Some(customer);
            }
            if let Some(input) = &change.payment_method {
                let mut made = self.ready_method(request.scope, intent.customer, input).await?;
                made.add_to(request.scope, &mut writes)?;
                intent.payment_method = Some(made.method.id);
                ready = Some(made);
                if intent.status == Status::RequiresPaymentMethod {
                    intent.become_(Status::RequiresConfirmation).map_err(|e| Error::Internal(e.to_string()))?;
                }
            }
            change.apply(&mut intent)?;
            sizes::check(&intent)?;
            lists::change(request.scope, &loaded, &intent, &mut writes)?;
            let told = Outcome::of(Object::PaymentIntent(Box::new(intent))).with(ready.as_ref().map(|ready| &ready.method));
            let answered = self.conclude(request, Action::PaymentIntentUpdate, writes, &told).await?;
            self.keep_code(ready.as_ref());
            Ok(answered)
        })
        .await
    }
}
