//! Logging in: a password, then a code where a second factor is in use.
//!
//! - Every try does the same: it reads, hashes once and commits once, whether there is such a person, a password, or neither.
//! - What is counted and what is let in is decided on the record as it is at the commit, so that a thousand tries at once are no better
//!   than one after another.
//! - A password that was right takes no failures back while a code is owed: else codes could be guessed without end.

use domain::audit::{Action, Actor};
use domain::id::UserId;
use domain::scope::Scope;
use domain::user::session::Proof;
use domain::user::{PasswordHash, Refusal, SecondFactor, User, address};
use store::{Batch, Key, Kind, Precondition};
use zeroize::Zeroizing;

use super::{codes, hash_of, sessions::LoggedIn, trail};
use crate::acting::{By, Visit};
use crate::denials::Denial;
use crate::error::Error;
use crate::lists;
use crate::platform::{Platform, racing};
use crate::records::{Loaded, encode, key_of};
use crate::vault::SecretOf;
use crate::writes::Writes;

/// Hexadecimal digits of the name of a place where tries that are not counted are written down, each over the one before.
const UNSEEN_DIGITS: usize = 2;
/// What was denied, where there is no person whose record tells.
const LOG_IN: &str = "POST /session";

/// Why somebody was not let in, as the trail says it.
const PAUSED: &str = "too_many_tries";
const WRONG_PASSWORD: &str = "wrong_password";
const WRONG_CODE: &str = "wrong_code";
const DISABLED: &str = "user_disabled";
const UNKNOWN: &str = "user_unknown";

impl Platform {
    /// Lets in whoever has that address and password; with a second factor, as far as giving a code.
    ///
    /// # Errors
    /// They are wrong, there were too many tries, or the store failed.
    pub async fn log_in(&self, visit: &Visit, email: &str, password: &Zeroizing<String>) -> Result<LoggedIn, Error> {
        let email = address(email);
        let found = self.user_with(&email).await?;
        let hashed = found.as_ref().and_then(|found| found.value.password.clone());
        let is_right = self.passwords.matches(password, hashed.clone()).await?;
        let Some(found) = found else { return self.deny_nobody(visit, &email).await };
        let shown = hashed.filter(|_| is_right);
        racing(|| self.letting_in(visit, found.value.id, shown.as_ref())).await
    }

    async fn letting_in(&self, visit: &Visit, id: UserId, shown: Option<&PasswordHash>) -> Result<LoggedIn, Error> {
        let (before, now) = (self.must::<User>(Scope::PLATFORM, id.ulid()).await?, self.now());
        let reason = match shown {
            _ if before.value.failures.are_paused(now) => Some(PAUSED),
            Some(shown) if before.value.password.as_ref() == Some(shown) => (!before.value.is_active_anywhere()).then_some(DISABLED),
            Some(_) | None => Some(WRONG_PASSWORD),
        };
        if let Some(reason) = reason {
            self.denying(visit, Actor::Unknown, &before, reason).await?;
            return Err(Refusal::WrongLogIn.into());
        }
        let mut writes = Writes::new();
        let by = By::visitor(Actor::User { id }, visit);
        if before.value.second_factor.is_on() {
            writes.assert(key_of::<User>(Scope::PLATFORM, id.ulid()), Precondition::Revision(before.version.revision));
            let logged_in = self.begin(&before.value, Proof::AwaitsCode, now, &mut writes)?;
            self.commit_told(by.did(Action::SessionBegin, trail(before.value.home)), writes).await?;
            return Ok(logged_in);
        }
        let user = before.value.clone().logged_in(now);
        lists::change(Scope::PLATFORM, &before, &user, &mut writes)?;
        let logged_in = self.begin(&user, Proof::Password, now, &mut writes)?;
        self.commit(by.did(Action::SessionCreate, trail(user.home)), writes).await?;
        Ok(logged_in)
    }

    /// Lets in whoever showed their password before, and shows a code now. Their browser shows another text from now on.
    ///
    /// # Errors
    /// The code is wrong or was used, there were too many tries, nobody owes one by that text, or the store failed.
    pub async fn give_code(&self, visit: &Visit, token: &str, code: &str) -> Result<LoggedIn, Error> {
        racing(|| async {
            let (own, now) = (self.own(token).await?, self.now());
            if own.session.value.proof != Proof::AwaitsCode {
                return Err(Refusal::NoSecondFactor.into());
            }
            let actor = Actor::User { id: own.user.value.id };
            let factor = self.prove_code(visit, &own.user, code).await?;
            let user = own.user.value.clone().with_second_factor(factor).logged_in(now);
            let mut writes = Writes::new();
            let logged_in = self.renew(&own, &user, Proof::SecondFactor, &mut writes)?;
            self.commit(By::visitor(actor, visit).did(Action::SessionCreate, trail(user.home)), writes).await?;
            Ok(logged_in)
        })
        .await
    }

