//! `bursar listen`: a developer's machine hears of what happens, without an address that a server could reach.
//!
//! It asks for events again and again, with a request in between that the server answers only when something happens. What lands
//! late may have an identifier before those that are known, so each look goes back until a page brings nothing new, and now and then a
//! look goes back as far as anything may still land.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use bursar::compose::{SetupError, SystemEntropy};
use clap::Args;
use payments::webhooks::signature::{Signed, headers, new_secret};
use reqwest::Client;
use serde_json::Value;

use super::api::{Api, ApiArgs, text};
use super::{failed, say, stop_signal};

/// Between two looks at least, so that what happens together is looked for once.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the server may let a look wait for something to happen, in seconds.
const WAIT: u64 = 20;
/// Between two looks that go back as far as anything may still land.
const WHOLE_LOOK_PAUSE: Duration = Duration::from_secs(20);
/// After a look that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Events in a page.
const AT_ONCE: usize = 100;
/// In seconds: an event lands no later after it was named.
const LANDS_WITHIN: i64 = 60;
/// Events that are known to have been seen: more than happen while a commit is under way.
const MAX_SEEN: usize = 20_000;
/// How long the developer's program may take: it may stand at a breakpoint.
const FORWARD_WITHIN: Duration = Duration::from_secs(120);

#[derive(Args)]
pub(super) struct Listen {
    #[command(flatten)]
    api: ApiArgs,
    /// Where to post each event to, signed as deliveries are; nowhere if left out.
    #[arg(long, env = "BURSAR_FORWARD_TO", value_name = "URL")]
    forward_to: Option<String>,
    /// Only these types of events, with commas between them; all if left out.
    #[arg(long, env = "BURSAR_EVENTS", value_delimiter = ',')]
    events: Vec<String>,
    /// The secret that signs what is forwarded; a new one if left out.
    #[arg(long, env = "BURSAR_WEBHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Print each event whole, as a line of JSON.
    #[arg(long, env = "BURSAR_PRINT_JSON")]
    print_json: bool,
}

