//! `bursar verify`.

use bursar::compose::SetupError;
use bursar::statement::BankBooks;
use clap::Args;

use super::{StoreArgs, audit, failed, say};

#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
    /// The address of a bank simulator whose books are to be compared too.
    #[arg(long, env = "BURSAR_BANK")]
    bank: Option<String>,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let store = self.store.snapshot().await?;
        let unread = |e: payments::Error| failed("verifying", format!("{e} {e:?}"));
        let mut report = payments::verify::verify(&*store).await.map_err(unread)?;
        if let Some(url) = &self.bank {
            let books = BankBooks::at(url)?;
            payments::verify::bank::verify(&*store, &books, books.provider(), &mut report).await.map_err(unread)?;
        }
        let trail = payments::verify::audit::verify(&*store, &[], &mut report).await.map_err(unread)?;
        for difference in &report.differences {
            say(&format!("{difference}\n"));
        }
        let (entries, charges, refunds) = (report.entries, report.charges, report.refunds);
        if report.more > 0 {
            say(&format!("and {} more\n", report.more));
        }
        say(&audit::line(&trail));
        let differences = report.more.saturating_add(u64::try_from(report.differences.len()).unwrap_or(u64::MAX));
        say(&format!("{entries} journal entries, {charges} charges, {refunds} refunds, {differences} differences\n"));
        if report.differences.is_empty() { Ok(()) } else { Err(SetupError("the books do not agree".to_owned())) }
    }
}
