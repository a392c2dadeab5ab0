//! Inviting somebody to look after an account. They get a link from whoever invites: nothing is sent.

use domain::audit::Action;
use domain::id::{AccountId, UserId};
use domain::scope::Scope;
use domain::user::{Authority, Refusal, Role, User, address};
use store::{Index, List, Precondition, Scan, Write};

use super::{by_email, trail};
use crate::acting::By;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::lists;
use crate::outcome::{Object, Outcome, Secret, ShownUser};
use crate::platform::{Platform, Request, racing};
use crate::records::encode;
use crate::texts;
use crate::writes::Writes;

/// People of one account, invited and disabled ones too: as many as one list is read in one go.
pub(super) const MAX_USERS: usize = store::contract::MAX_LIMIT;

/// Somebody to be invited.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Their address.
    pub email: String,
    /// What they are called.
    pub name: Option<String>,
    /// What they are to be.
    pub role: Role,
}

pub(super) fn shown(user: User, account: AccountId, invitation: Option<Secret>) -> Outcome {
    Outcome::of(Object::User(Box::new(ShownUser { user, account, invitation })))
}

impl Platform {
    /// Invites somebody: for the first time, again with another link, or back. The link's text is in this answer and in no other.
    ///
    /// # Errors
    /// The role is above that of whoever invites, they are there already, or the store failed.
    pub async fn invite_user(&self, request: &Request, new: &NewUser) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            if !request.scope.mode.is_live() {
                return Err(Refusal::NeedsLiveMode.into());
            }
            let account = request.scope.account;
            let (writes, user, link) = self.inviting(account, self.authority(request).await?, new).await?;
            self.conclude(request, Action::UserInvite, writes, &shown(user.clone(), account, None)).await?;
            let told = shown(user, account, Some(link));
            let answer = self.presenter.present(request.scope, &told, &request.rendering).await?;
            Ok(Answered { answer, replayed: false })
        })
        .await
    }

    /// The same, by whoever has the machine.
    ///
    /// # Errors
    /// They are there already, or the store failed.
    pub async fn invite_user_by(&self, by: &By, account: AccountId, new: &NewUser) -> Result<(User, Secret), Error> {
        racing(|| async {
            let (writes, user, link) = self.inviting(account, Authority::Operator, new).await?;
            self.commit(by.did(Action::UserInvite, trail(account)), writes).await?;
            Ok((user, link))
        })
        .await
    }

    async fn inviting(&self, account: AccountId, by: Authority, new: &NewUser) -> Result<(Writes, User, Secret), Error> {
        let email = address(&new.email);
        texts::email("email", Some(&email))?;
        self.has_room(account).await?;
        let (now, found) = (self.now(), self.user_with(&email).await?);
        let id = found.as_ref().map_or_else(|| UserId::new(self.mint()), |found| found.value.id);
        let (invitation, link) = self.new_invitation(account, id, now)?;
        let before = found.as_ref().map_or_else(|| User::new(id, &email, account, now), |found| found.value.clone());
        let user = before.invited(account, (new.name.clone(), new.role), invitation, by, now)?;
        let mut writes = Writes::new();
        match &found {
            Some(found) => lists::change(Scope::PLATFORM, found, &user, &mut writes)?,
            None => {
                let key = by_email(Scope::PLATFORM, &email);
                writes.push(Write::Put { key, body: encode(&id)?, precondition: Precondition::Absent });
                lists::add(Scope::PLATFORM, &user, &mut writes)?
            }
        };
        Ok((writes, user, link))
    }

    async fn has_room(&self, account: AccountId) -> Result<(), Error> {
        let list = List::of(Scope::PLATFORM, Index::UsersByAccount, account.ulid());
        if self.store.scan(Scan::oldest(list, MAX_USERS)).await?.len() < MAX_USERS {
            return Ok(());
        }
        let message = "The account has as many users as it can.".to_owned();
        Err(Error::Parameter { param: "email", code: None, message })
    }
}
