//! Changing one's own password: whoever is logged in shows the one before, and is logged out everywhere else.

use domain::audit::{Action, Actor};
use domain::user::Refusal;
use zeroize::Zeroizing;

use super::accept::fit;
use super::{sessions::LoggedIn, trail};
use crate::acting::{By, Visit};
use crate::error::Error;
use crate::platform::{Platform, racing};
use crate::writes::Writes;

impl Platform {
    /// Gives whoever is logged in another password, and their browser another text to show.
    ///
    /// # Errors
    /// The one before is wrong, the new one cannot be one, there were too many tries, nobody is logged in, or the store failed.
    pub async fn change_password(
        &self,
        visit: &Visit,
        token: &str,
        current: &Zeroizing<String>,
        new: &Zeroizing<String>,
    ) -> Result<LoggedIn, Error> {
        let own = self.own_in_full(token).await?;
        fit(new, &own.user.value.email)?;
        self.prove_password(visit, &own.user, current).await?;
        let hash = self.passwords.hash(new, self.new_salt()?).await?;
        let shown = own.user.value.password;
        racing(|| async {
            let own = self.own_in_full(token).await?;
            if own.user.value.password != shown {
                return Err(Refusal::WrongPassword.into());
            }
            let user = own.user.value.clone().with_password(hash.clone());
            let mut writes = Writes::new();
            let logged_in = self.renew(&own, &user, own.session.value.proof, &mut writes)?;
            let by = By::visitor(Actor::User { id: user.id }, visit);
            self.commit(by.did(Action::UserChangePassword, trail(user.home)), writes).await?;
            Ok(logged_in)
        })
        .await
    }
}
