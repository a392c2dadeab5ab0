//! A shop's webhook endpoint, and each process's way to it: it fails, is down for minutes, or takes what it is told and is not
//! heard to say so. What it took, it remembers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::scope::Mode;
use domain::webhook_delivery::{Failure, Told};
use parking_lot::Mutex;
use payments::ports::{Courier, Parcel};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::Instant;

use crate::node::Life;
use crate::world::{Fault, World};

/// What is at the endpoint's address.
pub const URL: &str = "https://shop.example/hooks";
/// How long a process waits for an answer that does not come.
const DEADLINE: Duration = Duration::from_secs(25);
/// An endpoint that goes down is back after at most so long.
const LONGEST_OUTAGE: u64 = 900;
/// So often in a thousand attempts each fault happens: far more often than payments have theirs.
const FAULTS_IN_A_THOUSAND: u32 = 60;

/// The endpoint. Its randomness is its own, so that runs without one are what they are.
pub struct Receiver {
    rng: Mutex<StdRng>,
    down_until: Mutex<Option<Instant>>,
    took: Mutex<BTreeSet<String>>,
}

impl Receiver {
    /// Of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(!seed)), down_until: Mutex::default(), took: Mutex::default() }
    }

    /// The names of the events that it took.
    pub fn took(&self) -> BTreeSet<String> {
        self.took.lock().clone()
    }

    fn happens(&self, world: &World, fault: Fault) -> bool {
        let happens = !world.is_quiet() && self.rng.lock().random_ratio(FAULTS_IN_A_THOUSAND, 1_000);
        if happens {
            world.count(fault);
        }
        happens
    }

    fn is_down(&self, world: &World) -> bool {
        if self.happens(world, Fault::EndpointDown) {
            let outage = Duration::from_secs(self.rng.lock().random_range(0..LONGEST_OUTAGE));
            *self.down_until.lock() = Instant::now().checked_add(outage);
        }
        !world.is_quiet() && self.down_until.lock().is_some_and(|until| until > Instant::now())
    }
}

/// One process's way to the endpoint.
pub struct Line {
    receiver: Arc<Receiver>,
    world: Arc<World>,
    life: Arc<Life>,
}

impl Line {
    /// Of a process with that life.
    #[must_use]
    pub fn new(receiver: &Arc<Receiver>, world: &Arc<World>, life: &Arc<Life>) -> Self {
        Self { receiver: Arc::clone(receiver), world: Arc::clone(world), life: Arc::clone(life) }
    }
}

#[async_trait]
impl Courier for Line {
    fn check(&self, _: &str, _: Mode) -> Result<(), String> {
        Ok(())
    }

    async fn post(&self, parcel: Parcel<'_>) -> Told {
        self.life.go_on().await;
        self.world.pause().await;
        self.life.go_on().await;
        if self.receiver.is_down(&self.world) {
            return Told::Failed(Failure::ConnectionFailed);
        }
        if self.receiver.happens(&self.world, Fault::EndpointRefuses) {
            return Told::Answered { status: 500, head: String::new() };
        }
        let event = parcel.headers.iter().find(|(name, _)| *name == "webhook-id").map(|(_, value)| value.clone()).unwrap_or_default();
        self.world.note(format_args!("told: {event}"));
        self.receiver.took.lock().insert(event);
        if self.receiver.happens(&self.world, Fault::EndpointAnswerLost) {
            tokio::time::sleep(DEADLINE).await;
            self.life.go_on().await;
            return Told::Failed(Failure::TimedOut);
        }
        self.life.go_on().await;
        Told::Answered { status: 200, head: String::new() }
    }
}
