//! The audit trail: every change has its row, rows are sealed, and whatever was done to either is named.

use std::time::Duration;

use domain::audit::chain::Segment;
use domain::audit::signing::{PublicKey, SigningKey};
use domain::audit::{Action, Actor, AuditEntry, Digest, Ending, Job, Subject};
use domain::id::Ulid;
use domain::outcome::{AuthorizeOutcome, QueryOutcome, UnknownReason};
use domain::payment_intent::PaymentIntent;
use domain::provider_key::ProviderKey;
use payments::jobs::seal::SETTLING_TIME;
use payments::records::{decode, encode, key_of};
use payments::verify::Report;
use payments::verify::audit::Trail;
use store::{Batch, Index, Key, Kind, List, Precondition, Scan, Store};

use crate::bank::{approved, declined};
use crate::shop::{Shop, payment, told};
use crate::verify::busy;

/// Long before anything settles.
const NEVER: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;

async fn verified(shop: &Shop, keys: &[PublicKey]) -> (Trail, Vec<String>) {
    let mut report = Report::default();
    let trail = payments::verify::audit::verify(&*shop.store, keys, &mut report).await.unwrap();
    (trail, report.differences)
}

async fn differences(shop: &Shop) -> Vec<String> {
    verified(shop, &[]).await.1
}

/// Seals all there is; says how many rows.
async fn seal(shop: &Shop) -> usize {
    shop.pass(1);
    let mut sealed = 0;
    loop {
        match shop.platform.seal_audit(Duration::ZERO).await.unwrap() {
            0 => return sealed,
            more => sealed += more,
        }
    }
}

/// The shop's rows, oldest first.
async fn rows(shop: &Shop) -> Vec<AuditEntry> {
    let ids = ids(shop).await;
    let mut rows = Vec::new();
    for id in ids {
        rows.push(shop.load(id).await);
    }
    rows
}

async fn ids(shop: &Shop) -> Vec<Ulid> {
    shop.store.scan(Scan::oldest(List::all(shop.scope, Index::AuditEntries), 1_000)).await.unwrap()
}

fn row_key(shop: &Shop, id: Ulid) -> Key {
    key_of::<AuditEntry>(shop.scope, id)
}

fn segment_key(shop: &Shop, number: u64) -> Key {
    Key::named(shop.scope, Kind::AuditSegment, number.to_string())
}

async fn body(shop: &Shop, key: &Key) -> Vec<u8> {
    shop.store.get_one(key).await.unwrap().unwrap().body
}

async fn put(shop: &Shop, key: Key, body: Vec<u8>) {
    let mut batch = Batch::new();
    batch.put(key, body, Precondition::Any);
    shop.store.commit(batch).await.unwrap();
}

