//! What was begun and has no known end, for whoever looks after it: each operation with what is known of it, and a way to
//! end it by a person's word.
//!
//! Recovery goes on asking meanwhile; whoever is first settles, and a later answer to the contrary is kept as a conflict.

use std::sync::Arc;

use domain::account::Account;
use domain::charge::Charge;
use domain::flow::RemedyOutcome;
use domain::id::{PaymentAttemptId, PaymentIntentId, RefundId, SetupIntentId, Ulid};
use domain::outcome::QueryOutcome;
use domain::payment_attempt::{Operation, PaymentAttempt};
use domain::payment_intent::PaymentIntent;
use domain::provider_key::ProviderKey;
use domain::refund::{self, Refund};
use domain::ruling::Ruling;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use store::contract::MAX_KEYS;
use store::{Index, List, Scan};

use crate::acting::By;
use crate::error::{Error, Place};
use crate::outcome::Object;
use crate::payment_methods::create::masked;
use crate::platform::Platform;
use crate::records::{decode, key_of};

/// Kinds of objects that an open operation can be on.
const KINDS: usize = 3;
/// Objects looked at in one go: each is looked for as each kind.
pub const OBJECTS_AT_ONCE: usize = MAX_KEYS / KINDS;

/// What an operation is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// An attempt of a payment.
    Attempt(PaymentAttemptId, PaymentIntentId),
    /// A refund of a payment.
    Refund(RefundId, PaymentIntentId),
    /// A set-up.
    Setup(SetupIntentId),
}

/// An operation without a known end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOperation {
    /// What it is on.
    pub on: On,
    /// Whom it was asked of.
    pub provider: String,
    /// It puts right what a late answer contradicted.
    pub is_remedy: bool,
    /// What was asked, since when, how often, and when again.
    pub operation: Operation,
    /// It was answered, or its time is over, without an end.
    pub is_unknown: bool,
}

/// Open operations, and where to go on.
#[derive(Clone, Debug, Default)]
pub struct OpenPage {
    /// Those of some objects.
    pub operations: Vec<OpenOperation>,
    /// The last of these objects; `None` if there are no more.
    pub last: Option<Ulid>,
}

/// What an open operation is on, whole.
pub(crate) enum Subject {
    Attempt(Box<PaymentAttempt>),
    Refund(Box<Refund>),
    Setup(Box<SetupIntent>),
}

