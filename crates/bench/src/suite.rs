//! One run of everything: rounds in which the servers take turns at each point, so that what else the machine
//! does meanwhile hits all of them alike. The report takes medians over the rounds.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::disk;
use crate::figures::Micros;
use crate::load::{self, Arrival, Job, Measured};
use crate::process::{Server, Usage};
use crate::target::{self, Kind, Programs, caller};
use crate::workload::{Stock, Workload};

/// The number of connections at which scenarios other than payments are compared.
pub const USUAL_CONNECTIONS: u64 = 64;
/// Connections of the open loop: more than can be busy at half load.
pub const OPEN_CONNECTIONS: u64 = 256;
/// How long a started server is left alone before its idle memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The programs.
    pub programs: Programs,
    /// Where temporary stores are made; the disk that is measured.
    pub directory: PathBuf,
    /// Before each point.
    pub warm_up: Duration,
    /// Length of each point.
    pub measured: Duration,
    /// How many times all points are run.
    pub rounds: u32,
    /// Numbers of connections for payments.
    pub connections: Vec<u64>,
    /// Whether the other scenarios run at all those numbers, not only at 64.
    pub full: bool,
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// What is asked.
    pub workload: Workload,
    /// Over so many connections; none for the open loop at half of the maximum.
    pub connections: Option<u64>,
    /// Of whom.
    pub kind: Kind,
}

/// Everything seen, a value for each round.
#[derive(Debug, Default)]
pub struct Findings {
    /// The load.
    pub points: BTreeMap<Point, Vec<Measured>>,
    /// Rates of the open loop.
    pub open_rates: Vec<u64>,
    /// One 4 kB append and sync.
    pub sync: Vec<Micros>,
    /// Start to ready on an empty store.
    pub start_empty: Vec<Micros>,
    /// Start to ready after SIGKILL with what the payments left.
    pub start_killed: Vec<Micros>,
    /// Resident bytes on an empty store.
    pub memory_idle: Vec<u64>,
    /// Bytes of the store for each payment.
    pub disk_each: Vec<u64>,
    /// Bytes of the binary.
    pub binary: u64,
}

struct Field<'a> {
    options: &'a Options,
    servers: BTreeMap<Kind, Server>,
    stock: Arc<Stock>,
    round: u32,
    turn: u32,
    payments: u64,
}

/// Runs all rounds; progress goes to `progress`.
///
/// # Errors
/// If a server does not start, does not answer, or a measurement fails.
pub async fn run(options: &Options, progress: &mut (dyn Write + Send)) -> Result<Findings, Error> {
    let mut findings = Findings { binary: disk::size_of(&options.programs.bursar)?, ..Findings::default() };
    for round in 0..options.rounds {
        let directory = tempfile::tempdir_in(&options.directory)?;
        run_round(options, round, directory.path(), &mut findings, progress).await?;
    }
    Ok(findings)
}

async fn run_round(
    options: &Options,
    round: u32,
    directory: &Path,
    findings: &mut Findings,
    progress: &mut (dyn Write + Send),
) -> Result<(), Error> {
    let home = |kind: Kind| directory.join(kind.to_string());
    for kind in [Kind::Bursar, Kind::Ceiling, Kind::Echo] {
        std::fs::create_dir(home(kind))?;
    }
    findings.sync.push(disk::sync_time(directory)?);
    let bursar = options.programs.launch(Kind::Bursar, &home(Kind::Bursar));
    let server = bursar.start().await?;
    findings.start_empty.push(server.start_time.into());
    tokio::time::sleep(SETTLE).await;
    findings.memory_idle.extend(Usage::of(server.pid).map(|usage| usage.memory));

    let (stock, samples) = target::stock(server.address, &format!("stock{round}")).await?;
    let mut servers = BTreeMap::from([(Kind::Bursar, server)]);
    for kind in [Kind::Ceiling, Kind::Echo] {
        samples.write(&home(kind))?;
        servers.insert(kind, options.programs.launch(kind, &home(kind)).start().await?);
    }
    let payments = target::stocked_payments();
    let mut field = Field { options, servers, stock: Arc::new(stock), round, turn: 0, payments };

    for connections in &options.connections {
        let kinds = in_turn(&[Kind::Bursar, Kind::Ceiling, Kind::Echo], round);
        for kind in kinds {
            field.closed(Workload::Payments, *connections, kind, findings, progress).await?;
        }
    }
    if let Some(server) = field.servers.remove(&Kind::Bursar) {
        server.kill().await?;
    }
    let server = bursar.start().await?;
    findings.start_killed.push(server.start_time.into());
    server.stop().await?;
    let size = disk::size_of(&home(Kind::Bursar).join("store"))?;
    findings.disk_each.extend(size.checked_div(field.payments));
    field.servers.insert(Kind::Bursar, bursar.start().await?);

    let usual = [USUAL_CONNECTIONS];
    let numbers = if options.full { options.connections.as_slice() } else { usual.as_slice() };
    for workload in Workload::ALL.into_iter().filter(|workload| *workload != Workload::Payments) {
        for connections in numbers {
            for kind in in_turn(&[Kind::Bursar, Kind::Echo], round) {
                field.closed(workload, *connections, kind, findings, progress).await?;
            }
        }
    }
    field.open(findings, progress).await?;
    for (_, server) in field.servers {
        server.stop().await?;
    }
    Ok(())
}