async fn remove(shop: &Shop, key: Key) {
    let mut batch = Batch::new();
    batch.delete(key, Precondition::Any);
    shop.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_payment_has_a_row_for_each_of_its_commits_which_tells_all_it_changed() {
    let shop = Shop::open().await;
    let request = shop.request();
    let intent: PaymentIntent = told(&shop.platform.create_payment_intent(&request, &payment()).await.unwrap());
    let [first, second] = rows(&shop).await.try_into().unwrap();
    for row in [&first, &second] {
        assert_eq!((&row.actor, row.from, row.request.as_ref()), (&request.actor, request.from, Some(&request.id)));
        assert_eq!(row.result, Ending::Success);
    }
    assert_eq!((first.action, second.action), (Action::PaymentIntentCreate, Action::PaymentIntentSettle));
    let of = |row: &AuditEntry, subject| row.changes.iter().copied().find(|change| change.object == subject).unwrap();
    let (made, settled) = (of(&first, Subject::PaymentIntent(intent.id)), of(&second, Subject::PaymentIntent(intent.id)));
    assert_eq!((made.revision, made.before, settled.revision), (1, None, 2));
    assert_eq!((settled.before, made.after.is_some()), (made.after, true));
    let kept = body(&shop, &key_of::<PaymentIntent>(shop.scope, intent.id.ulid())).await;
    assert_eq!(settled.after, Some(Digest::of(&kept)));
    let charge = of(&second, Subject::Charge(intent.latest_charge.unwrap()));
    assert_eq!((charge.revision, charge.before), (1, None));
}

#[tokio::test]
async fn a_shop_that_has_seen_everything_has_a_row_for_every_change() {
    let mut shop = busy().await;
    assert_eq!(differences(&shop).await, Vec::<String>::new());
    shop.crash();
    shop.recover().await;
    seal(&shop).await;
    let (trail, differences) = verified(&shop, &[]).await;
    assert_eq!((differences, trail.unsealed), (Vec::new(), 0));
    assert!(trail.rows > 30 && trail.segments == 2, "{trail:?}");
}

#[tokio::test]
async fn a_refusal_that_is_written_down_is_told_by_its_code() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(declined());
    shop.pay(&payment()).await;
    let ends: Vec<Ending> = rows(&shop).await.into_iter().map(|row| row.result).collect();
    assert!(matches!(ends.as_slice(), [Ending::Success, Ending::Refused(code)] if !code.is_empty()), "{ends:?}");
}

#[tokio::test]
async fn what_recovery_and_providers_do_is_told_as_theirs() {
    let mut shop = Shop::open().await;
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    shop.pay(&payment()).await;
    shop.crash();
    shop.recover().await;
    let last = rows(&shop).await.pop().unwrap();
    assert_eq!((last.actor, last.request, last.from), (Actor::Job { name: Job::Recovery }, None, None));
    shop.bank.will_authorize(declined());
    let refused = shop.pay(&payment()).await;
    let key = ProviderKey::authorize(refused.latest_attempt.unwrap());
    shop.hear(&key, QueryOutcome::Authorize(approved(true))).await;
    let last = rows(&shop).await.pop().unwrap();
    assert_eq!((last.actor, last.action), (Actor::Provider { name: "bank".to_owned() }, Action::ConflictRecord));
}

#[tokio::test]
async fn a_commit_that_changes_no_object_has_no_row() {
    let shop = Shop::open().await;
    let refused = payments::ports::Answer { status: 400, body: b"{}".to_vec() };
    shop.platform.keep_refusal(&shop.request_under("key"), refused).await.unwrap();
    shop.pass(2 * 24 * HOUR_MS);
    shop.platform.expire_idempotency().await.unwrap();
    assert_eq!(rows(&shop).await, []);
}

#[tokio::test]
async fn rows_are_sealed_once_they_have_settled_and_not_before() {
    let shop = Shop::open().await;
    shop.pay(&payment()).await;
    shop.pass(24 * HOUR_MS);
    assert_eq!(shop.platform.seal_audit(NEVER).await.unwrap(), 0);
    assert_eq!(shop.platform.seal_audit(NEVER).await.unwrap(), 0);
    assert_eq!(verified(&shop, &[]).await.0.unsealed, 3);
    assert_eq!(seal(&shop).await, 3);
    assert_eq!(seal(&shop).await, 0);
    let (trail, differences) = verified(&shop, &[]).await;
    assert_eq!((trail.rows, trail.segments, trail.unsealed, differences), (3, 2, 0, Vec::new()));
}

#[tokio::test]
async fn two_servers_that_seal_at_once_make_one_segment() {
    let shop = Shop::open().await;
    let mut other = shop.clone();
    other.crash();
    shop.pay(&payment()).await;
    shop.pass(1);
    // The platform's own row is first; the race is about the shop's.
    shop.meanwhile.happens(async move { while other.platform.seal_audit(Duration::ZERO).await.unwrap() > 0 {} });
    shop.platform.seal_audit(Duration::ZERO).await.unwrap();
    seal(&shop).await;
    let (trail, differences) = verified(&shop, &[]).await;
    assert_eq!((trail.segments, trail.unsealed, differences), (2, 0, Vec::new()));
}

