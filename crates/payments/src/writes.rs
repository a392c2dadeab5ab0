//! What one commit writes, and what the audit trail is to say of it.
//!
//! Objects whose every change has a row ([`Audited`]) are written by [`Writes::create`] and [`Writes::replace`]; the second
//! needs the object as it was read, with the digest of its bytes. A batch that holds such an object by any other way is
//! refused when it is to be committed ([`Writes::into_parts`]), so that no use case can forget the trail.

use domain::account::{Account, ApiKey};
use domain::audit::{AuditEntry, Change, Digest, Subject, SubjectKind};
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::{Event, EventKind};
use domain::id::Ulid;
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use domain::token_issuer::TokenIssuer;
use domain::token_key::TokenKey;
use domain::user::User;
use domain::webhook_endpoint::WebhookEndpoint;
use store::{Batch, Key, Kind, List, Precondition, Write};

use crate::error::Error;
use crate::lists;
use crate::reached::Counted;
use crate::records::{Loaded, Record, Version, encode, key_of};

/// An object whose every change has a row in the audit trail.
pub(crate) trait Audited: Record {
    /// What the trail calls it.
    const SUBJECT: SubjectKind;

    /// Its name there.
    fn subject(&self) -> Subject {
        Self::SUBJECT.subject(self.ulid())
    }

    /// What figures have to count when it becomes this from what it was; nothing of most.
    fn counted(&self, _before: Option<&Self>) -> Option<Counted> {
        None
    }
}

macro_rules! audited {
    ($($type:ident $({ $($counted:tt)* })?,)*) => {
        $(impl Audited for $type {
            const SUBJECT: SubjectKind = SubjectKind::$type;
            $($($counted)*)?
        })*

        /// Where the objects are kept that the trail calls so.
        pub(crate) const fn kind_of(kind: SubjectKind) -> Kind {
            match kind {
                $(SubjectKind::$type => Kind::$type,)*
            }
        }

        /// What the trail calls the objects that are kept there, if it knows them.
        pub(crate) const fn subject_kind(kind: Kind) -> Option<SubjectKind> {
            match kind {
                $(Kind::$type => Some(SubjectKind::$type),)*
                Kind::IdempotencyRecord
                | Kind::BalanceTransaction
                | Kind::JournalEntry
                | Kind::BalanceCheckpoint
                | Kind::Event
                | Kind::SealedCard
                | Kind::SetupAttempt
                | Kind::Token
                | Kind::Setting
                | Kind::AuditEntry
                | Kind::AuditSegment
                | Kind::WebhookDelivery
                | Kind::Session => None,
            }
        }
    };
}

audited! {
    Account,
    ApiKey,
    Charge,
    Customer,
    PaymentAttempt {
        fn counted(&self, _before: Option<&Self>) -> Option<Counted> {
            Some(Counted::With(self.provider.clone()))
        }
    },
    PaymentIntent {
        fn counted(&self, before: Option<&Self>) -> Option<Counted> {
            Counted::of_payment(before, self)
        }
    },
    PaymentMethod,
    Refund,
    SetupIntent,
    TokenIssuer,
    TokenKey,
    User,
    WebhookEndpoint,
}

/// The writes of one commit.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    batch: Batch,
    changes: Vec<Change>,
    events: Vec<Told>,
    counted: Vec<Counted>,
}

/// An event that a commit makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Which.
    pub(crate) id: Ulid,
    /// What happened.
    pub(crate) kind: EventKind,
}

