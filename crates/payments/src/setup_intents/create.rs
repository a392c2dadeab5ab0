//! Creating a set-up, and confirming it in the same request if asked.

use std::sync::Arc;

use domain::audit::Action;
use domain::event::EventKind;
use domain::id::{CustomerId, SetupIntentId};
use domain::metadata::Metadata;
use domain::payment_intent::{AllowRedirects, FutureUsage, ThreeDSecureRequest};
use domain::setup_intent::{SetupIntent, Status};

use super::confirm::Begun;
use super::{method_missing, told};
use crate::error::Error;
use crate::idempotency::Answered;
use crate::lists;
use crate::payment_intents::settle::add_events;
use crate::payment_methods::resolve::MethodInput;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::sizes;
use crate::writes::Writes;

/// What a shop says of a new set-up.
#[derive(Clone)]
#[allow(missing_docs)] // as in the API
pub struct NewSetupIntent {
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub usage: FutureUsage,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// `None` when the shop named the kinds of methods.
    pub automatic_payment_methods: Option<AllowRedirects>,
    pub three_d_secure: ThreeDSecureRequest,
    /// Confirm it at once; the buyer's browser goes there after an action.
    pub confirm: Option<Option<String>>,
}

impl Platform {
    /// Creates a set-up, and confirms it if asked.
    ///
    /// # Errors
    /// Something named does not exist or cannot be used, or the store failed.
    pub async fn create_setup_intent(self: &Arc<Self>, request: &Request, new: &NewSetupIntent) -> Result<Answered, Error> {
        let started = racing(|| self.start_new_setup(request, new)).await?;
        self.run_setup(request, started).await
    }

    async fn start_new_setup(&self, request: &Request, new: &NewSetupIntent) -> Result<Result<Answered, Box<Begun>>, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(Ok(answered));
        }
        let ulid = self.mint();
        let mut intent = SetupIntent {
            id: SetupIntentId::new(ulid),
            created_at: ulid.created_at(),
            status: Status::RequiresPaymentMethod,
            secret: self.secret()?,
            usage: new.usage,
            customer: new.customer,
            payment_method: None,
            description: new.description.clone(),
            metadata: new.metadata.clone(),
            automatic_payment_methods: new.automatic_payment_methods,
            three_d_secure: new.three_d_secure,
            latest_attempt: None,
            operation: None,
            provider: String::new(),
            answers: None,
            next_action: None,
            action_required_at: None,
            last_error: None,
            cancellation_reason: None,
            sequence: 0,
        };
        let mut writes = Writes::new();
        {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let event = ctx.setup_event(EventKind::SetupIntentCreated, &mut intent);
            add_events(request.scope, &[event], &mut writes)?;
        }
        let ready = match &new.payment_method {
            Some(input) => Some(self.ready_method(request.scope, new.customer, input).await?),
            None => None,
        };
        match (&new.confirm, ready) {
            (Some(return_url), Some(ready)) => {
                self.start_setup(request, intent, None, ready, return_url.clone(), writes).await.map(|b| Err(Box::new(b)))
            }
            (Some(_), None) => Err(method_missing()),
            (None, mut ready) => {
                if let Some(customer) = new.customer {
                    self.usable_customer(request.scope, customer, &mut writes).await?;
                }
                if let Some(ready) = &mut ready {
                    ready.add_to(request.scope, &mut writes)?;
                    intent.payment_method = Some(ready.method.id);
                    intent.become_(Status::RequiresConfirmation).map_err(|e| Error::Internal(e.to_string()))?;
                }
                sizes::check(&intent)?;
                lists::add(request.scope, &intent, &mut writes)?;
                let told = told(intent).with(ready.as_ref().map(|ready| &ready.method));
                let answered = self.conclude(request, Action::SetupIntentCreate, writes, &told).await?;
                self.keep_code(ready.as_ref());
                Ok(Ok(answered))
            }
        }
    }
}
