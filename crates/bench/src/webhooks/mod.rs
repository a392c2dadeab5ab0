//! Webhooks measured: how soon an event is told, how many a second, and what an endpoint that is down costs the others. And that
//! after an outage, and servers killed meanwhile, every event was told.

pub mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::receiver::{Manner, Receiver};
use crate::Error;
use crate::figures::{Latencies, per_second};
use crate::load::{self, Arrival, Job};
use crate::process::{Server, Usage};
use crate::request::Call;
use crate::suite::USUAL_CONNECTIONS;
use crate::target::{Kind, Programs, Shop, caller};
use crate::workload::{Stock, Workload};

/// Payments a second at low load.
const LOW_RATE: u64 = 50;
/// Connections of that load.
const LOW_CONNECTIONS: u64 = 16;
/// So long after a load what it made known has been told, if nothing is wrong.
const SETTLE: Duration = Duration::from_secs(2);
/// The backlog is made in pieces of this length.
const PIECE: Duration = Duration::from_secs(5);
/// An endpoint that is back is tried within five minutes, and has what it missed soon after.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(200);
/// The endpoint that is in trouble, and the one that is not.
const TROUBLED: usize = 0;
const HEALTHY: usize = 1;

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The programs.
    pub programs: Programs,
    /// Where the store is made.
    pub directory: PathBuf,
    /// Length of each measurement at low load.
    pub measured: Duration,
    /// Events that happen while an endpoint is down.
    pub events: usize,
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// At low load, with endpoints that take everything: from when an event was made until it was there.
    pub alone: Latencies,
    /// The same, beside an endpoint that hangs.
    pub beside_hanging: Latencies,
    /// The same, beside an endpoint that refuses.
    pub beside_refusing: Latencies,
    /// Events that happened.
    pub events: usize,
    /// Of them, those that the endpoint which was down was never told.
    pub missing: usize,
    /// Of them, those that the other one was never told.
    pub missing_healthy: usize,
    /// Objects whose sequences have a gap at the endpoint that was down.
    pub gaps: usize,
    /// Events that were told more than once, to either.
    pub again: u64,
    /// Deliveries a second after the endpoint was back.
    pub rate: u64,
    /// CPU time of the server for each of them.
    pub cpu_each: Option<Duration>,
    /// From when the endpoint was back until it was told the first one.
    pub back_after: Duration,
}

struct Run<'a> {
    options: &'a Options,
    receiver: Receiver,
    turn: u32,
}

/// Runs it all; progress goes to `progress`.
///
/// # Errors
/// A server does not start or answer, or a measurement fails. That an event is missing is no error but seen.
pub async fn run(options: &Options, progress: &mut (dyn Write + Send)) -> Result<Seen, Error> {
    let directory = tempfile::tempdir_in(&options.directory)?;
    let mut launch = options.programs.launch(Kind::Bursar, directory.path());
    launch.environment.insert("BURSAR_WEBHOOKS_ALLOW_PRIVATE".to_owned(), "true".to_owned());
    let server = launch.start().await?;
    let receiver = Receiver::start(2).await?;
    for endpoint in [TROUBLED, HEALTHY] {
        let form = format!("url=http://{}/{endpoint}&enabled_events[]=*", receiver.address);
        let call = Call::Post { path: "/v1/webhook_endpoints", key: &format!("endpoint-{endpoint}"), form: &form };
        Shop::new(server.address).must("making an endpoint", &call).await?;
    }
    let mut run = Run { options, receiver, turn: 0 };
    let mut low = Vec::new();
    for (manner, named) in
        [(Manner::Takes, "alone"), (Manner::Hangs, "beside one that hangs"), (Manner::Refuses, "beside one that refuses")]
    {
        let delays = run.low(&server, manner).await?;
        writeln!(progress, "{named}: {} events, p50 {}, p99 {}", delays.count(), delays.p50(), delays.p99())?;
        low.push(delays);
    }

    let mut server = server;
    while run.told(HEALTHY) < options.events {
        run.busy(&server).await?;
        writeln!(progress, "{} events happened", run.told(HEALTHY))?;
        if run.turn == 4 {
            writeln!(progress, "the server is killed")?;
            server.kill().await?;
            server = launch.start().await?;
        }
    }
    let all = events(&server, progress).await?;
    let (rate, cpu_each, back_after, server) = run.drain(server, &launch, all.len(), progress).await?;
    let seen = run.compare(&all);
    server.stop().await?;
    let [alone, beside_hanging, beside_refusing] = <[Latencies; 3]>::try_from(low).map_err(|_| Error::Worker)?;
    Ok(Seen { alone, beside_hanging, beside_refusing, rate, cpu_each, back_after, ..seen? })
}

