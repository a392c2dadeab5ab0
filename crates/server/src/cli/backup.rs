//! `bursar backup`.

use std::path::PathBuf;

use bursar::compose::SetupError;
use bursar::engines::Address;
use clap::Args;
use store::embedded::Embedded;

use super::{StoreArgs, failed};

#[derive(Args)]
pub(super) struct Backup {
    #[command(flatten)]
    store: StoreArgs,
    /// The copy to write; it must not exist.
    #[arg(env = "BURSAR_BACKUP_PATH")]
    path: PathBuf,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), SetupError> {
        let path = match self.store.address()? {
            Address::File(path) => path,
            Address::Database(_) => {
                return Err(SetupError(
                    "a database is copied with its own tools: pg_dump, or an archive of its log (docs/postgres.md)".to_owned(),
                ));
            }
            Address::Table(_) => {
                return Err(SetupError(
                    "a table is copied by DynamoDB: point-in-time recovery, or a backup on demand (docs/dynamodb.md)".to_owned(),
                ));
            }
            Address::Memory => return Err(SetupError("what is in memory cannot be copied".to_owned())),
        };
        let store = Embedded::open_read_only(&path).map_err(|e| failed("the store", e))?;
        store.backup(&self.path).map_err(|e| failed("the backup", e))
    }
}
