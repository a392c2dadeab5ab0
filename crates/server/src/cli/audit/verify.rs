//! `bursar audit verify`.

use std::path::PathBuf;

use bursar::compose::SetupError;
use clap::Args;
use payments::verify::Report;

use super::{StoreArgs, failed, line, public_keys, say};

#[derive(Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
    /// The file of a key that may have signed the chain; no other key may have then. Can be repeated.
    #[arg(long, env = "BURSAR_AUDIT_PUBLIC_KEY", value_name = "FILE", value_delimiter = ',')]
    public_key: Vec<PathBuf>,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let keys = public_keys(&self.public_key)?;
        let store = self.store.snapshot().await?;
        let mut report = Report::default();
        let verified = payments::verify::audit::verify(&*store, &keys, &mut report).await;
        let trail = verified.map_err(|e| failed("verifying", format!("{e} {e:?}")))?;
        conclude(&report, &line(&trail))
    }
}

/// Says what differs, and fails if anything does.
pub(super) fn conclude(report: &Report, summary: &str) -> Result<(), SetupError> {
    for difference in &report.differences {
        say(&format!("{difference}\n"));
    }
    if report.more > 0 {
        say(&format!("and {} more\n", report.more));
    }
    say(summary);
    if report.differences.is_empty() { Ok(()) } else { Err(SetupError("the audit trail is not as it was written".to_owned())) }
}
