//! People who look after accounts in a browser: who they are, what they are to each account, and who may change that.
//!
//! - A person has one address, one password and one second factor, and a role in each account that they were invited to.
//! - Whoever is invited takes the invitation themself, with a link that is good once and for a while.
//! - Nobody gives or takes a role above their own ([`Authority`]); secret keys stand where admins do. An account that has owners
//!   keeps at least one ([`Owners`]).
//! - A person's epoch ends every session that was begun before it.
//!
//! Absent on purpose: hashing and comparing secrets, which is work and needs a salt; sending links to anybody.

mod failures;
pub mod password;
mod role;
pub mod second_factor;
pub mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, UserId};
use crate::time::Timestamp;
pub use failures::Failures;
pub use role::Role;
pub use second_factor::SecondFactor;

/// For how long an invitation can be taken: somebody who is away for a week finds it.
pub const INVITATION_MS: i64 = 7 * 24 * 3_600_000;
/// Accounts that one person can look after: their record stays far below what a store takes.
const MAX_ACCOUNTS: usize = 50;

/// What is kept of a password: the text of a PHC hash. It never shows in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// What lets somebody choose a password; its text is kept only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// SHA-256 of its text, hexadecimal.
    pub hash: String,
    /// When it is good no more.
    pub expires_at: Timestamp,
}

/// Whether somebody looks after an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not yet: they have not taken their invitation.
    Invited,
    /// They do.
    Active,
    /// No more.
    Disabled,
}

impl State {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// What a person is to one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// What they are called there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they may do, once they are active.
    pub role: Role,
    /// Whether they are.
    pub state: State,
    /// When they were invited first.
    pub created_at: Timestamp,
    /// What they can choose a password with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
}

/// A person who looks after accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their name in the API.
    pub id: UserId,
    /// Their address, as [`address`] writes it.
    pub email: String,
    /// The account that invited them first: what they do to themself is told in its trail.
    pub home: AccountId,
    /// What they are to each account.
    pub memberships: BTreeMap<AccountId, Membership>,
    /// When they were invited first.
    pub created_at: Timestamp,
    /// Their password; without one nobody logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// Their second factor.
    #[serde(default)]
    pub second_factor: SecondFactor,
    /// How often in a row logging in failed.
    #[serde(default)]
    pub failures: Failures,
    /// Sessions of another epoch are over.
    #[serde(default)]
    pub epoch: u64,
    /// When they logged in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
}

/// Why something is not done for or to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The role, or that of the person, is above that of whoever asks.
    #[error("This needs a role that is at least that of the user, before and after.")]
    AboveRole,
    /// The account would be left without an owner.
    #[error("The account would be left without an active owner. Make somebody else an owner first.")]
    LastOwner,
    /// They look after the account already.
    #[error("This user looks after the account already.")]
    AlreadyThere,
    /// They may look after the account no more.
    #[error("This user is disabled. Invite them again.")]
    Disabled,
    /// They look after as many accounts as one person can.
    #[error("This user looks after too many accounts.")]
    TooManyAccounts,
    /// People are looked after where what they may do counts.
    #[error("Users are changed in live mode only: what they may do holds for live data.")]
    NeedsLiveMode,
    /// The link is nobody's, was used, or its time is over.
    #[error("The invitation is not valid: it was used, its time is over, or there is none. Ask for another one.")]
    InvalidInvitation,
    /// The address or the password is wrong, or it is too early to try again.
    #[error("The email address or the password is wrong, or there were too many tries. Wait a while before you try again.")]
    WrongLogIn,
    /// The password that was to prove it is wrong, or it is too early to try again.
    #[error("The password is wrong, or there were too many tries.")]
    WrongPassword,
    /// The code is wrong or was used, or it is too early to try again.
    #[error("The code is wrong or was used before, or there were too many tries.")]
    WrongCode,
    /// A second factor is in use.
    #[error("A second factor is in use already.")]
    SecondFactorOn,
    /// No second factor is there to be confirmed, shown or given up.
    #[error("There is no second factor, or its time to be confirmed is over.")]
    NoSecondFactor,
    /// Nobody is logged in.
    #[error("You are not logged in, or no longer.")]
    NotLoggedIn,
}

