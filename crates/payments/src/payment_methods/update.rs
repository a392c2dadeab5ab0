//! Changing what is known of a card besides its number.

use domain::audit::Action;
use domain::card::Expiry;
use domain::contact::{Address, BillingDetails};
use domain::event::{EventKind, Snapshot};

use super::create::expiry_refused;
use crate::change::Change;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome};
use crate::payment_intents::settle::add_events;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::sizes;
use crate::writes::Writes;

/// What a request says of a card.
#[derive(Clone, Debug, Default)]
pub struct PaymentMethodChange {
    /// The cardholder.
    pub billing_details: BillingChange,
    /// A new expiry: month and year.
    pub expiry: Option<(i64, i64)>,
    /// The shop's own notes.
    pub metadata: Changes,
}

/// What a request says of a cardholder: each field by itself, and an address as a whole.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // as in the API
pub struct BillingChange {
    pub address: Change<Address>,
    pub email: Change<String>,
    pub name: Change<String>,
    pub phone: Change<String>,
}

impl BillingChange {
    fn apply(&self, details: &mut BillingDetails) {
        self.address.apply(&mut details.address);
        self.email.apply(&mut details.email);
        self.name.apply(&mut details.name);
        self.phone.apply(&mut details.phone);
    }
}

impl Platform {
    /// Changes a card's particulars.
    ///
    /// # Errors
    /// There is no such card, or its new expiry cannot be one.
    pub async fn update_payment_method(&self, request: &Request, name: &str, change: &PaymentMethodChange) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.payment_method(request, name, Place::Path).await?;
            let mut method = loaded.value.clone();
            method.metadata = change.metadata.apply(&method.metadata)?;
            change.billing_details.apply(&mut method.billing_details);
            if let Some((month, year)) = change.expiry {
                let expiry = Expiry::new(month, year).map_err(expiry_refused)?;
                method.card.exp_month = expiry.month();
                method.card.exp_year = expiry.year();
            }
            sizes::check(&method)?;
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let mut event = ctx.method_event(EventKind::PaymentMethodUpdated, &mut method);
            let mut writes = Writes::new();
            lists::change(request.scope, &loaded, &method, &mut writes)?;
            event.previous = Some(Snapshot::PaymentMethod(Box::new(loaded.value)));
            add_events(request.scope, &[event], &mut writes)?;
            self.conclude(request, Action::PaymentMethodUpdate, writes, &Outcome::of(Object::PaymentMethod(Box::new(method)))).await
        })
        .await
    }
}
