//! A courier that posts to nobody: endpoints answer what the test says, and what they were sent is kept.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use domain::scope::Mode;
use domain::webhook_delivery::{Failure, Told};
use parking_lot::Mutex;
use payments::ports::{Courier, Parcel};

/// What an endpoint was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(header, _)| *header == name).unwrap().1
    }

    /// The id of the event that it is.
    pub fn event(&self) -> &str {
        self.header("webhook-id")
    }
}

#[derive(Default)]
struct State {
    sent: Vec<Sent>,
    /// What endpoints answer from now on, unless they have something else to say first.
    always: HashMap<String, u16>,
    next: VecDeque<Told>,
    /// The ids of events that no endpoint takes.
    stumbles_over: Vec<String>,
}

#[derive(Default)]
pub struct TestCourier(Mutex<State>);

impl TestCourier {
    /// From now on that endpoint answers with this status; 0 says that it does not answer.
    pub fn answers(&self, url: &str, status: u16) {
        self.0.lock().always.insert(url.to_owned(), status);
    }

    /// The next post is answered so, whoever it goes to.
    pub fn answers_next(&self, told: Told) {
        self.0.lock().next.push_back(told);
    }

    /// Every endpoint fails with that event.
    pub fn stumbles_over(&self, event: &str) {
        self.0.lock().stumbles_over.push(event.to_owned());
    }

    /// What was sent since this was asked last.
    pub fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.lock().sent)
    }
}

#[async_trait]
impl Courier for TestCourier {
    fn check(&self, url: &str, _: Mode) -> Result<(), String> {
        if url.starts_with("https://") { Ok(()) } else { Err("no".to_owned()) }
    }

    async fn post(&self, parcel: Parcel<'_>) -> Told {
        let mut state = self.0.lock();
        let sent = Sent { url: parcel.url.to_owned(), headers: parcel.headers, body: parcel.body };
        let stumbles = state.stumbles_over.iter().any(|event| event == sent.event());
        let status = if stumbles { 500 } else { state.always.get(parcel.url).copied().unwrap_or(200) };
        state.sent.push(sent);
        let always = if status == 0 { Told::Failed(Failure::TimedOut) } else { Told::Answered { status, head: "said".to_owned() } };
        state.next.pop_front().unwrap_or(always)
    }
}
