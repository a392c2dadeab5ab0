//! The course of a campaign: load, a fault for a while, blow, restart, audit; and sometimes another blow in the middle of
//! recovery.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::audit::{self, Subject};
use super::plan::World;
use super::{Fault, Findings, Promise, Victim, client};
use crate::Error;
use crate::rng::Rng;
use crate::target::caller;

/// How long it may recover before a blow in the middle of that, in milliseconds: before it is ready, or just after.
const BEFORE_BLOW_IN_RECOVERY: (u64, u64) = (0, 300);
/// Share of the blows that are followed by one in recovery.
const BLOWS_IN_RECOVERY_PERCENT: u64 = 35;
/// How long a bank that fell alone stays away, in milliseconds: shorter and longer than a request.
const BANK_AWAY: (u64, u64) = (20, 800);

/// Share of the blows that fall in the middle of a fault; the others fall as long after it as it took.
const BLOWS_IN_FAULT_PERCENT: u64 = 50;

/// A fault before a blow.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    fault: Fault,
    lasts: Duration,
    /// Whether it is over when the blow falls.
    passes: bool,
}

impl Trouble {
    /// Each in its turn, and every so often none.
    fn of_turn(turn: u32, faults: &[Fault], plan: &Plan, rng: &mut Rng) -> Option<Self> {
        let choices = u32::try_from(faults.len()).unwrap_or(u32::MAX).saturating_add(1);
        let fault = *faults.get(usize::try_from(turn.checked_rem(choices)?).ok()?)?;
        let (least, most) = match fault {
            Fault::Sync | Fault::Space => plan.disk_fails,
            Fault::Power => (0, 0),
            Fault::Pause | Fault::BankPause => plan.stands_still,
        };
        let lasts = Duration::from_millis(rng.between(least, most));
        let passes = fault != Fault::Power && !rng.percent(BLOWS_IN_FAULT_PERCENT);
        Some(Self { fault, lasts, passes })
    }
}

/// What becomes of a bank beside the server before the server is killed.
#[derive(Clone, Copy, Debug)]
enum BankFate {
    Stands,
    /// Killed and started again while the server goes on.
    FallsBefore {
        away: Duration,
    },
    /// Killed at the same time; the server is ready again before its bank is.
    FallsWith,
}

impl BankFate {
    /// Each in its turn, so that a short campaign sees all of them.
    fn of_turn(turn: u32, rng: &mut Rng) -> Self {
        match turn % 3 {
            0 => Self::FallsBefore { away: Duration::from_millis(rng.between(BANK_AWAY.0, BANK_AWAY.1)) },
            1 => Self::FallsWith,
            _ => Self::Stands,
        }
    }
}

/// One stretch of load and the blow at its end.
#[derive(Clone, Copy, Debug)]
struct Blow {
    after: Duration,
    trouble: Option<Trouble>,
    bank: BankFate,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides every choice.
    pub seed: u64,
    /// Blows.
    pub kills: u32,
    /// When to end, blows or not.
    pub time: Option<Duration>,
    /// What else goes wrong.
    pub faults: Vec<Fault>,
    /// How long the disk fails, in milliseconds: at least and at most.
    pub disk_fails: (u64, u64),
    /// How long a process stands still, in milliseconds: at least and at most.
    pub stands_still: (u64, u64),
    /// Clients.
    pub clients: u64,
    /// Payment methods to pay with; the first is the plain one.
    pub cards: Vec<String>,
    /// How long the server is under load before a blow, in milliseconds: at least and at most.
    pub before_blow: (u64, u64),
    /// When after a restart nothing may be open any more.
    pub recovery: Duration,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Blows.
    pub kills: u32,
    /// Of them in the middle of recovery.
    pub kills_in_recovery: u32,
    /// Blows on a bank beside the server.
    pub bank_kills: u32,
    /// How often each fault was brought about and met with something.
    pub faults: BTreeMap<Fault, u32>,
    /// Audits that were made.
    pub audits: u32,
    /// Keys used.
    pub keys: u64,
    /// Keys whose request had no answer when the server was killed.
    pub keys_unanswered: u64,
    /// Keys repeated, over all audits.
    pub replays: u64,
    /// Payments in the end.
    pub payments: u64,
    /// The longest time from a restart until nothing was open.
    pub recovery_longest: Duration,
    /// What was wrong.
    pub findings: Findings,
}

impl Summary {
    fn end_fault<V: Victim>(&mut self, victim: &mut V, fault: Fault) -> Result<(), Error> {
        let met = victim.end_fault(fault)?;
        let times = self.faults.entry(fault).or_default();
        *times = times.saturating_add(u32::from(met));
        Ok(())
    }
}

