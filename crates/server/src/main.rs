//! The program: its command line.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bursar::compose::{Settings, SetupError, compose, store_path};
use bursar::serve;
use clap::{Args, Parser, Subcommand};
use providers::simulator::{self, Durability, Location, Simulator};
use tokio::net::TcpListener;

/// A payment platform that businesses run themselves.
#[derive(Parser)]
#[command(name = "bursar", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (also without a command).
    Serve(ServeArgs),
    /// Write a consistent copy of the store, also while a server runs.
    Backup {
        /// The store.
        #[arg(long, env = "BURSAR_STORE", default_value = "sqlite:bursar-data/bursar.db")]
        store: String,
        /// The copy to write; it must not exist.
        path: PathBuf,
    },
    /// Recompute the books from their entries and compare; also while a server runs.
    Verify {
        /// The store.
        #[arg(long, env = "BURSAR_STORE", default_value = "sqlite:bursar-data/bursar.db")]
        store: String,
    },
    /// Serve the bank simulator alone, for `serve --bank`.
    BankSimulator {
        /// Where to listen.
        #[arg(long, env = "BURSAR_BANK_LISTEN", default_value = "127.0.0.1:8421")]
        listen: SocketAddr,
        /// Where its books are.
        #[arg(long, env = "BURSAR_BANK_BOOKS", default_value = "bursar-data/bank.db")]
        books: PathBuf,
    },
}

#[derive(Args)]
struct ServeArgs {
    /// Where to listen.
    #[arg(long, env = "BURSAR_LISTEN", default_value = "127.0.0.1:8420")]
    listen: SocketAddr,
    /// Where everything is kept: sqlite:PATH or memory:
    #[arg(long, env = "BURSAR_STORE", default_value = "sqlite:bursar-data/bursar.db")]
    store: String,
    /// The address of a bank simulator; in process if left out.
    #[arg(long, env = "BURSAR_BANK")]
    bank: Option<String>,
    /// Where browsers reach this server; the listening address if left out.
    #[arg(long, env = "BURSAR_PUBLIC_URL")]
    public_url: Option<String>,
    /// The vault's key, 64 hexadecimal digits; a key file beside the store if left out.
    #[arg(long, env = "BURSAR_VAULT_KEY", hide_env_values = true)]
    vault_key: Option<String>,
    /// The secret key of the shop that the first start makes.
    #[arg(long, env = "BURSAR_TEST_KEY", hide_env_values = true)]
    test_key: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    // Where the log cannot be written, as on a full disk, a complaint about that cannot be either, and would panic.
    tracing_subscriber::fmt().json().log_internal_errors(false).with_env_filter(filter).with_writer(std::io::stderr).init();
    let cli = Cli::parse();
    let result = match cli.command {
        None => run(cli.serve).await,
        Some(Command::Serve(args)) => run(args).await,
        Some(Command::Backup { store, path }) => backup(&store, &path),
        Some(Command::Verify { store }) => verify(&store).await,
        Some(Command::BankSimulator { listen, books }) => bank(listen, books).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bursar: {error}");
            ExitCode::FAILURE
        }
    }
}

fn failed(what: &str, why: impl std::fmt::Display) -> SetupError {
    SetupError(format!("{what}: {why}"))
}

async fn run(args: ServeArgs) -> Result<(), SetupError> {
    let listener = TcpListener::bind(args.listen).await.map_err(|e| failed("listening", e))?;
    let address = listener.local_addr().map_err(|e| failed("listening", e))?;
    let url = format!("http://{address}");
    let settings = Settings {
        store: args.store,
        bank: args.bank,
        vault_key: args.vault_key,
        public_url: args.public_url.unwrap_or_else(|| url.clone()).trim_end_matches('/').to_owned(),
    };
    let composed = compose(&settings)?;
    let platform = Arc::clone(&composed.app.platform);
    let keys = serve::first_shop(&platform, args.test_key.as_deref()).await.map_err(|e| failed("the first shop", e))?;
    let jobs = tokio::spawn(serve::background(platform));
    say(&greeting(&url, keys.as_ref()));
    let served = axum::serve(listener, serve::router(&composed)).with_graceful_shutdown(stop_signal()).await;
    jobs.abort();
    served.map_err(|e| failed("serving", e))
}

fn greeting(url: &str, keys: Option<&serve::FirstKeys>) -> String {
    let mut text = String::new();
    if let Some(keys) = keys {
        text.push_str(&format!(
            "A test shop is ready.\n  secret key       {}\n  publishable key  {}\n\nA first payment:\n  curl {url}/v1/payment_intents -u {}: \\\n    -d amount=2000 -d currency=usd -d payment_method=pm_card_visa -d confirm=true\n\n",
            keys.secret, keys.publishable, keys.secret
        ));
    }
    text.push_str(&format!("listening on {url}\n"));
    text
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

fn backup(store: &str, path: &std::path::Path) -> Result<(), SetupError> {
    let from = store_path(store)?.ok_or_else(|| SetupError("a store in memory cannot be backed up".to_owned()))?;
    let store = store::embedded::Embedded::open_read_only(&from).map_err(|e| failed("the store", e))?;
    store.backup(path).map_err(|e| failed("the backup", e))
}

async fn verify(store: &str) -> Result<(), SetupError> {
    let from = store_path(store)?.ok_or_else(|| SetupError("a store in memory cannot be verified".to_owned()))?;
    let store = store::embedded::Embedded::open_snapshot(&from).map_err(|e| failed("the store", e))?;
    let report = payments::verify::verify(&store).await.map_err(|e| failed("verifying", format!("{e} {e:?}")))?;
    for difference in &report.differences {
        say(&format!("{difference}\n"));
    }
    let (entries, charges, refunds) = (report.entries, report.charges, report.refunds);
    say(&format!("{entries} journal entries, {charges} charges, {refunds} refunds, {} differences\n", report.differences.len()));
    if report.differences.is_empty() { Ok(()) } else { Err(SetupError("the books do not agree".to_owned())) }
}

async fn bank(listen: SocketAddr, books: PathBuf) -> Result<(), SetupError> {
    if let Some(directory) = books.parent() {
        std::fs::create_dir_all(directory).map_err(|e| failed("the books' directory", e))?;
    }
    let listener = TcpListener::bind(listen).await.map_err(|e| failed("listening", e))?;
    let url = format!("http://{}", listener.local_addr().map_err(|e| failed("listening", e))?);
    let options = simulator::Options { durability: Durability::Synced, public_base: url.clone(), ..simulator::Options::default() };
    let bank = Simulator::open(&Location::File(books), options).map_err(|e| failed("the bank", e))?;
    say(&format!("listening on {url}\n"));
    let router = simulator::server::router(Arc::new(bank));
    axum::serve(listener, router).with_graceful_shutdown(stop_signal()).await.map_err(|e| failed("serving", e))
}
