//! A server process: the real platform with its background jobs, which ends anywhere and begins anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::scope::Scope;
use domain::time::Timestamp;
use parking_lot::Mutex;
use payments::jobs::seal::SETTLING_TIME;
use payments::leases::{BEAT, LEASE};
use payments::outcome::{Object, Outcome, Refused};
use payments::platform::TestCard;
use payments::ports::{Answer, Clock, Delivering, Entropy, Presenter, Rendering};
use payments::vault::Vault;
use payments::{Error, Parts, Platform};
use providers::simulator::{Simulator, test_cards};
use tokio::sync::Notify;

use crate::bank;
use crate::disk::{self, Disk};
use crate::receiver::{self, Receiver};
use crate::world::{Fault, World};

/// Between two rounds of a job, as in a server.
const JOB_PAUSE: Duration = Duration::from_secs(1);
/// The same once faults have stopped and nobody waits: most of a run's time by its own clock is spent there.
const QUIET_PAUSE: Duration = Duration::from_secs(10);
/// Between two looks at rows of the audit trail, as in a server.
const SEAL_PAUSE: Duration = Duration::from_secs(10);
/// Old records are looked for seldom: the look reads all of them.
const LOOKS_BETWEEN_EXPIRIES: u32 = 600;
/// A process is back after at most so many milliseconds.
const LONGEST_OUTAGE_MS: u64 = 5_000;
/// As far as a clock jumps.
const HOUR_MS: i64 = 3_600_000;
/// As long as a buyer may take.
const DAY_MS: i64 = 24 * HOUR_MS;

/// A process's life: once it has ended, nothing in it goes on.
#[derive(Default)]
pub struct Life {
    ended: AtomicBool,
    end: Notify,
}

impl Life {
    /// Ends it.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.end.notify_one();
    }

    /// Goes on if it lives; otherwise never.
    pub async fn go_on(&self) {
        if self.ended.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

struct NodeClock {
    world: Arc<World>,
    skew_ms: Arc<AtomicI64>,
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        if self.world.happens(Fault::ClockJumps) {
            let jump = i64::try_from(self.world.below(2 * 3_600_000)).unwrap_or(0) - HOUR_MS;
            self.skew_ms.store(jump, Ordering::Relaxed);
        }
        self.world.now().plus_millis(self.skew_ms.load(Ordering::Relaxed))
    }
}

struct WorldEntropy(Arc<World>);

impl Entropy for WorldEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// Answers with the stored form of the object.
struct Plain;

#[async_trait]
impl Presenter for Plain {
    async fn present(&self, _: Scope, outcome: &Outcome, _: &Rendering) -> Result<Answer, Error> {
        let body = match &outcome.object {
            Object::Account(object) => serde_json::to_vec(object),
            Object::ApiKey(shown) => serde_json::to_vec(&shown.key),
            Object::AuditEntry(object) => serde_json::to_vec(object),
            Object::BalanceTransaction(object) => serde_json::to_vec(object),
            Object::Charge(object) => serde_json::to_vec(object),
            Object::Customer(object) => serde_json::to_vec(object),
            Object::Event(shown) => serde_json::to_vec(&shown.event),
            Object::PaymentIntent(object) => serde_json::to_vec(object),
            Object::PaymentMethod(object) => serde_json::to_vec(object),
            Object::Refund(object) => serde_json::to_vec(object),
            Object::SetupIntent(object) => serde_json::to_vec(object),
            Object::Token(object) => serde_json::to_vec(object),
            Object::User(shown) => serde_json::to_vec(&shown.user),
            Object::WebhookEndpoint(shown) => serde_json::to_vec(&shown.endpoint),
        };
        let status = match outcome.refused {
            Some(Refused::Card(_)) => 402,
            Some(Refused::Command(_)) => 400,
            None => 200,
        };
        Ok(Answer { status, body: body.map_err(|e| Error::Internal(e.to_string()))? })
    }
}

fn test_card(name: &str) -> Option<TestCard> {
    let card = test_cards::lookup(name)?;
    Some(TestCard { number: card.number, exp_month: 12, exp_year: 2040, cvc: "123" })
}

/// A place where a process runs, again and again.
pub struct Node {
    world: Arc<World>,
    disk: Arc<Disk>,
    bank: Arc<Simulator>,
    /// The shop's webhook endpoint, if it has one.
    receiver: Option<Arc<Receiver>>,
    skew_ms: Arc<AtomicI64>,
    /// `None` while no process runs.
    platform: Mutex<Option<Arc<Platform>>>,
}

