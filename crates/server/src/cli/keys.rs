//! `bursar keys`: the keys with which merchants speak to the API. A key's text is shown once, when it is made; the
//! store keeps its hash.

use bursar::compose::{SetupError, operator};
use clap::{Args, Subcommand, ValueEnum};
use domain::account::{ApiKey, ApiKeyKind};
use domain::id::{AccountId, ApiKeyId};
use domain::permission::{Access, Permissions, Resource};
use domain::scope::{self, Scope};
use domain::time::Timestamp;
use ipnet::IpNet;
use payments::accounts::NewKey;

use super::{StoreArgs, account, day, failed, say};

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a key and show it, this once. No server may run on a store in a file meanwhile.
    Create(Create),
    /// List keys by their ids and last characters, oldest first; also while a server runs.
    List(List),
    /// Make a key that takes the place of another, which opens what it did for a while. No server may run on a store in a file
    /// meanwhile.
    Roll(Roll),
    /// Revoke a key: it opens nothing any more. No server may run on a store in a file meanwhile.
    Revoke(Revoke),
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Opens everything of its account; stays on the shop's server.
    Secret,
    /// Makes tokens and cards, and confirms what a client secret names; may be in a browser.
    Publishable,
    /// Does what `--allow` says; stays on a server.
    Restricted,
    /// Makes and changes merchants, and speaks for each of them; stays with whoever runs the platform.
    Platform,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Mode {
    /// No money moves.
    Test,
    /// Money moves.
    Live,
}

impl From<Mode> for scope::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Test => Self::Test,
            Mode::Live => Self::Live,
        }
    }
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
    /// What a restricted key may do, with commas between them: refunds=write,charges=read. What is not named it may not.
    #[arg(long, env = "BURSAR_KEY_ALLOW", value_delimiter = ',', value_parser = permission, required_if_eq("kind", "restricted"))]
    allow: Vec<(Resource, Access)>,
    /// The networks that it may be used from, with commas between them: 192.0.2.0/24; from anywhere if left out.
    #[arg(long, env = "BURSAR_KEY_FROM", value_delimiter = ',')]
    from: Vec<IpNet>,
}

#[derive(Args)]
pub(super) struct Roll {
    #[command(flatten)]
    store: StoreArgs,
    /// The key's id, as `bursar keys list` shows it; not the key.
    #[arg(env = "BURSAR_KEY_ID")]
    id: ApiKeyId,
    /// For how many seconds the old one opens what it did.
    #[arg(long, env = "BURSAR_KEY_OVERLAP", default_value_t = 86_400, value_parser = clap::value_parser!(i64).range(0..=604_800))]
    overlap: i64,
}

/// `refunds=write`.
pub(super) fn permission(text: &str) -> Result<(Resource, Access), String> {
    let (name, access) = text.split_once('=').ok_or("write it as refunds=write")?;
    let all = || Resource::ALL.iter().filter(|resource| resource.is_for_keys());
    let names = || all().map(|resource| resource.as_str()).collect::<Vec<_>>().join(", ");
    let resource = all().find(|resource| resource.as_str() == name).ok_or_else(|| format!("{name} is none of {}", names()))?;
    Ok((*resource, Access::from_name(access).ok_or("it is read or write")?))
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
            Self::Roll(roll) => roll.run().await,
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let kind = match self.kind {
            Kind::Secret => ApiKeyKind::Secret,
            Kind::Publishable => ApiKeyKind::Publishable,
            Kind::Restricted => ApiKeyKind::Restricted,
            Kind::Platform => ApiKeyKind::Platform,
        };
        if kind != ApiKeyKind::Restricted && !self.allow.is_empty() {
            return Err(SetupError("--allow is for restricted keys".to_owned()));
        }
        let scope = match kind {
            ApiKeyKind::Platform => Scope::PLATFORM,
            ApiKeyKind::Secret | ApiKeyKind::Publishable | ApiKeyKind::Restricted => {
                Scope { account: account(&platform, self.account).await?, mode: self.mode.into() }
            }
        };
        let new = NewKey { kind, permissions: Permissions::of(self.allow), allowed_from: self.from };
        let made = platform.create_key_of(&operator(), scope, new, None).await;
        let (key, text) = made.map_err(|e| failed("the key", e))?;
        say(&format!("{text}\n\nThis is the only time it is shown. Its id is {}.\n", key.id));
        Ok(())
    }
}

impl Roll {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let (key, text) = platform.roll_key(&operator(), self.id, self.overlap).await.map_err(|e| failed("the key", e))?;
        say(&format!("{text}\n\nThis is the only time it is shown. Its id is {}. {} ends in {} s.\n", key.id, self.id, self.overlap));
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        let accounts = match self.account {
            Some(named) => vec![account(&platform, Some(named)).await?],
            None => {
                let merchants = platform.all_accounts().await.map_err(|e| failed("the accounts", e))?;
                std::iter::once(Scope::PLATFORM.account).chain(merchants.iter().map(|merchant| merchant.id)).collect()
            }
        };
        for account in accounts {
            for key in platform.keys_of(account).await.map_err(|e| failed("the keys", e))? {
                let used = platform.key_last_used(key.id).await.map_err(|e| failed("the keys", e))?;
                say(&line(&key, used));
            }
        }
        Ok(())
    }
}

fn line(key: &ApiKey, used: Option<Timestamp>) -> String {
    let text = format!("{}…{}", key.kind.prefix(key.scope.mode), key.last4);
    let revoked = key.revoked_at.map(|at| format!("  revoked {}", day(at))).unwrap_or_default();
    let expires = key.expires_at.map(|at| format!("  expires {}", day(at))).unwrap_or_default();
    let used = used.map(|at| format!("  used {}", day(at))).unwrap_or_default();
    let may: Vec<String> = key.permissions.iter().map(|(what, access)| format!("{}={}", what.as_str(), access.as_str())).collect();
    let may = if may.is_empty() { String::new() } else { format!("  {}", may.join(",")) };
    format!("{}  {}  {text}  {}{used}{expires}{revoked}{may}\n", key.id, key.scope.account, day(key.created_at))
}

impl Revoke {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let key = platform.revoke_key(&operator(), self.id).await.map_err(|e| failed("the key", e))?;
        say(&format!("{} is revoked\n", key.id));
        Ok(())
    }
}
