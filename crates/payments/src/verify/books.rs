//! The journal against the objects: it balances, each merchant's accounts hold what charges, refunds and contradictions
//! add up to, each line of the statement is its entry's, and nothing was refunded beyond what was captured.

use std::collections::BTreeMap;

use domain::balance_transaction::BalanceTransaction;
use domain::charge::{Charge, Status};
use domain::conflict::{Conflict, Contradiction, Remedy, Status as RemedyStatus};
use domain::currency::Currency;
use domain::id::Ulid;
use domain::ledger::{Books, JournalEntry, LedgerAccount};
use domain::money::Money;
use domain::payment_attempt::PaymentAttempt;
use domain::refund::{self, Refund};
use domain::scope::Scope;
use store::{Index, List, Scan, Store};

use super::{AT_ONCE, Pages, Report, each, read};
use crate::balance::Totals;
use crate::error::Error;
use crate::records::key_of;

/// What an account should hold: debits positive, credits negative.
type Expected = BTreeMap<(Scope, LedgerAccount, Currency), i128>;

fn post(expected: &mut Expected, scope: Scope, account: LedgerAccount, amount: Money) {
    let total = expected.entry((scope, account, amount.currency())).or_default();
    *total = total.saturating_add(i128::from(amount.minor()));
}

fn move_money(expected: &mut Expected, scope: Scope, (debit, credit): (LedgerAccount, LedgerAccount), amount: Money) {
    post(expected, scope, debit, amount);
    post(expected, scope, credit, Money::new(amount.minor().saturating_neg(), amount.currency()));
}

pub(super) async fn verify(store: &dyn Store, report: &mut Report) -> Result<(), Error> {
    let mut books: BTreeMap<Scope, Books> = BTreeMap::new();
    let mut pages = Pages::<JournalEntry>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, entry) in page {
            report.entries = report.entries.saturating_add(1);
            books.entry(scope).or_default().record(&entry);
            // What a fee eats up leaves the merchant's account alone, and still has its line.
            if entry.merchant_amount().is_some() {
                let line: Option<BalanceTransaction> = read(store, &key_of::<BalanceTransaction>(scope, entry.id().ulid())).await?;
                report.expect(line.is_some(), || format!("{}: a movement of the merchant's without its statement line", entry.id()));
            }
        }
    }
    for (scope, books) in &books {
        report.expect(books.is_balanced(), || format!("{} {}: debits and credits differ", scope.account, scope.mode));
    }
    let mut expected = Expected::new();
    lines(store, report, &mut expected).await?;
    charges(store, report, &mut expected).await?;
    refunds(store, report, &mut expected).await?;
    each::<PaymentAttempt>(store, |scope, attempt| attempt.conflicts.iter().for_each(|c| conflict(&mut expected, scope, c))).await?;
    let mut held = Expected::new();
    for (scope, books) in books {
        held.extend(books.totals().map(|(account, currency, total)| ((scope, account, currency), total)));
    }
    for key in held.keys().chain(expected.keys().filter(|key| !held.contains_key(key))) {
        let ((scope, account, currency), of) = (key, |totals: &Expected| totals.get(key).copied().unwrap_or(0));
        let (journal, objects) = (of(&held), of(&expected));
        report.expect(journal == objects, || {
            let name = currency.code();
            format!("{} {}: {account} holds {journal} {name} by the journal, {objects} by the objects", scope.account, scope.mode)
        });
    }
    Ok(())
}

/// Each line against its entry; and every merchant's kept balance against the lines.
async fn lines(store: &dyn Store, report: &mut Report, expected: &mut Expected) -> Result<(), Error> {
    let mut totals = Totals::default();
    let mut pages = Pages::<BalanceTransaction>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, line) in page {
            totals.add(scope, &line)?;
            let entry: Option<JournalEntry> = read(store, &key_of::<JournalEntry>(scope, line.id.ulid())).await?;
            match entry {
                None => report.differ(format!("{}: a statement line without its journal entry", line.id)),
                Some(entry) => {
                    let moved = entry.merchant_amount().map_or(0, Money::minor);
                    let agree = moved == line.net() && entry.source().ulid() == line.source.ulid();
                    report.expect(agree, || format!("{}: the statement says {}, the books {moved}", line.id, line.net()));
                }
            }
            let fee = Money::new(line.fee, line.amount.currency());
            post(expected, scope, LedgerAccount::MerchantPayable, Money::new(line.net().saturating_neg(), fee.currency()));
            post(expected, scope, LedgerAccount::ProcessingFees, Money::new(line.fee.saturating_neg(), fee.currency()));
        }
    }
    match totals.differences(store).await {
        Ok(differences) => differences.into_iter().for_each(|difference| report.differ(difference)),
        // A line that is to be summed up and is not there.
        Err(Error::Internal(why)) => report.differ(why),
        Err(other) => return Err(other),
    }
    Ok(())
}

