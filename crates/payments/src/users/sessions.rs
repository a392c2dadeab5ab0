//! Who is logged in, by the text that their browser shows, and logging out.

use domain::audit::{Action, Actor};
use domain::scope::Scope;
use domain::time::Timestamp;
use domain::user::session::{Proof, Session};
use domain::user::{Refusal, User};
use store::{Batch, Key, Kind, Precondition, Write};

use super::{hash_of, trail};
use crate::acting::{By, Visit};
use crate::error::Error;
use crate::lists;
use crate::outcome::Secret;
use crate::platform::{Platform, racing};
use crate::records::{Loaded, encode};
use crate::writes::Writes;

/// Somebody who was let in, with the text that their browser is to show.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who.
    pub user: User,
    /// How far: whoever still owes a code may give it, and nothing else.
    pub session: Session,
    /// What their browser shows from now on.
    pub token: Secret,
}

/// A session with whose it is.
pub(super) struct Own {
    pub(super) key: Key,
    pub(super) session: Loaded<Session>,
    pub(super) user: Loaded<User>,
}

fn key_of(token: &str) -> Key {
    Key::named(Scope::PLATFORM, Kind::Session, hash_of(token))
}

impl Platform {
    /// Who shows that text, and what they proved. A request is written down now and then, so that sessions that are used go on.
    ///
    /// # Errors
    /// Nobody is logged in by it any more, or the store failed.
    pub async fn session(&self, token: &str) -> Result<(User, Session), Error> {
        let own = self.own(token).await?;
        if let Some(seen) = own.session.value.seen(self.now()) {
            let mut batch = Batch::new();
            batch.put(own.key, encode(&seen)?, Precondition::Revision(own.session.version.revision));
            match self.commit_without_row(batch).await {
                // Another request of the same minute was first, or the session has just ended: the next one tells.
                Ok(()) | Err(Error::LockTimeout) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((own.user.value, own.session.value))
    }

    pub(super) async fn own(&self, token: &str) -> Result<Own, Error> {
        let key = key_of(token);
        let item = self.store.get_one(&key).await?.ok_or(Refusal::NotLoggedIn)?;
        let session: Loaded<Session> = Loaded::from_item(&item)?;
        let user = self.user(session.value.user).await?.ok_or(Refusal::NotLoggedIn)?;
        if session.value.is_good(&user.value, self.now()) { Ok(Own { key, session, user }) } else { Err(Refusal::NotLoggedIn.into()) }
    }

    /// The same, of somebody who owes no code.
    pub(super) async fn own_in_full(&self, token: &str) -> Result<Own, Error> {
        let own = self.own(token).await?;
        match own.session.value.proof {
            Proof::AwaitsCode => Err(Refusal::NotLoggedIn.into()),
            Proof::Password | Proof::SecondFactor => Ok(own),
        }
    }

    /// Begins a session.
    pub(super) fn begin(&self, user: &User, proof: Proof, now: Timestamp, writes: &mut Writes) -> Result<LoggedIn, Error> {
        let token = self.new_text()?;
        let session = Session::begin(user, proof, now);
        writes.push(Write::Put { key: key_of(&token), body: encode(&session)?, precondition: Precondition::Absent });
        Ok(LoggedIn { user: user.clone(), session, token: Secret(token) })
    }

    /// Changes whose session it is, and begins another one in its place, by another text: whoever had the old one has nothing.
    pub(super) fn renew(&self, own: &Own, user: &User, proof: Proof, writes: &mut Writes) -> Result<LoggedIn, Error> {
        lists::change(Scope::PLATFORM, &own.user, user, writes)?;
        writes.push(own.ending());
        self.begin(user, proof, self.now(), writes)
    }

    /// Logs out whoever shows that text; nobody, if nobody is logged in by it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn log_out(&self, visit: &Visit, token: &str) -> Result<(), Error> {
        let out = || async {
            let own = self.own(token).await?;
            let mut writes = Writes::new();
            writes.push(own.ending());
            let by = By::visitor(Actor::User { id: own.user.value.id }, visit);
            self.commit_told(by.did(Action::SessionEnd, trail(own.user.value.home)), writes).await
        };
        match racing(out).await {
            Err(Error::User(Refusal::NotLoggedIn)) => Ok(()),
            done => done,
        }
    }

    /// Logs out whoever shows that text, here and wherever else they are.
    ///
    /// # Errors
    /// Nobody is logged in by it, or the store failed.
    pub async fn log_out_everywhere(&self, visit: &Visit, token: &str) -> Result<(), Error> {
        racing(|| async {
            let own = self.own_in_full(token).await?;
            let user = own.user.value.clone().logged_out();
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &own.user, &user, &mut writes)?;
            writes.push(own.ending());
            let by = By::visitor(Actor::User { id: user.id }, visit);
            self.commit(by.did(Action::SessionEndAll, trail(user.home)), writes).await
        })
        .await
    }
}

impl Own {
    fn ending(&self) -> Write {
        Write::Delete { key: self.key.clone(), precondition: Precondition::Revision(self.session.version.revision) }
    }
}
