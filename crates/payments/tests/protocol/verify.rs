//! What `verify` finds: nothing in a store that was only written by the platform, and whatever is broken, by its name.

use async_trait::async_trait;
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::id::Ulid;
use domain::ledger::JournalEntry;
use domain::money::Money;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundFailure, RefundOutcome, UnknownReason};
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::provider_key::ProviderKey;
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use payments::Error;
use payments::records::{Record, decode, encode, key_of};
use payments::verify::Report;
use payments::verify::bank::{Moved, Statement};
use store::{Batch, CommitError, Cursor, Exported, ExportedLink, Index, Item, Key, Kind, List, Precondition, ReadError, Scan, Store};

use crate::bank::{approved, challenge, declined};
use crate::shop::{Shop, payment, reservation};

/// A shop that has seen everything a shop can see.
pub async fn busy() -> Shop {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let mut paid = payment();
    paid.customer = Some(customer);
    let intent = shop.pay(&paid).await;
    shop.refund(&intent, 500).await;
    shop.bank.will_refund(RefundOutcome::Failed { reason: RefundFailure::Declined });
    shop.refund(&intent, 300).await;
    shop.bank.will_refund(RefundOutcome::Pending { provider_reference: "ref".to_owned() });
    shop.refund(&intent, 200).await;
    let captured = shop.pay(&reservation()).await;
    shop.bank.will_follow_up(FollowUpOutcome::Refused(String::new()));
    shop.platform.capture_payment_intent(&shop.request(), captured.id, Some(900)).await.unwrap();
    shop.platform.capture_payment_intent(&shop.request(), captured.id, Some(700)).await.unwrap();
    let canceled = shop.pay(&reservation()).await;
    shop.platform.cancel_payment_intent(&shop.request(), canceled.id, None).await.unwrap();
    shop.bank.will_authorize(declined());
    let refused = shop.pay(&payment()).await;
    let late = ProviderKey::authorize(refused.latest_attempt.unwrap());
    shop.hear(&late, QueryOutcome::Authorize(approved(true))).await;
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    shop.pay(&payment()).await;
    shop.bank.will_authorize(challenge());
    shop.pay(&payment()).await;
    shop.set_up(Some(customer)).await;
    shop
}

/// The first record of a type, as it is stored.
async fn first<T: Record>(shop: &Shop, wanted: impl Fn(&T) -> bool) -> (Ulid, T) {
    let page = shop.store.export(T::KIND, None, 1_000).await.unwrap();
    let records = page.iter().map(|exported| decode::<T>(&exported.item.body).unwrap());
    let found = records.into_iter().find(|record| wanted(record)).unwrap();
    (found.ulid(), found)
}

async fn change<T: Record>(shop: &Shop, wanted: impl Fn(&T) -> bool, change: impl Fn(&mut T)) -> String {
    let (id, mut record) = first(shop, wanted).await;
    change(&mut record);
    let mut batch = Batch::new();
    batch.put(key_of::<T>(shop.scope, id), encode(&record).unwrap(), Precondition::Any);
    shop.store.commit(batch).await.unwrap();
    id.to_string()
}

async fn delete<T: Record>(shop: &Shop, wanted: impl Fn(&T) -> bool) -> String {
    let (id, _) = first(shop, wanted).await;
    remove(shop, key_of::<T>(shop.scope, id)).await;
    id.to_string()
}

async fn remove(shop: &Shop, key: Key) {
    let mut batch = Batch::new();
    batch.delete(key, Precondition::Any);
    shop.store.commit(batch).await.unwrap();
}

fn any<T>(_: &T) -> bool {
    true
}

#[tokio::test]
async fn a_store_that_only_the_platform_wrote_has_no_differences() {
    let mut shop = busy().await;
    assert_eq!(shop.differences().await, Vec::<String>::new());
    shop.crash();
    shop.recover().await;
    assert_eq!(shop.differences().await, Vec::<String>::new());
}

/// Breaks one thing and looks for its name among the differences.
macro_rules! broken {
    ($($name:ident: |$shop:ident| $break:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let $shop = busy().await;
            let name: String = $break.await;
            let differences = $shop.differences().await;
            assert!(differences.iter().any(|difference| difference.contains(&name)), "{name}: {differences:#?}");
        }
    )*};
}