/// The items, beginning with another one in each round.
fn in_turn(kinds: &[Kind], round: u32) -> Vec<Kind> {
    let skip = usize::try_from(round).unwrap_or(0).checked_rem(kinds.len()).unwrap_or(0);
    kinds.iter().copied().cycle().skip(skip).take(kinds.len()).collect()
}

impl Field<'_> {
    async fn closed(
        &mut self,
        workload: Workload,
        connections: u64,
        kind: Kind,
        findings: &mut Findings,
        progress: &mut (dyn Write + Send),
    ) -> Result<(), Error> {
        let point = Point { workload, connections: Some(connections), kind };
        self.measure(point, Arrival::Closed { connections }, findings, progress).await
    }

    async fn open(&mut self, findings: &mut Findings, progress: &mut (dyn Write + Send)) -> Result<(), Error> {
        let best = findings
            .points
            .iter()
            .filter(|(point, _)| point.workload == Workload::Payments && point.kind == Kind::Bursar)
            .filter(|(point, _)| point.connections.is_some())
            .filter_map(|(_, rounds)| rounds.last().map(Measured::rate))
            .max();
        let per_second = best.unwrap_or(0) / 2;
        if per_second == 0 {
            return Ok(());
        }
        findings.open_rates.push(per_second);
        let point = Point { workload: Workload::Payments, connections: None, kind: Kind::Bursar };
        self.measure(point, Arrival::Open { per_second, connections: OPEN_CONNECTIONS }, findings, progress).await
    }

    async fn measure(
        &mut self,
        point: Point,
        arrival: Arrival,
        findings: &mut Findings,
        progress: &mut (dyn Write + Send),
    ) -> Result<(), Error> {
        let Some(server) = self.servers.get(&point.kind) else { return Err(Error::Gone) };
        self.turn = self.turn.saturating_add(1);
        let measured = load::run(&Job {
            address: server.address,
            pid: Some(server.pid),
            caller: caller(server.address),
            workload: point.workload,
            stock: self.stock.clone(),
            arrival,
            warm_up: self.options.warm_up,
            measured: self.options.measured,
            run: format!("r{}t{}", self.round, self.turn),
        })
        .await?;
        if point.kind == Kind::Bursar && point.workload == Workload::Payments {
            self.payments = self.payments.saturating_add(measured.accepted_ever);
        }
        writeln!(
            progress,
            "round {} · {} · {} · {} · {}/s · p99 {}{}",
            self.round.saturating_add(1),
            point.workload,
            point.kind,
            point.connections.map_or_else(|| "open loop".to_owned(), |number| format!("{number} connections")),
            measured.rate(),
            measured.latencies.p99(),
            if measured.is_clean() { "" } else { " · WITH FAILURES" },
        )?;
        findings.points.entry(point).or_default().push(measured);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another_server() {
        let kinds = [Kind::Bursar, Kind::Ceiling, Kind::Echo];
        assert_eq!(in_turn(&kinds, 0), kinds);
        assert_eq!(in_turn(&kinds, 1), [Kind::Ceiling, Kind::Echo, Kind::Bursar]);
        assert_eq!(in_turn(&kinds, 3), kinds);
    }
}
