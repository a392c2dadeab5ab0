//! `bursar verify --bank`: our books and the simulator's, to the cent.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::process::{Command, Output};
use std::sync::Arc;

use bursar::compose::{Settings, compose};
use bursar::serve;
use common::{KEY, call};
use domain::outcome::RefundOutcome;
use domain::provider_key::ProviderKey;
use providers::Connector as _;
use providers::simulator::{self, Location, Simulator};

fn verify(store: &str, bank: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bursar")).args(["verify", "--store", store, "--bank", bank]).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_that_agree_with_the_banks_exit_0_and_a_cent_beside_them_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let bank = Arc::new(Simulator::open(&Location::Memory, simulator::Options::default()).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = simulator::server::router(Arc::clone(&bank));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let store = format!("sqlite:{}", directory.path().join("bursar.db").display());
    let settings = Settings { store: store.clone(), bank: Some(url.clone()), public_url: url.clone(), ..common::settings() };
    let composed = compose(&settings).await.unwrap();
    serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
    let shop = serve::router(&composed);
    let form = "amount=2000&currency=usd&confirm=true&payment_method=";
    let mut paid = String::new();
    for extra in ["pm_card_visa", "pm_card_visa&capture_method=manual", "pm_card_visa_chargeDeclined", "pm_card_visa&currency=jpy"] {
        let form = if extra.ends_with("jpy") { format!("{form}{extra}").replace("currency=usd&", "") } else { format!("{form}{extra}") };
        let reply = call(&shop, "POST", "/v1/payment_intents", &form, None).await;
        paid = if paid.is_empty() { reply.json["id"].as_str().unwrap().to_owned() } else { paid };
    }
    for amount in ["300", "5000"] {
        call(&shop, "POST", "/v1/refunds", &format!("payment_intent={paid}&amount={amount}"), None).await;
    }
    let (at, to) = (store.clone(), url.clone());
    let agreed = tokio::task::spawn_blocking(move || verify(&at, &to)).await.unwrap();
    assert!(agreed.status.success(), "{}", String::from_utf8_lossy(&agreed.stdout));
    // The bank gives a cent back that nobody here asked it for.
    let books = bank.operations(None, 10).await.unwrap();
    let taken = books.iter().find(|operation| operation.moved == 2_000 && operation.currency.as_deref() == Some("usd")).unwrap();
    let charge = call(&shop, "GET", &format!("/v1/payment_intents/{paid}?expand[]=latest_charge"), "", None).await;
    assert_eq!(charge.json["latest_charge"]["amount_refunded"], 300);
    let reference = match bank.query(&taken.key).await {
        domain::outcome::QueryOutcome::Authorize(domain::outcome::AuthorizeOutcome::Approved(approval)) => approval.provider_reference,
        _ => String::new(),
    };
    let key = ProviderKey::from_text("re_00000000000000000000000001_rfnd");
    let amount = domain::money::Money::new(1, domain::currency::Currency::Usd);
    let asked = providers::Refund { key: key.clone(), authorization_key: taken.key.clone(), provider_reference: reference, amount };
    assert!(matches!(bank.refund(asked).await, RefundOutcome::Succeeded { .. }));
    let differs = tokio::task::spawn_blocking(move || verify(&store, &url)).await.unwrap();
    let said = String::from_utf8_lossy(&differs.stdout).into_owned();
    assert!(!differs.status.success() && said.contains(key.as_str()) && said.contains(" 1 differences"), "{said}");
}
