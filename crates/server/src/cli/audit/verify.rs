//! `bursar audit verify`.

use std::path::PathBuf;

use bursar::audit_files::{self, Place};
use bursar::compose::SetupError;
use clap::Args;
use domain::audit::signing::PublicKey;
use payments::verify::Report;

use super::{StoreArgs, failed, line, public_keys, say};

#[derive(Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
    /// The file of a key that may have signed the chain; no other key may have then. Can be repeated.
    #[arg(long, env = "BURSAR_AUDIT_PUBLIC_KEY", value_name = "FILE", value_delimiter = ',')]
    public_key: Vec<PathBuf>,
    /// Where `bursar audit export` wrote to: these files are verified instead of the store.
    #[arg(long, env = "BURSAR_AUDIT_EXPORT", value_name = "PLACE")]
    export: Option<String>,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let keys = public_keys(&self.public_key)?;
        if let Some(place) = &self.export {
            return verify_files(place, &keys).await;
        }
        let store = self.store.snapshot().await?;
        let mut report = Report::default();
        let verified = payments::verify::audit::verify(&*store, &keys, &mut report).await;
        let trail = verified.map_err(|e| failed("verifying", format!("{e} {e:?}")))?;
        conclude(&report, &line(&trail))
    }
}

async fn verify_files(place: &str, keys: &[PublicKey]) -> Result<(), SetupError> {
    let verified = audit_files::verify(&Place::to_read(place)?, keys).await?;
    for (scope, number) in &verified.beginnings {
        say(&format!("{} {}: begins with segment {number}; what was before is not here\n", scope.account, scope.mode));
    }
    conclude(&verified.report, &line(&verified.trail))
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
