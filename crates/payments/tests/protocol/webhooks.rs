//! Every event reaches every endpoint that hears it, whatever endpoints and processes do; none reaches another.

use std::collections::BTreeMap;

use domain::audit::{Action, Actor, AuditEntry, Job};
use domain::event::{Event, EventKind};
use domain::id::{EventId, Ulid, WebhookEndpointId};
use domain::time::Timestamp;
use domain::webhook_delivery::{DOWN_AFTER_FAILURES, Failure, GIVEN_UP_AFTER_MS, Status, Told};
use domain::webhook_endpoint::{DisabledBecause, EnabledEvents, MAX_ENDPOINTS, State, WebhookEndpoint};
use payments::Error;
use payments::metadata::Changes;
use payments::outcome::ShownEndpoint;
use payments::webhooks::endpoints::{NewWebhookEndpoint, WebhookEndpointChange};
use payments::webhooks::signature::{Signed, headers};
use payments::webhooks::silenced::Silenced;
use store::{Index, Kind, List, Scan, Store as _};

use crate::shop::{Shop, payment};

const URL: &str = "https://shop.example/hooks";
const OTHER_URL: &str = "https://other.example/hooks";
const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 24 * 3_600_000;

fn new(url: &str, enabled_events: EnabledEvents) -> NewWebhookEndpoint {
    NewWebhookEndpoint { url: url.to_owned(), enabled_events, description: None, metadata: Changes::Keep }
}

/// Makes an endpoint; its id and its secret.
async fn endpoint_at(shop: &Shop, url: &str, events: EnabledEvents) -> (WebhookEndpointId, String) {
    let answered = shop.platform.create_webhook_endpoint(&shop.request(), &new(url, events)).await.unwrap();
    shown(&answered.answer.body)
}

/// The test's presenter writes the endpoint and, after it, its secret.
fn shown(body: &[u8]) -> (WebhookEndpointId, String) {
    let (endpoint, secret): (WebhookEndpoint, Option<String>) = serde_json::from_slice(body).unwrap();
    (endpoint.id, secret.unwrap_or_default())
}

async fn endpoint(shop: &Shop) -> WebhookEndpointId {
    endpoint_at(shop, URL, EnabledEvents::All).await.0
}

async fn deliver(shop: &Shop) -> usize {
    shop.platform.deliver_due().await.unwrap()
}

/// Lets time pass and delivers, again and again.
async fn deliver_for(shop: &Shop, millis: i64, step: i64) {
    for _ in 0..millis / step {
        shop.pass(step);
        deliver(shop).await;
    }
}

async fn events(shop: &Shop) -> Vec<String> {
    let ids = shop.store.scan(Scan::oldest(List::all(shop.scope, Index::Events), 1_000)).await.unwrap();
    ids.into_iter().map(|id| EventId::new(id).to_string()).collect()
}

async fn pending(shop: &Shop, endpoint: WebhookEndpointId) -> usize {
    let list = List::of(shop.scope, Index::PendingDeliveries, endpoint.ulid());
    shop.store.scan(Scan::oldest(list, 1_000)).await.unwrap().len()
}

fn sent_events(shop: &Shop) -> Vec<String> {
    let mut sent: Vec<String> = shop.courier.sent().iter().map(|sent| sent.event().to_owned()).collect();
    sent.sort_unstable();
    sent
}

async fn verify(shop: &Shop) {
    let report = payments::verify::verify(&*shop.store).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
}

async fn state(shop: &Shop, endpoint: WebhookEndpointId) -> State {
    shop.load::<WebhookEndpoint>(endpoint.ulid()).await.state
}

#[tokio::test]
async fn each_event_is_told_once_to_each_endpoint_that_hears_it() {
    let shop = Shop::open().await;
    shop.pay(&payment()).await;
    let all = endpoint(&shop).await;
    let some = endpoint_at(&shop, OTHER_URL, EnabledEvents::Only(vec![EventKind::ChargeSucceeded])).await.0;
    let before = events(&shop).await;
    shop.pay(&payment()).await;
    let made: Vec<String> = events(&shop).await.into_iter().filter(|event| !before.contains(event)).collect();
    assert!(deliver(&shop).await > made.len());
    let sent = shop.courier.sent();
    let mut to_all: Vec<&str> = sent.iter().filter(|sent| sent.url == URL).map(super::courier::Sent::event).collect();
    to_all.sort_unstable();
    assert_eq!(to_all, made.iter().map(String::as_str).collect::<Vec<_>>());
    let to_some: Vec<Event> =
        sent.iter().filter(|sent| sent.url == OTHER_URL).map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect();
    assert_eq!(to_some.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::ChargeSucceeded]);
    assert_eq!((deliver(&shop).await, pending(&shop, all).await, pending(&shop, some).await), (0, 0, 0));
    assert!(shop.courier.sent().is_empty());
    verify(&shop).await;
}

