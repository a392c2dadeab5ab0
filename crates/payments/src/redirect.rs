//! The buyer's browser comes back from the issuer's page: ask for the outcome, then say where it goes next.

use std::sync::Arc;

use domain::account::Account;
use domain::id::{PaymentIntentId, SetupIntentId};
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::{PaymentIntent, Status};
use domain::scope::Scope;
use domain::setup_intent::{self, SetupIntent};

use crate::acting::By;
use crate::client_secrets::same;
use crate::error::{Error, Place};
use crate::platform::Platform;

/// Where a buyer goes after an action, and how it ended.
#[derive(Clone, Debug)]
pub struct Return {
    /// The shop's page, if it named one.
    pub return_url: Option<String>,
    /// `payment_intent` or `setup_intent`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its client secret.
    pub client_secret: String,
    /// It went through.
    pub succeeded: bool,
}

impl Platform {
    /// Settles what the buyer acted on, as far as the provider knows.
    ///
    /// # Errors
    /// The secret is nobody's, or the store failed.
    pub async fn come_back(self: &Arc<Self>, scope: Scope, by: &By, client_secret: &str) -> Result<Return, Error> {
        let nobody = || Error::NotFound { kind: "payment", id: "(not shown)".to_owned(), param: "client_secret", place: Place::Path };
        let account = self.find::<Account>(Scope::PLATFORM, scope.account.ulid()).await?.ok_or_else(nobody)?;
        let account = Arc::new(account.value);
        let (id, _) = client_secret.split_once("_secret_").ok_or_else(nobody)?;
        if let Ok(id) = id.parse::<PaymentIntentId>() {
            let intent = self.find::<PaymentIntent>(scope, id.ulid()).await?.ok_or_else(nobody)?.value;
            if !same(&intent.client_secret(), client_secret) {
                return Err(nobody());
            }
            // The attempt's, not the next action's: the provider may have been asked before the buyer is here.
            let return_url = match intent.latest_attempt {
                Some(attempt) => self.must::<PaymentAttempt>(scope, attempt.ulid()).await?.value.return_url,
                None => None,
            };
            let intent = self.refresh(scope, &account, by, intent).await?;
            let succeeded = matches!(intent.status, Status::Succeeded | Status::RequiresCapture | Status::Processing);
            return Ok(Return { return_url, kind: "payment_intent", id: id.to_string(), client_secret: intent.client_secret(), succeeded });
        }
        let id = id.parse::<SetupIntentId>().map_err(|_| nobody())?;
        let loaded = self.find::<SetupIntent>(scope, id.ulid()).await?.ok_or_else(nobody)?;
        if !same(&loaded.value.client_secret(), client_secret) {
            return Err(nobody());
        }
        let return_url = loaded.value.next_action.as_ref().and_then(|a| a.return_url.clone());
        if loaded.value.status == setup_intent::Status::RequiresAction {
            match self.follow_up_setup(scope, &account, by, loaded).await {
                Ok(_) | Err(Error::LockTimeout) => {}
                Err(error) => return Err(error),
            }
        }
        let intent = self.setup_intent(scope, id).await?.value;
        let succeeded = intent.status == setup_intent::Status::Succeeded;
        Ok(Return { return_url, kind: "setup_intent", id: id.to_string(), client_secret: intent.client_secret(), succeeded })
    }

    /// A payment that waits for its buyer, as the provider knows it now.
    async fn refresh(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        intent: PaymentIntent,
    ) -> Result<PaymentIntent, Error> {
        let (Status::RequiresAction, Some(attempt)) = (intent.status, intent.latest_attempt) else { return Ok(intent) };
        match self.follow_up_wait(scope, account, by, attempt.ulid()).await {
            Ok(_) | Err(Error::LockTimeout) => {}
            Err(error) => return Err(error),
        }
        Ok(self.payment_intent(scope, intent.id).await?.value)
    }
}
