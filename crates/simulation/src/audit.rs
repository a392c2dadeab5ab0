//! The rules that hold after every commit, checked on what the commit changed.
//!
//! - Status moves along declared edges; nothing that is never to change changes.
//! - Refunded ≤ captured ≤ authorised; what a charge says was refunded is what its refunds say.
//! - Debits equal credits in every entry, and over all of them.
//! - An object's events count from 1 without a gap, and each is in the lists of events.
//! - An answer that was kept is never another one.
//! - What a job changes on a store of several processes names the job's lease.
//! - A commit that changes objects has one row of the audit trail, which tells of each of them; rows and segments stay as they
//!   are.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::{Actor, AuditEntry};
use domain::charge::{self, Charge};
use domain::currency::Currency;
use domain::event::EventKind;
use domain::id::{ChargeId, CustomerId, EventId, PaymentIntentId, PaymentMethodId, RefundId, SetupIntentId, Ulid};
use domain::ledger::{Books, JournalEntry, LedgerAccount};
use domain::payment_attempt::{self, PaymentAttempt};
use domain::payment_intent::{self, PaymentIntent};
use domain::refund::{self, Refund};
use domain::setup_intent::{self, SetupIntent};
use payments::lists::lists_of_event;
use payments::records::decode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use store::{Batch, Item, Key, Kind, Write};

use crate::world::World;

/// A declared edge of a state machine: which machine, from where, to where.
pub type Edge = (&'static str, String, String);

/// The objects that one state machine is for, each as its last commit left it: a record is read once, when it lands, and not
/// again when it is changed.
struct Machine<S: 'static> {
    name: &'static str,
    edges: &'static [(S, S)],
    last: BTreeMap<Ulid, (u64, S)>,
}

/// What the checks remember.
pub struct Audit {
    payment_intents: Machine<payment_intent::Status>,
    payment_attempts: Machine<payment_attempt::Status>,
    setup_intents: Machine<setup_intent::Status>,
    refunds: Machine<refund::Status>,
    charges: Machine<charge::Status>,
    books: Books,
    /// The last event of each object.
    sequences: BTreeMap<Ulid, u32>,
    /// What the refunds of each charge come to.
    refunded: BTreeMap<Ulid, BTreeMap<Ulid, i64>>,
    /// What each charge says that they come to.
    said: BTreeMap<Ulid, i64>,
    edges: BTreeSet<Edge>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            payment_intents: Machine::new("payment_intent", payment_intent::EDGES),
            payment_attempts: Machine::new("payment_attempt", payment_attempt::EDGES),
            setup_intents: Machine::new("setup_intent", setup_intent::EDGES),
            refunds: Machine::new("refund", refund::EDGES),
            charges: Machine::new("charge", charge::EDGES),
            books: Books::default(),
            sequences: BTreeMap::new(),
            refunded: BTreeMap::new(),
            said: BTreeMap::new(),
            edges: BTreeSet::new(),
        }
    }
}

/// Every edge that the domain declares.
#[must_use]
pub fn declared() -> BTreeSet<Edge> {
    fn of<S: std::fmt::Debug>(machine: &'static str, edges: &[(S, S)]) -> Vec<Edge> {
        edges.iter().map(|(from, to)| (machine, format!("{from:?}"), format!("{to:?}"))).collect()
    }
    let mut all = BTreeSet::new();
    all.extend(of("payment_intent", payment_intent::EDGES));
    all.extend(of("payment_attempt", payment_attempt::EDGES));
    all.extend(of("charge", charge::EDGES));
    all.extend(of("refund", refund::EDGES));
    all.extend(of("setup_intent", setup_intent::EDGES));
    all
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    decode(bytes).map_err(|e| format!("a record that cannot be read: {e:?}"))
}

impl<S: Copy + PartialEq + std::fmt::Debug> Machine<S> {
    const fn new(name: &'static str, edges: &'static [(S, S)]) -> Self {
        Self { name, edges, last: BTreeMap::new() }
    }

    /// An object that was `before` is in that state now.
    fn step(&mut self, id: Ulid, before: Option<&Item>, after: S, taken: &mut BTreeSet<Edge>) -> Result<(), String> {
        let revision = before.map_or(0, |item| item.revision);
        let last = self.last.insert(id, (revision.saturating_add(1), after));
        if before.is_none() {
            return Ok(());
        }
        let Some((_, before)) = last.filter(|(at, _)| *at == revision) else {
            return Err(format!("{} {id}: was changed by no commit", self.name));
        };
        if before == after {
            return Ok(());
        }
        taken.insert((self.name, format!("{before:?}"), format!("{after:?}")));
        if self.edges.contains(&(before, after)) { Ok(()) } else { Err(format!("{}: {before:?} became {after:?}", self.name)) }
    }
}