#[tokio::test]
async fn a_delivery_is_signed_with_the_endpoints_secret_over_what_is_sent() {
    let shop = Shop::open().await;
    let (_, secret) = endpoint_at(&shop, URL, EnabledEvents::Only(vec![EventKind::ChargeSucceeded])).await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    shop.pay(&payment()).await;
    deliver(&shop).await;
    let [sent] = &shop.courier.sent()[..] else { panic!("one") };
    let signed = Signed { id: sent.event(), at: shop.clock_seconds(), body: &sent.body };
    assert_eq!(sent.headers, headers(&[secret], signed));
}

#[tokio::test]
async fn two_secrets_sign_during_a_roll_and_one_after_it() {
    let shop = Shop::open().await;
    let (id, old) = endpoint_at(&shop, URL, EnabledEvents::Only(vec![EventKind::ChargeSucceeded])).await;
    let rolled = shop.platform.roll_webhook_secret(&shop.request(), id, 60).await.unwrap();
    let (_, fresh) = shown(&rolled.answer.body);
    assert_ne!(old, fresh);
    for (passes, secrets) in [(59, vec![&fresh, &old]), (2, vec![&fresh])] {
        shop.pass(passes * SECOND_MS);
        shop.pay(&payment()).await;
        deliver(&shop).await;
        let [sent] = &shop.courier.sent()[..] else { panic!("one") };
        assert_eq!(sent.headers, headers(&secrets, Signed { id: sent.event(), at: shop.clock_seconds(), body: &sent.body }));
    }
}

#[tokio::test]
async fn what_a_process_made_known_and_did_not_tell_the_next_one_tells() {
    let mut shop = Shop::open().await;
    endpoint(&shop).await;
    shop.pay(&payment()).await;
    shop.crash();
    deliver(&shop).await;
    assert_eq!(sent_events(&shop), events(&shop).await);
}

#[tokio::test]
async fn what_an_endpoint_does_not_take_is_tried_again_after_a_pause_and_logged() {
    let shop = Shop::open().await;
    let id = endpoint_at(&shop, URL, EnabledEvents::Only(vec![EventKind::ChargeSucceeded])).await.0;
    shop.courier.answers_next(Told::Answered { status: 503, head: "later".to_owned() });
    shop.courier.answers_next(Told::Failed(Failure::TimedOut));
    shop.pay(&payment()).await;
    deliver(&shop).await;
    let event: EventId = shop.courier.sent()[0].event().parse().unwrap();
    shop.pass(3 * SECOND_MS);
    assert_eq!((deliver(&shop).await, pending(&shop, id).await), (0, 1));
    deliver_for(&shop, 60 * SECOND_MS, 2 * SECOND_MS).await;
    assert_eq!((shop.courier.sent().len(), pending(&shop, id).await), (2, 0));
    let delivery = shop.platform.deliveries_of_event(&shop.request(), event).await.unwrap().remove(0);
    let told: Vec<Told> = delivery.log.iter().map(|attempt| attempt.told.clone()).collect();
    let answered = |status, head: &str| Told::Answered { status, head: head.to_owned() };
    assert_eq!(told, [answered(503, "later"), Told::Failed(Failure::TimedOut), answered(200, "said")]);
    assert_eq!((delivery.status, delivery.attempts), (Status::Delivered, 3));
    verify(&shop).await;
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_tried_now_and_then_and_told_everything_when_it_is_back() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    endpoint_at(&shop, OTHER_URL, EnabledEvents::All).await;
    shop.courier.answers(URL, 0);
    for _ in 0..30 {
        shop.pay(&payment()).await;
    }
    deliver(&shop).await;
    let hour = 3_600 * SECOND_MS;
    let first = shop.courier.sent();
    let tried = |sent: &[super::courier::Sent]| sent.iter().filter(|sent| sent.url == URL).count();
    assert!(tried(&first) >= usize::try_from(DOWN_AFTER_FAILURES).unwrap() && tried(&first) <= 25, "{}", tried(&first));
    let events = events(&shop).await;
    assert_eq!(first.len() - tried(&first), events.len(), "the other endpoint is told everything");
    deliver_for(&shop, hour, 5 * SECOND_MS).await;
    let probes = tried(&shop.courier.sent());
    assert!((10..=30).contains(&probes), "{probes}");
    assert_eq!(pending(&shop, id).await, events.len());
    shop.courier.answers(URL, 204);
    deliver_for(&shop, 400 * SECOND_MS, 5 * SECOND_MS).await;
    assert_eq!(sent_events(&shop), events);
    assert_eq!((pending(&shop, id).await, state(&shop, id).await), (0, State::Enabled));
}

