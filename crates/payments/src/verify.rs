//! Recomputing the books from their entries, and comparing them with what the objects say.
//!
//! Reads only; holds one charge's sums at a time per charge seen. Absent on purpose: repairing anything.

use std::collections::HashMap;

use domain::balance_transaction::BalanceTransaction;
use domain::charge::{Charge, Status};
use domain::id::Ulid;
use domain::ledger::{Books, JournalEntry};
use domain::money::Money;
use domain::refund::{self, Refund};
use store::{Exported, Kind, Store};

use crate::balance::Totals;
use crate::error::Error;
use crate::records::decode;

/// Records read in one go.
const AT_ONCE: usize = 1_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Journal entries replayed.
    pub entries: u64,
    /// Charges compared.
    pub charges: u64,
    /// Refunds compared.
    pub refunds: u64,
    /// Every difference, named.
    pub differences: Vec<String>,
}

async fn each<F: FnMut(&Exported) -> Result<(), Error>>(store: &dyn Store, kind: Kind, mut visit: F) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = store.export(kind, after, AT_ONCE).await?;
        for exported in &page {
            visit(exported)?;
        }
        match page.last() {
            Some(last) if page.len() == AT_ONCE => after = Some(last.cursor.clone()),
            _ => return Ok(()),
        }
    }
}

/// Verifies everything in a store.
///
/// # Errors
/// The store cannot be read, or a record in it cannot.
pub async fn verify(store: &dyn Store) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut books = Books::default();
    let mut totals = Totals::default();
    let mut merchant: HashMap<Ulid, i64> = HashMap::new();
    each(store, Kind::JournalEntry, |exported| {
        let entry: JournalEntry = decode(&exported.item.body)?;
        report.entries += 1;
        books.record(&entry);
        // A fee may leave the merchant nothing of a payment: its line says so.
        merchant.insert(entry.id().ulid(), entry.merchant_amount().map_or(0, Money::minor));
        Ok(())
    })
    .await?;
    if !books.is_balanced() {
        report.differences.push("the books: debits and credits differ".to_owned());
    }
    each(store, Kind::BalanceTransaction, |exported| {
        let line: BalanceTransaction = decode(&exported.item.body)?;
        totals.add(exported.key.scope(), &line)?;
        match merchant.remove(&line.id.ulid()) {
            Some(amount) if amount == line.net() => {}
            other => report.differences.push(format!("{}: the statement says {}, the books {other:?}", line.id, line.net())),
        }
        Ok(())
    })
    .await?;
    let untold = merchant.iter().filter(|(_, amount)| **amount != 0);
    report.differences.extend(untold.map(|(id, _)| format!("je_{id}: a movement of the merchant's without its statement line")));
    report.differences.extend(totals.differences(store).await?);
    let mut refunded: HashMap<Ulid, i64> = HashMap::new();
    each(store, Kind::Refund, |exported| {
        let refund: Refund = decode(&exported.item.body)?;
        report.refunds += 1;
        if !matches!(refund.status, refund::Status::Failed | refund::Status::Canceled) {
            let sum = refunded.entry(refund.charge.ulid()).or_default();
            *sum = sum.saturating_add(refund.amount.minor());
        }
        Ok(())
    })
    .await?;
    each(store, Kind::Charge, |exported| {
        let charge: Charge = decode(&exported.item.body)?;
        report.charges += 1;
        let sum = refunded.remove(&charge.id.ulid()).unwrap_or(0);
        if sum != charge.amount_refunded {
            report.differences.push(format!("{}: says {} refunded, its refunds {sum}", charge.id, charge.amount_refunded));
        }
        let limits = charge.amount_refunded <= charge.amount_captured && charge.amount_captured <= charge.amount.minor();
        if !limits {
            report.differences.push(format!("{}: refunded, captured and authorised are not in order", charge.id));
        }
        if (charge.status == Status::Captured) != charge.balance_transaction.is_some() {
            report.differences.push(format!("{}: captured without a statement line, or the reverse", charge.id));
        }
        Ok(())
    })
    .await?;
    report.differences.extend(refunded.keys().map(|id| format!("ch_{id}: refunds of a charge that is not there")));
    Ok(report)
}