/// Runs a campaign against a victim; it is stopped afterwards.
///
/// # Errors
/// If the server cannot be run or asked at all; what it does wrong are findings.
pub async fn run<V: Victim>(victim: &mut V, plan: &Plan, progress: &mut dyn Write) -> Result<Summary, Error> {
    let mut rng = Rng::fork(plan.seed, u64::MAX);
    let mut summary = Summary::default();
    let mut worlds: Vec<World> = (0..plan.clients).map(|number| World::new(plan.seed, number, &plan.cards)).collect();
    // A fault of a bank that is not there would be none.
    let beside = victim.has_bank_beside();
    let faults: Vec<Fault> = plan.faults.iter().copied().filter(|fault| beside || *fault != Fault::BankPause).collect();
    let began = Instant::now();
    let is_over = |kills: u32| kills >= plan.kills || plan.time.is_some_and(|time| began.elapsed() >= time);
    victim.start().await?;
    loop {
        let trouble = Trouble::of_turn(summary.audits, &faults, plan, &mut rng);
        let after = Duration::from_millis(rng.between(plan.before_blow.0, plan.before_blow.1));
        let bank = if beside { BankFate::of_turn(summary.audits, &mut rng) } else { BankFate::Stands };
        worlds = load_and_kill(victim, worlds, Blow { after, trouble, bank }, &mut summary).await?;
        while summary.kills < plan.kills && rng.percent(BLOWS_IN_RECOVERY_PERCENT) {
            let after = Duration::from_millis(rng.between(BEFORE_BLOW_IN_RECOVERY.0, BEFORE_BLOW_IN_RECOVERY.1));
            if rng.percent(50) {
                victim.start_and_kill(after).await?;
                summary.kills = summary.kills.saturating_add(1);
            } else {
                victim.start().await?;
                let trouble = Trouble::of_turn(summary.kills, &faults, plan, &mut rng);
                worlds = load_and_kill(victim, worlds, Blow { after, trouble, bank: BankFate::Stands }, &mut summary).await?;
            }
            summary.kills_in_recovery = summary.kills_in_recovery.saturating_add(1);
        }
        worlds = restart_and_audit(victim, plan, worlds, &mut summary).await?;
        writeln!(
            progress,
            "seed {}: {} of {} kills · {} payments · {} keys · {} findings",
            plan.seed,
            summary.kills,
            plan.kills,
            summary.payments,
            summary.keys,
            summary.findings.total()
        )?;
        if is_over(summary.kills) {
            return Ok(summary);
        }
        victim.start().await?;
    }
}

async fn load_and_kill<V: Victim>(victim: &mut V, worlds: Vec<World>, blow: Blow, summary: &mut Summary) -> Result<Vec<World>, Error> {
    let address = victim.address();
    let falling = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for (index, world) in worlds.into_iter().enumerate() {
        let work = client::work(world, address, caller(address), falling.clone());
        clients.spawn(async move { (index, work.await) });
    }
    tokio::time::sleep(blow.after).await;
    strike(victim, blow, &falling, summary).await?;
    let mut worlds = Vec::new();
    while let Some(done) = clients.join_next().await {
        let (index, (world, found)) = done.map_err(|_| Error::Worker)?;
        summary.findings.extend(found);
        worlds.push((index, world));
    }
    worlds.sort_by_key(|(index, _)| *index);
    let worlds: Vec<World> = worlds.into_iter().map(|(_, world)| world).collect();
    let unanswered = worlds.iter().filter(|world| world.records.last().is_some_and(|record| record.answer.is_none()));
    summary.keys_unanswered = summary.keys_unanswered.saturating_add(u64::try_from(unanswered.count()).unwrap_or(0));
    Ok(worlds)
}

/// Kills the server, and its bank if that is its fate, during or after a fault.
async fn strike<V: Victim>(victim: &mut V, blow: Blow, falling: &AtomicBool, summary: &mut Summary) -> Result<(), Error> {
    let bank = blow.bank;
    if let Some(Trouble { fault, lasts, passes }) = blow.trouble {
        victim.begin_fault(fault)?;
        tokio::time::sleep(lasts).await;
        if passes {
            summary.end_fault(victim, fault)?;
            tokio::time::sleep(lasts).await;
        }
    }
    if let BankFate::FallsBefore { away } = bank {
        victim.kill_bank().await?;
        summary.bank_kills = summary.bank_kills.saturating_add(1);
        tokio::time::sleep(away).await;
        victim.start_bank().await?;
        // As long again, so that what was interrupted may go on before the server falls.
        tokio::time::sleep(away).await;
    }
    falling.store(true, Ordering::Relaxed);
    victim.kill().await?;
    summary.kills = summary.kills.saturating_add(1);
    if let BankFate::FallsWith = bank {
        victim.kill_bank().await?;
        summary.bank_kills = summary.bank_kills.saturating_add(1);
    }
    match blow.trouble {
        Some(Trouble { fault, passes: false, .. }) => summary.end_fault(victim, fault),
        Some(_) | None => Ok(()),
    }
}

/// Restarts, audits, and leaves the server stopped.
async fn restart_and_audit<V: Victim>(victim: &mut V, plan: &Plan, worlds: Vec<World>, summary: &mut Summary) -> Result<Vec<World>, Error> {
    victim.start().await?;
    let address = victim.address();
    let began = Instant::now();
    let deadline = began.checked_add(plan.recovery).unwrap_or(began);
    let subject = Subject { address, caller: caller(address), deadline };
    let findings = &mut summary.findings;
    let worlds = audit::replay_all(&subject, worlds, findings).await?;
    let found = audit::settled(&subject, findings).await?;
    summary.recovery_longest = summary.recovery_longest.max(began.elapsed());
    audit::compare(&worlds, &found, findings);
    victim.stop().await?;
    let (bank, ours) = (victim.bank_books().await?, found.books());
    if bank != ours {
        findings.add(Promise::Bank, format!("the bank's books say {bank:?}, ours say {ours:?}"));
    }
    for difference in victim.verify().await? {
        findings.add(Promise::Verified, difference);
    }
    summary.audits = summary.audits.saturating_add(1);
    summary.payments = found.payments();
    summary.keys = worlds.iter().map(|world| u64::try_from(world.records.len()).unwrap_or(0)).sum();
    summary.replays = summary.replays.saturating_add(summary.keys);
    Ok(worlds)
}
