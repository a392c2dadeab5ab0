//! Lists: every object is in the lists it belongs to, and every entry of a list has its object.
//!
//! The list of lines that no checkpoint includes is compared with the balances, in [`books`](super::books): which lines
//! those are is no property of a line.

use domain::account::{Account, ApiKey};
use domain::audit::AuditEntry;
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::id::Ulid;
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use domain::token_issuer::TokenIssuer;
use domain::token_key::TokenKey;
use domain::user::User;
use domain::webhook_endpoint::WebhookEndpoint;
use store::{Index, List, Scan, Store};

use super::{AT_ONCE, Fingerprint, Page, Pages, Report, read};
use crate::error::Error;
use crate::lists::Listed;
use crate::records::key_of;

macro_rules! every_type {
    ($run:ident, $store:ident, $with:expr) => {
        $run::<Account>($store, $with).await?;
        $run::<AuditEntry>($store, $with).await?;
        $run::<ApiKey>($store, $with).await?;
        $run::<PaymentIntent>($store, $with).await?;
        $run::<PaymentAttempt>($store, $with).await?;
        $run::<SetupIntent>($store, $with).await?;
        $run::<Charge>($store, $with).await?;
        $run::<Refund>($store, $with).await?;
        $run::<BalanceTransaction>($store, $with).await?;
        $run::<Event>($store, $with).await?;
        $run::<Customer>($store, $with).await?;
        $run::<PaymentMethod>($store, $with).await?;
        $run::<WebhookEndpoint>($store, $with).await?;
        $run::<TokenKey>($store, $with).await?;
        $run::<TokenIssuer>($store, $with).await?;
        $run::<User>($store, $with).await?;
    };
}

/// Whether it is a property of an object that it is in this list. What an endpoint is still to be told is none of the event.
fn is_compared(list: &List) -> bool {
    !matches!(list.index, Index::UnsummedBalanceTransactions | Index::PendingDeliveries)
}

/// The entries that there should be.
#[derive(Default)]
pub(super) struct Sums(Fingerprint);

impl Sums {
    /// Takes in some objects.
    pub(super) fn add<T: Listed>(&mut self, page: &Page<T>) {
        for (scope, object) in page {
            object.lists(*scope).iter().for_each(|list| self.0.add(&(*list, object.ulid())));
        }
    }

    /// Compares them with those that there are, once all objects were taken in.
    pub(super) async fn verify(self, store: &dyn Store, report: &mut Report) -> Result<(), Error> {
        let (mut are, mut after) = (Fingerprint::default(), None);
        loop {
            let page = store.export_links(after, AT_ONCE).await?;
            page.iter().filter(|entry| is_compared(&entry.list)).for_each(|entry| are.add(&(entry.list, entry.id)));
            match page.last() {
                Some(last) if page.len() == AT_ONCE => after = Some(last.cursor.clone()),
                _ => break,
            }
        }
        if self.0 == are {
            return Ok(());
        }
        every_type!(name_missing, store, report);
        name_superfluous(store, report).await
    }
}

/// Whether the list has the entry.
pub(super) async fn has(store: &dyn Store, list: List, id: Ulid) -> Result<bool, Error> {
    let before = id.bits().checked_sub(1).map(Ulid::from_bits);
    Ok(store.scan(Scan { newer_than: before, ..Scan::oldest(list, 1) }).await?.first() == Some(&id))
}

async fn name_missing<T: Listed>(store: &dyn Store, report: &mut Report) -> Result<(), Error> {
    let mut pages = Pages::<T>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, object) in page {
            for list in object.lists(scope) {
                let there = has(store, list, object.ulid()).await?;
                report.expect(there, || format!("{}: is not in the list {:?}", super::named(T::KIND, object.ulid()), list.index));
            }
        }
    }
    Ok(())
}

async fn name_superfluous(store: &dyn Store, report: &mut Report) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = store.export_links(after, AT_ONCE).await?;
        for entry in page.iter().filter(|entry| is_compared(&entry.list)) {
            let belongs = belongs(store, entry.list, entry.id).await?;
            report.expect(belongs, || format!("{}: is in the list {:?} and does not belong there", entry.id, entry.list.index));
        }
        match page.last() {
            Some(last) if page.len() == AT_ONCE => after = Some(last.cursor.clone()),
            _ => return Ok(()),
        }
    }
}

/// Whether there is an object of that name that belongs in the list.
async fn belongs(store: &dyn Store, list: List, id: Ulid) -> Result<bool, Error> {
    async fn of<T: Listed>(store: &dyn Store, list: List, id: Ulid) -> Result<bool, Error> {
        let object: Option<T> = read(store, &key_of::<T>(list.scope, id)).await?;
        Ok(object.is_some_and(|object| object.lists(list.scope).contains(&list)))
    }
    match list.index {
        Index::PaymentIntents | Index::PaymentIntentsByCustomer => of::<PaymentIntent>(store, list, id).await,
        Index::SetupIntents | Index::SetupIntentsByCustomer => of::<SetupIntent>(store, list, id).await,
        Index::Charges | Index::ChargesByCustomer | Index::ChargesByPaymentIntent => of::<Charge>(store, list, id).await,
        Index::Refunds | Index::RefundsByCharge | Index::RefundsByPaymentIntent => of::<Refund>(store, list, id).await,
        Index::Events | Index::EventsByKind => of::<Event>(store, list, id).await,
        Index::Customers | Index::CustomersByEmail => of::<Customer>(store, list, id).await,
        Index::PaymentMethods | Index::PaymentMethodsByCustomer => of::<PaymentMethod>(store, list, id).await,
        Index::Accounts => of::<Account>(store, list, id).await,
        Index::ApiKeys => of::<ApiKey>(store, list, id).await,
        Index::UsersByAccount => of::<User>(store, list, id).await,
        Index::AuditEntries => of::<AuditEntry>(store, list, id).await,
        Index::WebhookEndpoints | Index::DeletedWebhookEndpoints => of::<WebhookEndpoint>(store, list, id).await,
        Index::TokenKeys => of::<TokenKey>(store, list, id).await,
        Index::TokenIssuers => of::<TokenIssuer>(store, list, id).await,
        Index::AwaitingBuyer => Ok(of::<PaymentAttempt>(store, list, id).await? || of::<SetupIntent>(store, list, id).await?),
        Index::OpenOperations => Ok(of::<PaymentAttempt>(store, list, id).await?
            || of::<Refund>(store, list, id).await?
            || of::<SetupIntent>(store, list, id).await?),
        Index::BalanceTransactions
        | Index::BalanceTransactionsBySource
        | Index::BalanceTransactionsByKind
        | Index::UnsummedBalanceTransactions => of::<BalanceTransaction>(store, list, id).await,
        Index::SetupAttemptsBySetupIntent | Index::PendingDeliveries => Ok(false),
    }
}
