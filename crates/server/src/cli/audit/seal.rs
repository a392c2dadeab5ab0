//! `bursar audit seal`: what a running server does some time after each row lands, for one that has stopped.

use std::path::PathBuf;

use bursar::compose::{SetupError, signing_key};
use clap::Args;

use super::{StoreArgs, failed, say};

#[derive(Args)]
pub(in crate::cli) struct Seal {
    #[command(flatten)]
    store: StoreArgs,
    /// The file of the key that signs the chain; unsigned if left out.
    #[arg(long, env = "BURSAR_AUDIT_SIGNING_KEY", value_name = "FILE")]
    audit_signing_key: Option<PathBuf>,
}

impl Seal {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let key = self.audit_signing_key.as_deref().map(signing_key).transpose()?;
        if self.store.address()?.is_shared() {
            return Err(SetupError(
                "others may write to such a store meanwhile; servers seal its rows a minute after they landed".to_owned(),
            ));
        }
        // Nobody else can write to a file meanwhile, so nothing has to settle.
        let platform = self.store.change_signing(key).await?;
        let mut sealed = 0_usize;
        loop {
            match platform.seal_audit_now().await.map_err(|e| failed("the audit trail", e))? {
                0 => break,
                more => sealed = sealed.saturating_add(more),
            }
        }
        say(&format!("{sealed} rows are sealed\n"));
        Ok(())
    }
}