broken! {
    a_charge_that_says_more_was_refunded_is_named: |shop| change::<Charge>(&shop, any, |charge| charge.amount_refunded += 1);
    a_charge_that_captured_more_than_was_authorised_is_named:
        |shop| change::<Charge>(&shop, |charge| charge.amount_captured > 0, |charge| charge.amount_captured = charge.amount.minor() + 1);
    a_charge_of_another_amount_than_its_attempt_is_named:
        |shop| change::<Charge>(&shop, any, |charge| charge.amount = Money::new(5_000, charge.amount.currency()));
    a_missing_charge_is_named: |shop| delete::<Charge>(&shop, any);
    a_missing_payment_is_named: |shop| delete::<PaymentIntent>(&shop, any);
    a_payment_that_received_something_else_is_named:
        |shop| change::<PaymentIntent>(&shop, |intent| intent.amount_received > 0, |intent| intent.amount_received += 1);
    a_missing_attempt_is_named: |shop| delete::<PaymentAttempt>(&shop, any);
    a_missing_method_is_named: |shop| delete::<PaymentMethod>(&shop, any);
    a_missing_customer_is_named: |shop| delete::<Customer>(&shop, any);
    a_missing_refund_is_named: |shop| delete::<Refund>(&shop, any);
    a_refund_of_another_amount_is_named:
        |shop| change::<Refund>(&shop, any, |refund| refund.amount = Money::new(1, refund.amount.currency()));
    a_missing_statement_line_is_named: |shop| delete::<BalanceTransaction>(&shop, any);
    a_statement_line_that_says_something_else_is_named:
        |shop| change::<BalanceTransaction>(&shop, any, |line| line.fee += 1);
    a_missing_entry_of_the_merchants_is_named: |shop| delete::<JournalEntry>(&shop, |entry| entry.merchant_amount().is_some());
    a_missing_event_is_named_by_its_object: |shop| async {
        let (id, event) = first::<Event>(&shop, |event| event.sequence == 1).await;
        remove(&shop, key_of::<Event>(shop.scope, id)).await;
        let domain::event::Snapshot::Customer(customer) = event.object else { return id.to_string() };
        customer.id.ulid().to_string()
    };
    an_event_with_a_number_twice_is_named_by_its_object:
        |shop| change::<Event>(&shop, |event| event.sequence == 2, |event| event.sequence = 1);
    a_set_up_that_counts_more_events_is_named: |shop| change::<SetupIntent>(&shop, any, |setup| setup.sequence += 1);
    a_missing_card_number_is_named: |shop| async {
        let (id, _) = first::<PaymentMethod>(&shop, |method| !method.spent).await;
        remove(&shop, Key::object(shop.scope, Kind::SealedCard, id)).await;
        id.to_string()
    };
    a_card_number_of_a_method_that_is_spent_is_named: |shop| change::<PaymentMethod>(&shop, |method| !method.spent, |method| (method.paid, method.spent) = (true, true));
    a_card_number_of_a_token_that_is_used_is_named: |shop| async {
        shop.token().await;
        change::<Token>(&shop, any, |token| token.used = true).await
    };
}

#[tokio::test]
async fn an_entry_that_no_line_tells_of_is_named_by_the_accounts_it_leaves_wrong() {
    let shop = busy().await;
    let settled = |entry: &JournalEntry| entry.movement() == domain::ledger::Movement::RefundSettled;
    delete::<JournalEntry>(&shop, settled).await;
    let differences = shop.differences().await.join("\n");
    assert!(differences.contains("provider_receivable holds") && differences.contains("refunds_in_transit holds"), "{differences}");
}

#[tokio::test]
async fn every_entry_that_a_list_lacks_or_has_too_much_is_named() {
    let indexes = [
        Index::PaymentIntents,
        Index::PaymentIntentsByCustomer,
        Index::Charges,
        Index::ChargesByPaymentIntent,
        Index::ChargesByCustomer,
        Index::Refunds,
        Index::RefundsByCharge,
        Index::RefundsByPaymentIntent,
        Index::SetupIntents,
        Index::SetupIntentsByCustomer,
        Index::PaymentMethodsByCustomer,
        Index::OpenOperations,
        Index::AwaitingBuyer,
        Index::Customers,
        Index::Events,
        Index::EventsByKind,
        Index::BalanceTransactions,
        Index::BalanceTransactionsBySource,
        Index::BalanceTransactionsByKind,
    ];
    let shop = busy().await;
    let stranger = Ulid::from_bits(77);
    for index in indexes {
        let links = shop.store.export_links(None, 1_000).await.unwrap();
        let entry = links.iter().find(|entry| entry.list.index == index).unwrap_or_else(|| panic!("{index:?}"));
        for (lacking, id) in [(true, entry.id), (false, stranger)] {
            write(&shop, entry.list, id, !lacking).await;
            let differences = shop.differences().await;
            let named = |difference: &String| difference.contains(&id.to_string()) && difference.contains(&format!("{index:?}"));
            assert!(differences.iter().any(named), "{index:?}, {id}: {differences:#?}");
            write(&shop, entry.list, id, lacking).await;
            assert_eq!(shop.differences().await, Vec::<String>::new(), "{index:?}, mended");
        }
    }
}

async fn write(shop: &Shop, list: List, id: Ulid, there: bool) {
    let mut batch = Batch::new();
    if there {
        batch.link(list, id);
    } else {
        batch.unlink(list, id);
    }
    shop.store.commit(batch).await.unwrap();
}

