//! After a restart: every key is repeated, everything is listed, and both are compared with what clients were told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use super::client::PATIENCE;
use super::plan::{World, number, text};
use super::rules::{contradiction, first_difference, is_final};
use super::{Books, Findings, Promise};
use crate::Error;
use crate::http::{Answer, Client};
use crate::request::{Call, Caller};

/// Pause between two looks at what is not settled yet.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Pages of 100 that a list may have: a hundred times what a campaign makes.
const PAGES_MAX: usize = 50_000;

/// The server as auditors see it.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) address: SocketAddr,
    pub(super) caller: Arc<Caller>,
    /// When everything must be settled.
    pub(super) deadline: Instant,
}

/// Everything the shop has.
pub(super) struct Inventory {
    intents: Vec<Value>,
    refunds: Vec<Value>,
    charges: Vec<Value>,
    customers: Vec<Value>,
}

/// Repeats every key of every client.
pub(super) async fn replay_all(subject: &Subject, worlds: Vec<World>, findings: &mut Findings) -> Result<Vec<World>, Error> {
    let mut work = JoinSet::new();
    for (index, world) in worlds.into_iter().enumerate() {
        let subject = subject.clone();
        work.spawn(async move { (index, replay(&subject, world).await) });
    }
    let mut replayed = BTreeMap::new();
    while let Some(done) = work.join_next().await {
        let (index, (world, found)) = done.map_err(|_| Error::Worker)?;
        findings.extend(found);
        replayed.insert(index, world);
    }
    Ok(replayed.into_values().collect())
}

async fn replay(subject: &Subject, mut world: World) -> (World, Findings) {
    let mut findings = Findings::default();
    let mut client = Client::new(subject.address, PATIENCE);
    for index in 0..world.records.len() {
        let Some(record) = world.records.get(index) else { break };
        let request = subject.caller.bytes(&record.call());
        let again = match outcome(subject, &mut client, &request).await {
            Ok(answer) => answer,
            Err(last) => {
                findings.add(Promise::Recovered, format!("key {} has no outcome after the recovery pause: {last}", record.key));
                continue;
            }
        };
        let Some(first) = &record.answer else {
            // Only the last record of a client can lack its answer.
            world.answered(again);
            continue;
        };
        if first.status != again.status || first.body != again.body {
            let (first, again) = (show(first), show(&again));
            let what = format!("key {} was answered with {first} and is now answered with {again}", record.key);
            findings.add(Promise::Replayed, what);
        } else if !again.replayed {
            findings.add(Promise::Replayed, format!("key {}: the repeated answer does not say that it is repeated", record.key));
        }
    }
    (world, findings)
}

