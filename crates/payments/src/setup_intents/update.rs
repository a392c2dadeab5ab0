//! Changing a set-up.

use domain::audit::Action;
use domain::id::{CustomerId, SetupIntentId};
use domain::payment_intent::ThreeDSecureRequest;
use domain::setup_intent::Status;

use super::told;
use crate::change::Change;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::lists;
use crate::metadata::Changes;
use crate::payment_methods::resolve::MethodInput;
use crate::platform::{Platform, Request, racing};
use crate::sizes;
use crate::writes::Writes;

/// What a request says of a set-up.
#[derive(Clone, Default)]
#[allow(missing_docs)] // as in the API
pub struct SetupIntentChange {
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub description: Change<String>,
    /// The shop names the kinds of methods from now on.
    pub names_method_types: bool,
    pub three_d_secure: Option<ThreeDSecureRequest>,
    pub metadata: Changes,
}

impl SetupIntentChange {
    const fn touches_card(&self) -> bool {
        self.customer.is_some() || self.payment_method.is_some() || self.names_method_types || self.three_d_secure.is_some()
    }
}

impl Platform {
    /// Changes a set-up that is not yet confirmed; notes always.
    ///
    /// # Errors
    /// Something named does not exist, or the status does not take it.
    pub async fn update_setup_intent(&self, request: &Request, id: SetupIntentId, change: &SetupIntentChange) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.setup_intent(request.scope, id).await?;
            let mut intent = loaded.value.clone();
            let early = matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation);
            if change.touches_card() && !early {
                return Err(Error::SetupIntentState { verb: "updated", setup_intent: Box::new(intent) });
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
            if change.names_method_types {
                intent.automatic_payment_methods = None;
            }
            intent.three_d_secure = change.three_d_secure.unwrap_or(intent.three_d_secure);
            change.description.apply(&mut intent.description);
            intent.metadata = change.metadata.apply(&intent.metadata)?;
            sizes::check(&intent)?;
            lists::change(request.scope, &loaded, &intent, &mut writes)?;
            let told = told(intent).with(ready.as_ref().map(|ready| &ready.method));
            let answered = self.conclude(request, Action::SetupIntentUpdate, writes, &told).await?;
            self.keep_code(ready.as_ref());
            Ok(answered)
        })
        .await
    }
}