#[tokio::test]
async fn an_endpoint_that_is_back_is_not_taken_for_down_because_it_stumbles_over_one_event() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    shop.courier.answers(URL, 0);
    for _ in 0..10 {
        shop.pay(&payment()).await;
    }
    shop.courier.stumbles_over(&events(&shop).await[0]);
    deliver(&shop).await;
    deliver_for(&shop, 600 * SECOND_MS, 5 * SECOND_MS).await;
    shop.courier.answers(URL, 200);
    deliver_for(&shop, 900 * SECOND_MS, 5 * SECOND_MS).await;
    assert_eq!(pending(&shop, id).await, 1);
}

#[tokio::test]
async fn that_an_endpoint_is_down_the_next_process_knows() {
    let mut shop = Shop::open().await;
    endpoint(&shop).await;
    shop.courier.answers(URL, 500);
    for _ in 0..10 {
        shop.pay(&payment()).await;
    }
    deliver(&shop).await;
    deliver_for(&shop, 600 * SECOND_MS, 5 * SECOND_MS).await;
    shop.courier.sent();
    shop.crash();
    deliver(&shop).await;
    assert!(shop.courier.sent().len() <= 1);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_told_nothing_more() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    shop.courier.answers(URL, 410);
    shop.pay(&payment()).await;
    deliver(&shop).await;
    assert_eq!(state(&shop, id).await, State::Disabled { because: DisabledBecause::Gone });
    assert_eq!(shop.platform.endpoints_silenced(), Silenced { gone: 1, failing: 0 });
    shop.courier.sent();
    shop.pay(&payment()).await;
    shop.pass(61 * SECOND_MS);
    deliver(&shop).await;
    assert_eq!((shop.courier.sent().len(), pending(&shop, id).await), (0, 0));
    let rows = shop.store.scan(Scan::newest(List::all(shop.scope, Index::AuditEntries), 100)).await.unwrap();
    let mut disabled = Vec::new();
    for row in rows {
        let row: AuditEntry = shop.load(row).await;
        if row.action == Action::WebhookEndpointDisable {
            disabled.push(row.actor);
        }
    }
    assert_eq!(disabled, [Actor::Job { name: Job::Deliveries }]);
}

#[tokio::test]
async fn an_endpoint_that_takes_nothing_for_three_days_is_disabled() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    shop.courier.answers(URL, 500);
    shop.pay(&payment()).await;
    deliver_for(&shop, 2 * DAY_MS, 120 * SECOND_MS).await;
    shop.pay(&payment()).await;
    deliver_for(&shop, DAY_MS - 600 * SECOND_MS, 120 * SECOND_MS).await;
    assert_eq!(state(&shop, id).await, State::Enabled);
    deliver_for(&shop, 1_200 * SECOND_MS, 120 * SECOND_MS).await;
    assert_eq!(state(&shop, id).await, State::Disabled { because: DisabledBecause::Failing });
    assert_eq!(shop.platform.endpoints_silenced(), Silenced { gone: 0, failing: 1 });
    let enable = WebhookEndpointChange { disabled: Some(false), ..WebhookEndpointChange::default() };
    shop.platform.update_webhook_endpoint(&shop.request(), id, &enable).await.unwrap();
    shop.pay(&payment()).await;
    deliver(&shop).await;
    assert_eq!(state(&shop, id).await, State::Enabled, "what was before it was enabled does not count");
}

#[tokio::test]
async fn one_event_that_an_endpoint_stumbles_over_is_given_up_and_holds_up_no_other() {
    let shop = Shop::open().await;
    let id = endpoint_at(&shop, URL, EnabledEvents::Only(vec![EventKind::ChargeSucceeded])).await.0;
    shop.pay(&payment()).await;
    let entries = List::of(shop.scope, Index::PendingDeliveries, id.ulid());
    let poison = EventId::new(shop.store.scan(Scan::oldest(entries, 1)).await.unwrap()[0]);
    shop.courier.stumbles_over(&poison.to_string());
    let mut tried = 0;
    for _ in 0..GIVEN_UP_AFTER_MS / (1_800 * SECOND_MS) + 1 {
        shop.pay(&payment()).await;
        deliver(&shop).await;
        assert!(pending(&shop, id).await <= 1, "the others are told at once");
        tried += shop.courier.sent().iter().filter(|sent| sent.event() == poison.to_string()).count();
        shop.pass(1_800 * SECOND_MS);
    }
    let delivery = shop.platform.deliveries_of_event(&shop.request(), poison).await.unwrap().remove(0);
    assert_eq!((delivery.status, pending(&shop, id).await), (Status::GivenUp, 0));
    assert!((10..=20).contains(&tried), "{tried}");
    shop.courier.sent();
    let again = shop.platform.resend_event(&shop.request(), poison, id).await.unwrap();
    assert_eq!((again.status, again.attempts), (Status::Pending, 0));
    deliver(&shop).await;
    assert_eq!(sent_events(&shop), [poison.to_string()]);
}

