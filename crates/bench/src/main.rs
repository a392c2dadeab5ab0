//! `bursar-bench`: one command measures and prints the table.

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bench::baseline::{self, Ceiling, Echo, FIRST_ROW, Log, SECOND_ROW, Samples};
use bench::load::Arrival;
use bench::target::Programs;
use bench::workload::Workload;
use bench::{compare, growth, overload, postgres, report, suite, webhooks};
use clap::{Args, Parser, Subcommand};

/// The servers that Bursar is compared with have its allocator, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Bursar beside an echo of the same bytes and a ceiling of two synced rows, and prints Markdown.
#[derive(Parser)]
#[command(version, subcommand_required = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
    /// Numbers of connections for payments.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64,256")]
    connections: Vec<u64>,
    /// Run the other scenarios at all of those numbers, not only at 64.
    #[arg(long)]
    full: bool,
}

#[derive(Args)]
struct Common {
    /// The release binary to measure.
    #[arg(long, global = true, default_value = "target/release/bursar")]
    bursar: PathBuf,
    /// Where temporary stores are made: a directory on the disk to measure.
    #[arg(long, global = true, default_value = "target")]
    directory: PathBuf,
    /// Seconds counted of each point.
    #[arg(long, global = true, default_value_t = 20)]
    seconds: u64,
    /// Seconds before each point that are not counted.
    #[arg(long, global = true, default_value_t = 3)]
    warm_up: u64,
    /// Rounds, of which the median counts.
    #[arg(long, global = true, default_value_t = 3)]
    rounds: u32,
}

#[derive(Subcommand)]
enum Command {
    /// Compare an empty store with one of many payments.
    Growth {
        /// Payments in the full store.
        #[arg(long, default_value_t = 1_000_000)]
        payments: u64,
    },
    /// Compare builds of Bursar: `--bursar` and those named here.
    Compare {
        /// Other release binaries.
        #[arg(required = true)]
        others: Vec<PathBuf>,
        /// What to ask: payments, retrieve, list, list-by-customer, refund, mixed.
        #[arg(long, value_delimiter = ',', default_value = "payments,retrieve,list,list-by-customer", value_parser = workload)]
        workloads: Vec<Workload>,
        /// Over how many connections.
        #[arg(long, default_value_t = suite::USUAL_CONNECTIONS)]
        connections: u64,
        /// Requests due in a second, instead of the next with each answer.
        #[arg(long)]
        rate: Option<u64>,
    },
    /// Compare payments on a PostgreSQL server with pgbench's transactions on it (`tests/postgres` starts one).
    Postgres {
        /// A database of the server, whose user may make others.
        #[arg(long, env = "BURSAR_TEST_POSTGRES", hide_env_values = true)]
        url: String,
        /// Numbers of clients.
        #[arg(long, value_delimiter = ',', default_value = "16,64")]
        clients: Vec<u64>,
    },
    /// Measure webhooks, and look that none is lost over an outage of an endpoint and two kills of the server.
    Webhooks {
        /// Events that happen while an endpoint is down.
        #[arg(long, default_value_t = 100_000)]
        events: usize,
    },
    /// Measure what is left of the work when more is asked than the server can do.
    Overload,
    /// Serve the echo (started by the measurement itself).
    #[command(hide = true)]
    ServeEcho(Serve),
    /// Serve the ceiling (started by the measurement itself).
    #[command(hide = true)]
    ServeCeiling {
        #[command(flatten)]
        serve: Serve,
        /// Bytes of the first row of a payment.
        #[arg(long, default_value_t = FIRST_ROW)]
        first_row: usize,
        /// Bytes of the second row.
        #[arg(long, default_value_t = SECOND_ROW)]
        second_row: usize,
    },
}

#[derive(Args)]
struct Serve {
    /// Where to listen.
    #[arg(long)]
    listen: std::net::SocketAddr,
    /// Where the sample answers are, and the log is made.
    #[arg(long)]
    directory: PathBuf,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    let programs = Programs { bursar: cli.common.bursar, bench: std::env::current_exe()? };
    let directory = cli.common.directory;
    let (warm_up, measured) = (Duration::from_secs(cli.common.warm_up), Duration::from_secs(cli.common.seconds));
    let rounds = cli.common.rounds;
    match cli.command {
        None => {
            let (connections, full) = (cli.connections, cli.full);
            let options = suite::Options { programs, directory, warm_up, measured, rounds, connections, full };
            let findings = client_runtime()?.block_on(suite::run(&options, &mut stderr()))?;
            write!(stdout(), "{}", report::suite(&findings))?;
        }
        Some(Command::Growth { payments }) => {
            let options = growth::Options { programs, directory, warm_up, measured, rounds, payments };
            let seen = client_runtime()?.block_on(growth::run(&options, &mut stderr()))?;
            write!(stdout(), "{}", report::growth(&seen))?;
        }
        Some(Command::Compare { others, workloads, connections, rate }) => {
            let builds = std::iter::once(programs.bursar).chain(others).map(|path| (path.display().to_string(), path)).collect();
            let arrival = match rate {
                Some(per_second) => Arrival::Open { per_second, connections: suite::OPEN_CONNECTIONS },
                None => Arrival::Closed { connections },
            };
            let options = compare::Options { builds, directory, workloads, arrival, warm_up, measured, rounds };
            let rows = client_runtime()?.block_on(compare::run(&options, &mut stderr()))?;
            write!(stdout(), "{}", report::comparison(&rows))?;
        }
        Some(Command::Postgres { url, clients: connections }) => {
            let options = postgres::Options { bursar: programs.bursar, url, connections, directory, warm_up, measured, rounds };
            let rows = client_runtime()?.block_on(postgres::run(&options, &mut stderr()))?;
            write!(stdout(), "{}", report::postgres(&rows))?;
        }
        Some(Command::Webhooks { events }) => {
            let options = webhooks::Options { programs, directory, measured, events };
            let seen = client_runtime()?.block_on(webhooks::run(&options, &mut stderr()))?;
            write!(stdout(), "{}", report::webhooks(&seen))?;
            if seen.missing + seen.missing_healthy + seen.gaps > 0 {
                return Err("not every event was told".into());
            }
        }
        Some(Command::Overload) => {
            let options = overload::Options { programs, directory, warm_up, measured };
            let curve = client_runtime()?.block_on(overload::run(&options, &mut stderr()))?;
            write!(stdout(), "{}", report::overload(&curve))?;
        }
        Some(Command::ServeEcho(serve)) => {
            bursar::serve::log();
            let echo = Arc::new(Echo(Samples::read(&serve.directory)?));
            server_runtime()?.block_on(baseline::serve(serve.listen, echo))?;
        }
        Some(Command::ServeCeiling { serve, first_row, second_row }) => {
            let log = Log::create(&serve.directory.join("ceiling.db"))?;
            bursar::serve::log();
            let ceiling = Arc::new(Ceiling::new(Samples::read(&serve.directory)?, log, first_row, second_row));
            server_runtime()?.block_on(baseline::serve(serve.listen, ceiling))?;
        }
    }
    Ok(())
}

fn workload(name: &str) -> Result<Workload, String> {
    Workload::ALL.into_iter().find(|workload| workload.name() == name).ok_or_else(|| "there is no such workload".to_owned())
}

/// One thread: the load generator must leave the CPU to the server.
fn client_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn server_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