async fn outcome(subject: &Subject, client: &mut Client, request: &[u8]) -> Result<Answer, String> {
    loop {
        let last = match client.send(request).await {
            Ok(answer) if is_final(&answer) => return Ok(answer),
            Ok(answer) => show(&answer),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= subject.deadline {
            return Err(last);
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

fn show(answer: &Answer) -> String {
    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
}

/// Waits until nothing is open any more and lists everything.
pub(super) async fn settled(subject: &Subject, findings: &mut Findings) -> Result<Inventory, Error> {
    let mut client = Client::new(subject.address, PATIENCE);
    loop {
        let intents = list(subject, &mut client, "payment_intents").await?;
        let refunds = list(subject, &mut client, "refunds").await?;
        let open: Vec<&Value> = intents
            .iter()
            .filter(|intent| text(intent, "status") == "processing")
            .chain(refunds.iter().filter(|refund| text(refund, "status") == "pending"))
            .collect();
        let late = Instant::now() >= subject.deadline;
        if open.is_empty() || late {
            for object in open {
                let (id, status) = (text(object, "id"), text(object, "status"));
                findings.add(Promise::Recovered, format!("{id} is still {status} after the recovery pause"));
            }
            let charges = list(subject, &mut client, "charges").await?;
            let customers = list(subject, &mut client, "customers").await?;
            return Ok(Inventory { intents, refunds, charges, customers });
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

async fn list(subject: &Subject, client: &mut Client, resource: &'static str) -> Result<Vec<Value>, Error> {
    let mut all: Vec<Value> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = all.last().map_or_else(String::new, |last| format!("&starting_after={}", text(last, "id")));
        let path = format!("/v1/{resource}?limit=100{after}");
        let answer = client.send(&subject.caller.bytes(&Call::Get(&path))).await?;
        if !answer.is_success() {
            return Err(Error::Unexpected { what: resource, status: answer.status, body: show(&answer) });
        }
        let mut page = answer.json();
        let items = page.get_mut("data").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
        let more = page.get("has_more").and_then(Value::as_bool).unwrap_or(false);
        all.extend(items);
        if !more {
            break;
        }
    }
    Ok(all)
}

/// Compares everything there is with everything the clients were told.
pub(super) fn compare(worlds: &[World], found: &Inventory, findings: &mut Findings) {
    for (kind, objects) in [("payment", &found.intents), ("refund", &found.refunds), ("customer", &found.customers)] {
        count(kind, worlds, objects, findings);
    }
    let by_id = |objects: &[Value]| -> BTreeMap<String, Value> {
        objects.iter().map(|object| (text(object, "id").to_owned(), object.clone())).collect()
    };
    let (intents, refunds, customers) = (by_id(&found.intents), by_id(&found.refunds), by_id(&found.customers));
    for world in worlds {
        told(&world.intents, &intents, contradiction, findings);
        told(&world.refunds, &refunds, contradiction_of_refund, findings);
        told(&world.customers, &customers, first_difference, findings);
    }
    limits(found, &intents, findings);
}

fn told(
    told: &BTreeMap<String, Value>,
    found: &BTreeMap<String, Value>,
    compare: fn(&Value, &Value) -> Option<String>,
    findings: &mut Findings,
) {
    for (id, object) in told {
        match found.get(id) {
            None => findings.add(Promise::Kept, format!("{id} was acknowledged and is not there")),
            Some(now) => {
                if let Some(what) = compare(object, now) {
                    findings.add(Promise::Kept, format!("{id} {what}; told {object}; found {now}"));
                }
            }
        }
    }
}

/// A refund that was acknowledged as pending may have settled; nothing else changes.
fn contradiction_of_refund(told: &Value, found: &Value) -> Option<String> {
    if text(told, "status") == "pending" && text(found, "status") != "pending" {
        let fixed = ["amount", "currency", "payment_intent", "created", "metadata"];
        return fixed.iter().find(|field| told.get(**field) != found.get(**field)).map(|field| (*field).to_owned());
    }
    first_difference(told, found)
}

/// No key made two objects, and none exists that nobody asked for.
fn count(kind: &str, worlds: &[World], objects: &[Value], findings: &mut Findings) {
    let mut made: BTreeMap<&str, u64> = BTreeMap::new();
    for object in objects {
        let reference = object.get("metadata").map(|metadata| text(metadata, "client_ref")).unwrap_or_default();
        let number = made.entry(reference).or_default();
        *number = number.saturating_add(1);
    }
    for (reference, number) in &made {
        if *number > 1 {
            findings.add(Promise::Once, format!("key {reference} made {number} objects of the kind {kind}"));
        }
    }
    for record in worlds.iter().flat_map(|world| &world.records) {
        made.remove(record.key.as_str());
    }
    for reference in made.keys() {
        findings.add(Promise::Once, format!("a {kind} of the reference {reference:?} exists and nobody asked for it"));
    }
}

/// Nothing gives back more than was taken, nothing takes more than was agreed, and charges say the same as refunds.
fn limits(found: &Inventory, intents: &BTreeMap<String, Value>, findings: &mut Findings) {
    let mut refunded: BTreeMap<&str, i64> = BTreeMap::new();
    for refund in &found.refunds {
        if !matches!(text(refund, "status"), "failed" | "canceled") {
            let sum = refunded.entry(text(refund, "payment_intent")).or_default();
            *sum = sum.saturating_add(number(refund, "amount"));
        }
    }
    for (id, intent) in intents {
        let (agreed, taken) = (number(intent, "amount"), number(intent, "amount_received"));
        let back = refunded.get(id.as_str()).copied().unwrap_or(0);
        if taken > agreed || back > taken {
            findings.add(Promise::Limits, format!("{id}: agreed {agreed}, taken {taken}, given back {back}"));
        }
    }
    let mut captured: BTreeMap<&str, i64> = BTreeMap::new();
    for charge in &found.charges {
        let intent = text(charge, "payment_intent");
        let sum = captured.entry(intent).or_default();
        *sum = sum.saturating_add(number(charge, "amount_captured"));
        let back = number(charge, "amount_refunded");
        if number(charge, "amount_captured") > 0 && back != refunded.get(intent).copied().unwrap_or(0) {
            findings.add(Promise::Limits, format!("{}: says {back} given back, its refunds say otherwise", text(charge, "id")));
        }
    }
    for (id, intent) in intents {
        let (taken, charged) = (number(intent, "amount_received"), captured.get(id.as_str()).copied().unwrap_or(0));
        if taken != charged {
            findings.add(Promise::Limits, format!("{id}: received {taken}, its charges say {charged}"));
        }
    }
}

impl Inventory {
    /// What our books say the bank moved.
    pub(super) fn books(&self) -> Books {
        let mut books = Books::default();
        for charge in &self.charges {
            books.add(text(charge, "currency"), number(charge, "amount_captured"), 0);
        }
        for refund in self.refunds.iter().filter(|refund| text(refund, "status") == "succeeded") {
            books.add(text(refund, "currency"), 0, number(refund, "amount"));
        }
        books.0.retain(|_, moved| *moved != super::Moved::default());
        books
    }

    /// How many payments there are.
    pub(super) fn payments(&self) -> u64 {
        u64::try_from(self.intents.len()).unwrap_or(u64::MAX)
    }
}
