//! A client at work, until the server is gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::plan::{Step, World, text};
use super::rules::is_final;
use super::{Findings, Promise};
use crate::http::{Answer, Client};
use crate::request::{Call, Caller};

/// The longest answer is one after a bank that keeps silent until the connector's deadline.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Pause before a request that was not answered finally is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(25);

/// Works until the server is gone or `falling` is set; gives back the client and what was wrong.
pub(super) async fn work(mut world: World, address: SocketAddr, caller: Arc<Caller>, falling: Arc<AtomicBool>) -> (World, Findings) {
    let mut findings = Findings::default();
    let mut client = Client::new(address, PATIENCE);
    while !falling.load(Ordering::Relaxed) {
        let step = world.next();
        let request = match (&step, world.records.last()) {
            (Step::Post, Some(record)) => caller.bytes(&record.call()),
            (Step::Look(id), _) => caller.bytes(&Call::Get(&format!("/v1/payment_intents/{id}"))),
            (Step::Post, None) => break,
        };
        match client.send(&request).await {
            Ok(answer) => match step {
                Step::Look(id) => look(&mut world, &id, &answer, &mut findings),
                Step::Post => take(&mut world, answer, &mut findings).await,
            },
            Err(error) => {
                if !falling.load(Ordering::Relaxed) {
                    findings.add(Promise::Answers, format!("a request got no answer from a running server: {error}"));
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
        let pause = world.pause_micros();
        tokio::time::sleep(Duration::from_micros(pause)).await;
    }
    (world, findings)
}

fn look(world: &mut World, id: &str, answer: &Answer, findings: &mut Findings) {
    let body = answer.json();
    if answer.is_success() && text(&body, "id") == id {
        world.learn(&body);
    } else if answer.status != 429 {
        findings.add(Promise::Kept, format!("{id} was acknowledged and looking at it gives {}", answer.status));
    }
}

async fn take(world: &mut World, answer: Answer, findings: &mut Findings) {
    if is_final(&answer) {
        let what = world.records.last().map(|record| format!("{} {}", record.path, record.form)).unwrap_or_default();
        if matches!(answer.status, 401 | 403 | 404) || is_misunderstood(&answer) {
            let why = String::from_utf8_lossy(&answer.body);
            findings.add(Promise::Answers, format!("{what} was refused: {why}"));
        }
        return world.answered(answer);
    }
    if answer.status >= 500 && answer.status != 503 {
        let body = String::from_utf8_lossy(&answer.body);
        findings.add(Promise::Answers, format!("a request was answered with {}: {body}", answer.status));
    }
    tokio::time::sleep(RETRY_PAUSE).await;
}

/// Whether the server did not know what was meant: a card or a parameter, say.
fn is_misunderstood(answer: &Answer) -> bool {
    let code = answer.json().get("error").map(|error| text(error, "code").to_owned()).unwrap_or_default();
    matches!(code.as_str(), "parameter_unknown" | "parameter_missing" | "parameter_invalid_empty" | "resource_missing")
}
