//! `bursar-simulate`: runs seeds and says what they came to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::audit::declared;
use simulation::engine::Engine;
use simulation::run::{Outcome, Settings, run, run_on};
use store::Store as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Broken rules that are told of one run: the first say what went wrong, the rest follows from it.
const SHOWN: usize = 10;

/// Runs payments under simulated faults; exit 0 only if no rule was broken.
#[derive(Parser)]
#[command(name = "bursar-simulate", version)]
struct Cli {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    start: u64,
    /// Stop after so many minutes, however many seeds are left.
    #[arg(long)]
    minutes: Option<u64>,
    /// Orders in each run.
    #[arg(long, default_value_t = Settings::default().orders)]
    orders: u32,
    /// Stop once a rule was broken that is told in words with these among them.
    #[arg(long)]
    until: Option<String>,
    /// Run each seed twice and compare; with `--store`, the second time in memory.
    #[arg(long)]
    twice: bool,
    /// Run on what is kept there instead of in memory: sqlite:PATH, `postgres://`… or `dynamodb://`…, in which there must be
    /// nothing. For one seed.
    #[arg(long, conflicts_with = "minutes", value_name = "URL")]
    store: Option<String>,
    /// Show what happened in each run, also in those where nothing was wrong.
    #[arg(long)]
    trace: bool,
}

impl Cli {
    fn looks_for(&self, violation: &str) -> bool {
        self.until.as_ref().is_some_and(|rule| violation.contains(rule))
    }
}

#[derive(Default)]
struct Sums {
    seeds: u64,
    failed: u64,
    payments: u64,
    faults: BTreeMap<String, u64>,
    edges: BTreeSet<simulation::audit::Edge>,
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let end = cli.minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes.saturating_mul(60)));
    let mut sums = Sums::default();
    for seed in cli.start..cli.start.saturating_add(cli.seeds) {
        if end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
        match one(seed, &cli) {
            Ok(outcome) => {
                sums.add(seed, &outcome, &cli);
                if outcome.violations.iter().any(|violation| cli.looks_for(violation)) {
                    break;
                }
            }
            Err(why) => {
                sums.failed = sums.failed.saturating_add(1);
                say(&format!("seed {seed}: {why}"));
            }
        }
    }
    sums.tell();
    if sums.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, cli: &Cli) -> Result<Outcome, String> {
    let mut settings = Settings { orders: cli.orders, alone: false };
    let outcome = match &cli.store {
        Some(address) => {
            let engine = Arc::new(Engine::open(address)?);
            settings.alone = !engine.is_shared();
            run_on(engine, seed, settings)?
        }
        None => run(seed, settings)?,
    };
    if cli.twice && run(seed, settings)?.digest != outcome.digest {
        return Err("two runs of it differ".to_owned());
    }
    Ok(outcome)
}

impl Sums {
    fn add(&mut self, seed: u64, outcome: &Outcome, cli: &Cli) {
        self.seeds = self.seeds.saturating_add(1);
        self.payments = self.payments.saturating_add(outcome.payments);
        for (fault, count) in &outcome.faults {
            let sum = self.faults.entry(format!("{fault:?}")).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.edges.extend(outcome.edges.iter().cloned());
        let broken = !outcome.violations.is_empty();
        if broken || cli.trace {
            outcome.trace.iter().for_each(|line| say(line));
        }
        if broken {
            self.failed = self.failed.saturating_add(1);
            say(&format!("seed {seed} broke {} rules:", outcome.violations.len()));
            // What is looked for comes first: a run that broke many rules tells only some.
            let (sought, others): (Vec<_>, Vec<_>) = outcome.violations.iter().partition(|violation| cli.looks_for(violation));
            sought.iter().chain(&others).take(SHOWN).for_each(|violation| say(&format!("  {violation}")));
            say(&format!("again: bursar-simulate --start {seed} --seeds 1"));
        }
    }

    fn tell(&self) {
        let declared = declared();
        for (fault, count) in &self.faults {
            say(&format!("{count:>9} {fault}"));
        }
        for (machine, from, to) in declared.difference(&self.edges) {
            say(&format!("not taken: {machine} {from} -> {to}"));
        }
        let faults: u64 = self.faults.values().sum();
        let taken = declared.intersection(&self.edges).count();
        say(&format!(
            "{} seeds, {} payments, {faults} faults, {taken} of {} edges taken, {} seeds broke a rule",
            self.seeds,
            self.payments,
            declared.len(),
            self.failed
        ));
    }
}