/// Who looks after people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Whoever has the machine.
    Operator,
    /// A secret key of the account.
    Key,
    /// A person with that role in the account.
    User(Role),
}

impl Authority {
    /// # Errors
    /// The role is above it.
    fn check(self, role: Role) -> Result<(), Refusal> {
        let may = match self {
            Self::Operator => true,
            Self::Key => Role::Admin.may_look_after(role),
            Self::User(own) => own.may_look_after(role),
        };
        if may { Ok(()) } else { Err(Refusal::AboveRole) }
    }
}

/// An address as it is kept and compared: nobody minds capitals.
#[must_use]
pub fn address(text: &str) -> String {
    text.trim().to_lowercase()
}

impl User {
    /// Somebody who looks after nothing yet.
    #[must_use]
    pub fn new(id: UserId, email: &str, home: AccountId, now: Timestamp) -> Self {
        Self {
            id,
            email: address(email),
            home,
            memberships: BTreeMap::new(),
            created_at: now,
            password: None,
            second_factor: SecondFactor::Off,
            failures: Failures::default(),
            epoch: 0,
            last_login_at: None,
        }
    }

    /// What they may do in an account.
    #[must_use]
    pub fn role_in(&self, account: AccountId) -> Option<Role> {
        self.memberships.get(&account).filter(|membership| membership.state == State::Active).map(|membership| membership.role)
    }

