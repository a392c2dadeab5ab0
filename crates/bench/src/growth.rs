//! Whether Bursar stays as fast as its store grows: the same points on an empty store and on a full one.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Error;
use crate::disk;
use crate::figures::{Micros, per_second};
use crate::load::{self, Arrival, Job, Measured};
use crate::process::{Server, Usage};
use crate::suite::USUAL_CONNECTIONS;
use crate::target::{self, Kind, Programs, caller};
use crate::workload::{Stock, Workload};

/// The store is filled in pieces of this length, with a line of progress after each.
const PIECE: Duration = Duration::from_secs(20);
/// How long a started server is left alone before its idle memory is read.
const SETTLE: Duration = Duration::from_secs(5);

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The programs.
    pub programs: Programs,
    /// Where the store is made.
    pub directory: PathBuf,
    /// Before each point.
    pub warm_up: Duration,
    /// Length of each point.
    pub measured: Duration,
    /// How many points of each kind are run on the empty and on the full store; the median counts.
    pub rounds: u32,
    /// Payments in the full store.
    pub payments: u64,
}

/// One size of the store.
#[derive(Debug, Default)]
pub struct Stage {
    /// Payments in the store when it began.
    pub payments: u64,
    /// Creating payments.
    pub pay: Vec<Measured>,
    /// Listing the newest 20.
    pub list: Vec<Measured>,
}

/// What was seen.
#[derive(Debug)]
pub struct Growth {
    /// The empty store.
    pub empty: Stage,
    /// The full store.
    pub full: Stage,
    /// Payments a second while it was filled.
    pub fill_rate: u64,
    /// Start to ready after SIGKILL, full.
    pub start_killed: Micros,
    /// Resident bytes after that start, idle.
    pub memory_idle: Option<u64>,
    /// Most resident bytes at any time before.
    pub memory_peak: Option<u64>,
    /// Bytes of the store for each payment.
    pub disk_each: Option<u64>,
}

struct Run<'a> {
    options: &'a Options,
    stock: Arc<Stock>,
    turn: u32,
    payments: u64,
}

/// Fills a store and measures it before and after; progress goes to `progress`.
///
/// # Errors
/// If the server does not start, does not answer, or a measurement fails.
pub async fn run(options: &Options, progress: &mut (dyn Write + Send)) -> Result<Growth, Error> {
    let directory = tempfile::tempdir_in(&options.directory)?;
    let launch = options.programs.launch(Kind::Bursar, directory.path());
    let server = launch.start().await?;
    let (stock, _) = target::stock(server.address, "stock").await?;
    let mut run = Run { options, stock: Arc::new(stock), turn: 0, payments: target::stocked_payments() };

    let empty = run.stage(&server).await?;
    let began = Instant::now();
    let before = run.payments;
    while run.payments < options.payments {
        let measured = run.load(&server, Workload::Payments, PIECE).await?;
        let (rate, p99) = (measured.rate(), measured.latencies.p99());
        writeln!(progress, "{} payments · {rate}/s · p99 {p99}", run.payments)?;
        if measured.accepted_ever == 0 {
            return Err(Error::Gone);
        }
    }
    let fill_rate = per_second(run.payments.saturating_sub(before), began.elapsed());
    let full = run.stage(&server).await?;
    let memory_peak = Usage::of(server.pid).map(|usage| usage.memory_peak);
    server.kill().await?;

    let server = launch.start().await?;
    let start_killed = server.start_time.into();
    tokio::time::sleep(SETTLE).await;
    let memory_idle = Usage::of(server.pid).map(|usage| usage.memory);
    server.stop().await?;
    let disk_each = disk::size_of(&directory.path().join("store"))?.checked_div(run.payments);
    Ok(Growth { empty, full, fill_rate, start_killed, memory_idle, memory_peak, disk_each })
}

impl Run<'_> {
    async fn stage(&mut self, server: &Server) -> Result<Stage, Error> {
        let mut stage = Stage { payments: self.payments, ..Stage::default() };
        for _ in 0..self.options.rounds {
            stage.list.push(self.load(server, Workload::List, self.options.measured).await?);
            stage.pay.push(self.load(server, Workload::Payments, self.options.measured).await?);
        }
        Ok(stage)
    }

    async fn load(&mut self, server: &Server, workload: Workload, measured: Duration) -> Result<Measured, Error> {
        self.turn = self.turn.saturating_add(1);
        let measured = load::run(&Job {
            address: server.address,
            pid: Some(server.pid),
            caller: caller(server.address),
            workload,
            stock: self.stock.clone(),
            arrival: Arrival::Closed { connections: USUAL_CONNECTIONS },
            warm_up: if workload == Workload::Payments && measured == PIECE { Duration::ZERO } else { self.options.warm_up },
            measured,
            run: format!("g{}", self.turn),
        })
        .await?;
        if workload == Workload::Payments {
            self.payments = self.payments.saturating_add(measured.accepted_ever);
        }
        Ok(measured)
    }
}
