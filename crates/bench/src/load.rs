//! The load itself: closed loop (each connection sends when it has its answer) and open loop (requests are due
//! at a fixed rate, whatever the server does).
//!
//! In the open loop a latency counts from the moment the request was due, so a stalled server cannot hide the
//! requests that would have been sent meanwhile. Only what falls between warm-up and end is counted.
//! Absent on purpose: retries. A request that fails is counted and the figure is not to be trusted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Error;
use crate::figures::{Latencies, per_second};
use crate::http::Connection;
use crate::process::Usage;
use crate::request::Caller;
use crate::workload::{Stock, Workload, Writer};

/// How long workers may take to hear the answers still due when the measurement is over.
const DRAIN: Duration = Duration::from_secs(20);
/// Pause after a broken connection, so that a dead server does not become a busy loop.
const BROKEN_PAUSE: Duration = Duration::from_millis(5);
/// The clock of arrivals wakes no oftener than this: it costs CPU that the server needs.
const ARRIVAL_TICK: Duration = Duration::from_micros(200);

/// How requests arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As fast as so many connections get answers.
    Closed {
        /// Connections.
        connections: u64,
    },
    /// At a fixed rate over a pool of connections.
    Open {
        /// Requests due in a second.
        per_second: u64,
        /// Connections: far more than should ever be busy at once.
        connections: u64,
    },
}

impl Arrival {
    const fn connections(self) -> u64 {
        match self {
            Self::Closed { connections } | Self::Open { connections, .. } => connections,
        }
    }
}

/// Whom to load, with what.
#[derive(Clone, Debug)]
pub struct Job {
    /// The server.
    pub address: SocketAddr,
    /// Its process, whose CPU time is counted.
    pub pid: Option<u32>,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// What is asked.
    pub workload: Workload,
    /// What is asked for.
    pub stock: Arc<Stock>,
    /// How requests arrive.
    pub arrival: Arrival,
    /// Not counted.
    pub warm_up: Duration,
    /// Counted.
    pub measured: Duration,
    /// Different from any other measurement on this server.
    pub run: String,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Length of the window.
    pub elapsed: Duration,
    /// 2xx answers in the window, and how long they took.
    pub latencies: Latencies,
    /// Other answers, at any time.
    pub refused: u64,
    /// Requests without an answer, at any time.
    pub broken: u64,
    /// 2xx answers at any time.
    pub accepted_ever: u64,
    /// CPU time of the server in the window.
    pub cpu: Option<Duration>,
    /// Peak resident memory of the server so far, in bytes.
    pub memory_peak: Option<u64>,
}

impl Measured {
    /// 2xx answers in a second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        per_second(self.latencies.count(), self.elapsed)
    }

    /// CPU time of the server for one answer.
    #[must_use]
    pub fn cpu_each(&self) -> Option<Duration> {
        self.cpu.and_then(|cpu| cpu.checked_div(u32::try_from(self.latencies.count()).ok()?))
    }

    /// Whether every request was accepted.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.refused == 0 && self.broken == 0
    }
}

struct Pace {
    started: Instant,
    interval_nanos: u64,
    due: Semaphore,
    taken: AtomicU64,
}

struct Shared {
    address: SocketAddr,
    window: (Instant, Instant),
    over: AtomicBool,
    pace: Option<Pace>,
}

struct Tally {
    latencies: Latencies,
    refused: u64,
    broken: u64,
    accepted: u64,
}

