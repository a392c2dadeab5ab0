//! The course of a campaign: load, blow, restart, audit; and sometimes another blow in the middle of recovery.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::audit::{self, Subject};
use super::plan::World;
use super::{Findings, Promise, Victim, client};
use crate::Error;
use crate::rng::Rng;
use crate::target::caller;

/// How long it may recover before a blow in the middle of that, in milliseconds: before it is ready, or just after.
const BEFORE_BLOW_IN_RECOVERY: (u64, u64) = (0, 300);
/// Share of the blows that are followed by one in recovery.
const BLOWS_IN_RECOVERY_PERCENT: u64 = 35;
/// How long a bank that fell alone stays away, in milliseconds: shorter and longer than a request.
const BANK_AWAY: (u64, u64) = (20, 800);

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
    bank: BankFate,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides every choice.
    pub seed: u64,
    /// Blows.
    pub kills: u32,
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

/// Runs a campaign against a victim; it is stopped afterwards.
///
/// # Errors
/// If the server cannot be run or asked at all; what it does wrong are findings.
pub async fn run<V: Victim>(victim: &mut V, plan: &Plan, progress: &mut dyn Write) -> Result<Summary, Error> {
    let mut rng = Rng::fork(plan.seed, u64::MAX);
    let mut summary = Summary::default();
    let mut worlds: Vec<World> = (0..plan.clients).map(|number| World::new(plan.seed, number, &plan.cards)).collect();
    victim.start().await?;
    while summary.kills < plan.kills {
        let after = Duration::from_millis(rng.between(plan.before_blow.0, plan.before_blow.1));
        let bank = if victim.has_bank_beside() { BankFate::of_turn(summary.audits, &mut rng) } else { BankFate::Stands };
        worlds = load_and_kill(victim, worlds, Blow { after, bank }, &mut summary).await?;
        while summary.kills < plan.kills && rng.percent(BLOWS_IN_RECOVERY_PERCENT) {
            let after = Duration::from_millis(rng.between(BEFORE_BLOW_IN_RECOVERY.0, BEFORE_BLOW_IN_RECOVERY.1));
            if rng.percent(50) {
                victim.start_and_kill(after).await?;
                summary.kills = summary.kills.saturating_add(1);
            } else {
                victim.start().await?;
                worlds = load_and_kill(victim, worlds, Blow { after, bank: BankFate::Stands }, &mut summary).await?;
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
        if summary.kills < plan.kills {
            victim.start().await?;
        }
    }
    Ok(summary)
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
    strike(victim, blow.bank, &falling, summary).await?;
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

/// Kills the server, and its bank if that is its fate.
async fn strike<V: Victim>(victim: &mut V, bank: BankFate, falling: &AtomicBool, summary: &mut Summary) -> Result<(), Error> {
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
    Ok(())
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
