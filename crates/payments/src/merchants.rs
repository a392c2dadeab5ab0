//! Merchants, as whoever runs the platform looks after them over the API. [`accounts`](crate::accounts) has what the command line does.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::Action;
use domain::id::AccountId;
use domain::scope::Scope;
use domain::statement::Part;

use crate::accounts::NewAccount;
use crate::audit::Learned;
use crate::change::Change;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::outcome::{Object, Outcome};
use crate::platform::{Platform, Request, racing};
use crate::texts;
use crate::writes::Writes;

/// What a request says of a merchant.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // as in the API
pub struct AccountChange {
    pub name: Change<String>,
    pub email: Change<String>,
    pub statement_descriptor: Change<String>,
    pub statement_descriptor_prefix: Change<String>,
}

impl AccountChange {
    fn apply(&self, mut account: Account) -> Result<Account, Error> {
        texts::email("email", texts::set(&self.email))?;
        texts::statement(Part::Whole, texts::set(&self.statement_descriptor))?;
        texts::statement(Part::Prefix, texts::set(&self.statement_descriptor_prefix))?;
        match &self.name {
            Change::Keep => {}
            Change::Set(name) if !name.trim().is_empty() => account.name.clone_from(name),
            Change::Clear | Change::Set(_) => {
                let message = "A merchant has a name.".to_owned();
                return Err(Error::Parameter { param: "business_profile[name]", code: None, message });
            }
        }
        self.email.apply(&mut account.email);
        self.statement_descriptor.apply(&mut account.statement_descriptor);
        self.statement_descriptor_prefix.apply(&mut account.statement_descriptor_prefix);
        Ok(account)
    }
}

fn shown(account: Account) -> Outcome {
    Outcome::of(Object::Account(Box::new(account)))
}

impl Platform {
    /// Makes a merchant.
    ///
    /// # Errors
    /// Its descriptor or e-mail address cannot be one, or the store failed.
    pub async fn create_merchant(&self, request: &Request, new: &NewAccount, change: &AccountChange) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let account = change.apply(self.new_account(new)?)?;
            let mut writes = Writes::new();
            lists::add(Scope::PLATFORM, &account, &mut writes)?;
            self.conclude(request, Action::AccountCreate, writes, &shown(account)).await
        })
        .await
    }

    /// Changes a merchant. Payments that were made before keep what buyers read of them.
    ///
    /// # Errors
    /// There is no such merchant, it cannot be so, or the store failed.
    pub async fn update_merchant(&self, request: &Request, id: AccountId, change: &AccountChange) -> Result<Answered, Error> {
        let missing = || Error::NotFound { kind: "account", id: id.to_string(), param: "account", place: Place::Path };
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.find::<Account>(Scope::PLATFORM, id.ulid()).await?.ok_or_else(missing)?;
            let account = change.apply(loaded.value.clone())?;
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &loaded, &account, &mut writes)?;
            let learned = Learned::at(self.now());
            let answered = self.conclude(request, Action::AccountUpdate, writes, &shown(account.clone())).await?;
            self.accounts.insert(id.ulid(), (learned, Arc::new(account)));
            Ok(answered)
        })
        .await
    }
}