#[tokio::test]
async fn all_events_of_a_time_are_told_again() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    let (mut bounds, mut made) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        shop.pass(10 * SECOND_MS);
        bounds.push(Ulid::first_at(Timestamp::from_seconds(shop.clock_seconds())));
        let before = events(&shop).await.len();
        for _ in 0..20 {
            shop.pay(&payment()).await;
        }
        made.push(events(&shop).await.split_off(before));
    }
    deliver(&shop).await;
    shop.courier.sent();
    let replayed = shop.platform.replay_events(&shop.request(), id, (Some(bounds[1]), Some(bounds[2]))).await.unwrap();
    assert_eq!((replayed.events, replayed.has_more), (made[1].len(), false));
    assert_eq!(replayed.last.map(|last| last.to_string()).as_ref(), made[1].last());
    deliver(&shop).await;
    assert_eq!(sent_events(&shop), made[1]);
    verify(&shop).await;
}

#[tokio::test]
async fn a_disabled_endpoint_misses_what_happens_and_hears_again_once_it_is_enabled() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    let change = |disabled| WebhookEndpointChange { disabled: Some(disabled), ..WebhookEndpointChange::default() };
    shop.platform.update_webhook_endpoint(&shop.request(), id, &change(true)).await.unwrap();
    assert_eq!(state(&shop, id).await, State::Disabled { because: DisabledBecause::Asked });
    shop.pay(&payment()).await;
    let missed = events(&shop).await;
    let refused = shop.platform.resend_event(&shop.request(), missed[0].parse().unwrap(), id).await;
    assert!(matches!(refused, Err(Error::Parameter { param: "webhook_endpoint", .. })));
    shop.platform.update_webhook_endpoint(&shop.request(), id, &change(false)).await.unwrap();
    shop.pay(&payment()).await;
    deliver(&shop).await;
    let heard: Vec<String> = events(&shop).await.into_iter().filter(|event| !missed.contains(event)).collect();
    assert_eq!(sent_events(&shop), heard);
}

#[tokio::test]
async fn a_deleted_endpoint_is_not_there_any_more_and_leaves_nothing_behind() {
    let shop = Shop::open().await;
    let id = endpoint(&shop).await;
    shop.pay(&payment()).await;
    shop.platform.delete_webhook_endpoint(&shop.request(), id).await.unwrap();
    assert!(matches!(shop.platform.webhook_endpoint(&shop.request(), id).await, Err(Error::NotFound { .. })));
    deliver(&shop).await;
    assert_eq!((shop.courier.sent().len(), pending(&shop, id).await), (0, 0));
    verify(&shop).await;
}

#[tokio::test]
async fn a_server_that_does_not_know_a_new_endpoint_yet_leaves_nothing_out_for_ever() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    other.pay(&payment()).await;
    let before = events(&shop).await;
    shop.pass(SECOND_MS);
    let id = endpoint(&shop).await;
    other.pay(&payment()).await;
    assert_eq!(pending(&shop, id).await, 0, "the other server knew of no endpoint");
    deliver_for(&shop, 180 * SECOND_MS, 20 * SECOND_MS).await;
    let heard: Vec<String> = events(&shop).await.into_iter().filter(|event| !before.contains(event)).collect();
    assert_eq!(sent_events(&shop), heard);
}

#[tokio::test]
async fn a_change_whose_client_went_away_is_known_all_the_same() {
    let shop = Shop::open().await;
    shop.pay(&payment()).await;
    shop.pass(SECOND_MS);
    let before = events(&shop).await;
    // The endpoint lands, and this process does not hear of it.
    let other = shop.other();
    endpoint(&other).await;
    shop.pay(&payment()).await;
    shop.pass(16 * SECOND_MS);
    shop.pay(&payment()).await;
    deliver_for(&shop, 120 * SECOND_MS, 20 * SECOND_MS).await;
    let heard: Vec<String> = events(&shop).await.into_iter().filter(|event| !before.contains(event)).collect();
    assert_eq!(sent_events(&shop), heard);
}