    /// What becomes of the second factor once that code was shown. Whoever goes on commits it, on the record as it was read.
    pub(super) async fn prove_code(&self, visit: &Visit, user: &Loaded<User>, code: &str) -> Result<SecondFactor, Error> {
        let now = self.now();
        let is_paused = user.value.failures.are_paused(now);
        let factor = match &user.value.second_factor {
            SecondFactor::On { secret, .. } => {
                let secret = self.vault.open_secret(SecretOf::SecondFactor(user.value.id), secret)?;
                let step = codes::step_of(&secret, code, now)?;
                let by_step = step.and_then(|step| user.value.second_factor.shown(step));
                by_step.or_else(|| user.value.second_factor.recovered(&codes::recovery_hash(code)))
            }
            SecondFactor::Off | SecondFactor::Enrolling { .. } => return Err(Refusal::NoSecondFactor.into()),
        };
        match factor {
            Some(factor) if !is_paused => Ok(factor),
            Some(_) | None => {
                let reason = if is_paused { PAUSED } else { WRONG_CODE };
                self.denying(visit, Actor::User { id: user.value.id }, user, reason).await?;
                Err(Refusal::WrongCode.into())
            }
        }
    }

    /// Whether that is the password of somebody who is to show it again, or to take an invitation.
    pub(super) async fn prove_password(&self, visit: &Visit, user: &Loaded<User>, password: &Zeroizing<String>) -> Result<(), Error> {
        let is_right = self.passwords.matches(password, user.value.password.clone()).await?;
        racing(|| async {
            let fresh = self.must::<User>(Scope::PLATFORM, user.value.id.ulid()).await?;
            let reason = match fresh.value.failures.are_paused(self.now()) {
                true => PAUSED,
                false if is_right && fresh.value.password == user.value.password => return Ok(()),
                false => WRONG_PASSWORD,
            };
            self.denying(visit, Actor::User { id: user.value.id }, &fresh, reason).await?;
            Err(Refusal::WrongPassword.into())
        })
        .await
    }

    /// Counts a failure and tells of it. In a pause nothing is counted, and no more is told than of any other denial: whoever goes on
    /// fills no trail.
    pub(super) async fn denying(&self, visit: &Visit, actor: Actor, before: &Loaded<User>, reason: &'static str) -> Result<(), Error> {
        if before.value.failures.are_paused(self.now()) {
            return self.denying_unseen(visit, (trail(before.value.home), actor), reason, &before.value.email).await;
        }
        let user = before.value.clone().failed(self.now());
        let mut writes = Writes::new();
        lists::change(Scope::PLATFORM, before, &user, &mut writes)?;
        self.commit(By::visitor(actor, visit).did(Action::SessionDeny, trail(user.home)).refused(reason), writes).await
    }

    /// There is nobody of that address: told in the platform's trail, as nobody's denials are.
    async fn deny_nobody(&self, visit: &Visit, email: &str) -> Result<LoggedIn, Error> {
        self.denying_unseen(visit, (Scope::PLATFORM, Actor::Unknown), UNKNOWN, email).await?;
        Err(Refusal::WrongLogIn.into())
    }

    /// What is written down in one of a few places makes it take as long as where a failure is counted, and takes no room.
    async fn denying_unseen(&self, visit: &Visit, (scope, actor): (Scope, Actor), code: &'static str, email: &str) -> Result<(), Error> {
        let denial = Denial { scope, actor, from: visit.from, request: visit.request.clone(), code, operation: Some(LOG_IN.to_owned()) };
        let place: String = hash_of(email).chars().take(UNSEEN_DIGITS).collect();
        let mut batch = Batch::new();
        let key = Key::named(Scope::PLATFORM, Kind::Setting, format!("unseen-login:{place}"));
        batch.put(key, encode(&self.now())?, Precondition::Any);
        self.commit_denial(&denial, batch).await
    }
}