impl Node {
    /// A place without a process yet.
    #[must_use]
    pub fn new(world: &Arc<World>, disk: &Arc<Disk>, bank: &Arc<Simulator>, receiver: Option<&Arc<Receiver>>) -> Self {
        Self {
            receiver: receiver.cloned(),
            world: Arc::clone(world),
            disk: Arc::clone(disk),
            bank: Arc::clone(bank),
            skew_ms: Arc::default(),
            platform: Mutex::new(None),
        }
    }

    /// A platform that begins now.
    ///
    /// # Errors
    /// The vault's key is not one: a defect.
    pub fn start(&self, life: &Arc<Life>) -> Result<Arc<Platform>, Error> {
        let entropy: Arc<dyn Entropy> = Arc::new(WorldEntropy(Arc::clone(&self.world)));
        let clock = Arc::new(NodeClock { world: Arc::clone(&self.world), skew_ms: Arc::clone(&self.skew_ms) });
        Ok(Arc::new(Platform::new(Parts {
            store: Arc::new(disk::Line::new(&self.disk, &self.world, life)),
            connectors: vec![Arc::new(bank::Line::new(&self.bank, &self.world, life))],
            clock,
            vault: Vault::new(&[1; 32], Arc::clone(&entropy))?,
            entropy,
            presenter: Arc::new(Plain),
            fingerprint_key: [2; 32],
            audit_signing_key: None,
            public_url: "https://pay.example".to_owned(),
            test_card,
            delivering: match &self.receiver {
                Some(receiver) => Delivering::WhenTold(Arc::new(receiver::Line::new(receiver, &self.world, life))),
                None => Delivering::Never,
            },
        })))
    }

    /// The process that runs here, if one does.
    pub fn platform(&self) -> Option<Arc<Platform>> {
        self.platform.lock().clone()
    }

    /// Sets the clock right.
    pub fn correct_clock(&self) {
        self.skew_ms.store(0, Ordering::Relaxed);
    }

    /// Sets the clock so far ahead that every buyer's time is over, by whatever clock they were asked.
    pub fn pass_a_day(&self) {
        self.skew_ms.fetch_add(DAY_MS + HOUR_MS, Ordering::Relaxed);
    }

    /// Runs processes here for ever: one ends, the next begins.
    pub async fn run(self: Arc<Self>) {
        loop {
            let life = Arc::new(Life::default());
            let Ok(platform) = self.start(&life) else { return };
            *self.platform.lock() = Some(Arc::clone(&platform));
            self.world.note("a process begins");
            // On the heap: the runtime moves a task about as it begins and ends, and these are large.
            let delivers = self.receiver.as_ref().map(|_| tokio::spawn(Box::pin(deliver(Arc::clone(&platform), Arc::clone(&self.world)))));
            let jobs = [
                tokio::spawn(Box::pin(recover(Arc::clone(&platform), Arc::clone(&self.world)))),
                tokio::spawn(Box::pin(tidy(Arc::clone(&platform), Arc::clone(&self.world)))),
                tokio::spawn(Box::pin(beat(Arc::clone(&platform), Arc::clone(&self.world)))),
                tokio::spawn(Box::pin(seal(platform))),
            ];
            life.end.notified().await;
            *self.platform.lock() = None;
            jobs.iter().chain(&delivers).for_each(tokio::task::JoinHandle::abort);
            self.world.note("a process ended");
            tokio::time::sleep(Duration::from_millis(self.world.below(LONGEST_OUTAGE_MS))).await;
        }
    }
}

async fn rest(world: &World) {
    tokio::time::sleep(if world.is_quiet() { QUIET_PAUSE } else { JOB_PAUSE }).await;
}

async fn recover(platform: Arc<Platform>, world: Arc<World>) {
    loop {
        // What cannot be read now can be in a moment.
        let _ = platform.recover_due().await;
        let _ = platform.look_after_waits().await;
        let _ = platform.listen_to_providers().await;
        rest(&world).await;
    }
}

async fn tidy(platform: Arc<Platform>, world: Arc<World>) {
    loop {
        let _ = platform.expire_idempotency().await;
        for _ in 0..LOOKS_BETWEEN_EXPIRIES {
            let _ = platform.checkpoint_balances().await;
            rest(&world).await;
        }
    }
}

async fn deliver(platform: Arc<Platform>, world: Arc<World>) {
    loop {
        let _ = platform.deliver_due().await;
        rest(&world).await;
    }
}

async fn beat(platform: Arc<Platform>, world: Arc<World>) {
    loop {
        let _ = platform.keep_leases().await;
        let silent = if world.happens(Fault::BeatsStop) { LEASE + LEASE } else { BEAT };
        tokio::time::sleep(silent).await;
    }
}

async fn seal(platform: Arc<Platform>) {
    loop {
        let _ = platform.seal_audit(SETTLING_TIME).await;
        tokio::time::sleep(SEAL_PAUSE).await;
    }
}
