//! The servers that are measured, how each is started, and what is put into the real one beforehand.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::Error;
use crate::baseline::Samples;
use crate::http::{Answer, Client};
use crate::process::Launch;
use crate::request::{Call, Caller};
use crate::workload::{Stock, payment_form};

/// The secret key that every measured server is given.
pub const API_KEY: &str = "sk_test_benchbenchbenchbenchbench";
/// Answers needed for a measurement come within this, or it makes no sense to go on.
const PATIENCE: Duration = Duration::from_secs(30);
/// Customers in stock.
const CUSTOMERS: usize = 50;
/// Payments of each customer in stock: more than the page of 20 that is listed.
const PAYMENTS_EACH: usize = 40;
/// How much of an unexpected answer is shown.
const SHOWN: usize = 300;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The real one.
    Bursar,
    /// Two synced rows and nothing else.
    Ceiling,
    /// Nothing stored.
    Echo,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bursar => "bursar",
            Self::Ceiling => "ceiling",
            Self::Echo => "echo",
        })
    }
}

/// The programs that can be started.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The `bursar` binary.
    pub bursar: PathBuf,
    /// The binary with `serve-echo` and `serve-ceiling`.
    pub bench: PathBuf,
}

impl Programs {
    /// How to start a server whose files are in that directory.
    #[must_use]
    pub fn launch(&self, kind: Kind, directory: &Path) -> Launch {
        let mut arguments: Vec<OsString> = match kind {
            Kind::Bursar => vec!["serve".into(), "--store".into(), store_url(directory).into()],
            Kind::Ceiling => vec!["serve-ceiling".into(), "--directory".into(), directory.into()],
            Kind::Echo => vec!["serve-echo".into(), "--directory".into(), directory.into()],
        };
        arguments.extend(["--listen".into(), "127.0.0.1:0".into()]);
        Launch {
            program: if kind == Kind::Bursar { self.bursar.clone() } else { self.bench.clone() },
            arguments,
            environment: BTreeMap::from([("BURSAR_TEST_KEY".to_owned(), API_KEY.to_owned())]),
            log: Some(directory.join("server.log")),
            has_readiness: true,
        }
    }
}

/// The `--store` argument for a directory.
#[must_use]
pub fn store_url(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("store").join("bursar.db").display())
}

/// The caller of a server at that address.
#[must_use]
pub fn caller(address: SocketAddr) -> Arc<Caller> {
    Arc::new(Caller { host: address.to_string(), api_key: API_KEY.to_owned() })
}

/// One connection to a server, for what must succeed.
#[derive(Debug)]
pub struct Shop {
    caller: Arc<Caller>,
    client: Client,
}

impl Shop {
    /// A shop that calls that server.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { caller: caller(address), client: Client::new(address, PATIENCE) }
    }

    /// Makes a call that must succeed.
    ///
    /// # Errors
    /// If it does not.
    pub async fn must(&mut self, what: &'static str, call: &Call<'_>) -> Result<Answer, Error> {
        let answer = self.client.send(&self.caller.bytes(call)).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        let body = String::from_utf8_lossy(&answer.body).chars().take(SHOWN).collect();
        Err(Error::Unexpected { what, status: answer.status, body })
    }

    async fn make(&mut self, path: &str, key: &str, form: &str) -> Result<(String, Answer), Error> {
        let answer = self.must("making something for stock", &Call::Post { path, key, form }).await?;
        match answer.json().get("id").and_then(serde_json::Value::as_str) {
            Some(id) => Ok((id.to_owned(), answer)),
            None => Err(Error::Unexpected { what: "making something for stock", status: answer.status, body: String::new() }),
        }
    }
}

/// Makes customers and payments on a server, and keeps its answers as samples. `run` names this stock on this server.
///
/// # Errors
/// If the server does not accept one of the requests.
pub async fn stock(address: SocketAddr, run: &str) -> Result<(Stock, Samples), Error> {
    let mut work = JoinSet::new();
    for index in 0..CUSTOMERS {
        let run = run.to_owned();
        work.spawn(async move {
            let mut shop = Shop::new(address);
            let form = format!("name=Customer+{index}&email=c{index}%40example.com");
            let (customer, _) = shop.make("/v1/customers", &format!("{run}-c{index}"), &form).await?;
            let mut payments = Vec::with_capacity(PAYMENTS_EACH);
            for turn in 0..PAYMENTS_EACH {
                let key = format!("{run}-p{index}-{turn}");
                payments.push(shop.make("/v1/payment_intents", &key, &payment_form(&customer)).await?.0);
            }
            Ok::<_, Error>((customer, payments))
        });
    }
    let mut customers = Vec::new();
    let mut payments = Vec::new();
    while let Some(made) = work.join_next().await {
        let (customer, of_customer) = made.map_err(|_| Error::Worker)??;
        customers.push(customer);
        payments.extend(of_customer);
    }
    let samples = sample(address, run, &payments).await?;
    Ok((Stock::new(payments, customers), samples))
}

async fn sample(address: SocketAddr, run: &str, payments: &[String]) -> Result<Samples, Error> {
    let mut shop = Shop::new(address);
    let id = payments.first().map_or("none", String::as_str);
    let payment = shop.must("retrieving a payment", &Call::Get(&format!("/v1/payment_intents/{id}"))).await?;
    let list = shop.must("listing payments", &Call::Get("/v1/payment_intents?limit=20")).await?;
    let form = format!("payment_intent={id}&amount=100");
    let (_, refund) = shop.make("/v1/refunds", &format!("{run}-r"), &form).await?;
    Ok(Samples { payment: payment.body.into(), list: list.body.into(), refund: refund.body.into() })
}

/// How many payments the stock holds.
#[must_use]
pub const fn stocked_payments() -> u64 {
    (CUSTOMERS * PAYMENTS_EACH) as u64
}
