//! The command line: one command a file.
//!
//! Every option can also be given as an environment variable whose name begins with `BURSAR_`; a test holds this.

mod accounts;
mod api;
mod attempts;
mod audit;
mod backup;
mod bank_simulator;
mod events;
mod issuers;
mod keys;
mod limits;
mod listen;
mod records;
mod serve;
mod store;
mod tls;
mod token_keys;
mod trigger;
mod users;
mod verify;

use std::io::Write as _;
use std::sync::Arc;

use ::store::Store;
use bursar::compose::{self, SetupError};
use bursar::engines::{Address, Purpose};
use clap::{Args, Parser, Subcommand};
use domain::audit::signing::SigningKey;
use domain::id::AccountId;
use domain::time::Timestamp;
use payments::Platform;

/// A payment platform that businesses run themselves.
#[derive(Parser)]
#[command(name = "bursar", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (also without a command).
    Serve(Box<serve::Serve>),
    /// Make and list merchants.
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Make, list and revoke the keys with which merchants speak to the API.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Trust outside issuers of access tokens, and no more.
    #[command(subcommand)]
    Issuers(issuers::Issuers),
    /// List, replace and take back the keys that sign access tokens.
    #[command(subcommand)]
    TokenKeys(token_keys::TokenKeys),
    /// Invite and list the people who look after accounts, give them another role, disable them, let them begin anew.
    #[command(subcommand)]
    Users(users::Users),
    /// Verify, seal and export the audit trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// List what was begun and has no known end, and end it by hand.
    #[command(subcommand)]
    Attempts(attempts::Attempts),
    /// Write a consistent copy of the store, also while a server runs.
    Backup(backup::Backup),
    /// Print every record as a line of JSON, also while a server runs.
    Records(records::Records),
    /// Make a table of DynamoDB, or look whether one is as it must be.
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Recompute the books from their entries and compare; also while a server runs.
    Verify(verify::Verify),
    /// Print what happens at a server as it does, and forward it to a program on this machine.
    Listen(listen::Listen),
    /// Make something happen at a server, with test cards, so that its event does.
    Trigger(trigger::Trigger),
    /// Tell webhook endpoints of what happened again.
    #[command(subcommand)]
    Events(events::Events),
    /// Serve the bank simulator alone, for `serve --bank`.
    BankSimulator(bank_simulator::BankSimulator),
}

impl Cli {
    /// Carries the command out.
    pub(crate) async fn run(self) -> Result<(), SetupError> {
        match self.command {
            None => self.serve.run().await,
            Some(Command::Serve(command)) => command.run().await,
            Some(Command::Accounts(command)) => command.run().await,
            Some(Command::Keys(command)) => command.run().await,
            Some(Command::Issuers(command)) => command.run().await,
            Some(Command::TokenKeys(command)) => command.run().await,
            Some(Command::Users(command)) => command.run().await,
            Some(Command::Audit(command)) => command.run().await,
            Some(Command::Attempts(command)) => command.run().await,
            Some(Command::Backup(command)) => command.run(),
            Some(Command::Records(command)) => command.run().await,
            Some(Command::Store(command)) => command.run().await,
            Some(Command::Verify(command)) => command.run().await,
            Some(Command::Listen(command)) => command.run().await,
            Some(Command::Trigger(command)) => command.run().await,
            Some(Command::Events(command)) => command.run().await,
            Some(Command::BankSimulator(command)) => command.run().await,
        }
    }
}

/// Which store.
#[derive(Args)]
struct StoreArgs {
    /// Where everything is kept: sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE, dynamodb://TABLE or memory:
    #[arg(long, env = "BURSAR_STORE", default_value = "sqlite:bursar-data/bursar.db", hide_env_values = true)]
    store: String,
}

impl StoreArgs {
    fn address(&self) -> Result<Address, SetupError> {
        Address::parse(&self.store)
    }

    /// The platform over the store, to be changed.
    async fn change(&self) -> Result<Platform, SetupError> {
        self.change_signing(None).await
    }

    /// The same; what it seals of the audit trail is signed with the key.
    async fn change_signing(&self, key: Option<SigningKey>) -> Result<Platform, SetupError> {
        compose::without_payments(self.address()?.open(Purpose::Change).await?, key)
    }

    /// The platform over the store, to be read; also while a server runs.
    async fn read(&self) -> Result<Platform, SetupError> {
        compose::without_payments(self.address()?.open(Purpose::Read).await?, None)
    }

    /// All of the store as of now; also while a server runs.
    async fn snapshot(&self) -> Result<Arc<dyn Store>, SetupError> {
        self.address()?.open(Purpose::Snapshot).await
    }
}

fn failed(what: &str, why: impl std::fmt::Display) -> SetupError {
    SetupError(format!("{what}: {why}"))
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// The day of a time, UTC.
fn day(time: Timestamp) -> String {
    time::OffsetDateTime::from_unix_timestamp(time.seconds()).map(|at| at.date().to_string()).unwrap_or_default()
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

/// The merchant that was named, or the only one there is.
async fn account(platform: &Platform, named: Option<AccountId>) -> Result<AccountId, SetupError> {
    let all = platform.all_accounts().await.map_err(|e| failed("the accounts", e))?;
    let ids: Vec<AccountId> = all.iter().map(|account| account.id).collect();
    match (named, ids.as_slice()) {
        (Some(named), _) if ids.contains(&named) => Ok(named),
        (Some(named), _) => Err(SetupError(format!("there is no account {named}; `bursar accounts list` shows those there are"))),
        (None, [only]) => Ok(*only),
        (None, []) => Err(SetupError("there is no account yet; make one with `bursar accounts create`".to_owned())),
        (None, _) => Err(SetupError("there is more than one account; name one with --account".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn every_command(command: &clap::Command, path: &str, visit: &mut impl FnMut(&str, &clap::Command)) {
        let path = format!("{path} {}", command.get_name());
        visit(&path, command);
        command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| every_command(sub, &path, visit));
    }

    #[test]
    fn every_option_can_be_given_by_the_environment_and_is_explained() {
        let mut options = 0;
        every_command(&Cli::command(), "", &mut |path, command| {
            assert!(command.get_about().is_some(), "{path} is not explained");
            for option in command.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
                let variable = option.get_env().map(|env| env.to_string_lossy().into_owned()).unwrap_or_default();
                assert!(variable.starts_with("BURSAR_"), "{path} {}", option.get_id());
                assert!(option.get_help().is_some(), "{path} {}", option.get_id());
                options += 1;
            }
        });
        assert!(options > 20, "{options}");
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
