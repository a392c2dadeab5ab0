//! Payments on a PostgreSQL server beside what the server does of its own benchmark, TPC-B-like transactions of `pgbench`, with
//! as many clients. The two take turns, each in a database of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;

use crate::Error;
use crate::load::{self, Arrival, Job, Measured};
use crate::process::{Launch, Server};
use crate::target::{API_KEY, caller};
use crate::workload::{Stock, Workload};

/// Branches of pgbench's bank: as many transactions can be under way without waiting for one another.
const SCALE: u32 = 50;
/// Threads of pgbench.
const THREADS: u32 = 2;
/// Any key: the store is gone afterwards.
const VAULT_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server's binary.
    pub bursar: PathBuf,
    /// A database of the server, whose user may make others.
    pub url: String,
    /// Numbers of clients.
    pub connections: Vec<u64>,
    /// Where logs are.
    pub directory: PathBuf,
    /// Before each point.
    pub warm_up: Duration,
    /// Length of each point.
    pub measured: Duration,
    /// How many times all points are run.
    pub rounds: u32,
}

/// The rounds of one number of clients.
#[derive(Debug, Default)]
pub struct Row {
    /// Payments.
    pub payments: Vec<Measured>,
    /// TPC-B-like transactions in a second.
    pub transactions: Vec<u64>,
}

/// Runs all rounds; progress goes to `progress`.
///
/// # Errors
/// If a program does not start or fails, or a measurement does.
pub async fn run(options: &Options, progress: &mut (dyn Write + Send)) -> Result<BTreeMap<u64, Row>, Error> {
    let directory = tempfile::tempdir_in(&options.directory)?;
    let bank = make_database(&options.url, "pgbench").await?;
    pgbench(&bank, &["-i", "-q", "-s", &SCALE.to_string()]).await?;
    let store = make_database(&options.url, "bursar").await?;
    let server = launch(options, &store, directory.path()).start().await?;
    let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
    for round in 0..options.rounds {
        for clients in &options.connections {
            let row = rows.entry(*clients).or_default();
            let measured = payments(options, &server, *clients, round).await?;
            let transactions = transactions(options, &bank, *clients).await?;
            writeln!(progress, "{clients} clients · {}/s · p99 {} · tps {transactions}", measured.rate(), measured.latencies.p99())?;
            row.payments.push(measured);
            row.transactions.push(transactions);
        }
    }
    server.stop().await?;
    Ok(rows)
}

fn launch(options: &Options, store: &str, directory: &Path) -> Launch {
    let environment = [("BURSAR_TEST_KEY", API_KEY), ("BURSAR_STORE", store), ("BURSAR_VAULT_KEY", VAULT_KEY)];
    Launch {
        program: options.bursar.clone(),
        arguments: ["serve", "--listen", "127.0.0.1:0", "--bank", "memory:"].map(OsString::from).to_vec(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        log: Some(directory.join("server.log")),
        has_readiness: true,
    }
}

async fn payments(options: &Options, server: &Server, connections: u64, round: u32) -> Result<Measured, Error> {
    load::run(&Job {
        address: server.address,
        pid: Some(server.pid),
        caller: caller(server.address),
        workload: Workload::Payments,
        stock: Arc::new(Stock::default()),
        arrival: Arrival::Closed { connections },
        warm_up: options.warm_up,
        measured: options.measured,
        run: format!("postgres-{round}-{connections}"),
    })
    .await
}

async fn transactions(options: &Options, bank: &str, clients: u64) -> Result<u64, Error> {
    let (clients, seconds) = (clients.to_string(), options.measured.as_secs().to_string());
    let threads = THREADS.to_string();
    let said = pgbench(bank, &["-M", "prepared", "-c", &clients, "-j", &threads, "-T", &seconds]).await?;
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split('.').next()?.parse().ok());
    rate.ok_or_else(|| Error::Pgbench(said))
}

async fn make_database(url: &str, name: &str) -> Result<String, Error> {
    let name = format!("{name}_{}", std::process::id());
    call("createdb", &["--maintenance-db", url, &name]).await?;
    let base = url.rsplit_once('/').map_or(url, |(base, _)| base);
    Ok(format!("{base}/{name}"))
}

async fn pgbench(url: &str, arguments: &[&str]) -> Result<String, Error> {
    call("pgbench", &[arguments, &[url]].concat()).await
}

async fn call(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    let done = done.map_err(|source| Error::Program { program: program.into(), source })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(Error::Pgbench(String::from_utf8_lossy(&done.stderr).into_owned()))
}