/// What was paid before its clock was set back by an hour is sealed, what was paid since is not.
async fn with_rows_ahead_of_its_clock() -> Shop {
    let mut shop = Shop::open().await;
    shop.pay(&payment()).await;
    seal(&shop).await;
    shop.pass(-HOUR_MS);
    shop.crash();
    shop.pay(&payment()).await;
    shop
}

#[tokio::test]
async fn rows_come_after_those_that_are_sealed_although_the_clock_was_set_back_in_between() {
    let shop = with_rows_ahead_of_its_clock().await;
    let (trail, differences) = verified(&shop, &[]).await;
    assert_eq!((trail.unsealed, differences), (2, Vec::new()));
    shop.pass(2 * HOUR_MS);
    assert_eq!((seal(&shop).await, self::differences(&shop).await), (2, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn rows_ahead_of_the_clock_are_sealed_as_all_others_are() {
    let shop = with_rows_ahead_of_its_clock().await;
    assert_eq!(shop.platform.seal_audit(SETTLING_TIME).await.unwrap(), 0);
    tokio::time::advance(SETTLING_TIME).await;
    assert_eq!(shop.platform.seal_audit(SETTLING_TIME).await.unwrap(), 2);
    assert_eq!(differences(&shop).await, Vec::<String>::new());
}

/// Two servers, the clock of the first of which was an hour ahead until it had paid.
async fn two_servers_an_hour_apart() -> (Shop, Shop) {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    other.pay(&payment()).await;
    seal(&shop).await;
    shop.pass(HOUR_MS);
    shop.pay(&payment()).await;
    shop.pass(-HOUR_MS);
    (shop, other)
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_clock_is_behind_names_no_row_before_those_that_are_about_to_be_sealed() {
    let (shop, other) = two_servers_an_hour_apart().await;
    let first_ahead = ids(&shop).await[2];
    // Its rows go between what is sealed and what is not, as nobody has said yet that it will be.
    other.pay(&payment()).await;
    assert_eq!(ids(&shop).await.iter().filter(|id| **id < first_ahead).count(), 4);
    assert_eq!(shop.platform.seal_audit(SETTLING_TIME).await.unwrap(), 0);
    // A commit that was under way by then comes in time.
    other.pay(&payment()).await;
    tokio::time::advance(SETTLING_TIME / 4).await;
    // From here on it knows.
    other.pay(&payment()).await;
    assert_eq!(ids(&shop).await.iter().filter(|id| **id < first_ahead).count(), 6);
    tokio::time::advance(SETTLING_TIME * 3 / 4).await;
    assert_eq!(shop.platform.seal_audit(SETTLING_TIME).await.unwrap(), 6);
    let (trail, differences) = verified(&shop, &[]).await;
    assert_eq!((trail.unsealed, differences), (2, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_stopwatch_stood_still_knows_by_its_clock_that_it_must_look_again() {
    for passes in [16_000, -1_000] {
        let (shop, other) = two_servers_an_hour_apart().await;
        assert_eq!(shop.platform.seal_audit(SETTLING_TIME).await.unwrap(), 0);
        let newest = ids(&shop).await.pop().unwrap();
        shop.pass(passes);
        other.pay(&payment()).await;
        assert_eq!(ids(&shop).await.iter().filter(|id| **id > newest).count(), 2);
    }
}

/// A shop with a chain of three segments; breaks one thing and expects exactly these differences.
macro_rules! broken {
    ($($name:ident: |$shop:ident, $ids:ident| $break:expr, $expected:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let $shop = Shop::open().await;
            for _ in 0..3 {
                $shop.pay(&payment()).await;
                seal(&$shop).await;
            }
            let $ids = ids(&$shop).await;
            assert_eq!(($ids.len(), differences(&$shop).await), (6, Vec::new()));
            $break;
            let found = differences(&$shop).await;
            let expected: Vec<String> = $expected;
            assert!(!expected.is_empty() && expected.iter().all(|part| found.iter().any(|is| is.contains(part))), "{expected:?}: {found:#?}");
        }
    )*};
}

fn aud(id: Ulid, what: &str) -> String {
    format!("aud_{id}: {what}")
}

broken! {
    an_altered_row_is_named: |shop, ids| {
        let mut row: AuditEntry = shop.load(ids[2]).await;
        row.actor = Actor::Operator { name: "nobody".to_owned() };
        put(&shop, row_key(&shop, ids[2]), encode(&row).unwrap()).await;
    }, vec![aud(ids[2], "altered since it was sealed in segment 2")];
    a_row_that_cannot_be_read_is_named: |shop, ids| {
        put(&shop, row_key(&shop, ids[2]), b"{}".to_vec()).await;
    }, vec![aud(ids[2], "cannot be read"), aud(ids[2], "altered")];
    a_removed_row_is_named: |shop, ids| {
        let mut batch = Batch::new();
        batch.delete(row_key(&shop, ids[3]), Precondition::Any);
        batch.unlink(List::all(shop.scope, Index::AuditEntries), ids[3]);
        shop.store.commit(batch).await.unwrap();
    }, vec![aud(ids[3], "removed since it was sealed in segment 2")];
    an_added_row_is_named: |shop, ids| {
        let id = Ulid::from_bits(ids[3].bits() + 1);
        let row = AuditEntry { id: domain::id::AuditEntryId::new(id), changes: Vec::new(), ..shop.load(ids[3]).await };
        let mut batch = Batch::new();
        batch.put(row_key(&shop, id), encode(&row).unwrap(), Precondition::Any);
        batch.link(List::all(shop.scope, Index::AuditEntries), id);
        shop.store.commit(batch).await.unwrap();
    }, vec![aud(Ulid::from_bits(ids[3].bits() + 1), "added")];
    reordered_rows_are_named: |shop, ids| {
        let (first, second) = (body(&shop, &row_key(&shop, ids[2])).await, body(&shop, &row_key(&shop, ids[3])).await);
        put(&shop, row_key(&shop, ids[2]), second).await;
        put(&shop, row_key(&shop, ids[3]), first).await;
    }, vec![aud(ids[2], "reordered since it was sealed in segment 2"), aud(ids[3], "reordered since it was sealed in segment 2")];
    a_row_that_is_in_no_list_is_named: |shop, ids| {
        let mut batch = Batch::new();
        batch.unlink(List::all(shop.scope, Index::AuditEntries), ids[0]);
        shop.store.commit(batch).await.unwrap();
    }, vec![aud(ids[0], "in no list of rows")];
    a_missing_segment_is_named: |shop, ids| {
        remove(&shop, segment_key(&shop, 2)).await;
    }, vec!["segment 2: missing".to_owned()];
    a_missing_last_segment_is_named: |shop, ids| {
        remove(&shop, segment_key(&shop, 3)).await;
    }, vec!["segment 3: missing".to_owned()];
    a_segment_that_was_made_anew_with_its_row_breaks_the_next_link: |shop, ids| {
        let mut row: AuditEntry = shop.load(ids[3]).await;
        row.from = None;
        let text = encode(&row).unwrap();
        let kept: Segment = decode(&body(&shop, &segment_key(&shop, 1)).await).unwrap();
        let old = body(&shop, &row_key(&shop, ids[2])).await;
        let of = |id, body: &[u8]| domain::audit::chain::Row { id, digest: Digest::of(body) };
        let forged = Segment::seal(shop.scope, &kept.head().unwrap(), &[of(ids[2], &old), of(ids[3], &text)], shop.platform.now());
        put(&shop, row_key(&shop, ids[3]), text).await;
        put(&shop, segment_key(&shop, 2), encode(&forged).unwrap()).await;
    }, vec!["segment 3: does not go on where the one before ends".to_owned()];
    an_altered_segment_is_named: |shop, ids| {
        let mut segment: Segment = decode(&body(&shop, &segment_key(&shop, 2)).await).unwrap();
        segment.sealed_at = segment.sealed_at.plus_millis(1);
        put(&shop, segment_key(&shop, 2), encode(&segment).unwrap()).await;
    }, vec!["segment 2: altered".to_owned()];
    a_chain_that_was_cut_off_at_its_end_is_named: |shop, ids| {
        let before: Segment = decode(&body(&shop, &segment_key(&shop, 2)).await).unwrap();
        remove(&shop, segment_key(&shop, 3)).await;
        put(&shop, Key::named(shop.scope, Kind::AuditSegment, "head"), b"{}".to_vec()).await;
        assert_eq!(before.number, 2);
    }, vec!["the chain's end".to_owned()];
    an_object_that_was_altered_behind_the_trail_is_named: |shop, ids| {
        let row: AuditEntry = shop.load(ids[1]).await;
        let Subject::PaymentIntent(id) = row.changes[0].object else { panic!("{row:?}") };
        let mut intent: PaymentIntent = shop.load(id.ulid()).await;
        intent.description = Some("altered".to_owned());
        put(&shop, key_of::<PaymentIntent>(shop.scope, id.ulid()), encode(&intent).unwrap()).await;
        shop.pay(&payment()).await;
    }, vec![format!("{}: is not what the audit trail says it is", shop.load::<AuditEntry>(ids[1]).await.changes[0].object)];
    an_object_that_was_removed_behind_the_trail_is_named: |shop, ids| {
        let row: AuditEntry = shop.load(ids[1]).await;
        let Subject::PaymentIntent(id) = row.changes[0].object else { panic!("{row:?}") };
        remove(&shop, key_of::<PaymentIntent>(shop.scope, id.ulid())).await;
    }, vec![format!("{}: is not what the audit trail says it is", shop.load::<AuditEntry>(ids[1]).await.changes[0].object)];
}

#[tokio::test]
async fn a_row_that_is_removed_before_it_is_sealed_leaves_its_objects_without_their_story() {
    let shop = Shop::open().await;
    shop.pay(&payment()).await;
    let id = ids(&shop).await[1];
    let row: AuditEntry = shop.load(id).await;
    let mut batch = Batch::new();
    batch.delete(row_key(&shop, id), Precondition::Any);
    batch.unlink(List::all(shop.scope, Index::AuditEntries), id);
    shop.store.commit(batch).await.unwrap();
    let found = differences(&shop).await;
    for change in &row.changes {
        assert!(found.contains(&format!("{}: is not what the audit trail says it is", change.object)), "{found:?}");
    }
}

#[tokio::test]
async fn a_listed_row_that_is_gone_before_it_is_sealed_is_named_ever_after() {
    let shop = Shop::open().await;
    shop.pay(&payment()).await;
    let id = ids(&shop).await[1];
    remove(&shop, row_key(&shop, id)).await;
    seal(&shop).await;
    assert!(differences(&shop).await.iter().any(|is| is.ends_with(&aud(id, "removed since it was sealed in segment 1"))));
}

#[tokio::test]
async fn a_signed_chain_is_right_to_its_key_and_to_no_other() {
    let mut shop = Shop::open().await;
    let key = |seed: u8| SigningKey::from_seed(&[seed; 32]).unwrap();
    shop.sign(key(1));
    shop.pay(&payment()).await;
    seal(&shop).await;
    let (public, other) = (key(1).public().unwrap(), key(2).public().unwrap());
    let (trail, differences) = verified(&shop, &[public]).await;
    assert_eq!((trail.signed, trail.keys.into_iter().collect::<Vec<_>>(), differences), (2, vec![public], Vec::new()));
    let (_, differences) = verified(&shop, &[other]).await;
    assert!(differences.iter().all(|is| is.contains("its signature is not of a key that was named")) && differences.len() == 2);
}
