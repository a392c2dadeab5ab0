//! `bursar accounts`: merchants, made and listed.

use bursar::compose::{SetupError, operator};
use clap::{Args, Subcommand};
use domain::currency::Currency;
use payments::accounts::NewAccount;

use super::{StoreArgs, day, failed, say};

#[derive(Subcommand)]
pub(super) enum Accounts {
    /// Make a merchant. No server may run on a store in a file meanwhile.
    Create(Create),
    /// List the merchants, oldest first; also while a server runs.
    List(List),
}

#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    store: StoreArgs,
    /// The shop's name, as people know it.
    #[arg(long, env = "BURSAR_ACCOUNT_NAME")]
    name: String,
    /// Where to write to the merchant.
    #[arg(long, env = "BURSAR_ACCOUNT_EMAIL")]
    email: Option<String>,
    /// Where the merchant is: two letters, ISO 3166.
    #[arg(long, env = "BURSAR_ACCOUNT_COUNTRY", default_value = "US", value_parser = country)]
    country: String,
    /// The currency its reports begin with: three letters, ISO 4217.
    #[arg(long, env = "BURSAR_ACCOUNT_CURRENCY", default_value = "usd", value_parser = currency)]
    currency: Currency,
    /// What buyers read on their statements, 5 to 22 characters; made of the name if left out.
    #[arg(long, env = "BURSAR_ACCOUNT_STATEMENT_DESCRIPTOR")]
    statement_descriptor: Option<String>,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
}

fn country(text: &str) -> Result<String, String> {
    let is_code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    if is_code { Ok(text.to_ascii_uppercase()) } else { Err("not two letters".to_owned()) }
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::from_code(text).ok_or_else(|| "not a currency of ISO 4217".to_owned())
}

impl Accounts {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Create(create) => create.run().await,
            Self::List(list) => list.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.change().await?;
        let new = NewAccount {
            name: self.name,
            email: self.email,
            country: self.country,
            default_currency: self.currency,
            statement_descriptor: self.statement_descriptor,
        };
        let account = platform.create_account(&operator(), &new).await.map_err(|e| failed("the account", e))?;
        say(&format!("{}\n\nIts first key:\n  bursar keys create --account {}\n", account.id, account.id));
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), SetupError> {
        let platform = self.store.read().await?;
        for account in platform.all_accounts().await.map_err(|e| failed("the accounts", e))? {
            let (id, country, currency) = (account.id, &account.country, account.default_currency.code());
            say(&format!("{id}  {country}  {currency}  {}  {}\n", day(account.created_at), account.name));
        }
        Ok(())
    }
}