#[tokio::test]
async fn what_was_told_so_long_ago_that_it_is_forgotten_is_not_told_again() {
    let mut shop = Shop::open().await;
    endpoint(&shop).await;
    shop.pay(&payment()).await;
    deliver(&shop).await;
    shop.pass(31 * DAY_MS);
    assert!(shop.platform.expire_deliveries().await.unwrap() > 0);
    shop.courier.sent();
    shop.crash();
    deliver(&shop).await;
    assert_eq!(shop.courier.sent().len(), 0);
}

#[tokio::test]
async fn there_are_so_many_endpoints_at_most_and_none_at_an_address_that_cannot_be_one() {
    let shop = Shop::open().await;
    let wrong = shop.platform.create_webhook_endpoint(&shop.request(), &new("http://10.0.0.1", EnabledEvents::All)).await;
    assert!(matches!(wrong, Err(Error::Parameter { param: "url", code: Some("url_invalid"), .. })));
    for _ in 0..MAX_ENDPOINTS {
        endpoint(&shop).await;
    }
    let one_more = shop.platform.create_webhook_endpoint(&shop.request(), &new(URL, EnabledEvents::All)).await;
    assert!(matches!(one_more, Err(Error::Parameter { param: "url", code: None, .. })));
    shop.pay(&payment()).await;
    assert_eq!(deliver(&shop).await, MAX_ENDPOINTS * events(&shop).await.len());
}

#[tokio::test]
async fn a_repeated_request_makes_no_second_endpoint_and_does_not_tell_the_secret_again() {
    let shop = Shop::open().await;
    let request = shop.request_under("once");
    let wanted = new(URL, EnabledEvents::All);
    let make = || shop.platform.create_webhook_endpoint(&request, &wanted);
    let (first, second) = (make().await.unwrap(), make().await.unwrap());
    assert!(second.replayed && !first.replayed);
    let ((id, secret), (same, hidden)) = (shown(&first.answer.body), shown(&second.answer.body));
    assert_eq!((id, hidden.as_str()), (same, ""));
    let records = shop.store.export(Kind::IdempotencyRecord, None, 100).await.unwrap();
    let records: Vec<String> = records.iter().map(|record| String::from_utf8_lossy(&record.item.body).into_owned()).collect();
    assert!(!secret.is_empty() && records.iter().all(|record| !record.contains(&secret)));
}

#[tokio::test]
async fn how_deliveries_went_can_be_looked_up_for_thirty_days() {
    let shop = Shop::open().await;
    shop.pay(&payment()).await;
    shop.pass(SECOND_MS);
    let id = endpoint_at(&shop, URL, EnabledEvents::Only(vec![EventKind::ChargeSucceeded])).await.0;
    for _ in 0..5 {
        shop.pay(&payment()).await;
    }
    let untried = shop.platform.deliveries_to(&shop.request(), id, None, 10).await.unwrap();
    assert!(untried.deliveries.iter().all(|delivery| delivery.attempts == 0) && untried.deliveries.len() == 5);
    deliver(&shop).await;
    let first = shop.platform.deliveries_to(&shop.request(), id, None, 3).await.unwrap();
    let last = first.deliveries.last().map(|delivery| delivery.event);
    let rest = shop.platform.deliveries_to(&shop.request(), id, last, 3).await.unwrap();
    assert_eq!((first.deliveries.len(), first.has_more, rest.deliveries.len(), rest.has_more), (3, true, 2, false));
    let met: BTreeMap<EventId, Status> = first.deliveries.iter().chain(&rest.deliveries).map(|d| (d.event, d.status)).collect();
    assert!(met.len() == 5 && met.values().all(|status| *status == Status::Delivered));
    shop.pass(30 * DAY_MS);
    assert_eq!(shop.platform.expire_deliveries().await.unwrap(), 0);
    shop.pass(SECOND_MS);
    assert_eq!(shop.platform.expire_deliveries().await.unwrap(), 5);
}

/// As the test's presenter writes it.
pub fn plain(shown: &ShownEndpoint) -> Vec<u8> {
    let secret = shown.secret.as_ref().map(|secret| secret.0.as_str());
    serde_json::to_vec(&(&shown.endpoint, secret)).unwrap()
}

#[test]
fn a_secret_is_in_no_log() {
    let secret = payments::outcome::Secret(zeroize::Zeroizing::new("whsec_x".to_owned()));
    assert_eq!(format!("{secret:?}"), "Secret");
}