async fn charges(store: &dyn Store, report: &mut Report, expected: &mut Expected) -> Result<(), Error> {
    let mut pages = Pages::<Charge>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, charge) in page {
            report.charges = report.charges.saturating_add(1);
            let refunded = refunds_of(store, scope, charge.id.ulid()).await?;
            report.expect(refunded == i128::from(charge.amount_refunded), || {
                format!("{}: says {} refunded, its refunds {refunded}", charge.id, charge.amount_refunded)
            });
            let (authorized, captured, refunded) = (charge.amount.minor(), charge.amount_captured, charge.amount_refunded);
            let limits = 0 <= refunded && refunded <= captured && captured <= authorized;
            report.expect(limits, || format!("{}: refunded, captured and authorised are not in order", charge.id));
            let taken = charge.status == Status::Captured;
            report.expect(taken == charge.balance_transaction.is_some() && taken == (captured > 0), || {
                format!("{}: captured without a statement line, or the reverse", charge.id)
            });
            if let Some(id) = charge.balance_transaction {
                let line: Option<BalanceTransaction> = read(store, &key_of::<BalanceTransaction>(scope, id.ulid())).await?;
                let agree = line.is_none_or(|line| line.amount.minor() == captured && line.source.ulid() == charge.id.ulid());
                report.expect(agree, || format!("{}: captured {captured}, and its statement line says something else", charge.id));
            }
            post(expected, scope, LedgerAccount::ProviderReceivable, Money::new(captured, charge.amount.currency()));
        }
    }
    Ok(())
}

/// What the refunds of a charge add up to that have not failed.
async fn refunds_of(store: &dyn Store, scope: Scope, charge: Ulid) -> Result<i128, Error> {
    let list = List::of(scope, Index::RefundsByCharge, charge);
    let (mut sum, mut newer_than) = (0_i128, None);
    loop {
        let ids = store.scan(Scan { newer_than, ..Scan::oldest(list, AT_ONCE) }).await?;
        for part in ids.chunks(store::contract::MAX_KEYS) {
            let keys: Vec<_> = part.iter().map(|id| key_of::<Refund>(scope, *id)).collect();
            for item in store.get(&keys).await?.into_iter().flatten() {
                let refund: Refund = crate::records::decode(&item.body)?;
                let counts = refund.charge.ulid() == charge && refund.status != refund::Status::Failed;
                sum = sum.saturating_add(if counts { i128::from(refund.amount.minor()) } else { 0 });
            }
        }
        match ids.last() {
            Some(last) if ids.len() == AT_ONCE => newer_than = Some(*last),
            _ => return Ok(sum),
        }
    }
}

async fn refunds(store: &dyn Store, report: &mut Report, expected: &mut Expected) -> Result<(), Error> {
    let mut pages = Pages::<Refund>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, refund) in page {
            report.refunds = report.refunds.saturating_add(1);
            let amount = refund.amount.minor();
            let lines = [(Some(refund.balance_transaction), amount.saturating_neg()), (refund.failure_balance_transaction, amount)];
            for (id, told) in lines {
                let Some(id) = id else { continue };
                let line: Option<BalanceTransaction> = read(store, &key_of::<BalanceTransaction>(scope, id.ulid())).await?;
                let agree = line.is_none_or(|line| line.amount.minor() == told && line.source.ulid() == refund.id.ulid());
                report.expect(agree, || format!("{}: {} of it and its statement line {id} do not agree", refund.id, told));
            }
            let failed = refund.status == refund::Status::Failed;
            report.expect(failed == refund.failure_balance_transaction.is_some(), || {
                format!("{}: failed without a statement line, or the reverse", refund.id)
            });
            let less = Money::new(amount.saturating_neg(), refund.amount.currency());
            if refund.status.is_open() {
                post(expected, scope, LedgerAccount::RefundsInTransit, less);
            } else if refund.status == refund::Status::Succeeded {
                post(expected, scope, LedgerAccount::ProviderReceivable, less);
            }
            if refund.conflicts.iter().any(|conflict| conflict.contradiction == Contradiction::RefundedAfterFailure) {
                move_money(expected, scope, (LedgerAccount::Suspense, LedgerAccount::ProviderReceivable), refund.amount);
            }
        }
    }
    Ok(())
}

fn conflict(expected: &mut Expected, scope: Scope, conflict: &Conflict) {
    if let (Remedy::Refund(amount), RemedyStatus::UnderWay | RemedyStatus::NeedsPerson) = (conflict.remedy, conflict.status) {
        move_money(expected, scope, (LedgerAccount::ProviderReceivable, LedgerAccount::Suspense), amount);
    }
}
