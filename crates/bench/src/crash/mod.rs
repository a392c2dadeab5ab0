//! Kills the server in the middle of its work, again and again, and compares what it told its clients with what
//! it kept.
//!
//! Clients act on objects of their own, one request after another, each under an idempotency key of its own, and
//! write down what they sent and what they were told. After a restart:
//! - everything acknowledged is there with the acknowledged values; only what was `processing` may have moved on;
//! - every key used before, repeated, gives the very same answer; a key without an answer gives its first outcome;
//! - no key has made two payments, two refunds or two customers;
//! - nothing is `processing` beyond the recovery pause;
//! - the bank's books equal ours, and `bursar verify` passes.
//!
//! A bank beside the server falls too: while the server goes on, or together with it. Before a blow the disk may fail for
//! a while, or a process stand still ([`Fault`]); the blow falls in the middle of that or after it, and may be a power cut.
//!
//! What is done is chosen by a seed; when exactly the blow falls within a request is up to the machine.
//! Absent on purpose: knowledge of the server's inside, but for the name of its store's file.

mod audit;
mod campaign;
mod client;
mod disk;
mod plan;
mod process;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::Error;

pub use campaign::{Plan, Summary, run};
pub use process::{Bank, Binary};

/// Findings of each kind that are kept in full; beyond that they are only counted.
const FINDINGS_KEPT: usize = 10;

/// Money that a bank moved, by currency, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books(pub BTreeMap<String, Moved>);

/// Money moved in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Taken from buyers.
    pub captured: i64,
    /// Given back to them.
    pub refunded: i64,
}

impl Books {
    /// Adds movements of a currency.
    pub fn add(&mut self, currency: &str, captured: i64, refunded: i64) {
        let moved = self.0.entry(currency.to_owned()).or_default();
        moved.captured = moved.captured.saturating_add(captured);
        moved.refunded = moved.refunded.saturating_add(refunded);
    }
}

/// What goes wrong for a while, besides blows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Fault {
    /// Syncs of the store fail at random (EIO), and what they were to keep is lost in the next power cut.
    Sync,
    /// The store's disk is full (ENOSPC).
    Space,
    /// The blow is a power cut: what the store had not synced is lost.
    Power,
    /// The server stands still (SIGSTOP).
    Pause,
    /// The bank beside it stands still.
    BankPause,
}

impl Fault {
    /// Each there is.
    pub const ALL: [Self; 5] = [Self::Sync, Self::Space, Self::Power, Self::Pause, Self::BankPause];
}

/// A server that can be killed.
pub trait Victim {
    /// Where it listens, whenever it runs.
    fn address(&self) -> SocketAddr;
    /// Starts it and waits until it is ready; then its bank, if that does not run.
    fn start(&mut self) -> impl Future<Output = Result<(), Error>>;
    /// Starts it and kills it after that time, ready or not.
    fn start_and_kill(&mut self, after: Duration) -> impl Future<Output = Result<(), Error>>;
    /// Kills it, and with it a bank inside it.
    fn kill(&mut self) -> impl Future<Output = Result<(), Error>>;
    /// Whether its bank is a server of its own.
    fn has_bank_beside(&self) -> bool;
    /// Starts the bank beside it.
    fn start_bank(&mut self) -> impl Future<Output = Result<(), Error>>;
    /// Kills the bank beside it.
    fn kill_bank(&mut self) -> impl Future<Output = Result<(), Error>>;
    /// Begins a fault.
    ///
    /// # Errors
    /// If the system refuses.
    fn begin_fault(&mut self, fault: Fault) -> Result<(), Error>;
    /// Ends a fault, the server killed or not; whether anything met with it.
    ///
    /// # Errors
    /// If the system refuses.
    fn end_fault(&mut self, fault: Fault) -> Result<bool, Error>;
    /// Lets it finish.
    fn stop(&mut self) -> impl Future<Output = Result<(), Error>>;
    /// Lets it check its own books, and compare them with the bank's operation by operation, while it is stopped; the
    /// differences found.
    fn verify(&mut self) -> impl Future<Output = Result<Vec<String>, Error>>;
    /// The books of its bank, while it is stopped.
    fn bank_books(&mut self) -> impl Future<Output = Result<Books, Error>>;
}

/// What was found to be wrong, by the promise that was broken.
#[derive(Clone, Debug, Default)]
pub struct Findings(BTreeMap<Promise, Broken>);

/// What the server promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Every request is understood and answered while the server runs.
    Answers,
    /// What was acknowledged is there, as it was acknowledged.
    Kept,
    /// A repeated key gives its first outcome, byte for byte.
    Replayed,
    /// A key makes one object at most, and objects come from keys only.
    Once,
    /// Nothing stays open beyond the recovery pause.
    Recovered,
    /// No more is given back than was taken, and all objects say the same.
    Limits,
    /// The bank's books equal ours.
    Bank,
    /// The server's own check passes.
    Verified,
}

#[derive(Clone, Debug, Default)]
struct Broken {
    first: Vec<String>,
    times: u64,
}

impl Findings {
    /// One more.
    pub fn add(&mut self, promise: Promise, finding: String) {
        let broken = self.0.entry(promise).or_default();
        broken.times = broken.times.saturating_add(1);
        if broken.first.len() < FINDINGS_KEPT {
            broken.first.push(finding);
        }
    }

    /// Another's as well.
    pub fn extend(&mut self, others: Self) {
        for (promise, more) in others.0 {
            let broken = self.0.entry(promise).or_default();
            broken.times = broken.times.saturating_add(more.times);
            let room = FINDINGS_KEPT.saturating_sub(broken.first.len());
            broken.first.extend(more.first.into_iter().take(room));
        }
    }

    /// How many.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().map(|broken| broken.times).fold(0, u64::saturating_add)
    }

    /// Each broken promise, how often it was broken, and the first of its findings.
    pub fn each(&self) -> impl Iterator<Item = (Promise, u64, &[String])> {
        self.0.iter().map(|(promise, broken)| (*promise, broken.times, broken.first.as_slice()))
    }
}
