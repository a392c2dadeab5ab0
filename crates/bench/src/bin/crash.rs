//! `crash`: kills the server under load and checks what it remembers. Exit code 0 only if all of it is right.

use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bench::Error;
use bench::crash::{self, Bank, Binary, Fault, Plan, Summary};
use clap::Parser;
use providers::simulator::behaviour::{Behaviour, RefundBehaviour};
use providers::simulator::test_cards::test_methods;

/// How long the server is under load before a blow, in milliseconds: long enough for a few hundred requests.
const BEFORE_BLOW: (u64, u64) = (200, 1_500);

/// How long the disk fails, in milliseconds: some dozens of commits.
const DISK_FAILS: (u64, u64) = (100, 1_200);
/// How long a process stands still, in milliseconds: less than the server waits for its bank; that its limit passes is
/// what some of the cards bring about.
const STANDS_STILL: (u64, u64) = (500, 4_000);
/// Blows, unless a time is given.
const KILLS: u32 = 20;

/// Kills Bursar under load, again and again, and compares what it told its clients with what it kept.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The binary to kill.
    #[arg(long, default_value = "target/release/bursar")]
    bursar: PathBuf,
    /// Where temporary stores are made.
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// Decides what is done; printed, so that a run can be repeated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Blows: the first half with the bank inside the server, the second with the bank beside it. 20, unless minutes are
    /// given.
    #[arg(long)]
    kills: Option<u32>,
    /// The end after so many minutes if not after so many blows.
    #[arg(long)]
    minutes: Option<u64>,
    /// What goes wrong beside the blows.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_values_t = Fault::ALL)]
    faults: Vec<Fault>,
    /// Clients at work at the same time.
    #[arg(long, default_value_t = 16)]
    clients: u64,
    /// Seconds after a restart when nothing may be open any more: more than the longest pause between two questions to a
    /// bank, a minute, which what was unknown through several blows may have come to.
    #[arg(long, default_value_t = 90)]
    recovery_seconds: u64,
    /// Payment methods to pay with; most of the payments take the first.
    #[arg(long, value_delimiter = ',', default_values_t = default_cards())]
    cards: Vec<String>,
    /// Leave stores and logs where they are when something is wrong.
    #[arg(long)]
    keep: bool,
}

fn default_cards() -> Vec<String> {
    let plain = [
        "pm_card_visa",
        "pm_card_mastercard",
        "pm_card_amex",
        "pm_card_visa_chargeDeclined",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "pm_card_authenticationRequired",
    ];
    let misbehaving = test_methods().filter(|(name, card)| name.starts_with("pm_") && misbehaves(card.behaviour));
    plain.map(str::to_owned).into_iter().chain(misbehaving.map(|(name, _)| name)).collect()
}

/// Whether a card makes the bank misbehave, or its refunds end later. Not those whose refunds fail after they
/// succeeded: what was acknowledged may then change, and the audit could not tell that from a loss.
const fn misbehaves(behaviour: Behaviour) -> bool {
    match behaviour {
        Behaviour::Fault { .. } => true,
        Behaviour::Refund(refund) => !matches!(refund, RefundBehaviour::SucceedsThenFails),
        Behaviour::Approve
        | Behaviour::Checks(_)
        | Behaviour::Decline(_)
        | Behaviour::DeclineIfCvcSent
        | Behaviour::DeclineCharge(_)
        | Behaviour::ThreeDSecure(_) => false,
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let kills = cli.kills.unwrap_or(if cli.minutes.is_some() { u32::MAX } else { KILLS });
    let inside = kills.div_ceil(2);
    let half = cli.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)) / 2);
    let mut all_right = true;
    for (bank, kills, seed) in [(Bank::Inside, inside, cli.seed), (Bank::Beside, kills.saturating_sub(inside), cli.seed.wrapping_add(1))] {
        if kills == 0 {
            continue;
        }
        let mut home = tempfile::Builder::new().prefix("crash-").tempdir_in(&cli.directory)?;
        let plan = Plan {
            seed,
            kills,
            time: half,
            faults: cli.faults.clone(),
            disk_fails: DISK_FAILS,
            stands_still: STANDS_STILL,
            clients: cli.clients,
            cards: cli.cards.clone(),
            before_blow: BEFORE_BLOW,
            recovery: Duration::from_secs(cli.recovery_seconds),
        };
        let done = runtime.block_on(campaign(&cli.bursar, home.path(), bank, &plan));
        let right = matches!(&done, Ok(summary) if summary.findings.total() == 0);
        all_right &= right;
        if !right && cli.keep {
            home.disable_cleanup(true);
            writeln!(stdout(), "stores and logs are kept in {}", home.path().display())?;
        }
        print(bank, &plan, &done?)?;
    }
    writeln!(stdout(), "{}", if all_right { "all of it is right" } else { "NOT RIGHT" })?;
    Ok(if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn campaign(program: &Path, home: &Path, bank: Bank, plan: &Plan) -> Result<Summary, Error> {
    let mut victim = Binary::prepare(program, home, bank).await?;
    let summary = crash::run(&mut victim, plan, &mut stderr()).await?;
    victim.finish().await?;
    Ok(summary)
}

fn print(bank: Bank, plan: &Plan, summary: &Summary) -> std::io::Result<()> {
    let place = match bank {
        Bank::Inside => "inside the server",
        Bank::Beside => "beside the server",
    };
    let mut out = stdout().lock();
    writeln!(out, "bank {place}, seed {}:", plan.seed)?;
    writeln!(
        out,
        "  {} kills, {} of them in recovery; {} of the bank; {} audits",
        summary.kills, summary.kills_in_recovery, summary.bank_kills, summary.audits
    )?;
    let faults: Vec<String> = summary.faults.iter().map(|(fault, times)| format!("{fault:?} {times}")).collect();
    writeln!(out, "  faults: {}", if faults.is_empty() { "none".to_owned() } else { faults.join(", ") })?;
    writeln!(
        out,
        "  {} keys, {} without an answer when the server was killed, {} repeated; {} payments",
        summary.keys, summary.keys_unanswered, summary.replays, summary.payments
    )?;
    writeln!(out, "  nothing open {} ms after a restart at the latest", summary.recovery_longest.as_millis())?;
    writeln!(out, "  {} findings", summary.findings.total())?;
    for (promise, times, first) in summary.findings.each() {
        writeln!(out, "  broken {times} times: {promise:?}")?;
        for finding in first {
            writeln!(out, "  - {finding}")?;
        }
    }
    Ok(())
}