impl Platform {
    /// The open operations of the next objects that have any, those begun first before others; of at most `limit` objects, and
    /// of no more than [`OBJECTS_AT_ONCE`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open_operations(&self, scope: Scope, newer_than: Option<Ulid>, limit: usize) -> Result<OpenPage, Error> {
        let list = List::all(scope, Index::OpenOperations);
        let limit = limit.min(OBJECTS_AT_ONCE);
        let ids = self.store.scan(Scan { newer_than, ..Scan::oldest(list, limit) }).await?;
        let mut operations = Vec::new();
        for subject in self.subjects(scope, &ids).await? {
            operations.extend(self.open_of(scope, &subject).await?);
        }
        Ok(OpenPage { operations, last: ids.last().copied().filter(|_| ids.len() == limit) })
    }

    /// The objects of these entries of the list of open operations that are still there.
    pub(crate) async fn subjects(&self, scope: Scope, ids: &[Ulid]) -> Result<Vec<Subject>, Error> {
        let keys: Vec<_> = ids
            .iter()
            .flat_map(|id| [key_of::<PaymentAttempt>(scope, *id), key_of::<Refund>(scope, *id), key_of::<SetupIntent>(scope, *id)])
            .collect();
        let items = self.store.get(&keys).await?;
        let mut subjects = Vec::with_capacity(ids.len());
        for items in items.chunks(KINDS) {
            match items {
                [Some(item), ..] => subjects.push(Subject::Attempt(decode(&item.body)?)),
                [_, Some(item), _] => subjects.push(Subject::Refund(decode(&item.body)?)),
                [_, _, Some(item)] => subjects.push(Subject::Setup(decode(&item.body)?)),
                // It ended between the list and the look.
                _ => {}
            }
        }
        Ok(subjects)
    }

    async fn open_of(&self, scope: Scope, subject: &Subject) -> Result<Vec<OpenOperation>, Error> {
        Ok(match subject {
            Subject::Attempt(attempt) => of_attempt(attempt),
            Subject::Refund(refund) => {
                let Some(operation) = refund.operation.clone().filter(|_| refund.status.is_open()) else { return Ok(Vec::new()) };
                let (on, provider) =
                    (On::Refund(refund.id, refund.payment_intent), self.must::<Charge>(scope, refund.charge.ulid()).await?.value.provider);
                let is_unknown = refund.status != refund::Status::Sending;
                vec![OpenOperation { on, provider, is_remedy: false, operation, is_unknown }]
            }
            Subject::Setup(setup) => {
                let Some(operation) = setup.operation.clone() else { return Ok(Vec::new()) };
                let is_unknown = operation.unknown.is_some();
                vec![OpenOperation { on: On::Setup(setup.id), provider: setup.provider.clone(), is_remedy: false, operation, is_unknown }]
            }
        })
    }

    /// Ends an operation by a person's word: what is on the payment, refund or set-up of that id, or of its open operations
    /// the one under `key`. Answers the payment, refund or set-up as it is then.
    ///
    /// # Errors
    /// Nothing of that name has an open operation; there are several and no key; it was sent a moment ago and its provider
    /// may still answer; the ruling lacks what its kind needs; or the store failed.
    pub async fn resolve(
        self: &Arc<Self>,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        name: &str,
        key: Option<&ProviderKey>,
        ruling: &Ruling,
    ) -> Result<Object, Error> {
        let missing = || Error::NotFound { kind: "open operation", id: masked(name), param: "operation", place: Place::Path };
        let id = ulid_of(name).ok_or_else(missing)?;
        let subject = self.subjects(scope, &[id]).await?.into_iter().next().ok_or_else(missing)?;
        let mut open = self.open_of(scope, &subject).await?;
        open.retain(|open| key.is_none_or(|key| open.operation.key == *key));
        let found = match open.as_slice() {
            [only] => only,
            [] => return Err(missing()),
            _ => return Err(parameter("key", "Several operations on it are open: name one by its key.".to_owned())),
        };
        if !found.is_unknown {
            return Err(parameter(
                "operation",
                "It is under way, and its provider may still answer: wait until its outcome is unknown.".to_owned(),
            ));
        }
        let by = By { note: Some(ruling.evidence().to_owned()), ..by.clone() };
        let captured = matches!(&subject, Subject::Attempt(attempt) if attempt.capture);
        let said = ruling
            .said(found.operation.kind, captured)
            .map_err(|why| parameter("provider_reference", format!("It cannot be resolved so: {why}.")))?;
        let key = &found.operation.key;
        match (&subject, said) {
            (Subject::Setup(_), QueryOutcome::Authorize(outcome)) => self.hear_of_setup(scope, account, &by, id, &outcome).await?,
            (Subject::Attempt(_), QueryOutcome::Void(outcome)) if found.is_remedy => {
                self.end_remedy(scope, account, &by, id, key, &RemedyOutcome::Void(outcome)).await?;
            }
            (Subject::Attempt(_), QueryOutcome::Refund(outcome)) if found.is_remedy => {
                self.end_remedy(scope, account, &by, id, key, &RemedyOutcome::Refund(outcome)).await?;
            }
            (_, said) => self.hear(scope, account, &by, key, said).await?,
        }
        self.told_of(scope, found.on).await
    }

    async fn told_of(&self, scope: Scope, on: On) -> Result<Object, Error> {
        Ok(match on {
            On::Attempt(_, intent) => Object::PaymentIntent(Box::new(self.must::<PaymentIntent>(scope, intent.ulid()).await?.value)),
            On::Refund(refund, _) => Object::Refund(Box::new(self.must::<Refund>(scope, refund.ulid()).await?.value)),
            On::Setup(setup) => Object::SetupIntent(Box::new(self.must::<SetupIntent>(scope, setup.ulid()).await?.value)),
        })
    }
}

const fn parameter(param: &'static str, message: String) -> Error {
    Error::Parameter { param, code: None, message }
}

fn ulid_of(name: &str) -> Option<Ulid> {
    let attempt = name.parse().map(PaymentAttemptId::ulid).ok();
    attempt.or_else(|| name.parse().map(RefundId::ulid).ok()).or_else(|| name.parse().map(SetupIntentId::ulid).ok())
}

fn of_attempt(attempt: &PaymentAttempt) -> Vec<OpenOperation> {
    let open = |operation: &Operation, is_remedy| OpenOperation {
        on: On::Attempt(attempt.id, attempt.payment_intent),
        provider: attempt.provider.clone(),
        is_remedy,
        operation: operation.clone(),
        is_unknown: operation.unknown.is_some(),
    };
    let remedies = attempt.conflicts.iter().filter_map(|conflict| conflict.operation.as_ref());
    attempt.operation.iter().map(|operation| open(operation, false)).chain(remedies.map(|operation| open(operation, true))).collect()
}
