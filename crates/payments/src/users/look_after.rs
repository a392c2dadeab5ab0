//! Looking after people: listing them, giving them another role, disabling them.

use domain::audit::Action;
use domain::id::{AccountId, UserId};
use domain::scope::Scope;
use domain::user::{Authority, Refusal, Role, User};
use store::{Index, List, Scan};

use super::invite::{MAX_USERS, shown};
use super::trail;
use crate::acting::By;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::outcome::{Object, ShownUser};
use crate::platform::{Platform, Request, racing};
use crate::records::Loaded;
use crate::writes::Writes;

/// What becomes of somebody.
#[derive(Clone, Copy)]
enum Change {
    Role(Role),
    Disable,
}

impl Change {
    const fn action(self) -> Action {
        match self {
            Self::Role(_) => Action::UserChangeRole,
            Self::Disable => Action::UserDisable,
        }
    }

    fn of(self, user: User, account: AccountId, by: Authority) -> Result<User, Refusal> {
        match self {
            Self::Role(role) => user.with_role(account, role, by),
            Self::Disable => user.disabled(account, by),
        }
    }
}

impl Platform {
    /// People of the account that asks, the latest first; only those who were invited anywhere before one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn users(&self, request: &Request, before: Option<UserId>) -> Result<Vec<Object>, Error> {
        let account = request.scope.account;
        let found = self.users_of(account).await?.into_iter().rev().filter(|user| before.is_none_or(|before| user.id < before));
        Ok(found.map(|user| Object::User(Box::new(ShownUser { user, account, invitation: None }))).collect())
    }

    /// People of an account, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn users_of(&self, account: AccountId) -> Result<Vec<User>, Error> {
        let list = List::of(Scope::PLATFORM, Index::UsersByAccount, account.ulid());
        let mut users = Vec::new();
        for id in self.store.scan(Scan::oldest(list, MAX_USERS)).await? {
            users.push(self.must::<User>(Scope::PLATFORM, id).await?.value);
        }
        Ok(users)
    }

    /// One of them.
    ///
    /// # Errors
    /// There is no such person, or the store cannot be read.
    pub async fn user_of(&self, request: &Request, id: UserId) -> Result<Object, Error> {
        let account = request.scope.account;
        let user = self.member(account, id, Place::Path).await?.value;
        Ok(Object::User(Box::new(ShownUser { user, account, invitation: None })))
    }

    /// Gives somebody another role.
    ///
    /// # Errors
    /// A role is above that of whoever asks, the last owner would be none any more, there is no such person, or the store failed.
    pub async fn change_user_role(&self, request: &Request, id: UserId, role: Role) -> Result<Answered, Error> {
        self.change_user(request, id, Change::Role(role)).await
    }

    /// Disables somebody: they may look after the account no more.
    ///
    /// # Errors
    /// As [`change_user_role`](Self::change_user_role).
    pub async fn disable_user(&self, request: &Request, id: UserId) -> Result<Answered, Error> {
        self.change_user(request, id, Change::Disable).await
    }

    /// The first by whoever has the machine.
    ///
    /// # Errors
    /// The last owner would be none any more, there is no such person, or the store failed.
    pub async fn change_user_role_by(&self, by: &By, account: AccountId, id: UserId, role: Role) -> Result<User, Error> {
        self.change_user_by(by, account, id, Change::Role(role)).await
    }

    /// The second by whoever has the machine.
    ///
    /// # Errors
    /// As [`change_user_role_by`](Self::change_user_role_by).
    pub async fn disable_user_by(&self, by: &By, account: AccountId, id: UserId) -> Result<User, Error> {
        self.change_user_by(by, account, id, Change::Disable).await
    }

    async fn change_user(&self, request: &Request, id: UserId, change: Change) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let account = request.scope.account;
            let before = self.member(account, id, Place::Path).await?;
            if !request.scope.mode.is_live() {
                return Err(Refusal::NeedsLiveMode.into());
            }
            let (writes, user) = self.changed(account, &before, change, self.authority(request).await?).await?;
            self.conclude(request, change.action(), writes, &shown(user, account, None)).await
        })
        .await
    }

    async fn change_user_by(&self, by: &By, account: AccountId, id: UserId, change: Change) -> Result<User, Error> {
        racing(|| async {
            let before = self.member(account, id, Place::Parameter).await?;
            let (writes, user) = self.changed(account, &before, change, Authority::Operator).await?;
            self.commit(by.did(change.action(), trail(account)), writes).await?;
            Ok(user)
        })
        .await
    }

    async fn changed(&self, account: AccountId, before: &Loaded<User>, change: Change, by: Authority) -> Result<(Writes, User), Error> {
        let user = change.of(before.value.clone(), account, by)?;
        let mut writes = Writes::new();
        lists::change(Scope::PLATFORM, before, &user, &mut writes)?;
        self.keep_owners(account, &user, &mut writes).await?;
        Ok((writes, user))
    }
}
