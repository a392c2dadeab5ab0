//! Notices: what providers say of their own accord of operations that they had answered before, such as a refund that
//! the buyer's bank returned.
//!
//! How far a provider has been listened to is kept, so that nothing is missed over restarts, and several servers may
//! listen: taking in what is known already changes nothing. What cannot be taken in for now, because another operation
//! on the same payment must end first, is kept aside and asked about again, and holds up nothing behind it.

use std::sync::Arc;

use domain::account::Account;
use domain::id::Ulid;
use domain::outcome::QueryOutcome;
use domain::payment_attempt::PaymentAttempt;
use domain::provider_key::ProviderKey;
use domain::refund::Refund;
use domain::scope::{Mode, Scope};
use providers::Connector;
use serde::{Deserialize, Serialize};
use store::contract::MAX_KEYS;
use store::{Batch, Key, Kind, Precondition};

use crate::acting::By;
use crate::error::Error;
use crate::leases::{Duty, Fence};
use crate::platform::Platform;
use crate::records::{decode, encode, key_of};

/// Operations kept aside at most; beyond, a provider's next notices wait with the provider.
const MAX_ASIDE: usize = 100;
/// Keys that one merchant's data is searched under for an operation: an attempt's and a refund's.
const KEYS_A_SCOPE: usize = 2;

/// How far a provider has been listened to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Listened {
    /// The number of the last notice.
    after: u64,
    /// What is to be asked about again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aside: Vec<ProviderKey>,
}

impl Listened {
    fn set_aside(&mut self, key: ProviderKey) {
        if !self.aside.contains(&key) {
            self.aside.push(key);
        }
    }
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    In,
    NotYet,
}

fn place(connector: &dyn Connector) -> Key {
    Key::named(Scope::PLATFORM, Kind::Setting, format!("notices:{}", connector.capabilities().provider))
}

impl Platform {
    /// Takes in what providers have said since the last look; answers how many notices that were.
    ///
    /// # Errors
    /// The store failed.
    pub async fn listen_to_providers(self: &Arc<Self>) -> Result<usize, Error> {
        let Some(fence) = self.lease(Duty::Notices).await? else { return Ok(0) };
        let mut heard = 0;
        for connector in &self.connectors {
            heard += self.listen(&**connector, fence).await?;
        }
        Ok(heard)
    }

    async fn listen(self: &Arc<Self>, connector: &dyn Connector, fence: Fence) -> Result<usize, Error> {
        let place = place(connector);
        let kept = self.store.get_one(&place).await?;
        let before: Listened = kept.as_ref().map(|item| decode(&item.body)).transpose()?.unwrap_or_default();
        let mut listened = Listened { after: before.after, aside: Vec::new() };
        for key in before.aside.iter().cloned() {
            if self.ask_again(connector, &key, fence).await? == Taken::NotYet {
                listened.set_aside(key);
            }
        }
        // A provider that cannot be asked is asked at the next look.
        let notices = connector.notices(before.after).await.unwrap_or_default();
        let mut heard = 0;
        for notice in notices {
            if listened.aside.len() >= MAX_ASIDE {
                tracing::error!(provider = connector.capabilities().provider, "too many notices contradict what is under way");
                break;
            }
            if self.take_in(connector, &notice.key, notice.said, fence).await? == Taken::NotYet {
                listened.set_aside(notice.key);
            }
            listened.after = listened.after.max(notice.number);
            heard += 1;
        }
        if listened == before {
            return Ok(heard);
        }
        let precondition = kept.map_or(Precondition::Absent, |item| Precondition::Revision(item.revision));
        let mut batch = Batch::new();
        batch.put(place, encode(&listened)?, precondition);
        fence.guard(&mut batch);
        match self.commit_without_row(batch).await {
            // Another server listened at the same time; what only this one set aside is told again.
            Ok(()) | Err(Error::LockTimeout) => Ok(heard),
            Err(error) => Err(error),
        }
    }

    async fn ask_again(self: &Arc<Self>, connector: &dyn Connector, key: &ProviderKey, fence: Fence) -> Result<Taken, Error> {
        match connector.query(key).await {
            QueryOutcome::Unknown(_) | QueryOutcome::NotFound => Ok(Taken::NotYet),
            said => self.take_in(connector, key, said, fence).await,
        }
    }

    async fn take_in(
        self: &Arc<Self>,
        connector: &dyn Connector,
        key: &ProviderKey,
        said: QueryOutcome,
        fence: Fence,
    ) -> Result<Taken, Error> {
        let Some(id) = key.subject() else { return Ok(not_ours(key)) };
        let Some((scope, account)) = self.owner(id, connector.capabilities().modes).await? else { return Ok(not_ours(key)) };
        let by = By::provider(connector.capabilities().provider).fenced(fence);
        match self.hear(scope, &account, &by, key, said).await {
            Ok(()) => Ok(Taken::In),
            Err(Error::LockTimeout) => Ok(Taken::NotYet),
            Err(error @ Error::Unavailable(_)) => Err(error),
            Err(error) => {
                tracing::error!(%scope.account, %key, %error, detail = ?error, "a notice could not be taken in");
                Ok(Taken::NotYet)
            }
        }
    }

    /// Whose payment or refund that is. Providers do not say, and are listened to seldom enough for a search.
    async fn owner(&self, id: Ulid, modes: &[Mode]) -> Result<Option<(Scope, Arc<Account>)>, Error> {
        let accounts = self.all_accounts().await?;
        let scopes: Vec<_> = accounts
            .iter()
            .flat_map(|account| modes.iter().map(move |mode| (Scope { account: account.id, mode: *mode }, account)))
            .collect();
        for some in scopes.chunks(MAX_KEYS / KEYS_A_SCOPE) {
            let keys: Vec<_> =
                some.iter().flat_map(|(scope, _)| [key_of::<PaymentAttempt>(*scope, id), key_of::<Refund>(*scope, id)]).collect();
            let items = self.store.get(&keys).await?;
            let found = some.iter().zip(items.chunks(KEYS_A_SCOPE)).find(|(_, items)| items.iter().any(Option::is_some));
            if let Some(((scope, account), _)) = found {
                return Ok(Some((*scope, Arc::clone(account))));
            }
        }
        Ok(None)
    }
}

/// Such as the check of a card, which nothing said later changes; or something of another platform's.
fn not_ours(key: &ProviderKey) -> Taken {
    tracing::info!(%key, "a provider tells of what is neither a payment nor a refund here");
    Taken::In
}
