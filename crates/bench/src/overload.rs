//! What is left of a server's work when more is asked than it can do: goodput and latency at multiples of its capacity.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::figures::Ratio;
use crate::load::{self, Arrival, Job, Measured};
use crate::process::Server;
use crate::suite::USUAL_CONNECTIONS;
use crate::target::{Kind, Programs, caller};
use crate::workload::{Stock, Workload};

/// Requests due in a second, in multiples of the capacity.
const MULTIPLES: [u64; 4] = [1, 2, 3, 5];
/// Clients that do not wait for one another: more than a server lets in by default.
const CROWD: u64 = 4_000;

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
}

/// One point of the curve.
#[derive(Debug)]
pub struct Point {
    /// Requests due in a second.
    pub offered: u64,
    /// In multiples of the capacity.
    pub multiple: u64,
    /// What was seen.
    pub measured: Measured,
}

/// The curve.
#[derive(Debug)]
pub struct Curve {
    /// Payments a second in a closed loop.
    pub capacity: u64,
    /// Its points.
    pub points: Vec<Point>,
}

impl Curve {
    /// The most payments a second of any point.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.points.iter().map(|point| point.measured.rate()).fold(self.capacity, u64::max)
    }

    /// What is left of the peak at the last point.
    #[must_use]
    pub fn left(&self) -> Option<Ratio> {
        Ratio::of(self.points.last()?.measured.rate(), self.peak())
    }
}

/// Measures the curve; progress goes to `progress`.
///
/// # Errors
/// The server does not start or answer, or a measurement fails.
pub async fn run(options: &Options, progress: &mut (dyn Write + Send)) -> Result<Curve, Error> {
    let directory = tempfile::tempdir_in(&options.directory)?;
    let server = options.programs.launch(Kind::Bursar, directory.path()).start().await?;
    let closed = point(options, &server, Arrival::Closed { connections: USUAL_CONNECTIONS }, "capacity").await?;
    let capacity = closed.rate();
    writeln!(progress, "capacity: {capacity} payments/s")?;
    let mut points = Vec::new();
    for multiple in MULTIPLES {
        let offered = capacity.saturating_mul(multiple);
        let arrival = Arrival::Open { per_second: offered, connections: CROWD };
        let measured = point(options, &server, arrival, &format!("times-{multiple}")).await?;
        writeln!(progress, "{multiple} times: {} of {offered}/s, p99 {}", measured.rate(), measured.latencies.p99())?;
        points.push(Point { offered, multiple, measured });
    }
    server.stop().await?;
    Ok(Curve { capacity, points })
}

async fn point(options: &Options, server: &Server, arrival: Arrival, run: &str) -> Result<Measured, Error> {
    let job = Job {
        address: server.address,
        pid: Some(server.pid),
        caller: caller(server.address),
        workload: Workload::Payments,
        stock: Arc::new(Stock::default()),
        arrival,
        warm_up: options.warm_up,
        measured: options.measured,
        run: run.to_owned(),
    };
    load::run(&job).await
}
