//! Changing a payment before it is carried out, and its notes afterwards.

use domain::contact::Shipping;
use domain::id::{CustomerId, PaymentIntentId};
use domain::money::Money;
use domain::payment_intent::{CaptureMethod, Command, FutureUsage, Status};
use store::{Batch, Index, List};

use crate::change::Change;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome};
use crate::payment_methods::resolve::MethodInput;
use crate::platform::{Platform, Request, racing};
use crate::records::update;

/// What a request says of a payment.
#[derive(Clone, Default)]
#[allow(missing_docs)] // as in the API
pub struct PaymentIntentChange {
    pub amount: Option<Money>,
    /// The amount alone, in the payment's currency.
    pub amount_minor: Option<i64>,
    pub capture_method: Option<CaptureMethod>,
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub setup_future_usage: Change<FutureUsage>,
    pub description: Change<String>,
    pub receipt_email: Change<String>,
    pub shipping: Change<Shipping>,
    pub statement_descriptor: Change<String>,
    pub statement_descriptor_suffix: Change<String>,
    pub metadata: Changes,
}

impl PaymentIntentChange {
    fn touches_money(&self) -> bool {
        self.amount.is_some()
            || self.amount_minor.is_some()
            || self.capture_method.is_some()
            || self.customer.is_some()
            || self.payment_method.is_some()
            || self.setup_future_usage != Change::Keep
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
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.payment_intent(request.scope, id).await?;
            let mut intent = loaded.value;
            let early = matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation);
            if change.touches_money() && !early {
                return Err(Error::PaymentIntentState { verb: Command::Update.verb(), payment_intent: Box::new(intent) });
            }
            let mut batch = Batch::new();
            if let Some(minor) = change.amount_minor {
                intent.amount = Money::new(minor, intent.amount.currency());
            }
            if let Some(amount) = change.amount {
                intent.amount = amount;
            }
            if let Some(customer) = change.customer.filter(|c| intent.customer != Some(*c)) {
                self.usable_customer(request.scope, customer).await?;
                if let Some(before) = intent.customer {
                    batch.unlink(List::of(request.scope, Index::PaymentIntentsByCustomer, before.ulid()), id.ulid());
                }
                batch.link(List::of(request.scope, Index::PaymentIntentsByCustomer, customer.ulid()), id.ulid());
                intent.customer = Some(customer);
            }
            if let Some(input) = &change.payment_method {
                let ready = self.ready_method(request.scope, intent.customer, input).await?;
                for write in ready.writes {
                    batch.push(write);
                }
                intent.payment_method = Some(ready.method.id);
                if intent.status == Status::RequiresPaymentMethod {
                    intent.become_(Status::RequiresConfirmation).map_err(|e| Error::Internal(e.to_string()))?;
                }
            }
            if let Some(method) = change.capture_method {
                intent.capture_method = method;
            }
            change.setup_future_usage.apply(&mut intent.setup_future_usage);
            change.description.apply(&mut intent.description);
            change.receipt_email.apply(&mut intent.receipt_email);
            change.shipping.apply(&mut intent.shipping);
            change.statement_descriptor.apply(&mut intent.statement_descriptor);
            change.statement_descriptor_suffix.apply(&mut intent.statement_descriptor_suffix);
            intent.metadata = change.metadata.apply(&intent.metadata)?;
            batch.push(update(request.scope, &intent, loaded.revision)?);
            self.conclude(request, batch, &Outcome::of(Object::PaymentIntent(Box::new(intent)))).await
        })
        .await
    }
}
