//! A stand-in: payments, captures, cancels, refunds and customers over plain maps that outlive each "process",
//! and one chosen flaw.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Error;
use crate::crash::{Books, Fault, Victim};

/// How a stand-in breaks its promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    ForgetsTheLastPayment,
    ForgetsKeys,
    UndoesAStatus,
    NeverSettles,
    BankDiffers,
    VerifyFails,
}

#[derive(Default)]
struct Kept {
    intents: Vec<Value>,
    refunds: Vec<Value>,
    customers: Vec<Value>,
    answers: BTreeMap<String, (u16, String)>,
    open: Vec<(String, Instant)>,
}

pub(super) struct StandIn {
    flaw: Option<Flaw>,
    kept: Arc<Mutex<Kept>>,
    address: SocketAddr,
    runtime: Option<Runtime>,
    /// Faults as they began and ended.
    pub(super) faults: Vec<(Fault, bool)>,
}

type Shared = State<(Arc<Mutex<Kept>>, Option<Flaw>)>;
type Form = BTreeMap<String, String>;

impl StandIn {
    pub(super) fn new(flaw: Option<Flaw>) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { flaw, kept: Arc::default(), address, runtime: None, faults: Vec::new() }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Victim for StandIn {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn start(&mut self) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let app = Router::new()
            .route("/v1/{resource}", post(create).get(list))
            .route("/v1/payment_intents/{id}", get(retrieve))
            .route("/v1/payment_intents/{id}/{verb}", post(change))
            .with_state((self.kept.clone(), self.flaw));
        let address = self.address;
        let listener = runtime.spawn(async move {
            loop {
                // The connections of the process before may take a moment to go.
                match tokio::net::TcpListener::bind(address).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        let listener = listener.await.unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        self.runtime = Some(runtime);
        Ok(())
    }

    async fn start_and_kill(&mut self, after: Duration) -> Result<(), Error> {
        self.start().await?;
        tokio::time::sleep(after).await;
        self.kill().await
    }

    async fn kill(&mut self) -> Result<(), Error> {
        self.stop().await?;
        let mut kept = self.kept.lock().unwrap();
        match self.flaw {
            Some(Flaw::ForgetsTheLastPayment) => {
                let len = kept.intents.len();
                kept.intents.truncate(len.saturating_sub(10));
            }
            Some(Flaw::ForgetsKeys) => kept.answers.clear(),
            Some(Flaw::UndoesAStatus) => {
                kept.intents.iter_mut().filter(|i| i["status"] == "succeeded").for_each(|i| i["status"] = json!("requires_payment_method"));
            }
            _ => {}
        }
        Ok(())
    }

    fn has_bank_beside(&self) -> bool {
        true
    }

    async fn start_bank(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn kill_bank(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn begin_fault(&mut self, fault: Fault) -> Result<(), Error> {
        self.faults.push((fault, true));
        Ok(())
    }

    fn end_fault(&mut self, fault: Fault) -> Result<bool, Error> {
        self.faults.push((fault, false));
        Ok(fault != Fault::Space)
    }

    async fn stop(&mut self) -> Result<(), Error> {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
        Ok(())
    }

    async fn verify(&mut self) -> Result<Vec<String>, Error> {
        Ok(if self.flaw == Some(Flaw::VerifyFails) { vec!["entry 1 does not balance".into()] } else { Vec::new() })
    }

    async fn bank_books(&mut self) -> Result<Books, Error> {
        let kept = self.kept.lock().unwrap();
        let mut books = Books::default();
        for intent in &kept.intents {
            books.add(intent["currency"].as_str().unwrap(), intent["amount_received"].as_i64().unwrap(), 0);
        }
        for refund in &kept.refunds {
            books.add(refund["currency"].as_str().unwrap(), 0, refund["amount"].as_i64().unwrap());
        }
        if self.flaw == Some(Flaw::BankDiffers) {
            books.add("usd", 1, 0);
        }
        books.0.retain(|_, moved| moved.captured + moved.refunded > 0);
        Ok(books)
    }
}

fn decode(form: &str) -> Form {
    let plain = |text: &str| text.replace('+', " ").replace("%40", "@");
    form.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}

/// Acts once for each key, then answers after a while in which the process may be killed.
async fn once(
    State((kept, flaw)): Shared,
    headers: &HeaderMap,
    form: &str,
    act: impl FnOnce(&mut Kept, &Form) -> (u16, Value),
) -> Response {
    let key = headers.get("idempotency-key").unwrap().to_str().unwrap().to_owned();
    let ((status, body), replayed) = {
        let mut kept = kept.lock().unwrap();
        settle(&mut kept, flaw);
        match kept.answers.get(&key).cloned() {
            Some(answer) => (answer, true),
            None => {
                let (status, body) = act(&mut kept, &decode(form));
                kept.answers.insert(key, (status, body.to_string()));
                ((status, body.to_string()), false)
            }
        }
    };
    tokio::time::sleep(Duration::from_millis(4)).await;
    let replayed = [(HeaderName::from_static("idempotent-replayed"), replayed.to_string())];
    (StatusCode::from_u16(status).unwrap(), replayed, body).into_response()
}

/// Ends what was unknown for a while.
fn settle(kept: &mut Kept, flaw: Option<Flaw>) {
    if flaw == Some(Flaw::NeverSettles) {
        return;
    }
    let (due, open) = std::mem::take(&mut kept.open).into_iter().partition(|(_, at)| at.elapsed() > Duration::from_millis(100));
    kept.open = open;
    for (id, _) in due {
        let Some(intent) = kept.intents.iter_mut().find(|intent| intent["id"] == id.as_str()) else { continue };
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
    }
}

async fn create(state: Shared, Path(resource): Path<String>, headers: HeaderMap, form: String) -> Response {
    once(state, &headers, &form, |kept, form| match resource.as_str() {
        "payment_intents" => pay(kept, form),
        "refunds" => refund(kept, form),
        _ => {
            let id = format!("cus_{:06}", kept.customers.len());
            let customer = json!({"id": id, "object": "customer", "name": form["name"], "metadata": metadata(form)});
            kept.customers.push(customer.clone());
            (200, customer)
        }
    })
    .await
}

fn metadata(form: &Form) -> Value {
    json!({"client_ref": form["metadata[client_ref]"]})
}

fn pay(kept: &mut Kept, form: &Form) -> (u16, Value) {
    let id = format!("pi_{:06}", kept.intents.len());
    let amount: i64 = form["amount"].parse().unwrap();
    let manual = form.get("capture_method").is_some();
    let status = match form["payment_method"].as_str() {
        "pm_card_visa_chargeDeclined" => "requires_payment_method",
        "pm_card_unknownForAWhile" => {
            kept.open.push((id.clone(), Instant::now()));
            "processing"
        }
        _ if manual => "requires_capture",
        _ => "succeeded",
    };
    let intent = json!({
        "id": id, "object": "payment_intent", "amount": amount, "currency": form["currency"], "status": status,
        "amount_received": if status == "succeeded" { amount } else { 0 }, "metadata": metadata(form),
    });
    kept.intents.push(intent.clone());
    answer(&intent)
}

fn answer(intent: &Value) -> (u16, Value) {
    if intent["status"] == "requires_payment_method" {
        return (402, json!({"error": {"type": "card_error", "payment_intent": intent}}));
    }
    (200, intent.clone())
}

fn refund(kept: &mut Kept, form: &Form) -> (u16, Value) {
    let of = form["payment_intent"].clone();
    let amount: i64 = form["amount"].parse().unwrap();
    let before: i64 = kept.refunds.iter().filter(|r| r["payment_intent"] == of).map(|r| r["amount"].as_i64().unwrap()).sum();
    let Some(intent) = kept.intents.iter().find(|intent| intent["id"] == of) else { return (404, json!({"error": {}})) };
    if before + amount > intent["amount_received"].as_i64().unwrap() {
        return (400, json!({"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}));
    }
    let refund = json!({
        "id": format!("re_{:06}", kept.refunds.len()), "object": "refund", "amount": amount, "currency": intent["currency"],
        "payment_intent": of, "status": "succeeded", "metadata": metadata(form),
    });
    kept.refunds.push(refund.clone());
    (200, refund)
}

async fn change(state: Shared, Path((id, verb)): Path<(String, String)>, headers: HeaderMap, form: String) -> Response {
    once(state, &headers, &form, |kept, form| {
        let Some(intent) = kept.intents.iter_mut().find(|intent| intent["id"] == id) else { return (404, json!({"error": {}})) };
        match verb.as_str() {
            "capture" => {
                intent["amount_received"] =
                    form.get("amount_to_capture").map_or(intent["amount"].clone(), |amount| json!(amount.parse::<i64>().unwrap()));
                intent["status"] = json!("succeeded");
            }
            "cancel" => intent["status"] = json!("canceled"),
            _ if form["payment_method"] == "pm_card_visa" => {
                intent["status"] = json!("succeeded");
                intent["amount_received"] = intent["amount"].clone();
            }
            _ => {}
        }
        answer(intent)
    })
    .await
}

async fn retrieve(State((kept, flaw)): Shared, Path(id): Path<String>) -> Response {
    let mut kept = kept.lock().unwrap();
    settle(&mut kept, flaw);
    match kept.intents.iter().find(|intent| intent["id"] == id) {
        Some(intent) => intent.to_string().into_response(),
        None => (StatusCode::NOT_FOUND, "{}").into_response(),
    }
}

async fn list(State((kept, flaw)): Shared, Path(resource): Path<String>, Query(query): Query<Form>, _uri: Uri) -> Response {
    let mut kept = kept.lock().unwrap();
    settle(&mut kept, flaw);
    let charges: Vec<Value> = match resource.as_str() {
        "charges" => kept.intents.iter().map(|intent| charge(&kept, intent)).collect(),
        _ => Vec::new(),
    };
    let all = match resource.as_str() {
        "payment_intents" => &kept.intents,
        "refunds" => &kept.refunds,
        "customers" => &kept.customers,
        _ => &charges,
    };
    let newest = all.iter().rev();
    let rest: Vec<&Value> = match query.get("starting_after") {
        Some(after) => newest.skip_while(|object| object["id"] != after.as_str()).skip(1).collect(),
        None => newest.collect(),
    };
    json!({"data": rest.iter().take(100).collect::<Vec<_>>(), "has_more": rest.len() > 100}).to_string().into_response()
}

fn charge(kept: &Kept, intent: &Value) -> Value {
    let refunded: i64 =
        kept.refunds.iter().filter(|refund| refund["payment_intent"] == intent["id"]).map(|r| r["amount"].as_i64().unwrap()).sum();
    json!({
        "id": intent["id"].as_str().unwrap().replace("pi_", "ch_"), "payment_intent": intent["id"], "currency": intent["currency"],
        "amount_captured": intent["amount_received"], "amount_refunded": refunded,
    })
}
