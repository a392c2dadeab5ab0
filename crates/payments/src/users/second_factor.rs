//! One's own second factor: given, confirmed by a first code, and given up.

use domain::audit::{Action, Actor};
use domain::scope::Scope;
use domain::user::session::Proof;
use domain::user::{Refusal, SecondFactor};
use zeroize::Zeroizing;

use super::{codes, sessions::LoggedIn, trail};
use crate::acting::{By, Visit};
use crate::error::Error;
use crate::lists;
use crate::platform::{Platform, racing};
use crate::vault::SecretOf;
use crate::writes::Writes;

/// A second factor that is not in use yet, as its person is to enter it into what makes their codes.
pub struct Enrolling {
    /// The secret, base32.
    pub secret: Zeroizing<String>,
    /// The same, as authenticators read it from a picture.
    pub url: Zeroizing<String>,
}

impl Platform {
    /// Gives whoever is logged in the secret of a second factor. It is in use once it is confirmed.
    ///
    /// # Errors
    /// One is in use, the password is wrong, nobody is logged in, or the store failed.
    pub async fn enroll_factor(&self, visit: &Visit, token: &str, password: &Zeroizing<String>) -> Result<Enrolling, Error> {
        let own = self.own_in_full(token).await?;
        if own.user.value.second_factor.is_on() {
            return Err(Refusal::SecondFactorOn.into());
        }
        self.prove_password(visit, &own.user, password).await?;
        let secret = codes::new_secret(&*self.entropy)?;
        let sealed = self.vault.seal_secret(SecretOf::SecondFactor(own.user.value.id), &secret)?;
        racing(|| async {
            let own = self.own_in_full(token).await?;
            if own.user.value.second_factor.is_on() {
                return Err(Refusal::SecondFactorOn.into());
            }
            let factor = SecondFactor::Enrolling { secret: sealed.clone(), at: self.now() };
            let user = own.user.value.clone().with_second_factor(factor);
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &own.user, &user, &mut writes)?;
            let by = By::visitor(Actor::User { id: user.id }, visit);
            self.commit(by.did(Action::UserTotpEnroll, trail(user.home)), writes).await
        })
        .await?;
        let url = codes::url(&secret, &own.user.value.email)?;
        Ok(Enrolling { secret, url })
    }

    /// Takes the second factor into use, by a first code. Gives recovery codes, and the browser another text to show; whoever else
    /// was logged in is no more.
    ///
    /// # Errors
    /// The code is wrong, there is nothing to confirm, there were too many tries, nobody is logged in, or the store failed.
    pub async fn confirm_factor(&self, visit: &Visit, token: &str, code: &str) -> Result<(LoggedIn, Vec<Zeroizing<String>>), Error> {
        racing(|| async {
            let (own, now) = (self.own_in_full(token).await?, self.now());
            let user = &own.user.value;
            let sealed = user.second_factor.enrolling(now).ok_or(Refusal::NoSecondFactor)?.clone();
            let step = codes::step_of(&self.vault.open_secret(SecretOf::SecondFactor(user.id), &sealed)?, code, now)?;
            let Some(last_step) = step.filter(|_| !user.failures.are_paused(now)) else {
                self.denying(visit, Actor::User { id: user.id }, &own.user, "wrong_code").await?;
                return Err(Refusal::WrongCode.into());
            };
            let recovery = codes::new_recovery(&*self.entropy)?;
            let hashes = recovery.iter().map(|code| codes::recovery_hash(code)).collect();
            let user = user.clone().with_second_factor(SecondFactor::On { secret: sealed, last_step, recovery: hashes });
            let mut writes = Writes::new();
            let logged_in = self.renew(&own, &user, Proof::SecondFactor, &mut writes)?;
            let by = By::visitor(Actor::User { id: user.id }, visit);
            self.commit(by.did(Action::UserTotpConfirm, trail(user.home)), writes).await?;
            Ok((logged_in, recovery))
        })
        .await
    }

    /// Gives the second factor up, by password and code. Whoever else was logged in is no more.
    ///
    /// # Errors
    /// One of both is wrong, there is none, there were too many tries, nobody is logged in, or the store failed.
    pub async fn disable_factor(&self, visit: &Visit, token: &str, password: &Zeroizing<String>, code: &str) -> Result<LoggedIn, Error> {
        let own = self.own_in_full(token).await?;
        if !own.user.value.second_factor.is_on() {
            return Err(Refusal::NoSecondFactor.into());
        }
        self.prove_password(visit, &own.user, password).await?;
        racing(|| async {
            let own = self.own_in_full(token).await?;
            self.prove_code(visit, &own.user, code).await?;
            let user = own.user.value.clone().with_second_factor(SecondFactor::Off);
            let mut writes = Writes::new();
            let logged_in = self.renew(&own, &user, Proof::Password, &mut writes)?;
            let by = By::visitor(Actor::User { id: user.id }, visit);
            self.commit(by.did(Action::UserTotpDisable, trail(user.home)), writes).await?;
            Ok(logged_in)
        })
        .await
    }
}