impl Writes {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self { batch: Batch::new(), changes: Vec::new(), events: Vec::new(), counted: Vec::new() }
    }

    /// A new object.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub(crate) fn create<T: Audited>(&mut self, scope: Scope, object: &T) -> Result<Version, Error> {
        self.counted.extend(object.counted(None));
        self.put(scope, object, None)
    }

    /// An object that was `before`.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub(crate) fn replace<T: Audited>(&mut self, scope: Scope, before: &Loaded<T>, after: &T) -> Result<Version, Error> {
        self.counted.extend(after.counted(Some(&before.value)));
        self.put(scope, after, Some(before.version))
    }

    fn put<T: Audited>(&mut self, scope: Scope, object: &T, before: Option<Version>) -> Result<Version, Error> {
        let body = encode(object)?;
        let (revision, precondition) = match before {
            Some(before) => (before.revision.saturating_add(1), Precondition::Revision(before.revision)),
            None => (1, Precondition::Absent),
        };
        let version = Version { revision, digest: Digest::of(&body) };
        let before = before.map(|before| before.digest);
        self.changes.push(Change { object: object.subject(), revision, before, after: Some(version.digest) });
        self.batch.put(key_of::<T>(scope, object.ulid()), body, precondition);
        Ok(version)
    }

    /// A record that the trail does not follow.
    pub(crate) fn push(&mut self, write: Write) {
        self.batch.push(write);
    }

    /// An event, with its lists.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub(crate) fn tell(&mut self, scope: Scope, event: &Event) -> Result<(), Error> {
        lists::append(scope, event, self)?;
        self.events.push(Told { id: event.id.ulid(), kind: event.kind });
        Ok(())
    }

    /// What is to be counted once it has landed.
    pub(crate) fn take_counted(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.counted)
    }

    /// The events that it makes.
    pub(crate) fn events(&self) -> &[Told] {
        &self.events
    }

    /// Only holds a record as it was read.
    pub(crate) fn assert(&mut self, key: Key, precondition: Precondition) {
        self.batch.assert(key, precondition);
    }

    /// Adds an entry to a list.
    pub(crate) fn link(&mut self, list: List, id: Ulid) {
        self.batch.link(list, id);
    }

    /// Removes an entry from a list.
    pub(crate) fn unlink(&mut self, list: List, id: Ulid) {
        self.batch.unlink(list, id);
    }

    /// Takes the row of the audit trail into the batch.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub(crate) fn with_row(batch: Batch, scope: Scope, row: &AuditEntry) -> Result<Batch, Error> {
        let mut writes = Self { batch, ..Self::new() };
        lists::append(scope, row, &mut writes)?;
        Ok(writes.batch)
    }

    /// The batch, and the changes that its row is to tell.
    ///
    /// # Errors
    /// It changes an object that the trail would not tell of, or makes an event past [`tell`](Self::tell): a defect.
    pub(crate) fn into_parts(self) -> Result<(Batch, Vec<Change>), Error> {
        if audited_writes(&self.batch) != self.changes.len() {
            return Err(Error::Internal("a commit changes an object without telling the audit trail".to_owned()));
        }
        let makes_event = |write: &&Write| matches!(write, Write::Put { key: Key::Object(key), .. } if key.kind == Kind::Event);
        if self.batch.writes().iter().filter(makes_event).count() != self.events.len() {
            return Err(Error::Internal("a commit makes an event that nobody would be told".to_owned()));
        }
        Ok((self.batch, self.changes))
    }
}

/// How many writes of a batch change an object that the trail follows.
pub(crate) fn audited_writes(batch: &Batch) -> usize {
    let changes = |write: &&Write| match write {
        Write::Put { key: Key::Object(key), .. } | Write::Delete { key: Key::Object(key), .. } => subject_kind(key.kind).is_some(),
        // Named records beside them hold no object: the name of an API key's hash leads to its record, as that of a person's address.
        Write::Put { .. } | Write::Delete { .. } | Write::Check { .. } | Write::Link { .. } | Write::Unlink { .. } => false,
    };
    batch.writes().iter().filter(changes).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_is_written_past_the_trail_is_refused() {
        let key = Key::object(Scope::PLATFORM, Kind::Charge, Ulid::MAX);
        let put = Write::Put { key: key.clone(), body: Vec::new(), precondition: Precondition::Any };
        for write in [put, Write::Delete { key, precondition: Precondition::Any }] {
            let mut writes = Writes::new();
            writes.push(write);
            assert!(matches!(writes.into_parts(), Err(Error::Internal(_))));
        }
    }

    #[test]
    fn an_event_that_nobody_would_be_told_is_refused() {
        let key = Key::object(Scope::PLATFORM, Kind::Event, Ulid::MAX);
        let mut writes = Writes::new();
        writes.push(Write::Put { key, body: Vec::new(), precondition: Precondition::Absent });
        assert!(matches!(writes.into_parts(), Err(Error::Internal(_))));
    }

    #[test]
    fn every_object_of_the_trail_has_a_place_in_the_store() {
        let kinds: Vec<SubjectKind> = Kind::ALL.iter().filter_map(|kind| subject_kind(*kind)).collect();
        assert_eq!(kinds.len(), SubjectKind::ALL.len());
        assert!(SubjectKind::ALL.iter().all(|kind| kinds.contains(kind)));
    }
}
