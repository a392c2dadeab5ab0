//! What a run consists of besides the code under test: chance, time, faults, and the record of what happened.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::time::Timestamp;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio::time::Instant;

/// When every run begins, in milliseconds since 1970.
const BEGINNING: i64 = 1_900_000_000_000;
/// Lines of the trace that a failing run shows: the last thing that went wrong and what led to it.
const TRACE_LINES: usize = 400;
/// How likely each fault that a run has is, of a thousand chances.
const FAULTS_IN_A_THOUSAND: u32 = 25;

/// One run's world.
pub struct World {
    chance: Mutex<Chance>,
    began: Instant,
    quiet: AtomicBool,
    counts: Mutex<BTreeMap<Fault, u64>>,
    trace: Mutex<Trace>,
    violations: Mutex<Vec<String>>,
}

/// What can go wrong around the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A process ends before a commit reaches the store.
    CrashBeforeCommit,
    /// A process ends after a commit has landed and before it hears so.
    CrashAfterCommit,
    /// A process ends between two reads.
    CrashAtRead,
    /// A process ends before its request reaches the provider.
    CrashBeforeProvider,
    /// A process ends after the provider has done what it was asked, before the answer.
    CrashAfterProvider,
    /// The store is busy.
    StoreBusy,
    /// The store certainly did not commit.
    StoreRefuses,
    /// The commit landed and nobody is told.
    CommitAnswerLost,
    /// The commit did not land and nobody can tell.
    CommitLost,
    /// The store cannot be read.
    StoreUnreadable,
    /// A request does not reach the provider.
    RequestLost,
    /// The provider's answer does not come.
    AnswerLost,
    /// The provider answers with a failure of its own, having done nothing.
    ProviderFails,
    /// The provider's answer cannot be read.
    AnswerUnreadable,
    /// A request reaches the provider twice.
    RequestTwice,
    /// A question to the provider is not answered.
    QueryFails,
    /// A process's clock jumps, by up to an hour in either direction.
    ClockJumps,
    /// An answer takes very long.
    Slow,
    /// A process goes on with its jobs and does not show that it lives.
    BeatsStop,
    /// A shop's webhook endpoint cannot be reached for a while.
    EndpointDown,
    /// It does not take what it is told.
    EndpointRefuses,
    /// It takes what it is told, and its answer does not come.
    EndpointAnswerLost,
}

impl Fault {
    /// Its place in a set of faults.
    const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Every fault that a run may have; those of endpoints, a run with one has.
    pub const ALL: [Self; 19] = [
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::CrashAtRead,
        Self::CrashBeforeProvider,
        Self::CrashAfterProvider,
        Self::StoreBusy,
        Self::StoreRefuses,
        Self::CommitAnswerLost,
        Self::CommitLost,
        Self::StoreUnreadable,
        Self::RequestLost,
        Self::AnswerLost,
        Self::ProviderFails,
        Self::AnswerUnreadable,
        Self::RequestTwice,
        Self::QueryFails,
        Self::ClockJumps,
        Self::Slow,
        Self::BeatsStop,
    ];
}

/// What happens by chance.
struct Chance {
    rng: StdRng,
    /// The kinds of faults this run has; none once faults have stopped. A bit each: it is asked for several with each call.
    faults: u32,
}

#[derive(Default)]
struct Trace {
    /// When, in milliseconds since the run began, and what.
    lines: std::collections::VecDeque<(u128, String)>,
    hash: DefaultHasher,
}

impl World {
    /// The world of a seed. Each run has about half of the faults, so that runs differ in kind and not only in detail.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let faults = Fault::ALL.into_iter().filter(|_| rng.random_ratio(1, 2)).fold(0, |faults, fault| faults | fault.bit());
        Self {
            chance: Mutex::new(Chance { rng, faults }),
            began: Instant::now(),
            quiet: AtomicBool::new(false),
            counts: Mutex::default(),
            trace: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    /// The true time.
    pub fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(BEGINNING.saturating_add(elapsed))
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.chance.lock().rng.random_range(0..bound.max(1))
    }

    /// Whether one of `of` chances falls.
    pub fn one_in(&self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// One of some things.
    pub fn one_of<T: Copy>(&self, things: &[T]) -> Option<T> {
        let index = usize::try_from(self.below(u64::try_from(things.len()).unwrap_or(1))).unwrap_or(0);
        things.get(index).copied()
    }

    /// Random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.chance.lock().rng.fill_bytes(bytes);
    }

    /// Whether that fault happens here and now.
    pub fn happens(&self, fault: Fault) -> bool {
        let happens = {
            let mut chance = self.chance.lock();
            chance.faults & fault.bit() != 0 && chance.rng.random_range(0..1_000_u64) < u64::from(FAULTS_IN_A_THOUSAND)
        };
        if happens {
            self.count(fault);
        }
        happens
    }

    /// Counts a fault.
    pub fn count(&self, fault: Fault) {
        self.note(format_args!("fault: {fault:?}"));
        let mut counts = self.counts.lock();
        let count = counts.entry(fault).or_default();
        *count = count.saturating_add(1);
    }

    /// No fault happens from here on.
    pub fn stop_faults(&self) {
        self.note("no more faults");
        self.chance.lock().faults = 0;
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// Whether faults have stopped.
    pub fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    /// How often each fault happened.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        self.counts.lock().clone()
    }

    /// Waits a moment, a little longer or shorter than others do: that is what mixes the order of things.
    pub async fn pause(&self) {
        let longest = if self.happens(Fault::Slow) { 20_000 } else { 12 };
        let millis = self.below(longest);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    /// Writes down what happens.
    pub fn note(&self, what: impl fmt::Display) {
        let elapsed = self.began.elapsed().as_millis();
        let mut trace = self.trace.lock();
        // Nearly all that is noted is only hashed: a line that nobody will see gives its room to the new one.
        let oldest = if trace.lines.len() < TRACE_LINES { None } else { trace.lines.pop_front() };
        let mut line = oldest.map_or_else(String::new, |(_, line)| line);
        line.clear();
        let _ = write!(line, "{what}");
        elapsed.hash(&mut trace.hash);
        line.hash(&mut trace.hash);
        trace.lines.push_back((elapsed, line));
    }

    /// A rule was broken.
    pub fn violation(&self, what: String) {
        self.note(format_args!("VIOLATION: {what}"));
        self.violations.lock().push(what);
    }

    /// The rules that were broken.
    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().clone()
    }

    /// The last lines of what happened.
    pub fn trace(&self) -> Vec<String> {
        self.trace.lock().lines.iter().map(|(elapsed, what)| format!("{elapsed:>9} ms  {what}")).collect()
    }

    /// A number that is the same for two runs in which the same things happened at the same times.
    pub fn digest(&self) -> u64 {
        self.trace.lock().hash.finish()
    }
}
