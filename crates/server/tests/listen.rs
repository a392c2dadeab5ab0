//! `bursar listen` beside a real server: what happens is printed once, whatever happens at the same time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const KEY: &str = "sk_test_listen";
/// Payments at the same time, and how many each makes.
const BUYERS: usize = 8;
const EACH: usize = 20;

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program, and the lines it says after the one that begins so; with what stands there after that.
fn start(arguments: &[&str], ready: &str) -> (Program, impl Iterator<Item = String> + use<>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    let mut child = command.env_clear().args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let rest = lines.find_map(|line| line.strip_prefix(ready).map(str::to_owned)).unwrap();
    (Program(child), lines, rest)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_printed_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("bursar.db").display());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--store", &store, "--test-key", KEY];
    let (_server, _said, url) = start(&serve, "listening on ");
    let (_listening, mut lines, _) = start(&["listen", "--url", &url, "--api-key", KEY], "listening to ");
    let client = reqwest::Client::new();
    let buyers = (0..BUYERS).map(|_| {
        let (client, url) = (client.clone(), format!("{url}/v1/payment_intents"));
        tokio::spawn(async move {
            for _ in 0..EACH {
                let form = [("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")];
                assert_eq!(client.post(&url).bearer_auth(KEY).form(&form).send().await.unwrap().status(), 200);
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    let mut happened = BTreeSet::new();
    let mut after = String::new();
    loop {
        let answer = client.get(format!("{url}/v1/events?limit=100{after}")).bearer_auth(KEY).send().await.unwrap();
        let page: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let ids: Vec<String> = page["data"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        after = format!("&starting_after={}", ids.last().unwrap());
        happened.extend(ids);
        if page["has_more"] == false {
            break;
        }
    }
    assert!(happened.len() >= 3 * BUYERS * EACH);
    let mut printed = BTreeSet::new();
    for _ in 0..happened.len() {
        let line = lines.next().unwrap();
        assert!(printed.insert(line.split_whitespace().next().unwrap().to_owned()), "twice: {line}");
    }
    assert_eq!(printed, happened);
}