impl Listen {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let api = self.api.api()?;
        let forward = match self.forward_to {
            Some(url) => Some(Forward::to(url, self.secret)?),
            None => None,
        };
        let mut seen = Seen::since(&api).await?;
        news(&api, &mut seen).await?;
        say(&format!("listening to {}\n", api.url()));
        if let Some(forward) = &forward {
            say(&format!("forwarding to {}, signed with {}\n", forward.url, forward.secret));
        }
        let listening = async {
            loop {
                let looked = async {
                    let events = news(&api, &mut seen).await?;
                    let wanted = |event: &&Value| self.events.is_empty() || self.events.iter().any(|kind| kind == text(event, "type"));
                    for event in events.iter().filter(wanted) {
                        tell(event, self.print_json, forward.as_ref()).await;
                    }
                    tokio::time::sleep(PAUSE).await;
                    wait(&api, &seen).await
                };
                match looked.await {
                    Ok(()) => {}
                    Err(error) => {
                        say(&format!("{error}\n"));
                        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = listening => {}
            () = stop_signal() => {}
        }
        Ok(())
    }
}

/// The events that were seen last.
#[derive(Default)]
struct Seen {
    /// What was made before is no news: in seconds since 1970.
    since: i64,
    ids: HashSet<String>,
    order: VecDeque<String>,
    /// The latest of them by its identifier; empty if there is none.
    newest: String,
    /// When it was made, in seconds since 1970.
    newest_at: i64,
    whole_look_at: Option<Instant>,
}

impl Seen {
    /// None of those that may still land.
    async fn since(api: &Api) -> Result<Self, SetupError> {
        let page = api.get("/v1/events?limit=1").await?;
        let last = page.pointer("/data/0/created").and_then(Value::as_i64);
        Ok(Self { since: last.map_or(0, |last| last.saturating_sub(LANDS_WITHIN)), ..Self::default() })
    }

    /// Whether it is new.
    fn add(&mut self, event: &Value) -> bool {
        let id = text(event, "id");
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        if *id > *self.newest {
            self.newest = id.to_owned();
            self.newest_at = created(event);
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

fn created(event: &Value) -> i64 {
    event.get("created").and_then(Value::as_i64).unwrap_or_default()
}

/// Ends when something happens that was not seen, or after a while.
async fn wait(api: &Api, seen: &Seen) -> Result<(), SetupError> {
    let since = if seen.newest.is_empty() { String::new() } else { format!("&ending_before={}", seen.newest) };
    api.get(&format!("/v1/events?limit=1&created[gte]={}&wait={WAIT}{since}", seen.since)).await.map(|_| ())
}

/// What happened since the last look, oldest first.
async fn news(api: &Api, seen: &mut Seen) -> Result<Vec<Value>, SetupError> {
    let (mut events, mut after) = (Vec::new(), None);
    let is_whole = seen.whole_look_at.is_none_or(|at| at.elapsed() >= WHOLE_LOOK_PAUSE);
    if is_whole {
        seen.whole_look_at = Some(Instant::now());
    }
    let settled = if is_whole { seen.newest_at.saturating_sub(LANDS_WITHIN) } else { i64::MAX };
    loop {
        let from = after.as_ref().map(|id| format!("&starting_after={id}")).unwrap_or_default();
        let page = api.get(&format!("/v1/events?limit={AT_ONCE}&created[gte]={}{from}", seen.since)).await?;
        let data = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        after = data.last().map(|event| text(event, "id").to_owned());
        let reached = data.last().map_or(i64::MIN, created);
        let fresh: Vec<Value> = data.into_iter().filter(|event| seen.add(event)).collect();
        let more = page.get("has_more").and_then(Value::as_bool).unwrap_or_default();
        let stop = (fresh.is_empty() && reached < settled) || !more;
        events.extend(fresh);
        if stop {
            events.reverse();
            return Ok(events);
        }
    }
}

async fn tell(event: &Value, json: bool, forward: Option<&Forward>) {
    let answered = match forward {
        Some(forward) => format!("  {}", forward.post(event).await),
        None => String::new(),
    };
    let line = if json { event.to_string() } else { format!("{}  {}{answered}", text(event, "id"), text(event, "type")) };
    say(&format!("{line}\n"));
}

/// The developer's program.
struct Forward {
    client: Client,
    url: String,
    secret: String,
}

impl Forward {
    fn to(url: String, secret: Option<String>) -> Result<Self, SetupError> {
        let client = Client::builder().timeout(FORWARD_WITHIN).build().map_err(|e| failed("the client", e))?;
        let secret = match secret {
            Some(secret) => secret,
            None => new_secret(&SystemEntropy).map_err(|e| failed("the secret", e))?.to_string(),
        };
        Ok(Self { client, url, secret })
    }

    /// Posts an event; says how it was answered.
    async fn post(&self, event: &Value) -> String {
        let body = event.to_string();
        let at = time::OffsetDateTime::now_utc().unix_timestamp();
        let mut request = self.client.post(&self.url).header("content-type", "application/json; charset=utf-8");
        for (name, value) in headers(&[&self.secret], Signed { id: text(event, "id"), at, body: body.as_bytes() }) {
            request = request.header(name, value);
        }
        match request.body(body).send().await {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) if error.is_timeout() => "no answer in time".to_owned(),
            Err(error) if error.is_connect() => "nobody answers there".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_new_once_and_the_oldest_are_forgotten() {
        let mut seen = Seen::default();
        let event = |number: usize| json!({"id": format!("evt_{number:06}"), "created": number});
        assert!(seen.add(&event(0)) && !seen.add(&event(0)));
        (1..=MAX_SEEN).rev().for_each(|number| assert!(seen.add(&event(number))));
        assert_eq!(seen.ids.len(), MAX_SEEN);
        assert_eq!(seen.newest_at, i64::try_from(MAX_SEEN).unwrap_or_default(), "not the one that was seen last");
        assert!(seen.add(&event(0)), "it was forgotten");
    }
}
