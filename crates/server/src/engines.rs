//! Composition: which engine keeps the store, by its address, and how each command opens it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::Store;
#[cfg(feature = "dynamodb")]
use store::dynamodb::DynamoDb;
use store::embedded::{Embedded, OpenError, Options};
use store::memory::Memory;
use store::postgres::Postgres;

use crate::compose::SetupError;

/// Where the store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// In memory, gone with the process.
    Memory,
    /// In a file, which one process writes.
    File(PathBuf),
    /// In a database, which any number of processes share. The address may hold a password.
    Database(String),
    /// In a table of `DynamoDB`, which any number of processes share.
    Table(String),
}

/// What a process opens the store for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve it.
    Serve,
    /// To change something and end.
    Change,
    /// To look something up.
    Read,
    /// To read all of it as of one moment, where the engine can; else what is written meanwhile may be seen in part.
    Snapshot,
}

fn failed(why: impl std::fmt::Display) -> SetupError {
    SetupError(format!("the store: {why}"))
}

impl Address {
    /// From what `--store` says.
    ///
    /// # Errors
    /// No engine has that address.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        match text.split_once(':') {
            Some(("memory", _)) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Database(text.to_owned())),
            Some(("dynamodb", _)) => Ok(Self::Table(text.to_owned())),
            _ => Err(SetupError(
                "the store must be sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE, dynamodb://TABLE or memory:".to_owned(),
            )),
        }
    }

    /// The directory in which a store in a file has its other files.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::File(path) => path.parent(),
            Self::Memory | Self::Database(_) | Self::Table(_) => None,
        }
    }

    /// Whether any number of processes may write to it, which then need the same vault's key and the same bank.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        match self {
            Self::Memory | Self::File(_) => false,
            Self::Database(_) | Self::Table(_) => true,
        }
    }

    /// Opens the store.
    ///
    /// # Errors
    /// It cannot be opened for that purpose.
    pub async fn open(&self, purpose: Purpose) -> Result<Arc<dyn Store>, SetupError> {
        match self {
            Self::Memory if purpose == Purpose::Serve => Ok(Arc::new(Memory::new())),
            Self::Memory => {
                Err(SetupError("this command needs a store that outlives it: sqlite:PATH, postgres://… or dynamodb://…".to_owned()))
            }
            Self::File(path) => open_file(path, purpose),
            Self::Database(url) => open_database(url, purpose).await,
            Self::Table(url) => open_table(url, purpose).await,
        }
    }
}

fn open_file(path: &Path, purpose: Purpose) -> Result<Arc<dyn Store>, SetupError> {
    let opened = match purpose {
        Purpose::Serve | Purpose::Change => Embedded::open(path, Options::default()),
        Purpose::Read => Embedded::open_read_only(path),
        Purpose::Snapshot => Embedded::open_snapshot(path),
    };
    match opened {
        Ok(store) => Ok(Arc::new(store)),
        Err(OpenError::InUse(path)) if purpose == Purpose::Change => Err(SetupError(format!(
            "{} is in use by a running server, and only one process may write to it. Stop the server, repeat this command, \
             then start the server again.",
            path.display()
        ))),
        Err(error) => Err(failed(error)),
    }
}

async fn open_database(url: &str, purpose: Purpose) -> Result<Arc<dyn Store>, SetupError> {
    let opened = match purpose {
        Purpose::Serve | Purpose::Change => Postgres::open(url).await,
        Purpose::Read => Postgres::open_existing(url).await,
        Purpose::Snapshot => Postgres::open_snapshot(url).await,
    };
    opened.map(|store| -> Arc<dyn Store> { Arc::new(store) }).map_err(failed)
}

#[cfg(feature = "dynamodb")]
async fn open_table(url: &str, purpose: Purpose) -> Result<Arc<dyn Store>, SetupError> {
    let opened = match purpose {
        Purpose::Serve | Purpose::Change => DynamoDb::open(url).await,
        Purpose::Read | Purpose::Snapshot => DynamoDb::open_read_only(url).await,
    };
    opened.map(|store| -> Arc<dyn Store> { Arc::new(store) }).map_err(failed)
}

#[cfg(not(feature = "dynamodb"))]
#[allow(clippy::unused_async, reason = "as where there is something to wait for")]
async fn open_table(_: &str, _: Purpose) -> Result<Arc<dyn Store>, SetupError> {
    Err(without_dynamodb())
}

/// What this program says of tables if it was built to know none.
#[must_use]
pub fn without_dynamodb() -> SetupError {
    SetupError("this program was built without DynamoDB: cargo build --release --features dynamodb".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_has_its_address() {
        assert!(Address::parse("memory:").is_ok_and(|address| address == Address::Memory));
        assert!(Address::parse("sqlite:a/b.db").is_ok_and(|address| address.directory() == Some(Path::new("a"))));
        for url in ["postgres://u:p@h/d", "postgresql://u:p@h/d"] {
            assert!(Address::parse(url).is_ok_and(|address| address == Address::Database(url.to_owned())));
        }
        assert!(Address::parse("dynamodb://shop").is_ok_and(|address| address == Address::Table("dynamodb://shop".to_owned())));
        for nonsense in ["", "sqlite:", "mysql://h/d", "bursar.db", "postgres"] {
            assert!(Address::parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[tokio::test]
    async fn only_a_server_keeps_things_in_memory() {
        assert!(Address::Memory.open(Purpose::Serve).await.is_ok());
        for purpose in [Purpose::Change, Purpose::Read, Purpose::Snapshot] {
            assert!(Address::Memory.open(purpose).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_told_without_its_password() {
        for purpose in [Purpose::Serve, Purpose::Change, Purpose::Read, Purpose::Snapshot] {
            let address = Address::Database("postgres://u:hush@127.0.0.1:1/d".to_owned());
            let complaint = address.open(purpose).await.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(complaint.contains("the database cannot be used") && !complaint.contains("hush"), "{complaint}");
        }
    }
}