impl Audit {
    /// The edges that were taken.
    #[must_use]
    pub fn edges(&self) -> &BTreeSet<Edge> {
        &self.edges
    }

    /// What the books owe the merchant, in the minor unit of each currency.
    #[must_use]
    pub fn owed(&self) -> BTreeMap<Currency, i128> {
        let payable = self.books.totals().filter(|(account, _, _)| *account == LedgerAccount::MerchantPayable);
        payable.map(|(_, currency, total)| (currency, total.saturating_neg())).collect()
    }

    /// Checks a batch that has just landed; `before` holds the records as they were, in the order of the writes.
    pub fn landed(&mut self, world: &World, batch: &Batch, before: &[Option<Item>], shared: bool) {
        for (write, before) in batch.writes().iter().zip(before) {
            let Write::Put { key, body, .. } = write else { continue };
            if let Err(broken) = self.put(batch, key, before.as_ref(), body) {
                world.violation(broken);
            }
        }
        match told(batch) {
            Ok(Some(Actor::Job { name })) if shared && !names_a_lease(batch) => {
                world.violation(format!("{} changed something without its lease", name.as_str()));
            }
            Ok(_) => {}
            Err(broken) => world.violation(broken),
        }
        if let Err(broken) = self.agree(batch) {
            world.violation(broken);
        }
    }

    fn put(&mut self, batch: &Batch, key: &Key, before: Option<&Item>, after: &[u8]) -> Result<(), String> {
        match key.kind() {
            Kind::PaymentIntent => {
                let after: PaymentIntent = read(after)?;
                self.payment_intents.step(after.id.ulid(), before, after.status, &mut self.edges)
            }
            Kind::PaymentAttempt => {
                let after: PaymentAttempt = read(after)?;
                self.payment_attempts.step(after.id.ulid(), before, after.status, &mut self.edges)
            }
            Kind::SetupIntent => {
                let after: SetupIntent = read(after)?;
                self.setup_intents.step(after.id.ulid(), before, after.status, &mut self.edges)
            }
            Kind::Refund => {
                let after: Refund = read(after)?;
                let counts = after.status != refund::Status::Failed;
                let amount = if counts { after.amount.minor() } else { 0 };
                self.refunded.entry(after.charge.ulid()).or_default().insert(after.id.ulid(), amount);
                self.refunds.step(after.id.ulid(), before, after.status, &mut self.edges)
            }
            Kind::Charge => {
                let after: Charge = read(after)?;
                self.said.insert(after.id.ulid(), after.amount_refunded);
                let amounts = (after.amount_refunded, after.amount_captured, after.amount.minor());
                if !(0 <= amounts.0 && amounts.0 <= amounts.1 && amounts.1 <= amounts.2) {
                    return Err(format!("{}: refunded, captured, authorised are {amounts:?}", after.id));
                }
                self.charges.step(after.id.ulid(), before, after.status, &mut self.edges)
            }
            Kind::JournalEntry => {
                never_again(before, "a journal entry")?;
                let entry: JournalEntry = read(after)?;
                self.books.record(&entry);
                if self.books.is_balanced() { Ok(()) } else { Err(format!("{}: the books do not balance", entry.id())) }
            }
            Kind::BalanceTransaction => never_again(before, "a line of the statement"),
            Kind::Event => {
                never_again(before, "an event")?;
                let event: EventNames = read(after)?;
                self.event(batch, key, &event)
            }
            Kind::IdempotencyRecord => kept(before, after),
            Kind::AuditEntry => never_again(before, "a row of the audit trail"),
            Kind::AuditSegment if *key != head_of(key) => never_again(before, "a segment of the audit trail"),
            _ => Ok(()),
        }
    }

