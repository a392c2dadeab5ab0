//! `bursar verify`.

use bursar::compose::SetupError;
use clap::Args;
use store::embedded::Embedded;

use super::{StoreArgs, failed, say};

#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let store = Embedded::open_snapshot(&self.store.path()?).map_err(|e| failed("the store", e))?;
        let report = payments::verify::verify(&store).await.map_err(|e| failed("verifying", format!("{e} {e:?}")))?;
        for difference in &report.differences {
            say(&format!("{difference}\n"));
        }
        let (entries, charges, refunds) = (report.entries, report.charges, report.refunds);
        say(&format!("{entries} journal entries, {charges} charges, {refunds} refunds, {} differences\n", report.differences.len()));
        if report.differences.is_empty() { Ok(()) } else { Err(SetupError("the books do not agree".to_owned())) }
    }
}