impl Run<'_> {
    fn told(&self, endpoint: usize) -> usize {
        self.receiver.look(endpoint, |took| took.events.len()).unwrap_or_default()
    }

    fn job(&mut self, server: &Server, arrival: Arrival, measured: Duration) -> Job {
        self.turn = self.turn.saturating_add(1);
        Job {
            address: server.address,
            pid: Some(server.pid),
            caller: caller(server.address),
            workload: Workload::Payments,
            stock: Arc::new(Stock::default()),
            arrival,
            warm_up: Duration::ZERO,
            measured,
            run: format!("webhooks-{}", self.turn),
        }
    }

    /// How long events take to the healthy endpoint at low load.
    async fn low(&mut self, server: &Server, manner: Manner) -> Result<Latencies, Error> {
        self.receiver.set(TROUBLED, manner);
        let arrival = Arrival::Open { per_second: LOW_RATE, connections: LOW_CONNECTIONS };
        let job = self.job(server, arrival, self.options.measured);
        self.receiver.measure_anew(HEALTHY)?;
        load::run(&job).await?;
        tokio::time::sleep(SETTLE).await;
        self.receiver.look(HEALTHY, |took| took.delays.clone()).ok_or(Error::Worker)
    }

    async fn busy(&mut self, server: &Server) -> Result<(), Error> {
        let job = self.job(server, Arrival::Closed { connections: USUAL_CONNECTIONS }, PIECE);
        load::run(&job).await.map(|_| ())
    }

    /// The endpoint is back; in the middle of what it is told then, the server is killed once more.
    async fn drain(
        &self,
        server: Server,
        launch: &crate::process::Launch,
        all: usize,
        progress: &mut (dyn Write + Send),
    ) -> Result<(u64, Option<Duration>, Duration, Server), Error> {
        let before = self.told(TROUBLED);
        self.receiver.measure_anew(TROUBLED)?;
        self.receiver.set(TROUBLED, Manner::Takes);
        let back = Instant::now();
        self.wait(before.saturating_add(1)).await;
        let (back_after, cpu_before, began) = (back.elapsed(), Usage::of(server.pid), Instant::now());
        let half = before.midpoint(all);
        self.wait(half).await;
        let (told, elapsed) = (self.told(TROUBLED).saturating_sub(before), began.elapsed());
        let cpu = cpu_before.zip(Usage::of(server.pid)).map(|(before, after)| after.cpu.saturating_sub(before.cpu));
        let told = u64::try_from(told).unwrap_or(u64::MAX);
        writeln!(progress, "{told} deliveries in {elapsed:?}; the server is killed")?;
        server.kill().await?;
        let server = launch.start().await?;
        self.wait(all).await;
        let cpu_each = cpu.and_then(|cpu| cpu.checked_div(u32::try_from(told).ok()?));
        Ok((per_second(told, elapsed), cpu_each, back_after, server))
    }

    /// Waits until the endpoint was told so many, or for so long as makes sense.
    async fn wait(&self, events: usize) {
        let began = Instant::now();
        while self.told(TROUBLED) < events && began.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn compare(&self, all: &BTreeSet<String>) -> Result<Seen, Error> {
        let missing_at = |endpoint| self.receiver.look(endpoint, |took| all.iter().filter(|id| !took.events.contains_key(*id)).count());
        let gaps = self.receiver.look(TROUBLED, |took| {
            let mut sequences: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
            for (object, sequence) in took.events.values() {
                sequences.entry(object).or_default().insert(*sequence);
            }
            let whole = |numbers: &BTreeSet<u64>| numbers.iter().copied().eq(1..=u64::try_from(numbers.len()).unwrap_or_default());
            sequences.values().filter(|numbers| !whole(numbers)).count()
        });
        let again = [TROUBLED, HEALTHY].into_iter().filter_map(|endpoint| self.receiver.look(endpoint, |took| took.again)).sum();
        Ok(Seen {
            alone: Latencies::new()?,
            beside_hanging: Latencies::new()?,
            beside_refusing: Latencies::new()?,
            events: all.len(),
            missing: missing_at(TROUBLED).unwrap_or(usize::MAX),
            missing_healthy: missing_at(HEALTHY).unwrap_or(usize::MAX),
            gaps: gaps.unwrap_or(usize::MAX),
            again,
            rate: 0,
            cpu_each: None,
            back_after: Duration::ZERO,
        })
    }
}

/// The names of all events that happened.
async fn events(server: &Server, progress: &mut (dyn Write + Send)) -> Result<BTreeSet<String>, Error> {
    // What is under way when a server is killed is finished by the next one.
    tokio::time::sleep(SETTLE).await;
    let (mut all, mut after, mut shop) = (BTreeSet::new(), String::new(), Shop::new(server.address));
    loop {
        let page = shop.must("listing events", &Call::Get(&format!("/v1/events?limit=100{after}"))).await?.json();
        let data = page.get("data").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        let ids = data.iter().filter_map(|event| event.get("id")?.as_str()).map(str::to_owned);
        let before = all.len();
        all.extend(ids);
        let last = data.last().and_then(|event| event.get("id")?.as_str());
        match last {
            Some(last) if page.get("has_more").and_then(serde_json::Value::as_bool) == Some(true) && all.len() > before => {
                after = format!("&starting_after={last}");
            }
            _ => {
                writeln!(progress, "{} events are in the store", all.len())?;
                return Ok(all);
            }
        }
    }
}
