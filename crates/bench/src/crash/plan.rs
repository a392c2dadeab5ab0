//! What one client does and what it was told: its world, and the choice of its next step by its seed.
//!
//! A client takes one step after another and touches only objects that it made itself, so what it was told
//! last is what must be there.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::http::Answer;
use crate::request::Call;
use crate::rng::Rng;

/// Payments that a client still does something with.
const RECENT: usize = 24;
/// Currencies with two and with no decimals.
const CURRENCIES: [&str; 3] = ["usd", "eur", "jpy"];
/// Share of the payments made with the plain card, the first of the list: the bank keeps silent for seconds on some
/// of the others, and a client that waits makes no load.
const PLAIN_CARD_PERCENT: u64 = 70;
/// Amounts of payments, in minor units of any of the currencies.
const AMOUNTS: (u64, u64) = (200, 50_000);

/// A request under an idempotency key, and its outcome once known.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) path: String,
    pub(super) key: String,
    pub(super) form: String,
    /// The first final answer.
    pub(super) answer: Option<Answer>,
}

impl Record {
    pub(super) fn call(&self) -> Call<'_> {
        Call::Post { path: &self.path, key: &self.key, form: &self.form }
    }
}

/// The next step of a client.
#[derive(Debug)]
pub(super) enum Step {
    /// The last of its records, new or not yet answered.
    Post,
    /// A look at one of its payments.
    Look(String),
}

/// A client.
#[derive(Debug)]
pub(super) struct World {
    name: String,
    rng: Rng,
    cards: Vec<String>,
    pub(super) records: Vec<Record>,
    pub(super) intents: BTreeMap<String, Value>,
    pub(super) refunds: BTreeMap<String, Value>,
    pub(super) customers: BTreeMap<String, Value>,
    recent: VecDeque<String>,
}

impl World {
    /// A client of its own name; the same seed and name make the same choices.
    pub(super) fn new(seed: u64, number: u64, cards: &[String]) -> Self {
        Self {
            name: format!("s{seed}c{number}"),
            rng: Rng::fork(seed, number),
            cards: cards.to_vec(),
            records: Vec::new(),
            intents: BTreeMap::new(),
            refunds: BTreeMap::new(),
            customers: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// A pause before the next step, in microseconds.
    pub(super) fn pause_micros(&mut self) -> u64 {
        self.rng.below(4_000)
    }

    /// Chooses the next step: an unanswered request is repeated before anything else.
    pub(super) fn next(&mut self) -> Step {
        if self.records.last().is_some_and(|record| record.answer.is_none()) {
            return Step::Post;
        }
        let id = self.rng.pick(self.recent.make_contiguous()).cloned();
        let status = id.as_ref().and_then(|id| self.intents.get(id)).map(|intent| text(intent, "status").to_owned());
        let (Some(id), Some(status), true) = (id, status, self.rng.percent(55)) else {
            self.begin();
            return Step::Post;
        };
        let (path, form) = match status.as_str() {
            "requires_capture" if self.rng.percent(60) => (format!("payment_intents/{id}/capture"), self.capture_form(&id)),
            "requires_capture" => (format!("payment_intents/{id}/cancel"), String::new()),
            "requires_payment_method" if self.rng.percent(70) => {
                (format!("payment_intents/{id}/confirm"), format!("payment_method={}", self.card()))
            }
            "requires_payment_method" | "requires_action" => (format!("payment_intents/{id}/cancel"), String::new()),
            "succeeded" if self.rng.percent(85) => ("refunds".to_owned(), self.refund_form(&id)),
            _ => return Step::Look(id),
        };
        self.record(&path, form);
        Step::Post
    }

    /// A customer or a payment.
    fn begin(&mut self) {
        let reference = self.next_key();
        if self.rng.percent(8) {
            let form = format!("name=Buyer+{reference}&email={reference}%40example.com&metadata[client_ref]={reference}");
            return self.record("customers", form);
        }
        let (low, high) = AMOUNTS;
        let amount = self.rng.between(low, high);
        let currency = self.rng.pick(&CURRENCIES).copied().unwrap_or("usd");
        let card = self.card();
        let mut form = format!(
            "amount={amount}&currency={currency}&payment_method={card}&payment_method_types[]=card&confirm=true\
             &return_url=https%3A%2F%2Fshop.example%2Fback&metadata[client_ref]={reference}"
        );
        if self.rng.percent(30) {
            form.push_str("&capture_method=manual");
        }
        let for_customer = self.rng.percent(40);
        let customers: Vec<&String> = self.customers.keys().collect();
        if let Some(customer) = self.rng.pick(&customers).filter(|_| for_customer) {
            form.push_str("&customer=");
            form.push_str(customer);
        }
        self.record("payment_intents", form);
    }

    fn card(&mut self) -> String {
        let plain = self.rng.percent(PLAIN_CARD_PERCENT);
        let any = if plain { self.cards.first() } else { self.rng.pick(&self.cards) };
        any.cloned().unwrap_or_default()
    }

    fn capture_form(&mut self, id: &str) -> String {
        let amount = self.intents.get(id).map_or(0, |intent| number(intent, "amount"));
        if self.rng.percent(50) { String::new() } else { format!("amount_to_capture={}", self.part(amount)) }
    }

    /// A refund of a part, of all that is left, or (rarely) of more than there is.
    fn refund_form(&mut self, id: &str) -> String {
        let received = self.intents.get(id).map_or(0, |intent| number(intent, "amount_received"));
        let amount = if self.rng.percent(5) { received.saturating_add(1) } else { self.part(received) };
        let reference = self.next_key();
        format!("payment_intent={id}&amount={amount}&metadata[client_ref]={reference}")
    }

    fn part(&mut self, amount: i64) -> i64 {
        let whole = u64::try_from(amount).unwrap_or(1).max(1);
        let part = if self.rng.percent(30) { whole } else { self.rng.between(1, whole) };
        i64::try_from(part).unwrap_or(amount)
    }

    fn next_key(&self) -> String {
        format!("{}n{}", self.name, self.records.len())
    }

    fn record(&mut self, path: &str, form: String) {
        let key = self.next_key();
        self.records.push(Record { path: format!("/v1/{path}"), key, form, answer: None });
    }

    /// Writes down the final answer to the last record.
    pub(super) fn answered(&mut self, answer: Answer) {
        self.learn(&answer.json());
        if let Some(record) = self.records.last_mut() {
            record.answer = Some(answer);
        }
    }

    /// Takes over what an answer says of an object.
    pub(super) fn learn(&mut self, body: &Value) {
        let object = body.get("error").and_then(|error| error.get("payment_intent")).unwrap_or(body);
        let id = text(object, "id").to_owned();
        let known = match text(object, "object") {
            "payment_intent" => &mut self.intents,
            "refund" => &mut self.refunds,
            "customer" => &mut self.customers,
            _ => return,
        };
        let is_new = known.insert(id.clone(), object.clone()).is_none();
        if is_new && id.starts_with("pi_") {
            self.recent.push_back(id);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }
}

/// A field that is a text.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A field that is an integer.
pub(super) fn number(object: &Value, field: &str) -> i64 {
    object.get(field).and_then(Value::as_i64).unwrap_or(0)
}
