//! The platform: the ports joined, and what every use case shares — loading, committing, retrying.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::audit::signing::SigningKey;
use domain::audit::{Action, Actor};
use domain::event::Cause;
use domain::fingerprint_key::FingerprintKey;
use domain::flow::Context;
use domain::id::Ulid;
use domain::scope::Scope;
use domain::time::Timestamp;
use parking_lot::Mutex;
use providers::Connector;
use store::{Batch, CommitError, Store};
use tokio_util::task::TaskTracker;

use crate::acting::By;
use crate::audit::Learned;
use crate::denials;
use crate::error::Error;
use crate::idempotency::{self, Answered, Idempotency};
use crate::jobs::books::Watch;
use crate::jobs::expire::Ends;
use crate::jobs::recover::LeftOpen;
use crate::jobs::seal::Mark;
use crate::jobs::waits::Round;
use crate::key_uses::KeyUses;
use crate::leases::{Fence, Leases};
use crate::locks::Locks;
use crate::news::News;
use crate::outcome::Outcome;
use crate::ports::{Answer, Clock, Delivering, Entropy, IdMint, Minting, Presenter, Rendering};
use crate::reached::{Reached, Tally};
use crate::records::{Loaded, Record, key_of};
use crate::remembered::Remembered;
use crate::security_codes::SecurityCodes;
use crate::sizes;
use crate::tokens;
use crate::users::passwords::Passwords;
use crate::vault::Vault;
use crate::webhooks::known::Known;
use crate::webhooks::lanes::Lanes;
use crate::writes::{Writes, audited_writes};

/// How often a change that lost a race is tried again before the caller hears of it.
const MAX_RACES: u32 = 24;

/// A card that tests may name instead of sending its number.
pub struct TestCard {
    /// The number.
    pub number: &'static str,
    /// The expiry month.
    pub exp_month: i64,
    /// The expiry year.
    pub exp_year: i64,
    /// The security code.
    pub cvc: &'static str,
}

/// What the platform is made of.
pub struct Parts {
    /// Keeps everything.
    pub store: Arc<dyn Store>,
    /// Carry payments out; the first that serves the mode is taken.
    pub connectors: Vec<Arc<dyn Connector>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Writes answers.
    pub presenter: Arc<dyn Presenter>,
    /// Seals card numbers.
    pub vault: Vault,
    /// Keys the fingerprints of cards and requests.
    pub fingerprint_key: [u8; 32],
    /// Signs the segments of the audit trail's chain; they stay unsigned without.
    pub audit_signing_key: Option<SigningKey>,
    /// Where browsers reach this server: `https://host`, without a slash at the end.
    pub public_url: String,
    /// Cards that tests may name.
    pub test_card: fn(&str) -> Option<TestCard>,
    /// Tells shops of what happened.
    pub delivering: Delivering,
}

/// The platform.
pub struct Platform {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connectors: Vec<Arc<dyn Connector>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) presenter: Arc<dyn Presenter>,
    pub(crate) vault: Vault,
    pub(crate) fingerprint_key: [u8; 32],
    pub(crate) card_fingerprints: FingerprintKey,
    pub(crate) public_url: String,
    pub(crate) test_card: fn(&str) -> Option<TestCard>,
    pub(crate) ids: IdMint,
    /// Names of rows of the audit trail, apart from all others: only they must come after what is sealed.
    pub(crate) row_ids: IdMint,
    /// The scopes whose chain's end `row_ids` knows.
    pub(crate) chains: Remembered<Scope, Learned>,
    pub(crate) marks: Mutex<BTreeMap<Scope, Mark>>,
    pub(crate) audit_signing_key: Option<SigningKey>,
    pub(crate) leases: Leases,
    pub(crate) locks: Locks,
    pub(crate) codes: SecurityCodes,
    pub(crate) accounts: Remembered<Ulid, (Learned, Arc<Account>)>,
    pub(crate) started_at: Timestamp,
    pub(crate) waits: Mutex<Round>,
    pub(crate) left_open: Mutex<Option<LeftOpen>>,
    pub(crate) books: Mutex<Option<Watch>>,
    pub(crate) reached: Tally,
    pub(crate) expiry: Mutex<Ends>,
    /// What goes on although its client may have hung up.
    pub(crate) tasks: TaskTracker,
    pub(crate) delivering: Delivering,
    pub(crate) endpoints: Known,
    pub(crate) lanes: Lanes,
    pub(crate) key_uses: KeyUses,
    pub(crate) tokens: tokens::Known,
    pub(crate) denials: denials::Told,
    pub(crate) news: News,
    pub(crate) passwords: Passwords,
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose data.
    pub scope: Scope,
    /// The merchant.
    pub account: Arc<Account>,
    /// The request's id.
    pub id: String,
    /// The client's idempotency key, on requests that change something.
    pub idempotency: Option<Idempotency>,
    /// How its answer is to be written.
    pub rendering: Rendering,
    /// Who sent it.
    pub actor: Actor,
    /// From where.
    pub from: Option<IpAddr>,
}

