//! Two builds of Bursar beside each other: the same points in turn, so that a change can be told from the noise of
//! the machine.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::load::{self, Arrival, Job, Measured};
use crate::process::Server;
use crate::target::{self, Kind, Programs, caller};
use crate::workload::{Stock, Workload};

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The builds, with the name each has in the table.
    pub builds: Vec<(String, PathBuf)>,
    /// Where temporary stores are made.
    pub directory: PathBuf,
    /// What is asked.
    pub workloads: Vec<Workload>,
    /// How it arrives.
    pub arrival: Arrival,
    /// Before each point.
    pub warm_up: Duration,
    /// Length of each point.
    pub measured: Duration,
    /// How many times all points are run.
    pub rounds: u32,
}

/// The rounds of one build under one workload.
#[derive(Debug)]
pub struct Row {
    /// What was asked.
    pub workload: Workload,
    /// The build.
    pub build: String,
    /// One for each round.
    pub rounds: Vec<Measured>,
}

struct Build {
    name: String,
    server: Server,
    stock: Arc<Stock>,
}

/// Runs all rounds; progress goes to `progress`.
///
/// # Errors
/// If a server does not start, does not answer, or a measurement fails.
pub async fn run(options: &Options, progress: &mut (dyn Write + Send)) -> Result<Vec<Row>, Error> {
    let directory = tempfile::tempdir_in(&options.directory)?;
    let mut builds = Vec::with_capacity(options.builds.len());
    let mut rows = Vec::new();
    for (position, (name, program)) in options.builds.iter().enumerate() {
        let home = directory.path().join(position.to_string());
        std::fs::create_dir(&home)?;
        let programs = Programs { bursar: program.clone(), bench: PathBuf::new() };
        let server = programs.launch(Kind::Bursar, &home).start().await?;
        let (stock, _) = target::stock(server.address, "stock").await?;
        builds.push(Build { name: name.clone(), server, stock: Arc::new(stock) });
    }
    for workload in &options.workloads {
        let first = rows.len();
        rows.extend(builds.iter().map(|build| Row { workload: *workload, build: build.name.clone(), rounds: Vec::new() }));
        for round in 0..options.rounds {
            for (build, row) in builds.iter().zip(rows.iter_mut().skip(first)) {
                let measured = point(options, *workload, build, round).await?;
                writeln!(progress, "{workload} · {} · {}/s · p99 {}", build.name, measured.rate(), measured.latencies.p99())?;
                row.rounds.push(measured);
            }
        }
    }
    for build in builds {
        build.server.stop().await?;
    }
    Ok(rows)
}

async fn point(options: &Options, workload: Workload, build: &Build, round: u32) -> Result<Measured, Error> {
    load::run(&Job {
        address: build.server.address,
        pid: Some(build.server.pid),
        caller: caller(build.server.address),
        workload,
        stock: Arc::clone(&build.stock),
        arrival: options.arrival,
        warm_up: options.warm_up,
        measured: options.measured,
        run: format!("{workload}{round}").replace(' ', "-"),
    })
    .await
}
