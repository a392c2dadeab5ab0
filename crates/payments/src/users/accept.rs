//! Taking an invitation: whoever has no password chooses one, whoever has one shows it.

use domain::audit::{Action, Actor};
use domain::id::{AccountId, UserId};
use domain::scope::Scope;
use domain::user::{PasswordHash, Refusal, User, password};
use zeroize::Zeroizing;

use super::{INVITATION, hash_of, trail};
use crate::acting::{By, Visit};
use crate::client_secrets::same;
use crate::error::Error;
use crate::lists;
use crate::platform::{Platform, racing};
use crate::records::Loaded;
use crate::writes::Writes;

/// The text of an invitation, read.
struct Link<'a> {
    account: AccountId,
    user: UserId,
    secret: &'a str,
}

impl<'a> Link<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.trim().split('_');
        let is_ours = parts.next() == Some(INVITATION);
        let (account, user, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let link = Self { account: AccountId::new(account.parse().ok()?), user: UserId::new(user.parse().ok()?), secret };
        (is_ours && parts.next().is_none()).then_some(link)
    }
}

impl Platform {
    /// Takes the invitation of that text.
    ///
    /// # Errors
    /// It is none, its time is over, the password cannot be one or is not theirs, or the store failed.
    pub async fn accept_invitation(&self, visit: &Visit, text: &str, password: &Zeroizing<String>) -> Result<User, Error> {
        let link = Link::parse(text).ok_or(Refusal::InvalidInvitation)?;
        let Some(user) = self.user(link.user).await? else { return Err(Refusal::InvalidInvitation.into()) };
        if !self.opens(&user.value, &link) {
            return self.deny_invitation(visit, &user.value, link.account).await;
        }
        let chosen = match &user.value.password {
            Some(_) => {
                self.prove_password(visit, &user, password).await?;
                None
            }
            None => {
                fit(password, &user.value.email)?;
                Some(self.passwords.hash(password, self.new_salt()?).await?)
            }
        };
        racing(|| self.taking(visit, &link, user.value.password.as_ref(), chosen.as_ref())).await
    }

    fn opens(&self, user: &User, link: &Link<'_>) -> bool {
        let hash = hash_of(link.secret);
        user.open_invitation(link.account, self.now()).is_some_and(|invitation| same(&invitation.hash, &hash))
    }

    /// Takes it as it is now: what was looked at before may have been taken meanwhile, and the password replaced.
    async fn taking(
        &self,
        visit: &Visit,
        link: &Link<'_>,
        shown: Option<&PasswordHash>,
        chosen: Option<&PasswordHash>,
    ) -> Result<User, Error> {
        let before: Loaded<User> = self.must(Scope::PLATFORM, link.user.ulid()).await?;
        let password = before.value.password.as_ref();
        let Some(hash) = chosen.or(shown).filter(|_| password == shown && self.opens(&before.value, link)) else {
            return Err(Refusal::InvalidInvitation.into());
        };
        let user = before.value.clone().accepted(link.account, hash.clone(), self.now())?;
        let mut writes = Writes::new();
        lists::change(Scope::PLATFORM, &before, &user, &mut writes)?;
        self.keep_owners(link.account, &user, &mut writes).await?;
        let by = By::visitor(Actor::User { id: user.id }, visit);
        self.commit(by.did(Action::UserAccept, trail(link.account)), writes).await?;
        Ok(user)
    }

    /// Somebody knows who was invited, and not the secret. Nobody's failures are counted for it: the secret cannot be guessed.
    async fn deny_invitation(&self, visit: &Visit, user: &User, account: AccountId) -> Result<User, Error> {
        if user.memberships.contains_key(&account) {
            let by = By::visitor(Actor::Unknown, visit);
            let act = by.did(Action::SessionDeny, trail(account)).refused("wrong_invitation");
            self.commit_told(act, Writes::new()).await?;
        }
        Err(Refusal::InvalidInvitation.into())
    }
}

/// # Errors
/// The text cannot be a password.
pub(super) fn fit(text: &str, email: &str) -> Result<(), Error> {
    password::check(text, email).map_err(|unfit| Error::Parameter { param: "password", code: None, message: unfit.to_string() })
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn only_the_text_of_an_invitation_is_read_as_one() {
        let (account, user) = (Ulid::from_bits(5), Ulid::MAX);
        let text = format!("inv_{account}_{user}_secret");
        let link = Link::parse(&text).unwrap();
        assert_eq!((link.account.ulid(), link.user.ulid(), link.secret), (account, user, "secret"));
        for wrong in ["", "inv", "inv_1_2_3", &format!("inx_{account}_{user}_s"), &format!("inv_{account}_{user}"), &format!("{text}_more")]
        {
            assert!(Link::parse(wrong).is_none(), "{wrong}");
        }
    }
}
