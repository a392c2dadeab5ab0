//! `bursar backup`.

use std::path::PathBuf;

use bursar::compose::SetupError;
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
        let store = Embedded::open_read_only(&self.store.path()?).map_err(|e| failed("the store", e))?;
        store.backup(&self.path).map_err(|e| failed("the backup", e))
    }
}