    /// The accounts that they look after, with their roles.
    pub fn roles(&self) -> impl Iterator<Item = (AccountId, Role)> + '_ {
        self.memberships.keys().filter_map(|account| Some((*account, self.role_in(*account)?)))
    }

    /// Whether they look after any account.
    #[must_use]
    pub fn is_active_anywhere(&self) -> bool {
        self.roles().next().is_some()
    }

    /// Invited to an account: for the first time, again, or back.
    ///
    /// # Errors
    /// The role is above that of whoever invites, or they are there already.
    pub fn invited(
        mut self,
        account: AccountId,
        (name, role): (Option<String>, Role),
        invitation: Invitation,
        by: Authority,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        by.check(role)?;
        let before = self.memberships.get(&account);
        let created_at = before.map_or(now, |before| before.created_at);
        match before.map(|before| (before.state, before.role)) {
            Some((State::Active, _)) => return Err(Refusal::AlreadyThere),
            Some((State::Invited | State::Disabled, role)) => by.check(role)?,
            None if self.memberships.len() >= MAX_ACCOUNTS => return Err(Refusal::TooManyAccounts),
            None => {}
        }
        let membership = Membership { name, role, state: State::Invited, created_at, invitation: Some(invitation) };
        self.memberships.insert(account, membership);
        Ok(self)
    }

    /// The invitation to an account that can be taken now.
    #[must_use]
    pub fn open_invitation(&self, account: AccountId, now: Timestamp) -> Option<&Invitation> {
        let membership = self.memberships.get(&account).filter(|membership| membership.state != State::Disabled)?;
        membership.invitation.as_ref().filter(|invitation| invitation.expires_at > now)
    }

    /// With the invitation to an account taken, and a password chosen by whoever had none.
    ///
    /// # Errors
    /// There is no invitation to be taken.
    pub fn accepted(mut self, account: AccountId, password: PasswordHash, now: Timestamp) -> Result<Self, Refusal> {
        if self.open_invitation(account, now).is_none() {
            return Err(Refusal::InvalidInvitation);
        }
        let membership = self.memberships.get_mut(&account).ok_or(Refusal::InvalidInvitation)?;
        membership.state = State::Active;
        membership.invitation = None;
        if self.password.is_none() {
            self = self.with_password(password);
        }
        Ok(Self { failures: Failures::default(), ..self })
    }

    /// With another role in an account.
    ///
    /// # Errors
    /// One of both roles is above that of whoever asks, or they are disabled.
    pub fn with_role(mut self, account: AccountId, role: Role, by: Authority) -> Result<Self, Refusal> {
        let membership = self.memberships.get_mut(&account).filter(|membership| membership.state != State::Disabled);
        let membership = membership.ok_or(Refusal::Disabled)?;
        by.check(membership.role)?;
        by.check(role)?;
        membership.role = role;
        Ok(self)
    }

    /// Looking after an account no more; who was disabled before stays so.
    ///
    /// # Errors
    /// Their role is above that of whoever asks.
    pub fn disabled(mut self, account: AccountId, by: Authority) -> Result<Self, Refusal> {
        if let Some(membership) = self.memberships.get_mut(&account) {
            by.check(membership.role)?;
            membership.state = State::Disabled;
            membership.invitation = None;
        }
        Ok(self)
    }

    /// Without password and second factor, with a link to choose a password anew.
    ///
    /// # Errors
    /// They are disabled in that account.
    pub fn reset(mut self, account: AccountId, invitation: Invitation) -> Result<Self, Refusal> {
        let membership = self.memberships.get_mut(&account).filter(|membership| membership.state != State::Disabled);
        membership.ok_or(Refusal::Disabled)?.invitation = Some(invitation);
        let user = Self { password: None, second_factor: SecondFactor::Off, failures: Failures::default(), ..self };
        Ok(user.logged_out())
    }

    /// With another password; who was logged in by the one before is no more.
    #[must_use]
    pub fn with_password(self, password: PasswordHash) -> Self {
        Self { password: Some(password), ..self }.logged_out()
    }

    /// With a second factor as it is now. Where it comes into use or is given up, who was logged in is no more.
    #[must_use]
    pub fn with_second_factor(self, factor: SecondFactor) -> Self {
        let changes = self.second_factor.is_on() != factor.is_on();
        let user = Self { second_factor: factor, ..self };
        if changes { user.logged_out() } else { user }
    }

    /// Logged out wherever they are.
    #[must_use]
    pub fn logged_out(self) -> Self {
        Self { epoch: self.epoch.saturating_add(1), ..self }
    }

    /// Not let in once more.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        if self.failures.are_paused(now) { self } else { Self { failures: self.failures.and_one(now), ..self } }
    }

    /// Let in.
    #[must_use]
    pub fn logged_in(self, now: Timestamp) -> Self {
        Self { failures: Failures::default(), last_login_at: Some(now), ..self }
    }
}

/// The active owners of one account. It is kept apart from them, so that two who leave at once meet at one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owners(BTreeSet<UserId>);

