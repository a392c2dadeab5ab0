//! `bursar issuers`: outside issuers whose access tokens open something here, as Amazon Cognito or Keycloak.

use bursar::compose::{SetupError, operator};
use bursar::is_safe_issuer;
use clap::{Args, Subcommand};
use domain::id::{AccountId, TokenIssuerId};
use domain::permission::{Access, Permissions, Resource};
use domain::scope::Scope;
use domain::token_issuer::TokenIssuer;
use payments::tokens::NewIssuer;

use super::keys::{Mode, permission};
use super::{StoreArgs, account, day, failed, say};

#[derive(Subcommand)]
pub(super) enum Issuers {
    /// Trust an issuer: its tokens open one account and mode. No server may run on a store in a file meanwhile.
    Trust(Trust),
    /// List the issuers that are trusted; also while a server runs.
    List(List),
    /// Trust an issuer no more. No server may run on a store in a file meanwhile.
    Distrust(Distrust),
}

#[derive(Args)]
pub(super) struct Trust {
    #[command(flatten)]
    store: StoreArgs,
    /// The issuer's address, exactly as its tokens write it under `iss`; its keys are found under it.
    #[arg(long, env = "BURSAR_ISSUER")]
    issuer: String,
    /// Whom its tokens must be for: what they write under `aud`; for Amazon Cognito, the client's id.
    #[arg(long, env = "BURSAR_ISSUER_AUDIENCE")]
    audience: String,
    /// Whose data its tokens open; may be left out when there is one account.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
    /// Whose money they move.
    #[arg(long, env = "BURSAR_ISSUER_MODE", default_value = "test")]
    mode: Mode,
    /// What they may do at most, with commas between them: refunds=write,charges=read. Each may do what its scope says of that.
    #[arg(long, env = "BURSAR_ISSUER_ALLOW", value_delimiter = ',', value_parser = permission, required = true)]
    allow: Vec<(Resource, Access)>,
    /// What stands before the words of a scope that mean something here, as `bursar/` before refunds:write.
    #[arg(long, env = "BURSAR_ISSUER_PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args)]
pub(super) struct Distrust {
    #[command(flatten)]
    store: StoreArgs,
    /// The issuer's id, as `bursar issuers list` shows it.
    #[arg(env = "BURSAR_ISSUER_ID")]
    id: TokenIssuerId,
}

impl Issuers {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Trust(trust) => trust.run().await,
            Self::List(list) => list.run().await,
            Self::Distrust(distrust) => distrust.run().await,
        }
    }
}

impl Trust {
    async fn run(self) -> Result<(), SetupError> {
        if !is_safe_issuer(&self.issuer) {
            return Err(SetupError("the issuer's address must begin with https://, or lead to this machine".to_owned()));
        }
        let platform = self.store.change().await?;
        let scope = Scope { account: account(&platform, self.account).await?, mode: self.mode.into() };
        let permissions = Permissions::of(self.allow);
        let new = NewIssuer { issuer: self.issuer, audience: self.audience, scope, prefix: self.prefix, permissions };
        let issuer = platform.trust_issuer(&operator(), &new).await.map_err(|e| failed("the issuer", e))?;
        say(&line(&issuer));
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        for issuer in platform.trusted_issuers().await.map_err(|e| failed("the issuers", e))?.iter() {
            say(&line(issuer));
        }
        Ok(())
    }
}

fn line(issuer: &TokenIssuer) -> String {
    let may: Vec<String> = issuer.permissions.iter().map(|(what, access)| format!("{}={}", what.as_str(), access.as_str())).collect();
    let TokenIssuer { id, scope, audience, prefix, .. } = issuer;
    let prefix = if prefix.is_empty() { String::new() } else { format!("  {prefix}…") };
    let day = day(issuer.created_at);
    format!("{id}  {}  {}  {}  {audience}  {}{prefix}  {day}\n", scope.account, scope.mode, issuer.issuer, may.join(","))
}

impl Distrust {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let issuer = platform.distrust_issuer(&operator(), self.id).await.map_err(|e| failed("the issuer", e))?;
        say(&format!("{} is trusted no more\n", issuer.id));
        Ok(())
    }
}
