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
use serde::de::IgnoredAny;
use store::{Index, Key, List, Scan, Store};

use super::{AT_ONCE, Page, Report, read_all};
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

/// What the journal comes to, and what everything else says that it should.
#[derive(Default)]
pub(super) struct Sums {
    books: BTreeMap<Scope, Books>,
    expected: Expected,
    totals: Totals,
}

impl Sums {
    /// Takes in some entries of the journal.
    pub(super) async fn entries(&mut self, store: &dyn Store, page: &Page<JournalEntry>, report: &mut Report) -> Result<(), Error> {
        let mut moved = Vec::new();
        for (scope, entry) in page {
            report.entries = report.entries.saturating_add(1);
            self.books.entry(*scope).or_default().record(entry);
            // What a fee eats up leaves the merchant's account alone, and still has its line.
            if entry.merchant_amount().is_some() {
                moved.push((entry.id(), key_of::<BalanceTransaction>(*scope, entry.id().ulid())));
            }
        }
        let keys: Vec<Key> = moved.iter().map(|(_, key)| key.clone()).collect();
        for ((id, _), line) in moved.iter().zip(read_all::<IgnoredAny>(store, &keys).await?) {
            report.expect(line.is_some(), || format!("{id}: a movement of the merchant's without its statement line"));
        }
        Ok(())
    }

    /// Takes in some lines of the statement, each of which is its entry's.
    pub(super) async fn lines(&mut self, store: &dyn Store, page: &Page<BalanceTransaction>, report: &mut Report) -> Result<(), Error> {
        let keys: Vec<Key> = page.iter().map(|(scope, line)| key_of::<JournalEntry>(*scope, line.id.ulid())).collect();
        for ((scope, line), entry) in page.iter().zip(read_all::<JournalEntry>(store, &keys).await?) {
            self.totals.add(*scope, line)?;
            match entry {
                None => report.differ(format!("{}: a statement line without its journal entry", line.id)),
                Some(entry) => {
                    let moved = entry.merchant_amount().map_or(0, Money::minor);
                    let agree = moved == line.net() && entry.source().ulid() == line.source.ulid();
                    report.expect(agree, || format!("{}: the statement says {}, the books {moved}", line.id, line.net()));
                }
            }
            let less = |minor: i64| Money::new(minor.saturating_neg(), line.amount.currency());
            post(&mut self.expected, *scope, LedgerAccount::MerchantPayable, less(line.net()));
            post(&mut self.expected, *scope, LedgerAccount::ProcessingFees, less(line.fee));
        }
        Ok(())
    }

    /// Takes in some charges.
    pub(super) async fn charges(&mut self, store: &dyn Store, page: &Page<Charge>, report: &mut Report) -> Result<(), Error> {
        let of = |(scope, charge): &(Scope, Charge)| Some(key_of::<BalanceTransaction>(*scope, charge.balance_transaction?.ulid()));
        let keys: Vec<Key> = page.iter().filter_map(of).collect();
        let mut lines = read_all::<BalanceTransaction>(store, &keys).await?.into_iter();
        for (scope, charge) in page {
            report.charges = report.charges.saturating_add(1);
            let refunded = refunds_of(store, *scope, charge.id.ulid()).await?;
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
            let line = charge.balance_transaction.and_then(|_| lines.next().flatten());
            let agree = line.is_none_or(|line| line.amount.minor() == captured && line.source.ulid() == charge.id.ulid());
            report.expect(agree, || format!("{}: captured {captured}, and its statement line says something else", charge.id));
            post(&mut self.expected, *scope, LedgerAccount::ProviderReceivable, Money::new(captured, charge.amount.currency()));
        }
        Ok(())
    }

    /// Takes in some refunds.
    pub(super) async fn refunds(&mut self, store: &dyn Store, page: &Page<Refund>, report: &mut Report) -> Result<(), Error> {
        lines_of(store, page, report).await?;
        for (scope, refund) in page {
            report.refunds = report.refunds.saturating_add(1);
            let failed = refund.status == refund::Status::Failed;
            report.expect(failed == refund.failure_balance_transaction.is_some(), || {
                format!("{}: failed without a statement line, or the reverse", refund.id)
            });
            let less = Money::new(refund.amount.minor().saturating_neg(), refund.amount.currency());
            if refund.status.is_open() {
                post(&mut self.expected, *scope, LedgerAccount::RefundsInTransit, less);
            } else if refund.status == refund::Status::Succeeded {
                post(&mut self.expected, *scope, LedgerAccount::ProviderReceivable, less);
            }
            if refund.conflicts.iter().any(|conflict| conflict.contradiction == Contradiction::RefundedAfterFailure) {
                move_money(&mut self.expected, *scope, (LedgerAccount::Suspense, LedgerAccount::ProviderReceivable), refund.amount);
            }
        }
        Ok(())
    }

    /// Takes in some attempts.
    pub(super) fn attempts(&mut self, page: &Page<PaymentAttempt>) {
        for (scope, attempt) in page {
            attempt.conflicts.iter().for_each(|of| conflict(&mut self.expected, *scope, of));
        }
    }

    /// Compares all of it, once it was taken in; and every merchant's kept balance with the lines.
    pub(super) async fn verify(self, store: &dyn Store, report: &mut Report) -> Result<(), Error> {
        for (scope, books) in &self.books {
            report.expect(books.is_balanced(), || format!("{} {}: debits and credits differ", scope.account, scope.mode));
        }
        match self.totals.differences(store).await {
            Ok(differences) => differences.into_iter().for_each(|difference| report.differ(difference)),
            // A line that is to be summed up and is not there.
            Err(Error::Internal(why)) => report.differ(why),
            Err(other) => return Err(other),
        }
        let (mut held, expected) = (Expected::new(), self.expected);
        for (scope, books) in self.books {
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
}

/// What the lines of some refunds say is what the refunds do.
async fn lines_of(store: &dyn Store, page: &Page<Refund>, report: &mut Report) -> Result<(), Error> {
    let mut told = Vec::new();
    for (scope, refund) in page {
        let amount = refund.amount.minor();
        told.push((refund, refund.balance_transaction, amount.saturating_neg(), *scope));
        told.extend(refund.failure_balance_transaction.map(|id| (refund, id, amount, *scope)));
    }
    let keys: Vec<Key> = told.iter().map(|(_, id, _, scope)| key_of::<BalanceTransaction>(*scope, id.ulid())).collect();
    for ((refund, id, told, _), line) in told.iter().zip(read_all::<BalanceTransaction>(store, &keys).await?) {
        let agree = line.is_none_or(|line| line.amount.minor() == *told && line.source.ulid() == refund.id.ulid());
        report.expect(agree, || format!("{}: {told} of it and its statement line {id} do not agree", refund.id));
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

fn conflict(expected: &mut Expected, scope: Scope, conflict: &Conflict) {
    if let (Remedy::Refund(amount), RemedyStatus::UnderWay | RemedyStatus::NeedsPerson) = (conflict.remedy, conflict.status) {
        move_money(expected, scope, (LedgerAccount::ProviderReceivable, LedgerAccount::Suspense), amount);
    }
}