/// Runs one measurement.
///
/// # Errors
/// If a worker fails; failed requests are counted instead.
pub async fn run(job: &Job) -> Result<Measured, Error> {
    let started = Instant::now();
    let opens = started.checked_add(job.warm_up).unwrap_or(started);
    let ends = opens.checked_add(job.measured).unwrap_or(opens);
    let pace = match job.arrival {
        Arrival::Closed { .. } => None,
        Arrival::Open { per_second, .. } => Some(Pace {
            started,
            interval_nanos: 1_000_000_000_u64.checked_div(per_second).unwrap_or(1_000_000_000).max(1),
            due: Semaphore::new(0),
            taken: AtomicU64::new(0),
        }),
    };
    let shared = Arc::new(Shared { address: job.address, window: (opens, ends), over: AtomicBool::new(false), pace });
    let mut workers = JoinSet::new();
    for worker in 0..job.arrival.connections() {
        let writer = Writer::new(job.workload, job.caller.clone(), job.stock.clone(), &job.run, worker);
        workers.spawn(work(shared.clone(), writer));
    }
    let clock = shared.pace.is_some().then(|| {
        let shared = shared.clone();
        std::thread::spawn(move || tick(&shared))
    });

    tokio::time::sleep_until(opens.into()).await;
    let before = job.pid.and_then(Usage::of);
    tokio::time::sleep_until(ends.into()).await;
    let after = job.pid.and_then(Usage::of);
    shared.over.store(true, Ordering::Relaxed);
    if let Some(pace) = &shared.pace {
        pace.due.close();
    }

    let mut total = Tally { latencies: Latencies::new()?, refused: 0, broken: 0, accepted: 0 };
    let drained = tokio::time::timeout(DRAIN, async {
        while let Some(tally) = workers.join_next().await {
            let tally = tally.map_err(|_| Error::Worker)??;
            total.latencies.merge(&tally.latencies);
            total.refused = total.refused.saturating_add(tally.refused);
            total.broken = total.broken.saturating_add(tally.broken);
            total.accepted = total.accepted.saturating_add(tally.accepted);
        }
        Ok::<(), Error>(())
    })
    .await;
    match drained {
        Ok(result) => result?,
        Err(_) => return Err(Error::Stuck(DRAIN)),
    }
    if let Some(clock) = clock {
        clock.join().map_err(|_| Error::Worker)?;
    }
    Ok(Measured {
        elapsed: job.measured,
        latencies: total.latencies,
        refused: total.refused,
        broken: total.broken,
        accepted_ever: total.accepted,
        cpu: before.zip(after).map(|(before, after)| after.cpu.saturating_sub(before.cpu)),
        memory_peak: after.map(|usage| usage.memory_peak),
    })
}

/// Lets requests become due: on a thread of its own, because the runtime's timers are too coarse.
fn tick(shared: &Shared) {
    let Some(pace) = &shared.pace else { return };
    let mut released: u64 = 0;
    while !shared.over.load(Ordering::Relaxed) {
        let due = u64::try_from(pace.started.elapsed().as_nanos()).unwrap_or(u64::MAX).checked_div(pace.interval_nanos).unwrap_or(0);
        let fresh = due.saturating_sub(released);
        if fresh > 0 {
            pace.due.add_permits(usize::try_from(fresh).unwrap_or(0));
            released = due;
        }
        let next = Duration::from_nanos(pace.interval_nanos.saturating_mul(released.saturating_add(1)));
        std::thread::sleep(next.saturating_sub(pace.started.elapsed()).max(ARRIVAL_TICK));
    }
}

/// When the next request of this worker counts from; none when the measurement is over.
async fn next_start(shared: &Shared) -> Option<Instant> {
    if shared.over.load(Ordering::Relaxed) {
        return None;
    }
    let Some(pace) = &shared.pace else { return Some(Instant::now()) };
    pace.due.acquire().await.ok()?.forget();
    let turn = pace.taken.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    pace.started.checked_add(Duration::from_nanos(pace.interval_nanos.saturating_mul(turn)))
}

async fn work(shared: Arc<Shared>, mut writer: Writer) -> Result<Tally, Error> {
    let mut tally = Tally { latencies: Latencies::new()?, refused: 0, broken: 0, accepted: 0 };
    let mut connection = Connection::open(shared.address).await?;
    let mut request = Vec::new();
    let (opens, ends) = shared.window;
    while let Some(began) = next_start(&shared).await {
        writer.write_next(&mut request);
        match connection.exchange(&request).await {
            Ok(200..=299) => {
                let now = Instant::now();
                tally.accepted = tally.accepted.saturating_add(1);
                if now >= opens && now < ends {
                    tally.latencies.record(now.saturating_duration_since(began));
                }
            }
            Ok(_) => tally.refused = tally.refused.saturating_add(1),
            Err(_) => tally.broken = tally.broken.saturating_add(1),
        }
        if !connection.usable() {
            tokio::time::sleep(BROKEN_PAUSE).await;
            match Connection::open(shared.address).await {
                Ok(fresh) => connection = fresh,
                Err(_) => tally.broken = tally.broken.saturating_add(1),
            }
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests;
