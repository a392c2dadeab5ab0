//! `bursar store`: what must be there before servers can share a table of `DynamoDB`. Files and databases are made by `serve`.

use bursar::compose::SetupError;
#[cfg(feature = "dynamodb")]
use bursar::engines::Address;
use clap::{Args, Subcommand};

use super::StoreArgs;

#[derive(Subcommand)]
pub(super) enum StoreCommand {
    /// Make the table, or what it lacks; one that is as it must be stays as it is.
    Create(Create),
    /// Look whether the table is as it must be.
    Check(Check),
}

#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    store: StoreArgs,
    /// Partition keys over which the records of each kind are spread, for good: 1 to 32768, usually 16.
    #[arg(long, env = "BURSAR_RECORD_SHARDS")]
    record_shards: Option<u16>,
    /// Partition keys over which each long list of each merchant is spread, for good: 1 to 256, usually 4.
    #[arg(long, env = "BURSAR_LIST_SHARDS")]
    list_shards: Option<u16>,
    /// Keep records as the JSON they are, for other programs to read, and not compressed.
    #[arg(long, env = "BURSAR_PLAIN_RECORDS")]
    plain: bool,
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    store: StoreArgs,
}

impl StoreCommand {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Create(command) => command.run().await,
            Self::Check(command) => command.run().await,
        }
    }
}

#[cfg(not(feature = "dynamodb"))]
mod by_feature {
    use super::{Check, Create, SetupError};
    use bursar::engines::without_dynamodb;

    impl Create {
        #[allow(clippy::unused_async, reason = "as where there is something to wait for")]
        pub(super) async fn run(self) -> Result<(), SetupError> {
            let Self { store: _, record_shards: _, list_shards: _, plain: _ } = self;
            Err(without_dynamodb())
        }
    }

    impl Check {
        #[allow(clippy::unused_async, reason = "as where there is something to wait for")]
        pub(super) async fn run(self) -> Result<(), SetupError> {
            let Self { store: _ } = self;
            Err(without_dynamodb())
        }
    }
}

#[cfg(feature = "dynamodb")]
mod by_feature {
    use super::{Address, Check, Create, SetupError, StoreArgs};
    use crate::cli::{failed, say};
    use ::store::dynamodb::{DynamoDb, Plan};

    fn table(store: &StoreArgs) -> Result<String, SetupError> {
        match store.address()? {
            Address::Table(url) => Ok(url),
            Address::Memory | Address::File(_) | Address::Database(_) => {
                Err(SetupError("`bursar serve` makes this store itself; only dynamodb://TABLE is made by this command".to_owned()))
            }
        }
    }

    fn tell(plan: Plan) {
        let bodies = if plan.plain { "plain" } else { "compressed" };
        say(&format!(
            "the table is ready: {} shards of records, {} of each long list, records {bodies}\n",
            plan.record_shards, plan.list_shards
        ));
    }

    impl Create {
        /// Nothing said of the layout means whatever there is; something said, all of it.
        fn plan(&self) -> Option<Plan> {
            let usual = Plan::default();
            let is_said = self.record_shards.is_some() || self.list_shards.is_some() || self.plain;
            is_said.then(|| Plan {
                record_shards: self.record_shards.unwrap_or(usual.record_shards),
                list_shards: self.list_shards.unwrap_or(usual.list_shards),
                plain: self.plain,
            })
        }

        pub(super) async fn run(self) -> Result<(), SetupError> {
            let made = DynamoDb::create(&table(&self.store)?, self.plan()).await;
            made.map(tell).map_err(|e| failed("the store", e))
        }
    }

    impl Check {
        pub(super) async fn run(self) -> Result<(), SetupError> {
            let found = DynamoDb::check(&table(&self.store)?).await;
            found.map(tell).map_err(|e| failed("the store", e))
        }
    }
}
