//! Beginning anew for somebody who lost their password or all that makes their codes. Only whoever has the machine does it: anybody
//! else who could would be one password away from being them.

use domain::audit::Action;
use domain::id::{AccountId, UserId};
use domain::scope::Scope;
use domain::user::User;

use super::trail;
use crate::acting::By;
use crate::error::{Error, Place};
use crate::lists;
use crate::outcome::Secret;
use crate::platform::{Platform, racing};
use crate::writes::Writes;

impl Platform {
    /// Takes password and second factor from somebody, logs them out, and gives a link to choose a password anew.
    ///
    /// # Errors
    /// There is no such person in the account, they are disabled there, or the store failed.
    pub async fn reset_user_by(&self, by: &By, account: AccountId, id: UserId) -> Result<(User, Secret), Error> {
        racing(|| async {
            let before = self.member(account, id, Place::Parameter).await?;
            let (invitation, link) = self.new_invitation(account, id, self.now())?;
            let user = before.value.clone().reset(account, invitation)?;
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &before, &user, &mut writes)?;
            self.commit(by.did(Action::UserReset, trail(account)), writes).await?;
            Ok((user, link))
        })
        .await
    }
}
