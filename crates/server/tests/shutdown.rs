//! The real binary ends in order: what a client hung up on is finished, and the store is left in one piece.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use domain::payment_intent::{PaymentIntent, Status};
use payments::records::decode;
use providers::simulator::{self, Location, Simulator};
use store::embedded::Embedded;
use store::{Kind, Store as _};

/// How often the bank is asked whether the payment has reached it, at most: a minute and more.
const LOOKS: u32 = 12_000;
const KEY: &str = "sk_test_shutdown";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_client_hung_up_before_the_end_has_ended_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bursar.db");
    let bank = Arc::new(Simulator::open(&Location::Memory, simulator::Options::default()).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bank_url = format!("http://{}", listener.local_addr().unwrap());
    let routes = simulator::server::router(Arc::clone(&bank));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut server = Command::new(env!("CARGO_BIN_EXE_bursar"))
        .args(["serve", "--listen", "127.0.0.1:0", "--store", &format!("sqlite:{}", path.display()), "--bank", &bank_url])
        .env("BURSAR_TEST_KEY", KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| line.unwrap().strip_prefix("listening on http://").map(str::to_owned)).unwrap();
    // The simulator answers this card seconds later; by then the client is gone and the server is to end.
    let form = "amount=2000&currency=usd&payment_method=pm_card_simulator_answersLate&confirm=true";
    let request = format!(
        "POST /v1/payment_intents HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut client = TcpStream::connect(&address).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let mut looks = 0;
    while bank.operations(None, 1).await.unwrap().is_empty() {
        looks += 1;
        assert!(looks < LOOKS, "the bank was not asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(client);
    assert!(Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || server.wait()).await.unwrap().unwrap();
    assert!(ended.success());
    let reader = Embedded::open_read_only(&path).unwrap();
    let intents = reader.export(Kind::PaymentIntent, None, 10).await.unwrap();
    let [kept] = intents.as_slice() else { panic!("{} payments", intents.len()) };
    assert_eq!(decode::<PaymentIntent>(&kept.item.body).unwrap().status, Status::Succeeded);
    let verified = Command::new(env!("CARGO_BIN_EXE_bursar"))
        .args(["verify", "--store", &format!("sqlite:{}", path.display()), "--bank", &bank_url])
        .output();
    let verified = verified.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
