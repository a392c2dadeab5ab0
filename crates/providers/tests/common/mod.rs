//! What the tests of the simulator share: requests, a bank on a free port, and the names of keys.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use domain::card::{CardNumber, Cvc, Expiry};
use domain::currency::Currency;
use domain::money::Money;
use domain::outcome::{Approval, AuthorizeOutcome};
use domain::payment_intent::ThreeDSecureRequest;
use domain::provider_key::ProviderKey;
use providers::simulator::client::{RemoteSimulator, Timeouts};
use providers::simulator::test_cards::{TestCard, lookup};
use providers::simulator::{Durability, Location, Options, Simulator, server};
use providers::{Authorize, Capture, CardForProvider, Connector, Initiator, Refund, VerifyCard, Void};

pub const VISA: &str = "4242424242424242";
pub const RETURN_TO: &str = "https://shop.example/back?order=7";

pub fn key(text: &str) -> ProviderKey {
    ProviderKey::from_text(text)
}

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("usd").unwrap())
}

pub fn named(name: &str) -> &'static TestCard {
    lookup(name).unwrap_or_else(|| panic!("no test card is called {name}"))
}

/// What waits in tests waits briefly, and what settles later has settled by the next question.
pub fn quick() -> Options {
    Options {
        durability: Durability::Written,
        late: Duration::from_millis(20),
        timeout: Duration::from_millis(20),
        settles_after: Duration::ZERO,
        public_base: "http://bank.test".to_owned(),
    }
}

pub fn bank() -> Simulator {
    Simulator::open(&Location::Memory, quick()).unwrap()
}

/// A bank where nothing settles while the test runs.
pub fn slow_bank() -> Simulator {
    let settles_after = Duration::from_secs(3_600);
    Simulator::open(&Location::Memory, Options { settles_after, ..quick() }).unwrap()
}

pub fn card(number: &str) -> CardForProvider {
    let number = CardNumber::parse(number).unwrap();
    let cvc = if number.reveal().len() == 15 { "1234" } else { "123" };
    CardForProvider {
        cvc: Some(Arc::new(Cvc::parse(cvc, number.brand()).unwrap())),
        expiry: Expiry::new(12, 2050).unwrap(),
        number,
        holder_name: Some("Jenny Rosen".to_owned()),
        address_line1: Some("510 Townsend St".to_owned()),
        postal_code: Some("94103".to_owned()),
    }
}

pub fn authorize(name: &str, number: &str, minor: i64) -> Authorize {
    Authorize {
        key: key(name),
        amount: usd(minor),
        card: card(number),
        capture: true,
        initiator: Initiator::Customer,
        three_d_secure: ThreeDSecureRequest::Automatic,
        saved: false,
        save_for_off_session: false,
        return_to: RETURN_TO.to_owned(),
        statement_descriptor: Some("SHOP <7>".to_owned()),
        description: None,
    }
}

pub fn authorize_only(name: &str, number: &str, minor: i64) -> Authorize {
    Authorize { capture: false, ..authorize(name, number, minor) }
}

pub fn off_session(name: &str, number: &str, saved: bool) -> Authorize {
    Authorize { initiator: Initiator::Merchant, saved, ..authorize(name, number, 1_000) }
}

pub fn verify(name: &str, number: &str) -> VerifyCard {
    VerifyCard {
        key: key(name),
        card: card(number),
        initiator: Initiator::Customer,
        three_d_secure: ThreeDSecureRequest::Automatic,
        save_for_off_session: true,
        return_to: RETURN_TO.to_owned(),
    }
}

pub fn capture(name: &str, of: &str, reference: &str, minor: i64) -> Capture {
    Capture { key: key(name), authorization_key: key(of), provider_reference: reference.to_owned(), amount: usd(minor) }
}

pub fn void(name: &str, of: &str, reference: &str) -> Void {
    Void { key: key(name), authorization_key: key(of), provider_reference: reference.to_owned() }
}

pub fn refund(name: &str, of: &str, reference: &str, minor: i64) -> Refund {
    Refund { key: key(name), authorization_key: key(of), provider_reference: reference.to_owned(), amount: usd(minor) }
}

pub fn approval(outcome: AuthorizeOutcome) -> Approval {
    match outcome {
        AuthorizeOutcome::Approved(approval) => approval,
        other => panic!("not approved: {other:?}"),
    }
}

/// Authorises, and gives the bank's reference.
pub async fn approved(bank: &dyn Connector, request: Authorize) -> String {
    approval(bank.authorize(request).await).provider_reference
}

/// A bank with a server of its own on a free port, and a connector to it.
pub struct Remote {
    pub bank: Arc<Simulator>,
    pub connector: RemoteSimulator,
    pub base: String,
    server: tokio::task::JoinHandle<()>,
}

impl Remote {
    pub async fn start() -> Self {
        Self::over(Arc::new(bank())).await
    }

    pub async fn over(bank: Arc<Simulator>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        bank.set_public_base(&base);
        let router = server::router(Arc::clone(&bank));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let timeouts = Timeouts { connect: Duration::from_secs(2), answer: Duration::from_millis(700) };
        Self { connector: RemoteSimulator::new(&base, timeouts).unwrap(), bank, base, server }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A client that does not follow redirects, as a browser's single step.
pub fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}