    fn event(&mut self, batch: &Batch, key: &Key, event: &EventNames) -> Result<(), String> {
        let subject = match &event.object {
            Names::PaymentIntent { id } => id.ulid(),
            Names::Charge { id } => id.ulid(),
            Names::Refund { id } => id.ulid(),
            Names::Customer { id } => id.ulid(),
            Names::PaymentMethod { id } => id.ulid(),
            Names::SetupIntent { id } => id.ulid(),
        };
        let last = self.sequences.entry(subject).or_default();
        let expected = last.saturating_add(1);
        *last = event.sequence;
        if event.sequence != expected {
            return Err(format!("{}: event {} of its object, and {expected} was next", event.id, event.sequence));
        }
        for list in lists_of_event(key.scope(), event.kind) {
            if !batch.writes().contains(&Write::Link { list, id: event.id.ulid() }) {
                return Err(format!("{}: not in the list {:?}", event.id, list.index));
            }
        }
        Ok(())
    }

    /// What a charge says of its refunds is what they say, whenever either changed.
    fn agree(&self, batch: &Batch) -> Result<(), String> {
        for write in batch.writes() {
            let Write::Put { key: Key::Object(key), .. } = write else { continue };
            if key.kind != Kind::Charge {
                continue;
            }
            let said = self.said.get(&key.id).copied().unwrap_or(0);
            let sum: i64 = self.refunded.get(&key.id).map_or(0, |refunds| refunds.values().sum());
            if said != sum {
                return Err(format!("ch_{}: says {said} refunded, its refunds {sum}", key.id));
            }
        }
        Ok(())
    }
}

/// As much of an event as is checked when it lands; in the end all of it is read.
#[derive(Deserialize)]
struct EventNames {
    id: EventId,
    kind: EventKind,
    object: Names,
    sequence: u32,
}

/// The name of the object that an event shows.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Names {
    PaymentIntent { id: PaymentIntentId },
    Charge { id: ChargeId },
    Refund { id: RefundId },
    Customer { id: CustomerId },
    PaymentMethod { id: PaymentMethodId },
    SetupIntent { id: SetupIntentId },
}

/// Where the end of the chain is written down that a segment belongs to.
fn head_of(segment: &Key) -> Key {
    Key::named(segment.scope(), Kind::AuditSegment, "head")
}

fn names_a_lease(batch: &Batch) -> bool {
    let lease = |write: &Write| matches!(write, Write::Check { key: Key::Named(key), .. } if key.name.starts_with(b"lease:"));
    batch.writes().iter().any(lease)
}

/// Every object that a batch changes is told of by its row, which says who acted.
fn told(batch: &Batch) -> Result<Option<Actor>, String> {
    let (mut changed, mut told, mut rows, mut actor) = (BTreeSet::new(), BTreeSet::new(), 0_usize, None);
    for write in batch.writes() {
        let (Write::Put { key: Key::Object(key), .. } | Write::Delete { key: Key::Object(key), .. }) = write else { continue };
        match (key.kind, write) {
            (Kind::AuditEntry, Write::Put { body, .. }) => {
                let row: AuditEntry = read(body)?;
                told.extend(row.changes.iter().map(|change| change.object.ulid()));
                rows = rows.saturating_add(1);
                actor = Some(row.actor);
            }
            (
                Kind::Account
                | Kind::ApiKey
                | Kind::PaymentIntent
                | Kind::PaymentAttempt
                | Kind::Charge
                | Kind::Refund
                | Kind::Customer
                | Kind::PaymentMethod
                | Kind::SetupIntent
                | Kind::User
                | Kind::WebhookEndpoint,
                _,
            ) => {
                changed.insert(key.id);
            }
            _ => {}
        }
    }
    let one = rows == usize::from(!changed.is_empty());
    if told == changed && one { Ok(actor) } else { Err(format!("a commit changed {changed:?}, and {rows} rows tell of {told:?}")) }
}

fn never_again(before: Option<&Item>, what: &str) -> Result<(), String> {
    if before.is_none() { Ok(()) } else { Err(format!("{what} was changed")) }
}

/// What of an idempotency record must not change.
#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    d: KeptData<'a>,
}

#[derive(Deserialize)]
struct KeptData<'a> {
    #[serde(borrow, default)]
    answer: Option<&'a RawValue>,
}

/// An answer that was kept stays as it is.
fn kept(before: Option<&Item>, after: &[u8]) -> Result<(), String> {
    fn answer(bytes: &[u8]) -> Option<&str> {
        serde_json::from_slice::<Kept<'_>>(bytes).ok()?.d.answer.map(RawValue::get)
    }
    let Some(before) = before.and_then(|item| answer(&item.body)) else { return Ok(()) };
    if answer(after) == Some(before) { Ok(()) } else { Err("a kept answer was changed".to_owned()) }
}
