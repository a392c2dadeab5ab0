//! `bursar token-keys`: the keys that sign access tokens. They are made and replaced without anybody's help; by hand, when one may
//! have become known to somebody.

use bursar::compose::{SetupError, operator};
use clap::{Args, Subcommand};
use domain::id::TokenKeyId;
use domain::time::Timestamp;
use domain::token_key::{signer, verifiers};

use super::{StoreArgs, day, failed, say};

#[derive(Subcommand)]
pub(super) enum TokenKeys {
    /// List the latest keys, and what each is for; also while a server runs.
    List(List),
    /// Make the next key; it signs in an hour, once whoever verifies has learned of it. No server may run on a store in a file
    /// meanwhile.
    Rotate(Rotate),
    /// Take a key back: what it signed opens nothing any more. No server may run on a store in a file meanwhile.
    Withdraw(Withdraw),
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args)]
pub(super) struct Withdraw {
    #[command(flatten)]
    store: StoreArgs,
    /// The key's id, as `bursar token-keys list` shows it and tokens have it under `kid`.
    #[arg(env = "BURSAR_TOKEN_KEY_ID")]
    id: TokenKeyId,
}

impl TokenKeys {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::List(list) => list.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Withdraw(withdraw) => withdraw.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        let keys = platform.latest_token_keys().await.map_err(|e| failed("the keys", e))?;
        let now = platform.now();
        let signs = signer(&keys, now).map(|key| key.id);
        let verify: Vec<TokenKeyId> = verifiers(&keys, now).iter().map(|key| key.id).collect();
        for key in &keys {
            let does = match key.withdrawn_at {
                Some(at) => format!("withdrawn {}", day(at)),
                None => does(key.id, key.created_at, signs, &verify).to_owned(),
            };
            say(&format!("{}  {}  {does}\n", key.id, day(key.created_at)));
        }
        Ok(())
    }
}

fn does(id: TokenKeyId, created_at: Timestamp, signs: Option<TokenKeyId>, verify: &[TokenKeyId]) -> &'static str {
    let signer_is_older = signs.is_some_and(|signs| signs.ulid().created_at() < created_at);
    match (signs == Some(id), verify.contains(&id)) {
        (true, _) => "signs",
        (false, true) if signer_is_older => "signs next",
        (false, true) => "signed, and still verifies",
        (false, false) => "signed",
    }
}

impl Rotate {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let key = platform.make_token_key(&operator()).await.map_err(|e| failed("the key", e))?;
        say(&format!("{} is made\n", key.id));
        Ok(())
    }
}

impl Withdraw {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let key = platform.withdraw_token_key(&operator(), self.id).await.map_err(|e| failed("the key", e))?;
        say(&format!("{} signs and verifies nothing any more\n", key.id));
        Ok(())
    }
}
