//! People who look after accounts: invited, taken in, logged in and out, changed and disabled.
//!
//! - Of links, sessions and recovery codes only hashes are kept, of passwords what `passwords` makes of them.
//! - Whoever does not get in is told the same, and takes the same work, whether there is such a person or not.
//! - Everything that is done or refused here has a row in the trail of an account's live data: what concerns one account in that
//!   one's, what people do to themselves in that of the account that invited them first.
//!
//! Absent on purpose: sending anything to anybody; cookies and headers, which are the server's.

mod accept;
mod change_password;
mod codes;
mod invite;
mod log_in;
mod look_after;
pub(crate) mod passwords;
mod reset;
mod second_factor;
mod sessions;

use aws_lc_rs::digest::{SHA256, digest};
use domain::audit::Actor;
use domain::id::{AccountId, UserId};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;
use domain::user::{Authority, INVITATION_MS, Invitation, Owners, Refusal, User};
use store::{Key, Kind, Precondition, Write};
use zeroize::Zeroizing;

pub use invite::NewUser;
pub use second_factor::Enrolling;
pub use sessions::LoggedIn;

use crate::error::{Error, Place};
use crate::outcome::Secret;
use crate::platform::{Platform, Request};
use crate::records::{Loaded, decode, encode};
use crate::writes::Writes;
use passwords::SALT_BYTES;

/// Random bytes of a link's or a session's text.
const SECRET_BYTES: usize = 32;
/// What the text of an invitation begins with.
const INVITATION: &str = "inv";

/// SHA-256, hexadecimal: for texts that are random enough that nobody finds them from it.
fn hash_of(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

/// Where it is kept who has that address. As a hash, since the length of addresses has no bound that suits a key.
pub(crate) fn by_email(scope: Scope, email: &str) -> Key {
    Key::named(scope, Kind::User, format!("email:{}", hash_of(email)))
}

fn owners_of(account: AccountId) -> Key {
    Key::named(Scope::PLATFORM, Kind::User, format!("owners:{account}"))
}

/// The trail that tells of an account's people.
const fn trail(account: AccountId) -> Scope {
    Scope { account, mode: Mode::Live }
}

impl Platform {
    async fn user(&self, id: UserId) -> Result<Option<Loaded<User>>, Error> {
        self.find(Scope::PLATFORM, id.ulid()).await
    }

    /// Whoever has that address. Nobody takes as many reads as somebody.
    async fn user_with(&self, email: &str) -> Result<Option<Loaded<User>>, Error> {
        let item = self.store.get_one(&by_email(Scope::PLATFORM, email)).await?;
        let id: Option<UserId> = item.map(|item| decode(&item.body)).transpose()?;
        let found = self.user(id.unwrap_or(UserId::new(domain::id::Ulid::NIL))).await?;
        Ok(found.filter(|_| id.is_some()))
    }

    /// A person of an account: nobody else's is there.
    async fn member(&self, account: AccountId, id: UserId, place: Place) -> Result<Loaded<User>, Error> {
        let missing = || Error::NotFound { kind: "user", id: id.to_string(), param: "user", place };
        let found = self.user(id).await?.filter(|loaded| loaded.value.memberships.contains_key(&account));
        found.ok_or_else(missing)
    }

    /// With what power a request looks after people.
    async fn authority(&self, request: &Request) -> Result<Authority, Error> {
        match &request.actor {
            Actor::ApiKey { .. } => Ok(Authority::Key),
            Actor::User { id } => {
                let user = self.user(*id).await?;
                let role = user.and_then(|user| user.value.role_in(request.scope.account));
                Ok(Authority::User(role.ok_or(Refusal::AboveRole)?))
            }
            Actor::Operator { .. } => Ok(Authority::Operator),
            Actor::Client { .. }
            | Actor::PublishableKey { .. }
            | Actor::Buyer
            | Actor::Job { .. }
            | Actor::Provider { .. }
            | Actor::Unknown => Err(Refusal::AboveRole.into()),
        }
    }

    /// Keeps the account's owners as they are after somebody was changed. Who else changes them at the same time loses the race.
    async fn keep_owners(&self, account: AccountId, changed: &User, writes: &mut Writes) -> Result<(), Error> {
        let item = self.store.get_one(&owners_of(account)).await?;
        let owners: Owners = item.as_ref().map(|item| decode(&item.body)).transpose()?.unwrap_or_default();
        if let Some(owners) = owners.after(account, changed)? {
            let precondition = item.map_or(Precondition::Absent, |item| Precondition::Revision(item.revision));
            writes.push(Write::Put { key: owners_of(account), body: encode(&owners)?, precondition });
        }
        Ok(())
    }

    /// A random text that is shown once.
    fn new_text(&self) -> Result<Zeroizing<String>, Error> {
        let mut bytes = Zeroizing::new([0u8; SECRET_BYTES]);
        self.entropy.fill(bytes.as_mut_slice())?;
        Ok(Zeroizing::new(hex::encode(bytes.as_slice())))
    }

    fn new_salt(&self) -> Result<[u8; SALT_BYTES], Error> {
        let mut salt = [0u8; SALT_BYTES];
        self.entropy.fill(&mut salt)?;
        Ok(salt)
    }

    /// An invitation, and the text that takes it: which account, who, and the secret.
    fn new_invitation(&self, account: AccountId, user: UserId, now: Timestamp) -> Result<(Invitation, Secret), Error> {
        let secret = self.new_text()?;
        let text = format!("{INVITATION}_{}_{}_{}", account.ulid(), user.ulid(), secret.as_str());
        let invitation = Invitation { hash: hash_of(&secret), expires_at: now.plus_millis(INVITATION_MS) };
        Ok((invitation, Secret(Zeroizing::new(text))))
    }
}