impl Request {
    /// What events say of their cause.
    #[must_use]
    pub fn cause(&self) -> Cause {
        Cause { request: Some(self.id.clone()), idempotency_key: self.idempotency.as_ref().map(|idempotency| idempotency.key.clone()) }
    }

    /// Who acts by it.
    #[must_use]
    pub fn by(&self) -> By {
        By { actor: self.actor.clone(), from: self.from, cause: self.cause(), note: None, fence: Fence::default() }
    }
}

/// Merchants kept in memory; each is small and asked for with every request.
const MAX_ACCOUNTS: usize = 10_000;
/// Scopes known to be in order; one that is forgotten costs a look-up again.
const MAX_SCOPES: usize = 2 * MAX_ACCOUNTS + 1;

impl Platform {
    /// Joins the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let mint = || IdMint::new(Arc::clone(&parts.clock), Arc::clone(&parts.entropy));
        let (ids, row_ids) = (mint(), mint());
        let started_at = parts.clock.now();
        let leases = Leases::of(ids.next());
        Self {
            store: parts.store,
            connectors: parts.connectors,
            clock: parts.clock,
            entropy: parts.entropy,
            presenter: parts.presenter,
            vault: parts.vault,
            fingerprint_key: parts.fingerprint_key,
            card_fingerprints: FingerprintKey::new(&parts.fingerprint_key),
            public_url: parts.public_url,
            test_card: parts.test_card,
            ids,
            row_ids,
            chains: Remembered::new(MAX_SCOPES),
            marks: Mutex::default(),
            audit_signing_key: parts.audit_signing_key,
            leases,
            locks: Locks::default(),
            codes: SecurityCodes::default(),
            accounts: Remembered::new(MAX_ACCOUNTS),
            started_at,
            waits: Mutex::default(),
            left_open: Mutex::default(),
            books: Mutex::default(),
            reached: Tally::default(),
            expiry: Mutex::default(),
            tasks: TaskTracker::new(),
            delivering: parts.delivering,
            endpoints: Known::new(MAX_SCOPES),
            lanes: Lanes::default(),
            key_uses: KeyUses::default(),
            tokens: tokens::Known::default(),
            denials: denials::Told::default(),
            news: News::default(),
            passwords: Passwords::default(),
        }
    }

    /// What is kept; for reading.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where browsers reach this server, without a slash at the end; also who tokens say made them.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// A fresh identifier.
    #[must_use]
    pub fn mint(&self) -> Ulid {
        self.ids.next()
    }

    /// How many security codes are in memory at the moment: of cards that have not paid yet, or whose payment's outcome
    /// is not known.
    #[must_use]
    pub fn security_codes(&self) -> u64 {
        self.codes.len()
    }

    /// How often payments reached each status, with this process, since it began.
    #[must_use]
    pub fn payments_reached(&self) -> Vec<(Reached, u64)> {
        self.reached.all()
    }

    /// The key of fingerprints of requests.
    #[must_use]
    pub const fn fingerprint_key(&self) -> &[u8; 32] {
        &self.fingerprint_key
    }

    /// Reads a record.
    ///
    /// # Errors
    /// The store cannot be read, or the record cannot.
    pub async fn find<T: Record>(&self, scope: Scope, id: Ulid) -> Result<Option<Loaded<T>>, Error> {
        let item = self.store.get_one(&key_of::<T>(scope, id)).await?;
        item.as_ref().map(Loaded::from_item).transpose()
    }

    /// Reads a record that another one names.
    ///
    /// # Errors
    /// As [`find`](Self::find), or it is not there: a defect.
    pub(crate) async fn must<T: Record>(&self, scope: Scope, id: Ulid) -> Result<Loaded<T>, Error> {
        let found = self.find(scope, id).await?;
        found.ok_or_else(|| Error::Internal(format!("{} {id} is missing", T::KIND.table())))
    }

    /// A merchant, as it was a few seconds ago at most if other servers may change it; or whoever runs the platform.
    ///
    /// # Errors
    /// The store cannot be read, or there is no such merchant: a defect.
    pub async fn account(&self, scope: Scope) -> Result<Arc<Account>, Error> {
        let id = scope.account.ulid();
        let now = Learned::at(self.now());
        if let Some((learned, account)) = self.accounts.get(&id)
            && (!self.store.is_shared() || learned.is_fresh(now))
        {
            return Ok(account);
        }
        let account = match scope.account {
            platform if platform == Scope::PLATFORM.account => Account::of_platform(),
            _ => self.must::<Account>(Scope::PLATFORM, id).await?.value,
        };
        let account = Arc::new(account);
        self.accounts.insert(id, (now, Arc::clone(&account)));
        Ok(account)
    }

    /// The connector that new payments of a mode go to.
    pub(crate) fn route(&self, scope: Scope) -> Result<Arc<dyn Connector>, Error> {
        let serves = |c: &&Arc<dyn Connector>| c.capabilities().modes.contains(&scope.mode);
        self.connectors.iter().find(serves).cloned().ok_or(Error::NoProvider)
    }

    /// The connector that an attempt went to.
    pub(crate) fn connector(&self, provider: &str) -> Result<Arc<dyn Connector>, Error> {
        let named = |c: &&Arc<dyn Connector>| c.capabilities().provider == provider;
        self.connectors.iter().find(named).cloned().ok_or(Error::NoProvider)
    }

    /// Commits what is no object's change, as [`commit`](Self::commit) does.
    ///
    /// # Errors
    /// It changes an object that the audit trail follows: a defect.
    pub(crate) async fn commit_without_row(&self, batch: Batch) -> Result<(), Error> {
        if audited_writes(&batch) > 0 {
            return Err(Error::Internal("a commit changes an object without a row of the audit trail".to_owned()));
        }
        self.land(batch).await
    }

    /// A failed precondition is [`Error::LockTimeout`], which [`racing`] tries again.
    pub(crate) async fn land(&self, batch: Batch) -> Result<(), Error> {
        match self.store.commit(batch).await {
            Ok(()) => Ok(()),
            Err(CommitError::PreconditionFailed { .. }) => Err(Error::LockTimeout),
            Err(CommitError::Busy) => Err(Error::Unavailable("busy".to_owned())),
            Err(CommitError::Unavailable(why) | CommitError::Unknown(why)) => Err(Error::Unavailable(why)),
            Err(CommitError::Invalid(why)) => Err(Error::Internal(why.to_string())),
        }
    }

    /// The answer to a request.
    pub(crate) async fn answer(&self, request: &Request, outcome: &Outcome) -> Result<Answer, Error> {
        match request.idempotency {
            Some(_) => self.answer_to_keep(request.scope, outcome, &request.rendering).await,
            None => self.presenter.present(request.scope, outcome, &request.rendering).await,
        }
    }

    /// An answer that fits a record: where `expand` would make it too large, objects are only named.
    pub(crate) async fn answer_to_keep(&self, scope: Scope, outcome: &Outcome, rendering: &Rendering) -> Result<Answer, Error> {
        let answer = self.presenter.present(scope, outcome, rendering).await?;
        if answer.body.len() <= sizes::MAX_KEPT {
            return Ok(answer);
        }
        self.presenter.present(scope, outcome, &Rendering { expand: Vec::new(), audience: rendering.audience }).await
    }

    /// Commits a change that no provider is needed for, with its answer.
    pub(crate) async fn conclude(
        &self,
        request: &Request,
        action: Action,
        mut writes: Writes,
        outcome: &Outcome,
    ) -> Result<Answered, Error> {
        let answer = self.answer(request, outcome).await?;
        if let Some(write) = idempotency::begin(request, self.now(), Some(&answer))? {
            writes.push(write);
        }
        self.commit(request.by().did(action, request.scope), writes).await?;
        Ok(Answered { answer, replayed: false })
    }

    /// What the domain may know besides its subject.
    pub(crate) const fn context<'a>(&self, account: &'a Account, cause: Cause, mint: &'a mut Minting<'_>, now: Timestamp) -> Context<'a> {
        Context { now, mint, cause, account }
    }

    /// 24 random characters for a client secret.
    pub(crate) fn secret(&self) -> Result<String, Error> {
        let mut bytes = [0u8; 12];
        self.entropy.fill(&mut bytes)?;
        Ok(hex::encode(bytes))
    }

    /// Tries what must not have been answered before, and again what lost a race. That the request's record is not there yet
    /// is a precondition of the commit, so it is looked for only once something stands in the way: a request that is
    /// new, as nearly all are, reads nothing for it.
    pub(crate) async fn unless_answered<T, F, Fut>(&self, request: &Request, told: fn(Answered) -> T, mut attempt: F) -> Result<T, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        racing(|| {
            let tried = attempt();
            async {
                match tried.await {
                    // What is refused now may have been done when it was asked first.
                    Err(error) if error.is_refusal() || matches!(error, Error::LockTimeout) => {
                        self.replay(request).await?.map_or(Err(error), |answered| Ok(told(answered)))
                    }
                    other => other,
                }
            }
        })
        .await
    }
}

/// Tries again what lost a race, with growing pauses; a race is a failed precondition.
pub(crate) async fn racing<T, F, Fut>(mut attempt: F) -> Result<T, Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    let mut lost = 0;
    loop {
        match attempt().await {
            Err(Error::LockTimeout) if lost < MAX_RACES => {
                lost += 1;
                tokio::time::sleep(Duration::from_millis(u64::from(lost.min(20)))).await;
            }
            other => return other,
        }
    }
}
