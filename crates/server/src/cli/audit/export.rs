//! `bursar audit export`.

use bursar::audit_files::{Between, Place, write};
use bursar::compose::SetupError;
use clap::Args;
use domain::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{StoreArgs, say};

#[derive(Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    store: StoreArgs,
    /// Where to: a directory, `file:///DIRECTORY`, or `s3://BUCKET/PREFIX` with what the AWS variables of the environment say.
    #[arg(long, env = "BURSAR_AUDIT_EXPORT_TO", value_name = "PLACE")]
    to: String,
    /// From when on, as 2026-11-25 or 2026-11-25T08:00:00Z; from the beginning if left out. Segments are written whole.
    #[arg(long, env = "BURSAR_AUDIT_EXPORT_SINCE", value_parser = at)]
    since: Option<Timestamp>,
    /// Up to when, likewise; all there is if left out.
    #[arg(long, env = "BURSAR_AUDIT_EXPORT_UNTIL", value_parser = at)]
    until: Option<Timestamp>,
}

fn at(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == "2026-11-25".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|e| e.to_string())?;
    Ok(Timestamp::from_seconds(at.unix_timestamp()))
}

impl Export {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let store = self.store.snapshot().await?;
        let between =
            Between { since: self.since.unwrap_or(Timestamp::EPOCH), until: self.until.unwrap_or(Timestamp::from_millis(i64::MAX)) };
        let written = write(&*store, &Place::to_write(&self.to)?, between).await?;
        say(&format!("{} rows and {} segments are written to {}\n", written.rows, written.segments, self.to));
        Ok(())
    }
}