/// A provider's books in pages of one.
struct Kept(Vec<Moved>);

#[async_trait]
impl Statement for Kept {
    async fn after(&self, key: Option<&ProviderKey>) -> Result<Vec<Moved>, Error> {
        Ok(self.0.iter().find(|moved| key.is_none_or(|key| moved.key > *key)).cloned().into_iter().collect())
    }
}

/// The provider's books as they would be after a busy day.
async fn kept(shop: &Shop) -> Vec<Moved> {
    let mut kept = Vec::new();
    let mut moved = |key: ProviderKey, taken: i64, given_back: i64| {
        kept.push(Moved { key, taken, given_back, currency: Some("usd".to_owned()) });
    };
    let page = shop.store.export(Kind::Charge, None, 1_000).await.unwrap();
    for charge in page.iter().map(|exported| decode::<Charge>(&exported.item.body).unwrap()) {
        let attempt: PaymentAttempt = shop.load(charge.attempt.ulid()).await;
        let at_once = attempt.approval.as_ref().is_some_and(|approval| approval.captured);
        moved(ProviderKey::authorize(attempt.id), if at_once { charge.amount_captured } else { 0 }, 0);
        if !attempt.conflicts.is_empty() {
            moved(ProviderKey::authorize(attempt.id), 2_000, 0);
            moved(ProviderKey::compensate(attempt.id, 0), 0, 2_000);
        }
        if !at_once && charge.amount_captured > 0 {
            moved(ProviderKey::capture(attempt.id, 1), charge.amount_captured, 0);
        }
    }
    let page = shop.store.export(Kind::Refund, None, 1_000).await.unwrap();
    for refund in page.iter().map(|exported| decode::<Refund>(&exported.item.body).unwrap()) {
        let made = refund.status == domain::refund::Status::Succeeded;
        moved(ProviderKey::refund(refund.id), 0, if made { refund.amount.minor() } else { 0 });
    }
    kept.sort_by(|a, b| a.key.cmp(&b.key).then(a.taken.cmp(&b.taken)));
    kept.dedup_by(|later, earlier| {
        later.key == earlier.key && {
            earlier.taken = earlier.taken.max(later.taken);
            true
        }
    });
    kept
}

async fn against(shop: &Shop, kept: Vec<Moved>) -> Vec<String> {
    let mut report = Report::default();
    payments::verify::bank::verify(&*shop.store, &Kept(kept), "scripted", &mut report).await.unwrap();
    report.differences
}

/// The shop's store as one that exports the other way round.
struct Backwards(Shop);

#[async_trait]
impl Store for Backwards {
    fn is_shared(&self) -> bool {
        self.0.store.is_shared()
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        self.0.store.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        self.0.store.scan(scan).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        let mut page = self.0.store.export(kind, after, limit).await?;
        page.reverse();
        Ok(page)
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.0.store.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.0.store.commit(batch).await
    }
}

#[tokio::test]
async fn books_agree_in_whatever_order_a_store_exports() {
    let shop = busy().await;
    let kept = kept(&shop).await;
    let mut report = Report::default();
    payments::verify::bank::verify(&Backwards(shop), &Kept(kept), "scripted", &mut report).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
}

#[tokio::test]
async fn a_providers_books_that_say_the_same_agree() {
    let shop = busy().await;
    let kept = kept(&shop).await;
    assert!(kept.len() > 6);
    assert_eq!(against(&shop, kept).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_cent_that_a_provider_moved_and_we_did_not_is_named_by_its_key() {
    let shop = busy().await;
    let kept = kept(&shop).await;
    for (position, moved) in kept.iter().enumerate().filter(|(_, moved)| moved.taken + moved.given_back > 0) {
        let subject = moved.key.subject().unwrap().to_string();
        let mut less = kept.clone();
        less.remove(position);
        let mut more = kept.clone();
        more[position].taken += 1;
        let mut other = kept.clone();
        other[position].currency = Some("jpy".to_owned());
        for books in [less, more, other] {
            let differences = against(&shop, books).await;
            assert!(differences.len() == 1 && differences[0].contains(&subject), "{}: {differences:?}", moved.key);
        }
    }
}

#[tokio::test]
async fn what_a_provider_moved_for_nobody_is_named() {
    let shop = busy().await;
    for prefix in ["pa_", "re_", "zz_"] {
        for bits in [1, u128::MAX >> 3] {
            let key = ProviderKey::from_text(&format!("{prefix}{}_auth", Ulid::from_bits(bits)));
            let mut books = kept(&shop).await;
            books.push(Moved { key: key.clone(), taken: 5, given_back: 0, currency: None });
            books.sort_by(|a, b| a.key.cmp(&b.key));
            let differences = against(&shop, books).await;
            assert!(differences.len() == 1 && differences[0].contains(key.as_str()), "{key}: {differences:?}");
        }
    }
}
