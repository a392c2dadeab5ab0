//! `bursar users`: the people who look after accounts in a browser. The first owner of an account is made here.
//!
//! The text of an invitation is shown once; the store keeps its hash. Nothing is sent to anybody.

use bursar::compose::{SetupError, operator};
use clap::{Args, Subcommand, ValueEnum};
use domain::id::{AccountId, UserId};
use domain::user::{self, User};
use payments::Platform;
use payments::outcome::Secret;
use payments::users::NewUser;

use super::{StoreArgs, account, day, failed, say};

#[derive(Subcommand)]
pub(super) enum Users {
    /// Invite somebody and show the invitation, this once. No server may run on a store in a file meanwhile.
    Invite(Invite),
    /// List people with their roles, oldest first; also while a server runs.
    List(List),
    /// Give somebody another role. No server may run on a store in a file meanwhile.
    Role(ChangeRole),
    /// Disable somebody: they may look after the account no more. No server may run on a store in a file meanwhile.
    Disable(Somebody),
    /// Take password and second factor from somebody who lost one, log them out, and show an invitation to begin anew. No server may
    /// run on a store in a file meanwhile.
    Reset(Somebody),
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// May do everything, and make others owners.
    Owner,
    /// May do everything, and looks after everybody but owners.
    Admin,
    /// Looks after keys and endpoints, and tries things out with test data.
    Developer,
    /// Helps buyers: sees payments, gives money back.
    Support,
    /// Looks at payments and figures.
    Analyst,
}

impl From<Role> for user::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Developer => Self::Developer,
            Role::Support => Self::Support,
            Role::Analyst => Self::Analyst,
        }
    }
}

#[derive(Args)]
pub(super) struct Invite {
    #[command(flatten)]
    store: StoreArgs,
    /// Which account; may be left out when there is one.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
    /// Their address, with which they log in.
    #[arg(long, env = "BURSAR_USER_EMAIL")]
    email: String,
    /// What they are called.
    #[arg(long, env = "BURSAR_USER_NAME")]
    name: Option<String>,
    /// What they are to be.
    #[arg(long, env = "BURSAR_USER_ROLE")]
    role: Role,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Of which account; of every one if left out.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
}

#[derive(Args)]
pub(super) struct ChangeRole {
    #[command(flatten)]
    whom: Somebody,
    /// What they are to be.
    #[arg(long, env = "BURSAR_USER_ROLE")]
    role: Role,
}

#[derive(Args)]
pub(super) struct Somebody {
    #[command(flatten)]
    store: StoreArgs,
    /// In which account; may be left out when there is one.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
    /// Their id, as `bursar users list` shows it.
    #[arg(env = "BURSAR_USER_ID")]
    id: UserId,
}

impl Users {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Invite(invite) => invite.run().await,
            Self::List(list) => list.run().await,
            Self::Role(change) => change.run().await,
            Self::Disable(whom) => whom.disable().await,
            Self::Reset(whom) => whom.reset().await,
        }
    }
}

fn invitation(user: &User, text: &Secret) -> String {
    let (text, email) = (text.0.as_str(), &user.email);
    format!(
        "{text}\n\nThis is the only time it is shown. Whoever has it chooses the password of {email}, within 7 days:\n  POST /invitation\n"
    )
}

impl Invite {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let account = account(&platform, self.account).await?;
        let new = NewUser { email: self.email, name: self.name, role: self.role.into() };
        let (user, text) = platform.invite_user_by(&operator(), account, &new).await.map_err(|e| failed("the user", e))?;
        say(&invitation(&user, &text));
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        let accounts = match self.account {
            Some(named) => vec![account(&platform, Some(named)).await?],
            None => platform.all_accounts().await.map_err(|e| failed("the accounts", e))?.iter().map(|account| account.id).collect(),
        };
        for account in accounts {
            for user in platform.users_of(account).await.map_err(|e| failed("the users", e))? {
                say(&line(&user, account));
            }
        }
        Ok(())
    }
}

fn line(user: &User, account: AccountId) -> String {
    let Some(membership) = user.memberships.get(&account) else { return String::new() };
    let (role, state) = (membership.role.as_str(), membership.state.as_str());
    let factor = if user.second_factor.is_on() { "  second factor" } else { "" };
    let seen = user.last_login_at.map(|at| format!("  logged in {}", day(at))).unwrap_or_default();
    let name = membership.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
    format!("{}  {account}  {role}  {state}  {}  {}{factor}{seen}{name}\n", user.id, day(membership.created_at), user.email)
}

impl ChangeRole {
    async fn run(self) -> Result<(), SetupError> {
        let (platform, account) = self.whom.open().await?;
        let changed = platform.change_user_role_by(&operator(), account, self.whom.id, self.role.into()).await;
        say(&line(&changed.map_err(|e| failed("the user", e))?, account));
        Ok(())
    }
}

impl Somebody {
    async fn open(&self) -> Result<(Platform, AccountId), SetupError> {
        let platform = self.store.change().await?;
        let account = account(&platform, self.account).await?;
        Ok((platform, account))
    }

    async fn disable(self) -> Result<(), SetupError> {
        let (platform, account) = self.open().await?;
        let user = platform.disable_user_by(&operator(), account, self.id).await.map_err(|e| failed("the user", e))?;
        say(&line(&user, account));
        Ok(())
    }

    async fn reset(self) -> Result<(), SetupError> {
        let (platform, account) = self.open().await?;
        let (user, text) = platform.reset_user_by(&operator(), account, self.id).await.map_err(|e| failed("the user", e))?;
        say(&invitation(&user, &text));
        Ok(())
    }
}
