//! `bursar keys`: the keys with which merchants speak to the API. A key's text is shown once, when it is made; the
//! store keeps its hash.

use bursar::compose::{SetupError, operator};
use clap::{Args, Subcommand, ValueEnum};
use domain::account::{ApiKey, ApiKeyKind};
use domain::id::{AccountId, ApiKeyId};
use domain::scope::{self, Scope};

use super::{StoreArgs, account, day, failed, say};

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a key and show it, this once. No server may run on a store in a file meanwhile.
    Create(Create),
    /// List keys by their ids and last characters, oldest first; also while a server runs.
    List(List),
    /// Revoke a key: it opens nothing any more. No server may run on a store in a file meanwhile.
    Revoke(Revoke),
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Opens everything of its account; stays on the shop's server.
    Secret,
    /// Makes tokens and cards, and confirms what a client secret names; may be in a browser.
    Publishable,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// No money moves.
    Test,
    /// Money moves.
    Live,
}

#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    store: StoreArgs,
    /// Whose key it is; may be left out when there is one account.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
    /// What the key may be used for.
    #[arg(long, env = "BURSAR_KEY_KIND", default_value = "secret")]
    kind: Kind,
    /// Whose money it moves.
    #[arg(long, env = "BURSAR_KEY_MODE", default_value = "test")]
    mode: Mode,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Whose keys; everybody's if left out.
    #[arg(long, env = "BURSAR_ACCOUNT")]
    account: Option<AccountId>,
}

#[derive(Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    store: StoreArgs,
    /// The key's id, as `bursar keys list` shows it; not the key.
    #[arg(env = "BURSAR_KEY_ID")]
    id: ApiKeyId,
}

impl Keys {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Create(create) => create.run().await,
            Self::List(list) => list.run().await,
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let account = account(&platform, self.account).await?;
        let kind = match self.kind {
            Kind::Secret => ApiKeyKind::Secret,
            Kind::Publishable => ApiKeyKind::Publishable,
        };
        let mode = match self.mode {
            Mode::Test => scope::Mode::Test,
            Mode::Live => scope::Mode::Live,
        };
        let (key, text) = platform.create_key(&operator(), Scope { account, mode }, kind, None).await.map_err(|e| failed("the key", e))?;
        say(&format!("{text}\n\nThis is the only time it is shown. Its id is {}.\n", key.id));
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        let accounts = match self.account {
            Some(named) => vec![account(&platform, Some(named)).await?],
            None => platform.all_accounts().await.map_err(|e| failed("the accounts", e))?.iter().map(|a| a.id).collect(),
        };
        for account in accounts {
            for key in platform.keys_of(account).await.map_err(|e| failed("the keys", e))? {
                say(&line(&key));
            }
        }
        Ok(())
    }
}

fn line(key: &ApiKey) -> String {
    let text = format!("{}…{}", key.kind.prefix(key.scope.mode), key.last4);
    let revoked = key.revoked_at.map(|at| format!("  revoked {}", day(at))).unwrap_or_default();
    format!("{}  {}  {text}  {}{revoked}\n", key.id, key.scope.account, day(key.created_at))
}

impl Revoke {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let key = platform.revoke_key(&operator(), self.id).await.map_err(|e| failed("the key", e))?;
        say(&format!("{} is revoked\n", key.id));
        Ok(())
    }
}