impl Owners {
    /// After somebody was changed; `None` if that makes no difference.
    ///
    /// # Errors
    /// It was the last one.
    pub fn after(&self, account: AccountId, changed: &User) -> Result<Option<Self>, Refusal> {
        let owns = changed.role_in(account) == Some(Role::Owner);
        if owns == self.0.contains(&changed.id) {
            return Ok(None);
        }
        let mut owners = self.clone();
        if owns {
            owners.0.insert(changed.id);
        } else {
            owners.0.remove(&changed.id);
        }
        if owners.0.is_empty() { Err(Refusal::LastOwner) } else { Ok(Some(owners)) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::Ulid;

    const HERE: AccountId = AccountId::new(Ulid::from_bits(1));
    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn invitation() -> Invitation {
        Invitation { hash: "h".to_owned(), expires_at: NOW.plus_millis(INVITATION_MS) }
    }

    fn invited(role: Role) -> User {
        let user = User::new(UserId::new(Ulid::from_bits(7)), " Ada@Shop.example ", HERE, NOW);
        user.invited(HERE, (None, role), invitation(), Authority::Operator, NOW).unwrap()
    }

    /// Somebody with that role in one account.
    pub(crate) fn active(role: Role) -> User {
        invited(role).accepted(HERE, PasswordHash("p".to_owned()), NOW).unwrap()
    }

    fn disabled(role: Role) -> User {
        active(role).disabled(HERE, Authority::Operator).unwrap()
    }

    fn authorities() -> Vec<(Authority, Option<Role>)> {
        let people = Role::ALL.map(|role| (Authority::User(role), Some(role)));
        people.into_iter().chain([(Authority::Operator, None), (Authority::Key, Some(Role::Admin))]).collect()
    }

    /// Whether somebody who stands where a role does may give or take another; an operator may all.
    fn may(by: Option<Role>, role: Role) -> bool {
        by.is_none_or(|by| by.may_look_after(role))
    }

    #[test]
    fn nobody_is_invited_above_the_role_of_whoever_invites_and_nobody_twice() {
        for (by, stands) in authorities() {
            for role in Role::ALL {
                let invite = |user: User| user.invited(HERE, (None, role), invitation(), by, NOW).map(|user| user.memberships[&HERE].state);
                let expected = if may(stands, role) { Ok(State::Invited) } else { Err(Refusal::AboveRole) };
                assert_eq!(invite(User::new(UserId::new(Ulid::MAX), "b@b.example", HERE, NOW)), expected, "{by:?} {role:?}");
                for before in Role::ALL {
                    let both = if may(stands, role) && may(stands, before) { Ok(State::Invited) } else { Err(Refusal::AboveRole) };
                    assert_eq!((invite(invited(before)), invite(disabled(before))), (both, both), "{by:?} {before:?} {role:?}");
                    let there = if may(stands, role) { Refusal::AlreadyThere } else { Refusal::AboveRole };
                    assert_eq!(invite(active(before)), Err(there));
                }
            }
        }
    }

    #[test]
    fn a_role_is_changed_and_taken_by_those_only_who_stand_as_high_before_and_after() {
        for (by, stands) in authorities() {
            for before in Role::ALL {
                for state in [invited, active] {
                    for after in Role::ALL {
                        let changed = state(before).with_role(HERE, after, by).map(|user| user.memberships[&HERE].role);
                        let expected = if may(stands, before) && may(stands, after) { Ok(after) } else { Err(Refusal::AboveRole) };
                        assert_eq!(changed, expected, "{by:?} {before:?} {after:?}");
                    }
                    let taken = state(before).disabled(HERE, by).map(|user| user.memberships[&HERE].state);
                    assert_eq!(taken, if may(stands, before) { Ok(State::Disabled) } else { Err(Refusal::AboveRole) });
                }
                assert_eq!(disabled(before).with_role(HERE, Role::Analyst, by), Err(Refusal::Disabled));
            }
        }
    }

    #[test]
    fn only_who_is_active_has_a_role() {
        assert_eq!(active(Role::Admin).role_in(HERE), Some(Role::Admin));
        for user in [invited(Role::Admin), disabled(Role::Admin)] {
            assert!(user.role_in(HERE).is_none() && !user.is_active_anywhere() && user.roles().next().is_none());
        }
        assert_eq!(active(Role::Admin).role_in(AccountId::new(Ulid::MAX)), None);
    }

    #[test]
    fn an_invitation_is_taken_once_and_in_time() {
        let take = |user: User, now| user.accepted(HERE, PasswordHash("p".to_owned()), now);
        let late = NOW.plus_millis(INVITATION_MS);
        assert_eq!(take(invited(Role::Support), late), Err(Refusal::InvalidInvitation));
        let user = take(invited(Role::Support), late.plus_millis(-1)).unwrap();
        assert_eq!(take(user, NOW), Err(Refusal::InvalidInvitation));
        assert_eq!(take(disabled(Role::Support), NOW), Err(Refusal::InvalidInvitation));
        let other = AccountId::new(Ulid::from_bits(2));
        let back = active(Role::Support).invited(other, (None, Role::Owner), invitation(), Authority::Operator, NOW).unwrap();
        let both = back.accepted(other, PasswordHash("another".to_owned()), NOW).unwrap();
        assert_eq!(both.password, Some(PasswordHash("p".to_owned())), "an invitation changes no password that there is");
        assert_eq!((both.role_in(HERE), both.role_in(other)), (Some(Role::Support), Some(Role::Owner)));
    }

    #[test]
    fn what_changes_how_somebody_logs_in_logs_them_out() {
        let user = active(Role::Owner);
        let factor = SecondFactor::On {
            secret: crate::sealed::SealedSecret { key_version: 1, data_key: String::new(), secret: String::new() },
            last_step: 1,
            recovery: Vec::new(),
        };
        let on = user.clone().with_second_factor(factor.clone());
        let epochs = [
            user.clone().logged_out().epoch,
            user.clone().with_password(PasswordHash("q".to_owned())).epoch,
            user.clone().reset(HERE, invitation()).unwrap().epoch,
            on.epoch,
        ];
        assert_eq!(epochs, [user.epoch + 1; 4]);
        assert_eq!(on.clone().with_second_factor(SecondFactor::Off).epoch, on.epoch + 1);
        assert_eq!(on.clone().with_second_factor(factor.shown(2).unwrap()).epoch, on.epoch);
        let reset = on.reset(HERE, invitation()).unwrap();
        assert!(reset.password.is_none() && !reset.second_factor.is_on() && reset.role_in(HERE) == Some(Role::Owner));
        assert_eq!(disabled(Role::Owner).reset(HERE, invitation()), Err(Refusal::Disabled));
    }

    #[test]
    fn tries_in_a_pause_make_it_no_longer_and_logging_in_ends_it() {
        let mut user = active(Role::Owner);
        for _ in 0..50 {
            user = user.failed(NOW);
        }
        assert_eq!(user.failures.count, 5);
        assert!(user.failures.are_paused(NOW) && !user.logged_in(NOW).failures.are_paused(NOW));
    }

    #[test]
    fn an_account_keeps_at_least_one_active_owner() {
        let with = |id: u128, role: Role| User { id: UserId::new(Ulid::from_bits(id)), ..active(role) };
        let first = Owners::default().after(HERE, &with(1, Role::Owner)).unwrap().unwrap();
        assert_eq!(first.after(HERE, &with(2, Role::Admin)), Ok(None));
        assert_eq!(first.after(HERE, &with(1, Role::Owner)), Ok(None));
        for gone in [with(1, Role::Admin), User { id: UserId::new(Ulid::from_bits(1)), ..disabled(Role::Owner) }] {
            assert_eq!(first.after(HERE, &gone), Err(Refusal::LastOwner));
            let both = first.after(HERE, &with(2, Role::Owner)).unwrap().unwrap();
            let second = both.after(HERE, &gone).unwrap().unwrap();
            assert_eq!(second.after(HERE, &with(2, Role::Analyst)), Err(Refusal::LastOwner));
        }
        let not_yet = User { id: UserId::new(Ulid::from_bits(3)), ..invited(Role::Owner) };
        assert_eq!(first.after(HERE, &not_yet), Ok(None), "who is only invited counts as none");
    }

    #[test]
    fn nobody_looks_after_more_accounts_than_a_record_holds() {
        let mut user = active(Role::Analyst);
        for account in 2..=50 {
            let account = AccountId::new(Ulid::from_bits(account));
            user = user.invited(account, (None, Role::Analyst), invitation(), Authority::Key, NOW).unwrap();
        }
        let one_more = user.invited(AccountId::new(Ulid::MAX), (None, Role::Analyst), invitation(), Authority::Key, NOW);
        assert_eq!(one_more, Err(Refusal::TooManyAccounts));
    }

    #[test]
    fn capitals_make_no_other_address_and_a_password_shows_in_no_log() {
        assert_eq!(active(Role::Owner).email, "ada@shop.example");
        assert!(!format!("{:?}", PasswordHash("$argon2id$secret".to_owned())).contains("argon2id"));
    }
}
